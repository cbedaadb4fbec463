//! What must hold before a change is taken.
//!
//! Lints, tests and documentation share the development profile and one choice of packages, so that dependencies
//! are built once; only the program that the demo and the crash loop run is built for release.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{Stopwatch, build, cargo, root, succeed};
use crate::{Failure, conformance, crash, deny, kotlin_test, swift_test, takes_none, voice_test};

/// A step: its name, how to run it alone, and what it does.
struct Step {
    name: &'static str,
    alone: &'static str,
    run: fn() -> Result<(), Failure>,
}

const STEPS: &[Step] = &[
    Step {
        name: "format",
        alone: "cargo fmt --all --check",
        run: format,
    },
    Step {
        name: "lints",
        alone: "cargo clippy --workspace --all-targets -- -D warnings",
        run: lints,
    },
    Step {
        name: "tests",
        alone: "cargo test --workspace",
        run: tests,
    },
    Step {
        name: "no-pictures",
        alone: "cargo test -p softpos-ffi --no-default-features --features sandbox without_pictures",
        run: without_pictures,
    },
    Step {
        name: "documentation",
        alone: "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps",
        run: documentation,
    },
    Step {
        name: "vectors",
        alone: "cargo run -q --release -p softpos-vectors -- FILE...",
        run: vectors,
    },
    Step {
        name: "conformance",
        alone: "cargo xtask conformance",
        run: || conformance::run(&[]),
    },
    Step {
        name: "dependencies",
        alone: "cargo xtask deny",
        run: || deny::run(&[]),
    },
    Step {
        name: "voice",
        alone: "cargo xtask voice-test",
        run: || voice_test::run(&[]),
    },
    Step {
        name: "kotlin",
        alone: "cargo xtask kotlin-test",
        run: || kotlin_test::run(&[]),
    },
    Step {
        name: "swift",
        alone: "cargo xtask swift-test",
        run: || swift_test::run(&[]),
    },
    Step {
        name: "program",
        alone: "cargo build --release -p softpos-cli",
        run: || crash::program().map(drop),
    },
    Step {
        name: "demo",
        alone: "target/release/softpos demo --seed 1 --json",
        run: crash::undisturbed,
    },
    Step {
        name: "crash-journal",
        alone: "cargo xtask crash journal --rounds 40",
        run: || crash::journal(40, 1),
    },
    Step {
        name: "crash",
        alone: "cargo xtask crash till --rounds 20",
        run: || crash::till(20, 1),
    },
];

/// Runs all steps, one after the other, and stops at the first that fails.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    takes_none(arguments)?;
    let whole = Stopwatch::start();
    let mut times = Vec::new();
    for (number, step) in (1..).zip(STEPS) {
        println!("\n== {number}/{} {}", STEPS.len(), step.name);
        let watch = Stopwatch::start();
        let result = (step.run)();
        let took = watch.elapsed();
        if let Err(Failure::Failed(why) | Failure::Usage(why)) = result {
            return Err(Failure::Failed(format!(
                "\nci: step {number} ({}) failed after {}: {why}\nalone: {}",
                step.name,
                seconds(took),
                step.alone
            )));
        }
        println!("== {} done in {}", step.name, seconds(took));
        times.push((step.name, took));
    }
    println!();
    for (name, took) in times {
        println!("{name:<16}{:>10}", seconds(took));
    }
    println!(
        "ci: all {} steps passed in {}",
        STEPS.len(),
        seconds(whole.elapsed())
    );
    Ok(())
}

fn format() -> Result<(), Failure> {
    succeed(&mut cargo(["fmt", "--all", "--check"]))
}

fn lints() -> Result<(), Failure> {
    succeed(&mut cargo([
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn tests() -> Result<(), Failure> {
    succeed(&mut cargo(["test", "--locked", "--workspace"]))
}

/// The library without the font, built on its own: together with the other packages it would have one.
fn without_pictures() -> Result<(), Failure> {
    succeed(&mut cargo([
        "test",
        "--locked",
        "-p",
        "softpos-ffi",
        "--no-default-features",
        "--features",
        "sandbox",
        "--test",
        "exported",
        "without_pictures",
    ]))
}

fn documentation() -> Result<(), Failure> {
    let mut doc = cargo(["doc", "--locked", "--workspace", "--no-deps"]);
    succeed(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The project's own vector files, and those of a folder `shared/vectors` beside the repository if there is one.
fn vectors() -> Result<(), Failure> {
    let mut files = vector_files(&root().join("tests/vectors/data"))?;
    if let Some(beside) = root().parent() {
        files.extend(vector_files(&beside.join("shared/vectors"))?);
    }
    if files.is_empty() {
        return Err(Failure::Failed(
            "tests/vectors/data holds no vector files".to_owned(),
        ));
    }
    // The same choice of packages as the steps before, so that nothing else is built again.
    let runner = build(&["--workspace", "--bins"], "softpos-vectors")?;
    succeed(Command::new(runner).args(files))
}

fn vector_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let names = fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<Vec<_>>>()
    });
    let mut files = names.map_err(|error| Failure::Failed(format!("{}: {error}", folder.display())))?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_files_are_the_json_files_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.json", "README.md", "a.json"] {
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        let files = vector_files(folder.path()).unwrap();
        assert_eq!(
            files,
            [folder.path().join("a.json"), folder.path().join("b.json")]
        );
        assert!(vector_files(&folder.path().join("none")).unwrap().is_empty());
    }

    #[test]
    fn times_are_shown_in_seconds() {
        assert_eq!(seconds(Duration::from_millis(12_340)), "12.3 s");
    }
}
