//! What a journal record says.
//!
//! A record's payload is a CBOR map with integer keys, its kind stands in the record's header. Keys are never
//! reused; a reader skips the ones it does not know, and the record itself is never rewritten, so nothing is
//! lost to an older program.

mod checkpoint;
mod day;
mod payment;
mod setup;

use alloc::vec::Vec;

pub use checkpoint::{Archived, Checkpoint, OfPayment};
pub use day::{MethodTotals, Settled, Settling, Totals};
pub use payment::{
    CardFacts, CardVerification, CodeFacts, Image, Moved, Reply, Reprinted, Restored, Started,
};
pub use setup::{Activation, Attested, KeysLoaded, ParametersTaken, TrustedKey};

/// The kind of a [`Checkpoint`], by which a reader finds where to begin.
pub const CHECKPOINT_KIND: u8 = 10;

/// One record's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Kind 1.
    Started(Started),
    /// Kind 2.
    Moved(Moved),
    /// Kind 3.
    Reprinted(Reprinted),
    /// Kind 4.
    Settling(Settling),
    /// Kind 5.
    Settled(Settled),
    /// Kind 6.
    Activation(Activation),
    /// Kind 7.
    Parameters(ParametersTaken),
    /// Kind 8.
    Attested(Attested),
    /// Kind 9.
    KeysLoaded(KeysLoaded),
    /// Kind 10.
    Checkpoint(Checkpoint),
    /// Kind 11.
    Archived(Archived),
    /// Kind 12.
    Restored(Restored),
}

/// The payload is not what its kind promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryError;

macro_rules! kinds {
    ($($kind:literal = $variant:ident,)*) => {
        impl Entry {
            /// The kind for the record's header.
            pub const fn kind(&self) -> u8 {
                match self { $(Self::$variant(_) => $kind,)* }
            }

            /// The payload.
            pub fn to_bytes(&self) -> Vec<u8> {
                let mut bytes = Vec::new();
                // Writing to a vector cannot fail.
                let _ = match self { $(Self::$variant(entry) => minicbor::encode(entry, &mut bytes),)* };
                bytes
            }

            /// Reads a payload. `None`: a kind this version does not know, to be kept and skipped.
            ///
            /// # Errors
            /// [`EntryError`] when the payload is not what its kind promises.
            pub fn from_bytes(kind: u8, payload: &[u8]) -> Result<Option<Self>, EntryError> {
                match kind {
                    $($kind => minicbor::decode(payload).map(|entry| Some(Self::$variant(entry))).map_err(|_| EntryError),)*
                    _ => Ok(None),
                }
            }
        }

        $(impl From<$crate::entry::kinds_types::$variant> for Entry {
            fn from(entry: $crate::entry::kinds_types::$variant) -> Self {
                Self::$variant(entry)
            }
        })*
    };
}

/// The variants' contents under the variants' names, for the table below.
mod kinds_types {
    pub(super) use super::{
        Activation, Archived, Attested, Checkpoint, KeysLoaded, Moved, ParametersTaken as Parameters,
        Reprinted, Restored, Settled, Settling, Started,
    };
}

kinds! {
    1 = Started,
    2 = Moved,
    3 = Reprinted,
    4 = Settling,
    5 = Settled,
    6 = Activation,
    7 = Parameters,
    8 = Attested,
    9 = KeysLoaded,
    10 = Checkpoint,
    11 = Archived,
    12 = Restored,
}
