//! Limits, random selection and action analysis of kernel 5.

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
    pub(super) const fn p1(self, combined: bool) -> u8 {
        match (self, combined) {
            (Self::Aac, _) => 0x00,
            (Self::Tc, false) => 0x40,
            (Self::Tc, true) => 0x50,
            (Self::Arqc, false) => 0x80,
            (Self::Arqc, true) => 0x90,
        }
    }

    pub(super) const fn of(information: u8) -> Option<Self> {
        match information >> 6 {
            0 => Some(Self::Aac),
            1 => Some(Self::Tc),
            2 => Some(Self::Arqc),
            _ => None,
        }
    }
}

/// What an amount reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) transaction: bool,
    pub(super) floor: bool,
    pub(super) cvm: bool,
}

// Rule C5-LIMITS: an amount at or above the transaction limit, the floor limit, the verification limit.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::risk::tests::operators_at_the_exact_limits;
// evidence: own]
pub(super) fn reached(amount_minor: u64, limits: Limits) -> Reached {
    let at = |limit: Option<u64>| limit.is_some_and(|limit| amount_minor >= limit);
    Reached {
        transaction: at(limits.transaction),
        floor: at(limits.floor),
        cvm: at(limits.cvm),
    }
}

// Rule C5-RANDOM: random selection, biased between threshold and floor limit, is TVR B4b5.
// [source: general knowledge; test: kernel::c5::risk::tests::random_selection; evidence: own]
/// `random` is any fresh number. Without parameters nothing is selected.
pub(super) fn selected(data: &TerminalData, amount_minor: u64, floor: Option<u64>, random: u32) -> bool {
    let Some(&[ref threshold @ .., target, maximum]) = data.value(tags::SELECTION) else {
        return false;
    };
    let Ok(threshold) = bcd::number(threshold) else {
        return false;
    };
    let (target, maximum) = (u64::from(target), u64::from(maximum));
    let percent = match floor {
        Some(floor) if amount_minor >= threshold && floor > threshold => {
            let beyond = amount_minor.saturating_sub(threshold);
            let span = floor.saturating_sub(threshold);
            let more = maximum.saturating_sub(target).saturating_mul(beyond);
            target.saturating_add(more.checked_div(span).unwrap_or_default())
        }
        Some(_) | None => target,
    };
    u64::from(random.checked_rem(99).unwrap_or_default()) < percent
}

// Rule C5-TAC: terminal action codes where none are configured: denial 0410000000, online 9060009000, default
// 9040008000; missing codes of the card: none, all, all.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::risk::tests::codes_that_are_missing; evidence: own]
pub(super) const TERMINAL_CODES: ActionCodes = ActionCodes {
    denial: [0x04, 0x10, 0, 0, 0],
    online: [0x90, 0x60, 0, 0x90, 0],
    default: [0x90, 0x40, 0, 0x80, 0],
};

pub(super) fn issuer_codes(card: &CardData) -> ActionCodes {
    let code = |tag, otherwise: u8| card.array(tag).unwrap_or([otherwise; 5]);
    ActionCodes {
        denial: code(tags::IAC_DENIAL, 0x00),
        online: code(tags::IAC_ONLINE, 0xFF),
        default: code(tags::IAC_DEFAULT, 0xFF),
    }
}

/// What the analysis says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Analysis {
    Ask(Request),
    /// Declined without asking the card.
    Decline,
}

// Rule C5-TAA: a refund asks for AAC; denial codes decline without GENERATE AC; terminals x1, x2, x4, x5 ask for ARQC by
// the online codes, x3 and x6 for AAC by the default codes; else TC.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::risk::tests::action_analysis; evidence: own]
pub(super) fn analyse(
    tvr: Tvr,
    (terminal, issuer): (ActionCodes, ActionCodes),
    reach: Reach,
    refund: bool,
) -> Analysis {
    if refund {
        return Analysis::Ask(Request::Aac);
    }
    if meets(tvr, terminal.denial) || meets(tvr, issuer.denial) {
        return Analysis::Decline;
    }
    let online = meets(tvr, terminal.online) || meets(tvr, issuer.online);
    let default = meets(tvr, terminal.default) || meets(tvr, issuer.default);
    Analysis::Ask(match reach {
        Reach::OnlineOnly | Reach::OnlineCapable if online => Request::Arqc,
        Reach::OfflineOnly if default => Request::Aac,
        Reach::OnlineOnly | Reach::OnlineCapable | Reach::OfflineOnly => Request::Tc,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_at_the_exact_limits() {
        let limits = Limits {
            floor: Some(100),
            transaction: Some(1_000),
            cvm: Some(500),
        };
        let at = |amount| reached(amount, limits);
        assert!(!at(999).transaction && at(1_000).transaction);
        assert!(!at(99).floor && at(100).floor);
        assert!(!at(499).cvm && at(500).cvm);
        let none = reached(u64::MAX, Limits::default());
        assert!(!none.transaction && !none.floor && !none.cvm);
    }

    #[test]
    fn random_selection() {
        let mut data = TerminalData::new();
        assert!(!selected(&data, 50, Some(300), 0), "no parameters");
        data.set(tags::SELECTION, &[0, 0, 0, 0, 1, 0, 10, 60]);
        let at = |amount, random| selected(&data, amount, Some(300), random);
        assert!(at(50, 9) && !at(50, 10), "10 percent below the threshold");
        assert!(at(200, 34) && !at(200, 35), "half way: 35 percent");
        assert!(at(300, 59) && !at(300, 60));
        assert!(at(50, 99) && !at(50, 109), "numbers wrap");
        assert!(!selected(&data, 200, None, 10) && selected(&data, 200, None, 9));
        assert!(
            !selected(&data, 200, Some(100), 10),
            "a floor limit below the threshold"
        );
    }

    #[test]
    fn codes_that_are_missing() {
        assert_eq!(
            ActionCodes::of(&TerminalData::new(), TERMINAL_CODES),
            TERMINAL_CODES
        );
        let issuer = issuer_codes(&CardData::default());
        assert_eq!(
            (issuer.denial, issuer.online, issuer.default),
            ([0; 5], [0xFF; 5], [0xFF; 5])
        );
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
        let default = ActionCodes {
            default: floor,
            ..NONE
        };
        let capable = Reach::OnlineCapable;
        assert_eq!(analyse(floor, (denial, NONE), capable, false), Analysis::Decline);
        assert_eq!(analyse(floor, (NONE, denial), capable, false), Analysis::Decline);
        assert_eq!(
            analyse(floor, (denial, NONE), capable, true),
            Analysis::Ask(Request::Aac)
        );
        for reach in [Reach::OnlineOnly, capable] {
            assert_eq!(
                analyse(floor, (online, NONE), reach, false),
                Analysis::Ask(Request::Arqc)
            );
            assert_eq!(
                analyse(floor, (NONE, online), reach, false),
                Analysis::Ask(Request::Arqc)
            );
            assert_eq!(
                analyse(floor, (default, NONE), reach, false),
                Analysis::Ask(Request::Tc)
            );
        }
        let never = Reach::OfflineOnly;
        assert_eq!(
            analyse(floor, (default, NONE), never, false),
            Analysis::Ask(Request::Aac)
        );
        assert_eq!(
            analyse(floor, (NONE, default), never, false),
            Analysis::Ask(Request::Aac)
        );
        assert_eq!(
            analyse(floor, (online, online), never, false),
            Analysis::Ask(Request::Tc)
        );
    }
}
