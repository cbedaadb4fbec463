//! What the shell does next, with the sentence for it.

pub use softpos_terminal::{
    Announcement, CardStep, Difference, Ending, Notice, SettlementLine, SettlementView, Step, Totals,
};
use softpos_types::{Batch, PaymentKey};

use crate::handed_out::{Amount, Reason};
use crate::screen::View;
use crate::words::{DifferenceKind, Method, NotStarted, Operation, PaymentState};

/// What the shell does next.
#[uniffi::remote(Enum)]
pub enum Step {
    /// Show a state.
    Show {
        /// The state.
        view: View,
        /// The sentence for it, in the payment's language.
        text: String,
    },
    /// Say a sentence aloud, once.
    Say {
        /// What it says, for a sound or a vibration that goes with it.
        announcement: Announcement,
        /// The spoken form.
        text: String,
    },
    /// Open the PIN pad.
    AskPin {
        /// Whose payment.
        key: PaymentKey,
    },
    /// Something happened in the background.
    Notice {
        /// What.
        notice: Notice,
        /// In words.
        text: String,
    },
    /// What the operator began has ended.
    Finished {
        /// How.
        ending: Ending,
        /// In words.
        text: String,
    },
    /// The session has ended; no step follows.
    Closed,
}

/// What the card loop does next.
#[uniffi::remote(Enum)]
pub enum CardStep {
    /// Send this command to the card and bring the answer.
    Transmit {
        /// The command APDU.
        capdu: Vec<u8>,
    },
    /// Wait for a card; what to show came as a step.
    WaitForCard,
    /// The card is no longer needed.
    Done,
}

/// What the till says aloud: final states once each, prompts when they begin.
#[uniffi::remote(Enum)]
pub enum Announcement {
    /// Hold the card to the phone.
    PresentCard,
    /// The card may go.
    RemoveCard,
    /// Look at your phone and tap again.
    SeePhone,
    /// The payer has to confirm in the wallet.
    AskPayer,
    /// Paid.
    Approved {
        /// How.
        method: Method,
        /// How much.
        amount: Amount,
        /// The wallet, for a code.
        channel: Option<String>,
    },
    /// Refused.
    Declined {
        /// The host's response code, if it gave one.
        de39: Option<String>,
    },
    /// Nothing was sent, nothing charged.
    NotSent,
    /// Ended before anything was recorded.
    NotStarted {
        /// Why.
        reason: NotStarted,
    },
    /// Unknown: do not charge again.
    Unknown,
    /// Being undone.
    Reversing,
    /// Undone.
    Reversed,
    /// Given back.
    Refunded {
        /// How much.
        amount: Amount,
    },
    /// Accepted offline.
    Stored {
        /// How much.
        amount: Amount,
    },
    /// The code was not paid in time.
    CodeExpired,
}

/// Something that happened in the background.
#[uniffi::remote(Enum)]
pub enum Notice {
    /// A payment came to another state while nobody looked.
    PaymentChanged {
        /// Which.
        key: PaymentKey,
        /// Sale or refund.
        operation: Operation,
        /// Card, code or cash.
        method: Method,
        /// Amount.
        amount: Amount,
        /// The new state.
        state: PaymentState,
        /// The host's response code.
        de39: Option<String>,
    },
    /// A wallet is said to have been paid for an order that had ended without a charge; the host is being asked.
    LatePayment {
        /// Which.
        key: PaymentKey,
        /// Its amount.
        amount: Amount,
    },
    /// The queue is being sent.
    Forwarding {
        /// Sent since it began.
        done: u32,
        /// To be sent in all.
        total: u32,
    },
    /// The network came or went.
    Link {
        /// Whether it is there.
        online: bool,
    },
    /// A background task cannot go on by itself; said once until it works again.
    Trouble {
        /// Why.
        fault: Reason,
    },
}

/// How something ended for the operator.
#[uniffi::remote(Enum)]
pub enum Ending {
    /// A payment or refund. Reversing and unknown ones go on in the background.
    Payment {
        /// Which.
        key: PaymentKey,
        /// Where it stands.
        state: PaymentState,
    },
    /// A card payment that ended before anything was recorded.
    NotStarted {
        /// The key it would have had.
        key: PaymentKey,
        /// Why.
        reason: NotStarted,
    },
    /// The till is ready to sell.
    Activated,
    /// The activation stopped; it goes on where it was with the next call.
    ActivationFailed {
        /// Why.
        fault: Reason,
    },
    /// The batch is closed.
    Settled {
        /// Both sides beside each other.
        view: SettlementView,
    },
    /// The batch is not closed; it is repeated until the host answers.
    SettleFailed {
        /// Why.
        fault: Reason,
    },
}

/// A closed batch, both sides beside each other.
#[uniffi::remote(Record)]
pub struct SettlementView {
    /// The batch.
    pub batch: Batch,
    /// Whether both sides counted the same.
    pub balanced: bool,
    /// A line a method.
    pub lines: Vec<SettlementLine>,
    /// What does not match.
    pub differences: Vec<Difference>,
}

/// The totals of one method.
#[uniffi::remote(Record)]
pub struct SettlementLine {
    /// Card, code or cash.
    pub method: Method,
    /// The till's.
    pub terminal: Totals,
    /// The host's.
    pub host: Totals,
}

/// What one side counted.
#[uniffi::remote(Record)]
pub struct Totals {
    /// Approved sales.
    pub sale_count: u32,
    /// Their sum in minor units.
    pub sale_minor: i64,
    /// Approved refunds.
    pub refund_count: u32,
    /// Their sum in minor units.
    pub refund_minor: i64,
}

/// A payment on which the two sides differ.
#[uniffi::remote(Record)]
pub struct Difference {
    /// Which.
    pub key: PaymentKey,
    /// How.
    pub kind: DifferenceKind,
}
