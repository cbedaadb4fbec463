//! `softpos backup` and `softpos restore`.

use std::io::{IsTerminal, stdin};
use std::path::Path;

use serde::Serialize;
use softpos_terminal::{back_up, restore};
use softpos_types::SecretBytes;

use crate::data_dir::DataDir;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::keyboard::{edited, next_byte, secret_line};
use crate::out::{HEAD, Out, PLAIN, WARN, object};
use crate::till::{hardware, progress::Progress};

/// Where a script puts the passphrase.
const VARIABLE: &str = "SOFTPOS_PASSPHRASE";

#[derive(Serialize)]
struct BackedUp {
    records: u64,
    utc_ms: u64,
}

#[derive(Serialize)]
struct Restored {
    payments: u32,
    without_end: u32,
}

/// Writes the folder's journal into a file that the passphrase opens; a till may be running.
pub(crate) fn back_up_to(file: &Path, data: &DataDir, out: Out) -> Result<Exit, Failure> {
    let words = passphrase(out, true)?;
    let mut bar = Bar::new(out, "backup-writing");
    let made = back_up(
        &data.till(),
        &*hardware(data)?,
        file,
        &words,
        &mut |done, total| bar.show(done, total),
    );
    bar.0.clear();
    let made = made?;
    if out.is_json() {
        object(&BackedUp {
            records: made.records,
            utc_ms: made.utc_ms,
        });
    } else {
        let (records, file) = (made.records.to_string(), file.display().to_string());
        out.say(HEAD, "backup-written", &[("records", &records), ("file", &file)]);
    }
    Ok(Exit::Done)
}

/// Reads a backup's payments into a folder that no till has used.
pub(crate) fn restore_from(file: &Path, data: &DataDir, out: Out) -> Result<Exit, Failure> {
    let words = passphrase(out, false)?;
    data.create()?;
    let mut bar = Bar::new(out, "backup-reading");
    let brought = restore(&data.till(), hardware(data)?, file, &words, &mut |done, total| {
        bar.show(done, total)
    });
    bar.0.clear();
    let brought = brought?;
    if out.is_json() {
        object(&Restored {
            payments: brought.payments,
            without_end: brought.without_end,
        });
        return Ok(Exit::Done);
    }
    let payments = brought.payments.to_string();
    out.say(HEAD, "backup-restored", &[("payments", &payments)]);
    if brought.without_end > 0 {
        let count = brought.without_end.to_string();
        out.say(WARN, "backup-without-end", &[("count", &count)]);
    }
    out.say(PLAIN, "backup-activate", &[]);
    Ok(Exit::Done)
}

/// From the environment, else from the person at the terminal, else the first line of the standard input. What locks
/// a file is asked for twice: nobody could open one whose passphrase was mistyped.
pub(crate) fn passphrase(out: Out, locks: bool) -> Result<SecretBytes, Failure> {
    if let Ok(words) = std::env::var(VARIABLE) {
        return Ok(SecretBytes::new(words.into_bytes()));
    }
    if !stdin().is_terminal() {
        return Ok(edited(next_byte).unwrap_or_else(|| SecretBytes::new(Vec::new())));
    }
    let ask = |key| secret_line(&out.texts().get(key)).ok_or(Failure::Interrupted);
    let words = ask("backup-passphrase")?;
    if locks && ask("backup-passphrase-again")?.expose() != words.expose() {
        return Err(Failure::Said {
            key: "backup-passphrase-differs",
            about: String::new(),
        });
    }
    Ok(words)
}

/// A bar for people; programs read the end.
struct Bar(Progress, Out, String);

impl Bar {
    fn new(out: Out, key: &'static str) -> Self {
        Self(Progress::default(), out, out.texts().get(key))
    }

    fn show(&mut self, done: u64, total: u64) -> bool {
        if !self.1.is_json() {
            self.0.show(&self.2, done, total);
        }
        true
    }
}
