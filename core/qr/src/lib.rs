//! Payment codes.
//!
//! [`recognise()`] says what a scanned text is. [`mpm`]: merchant-presented codes of `EMVCo`, both ways: generated
//! strictly, read with two verdicts (what cannot be trusted is refused, what only breaks a rule is read and the
//! breaches are listed). [`profile`]: the national profiles of such codes behind one API. [`cpm`]: consumer-presented
//! codes, both ways. [`PaymentCode`]: the digits of wallets, and [`order`], the machine that charges them.
//! [`transfer`] and [`link`]: codes that are not `EMVCo`'s. With the feature `render` they are drawn, with `scan` read
//! from pictures and camera frames.
//!
//! ```
//! use softpos_qr::{Recognised, Wallet, recognise};
//!
//! let Ok(Recognised::PaymentCode(code)) = recognise("134567890123456789\r\n") else {
//!     unreachable!()
//! };
//! assert_eq!(code.wallet(), Wallet::WeChat);
//! assert_eq!(
//!     recognise("4006381333931").unwrap_err().to_string(),
//!     "a barcode of goods, not a payment code"
//! );
//! ```
//!
//! Merchant-presented texts with a known verdict, given to each library's own reader:
//!
//! | library | valid accepted, of 85 | invalid refused, of 24 | panics |
//! | --- | --- | --- | --- |
//! | softpos-qr | 85 | 24 | 0 |
//! | khqr-core 0.4.1 | 85 | 19 | 0 |
//! | promptparse 1.2.0 | 72 | 18 | 11 |
//! | pix-brcode-parser 0.1.0 | 9 | 22 | 14 |
//!
//! khqr-core and promptparse read any code, pix-brcode-parser those of Brazil.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

extern crate alloc;
#[cfg(any(feature = "render", feature = "scan"))]
extern crate std;

pub mod cpm;
pub mod link;
pub mod mpm;
pub mod order;
mod payment_code;
#[cfg(any(feature = "render", feature = "scan"))]
mod pixels;
pub mod profile;
mod recognise;
#[cfg(feature = "render")]
pub mod render;
#[cfg(feature = "scan")]
pub mod scan;
pub mod transfer;

pub use payment_code::{PaymentCode, UnknownCode, Wallet};
#[cfg(any(feature = "render", feature = "scan"))]
pub use pixels::PixelsError;
pub use recognise::{NotRecognised, Recognised, recognise, text_of};
