//! The program under test: started, killed, asked what it knows.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::Failure;
use crate::process::{Stopwatch, cannot_run, shown};

/// A demo that is still running then will not end by itself.
const HANGS_AFTER: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_micros(500);

/// A till with a data folder of its own.
pub(super) struct Till {
    program: PathBuf,
    folder: TempDir,
    seed: u64,
}

/// One run of the demo.
pub(super) struct Run {
    /// The JSON lines it wrote in full.
    pub(super) lines: Vec<Value>,
    /// Whether the kill came before its end.
    pub(super) was_killed: bool,
    /// How long it ran.
    pub(super) took: Duration,
    status: ExitStatus,
    errors: PathBuf,
}

impl Till {
    pub(super) fn new(program: &Path, seed: u64) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("softpos-crash-")
            .tempdir()
            .map_err(|error| Failure::Failed(format!("no folder for the till's data: {error}")))?;
        Ok(Self {
            program: program.to_owned(),
            folder,
            seed,
        })
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// Leaves the folder where it is and says where.
    pub(super) fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    /// Runs the demo to its end, or kills it at that moment after its start.
    pub(super) fn demo(&self, kill_after: Option<Duration>) -> Result<Run, Failure> {
        let seed = self.seed.to_string();
        let mut command = self.command(&["demo", "--seed", seed.as_str()]);
        let errors = self.folder.path().join("errors.txt");
        let log = File::options()
            .create(true)
            .append(true)
            .open(&errors)
            .map_err(|error| Failure::Failed(format!("{}: {error}", errors.display())))?;
        let watch = Stopwatch::start();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| cannot_run(&command, &error))?;
        let reader = child.stdout.take().map(read_in_background);
        let broken = |error: &std::io::Error| Failure::Failed(format!("{}: {error}", shown(&command)));
        let killed = wait_or_kill(&mut child, &watch, kill_after).map_err(|error| broken(&error))?;
        let status = child.wait().map_err(|error| broken(&error))?;
        let took = watch.elapsed();
        let output = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
        // What ended by itself in the instant of the kill was not killed.
        let was_killed = killed && status.code().is_none();
        if was_killed && kill_after.is_none() {
            return Err(Failure::Failed(format!(
                "{} did not end in {HANGS_AFTER:?}",
                shown(&command)
            )));
        }
        Ok(Run {
            lines: json_lines(&output),
            was_killed,
            took,
            status,
            errors,
        })
    }

    /// What the till's journal knows.
    pub(super) fn history(&self) -> Result<Vec<Value>, Failure> {
        self.ask(&["history"])
    }

    /// What the host has in its books.
    pub(super) fn ledger(&self) -> Result<Vec<Value>, Failure> {
        self.ask(&["host", "ledger"])
    }

    fn ask(&self, question: &[&str]) -> Result<Vec<Value>, Failure> {
        let mut command = self.command(question);
        let output = command.output().map_err(|error| cannot_run(&command, &error))?;
        if output.status.success() {
            return Ok(json_lines(&output.stdout));
        }
        let why = String::from_utf8_lossy(&output.stderr);
        Err(Failure::Failed(format!(
            "{} ended with {}: {}",
            shown(&command),
            output.status,
            why.trim()
        )))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .arg("--json")
            .arg("--data")
            .arg(self.folder.path().join("data"));
        command.stdin(Stdio::null());
        command
    }
}

impl Run {
    /// Why it ended by itself in another way than it should.
    pub(super) fn failed(&self) -> Option<String> {
        let in_order = self.was_killed || self.status.success();
        (!in_order).then(|| format!("the demo ended with {} ({})", self.status, self.errors.display()))
    }

    /// How many payments it acknowledged.
    pub(super) fn keys(&self) -> usize {
        let keys = self
            .lines
            .iter()
            .filter_map(|line| line.get("key").and_then(Value::as_str));
        keys.collect::<std::collections::BTreeSet<_>>().len()
    }
}

/// Waits for the end or for the moment of the kill, whichever comes first; true: killed.
fn wait_or_kill(child: &mut Child, watch: &Stopwatch, kill_after: Option<Duration>) -> std::io::Result<bool> {
    let limit = kill_after.unwrap_or(HANGS_AFTER);
    while watch.elapsed() < limit {
        if child.try_wait()?.is_some() {
            return Ok(false);
        }
        thread::sleep(POLL.min(limit.saturating_sub(watch.elapsed())));
    }
    child.kill()?;
    Ok(true)
}

/// A full pipe must not stop the program.
fn read_in_background(mut stdout: ChildStdout) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error was said all the same.
        let _ = stdout.read_to_end(&mut bytes);
        bytes
    })
}

/// The objects among the lines; a line that the kill cut in the middle was never said.
fn json_lines(output: &[u8]) -> Vec<Value> {
    output
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"))
        .filter_map(|line| serde_json::from_slice(line).ok())
        .filter(Value::is_object)
        .collect()
}

#[cfg(test)]
#[cfg(unix)]
pub(super) mod fixtures {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use tempfile::TempDir;

    /// A program in shell that stands in for the till. One at a time: a file that is still open for writing in a
    /// child of another test cannot be run.
    pub(crate) struct Script {
        folder: TempDir,
        _alone: MutexGuard<'static, ()>,
    }

    impl Script {
        pub(crate) fn new(body: &str) -> Self {
            static ALONE: Mutex<()> = Mutex::new(());
            let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
            let script = Self {
                folder: tempfile::tempdir().unwrap(),
                _alone: alone,
            };
            fs::write(script.path(), format!("#!/bin/sh\n{body}\n")).unwrap();
            fs::set_permissions(script.path(), fs::Permissions::from_mode(0o755)).unwrap();
            script
        }

        pub(crate) fn path(&self) -> PathBuf {
            self.folder.path().join("softpos")
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::fixtures::Script;
    use super::*;

    #[test]
    fn a_run_is_read_to_its_end() {
        let script =
            Script::new(r#"echo '{"key":"a","state":"approved"}'; echo plain; echo "{\"args\":\"$*\"}""#);
        let till = Till::new(&script.path(), 9).unwrap();
        let run = till.demo(None).unwrap();
        assert!(run.failed().is_none());
        assert_eq!((run.lines.len(), run.keys()), (2, 1));
        let arguments = run.lines[1]["args"].as_str().unwrap();
        assert!(
            arguments.starts_with("demo --seed 9 --json --data "),
            "{arguments}"
        );
    }

    #[test]
    fn a_kill_keeps_what_was_said_in_full() {
        let script = Script::new(r#"echo '{"key":"a"}'; printf '{"key":"b"}'; exec sleep 60"#);
        let run = Till::new(&script.path(), 1)
            .unwrap()
            .demo(Some(Duration::from_millis(700)))
            .unwrap();
        assert!(run.was_killed && run.failed().is_none());
        assert_eq!(run.lines, [serde_json::json!({"key": "a"})]);
        assert!(run.took < Duration::from_secs(30));
    }

    #[test]
    fn ending_badly_before_the_kill_is_a_failure() {
        let script = Script::new("exit 1");
        let till = Till::new(&script.path(), 1).unwrap();
        let run = till.demo(Some(Duration::from_secs(60))).unwrap();
        assert!(!run.was_killed);
        assert!(run.failed().unwrap().contains("exit status: 1"));
    }

    #[test]
    fn questions_need_an_answer() {
        let script =
            Script::new(r#"[ "$1" = history ] && echo '{"key":"a"}' || { echo damaged >&2; exit 1; }"#);
        let till = Till::new(&script.path(), 1).unwrap();
        assert_eq!(till.history().unwrap(), [serde_json::json!({"key": "a"})]);
        assert!(matches!(till.ledger(), Err(Failure::Failed(why)) if why.contains("damaged")));
    }
}
