//! The runtime of the till: network, clock, storage and the public Rust API.
//!
//! [`Terminal`] is what shells and programs use, and what the bindings wrap unchanged. It owns the clock, the disk
//! and the network, and carries out what the flow wants; no rule about money lives here.

#![forbid(unsafe_code)]

mod activation_uri;
mod archive;
mod background_check;
mod backup;
mod books;
mod bounded_hardware;
mod clock;
mod codes;
mod finding_words;
mod hardware;
mod host_address;
mod index_rows;
mod key_file;
mod ledger_check;
mod link;
mod log;
mod long_work;
mod opening;
mod os_entropy;
mod pin_entry;
mod pinning;
mod recording;
mod retention;
mod root;
#[cfg(feature = "sandbox")]
mod sandbox;
mod session;
mod slips;
mod software_hardware;
mod steps;
mod summary;
mod terminal;
mod wording;
mod worker;

pub use activation_uri::ActivationUri;
pub use backup::{BackupSummary, RestoreSummary, back_up, restore};
pub use books::{QueuePolicy, read_history};
pub use clock::Clock;
pub use codes::{CodeSymbol, FrameSize, code_symbol};
pub use hardware::{Evidence, PortError, SecureHardware};
pub use ledger_check::{LedgerCheck, check_backup, check_folder};
pub use link::{Answer, Cause, HostLink, LinkFailure};
pub use log::{Log, LogField, LogLevel, LogLine, LogSink, LogValue};
pub use long_work::LongWork;
pub use os_entropy::os_entropy;
pub use pin_entry::PinEntry;
pub use recording::{Tap, TapEvent, TapNext, TapObject, TapRecording, TapSetup, TapStep};
#[cfg(feature = "sandbox")]
pub use sandbox::SandboxAnswer;
pub use slips::Paper;
pub use softpos_flow::{
    ActivationStage, Announcement, CardPrompt, Difference, DifferenceKind, Ending, NotStarted, Notice,
    PaymentRequest, RefundRequest, Screen, SettlementLine, SettlementView, View,
};
pub use softpos_host::{Anchors, KeyEntry, Limits, MerchantProfile};
pub use softpos_journal::{State, Totals};
pub use softpos_qr::{render::Purpose, scan::LumaFrame};
pub use softpos_receipt::{Columns, Copy, Format, Rendered};
pub use softpos_text::{Texts, words::display as amount_text};
pub use software_hardware::SoftwareHardware;
pub use steps::Step;
pub use summary::{HistoryQuery, PaymentSummary};
pub use terminal::{CardStep, QueueView, Status, Terminal, TerminalConfig};
