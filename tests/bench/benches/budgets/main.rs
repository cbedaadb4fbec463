//! `cargo bench -p softpos-bench`: what softpos costs, beside its budgets and its peers in the same run.
//!
//! A word after `--` picks the sections whose name holds it, as `cargo bench -p softpos-bench -- sale`. The feature
//! `peers` sets `SQLite` beside the journal and other code libraries beside ours.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and what it cannot set up ends it"
)]

mod camera;
mod cards;
mod codes;
mod computing;
mod crossings;
mod drain;
mod enqueue;
mod instructions;
mod opening;
mod probes;
mod receipts;
mod sale;
mod shop;

use std::path::Path;
use std::time::Instant;

use softpos_bench::Machine;
use tempfile::TempDir;

/// A part of the report, and what fills it; the folder is its own and on the disk of the target folder.
type Section = (&'static str, fn(&Path));

const SECTIONS: &[Section] = &[
    ("computing", computing::run),
    ("instructions", instructions::run),
    ("cards", cards::run),
    ("codes", codes::run),
    ("receipts", receipts::run),
    ("enqueue", enqueue::run),
    ("sale", sale::run),
    ("crossings", crossings::run),
    ("drain", drain::run),
    ("opening", opening::run),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if opening::is_child(&arguments) || instructions::is_child(&arguments) {
        return;
    }
    // Cargo says so to benchmarks; a run of all tests starts this too and does not.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let wanted: Vec<_> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    // Not the system's folder for such files: that may be memory, where a sync costs nothing.
    let disk = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(disk).expect("the target's folder");
    println!("{}", Machine::with_disk_of(disk));
    if cfg!(debug_assertions) {
        println!("This build is not optimised: its figures say nothing.");
    }
    for (name, run) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str())) {
            println!("\n{name}");
            let folder = TempDir::new_in(disk).expect("a folder for the section");
            run(folder.path());
        }
    }
}

/// The clock of all measurements.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}
