//! Everything that parses foreign bytes, under mutated inputs.
//!
//! A target takes any bytes and must neither panic nor take long; what it promises beyond that it asserts itself. It
//! starts from sound inputs, which [`Mutator`] cuts, glues and alters. The same seed makes the same inputs, so that
//! a number is enough to see a failure again. A parser joins by a row in [`TARGETS`]; the functions take plain byte
//! slices, so that a coverage-guided fuzzer can call them as they are.

#![forbid(unsafe_code)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a broken promise ends the run, with its input"
)]

mod channel;
mod codes;
mod mutator;
mod parsers;
mod seeds;
mod taps;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

pub use mutator::Mutator;

/// One parser under test.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, as `qr.mpm`.
    pub name: &'static str,
    /// Sound inputs to start from.
    pub corpus: fn() -> Vec<Vec<u8>>,
    /// Takes any bytes.
    pub run: fn(&[u8]),
}

/// Every parser that is tried.
pub const TARGETS: &[Target] = &[
    Target {
        name: "qr.mpm",
        corpus: codes::merchants,
        run: codes::mpm,
    },
    Target {
        name: "qr.cpm",
        corpus: codes::payers,
        run: codes::cpm,
    },
    Target {
        name: "qr.recognise",
        corpus: codes::texts,
        run: codes::recognise,
    },
    Target {
        name: "qr.picture",
        corpus: codes::pictures,
        run: codes::picture,
    },
    Target {
        name: "qr.frame",
        corpus: codes::frames,
        run: codes::frame,
    },
    Target {
        name: "card.tlv",
        corpus: seeds::data_objects,
        run: parsers::tlv,
    },
    Target {
        name: "card.dol",
        corpus: seeds::lists,
        run: parsers::dol,
    },
    Target {
        name: "card.gpo",
        corpus: seeds::data_objects,
        run: parsers::gpo,
    },
    Target {
        name: "card.records",
        corpus: seeds::records,
        run: parsers::records,
    },
    Target {
        name: "card.apdu",
        corpus: seeds::commands,
        run: parsers::apdu,
    },
    Target {
        name: "card.track2",
        corpus: seeds::tracks,
        run: parsers::track2,
    },
    Target {
        name: "kernel.2",
        corpus: seeds::mastercard,
        run: taps::c2,
    },
    Target {
        name: "kernel.3",
        corpus: seeds::visa,
        run: taps::c3,
    },
    Target {
        name: "kernel.4",
        corpus: seeds::american_express,
        run: taps::c4,
    },
    Target {
        name: "kernel.5",
        corpus: seeds::jcb,
        run: taps::c5,
    },
    Target {
        name: "kernel.6",
        corpus: seeds::discover,
        run: taps::c6,
    },
    Target {
        name: "kernel.7",
        corpus: seeds::unionpay,
        run: taps::c7,
    },
    Target {
        name: "kernel.8",
        corpus: channel::taps,
        run: taps::c8,
    },
];

/// What a run saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Inputs that went well.
    pub runs: u64,
    /// The slowest of them.
    pub slowest: Duration,
    /// The input that broke a promise, and what was said.
    pub broken: Option<(Vec<u8>, String)>,
}

/// Feeds a target so many inputs, the sound ones first.
pub fn run(target: &Target, seed: u64, runs: u64) -> Report {
    let mut mutator = Mutator::new(seed, (target.corpus)());
    let mut report = Report {
        runs: 0,
        slowest: Duration::ZERO,
        broken: None,
    };
    while report.runs < runs {
        let input = mutator.next_input();
        let begun = now();
        let ran = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        report.slowest = report.slowest.max(begun.elapsed());
        if let Err(panic) = ran {
            let said = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
            report.broken = Some((input, said.unwrap_or_default()));
            return report;
        }
        report.runs = report.runs.saturating_add(1);
    }
    report
}

#[expect(clippy::disallowed_methods, reason = "a run measures its slowest input")]
fn now() -> Instant {
    Instant::now()
}
