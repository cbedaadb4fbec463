//! Hostile input for everything that parses bytes of cards.
//!
//! A target is a plain function of bytes that panics if a promise is broken; each has seeds, sound inputs from which
//! a seeded mutator makes unsound ones. The same seed gives the same inputs on every machine, so that a failing run
//! is repeated by its numbers. `softpos-fuzz TARGET INPUTS SEED` runs long, the tests run short.

#![forbid(unsafe_code)]

mod mutator;
mod parsers;
mod seeds;
mod taps;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::mutator::{Random, mutate};

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, as `tlv`.
    pub name: &'static str,
    /// Runs one input; panics if a promise is broken.
    pub run: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target("tlv", parsers::tlv, seeds::data_objects),
    target("dol", parsers::dol, seeds::lists),
    target("gpo", parsers::gpo, seeds::data_objects),
    target("records", parsers::records, seeds::records),
    target("apdu", parsers::apdu, seeds::commands),
    target("track2", parsers::track2, seeds::tracks),
    target("c2", taps::c2, seeds::mastercard),
    target("c3", taps::c3, seeds::visa),
    target("c4", taps::c4, seeds::american_express),
    target("c5", taps::c5, seeds::jcb),
    target("c6", taps::c6, seeds::discover),
    target("c7", taps::c7, seeds::unionpay),
    target("c8", taps::c8, seeds::common),
];

const fn target(name: &'static str, run: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, run, seeds }
}

/// An input that broke a promise.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken {
    /// How many inputs came before it.
    pub position: u64,
    /// The input, in hexadecimal.
    pub input: String,
}

impl Target {
    /// Runs the seeds as they are, then mutated ones, `inputs` in all.
    ///
    /// # Errors
    /// The first input that breaks a promise; what broke was written to the standard error by the panic.
    pub fn attack(&self, inputs: u64, seed: u64) -> Result<(), Broken> {
        let seeds = (self.seeds)();
        let mut random = Random::new(seed);
        for position in 0..inputs {
            let chosen = usize::try_from(position).unwrap_or(usize::MAX);
            let input = seeds.get(chosen).cloned().unwrap_or_else(|| {
                let mut bytes = seeds.get(random.below(seeds.len())).cloned().unwrap_or_default();
                mutate(&mut bytes, &mut random);
                bytes
            });
            if catch_unwind(AssertUnwindSafe(|| (self.run)(&input))).is_err() {
                let input = hex::encode_upper(&input);
                return Err(Broken { position, input });
            }
        }
        Ok(())
    }
}
