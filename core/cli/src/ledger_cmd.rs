//! `softpos ledger verify`: whether a journal is whole and unchanged. No till has to run, and one may.

use std::path::{Path, PathBuf};

use serde::Serialize;
use softpos_terminal::{LedgerCheck, check_backup, check_folder};

use crate::args::LedgerCommand;
use crate::backup_cmd::passphrase;
use crate::data_dir::DataDir;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::out::{HEAD, Out, PLAIN, WARN, object};
use crate::till::hardware;

#[derive(Serialize)]
struct Told<'a> {
    sound: bool,
    records: u64,
    payments: u32,
    batches: u32,
    signed_heads: u32,
    root: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_wrong: Option<u64>,
    faults: &'a [String],
}

/// Checks the folder of a till, or a backup.
pub(crate) fn run(command: &LedgerCommand, given: Option<&Path>, out: Out) -> Result<Exit, Failure> {
    let LedgerCommand::Verify { path } = command;
    let check = match path {
        Some(file) if file.is_file() => check_backup(file, &passphrase(out, false)?, out.texts().language())?,
        path => {
            let data = folder(path.as_ref(), given)?;
            if !data.till().exists() {
                return Err(Failure::Said {
                    key: "till-no-folder",
                    about: data.path().display().to_string(),
                });
            }
            check_folder(&data.till(), &*hardware(&data)?, out.texts().language())?
        }
    };
    tell(out, &check);
    Ok(if check.is_sound() {
        Exit::Done
    } else {
        Exit::Failure
    })
}

fn folder(path: Option<&PathBuf>, given: Option<&Path>) -> Result<DataDir, Failure> {
    Ok(DataDir::choose(path.map(PathBuf::as_path).or(given))?)
}

fn tell(out: Out, check: &LedgerCheck) {
    let root = hex::encode(check.root);
    if out.is_json() {
        return object(&Told {
            sound: check.is_sound(),
            records: check.records,
            payments: check.payments,
            batches: check.batches,
            signed_heads: check.signed_heads,
            root,
            first_wrong: check.first_wrong,
            faults: &check.faults,
        });
    }
    let (records, payments) = (check.records.to_string(), check.payments.to_string());
    let (batches, heads) = (check.batches.to_string(), check.signed_heads.to_string());
    out.say(
        PLAIN,
        "ledger-read",
        &[
            ("records", &records),
            ("payments", &payments),
            ("batches", &batches),
            ("heads", &heads),
        ],
    );
    out.say(PLAIN, "ledger-root", &[("root", &root)]);
    for fault in &check.faults {
        out.line(WARN, fault);
    }
    match check.first_wrong.map(|sequence| sequence.to_string()) {
        _ if check.is_sound() => out.say(HEAD, "ledger-sound", &[]),
        Some(sequence) => out.say(WARN, "ledger-wrong-from", &[("record", &sequence)]),
        None => out.say(WARN, "ledger-wrong", &[]),
    }
}
