//! The header that each file of the journal begins with.
//!
//! All numbers are big endian; 64 bytes.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `SPJ1` |
//! | 4 | 2, 2 | format 1, flags 0 |
//! | 8 | 4 | segment number, from 1 |
//! | 12 | 8 | sequence of the first record |
//! | 20 | 16 | install id |
//! | 36 | 24 | first bytes of the hash of the record before |
//! | 60 | 4 | CRC-32 of 0..60 |
//!
//! The header is not sealed: it says where to look. What the records say counts.

use alloc::vec::Vec;

use crate::frame::{FrameError, RecordHash, take};

/// The length of a segment header.
pub const SEGMENT_HEADER_BYTES: usize = 64;
/// What every segment begins with.
pub const SEGMENT_MAGIC: [u8; 4] = *b"SPJ1";
/// The only segment format so far.
pub const SEGMENT_FORMAT: u16 = 1;

const COVERED_BYTES: usize = SEGMENT_HEADER_BYTES - 4;

/// What the header of a segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The segment's number, which is its file's name too.
    pub number: u32,
    /// The sequence of its first record.
    pub first_sequence: u64,
    /// The installation that wrote it.
    pub install_id: [u8; 16],
    /// The first bytes of the hash of the record before the first.
    pub prev_hash: [u8; 24],
}

impl SegmentHeader {
    /// The header of a segment that goes on behind the record with this hash.
    pub fn new(number: u32, first_sequence: u64, install_id: [u8; 16], prev_hash: &RecordHash) -> Self {
        let mut start = [0; 24];
        start
            .iter_mut()
            .zip(prev_hash.0)
            .for_each(|(to, from)| *to = from);
        Self {
            number,
            first_sequence,
            install_id,
            prev_hash: start,
        }
    }

    /// Whether a record with this hash can be the one before the segment.
    pub fn follows(&self, hash: &RecordHash) -> bool {
        hash.0.starts_with(&self.prev_hash)
    }

    /// Reads a header from the start of a segment.
    ///
    /// # Errors
    /// [`FrameError::Torn`] under 64 bytes, [`FrameError::Header`] for a wrong magic or checksum,
    /// [`FrameError::Newer`] for a sound header of another format.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut rest = bytes.get(..SEGMENT_HEADER_BYTES).ok_or(FrameError::Torn)?;
        let covered = bytes.get(..COVERED_BYTES).ok_or(FrameError::Torn)?;
        Self::fields(&mut rest, crc32fast::hash(covered)).unwrap_or(Err(FrameError::Header))
    }

    fn fields(rest: &mut &[u8], crc: u32) -> Option<Result<Self, FrameError>> {
        let magic = take::<4>(rest)?;
        let format = u16::from_be_bytes(take(rest)?);
        let flags = take::<2>(rest)?;
        let header = Self {
            number: u32::from_be_bytes(take(rest)?),
            first_sequence: u64::from_be_bytes(take(rest)?),
            install_id: take(rest)?,
            prev_hash: take(rest)?,
        };
        if magic != SEGMENT_MAGIC || take(rest)? != crc.to_be_bytes() {
            return Some(Err(FrameError::Header));
        }
        let known = format == SEGMENT_FORMAT && flags == [0, 0];
        Some(if known { Ok(header) } else { Err(FrameError::Newer) })
    }

    /// The 64 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        bytes.extend_from_slice(&SEGMENT_MAGIC);
        bytes.extend_from_slice(&SEGMENT_FORMAT.to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&self.first_sequence.to_be_bytes());
        bytes.extend_from_slice(&self.install_id);
        bytes.extend_from_slice(&self.prev_hash);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader::new(7, 0x0102_0304, [0xA5; 16], &RecordHash([0x5A; 32]))
    }

    #[test]
    fn golden_bytes() {
        let bytes = header().to_bytes();
        assert_eq!(
            hex::encode(&bytes[..60]),
            "53504a310001000000000007000000000102030\
             4a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a55a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
        );
        assert_eq!(bytes.len(), SEGMENT_HEADER_BYTES);
        assert_eq!(SegmentHeader::parse(&bytes), Ok(header()));
        assert!(header().follows(&RecordHash([0x5A; 32])) && !header().follows(&RecordHash::NONE));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = header().to_bytes();
        for at in 0..bytes.len() {
            assert_eq!(SegmentHeader::parse(&bytes[..at]), Err(FrameError::Torn));
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                assert_eq!(SegmentHeader::parse(&bad), Err(FrameError::Header), "{at}.{bit}");
            }
        }
    }

    #[test]
    fn a_sound_header_of_another_format_is_newer() {
        for at in [5, 7] {
            let mut bytes = header().to_bytes();
            bytes[at] = 2;
            let crc = crc32fast::hash(&bytes[..60]).to_be_bytes();
            bytes[60..].copy_from_slice(&crc);
            assert_eq!(SegmentHeader::parse(&bytes), Err(FrameError::Newer));
        }
    }
}
