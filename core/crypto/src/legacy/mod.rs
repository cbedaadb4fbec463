//! What hosts of the triple DES age ask for. Off unless a host and an end date are named in the signed configuration;
//! never for a new host (NIST ended triple DES encryption after 2023), never in a phone's library.

pub mod dukpt;
pub mod key_block;
pub mod mac;
pub mod pin_block;
mod tdes_key;

pub use crate::tdes::Padding;
pub use tdes_key::{TdesKey, TdesLengthError};
