//! `softpos-fuzz [TARGET] [--runs N] [--seed S]`: feeds parsers mutated inputs; without a target all of them. What
//! `cargo xtask fuzz` runs.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints what it found"
)]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use softpos_fuzz::{Report, TARGETS, Target, input_after, run};

const USAGE: &str = "usage: cargo xtask fuzz [TARGET] [--runs N] [--seed S]";
/// How often is told how far a target is.
const PULSE: Duration = Duration::from_secs(20);

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
    let (mut runs, mut failures) = (0_u64, 0_u64);
    for target in &targets {
        let report = watch(target, &wishes);
        runs = runs.saturating_add(report.runs);
        println!(
            "{}: {} inputs, the slowest {:?}",
            target.name, report.runs, report.slowest
        );
        if let Some(said) = report.broken {
            failures = failures.saturating_add(1);
            tell(target, wishes.seed, report.runs, &said);
        }
    }
    println!("{} targets, {runs} runs, {failures} failures", targets.len());
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn tell(target: &Target, seed: u64, runs: u64, said: &str) {
    let input = hex::encode(input_after(target, seed, runs));
    println!(
        "BROKEN: {said}\ntarget: {}, seed: {seed}, input: {input}",
        target.name
    );
    println!(
        "again: cargo xtask fuzz {} --seed {seed} --runs {}",
        target.name,
        runs.saturating_add(1)
    );
}

/// Runs a target, says how far it is, and ends the program if it takes a whole pulse for one input.
fn watch(target: &'static Target, wishes: &Wishes) -> Report {
    let done = Arc::new(AtomicU64::new(0));
    let (tell_report, report) = channel();
    let (seed, runs, counted) = (wishes.seed, wishes.runs, Arc::clone(&done));
    thread::spawn(move || {
        // Nobody listens any more once the program ends.
        let _ = tell_report.send(run(target, seed, runs, &counted));
    });
    let mut before = None;
    loop {
        match report.recv_timeout(PULSE) {
            Ok(report) => return report,
            Err(why) => {
                let now = done.load(Ordering::Relaxed);
                if why == RecvTimeoutError::Disconnected || before.replace(now) == Some(now) {
                    tell(target, seed, now, "does not end");
                    std::process::exit(1);
                }
                eprintln!("{}: {now} of {runs} inputs", target.name);
            }
        }
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
