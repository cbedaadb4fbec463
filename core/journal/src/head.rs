//! The watermark: one slot says how far the journal reached, so that a cut tail is noticed.
//!
//! All numbers are big endian; 124 bytes. The file has two slots that are written in turn.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `SPH1` |
//! | 4 | 2, 2 | format 1, flags 0 |
//! | 8 | 8 | generation: the higher of two valid slots counts |
//! | 16 | 16 | install id |
//! | 32 | 8 | sequence of the last record, 0 for none |
//! | 40 | 4, 4 | segment, and offset in it where that record ends |
//! | 48 | 32 | hash of that record |
//! | 80 | 4, 4 | DUKPT counters: PIN, data |
//! | 88 | 32 | HMAC-SHA256 of 0..88 under the audit key |
//! | 120 | 4 | CRC-32 of 0..120 |
//!
//! The install id stands here too because the keys depend on it: a damaged segment header must not make the whole
//! journal unreadable (inference). As in a record, the checksum tells damage from a wrong key.

use alloc::vec::Vec;
use core::fmt;

use ring::hmac;
use softpos_crypto::seal::PurposeKey;

use crate::frame::{FrameError, RecordHash, take};

/// The length of a watermark slot.
pub const HEAD_SLOT_BYTES: usize = 124;
/// What every slot begins with.
pub const HEAD_MAGIC: [u8; 4] = *b"SPH1";
/// The only slot format so far.
pub const HEAD_FORMAT: u16 = 1;

const MAC_OFFSET: usize = 88;
const CRC_OFFSET: usize = 120;

/// The highest DUKPT counters that were handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyCounters {
    /// Of the PIN keys.
    pub pin: u32,
    /// Of the data keys.
    pub data: u32,
}

/// How far the journal reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Rises with every write.
    pub generation: u64,
    /// The installation that wrote it.
    pub install_id: [u8; 16],
    /// The last acknowledged record, 0 for none.
    pub sequence: u64,
    /// The segment it is in.
    pub segment: u32,
    /// Where in the segment it ends.
    pub offset: u32,
    /// Its hash.
    pub hash: RecordHash,
    /// The key counters it acknowledged.
    pub counters: KeyCounters,
}

/// The key that proves a slot is the store's own.
pub struct HeadKey(hmac::Key);

impl HeadKey {
    /// From the audit purpose key.
    pub fn new(audit: &PurposeKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, audit.expose()))
    }
}

impl fmt::Debug for HeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeadKey(..)")
    }
}

impl Head {
    /// The install id a slot claims, before any key can be made of it.
    ///
    /// # Errors
    /// [`FrameError::Torn`], [`FrameError::Header`] for a damaged slot, [`FrameError::Newer`] for another format.
    pub fn claimed_install_id(slot: &[u8]) -> Result<[u8; 16], FrameError> {
        Self::unproven(slot).map(|head| head.install_id)
    }

    /// Reads a slot and checks that it was written with this key.
    ///
    /// # Errors
    /// As [`Head::claimed_install_id`], and [`FrameError::Tag`] for another key or tampering.
    pub fn parse(slot: &[u8], key: &HeadKey) -> Result<Self, FrameError> {
        let head = Self::unproven(slot)?;
        let (covered, rest) = slot.split_at_checked(MAC_OFFSET).ok_or(FrameError::Torn)?;
        let mac = rest.first_chunk::<32>().ok_or(FrameError::Torn)?;
        hmac::verify(&key.0, covered, mac).map_err(|_| FrameError::Tag)?;
        Ok(head)
    }

    /// The 124 bytes of a slot.
    pub fn to_bytes(&self, key: &HeadKey) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_SLOT_BYTES);
        bytes.extend_from_slice(&HEAD_MAGIC);
        bytes.extend_from_slice(&HEAD_FORMAT.to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&self.install_id);
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.segment.to_be_bytes());
        bytes.extend_from_slice(&self.offset.to_be_bytes());
        bytes.extend_from_slice(&self.hash.0);
        bytes.extend_from_slice(&self.counters.pin.to_be_bytes());
        bytes.extend_from_slice(&self.counters.data.to_be_bytes());
        bytes.extend_from_slice(hmac::sign(&key.0, &bytes).as_ref());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    fn unproven(slot: &[u8]) -> Result<Self, FrameError> {
        let slot = slot.get(..HEAD_SLOT_BYTES).ok_or(FrameError::Torn)?;
        let (covered, crc) = slot.split_at_checked(CRC_OFFSET).ok_or(FrameError::Torn)?;
        if !covered.starts_with(&HEAD_MAGIC) || crc != crc32fast::hash(covered).to_be_bytes() {
            return Err(FrameError::Header);
        }
        let mut rest = covered.get(HEAD_MAGIC.len()..).ok_or(FrameError::Torn)?;
        Self::fields(&mut rest).ok_or(FrameError::Newer)
    }

    /// `None` for another format or unknown flags; the length is the caller's promise.
    fn fields(rest: &mut &[u8]) -> Option<Self> {
        let known = take(rest)? == HEAD_FORMAT.to_be_bytes() && take(rest)? == [0, 0];
        known.then_some(())?;
        Some(Self {
            generation: u64::from_be_bytes(take(rest)?),
            install_id: take(rest)?,
            sequence: u64::from_be_bytes(take(rest)?),
            segment: u32::from_be_bytes(take(rest)?),
            offset: u32::from_be_bytes(take(rest)?),
            hash: RecordHash(take(rest)?),
            counters: KeyCounters {
                pin: u32::from_be_bytes(take(rest)?),
                data: u32::from_be_bytes(take(rest)?),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use softpos_types::SecretArray;

    use super::*;

    fn key(byte: u8) -> HeadKey {
        let root = SecretArray::build(|root| root.fill(byte));
        HeadKey::new(&softpos_crypto::seal::purpose_key(
            &root,
            [3; 16],
            softpos_crypto::seal::Purpose::Audit,
        ))
    }

    fn head() -> Head {
        Head {
            generation: 1,
            install_id: [3; 16],
            sequence: 2,
            segment: 4,
            offset: 5,
            hash: RecordHash([6; 32]),
            counters: KeyCounters { pin: 7, data: 8 },
        }
    }

    #[test]
    fn golden_layout() {
        let bytes = head().to_bytes(&key(1));
        assert_eq!(bytes.len(), HEAD_SLOT_BYTES);
        assert_eq!(
            hex::encode(&bytes[..48]),
            "5350483100010000000000000000000103030303030303030303030303030303\
             00000000000000020000000400000005"
        );
        assert_eq!(bytes[48..80], [6; 32]);
        assert_eq!(hex::encode(&bytes[80..88]), "0000000700000008");
        assert_eq!(Head::parse(&bytes, &key(1)), Ok(head()));
        assert_eq!(Head::claimed_install_id(&bytes), Ok([3; 16]));
    }

    #[test]
    fn damage_another_key_and_a_newer_format_are_told_apart() {
        let bytes = head().to_bytes(&key(1));
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            assert_eq!(Head::parse(&bad, &key(1)), Err(FrameError::Header), "{at}");
            assert_eq!(Head::parse(&bytes[..at], &key(1)), Err(FrameError::Torn), "{at}");
        }
        assert_eq!(Head::parse(&bytes, &key(2)), Err(FrameError::Tag));
        for (at, expected) in [
            (5, FrameError::Newer),
            (7, FrameError::Newer),
            (39, FrameError::Tag),
        ] {
            let mut changed = bytes.clone();
            changed[at] ^= 2;
            let crc = crc32fast::hash(&changed[..CRC_OFFSET]).to_be_bytes();
            changed[CRC_OFFSET..].copy_from_slice(&crc);
            assert_eq!(Head::parse(&changed, &key(1)), Err(expected), "{at}");
        }
    }
}
