//! A disk that is full or read-only, as the system says it: a small one of its own, mounted for a process of its own.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod common;

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::Command;

use common::{entropy, root, snapshot};
use softpos_store::{Before, Finding, Opened, Reader, Store, StoreConfig, StoreError};

const DISK: &str = "SOFTPOS_STORE_DISK";
/// Room for the reserve, which is made with 64 MiB free.
const MOUNT: &str = "mount -t tmpfs -o size=80m,mode=700 disk \"$SOFTPOS_STORE_DISK\"";

/// Runs a test of this file in namespaces of its own, on a disk of its own.
fn on_a_small_disk(test: &str) {
    let disk = tempfile::tempdir().unwrap();
    let may = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", MOUNT])
        .env(DISK, disk.path())
        .output();
    if !may.is_ok_and(|output| output.status.success()) {
        // Past the capture of a test's output: that nothing was tested is to be seen.
        let words = format!("SKIPPED {test}: this machine lets nobody mount a disk\n");
        std::io::stderr().write_all(words.as_bytes()).unwrap();
        return;
    }
    let program = std::env::current_exe().unwrap();
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg(format!("{MOUNT} && exec \"$0\" --exact {test} --nocapture"))
        .arg(program)
        .env(DISK, disk.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn is_here() -> Option<std::path::PathBuf> {
    std::env::var_os(DISK).map(|disk| Path::new(&disk).join("store"))
}

/// Opens the store; its sequences, and what recovery found, the index's part too.
fn open(dir: &Path, seed: u8) -> Result<(Store, Vec<u64>, Vec<Finding>), StoreError> {
    let config = StoreConfig::new(dir.to_path_buf());
    let mut sequences = Vec::new();
    let opened = Store::open(&config, &root(1), &mut entropy(seed), &mut |record| {
        sequences.push(record.sequence);
        Ok(())
    })?;
    let Opened {
        mut store, report, ..
    } = opened;
    let mut findings = report.findings;
    let last = store.last();
    findings.extend(store.index().catch_up(std::iter::empty(), 0, &last, Vec::new));
    Ok((store, sequences, findings))
}

#[test]
fn a_full_disk_is_refused_opened_and_recovered_from() {
    if is_here().is_none() {
        return on_a_small_disk("a_full_disk_is_refused_opened_and_recovered_from");
    }
    let dir = is_here().unwrap();
    let (mut store, _, findings) = open(&dir, 1).unwrap();
    assert_eq!(findings, []);
    let payload = vec![7; 100_000];
    for _ in 0..5 {
        store.append(3, &payload, None).unwrap();
    }
    store.sync_background().unwrap();
    assert!(dir.join("reserve").exists() && !store.space_is_low());

    let filler = dir.parent().unwrap().join("filler");
    fill_up(&filler);
    assert!(store.space_is_low(), "the floor is noticed before the end is");
    let mut acknowledged = store.last().sequence;
    let error = loop {
        match store.append(3, &payload, None) {
            Ok(at) => acknowledged = at.sequence,
            Err(error) => break error,
        }
    };
    assert_eq!(error, StoreError::Full);
    // The reserve of 4 MiB was given up for records.
    assert!(
        !dir.join("reserve").exists() && acknowledged > 5 + 30,
        "{acknowledged}"
    );
    assert_eq!(store.append(3, &payload, None).unwrap_err(), StoreError::Full);
    assert_eq!(store.last().sequence, acknowledged);
    drop(store);

    let all: Vec<u64> = (1..=acknowledged).collect();
    let (mut store, found, findings) = open(&dir, 2).unwrap();
    assert_eq!(found, all);
    assert!(!findings.iter().any(Finding::is_loss), "{findings:?}");
    assert_eq!(store.append(3, &payload, None).unwrap_err(), StoreError::Full);
    drop(store);

    fs::remove_file(&filler).unwrap();
    let (mut store, found, findings) = open(&dir, 3).unwrap();
    assert_eq!(found, all);
    assert!(!findings.iter().any(Finding::is_loss), "{findings:?}");
    assert_eq!(
        store.append(3, &payload, None).unwrap().sequence,
        acknowledged + 1
    );
    store.sync_background().unwrap();
    assert!(store.index().is_current() && dir.join("reserve").exists());
}

fn fill_up(path: &Path) {
    let mut file = File::create_new(path).unwrap();
    for length in [1 << 20, 1 << 12, 1] {
        let block = vec![1; length];
        loop {
            match file.write(&block) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn a_read_only_disk_is_refused_and_can_be_checked() {
    if is_here().is_none() {
        return on_a_small_disk("a_read_only_disk_is_refused_and_can_be_checked");
    }
    let dir = is_here().unwrap();
    let (mut store, _, _) = open(&dir, 1).unwrap();
    for _ in 0..5 {
        store.append(3, b"a payment", None).unwrap();
    }
    drop(store);
    let before = snapshot(&dir);
    remount(&dir, "ro");
    let Err(StoreError::Unreadable(why)) = open(&dir, 2) else {
        panic!("it opened")
    };
    assert!(why.contains("lock file"), "{why}");
    assert_eq!(snapshot(&dir), before);
    let reader = Reader::open(dir.clone(), &root(1)).unwrap();
    let mut read = 0;
    let report = reader.replay(Before::from(None), &mut |_| {
        read += 1;
        Ok(())
    });
    assert_eq!((report.unwrap().findings, read), (vec![], 5));

    remount(&dir, "rw");
    let (mut store, found, findings) = open(&dir, 3).unwrap();
    assert_eq!((found, findings), (vec![1, 2, 3, 4, 5], vec![]));
    assert_eq!(store.append(3, b"another", None).unwrap().sequence, 6);
}

fn remount(dir: &Path, how: &str) {
    let disk = dir.parent().unwrap();
    let options = format!("remount,{how}");
    let status = Command::new("mount").args(["-o", &options]).arg(disk).status();
    assert!(status.unwrap().success());
}
