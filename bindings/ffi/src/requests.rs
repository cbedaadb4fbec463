//! What a shell asks for.

use std::path::PathBuf;

use softpos_terminal as terminal;
pub use softpos_terminal::{Anchors as TrustAnchors, KeyEntry, Paper, TerminalConfig};
use softpos_types as types;
use softpos_types::{Batch, Code, OrderId, PaymentKey};

use crate::money::Money;
use crate::words::{Columns, Language, Method};

uniffi::custom_type!(PathBuf, String, {
    remote,
    lower: |path| path.to_string_lossy().into_owned(),
});

/// Where a till lives and how it speaks.
#[uniffi::remote(Record)]
pub struct TerminalConfig {
    /// The data folder; made at first use. One till at a time holds it.
    pub dir: PathBuf,
    /// The till's language; a payment may have another.
    pub language: Language,
    /// Version of the program.
    pub app_version: String,
    /// The host's address, if it has moved since the activation. Its pins stay.
    #[uniffi(default = None)]
    pub host_url: Option<String>,
    /// What a release build trusts; without it what comes with the activation counts.
    #[uniffi(default = None)]
    pub anchors: Option<TrustAnchors>,
}

/// The public keys a till trusts: current ones first, next ones behind.
#[uniffi::remote(Record)]
pub struct TrustAnchors {
    /// Ed25519, sign parameters.
    pub configuration: Vec<KeyEntry>,
    /// P-256, sign key loads.
    pub load: Vec<KeyEntry>,
    /// P-256, sign answers.
    pub answer: Vec<KeyEntry>,
}

/// A public key and its name.
#[uniffi::remote(Record)]
pub struct KeyEntry {
    /// Base64url of SHA-256 over the key bytes.
    pub kid: String,
    /// Ed25519: 32 bytes; P-256: SubjectPublicKeyInfo, DER.
    pub key: Vec<u8>,
}

/// A payment to be started.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PaymentRequest {
    /// Amount, tip included.
    pub amount: Money,
    /// Card, code or cash.
    pub method: Method,
    /// The customer's language.
    pub language: Language,
    /// The merchant's own order number: 1 to 64 characters, paid once.
    #[uniffi(default = None)]
    pub order: Option<String>,
    /// Goods category, one of the status.
    #[uniffi(default = None)]
    pub category: Option<String>,
}

/// A sale to be given back, whole or in part.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct RefundRequest {
    /// The key of the sale.
    pub original_key: String,
    /// How much of it.
    pub amount: Money,
    /// The customer's language.
    pub language: Language,
}

/// How a slip is made.
#[uniffi::remote(Record)]
pub struct Paper {
    /// The slip's language; absent: the payment's.
    #[uniffi(default = None)]
    pub language: Option<Language>,
    /// Width of the roll.
    pub columns: Columns,
    /// A further print carries the mark and is counted.
    #[uniffi(default = false)]
    pub reprint: bool,
}

/// A batch by its number. One out of range names no batch.
pub(crate) fn batch_number(number: u32) -> Result<Batch, types::SoftPosError> {
    Batch::new(number)
        .map_err(|_| types::SoftPosError::of(Code::NotExpected).with_detail("not a batch number"))
}

/// A payment's key as text. One that is malformed names no payment.
pub(crate) fn payment_key(text: &str) -> Result<PaymentKey, types::SoftPosError> {
    text.parse()
        .map_err(|_| types::SoftPosError::of(Code::PaymentNotFound).with_detail("not a payment key"))
}

impl TryFrom<PaymentRequest> for terminal::PaymentRequest {
    type Error = types::SoftPosError;

    fn try_from(request: PaymentRequest) -> Result<Self, types::SoftPosError> {
        let order = request.order.as_deref().map(OrderId::new).transpose();
        Ok(Self {
            amount: request.amount.try_into()?,
            method: request.method,
            order: order.map_err(|_| types::SoftPosError::of(Code::OrderInvalid))?,
            category: request.category,
            language: request.language,
        })
    }
}

impl TryFrom<RefundRequest> for terminal::RefundRequest {
    type Error = types::SoftPosError;

    fn try_from(request: RefundRequest) -> Result<Self, types::SoftPosError> {
        Ok(Self {
            original_key: payment_key(&request.original_key)?,
            amount: request.amount.try_into()?,
            language: request.language,
        })
    }
}
