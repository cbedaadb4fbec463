//! `cargo xtask crash`: what survives kills, power cuts and damaged disks.
//!
//! `journal` plays with the store alone, `till` kills the whole program; without either both are run.
//!
//! `till`: kill -9 at random moments, then count the money at both ends.
//!
//! A round is one kill. Some rounds share a data folder; each folder ends with a run that nobody disturbs, and then
//! what the till said, what its journal knows and what the host booked must be one story.

mod compare;
mod journal;
mod random;
mod till;

use std::path::PathBuf;
use std::time::Duration;

use compare::{Findings, compare};
use random::Random;
use till::Till;

use crate::Failure;
use crate::process::build;

/// Kills on one data folder before the run that nobody disturbs.
const KILLS_PER_FOLDER: u64 = 5;
const EARLIEST_KILL: Duration = Duration::from_millis(2);

/// The chore.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some((word, rest)) = arguments.split_first()
        && word == journal::WRITER
    {
        return journal::write_until_killed(rest);
    }
    let (kinds, rounds, seed) = parse(arguments).map_err(Failure::Usage)?;
    if kinds.journal {
        journal(rounds, seed)?;
    }
    if kinds.till {
        till(rounds, seed)?;
    }
    Ok(())
}

/// What is crashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kinds {
    journal: bool,
    till: bool,
}

/// The store alone, so many rounds.
pub(crate) fn journal(rounds: u64, seed: u64) -> Result<(), Failure> {
    journal::run(rounds, seed)
}

/// The program, built for release.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    build(&["--release", "--package", "softpos-cli"], "softpos")
}

/// One demo from nothing to its end, compared like a killed one.
pub(crate) fn undisturbed() -> Result<(), Failure> {
    measure(&program()?, 1).map(drop)
}

/// Kills the till `rounds` times.
pub(crate) fn till(rounds: u64, seed: u64) -> Result<(), Failure> {
    let program = program()?;
    let whole = measure(&program, seed)?;
    let mut total = Findings::default();
    let mut done = 0;
    let mut folder_seed = seed;
    while done < rounds {
        let kills = KILLS_PER_FOLDER.min(rounds.saturating_sub(done));
        let till = Till::new(&program, folder_seed)?;
        let found = one_folder(&till, whole, kills, done)?;
        if !found.is_empty() {
            println!("{found}");
            println!("kept: {}", till.keep().display());
            println!("replay: cargo xtask crash till --rounds {kills} --seed {folder_seed}");
        }
        total.add(found);
        done = done.saturating_add(kills);
        folder_seed = folder_seed.wrapping_add(1);
    }
    println!("{rounds} rounds, {}", total.counts());
    if total.is_empty() {
        Ok(())
    } else {
        Err(Failure::Failed("money and records disagree".to_owned()))
    }
}

/// Kills and restarts on one folder, `done` kills having gone before on others.
fn one_folder(till: &Till, whole: Duration, kills: u64, done: u64) -> Result<Findings, Failure> {
    let mut random = Random::new(till.seed());
    let mut said = Vec::new();
    for kill in 1..=kills {
        let moment = random.between(EARLIEST_KILL, whole);
        let run = till.demo(Some(moment))?;
        let how = if run.was_killed {
            "killed"
        } else {
            "finished before the kill"
        };
        println!(
            "round {}: seed {}, {how} after {} ms, {} payments acknowledged",
            done.saturating_add(kill),
            till.seed(),
            run.took.as_millis(),
            run.keys()
        );
        let failed = run.failed();
        said.extend(run.lines);
        if let Some(why) = failed {
            return Ok(Findings::of_failed_run(why));
        }
    }
    let last = till.demo(None)?;
    println!(
        "seed {}: ran to its end in {} ms",
        till.seed(),
        last.took.as_millis()
    );
    let failed = last.failed();
    said.extend(last.lines);
    match failed {
        Some(why) => Ok(Findings::of_failed_run(why)),
        None => Ok(compare(&said, &till.history()?, &till.ledger()?)),
    }
}

/// How long a demo takes that nobody disturbs; it must be in order, or kills would prove nothing.
fn measure(program: &std::path::Path, seed: u64) -> Result<Duration, Failure> {
    let till = Till::new(program, seed)?;
    let run = till.demo(None)?;
    let (keys, took) = (run.keys(), run.took);
    let found = match run.failed() {
        Some(why) => Findings::of_failed_run(why),
        None if keys == 0 => Findings::of_failed_run("it acknowledged no payment".to_owned()),
        None => compare(&run.lines, &till.history()?, &till.ledger()?),
    };
    if found.is_empty() {
        println!(
            "undisturbed: seed {seed}, {keys} payments acknowledged in {} ms",
            took.as_millis()
        );
        return Ok(took);
    }
    let kept = till.keep();
    Err(Failure::Failed(format!(
        "an undisturbed demo is not in order:\n{found}\nkept: {}",
        kept.display()
    )))
}

fn parse(arguments: &[String]) -> Result<(Kinds, u64, u64), String> {
    let mut words = arguments.iter().map(String::as_str).peekable();
    let both = Kinds {
        journal: true,
        till: true,
    };
    let kinds = match words.next_if(|word| !word.starts_with("--")) {
        None => both,
        Some("till") => Kinds {
            journal: false,
            ..both
        },
        Some("journal") => Kinds { till: false, ..both },
        Some(other) => return Err(format!("{other} cannot be crashed, only till and journal")),
    };
    let (mut rounds, mut seed) = (None, 1);
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            value
                .parse::<u64>()
                .map_err(|_| format!("{value} is no number for {word}"))
        };
        match word {
            "--rounds" => rounds = Some(number()?),
            "--seed" => seed = number()?,
            _ => return Err(format!("unexpected argument {word}")),
        }
    }
    match rounds {
        Some(0) | None => Err("--rounds says how often to kill, at least once".to_owned()),
        Some(rounds) => Ok((kinds, rounds, seed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<(Kinds, u64, u64), String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_are_read() {
        let kinds = |journal, till| Kinds { journal, till };
        assert_eq!(
            words("till --rounds 200 --seed 7"),
            Ok((kinds(false, true), 200, 7))
        );
        assert_eq!(
            words("journal --seed 7 --rounds 3"),
            Ok((kinds(true, false), 3, 7))
        );
        assert_eq!(words("--rounds 3"), Ok((kinds(true, true), 3, 1)));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for line in [
            "",
            "till",
            "host --rounds 1",
            "till --rounds",
            "till --rounds 0",
            "till --rounds x",
            "till 5",
        ] {
            assert!(words(line).is_err(), "{line}");
        }
    }

    /// A till in shell: each demo books one payment and says so, in one file for both sides.
    #[cfg(unix)]
    fn shell_till(demo: &str, history: &str) -> till::fixtures::Script {
        till::fixtures::Script::new(&format!(
            r#"
            what=$1
            while [ "$1" != --data ]; do shift; done
            mkdir -p "$2"; books="$2/books"
            case $what in
            demo) {demo}
                line="{{\"key\":\"$$\",\"state\":\"approved\",\"amount_minor\":5,\"booked_minor\":5}}"
                echo "$line" >>"$books"; echo "$line" ;;
            history) {history} "$books" ;;
            host) cat "$books" ;;
            esac"#
        ))
    }

    #[cfg(unix)]
    #[test]
    fn a_till_that_keeps_its_books_passes() {
        let script = shell_till("", "cat");
        let whole = measure(&script.path(), 1).unwrap();
        let till = Till::new(&script.path(), 1).unwrap();
        assert_eq!(one_folder(&till, whole, 5, 0).unwrap(), Findings::default());
    }

    /// Its random moments are, for the seeds used here, long after a run's end.
    #[cfg(unix)]
    const LATE: Duration = Duration::from_secs(1_000_000);

    #[cfg(unix)]
    #[test]
    fn a_till_that_forgets_at_its_start_is_caught() {
        let script = shell_till(r#": >"$books";"#, "cat");
        // Nothing is wrong before the first restart.
        assert!(measure(&script.path(), 1).is_ok());
        let till = Till::new(&script.path(), 1).unwrap();
        // The kills come too late, so that each run says its payment.
        let found = one_folder(&till, LATE, 3, 0).unwrap();
        assert_eq!(found.counts(), "3 lost, 0 doubled, 0 unreconciled");
    }

    #[cfg(unix)]
    #[test]
    fn a_till_without_history_fails_before_any_kill() {
        let script = shell_till("", "true");
        let Err(Failure::Failed(why)) = measure(&script.path(), 1) else {
            panic!("it passed")
        };
        let kept = why
            .lines()
            .last()
            .and_then(|line| line.strip_prefix("kept: "))
            .unwrap();
        assert!(why.contains("not in the history"), "{why}");
        std::fs::remove_dir_all(kept).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_till_that_does_not_start_again_is_caught() {
        let script = shell_till(r#"[ ! -e "$books" ] || exit 1;"#, "cat");
        let till = Till::new(&script.path(), 1).unwrap();
        let found = one_folder(&till, LATE, 2, 0).unwrap();
        assert_eq!(found.counts(), "0 lost, 0 doubled, 1 unreconciled");
    }
}
