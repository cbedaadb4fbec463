//! The states a payment can be in, and the steps between them.

use minicbor::{Decode, Encode};
use softpos_types::MoneyState;

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum State {
    /// Request and reversal image are on disk; it may have been sent.
    #[n(1)]
    Armed,
    /// A code is shown and waits for its payer.
    #[n(2)]
    AwaitingPayer,
    /// Sent, and no valid answer came.
    #[n(3)]
    Unknown,
    /// Accepted while offline, to be forwarded.
    #[n(4)]
    Stored,
    /// To be undone at the host; never given up.
    #[n(5)]
    Reversing,
    /// Money moved.
    #[n(6)]
    Approved,
    /// Refused by host, issuer or card.
    #[n(7)]
    Declined,
    /// Nothing was sent.
    #[n(8)]
    Failed,
    /// Undone.
    #[n(9)]
    Reversed,
    /// Nobody paid the code in time, or a stored payment grew too old.
    #[n(10)]
    Expired,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Armed,
        Self::AwaitingPayer,
        Self::Unknown,
        Self::Stored,
        Self::Reversing,
        Self::Approved,
        Self::Declined,
        Self::Failed,
        Self::Reversed,
        Self::Expired,
    ];

    /// The number in records and index rows.
    pub const fn number(self) -> u8 {
        match self {
            Self::Armed => 1,
            Self::AwaitingPayer => 2,
            Self::Unknown => 3,
            Self::Stored => 4,
            Self::Reversing => 5,
            Self::Approved => 6,
            Self::Declined => 7,
            Self::Failed => 8,
            Self::Reversed => 9,
            Self::Expired => 10,
        }
    }

    /// The stable name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::AwaitingPayer => "awaiting_payer",
            Self::Unknown => "unknown",
            Self::Stored => "stored",
            Self::Reversing => "reversing",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Failed => "failed",
            Self::Reversed => "reversed",
            Self::Expired => "expired",
        }
    }

    /// Whether something still has to happen before its batch can be settled.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Armed | Self::AwaitingPayer | Self::Unknown | Self::Stored | Self::Reversing => true,
            Self::Approved | Self::Declined | Self::Failed | Self::Reversed | Self::Expired => false,
        }
    }

    /// Whether money has moved, as far as the terminal knows.
    pub const fn money(self) -> MoneyState {
        match self {
            Self::Approved => MoneyState::Moved,
            Self::Armed | Self::Unknown | Self::Reversing => MoneyState::Unknown,
            Self::AwaitingPayer
            | Self::Stored
            | Self::Declined
            | Self::Failed
            | Self::Reversed
            | Self::Expired => MoneyState::NotMoved,
        }
    }

    /// Whether the state table allows the step. What has ended stays ended: a late approval never revives a
    /// reversed payment.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Armed => !matches!(next, Self::Armed | Self::Reversed),
            Self::AwaitingPayer => matches!(
                next,
                Self::AwaitingPayer
                    | Self::Unknown
                    | Self::Approved
                    | Self::Declined
                    | Self::Expired
                    | Self::Reversing
            ),
            Self::Unknown => {
                matches!(
                    next,
                    Self::Approved | Self::Declined | Self::Failed | Self::Expired | Self::Reversing
                )
            }
            Self::Failed => matches!(next, Self::Stored),
            Self::Stored => {
                matches!(
                    next,
                    Self::Approved | Self::Declined | Self::Expired | Self::Reversing
                )
            }
            // Again Reversing: with another reason, or because an earlier try was refused.
            Self::Reversing => matches!(next, Self::Reversed | Self::Reversing),
            // Approved again: a cash payment, or one that the card approved, of which the host now knows. Declined: the
            // host does not honour what the card approved.
            Self::Approved => matches!(next, Self::Reversing | Self::Approved | Self::Declined),
            // A wallet says that it was paid all the same: it is undone, never revived.
            Self::Declined | Self::Reversed | Self::Expired => matches!(next, Self::Reversing),
        }
    }
}
