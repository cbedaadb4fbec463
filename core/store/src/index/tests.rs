use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use softpos_crypto::seal::{Purpose, purpose_key};
use softpos_types::SecretArray;

use super::*;

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Error,
    Panic,
}

/// A shelf in memory that fails when told to.
#[derive(Clone)]
struct Faulty {
    entries: Arc<Mutex<BTreeMap<Vec<u8>, Vec<u8>>>>,
    fault: Arc<Mutex<Fault>>,
}

impl Faulty {
    fn new() -> Self {
        Self {
            entries: Arc::default(),
            fault: Arc::new(Mutex::new(Fault::None)),
        }
    }

    fn check(&self) -> Result<(), ShelfError> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Fault::None => Ok(()),
            Fault::Error => Err(ShelfError::Bad("input/output error".to_owned())),
            Fault::Panic => panic!("as sled does"),
        }
    }
}

impl Shelf for Faulty {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        self.check()
            .map(|()| self.entries.lock().unwrap().get(key).cloned())
    }

    fn keys(&self, range: Range<Vec<u8>>, backwards: bool, limit: usize) -> Result<Vec<Vec<u8>>, ShelfError> {
        self.check()?;
        let entries = self.entries.lock().unwrap();
        let mut keys: Vec<_> = entries.range(range).map(|(key, _)| key.clone()).collect();
        if backwards {
            keys.reverse();
        }
        keys.truncate(limit);
        Ok(keys)
    }

    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), ShelfError> {
        self.check()?;
        self.entries
            .lock()
            .unwrap()
            .iter()
            .for_each(|(key, value)| visit(key, value));
        Ok(())
    }

    fn fill(&self, entries: Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), ShelfError> {
        self.check()
            .map(|()| self.entries.lock().unwrap().extend(entries))
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        self.check()?;
        let mut entries = self.entries.lock().unwrap();
        for change in changes {
            match change {
                Change::Put(key, value) => entries.insert(key, value),
                Change::Delete(key) => entries.remove(&key),
            };
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), ShelfError> {
        self.check()
    }

    fn bytes_on_disk(&self) -> Result<u64, ShelfError> {
        self.check().map(|()| 0)
    }
}

fn index(dir: &Path, shelf: &Faulty) -> Index {
    let root = SecretArray::build(|root| root.fill(1));
    let key = purpose_key(&root, [3; 16], Purpose::Index);
    let tags = OrderTags::new(&purpose_key(&root, [3; 16], Purpose::Lookup));
    let mut index = Index::new(&Layout::new(dir.to_path_buf()), [3; 16], key, tags, [4; 16]);
    index.open_shelf = |_| Ok(Box::new(Faulty::new()));
    index.shelf = Some(Box::new(shelf.clone()));
    index
}

fn row(payment: u8) -> IndexRow {
    IndexRow {
        key: PaymentKey::new(u64::from(payment), &[payment; 10]),
        sequence: u64::from(payment),
        batch: 1,
        stan: u32::from(payment),
        state: 1,
        amount_minor: 100,
        utc_ms: u64::from(payment),
        queued_at: None,
        order: None,
    }
}

fn at(sequence: u64) -> Position {
    Position {
        sequence,
        ..Position::START
    }
}

#[test]
fn an_error_or_panic_empties_the_index_and_a_rebuild_brings_it_back() {
    for fault in [Fault::Error, Fault::Panic] {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Faulty::new();
        let mut index = index(dir.path(), &shelf);
        assert_eq!(
            index.catch_up([row(1)].into_iter(), 0, &at(1), || vec![row(1)]),
            None
        );
        *shelf.fault.lock().unwrap() = fault;
        index.apply(&row(2), &at(2));
        index.flush();
        assert!(index.doubt().is_some());
        assert_eq!((index.by_key(&row(1).key), index.queue(9)), (None, vec![]));
        index.apply(&row(3), &at(3));
        index.flush();

        let rows = [row(1), row(2), row(3)];
        let finding = index.catch_up(rows.into_iter(), 0, &at(3), || rows.to_vec());
        assert!(
            matches!(finding, Some(Finding::IndexRebuilt { .. })),
            "{finding:?}"
        );
        assert_eq!(index.between(0..9, 9), [row(3), row(2), row(1)]);
        assert_eq!(index.doubt(), None);
    }
}

#[test]
fn a_row_under_another_key_does_not_open_and_the_mark_goes() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Faulty::new();
    let mut index = index(dir.path(), &shelf);
    index.catch_up([row(1), row(2)].into_iter(), 0, &at(2), || vec![row(1), row(2)]);
    {
        let mut entries = shelf.entries.lock().unwrap();
        let moved = entries[&row_key(&row(1).key)].clone();
        entries.insert(row_key(&row(2).key), moved);
    }
    assert_eq!(index.by_key(&row(1).key), Some(row(1)));
    assert_eq!(index.by_key(&row(2).key), None);
    assert!(index.doubt().is_some());
    drop(index);
    assert!(!shelf.entries.lock().unwrap().contains_key(&mark_key()));
}

#[test]
fn a_list_that_lies_is_doubted_and_gives_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Faulty::new();
    let mut index = index(dir.path(), &shelf);
    index.catch_up([row(1)].into_iter(), 0, &at(1), || vec![row(1)]);
    let lie = IndexRow { state: 2, ..row(1) }.list_keys().swap_remove(1);
    shelf.entries.lock().unwrap().insert(lie, Vec::new());
    assert_eq!(index.in_state(2, 9), []);
    assert!(index.doubt().is_some());
    // Until the rebuild nothing more is written.
    index.apply(&row(2), &at(2));
    assert_eq!(index.by_key(&row(2).key), None);
}

#[test]
fn no_new_index_either_leaves_the_store_without_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = index(dir.path(), &Faulty::new());
    index.open_shelf = |_| Err(ShelfError::Full);
    let finding = index.rebuild([row(1)].into_iter(), &at(1), "asked for".to_owned());
    assert!(matches!(finding, Finding::IndexUnavailable { .. }));
    assert_eq!((index.by_key(&row(1).key), index.doubt()), (None, None));
    assert_eq!(
        index.catch_up([row(1)].into_iter(), 0, &at(1), || vec![row(1)]),
        None
    );
}

#[test]
fn a_flush_is_due_after_64_payments() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = index(dir.path(), &Faulty::new());
    index.catch_up(std::iter::empty(), 0, &at(0), Vec::new);
    for payment in 1..=64 {
        assert!(!index.flush_is_due());
        index.apply(&row(payment), &at(u64::from(payment)));
    }
    assert!(index.flush_is_due());
    index.flush();
    assert!(!index.flush_is_due());
}

#[test]
fn changed_rows_wait_in_memory_and_every_list_knows_them() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Faulty::new();
    let mut index = index(dir.path(), &shelf);
    let waiting = |payment| IndexRow {
        queued_at: Some(u64::from(payment)),
        ..row(payment)
    };
    let rows = [waiting(1), waiting(2), waiting(3)];
    index.catch_up(rows.into_iter(), 0, &at(3), || rows.to_vec());
    let before = shelf.entries.lock().unwrap().clone();
    let moved = IndexRow {
        sequence: 4,
        state: 2,
        ..row(2)
    };
    index.apply(&moved, &at(4));
    index.apply(&waiting(5), &at(5));
    index.remove(&row(3).key);
    for written in [false, true] {
        assert_eq!(*shelf.entries.lock().unwrap() == before, !written);
        assert_eq!(index.by_key(&row(2).key), Some(moved));
        assert_eq!(index.by_key(&row(3).key), None);
        assert_eq!(index.queue(9), [waiting(1), waiting(5)]);
        assert_eq!(index.queue(1), [waiting(1)]);
        assert_eq!(index.between(0..9, 2), [waiting(5), moved]);
        assert_eq!(
            (index.in_state(2, 9), index.in_state(1, 1)),
            (vec![moved], vec![waiting(1)])
        );
        index.flush();
    }
    assert_eq!(index.doubt(), None);
}

#[test]
fn it_does_not_wait_for_a_flush_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Faulty::new();
    let mut index = index(dir.path(), &shelf);
    index.catch_up(std::iter::empty(), 0, &at(0), Vec::new);
    for payment in 1..=1_500_u64 {
        let row = IndexRow {
            key: PaymentKey::new(payment, &[0; 10]),
            ..row(1)
        };
        index.apply(&row, &at(payment));
    }
    assert_eq!(index.pending.len(), 1_500 - MOST_PENDING_ROWS);
    assert_eq!(index.between(0..u64::MAX, usize::MAX).len(), 1_500);
}

/// Entries of two states of one shelf, as a power cut mixes them: whatever is missing or old, the index is only
/// believed if it is one of the two.
#[test]
fn a_mixture_of_two_states_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Faulty::new();
    let mut first = index(dir.path(), &shelf);
    let rows = [row(1), row(2), row(3)];
    first.catch_up(rows.into_iter(), 0, &at(3), || rows.to_vec());
    let older = shelf.entries.lock().unwrap().clone();
    let changed = IndexRow {
        sequence: 4,
        state: 2,
        ..row(2)
    };
    first.apply(&changed, &at(4));
    first.apply(&row(5), &at(5));
    first.flush();
    let newer = shelf.entries.lock().unwrap().clone();
    let mut keys: Vec<_> = older.keys().chain(newer.keys()).cloned().collect();
    keys.sort();
    keys.dedup();
    let mut believed = 0;
    for choice in 0..1_u32 << keys.len() {
        let mixed = Faulty::new();
        for (bit, key) in keys.iter().enumerate() {
            let of = if choice >> bit & 1 == 0 { &newer } else { &older };
            if let Some(value) = of.get(key) {
                mixed.entries.lock().unwrap().insert(key.clone(), value.clone());
            }
        }
        let (mark, digest) = read(&mixed).unwrap();
        let mark = mark.and_then(|mark| first.believed(&mark, digest).ok());
        let mixed = mixed.entries.lock().unwrap();
        let is_whole = *mixed == older || *mixed == newer;
        assert_eq!(mark.is_some(), is_whole, "{choice:b}");
        believed += u32::from(is_whole);
    }
    assert!(believed >= 2);
}

#[test]
fn what_left_the_fold_with_its_batch_is_caught_up_and_waits_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Faulty::new();
    let mut index = index(dir.path(), &shelf);
    index.catch_up([row(1)].into_iter(), 0, &at(1), || vec![row(1)]);
    drop(index);

    // Payment 2 was closed at record 3, and the record that forwarded it is gone.
    let mut index = self::index(dir.path(), &shelf);
    index.applied = Some(at(1));
    let waits = IndexRow {
        queued_at: Some(2),
        ..row(2)
    };
    let finding = index.catch_up([row(4)].into_iter(), 3, &at(4), || vec![row(1), waits, row(4)]);
    assert_eq!(finding, None);
    assert!(index.is_current());
    for known in [row(1), row(2), row(4)] {
        assert_eq!(index.by_key(&known.key), Some(known));
    }
    assert_eq!(index.queue(9), []);
}
