//! Software cards: they answer commands as plastic cards and phones of six schemes do, with cryptograms that the
//! sandbox issuers verify and signatures under the sandbox's own certification authorities, and misbehave on demand.
//!
//! Everything here is test material: the card numbers lie in ranges of the sandbox and all keys are public. A reader
//! that gets along with these cards is consistent with them, and no more: they were written from the same notes as
//! the kernels. What proves correctness are the foreign vectors.

#![forbid(unsafe_code)]

mod account;
mod application;
mod card;
mod curve_pki;
mod family;
mod fault;
mod issuer;
mod kind;
mod pki;
mod profile;
mod rsa;
mod scheme;
mod tags;
mod wallet;

pub use account::{Account, IssuerAnswer, accounts};
pub use card::{CardGone, IssuerUpdate, SoftCard};
pub use curve_pki::{CurveAuthorityKey, curve_authority_keys};
pub use family::Family;
pub use fault::{Fault, FaultKind};
pub use issuer::{
    CryptogramError, CryptogramKind, IssuerKey, Verified, issuer_answer, issuer_keys, issuer_script,
    verify_cryptogram,
};
pub use kind::Kind;
pub use pki::{AuthorityKey, authority_keys};
pub use profile::{Presence, Profile, profiles};
pub use scheme::CardScheme;
pub use wallet::{StateError, Wallet};
