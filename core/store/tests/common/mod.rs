//! What the store's tests share.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use softpos_crypto::entropy::Entropy;
use softpos_store::{Finding, Opened, Store, StoreConfig, StoreError};
use softpos_types::SecretArray;

/// Sequence, kind, payload.
pub type Row = (u64, u8, Vec<u8>);

pub fn root(byte: u8) -> SecretArray<32> {
    SecretArray::build(|root| root.fill(byte))
}

pub fn entropy(byte: u8) -> Entropy {
    Entropy::from_seed(SecretArray::build(|seed| seed.fill(byte)))
}

pub fn config(dir: &Path) -> StoreConfig {
    StoreConfig {
        segment_bytes: 2048,
        ..StoreConfig::new(dir.to_path_buf())
    }
}

/// The store, its records and what recovery found.
pub fn open(dir: &Path, seed: u8) -> Result<(Store, Vec<Row>, Vec<Finding>), StoreError> {
    open_as(dir, seed, &root(1))
}

pub fn open_as(
    dir: &Path,
    seed: u8,
    root: &SecretArray<32>,
) -> Result<(Store, Vec<Row>, Vec<Finding>), StoreError> {
    let mut rows = Vec::new();
    let Opened {
        mut store, report, ..
    } = Store::open(&config(dir), root, &mut entropy(seed), &mut |record| {
        rows.push((record.sequence, record.kind, record.payload.to_vec()));
        Ok(())
    })?;
    let last = store.last();
    store.index().catch_up(std::iter::empty(), 0, &last, Vec::new);
    Ok((store, rows, report.findings))
}

pub fn payload(sequence: u64) -> Vec<u8> {
    format!(
        "payment {sequence} {}",
        "x".repeat(usize::try_from(sequence % 7).unwrap() * 40)
    )
    .into_bytes()
}

/// A store with this many records, closed again.
pub fn filled(dir: &Path, records: u64) -> Vec<Row> {
    let (mut store, mut rows, findings) = open(dir, 1).unwrap();
    assert_eq!(findings, []);
    for sequence in 1..=records {
        assert_eq!(
            store.append(3, &payload(sequence), None).unwrap().sequence,
            sequence
        );
        rows.push((sequence, 3, payload(sequence)));
    }
    rows
}

pub fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir.join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

pub fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Every file with its content.
pub fn snapshot(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    files
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(path, target).unwrap();
        }
    }
}
