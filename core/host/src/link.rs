//! A request to the host, and what came of it.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use softpos_crypto::jws;
use softpos_crypto::p256_key::PublicKey;
use softpos_types::PaymentKey;

use crate::messages::{ErrorBody, ErrorDetail, KeyEntry};

/// The addresses of `softpos-host/1`.
pub mod paths {
    use alloc::format;
    use alloc::string::String;

    use softpos_types::{Batch, PaymentKey};

    /// Activation.
    pub const REDEEM: &str = "/v1/activation/redeem";
    /// Attestation.
    pub const ATTEST: &str = "/v1/attest";
    /// Key load.
    pub const KEYS: &str = "/v1/terminal/keys";
    /// Parameters.
    pub const PARAMS: &str = "/v1/params";
    /// Card and cash sales.
    pub const TRANSACTIONS: &str = "/v1/transactions";
    /// Reversals.
    pub const REVERSALS: &str = "/v1/reversals";
    /// Refunds.
    pub const REFUNDS: &str = "/v1/refunds";
    /// Shown codes.
    pub const CODES: &str = "/v1/codes";
    /// Charges of a payer's code.
    pub const CODE_PAYMENTS: &str = "/v1/code-payments";
    /// Link check.
    pub const ECHO: &str = "/v1/echo";

    /// Status of a card sale, cash sale or refund.
    pub fn transaction(key: PaymentKey) -> String {
        format!("{TRANSACTIONS}/{key}")
    }

    /// Status of a shown code.
    pub fn code(key: PaymentKey) -> String {
        format!("{CODES}/{key}")
    }

    /// Status of a charged payer's code.
    pub fn code_payment(key: PaymentKey) -> String {
        format!("{CODE_PAYMENTS}/{key}")
    }

    /// Settlement of a batch.
    pub fn settle(batch: Batch) -> String {
        format!("/v1/batches/{batch}/settle")
    }
}

/// The two HTTP methods of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpMethod {
    /// Reads a state.
    Get,
    /// Everything else.
    Post,
}

impl HttpMethod {
    /// As it stands in the request line and in the signature's header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A signed request, ready to be carried. A repeat is this very value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRequest {
    /// HTTP method.
    pub method: HttpMethod,
    /// Path under the host's address.
    pub path: String,
    /// The exact body; empty for GET.
    pub body: Vec<u8>,
    /// Detached signature, for the header `Softpos-Signature`.
    pub jws: String,
    /// For the header `Idempotency-Key`, where the request has one.
    pub key: Option<PaymentKey>,
}

/// Whether anything can have reached the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// No byte of the request was written.
    No,
    /// It may have arrived.
    Maybe,
}

/// An answer as it came over the wire; nothing in it is believed yet.
#[derive(Clone, Copy, Debug)]
pub struct HostAnswer<'a> {
    /// HTTP status.
    pub status: u16,
    /// The header `Softpos-Signature`.
    pub jws: &'a str,
    /// The exact body.
    pub body: &'a [u8],
}

/// What came of a request: the words that every acquirer protocol must be translated into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostOutcome<T> {
    /// A valid, signed answer.
    Reply(T),
    /// A valid, signed refusal of the request.
    Refused(ErrorDetail),
    /// Nothing was sent.
    NotSent,
    /// It may have arrived, and no usable answer came.
    Unknown,
    /// An answer with a wrong signature.
    BadMac,
}

/// The public keys under which answers are believed.
#[derive(Clone, Debug, Default)]
pub struct AnswerKeys(pub Vec<KeyEntry>);

/// Checks an answer's signature and reads its body.
///
/// The signature covers the exact body and names the request's signature, so that answers cannot be swapped.
/// A status of 500 and above proves nothing about the transaction, signed or not.
pub fn read_answer<T: serde::de::DeserializeOwned>(
    request_jws: &str,
    answer: HostAnswer<'_>,
    keys: &AnswerKeys,
) -> HostOutcome<T> {
    if answer.status >= 500 || answer.jws.is_empty() {
        return HostOutcome::Unknown;
    }
    let find = |kid: &str| {
        let entry = keys.0.iter().find(|entry| entry.kid == kid)?;
        PublicKey::from_spki(&entry.key).ok()
    };
    if jws::verify_answer(answer.jws, answer.body, request_jws, find).is_err() {
        return HostOutcome::BadMac;
    }
    if answer.status == 200 {
        return serde_json::from_slice(answer.body).map_or(HostOutcome::Unknown, HostOutcome::Reply);
    }
    match serde_json::from_slice::<ErrorBody>(answer.body) {
        Ok(ErrorBody { error }) => HostOutcome::Refused(error),
        Err(error) => HostOutcome::Refused(ErrorDetail {
            code: "malformed".into(),
            message: error.to_string(),
            host_utc_ms: 0,
        }),
    }
}
