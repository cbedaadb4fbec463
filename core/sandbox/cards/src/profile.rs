//! The named cards of the sandbox.

use std::sync::LazyLock;

use crate::account::{Account, PULLED, TWO_CARDS, members};
use crate::family::Family;
use crate::fault::{Fault, FaultKind};
use crate::kind::{Kind, Temper, Verification, Ways};
use crate::scheme::CardScheme;

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
    /// Family and kind of a card that every family has; the others are there once.
    pub member: Option<(Family, Kind)>,
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

/// The ids of a family, in the order of [`Kind::ALL`].
macro_rules! ids {
    ($family:literal) => {
        [
            concat!($family, "-approved"),
            concat!($family, "-declined"),
            concat!($family, "-insufficient"),
            concat!($family, "-expired"),
            concat!($family, "-offline"),
            concat!($family, "-refused"),
            concat!($family, "-blocked"),
            concat!($family, "-pin"),
            concat!($family, "-phone"),
            concat!($family, "-see-phone"),
        ]
    };
}

const IDS: [[&str; Kind::ALL.len()]; Family::ALL.len()] = [
    ids!("visa"),
    ids!("mastercard"),
    ids!("unionpay"),
    ids!("amex"),
    ids!("jcb"),
    ids!("discover"),
    ids!("kernel8"),
];

fn member(id: &'static str, family: Family, kind: Kind, account: &'static Account) -> Profile {
    let scheme = family.scheme();
    let Ways {
        verification, temper, ..
    } = kind.ways();
    Profile {
        id,
        member: Some((family, kind)),
        account: Some(account),
        aid: scheme.aid(),
        label: match (family, kind) {
            (Family::Visa, Kind::Phone | Kind::SeePhone) => "VISA MOBILE",
            _ => scheme.label(),
        },
        verification,
        temper,
        collisions: 0,
        fault: None,
    }
}

/// Cards that do not need one of each family to show what they are there for.
fn others() -> [Profile; 3] {
    let visa = |id, account| Profile {
        member: None,
        ..member(id, Family::Visa, Kind::Approved, account)
    };
    [
        // Pulled away once while being read.
        Profile {
            fault: Some(Fault {
                at: 4,
                kind: FaultKind::Pulled,
            }),
            ..visa("visa-pulled", &PULLED)
        },
        Profile {
            collisions: 1,
            ..visa("two-cards", &TWO_CARDS)
        },
        // Of a scheme that is not accepted here.
        Profile {
            account: None,
            aid: INTERAC,
            label: "INTERAC",
            ..visa("unsupported", &TWO_CARDS)
        },
    ]
}

/// All named cards.
pub fn profiles() -> &'static [Profile] {
    static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| {
        IDS.iter()
            .flatten()
            .zip(members())
            .map(|(id, (family, kind, account))| member(id, family, kind, account))
            .chain(others())
            .collect()
    });
    &PROFILES
}

impl Profile {
    /// Whose card it is, if the sandbox has its issuer.
    pub fn scheme(&self) -> Option<CardScheme> {
        self.account.map(|account| account.scheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_one_card_of_each_kind_and_its_name_says_so() {
        let named: Vec<_> = profiles()
            .iter()
            .filter_map(|profile| profile.member.map(|(family, kind)| (profile.id, family, kind)))
            .collect();
        let wanted = Family::ALL
            .into_iter()
            .flat_map(|family| Kind::ALL.map(|kind| (family, kind)));
        let names: Vec<_> = wanted
            .map(|(family, kind)| (format!("{}-{}", family.name(), kind.name()), family, kind))
            .collect();
        assert_eq!(named.len(), names.len());
        for (one, (name, family, kind)) in named.iter().zip(&names) {
            assert_eq!(*one, (name.as_str(), *family, *kind));
        }
    }
}
