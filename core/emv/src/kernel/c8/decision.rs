//! What kernel 8 decides: which cryptogram it asks for, what the card's word about its holder counts, how it ends.

use super::super::configured::{Reach, Tvr, meets};
use crate::outcome::{Cvm, Interface, Reason};

/// What the terminal wants, and the kind of a cryptogram: AAC, TC and ARQC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Decline,
    Accept,
    Online,
}

impl Kind {
    /// P1 of GENERATE AC, and 9F27.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Decline => 0x00,
            Self::Accept => 0x40,
            Self::Online => 0x80,
        }
    }

    // Rule C8-CID: a card answers with what it was asked for or less: TC to TC, ARQC to TC and ARQC, AAC to all.
    // [source: peer, Denom; test: kernel::c8::decision::tests::never_more_than_was_asked_for; evidence: own]
    /// The kind in 9F27, if the card may answer so to what it was asked for.
    pub(super) const fn answered(information: u8, asked: Self) -> Option<Self> {
        match (information & 0xC0, asked) {
            (0x00, _) => Some(Self::Decline),
            (0x40, Self::Accept) => Some(Self::Accept),
            (0x80, Self::Accept | Self::Online) => Some(Self::Online),
            _ => None,
        }
    }
}

/// What terminal action analysis depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Analysis {
    pub(super) denial: Tvr,
    pub(super) online: Tvr,
    pub(super) reach: Reach,
    /// AIP B2b4: the card may approve by itself.
    pub(super) card_offline: bool,
}

impl Analysis {
    // Rule C8-TAA: denial codes; an online-only terminal asks; an offline-only one accepts if the card may; a card that
    // may not is asked for online; then the online codes. There are no default codes and no codes of the issuer.
    // [source: peer, Denom; test: kernel::c8::decision::tests::terminal_action_analysis; evidence: own]
    pub(super) fn of(&self, tvr: Tvr) -> Kind {
        if meets(tvr, self.denial) {
            return Kind::Decline;
        }
        match (self.reach, self.card_offline) {
            (Reach::OnlineOnly, _) | (Reach::OnlineCapable, false) => Kind::Online,
            (Reach::OfflineOnly, false) => Kind::Decline,
            (Reach::OnlineCapable, true) if meets(tvr, self.online) => Kind::Online,
            (Reach::OfflineOnly | Reach::OnlineCapable, true) => Kind::Accept,
        }
    }
}

impl Analysis {
    /// What the denial codes meet first: authentication, verification, relay, limit.
    pub(super) fn denied_for(&self, tvr: Tvr) -> Reason {
        let [first, _, third, _, fifth] = self.denial;
        if meets(tvr, [first, 0, 0, 0, 0]) {
            Reason::NotAuthenticated
        } else if meets(tvr, [0, 0, third, 0, 0]) {
            Reason::NoVerification
        } else if meets(tvr, [0, 0, 0, 0, fifth & RELAY]) {
            Reason::RelaySuspected
        } else if meets(tvr, self.denial) {
            Reason::LimitExceeded
        } else {
            Reason::OnlineUnable
        }
    }
}

/// Bits of the results about relay resistance, fifth byte.
const RELAY: u8 = 0x0F;

/// Bits of 9F1D, first byte: what the terminal can do about the holder.
const ONLINE_PIN: u8 = 0x40;
const SIGNATURE: u8 = 0x20;
const NO_CVM: u8 = 0x08;
const ON_DEVICE: u8 = 0x04;
/// Third byte of the results.
const NOT_SUCCESSFUL: u8 = 0x80;
const PIN_CAPTURED: u8 = 0x04;

/// What came of verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) cvm: Cvm,
    /// 9F34.
    pub(super) results: [u8; 3],
    /// What it adds to the third byte of the terminal verification results.
    pub(super) tvr_bits: u8,
}

// Rule C8-CVM: the card decides (9F8102): 00 none, 01 signature, 02 online PIN, 03 on the device, as far as 9F1D has
// it; 0F not applicable; FF and all else failed: 3F0001 and TVR B3b8, but no decline by itself.
// [source: peer, Denom; test: kernel::c8::decision::tests::the_card_decides_about_its_holder,
// softpos-cards::matrix::every_card_of_every_family; evidence: own]
// Rule C8-CVM-UNPROVEN: above the limit a claim of verification on the device counts only if the card was
// authenticated here, or if its issuer can check it with the code inside 9F10.
// [source: inference, after EMVrace; test: kernel::c8::decision::tests::an_unproven_claim_above_the_limit_fails,
// kernel::c8::tests::an_unproven_claim_above_the_limit; evidence: own]
/// What the card's decision about its holder comes to; `claim_counts` is about verification on the device.
pub(super) const fn holder(decision: u8, capability: u8, claim_counts: bool) -> Holder {
    match decision {
        0x00 if capability & NO_CVM != 0 => Holder::of(Cvm::None, [0x1F, 0x00, 0x02], 0),
        0x01 if capability & SIGNATURE != 0 => Holder::of(Cvm::Signature, [0x1E, 0x00, 0x00], 0),
        0x02 if capability & ONLINE_PIN != 0 => Holder::of(Cvm::OnlinePin, [0x02, 0x00, 0x00], PIN_CAPTURED),
        0x03 if capability & ON_DEVICE != 0 && claim_counts => {
            Holder::of(Cvm::OnDevice, [0x01, 0x00, 0x02], 0)
        }
        0x0F => Holder::of(Cvm::None, [0x3F, 0x00, 0x00], 0),
        _ => Holder::of(Cvm::None, [0x3F, 0x00, 0x01], NOT_SUCCESSFUL),
    }
}

impl Holder {
    const fn of(cvm: Cvm, results: [u8; 3], tvr_bits: u8) -> Self {
        Self {
            cvm,
            results,
            tvr_bits,
        }
    }
}

/// Everything the end depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// What the card answered with.
    pub(super) cryptogram: Kind,
    /// What the terminal wants, all results considered.
    pub(super) wanted: Kind,
    pub(super) reach: Reach,
    pub(super) authenticated: bool,
    /// Why the terminal declines, if it does.
    pub(super) denied_for: Reason,
    /// 9F8108, first byte.
    pub(super) restart: Option<u8>,
    /// 9C.
    pub(super) transaction_type: u8,
}

/// How a tap ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The card asks to be presented again.
    Restart,
    Approve,
    Online,
    OtherInterface(Option<Interface>),
    Decline(Reason),
    /// A refund or another kind that the card does not take: nothing is declined.
    Clear,
}

impl Facts {
    // Rule C8-END: restart B goes first; TC wanted and given approves; ARQC that is not declined, or a TC where the
    // issuer is wanted, goes online; else another interface if the card asks for one, else declined.
    // [source: peer, Denom; test: kernel::c8::decision::tests::ends,
    // softpos-cards::matrix::which_kernels_say_see_phone; evidence: own]
    // Rule C8-OFFLINE: an approval by a card that was not authenticated here goes online where the terminal can, else it
    // is declined.
    // [source: inference; test: kernel::c8::decision::tests::an_approval_needs_authentication; evidence: own]
    // Rule C8-KIND: only purchases and cash are declined; anything else the card refuses ends with a clear display.
    // [source: peer, Denom; test: kernel::c8::decision::tests::ends; evidence: own]
    pub(super) fn end(&self) -> End {
        if self.restart.is_some_and(|restart| restart & 0xF0 == 0x20) {
            return End::Restart;
        }
        match (self.cryptogram, self.wanted) {
            (Kind::Accept, Kind::Accept) if self.authenticated => End::Approve,
            (Kind::Accept, Kind::Accept) if self.reach == Reach::OfflineOnly => {
                End::Decline(Reason::NotAuthenticated)
            }
            (Kind::Accept | Kind::Online, Kind::Accept | Kind::Online) => End::Online,
            (_, Kind::Decline) => self.refused(self.denied_for),
            (Kind::Decline, Kind::Accept | Kind::Online) => self.refused(Reason::CardDeclined),
        }
    }

    fn refused(&self, reason: Reason) -> End {
        if !matches!(self.transaction_type, 0x00 | 0x01 | 0x09 | 0x17) {
            return End::Clear;
        }
        match self.restart {
            Some(restart) if restart & 0xF0 == 0x30 => End::OtherInterface(match restart & 0x0F {
                1 => Some(Interface::Contact),
                2 => Some(Interface::MagStripe),
                _ => None,
            }),
            Some(_) | None => End::Decline(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANALYSIS: Analysis = Analysis {
        denial: [0x04, 0, 0, 0, 0],
        online: [0, 0, 0, 0x80, 0],
        reach: Reach::OnlineCapable,
        card_offline: true,
    };
    const NOTHING: Tvr = [0; 5];
    const FLOOR: Tvr = [0, 0, 0, 0x80, 0];

    #[test]
    fn terminal_action_analysis() {
        let with = |reach, card_offline| Analysis {
            reach,
            card_offline,
            ..ANALYSIS
        };
        assert_eq!(ANALYSIS.of([0x04, 0, 0, 0x80, 0]), Kind::Decline);
        for (reach, card_offline, nothing, floor) in [
            (Reach::OnlineOnly, true, Kind::Online, Kind::Online),
            (Reach::OnlineOnly, false, Kind::Online, Kind::Online),
            (Reach::OnlineCapable, true, Kind::Accept, Kind::Online),
            (Reach::OnlineCapable, false, Kind::Online, Kind::Online),
            (Reach::OfflineOnly, true, Kind::Accept, Kind::Accept),
            (Reach::OfflineOnly, false, Kind::Decline, Kind::Decline),
        ] {
            let analysis = with(reach, card_offline);
            assert_eq!(
                (analysis.of(NOTHING), analysis.of(FLOOR)),
                (nothing, floor),
                "{reach:?}"
            );
        }
        assert_eq!(
            [Kind::Decline, Kind::Accept, Kind::Online].map(Kind::code),
            [0, 0x40, 0x80]
        );
    }

    #[test]
    fn what_the_denial_codes_met() {
        let all = Analysis {
            denial: [0xFF; 5],
            ..ANALYSIS
        };
        for (tvr, reason) in [
            ([0x84, 0, 0x80, 0x80, 0x0C], Reason::NotAuthenticated),
            ([0, 0, 0x80, 0x80, 0x0C], Reason::NoVerification),
            ([0, 0, 0, 0x80, 0x0C], Reason::RelaySuspected),
            ([0, 0, 0, 0x80, 0x80], Reason::LimitExceeded),
            (NOTHING, Reason::OnlineUnable),
        ] {
            assert_eq!(all.denied_for(tvr), reason);
        }
    }

    #[test]
    fn never_more_than_was_asked_for() {
        for (asked, allowed) in [
            (Kind::Decline, [true, false, false]),
            (Kind::Online, [true, false, true]),
            (Kind::Accept, [true, true, true]),
        ] {
            let answers = [0x00, 0x40, 0x80].map(|cid| Kind::answered(cid, asked).is_some());
            assert_eq!(answers, allowed, "{asked:?}");
            assert_eq!(Kind::answered(0xC0, asked), None);
        }
        assert_eq!(
            Kind::answered(0x48, Kind::Accept),
            Some(Kind::Accept),
            "low bits are advice"
        );
    }

    #[test]
    fn the_card_decides_about_its_holder() {
        const ALL: u8 = 0x6C;
        for (decision, bit, cvm, results, tvr_bits) in [
            (0x00, 0x08, Cvm::None, [0x1F, 0, 2], 0),
            (0x01, 0x20, Cvm::Signature, [0x1E, 0, 0], 0),
            (0x02, 0x40, Cvm::OnlinePin, [0x02, 0, 0], 0x04),
            (0x03, 0x04, Cvm::OnDevice, [0x01, 0, 2], 0),
        ] {
            let done = Holder::of(cvm, results, tvr_bits);
            let failed = Holder::of(Cvm::None, [0x3F, 0, 1], 0x80);
            assert_eq!(holder(decision, ALL, true), done);
            assert_eq!(holder(decision, bit, true), done);
            assert_eq!(
                holder(decision, ALL & !bit, true),
                failed,
                "the terminal has it not"
            );
        }
        assert_eq!(holder(0x0F, 0, false), Holder::of(Cvm::None, [0x3F, 0, 0], 0));
        for failed in [0xFF, 0x04, 0x80] {
            assert_eq!(holder(failed, ALL, true).results, [0x3F, 0, 1]);
        }
    }

    #[test]
    fn an_unproven_claim_above_the_limit_fails() {
        assert_eq!(
            holder(0x03, 0x04, false),
            Holder::of(Cvm::None, [0x3F, 0, 1], 0x80)
        );
        assert_eq!(
            holder(0x02, 0x40, false).cvm,
            Cvm::OnlinePin,
            "the issuer sees the PIN itself"
        );
    }

    const FACTS: Facts = Facts {
        cryptogram: Kind::Accept,
        wanted: Kind::Accept,
        reach: Reach::OnlineCapable,
        authenticated: true,
        denied_for: Reason::NotAuthenticated,
        restart: None,
        transaction_type: 0,
    };

    #[test]
    fn ends() {
        use Kind::{Accept, Decline, Online};
        let end = |cryptogram, wanted| {
            Facts {
                cryptogram,
                wanted,
                ..FACTS
            }
            .end()
        };
        assert_eq!(end(Accept, Accept), End::Approve);
        for (cryptogram, wanted) in [(Online, Accept), (Online, Online), (Accept, Online)] {
            assert_eq!(end(cryptogram, wanted), End::Online);
        }
        assert_eq!(end(Decline, Accept), End::Decline(Reason::CardDeclined));
        for cryptogram in [Accept, Online, Decline] {
            assert_eq!(end(cryptogram, Decline), End::Decline(Reason::NotAuthenticated));
        }
        let declined = |restart, transaction_type| {
            Facts {
                cryptogram: Decline,
                restart,
                transaction_type,
                ..FACTS
            }
            .end()
        };
        assert_eq!(declined(None, 0x20), End::Clear);
        assert_eq!(declined(Some(0x31), 0x20), End::Clear);
        for (restart, interface) in [
            (0x31, Some(Interface::Contact)),
            (0x32, Some(Interface::MagStripe)),
            (0x3F, None),
        ] {
            assert_eq!(declined(Some(restart), 0x09), End::OtherInterface(interface));
        }
        assert_eq!(declined(Some(0x10), 0x01), End::Decline(Reason::CardDeclined));
        let approved = Facts {
            restart: Some(0x20),
            ..FACTS
        };
        assert_eq!(approved.end(), End::Restart, "goes before everything");
    }

    #[test]
    fn an_approval_needs_authentication() {
        let unproven = Facts {
            authenticated: false,
            ..FACTS
        };
        assert_eq!(unproven.end(), End::Online);
        let alone = Facts {
            reach: Reach::OfflineOnly,
            ..unproven
        };
        assert_eq!(alone.end(), End::Decline(Reason::NotAuthenticated));
    }
}
