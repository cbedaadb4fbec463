//! softpos for Kotlin and Swift: one `UniFFI` component over the terminal.
//!
//! The records and enums are softpos-terminal's and softpos-types' own, declared to the generator here; every call
//! hands on to the terminal's of the same name. No rule about money, schemes or host codes lives here: what a call means is decided below.

#![forbid(unsafe_code)]
#![allow(
    clippy::doc_markdown,
    clippy::missing_errors_doc,
    clippy::needless_pass_by_value,
    clippy::result_large_err,
    reason = "signatures and docs go to the other languages as they are: values, exceptions, no Rust sections or links"
)]

mod books;
mod codes;
mod error;
mod guard;
mod handed_out;
mod money;
mod payment;
mod pin_entry;
mod ports;
mod requests;
#[cfg(feature = "sandbox")]
mod sandbox;
mod screen;
mod slips;
mod status;
mod step;
mod terminal;
mod words;

pub use books::*;
pub use codes::*;
pub use error::*;
pub use money::*;
pub use payment::*;
pub use pin_entry::*;
pub use ports::*;
pub use requests::*;
#[cfg(feature = "sandbox")]
pub use sandbox::*;
pub use screen::*;
pub use slips::*;
pub use status::*;
pub use step::*;
pub use terminal::*;
pub use words::*;

uniffi::setup_scaffolding!();
