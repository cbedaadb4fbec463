//! Receipts: pure functions of what the journal knows. The same input gives the same bytes.
//!
//! [`Receipt::of_payment`] and [`Receipt::of_day_close`] make a list of [`Line`]s, the one layout that every form of
//! output renders: [`Receipt::render`] gives text, a picture, the bytes for a printer, a page for a browser or a PDF,
//! each for a roll of 32 or 48 columns. Pictures and PDF need the feature `font` (1.2 MB: GB2312 and ASCII); what it
//! cannot show is a box and is named in [`Rendered::missing`].
//!
//! `docs/README.md` beside the crate shows every kind of slip in both languages.

#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

mod code;
mod data;
mod day_close;
mod escpos;
#[cfg(feature = "font")]
mod font;
mod html;
mod layout;
mod masked_pan;
#[cfg(feature = "font")]
mod pdf;
#[cfg(feature = "font")]
mod picture;
mod render;
mod slip;
mod wrap;

pub use data::{
    CardData, CodeData, Copy, Cryptogram, Cvm, EmvBlock, Entry, Kind, NoSlip, Original, ReceiptData, Scheme,
    Source, State,
};
pub use day_close::{DayClose, Settled, Total, Unresolved, UnresolvedState};
pub use layout::{Columns, Field, Line, Receipt};
pub use masked_pan::{MaskedPan, MaskedPanError};
pub use render::{Format, NoFont, Rendered};
