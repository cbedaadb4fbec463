//! Records of a day close.

use alloc::vec::Vec;

use minicbor::{Decode, Encode};
use softpos_types::{Batch, Method};

use super::Image;
use crate::codec;

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
