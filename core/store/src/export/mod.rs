//! A backup: every record as it lies in the journal, in one file that a passphrase opens.
//!
//! The file holds the segments byte for byte and the key that opens their records, so that whoever has the passphrase
//! can check the chain as if it were the folder, and a head that the device has signed. It holds neither the
//! storage root nor any payment key: who reads it can read, and nothing else.

mod container;
mod manifest;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use softpos_crypto::entropy::Entropy;
use softpos_crypto::merkle::TreeHash;
use softpos_crypto::p256_key::PublicKey;
use softpos_crypto::passphrase::PassphraseCost;
use softpos_crypto::seal::PurposeKey;
use softpos_journal::{Archived, RecordHash};
use softpos_types::{Code, SecretArray, SecretBytes, SoftPosError};

use self::container::{CHUNK_BYTES, Sealed, SealedWriter};
use self::manifest::Manifest;
use crate::error::StoreError;
use crate::files::{make_private_dir, private_file, segment_name, sync_dir};
use crate::reader::{Before, Reader};
use crate::replay::{Position, Record};
use crate::report::Report;
use crate::survey::Survey;
use crate::watch::{self, BACKUP};

/// What separates the signature over a head from all others of the device key.
const HEAD_DOMAIN: &[u8] = b"softpos/v1/journal-head";
/// What folders of unpacked segments begin with.
const UNPACKED: &str = ".unpacked.";

/// The head of a journal: what the device signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupHead {
    /// The installation that wrote the journal.
    pub install_id: [u8; 16],
    /// The last record.
    pub sequence: u64,
    /// Its hash.
    pub hash: RecordHash,
    /// The root of the Merkle tree over all of them.
    pub root: TreeHash,
    /// When it was signed.
    pub utc_ms: u64,
}

impl BackupHead {
    /// What is signed: domain, install id, sequence, hash, root, time; numbers big endian.
    pub fn message(&self) -> Vec<u8> {
        let mut bytes = HEAD_DOMAIN.to_vec();
        bytes.extend_from_slice(&self.install_id);
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.hash.0);
        bytes.extend_from_slice(&self.root);
        bytes.extend_from_slice(&self.utc_ms.to_be_bytes());
        bytes
    }
}

/// Who signs a head, and when.
pub struct SignHead<'a> {
    /// The device key, DER.
    pub spki: Vec<u8>,
    /// The time.
    pub utc_ms: u64,
    /// Signs a digest: r and s.
    pub sign: &'a mut dyn FnMut([u8; 32]) -> Option<[u8; 64]>,
}

/// What a backup is made with.
pub struct BackupOrder<'a> {
    /// What retention has left off.
    pub archived: Option<&'a Archived>,
    /// What will open it.
    pub passphrase: &'a SecretBytes,
    /// The file.
    pub target: &'a Path,
    /// Who signs its head.
    pub signing: SignHead<'a>,
}

/// Why there is no backup, or it cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackupError {
    /// The passphrase is too short.
    Passphrase,
    /// The file is no backup, is damaged, or has another passphrase.
    Unreadable,
    /// A newer program wrote it.
    Newer,
    /// The device key did not sign.
    NotSigned,
    /// The work was given up; it goes on where it was.
    Cancelled,
    /// Journal or file could not be read or written.
    Store(StoreError),
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<BackupError> for SoftPosError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Passphrase => Self::of(Code::PassphraseShort),
            BackupError::Unreadable => Self::of(Code::BackupUnreadable),
            BackupError::Newer => Self::of(Code::StoreNewer),
            BackupError::NotSigned => Self::of(Code::SecureHardware),
            BackupError::Cancelled => Self::of(Code::Stopped),
            BackupError::Store(error) => error.into(),
        }
    }
}

/// Writes a backup of everything the reader sees to `target`, and reads it back.
///
/// While it grows it is called `target` with `.part` behind. One of the same passphrase that was left by an
/// interrupted backup is gone on with: it stays a backup of what was there when it was begun. `progress` hears
/// the bytes done and in all, and ends the work with `false`.
///
/// # Errors
/// [`BackupError`]; what was written stays, to be gone on with.
pub fn write_backup(
    reader: &Reader,
    order: BackupOrder<'_>,
    entropy: &mut Entropy,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<BackupHead, BackupError> {
    let BackupOrder {
        archived,
        passphrase,
        target,
        signing,
    } = order;
    let part = part_of(target);
    let begun = match Sealed::open(&part, passphrase) {
        Ok(sealed) => resume(sealed, reader)?,
        Err(BackupError::Passphrase) => return Err(BackupError::Passphrase),
        Err(_) => None,
    };
    let (manifest, mut writer) = if let Some(begun) = begun {
        begun
    } else {
        let manifest = Manifest::of(reader, archived, signing)?;
        let cost = PassphraseCost::STANDARD;
        let mut writer = SealedWriter::create(&part, passphrase, cost, entropy)?;
        writer.write(manifest.to_bytes().expose())?;
        (manifest, writer)
    };
    copy_segments(reader, &manifest, &mut writer, progress)?;
    writer.finish()?;
    // Only what can be read back is a backup.
    let backup = Backup::read(&part, passphrase)?;
    if backup.head() != manifest.head {
        return Err(BackupError::Unreadable);
    }
    let failed = StoreError::io("finish the backup");
    watch::sync_names()
        .and_then(|()| fs::rename(&part, target))
        .map_err(&failed)?;
    let above = target.parent().filter(|above| above.is_dir());
    watch::sync_names()
        .and_then(|()| above.map_or(Ok(()), sync_dir))
        .map_err(&failed)?;
    Ok(manifest.head)
}

fn part_of(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

/// Takes a begun backup up again if it is one of this journal.
fn resume(mut sealed: Sealed, reader: &Reader) -> Result<Option<(Manifest, SealedWriter)>, BackupError> {
    let Ok(manifest) = Manifest::read(&mut sealed) else {
        return Ok(None);
    };
    let fits = manifest.head.install_id == reader.install_id
        && manifest
            .segments
            .iter()
            .all(|(number, _)| reader.survey.segments.iter().any(|it| it.number == *number));
    if fits {
        Ok(Some((manifest, sealed.into_writer()?)))
    } else {
        Ok(None)
    }
}

/// Appends the segments from where the file ends.
fn copy_segments(
    reader: &Reader,
    manifest: &Manifest,
    writer: &mut SealedWriter,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<(), BackupError> {
    let failed = StoreError::io("read a journal segment");
    let ahead = manifest.encoded_bytes();
    let total = manifest.total_bytes().saturating_add(ahead);
    let mut begins = ahead;
    for (number, bytes) in &manifest.segments {
        let skip = writer.written().saturating_sub(begins).min(*bytes);
        begins = begins.saturating_add(*bytes);
        let Some(segment) = reader.survey.segments.iter().find(|it| it.number == *number) else {
            return Err(BackupError::Unreadable);
        };
        let mut file = File::open(&segment.path).map_err(&failed)?;
        file.seek(SeekFrom::Start(skip)).map_err(&failed)?;
        let mut left = bytes.saturating_sub(skip);
        let mut buffer = vec![0; CHUNK_BYTES];
        while left > 0 {
            let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let piece = buffer.get_mut(..wanted).unwrap_or_default();
            file.read_exact(piece).map_err(&failed)?;
            writer.write(piece)?;
            left = left.saturating_sub(crate::scan::wide(wanted));
            if !progress(writer.written(), total) {
                writer.pause()?;
                return Err(BackupError::Cancelled);
            }
        }
    }
    Ok(())
}

/// A backup that was opened.
pub struct Backup {
    manifest: Manifest,
    /// The segments, unpacked beside the file for as long as the backup is open.
    unpacked: Unpacked,
}

impl Backup {
    /// Opens a backup: every byte is authenticated.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn open(path: &Path, passphrase: &SecretBytes) -> Result<Self, BackupError> {
        Self::read(path, passphrase)
    }

    fn read(path: &Path, passphrase: &SecretBytes) -> Result<Self, BackupError> {
        let mut sealed = Sealed::open(path, passphrase)?;
        let manifest = Manifest::read(&mut sealed)?;
        let unpacked = Unpacked::of(&manifest, &mut sealed)?;
        if sealed.read_some(&mut [0; 1])? != 0 || !sealed.is_complete() {
            return Err(BackupError::Unreadable);
        }
        Ok(Self { manifest, unpacked })
    }

    /// The head that the backup ends with.
    pub const fn head(&self) -> BackupHead {
        self.manifest.head
    }

    /// The device key that signed it, DER.
    pub fn device_spki(&self) -> &[u8] {
        &self.manifest.spki
    }

    /// Whether the device key that the backup names has signed its head.
    pub fn is_signed(&self) -> bool {
        let key = PublicKey::from_spki(&self.manifest.spki);
        key.is_ok_and(|key| {
            key.verify(&self.manifest.head.message(), &self.manifest.signature)
                .is_ok()
        })
    }

    /// A reader of its journal.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let survey = Survey::of_segments(&self.unpacked.dir)?;
        let head = self.manifest.head;
        let last = Position {
            sequence: head.sequence,
            hash: head.hash,
            segment: 0,
            offset: 0,
        };
        let key = SecretArray::build(|key| key.copy_from_slice(self.manifest.journal_key.expose()));
        let key = Arc::new(PurposeKey::from_secret(key));
        Ok(Reader::new(survey, head.install_id, key, last))
    }

    /// What retention had left off before the backup.
    pub const fn archived(&self) -> Option<&Archived> {
        self.manifest.archived.as_ref()
    }

    /// Visits every record and checks chain and head.
    ///
    /// # Errors
    /// As [`Reader::replay`].
    pub fn replay(
        &self,
        visit: &mut dyn FnMut(Record<'_>) -> Result<(), StoreError>,
    ) -> Result<Report, StoreError> {
        self.reader()?.replay(Before::from(self.archived()), visit)
    }
}

/// Sealed segments in a folder of their own, which goes with the backup.
struct Unpacked {
    dir: PathBuf,
    /// Says that somebody still needs the folder: the system lets it go with the process, however that ends.
    _lock: File,
}

impl Unpacked {
    fn of(manifest: &Manifest, sealed: &mut Sealed) -> Result<Self, BackupError> {
        let failed = StoreError::io("unpack the backup");
        let unpacked = Self::beside(&sealed.folder()).map_err(&failed)?;
        for (number, bytes) in &manifest.segments {
            let path = unpacked.dir.join(segment_name(*number));
            let mut file = private_file().create_new(true).open(path).map_err(&failed)?;
            let mut left = *bytes;
            let mut buffer = vec![0; CHUNK_BYTES];
            while left > 0 {
                let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let read = sealed.read_some(buffer.get_mut(..wanted).unwrap_or_default())?;
                if read == 0 {
                    return Err(BackupError::Unreadable);
                }
                let piece = buffer.get(..read).unwrap_or_default();
                watch::write(BACKUP, 0, piece)
                    .and_then(|()| io::Write::write_all(&mut file, piece))
                    .map_err(&failed)?;
                left = left.saturating_sub(crate::scan::wide(read));
            }
        }
        Ok(unpacked)
    }
}

impl Unpacked {
    /// An empty folder; those that a kill has left in the same place go.
    fn beside(folder: &Path) -> io::Result<Self> {
        // Nobody takes a folder for left behind between its making and its locking.
        let making = File::open(folder)?;
        flock(&making, FlockOperation::LockExclusive)?;
        remove_left_behind(folder);
        let name = format!("{UNPACKED}{}.{:08x}", std::process::id(), unique());
        let dir = folder.join(name);
        make_private_dir(&dir)?;
        let lock = File::open(&dir)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { dir, _lock: lock })
    }
}

/// Removes what nobody holds any more; what cannot be removed is in nobody's way.
fn remove_left_behind(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNPACKED)) {
        let Ok(dir) = File::open(entry.path()) else {
            continue;
        };
        if flock(&dir, FlockOperation::NonBlockingLockExclusive).is_ok() {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.dir));
    }
}

/// A number of its own for each unpacked backup of this process.
fn unique() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
