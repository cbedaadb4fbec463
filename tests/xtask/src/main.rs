//! The project's chores. `cargo xtask` lists them.

#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore tells what it does"
)]

mod bindings;
mod ci;
mod conformance;
mod crash;
mod debian;
mod deny;
mod fuzz;
mod kotlin_test;
mod pcsc;
mod phones;
mod process;
mod receipts;
mod swift_test;
mod voice_test;

use std::process::ExitCode;

/// A chore: its name as typed, its arguments, one line about it, and what it does.
struct Chore {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<(), Failure>,
}

const CHORES: &[Chore] = &[
    Chore {
        name: "android-aar",
        arguments: "[LIBRARY]",
        about: "the Kotlin driver and the core as an Android package, with the NDK's library or that of android-so",
        run: phones::aar::run,
    },
    Chore {
        name: "android-so",
        arguments: "",
        about: "the library for arm64 Android, linked without an NDK: size, alignment, symbols; not for shipping",
        run: phones::android::run,
    },
    Chore {
        name: "ci",
        arguments: "",
        about: "everything that must hold before a change is taken, as .ci/run calls it",
        run: ci::run,
    },
    Chore {
        name: "conformance",
        arguments: "[FOLDER]",
        about: "which rule of card reading stands where, its source and the test that proves it, as a table",
        run: conformance::run,
    },
    Chore {
        name: "crash",
        arguments: "[journal|till] --rounds N [--seed S]",
        about: "kill, cut, damage and fill up: the store alone, and a working till with its host",
        run: crash::run,
    },
    Chore {
        name: "deny",
        arguments: "",
        about: "licences, sources and bans of the dependencies; known advisories if their list can be fetched",
        run: deny::run,
    },
    Chore {
        name: "fuzz",
        arguments: "[TARGET] [--runs N] [--seed S]",
        about: "every parser and kernel, or one, under N mutated inputs each: 100,000 and seed 1 unless told",
        run: fuzz::run,
    },
    Chore {
        name: "ios-check",
        arguments: "",
        about: "the library for arm64 iOS, compiled without Xcode: format and symbols; not for shipping",
        run: phones::ios::run,
    },
    Chore {
        name: "kotlin-test",
        arguments: "",
        about: "the Kotlin driver on a JVM against the library and the reference host",
        run: kotlin_test::run,
    },
    Chore {
        name: "pcsc-test",
        arguments: "",
        about: "the program at a card reader: Debian's PC/SC service with a virtual one, and software cards in it",
        run: pcsc::run,
    },
    Chore {
        name: "receipts",
        arguments: "",
        about: "every kind of slip in every form, written anew into core/receipt/docs, and drawn to be looked at",
        run: receipts::run,
    },
    Chore {
        name: "swift-test",
        arguments: "",
        about: "the Swift driver, natively or in a Debian made for it, against the library and the reference host",
        run: swift_test::run,
    },
    Chore {
        name: "voice-test",
        arguments: "",
        about: "every sentence of the till through espeak-ng, in both languages",
        run: voice_test::run,
    },
];

/// Why a chore did not succeed.
#[derive(Debug)]
enum Failure {
    /// It was called wrongly.
    Usage(String),
    /// What it checks does not hold, or it could not check.
    Failed(String),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asks_help = |word: &String| matches!(word.as_str(), "--help" | "-h" | "help");
    let Some((name, rest)) = arguments.split_first().filter(|(name, _)| !asks_help(name)) else {
        print!("{}", list());
        return ExitCode::SUCCESS;
    };
    let Some(chore) = CHORES.iter().find(|chore| chore.name == name) else {
        eprint!("no chore is called {name}\n{}", list());
        return ExitCode::from(2);
    };
    if rest.iter().any(asks_help) {
        println!("cargo xtask {} {}\n{}", chore.name, chore.arguments, chore.about);
        return ExitCode::SUCCESS;
    }
    match (chore.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => {
            eprintln!("{message}\nusage: cargo xtask {} {}", chore.name, chore.arguments);
            ExitCode::from(2)
        }
        Err(Failure::Failed(message)) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> String {
    let lines = CHORES.iter().map(|chore| {
        let Chore {
            name,
            arguments,
            about,
            ..
        } = chore;
        let call = format!("{name} {arguments}");
        format!("  cargo xtask {}\n      {about}\n", call.trim_end())
    });
    format!("The project's chores:\n{}", lines.collect::<String>())
}

/// A chore that takes no arguments got some.
fn takes_none(arguments: &[String]) -> Result<(), Failure> {
    match arguments.first() {
        None => Ok(()),
        Some(first) => Err(Failure::Usage(format!("unexpected argument {first}"))),
    }
}
