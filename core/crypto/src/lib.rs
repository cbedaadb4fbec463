//! The cryptography of softpos: keys per transaction, PIN and key blocks, sealing, signatures.
//!
//! Nothing here does I/O, reads a clock or finds its own randomness: seeds come from the operating system
//! through the caller. Secrets live in wiping types that show nothing; every failure of a check gives one error
//! without its reason.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod aes_key;
pub mod bundle;
pub mod card_channel;
pub mod concat_kdf;
pub mod dukpt;
pub mod ec_sdsa;
pub mod emv_rsa;
pub mod entropy;
pub mod gcm;
mod hkdf;
#[cfg(feature = "issuer")]
pub mod issuer;
#[cfg(feature = "issuer")]
pub mod issuer_aes;
pub mod jws;
pub mod key_block;
pub mod key_load;
mod labels;
#[cfg(feature = "legacy")]
pub mod legacy;
pub mod mac;
pub mod merkle;
pub mod p256_key;
pub mod passphrase;
pub mod pin_block;
pub mod scrub;
pub mod seal;
#[cfg(any(feature = "issuer", feature = "legacy"))]
pub mod tdes;

pub use aes_key::{AesKey, AesLength, AesLengthError};
pub use hkdf::{OutputLengthError, hkdf_sha256};
