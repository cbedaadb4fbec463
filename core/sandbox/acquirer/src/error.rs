//! What can keep the host from starting or from reading its books.

use std::fmt;
use std::path::PathBuf;

use softpos_types::{Code, SoftPosError};

/// Why the host cannot start, go on, or be read.
#[derive(Debug)]
pub enum HostError {
    /// Another host uses this folder.
    InUse(PathBuf),
    /// The folder was written by a newer version.
    Newer {
        /// The version of the folder.
        found: i64,
        /// The version this program writes.
        known: i64,
    },
    /// The folder was written by an older version.
    Older {
        /// The version of the folder.
        found: i64,
        /// The version this program writes.
        known: i64,
    },
    /// The folder, its keys or the socket.
    Io(std::io::Error),
    /// The database.
    Database(sqlx::Error),
    /// A file of the folder is not what the host wrote.
    Damaged(&'static str),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(dir) => write!(f, "another host uses the folder {}", dir.display()),
            Self::Newer { found, known } => {
                write!(
                    f,
                    "the folder has version {found}, newer than {known}: update the program"
                )
            }
            Self::Older { found, known } => {
                write!(
                    f,
                    "the folder has version {found}, older than {known}, and is not read: begin with an empty one"
                )
            }
            Self::Io(error) => write!(f, "{error}"),
            Self::Database(error) => write!(f, "host database: {error}"),
            Self::Damaged(what) => write!(f, "damaged in the host's folder: {what}"),
        }
    }
}

impl std::error::Error for HostError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Database(error) => Some(error),
            Self::InUse(_) | Self::Newer { .. } | Self::Older { .. } | Self::Damaged(_) => None,
        }
    }
}

/// For a program that runs the host beside a till: a folder that cannot be used is the same trouble for both.
impl From<HostError> for SoftPosError {
    fn from(error: HostError) -> Self {
        let code = match &error {
            HostError::InUse(_) => Code::StoreInUse,
            HostError::Newer { .. } => Code::StoreNewer,
            HostError::Damaged(_) => Code::StoreDamaged,
            HostError::Older { .. } | HostError::Io(_) | HostError::Database(_) => Code::StoreUnreadable,
        };
        Self::of(code).with_detail(error.to_string())
    }
}

impl From<std::io::Error> for HostError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<sqlx::Error> for HostError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}
