//! Whose cards there are.

use crate::account::AES_KEY;
use crate::scheme::CardScheme;

/// The cards of one scheme for one kernel; its name begins their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Visa, kernel 3.
    Visa,
    /// Mastercard, kernel 2.
    Mastercard,
    /// `UnionPay`, kernel 7.
    UnionPay,
    /// American Express, kernel 4.
    Amex,
    /// JCB, kernel 5.
    Jcb,
    /// Discover, kernel 6.
    Discover,
    /// Mastercard's application, for kernel 8, the one of all schemes.
    Kernel8,
}

impl Family {
    /// All of them, in the order of the lists.
    pub const ALL: [Self; 7] = [
        Self::Visa,
        Self::Mastercard,
        Self::UnionPay,
        Self::Amex,
        Self::Jcb,
        Self::Discover,
        Self::Kernel8,
    ];

    /// What the cards' ids begin with, as `amex`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::UnionPay => "unionpay",
            Self::Amex => "amex",
            Self::Jcb => "jcb",
            Self::Discover => "discover",
            Self::Kernel8 => "kernel8",
        }
    }

    /// Whose application the cards carry.
    pub const fn scheme(self) -> CardScheme {
        match self {
            Self::Visa => CardScheme::Visa,
            Self::Mastercard | Self::Kernel8 => CardScheme::Mastercard,
            Self::UnionPay => CardScheme::UnionPay,
            Self::Amex => CardScheme::AmericanExpress,
            Self::Jcb => CardScheme::Jcb,
            Self::Discover => CardScheme::Discover,
        }
    }

    /// The derivation key index of its issuer's master key.
    pub(crate) const fn key_index(self) -> u8 {
        if matches!(self, Self::Kernel8) {
            AES_KEY
        } else {
            0x01
        }
    }
}
