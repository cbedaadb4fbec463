//! What the person sees.

use softpos_terminal as terminal;

use crate::mirror::{Cross, record};
use crate::money::Money;
use crate::words::{ActivationStage, PaymentState};

record! {
    /// What the person sees.
    View = terminal::View {
        /// The payment on the screen.
        key: Option<String>,
        /// Its amount.
        amount: Option<Money>,
        /// Which screen.
        screen: Screen,
    }
}

/// Which screen, and what is on it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
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
    /// Hold the card to the phone, or what the reader asks for instead: read the sentence of the step.
    Card {
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
        batch: u32,
    },
    /// The state in which it ended for the operator.
    Result {
        /// The state.
        state: PaymentState,
        /// The host's response code.
        de39: Option<String>,
    },
}

impl Cross<Screen> for terminal::Screen {
    fn cross(self) -> Screen {
        use softpos_terminal::Screen as Core;
        match self {
            Core::Activating { step, steps, stage } => Screen::Activating {
                step,
                steps,
                stage: stage.cross(),
            },
            Core::Card(prompt) => Screen::Card {
                field_off_ms: prompt.field_off_ms,
            },
            Core::EnterPin => Screen::EnterPin,
            Core::Authorising => Screen::Authorising,
            Core::ShowCode {
                payload,
                expires_utc_ms,
            } => Screen::ShowCode {
                payload,
                expires_utc_ms,
            },
            Core::AskPayer => Screen::AskPayer,
            Core::ResultUnknown { queries } => Screen::ResultUnknown { queries },
            Core::Settling { batch } => Screen::Settling { batch: batch.cross() },
            Core::Result { state, de39 } => Screen::Result {
                state: state.cross(),
                de39,
            },
        }
    }
}
