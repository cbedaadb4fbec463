//! What is in the folder, looked at before anything is believed or written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use softpos_crypto::seal::{Purpose, PurposeKey, purpose_key};
use softpos_journal::{CHECKPOINT_KIND, FrameError, Head, HeadKey, RecordOpener, SegmentHeader};
use softpos_types::SecretArray;

use crate::error::StoreError;
use crate::files::{Layout, segment_name};
use crate::scan::{Piece, Scan};
use crate::watermark::Slots;

/// A segment file.
#[derive(Debug)]
pub(crate) struct FoundSegment {
    /// From the file's name.
    pub(crate) number: u32,
    pub(crate) path: PathBuf,
    pub(crate) header: Result<SegmentHeader, FrameError>,
    /// The sequence it begins with: its first record's, else the one its header announces.
    pub(crate) first_sequence: Option<u64>,
    /// What its first record is, if there is one.
    first_kind: Option<u8>,
}

/// The journal's files and the watermark.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) segments: Vec<FoundSegment>,
    slots: Slots,
}

/// The keys of one installation.
pub(crate) struct Keyring<'a> {
    root: &'a SecretArray<32>,
    pub(crate) install_id: [u8; 16],
}

impl<'a> Keyring<'a> {
    pub(crate) const fn new(root: &'a SecretArray<32>, install_id: [u8; 16]) -> Self {
        Self { root, install_id }
    }

    pub(crate) fn key(&self, purpose: Purpose) -> PurposeKey {
        purpose_key(self.root, self.install_id, purpose)
    }

    pub(crate) fn head_key(&self) -> HeadKey {
        HeadKey::new(&self.key(Purpose::Audit))
    }

    pub(crate) fn opener(&self) -> RecordOpener {
        RecordOpener::new(Arc::new(self.key(Purpose::Journal)))
    }
}

impl Survey {
    /// Lists the segments and reads the watermark.
    ///
    /// Fails with `Newer` before anything is changed if any of them has a newer format.
    pub(crate) fn take(layout: &Layout) -> Result<Self, StoreError> {
        let slots = Slots::read(layout)?;
        let segments = look_at(&layout.journal())?;
        Ok(Self { segments, slots })
    }

    /// The segments in a folder, without a watermark.
    pub(crate) fn of_segments(dir: &Path) -> Result<Self, StoreError> {
        let (segments, slots) = (look_at(dir)?, Slots::default());
        Ok(Self { segments, slots })
    }

    /// Where each run begins: the first segment, and every one that begins with a checkpoint which no later segment
    /// replaces.
    pub(crate) fn runs(&self) -> Vec<usize> {
        let mut replaced_from = u64::MAX;
        let mut runs = Vec::new();
        for (at, segment) in self.segments.iter().enumerate().rev() {
            let first = segment.first_sequence.unwrap_or(u64::MAX);
            let counts = segment.first_kind == Some(CHECKPOINT_KIND) && first < replaced_from;
            if counts || at == 0 {
                runs.push(at);
            }
            replaced_from = replaced_from.min(first);
        }
        runs.reverse();
        runs
    }

    /// The segment to begin reading at: the last one whose checkpoint opens, else the first.
    pub(crate) fn start(&self, opener: &mut RecordOpener) -> Result<usize, StoreError> {
        for at in self.runs().into_iter().rev() {
            let Some(segment) = self.segments.get(at).filter(|_| at > 0) else {
                break;
            };
            let (_, mut scan) = Scan::open(&segment.path)?;
            if let Some(Piece::Record { record, .. }) = scan.next(opener)?
                && record.header.kind == CHECKPOINT_KIND
            {
                return Ok(at);
            }
        }
        Ok(0)
    }

    /// The newest watermark of this installation.
    pub(crate) fn head(&self, key: &HeadKey) -> Option<Head> {
        self.slots.newest(key)
    }

    /// Whether a watermark was ever written here.
    pub(crate) fn had_head(&self) -> bool {
        self.slots.are_written()
    }

    /// Whether nothing was ever finished here: no watermark, and no segment that got further than its creation.
    pub(crate) fn is_blank(&self) -> bool {
        self.install_ids().is_empty()
            && self
                .segments
                .iter()
                .all(|segment| segment.first_sequence.is_none())
    }

    /// The installation that this storage root opens.
    ///
    /// `None` if nothing names one. An id counts as proven by a watermark or a record that opens under its keys; a
    /// file of another installation that was put among ours therefore decides nothing.
    pub(crate) fn install_id(&self, root: &SecretArray<32>) -> Result<Option<[u8; 16]>, StoreError> {
        let ids = self.install_ids();
        let has_head = |id: &[u8; 16]| self.head(&Keyring::new(root, *id).head_key()).is_some();
        if let Some(proven) = ids.iter().copied().find(has_head) {
            return Ok(Some(proven));
        }
        let mut sealed = self.slots.install_ids().next().is_some();
        for id in &ids {
            match self.any_record_opens(&mut Keyring::new(root, *id).opener())? {
                Some(true) => return Ok(Some(*id)),
                Some(false) => sealed = true,
                None => {}
            }
        }
        if sealed {
            Err(StoreError::Locked)
        } else {
            Ok(ids.first().copied())
        }
    }

    /// Whether one record opens; `None` if there is no undamaged record to try.
    fn any_record_opens(&self, opener: &mut RecordOpener) -> Result<Option<bool>, StoreError> {
        let mut tried = None;
        for segment in &self.segments {
            let (_, mut scan) = Scan::open(&segment.path)?;
            while let Some(piece) = scan.next(opener)? {
                match piece {
                    Piece::Record { .. } => return Ok(Some(true)),
                    Piece::Sealed(_) => tried = Some(false),
                    Piece::Bad(_) => {}
                }
            }
        }
        Ok(tried)
    }

    /// Every install id that an undamaged watermark or segment header names, each once.
    fn install_ids(&self) -> Vec<[u8; 16]> {
        let headers = self.segments.iter().filter_map(|segment| segment.header.ok());
        let mut ids = Vec::new();
        for id in self
            .slots
            .install_ids()
            .chain(headers.map(|header| header.install_id))
        {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }
}

/// Every segment of a folder, in the order of their numbers.
fn look_at(dir: &Path) -> Result<Vec<FoundSegment>, StoreError> {
    let mut segments = Vec::new();
    for (number, path) in segment_files(dir)? {
        let (header, mut scan) = Scan::open(&path)?;
        let announced = header.ok().map(|header| header.first_sequence);
        let first = scan.next_header()?;
        let first_sequence = first.map(|first| first.sequence).or(announced);
        segments.push(FoundSegment {
            number,
            path,
            header,
            first_sequence,
            first_kind: first.map(|first| first.kind),
        });
    }
    segments.sort_unstable_by_key(|segment| segment.number);
    Ok(segments)
}

/// The files named like segments; others are left alone.
fn segment_files(dir: &Path) -> Result<Vec<(u32, PathBuf)>, StoreError> {
    let unreadable = StoreError::io("list the journal");
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(&unreadable)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.map_err(&unreadable)?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_suffix(".j"))
            .and_then(|stem| stem.parse().ok());
        let canonical = number.map(|number| (number, dir.join(segment_name(number))));
        files.extend(canonical.filter(|(_, path)| path.file_name() == Some(name.as_os_str())));
    }
    Ok(files)
}
