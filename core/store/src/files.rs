//! The folder: names, permissions, the lock, and making names durable.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::StoreError;

/// Where everything is in the store's folder.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    dir: PathBuf,
}

impl Layout {
    pub(crate) const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.dir.join("journal")
    }

    pub(crate) fn segment(&self, number: u32) -> PathBuf {
        self.journal().join(segment_name(number))
    }

    pub(crate) fn head(&self) -> PathBuf {
        self.dir.join(HEAD)
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.dir.join(KEYS)
    }

    pub(crate) fn reserve(&self) -> PathBuf {
        self.dir.join(RESERVE)
    }

    pub(crate) fn quarantine(&self) -> PathBuf {
        self.dir.join("quarantine")
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.dir.join("index")
    }

    /// Makes the folder if need be and takes its lock for as long as the returned file lives.
    ///
    /// The lock is the store's own: sled has none on phones, and the standard library's does not exist on Android.
    pub(crate) fn lock(&self) -> Result<File, StoreError> {
        make_private_dir(&self.dir).map_err(StoreError::io("make the data folder"))?;
        let file = private_file()
            .create(true)
            .truncate(false)
            .open(self.dir.join("LOCK"))
            .map_err(StoreError::io("open the lock file"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(file),
            Err(Errno::WOULDBLOCK) => Err(StoreError::InUse),
            Err(error) => Err(StoreError::io("lock the data folder")(error.into())),
        }
    }
}

/// The file of the watermark.
pub(crate) const HEAD: &str = "head";
/// The file of the key checkpoint.
pub(crate) const KEYS: &str = "keys";
/// The file that is given up when the disk is full.
pub(crate) const RESERVE: &str = "reserve";

/// What the file of a segment is called.
pub(crate) fn segment_name(number: u32) -> String {
    format!("{number:08}.j")
}

/// Options for a file that only its owner may read.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// Makes a folder (and those above it) that only its owner may enter.
pub(crate) fn make_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes the names in a folder durable: a new file is only there after a power cut once this returned.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The file, to be read, or `None` if there is none. The disk may be read-only.
pub(crate) fn open_existing(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
