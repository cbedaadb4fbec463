//! Where everything is kept.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use softpos_types::{Code, SoftPosError};

/// The folder of a till and its sandbox host.
#[derive(Clone, Debug)]
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    /// The given folder, or the platform's.
    pub(crate) fn choose(given: Option<&Path>) -> Result<Self, SoftPosError> {
        if let Some(dir) = given {
            return Ok(Self(dir.to_owned()));
        }
        ProjectDirs::from("", "", "softpos")
            .map(|dirs| Self(dirs.data_dir().to_owned()))
            .ok_or_else(|| {
                SoftPosError::of(Code::StoreUnreadable)
                    .with_detail("no home folder; name one with --data DIR")
            })
    }

    /// Makes the folder, for the owner alone.
    pub(crate) fn create(&self) -> Result<(), SoftPosError> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .map_err(|error| unreadable(&self.0, &error))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The till's journal, index and keys.
    pub(crate) fn till(&self) -> PathBuf {
        self.0.join("till")
    }

    /// The till's software hardware.
    pub(crate) fn hardware(&self) -> PathBuf {
        self.0.join("hardware")
    }

    /// The sandbox host's keys and books.
    pub(crate) fn host(&self) -> PathBuf {
        self.0.join("host")
    }

    /// What the software cards remember.
    pub(crate) fn cards(&self) -> PathBuf {
        self.0.join("cards")
    }

    /// The lines typed before.
    pub(crate) fn line_history(&self) -> PathBuf {
        self.0.join("lines")
    }
}

/// The error for a folder or file that cannot be used.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> SoftPosError {
    SoftPosError::of(Code::StoreUnreadable).with_detail(format!("{}: {error}", path.display()))
}
