//! `softpos-fuzz TARGET|all INPUTS [SEED]`: many mutated inputs for one target or for all.

use std::io::{self, Write};
use std::process::ExitCode;

use softpos_fuzz::TARGETS;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Option<Vec<u64>> = arguments.iter().skip(1).map(|text| text.parse().ok()).collect();
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let (Some(name), Some((&inputs, seed))) = (
        arguments.first(),
        numbers.as_deref().and_then(<[u64]>::split_first),
    ) else {
        let _ = writeln!(err, "usage: softpos-fuzz TARGET|all INPUTS [SEED]");
        return ExitCode::from(2);
    };
    let seed = seed.first().copied().unwrap_or_default();
    let chosen: Vec<_> = TARGETS
        .iter()
        .filter(|target| name == "all" || name == target.name)
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        let _ = writeln!(err, "no such target; there are: {}", names.join(", "));
        return ExitCode::from(2);
    }
    for target in chosen {
        match target.attack(inputs, seed) {
            Ok(()) => {
                let _ = writeln!(out, "{}: {inputs} inputs, none broke a promise", target.name);
            }
            Err(broken) => {
                let _ = writeln!(
                    out,
                    "{}: input {} of seed {seed} broke a promise: {}",
                    target.name, broken.position, broken.input
                );
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
