use std::fs::OpenOptions;
use std::path::Path;

use super::*;

type Rows = Vec<(u64, Vec<u8>)>;

fn open(dir: &Path, seed: u8) -> (Store, Rows, Vec<Finding>) {
    let root = SecretArray::build(|root| root.fill(1));
    let mut entropy = Entropy::from_seed(SecretArray::build(|bytes| bytes.fill(seed)));
    let mut rows = Vec::new();
    let opened = Store::open(
        &StoreConfig::new(dir.to_path_buf()),
        &root,
        &mut entropy,
        &mut |record| {
            rows.push((record.sequence, record.payload.to_vec()));
            Ok(())
        },
    );
    let Opened {
        mut store, report, ..
    } = opened.unwrap();
    let last = store.last();
    assert_eq!(
        store.index().catch_up(std::iter::empty(), 0, &last, Vec::new),
        None
    );
    (store, rows, report.findings)
}

/// Puts a device in the place of the tail's file, whose writes or syncs fail.
fn replace_tail_file(store: &mut Store, device: &str) {
    store.tail.as_mut().unwrap().file = OpenOptions::new().write(true).open(device).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn after_a_full_disk_or_a_failed_sync_the_next_append_takes_a_new_segment_and_epoch() {
    // A write to the first fails with "no space left"; the second accepts writes and cannot be synced.
    for device in ["/dev/full", "/dev/null"] {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, _, _) = open(dir.path(), 1);
        let before = store.append(1, b"one", None).unwrap();
        replace_tail_file(&mut store, device);
        assert!(
            matches!(
                store.append(1, b"two", None),
                Err(StoreError::Full | StoreError::Unreadable(_))
            ),
            "{device}"
        );
        assert_eq!(store.last(), before);
        let after = store.append(1, b"two again", None).unwrap();
        assert_eq!((after.sequence, after.segment), (2, before.segment + 1));
        let (first, second) = (store.read(1).unwrap().unwrap(), store.read(2).unwrap().unwrap());
        assert_ne!(first.header.salt, second.header.salt);
        drop(store);
        let (_, rows, findings) = open(dir.path(), 2);
        assert_eq!(rows, [(1, b"one".to_vec()), (2, b"two again".to_vec())]);
        assert_eq!(findings, []);
    }
}

#[test]
fn a_failed_write_that_reached_the_disk_gives_way_to_its_repetition() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _, _) = open(dir.path(), 1);
    store.append(1, b"one", None).unwrap();
    let failed = seal_record(&store.epoch, 1, 2, store.last.hash, b"failed").unwrap();
    // The bytes arrive, the acknowledgement does not.
    store.tail.as_mut().unwrap().append(&failed.bytes).unwrap();
    store.abandon_tail();
    store.append(1, b"repeated", None).unwrap();
    assert_eq!(store.read(2).unwrap().unwrap().payload, b"repeated");
    drop(store);
    let (_, rows, findings) = open(dir.path(), 2);
    assert_eq!(rows, [(1, b"one".to_vec()), (2, b"repeated".to_vec())]);
    assert_eq!(
        findings,
        [Finding::Superseded {
            segment: 1,
            sequence: 2
        }]
    );
}

#[test]
fn a_torn_write_before_a_new_segment_is_no_loss() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _, _) = open(dir.path(), 1);
    store.append(1, b"one", None).unwrap();
    let failed = seal_record(&store.epoch, 1, 2, store.last.hash, b"failed").unwrap();
    store.tail.as_mut().unwrap().append(&failed.bytes[..50]).unwrap();
    store.abandon_tail();
    store.append(1, b"repeated", None).unwrap();
    drop(store);
    let (_, rows, findings) = open(dir.path(), 2);
    assert_eq!((rows.len(), findings), (2, vec![]));
}

#[test]
fn a_segment_that_cannot_be_made_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _, _) = open(dir.path(), 1);
    store.append(1, b"one", None).unwrap();
    store.abandon_tail();
    let journal = store.layout.journal();
    let aside = dir.path().join("aside");
    std::fs::rename(&journal, &aside).unwrap();
    assert!(matches!(
        store.append(1, b"two", None),
        Err(StoreError::Unreadable(_))
    ));
    std::fs::rename(&aside, &journal).unwrap();
    assert_eq!(store.append(1, b"two", None).unwrap().sequence, 2);
    drop(store);
    let (_, rows, findings) = open(dir.path(), 2);
    assert_eq!((rows.len(), findings), (2, vec![]));
}
