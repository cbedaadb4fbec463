//! The words every room of softpos shares: money, numbers, keys, clocks, errors and secrets.
//!
//! Nothing here does I/O, reads a clock or draws randomness.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

extern crate alloc;

mod currency;
mod error;
mod money;
mod now;
mod number;
mod pan;
mod payment_key;
mod payment_words;
mod secret;
mod text_ids;

pub use currency::Currency;
pub use error::{Action, Code, Fault, MoneyState, SoftPosError};
pub use money::{Money, MoneyError};
pub use now::{LocalTime, Now, Tick};
pub use number::{Batch, NumberError, Stan};
pub use pan::{Pan, PanError};
pub use payment_key::{PaymentKey, PaymentKeyError};
pub use payment_words::{Method, Operation, ReversalReason};
pub use secret::{SecretArray, SecretBytes};
pub use text_ids::{AuthCode, Language, MerchantId, OrderId, Rrn, TerminalId, TextError};
