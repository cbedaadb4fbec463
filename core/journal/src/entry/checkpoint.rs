//! Records that stand for others.

use alloc::vec::Vec;

use minicbor::{Decode, Encode};
use softpos_types::{Batch, PaymentKey, Stan};

use super::{Activation, Attested, KeysLoaded, MethodTotals, ParametersTaken, Settled, Settling};
use crate::codec;
use crate::payment::Payment;

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
