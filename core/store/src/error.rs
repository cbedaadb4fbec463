//! Why the store cannot do what it was asked.

use std::fmt;
use std::io;

use softpos_types::{Code, SoftPosError};

use crate::space::is_full;

/// Why a store cannot be opened, written or read. Nothing on the disk was changed by the refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Another handle, in this process or another one, has the folder open.
    InUse,
    /// A newer version of the program wrote the folder.
    Newer,
    /// The storage root does not fit the folder; every byte is kept.
    Locked,
    /// The disk is full, the reserve with it.
    Full,
    /// A file operation failed: which one, and what the system said.
    Unreadable(String),
    /// What was read makes no sense: what, in words for support.
    Damaged(String),
    /// The payload is longer than a record or the key checkpoint can be.
    TooLong,
}

impl StoreError {
    /// A failed file operation; `what` says which, in words.
    pub(crate) fn io(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| {
            if is_full(&error) {
                Self::Full
            } else {
                Self::Unreadable(format!("{what}: {error}"))
            }
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str("the data folder is in use by another copy"),
            Self::Newer => f.write_str("the data folder was written by a newer version"),
            Self::Locked => f.write_str("the storage key does not fit the data folder"),
            Self::Full => f.write_str("the disk is full"),
            Self::Unreadable(what) => write!(f, "the data folder cannot be used: {what}"),
            Self::Damaged(what) => write!(f, "the data folder is damaged: {what}"),
            Self::TooLong => f.write_str("the payload is too long to be stored"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for SoftPosError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::InUse => Self::of(Code::StoreInUse),
            StoreError::Newer => Self::of(Code::StoreNewer),
            StoreError::Locked => Self::of(Code::StoreLocked),
            StoreError::Full => Self::of(Code::StorageLow),
            StoreError::Unreadable(what) => Self::of(Code::StoreUnreadable).with_detail(what),
            StoreError::Damaged(what) => Self::of(Code::StoreDamaged).with_detail(what),
            // The core bounds what it writes, so this is a fault of the program, not of the folder.
            StoreError::TooLong => {
                Self::of(Code::SessionPoisoned).with_detail("payload too long to be stored")
            }
        }
    }
}
