//! The rules of the house: who may import whom, who alone may use a third-party crate, and what every crate
//! promises at its root.
//!
//! A [`House`] is what Cargo and the source files say of the workspace. Each rule is a function from a house to
//! the [`Violation`]s in it; `tests/house.rs` holds the real one to all of them, and the unit tests beside each
//! rule show it a bad one. [`resolved`] asks Cargo what really gets compiled into a package, [`shells`]
//! reads the Kotlin and Swift that ships, [`sentences`] looks for texts outside core/text.

#![forbid(unsafe_code)]

mod house;
mod imports;
mod promises;
mod third_party;

pub mod resolved;
pub mod sentences;
pub mod shells;

pub use house::{Dependency, House, Kind, Package};
pub use imports::imports;
pub use promises::{crate_roots, lints, names, top_level};
pub use third_party::third_party;

use std::fmt;

/// A broken rule, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What is wrong, and where.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

impl Violation {
    pub(crate) fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            mend: mend.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n    mend: {}", self.what, self.mend)
    }
}
