//! The index: lists, catching up, and every way in which it can be lost.
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

use common::{config, entropy, root};
use proptest::prelude::*;
use softpos_store::{Finding, IndexRow, Opened, Position, Store};
use softpos_types::PaymentKey;
use tempfile::tempdir;

const QUEUED: u8 = 2;

/// A till's memory: the rows that its journal says.
type Rows = BTreeMap<PaymentKey, IndexRow>;

fn key(payment: u8) -> PaymentKey {
    PaymentKey::new(1_700_000_000_000 + u64::from(payment), &[payment; 10])
}

fn row(payment: u8, state: u8, sequence: u64) -> IndexRow {
    IndexRow {
        key: key(payment),
        sequence,
        batch: 1,
        stan: u32::from(payment) + 1,
        state,
        amount_minor: i64::from(payment) * 100,
        utc_ms: 1_700_000_000_000 + u64::from(payment),
        queued_at: (state == QUEUED).then_some(sequence),
        order: None,
    }
}

fn encode(payment: u8, state: u8) -> Vec<u8> {
    vec![payment, state]
}

/// Opens the store and folds its journal into rows, as a terminal does.
fn open(dir: &Path, seed: u8) -> (Store, Rows, Vec<Finding>) {
    let mut rows = Rows::new();
    let Opened {
        mut store, report, ..
    } = Store::open(&config(dir), &root(1), &mut entropy(seed), &mut |record| {
        let row = row(record.payload[0], record.payload[1], record.sequence);
        rows.insert(row.key, row);
        Ok(())
    })
    .unwrap();
    let mut findings = report.findings;
    let last = store.last();
    findings.extend(store.index().catch_up(rows.values().copied(), 0, &last, || {
        rows.values().copied().collect()
    }));
    (store, rows, findings)
}

fn step(store: &mut Store, rows: &mut Rows, payment: u8, state: u8) -> Position {
    let at = store.append(1, &encode(payment, state), None).unwrap();
    let row = row(payment, state, at.sequence);
    rows.insert(row.key, row);
    store.index().apply(&row, &at);
    at
}

fn assert_lists(store: &mut Store, rows: &Rows) {
    let index = store.index();
    for row in rows.values() {
        assert_eq!(index.by_key(&row.key), Some(*row));
        assert_eq!(index.by_stan(row.batch, row.stan), Some(*row));
    }
    let newest_first: Vec<_> = rows.values().rev().copied().collect();
    assert_eq!(index.between(0..u64::MAX, usize::MAX), newest_first);
    assert_eq!(
        index.between(0..u64::MAX, 2),
        newest_first[..newest_first.len().min(2)]
    );
    for state in 0..4 {
        let expected: Vec<_> = rows.values().filter(|row| row.state == state).copied().collect();
        assert_eq!(index.in_state(state, usize::MAX), expected);
    }
    let mut queue: Vec<_> = rows
        .values()
        .filter(|row| row.queued_at.is_some())
        .copied()
        .collect();
    queue.sort_by_key(|row| row.queued_at);
    assert_eq!(index.queue(usize::MAX), queue);
    assert_eq!(index.doubt(), None);
}

fn filled(dir: &Path) -> Rows {
    let (mut store, mut rows, findings) = open(dir, 1);
    assert_eq!(findings, []);
    for payment in 0..30 {
        step(&mut store, &mut rows, payment, payment % 4);
    }
    store.sync_background().unwrap();
    rows
}

fn bad_indexes(dir: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    names
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("index.bad.")
        })
        .collect()
}

fn rebuilt(findings: &[Finding]) -> bool {
    matches!(findings, [Finding::IndexRebuilt { .. }])
}

#[test]
fn lists_agree_and_survive_reopening() {
    let dir = tempdir().unwrap();
    let mut rows = filled(dir.path());
    let (mut store, found, findings) = open(dir.path(), 2);
    assert_eq!((&found, findings), (&rows, vec![]));
    assert_lists(&mut store, &rows);
    // A payment that moves on leaves its old lists.
    let before = store.index().queue(1)[0].key;
    let payment = rows.keys().position(|key| *key == before).unwrap();
    step(&mut store, &mut rows, u8::try_from(payment).unwrap(), 0);
    assert_lists(&mut store, &rows);
    assert_eq!(store.index().by_key(&key(200)), None);
    assert_eq!(store.index().by_stan(9, 9), None);
    assert_eq!(store.index().between(5..5, 9), []);
    let span = rows.values().nth(3).unwrap().utc_ms..rows.values().nth(5).unwrap().utc_ms;
    let inside: Vec<_> = rows
        .values()
        .rev()
        .filter(|row| span.contains(&row.utc_ms))
        .copied()
        .collect();
    assert_eq!((store.index().between(span, 9), inside.len()), (inside, 2));
}

#[test]
fn the_queue_is_first_in_first_out_whatever_the_clock_said() {
    let dir = tempdir().unwrap();
    let (mut store, mut rows, _) = open(dir.path(), 1);
    for payment in [9, 3, 7, 1] {
        step(&mut store, &mut rows, payment, QUEUED);
    }
    let order: Vec<_> = store.index().queue(3).iter().map(|row| row.stan - 1).collect();
    assert_eq!(order, [9, 3, 7]);
}

#[test]
fn what_was_not_applied_before_a_crash_is_caught_up() {
    let dir = tempdir().unwrap();
    let mut rows = filled(dir.path());
    let (mut store, _, _) = open(dir.path(), 2);
    for (payment, state) in [(2, 0), (40, QUEUED), (41, 1)] {
        let at = store.append(1, &encode(payment, state), None).unwrap();
        let row = row(payment, state, at.sequence);
        rows.insert(row.key, row);
    }
    drop(store);
    let (mut store, found, findings) = open(dir.path(), 3);
    assert_eq!((&found, findings), (&rows, vec![]));
    assert_lists(&mut store, &rows);
}

#[test]
fn before_catching_up_nothing_is_applied() {
    let dir = tempdir().unwrap();
    filled(dir.path());
    let Opened { mut store, .. } =
        Store::open(&config(dir.path()), &root(1), &mut entropy(2), &mut |_| Ok(())).unwrap();
    let at = store.append(1, &encode(50, 1), None).unwrap();
    store.index().apply(&row(50, 1, at.sequence), &at);
    drop(store);
    let (mut store, rows, findings) = open(dir.path(), 3);
    assert_eq!(findings, []);
    assert_lists(&mut store, &rows);
}

#[test]
fn a_lost_index_is_filled_again_and_told() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 8] = [
        ("no folder", |index| fs::remove_dir_all(index).unwrap()),
        ("a file in its place", |index| {
            fs::remove_dir_all(index).unwrap();
            fs::write(index, b"garbage").unwrap();
        }),
        ("no db", |index| fs::remove_file(index.join("db")).unwrap()),
        ("empty db", |index| fs::write(index.join("db"), b"").unwrap()),
        ("garbage db", |index| {
            fs::write(index.join("db"), vec![0xA5; 600_000]).unwrap();
        }),
        ("torn db", |index| {
            fs::OpenOptions::new()
                .write(true)
                .open(index.join("db"))
                .unwrap()
                .set_len(100)
                .unwrap();
        }),
        ("garbage conf", |index| {
            fs::write(index.join("conf"), b"torn conf!").unwrap();
        }),
        ("emptied folder", |index| {
            fs::remove_dir_all(index).unwrap();
            fs::create_dir(index).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let dir = tempdir().unwrap();
        let rows = filled(dir.path());
        damage(&dir.path().join("index"));
        let (mut store, found, findings) = open(dir.path(), 2);
        assert_eq!(found, rows, "{what}");
        assert!(rebuilt(&findings) || findings.is_empty(), "{what}: {findings:?}");
        assert!(
            rebuilt(&findings) || what.contains("conf"),
            "{what}: {findings:?}"
        );
        assert_lists(&mut store, &rows);
        drop(store);
        assert_eq!(open(dir.path(), 3).2, [], "{what}");
    }
}

#[test]
fn a_conf_torn_to_nothing_does_no_harm() {
    let dir = tempdir().unwrap();
    let rows = filled(dir.path());
    fs::write(dir.path().join("index/conf"), b"").unwrap();
    let (mut store, found, _) = open(dir.path(), 2);
    assert_eq!(found, rows);
    assert_lists(&mut store, &rows);
}

#[test]
fn the_index_of_another_installation_is_not_believed() {
    let (dir, other) = (tempdir().unwrap(), tempdir().unwrap());
    let rows = filled(dir.path());
    // Same storage root; another seed is another installation.
    let (mut store, mut foreign, _) = open(other.path(), 77);
    for payment in 0..30 {
        step(&mut store, &mut foreign, payment, 1);
    }
    drop(store);
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    common::copy(&other.path().join("index"), &dir.path().join("index"));
    let (mut store, _, findings) = open(dir.path(), 2);
    assert!(rebuilt(&findings), "{findings:?}");
    assert_lists(&mut store, &rows);
}

#[test]
fn a_copy_of_the_journal_that_went_another_way_is_noticed() {
    let (dir, fork) = (tempdir().unwrap(), tempdir().unwrap());
    filled(dir.path());
    common::copy(dir.path(), fork.path());
    let (mut store, mut rows, _) = open(dir.path(), 2);
    step(&mut store, &mut rows, 60, 1);
    drop(store);
    let (mut store, mut rows, _) = open(fork.path(), 3);
    step(&mut store, &mut rows, 61, 1);
    drop(store);
    fs::remove_dir_all(fork.path().join("index")).unwrap();
    common::copy(&dir.path().join("index"), &fork.path().join("index"));
    let (mut store, found, findings) = open(fork.path(), 4);
    assert_eq!(found, rows);
    assert!(rebuilt(&findings), "{findings:?}");
    assert_lists(&mut store, &rows);
}

#[test]
fn a_queue_that_is_not_the_journals_is_rebuilt() {
    let dir = tempdir().unwrap();
    filled(dir.path());
    let (mut store, mut rows, _) = open(dir.path(), 2);
    // The index is told of something that the journal does not say.
    let at = store.last();
    store.index().apply(&row(99, QUEUED, at.sequence), &at);
    drop(store);
    let (mut store, _, findings) = open(dir.path(), 3);
    assert!(rebuilt(&findings), "{findings:?}");
    step(&mut store, &mut rows, 30, QUEUED);
    assert_lists(&mut store, &rows);
}

#[test]
fn only_the_newest_bad_index_is_kept_and_it_is_never_opened_again() {
    let dir = tempdir().unwrap();
    let rows = filled(dir.path());
    fs::create_dir(dir.path().join("index.bad.5")).unwrap();
    for seed in 2..5 {
        fs::write(dir.path().join("index/db"), vec![seed; 600_000]).unwrap();
        fs::write(dir.path().join("index/marker"), [seed]).unwrap();
        let (mut store, _, findings) = open(dir.path(), seed);
        assert!(rebuilt(&findings), "{findings:?}");
        assert_lists(&mut store, &rows);
        let bad = bad_indexes(dir.path());
        assert_eq!(bad.len(), 1);
        assert_eq!(fs::read(bad[0].join("marker")).unwrap(), [seed]);
    }
}

#[test]
fn a_leftover_half_snapshot_does_not_hinder() {
    let dir = tempdir().unwrap();
    filled(dir.path());
    for name in [
        "snap.0000000000000000.generating",
        "snap.00000000000012FF.generating",
    ] {
        fs::write(dir.path().join("index").join(name), b"").unwrap();
    }
    assert_eq!(open(dir.path(), 2).2, []);
}

#[test]
fn nothing_of_a_row_is_readable_and_a_flipped_bit_gives_no_wrong_row() {
    let dir = tempdir().unwrap();
    let rows = filled(dir.path());
    let db = dir.path().join("index/db");
    let bytes = fs::read(&db).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    for at in (0..written).step_by(written / 25) {
        let mut bad = bytes.clone();
        bad[at] ^= 4;
        fs::write(&db, bad).unwrap();
        let (mut store, found, _) = open(dir.path(), 2);
        assert_eq!(found, rows);
        for row in rows.values() {
            let hit = store.index().by_key(&row.key);
            assert!(hit.is_none() || hit == Some(*row), "byte {at}");
        }
        for row in store.index().between(0..u64::MAX, usize::MAX) {
            assert_eq!(rows[&row.key], row, "byte {at}");
        }
        drop(store);
        // A second opening repairs what the first only noticed.
        drop(open(dir.path(), 3));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_course_of_payments_and_reopenings_agrees_with_the_journal(
        steps in prop::collection::vec((0..6_u8, 0..4_u8, prop::bool::weighted(0.15)), 1..40)
    ) {
        let dir = tempdir().unwrap();
        let (mut store, mut rows, _) = open(dir.path(), 0);
        for (seed, (payment, state, reopen)) in (1..).zip(steps) {
            step(&mut store, &mut rows, payment, state);
            if reopen {
                drop(store);
                let (reopened, found, findings) = open(dir.path(), seed);
                prop_assert_eq!((&found, findings), (&rows, vec![]));
                store = reopened;
            }
        }
        assert_lists(&mut store, &rows);
    }
}
