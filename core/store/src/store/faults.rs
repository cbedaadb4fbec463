//! The disk refuses at every single place where the store writes or syncs, one after the other.

use std::cell::Cell;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::*;
use crate::watch::{Act, unwatch, watch};

type Rows = Vec<(u64, Vec<u8>)>;

/// Something that a till does with its store.
type Step = fn(&mut Store, &mut Rows) -> Result<(), StoreError>;

/// What the system says when it refuses, for how long, and whether the till is closed over it.
const REFUSALS: [(io::ErrorKind, Lasts, bool); 3] = [
    (io::ErrorKind::StorageFull, Lasts::Once, false),
    (io::ErrorKind::StorageFull, Lasts::UntilRoomIsMade, true),
    (io::ErrorKind::ReadOnlyFilesystem, Lasts::Once, true),
];

/// Whether the error is the one for this refusal: what to do follows from it.
fn fits(kind: io::ErrorKind, error: &StoreError) -> bool {
    if kind == io::ErrorKind::StorageFull {
        *error == StoreError::Full
    } else {
        is_unreadable(error)
    }
}

/// Names what could not be done.
fn is_unreadable(error: &StoreError) -> bool {
    matches!(error, StoreError::Unreadable(what) if what.contains(": "))
}

/// Which acts the disk refuses.
#[derive(Clone, Copy, Debug)]
enum Lasts {
    /// This one.
    Once,
    /// This one and all behind it, until there is room again.
    UntilRoomIsMade,
}

/// A disk that does `well` acts and then refuses.
struct Disk {
    acts: Rc<Cell<usize>>,
    refusing: Rc<Cell<bool>>,
}

impl Disk {
    fn refusing_after(well: usize, kind: io::ErrorKind, lasts: Lasts, dir: PathBuf) -> Self {
        let (acts, refusing) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(true)));
        let (count, refuse) = (Rc::clone(&acts), Rc::clone(&refusing));
        watch(move |act| {
            let number = count.replace(count.get() + 1);
            let refused = match lasts {
                Lasts::Once => number == well,
                Lasts::UntilRoomIsMade => number >= well,
            };
            if !refused || !refuse.get() {
                return Ok(());
            }
            if let Act::Write { file, offset, bytes } = &act {
                leave_half(&dir, file, *offset, bytes);
            }
            Err(kind.into())
        });
        Self { acts, refusing }
    }

    fn make_room(&self) {
        self.refusing.set(false);
    }
}

/// A write that a disk refuses in the middle.
fn leave_half(dir: &Path, file: &str, offset: u64, bytes: &[u8]) {
    let journal = dir.join("journal").join(file);
    let path = if journal.exists() { journal } else { dir.join(file) };
    if let Ok(file) = crate::files::private_file().open(path) {
        file.write_all_at(&bytes[..bytes.len() / 2], offset).unwrap();
    }
}

fn open(dir: &Path, seed: u8) -> Result<(Store, Rows, Vec<Finding>), StoreError> {
    let config = StoreConfig {
        segment_bytes: 600,
        ..StoreConfig::new(dir.to_path_buf())
    };
    let root = SecretArray::build(|root| root.fill(1));
    let mut entropy = Entropy::from_seed(SecretArray::build(|bytes| bytes.fill(seed)));
    let mut rows = Vec::new();
    let opened = Store::open(&config, &root, &mut entropy, &mut |record| {
        rows.push((record.sequence, record.payload.to_vec()));
        Ok(())
    })?;
    let mut store = opened.store;
    let last = store.last();
    store.index().catch_up(std::iter::empty(), 0, &last, Vec::new);
    Ok((store, rows, opened.report.findings))
}

/// Everything that a store does to its files, in the order of a till's day; what is there already is not done again.
const DAY: [Step; 9] = [
    |store, rows| append(store, rows, 3, 1),
    |store, rows| append(store, rows, 3, 2),
    |store, _| store.checkpoint_keys(&SecretBytes::copy_of(&[7; 40])),
    // Begins a segment.
    |store, rows| append(store, rows, 3, 3),
    append_four,
    |store, rows| append(store, rows, CHECKPOINT_KIND, 8),
    |store, _| store.remove_through(2),
    |store, rows| append(store, rows, 3, 9),
    // As in the background, but for the reserve, whose megabytes take their time.
    |store, _| {
        store.index.flush();
        store.mark();
        store.watermark.sync()
    },
];

fn append(store: &mut Store, rows: &mut Rows, kind: u8, number: u64) -> Result<(), StoreError> {
    if last(rows) < number {
        let at = store.append(kind, &payload(number), None)?;
        assert_eq!(at.sequence, number);
        rows.push((number, payload(number)));
    }
    Ok(())
}

/// With one sync, over the end of a segment.
fn append_four(store: &mut Store, rows: &mut Rows) -> Result<(), StoreError> {
    let missing = last(rows) + 1..=7;
    let records: Vec<(u8, Vec<u8>)> = missing.clone().map(|number| (3, payload(number))).collect();
    if !records.is_empty() {
        assert_eq!(store.append_all(&records)?.len(), records.len());
        rows.extend(missing.map(|number| (number, payload(number))));
    }
    Ok(())
}

fn last(rows: &Rows) -> u64 {
    rows.last().map_or(0, |(sequence, _)| *sequence)
}

fn payload(number: u64) -> Vec<u8> {
    vec![u8::try_from(number).unwrap(); 150]
}

/// A day on a disk that refuses from the act with this number on; what was refused is done again once there is room.
/// Says how many acts the day had, and what was refused.
fn day(well: usize, kind: io::ErrorKind, lasts: Lasts, reopens: bool) -> (usize, Option<StoreError>) {
    // In memory where there is such a folder: who refuses is the test, and a thousand real syncs take their time.
    let memory = tempfile::tempdir_in("/dev/shm");
    let folder = memory.unwrap_or_else(|_| tempfile::tempdir().unwrap());
    let dir = folder.path().join("store");
    let disk = Disk::refusing_after(well, kind, lasts, dir.clone());
    let (mut refused, mut rows, mut till) = (None, Rows::new(), None);
    for step in DAY {
        while let Err(error) = take_up(&dir, &mut till, &mut rows).and_then(|store| step(store, &mut rows)) {
            assert_eq!(refused.replace(error), None, "refused again");
            disk.make_room();
            if reopens {
                till = None;
            }
        }
    }
    let acts = disk.acts.get();
    unwatch();
    let keys = till.take().and_then(|store| store.load_keys().unwrap());
    assert_eq!(keys.unwrap().expose(), [7; 40]);
    take_up(&dir, &mut None, &mut rows).unwrap();
    assert_eq!(last(&rows), 9);
    (acts, refused)
}

/// The open store, or the folder opened again: what was acknowledged is there. Of what was refused some may be.
fn take_up<'a>(
    dir: &Path,
    till: &'a mut Option<Store>,
    rows: &mut Rows,
) -> Result<&'a mut Store, StoreError> {
    if till.is_none() {
        let (store, found, findings) = open(dir, u8::try_from(rows.len()).unwrap() + 1)?;
        let lost: Vec<_> = findings.iter().filter(|finding| finding.is_loss()).collect();
        assert!(lost.is_empty(), "{lost:?}");
        let known = found
            .iter()
            .filter(|(sequence, _)| *sequence <= last(rows))
            .count();
        let (known, unsaid) = found.split_at(known);
        // An opening begins at the checkpoint.
        assert!(
            rows.ends_with(known) && (!found.is_empty() || rows.is_empty()),
            "{found:?}"
        );
        for row in unsaid {
            assert_eq!(*row, (last(rows) + 1, payload(last(rows) + 1)));
            rows.push(row.clone());
        }
        assert_eq!(store.last().sequence, last(rows));
        *till = Some(store);
    }
    Ok(till.as_mut().unwrap())
}

#[test]
fn refused_at_any_write_or_sync_nothing_acknowledged_is_lost_and_the_till_goes_on() {
    for (kind, lasts, reopens) in REFUSALS {
        let (mut well, mut heard) = (0, 0);
        loop {
            let (acts, refused) = day(well, kind, lasts, reopens);
            if let Some(error) = &refused {
                assert!(fits(kind, error), "{kind}, act {well}: {error}");
                heard += 1;
            }
            well += 1;
            if well >= acts {
                break;
            }
        }
        // Only the watermark may be refused without a word.
        assert!(
            heard > 25,
            "{kind} {lasts:?}: {heard} of {well} refusals were heard"
        );
    }
}
