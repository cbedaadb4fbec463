//! A payment as lists and details show it.

use softpos_terminal as terminal;

use crate::mirror::record;
use crate::money::Money;
use crate::words::{Language, Method, Operation, PaymentState};

record! {
    /// A payment as a shell shows it: nothing in it could be used to pay.
    PaymentSummary = terminal::PaymentSummary {
        /// Its key for all its life.
        key: String,
        /// Sale or refund.
        operation: Operation,
        /// Card, code or cash.
        method: Method,
        /// Amount.
        amount: Money,
        /// Where it stands.
        state: PaymentState,
        /// Voucher number.
        stan: u32,
        /// Batch.
        batch: u32,
        /// When it was started, milliseconds since 1970 UTC.
        utc_ms: u64,
        /// The merchant's offset from UTC then, in minutes.
        utc_offset_min: i16,
        /// When it last changed.
        changed_utc_ms: u64,
        /// The customer's language.
        language: Language,
        /// The merchant's order number.
        order: Option<String>,
        /// Goods category.
        category: Option<String>,
        /// The sale that a refund gives back.
        original_key: Option<String>,
        /// First 6 and last 4 digits of the card.
        masked_pan: Option<String>,
        /// Scheme, as `visa`.
        scheme: Option<String>,
        /// The wallet that paid a code.
        channel: Option<String>,
        /// The host's response code.
        de39: Option<String>,
        /// Authorisation code.
        auth_code: Option<String>,
        /// Retrieval reference number.
        rrn: Option<String>,
        /// Whether it was ever accepted offline.
        was_stored: bool,
        /// Whether the host still has to be told.
        queued: bool,
        /// What of it was or may have been given back.
        refunded: Money,
        /// How often its slip was printed again.
        reprints: u32,
    }
}

/// Which payments to list, newest first.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct HistoryQuery {
    /// At most so many; 0 for all.
    #[uniffi(default = 0)]
    pub limit: u32,
    /// Only those in this state.
    #[uniffi(default = None)]
    pub state: Option<PaymentState>,
    /// Only those whose key, voucher number, order or card number contains this text.
    #[uniffi(default = None)]
    pub text: Option<String>,
}

impl From<HistoryQuery> for terminal::HistoryQuery {
    fn from(query: HistoryQuery) -> Self {
        Self {
            limit: query.limit,
            state: query.state.map(terminal::State::from),
            text: query.text,
        }
    }
}
