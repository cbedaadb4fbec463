//! One run of the program at a reader, and one card in it.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::CHORE;
use crate::Failure;
use crate::process::{Stopwatch, cannot_run, shown, succeed};

/// Longer than the program ever waits.
const LIMIT: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(50);

/// The service looks at its readers several times a second.
const NOTICED: Duration = Duration::from_secs(1);

/// What was built.
pub(super) struct Program {
    pub(super) softpos: PathBuf,
    pub(super) card: PathBuf,
    /// The folder of the PC/SC library.
    pub(super) library: PathBuf,
}

/// A run of the program.
pub(super) struct Visit {
    name: String,
    child: Child,
    said: File,
}

/// A card at the reader, until this value goes.
pub(super) struct Card(Child);

impl Program {
    /// Starts the program with these arguments, at the service of that socket.
    pub(super) fn start(&self, socket: &Path, arguments: &[&str]) -> Result<Visit, Failure> {
        let (said, out, errors) = tempfile::tempfile()
            .and_then(|said| Ok((said.try_clone()?, said.try_clone()?, said)))
            .map_err(|error| Failure::Failed(format!("{CHORE}: no file for what is said: {error}")))?;
        let mut command = Command::new(&self.softpos);
        command
            .args(arguments)
            .env("PCSCLITE_CSOCK_NAME", socket)
            .env("LD_LIBRARY_PATH", &self.library)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(errors);
        let child = command.spawn().map_err(|error| cannot_run(&command, &error))?;
        Ok(Visit {
            name: shown(&command),
            child,
            said,
        })
    }

    /// Puts a card to the slot whose driver waits at that port.
    pub(super) fn card(&self, port: u16, words: &[&str]) -> Result<Card, Failure> {
        let mut command = Command::new(&self.card);
        command
            .arg(port.to_string())
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let child = command.spawn().map_err(|error| cannot_run(&command, &error))?;
        Ok(Card(child))
    }
}

impl Visit {
    /// Ctrl-C.
    pub(super) fn interrupt(&self) -> Result<(), Failure> {
        succeed(Command::new("kill").args(["-INT", &self.child.id().to_string()]))
    }

    /// The program must end with that code and have said all of these; no card's number or cryptogram is among what
    /// it said, which is given back.
    pub(super) fn ends(mut self, code: i32, says: &[&str]) -> Result<String, Failure> {
        let status = self.ended();
        let mut said = String::new();
        let read = self
            .said
            .rewind()
            .and_then(|()| self.said.read_to_string(&mut said));
        read.map_err(|error| Failure::Failed(format!("{}: {error}", self.name)))?;
        let wrong = match status {
            None => Some(format!("did not end in {} s", LIMIT.as_secs())),
            Some(status) if status.code() != Some(code) => Some(format!("ended with {status}, not {code}")),
            Some(_) => says
                .iter()
                .find(|text| !said.contains(**text))
                .map(|text| format!("did not say {text:?}"))
                .or_else(|| leak(&said)),
        };
        match wrong {
            None => {
                println!("{CHORE}: {} ended with {code}", self.name);
                Ok(said)
            }
            Some(wrong) => Err(Failure::Failed(format!("{said}\n{CHORE}: {} {wrong}", self.name))),
        }
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        let watch = Stopwatch::start();
        while watch.elapsed() < LIMIT {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            sleep(LOOK);
        }
        drop(self.child.kill());
        drop(self.child.wait());
        None
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
        sleep(NOTICED);
    }
}

/// What of a card nobody may see, if it is there.
pub(super) fn leak(said: &str) -> Option<String> {
    let number = softpos_cards::accounts()
        .iter()
        .find(|account| said.contains(account.pan_digits))
        .map(|_| String::from("showed a card number"));
    let cryptogram = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("9F26 "))
        .filter_map(|object| object.split(' ').next_back())
        .find(|value| value.bytes().any(|digit| digit != b'0'))
        .map(|_| String::from("showed a cryptogram"));
    number.or(cryptogram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_may_see_is_found() {
        assert_eq!(leak("  9F26 Application Cryptogram 0000000000000000\n"), None);
        assert!(leak("  9F26 Application Cryptogram 00000000000000A0\n").is_some());
        let number = softpos_cards::accounts()[0].pan_digits;
        assert!(leak(&format!("5A {number}")).is_some());
    }
}
