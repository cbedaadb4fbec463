//! The messages of `softpos-host/1`, one file for each part of the dialogue.
//!
//! Bytes are base64url without padding, amounts integers in minor units, times milliseconds since 1970 UTC.

mod activation;
mod settlement;
mod transaction;

use alloc::string::String;

use serde::{Deserialize, Serialize};

pub use activation::{
    Anchors, AttestRequest, KeyEntry, KeysReply, KeysRequest, ParamsReply, ParamsRequest, RedeemReply,
    RedeemRequest, Requirement, Verdict,
};
pub use settlement::{
    ItemState, JournalVerdict, MethodTotals, SettleItem, SettleReply, SettleRequest, SettleResult,
};
pub use transaction::{
    CodeReply, CodeState, Envelope, ReversalReply, ReversalRequest, SealedData, StatusReply,
    TransactionReply, TransactionRequest, TransactionState,
};

/// `POST /v1/echo`: is the link up, and do the clocks agree?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EchoRequest {
    /// The asking terminal.
    #[serde(with = "crate::text_serde::terminal")]
    pub terminal: softpos_types::TerminalId,
}

/// The answer to [`EchoRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EchoReply {
    /// The host's clock.
    pub host_utc_ms: u64,
}

/// The body of every answer with a status of 400 or above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What was refused.
    pub error: ErrorDetail,
}

/// Why the host refused a request.
///
/// Codes: `activation_unknown`, `activation_used`, `activation_expired`, `attestation_refused`,
/// `attestation_expired`, `key_reuse`, `reversed`, `replayed`, `clock_skew`, `signature`, `terminal_unknown`,
/// `malformed`, `batch_closed`, `not_refundable`, `refund_over_sale`, `not_found`, `busy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// The stable code.
    pub code: String,
    /// A remark for support, in English.
    pub message: String,
    /// The host's clock, so that a skewed one can be named.
    pub host_utc_ms: u64,
}
