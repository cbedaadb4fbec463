//! What happened: the only way into the flow.

use alloc::string::String;
use alloc::vec::Vec;

use softpos_crypto::pin_block::PinDigits;
use softpos_host::{HostAnswer, Sent};
use softpos_journal::Archived;
use softpos_types::{Language, Method, Money, OrderId, PaymentKey};

use crate::EffectId;

/// What a shell asks to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRequest {
    /// Amount, tip included.
    pub amount: Money,
    /// Card, code or cash.
    pub method: Method,
    /// The merchant's own order number.
    pub order: Option<OrderId>,
    /// Goods category.
    pub category: Option<String>,
    /// The customer's language.
    pub language: Language,
}

/// The head of the Merkle tree over the journal, and the proof that it grew from an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// How many records it covers.
    pub sequence: u64,
    /// The hash of the last of them.
    pub head: [u8; 32],
    /// The tree's root.
    pub root: [u8; 32],
    /// The consistency proof from the earlier head on; empty if there is none.
    pub proof: Vec<[u8; 32]>,
}

/// What a shell asks to be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// The sale.
    pub original_key: PaymentKey,
    /// How much of it.
    pub amount: Money,
    /// The customer's language.
    pub language: Language,
}

/// Something that happened, in the past tense. Exhaustive: whoever feeds the flow handles them all.
#[derive(Debug)]
pub enum Event<'a> {
    /// A card came into the field.
    CardPresent,
    /// More than one card is in the field.
    CardCollision,
    /// The card answered.
    CardReplied {
        /// Response APDU.
        rapdu: &'a [u8],
        /// From the command's first to the answer's last byte, as the shell measured it.
        elapsed_us: u32,
    },
    /// The card left the field.
    CardLost,
    /// The PIN pad was confirmed.
    PinEntered {
        /// The digits, consumed here.
        pin: PinDigits,
    },
    /// The customer gave up at the PIN pad.
    PinCancelled,
    /// The secure hardware signed.
    Signed {
        /// The effect.
        id: EffectId,
        /// r and s for each digest, in order.
        signatures: Vec<[u8; 64]>,
    },
    /// The secure hardware refused.
    SignFailed {
        /// The effect.
        id: EffectId,
    },
    /// A record is on the disk, synced.
    Persisted {
        /// The effect.
        id: EffectId,
        /// Its sequence in the journal.
        sequence: u64,
        /// Its hash.
        hash: [u8; 32],
    },
    /// A record could not be written.
    PersistFailed {
        /// The effect.
        id: EffectId,
    },
    /// The journal so far, as its Merkle tree gives it.
    Anchored {
        /// The effect.
        id: EffectId,
        /// The tree's head and its proof.
        anchor: Anchor,
    },
    /// The journal could not be read back.
    AnchorFailed {
        /// The effect.
        id: EffectId,
    },
    /// Old batches need not be kept any more.
    Archivable {
        /// What stands for them.
        note: Archived,
    },
    /// The disk is nearly full, or has room again.
    StorageChanged {
        /// Whether less than the floor is free.
        low: bool,
    },
    /// The register file is on the disk, synced.
    KeysSaved {
        /// The effect.
        id: EffectId,
    },
    /// The secure hardware attested.
    EvidenceGiven {
        /// The effect.
        id: EffectId,
        /// What kind, as `software`.
        kind: String,
        /// The platform's evidence.
        evidence: Vec<u8>,
    },
    /// The host answered; nothing in it is believed yet.
    HostReplied {
        /// The effect.
        id: EffectId,
        /// Status, signature, body.
        answer: HostAnswer<'a>,
    },
    /// No answer came.
    HostFailed {
        /// The effect.
        id: EffectId,
        /// Whether anything can have arrived.
        sent: Sent,
        /// Whether the host's certificate was not the pinned one.
        not_trusted: bool,
    },
    /// The network came or went.
    LinkChanged {
        /// Whether it is there.
        online: bool,
    },
    /// The operator gave up.
    Cancelled,
    /// A deadline that [`crate::Flow::deadline`] named has passed.
    DeadlinePassed,
}
