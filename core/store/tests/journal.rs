//! The journal on the disk: order, refusal, crash, damage.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod common;

use std::fs;
use std::ops::Range;
use std::path::Path;

use common::{copy, entropy, filled, flip, open, open_as, root, segments, snapshot};
use proptest::prelude::*;
use softpos_journal::{CHECKPOINT_KIND, RecordHash, RecordHeader};
use softpos_store::{Finding, KeyCounters, Store, StoreConfig, StoreError};
use softpos_types::SecretBytes;
use tempfile::tempdir;

/// Where the records of a segment file are.
fn records(path: &Path) -> Vec<(u64, Range<usize>)> {
    let bytes = fs::read(path).unwrap();
    let (mut at, mut found) = (64, Vec::new());
    while let Ok(header) = RecordHeader::parse(&bytes[at..]) {
        found.push((header.sequence, at..at + header.record_bytes()));
        at += header.record_bytes();
    }
    found
}

#[test]
fn what_was_appended_is_there_after_reopening_over_several_segments() {
    let dir = tempdir().unwrap();
    let rows = filled(dir.path(), 40);
    assert!(segments(dir.path()).len() > 3);
    let (mut store, found, findings) = open(dir.path(), 2).unwrap();
    assert_eq!((found, findings), (rows.clone(), vec![]));
    assert_eq!(store.last().sequence, 40);
    for (sequence, kind, payload) in &rows {
        let record = store.read(*sequence).unwrap().unwrap();
        assert_eq!((record.header.kind, &record.payload), (*kind, payload));
    }
    assert!(store.read(0).unwrap().is_none() && store.read(41).unwrap().is_none());
}

#[test]
fn each_record_names_the_one_before_even_over_a_reopening() {
    let dir = tempdir().unwrap();
    filled(dir.path(), 5);
    let (mut store, _, _) = open(dir.path(), 2).unwrap();
    store.append(1, b"six", None).unwrap();
    let mut previous = RecordHash::NONE;
    for sequence in 1..=6 {
        let record = store.read(sequence).unwrap().unwrap();
        assert_eq!(record.header.prev_hash, previous);
        previous = record.hash;
    }
    let salt = |store: &mut Store, sequence| store.read(sequence).unwrap().unwrap().header.salt;
    assert_eq!(salt(&mut store, 1), salt(&mut store, 5));
    assert_ne!(salt(&mut store, 5), salt(&mut store, 6));
}

#[test]
fn a_second_handle_is_refused_and_the_lock_ends_with_the_first() {
    let dir = tempdir().unwrap();
    let first = open(dir.path(), 1).unwrap();
    assert_eq!(open(dir.path(), 2).unwrap_err(), StoreError::InUse);
    drop(first);
    assert!(open(dir.path(), 2).is_ok());
}

#[test]
fn a_wrong_storage_root_says_locked_and_changes_nothing() {
    for records in [0, 3] {
        let dir = tempdir().unwrap();
        let rows = filled(dir.path(), records);
        let before = snapshot(dir.path());
        assert_eq!(open_as(dir.path(), 2, &root(2)).unwrap_err(), StoreError::Locked);
        assert_eq!(snapshot(dir.path()), before);
        if records > 0 {
            fs::remove_file(dir.path().join("head")).unwrap();
            assert_eq!(open_as(dir.path(), 2, &root(2)).unwrap_err(), StoreError::Locked);
        }
        assert_eq!(open(dir.path(), 3).unwrap().1, rows);
    }
}

#[test]
fn a_newer_format_anywhere_is_refused_and_changes_nothing() {
    let mend = |path: &Path, at: usize, covered: Range<usize>| {
        let mut bytes = fs::read(path).unwrap();
        bytes[at] += 1;
        let crc = crc32fast::hash(&bytes[covered.clone()]).to_be_bytes();
        bytes[covered.end..covered.end + 4].copy_from_slice(&crc);
        fs::write(path, bytes).unwrap();
    };
    for what in ["head", "keys", "segment", "record in the middle"] {
        let dir = tempdir().unwrap();
        filled(dir.path(), 20);
        open(dir.path(), 2)
            .unwrap()
            .0
            .checkpoint_keys(&SecretBytes::copy_of(b"registers"))
            .unwrap();
        let segment = segments(dir.path())[1].clone();
        let record = records(&segment)[1].1.start;
        match what {
            "head" => mend(&dir.path().join("head"), 5, 0..120),
            "keys" => mend(&dir.path().join("keys"), 32 * 1024 + 5, 32 * 1024..32 * 1024 + 36),
            "segment" => mend(&segment, 5, 0..60),
            _ => mend(&segment, record + 4, record..record + 68),
        }
        let before = snapshot(dir.path());
        assert_eq!(open(dir.path(), 3).unwrap_err(), StoreError::Newer, "{what}");
        assert_eq!(snapshot(dir.path()), before, "{what}");
    }
}

#[test]
fn a_folder_that_cannot_be_one_is_unreadable() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"no folder").unwrap();
    assert!(matches!(open(&file, 1), Err(StoreError::Unreadable(_))));
    assert_eq!(fs::read(&file).unwrap(), b"no folder");
}

#[test]
fn killed_at_any_byte_of_the_last_record() {
    let dir = tempdir().unwrap();
    let mut rows = filled(dir.path(), 4);
    let head = fs::read(dir.path().join("head")).unwrap();
    let last = segments(dir.path()).pop().unwrap();
    let start = fs::metadata(&last).unwrap().len();
    open(dir.path(), 2)
        .unwrap()
        .0
        .append(9, b"the last one", None)
        .unwrap();
    rows.push((5, 9, b"the last one".to_vec()));
    let whole = fs::read(&last).unwrap();
    // The watermark is written after the append returned: a killed append leaves the older one.
    fs::write(dir.path().join("head"), head).unwrap();

    let start = usize::try_from(start).unwrap();
    for end in start..=whole.len() {
        let crashed = tempdir().unwrap();
        copy(dir.path(), crashed.path());
        let segment = crashed.path().join("journal").join(last.file_name().unwrap());
        fs::write(&segment, &whole[..end]).unwrap();

        let (mut store, found, findings) = open(crashed.path(), 3).unwrap();
        let survivors = if end == whole.len() { 5 } else { 4 };
        assert_eq!(found, rows[..survivors], "cut at {end}");
        match findings.as_slice() {
            [] => assert!(end == start || end == whole.len(), "cut at {end}"),
            [Finding::TornTail { bytes, .. }] => assert_eq!(*bytes, (end - start) as u64),
            other => panic!("cut at {end}: {other:?}"),
        }
        // Going on never touches the torn bytes, and is complete afterwards.
        let appended = store.append(1, b"after", None).unwrap();
        assert_eq!(appended.sequence, survivors as u64 + 1);
        assert!(fs::read(&segment).unwrap().starts_with(&whole[..end]));
        drop(store);
        let (_, again, findings) = open(crashed.path(), 4).unwrap();
        assert_eq!((again.len(), findings), (survivors + 1, vec![]), "cut at {end}");
    }
}

#[test]
fn an_acknowledged_record_that_is_cut_off_is_a_loss() {
    let dir = tempdir().unwrap();
    let rows = filled(dir.path(), 5);
    let last = segments(dir.path()).pop().unwrap();
    let (sequence, range) = records(&last).pop().unwrap();
    assert_eq!(sequence, 5);
    let bytes = fs::read(&last).unwrap();
    for keep in [range.start, range.start + 30, range.end - 1] {
        fs::write(&last, &bytes[..keep]).unwrap();
        let (store, found, findings) = open(dir.path(), 2).unwrap();
        assert_eq!(found, rows[..4]);
        assert!(
            findings.contains(&Finding::TailCut { first: 5, last: 5 }),
            "{findings:?}"
        );
        assert_eq!(store.last().sequence, 5);
    }
    // Its number is not used again, and the gap stays visible.
    assert_eq!(
        open(dir.path(), 3)
            .unwrap()
            .0
            .append(1, b"six", None)
            .unwrap()
            .sequence,
        6
    );
    let (_, found, findings) = open(dir.path(), 4).unwrap();
    assert_eq!(found.last().unwrap().0, 6);
    assert!(
        findings.contains(&Finding::Missing { first: 5, last: 5 }),
        "{findings:?}"
    );
}

#[test]
fn a_flipped_bit_anywhere_costs_one_record_and_is_reported() {
    let dir = tempdir().unwrap();
    let rows = filled(dir.path(), 30);
    for (number, segment) in segments(dir.path()).iter().enumerate() {
        let file = fs::read(segment).unwrap();
        for (sequence, range) in records(segment) {
            // Header, body, tag and both checksums.
            for at in [
                range.start,
                range.start + 9,
                range.start + 15,
                range.start + 70,
                range.start + 80,
                range.end - 1,
            ] {
                flip(segment, at);
                let (store, found, findings) = open(dir.path(), 2).unwrap();
                drop(store);
                let rest: Vec<_> = rows.iter().filter(|row| row.0 != sequence).cloned().collect();
                assert_eq!(found, rest, "segment {number}, byte {at}");
                let named = |first, last| (first..=last).contains(&sequence);
                let named = findings.iter().any(|finding| {
                    matches!(*finding, Finding::Missing { first, last } | Finding::TailCut { first, last } if named(first, last))
                });
                let located = findings.iter().any(|finding| {
                    matches!(finding, Finding::Unreadable { offset, .. } if *offset == range.start as u64)
                });
                assert!(named && located, "segment {number}, byte {at}: {findings:?}");
                fs::write(segment, &file).unwrap();
            }
        }
    }
}

#[test]
fn a_damaged_segment_header_costs_no_record() {
    let dir = tempdir().unwrap();
    let rows = filled(dir.path(), 12);
    for (number, segment) in (1..).zip(segments(dir.path())) {
        for at in 0..64 {
            flip(&segment, at);
            let (_, found, findings) = open(dir.path(), 2).unwrap();
            assert_eq!(
                (found, findings),
                (rows.clone(), vec![Finding::SegmentHeader { segment: number }])
            );
            flip(&segment, at);
        }
    }
}

#[test]
fn zeros_over_two_records_cost_those_two() {
    let dir = tempdir().unwrap();
    let rows = filled(dir.path(), 12);
    let segment = &segments(dir.path())[0];
    let (first, second) = (records(segment)[1].1.clone(), records(segment)[2].1.clone());
    let mut bytes = fs::read(segment).unwrap();
    bytes[first.end - 10..second.start + 20].fill(0);
    fs::write(segment, bytes).unwrap();
    let (_, found, findings) = open(dir.path(), 2).unwrap();
    assert_eq!(found.len(), rows.len() - 2);
    assert!(
        findings.contains(&Finding::Missing { first: 2, last: 3 }),
        "{findings:?}"
    );
}

#[test]
fn a_missing_segment_is_named_with_its_records() {
    let dir = tempdir().unwrap();
    let rows = filled(dir.path(), 30);
    let lost = segments(dir.path())[1].clone();
    let sequences: Vec<_> = records(&lost).into_iter().map(|(sequence, _)| sequence).collect();
    fs::remove_file(lost).unwrap();
    let (_, found, findings) = open(dir.path(), 2).unwrap();
    assert_eq!(found.len(), rows.len() - sequences.len());
    let gap = Finding::Missing {
        first: sequences[0],
        last: *sequences.last().unwrap(),
    };
    assert_eq!(findings, [Finding::SegmentMissing { first: 2, last: 2 }, gap]);
}

#[test]
fn swapped_segments_and_those_of_another_store_are_noticed() {
    let (dir, other) = (tempdir().unwrap(), tempdir().unwrap());
    let rows = filled(dir.path(), 30);
    let paths = segments(dir.path());
    let (first, second) = (fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());
    fs::write(&paths[0], &second).unwrap();
    fs::write(&paths[1], &first).unwrap();
    let findings = open(dir.path(), 2).unwrap().2;
    for number in [1, 2] {
        assert!(
            findings.contains(&Finding::SegmentMisplaced { segment: number }),
            "{findings:?}"
        );
    }
    assert!(findings.iter().any(Finding::is_loss));
    fs::write(&paths[0], &first).unwrap();

    // Same storage root, another installation.
    open(other.path(), 77)
        .unwrap()
        .0
        .append(1, b"foreign", None)
        .unwrap();
    fs::copy(&segments(other.path())[0], &paths[1]).unwrap();
    let (_, found, findings) = open(dir.path(), 2).unwrap();
    assert!(found.iter().all(|row| rows.contains(row)));
    assert!(
        findings.contains(&Finding::SegmentMisplaced { segment: 2 }),
        "{findings:?}"
    );
    assert!(
        findings.contains(&Finding::Tampered {
            segment: 2,
            sequence: 1
        }),
        "{findings:?}"
    );
    fs::write(&paths[1], &second).unwrap();
    assert_eq!(open(dir.path(), 2).unwrap().1, rows);
}

#[test]
fn a_damaged_or_missing_watermark_is_told_and_mended() {
    for damage in [
        |path: &Path| fs::remove_file(path).unwrap(),
        |path: &Path| fs::write(path, [7; 5000]).unwrap(),
    ] {
        let dir = tempdir().unwrap();
        let rows = filled(dir.path(), 3);
        damage(&dir.path().join("head"));
        let (_, found, findings) = open(dir.path(), 2).unwrap();
        assert_eq!((found, findings), (rows, vec![Finding::HeadUnreadable]));
        assert_eq!(open(dir.path(), 3).unwrap().2, []);
    }
    // One damaged slot leaves the other.
    let dir = tempdir().unwrap();
    filled(dir.path(), 3);
    flip(&dir.path().join("head"), 50);
    assert_eq!(open(dir.path(), 2).unwrap().2, []);
}

#[test]
fn a_journal_that_is_gone_is_told() {
    let dir = tempdir().unwrap();
    filled(dir.path(), 3);
    fs::remove_dir_all(dir.path().join("journal")).unwrap();
    let (mut store, found, findings) = open(dir.path(), 2).unwrap();
    assert_eq!(
        (found.len(), findings),
        (0, vec![Finding::TailCut { first: 1, last: 3 }])
    );
    assert_eq!(store.append(1, b"on we go", None).unwrap().sequence, 4);
    drop(store);
    fs::remove_dir_all(dir.path().join("journal")).unwrap();
    fs::remove_file(dir.path().join("head")).unwrap();
    fs::write(dir.path().join("keys"), b"").unwrap();
    assert!(open(dir.path(), 2).unwrap().2.contains(&Finding::JournalMissing));
}

#[test]
fn a_first_opening_that_was_killed_is_begun_again() {
    let made = tempdir().unwrap();
    filled(made.path(), 0);
    let segment = fs::read(&segments(made.path())[0]).unwrap();
    for bytes in [None, Some(0), Some(20), Some(63), Some(64)] {
        let dir = tempdir().unwrap();
        fs::create_dir(dir.path().join("journal")).unwrap();
        if let Some(bytes) = bytes {
            fs::write(dir.path().join("journal/00000001.j"), &segment[..bytes]).unwrap();
        }
        let (mut store, found, findings) = open(dir.path(), 2).unwrap();
        assert_eq!((found.len(), findings), (0, vec![]), "{bytes:?}");
        store.append(1, b"first", None).unwrap();
        drop(store);
        let (_, found, findings) = open(dir.path(), 3).unwrap();
        assert_eq!((found.len(), findings), (1, vec![]), "{bytes:?}");
    }
}

#[test]
fn the_visitors_refusal_ends_the_opening() {
    let dir = tempdir().unwrap();
    filled(dir.path(), 3);
    let refusal = StoreError::Damaged("record 2 says nothing".to_owned());
    let config = StoreConfig::new(dir.path().to_path_buf());
    let opened = Store::open(&config, &root(1), &mut entropy(2), &mut |record| {
        if record.sequence == 2 {
            Err(refusal.clone())
        } else {
            Ok(())
        }
    });
    assert_eq!(opened.unwrap_err(), refusal);
}

#[test]
fn too_long_a_payload_is_refused_and_the_journal_goes_on() {
    let dir = tempdir().unwrap();
    let (mut store, _, _) = open(dir.path(), 1).unwrap();
    assert_eq!(
        store.append(1, &vec![0; (1 << 20) + 1], None),
        Err(StoreError::TooLong)
    );
    let longest = vec![7; 1 << 20];
    assert_eq!(store.append(1, &longest, None).unwrap().sequence, 1);
    assert_eq!(store.append(1, b"short", None).unwrap().sequence, 2);
    assert_eq!(store.read(1).unwrap().unwrap().payload, longest);
}

#[test]
fn counters_ride_with_the_records_and_survive() {
    let dir = tempdir().unwrap();
    let (mut store, _, _) = open(dir.path(), 1).unwrap();
    let counters = KeyCounters { pin: 4, data: 9 };
    store.append(1, b"a", Some(counters)).unwrap();
    store.append(1, b"b", None).unwrap();
    drop(store);
    assert_eq!(open(dir.path(), 2).unwrap().0.counters(), counters);
}

#[test]
fn the_key_checkpoint_survives_the_damage_of_one_slot() {
    let dir = tempdir().unwrap();
    let (mut store, _, _) = open(dir.path(), 1).unwrap();
    assert!(store.load_keys().unwrap().is_none());
    for text in [b"first", b"other", b"third"] {
        store.checkpoint_keys(&SecretBytes::copy_of(text)).unwrap();
        assert!(store.load_keys().unwrap().unwrap().ct_eq(text));
    }
    let keys = dir.path().join("keys");
    let bytes = fs::read(&keys).unwrap();
    assert!(!bytes.windows(5).any(|at| at == b"third" || at == b"other"));
    flip(&keys, 32 * 1024 + 45);
    assert!(store.load_keys().unwrap().unwrap().ct_eq(b"other"));
    flip(&keys, 12);
    assert!(matches!(store.load_keys(), Err(StoreError::Damaged(_))));
    // The next checkpoint mends it.
    store.checkpoint_keys(&SecretBytes::copy_of(b"fresh")).unwrap();
    assert!(store.load_keys().unwrap().unwrap().ct_eq(b"fresh"));
    let too_long = SecretBytes::new(vec![0; 32 * 1024]);
    assert_eq!(store.checkpoint_keys(&too_long), Err(StoreError::TooLong));
}

#[test]
fn nothing_of_a_payload_is_readable_on_the_disk() {
    let dir = tempdir().unwrap();
    filled(dir.path(), 10);
    for (path, bytes) in snapshot(dir.path()) {
        assert!(!bytes.windows(7).any(|at| at == b"payment"), "{}", path.display());
    }
}

#[derive(Clone, Debug)]
enum Step {
    Append(u8, Vec<u8>),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Reading begins at a checkpoint; the tests of runs have those.
    let kinds = any::<u8>().prop_filter("a checkpoint", |kind| *kind != CHECKPOINT_KIND);
    let append = (kinds, prop::collection::vec(any::<u8>(), 0..900))
        .prop_map(|(kind, bytes)| Step::Append(kind, bytes));
    prop::collection::vec(prop_oneof![4 => append, 1 => Just(Step::Reopen)], 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn appending_and_reopening_is_a_list(steps in steps()) {
        let dir = tempdir().unwrap();
        let mut model = Vec::new();
        let (mut store, _, _) = open(dir.path(), 0).unwrap();
        for (seed, step) in (1..).zip(steps) {
            match step {
                Step::Append(kind, bytes) => {
                    let position = store.append(kind, &bytes, None).unwrap();
                    model.push((position.sequence, kind, bytes));
                }
                Step::Reopen => {
                    drop(store);
                    let (reopened, found, findings) = open(dir.path(), seed).unwrap();
                    prop_assert_eq!(&found, &model);
                    prop_assert_eq!(findings, vec![]);
                    store = reopened;
                }
            }
        }
        drop(store);
        prop_assert_eq!(open(dir.path(), 255).unwrap().1, model);
    }
}
