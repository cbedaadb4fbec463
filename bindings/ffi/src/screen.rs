//! What the person sees.

pub use softpos_terminal::{Screen, View};
use softpos_types::{Batch, PaymentKey};

use crate::handed_out::Amount;
use crate::words::{ActivationStage, CardPrompt, PaymentState};

/// What the person sees.
#[uniffi::remote(Record)]
pub struct View {
    /// The payment on the screen.
    pub key: Option<PaymentKey>,
    /// Its amount.
    pub amount: Option<Amount>,
    /// Which screen.
    pub screen: Screen,
}

/// Which screen, and what is on it.
#[uniffi::remote(Enum)]
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
        state: PaymentState,
        /// The host's response code.
        de39: Option<String>,
    },
}
