//! `softpos-sim --seed N --steps M`: plays a story and prints what happened; with `--seeds COUNT` many of them,
//! and only those that went wrong.

use std::io::{self, Write};
use std::process::ExitCode;

use softpos_sim::{Faults, play, replay};

const USAGE: &str = "usage: softpos-sim [--seed N] [--seeds COUNT] [--steps M] [--hostile]";
/// How much of a long story is told when it went wrong.
const LAST_LINES: usize = 80;

struct Wishes {
    seed: u64,
    seeds: Option<u64>,
    steps: u32,
    hostile: bool,
}

fn main() -> ExitCode {
    let Some(wishes) = wishes(std::env::args().skip(1)) else {
        let _ = writeln!(io::stderr(), "{USAGE}");
        return ExitCode::from(2);
    };
    // A panic is told as part of its story.
    std::panic::set_hook(Box::new(|_| {}));
    match tell_all(&wishes, &mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

/// Whether all went well.
fn tell_all(wishes: &Wishes, out: &mut impl Write) -> io::Result<bool> {
    let mut well = true;
    for seed in wishes.seed..wishes.seed.saturating_add(wishes.seeds.unwrap_or(1)) {
        let faults = if wishes.hostile {
            Faults::hostile(seed)
        } else {
            Faults::of_seed(seed)
        };
        let story = play(seed, wishes.steps, &faults);
        let told = match (wishes.seeds, &story.broken) {
            (None, _) => story.lines.len(),
            (Some(_), Some(_)) => LAST_LINES,
            (Some(_), None) => 0,
        };
        for line in story.lines.iter().skip(story.lines.len().saturating_sub(told)) {
            writeln!(out, "{line}")?;
        }
        writeln!(
            out,
            "seed {seed}: {} payments, {} approved, {} power cuts, {} effects",
            story.payments, story.approved, story.cuts, story.effects
        )?;
        if let Some(broken) = story.broken {
            well = false;
            writeln!(
                out,
                "BROKEN: {broken}\nreplay: {}",
                replay(seed, wishes.steps, wishes.hostile)
            )?;
        }
    }
    Ok(well)
}

fn wishes(mut arguments: impl Iterator<Item = String>) -> Option<Wishes> {
    let mut wishes = Wishes {
        seed: 1,
        seeds: None,
        steps: 400,
        hostile: false,
    };
    while let Some(name) = arguments.next() {
        match name.as_str() {
            "--seed" => wishes.seed = arguments.next()?.parse().ok()?,
            "--seeds" => wishes.seeds = Some(arguments.next()?.parse().ok()?),
            "--steps" => wishes.steps = arguments.next()?.parse().ok()?,
            "--hostile" => wishes.hostile = true,
            _ => return None,
        }
    }
    Some(wishes)
}
