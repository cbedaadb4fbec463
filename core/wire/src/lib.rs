//! Everything that parses untrusted bytes of cards: BER-TLV, data object lists, file locators, APDUs,
//! compressed numbers and track data.
//!
//! Nothing here panics, and nothing allocates in proportion to what a length field claims: the input is hostile.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

extern crate alloc;

pub mod afl;
pub mod apdu;
pub mod bcd;
pub mod bits;
pub mod cvm_list;
pub mod dictionary;
pub mod dol;
pub mod gpo;
pub mod tag;
pub mod tlv;
pub mod track2;

pub use tag::Tag;
