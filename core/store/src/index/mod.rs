//! The index over the journal: payments by key, number, time, state, and the offline queue.
//!
//! A **hit** may be trusted: rows are sealed under their key. A **miss** may not: the index can have lost rows or
//! be missing altogether, so whether a payment exists, and what is still to be sent, is asked of the journal's
//! fold. No failure here fails a payment; the index is then empty until it is rebuilt.

mod row;
mod seal;
mod shelf;
mod sled_shelf;

use std::fs;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, UNIX_EPOCH};

use softpos_crypto::seal::PurposeKey;
use softpos_journal::RecordHash;
use softpos_types::PaymentKey;

pub use self::row::{IndexRow, OrderTag, OrderTags};
use self::row::{
    mark_key, order_range, payment_of, queue_range, row_key, stan_range, state_range, time_range, whole_range,
};
use self::seal::Sealer;
pub(crate) use self::shelf::ShelfError;
use self::shelf::{Change, OpenShelf, Shelf};
use crate::files::{Layout, sync_dir};
use crate::replay::Position;
use crate::report::Finding;

/// Payments after which a flush is due.
const ROWS_PER_FLUSH: u32 = 64;
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
    rows_since_flush: u32,
    /// The sequence that reading of the journal began at: what changed before it is in no row of the fold.
    pub(crate) read_from: u64,
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
            rows_since_flush: 0,
            read_from: 1,
        }
    }

    /// Brings the index up to the journal after opening.
    ///
    /// `rows` are the present rows of all payments that can have changed, in the order of the journal; those that
    /// have changed since are written. If the index has to be filled anew, or ends before them, `every` gives the row of every payment
    /// there is, and the finding says why. `last` is the journal's last record.
    pub fn catch_up<I>(
        &mut self,
        rows: I,
        last: &Position,
        every: impl FnOnce() -> Vec<IndexRow>,
    ) -> Option<Finding>
    where
        I: Iterator<Item = IndexRow> + Clone,
    {
        if self.shelf.is_none() && self.doubt.is_none() {
            return None;
        }
        let mut every = Some(every);
        if self.doubt.is_none() {
            match self.applied {
                None => {
                    let all = every.take().map(|every| every()).unwrap_or_default();
                    self.fill(all.into_iter(), last);
                }
                Some(applied) => {
                    self.current = true;
                    let has_changed = |row: &IndexRow| row.sequence > applied.sequence;
                    if applied.sequence.saturating_add(1) < self.read_from {
                        // It stopped before the last checkpoint: its days are read once more.
                        let all = every.take().map(|every| every()).unwrap_or_default();
                        let changed = all.into_iter().filter(has_changed);
                        changed.for_each(|row| self.apply(&row, &applied));
                    } else {
                        let changed = rows.clone().filter(has_changed);
                        changed.for_each(|row| self.apply(&row, &applied));
                    }
                    self.applied = Some(*last);
                }
            }
            self.compare(rows, last);
        }
        let reason = self.doubt.clone()?;
        // One that was filled just now and is doubtful all the same stays closed until the next opening.
        let all = every.take()?();
        Some(self.rebuild(all.into_iter(), last, reason))
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
        let old = self.row(&row.key).map_or_else(Vec::new, |old| old.list_keys());
        let new = row.list_keys();
        // The row comes last: if a crash comes before, doing all of it again still finds what the lists held.
        let mut changes = puts(&new);
        changes.extend(
            old.into_iter()
                .filter(|key| !new.contains(key))
                .map(Change::Delete),
        );
        changes.push(self.put_row(row));
        if self.guarded(|shelf| shelf.write(changes)).is_some() {
            self.applied = Some(*at);
            self.rows_since_flush = self.rows_since_flush.saturating_add(1);
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
        if let Some(row) = self.row(key) {
            let mut changes: Vec<Change> = row.list_keys().into_iter().map(Change::Delete).collect();
            changes.push(Change::Delete(row_key(key)));
            self.guarded(|shelf| shelf.write(changes));
        }
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

    /// Whether enough was written for a flush, which takes time: not on the way of a payment.
    pub const fn flush_is_due(&self) -> bool {
        self.rows_since_flush >= ROWS_PER_FLUSH
    }

    /// Notes how far the index goes, and hands everything to the system. What was not flushed before a crash is
    /// caught up.
    pub fn flush(&mut self) {
        self.write_mark();
        self.guarded(|shelf| shelf.flush());
        self.rows_since_flush = 0;
    }

    /// Opens what is there and says how far it goes.
    pub(crate) fn take_up(&mut self) -> Result<Contents, ShelfError> {
        let bad = |reason: &str| ShelfError::Bad(reason.to_owned());
        let existed = self.layout.index().exists();
        let shelf = (self.open_shelf)(&self.layout.index())?;
        let read = catch_unwind(AssertUnwindSafe(|| {
            let any = !shelf.keys(whole_range(), false, 1)?.is_empty();
            Ok((shelf.value(&mark_key())?, any))
        }));
        let (mark, any) = read.map_err(|_| bad("it panicked while being read"))??;
        self.applied = match mark {
            None if any => return Err(bad("nothing says how far it goes")),
            None => None,
            Some(mark) => {
                let mark = self
                    .sealer
                    .open(&mark_key(), &mark)
                    .ok_or_else(|| bad("its mark does not open"))?;
                Some(
                    self.position(&mark)
                        .ok_or_else(|| bad("it is of another installation"))?,
                )
            }
        };
        self.shelf = Some(shelf);
        Ok(match self.applied {
            Some(applied) => Contents::UpTo(applied),
            None if existed => Contents::Empty,
            None => Contents::New,
        })
    }

    /// Sets aside what is there and begins an empty index.
    pub(crate) fn begin_anew(&mut self, reason: String) -> Finding {
        self.close();
        self.applied = None;
        self.current = false;
        self.doubt = None;
        let opened = self.set_aside().map_err(|error| error.to_string());
        let opened =
            opened.and_then(|()| (self.open_shelf)(&self.layout.index()).map_err(|error| error.to_string()));
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
            let mut changes = puts(&row.list_keys());
            changes.push(self.put_row(&row));
            if self.guarded(|shelf| shelf.write(changes)).is_none() {
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
        let queued = rows.filter(|row| row.queued_at.is_some()).count();
        let most_bytes = last
            .sequence
            .saturating_mul(MOST_BYTES_PER_RECORD)
            .saturating_add(EMPTY_BYTES);
        let found = self.guarded(|shelf| {
            Ok((
                shelf.keys(queue_range(), false, queued.saturating_add(1))?.len(),
                shelf.bytes_on_disk()?,
            ))
        });
        match found {
            Some((found, _)) if found != queued => self.distrust("its queue is not the journal's"),
            Some((_, bytes)) if bytes > most_bytes => self.distrust("it has grown too large"),
            Some(_) | None => {}
        }
    }

    fn put_row(&mut self, row: &IndexRow) -> Change {
        let key = row_key(&row.key);
        let value = self.sealer.seal(&key, &row.to_bytes());
        Change::Put(key, value)
    }

    fn write_mark(&mut self) {
        if let Some(applied) = self.applied.filter(|_| self.current) {
            let mark = self.sealer.seal(&mark_key(), &self.mark(&applied));
            self.guarded(|shelf| shelf.write(vec![Change::Put(mark_key(), mark)]));
        }
    }

    /// The rows that a list names.
    fn rows(&mut self, range: Range<Vec<u8>>, backwards: bool, limit: usize) -> Vec<IndexRow> {
        let keys = self
            .guarded(|shelf| shelf.keys(range, backwards, limit))
            .unwrap_or_default();
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

    fn row(&mut self, key: &PaymentKey) -> Option<IndexRow> {
        let at = row_key(key);
        let value = self.guarded(|shelf| shelf.value(&at))??;
        let row = self
            .sealer
            .open(&at, &value)
            .and_then(|bytes| IndexRow::from_bytes(*key, &bytes));
        if row.is_none() {
            self.distrust("a row does not open");
        }
        row
    }

    /// Install id and position, as the mark holds them.
    fn mark(&self, at: &Position) -> Vec<u8> {
        let mut bytes = self.install_id.to_vec();
        bytes.extend_from_slice(&at.segment.to_be_bytes());
        bytes.extend_from_slice(&at.offset.to_be_bytes());
        bytes.extend_from_slice(&at.sequence.to_be_bytes());
        bytes.extend_from_slice(&at.hash.0);
        bytes
    }

    fn position(&self, mark: &[u8]) -> Option<Position> {
        let bytes = mark.strip_prefix(&self.install_id)?;
        let (segment, bytes) = bytes.split_first_chunk()?;
        let (offset, bytes) = bytes.split_first_chunk()?;
        let (sequence, hash) = bytes.split_first_chunk()?;
        Some(Position {
            sequence: u64::from_be_bytes(*sequence),
            hash: RecordHash(hash.try_into().ok()?),
            segment: u32::from_be_bytes(*segment),
            offset: u32::from_be_bytes(*offset),
        })
    }

    /// What is in it is wrong: without its mark the next opening does not believe it either.
    fn distrust(&mut self, reason: &str) {
        self.current = false;
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
        self.doubt = Some(reason);
        None
    }

    fn close(&mut self) {
        let shelf = self.shelf.take();
        // Closing flushes, which can panic like everything else.
        drop(catch_unwind(AssertUnwindSafe(|| drop(shelf))));
    }
}

fn puts(list_keys: &[Vec<u8>]) -> Vec<Change> {
    list_keys
        .iter()
        .map(|key| Change::Put(key.clone(), Vec::new()))
        .collect()
}

impl Drop for Index {
    fn drop(&mut self) {
        self.write_mark();
        self.close();
    }
}

#[cfg(test)]
mod tests;
