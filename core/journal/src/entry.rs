//! What a journal record says.
//!
//! A record's payload is a CBOR map with integer keys, its kind stands in the record's header. Keys are never
//! reused; a reader skips the ones it does not know, and the record itself is never rewritten, so nothing is
//! lost to an older program.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};
use softpos_types::{
    AuthCode, Batch, Language, MerchantId, Method, Money, Operation, OrderId, PaymentKey, ReversalReason,
    Rrn, Stan, TerminalId,
};

use crate::codec;
use crate::payment::Payment;
use crate::state::State;

/// The kind of a [`Checkpoint`], by which a reader finds where to begin.
pub const CHECKPOINT_KIND: u8 = 10;

/// One record's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Kind 1.
    Started(Started),
    /// Kind 2.
    Moved(Moved),
    /// Kind 3.
    Reprinted(Reprinted),
    /// Kind 4.
    Settling(Settling),
    /// Kind 5.
    Settled(Settled),
    /// Kind 6.
    Activation(Activation),
    /// Kind 7.
    Parameters(ParametersTaken),
    /// Kind 8.
    Attested(Attested),
    /// Kind 9.
    KeysLoaded(KeysLoaded),
    /// Kind 10.
    Checkpoint(Checkpoint),
    /// Kind 11.
    Archived(Archived),
    /// Kind 12.
    Restored(Restored),
}

/// The payload is not what its kind promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryError;

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

/// A settlement was asked for: it is repeated until the host answers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Settling {
    /// The batch.
    #[cbor(n(0), with = "codec::batch")]
    pub batch: Batch,
    /// The signed request.
    #[n(1)]
    pub request: Image,
    /// When.
    #[n(2)]
    pub utc_ms: u64,
    /// How many records the request's tree head covers: what the host anchors.
    #[cbor(n(3), default)]
    pub journal_sequence: u64,
}

/// A batch is closed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Settled {
    /// The batch.
    #[cbor(n(0), with = "codec::batch")]
    pub batch: Batch,
    /// Whether both sides counted the same.
    #[n(1)]
    pub balanced: bool,
    /// The batch to use from now on.
    #[cbor(n(2), with = "codec::batch")]
    pub next_batch: Batch,
    /// The host's time.
    #[n(3)]
    pub host_utc_ms: u64,
    /// The till's own totals, a line a method: they outlive the batch's records.
    #[cbor(n(4), default)]
    pub totals: Vec<MethodTotals>,
    /// The host does not find this journal to go on from the one it anchored before.
    #[cbor(n(5), default)]
    pub disputed: bool,
}

/// Totals of one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MethodTotals {
    /// Card, code or cash.
    #[cbor(n(0), with = "codec::method")]
    pub method: Method,
    /// Its totals.
    #[n(1)]
    pub totals: Totals,
}

/// Count and sum of the approved payments of one method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Totals {
    /// Approved sales.
    #[n(0)]
    pub sale_count: u32,
    /// Their sum in minor units.
    #[n(1)]
    pub sale_minor: i64,
    /// Approved refunds.
    #[n(2)]
    pub refund_count: u32,
    /// Their sum in minor units.
    #[n(3)]
    pub refund_minor: i64,
}

/// Everything the records before it say that still matters, so that a till can begin to read here.
///
/// Written behind a day close, and the first record of a segment. It is no second truth: it follows from the records
/// before it, and whoever reads them all compares it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Checkpoint {
    /// Who this till is.
    #[n(0)]
    pub activation: Option<Activation>,
    /// The parameters in use.
    #[n(1)]
    pub parameters: Option<ParametersTaken>,
    /// The last verdict.
    #[n(2)]
    pub attested: Option<Attested>,
    /// The key set in use.
    #[n(3)]
    pub keys: Option<KeysLoaded>,
    /// A settlement that waits for its answer.
    #[n(4)]
    pub settling: Option<Settling>,
    /// The batches that were closed, oldest first.
    #[n(5)]
    pub settled: Vec<Settled>,
    /// The STAN for the next payment.
    #[cbor(n(6), with = "codec::stan")]
    pub next_stan: Stan,
    /// The batch for the next payment.
    #[cbor(n(7), with = "codec::batch")]
    pub batch: Batch,
    /// Highest DUKPT counter ever taken for card data.
    #[n(8)]
    pub data_counter: u32,
    /// Highest DUKPT counter ever taken for a PIN.
    #[n(9)]
    pub pin_counter: u32,
    /// How many records the host has anchored.
    #[n(10)]
    pub anchored: u64,
    /// What was given back by refunds whose batch is closed, by sale.
    #[n(11)]
    pub given_back: Vec<OfPayment>,
    /// Slips printed again after their batch was closed, by payment.
    #[n(12)]
    pub late_reprints: Vec<OfPayment>,
    /// Payments that are not over with their batch.
    #[n(13)]
    pub payments: Vec<Payment>,
    /// What was removed from the front of the journal.
    #[n(14)]
    pub archived: Option<Archived>,
}

/// A number that belongs to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OfPayment {
    /// Which.
    #[cbor(n(0), with = "codec::key")]
    pub key: PaymentKey,
    /// Minor units, or how often.
    #[n(1)]
    pub number: i64,
}

/// The oldest records are no longer kept: what stands for them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Archived {
    /// The last record that is gone.
    #[n(0)]
    pub sequence: u64,
    /// Its hash, which the first one that is kept names.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub hash: [u8; 32],
    /// Roots of the complete subtrees over what is gone, 32 bytes each, left to right.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub peaks: Vec<u8>,
    /// Payments that are gone.
    #[n(3)]
    pub payments: u32,
    /// Their totals.
    #[n(4)]
    pub totals: Vec<MethodTotals>,
    /// When.
    #[n(5)]
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

/// A public key and its name.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TrustedKey {
    /// Key id.
    #[n(0)]
    pub kid: String,
    /// Ed25519: 32 bytes; P-256: `SubjectPublicKeyInfo`, DER.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub key: Vec<u8>,
}

/// The code was redeemed: who this till is, and whom it trusts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Activation {
    /// Names the activation in the key-load transcript.
    #[n(0)]
    pub activation_id: String,
    /// The host's address, `https://name:port`.
    #[n(1)]
    pub host_url: String,
    /// TLS pins: SHA-256 of the host's public key, base64url.
    #[n(2)]
    pub pins: Vec<String>,
    /// Terminal number.
    #[cbor(n(3), with = "codec::terminal")]
    pub terminal: TerminalId,
    /// Merchant number.
    #[cbor(n(4), with = "codec::merchant")]
    pub merchant: MerchantId,
    /// Ed25519, sign parameter bundles.
    #[n(5)]
    pub configuration_keys: Vec<TrustedKey>,
    /// P-256, sign key loads.
    #[n(6)]
    pub load_keys: Vec<TrustedKey>,
    /// P-256, sign answers.
    #[n(7)]
    pub answer_keys: Vec<TrustedKey>,
    /// For the next attestation.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub attest_challenge: Vec<u8>,
    /// When.
    #[n(9)]
    pub utc_ms: u64,
}

/// A verified parameter bundle was taken over.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ParametersTaken {
    /// The signed bytes.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
    /// Which key signed.
    #[n(1)]
    pub kid: String,
    /// Ed25519 signature.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub sig: Vec<u8>,
    /// Their version.
    #[n(3)]
    pub version: u64,
}

/// The host's verdict on this device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Attested {
    /// What the evidence proves.
    #[n(0)]
    pub level: String,
    /// When it was given.
    #[n(1)]
    pub issued_utc_ms: u64,
    /// When it ends.
    #[n(2)]
    pub expires_utc_ms: u64,
    /// How long it holds while offline, in hours after its issue.
    #[n(3)]
    pub offline_hours: u32,
    /// For the next attestation.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub next_challenge: Vec<u8>,
}

/// A key set is in use; its registers lie sealed in the file `keys`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KeysLoaded {
    /// Its name at the host.
    #[n(0)]
    pub key_set: String,
    /// Initial key id, 8 bytes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub ikid: Vec<u8>,
    /// When.
    #[n(2)]
    pub utc_ms: u64,
}

macro_rules! kinds {
    ($($kind:literal = $variant:ident,)*) => {
        impl Entry {
            /// The kind for the record's header.
            pub const fn kind(&self) -> u8 {
                match self { $(Self::$variant(_) => $kind,)* }
            }

            /// The payload.
            pub fn to_bytes(&self) -> Vec<u8> {
                let mut bytes = Vec::new();
                // Writing to a vector cannot fail.
                let _ = match self { $(Self::$variant(entry) => minicbor::encode(entry, &mut bytes),)* };
                bytes
            }

            /// Reads a payload. `None`: a kind this version does not know, to be kept and skipped.
            ///
            /// # Errors
            /// [`EntryError`] when the payload is not what its kind promises.
            pub fn from_bytes(kind: u8, payload: &[u8]) -> Result<Option<Self>, EntryError> {
                match kind {
                    $($kind => minicbor::decode(payload).map(|entry| Some(Self::$variant(entry))).map_err(|_| EntryError),)*
                    _ => Ok(None),
                }
            }
        }

        $(impl From<$crate::entry::kinds_types::$variant> for Entry {
            fn from(entry: $crate::entry::kinds_types::$variant) -> Self {
                Self::$variant(entry)
            }
        })*
    };
}

/// The variants' contents under the variants' names, for the table below.
mod kinds_types {
    pub(super) use super::{
        Activation, Archived, Attested, Checkpoint, KeysLoaded, Moved, ParametersTaken as Parameters,
        Reprinted, Restored, Settled, Settling, Started,
    };
}

kinds! {
    1 = Started,
    2 = Moved,
    3 = Reprinted,
    4 = Settling,
    5 = Settled,
    6 = Activation,
    7 = Parameters,
    8 = Attested,
    9 = KeysLoaded,
    10 = Checkpoint,
    11 = Archived,
    12 = Restored,
}
