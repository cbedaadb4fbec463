//! A process that is killed at any moment, over and over, on one folder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use common::{config, entropy, root};
use softpos_store::{Finding, IndexRow, KeyCounters, Opened, Store};
use softpos_types::{PaymentKey, SecretBytes};
use tempfile::tempdir;

const FOLDER: &str = "SOFTPOS_STORE_CRASH_FOLDER";
const SEED: &str = "SOFTPOS_STORE_CRASH_SEED";
const ROUNDS: u8 = 20;

fn row(sequence: u64) -> IndexRow {
    IndexRow {
        key: PaymentKey::new(sequence, &[1; 10]),
        sequence,
        batch: 1,
        stan: u32::try_from(sequence).unwrap(),
        state: 1,
        amount_minor: 100,
        utc_ms: sequence,
        queued_at: sequence.is_multiple_of(3).then_some(sequence),
        order: None,
    }
}

fn payload(sequence: u64) -> Vec<u8> {
    format!("{sequence} ")
        .repeat(usize::try_from(sequence % 50).unwrap() + 1)
        .into_bytes()
}

fn open(dir: &Path, seed: u8) -> (Store, BTreeMap<u64, Vec<u8>>, Vec<Finding>) {
    let mut records = BTreeMap::new();
    let Opened {
        mut store, report, ..
    } = Store::open(&config(dir), &root(1), &mut entropy(seed), &mut |record| {
        records.insert(record.sequence, record.payload.to_vec());
        Ok(())
    })
    .unwrap();
    let mut findings = report.findings;
    let last = store.last();
    findings.extend(
        store
            .index()
            .catch_up(records.keys().map(|sequence| row(*sequence)), 0, &last, || {
                records.keys().map(|sequence| row(*sequence)).collect()
            }),
    );
    (store, records, findings)
}

/// The process to be killed; does nothing as a test of its own.
#[test]
fn appends_until_killed() {
    let Some(dir) = std::env::var_os(FOLDER) else {
        return;
    };
    let seed = std::env::var(SEED).unwrap().parse().unwrap();
    let (mut store, _, _) = open(Path::new(&dir), seed);
    loop {
        let sequence = store.last().sequence + 1;
        let used = u32::try_from(sequence).unwrap();
        let counters = KeyCounters {
            pin: used,
            data: used,
        };
        let at = store.append(1, &payload(sequence), Some(counters)).unwrap();
        // Acknowledged: from here on it must never be lost.
        println!("\nacknowledged {}", at.sequence);
        std::io::stdout().flush().unwrap();
        store.index().apply(&row(sequence), &at);
        if sequence.is_multiple_of(16) {
            store
                .checkpoint_keys(&SecretBytes::copy_of(&used.to_be_bytes()))
                .unwrap();
        }
        if store.index().flush_is_due() {
            store.sync_background().unwrap();
        }
    }
}

/// Lets a child work on the folder, kills it, and says which record it acknowledged last.
fn work_and_kill(dir: &Path, round: u8) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "appends_until_killed", "--nocapture"])
        .env(FOLDER, dir)
        .env(SEED, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, acknowledgements) = mpsc::channel();
    thread::spawn(move || {
        let lines = output.lines().map_while(Result::ok);
        let sequences = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok());
        for sequence in sequences {
            sender.send(sequence).unwrap();
        }
    });
    // Every other time somewhere in the opening, else some milliseconds after a number of records.
    let mut acknowledged = 0;
    if round.is_multiple_of(2) {
        let enough = acknowledgements.iter().take(usize::from(round) * 2);
        acknowledged = enough.max().expect("the child appends");
    }
    thread::sleep(Duration::from_millis(u64::from(round) * 37 % 100));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut complaint = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut complaint)
        .unwrap();
    assert!(!complaint.contains("panicked"), "round {round}: {complaint}");
    acknowledgements.iter().max().unwrap_or(0).max(acknowledged)
}

#[test]
fn killed_at_any_moment_nothing_acknowledged_is_lost() {
    let dir = tempdir().unwrap();
    let (mut acknowledged, mut checkpoint) = (0, 0);
    for round in 1..=ROUNDS {
        acknowledged = work_and_kill(dir.path(), round).max(acknowledged);
        let (mut store, records, findings) = open(dir.path(), 100 + round);
        assert!(
            !findings.iter().any(Finding::is_loss),
            "round {round}: {findings:?}"
        );
        let last = store.last().sequence;
        assert!(
            last >= acknowledged,
            "round {round}: {acknowledged} was acknowledged, {last} is there"
        );
        assert_eq!(u64::try_from(records.len()).unwrap(), last, "round {round}");
        for (sequence, found) in &records {
            assert_eq!(*found, payload(*sequence), "round {round}");
            let row = row(*sequence);
            assert_eq!(store.index().by_key(&row.key), Some(row), "round {round}");
        }
        let queued = records
            .keys()
            .filter(|sequence| sequence.is_multiple_of(3))
            .count();
        assert_eq!(store.index().queue(usize::MAX).len(), queued, "round {round}");
        // A watermark may be one record behind, never more after a kill.
        assert!(u64::from(store.counters().data) + 1 >= last, "round {round}");
        // The newest checkpoint or the one before it; never none, and never one that is older than last time's.
        let found = store.load_keys().unwrap().map_or(0, |registers| {
            u32::from_be_bytes(registers.expose().try_into().unwrap())
        });
        assert!(
            found >= checkpoint && found.is_multiple_of(16) && u64::from(found) <= last,
            "round {round}"
        );
        checkpoint = found;
    }
    assert!(
        acknowledged > 0 && checkpoint > 0,
        "{acknowledged} acknowledged, checkpoint {checkpoint}"
    );
}
