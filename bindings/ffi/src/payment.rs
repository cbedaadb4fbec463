//! A payment as lists and details show it.

pub use softpos_terminal::{HistoryQuery, PaymentSummary};
use softpos_types::{AuthCode, Batch, OrderId, PaymentKey, Rrn, Stan};

use crate::handed_out::Amount;
use crate::words::{Language, Method, Operation, PaymentState};

/// A payment as a shell shows it: nothing in it could be used to pay.
#[uniffi::remote(Record)]
pub struct PaymentSummary {
    /// Its key for all its life.
    pub key: PaymentKey,
    /// Sale or refund.
    pub operation: Operation,
    /// Card, code or cash.
    pub method: Method,
    /// Amount.
    pub amount: Amount,
    /// Where it stands.
    pub state: PaymentState,
    /// Voucher number.
    pub stan: Stan,
    /// Batch.
    pub batch: Batch,
    /// When it was started, milliseconds since 1970 UTC.
    pub utc_ms: u64,
    /// The merchant's offset from UTC then, in minutes.
    pub utc_offset_min: i16,
    /// When it last changed.
    pub changed_utc_ms: u64,
    /// The customer's language.
    pub language: Language,
    /// The merchant's order number.
    pub order: Option<OrderId>,
    /// Goods category.
    pub category: Option<String>,
    /// The sale that a refund gives back.
    pub original_key: Option<PaymentKey>,
    /// First 6 and last 4 digits of the card.
    pub masked_pan: Option<String>,
    /// Scheme, as `visa`.
    pub scheme: Option<String>,
    /// The wallet that paid a code.
    pub channel: Option<String>,
    /// The host's response code.
    pub de39: Option<String>,
    /// Authorisation code.
    pub auth_code: Option<AuthCode>,
    /// Retrieval reference number.
    pub rrn: Option<Rrn>,
    /// Whether it was ever accepted offline.
    pub was_stored: bool,
    /// Whether the host still has to be told.
    pub queued: bool,
    /// What of it was or may have been given back.
    pub refunded: Amount,
    /// How often its slip was printed again.
    pub reprints: u32,
}

/// Which payments to list, newest first.
#[uniffi::remote(Record)]
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
