//! Checkpoints, and what can be read without owning the folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{config, entropy, open, payload, root};
use softpos_crypto::merkle::{MerkleTree, grew, includes, leaf_hash};
use softpos_journal::{Archived, CHECKPOINT_KIND};
use softpos_store::{Before, Finding, Opened, Reader, Store, StoreError};

/// A folder with three runs: records 1 to 5, a checkpoint as 6 and records to 10, a checkpoint as 11 and records to 14.
fn three_runs(dir: &Path) -> Store {
    let (mut store, ..) = open(dir, 1).unwrap();
    for sequence in 1..=14 {
        let kind = if matches!(sequence, 6 | 11) {
            CHECKPOINT_KIND
        } else {
            1
        };
        store.append(kind, &payload(sequence), None).unwrap();
    }
    store
}

fn reader(dir: &Path) -> Reader {
    Reader::open(dir.to_path_buf(), &root(1)).unwrap()
}

fn sequences(reader: &Reader) -> (Vec<u64>, Vec<Finding>) {
    let mut seen = Vec::new();
    let report = reader
        .replay(Before::from(None), &mut |record| {
            assert_eq!(record.payload, payload(record.sequence));
            seen.push(record.sequence);
            Ok(())
        })
        .unwrap();
    (seen, report.findings)
}

fn in_run(reader: &Reader, run: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    reader
        .run(run, &mut |record| {
            seen.push(record.sequence);
            Ok(())
        })
        .unwrap();
    seen
}

/// Every file of the folder but the lock and the index, by name.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    files
}

#[test]
fn opening_begins_at_the_last_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let last = three_runs(dir.path()).last();
    let mut seen = Vec::new();
    let opened = Store::open(&config(dir.path()), &root(1), &mut entropy(2), &mut |record| {
        seen.push(record.sequence);
        Ok(())
    });
    let Opened {
        store,
        report,
        read_from,
    } = opened.unwrap();
    assert_eq!((seen, read_from), ((11..=14).collect(), 11));
    assert_eq!(report.findings, []);
    assert_eq!(store.last(), last);
    let reader = store.reader().unwrap();
    assert_eq!(sequences(&reader), ((1..=14).collect(), vec![]));
    // What opening passed over, as the check behind it reads it.
    let (seen, findings) = sequences(&reader.until(11));
    assert_eq!((seen, findings), ((1..=11).collect(), vec![]));
}

#[test]
fn a_checkpoint_that_does_not_open_is_no_beginning() {
    let dir = tempfile::tempdir().unwrap();
    drop(three_runs(dir.path()));
    let newest = |dir: &Path| {
        let mut segments: Vec<PathBuf> = fs::read_dir(dir.join("journal"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        segments.sort();
        segments
            .into_iter()
            .rev()
            .find(|path| fs::read(path).unwrap()[64 + 5] == CHECKPOINT_KIND)
            .unwrap()
    };
    let path = newest(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[64 + 80] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (_, rows, findings) = open(dir.path(), 2).unwrap();
    let seen: Vec<u64> = rows.iter().map(|(sequence, ..)| *sequence).collect();
    assert_eq!(
        seen,
        (6..=14).filter(|sequence| *sequence != 11).collect::<Vec<_>>()
    );
    assert!(
        findings.iter().any(|finding| finding.sequence() == Some(11)),
        "{findings:?}"
    );
    let quarantined = fs::read_dir(dir.path().join("quarantine")).unwrap().count();
    assert_eq!(quarantined, 1, "the damaged bytes are kept apart");
    // Once: the next opening finds the copy there.
    let (_, _, again) = open(dir.path(), 3).unwrap();
    assert!(again.iter().any(|finding| finding.sequence() == Some(11)));
    assert_eq!(fs::read_dir(dir.path().join("quarantine")).unwrap().count(), 1);
}

#[test]
fn damage_before_the_checkpoint_is_found_by_the_check_and_not_silent() {
    let dir = tempfile::tempdir().unwrap();
    drop(three_runs(dir.path()));
    let first = dir.path().join("journal/00000001.j");
    let mut bytes = fs::read(&first).unwrap();
    bytes[64 + 75] ^= 4;
    fs::write(&first, &bytes).unwrap();
    let (store, rows, findings) = open(dir.path(), 2).unwrap();
    assert_eq!((rows.len(), findings.len()), (4, 0));
    let (seen, findings) = sequences(&store.reader().unwrap());
    assert_eq!(seen, (2..=14).collect::<Vec<_>>());
    assert!(
        findings.iter().any(|finding| finding.sequence() == Some(1)),
        "{findings:?}"
    );
    fs::remove_file(&first).unwrap();
    let (_, findings) = sequences(&store.reader().unwrap());
    assert!(
        findings
            .iter()
            .any(|finding| finding.is_loss() && finding.sequence() == Some(1))
    );
}

#[test]
fn a_reader_needs_no_lock_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = three_runs(dir.path());
    store.sync_background().unwrap();
    let before = files(dir.path());
    let reader = reader(dir.path());
    assert_eq!(reader.last(), store.last());
    assert_eq!(sequences(&reader), ((1..=14).collect(), vec![]));
    assert_eq!(files(dir.path()), before);
    // The till goes on; the reader sees what it saw.
    store.append(1, &payload(15), None).unwrap();
    assert_eq!(sequences(&reader), ((1..=14).collect(), vec![]));
    assert_eq!(
        Reader::open(dir.path().to_path_buf(), &root(2)).unwrap_err(),
        StoreError::Locked
    );
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        Reader::open(empty.path().to_path_buf(), &root(1)),
        Err(StoreError::Damaged(_))
    ));
    assert!(files(empty.path()).is_empty());
}

#[test]
fn runs_are_read_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = three_runs(dir.path());
    let reader = store.reader().unwrap();
    assert_eq!(reader.runs(), 3);
    let runs: Vec<Vec<u64>> = (0..4).map(|run| in_run(&reader, run)).collect();
    assert_eq!(
        runs,
        [(1..=5).collect(), (6..=10).collect(), (11..=14).collect(), vec![]]
    );
    let begins: Vec<_> = (0..4).map(|run| reader.begins_at(run)).collect();
    assert_eq!(begins, [Some(1), Some(6), Some(11), None]);
    for (sequence, run) in [(1, 0), (5, 0), (6, 1), (10, 1), (11, 2), (14, 2)] {
        assert_eq!(reader.run_of(sequence), Some(run), "{sequence}");
    }
}

#[test]
fn the_tree_needs_no_record_s_body_and_proves_every_record() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = three_runs(dir.path());
    let reader = store.reader().unwrap();
    let mut hashes = Vec::new();
    reader
        .replay(Before::from(None), &mut |record| {
            hashes.push(record.hash.0);
            Ok(())
        })
        .unwrap();
    let mut by_hand = MerkleTree::default();
    for hash in &hashes {
        by_hand.push(hash);
    }
    let tree = reader.tree(None).unwrap();
    assert_eq!(tree, by_hand);
    let root = tree.root();
    for (index, hash) in (0..).zip(&hashes) {
        let proof = tree.inclusion_proof(index).unwrap();
        assert!(includes(&leaf_hash(hash), index, 14, &root, &proof));
    }
    store.append(1, &payload(15), None).unwrap();
    let later = store.reader().unwrap().tree(None).unwrap();
    let proof = later.consistency_proof(14).unwrap();
    assert!(grew((14, &root), (15, &later.root()), &proof));
    // A damaged body changes nothing: its hash stands in the next header.
    let first = dir.path().join("journal/00000001.j");
    let mut bytes = fs::read(&first).unwrap();
    bytes[64 + 75] ^= 4;
    fs::write(&first, &bytes).unwrap();
    assert_eq!(store.reader().unwrap().tree(None).unwrap().root(), later.root());
}

#[test]
fn what_retention_removes_leaves_the_chain_and_the_tree_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = three_runs(dir.path());
    let before = store.reader().unwrap();
    let tree = before.tree(None).unwrap();
    let (hash, peaks) = before.stand_in(None, 5).unwrap();
    let archived = Archived {
        sequence: 5,
        hash,
        peaks: peaks.concat(),
        payments: 1,
        totals: Vec::new(),
        utc_ms: 1,
    };
    // Not a byte of what begins later goes.
    store.remove_through(4).unwrap();
    assert!(store.begins_at() <= 5);
    store.remove_through(5).unwrap();
    assert_eq!(store.begins_at(), 6);
    drop(store);
    let (mut store, rows, findings) = open(dir.path(), 2).unwrap();
    assert_eq!((rows.len(), findings), (4, vec![]));
    let after = store.reader().unwrap();
    assert_eq!(after.tree(Some(&archived)).unwrap().root(), tree.root());
    assert_eq!(after.runs(), 2);
    let mut seen = Vec::new();
    let report = after.replay(Before::from(Some(&archived)), &mut |record| {
        seen.push(record.sequence);
        Ok(())
    });
    assert_eq!((report.unwrap().findings, seen), (vec![], (6..=14).collect()));
    // Without the note, or with another one, what is gone is missing and the chain is broken.
    let (_, findings) = sequences(&after);
    assert!(
        findings.contains(&Finding::Missing { first: 1, last: 5 }),
        "{findings:?}"
    );
    let mut other = archived.clone();
    other.hash[0] ^= 1;
    let report = after.replay(Before::from(Some(&other)), &mut |_| Ok(())).unwrap();
    assert!(report.findings.contains(&Finding::ChainBroken { sequence: 6 }));
    // Twice is once, and the journal goes on.
    store.remove_through(5).unwrap();
    assert_eq!(store.append(1, &payload(15), None).unwrap().sequence, 15);
}

#[test]
fn many_records_with_one_sync_are_there_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, ..) = open(dir.path(), 1).unwrap();
    let records: Vec<(u8, Vec<u8>)> = (1..=40).map(|sequence| (1, payload(sequence))).collect();
    let at: Vec<u64> = store
        .append_all(&records)
        .unwrap()
        .iter()
        .map(|at| at.sequence)
        .collect();
    assert_eq!(at, (1..=40).collect::<Vec<_>>());
    store.append(1, &payload(41), None).unwrap();
    drop(store);
    let (store, rows, findings) = open(dir.path(), 2).unwrap();
    assert_eq!(findings, []);
    assert_eq!(rows.len(), 41);
    assert!(
        rows.iter()
            .all(|(sequence, _, bytes)| *bytes == payload(*sequence))
    );
    assert_eq!(store.last().sequence, 41);
}

#[test]
fn the_reserve_is_made_in_the_background_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, ..) = open(dir.path(), 1).unwrap();
    let reserve = dir.path().join("reserve");
    assert!(!reserve.exists());
    store.sync_background().unwrap();
    let made = fs::read(&reserve).unwrap();
    assert_eq!(made.len(), 4 * 1024 * 1024);
    store.sync_background().unwrap();
    assert_eq!(fs::read(&reserve).unwrap(), made);
}
