//! What a card is there to show, whatever its scheme.

use crate::account::IssuerAnswer;

/// When a card wants its holder verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verification {
    /// Online PIN when the reader says that verification is required.
    WhenRequired,
    /// Always online PIN.
    AlwaysPin,
    /// Done on the device before the tap.
    OnDevice,
    /// To be done on the device: the first tap of a payment says so, the second finds it done.
    SeePhone,
}

/// How a card decides when it is asked for a cryptogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temper {
    /// Leaves every payment to its issuer.
    AsksIssuer,
    /// Approves by itself where the reader lets it.
    ApprovesOffline,
    /// Declines by itself.
    Declines,
    /// Its application was blocked by the issuer.
    Blocked,
}

/// Every [`Family`](crate::Family) has one card of each kind. What comes of it is the doing of kernel and issuer: the
/// README of this package has a table, and a test holds it to taps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The issuer approves.
    Approved,
    /// The issuer declines (05).
    Declined,
    /// Not enough money: the issuer declines (51).
    Insufficient,
    /// Expired in 2020: no kernel holds up a card that asks its issuer, who declines (54).
    Expired,
    /// The card approves small amounts by itself.
    Offline,
    /// The card itself declines.
    Refused,
    /// Blocked by its issuer: refuses its selection (6283), and the Entry Point finds no other application.
    Blocked,
    /// Asks for the PIN; of kernel 2, which has none to offer below the limit, only above it.
    Pin,
    /// A phone that has verified its owner.
    Phone,
    /// A phone that wants its owner first, then the second tap. Kernel 7 has no message for that and asks for the card
    /// again.
    SeePhone,
}

impl Kind {
    /// All of them, in the order of the lists.
    pub const ALL: [Self; 10] = [
        Self::Approved,
        Self::Declined,
        Self::Insufficient,
        Self::Expired,
        Self::Offline,
        Self::Refused,
        Self::Blocked,
        Self::Pin,
        Self::Phone,
        Self::SeePhone,
    ];

    /// What the card's id ends with, as `see-phone`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Insufficient => "insufficient",
            Self::Expired => "expired",
            Self::Offline => "offline",
            Self::Refused => "refused",
            Self::Blocked => "blocked",
            Self::Pin => "pin",
            Self::Phone => "phone",
            Self::SeePhone => "see-phone",
        }
    }

    pub(crate) const fn ways(self) -> Ways {
        match self {
            Self::Approved => Ways::PLAIN,
            Self::Declined => Ways::declined("05"),
            Self::Insufficient => Ways::declined("51"),
            Self::Expired => Ways {
                expiry_yymm: [0x20, 0x12],
                ..Ways::PLAIN
            },
            Self::Offline => Ways::of(Temper::ApprovesOffline),
            Self::Refused => Ways::of(Temper::Declines),
            Self::Blocked => Ways {
                temper: Temper::Blocked,
                ..Ways::declined("62")
            },
            Self::Pin => Ways::verified(Verification::AlwaysPin),
            Self::Phone => Ways::verified(Verification::OnDevice),
            Self::SeePhone => Ways::verified(Verification::SeePhone),
        }
    }
}

/// What sets the kinds apart.
pub(crate) struct Ways {
    pub(crate) answer: IssuerAnswer,
    /// Last month of validity, BCD YYMM.
    pub(crate) expiry_yymm: [u8; 2],
    pub(crate) verification: Verification,
    pub(crate) temper: Temper,
}

impl Ways {
    const PLAIN: Self = Self {
        answer: IssuerAnswer::Approve,
        expiry_yymm: [0x35, 0x12],
        verification: Verification::WhenRequired,
        temper: Temper::AsksIssuer,
    };

    const fn declined(de39: &'static str) -> Self {
        Self {
            answer: IssuerAnswer::Decline(de39),
            ..Self::PLAIN
        }
    }

    const fn of(temper: Temper) -> Self {
        Self {
            temper,
            ..Self::PLAIN
        }
    }

    const fn verified(verification: Verification) -> Self {
        Self {
            verification,
            ..Self::PLAIN
        }
    }
}
