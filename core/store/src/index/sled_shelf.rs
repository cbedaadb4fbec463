//! The shelf on sled 0.34.7.
//!
//! sled is beta and its flush is no fsync on Linux; a flipped bit can lose it hundreds of entries in silence, and it
//! can fail, panic or hang while opening. Nothing here relies on it for more than speed.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::shelf::{Change, Shelf, ShelfError};
use crate::files::{make_private_dir, sync_dir};
use crate::space::is_full;

const OPEN_LIMIT: Duration = Duration::from_secs(2);
/// sled's default is 1 GiB. With 8 MiB filling 100,000 rows took 40 MB of memory, with 2 MiB half of that, and no
/// longer (measured).
const CACHE_BYTES: u64 = 2 * 1024 * 1024;

struct SledShelf(sled::Db);

/// Opens sled in a folder, on a thread of its own and within two seconds.
pub(crate) fn open(dir: &Path) -> Result<Box<dyn Shelf>, ShelfError> {
    make_private_dir(dir)
        .and_then(|()| remove_half_snapshots(dir))
        .map_err(|error| of_io(&error))?;
    let config = sled::Config::new()
        .path(dir)
        .cache_capacity(CACHE_BYTES)
        .mode(sled::Mode::LowSpace)
        .flush_every_ms(None);
    let db = within(OPEN_LIMIT, move || config.open())?.map_err(|error| of_sled(&error))?;
    if !db.was_recovered() {
        sync_new_files(dir).map_err(|error| of_io(&error))?;
    }
    Ok(Box::new(SledShelf(db)))
}

impl Shelf for SledShelf {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        let value = self.0.get(key).map_err(|error| of_sled(&error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn keys(&self, range: Range<Vec<u8>>, backwards: bool, limit: usize) -> Result<Vec<Vec<u8>>, ShelfError> {
        let entries = self.0.range(range);
        let entries: Box<dyn Iterator<Item = _>> = if backwards {
            Box::new(entries.rev())
        } else {
            Box::new(entries)
        };
        let keys = entries
            .take(limit)
            .map(|entry| entry.map(|(key, _)| key.to_vec()));
        keys.collect::<Result<_, _>>().map_err(|error| of_sled(&error))
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        // Not a batch of sled's: each one costs it kilobytes of log and as much memory.
        let mut changes = changes.into_iter().map(|change| match change {
            Change::Put(key, value) => self.0.insert(key, value),
            Change::Delete(key) => self.0.remove(key),
        });
        changes
            .try_for_each(|done| done.map(drop))
            .map_err(|error| of_sled(&error))
    }

    fn flush(&self) -> Result<(), ShelfError> {
        self.0.flush().map(drop).map_err(|error| of_sled(&error))
    }

    fn bytes_on_disk(&self) -> Result<u64, ShelfError> {
        self.0.size_on_disk().map_err(|error| of_sled(&error))
    }
}

/// Runs something that may panic or never return; such a thread is left behind.
fn within<T: Send + 'static>(
    limit: Duration,
    task: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ShelfError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let spawned = thread::Builder::new()
        .name("index-open".to_owned())
        .spawn(move || {
            // Nobody listens any more after the limit.
            drop(sender.send(catch_unwind(AssertUnwindSafe(task))));
        });
    spawned.map_err(|error| of_io(&error))?;
    match receiver.recv_timeout(limit) {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(_)) => Err(ShelfError::Bad("it panicked while opening".to_owned())),
        Err(_) => Err(ShelfError::Bad("it did not open in time".to_owned())),
    }
}

/// A snapshot that was not finished makes sled fail to open; it is worth nothing.
fn remove_half_snapshots(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "generating")
        {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// sled never syncs its `conf`: a power cut would leave it torn and the index unreadable.
fn sync_new_files(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        File::open(entry?.path())?.sync_all()?;
    }
    sync_dir(dir)?;
    dir.parent().map_or(Ok(()), sync_dir)
}

fn of_sled(error: &sled::Error) -> ShelfError {
    match error {
        sled::Error::Io(error) => of_io(error),
        sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_)
        | sled::Error::Corruption { .. } => ShelfError::Bad(error.to_string()),
    }
}

fn of_io(error: &io::Error) -> ShelfError {
    if is_full(error) {
        ShelfError::Full
    } else {
        ShelfError::Bad(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_and_a_hang_while_opening_are_errors() {
        assert_eq!(within(OPEN_LIMIT, || 7), Ok(7));
        let panicked = within(OPEN_LIMIT, || -> u8 { panic!("as sled does") });
        assert_eq!(
            panicked,
            Err(ShelfError::Bad("it panicked while opening".to_owned()))
        );
        let hung = within(Duration::from_millis(20), || {
            thread::sleep(Duration::from_secs(3));
        });
        assert_eq!(hung, Err(ShelfError::Bad("it did not open in time".to_owned())));
    }

    #[test]
    fn writes_are_there_in_order_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = open(&dir.path().join("index")).unwrap();
        let put = |key: u8| Change::Put(vec![b'a', key], vec![key]);
        shelf
            .write(vec![put(3), put(1), put(2), Change::Delete(vec![b'a', 2])])
            .unwrap();
        shelf.flush().unwrap();
        drop(shelf);
        fs::write(dir.path().join("index/snap.0000000000000000.generating"), b"").unwrap();
        let shelf = open(&dir.path().join("index")).unwrap();
        let all = vec![b'a']..vec![b'b'];
        assert_eq!(
            shelf.keys(all.clone(), false, 9),
            Ok(vec![vec![b'a', 1], vec![b'a', 3]])
        );
        assert_eq!(shelf.keys(all, true, 1), Ok(vec![vec![b'a', 3]]));
        assert_eq!(
            (shelf.value(b"a\x01"), shelf.value(b"a\x02")),
            (Ok(Some(vec![1])), Ok(None))
        );
        assert!(shelf.bytes_on_disk().unwrap() > 0);
    }
}
