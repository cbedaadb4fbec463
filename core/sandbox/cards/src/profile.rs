//! The named cards of the sandbox.

use crate::account::{self, Account};
use crate::fault::{Fault, FaultKind};
use crate::scheme::CardScheme;

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
    /// The account behind it; a card of a scheme without an issuer here has none.
    pub account: Option<&'static Account>,
    pub(crate) aid: &'static [u8],
    pub(crate) label: &'static str,
    pub(crate) verification: Verification,
    pub(crate) temper: Temper,
    /// How often two cards are in the field before one is.
    pub(crate) collisions: u8,
    /// Happens on the first tap.
    pub(crate) fault: Option<Fault>,
}

const INTERAC: &[u8] = &[0xA0, 0x00, 0x00, 0x02, 0x77, 0x10, 0x10];

const fn card(id: &'static str, about: &'static str, account: &'static Account) -> Profile {
    Profile {
        id,
        about,
        account: Some(account),
        aid: account.scheme.aid(),
        label: account.scheme.label(),
        verification: Verification::WhenRequired,
        temper: Temper::AsksIssuer,
        collisions: 0,
        fault: None,
    }
}

const fn offline(id: &'static str, about: &'static str, account: &'static Account) -> Profile {
    Profile {
        temper: Temper::ApprovesOffline,
        ..card(id, about, account)
    }
}

const fn pin(id: &'static str, about: &'static str, account: &'static Account) -> Profile {
    Profile {
        verification: Verification::AlwaysPin,
        ..card(id, about, account)
    }
}

const fn phone(id: &'static str, about: &'static str, account: &'static Account) -> Profile {
    Profile {
        verification: Verification::OnDevice,
        ..card(id, about, account)
    }
}

const fn locked_phone(id: &'static str, about: &'static str, account: &'static Account) -> Profile {
    Profile {
        verification: Verification::SeePhone,
        ..card(id, about, account)
    }
}

const APPROVES: &str = "the issuer approves";
const DECLINES: &str = "the issuer declines (05)";
const APPROVES_OFFLINE: &str = "the card approves small amounts by itself";
const ASKS_PIN: &str = "always asks for the PIN, which is 1234";
const IS_PHONE: &str = "a phone that has verified its owner";
const IS_LOCKED: &str = "a phone that wants its owner first, then the second tap";

const PROFILES: &[Profile] = &[
    card("visa-approved", APPROVES, &account::APPROVED),
    card("visa-declined", DECLINES, &account::DECLINED),
    card(
        "visa-expired",
        "expired in 2020; the issuer declines (54)",
        &account::EXPIRED,
    ),
    card(
        "visa-insufficient",
        "not enough money; the issuer declines (51)",
        &account::INSUFFICIENT,
    ),
    pin("visa-pin", ASKS_PIN, &account::PIN),
    Profile {
        fault: Some(Fault {
            at: 4,
            kind: FaultKind::Pulled,
        }),
        ..card(
            "visa-pulled",
            "pulled away once while being read",
            &account::PULLED,
        )
    },
    Profile {
        collisions: 1,
        ..card("two-cards", "two cards at once, then one", &account::TWO_CARDS)
    },
    Profile {
        label: "VISA MOBILE",
        ..phone("visa-phone", IS_PHONE, &account::PHONE)
    },
    offline("visa-offline", APPROVES_OFFLINE, &account::OFFLINE),
    locked_phone("visa-see-phone", IS_LOCKED, &account::SEE_PHONE),
    Profile {
        temper: Temper::Declines,
        ..card("visa-refused", "the card itself declines", &account::REFUSED)
    },
    Profile {
        temper: Temper::Blocked,
        ..card("visa-blocked", "blocked by its issuer", &account::BLOCKED)
    },
    card("mastercard-approved", APPROVES, &account::MASTERCARD),
    offline(
        "mastercard-offline",
        APPROVES_OFFLINE,
        &account::MASTERCARD_OFFLINE,
    ),
    card("mastercard-declined", DECLINES, &account::MASTERCARD_DECLINED),
    phone("mastercard-phone", IS_PHONE, &account::MASTERCARD_PHONE),
    locked_phone("mastercard-see-phone", IS_LOCKED, &account::MASTERCARD_SEE_PHONE),
    card("unionpay-approved", APPROVES, &account::UNIONPAY),
    offline("unionpay-offline", APPROVES_OFFLINE, &account::UNIONPAY_OFFLINE),
    card("unionpay-declined", DECLINES, &account::UNIONPAY_DECLINED),
    pin("unionpay-pin", ASKS_PIN, &account::UNIONPAY_PIN),
    phone("unionpay-phone", IS_PHONE, &account::UNIONPAY_PHONE),
    card("amex-approved", APPROVES, &account::AMEX),
    offline("amex-offline", APPROVES_OFFLINE, &account::AMEX_OFFLINE),
    phone("amex-phone", IS_PHONE, &account::AMEX_PHONE),
    card("jcb-approved", APPROVES, &account::JCB),
    offline("jcb-offline", APPROVES_OFFLINE, &account::JCB_OFFLINE),
    phone("jcb-phone", IS_PHONE, &account::JCB_PHONE),
    card("discover-approved", APPROVES, &account::DISCOVER),
    offline("discover-offline", APPROVES_OFFLINE, &account::DISCOVER_OFFLINE),
    phone("discover-phone", IS_PHONE, &account::DISCOVER_PHONE),
    card("kernel8-approved", APPROVES, &account::COMMON),
    offline("kernel8-offline", APPROVES_OFFLINE, &account::COMMON_OFFLINE),
    phone("kernel8-phone", IS_PHONE, &account::COMMON_PHONE),
    locked_phone("kernel8-see-phone", IS_LOCKED, &account::COMMON_SEE_PHONE),
    Profile {
        id: "unsupported",
        about: "a card of a scheme that is not accepted here",
        account: None,
        aid: INTERAC,
        label: "INTERAC",
        verification: Verification::WhenRequired,
        temper: Temper::AsksIssuer,
        collisions: 0,
        fault: None,
    },
];

/// All named cards.
pub const fn profiles() -> &'static [Profile] {
    PROFILES
}

impl Profile {
    /// Whose card it is, if the sandbox has its issuer.
    pub fn scheme(&self) -> Option<CardScheme> {
        self.account.map(|account| account.scheme)
    }
}
