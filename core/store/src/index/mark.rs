//! The mark: which entries belong to which state of the journal. Only an index that is as its mark says is believed.

use softpos_journal::RecordHash;

use super::digest::Digest;
use crate::replay::Position;

/// Written with every change of the shelf, in one step.
///
/// Big endian, sealed: install id 16, segment 4, offset 4, sequence 8, record hash 32, first sequence 8, digest 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The last journal record whose effect is in the index.
    pub(crate) applied: Position,
    /// The first sequence that the journal held: rows of records before it must have gone.
    pub(crate) begins_at: u64,
    /// All entries but the mark itself.
    pub(crate) digest: Digest,
}

impl Mark {
    pub(crate) fn to_bytes(self, install_id: &[u8; 16]) -> Vec<u8> {
        let mut bytes = install_id.to_vec();
        bytes.extend_from_slice(&self.applied.segment.to_be_bytes());
        bytes.extend_from_slice(&self.applied.offset.to_be_bytes());
        bytes.extend_from_slice(&self.applied.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.applied.hash.0);
        bytes.extend_from_slice(&self.begins_at.to_be_bytes());
        bytes.extend_from_slice(&self.digest.to_bytes());
        bytes
    }

    /// `None` for the mark of another installation, and of another version of the index.
    pub(crate) fn from_bytes(bytes: &[u8], install_id: &[u8; 16]) -> Option<Self> {
        let bytes = bytes.strip_prefix(install_id)?;
        let (segment, bytes) = bytes.split_first_chunk()?;
        let (offset, bytes) = bytes.split_first_chunk()?;
        let (sequence, bytes) = bytes.split_first_chunk()?;
        let (hash, bytes) = bytes.split_first_chunk()?;
        let (begins_at, digest) = bytes.split_first_chunk()?;
        Some(Self {
            applied: Position {
                sequence: u64::from_be_bytes(*sequence),
                hash: RecordHash(*hash),
                segment: u32::from_be_bytes(*segment),
                offset: u32::from_be_bytes(*offset),
            },
            begins_at: u64::from_be_bytes(*begins_at),
            digest: Digest::from_bytes(digest.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_and_a_cut_or_foreign_one_does_not() {
        let mut digest = Digest::default();
        digest.add(b"key", b"value");
        let mark = Mark {
            applied: Position {
                sequence: 7,
                hash: RecordHash([3; 32]),
                segment: 2,
                offset: 64,
            },
            begins_at: 5,
            digest,
        };
        let bytes = mark.to_bytes(&[9; 16]);
        assert_eq!(Mark::from_bytes(&bytes, &[9; 16]), Some(mark));
        assert_eq!(Mark::from_bytes(&bytes, &[8; 16]), None);
        for end in 0..bytes.len() {
            assert_eq!(Mark::from_bytes(&bytes[..end], &[9; 16]), None);
        }
    }
}
