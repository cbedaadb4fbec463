//! The words without content that both sides share.
//!
//! Each definition repeats the core's for the other languages, documentation included; a variant that is new below
//! does not compile here until it has its place.

pub use softpos_terminal::{
    ActivationStage, CardPrompt, Columns, Copy as SlipCopy, DifferenceKind, LogLevel, NotStarted,
    State as PaymentState,
};
pub use softpos_types::{Language, Method, MoneyState, Operation};

/// A language that softpos speaks.
#[uniffi::remote(Enum)]
pub enum Language {
    /// Chinese, simplified.
    Zh,
    /// English.
    En,
}

/// How the customer pays.
#[uniffi::remote(Enum)]
pub enum Method {
    /// A contactless card or phone.
    Card,
    /// A payment code that the till shows.
    Code,
    /// Notes and coins.
    Cash,
}

/// What a payment does.
#[uniffi::remote(Enum)]
pub enum Operation {
    /// Takes money for goods.
    Sale,
    /// Gives money of an earlier sale back.
    Refund,
}

/// Where a payment stands.
#[uniffi::remote(Enum)]
pub enum PaymentState {
    /// Written down; it may have been sent.
    Armed,
    /// A code is shown and waits for its payer.
    AwaitingPayer,
    /// Sent, and no valid answer came: do not charge again, the till is finding out.
    Unknown,
    /// Accepted while offline, to be forwarded.
    Stored,
    /// Being undone at the host.
    Reversing,
    /// Money moved.
    Approved,
    /// Refused by host, issuer or card.
    Declined,
    /// Nothing was sent.
    Failed,
    /// Undone.
    Reversed,
    /// Nobody paid the code in time, or a stored payment grew too old.
    Expired,
}

/// Whether money has moved, as far as the till knows.
#[uniffi::remote(Enum)]
pub enum MoneyState {
    /// Nothing was charged.
    NotMoved,
    /// The charge or refund stands.
    Moved,
    /// Not known yet: do not charge again.
    Unknown,
}

/// Why a card payment ended before anything was recorded.
#[uniffi::remote(Enum)]
pub enum NotStarted {
    /// The operator gave up.
    Cancelled,
    /// No card came in time.
    TimedOut,
    /// The card cannot be used here: another card or way to pay.
    CardNotAccepted,
    /// The card refused.
    CardDeclined,
    /// The journal could not be written.
    NotRecorded,
    /// The device's secure hardware refused.
    SecureHardware,
}

/// What the customer does with the card next.
#[uniffi::remote(Enum)]
pub enum CardPrompt {
    /// Hold the card to the phone.
    Present,
    /// Hold it there again.
    PresentAgain,
    /// Look at the own phone, then hold it there again.
    SeePhone,
    /// One card only.
    OneCardOnly,
    /// Another card or device.
    AnotherCard,
    /// Take the card away.
    Remove,
    /// Leave the card where it is: it is being read.
    Processing,
}

/// A step of the activation.
#[uniffi::remote(Enum)]
pub enum ActivationStage {
    /// The code is redeemed.
    Redeem,
    /// The device is attested.
    Attest,
    /// The keys are loaded.
    LoadKeys,
    /// The parameters are fetched.
    Parameters,
}

/// How the two sides of a day close differ on a payment.
#[uniffi::remote(Enum)]
pub enum DifferenceKind {
    /// The host has it, the till has not.
    HostOnly,
    /// The till has it, the host has not.
    TerminalOnly,
    /// The amounts differ.
    Amount,
    /// The states differ.
    State,
}

/// Whose copy of a slip.
#[uniffi::remote(Enum)]
pub enum SlipCopy {
    /// Stays with the merchant; carries the signature.
    Merchant,
    /// Goes with the customer.
    Cardholder,
}

/// The width of the paper.
#[uniffi::remote(Enum)]
pub enum Columns {
    /// 32 columns: a roll of 58 mm.
    Narrow,
    /// 48 columns: a roll of 80 mm.
    Wide,
}

/// How much a log line matters.
#[uniffi::remote(Enum)]
pub enum LogLevel {
    /// The course of things.
    Info,
    /// Something failed and the till copes.
    Warning,
    /// Someone has to act.
    Error,
}
