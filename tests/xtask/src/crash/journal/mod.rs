//! `cargo xtask crash journal`: the store under everything that happens to a phone, compared with what it said.
//!
//! Each round takes a folder, does one thing to it and opens it again. What was acknowledged must be there with the
//! content it had; what is gone must be named; the fold of what is there must count like the story does.

mod damage;
mod full;
mod kill;
mod power;
mod story;
mod verdict;

use std::path::Path;

use self::verdict::{Counts, Verdict};
use super::random::Random;
use crate::Failure;

pub(super) use self::kill::{WRITER, write_until_killed};

/// What can happen in a round, and how often it does.
type Round = fn(&Path, &mut Random) -> Result<Verdict, String>;
const ROUNDS: [(&str, Round); 10] = [
    ("kill -9", kill::killed),
    ("kill -9", kill::killed),
    ("power cut", power::cut),
    ("power cut", power::cut),
    ("power cut", power::cut),
    ("flipped bit", damage::flipped_bit),
    ("zeroed block", damage::zeroed_block),
    ("cut tail", damage::cut_tail),
    ("torn index", damage::torn_index),
    ("full disk", full::disk_full),
];

/// Runs the rounds; the last line says how they went.
pub(super) fn run(rounds: u64, seed: u64) -> Result<(), Failure> {
    let mut total = Counts::default();
    for round in 0..rounds {
        let seed = seed.wrapping_add(round);
        let (what, verdict) = one(seed).map_err(Failure::Failed)?;
        if !verdict.counts.is_clean() {
            println!("{what}: {verdict}");
            println!("replay: cargo xtask crash journal --rounds 1 --seed {seed}");
        }
        total.add(verdict.counts);
    }
    println!("{rounds} rounds, {total}");
    if total.is_clean() {
        Ok(())
    } else {
        Err(Failure::Failed("the journal did not keep its word".to_owned()))
    }
}

/// One round, as its seed says.
fn one(seed: u64) -> Result<(&'static str, Verdict), String> {
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (what, round) = random.pick(&ROUNDS).ok_or("no kinds of rounds")?;
    let verdict = round(&folder.path().join("store"), &mut random);
    Ok((
        what,
        verdict.map_err(|error| format!("{what}, seed {seed}: {error}"))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_round_keeps_the_word() {
        let folder = tempfile::tempdir().unwrap();
        for (number, (what, round)) in ROUNDS
            .iter()
            .enumerate()
            .filter(|(_, (what, _))| *what != "kill -9")
        {
            let dir = folder.path().join(number.to_string());
            let verdict = round(&dir, &mut Random::new(7)).unwrap();
            assert!(verdict.counts.is_clean(), "{what}: {verdict}");
        }
    }

    #[test]
    fn a_store_that_forgets_in_silence_is_caught() {
        let folder = tempfile::tempdir().unwrap();
        let verdict = damage::forgotten(&folder.path().join("store"), &mut Random::new(1)).unwrap();
        assert!(verdict.counts.lost > 0 && verdict.counts.silent > 0, "{verdict}");
    }
}
