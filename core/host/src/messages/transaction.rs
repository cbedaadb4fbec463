//! Sales, codes, refunds and reversals.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use softpos_types::{
    AuthCode, Batch, Currency, MerchantId, Method, Operation, OrderId, PaymentKey, ReversalReason, Rrn, Stan,
    TerminalId,
};

use crate::text_serde as text;

/// The clear part of a transaction, and the additional data under which its card data is sealed.
///
/// Serialised once, compact, members in this order; the sealed part is bound to these exact bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Protocol version, 1.
    pub v: u8,
    /// Idempotency key.
    #[serde(with = "text::key")]
    pub key: PaymentKey,
    /// Sale or refund.
    pub operation: Operation,
    /// Card, code or cash.
    pub method: Method,
    /// Terminal number.
    #[serde(with = "text::terminal")]
    pub terminal: TerminalId,
    /// Merchant number.
    #[serde(with = "text::merchant")]
    pub merchant: MerchantId,
    /// Batch.
    #[serde(with = "text::batch")]
    pub batch: Batch,
    /// System trace audit number.
    #[serde(with = "text::stan")]
    pub stan: Stan,
    /// Amount in minor units.
    pub amount_minor: i64,
    /// ISO 4217, three letters.
    #[serde(with = "text::currency")]
    pub currency: Currency,
    /// When it was started.
    pub utc_ms: u64,
    /// The merchant's offset from UTC in minutes.
    pub utc_offset_min: i16,
    /// Whether it was accepted offline and is told late.
    pub deferred: bool,
    /// The sale that a refund gives back.
    #[serde(with = "text::key::option", default, skip_serializing_if = "Option::is_none")]
    pub original_key: Option<PaymentKey>,
    /// The merchant's order number.
    #[serde(
        with = "text::order::option",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub order: Option<OrderId>,
    /// Goods category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Device type: `08`, a phone.
    pub device_type: String,
    /// Version of the program.
    pub app_version: String,
    /// Sequence of the journal's last record before this one.
    pub journal_sequence: u64,
    /// Hash of that record; 32 zero bytes at the start.
    #[serde(with = "text::bytes")]
    pub journal_head: Vec<u8>,
}

/// A sealed [`crate::CardPayload`]: AES-GCM under the DUKPT data key of `ksn`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedData {
    /// Key serial number, 12 bytes.
    #[serde(with = "text::bytes")]
    pub ksn: Vec<u8>,
    /// Nonce, 12 bytes.
    #[serde(with = "text::bytes")]
    pub nonce: Vec<u8>,
    /// Ciphertext and tag.
    #[serde(with = "text::bytes")]
    pub data: Vec<u8>,
}

/// `POST /v1/transactions` (card, cash), `POST /v1/refunds`, `POST /v1/codes`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TransactionRequest {
    /// The envelope's exact bytes: read it with [`TransactionRequest::envelope`].
    pub envelope: alloc::boxed::Box<serde_json::value::RawValue>,
    /// Present for cards only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<SealedData>,
}

impl TransactionRequest {
    /// Reads the envelope.
    ///
    /// # Errors
    /// When it is not an [`Envelope`].
    pub fn envelope(&self) -> Result<Envelope, serde_json::Error> {
        serde_json::from_str(self.envelope.get())
    }

    /// The additional data of the sealed part: the envelope as it was sent.
    pub fn additional_data(&self) -> &[u8] {
        self.envelope.get().as_bytes()
    }
}

/// Where a transaction stands at the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionState {
    /// Money moved.
    Approved,
    /// Refused; the response code says why.
    Declined,
    /// Not decided yet.
    InProgress,
    /// A code that waits for its payer.
    AwaitingPayer,
    /// A code that nobody paid in time.
    Expired,
    /// Undone.
    Reversed,
    /// The host never saw this key.
    NotFound,
}

/// The host's decision on a transaction. A repeat gets the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionReply {
    /// The request's key.
    #[serde(with = "text::key")]
    pub key: PaymentKey,
    /// The request's terminal.
    #[serde(with = "text::terminal")]
    pub terminal: TerminalId,
    /// The request's batch.
    #[serde(with = "text::batch")]
    pub batch: Batch,
    /// The request's STAN.
    #[serde(with = "text::stan")]
    pub stan: Stan,
    /// The amount decided on.
    pub amount_minor: i64,
    /// Its currency.
    #[serde(with = "text::currency")]
    pub currency: Currency,
    /// The decision.
    pub state: TransactionState,
    /// Response code (DE39), two characters.
    pub de39: String,
    /// Authorisation code, on approval.
    #[serde(
        with = "text::auth_code::option",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub auth_code: Option<AuthCode>,
    /// Retrieval reference number.
    #[serde(with = "text::rrn::option", default, skip_serializing_if = "Option::is_none")]
    pub rrn: Option<Rrn>,
    /// When the host decided.
    pub host_utc_ms: u64,
    /// Issuer's answer for the card (91, 8A), as a TLV list.
    #[serde(
        with = "text::bytes::option",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub de55: Option<Vec<u8>>,
    /// The wallet that paid a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The wallet's own number for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_transaction: Option<String>,
}

/// `GET /v1/transactions/{key}` and `GET /v1/codes/{key}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReply {
    /// The key asked for.
    #[serde(with = "text::key")]
    pub key: PaymentKey,
    /// Where it stands.
    pub state: TransactionState,
    /// The decision, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<TransactionReply>,
}

/// The answer to `POST /v1/codes`: what the till needs to draw the merchant-presented code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeReply {
    /// The request's key.
    #[serde(with = "text::key")]
    pub key: PaymentKey,
    /// Whether the code is open.
    pub state: CodeState,
    /// Globally unique identifier of the account template (sub-id 00).
    pub guid: String,
    /// The merchant's account in that template (sub-id 01).
    pub account: String,
    /// Reference label (62-05) by which the wallet's payment finds this order.
    pub reference: String,
    /// When it can no longer be paid.
    pub expires_utc_ms: u64,
}

/// Whether a code can be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeState {
    /// Waiting for a payer.
    Open,
    /// Paid, expired or cancelled: ask for its status.
    Closed,
}

/// `POST /v1/reversals`: undo this key, whatever became of it. Also cancels a code.
///
/// Idempotent by `original_key`. A reversal that comes before its original is kept and kills it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReversalRequest {
    /// Protocol version, 1.
    pub v: u8,
    /// The key to undo.
    #[serde(with = "text::key")]
    pub original_key: PaymentKey,
    /// Terminal number.
    #[serde(with = "text::terminal")]
    pub terminal: TerminalId,
    /// Merchant number.
    #[serde(with = "text::merchant")]
    pub merchant: MerchantId,
    /// The original's batch.
    #[serde(with = "text::batch")]
    pub batch: Batch,
    /// The original's STAN.
    #[serde(with = "text::stan")]
    pub stan: Stan,
    /// The original's amount.
    pub amount_minor: i64,
    /// The original's currency.
    #[serde(with = "text::currency")]
    pub currency: Currency,
    /// Why.
    pub reason: ReversalReason,
}

/// The answer to [`ReversalRequest`]: 00, 12 and 25 mean that nothing stands any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReversalReply {
    /// The key that was undone.
    #[serde(with = "text::key")]
    pub original_key: PaymentKey,
    /// Response code.
    pub de39: String,
    /// When.
    pub host_utc_ms: u64,
}
