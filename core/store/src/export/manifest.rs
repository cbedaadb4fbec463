//! What stands at the beginning of a backup: whose it is, the key of its records, its signed head, its segments.
//!
//! A length, u32 big endian, then a CBOR map with integer keys.

use minicbor::{Decode, Encode};
use softpos_crypto::p256_key::sha256;
use softpos_journal::{Archived, RecordHash};
use softpos_types::SecretBytes;

use super::container::Sealed;
use super::{BackupError, BackupHead, SignHead};
use crate::error::StoreError;
use crate::reader::Reader;

/// Longer than any manifest: a hundred bytes and a dozen for each segment.
const MOST_BYTES: usize = 16 * 1024 * 1024;

pub(crate) struct Manifest {
    pub(crate) head: BackupHead,
    pub(crate) spki: Vec<u8>,
    pub(crate) signature: [u8; 64],
    pub(crate) journal_key: SecretBytes,
    pub(crate) archived: Option<Archived>,
    /// Number and length of each.
    pub(crate) segments: Vec<(u32, u64)>,
    encoded_bytes: u64,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Written {
    #[cbor(n(0), with = "minicbor::bytes")]
    install_id: [u8; 16],
    #[n(1)]
    sequence: u64,
    #[cbor(n(2), with = "minicbor::bytes")]
    hash: [u8; 32],
    #[cbor(n(3), with = "minicbor::bytes")]
    root: [u8; 32],
    #[n(4)]
    utc_ms: u64,
    #[cbor(n(5), with = "minicbor::bytes")]
    spki: Vec<u8>,
    #[cbor(n(6), with = "minicbor::bytes")]
    signature: Vec<u8>,
    #[cbor(n(7), with = "minicbor::bytes")]
    journal_key: Vec<u8>,
    #[n(8)]
    archived: Option<Archived>,
    #[n(9)]
    segments: Vec<(u32, u64)>,
}

impl Manifest {
    /// Of everything the reader sees, signed now.
    pub(crate) fn of(
        reader: &Reader,
        archived: Option<&Archived>,
        signing: SignHead<'_>,
    ) -> Result<Self, BackupError> {
        let head = BackupHead {
            install_id: reader.install_id,
            sequence: reader.last.sequence,
            hash: reader.last.hash,
            root: reader.tree(archived)?.root(),
            utc_ms: signing.utc_ms,
        };
        let signature = (signing.sign)(sha256(&head.message())).ok_or(BackupError::NotSigned)?;
        let measured = StoreError::io("measure a journal segment");
        let segments = reader.survey.segments.iter().map(|segment| {
            let length = segment.path.metadata().map_err(&measured)?.len();
            Ok((segment.number, length))
        });
        let mut manifest = Self {
            head,
            spki: signing.spki,
            signature,
            journal_key: SecretBytes::copy_of(reader.key.expose()),
            archived: archived.cloned(),
            segments: segments.collect::<Result<_, StoreError>>()?,
            encoded_bytes: 0,
        };
        manifest.encoded_bytes = crate::scan::wide(manifest.to_bytes().len());
        Ok(manifest)
    }

    pub(crate) fn to_bytes(&self) -> SecretBytes {
        let written = Written {
            install_id: self.head.install_id,
            sequence: self.head.sequence,
            hash: self.head.hash.0,
            root: self.head.root,
            utc_ms: self.head.utc_ms,
            spki: self.spki.clone(),
            signature: self.signature.to_vec(),
            journal_key: self.journal_key.expose().to_vec(),
            archived: self.archived.clone(),
            segments: self.segments.clone(),
        };
        // Reserved in full, so that no copy with the key is left behind.
        let mut bytes = Vec::with_capacity(1024 + self.segments.len().saturating_mul(24));
        bytes.extend_from_slice(&[0; 4]);
        // Writing to a vector cannot fail.
        let _ = minicbor::encode(&written, &mut bytes);
        let length = u32::try_from(bytes.len().saturating_sub(4)).unwrap_or(u32::MAX);
        bytes
            .iter_mut()
            .zip(length.to_be_bytes())
            .for_each(|(to, from)| *to = from);
        drop(SecretBytes::new(written.journal_key));
        SecretBytes::new(bytes)
    }

    pub(crate) fn read(sealed: &mut Sealed) -> Result<Self, BackupError> {
        let mut prefix = [0; 4];
        fill(sealed, &mut prefix)?;
        let length = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
        if length > MOST_BYTES {
            return Err(BackupError::Unreadable);
        }
        let mut bytes = vec![0; length];
        fill(sealed, &mut bytes)?;
        let bytes = SecretBytes::new(bytes);
        let written: Written = minicbor::decode(bytes.expose()).map_err(|_| BackupError::Unreadable)?;
        let journal_key = SecretBytes::new(written.journal_key);
        if journal_key.len() != 32 {
            return Err(BackupError::Unreadable);
        }
        Ok(Self {
            head: BackupHead {
                install_id: written.install_id,
                sequence: written.sequence,
                hash: RecordHash(written.hash),
                root: written.root,
                utc_ms: written.utc_ms,
            },
            spki: written.spki,
            signature: written
                .signature
                .try_into()
                .map_err(|_| BackupError::Unreadable)?,
            journal_key,
            archived: written.archived,
            segments: written.segments,
            encoded_bytes: crate::scan::wide(length.saturating_add(prefix.len())),
        })
    }

    /// How long it is in the file.
    pub(crate) const fn encoded_bytes(&self) -> u64 {
        self.encoded_bytes
    }

    /// How long the segments are together.
    pub(crate) fn total_bytes(&self) -> u64 {
        self.segments
            .iter()
            .fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }
}

fn fill(sealed: &mut Sealed, mut buffer: &mut [u8]) -> Result<(), BackupError> {
    while !buffer.is_empty() {
        let read = sealed.read_some(buffer)?;
        if read == 0 {
            return Err(BackupError::Unreadable);
        }
        buffer = buffer.get_mut(read..).unwrap_or_default();
    }
    Ok(())
}
