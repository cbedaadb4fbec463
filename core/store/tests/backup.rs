//! A backup is everything, says whose it is, and is worth nothing to others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod common;

use std::fs;
use std::path::Path;

use common::{entropy, payload, root};
use softpos_crypto::p256_key::SoftwareKey;
use softpos_store::{
    Backup, BackupError, BackupHead, BackupOrder, Finding, Reader, SignHead, Store, StoreConfig, write_backup,
};
use softpos_types::SecretBytes;

fn passphrase(text: &str) -> SecretBytes {
    SecretBytes::copy_of(text.as_bytes())
}

fn key() -> SoftwareKey {
    SoftwareKey::generate(&mut entropy(77))
}

/// Backs up, giving up after so many bytes.
fn back_up(reader: &Reader, target: &Path, words: &str, most: u64) -> Result<BackupHead, BackupError> {
    let key = key();
    let signing = SignHead {
        spki: key.public().spki().to_vec(),
        utc_ms: 5,
        sign: &mut |digest| key.sign_digest(&digest).ok(),
    };
    let mut progress = |done: u64, total: u64| {
        assert!(done <= total);
        done < most
    };
    let order = BackupOrder {
        archived: None,
        passphrase: &passphrase(words),
        target,
        signing,
    };
    write_backup(reader, order, &mut entropy(9), &mut progress)
}

fn filled(dir: &Path, records: u64) -> softpos_store::Store {
    let config = StoreConfig::new(dir.to_path_buf());
    let opened = Store::open(&config, &root(1), &mut entropy(1), &mut |_| Ok(()));
    let mut store = opened.unwrap().store;
    let records: Vec<(u8, Vec<u8>)> = (1..=records).map(|sequence| (1, payload(sequence))).collect();
    store.append_all(&records).unwrap();
    store
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn check(target: &Path, words: &str, records: u64) {
    let backup = Backup::open(target, &passphrase(words)).unwrap();
    let mut seen = Vec::new();
    let report = backup
        .replay(&mut |record| {
            assert_eq!(record.payload, payload(record.sequence));
            seen.push(record.sequence);
            Ok(())
        })
        .unwrap();
    assert_eq!((report.findings, seen), (vec![], (1..=records).collect()));
    assert!(backup.is_signed());
    let root = backup.reader().unwrap().tree(None).unwrap().root();
    assert_eq!((backup.head().root, backup.head().sequence), (root, records));
}

#[test]
fn everything_comes_back_and_nothing_is_readable_without_the_passphrase() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = filled(dir.path(), 50);
    let target = out.path().join("till.backup");
    let head = back_up(&store.reader().unwrap(), &target, "ten letters", u64::MAX).unwrap();
    assert_eq!(
        (head.sequence, head.hash, head.install_id),
        (50, store.last().hash, store.install_id())
    );
    check(&target, "ten letters", 50);
    assert_eq!(names(out.path()), ["till.backup"], "nothing is left beside it");
    let bytes = fs::read(&target).unwrap();
    let segment = fs::read(dir.path().join("journal/00000001.j")).unwrap();
    assert!(!bytes.windows(16).any(|window| segment[64..].starts_with(window)));
    let wrong = Backup::open(&target, &passphrase("ten letterz"));
    assert_eq!(wrong.err(), Some(BackupError::Unreadable));
    assert_eq!(
        back_up(&store.reader().unwrap(), &target, "short", u64::MAX),
        Err(BackupError::Passphrase)
    );
    check(&target, "ten letters", 50);
}

#[test]
fn an_interrupted_backup_goes_on_where_it_was() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut store = filled(dir.path(), 6_000);
    let target = out.path().join("till.backup");
    let first = back_up(&store.reader().unwrap(), &target, "ten letters", 600_000);
    assert_eq!(first, Err(BackupError::Cancelled));
    let part = out.path().join("till.backup.part");
    let begun = fs::read(&part).unwrap();
    // As a kill leaves it: the last chunk cut.
    fs::write(&part, &begun[..begun.len() - 7]).unwrap();
    // What was there when it was begun is what it holds, whatever came since.
    store.append(1, &payload(6_001), None).unwrap();
    let head = back_up(&store.reader().unwrap(), &target, "ten letters", u64::MAX).unwrap();
    assert_eq!(head.sequence, 6_000);
    assert!(fs::read(&target).unwrap().starts_with(&begun[..200_000]));
    check(&target, "ten letters", 6_000);
    // Another passphrase, or another journal, begins anew.
    let _ = back_up(&store.reader().unwrap(), &target, "ten letters", 600_000);
    let head = back_up(&store.reader().unwrap(), &target, "other letters", u64::MAX).unwrap();
    assert_eq!(head.sequence, 6_001);
    check(&target, "other letters", 6_001);
}

#[test]
fn every_changed_cut_or_added_byte_is_noticed() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = filled(dir.path(), 4);
    let target = out.path().join("till.backup");
    back_up(&store.reader().unwrap(), &target, "ten letters", u64::MAX).unwrap();
    let good = fs::read(&target).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(&target, bytes).unwrap();
        Backup::open(&target, &passphrase("ten letters")).is_err()
    };
    // A key is dear to derive: a place of each kind.
    for at in [0, 5, 9, 40, 50, 52, 55, 56, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        assert!(refused(&bad), "{at}");
    }
    for end in [0, 51, 52, 60, good.len() - 1] {
        assert!(refused(&good[..end]), "{end}");
    }
    let mut newer = good.clone();
    newer[5] = 2;
    let crc = crc32fast::hash(&newer[..48]).to_be_bytes();
    newer[48..52].copy_from_slice(&crc);
    fs::write(&target, &newer).unwrap();
    let opened = Backup::open(&target, &passphrase("ten letters"));
    assert_eq!(opened.err(), Some(BackupError::Newer));
    // A cost that would exhaust the phone is not paid.
    let mut dear = good.clone();
    dear[24..28].copy_from_slice(&u32::MAX.to_be_bytes());
    let crc = crc32fast::hash(&dear[..48]).to_be_bytes();
    dear[48..52].copy_from_slice(&crc);
    assert!(refused(&dear));
    assert!(!refused(&good));
}

#[test]
fn damage_in_the_journal_is_named_in_the_backup_too() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = filled(dir.path(), 10);
    let first = dir.path().join("journal/00000001.j");
    let mut bytes = fs::read(&first).unwrap();
    bytes[64 + 75] ^= 4;
    fs::write(&first, &bytes).unwrap();
    let target = out.path().join("till.backup");
    back_up(&store.reader().unwrap(), &target, "ten letters", u64::MAX).unwrap();
    let backup = Backup::open(&target, &passphrase("ten letters")).unwrap();
    let mut read = 0;
    let report = backup.replay(&mut |_| {
        read += 1;
        Ok(())
    });
    let findings = report.unwrap().findings;
    assert_eq!(read, 9);
    assert!(findings.iter().any(|finding| matches!(
        finding,
        Finding::Unreadable {
            sequence: Some(1),
            ..
        }
    )));
}

#[test]
fn hardware_that_does_not_sign_makes_no_backup() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = filled(dir.path(), 2);
    let target = out.path().join("till.backup");
    let signing = SignHead {
        spki: key().public().spki().to_vec(),
        utc_ms: 5,
        sign: &mut |_| None,
    };
    let reader = store.reader().unwrap();
    let order = BackupOrder {
        archived: None,
        passphrase: &passphrase("ten letters"),
        target: &target,
        signing,
    };
    let made = write_backup(&reader, order, &mut entropy(9), &mut |_, _| true);
    assert_eq!(made, Err(BackupError::NotSigned));
    assert!(names(out.path()).is_empty());
}
