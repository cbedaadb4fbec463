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

mod cards;
mod codes;
mod mutator;
mod parsers;
mod seeds;
mod taps;
mod transcript;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use softpos_emv::KernelId;

pub use mutator::{Alter, Mutator};

/// One parser under test.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, as `qr.mpm`.
    pub name: &'static str,
    /// Sound inputs to start from.
    pub corpus: fn() -> Vec<Vec<u8>>,
    /// How they are altered.
    pub alter: Alter,
    /// Takes any bytes.
    pub run: fn(&[u8]),
}

/// Every parser that is tried.
pub const TARGETS: &[Target] = &[
    Target {
        name: "qr.mpm",
        corpus: codes::merchants,
        alter: Mutator::alter,
        run: codes::mpm,
    },
    Target {
        name: "qr.cpm",
        corpus: codes::payers,
        alter: Mutator::alter,
        run: codes::cpm,
    },
    Target {
        name: "qr.recognise",
        corpus: codes::texts,
        alter: Mutator::alter,
        run: codes::recognise,
    },
    Target {
        name: "qr.picture",
        corpus: codes::pictures,
        alter: Mutator::alter,
        run: codes::picture,
    },
    Target {
        name: "qr.frame",
        corpus: codes::frames,
        alter: Mutator::alter,
        run: codes::frame,
    },
    Target {
        name: "card.tlv",
        corpus: seeds::data_objects,
        alter: Mutator::alter,
        run: parsers::tlv,
    },
    Target {
        name: "card.dol",
        corpus: seeds::lists,
        alter: Mutator::alter,
        run: parsers::dol,
    },
    Target {
        name: "card.gpo",
        corpus: seeds::data_objects,
        alter: Mutator::alter,
        run: parsers::gpo,
    },
    Target {
        name: "card.records",
        corpus: seeds::records,
        alter: Mutator::alter,
        run: parsers::records,
    },
    Target {
        name: "card.apdu",
        corpus: seeds::commands,
        alter: Mutator::alter,
        run: parsers::apdu,
    },
    Target {
        name: "card.track2",
        corpus: seeds::tracks,
        alter: Mutator::alter,
        run: parsers::track2,
    },
    Target {
        name: "card.issuer-answer",
        corpus: || vec![seeds::issuer_answer()],
        alter: Mutator::alter,
        run: parsers::issuer_answer,
    },
    Target {
        name: "kernel.2",
        corpus: || cards::taps(KernelId::C2),
        alter: transcript::alter,
        run: |bytes| drop(taps::tap(KernelId::C2, bytes)),
    },
    Target {
        name: "kernel.3",
        corpus: || cards::taps(KernelId::C3),
        alter: transcript::alter,
        run: |bytes| drop(taps::tap(KernelId::C3, bytes)),
    },
    Target {
        name: "kernel.4",
        corpus: || cards::taps(KernelId::C4),
        alter: transcript::alter,
        run: |bytes| drop(taps::tap(KernelId::C4, bytes)),
    },
    Target {
        name: "kernel.5",
        corpus: || cards::taps(KernelId::C5),
        alter: transcript::alter,
        run: |bytes| drop(taps::tap(KernelId::C5, bytes)),
    },
    Target {
        name: "kernel.6",
        corpus: || cards::taps(KernelId::C6),
        alter: transcript::alter,
        run: |bytes| drop(taps::tap(KernelId::C6, bytes)),
    },
    Target {
        name: "kernel.7",
        corpus: || cards::taps(KernelId::C7),
        alter: transcript::alter,
        run: |bytes| drop(taps::tap(KernelId::C7, bytes)),
    },
    Target {
        name: "kernel.8",
        corpus: || cards::taps(KernelId::C8),
        alter: transcript::alter,
        run: |bytes| drop(taps::tap(KernelId::C8, bytes)),
    },
];

/// What a run saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Inputs that went well.
    pub runs: u64,
    /// The slowest of them.
    pub slowest: Duration,
    /// What was said when the next one broke a promise.
    pub broken: Option<String>,
}

/// Feeds a target so many inputs, the sound ones first; `done` counts them for who watches.
pub fn run(target: &Target, seed: u64, runs: u64, done: &AtomicU64) -> Report {
    let mut mutator = Mutator::new(seed, (target.corpus)(), target.alter);
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
            report.broken = Some(said.unwrap_or_default());
            return report;
        }
        report.runs = report.runs.saturating_add(1);
        done.store(report.runs, Ordering::Relaxed);
    }
    report
}

/// The input behind so many others.
pub fn input_after(target: &Target, seed: u64, runs: u64) -> Vec<u8> {
    let mut mutator = Mutator::new(seed, (target.corpus)(), target.alter);
    for _ in 0..runs {
        mutator.next_input();
    }
    mutator.next_input()
}

#[expect(clippy::disallowed_methods, reason = "a run measures its slowest input")]
fn now() -> Instant {
    Instant::now()
}
