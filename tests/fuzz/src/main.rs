//! `softpos-fuzz [TARGET] [--seed N] [--runs M]`: feeds parsers mutated inputs; without a target all of them.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints what it found"
)]

use std::process::ExitCode;

use softpos_fuzz::{TARGETS, Target, run};

const USAGE: &str = "usage: softpos-fuzz [TARGET] [--seed N] [--runs M]";

struct Wishes {
    name: Option<String>,
    seed: u64,
    runs: u64,
}

fn main() -> ExitCode {
    let Some(wishes) = wishes(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let named = |target: &&Target| wishes.name.as_ref().is_none_or(|name| name == target.name);
    let targets: Vec<&Target> = TARGETS.iter().filter(named).collect();
    if targets.is_empty() {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("{USAGE}\ntargets: {}", names.join(", "));
        return ExitCode::from(2);
    }
    // A panic is told with its input.
    std::panic::set_hook(Box::new(|_| {}));
    let mut sound = true;
    for target in targets {
        let report = run(target, wishes.seed, wishes.runs);
        println!(
            "{}: {} inputs, the slowest {:?}",
            target.name, report.runs, report.slowest
        );
        if let Some((input, said)) = report.broken {
            sound = false;
            println!("BROKEN: {said}\ninput: {}", hex(&input));
        }
    }
    if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn wishes(arguments: impl Iterator<Item = String>) -> Option<Wishes> {
    let mut wishes = Wishes {
        name: None,
        seed: 1,
        runs: 100_000,
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seed" => wishes.seed = arguments.next()?.parse().ok()?,
            "--runs" => wishes.runs = arguments.next()?.parse().ok()?,
            name if !name.starts_with('-') && wishes.name.is_none() => wishes.name = Some(argument),
            _ => return None,
        }
    }
    Some(wishes)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}
