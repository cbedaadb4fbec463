//! Reading a segment from front to back in bounded memory, past whatever is damaged.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use softpos_journal::{
    FrameError, HEADER_BYTES, OpenedRecord, RECORD_MAGIC, RecordHeader, RecordOpener, SEGMENT_HEADER_BYTES,
    SegmentHeader,
};

use crate::error::StoreError;

const CHUNK_BYTES: usize = 256 * 1024;

/// What stands next in a segment.
#[derive(Debug)]
pub(crate) enum Piece {
    /// An authentic record.
    Record {
        /// The record.
        record: OpenedRecord,
        /// Where it ends in the segment.
        end: u64,
    },
    /// An undamaged record that does not open: another key, or tampering.
    Sealed(RecordHeader),
    /// Bytes that are no record.
    Bad(BadRange),
}

/// Bytes of a segment that are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadRange {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    /// The record's sequence, if its header is sound.
    pub(crate) sequence: Option<u64>,
}

/// A segment being read.
#[derive(Debug)]
pub(crate) struct Scan {
    window: Window,
}

impl Scan {
    /// Opens a segment file and reads its header, which may be damaged while the records are not.
    pub(crate) fn open(path: &Path) -> Result<(Result<SegmentHeader, FrameError>, Self), StoreError> {
        let file = File::open(path).map_err(StoreError::io("open a journal segment"))?;
        let mut window = Window {
            file,
            buffer: Vec::new(),
            start: 0,
            offset: 0,
            ended: false,
        };
        let header = SegmentHeader::parse(window.peek(SEGMENT_HEADER_BYTES).map_err(unreadable)?);
        if header == Err(FrameError::Newer) {
            return Err(StoreError::Newer);
        }
        window.skip(SEGMENT_HEADER_BYTES);
        Ok((header, Self { window }))
    }

    /// The next piece, or `None` at the end of the file.
    pub(crate) fn next(&mut self, opener: &mut RecordOpener) -> Result<Option<Piece>, StoreError> {
        let Some(header) = self.header()? else {
            return Ok(None);
        };
        let Ok(header) = header else {
            return self.resynchronise().map(Some);
        };
        let offset = self.window.offset;
        let record_bytes = header.record_bytes();
        let opened = opener.open(self.window.peek(record_bytes).map_err(unreadable)?);
        match opened {
            Ok(record) => {
                self.window.skip(record_bytes);
                Ok(Some(Piece::Record {
                    record,
                    end: self.window.offset,
                }))
            }
            Err(FrameError::Tag) => {
                self.window.skip(record_bytes);
                Ok(Some(Piece::Sealed(header)))
            }
            Err(FrameError::Body) => {
                self.window.skip(record_bytes);
                let bytes = self.window.offset - offset;
                Ok(Some(Piece::Bad(BadRange {
                    offset,
                    bytes,
                    sequence: Some(header.sequence),
                })))
            }
            Err(FrameError::Torn | FrameError::Header | FrameError::Newer | FrameError::TooLong) => {
                self.resynchronise().map(Some)
            }
        }
    }

    /// Moves to the record with this sequence by the headers alone; `None` if the segment has none.
    pub(crate) fn find(
        &mut self,
        sequence: u64,
        opener: &mut RecordOpener,
    ) -> Result<Option<OpenedRecord>, StoreError> {
        while let Some(header) = self.header()? {
            match header {
                Ok(header) if header.sequence == sequence => {
                    let bytes = self.window.peek(header.record_bytes()).map_err(unreadable)?;
                    return Ok(opener.open(bytes).ok());
                }
                Ok(header) => {
                    self.window.peek(header.record_bytes()).map_err(unreadable)?;
                    self.window.skip(header.record_bytes());
                }
                Err(_) => drop(self.resynchronise()?),
            }
        }
        Ok(None)
    }

    /// The next sound record header; its body is passed over unread.
    pub(crate) fn next_header(&mut self) -> Result<Option<RecordHeader>, StoreError> {
        while let Some(header) = self.header()? {
            match header {
                Ok(header) => {
                    self.window.peek(header.record_bytes()).map_err(unreadable)?;
                    self.window.skip(header.record_bytes());
                    return Ok(Some(header));
                }
                Err(_) => drop(self.resynchronise()?),
            }
        }
        Ok(None)
    }

    /// The header at the cursor, `None` at the end of the file.
    fn header(&mut self) -> Result<Option<Result<RecordHeader, FrameError>>, StoreError> {
        let bytes = self.window.peek(HEADER_BYTES).map_err(unreadable)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        match RecordHeader::parse(bytes) {
            Err(FrameError::Newer) => Err(StoreError::Newer),
            header => Ok(Some(header)),
        }
    }

    /// Moves from bytes that are no record to the next sound record header, or to the end.
    fn resynchronise(&mut self) -> Result<Piece, StoreError> {
        let offset = self.window.offset;
        let sequence = self.header()?.and_then(Result::ok).map(|header| header.sequence);
        self.window.skip(1);
        loop {
            let view = self.window.peek(CHUNK_BYTES).map_err(unreadable)?;
            if view.len() < HEADER_BYTES {
                let rest = view.len();
                self.window.skip(rest);
                break;
            }
            let found = view.windows(HEADER_BYTES).position(|at| {
                at.starts_with(&RECORD_MAGIC) && RecordHeader::parse(at) != Err(FrameError::Header)
            });
            let passed = found.unwrap_or(view.len() - HEADER_BYTES + 1);
            self.window.skip(passed);
            if found.is_some() {
                break;
            }
        }
        Ok(Piece::Bad(BadRange {
            offset,
            bytes: self.window.offset - offset,
            sequence,
        }))
    }
}

/// A moving view of a file.
#[derive(Debug)]
struct Window {
    file: File,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are behind the cursor.
    start: usize,
    /// The cursor's place in the file.
    offset: u64,
    ended: bool,
}

impl Window {
    /// Up to `wanted` bytes from the cursor on; fewer only at the end of the file.
    fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        if self.buffer.len() - self.start < wanted && !self.ended {
            self.buffer.drain(..self.start);
            self.start = 0;
            let missing = wanted.max(CHUNK_BYTES).saturating_sub(self.buffer.len());
            let read = (&self.file).take(wide(missing)).read_to_end(&mut self.buffer)?;
            self.ended = read < missing;
        }
        let ahead = self.buffer.get(self.start..).unwrap_or_default();
        Ok(ahead.get(..wanted).unwrap_or(ahead))
    }

    /// Moves the cursor over bytes that were peeked at, at most to what was read.
    fn skip(&mut self, bytes: usize) {
        let passed = bytes.min(self.buffer.len() - self.start);
        self.start += passed;
        self.offset += wide(passed);
    }
}

/// Lengths in memory are at most 64 bits on every platform there is.
pub(crate) fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn unreadable(error: io::Error) -> StoreError {
    StoreError::io("read a journal segment")(error)
}
