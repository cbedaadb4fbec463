//! kill -9 at random moments, a few times on one folder: the page cache survives, the process does not.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::story::Story;
use super::verdict::{Verdict, append, look, open};
use crate::Failure;
use crate::crash::random::Random;

/// The word that makes this program the one to be killed.
pub(in crate::crash) const WRITER: &str = "journal-writer";
const KILLS: u64 = 3;
const EARLIEST: Duration = Duration::from_millis(2);
const LATEST: Duration = Duration::from_millis(250);

pub(super) fn killed(dir: &Path, random: &mut Random) -> Result<Verdict, String> {
    let seed = random.below(1 << 32);
    let mut acknowledged = 0;
    for _ in 0..KILLS {
        let said = run_and_kill(dir, seed, random.between(EARLIEST, LATEST))?;
        acknowledged = acknowledged.max(said);
        let verdict = look(dir, seed, acknowledged, false)?;
        if !verdict.counts.is_clean() {
            return Ok(verdict);
        }
    }
    look(dir, seed, acknowledged, false)
}

/// Says up to which record the writer called its records safe before it was killed.
fn run_and_kill(dir: &Path, seed: u64, after: Duration) -> Result<u64, String> {
    let words = |error: std::io::Error| error.to_string();
    let mut writer = Command::new(this_program().map_err(words)?)
        .args(["crash", WRITER])
        .arg(dir)
        .arg(seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(words)?;
    std::thread::sleep(after);
    writer.kill().map_err(words)?;
    let output = writer.wait_with_output().map_err(words)?;
    if output.status.code().is_some() {
        return Err(format!(
            "the writer ended: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let lines = BufReader::new(output.stdout.as_slice()).lines();
    let said = lines.map_while(Result::ok).filter_map(|line| line.parse().ok());
    Ok(said.max().unwrap_or(0))
}

/// The program that runs, also when a build has put another in its place since.
fn this_program() -> std::io::Result<PathBuf> {
    let running = Path::new("/proc/self/exe");
    if running.exists() {
        Ok(running.to_owned())
    } else {
        std::env::current_exe()
    }
}

/// Goes on with the story of the folder and says the number of every record that is safe.
pub(in crate::crash) fn write_until_killed(arguments: &[String]) -> Result<(), Failure> {
    let [dir, seed] = arguments else {
        return Err(Failure::Usage("a folder and a seed".to_owned()));
    };
    let seed = seed.parse().map_err(|_| Failure::Usage("a seed".to_owned()))?;
    let mut open = open(Path::new(dir), seed).map_err(Failure::Failed)?;
    let mut story = Story::until(seed, open.store.last().sequence);
    let mut out = std::io::stdout();
    loop {
        let sequence = append(&mut open, &mut story, 1).map_err(Failure::Failed)?;
        // One write a line: a torn one is no number of ours.
        if out.write_all(format!("{sequence}\n").as_bytes()).is_err() {
            return Ok(());
        }
    }
}
