//! What the index needs of the thing it is kept in.

use std::fmt;
use std::ops::Range;

/// Ordered keys and values on the disk. Never believed alone, so its promises are few.
pub(crate) trait Shelf: Send {
    /// The value of a key.
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError>;

    /// The keys of a range in order, or backwards, at most `limit`.
    fn keys(&self, range: Range<Vec<u8>>, backwards: bool, limit: usize) -> Result<Vec<Vec<u8>>, ShelfError>;

    /// Shows every entry.
    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), ShelfError>;

    /// Puts new entries in, keys and values; a crash may leave only some of them.
    fn fill(&self, entries: Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), ShelfError>;

    /// Makes all changes or none; each key is in them once.
    fn write(&self, changes: Vec<Change>) -> Result<(), ShelfError>;

    /// Hands what was written to the system.
    fn flush(&self) -> Result<(), ShelfError>;

    /// Bytes of all its files.
    fn bytes_on_disk(&self) -> Result<u64, ShelfError>;
}

/// Makes or opens a shelf in a folder.
pub(crate) type OpenShelf = fn(&std::path::Path) -> Result<Box<dyn Shelf>, ShelfError>;

/// One change of a shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Key, value.
    Put(Vec<u8>, Vec<u8>),
    /// Key.
    Delete(Vec<u8>),
}

/// Why a shelf cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ShelfError {
    /// The disk is full: its content may be fine.
    Full,
    /// Anything else, in words.
    Bad(String),
}

impl fmt::Display for ShelfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the disk is full"),
            Self::Bad(reason) => f.write_str(reason),
        }
    }
}
