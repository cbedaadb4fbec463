//! Closing a batch: totals are compared, and every payment of both sides is named.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use softpos_types::{Batch, Currency, MerchantId, Method, Operation, PaymentKey, TerminalId};

use crate::text_serde as text;

/// Count and sum of the approved payments of one method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodTotals {
    /// Card, code or cash.
    pub method: Method,
    /// Approved sales.
    pub sale_count: u32,
    /// Their sum.
    pub sale_minor: i64,
    /// Approved refunds.
    pub refund_count: u32,
    /// Their sum.
    pub refund_minor: i64,
}

/// `POST /v1/batches/{n}/settle`. Idempotent by terminal and batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleRequest {
    /// Protocol version, 1.
    pub v: u8,
    /// Terminal number.
    #[serde(with = "text::terminal")]
    pub terminal: TerminalId,
    /// Merchant number.
    #[serde(with = "text::merchant")]
    pub merchant: MerchantId,
    /// The batch to close.
    #[serde(with = "text::batch")]
    pub batch: Batch,
    /// Currency of all totals.
    #[serde(with = "text::currency")]
    pub currency: Currency,
    /// The terminal's totals, a line a method, methods without payments left out.
    pub totals: Vec<MethodTotals>,
    /// The journal's last sequence: anchors it at the host.
    pub journal_sequence: u64,
    /// The hash of that record.
    #[serde(with = "text::bytes")]
    pub journal_head: Vec<u8>,
    /// The root of the Merkle tree (RFC 9162) over the hashes of all records up to that one.
    #[serde(with = "text::bytes")]
    pub journal_root: Vec<u8>,
    /// How many records the last settlement anchored, 0 for none.
    pub journal_since: u64,
    /// That the journal begins with those: the tree's consistency proof, hashes of 32 bytes behind each other.
    #[serde(with = "text::bytes")]
    pub journal_proof: Vec<u8>,
}

/// Whether the journal goes on from the one that was anchored before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalVerdict {
    /// It does, or it is the first.
    Consistent,
    /// Records that were anchored are missing or changed.
    Disputed,
}

/// Whether both sides counted the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettleResult {
    /// All totals agree.
    Balanced,
    /// They differ: the items say where.
    NotBalanced,
}

/// Final state of a payment in a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// Money moved.
    Approved,
    /// Refused.
    Declined,
    /// Undone.
    Reversed,
}

/// One payment as the host has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleItem {
    /// Its key.
    #[serde(with = "text::key")]
    pub key: PaymentKey,
    /// Sale or refund.
    pub operation: Operation,
    /// Card, code or cash.
    pub method: Method,
    /// How it ended.
    pub state: ItemState,
    /// Amount in minor units.
    pub amount_minor: i64,
}

/// The answer to [`SettleRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleReply {
    /// The batch that was closed.
    #[serde(with = "text::batch")]
    pub batch: Batch,
    /// Whether the totals agree.
    pub result: SettleResult,
    /// The host's totals.
    pub totals: Vec<MethodTotals>,
    /// Every payment of the batch that the host knows, oldest first.
    pub items: Vec<SettleItem>,
    /// The batch to use from now on.
    #[serde(with = "text::batch")]
    pub next_batch: Batch,
    /// When.
    pub host_utc_ms: u64,
    /// The verdict on the terminal's journal.
    pub journal: JournalVerdict,
}
