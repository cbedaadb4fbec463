//! The shelf on sled 0.34.7.
//!
//! sled is beta and its flush is no fsync on Linux; a flipped bit can lose it hundreds of entries in silence, and it
//! can fail, panic or hang while opening. Nothing here relies on it for more than speed.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::Path;

use super::shelf::{Change, Shelf, ShelfError};
use crate::files::{make_private_dir, sync_dir};
use crate::space::is_full;

/// sled's default is 1 GiB. With 8 MiB filling 100,000 rows took 40 MB of memory, with 2 MiB half of that, and no
/// longer (measured).
const CACHE_BYTES: u64 = 2 * 1024 * 1024;

struct SledShelf(sled::Db);

/// Opens sled in a folder. Of a torn one it can panic or never return.
pub(crate) fn open(dir: &Path) -> Result<Box<dyn Shelf>, ShelfError> {
    make_private_dir(dir)
        .and_then(|()| remove_half_snapshots(dir))
        .map_err(|error| of_io(&error))?;
    let config = sled::Config::new()
        .path(dir)
        .cache_capacity(CACHE_BYTES)
        .mode(sled::Mode::LowSpace)
        .flush_every_ms(None);
    let db = config.open().map_err(|error| of_sled(&error))?;
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

    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), ShelfError> {
        for entry in self.0.iter() {
            let (key, value) = entry.map_err(|error| of_sled(&error))?;
            visit(&key, &value);
        }
        Ok(())
    }

    fn fill(&self, entries: Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), ShelfError> {
        // Not a batch of sled's: each one costs it kilobytes of log and as much memory.
        let mut entries = entries.into_iter();
        entries
            .try_for_each(|(key, value)| self.0.insert(key, value).map(drop))
            .map_err(|error| of_sled(&error))
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        let mut batch = sled::Batch::default();
        for change in changes {
            match change {
                Change::Put(key, value) => batch.insert(key, value),
                Change::Delete(key) => batch.remove(key),
            }
        }
        self.0.apply_batch(batch).map_err(|error| of_sled(&error))
    }

    fn flush(&self) -> Result<(), ShelfError> {
        self.0.flush().map(drop).map_err(|error| of_sled(&error))
    }

    fn bytes_on_disk(&self) -> Result<u64, ShelfError> {
        self.0.size_on_disk().map_err(|error| of_sled(&error))
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
    fn writes_are_there_in_order_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = open(&dir.path().join("index")).unwrap();
        let put = |key: u8| Change::Put(vec![b'a', key], vec![key]);
        shelf
            .write(vec![put(3), put(1), put(2), Change::Delete(vec![b'a', 2])])
            .unwrap();
        shelf.fill(vec![(vec![b'z'], Vec::new())]).unwrap();
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
        let mut entries = Vec::new();
        shelf
            .each(&mut |key, value| entries.push((key.to_vec(), value.to_vec())))
            .unwrap();
        assert_eq!(
            entries,
            [
                (vec![b'a', 1], vec![1]),
                (vec![b'a', 3], vec![3]),
                (vec![b'z'], vec![])
            ]
        );
        assert!(shelf.bytes_on_disk().unwrap() > 0);
    }
}
