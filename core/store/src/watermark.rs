//! The file `head`: two slots, written in turn after every acknowledged append.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use softpos_journal::{FrameError, HEAD_SLOT_BYTES, Head, HeadKey};

use crate::error::StoreError;
use crate::files::{HEAD, Layout, open_existing, private_file};
use crate::watch;

/// The slots stand in different pages, so that one torn page leaves the other.
const SLOT_OFFSETS: [u64; 2] = [0, 4096];

/// The slots as they are on the disk, before any key is known.
#[derive(Debug, Default)]
pub(crate) struct Slots(Vec<Vec<u8>>);

impl Slots {
    /// Reads what is there; a missing file gives no slots.
    pub(crate) fn read(layout: &Layout) -> Result<Self, StoreError> {
        let Some(file) = open_existing(&layout.head()).map_err(unreadable)? else {
            return Ok(Self::default());
        };
        let slots = SLOT_OFFSETS.map(|offset| read_up_to(&file, offset));
        let slots = Self(slots.into_iter().collect::<io::Result<_>>().map_err(unreadable)?);
        if slots
            .0
            .iter()
            .any(|slot| Head::claimed_install_id(slot) == Err(FrameError::Newer))
        {
            return Err(StoreError::Newer);
        }
        Ok(slots)
    }

    /// Whether there is a slot, readable or not.
    pub(crate) fn are_written(&self) -> bool {
        self.0.iter().any(|slot| !slot.is_empty())
    }

    /// The install ids that undamaged slots name.
    pub(crate) fn install_ids(&self) -> impl Iterator<Item = [u8; 16]> {
        self.0
            .iter()
            .filter_map(|slot| Head::claimed_install_id(slot).ok())
    }

    /// The newest slot that was written with this key.
    pub(crate) fn newest(&self, key: &HeadKey) -> Option<Head> {
        let valid = self.0.iter().filter_map(|slot| Head::parse(slot, key).ok());
        valid.max_by_key(|head| head.generation)
    }
}

/// The watermark of an open store.
#[derive(Debug)]
pub(crate) struct Watermark {
    file: File,
    key: HeadKey,
}

impl Watermark {
    /// Opens the file for writing, making it if need be; says whether it is new.
    pub(crate) fn open(layout: &Layout, key: HeadKey) -> Result<(Self, bool), StoreError> {
        let (file, is_new) = match private_file().open(layout.head()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (private_file().create_new(true).open(layout.head()), true)
            }
            opened => (opened, false),
        };
        let file = file.map_err(unreadable)?;
        Ok((Self { file, key }, is_new))
    }

    /// Writes the slot whose turn it is, without sync: it survives a kill, and a power cut may leave an older one.
    pub(crate) fn write(&self, head: &Head) -> io::Result<()> {
        let [even, odd] = SLOT_OFFSETS;
        let offset = if head.generation.is_multiple_of(2) {
            even
        } else {
            odd
        };
        let bytes = head.to_bytes(&self.key);
        watch::write(HEAD, offset, &bytes)?;
        self.file.write_all_at(&bytes, offset)
    }

    /// Makes what was written durable.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        watch::sync(HEAD)
            .and_then(|()| self.file.sync_all())
            .map_err(StoreError::io("sync the watermark"))
    }
}

fn read_up_to(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    let mut slot = vec![0; HEAD_SLOT_BYTES];
    match file.read_exact_at(&mut slot, offset) {
        Ok(()) => Ok(slot),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn unreadable(error: io::Error) -> StoreError {
    StoreError::io("open the watermark")(error)
}
