//! The store: open, append, read.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use softpos_crypto::entropy::Entropy;
use softpos_crypto::seal::{Epoch, Purpose, PurposeKey};
use softpos_journal::{
    CHECKPOINT_KIND, Head, KeyCounters, MAX_PAYLOAD_BYTES, OVERHEAD_BYTES, OpenedRecord, RecordOpener,
    SegmentHeader, seal_record,
};
use softpos_types::{SecretArray, SecretBytes};

use crate::error::StoreError;
use crate::files::{Layout, make_private_dir, sync_dir};
use crate::index::{Contents, Index, OrderTags, ShelfError};
use crate::keys;
use crate::quarantine;
use crate::reader::Reader;
use crate::replay::{Position, Record, Replay, Replayed};
use crate::report::{Finding, Report};
use crate::scan::Scan;
use crate::space::{FLOOR_BYTES, free_bytes, keep_reserve, release_reserve};
use crate::survey::{Keyring, Survey};
use crate::tail::Tail;
use crate::watch;
use crate::watermark::Watermark;

/// Where a store is and how it is cut into files.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The store's own folder. It is made if need be.
    pub dir: PathBuf,
    /// How long a segment of the journal may become; one record may be longer.
    pub segment_bytes: u32,
}

impl StoreConfig {
    /// A store in this folder with segments of 4 MiB.
    pub const fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            segment_bytes: 4 * 1024 * 1024,
        }
    }
}

/// A store that was opened, and what that found out.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What recovery noticed.
    pub report: Report,
    /// The sequence that reading began at: records before it stand in a checkpoint, and nobody has looked at them.
    pub read_from: u64,
}

/// The terminal's memory: an append-only sealed journal, the key checkpoint, and an index over the journal.
///
/// Holds the folder's lock for all its life.
pub struct Store {
    layout: Layout,
    segment_bytes: u32,
    install_id: [u8; 16],
    journal_key: Arc<PurposeKey>,
    dukpt_key: PurposeKey,
    opener: RecordOpener,
    entropy: Entropy,
    epoch: Epoch,
    /// `None` after a torn tail or a failed write: the next append begins a new segment.
    tail: Option<Tail>,
    /// Number and first sequence of every segment, in order.
    segments: Vec<(u32, u64)>,
    last: Position,
    watermark: Watermark,
    generation: u64,
    counters: KeyCounters,
    index: Index,
    // Dropped last.
    _lock: File,
}

impl Store {
    /// Opens the store and visits its records in order, from the last checkpoint on.
    ///
    /// The folder is made and begun if there is none. What recovery notices is in the report: damage never
    /// prevents opening, it costs the damaged records.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Newer`], [`StoreError::Locked`] and [`StoreError::Unreadable`] leave
    /// the folder as it was. [`StoreError::Damaged`] if nothing tells whose records these are. What the
    /// visitor returns ends the opening.
    pub fn open(
        config: &StoreConfig,
        storage_root: &SecretArray<32>,
        entropy: &mut Entropy,
        visit: &mut dyn FnMut(Record<'_>) -> Result<(), StoreError>,
    ) -> Result<Opened, StoreError> {
        let layout = Layout::new(config.dir.clone());
        let lock = layout.lock()?;
        keys::refuse_newer(&layout)?;
        let survey = Survey::take(&layout)?;
        let mut report = Report::default();
        let install_id = match survey.install_id(storage_root)? {
            Some(id) => id,
            None if survey.is_blank() => {
                if layout.keys().exists() || layout.index().exists() {
                    report.findings.push(Finding::JournalMissing);
                }
                entropy.array()
            }
            None => return Err(StoreError::Damaged("no file tells the installation".to_owned())),
        };
        let keyring = Keyring::new(storage_root, install_id);
        let head = survey.head(&keyring.head_key());
        let findings = &mut report.findings;
        let start = survey.start(&mut keyring.opener())?;
        let read_from = survey
            .segments
            .get(start)
            .and_then(|segment| segment.first_sequence);
        let replay = Replay::new(&survey, install_id, head, keyring.opener(), findings);
        let replayed = replay.starting_at(start).run(visit)?;
        quarantine::keep(&layout, &report.findings);
        if head.is_none() && (survey.had_head() || replayed.last.sequence > 0) {
            report.findings.push(Finding::HeadUnreadable);
        }

        // Nothing was written so far.
        let begun = Begin {
            layout,
            lock,
            survey,
            keyring,
            head,
            replayed,
        };
        let (mut store, finding) =
            Self::begin(begun, config.segment_bytes, Entropy::from_seed(entropy.secret()))?;
        report.findings.extend(finding);
        let read_from = read_from.filter(|_| start > 0).unwrap_or(1);
        store.index.read_from = read_from;
        Ok(Opened {
            store,
            report,
            read_from,
        })
    }

    /// Seals a record, chains it to the one before, and waits until it is on the disk: one write, one sync.
    ///
    /// `counters` are the highest key counters the record makes use of; `None` if it uses none.
    ///
    /// A checkpoint begins a segment, so that the next opening finds it. On a full disk the reserve is given up for the
    /// record.
    ///
    /// # Errors
    /// [`StoreError::TooLong`] over 1 MiB, [`StoreError::Unreadable`] or [`StoreError::Full`] if it could not be written. Then the
    /// record counts as not there, and the next append begins a new segment with the same sequence.
    pub fn append(
        &mut self,
        kind: u8,
        payload: &[u8],
        counters: Option<KeyCounters>,
    ) -> Result<Position, StoreError> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(StoreError::TooLong);
        }
        match self.append_once(kind, payload, counters) {
            Err(StoreError::Full) if release_reserve(&self.layout) => {
                self.append_once(kind, payload, counters)
            }
            done => done,
        }
    }

    fn append_once(
        &mut self,
        kind: u8,
        payload: &[u8],
        counters: Option<KeyCounters>,
    ) -> Result<Position, StoreError> {
        let sequence = self.last.sequence.saturating_add(1);
        if kind == CHECKPOINT_KIND && self.tail.as_ref().is_some_and(|tail| !tail.is_empty()) {
            drop(self.watermark.sync());
            self.tail = None;
        }
        self.make_room(payload.len().saturating_add(OVERHEAD_BYTES), sequence)?;
        let record = seal_record(&self.epoch, kind, sequence, self.last.hash, payload);
        let record = record.map_err(|_| StoreError::TooLong)?;
        let Some(tail) = &mut self.tail else {
            return Err(closed());
        };
        match tail.append(&record.bytes) {
            Ok(offset) => {
                self.last = Position {
                    sequence,
                    hash: record.hash,
                    segment: tail.number,
                    offset,
                };
            }
            Err(error) => {
                self.abandon_tail();
                return Err(StoreError::io("append to the journal")(error));
            }
        }
        self.counters = counters.unwrap_or(self.counters);
        self.mark();
        Ok(self.last)
    }

    /// Reads one record back; `None` if there is none with this sequence, or it is damaged.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if its segment cannot be read.
    pub fn read(&mut self, sequence: u64) -> Result<Option<OpenedRecord>, StoreError> {
        // Of two records with one sequence the later segment's counts.
        let holder = self.segments.iter().rev().find(|(_, first)| *first <= sequence);
        let Some((number, _)) = holder.filter(|_| sequence <= self.last.sequence) else {
            return Ok(None);
        };
        let (_, mut scan) = Scan::open(&self.layout.segment(*number))?;
        scan.find(sequence, &mut self.opener)
    }

    /// Writes many records with one sync, and says where each is: all of them are there afterwards, or none counts.
    ///
    /// They use no key counters and are no checkpoints. The reserve is not given up for them.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub fn append_all(&mut self, records: &[(u8, Vec<u8>)]) -> Result<Vec<Position>, StoreError> {
        let before = self.last;
        match self.write_all(records) {
            Ok(positions) => {
                self.mark();
                Ok(positions)
            }
            Err(error) => {
                self.last = before;
                self.abandon_tail();
                Err(error)
            }
        }
    }

    fn write_all(&mut self, records: &[(u8, Vec<u8>)]) -> Result<Vec<Position>, StoreError> {
        let failed = StoreError::io("append to the journal");
        let mut positions = Vec::with_capacity(records.len());
        for (kind, payload) in records {
            let sequence = self.last.sequence.saturating_add(1);
            let bytes = payload.len().saturating_add(OVERHEAD_BYTES);
            if self
                .tail
                .as_ref()
                .is_some_and(|tail| !tail.has_room(bytes, self.segment_bytes))
            {
                self.sync_tail()?;
            }
            self.make_room(bytes, sequence)?;
            let record = seal_record(&self.epoch, *kind, sequence, self.last.hash, payload);
            let record = record.map_err(|_| StoreError::TooLong)?;
            let Some(tail) = &mut self.tail else {
                return Err(closed());
            };
            let offset = tail.write(&record.bytes).map_err(&failed)?;
            self.last = Position {
                sequence,
                hash: record.hash,
                segment: tail.number,
                offset,
            };
            positions.push(self.last);
        }
        self.sync_tail()?;
        Ok(positions)
    }

    fn sync_tail(&self) -> Result<(), StoreError> {
        let synced = self.tail.as_ref().map_or(Ok(()), Tail::sync);
        synced.map_err(StoreError::io("append to the journal"))
    }

    /// A reader of everything written so far.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`].
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let survey = Survey::take(&self.layout)?;
        let key = Arc::clone(&self.journal_key);
        Ok(Reader::new(survey, self.install_id, key, self.last))
    }

    /// Removes the segments that hold nothing but records up to this one. A record must say so first.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if one could not be removed; the next opening tries again.
    pub fn remove_through(&mut self, sequence: u64) -> Result<(), StoreError> {
        let failed = StoreError::io("remove a journal segment");
        // Rows first: none may be left that names a record which is gone.
        self.index.flush();
        while let [(number, _), (_, next_first), ..] = self.segments.as_slice() {
            if next_first.saturating_sub(1) > sequence {
                break;
            }
            fs::remove_file(self.layout.segment(*number)).map_err(&failed)?;
            self.segments.remove(0);
            self.index.begins_at = self.begins_at();
        }
        watch::sync_names()
            .and_then(|()| sync_dir(&self.layout.journal()))
            .map_err(&failed)
    }

    /// Whether less is free than a till needs to go on for a while.
    pub fn space_is_low(&self) -> bool {
        free_bytes(&self.layout).is_some_and(|free| free < FLOOR_BYTES)
    }

    /// The first sequence that the files can hold.
    pub fn begins_at(&self) -> u64 {
        self.segments.first().map_or(1, |(_, first)| *first)
    }

    /// The last record.
    pub const fn last(&self) -> Position {
        self.last
    }

    /// The highest key counters that were written with a record or known to the watermark.
    pub const fn counters(&self) -> KeyCounters {
        self.counters
    }

    /// The installation: 16 random bytes made when the store was begun.
    pub const fn install_id(&self) -> [u8; 16] {
        self.install_id
    }

    /// Seals the key registers into the checkpoint and waits until it is on the disk.
    ///
    /// # Errors
    /// [`StoreError::TooLong`] over about 32 KiB, [`StoreError::Unreadable`] if it could not be written; the
    /// checkpoint before it is then still there.
    pub fn checkpoint_keys(&mut self, registers: &SecretBytes) -> Result<(), StoreError> {
        keys::write(&self.layout, &self.dukpt_key, self.entropy.array(), registers)
    }

    /// The newest readable key checkpoint; `None` if none was made.
    ///
    /// It may be older than the journal: advance it beyond [`Store::counters`] and the counters in the records.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if there are checkpoints and none opens, [`StoreError::Unreadable`].
    pub fn load_keys(&self) -> Result<Option<SecretBytes>, StoreError> {
        keys::read(&self.layout, &self.dukpt_key)
    }

    /// Makes the watermark durable too and flushes the index: when the program goes to the background, after a settlement, at the end.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if the watermark could not be synced.
    pub fn sync_background(&mut self) -> Result<(), StoreError> {
        self.index.flush();
        keep_reserve(&self.layout, &mut self.entropy);
        self.mark();
        self.watermark.sync()
    }

    /// The index over the journal. After opening it may be behind: see [`Index::catch_up`].
    pub const fn index(&mut self) -> &mut Index {
        &mut self.index
    }

    /// The first writes after a successful replay.
    fn begin(
        begin: Begin<'_>,
        segment_bytes: u32,
        mut entropy: Entropy,
    ) -> Result<(Self, Option<Finding>), StoreError> {
        let Begin {
            layout,
            lock,
            survey,
            keyring,
            head,
            replayed,
        } = begin;
        make_private_dir(&layout.journal()).map_err(StoreError::io("make the journal folder"))?;
        let journal_key = Arc::new(keyring.key(Purpose::Journal));
        // A segment without a record or a readable header holds no sequence.
        let segments = survey
            .segments
            .iter()
            .map(|it| (it.number, it.first_sequence.unwrap_or(u64::MAX)))
            .collect();
        let (watermark, new_head) = Watermark::open(&layout, keyring.head_key())?;
        let mut store = Self {
            tail: None,
            segments,
            last: replayed.last,
            watermark,
            generation: head.map_or(0, |head| head.generation),
            counters: head.map_or_else(KeyCounters::default, |head| head.counters),
            install_id: keyring.install_id,
            epoch: Epoch::new(&journal_key, entropy.array()),
            opener: RecordOpener::new(Arc::clone(&journal_key)),
            dukpt_key: keyring.key(Purpose::Dukpt),
            index: Index::new(
                &layout,
                keyring.install_id,
                keyring.key(Purpose::Index),
                OrderTags::new(&keyring.key(Purpose::Lookup)),
                entropy.array(),
            ),
            journal_key,
            entropy,
            layout,
            segment_bytes,
            _lock: lock,
        };
        match replayed.tail {
            Some((number, end)) => store.tail = Some(Tail::resume(&store.layout, number, end)?),
            // The install id must be on the disk before anything is sealed for it.
            None if head.is_none() => store.begin_segment(store.last.sequence.saturating_add(1))?,
            None => {}
        }
        if head.is_none() {
            store.mark();
            store.watermark.sync()?;
        }
        if new_head {
            let above = store.layout.dir().parent().filter(|above| above.is_dir());
            watch::sync_names()
                .and_then(|()| above.map_or(Ok(()), sync_dir))
                .and_then(|()| sync_dir(store.layout.dir()))
                .map_err(StoreError::io("sync the data folder"))?;
        }
        let finding = store.open_index();
        Ok((store, finding))
    }

    /// Opens the index, or begins an empty one if it does not belong to this journal.
    fn open_index(&mut self) -> Option<Finding> {
        self.index.begins_at = self.begins_at();
        let reason = match self.index.take_up() {
            Ok(Contents::UpTo(applied)) if self.holds(&applied) => return None,
            Ok(Contents::New | Contents::Empty) if self.last.sequence == 0 => return None,
            Ok(Contents::New) => {
                let reason = "there was none".to_owned();
                return Some(Finding::IndexRebuilt { reason });
            }
            Ok(Contents::Empty) => "it was empty".to_owned(),
            Ok(Contents::UpTo(_)) => "it does not fit the journal".to_owned(),
            Err(ShelfError::Full) => {
                let reason = ShelfError::Full.to_string();
                return Some(Finding::IndexUnavailable { reason });
            }
            Err(ShelfError::Bad(reason)) => reason,
        };
        Some(self.index.begin_anew(reason))
    }

    /// Whether the journal has this very record.
    fn holds(&mut self, position: &Position) -> bool {
        let known = [Position::START, self.last];
        if let Some(known) = known.iter().find(|known| known.sequence == position.sequence) {
            return known.hash == position.hash;
        }
        let record = self.read(position.sequence);
        record.is_ok_and(|record| record.is_some_and(|record| record.hash == position.hash))
    }

    /// Makes sure that there is a segment with room for a record.
    fn make_room(&mut self, record_bytes: usize, sequence: u64) -> Result<(), StoreError> {
        match &self.tail {
            Some(tail) if tail.has_room(record_bytes, self.segment_bytes) => Ok(()),
            Some(_) => {
                // Its failure is no reason to take no payment.
                drop(self.watermark.sync());
                self.begin_segment(sequence)
            }
            None => self.begin_segment(sequence),
        }
    }

    fn begin_segment(&mut self, first_sequence: u64) -> Result<(), StoreError> {
        let newest = self.segments.last().map_or(0, |(number, _)| *number);
        // A file may be left of a segment that could not be finished.
        let number =
            (newest.saturating_add(1)..=u32::MAX).find(|number| !self.layout.segment(*number).exists());
        let number = number.ok_or_else(closed)?;
        let header = SegmentHeader::new(number, first_sequence, self.install_id, &self.last.hash);
        self.tail = Some(Tail::create(&self.layout, &header)?);
        self.segments.push((number, first_sequence));
        Ok(())
    }

    /// After a failed write: its bytes may be there, so neither the place nor the epoch is used again.
    fn abandon_tail(&mut self) {
        self.tail = None;
        self.epoch = Epoch::new(&self.journal_key, self.entropy.array());
    }

    /// Moves the watermark to the last record.
    fn mark(&mut self) {
        self.generation = self.generation.saturating_add(1);
        let head = Head {
            generation: self.generation,
            install_id: self.install_id,
            sequence: self.last.sequence,
            segment: self.last.segment,
            offset: self.last.offset,
            hash: self.last.hash,
            counters: self.counters,
        };
        // The record is on the disk already, so a watermark that stays behind fails nothing: it only notices less.
        drop(self.watermark.write(&head));
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("dir", &self.layout.dir())
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

/// What opening knows before the first write.
struct Begin<'a> {
    layout: Layout,
    lock: File,
    survey: Survey,
    keyring: Keyring<'a>,
    head: Option<Head>,
    replayed: Replayed,
}

/// Only after the last segment number or sequence there can be.
fn closed() -> StoreError {
    StoreError::Damaged("the journal cannot go on".to_owned())
}

#[cfg(test)]
mod faults;
#[cfg(test)]
mod tests;
