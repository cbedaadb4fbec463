//! Contactless card reading: the Entry Point (EMV Contactless Book B) and the kernels as pure machines.
//!
//! [`Reader`] is what a payment uses: it says which command to send, takes what the card answered, and ends with
//! a [`CardOutcome`]. It does no I/O and reads no clock. [`EntryPoint`] is the part of it that Book B describes,
//! usable alone with any kernel. Not type-approved: certification is the integrator's.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

extern crate alloc;

mod brand;
mod config;
mod data;
mod entry;
mod exceptions;
mod issuer_answer;
mod kernel;
mod masking;
#[cfg(test)]
mod mistakes;
pub mod oda;
mod outcome;
mod read;
mod reader;
mod torn;
mod ui;

pub use brand::Scheme;
pub use config::{
    Aid, AidError, Combination, CombinationSettings, KernelId, ReaderConfig, TerminalData, Transaction,
};
pub use data::CardData;
pub use entry::{Activation, EntryPoint, EntryStep, Indicators, Start};
pub use exceptions::{CardMark, ExceptionFile};
pub use issuer_answer::{IssuerAnswer, IssuerAnswerError, Presentment, Returning};
pub use kernel::{AnyKernel, Kernel, KernelInput, Progress};
pub use masking::{TapMask, masked_answer};
pub use outcome::{
    Authentication, Cvm, ErrorIndication, Interface, KernelOutcome, KernelReport, OutcomeKind, Reason,
};
pub use read::{CardRead, EmvReceipt, EntryMode};
pub use reader::{CardOutcome, Prompt, Reader, ReaderError, ReaderStep, StoppedRead};
pub use torn::TornLog;
pub use ui::{Message, Status, UiRequest, UiValue, ValueQualifier};
