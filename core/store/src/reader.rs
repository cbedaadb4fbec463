//! Reading a journal without owning it: no lock, nothing written, every byte as it was.
//!
//! What is read is what was there when the reader was made; a till may go on writing meanwhile.

use std::path::PathBuf;
use std::sync::Arc;

use softpos_crypto::merkle::{MerkleTree, TreeHash};
use softpos_crypto::seal::{Purpose, PurposeKey};
use softpos_journal::{Archived, RecordHash, RecordOpener};
use softpos_types::SecretArray;

use crate::error::StoreError;
use crate::files::Layout;
use crate::keys;
use crate::replay::{Position, Record, Replay, Replayed};
use crate::report::{Finding, Report};
use crate::scan::Scan;
use crate::survey::{Keyring, Survey};

/// What can be read of a journal.
pub struct Reader {
    pub(crate) survey: Survey,
    pub(crate) install_id: [u8; 16],
    pub(crate) key: Arc<PurposeKey>,
    pub(crate) last: Position,
    /// Where each run begins: the place of its first segment in the survey.
    runs: Vec<usize>,
}

/// What stands before the first record that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// The last record that was removed, 0 for none.
    pub sequence: u64,
    /// Its hash.
    pub hash: RecordHash,
}

impl From<Option<&Archived>> for Before {
    fn from(archived: Option<&Archived>) -> Self {
        archived.map_or(
            Self {
                sequence: 0,
                hash: RecordHash::NONE,
            },
            |archived| Self {
                sequence: archived.sequence,
                hash: RecordHash(archived.hash),
            },
        )
    }
}

impl Reader {
    /// Looks at a store's folder, which may be in use or on a disk that cannot be written.
    ///
    /// # Errors
    /// As [`crate::Store::open`], but for the lock; [`StoreError::Damaged`] if there is no journal.
    pub fn open(dir: PathBuf, storage_root: &SecretArray<32>) -> Result<Self, StoreError> {
        let layout = Layout::new(dir);
        keys::refuse_newer(&layout)?;
        let survey = Survey::take(&layout)?;
        let Some(install_id) = survey.install_id(storage_root)? else {
            return Err(StoreError::Damaged("there is no journal".to_owned()));
        };
        let keyring = Keyring::new(storage_root, install_id);
        let head = survey.head(&keyring.head_key());
        let key = Arc::new(keyring.key(Purpose::Journal));
        let mut reader = Self::new(survey, install_id, key, Position::START);
        let start = reader.survey.start(&mut reader.opener())?;
        let mut findings = Vec::new();
        let replay = Replay::new(&reader.survey, install_id, head, reader.opener(), &mut findings);
        let Replayed { last, .. } = replay.starting_at(start).run(&mut |_| Ok(()))?;
        reader.last = last;
        Ok(reader)
    }

    /// A reader of what a store has found and written.
    pub(crate) fn new(survey: Survey, install_id: [u8; 16], key: Arc<PurposeKey>, last: Position) -> Self {
        let runs = survey.runs();
        Self {
            survey,
            install_id,
            key,
            last,
            runs,
        }
    }

    /// The same reader, for the records up to one of them.
    #[must_use]
    pub const fn until(mut self, sequence: u64) -> Self {
        if sequence < self.last.sequence {
            self.last.sequence = sequence;
        }
        self
    }

    /// The last record.
    pub const fn last(&self) -> Position {
        self.last
    }

    /// The installation.
    pub const fn install_id(&self) -> [u8; 16] {
        self.install_id
    }

    /// Visits every record from the first one on, and checks the whole chain. `before` is what retention left off.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], [`StoreError::Newer`], and what the visitor returns.
    pub fn replay(
        &self,
        before: Before,
        visit: &mut dyn FnMut(Record<'_>) -> Result<(), StoreError>,
    ) -> Result<Report, StoreError> {
        let mut report = Report::default();
        let through = self.last.sequence;
        let replay = Replay::new(
            &self.survey,
            self.install_id,
            None,
            self.opener(),
            &mut report.findings,
        );
        let replayed = replay.behind(before).until(through).run(visit)?;
        if replayed.last.sequence < through {
            report.findings.push(Finding::TailCut {
                first: replayed.last.sequence.saturating_add(1),
                last: through,
            });
        }
        Ok(report)
    }

    /// How many runs there are: a run begins with a checkpoint, but for the first.
    pub const fn runs(&self) -> usize {
        self.runs.len()
    }

    /// The run that holds a sequence.
    pub fn run_of(&self, sequence: u64) -> Option<usize> {
        self.runs.iter().rposition(|segment| {
            let first = self
                .survey
                .segments
                .get(*segment)
                .and_then(|it| it.first_sequence);
            first.is_some_and(|first| first <= sequence)
        })
    }

    /// The first sequence of a run.
    pub fn begins_at(&self, run: usize) -> Option<u64> {
        let segment = self.runs.get(run)?;
        self.survey.segments.get(*segment)?.first_sequence
    }

    /// Visits the records of one run in their order. What is damaged in it is passed over: [`Reader::replay`] names it.
    ///
    /// # Errors
    /// As [`Reader::replay`].
    pub fn run(
        &self,
        run: usize,
        visit: &mut dyn FnMut(Record<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Some(from) = self.runs.get(run).copied() else {
            return Ok(());
        };
        let to = run.checked_add(1).and_then(|next| self.runs.get(next));
        let to = to.copied().unwrap_or(self.survey.segments.len());
        let mut passed_over = Vec::new();
        let replay = Replay::new(
            &self.survey,
            self.install_id,
            None,
            self.opener(),
            &mut passed_over,
        );
        let replay = replay.starting_at(from).ending_before(to);
        replay.until(self.last.sequence).run(visit).map(drop)
    }

    /// The Merkle tree over the hashes of all records. A record that cannot be read and whose successor neither
    /// counts with zeros for its hash: the tree is then another one than it was.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], [`StoreError::Newer`]; [`StoreError::Damaged`] if what stands for removed records
    /// does not fit.
    pub fn tree(&self, archived: Option<&Archived>) -> Result<MerkleTree, StoreError> {
        let hidden = archived.map_or(0, |archived| archived.sequence);
        let peaks = archived.map_or(&[][..], |archived| archived.peaks.as_slice());
        let mut tree = MerkleTree::resume(hidden, peaks.as_chunks::<32>().0.to_vec())
            .ok_or_else(|| StoreError::Damaged("the note of removed records".to_owned()))?;
        for hash in self.hashes(hidden)? {
            tree.push(&hash.0);
        }
        Ok(tree)
    }

    /// What stands for the records up to one that are to be removed: its hash, and the roots of the complete subtrees.
    ///
    /// # Errors
    /// As [`Reader::tree`].
    pub fn stand_in(
        &self,
        archived: Option<&Archived>,
        sequence: u64,
    ) -> Result<([u8; 32], Vec<TreeHash>), StoreError> {
        let hidden = archived.map_or(0, |archived| archived.sequence);
        let peaks = archived.map_or(&[][..], |archived| archived.peaks.as_slice());
        let mut tree = MerkleTree::resume(hidden, peaks.as_chunks::<32>().0.to_vec())
            .ok_or_else(|| StoreError::Damaged("the note of removed records".to_owned()))?;
        let count = usize::try_from(sequence.saturating_sub(hidden)).unwrap_or(usize::MAX);
        let mut last = archived.map_or(RecordHash::NONE, |archived| RecordHash(archived.hash));
        for hash in self.hashes(hidden)?.into_iter().take(count) {
            tree.push(&hash.0);
            last = hash;
        }
        Ok((last.0, tree.peaks()))
    }

    /// The hash of every record behind `hidden`: each is named by the header of the next one, so no body is read.
    fn hashes(&self, hidden: u64) -> Result<Vec<RecordHash>, StoreError> {
        let count = self.last.sequence.saturating_sub(hidden);
        let mut hashes = vec![RecordHash::NONE; usize::try_from(count).unwrap_or(0)];
        let mut put = |sequence: u64, hash: RecordHash| {
            let index = sequence.checked_sub(hidden.saturating_add(1));
            let place = index
                .and_then(|index| usize::try_from(index).ok())
                .and_then(|index| hashes.get_mut(index));
            if let Some(place) = place {
                *place = hash;
            }
        };
        for segment in &self.survey.segments {
            let (_, mut scan) = Scan::open(&segment.path)?;
            while let Some(header) = scan.next_header()? {
                if header.sequence <= self.last.sequence {
                    put(header.sequence.saturating_sub(1), header.prev_hash);
                }
            }
        }
        put(self.last.sequence, self.last.hash);
        Ok(hashes)
    }

    pub(crate) fn opener(&self) -> RecordOpener {
        RecordOpener::new(Arc::clone(&self.key))
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
