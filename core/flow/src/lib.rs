//! The payment state machine: composes card reading, codes, keys, journal and host into one till.
//!
//! Sans-IO: an [`Event`] is what happened, an [`Effect`] is what shall be done, a [`View`] is what a person sees.
//! [`Flow::handle`] takes an event in, [`Flow::poll`] gives effects out, [`Flow::deadline`] says when the flow wants
//! to be called again. No clock, no file, no socket, no randomness but what came in at construction.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

extern crate alloc;

mod attended;
mod background;
mod card_prompt;
mod charge;
mod decide;
mod draft;
mod effect;
mod event;
mod exchange;
mod flow;
mod key_load;
mod offline;
mod profile;
mod registers;
mod sale;
mod settle;
mod setup;
mod start;
#[cfg(test)]
mod test_payments;
mod waiting;

pub use card_prompt::CardPrompt;
pub use effect::{
    ActivationStage, Announcement, Difference, DifferenceKind, Effect, EffectId, Ending, NotStarted, Notice,
    Screen, SettlementLine, SettlementView, View,
};
pub use event::{Anchor, Event, PaymentRequest, RefundRequest};
pub use flow::{Flow, Opening};
pub use profile::{Device, reader_config};
pub use setup::Redemption;
