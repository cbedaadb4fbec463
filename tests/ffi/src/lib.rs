//! Where the library that the bindings are generated from lies.

#![forbid(unsafe_code)]

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::io;
use std::path::PathBuf;

// Named, so that the library is built along with whoever asks where it is.
use softpos as _;

/// The library `softpos`, with the sandbox, of the same build as the program that asks.
///
/// # Errors
/// The system's, when it does not know where the program is, or [`io::ErrorKind::NotFound`].
pub fn library() -> io::Result<PathBuf> {
    let name = format!("{DLL_PREFIX}softpos{DLL_SUFFIX}");
    let program = std::env::current_exe()?;
    let found = program
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file());
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, name))
}
