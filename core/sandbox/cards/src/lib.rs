//! Software cards: they answer commands as plastic cards and phones do, with cryptograms that the sandbox issuer
//! verifies, and misbehave on demand.
//!
//! Everything here is test material: the card numbers lie in a range of the sandbox and the keys are public.

#![forbid(unsafe_code)]

mod account;
mod card;
mod fault;
mod issuer;
mod profile;
mod wallet;

pub use account::{Account, IssuerAnswer, accounts};
pub use card::{CardGone, SoftCard};
pub use fault::{Fault, FaultKind};
pub use issuer::{CryptogramError, IssuerKey, Verified, issuer_keys, verify_cryptogram};
pub use profile::{Presence, Profile, profiles};
pub use wallet::{StateError, Wallet};
