//! The named cards of the sandbox.

use crate::account::{self, Account};
use crate::fault::{Fault, FaultKind};

/// When a card wants its holder verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verification {
    /// Online PIN when the reader says that verification is required.
    WhenRequired,
    /// Always online PIN.
    AlwaysPin,
    /// Done on the device before the tap.
    OnDevice,
}

/// What comes into the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// One card.
    Card,
    /// Two cards at once.
    Collision,
}

/// A named card. The id is stable: tills, demonstrations and tests use it.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// As `visa-approved`.
    pub id: &'static str,
    /// One line for a help text.
    pub about: &'static str,
    /// The account behind it; a card of another scheme has none here.
    pub account: Option<&'static Account>,
    pub(crate) aid: &'static [u8],
    pub(crate) label: &'static str,
    pub(crate) verification: Verification,
    /// How often two cards are in the field before one is.
    pub(crate) collisions: u8,
    /// Happens on the first tap.
    pub(crate) fault: Option<Fault>,
}

const VISA: &[u8] = &[0xA0, 0x00, 0x00, 0x00, 0x03, 0x10, 0x10];
const INTERAC: &[u8] = &[0xA0, 0x00, 0x00, 0x02, 0x77, 0x10, 0x10];

const fn visa(id: &'static str, about: &'static str, account: &'static Account) -> Profile {
    Profile {
        id,
        about,
        account: Some(account),
        aid: VISA,
        label: "VISA CREDIT",
        verification: Verification::WhenRequired,
        collisions: 0,
        fault: None,
    }
}

/// All named cards.
pub fn profiles() -> &'static [Profile] {
    const {
        &[
            visa("visa-approved", "the issuer approves", &account::APPROVED),
            visa("visa-declined", "the issuer declines (05)", &account::DECLINED),
            visa(
                "visa-expired",
                "expired in 2020; the issuer declines (54)",
                &account::EXPIRED,
            ),
            visa(
                "visa-insufficient",
                "not enough money; the issuer declines (51)",
                &account::INSUFFICIENT,
            ),
            Profile {
                verification: Verification::AlwaysPin,
                ..visa(
                    "visa-pin",
                    "always asks for the PIN, which is 1234",
                    &account::PIN,
                )
            },
            Profile {
                fault: Some(Fault {
                    at: 4,
                    kind: FaultKind::Pulled,
                }),
                ..visa(
                    "visa-pulled",
                    "pulled away once while being read",
                    &account::PULLED,
                )
            },
            Profile {
                collisions: 1,
                ..visa("two-cards", "two cards at once, then one", &account::TWO_CARDS)
            },
            Profile {
                verification: Verification::OnDevice,
                label: "VISA MOBILE",
                ..visa(
                    "visa-phone",
                    "a phone that has verified its owner",
                    &account::PHONE,
                )
            },
            Profile {
                id: "unsupported",
                about: "a card of a scheme that is not accepted here",
                account: None,
                aid: INTERAC,
                label: "INTERAC",
                verification: Verification::WhenRequired,
                collisions: 0,
                fault: None,
            },
        ]
    }
}
