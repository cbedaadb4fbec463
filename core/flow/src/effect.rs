//! What shall be done: the only way out of the flow.

use alloc::string::String;
use alloc::vec::Vec;

use softpos_host::HostRequest;
use softpos_journal::State;
use softpos_types::{Batch, Code, Fault, Method, Money, Operation, PaymentKey, SecretBytes};

use crate::card_prompt::CardPrompt;

/// Names an effect; the answer to it carries the same number. A stale answer is counted and dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId(pub u64);

/// Something that shall be done, in the imperative. Exhaustive: an effect that nobody handles must not compile.
#[derive(Debug)]
pub enum Effect {
    /// Send a command to the card in the field (shell).
    Transceive {
        /// Command APDU.
        capdu: Vec<u8>,
    },
    /// Open the PIN pad (shell).
    AskPin {
        /// Whose.
        key: PaymentKey,
    },
    /// Sign SHA-256 digests with the device key (secure hardware).
    Sign {
        /// For the answer.
        id: EffectId,
        /// What to sign, in order.
        digests: Vec<[u8; 32]>,
    },
    /// Give evidence over the host's challenge (secure hardware).
    Attest {
        /// For the answer.
        id: EffectId,
        /// The challenge.
        challenge: Vec<u8>,
    },
    /// Write a journal record and sync it (store).
    Persist {
        /// For the answer.
        id: EffectId,
        /// The record's kind.
        kind: u8,
        /// Its payload.
        payload: Vec<u8>,
    },
    /// Compute the Merkle tree over the journal (store).
    Anchor {
        /// For the answer.
        id: EffectId,
        /// How many records the host has anchored: where the proof begins.
        since: u64,
    },
    /// Write the register file and sync it (store).
    SaveKeys {
        /// For the answer.
        id: EffectId,
        /// The registers.
        registers: SecretBytes,
    },
    /// Carry a request to the host (terminal).
    SendHost {
        /// For the answer.
        id: EffectId,
        /// The request.
        request: HostRequest,
        /// Number of this try, for the header `Softpos-Attempt`.
        attempt: u32,
        /// After this the answer is no longer awaited.
        timeout_ms: u64,
    },
    /// Show a state (screen).
    Show(View),
    /// Say a sentence, once (voice).
    Say(Announcement),
    /// Tell the operator something that happened in the background.
    Notify(Notice),
    /// A payment, a refund, a day close or an activation has ended for the operator.
    Finish(Ending),
}

/// What the person sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The payment on the screen.
    pub key: Option<PaymentKey>,
    /// Its amount.
    pub amount: Option<Money>,
    /// Which screen.
    pub screen: Screen,
}

/// Which screen, and what is on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Screen {
    /// A step of the activation is under way.
    Activating {
        /// From 1.
        step: u8,
        /// How many there are.
        steps: u8,
        /// Which one.
        stage: ActivationStage,
    },
    /// Hold the card to the phone, or what the reader asks for instead.
    Card {
        /// What the customer does next.
        asks: CardPrompt,
        /// How long the field stays off before the reader polls.
        field_off_ms: u32,
    },
    /// The PIN pad is open.
    EnterPin,
    /// The host is asked.
    Authorising,
    /// A code for the payer to scan.
    ShowCode {
        /// The merchant-presented payload.
        payload: String,
        /// When it can no longer be paid.
        expires_utc_ms: u64,
    },
    /// The payer has to confirm in the wallet.
    AskPayer,
    /// Result unknown, being asked for: do not charge again.
    ResultUnknown {
        /// How often it was asked for.
        queries: u32,
    },
    /// A day close is under way.
    Settling {
        /// Which batch.
        batch: Batch,
    },
    /// The state in which it ended for the operator.
    Result {
        /// The state.
        state: State,
        /// The host's response code.
        de39: Option<String>,
    },
}

/// A step of the activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// What the till says aloud. Final states once each; prompts when they begin.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        amount: Money,
        /// The wallet, for a code.
        channel: Option<String>,
    },
    /// Refused.
    Declined {
        /// Response code, if the host gave one.
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
        amount: Money,
    },
    /// Accepted offline.
    Stored {
        /// How much.
        amount: Money,
    },
    /// The code was not paid in time.
    CodeExpired,
}

/// Something that happened in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        amount: Money,
        /// The new state.
        state: State,
        /// The host's response code.
        de39: Option<String>,
    },
    /// A wallet is said to have been paid for an order that had ended without a charge. The host is being asked; if
    /// it is true, the payer gets the money back.
    LatePayment {
        /// Which.
        key: PaymentKey,
        /// Its amount.
        amount: Money,
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
        fault: Fault,
    },
}

impl Notice {
    pub(crate) fn trouble(code: Code) -> Self {
        let fault = Fault::of(code);
        Self::Trouble { fault }
    }
}

/// How something ended for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A payment or refund. Reversing and unknown ones go on in the background.
    Payment {
        /// Which.
        key: PaymentKey,
        /// Where it stands.
        state: State,
    },
    /// A card payment that ended before anything was recorded: card not read, cancelled, timed out.
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
        fault: Fault,
    },
    /// The batch is closed.
    Settled {
        /// Both sides beside each other.
        view: SettlementView,
    },
    /// The batch is not closed; it is repeated until the host answers.
    SettleFailed {
        /// Why.
        fault: Fault,
    },
}

/// Why a card payment ended before anything was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStarted {
    /// The operator gave up.
    Cancelled,
    /// No card came in time.
    TimedOut,
    /// The card cannot be used here: another card or way to pay.
    CardNotAccepted,
    /// A rule of the reader refused the card. What a card declines by itself is recorded.
    CardDeclined,
    /// The journal could not be written.
    NotRecorded,
    /// The device's secure hardware refused.
    SecureHardware,
}

/// A closed batch, both sides beside each other.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The totals of one method, both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlementLine {
    /// Card, code or cash.
    pub method: Method,
    /// The terminal's.
    pub terminal: softpos_journal::Totals,
    /// The host's.
    pub host: softpos_journal::Totals,
}

/// A payment on which the two sides differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub key: PaymentKey,
    /// How.
    pub kind: DifferenceKind,
}

/// How the two sides differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The host has it, the terminal has not.
    HostOnly,
    /// The terminal has it, the host has not.
    TerminalOnly,
    /// The amounts differ.
    Amount,
    /// The states differ.
    State,
}
