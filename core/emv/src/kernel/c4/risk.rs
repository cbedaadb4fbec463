//! Limits and action analysis of kernel 4.

use softpos_wire::bcd;

use super::super::configured::{ActionCodes, Limits, Reach, Tvr, meets};
use super::tags;
use crate::config::TerminalData;
use crate::data::CardData;

/// What the reader asks the card for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Aac,
    Tc,
    Arqc,
}

impl Request {
    // Rule C4-P1: 00 asks for AAC, 40 for TC, 80 for ARQC, and 10 more for a combined signature.
    // [source: foreign vector log-amex-cda; test: kernel::c4::tests::a_public_tap_byte_for_byte,
    // kernel::c4::tests::what_is_asked_for; evidence: foreign binaryfoo/emv-bertlv amex-cda]
    pub(super) const fn p1(self, combined: bool) -> u8 {
        let own = match self {
            Self::Aac => 0x00,
            Self::Tc => 0x40,
            Self::Arqc => 0x80,
        };
        if combined { own | 0x10 } else { own }
    }
}

// Rule C4-LIMIT-SET: bits 3 to 1 of the second byte of 9F70 choose a set of limits, unless bit 4 says that there is
// none or the reader has no such set.
// [source: peer FIME; test: kernel::c4::risk::tests::limits_by_card_set; evidence: own]
pub(super) fn limits_for(card: &CardData, fci: &CardData, data: &TerminalData, otherwise: Limits) -> Limits {
    let capabilities = card
        .value(tags::CARD_CAPABILITIES)
        .or(fci.value(tags::CARD_CAPABILITIES));
    let Some(&[_, second]) = capabilities else {
        return otherwise;
    };
    if second & 0x08 != 0 {
        return otherwise;
    }
    let sets = data.value(tags::LIMIT_SETS).unwrap_or_default();
    let (sets, _) = sets.as_chunks::<19>();
    let own = sets.iter().find(|set| set[0] == second & 0x07);
    let limit = |digits: &[u8; 19], from: usize| {
        digits
            .get(from..from.saturating_add(6))
            .and_then(|digits| bcd::number(digits).ok())
    };
    own.map_or(otherwise, |set| Limits {
        floor: limit(set, 1),
        cvm: limit(set, 7),
        transaction: limit(set, 13),
    })
}

/// What an amount exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded {
    pub(super) transaction: bool,
    pub(super) floor: bool,
    pub(super) cvm: bool,
}

// Rule C4-LIMITS: an amount above the transaction limit, above the floor limit, at or above the verification limit.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::risk::tests::operators_at_the_exact_limits;
// evidence: own]
pub(super) fn exceeded(amount_minor: u64, limits: Limits) -> Exceeded {
    Exceeded {
        transaction: limits.transaction.is_some_and(|limit| amount_minor > limit),
        floor: limits.floor.is_some_and(|limit| amount_minor > limit),
        cvm: limits.cvm.is_some_and(|limit| amount_minor >= limit),
    }
}

// Rule C4-TAA: denial codes ask for AAC, which is sent to the card; an online-only terminal asks for ARQC; one that
// can go online asks for ARQC by the online codes, else TC; an offline-only terminal asks for TC.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::risk::tests::action_analysis; evidence: own]
pub(super) fn request(tvr: Tvr, terminal: ActionCodes, issuer: ActionCodes, reach: Reach) -> Request {
    if meets(tvr, terminal.denial) || meets(tvr, issuer.denial) {
        return Request::Aac;
    }
    match reach {
        Reach::OnlineOnly => Request::Arqc,
        Reach::OnlineCapable if meets(tvr, terminal.online) || meets(tvr, issuer.online) => Request::Arqc,
        Reach::OnlineCapable | Reach::OfflineOnly => Request::Tc,
    }
}

/// The card's codes; missing ones stand for "nothing is denied, everything goes online" (Book 3 10.7).
pub(super) fn issuer_codes(card: &CardData) -> ActionCodes {
    let code = |tag, otherwise: u8| card.array(tag).unwrap_or([otherwise; 5]);
    ActionCodes {
        denial: code(tags::IAC_DENIAL, 0x00),
        online: code(tags::IAC_ONLINE, 0xFF),
        default: code(tags::IAC_DEFAULT, 0xFF),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        floor: Some(100),
        transaction: Some(1_000),
        cvm: Some(500),
    };

    #[test]
    fn operators_at_the_exact_limits() {
        let at = |amount| exceeded(amount, LIMITS);
        assert!(!at(1_000).transaction && at(1_001).transaction);
        assert!(!at(100).floor && at(101).floor);
        assert!(!at(499).cvm && at(500).cvm);
        let none = exceeded(u64::MAX, Limits::default());
        assert!(!none.transaction && !none.floor && !none.cvm);
    }

    #[test]
    fn limits_by_card_set() {
        let mut data = TerminalData::new();
        let set = |number: u8, last: u8| {
            let mut set = [0_u8; 19];
            set[0] = number;
            set[6] = last;
            set[12] = last;
            set[18] = last;
            set
        };
        data.set(tags::LIMIT_SETS, &[set(0, 0x10), set(3, 0x25)].concat());
        let with = |capabilities: &[u8]| {
            let mut card = CardData::default();
            card.insert(tags::CARD_CAPABILITIES, capabilities).unwrap();
            limits_for(&card, &CardData::default(), &data, LIMITS)
        };
        let all = |limit| Limits {
            floor: Some(limit),
            transaction: Some(limit),
            cvm: Some(limit),
        };
        assert_eq!(with(&[0, 0x03]), all(25));
        assert_eq!(with(&[0, 0x00]), all(10));
        assert_eq!(with(&[0, 0x02]), LIMITS, "no such set");
        assert_eq!(with(&[0, 0x0B]), LIMITS, "the card says none");
        assert_eq!(with(&[0]), LIMITS);
    }

    #[test]
    fn action_analysis() {
        const NONE: ActionCodes = ActionCodes {
            denial: [0; 5],
            online: [0; 5],
            default: [0; 5],
        };
        let floor = [0, 0, 0, 0x80, 0];
        let denial = ActionCodes {
            denial: floor,
            ..NONE
        };
        let online = ActionCodes {
            online: floor,
            ..NONE
        };
        for reach in [Reach::OnlineOnly, Reach::OnlineCapable, Reach::OfflineOnly] {
            assert_eq!(request(floor, denial, NONE, reach), Request::Aac);
            assert_eq!(request(floor, NONE, denial, reach), Request::Aac);
        }
        assert_eq!(request([0; 5], denial, denial, Reach::OnlineOnly), Request::Arqc);
        assert_eq!(request(floor, online, NONE, Reach::OnlineCapable), Request::Arqc);
        assert_eq!(request(floor, NONE, online, Reach::OnlineCapable), Request::Arqc);
        assert_eq!(request([0; 5], online, online, Reach::OnlineCapable), Request::Tc);
        assert_eq!(request(floor, online, online, Reach::OfflineOnly), Request::Tc);
    }

    #[test]
    fn missing_codes_of_the_card() {
        let codes = issuer_codes(&CardData::default());
        assert_eq!(
            (codes.denial, codes.online, codes.default),
            ([0; 5], [0xFF; 5], [0xFF; 5])
        );
    }
}
