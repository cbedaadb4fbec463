//! Receipts: pure functions of what the journal knows. The same input gives the same bytes.
//!
//! [`Receipt::of_payment`] and [`Receipt::of_day_close`] make a list of [`Line`]s, the one layout that every form of
//! output renders; [`Receipt::to_text`] is the plain text of a roll of 32 or 48 columns.

#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

mod data;
mod day_close;
mod layout;
mod masked_pan;
mod slip;
mod wrap;

pub use data::{
    CardData, CodeData, Copy, Cryptogram, Cvm, EmvBlock, Entry, Kind, NoSlip, Original, ReceiptData, Source,
    State,
};
pub use day_close::{DayClose, Settled, Total, Unresolved, UnresolvedState};
pub use layout::{Columns, Field, Line, Receipt};
pub use masked_pan::{MaskedPan, MaskedPanError};
