//! Requests in the making: envelope, sealed card data, reversal image, ready to be signed.

use alloc::string::String;
use alloc::vec::Vec;

use softpos_crypto::entropy::Entropy;
use softpos_crypto::jws::{RequestHeader, Unsigned};
use softpos_host::{
    CardPayload, CodePayload, Envelope, HostRequest, HttpMethod, ReversalRequest, SealedData, SealedPin,
    TransactionRequest, paths,
};
use softpos_journal::{Activation, Image};
use softpos_types::{Code, Method, Operation, PaymentKey, ReversalReason, SecretBytes, SoftPosError};

use crate::registers::{KeyRegisters, PinBlock};
use crate::sale::Intent;

/// A request whose signature is still to come.
pub(crate) struct Unsent {
    method: HttpMethod,
    path: String,
    body: Vec<u8>,
    unsigned: Unsigned,
}

impl Unsent {
    /// Puts path and body under the header that the device will sign.
    pub(crate) fn new(method: HttpMethod, path: String, body: Vec<u8>, header: &RequestHeader) -> Self {
        let unsigned = header.unsigned(&body);
        Self {
            method,
            path,
            body,
            unsigned,
        }
    }

    /// What the device signs.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.unsigned.digest()
    }

    /// The request, ready to be carried.
    pub(crate) fn sign(self, signature: &[u8; 64], key: Option<PaymentKey>) -> HostRequest {
        HostRequest {
            method: self.method,
            path: self.path,
            body: self.body,
            jws: self.unsigned.assemble(signature),
            key,
        }
    }

    /// The request, ready to be written down.
    pub(crate) fn into_image(self, signature: &[u8; 64]) -> Image {
        Image {
            path: self.path,
            body: self.body,
            jws: self.unsigned.assemble(signature),
        }
    }
}

/// A written-down request, to be carried: the very bytes and signature of the first time.
pub(crate) fn from_image(image: &Image, key: PaymentKey) -> HostRequest {
    HostRequest {
        method: HttpMethod::Post,
        path: image.path.clone(),
        body: image.body.clone(),
        jws: image.jws.clone(),
        key: Some(key),
    }
}

/// Where a payment's request goes.
pub(crate) const fn request_path(order: &Intent) -> &'static str {
    match (order.operation, order.method) {
        (Operation::Refund, _) => paths::REFUNDS,
        (Operation::Sale, Method::Code) if order.wallet.is_some() => paths::CODE_PAYMENTS,
        (Operation::Sale, Method::Code) => paths::CODES,
        (Operation::Sale, Method::Card | Method::Cash) => paths::TRANSACTIONS,
    }
}

/// The body of a payment without card data.
pub(crate) fn clear_body(envelope: &Envelope) -> Result<Vec<u8>, SoftPosError> {
    body(envelope_json(envelope)?, None)
}

/// The body of a card payment: its data sealed under a fresh data key, bound to the envelope's bytes.
pub(crate) fn card_body(
    envelope: &Envelope,
    card: &softpos_emv::CardRead,
    pin: Option<PinBlock>,
    registers: &mut KeyRegisters,
    entropy: &mut Entropy,
) -> Result<Vec<u8>, SoftPosError> {
    let json = envelope_json(envelope)?;
    let payload = CardPayload {
        track2: softpos_types::SecretBytes::copy_of(card.track2.expose()),
        de55: card.de55.clone(),
        psn: card.psn,
        pin: pin.map(|pin| SealedPin {
            block: pin.block,
            ksn: pin.ksn,
        }),
    };
    let clear = payload
        .to_bytes()
        .map_err(|_| SoftPosError::of(Code::HostRefused))?;
    let sealed = registers.seal(&clear, json.get().as_bytes(), entropy)?;
    body(json, Some(sealed))
}

/// The body of the charge of a payer's code, sealed like card data.
pub(crate) fn code_body(
    envelope: &Envelope,
    scanned: &SecretBytes,
    registers: &mut KeyRegisters,
    entropy: &mut Entropy,
) -> Result<Vec<u8>, SoftPosError> {
    let json = envelope_json(envelope)?;
    let payload = CodePayload {
        code: SecretBytes::copy_of(scanned.expose()),
    };
    let clear = payload
        .to_bytes()
        .map_err(|_| SoftPosError::of(Code::NotAPaymentCode))?;
    let sealed = registers.seal(&clear, json.get().as_bytes(), entropy)?;
    body(json, Some(sealed))
}

type Json = alloc::boxed::Box<serde_json::value::RawValue>;

fn envelope_json(envelope: &Envelope) -> Result<Json, SoftPosError> {
    serde_json::value::to_raw_value(envelope).map_err(not_json)
}

fn body(envelope: Json, sealed: Option<SealedData>) -> Result<Vec<u8>, SoftPosError> {
    serde_json::to_vec(&TransactionRequest { envelope, sealed }).map_err(not_json)
}

/// The body of the reversal of a payment.
pub(crate) fn reversal_body(
    payment: &ReversalOf,
    activation: &Activation,
    reason: ReversalReason,
) -> Result<Vec<u8>, SoftPosError> {
    serde_json::to_vec(&ReversalRequest {
        v: 1,
        original_key: payment.key,
        terminal: activation.terminal.clone(),
        merchant: activation.merchant.clone(),
        batch: payment.batch,
        stan: payment.stan,
        amount_minor: payment.amount.amount_minor(),
        currency: payment.amount.currency(),
        reason,
    })
    .map_err(not_json)
}

/// What a reversal names of its original.
pub(crate) struct ReversalOf {
    pub(crate) key: PaymentKey,
    pub(crate) batch: softpos_types::Batch,
    pub(crate) stan: softpos_types::Stan,
    pub(crate) amount: softpos_types::Money,
}

/// Words that cannot be written as JSON do not exist among ours; the type demands an answer all the same.
#[expect(clippy::needless_pass_by_value, reason = "taken as map_err gives it")]
pub(crate) fn not_json(error: serde_json::Error) -> SoftPosError {
    SoftPosError::of(Code::SessionPoisoned).with_detail(alloc::format!("{error}"))
}
