//! The segment that is appended to.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;

use softpos_journal::{SEGMENT_HEADER_BYTES, SegmentHeader};

use crate::error::StoreError;
use crate::files::{Layout, private_file, segment_name, sync_dir};
use crate::scan::wide;
use crate::watch;

/// The end of the journal.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) file: File,
    pub(crate) number: u32,
    /// What the file is called.
    name: String,
    /// Where the next record goes.
    offset: u64,
}

impl Tail {
    /// Makes a segment that is there after a power cut before its first record is.
    pub(crate) fn create(layout: &Layout, header: &SegmentHeader) -> Result<Self, StoreError> {
        let failed = StoreError::io("make a journal segment");
        let path = layout.segment(header.number);
        let file = private_file().create_new(true).open(&path).map_err(&failed)?;
        let name = segment_name(header.number);
        let bytes = header.to_bytes();
        let made = watch::write(&name, 0, &bytes)
            .and_then(|()| file.write_all_at(&bytes, 0))
            .and_then(|()| watch::sync(&name))
            .and_then(|()| file.sync_all())
            .and_then(|()| watch::sync_names())
            .and_then(|()| sync_dir(&layout.journal()));
        if let Err(error) = made {
            // It holds nothing. If it cannot be removed either, the next opening passes over it.
            drop(fs::remove_file(&path));
            return Err(failed(error));
        }
        Ok(Self {
            file,
            number: header.number,
            name,
            offset: wide(SEGMENT_HEADER_BYTES),
        })
    }

    /// Goes on behind the last record of a segment.
    ///
    /// The sync makes sure that records found there are on the disk before anyone acts on them: a killed program
    /// may have written them without getting to its sync.
    pub(crate) fn resume(layout: &Layout, number: u32, offset: u64) -> Result<Self, StoreError> {
        let failed = StoreError::io("open the last journal segment");
        let file = private_file().open(layout.segment(number)).map_err(&failed)?;
        let name = segment_name(number);
        watch::sync(&name)
            .and_then(|()| file.sync_data())
            .map_err(&failed)?;
        Ok(Self {
            file,
            number,
            name,
            offset,
        })
    }

    /// Whether nothing is in it yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.offset == wide(SEGMENT_HEADER_BYTES)
    }

    /// Whether a record fits without making the segment too long. The first one always does.
    pub(crate) fn has_room(&self, record_bytes: usize, segment_bytes: u32) -> bool {
        let end = self.offset.saturating_add(wide(record_bytes));
        self.is_empty() || end <= u64::from(segment_bytes)
    }

    /// Writes a record and waits until it is on the disk; says where it ends.
    ///
    /// After an error the segment must not be written to again: what is behind its last record is unknown, and a
    /// second sync may claim what the first one lost.
    pub(crate) fn append(&mut self, record: &[u8]) -> io::Result<u32> {
        let end = self.write(record)?;
        self.sync()?;
        Ok(end)
    }

    /// Writes a record that counts with the next [`Tail::sync`].
    pub(crate) fn write(&mut self, record: &[u8]) -> io::Result<u32> {
        watch::write(&self.name, self.offset, record)?;
        self.file.write_all_at(record, self.offset)?;
        self.offset = self.offset.saturating_add(wide(record.len()));
        Ok(u32::try_from(self.offset).unwrap_or(u32::MAX))
    }

    /// Waits until everything that was written is on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        watch::sync(&self.name)?;
        self.file.sync_data()
    }
}
