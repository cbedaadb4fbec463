//! The file of a backup: a header, then chunks that a passphrase opens.
//!
//! Big endian. Header, 52 bytes: magic `SPX1`, format u16, flags u16, salt 16, Argon2id memory in KiB u32, passes u32,
//! key salt 16, CRC-32 of 0..48. Each chunk: n u32, its top bit set on the last one; n bytes of AES-256-GCM with its
//! 16-byte tag, numbered from 0, associated data the header and n as it stands.
//!
//! A chunk that was cut off is written again with the same content, which is fixed when the backup is begun, so that
//! no nonce ever seals two contents.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use softpos_crypto::entropy::Entropy;
use softpos_crypto::passphrase::{PassphraseCost, passphrase_key};
use softpos_crypto::seal::Epoch;
use softpos_types::SecretBytes;

use super::BackupError;
use crate::error::StoreError;
use crate::files::private_file;
use crate::watch::{self, BACKUP};

const MAGIC: [u8; 4] = *b"SPX1";
const FORMAT: u16 = 1;
const COVERED_BYTES: usize = 48;
const HEADER_BYTES: usize = COVERED_BYTES + 4;
const TAG_BYTES: usize = 16;
/// The content of every chunk but the last.
pub(crate) const CHUNK_BYTES: usize = 256 * 1024;
const LAST: u32 = 1 << 31;

/// A file being read.
pub(crate) struct Sealed {
    file: File,
    path: PathBuf,
    header: [u8; HEADER_BYTES],
    epoch: Epoch,
    next: u64,
    /// Where the last whole chunk ends.
    sound_bytes: u64,
    content_bytes: u64,
    chunk: SecretBytes,
    taken: usize,
    complete: bool,
}

/// A file being written.
pub(crate) struct SealedWriter {
    file: File,
    header: [u8; HEADER_BYTES],
    epoch: Epoch,
    next: u64,
    content_bytes: u64,
    pending: Vec<u8>,
}

impl Sealed {
    pub(crate) fn open(path: &Path, passphrase: &SecretBytes) -> Result<Self, BackupError> {
        let failed = StoreError::io("open the backup");
        let mut file = File::open(path).map_err(&failed)?;
        let mut header = [0; HEADER_BYTES];
        if read_full(&mut file, &mut header).map_err(&failed)? < HEADER_BYTES {
            return Err(BackupError::Unreadable);
        }
        let epoch = epoch(&header, passphrase)?;
        Ok(Self {
            file,
            path: path.to_path_buf(),
            header,
            epoch,
            next: 0,
            sound_bytes: crate::scan::wide(HEADER_BYTES),
            content_bytes: 0,
            chunk: SecretBytes::new(Vec::new()),
            taken: 0,
            complete: false,
        })
    }

    /// Fills the front of `buffer` with what comes next; says with how much, 0 at the end.
    pub(crate) fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, BackupError> {
        if self.taken == self.chunk.len() {
            if self.complete {
                return Ok(0);
            }
            if !self.next_chunk()? {
                return Err(BackupError::Unreadable);
            }
        }
        let ahead = self.chunk.expose().get(self.taken..).unwrap_or_default();
        let count = ahead.len().min(buffer.len());
        buffer.iter_mut().zip(ahead).for_each(|(to, from)| *to = *from);
        self.taken = self.taken.saturating_add(count);
        Ok(count)
    }

    /// Whether the last chunk was read.
    pub(crate) const fn is_complete(&self) -> bool {
        self.complete
    }

    /// The folder of the file.
    pub(crate) fn folder(&self) -> PathBuf {
        let above = self.path.parent().filter(|above| !above.as_os_str().is_empty());
        above.unwrap_or(Path::new(".")).to_path_buf()
    }

    /// Goes on writing behind the last whole chunk.
    pub(crate) fn into_writer(mut self) -> Result<SealedWriter, BackupError> {
        // The last chunk is shorter than the others and was not to be followed: it is written again.
        while !self.complete && matches!(self.next_chunk(), Ok(true)) {}
        if self.complete {
            self.sound_bytes = self
                .sound_bytes
                .saturating_sub(crate::scan::wide(self.chunk.len().saturating_add(TAG_BYTES + 4)));
            self.content_bytes = self
                .content_bytes
                .saturating_sub(crate::scan::wide(self.chunk.len()));
            self.next = self.next.saturating_sub(1);
        }
        let failed = StoreError::io("go on with the backup");
        let mut file = private_file().open(&self.path).map_err(&failed)?;
        file.set_len(self.sound_bytes).map_err(&failed)?;
        io::Seek::seek(&mut file, io::SeekFrom::End(0)).map_err(&failed)?;
        Ok(SealedWriter {
            file,
            header: self.header,
            epoch: self.epoch,
            next: self.next,
            content_bytes: self.content_bytes,
            pending: Vec::new(),
        })
    }

    /// Opens the next chunk; `false` if the file ends before it does.
    fn next_chunk(&mut self) -> Result<bool, BackupError> {
        let failed = StoreError::io("read the backup");
        let mut prefix = [0; 4];
        if read_full(&mut self.file, &mut prefix).map_err(&failed)? < prefix.len() {
            return Ok(false);
        }
        let word = u32::from_be_bytes(prefix);
        let n = usize::try_from(word & !LAST).unwrap_or(usize::MAX);
        let last = word & LAST != 0;
        if n > CHUNK_BYTES || (n < CHUNK_BYTES && !last) {
            return Err(BackupError::Unreadable);
        }
        let mut body = vec![0; n + TAG_BYTES];
        if read_full(&mut self.file, &mut body).map_err(&failed)? < body.len() {
            return Ok(false);
        }
        let aad = [&self.header[..], &prefix].concat();
        let content = self.epoch.open(self.next, &aad, &body);
        self.chunk = SecretBytes::new(content.map_err(|_| BackupError::Unreadable)?);
        self.taken = 0;
        self.complete = last;
        self.next = self.next.saturating_add(1);
        self.sound_bytes = self
            .sound_bytes
            .saturating_add(crate::scan::wide(body.len().saturating_add(prefix.len())));
        self.content_bytes = self.content_bytes.saturating_add(crate::scan::wide(n));
        Ok(true)
    }
}

impl SealedWriter {
    /// Begins a file over whatever is there.
    pub(crate) fn create(
        path: &Path,
        passphrase: &SecretBytes,
        cost: PassphraseCost,
        entropy: &mut Entropy,
    ) -> Result<Self, BackupError> {
        let failed = StoreError::io("begin the backup");
        let mut covered = MAGIC.to_vec();
        covered.extend_from_slice(&FORMAT.to_be_bytes());
        covered.extend_from_slice(&[0, 0]);
        covered.extend_from_slice(&entropy.array::<16>());
        covered.extend_from_slice(&cost.memory_kib.to_be_bytes());
        covered.extend_from_slice(&cost.passes.to_be_bytes());
        covered.extend_from_slice(&entropy.array::<16>());
        covered.extend_from_slice(&crc32fast::hash(&covered).to_be_bytes());
        let header: [u8; HEADER_BYTES] = covered.try_into().map_err(|_| BackupError::Unreadable)?;
        let epoch = epoch(&header, passphrase)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error).into()),
            _ => {}
        }
        let mut file = private_file().create_new(true).open(path).map_err(&failed)?;
        watch::write(BACKUP, 0, &header)
            .and_then(|()| file.write_all(&header))
            .map_err(&failed)?;
        Ok(Self {
            file,
            header,
            epoch,
            next: 0,
            content_bytes: 0,
            pending: Vec::with_capacity(CHUNK_BYTES),
        })
    }

    /// How much of the content is in the file or waits to fill a chunk.
    pub(crate) fn written(&self) -> u64 {
        self.content_bytes
            .saturating_add(crate::scan::wide(self.pending.len()))
    }

    pub(crate) fn write(&mut self, mut content: &[u8]) -> Result<(), BackupError> {
        while !content.is_empty() {
            let room = CHUNK_BYTES.saturating_sub(self.pending.len());
            let (now, later) = content.split_at(room.min(content.len()));
            self.pending.extend_from_slice(now);
            content = later;
            // The last chunk may be a full one: it is written when it is known not to be the last.
            if self.pending.len() == CHUNK_BYTES && !content.is_empty() {
                self.chunk(false)?;
            }
        }
        if self.pending.len() == CHUNK_BYTES {
            self.chunk(false)?;
        }
        Ok(())
    }

    /// Leaves what is whole on the disk.
    pub(crate) fn pause(&mut self) -> Result<(), BackupError> {
        let synced = watch::sync(BACKUP).and_then(|()| self.file.sync_all());
        Ok(synced.map_err(StoreError::io("sync the backup"))?)
    }

    /// Writes the last chunk and waits until everything is on the disk.
    pub(crate) fn finish(mut self) -> Result<(), BackupError> {
        self.chunk(true)?;
        self.pause()
    }

    fn chunk(&mut self, last: bool) -> Result<(), BackupError> {
        let failed = StoreError::io("write the backup");
        let content = SecretBytes::new(std::mem::replace(
            &mut self.pending,
            Vec::with_capacity(CHUNK_BYTES),
        ));
        let n = u32::try_from(content.len()).map_err(|_| BackupError::Unreadable)?;
        let prefix = (if last { n | LAST } else { n }).to_be_bytes();
        let aad = [&self.header[..], &prefix].concat();
        let body = self.epoch.seal(self.next, &aad, content.expose());
        for bytes in [&prefix[..], &body] {
            watch::write(BACKUP, self.content_bytes, bytes)
                .and_then(|()| self.file.write_all(bytes))
                .map_err(&failed)?;
        }
        self.next = self.next.saturating_add(1);
        self.content_bytes = self
            .content_bytes
            .saturating_add(crate::scan::wide(content.len()));
        Ok(())
    }
}

fn epoch(header: &[u8; HEADER_BYTES], passphrase: &SecretBytes) -> Result<Epoch, BackupError> {
    let (covered, crc) = header.split_at(COVERED_BYTES);
    let unreadable = BackupError::Unreadable;
    if !covered.starts_with(&MAGIC) || crc != crc32fast::hash(covered).to_be_bytes() {
        return Err(unreadable);
    }
    let mut rest = covered.get(MAGIC.len()..).unwrap_or_default();
    let format = u16::from_be_bytes(take(&mut rest).ok_or(BackupError::Unreadable)?);
    let flags: [u8; 2] = take(&mut rest).ok_or(BackupError::Unreadable)?;
    if format != FORMAT || flags != [0, 0] {
        return Err(BackupError::Newer);
    }
    let salt = take::<16>(&mut rest).ok_or(BackupError::Unreadable)?;
    let cost = PassphraseCost {
        memory_kib: u32::from_be_bytes(take(&mut rest).ok_or(BackupError::Unreadable)?),
        passes: u32::from_be_bytes(take(&mut rest).ok_or(BackupError::Unreadable)?),
    };
    let key_salt = take(&mut rest).ok_or(BackupError::Unreadable)?;
    let key = passphrase_key(passphrase, &salt, cost).map_err(|_| BackupError::Passphrase)?;
    Ok(Epoch::new(&key, key_salt))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

/// Reads until the buffer is full or the file ends.
fn read_full(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
