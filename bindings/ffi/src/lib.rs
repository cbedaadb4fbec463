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

pub use codes::{CodePurpose, CodeSymbol, FrameSize, code_symbol};
pub use error::{Fault, SoftPosError};
pub use money::{Money, amount_from_text, amount_text};
pub use payment::{HistoryQuery, PaymentSummary};
pub use pin_entry::PinEntry;
pub use ports::{Evidence, LogField, LogLine, LogSink, PortError, SecureHardware};
pub use requests::{KeyEntry, Paper, PaymentRequest, RefundRequest, TerminalConfig, TrustAnchors};
#[cfg(feature = "sandbox")]
pub use sandbox::{CardGoneError, SandboxCard, SandboxHost, SandboxWallet, sandbox_break, sandbox_hardware};
pub use screen::{Screen, View};
pub use slips::{SlipFile, SlipFormat};
pub use status::{Limits, MerchantProfile, QueueView, Status};
pub use step::{
    Announcement, CardStep, Difference, Ending, Notice, SettlementLine, SettlementView, Step, Totals,
};
pub use terminal::Terminal;
pub use words::{
    ActivationStage, CardPrompt, Columns, DifferenceKind, Language, LogLevel, Method, MoneyState, NotStarted,
    Operation, PaymentState, SlipCopy,
};

uniffi::setup_scaffolding!();
