//! What the till says, on the screen and aloud.

use softpos_types::Money;

/// A sentence for the person in front of the till.
///
/// [`crate::Texts::say`] writes it with digits for the screen, [`crate::Texts::speak`] with amount words for the voice.
/// Only final states, prompts and the two warnings [`Sentence::Unknown`] and [`Sentence::OfflineStored`] exist, so
/// that nothing can announce money before it is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sentence<'a> {
    /// Prompt: tap.
    PresentCard,
    /// Prompt: take the card away.
    RemoveCard,
    /// Prompt: the cardholder's phone wants something.
    SeePhone,
    /// Prompt: several cards are in the field.
    OneCardOnly,
    /// Prompt: tap again, nothing happened.
    TryAgain,
    /// Prompt: this card does not work here.
    UseAnotherCard,
    /// Prompt: online PIN.
    EnterPin,
    /// The host is asked.
    Processing,
    /// The payer has to confirm in the wallet.
    AskCustomer,
    /// The till shows a code to be scanned.
    ShowCode {
        /// What will be charged.
        amount: Money,
    },
    /// The till scans the payer's code.
    ScanCode {
        /// What will be charged.
        amount: Money,
    },
    /// A card sale was approved.
    ApprovedCard {
        /// What was charged.
        amount: Money,
    },
    /// A code payment was approved.
    ApprovedCode {
        /// The wallet: `wechat`, `alipay`, `unionpay`, or its own name.
        channel: &'a str,
        /// What was charged.
        amount: Money,
    },
    /// Cash was taken.
    ApprovedCash {
        /// What was taken.
        amount: Money,
    },
    /// A payout notice came: the money is there. Never said on an approval.
    Credited {
        /// The wallet or bank.
        channel: &'a str,
        /// What arrived.
        amount: Money,
    },
    /// Declined, by the host (DE39) or offline (`Z1`, `Z3`).
    Declined {
        /// The two characters of the response code.
        code: &'a str,
    },
    /// Sent, no valid answer.
    Unknown,
    /// A reversal is on its way.
    Reversing,
    /// The host confirmed the reversal.
    Reversed,
    /// A refund was approved.
    Refunded {
        /// What was given back.
        amount: Money,
    },
    /// A sale was voided.
    Voided {
        /// What was given back.
        amount: Money,
    },
    /// Accepted offline, to be confirmed later.
    OfflineStored {
        /// What will be charged.
        amount: Money,
    },
    /// Not a byte left the till.
    NotSent,
    /// Stopped before anything was sent.
    Cancelled,
}

impl<'a> Sentence<'a> {
    /// The key of the message in the Fluent files. A decline's is chosen by its reason.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::PresentCard => "say-present-card",
            Self::RemoveCard => "say-remove-card",
            Self::SeePhone => "say-see-phone",
            Self::OneCardOnly => "say-one-card-only",
            Self::TryAgain => "say-try-again",
            Self::UseAnotherCard => "say-use-another-card",
            Self::EnterPin => "say-enter-pin",
            Self::Processing => "say-processing",
            Self::AskCustomer => "say-ask-customer",
            Self::ShowCode { .. } => "say-show-code",
            Self::ScanCode { .. } => "say-scan-code",
            Self::ApprovedCard { .. } => "say-approved-card",
            Self::ApprovedCode { .. } => "say-approved-code",
            Self::ApprovedCash { .. } => "say-approved-cash",
            Self::Credited { .. } => "say-credited",
            Self::Declined { .. } => "say-declined",
            Self::Unknown => "say-unknown",
            Self::Reversing => "say-reversing",
            Self::Reversed => "say-reversed",
            Self::Refunded { .. } => "say-refunded",
            Self::Voided { .. } => "say-voided",
            Self::OfflineStored { .. } => "say-offline-stored",
            Self::NotSent => "say-not-sent",
            Self::Cancelled => "say-cancelled",
        }
    }

    /// The amount in it, if any.
    pub const fn amount(self) -> Option<Money> {
        match self {
            Self::ShowCode { amount }
            | Self::ScanCode { amount }
            | Self::ApprovedCard { amount }
            | Self::ApprovedCode { amount, .. }
            | Self::ApprovedCash { amount }
            | Self::Credited { amount, .. }
            | Self::Refunded { amount }
            | Self::Voided { amount }
            | Self::OfflineStored { amount } => Some(amount),
            Self::PresentCard
            | Self::RemoveCard
            | Self::SeePhone
            | Self::OneCardOnly
            | Self::TryAgain
            | Self::UseAnotherCard
            | Self::EnterPin
            | Self::Processing
            | Self::AskCustomer
            | Self::Declined { .. }
            | Self::Unknown
            | Self::Reversing
            | Self::Reversed
            | Self::NotSent
            | Self::Cancelled => None,
        }
    }

    pub(crate) const fn channel(self) -> Option<&'a str> {
        if let Self::ApprovedCode { channel, .. } | Self::Credited { channel, .. } = self {
            Some(channel)
        } else {
            None
        }
    }
}
