//! `softpos backup` and `softpos restore`.

use std::io::{IsTerminal, Read, stdin};
use std::path::Path;

use serde::Serialize;
use softpos_terminal::{back_up, restore};
use softpos_types::{Code, SecretBytes, SoftPosError};

use crate::data_dir::DataDir;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::out::{HEAD, Out, PLAIN, WARN, object};
use crate::till::{hardware, progress::Progress};

/// Where a script puts the passphrase.
const VARIABLE: &str = "SOFTPOS_PASSPHRASE";
/// Longer than any passphrase.
const MOST_BYTES: u64 = 1_024;

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
    let words = passphrase(out)?;
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
    let words = passphrase(out)?;
    data.create()?;
    let mut bar = Bar::new(out, "backup-reading");
    let brought = restore(
        &data.till(),
        &*hardware(data)?,
        file,
        &words,
        &mut |done, total| bar.show(done, total),
    );
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

/// From the environment, else the first line of the standard input.
pub(crate) fn passphrase(out: Out) -> Result<SecretBytes, Failure> {
    if let Ok(words) = std::env::var(VARIABLE) {
        return Ok(SecretBytes::new(words.into_bytes()));
    }
    if stdin().is_terminal() {
        out.say(PLAIN, "backup-passphrase", &[]);
    }
    // Reserved in full, so that no copy is left behind by a reallocation.
    let mut words = Vec::with_capacity(1_025);
    for byte in stdin().lock().take(MOST_BYTES).bytes() {
        match byte {
            Ok(b'\n') => break,
            Ok(b'\r') => {}
            Ok(byte) => words.push(byte),
            Err(error) => {
                let error = SoftPosError::of(Code::PassphraseShort).with_detail(error.to_string());
                return Err(error.into());
            }
        }
    }
    Ok(SecretBytes::new(words))
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
