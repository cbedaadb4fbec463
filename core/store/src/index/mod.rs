//! The index over the journal: payments by key, number, time, state, and the offline queue.
//!
//! A **hit** may be trusted: rows are sealed under their key. A **miss** may not: the index can have lost rows or
//! be missing altogether, so whether a payment exists, and what is still to be sent, is asked of the journal's
//! fold. No failure here fails a payment; the index is then empty until it is rebuilt.
//!
//! After a power cut some of its pages can be old, others new, others gone. So each change of it is one step together
//! with a mark that says which record it reaches and what all entries together come to, and opening reads every entry:
//! an index that is not just as its mark says is filled anew. Between two such steps changed rows wait in memory.

mod digest;
mod limit;
mod mark;
mod row;
mod seal;
mod shelf;
mod sled_shelf;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, UNIX_EPOCH};

use softpos_crypto::seal::PurposeKey;
use softpos_types::PaymentKey;

use self::digest::Digest;
use self::limit::within;
use self::mark::Mark;

pub use self::row::{IndexRow, OrderTag, OrderTags};
use self::row::{
    mark_key, order_range, payment_of, queue_range, row_key, stan_range, state_range, time_range,
};
use self::seal::Sealer;
pub(crate) use self::shelf::ShelfError;
use self::shelf::{Change, OpenShelf, Shelf};
use crate::files::{Layout, sync_dir};
use crate::replay::Position;
use crate::report::Finding;

/// Payments after which a flush is due.
const ROWS_PER_FLUSH: usize = 64;
/// So many wait in memory if nobody finds the time for one.
const MOST_PENDING_ROWS: usize = 1024;
/// How long opening may take, and reading everything.
const OPEN_LIMIT: Duration = Duration::from_secs(2);
const READ_LIMIT: Duration = Duration::from_secs(5);
/// More than this for a record of the journal, over all, and the index is filled anew: it is never compacted otherwise.
const MOST_BYTES_PER_RECORD: u64 = 1024;
/// What an index takes up without any row.
const EMPTY_BYTES: u64 = 4 * 1024 * 1024;

/// The index. Never asked for a decision about money.
pub struct Index {
    layout: Layout,
    install_id: [u8; 16],
    sealer: Sealer,
    order_tags: OrderTags,
    open_shelf: OpenShelf,
    shelf: Option<Box<dyn Shelf>>,
    /// The last journal record whose effect is in the index; `None` when it is empty.
    applied: Option<Position>,
    /// Whether all rows up to `applied` are in it, so that it may be moved on.
    current: bool,
    doubt: Option<String>,
    /// What all entries of the shelf but its mark come to.
    digest: Digest,
    /// The shelf's mark.
    mark: Option<Mark>,
    /// Rows that are not on the shelf yet; `None` for a payment that leaves it.
    pending: BTreeMap<PaymentKey, Option<IndexRow>>,
    /// The sequence that reading of the journal began at: what changed before it is in no row of the fold.
    pub(crate) read_from: u64,
    /// The first sequence that the journal holds.
    pub(crate) begins_at: u64,
}

/// What an opened index holds.
pub(crate) enum Contents {
    /// It was made just now.
    New,
    /// It was there, and nothing is in it.
    Empty,
    /// Everything up to this record.
    UpTo(Position),
}

impl Index {
    /// An index that is not opened yet.
    pub(crate) fn new(
        layout: &Layout,
        install_id: [u8; 16],
        key: PurposeKey,
        order_tags: OrderTags,
        salt: [u8; 16],
    ) -> Self {
        Self {
            layout: layout.clone(),
            install_id,
            sealer: Sealer::new(key, salt),
            order_tags,
            open_shelf: sled_shelf::open,
            shelf: None,
            applied: None,
            current: false,
            doubt: None,
            digest: Digest::default(),
            mark: None,
            pending: BTreeMap::new(),
            read_from: 1,
            begins_at: 1,
        }
    }

    /// Brings the index up to the journal after opening.
    ///
    /// `rows` are the present rows of all payments that a record after `left_at` has changed, in the order of the journal;
    /// those that have changed since are written. If the index ends before `left_at`, or before the record that opening
    /// began to read at, or has to be filled anew, `every` gives the row of every payment there is; the finding says
    /// why it was filled anew. `last` is the journal's last record.
    pub fn catch_up<I>(
        &mut self,
        rows: I,
        left_at: u64,
        last: &Position,
        every: impl Fn() -> Vec<IndexRow>,
    ) -> Option<Finding>
    where
        I: Iterator<Item = IndexRow> + Clone,
    {
        if self.shelf.is_none() && self.doubt.is_none() {
            return None;
        }
        if self.doubt.is_none() {
            let Some(applied) = self.applied else {
                // If it is doubtful although it was filled just now, it stays closed until the next opening.
                self.fill(with_every(rows.clone(), every()), last);
                self.compare(rows, last);
                return None;
            };
            self.current = true;
            let has_changed = |row: &IndexRow| row.sequence > applied.sequence;
            if applied.sequence < left_at || applied.sequence.saturating_add(1) < self.read_from {
                // It stopped before a batch was closed: its days are read once more.
                let changed = with_every(rows.clone(), every()).filter(has_changed);
                changed.for_each(|row| self.apply(&row, &applied));
            } else {
                let changed = rows.clone().filter(has_changed);
                changed.for_each(|row| self.apply(&row, &applied));
            }
            self.applied = Some(*last);
            self.compare(rows.clone(), last);
        }
        let reason = self.doubt.clone()?;
        Some(self.rebuild(with_every(rows, every()), last, reason))
    }

    /// Sets the index aside and fills a new one, for the reason given.
    pub fn rebuild(
        &mut self,
        rows: impl Iterator<Item = IndexRow>,
        last: &Position,
        reason: String,
    ) -> Finding {
        let finding = self.begin_anew(reason);
        self.fill(rows, last);
        finding
    }

    /// Writes a payment's present row. `at` is the record that made it so.
    ///
    /// Does nothing while the index is behind the journal: the next opening catches up.
    pub fn apply(&mut self, row: &IndexRow, at: &Position) {
        if !self.current {
            return;
        }
        self.pending.insert(row.key, Some(*row));
        self.applied = Some(*at);
        if self.pending.len() >= MOST_PENDING_ROWS {
            self.write_pending();
        }
    }

    /// A payment. `None` says nothing about whether it exists.
    pub fn by_key(&mut self, key: &PaymentKey) -> Option<IndexRow> {
        self.row(key)
    }

    /// The payment with this number. `None` says nothing about whether it exists.
    pub fn by_stan(&mut self, batch: u32, stan: u32) -> Option<IndexRow> {
        self.rows(stan_range(batch, stan), true, 1).pop()
    }

    /// Payments of an order. An empty list says nothing unless the index [is current](Index::is_current).
    pub fn by_order(&mut self, order: OrderTag, limit: usize) -> Vec<IndexRow> {
        self.rows(order_range(order), true, limit)
    }

    /// What makes the tags of order numbers.
    pub fn order_tags(&self) -> OrderTags {
        self.order_tags.clone()
    }

    /// Whether everything that was written went into it, as far as it knows.
    pub const fn is_current(&self) -> bool {
        self.current && self.doubt.is_none()
    }

    /// Forgets a payment that is no longer in the journal.
    pub fn remove(&mut self, key: &PaymentKey) {
        self.pending.insert(*key, None);
    }

    /// Payments whose key was made in a span of time, newest first.
    pub fn between(&mut self, utc_ms: Range<u64>, limit: usize) -> Vec<IndexRow> {
        let range = time_range(utc_ms);
        // As an empty list: sled panics on a range that ends before it starts.
        if range.is_empty() {
            Vec::new()
        } else {
            self.rows(range, true, limit)
        }
    }

    /// Payments in a state, oldest first.
    pub fn in_state(&mut self, state: u8, limit: usize) -> Vec<IndexRow> {
        self.rows(state_range(state), false, limit)
    }

    /// The offline queue, in the order in which the payments were put there.
    pub fn queue(&mut self, limit: usize) -> Vec<IndexRow> {
        self.rows(queue_range(), false, limit)
    }

    /// Why the index must be rebuilt, if it must.
    pub fn doubt(&self) -> Option<&str> {
        self.doubt.as_deref()
    }

    /// Whether enough has changed for a flush, which takes time: not on the way of a payment.
    pub fn flush_is_due(&self) -> bool {
        self.pending.len() >= ROWS_PER_FLUSH
    }

    /// Writes what has changed, and hands everything to the system. What was not flushed before a crash is
    /// caught up.
    pub fn flush(&mut self) {
        self.write_pending();
        self.guarded(|shelf| shelf.flush());
    }

    /// Opens what is there, reads all of it and says how far it goes.
    pub(crate) fn take_up(&mut self) -> Result<Contents, ShelfError> {
        let bad = |reason: &str| ShelfError::Bad(reason.to_owned());
        let existed = self.layout.index().exists();
        let shelf = self.open_shelf()?;
        let (shelf, read) = within(READ_LIMIT, move || {
            let read = read(shelf.as_ref());
            (shelf, read)
        })?;
        let (sealed, digest) = read?;
        if sealed.is_none() && digest != Digest::default() {
            return Err(bad("nothing says how far it goes"));
        }
        self.mark = sealed.map(|sealed| self.believed(&sealed, digest)).transpose()?;
        self.applied = self.mark.map(|mark| mark.applied);
        self.shelf = Some(shelf);
        self.digest = digest;
        Ok(match self.applied {
            Some(applied) => Contents::UpTo(applied),
            None if existed => Contents::Empty,
            None => Contents::New,
        })
    }

    /// The mark, if the entries are those that it was written for.
    fn believed(&mut self, sealed: &[u8], digest: Digest) -> Result<Mark, ShelfError> {
        let bad = |reason: &str| ShelfError::Bad(reason.to_owned());
        let clear = self.sealer.open(&mark_key(), sealed);
        let clear = clear.ok_or_else(|| bad("its mark does not open"))?;
        let mark = Mark::from_bytes(&clear, &self.install_id);
        let mark = mark.ok_or_else(|| bad("it is of another installation"))?;
        if mark.digest != digest {
            return Err(bad("it is not as its mark says"));
        }
        if mark.begins_at != self.begins_at {
            return Err(bad("the journal begins at another record"));
        }
        Ok(mark)
    }

    fn open_shelf(&self) -> Result<Box<dyn Shelf>, ShelfError> {
        let (open, dir) = (self.open_shelf, self.layout.index());
        within(OPEN_LIMIT, move || open(&dir))?
    }

    /// Sets aside what is there and begins an empty index.
    pub(crate) fn begin_anew(&mut self, reason: String) -> Finding {
        self.close();
        self.applied = None;
        self.current = false;
        self.doubt = None;
        self.digest = Digest::default();
        self.mark = None;
        self.pending.clear();
        let opened = self.set_aside().map_err(|error| error.to_string());
        let opened = opened.and_then(|()| self.open_shelf().map_err(|error| error.to_string()));
        match opened {
            Ok(shelf) => {
                self.shelf = Some(shelf);
                Finding::IndexRebuilt { reason }
            }
            Err(error) => Finding::IndexUnavailable {
                reason: format!("{reason}; and anew: {error}"),
            },
        }
    }

    /// Renames the folder to `index.bad.<time of its last change>`; only the newest is kept.
    fn set_aside(&self) -> std::io::Result<()> {
        let index = self.layout.index();
        let Ok(metadata) = fs::symlink_metadata(&index) else {
            return Ok(());
        };
        for entry in fs::read_dir(self.layout.dir())? {
            let entry = entry?;
            if entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.starts_with("index.bad."))
            {
                fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()))?;
            }
        }
        let changed = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let seconds = changed.as_ref().map_or(0, Duration::as_secs);
        fs::rename(&index, self.layout.dir().join(format!("index.bad.{seconds}")))?;
        sync_dir(self.layout.dir())
    }

    /// Fills an empty index.
    fn fill(&mut self, rows: impl Iterator<Item = IndexRow>, last: &Position) {
        for row in rows {
            let mut entries: Vec<_> = row.list_keys().into_iter().map(|key| (key, Vec::new())).collect();
            let key = row_key(&row.key);
            let value = self.sealer.seal(&key, &row.to_bytes());
            entries.push((key, value));
            for (key, value) in &entries {
                self.digest.add(key, value);
            }
            if self.guarded(|shelf| shelf.fill(entries)).is_none() {
                return;
            }
        }
        // The mark comes last: an index that was filled in part has none and is not believed.
        self.applied = Some(*last);
        self.current = self.shelf.is_some();
        self.flush();
    }

    /// Doubts the index if its queue is not the journal's, or if it has grown out of proportion.
    fn compare(&mut self, rows: impl Iterator<Item = IndexRow>, last: &Position) {
        let mut queued: Vec<_> = rows.filter_map(|row| Some((row.queued_at?, row.key))).collect();
        queued.sort_unstable();
        let most_bytes = last
            .sequence
            .saturating_mul(MOST_BYTES_PER_RECORD)
            .saturating_add(EMPTY_BYTES);
        let found = self.list(queue_range(), false, queued.len().saturating_add(1));
        let found = found.iter().filter_map(|key| payment_of(key));
        if !found.eq(queued.iter().map(|(_, key)| *key)) {
            self.distrust("its queue is not the journal's");
        }
        if self
            .guarded(|shelf| shelf.bytes_on_disk())
            .is_some_and(|bytes| bytes > most_bytes)
        {
            self.distrust("it has grown too large");
        }
    }

    /// Brings the changed rows and the mark to the shelf, in one step.
    fn write_pending(&mut self) {
        let Some(applied) = self.applied.filter(|_| self.current && self.shelf.is_some()) else {
            return;
        };
        let mut digest = self.digest;
        let mut changes = Vec::new();
        for (key, new) in std::mem::take(&mut self.pending) {
            let Ok(old) = self.stored(&key) else { return };
            if old.as_ref().map(|(row, _)| *row) == new {
                continue;
            }
            let new = new.map(|row| (row, self.sealer.seal(&row_key(&key), &row.to_bytes())));
            let (old, new) = (entries_of(old.as_ref()), entries_of(new.as_ref()));
            for (key, value) in old.iter().filter(|(key, value)| new.get(*key) != Some(value)) {
                digest.remove(key, value);
                if !new.contains_key(key) {
                    changes.push(Change::Delete(key.clone()));
                }
            }
            for (key, value) in new.into_iter().filter(|(key, value)| old.get(key) != Some(value)) {
                digest.add(&key, &value);
                changes.push(Change::Put(key, value));
            }
        }
        let mark = Mark {
            applied,
            begins_at: self.begins_at,
            digest,
        };
        if self.mark == Some(mark) {
            return;
        }
        let sealed = self.sealer.seal(&mark_key(), &mark.to_bytes(&self.install_id));
        changes.push(Change::Put(mark_key(), sealed));
        if self.guarded(|shelf| shelf.write(changes)).is_some() {
            self.digest = digest;
            self.mark = Some(mark);
        }
    }

    /// The rows that a list names.
    fn rows(&mut self, range: Range<Vec<u8>>, backwards: bool, limit: usize) -> Vec<IndexRow> {
        let keys = self.list(range, backwards, limit);
        let mut rows = Vec::with_capacity(keys.len());
        for list_key in keys {
            let row = payment_of(&list_key).and_then(|key| self.row(&key));
            match row.filter(|row| list_key == row_key(&row.key) || row.list_keys().contains(&list_key)) {
                Some(row) => rows.push(row),
                None => self.distrust("a list names a payment that is not as it says"),
            }
        }
        rows
    }

    /// The keys of a list in order: those on the shelf, and those of the rows that are not there yet.
    fn list(&mut self, range: Range<Vec<u8>>, backwards: bool, limit: usize) -> Vec<Vec<u8>> {
        let pending = self.pending.values().flatten();
        let pending = pending.flat_map(|row| row.list_keys().into_iter().chain([row_key(&row.key)]));
        let mut keys: Vec<_> = pending.filter(|key| range.contains(key)).collect();
        let most = limit.saturating_add(self.pending.len());
        let stored = self.guarded(|shelf| shelf.keys(range, backwards, most));
        let Some(stored) = stored else { return Vec::new() };
        let is_pending = |key: &Vec<u8>| payment_of(key).is_some_and(|key| self.pending.contains_key(&key));
        keys.extend(stored.into_iter().filter(|key| !is_pending(key)));
        keys.sort_unstable();
        if backwards {
            keys.reverse();
        }
        keys.truncate(limit);
        keys
    }

    fn row(&mut self, key: &PaymentKey) -> Option<IndexRow> {
        match self.pending.get(key) {
            Some(row) => *row,
            None => self.stored(key).ok().flatten().map(|(row, _)| row),
        }
    }

    /// The row that the shelf has, and its value there; an error if it cannot be read.
    fn stored(&mut self, key: &PaymentKey) -> Result<Option<(IndexRow, Vec<u8>)>, Doubted> {
        let at = row_key(key);
        let Some(value) = self.guarded(|shelf| shelf.value(&at)).ok_or(Doubted)? else {
            return Ok(None);
        };
        let row = self
            .sealer
            .open(&at, &value)
            .and_then(|bytes| IndexRow::from_bytes(*key, &bytes));
        if row.is_none() {
            self.distrust("a row does not open");
        }
        row.map(|row| Some((row, value))).ok_or(Doubted)
    }

    /// What is in it is wrong: without its mark the next opening does not believe it either.
    fn distrust(&mut self, reason: &str) {
        self.current = false;
        self.mark = None;
        self.guarded(|shelf| shelf.write(vec![Change::Delete(mark_key())]));
        self.doubt.get_or_insert_with(|| reason.to_owned());
    }

    /// Does something with the shelf; its error or panic closes it.
    fn guarded<T>(&mut self, task: impl FnOnce(&dyn Shelf) -> Result<T, ShelfError>) -> Option<T> {
        let shelf = self.shelf.as_deref()?;
        let outcome = catch_unwind(AssertUnwindSafe(|| task(shelf)));
        let reason = match outcome {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked".to_owned(),
        };
        self.close();
        self.current = false;
        self.pending.clear();
        self.doubt = Some(reason);
        None
    }

    fn close(&mut self) {
        let shelf = self.shelf.take();
        // Closing flushes, which can panic like everything else.
        drop(catch_unwind(AssertUnwindSafe(|| drop(shelf))));
    }
}

/// The index is not what it should be; why is in its doubt.
struct Doubted;

/// Everything the shelf has of a payment whose row and its sealed value are these.
fn entries_of(row: Option<&(IndexRow, Vec<u8>)>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let Some((row, value)) = row else {
        return BTreeMap::new();
    };
    let lists = row.list_keys().into_iter().map(|key| (key, Vec::new()));
    lists.chain([(row_key(&row.key), value.clone())]).collect()
}

/// The row of every payment there is. The fold's own counts where it has one: a checkpoint remembers what damage has
/// taken from the records before it. So nothing waits in the queue that does not wait there.
fn with_every(rows: impl Iterator<Item = IndexRow>, every: Vec<IndexRow>) -> impl Iterator<Item = IndexRow> {
    let every = every.into_iter().map(|row| IndexRow {
        queued_at: None,
        ..row
    });
    let whole: BTreeMap<_, _> = every.chain(rows).map(|row| (row.key, row)).collect();
    whole.into_values()
}

/// The mark as it is stored, and what all other entries come to.
fn read(shelf: &dyn Shelf) -> Result<(Option<Vec<u8>>, Digest), ShelfError> {
    let (mut mark, mut digest) = (None, Digest::default());
    let at = mark_key();
    shelf.each(&mut |key, value| {
        if key == at.as_slice() {
            mark = Some(value.to_vec());
        } else {
            digest.add(key, value);
        }
    })?;
    Ok((mark, digest))
}

impl Drop for Index {
    fn drop(&mut self) {
        self.write_pending();
        self.close();
    }
}

#[cfg(test)]
mod tests;
