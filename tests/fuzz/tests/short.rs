//! The short form: every target, its seeds and some thousand mutated inputs.

#![allow(clippy::unwrap_used)]

use softpos_fuzz::TARGETS;

/// Inputs for each target: what a debug build does in some seconds.
const INPUTS: u64 = 3_000;

#[test]
fn no_target_breaks_a_promise() {
    for target in TARGETS {
        let broken = target.attack(INPUTS, 1);
        assert_eq!(broken, Ok(()), "{}", target.name);
    }
}
