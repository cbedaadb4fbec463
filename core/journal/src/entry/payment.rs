//! Records of a payment.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};
use softpos_types::{
    AuthCode, Batch, Language, Method, Money, Operation, OrderId, PaymentKey, ReversalReason, Rrn, Stan,
};

use crate::codec;
use crate::payment::Payment;
use crate::state::State;

/// A signed request, kept so that a repeat is the same bytes with the same signature.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Image {
    /// Path under the host's address.
    #[n(0)]
    pub path: String,
    /// The exact body.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub body: Vec<u8>,
    /// Its detached signature.
    #[n(2)]
    pub jws: String,
}

/// What a slip and the history show of a card: nothing that could be used to pay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CardFacts {
    /// First 6 and last 4 digits.
    #[n(0)]
    pub masked_pan: String,
    /// Application identifier (84).
    #[cbor(n(1), with = "minicbor::bytes")]
    pub aid: Vec<u8>,
    /// Application label or preferred name.
    #[n(2)]
    pub label: String,
    /// How the cardholder was verified.
    #[n(3)]
    pub cvm: CardVerification,
    /// Application cryptogram (9F26).
    #[cbor(n(4), with = "minicbor::bytes")]
    pub cryptogram: Vec<u8>,
    /// Terminal verification results (95).
    #[cbor(n(5), with = "minicbor::bytes")]
    pub tvr: Vec<u8>,
    /// Application transaction counter (9F36).
    #[cbor(n(6), with = "minicbor::bytes")]
    pub atc: Vec<u8>,
    /// Card sequence number (5F34).
    #[n(7)]
    pub psn: Option<u8>,
    /// Unpredictable number (9F37).
    #[cbor(n(8), with = "minicbor::bytes")]
    pub unpredictable_number: Vec<u8>,
    /// Application interchange profile (82).
    #[cbor(n(9), with = "minicbor::bytes")]
    pub aip: Vec<u8>,
    /// Issuer application data (9F10).
    #[cbor(n(10), with = "minicbor::bytes")]
    pub iad: Vec<u8>,
    /// Terminal capabilities (9F33).
    #[cbor(n(11), with = "minicbor::bytes")]
    pub terminal_capabilities: Vec<u8>,
    /// Scheme, as `visa`.
    #[n(12)]
    pub scheme: String,
    /// The card approved by itself (its cryptogram is a TC): the issuer is told later.
    #[n(13)]
    pub approved_offline: Option<bool>,
}

/// How the cardholder was verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum CardVerification {
    /// Not at all.
    #[default]
    #[n(0)]
    None,
    /// By signature.
    #[n(1)]
    Signature,
    /// By PIN, checked by the issuer.
    #[n(2)]
    OnlinePin,
    /// On the customer's own device.
    #[n(3)]
    OnDevice,
}

/// A payment exists: its numbers, request and reversal image, all in one record and one sync.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Started {
    /// Idempotency key.
    #[cbor(n(0), with = "codec::key")]
    pub key: PaymentKey,
    /// Sale or refund.
    #[cbor(n(1), with = "codec::operation")]
    pub operation: Operation,
    /// Card, code or cash.
    #[cbor(n(2), with = "codec::method")]
    pub method: Method,
    /// Amount.
    #[cbor(n(3), with = "codec::money")]
    pub amount: Money,
    /// System trace audit number.
    #[cbor(n(4), with = "codec::stan")]
    pub stan: Stan,
    /// Batch.
    #[cbor(n(5), with = "codec::batch")]
    pub batch: Batch,
    /// The state it starts in: armed, stored (offline), or approved (cash, or by the card itself).
    #[n(6)]
    pub state: State,
    /// When, milliseconds since 1970 UTC.
    #[n(7)]
    pub utc_ms: u64,
    /// The merchant's offset from UTC in minutes.
    #[n(8)]
    pub utc_offset_min: i16,
    /// The customer's language.
    #[cbor(n(9), with = "codec::language")]
    pub language: Language,
    /// The merchant's order number.
    #[cbor(n(10), with = "codec::order::option", has_nil)]
    pub order: Option<OrderId>,
    /// Goods category.
    #[n(11)]
    pub category: Option<String>,
    /// The sale that a refund gives back.
    #[cbor(n(12), with = "codec::key::option", has_nil)]
    pub original_key: Option<PaymentKey>,
    /// Card facts.
    #[n(13)]
    pub card: Option<CardFacts>,
    /// The signed request.
    #[n(14)]
    pub request: Option<Image>,
    /// The signed reversal, ready before the request leaves.
    #[n(15)]
    pub reversal: Option<Image>,
    /// Last DUKPT counter taken for card data.
    #[n(16)]
    pub data_counter: Option<u32>,
    /// Last DUKPT counter taken for a PIN.
    #[n(17)]
    pub pin_counter: Option<u32>,
    /// The wallet whose code is charged, as `wechat`; none for a code that the till shows.
    #[n(18)]
    pub wallet: Option<String>,
}

/// What the host said, as far as slips and history need it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Reply {
    /// Response code.
    #[n(0)]
    pub de39: String,
    /// Authorisation code.
    #[cbor(n(1), with = "codec::auth_code::option", has_nil)]
    pub auth_code: Option<AuthCode>,
    /// Retrieval reference number.
    #[cbor(n(2), with = "codec::rrn::option", has_nil)]
    pub rrn: Option<Rrn>,
    /// The host's time.
    #[n(3)]
    pub host_utc_ms: u64,
    /// The wallet that paid a code.
    #[n(4)]
    pub channel: Option<String>,
    /// The wallet's own number.
    #[n(5)]
    pub channel_transaction: Option<String>,
}

/// What a till shows for a payer to scan.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CodeFacts {
    /// The merchant-presented payload.
    #[n(0)]
    pub payload: String,
    /// When it can no longer be paid.
    #[n(1)]
    pub expires_utc_ms: u64,
}

/// A payment came to another state, or something about it became known.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Moved {
    /// Which payment.
    #[cbor(n(0), with = "codec::key")]
    pub key: PaymentKey,
    /// The state from now on.
    #[n(1)]
    pub to: State,
    /// When.
    #[n(2)]
    pub utc_ms: u64,
    /// The host's decision.
    #[n(3)]
    pub reply: Option<Reply>,
    /// Why it is being reversed.
    #[cbor(n(4), with = "codec::reason::option", has_nil)]
    pub reason: Option<ReversalReason>,
    /// A request that replaces the first one (deferred, after nothing was sent).
    #[n(5)]
    pub request: Option<Image>,
    /// A reversal that replaces the first one (another reason).
    #[n(6)]
    pub reversal: Option<Image>,
    /// The host has it: nothing waits any more.
    #[n(7)]
    pub forwarded: Option<bool>,
    /// The code that is shown.
    #[n(8)]
    pub code: Option<CodeFacts>,
    /// Last DUKPT counter taken for card data.
    #[n(9)]
    pub data_counter: Option<u32>,
}

impl Moved {
    /// A bare change of state.
    pub const fn new(key: PaymentKey, to: State, utc_ms: u64) -> Self {
        Self {
            key,
            to,
            utc_ms,
            reply: None,
            reason: None,
            request: None,
            reversal: None,
            forwarded: None,
            code: None,
            data_counter: None,
        }
    }
}

/// A slip was printed again: counts for the mark, changes no state.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Reprinted {
    /// Whose slip.
    #[cbor(n(0), with = "codec::key")]
    pub key: PaymentKey,
    /// When.
    #[n(1)]
    pub utc_ms: u64,
}

/// A payment of another installation, from its backup: to be read, and to be given back; never sent, never counted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Restored {
    /// As it stood in the backup.
    #[n(0)]
    pub payment: Payment,
    /// When it was taken over.
    #[n(1)]
    pub utc_ms: u64,
}
