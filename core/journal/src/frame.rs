//! The frame of one journal record: header, sealed body, two checksums.
//!
//! All numbers are big endian.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `A7 51 E0 4C` |
//! | 4 | 1, 1, 2 | format 1, kind, flags 0 |
//! | 8 | 4 | n, the length of the ciphertext without its tag, at most 1 MiB |
//! | 12 | 8 | sequence, from 1 |
//! | 20 | 16 | epoch salt |
//! | 36 | 32 | hash of the previous record |
//! | 68 | 4 | CRC-32 of 0..68 |
//! | 72 | n + 16 | AES-256-GCM, numbered by the sequence; associated data 0..68 |
//! | 88 + n | 4 | CRC-32 of 72..88 + n |
//!
//! The checksums tell damage from tampering: a body whose checksum is good and whose tag is bad was written under
//! another key or changed on purpose. The header has one of its own so that its length can be trusted: a
//! damaged body then costs one record. Magic, length of the header and place of its checksum stay the same in
//! every later format, so an old program recognises a newer record.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ring::digest;
use softpos_crypto::seal::{Epoch, PurposeKey};

/// The bytes before the sealed body.
pub const HEADER_BYTES: usize = 72;
/// The bytes of a record beside its payload.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + TAG_BYTES + CRC_BYTES;
/// The longest payload of a record.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;
/// What every record begins with.
pub const RECORD_MAGIC: [u8; 4] = [0xA7, 0x51, 0xE0, 0x4C];
/// The only record format so far.
pub const RECORD_FORMAT: u8 = 1;

const TAG_BYTES: usize = 16;
const CRC_BYTES: usize = 4;
/// The part of the header that the body's tag and the header's checksum cover.
const COVERED_BYTES: usize = HEADER_BYTES - CRC_BYTES;

/// SHA-256 of a record without its last checksum: the link of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordHash(pub [u8; 32]);

impl RecordHash {
    /// What the first record of a journal names as its predecessor.
    pub const NONE: Self = Self([0; 32]);
}

impl fmt::Debug for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordHash(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// Why bytes are no readable record, or a payload fits none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The bytes end before the record does.
    Torn,
    /// No magic, a bad header checksum, or an impossible length: nothing in the header can be trusted.
    Header,
    /// A sound header of a format this program does not know.
    Newer,
    /// The body's checksum is wrong: damage.
    Body,
    /// The body is undamaged but does not open: another key, or tampering.
    Tag,
    /// The payload is longer than [`MAX_PAYLOAD_BYTES`].
    TooLong,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Torn => "the record is cut short",
            Self::Header => "the record header is damaged",
            Self::Newer => "the record has a newer format",
            Self::Body => "the record body is damaged",
            Self::Tag => "the record was sealed under another key or changed",
            Self::TooLong => "the record is too long",
        })
    }
}

impl core::error::Error for FrameError {}

/// What a sound record header says. Authentic only once the body was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// What the payload is; the meaning is the caller's.
    pub kind: u8,
    /// Bytes of the payload.
    pub payload_bytes: usize,
    /// The record's place in the journal, from 1.
    pub sequence: u64,
    /// The epoch it was sealed in.
    pub salt: [u8; 16],
    /// The record before it.
    pub prev_hash: RecordHash,
}

/// A record that was opened and is authentic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedRecord {
    /// What the header says.
    pub header: RecordHeader,
    /// The record's own hash, which the next record names.
    pub hash: RecordHash,
    /// What was sealed.
    pub payload: Vec<u8>,
}

/// Opens records, keeping the key of the last epoch: records of one epoch stand together.
pub struct RecordOpener {
    key: Arc<PurposeKey>,
    epoch: Option<([u8; 16], Epoch)>,
}

/// Seals one record, ready to be written.
///
/// A sequence must be sealed only once in an epoch: the nonce is made of it.
///
/// # Errors
/// [`FrameError::TooLong`] for a payload over [`MAX_PAYLOAD_BYTES`].
pub fn seal_record(
    epoch: &Epoch,
    kind: u8,
    sequence: u64,
    prev_hash: RecordHash,
    payload: &[u8],
) -> Result<SealedRecord, FrameError> {
    let header = RecordHeader {
        kind,
        payload_bytes: payload.len(),
        sequence,
        salt: *epoch.salt(),
        prev_hash,
    };
    let mut bytes = header.to_bytes()?;
    let body = epoch.seal(sequence, bytes.get(..COVERED_BYTES).unwrap_or_default(), payload);
    bytes.reserve_exact(body.len().saturating_add(CRC_BYTES));
    bytes.extend_from_slice(&body);
    let hash = hash_of(&bytes);
    bytes.extend_from_slice(&crc32fast::hash(&body).to_be_bytes());
    Ok(SealedRecord { bytes, hash })
}

/// A record as it goes to the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRecord {
    /// The whole record.
    pub bytes: Vec<u8>,
    /// Its hash.
    pub hash: RecordHash,
}

impl RecordHeader {
    /// Reads a header from the start of `bytes`.
    ///
    /// # Errors
    /// [`FrameError::Torn`] under 72 bytes, [`FrameError::Header`] for what is no sound header,
    /// [`FrameError::Newer`] for another format or unknown flags.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut rest = bytes.get(..HEADER_BYTES).ok_or(FrameError::Torn)?;
        let covered = bytes.get(..COVERED_BYTES).ok_or(FrameError::Torn)?;
        Self::fields(&mut rest, crc32fast::hash(covered)).unwrap_or(Err(FrameError::Header))
    }

    /// `None` when the bytes run out, which the caller's length check excludes.
    fn fields(rest: &mut &[u8], crc: u32) -> Option<Result<Self, FrameError>> {
        let magic = take::<4>(rest)?;
        let [format, kind, flags @ ..] = take::<4>(rest)?;
        let payload_bytes = usize::try_from(u32::from_be_bytes(take(rest)?)).ok()?;
        let header = Self {
            kind,
            payload_bytes,
            sequence: u64::from_be_bytes(take(rest)?),
            salt: take(rest)?,
            prev_hash: RecordHash(take(rest)?),
        };
        if magic != RECORD_MAGIC || take(rest)? != crc.to_be_bytes() {
            return Some(Err(FrameError::Header));
        }
        if format != RECORD_FORMAT || flags != [0, 0] {
            return Some(Err(FrameError::Newer));
        }
        let possible = payload_bytes <= MAX_PAYLOAD_BYTES && header.sequence != 0;
        Some(if possible {
            Ok(header)
        } else {
            Err(FrameError::Header)
        })
    }

    /// The length of the whole record.
    pub const fn record_bytes(&self) -> usize {
        self.payload_bytes.saturating_add(OVERHEAD_BYTES)
    }

    /// The 72 bytes.
    fn to_bytes(self) -> Result<Vec<u8>, FrameError> {
        if self.payload_bytes > MAX_PAYLOAD_BYTES {
            return Err(FrameError::TooLong);
        }
        let length = u32::try_from(self.payload_bytes).map_err(|_| FrameError::TooLong)?;
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&RECORD_MAGIC);
        bytes.extend_from_slice(&[RECORD_FORMAT, self.kind, 0, 0]);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.salt);
        bytes.extend_from_slice(&self.prev_hash.0);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        Ok(bytes)
    }
}

impl RecordOpener {
    /// An opener for records sealed under the journal's purpose key.
    pub const fn new(key: Arc<PurposeKey>) -> Self {
        Self { key, epoch: None }
    }

    /// Opens the record that `bytes` begins with; what follows it is ignored.
    ///
    /// # Errors
    /// [`FrameError`]: what [`RecordHeader::parse`] says, `Torn` if the body is cut short, `Body`, or `Tag`.
    pub fn open(&mut self, bytes: &[u8]) -> Result<OpenedRecord, FrameError> {
        let header = RecordHeader::parse(bytes)?;
        let record = bytes.get(..header.record_bytes()).ok_or(FrameError::Torn)?;
        let (hashed, crc) = record.split_last_chunk::<CRC_BYTES>().ok_or(FrameError::Torn)?;
        let covered = hashed.get(..COVERED_BYTES).ok_or(FrameError::Torn)?;
        let body = hashed.get(HEADER_BYTES..).ok_or(FrameError::Torn)?;
        if crc32fast::hash(body).to_be_bytes() != *crc {
            return Err(FrameError::Body);
        }
        let payload = self
            .epoch(&header.salt)
            .open(header.sequence, covered, body)
            .map_err(|_| FrameError::Tag)?;
        Ok(OpenedRecord {
            header,
            hash: hash_of(hashed),
            payload,
        })
    }

    /// The key of an epoch, derived anew only when the epoch changes.
    fn epoch(&mut self, salt: &[u8; 16]) -> &Epoch {
        let known = self.epoch.take().filter(|(of, _)| of == salt);
        let fresh = || (*salt, Epoch::new(&self.key, *salt));
        &self.epoch.insert(known.unwrap_or_else(fresh)).1
    }
}

impl fmt::Debug for RecordOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordOpener(..)")
    }
}

fn hash_of(record_without_crc: &[u8]) -> RecordHash {
    let mut hash = RecordHash::NONE;
    let digest = digest::digest(&digest::SHA256, record_without_crc);
    hash.0
        .iter_mut()
        .zip(digest.as_ref())
        .for_each(|(to, from)| *to = *from);
    hash
}

/// Cuts `N` bytes off the front.
pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(*first)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use alloc::vec;

    use softpos_types::SecretArray;

    use super::*;

    const PREV: RecordHash = RecordHash([0x11; 32]);

    fn shared(byte: u8) -> Arc<PurposeKey> {
        Arc::new(key(byte))
    }

    fn key(byte: u8) -> PurposeKey {
        let root = SecretArray::build(|root| root.fill(byte));
        softpos_crypto::seal::purpose_key(&root, [3; 16], softpos_crypto::seal::Purpose::Journal)
    }

    fn sealed(payload: &[u8]) -> SealedRecord {
        seal_record(&Epoch::new(&key(1), [9; 16]), 5, 42, PREV, payload).unwrap()
    }

    fn with_header_crc(mut bytes: Vec<u8>) -> Vec<u8> {
        let crc = crc32fast::hash(&bytes[..COVERED_BYTES]).to_be_bytes();
        bytes[COVERED_BYTES..HEADER_BYTES].copy_from_slice(&crc);
        bytes
    }

    fn with_body_crc(mut bytes: Vec<u8>) -> Vec<u8> {
        let end = bytes.len() - CRC_BYTES;
        let crc = crc32fast::hash(&bytes[HEADER_BYTES..end]).to_be_bytes();
        bytes[end..].copy_from_slice(&crc);
        bytes
    }

    #[test]
    fn golden_layout() {
        let record = sealed(b"payload");
        let bytes = &record.bytes;
        assert_eq!(bytes.len(), 7 + 92);
        assert_eq!(
            hex::encode(&bytes[..20]),
            "a751e04c0105000000000007000000000000002a"
        );
        assert_eq!(bytes[20..36], [9; 16]);
        assert_eq!(bytes[36..68], [0x11; 32]);
        assert_eq!(bytes[68..72], crc32fast::hash(&bytes[..68]).to_be_bytes());
        assert_eq!(bytes[95..], crc32fast::hash(&bytes[72..95]).to_be_bytes());
        assert_eq!(
            record.hash.0,
            digest::digest(&digest::SHA256, &bytes[..95]).as_ref()
        );
    }

    #[test]
    fn what_was_sealed_opens_and_what_follows_is_ignored() {
        let mut opener = RecordOpener::new(shared(1));
        for length in [0, 1, 600, MAX_PAYLOAD_BYTES] {
            let payload = vec![0xC3; length];
            let record = sealed(&payload);
            let mut bytes = record.bytes;
            bytes.extend_from_slice(b"next");
            let opened = opener.open(&bytes).unwrap();
            assert_eq!((opened.payload, opened.hash), (payload, record.hash));
            assert_eq!(opened.header.record_bytes(), bytes.len() - 4);
            let header = (
                opened.header.kind,
                opened.header.sequence,
                opened.header.prev_hash,
            );
            assert_eq!(header, (5, 42, PREV));
        }
        let epoch = Epoch::new(&key(1), [9; 16]);
        let over = vec![0; MAX_PAYLOAD_BYTES + 1];
        assert_eq!(seal_record(&epoch, 5, 42, PREV, &over), Err(FrameError::TooLong));
    }

    #[test]
    fn an_epoch_is_another_key() {
        let mut opener = RecordOpener::new(shared(1));
        let first = sealed(b"same");
        let second = seal_record(&Epoch::new(&key(1), [10; 16]), 5, 42, PREV, b"same").unwrap();
        assert_ne!(first.bytes[72..76], second.bytes[72..76]);
        assert!(opener.open(&first.bytes).is_ok() && opener.open(&second.bytes).is_ok());
        assert!(opener.open(&first.bytes).is_ok());
    }

    #[test]
    fn every_cut_is_torn() {
        let bytes = sealed(b"payload").bytes;
        let mut opener = RecordOpener::new(shared(1));
        for end in 0..bytes.len() {
            assert_eq!(opener.open(&bytes[..end]), Err(FrameError::Torn), "{end}");
        }
    }

    #[test]
    fn every_flipped_bit_is_damage_of_header_or_body() {
        let bytes = sealed(b"payload").bytes;
        let mut opener = RecordOpener::new(shared(1));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                let expected = if at < HEADER_BYTES {
                    FrameError::Header
                } else {
                    FrameError::Body
                };
                assert_eq!(opener.open(&bad), Err(expected), "{at}.{bit}");
            }
        }
    }

    #[test]
    fn a_change_with_mended_checksums_is_tampering() {
        let bytes = sealed(b"payload").bytes;
        let mut opener = RecordOpener::new(shared(1));
        for at in [5, 12, 19, 20, 35, 36, 67] {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert_eq!(opener.open(&with_header_crc(bad)), Err(FrameError::Tag), "{at}");
        }
        for at in [72, 78, 94] {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert_eq!(opener.open(&with_body_crc(bad)), Err(FrameError::Tag), "{at}");
        }
        assert_eq!(RecordOpener::new(shared(2)).open(&bytes), Err(FrameError::Tag));
    }

    #[test]
    fn a_sound_header_of_another_format_is_newer_and_an_impossible_one_is_damage() {
        let bytes = sealed(b"payload").bytes;
        for (at, value, expected) in [
            (4, 2, FrameError::Newer),
            (6, 1, FrameError::Newer),
            (7, 1, FrameError::Newer),
            (8, 1, FrameError::Header),
            (19, 0, FrameError::Header),
        ] {
            let mut bad = bytes.clone();
            bad[at] = value;
            assert_eq!(RecordHeader::parse(&with_header_crc(bad)), Err(expected), "{at}");
        }
    }
}
