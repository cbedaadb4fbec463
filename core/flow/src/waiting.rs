//! Who waits for the answer to an effect, and what follows it.

use alloc::boxed::Box;

use softpos_journal::Entry;
use softpos_types::{PaymentKey, ReversalReason};

use crate::draft::Unsent;
use crate::effect::SettlementView;
use crate::exchange::{Ask, Exchange};
use crate::registers::KeyRegisters;
use crate::sale::ArmDraft;

/// Who waits for the answer to an effect.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// Signatures, in the order of the digests.
    Signature(ForSignature),
    /// A record on the disk.
    Record {
        /// What it says; obeyed once it is written.
        entry: Box<Entry>,
        /// What comes then.
        then: AfterRecord,
    },
    /// An answer of the host.
    Host(Exchange),
    /// The head of the journal for a settlement.
    Anchor,
    /// The register file of a key load on the disk.
    NewKeys(Box<KeyRegisters>),
    /// The register file on the disk, as a checkpoint: nothing waits for it.
    Checkpoint,
    /// Evidence of the secure hardware.
    Evidence,
}

/// What is being signed.
pub(crate) enum ForSignature {
    /// A new payment's request and its reversal.
    Arm(Box<ArmDraft>),
    /// The deferred request of a payment that could not be sent.
    Defer {
        key: PaymentKey,
        unsent: Unsent,
        data_counter: Option<u32>,
    },
    /// A query.
    Query { key: PaymentKey, unsent: Unsent },
    /// A reversal for another reason than the prepared one.
    Reverse {
        key: PaymentKey,
        reason: ReversalReason,
        unsent: Unsent,
    },
    /// A settlement that anchors so many records.
    Settle { unsent: Unsent, journal_sequence: u64 },
    /// A step of the set-up.
    Setup(Unsent),
    /// The transcript of a key load.
    Transcript,
}

impl core::fmt::Debug for ForSignature {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Arm(_) => "Arm",
            Self::Defer { .. } => "Defer",
            Self::Query { .. } => "Query",
            Self::Reverse { .. } => "Reverse",
            Self::Settle { .. } => "Settle",
            Self::Setup(_) => "Setup",
            Self::Transcript => "Transcript",
        })
    }
}

/// What follows a written record.
#[derive(Debug)]
pub(crate) enum AfterRecord {
    /// The payment goes on from its new state.
    Payment(PaymentKey),
    /// The settlement is sent.
    Settling,
    /// The batch is closed: show it.
    Settled(Box<SettlementView>),
    /// The set-up takes its next step.
    Setup,
    /// Nothing.
    Nothing,
}

impl Waiting {
    pub(crate) const fn is_settlement(&self) -> bool {
        matches!(
            self,
            Self::Anchor
                | Self::Signature(ForSignature::Settle { .. })
                | Self::Record {
                    then: AfterRecord::Settling | AfterRecord::Settled(_),
                    ..
                }
                | Self::Host(Exchange { ask: Ask::Settle, .. })
        )
    }

    /// The payment whose own request is on its way to the host.
    pub(crate) const fn requested(&self) -> Option<PaymentKey> {
        let Self::Host(exchange) = self else {
            return None;
        };
        match exchange.ask {
            Ask::Request(key) => Some(key),
            Ask::Status(_) | Ask::Reversal(_) | Ask::Settle | Ask::Setup => None,
        }
    }

    /// Whether this writes down how a forwarded payment has ended.
    pub(crate) fn ends_forwarding(&self) -> bool {
        let Self::Record { entry, .. } = self else {
            return false;
        };
        matches!(&**entry, Entry::Moved(moved) if moved.forwarded == Some(true))
    }

    /// The payment that this is about.
    pub(crate) fn key(&self) -> Option<PaymentKey> {
        match self {
            Self::Signature(
                ForSignature::Defer { key, .. }
                | ForSignature::Query { key, .. }
                | ForSignature::Reverse { key, .. },
            )
            | Self::Record {
                then: AfterRecord::Payment(key),
                ..
            } => Some(*key),
            Self::Signature(ForSignature::Arm(draft)) => Some(draft.key()),
            Self::Host(exchange) => exchange.key(),
            Self::Signature(
                ForSignature::Settle { .. } | ForSignature::Setup(_) | ForSignature::Transcript,
            )
            | Self::Record { .. }
            | Self::Anchor
            | Self::NewKeys(_)
            | Self::Checkpoint
            | Self::Evidence => None,
        }
    }
}
