//! Terminal action analysis, and which cryptogram is asked of the card.

use super::tvr::Tvr;

/// Types of cryptograms, the weakest wish first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cryptogram {
    /// Declined.
    Aac,
    /// The issuer decides.
    Arqc,
    /// Approved offline.
    Tc,
}

impl Cryptogram {
    /// From the two highest bits of 9F27.
    pub(super) const fn of(information: u8) -> Option<Self> {
        match information & 0xC0 {
            0x00 => Some(Self::Aac),
            0x40 => Some(Self::Tc),
            0x80 => Some(Self::Arqc),
            _ => None,
        }
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Aac => 0x00,
            Self::Tc => 0x40,
            Self::Arqc => 0x80,
        }
    }
}

/// What the card and the acquirer want on each finding. Of the card: 9F0D, 9F0E, 9F0F.
#[derive(Clone, Copy, Debug)]
pub(super) struct ActionCodes {
    pub(super) tac_default: [u8; 5],
    pub(super) tac_denial: [u8; 5],
    pub(super) tac_online: [u8; 5],
    pub(super) iac_default: Option<[u8; 5]>,
    pub(super) iac_denial: Option<[u8; 5]>,
    pub(super) iac_online: Option<[u8; 5]>,
}

// Rule C2-TAA-1: denial, then online-only, offline-only by the default codes, others by the online codes.
// [source: peer, danhu;
// test: kernel::c2::analysis::tests::denial_goes_before_everything, kernel::c2::analysis::tests::always_online,
// kernel::c2::analysis::tests::never_online_decides_by_the_default_codes, kernel::c2::analysis::tests::others_decide_by_the_online_codes;
// evidence: own]
/// Denial first; then a reader that is always online asks, one that never is decides by the default codes, and any
/// other by the online codes. A card without its own default or online code leaves every finding to the issuer.
pub(super) fn analyse(tvr: Tvr, terminal_type: u8, codes: &ActionCodes) -> Cryptogram {
    let met = |terminal, card: Option<[u8; 5]>| match card {
        Some(card) => tvr.meets(terminal) || tvr.meets(card),
        None => tvr.any(),
    };
    let denied = tvr.meets(codes.tac_denial) || codes.iac_denial.is_some_and(|code| tvr.meets(code));
    match terminal_type & 0x0F {
        _ if denied => Cryptogram::Aac,
        0x01 | 0x04 => Cryptogram::Arqc,
        0x03 | 0x06 if met(codes.tac_default, codes.iac_default) => Cryptogram::Aac,
        0x03 | 0x06 => Cryptogram::Tc,
        _ if met(codes.tac_online, codes.iac_online) => Cryptogram::Arqc,
        _ => Cryptogram::Tc,
    }
}

/// What GENERATE AC asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) cryptogram: Cryptogram,
    /// Signed by the card (CDA).
    pub(super) signed: bool,
}

impl Request {
    // Rule C2-GAC-1: P1 of GENERATE AC; without CDA a device's word leads to a decline.
    // [source: peer, danhu;
    // test: kernel::c2::analysis::tests::requests_byte_for_byte, kernel::c2::foreign::the_whole_tap_byte_for_byte;
    // evidence: foreign mock-msc-offline]
    /// Without CDA the claim of a device to have verified its holder is worth nothing: then a decline is asked for.
    pub(super) const fn new(
        wished: Cryptogram,
        cda_possible: bool,
        on_device: bool,
        signs_declines: bool,
    ) -> Self {
        let cryptogram = if !cda_possible && on_device {
            Cryptogram::Aac
        } else {
            wished
        };
        Self {
            cryptogram,
            signed: cda_possible && (signs_declines || !matches!(cryptogram, Cryptogram::Aac)),
        }
    }

    /// P1 of GENERATE AC.
    pub(super) const fn p1(self) -> u8 {
        self.cryptogram.bits() | if self.signed { 0x10 } else { 0 }
    }

    /// The other way; only for what [`Self::p1`] wrote.
    pub(super) fn from_p1(p1: u8) -> Option<Self> {
        Some(Self {
            cryptogram: Cryptogram::of(p1)?,
            signed: p1 & 0x10 != 0,
        })
    }

    // Rule C2-GAC-2: a card never gives more than was asked for.
    // [source: peer, danhu;
    // test: kernel::c2::analysis::tests::a_card_never_gives_more_than_was_asked_for, kernel::c2::tests::conclusion::what_the_card_may_answer;
    // evidence: own]
    /// A card may give less than was asked for, never more.
    pub(super) fn allows(self, answered: Cryptogram) -> bool {
        answered <= self.cryptogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: ActionCodes = ActionCodes {
        tac_default: [0; 5],
        tac_denial: [0; 5],
        tac_online: [0; 5],
        iac_default: Some([0; 5]),
        iac_denial: Some([0; 5]),
        iac_online: Some([0; 5]),
    };
    const FLOOR: Tvr = Tvr([0, 0, 0, 0x80, 0]);
    const FLOOR_CODE: [u8; 5] = [0, 0, 0, 0x80, 0];

    #[test]
    fn denial_goes_before_everything() {
        for terminal_type in [0x21, 0x22, 0x23] {
            let terminal = ActionCodes {
                tac_denial: FLOOR_CODE,
                ..NONE
            };
            assert_eq!(analyse(FLOOR, terminal_type, &terminal), Cryptogram::Aac);
            let card = ActionCodes {
                iac_denial: Some(FLOOR_CODE),
                ..NONE
            };
            assert_eq!(analyse(FLOOR, terminal_type, &card), Cryptogram::Aac);
            let none = ActionCodes {
                iac_denial: None,
                ..NONE
            };
            assert_ne!(analyse(FLOOR, terminal_type, &none), Cryptogram::Aac);
        }
    }

    #[test]
    fn always_online() {
        for terminal_type in [0x11, 0x14, 0x21, 0x24, 0x34] {
            assert_eq!(analyse(Tvr::default(), terminal_type, &NONE), Cryptogram::Arqc);
        }
    }

    #[test]
    fn never_online_decides_by_the_default_codes() {
        for terminal_type in [0x13, 0x16, 0x23, 0x26, 0x36] {
            let of = |codes| analyse(FLOOR, terminal_type, &codes);
            assert_eq!(of(NONE), Cryptogram::Tc);
            assert_eq!(
                of(ActionCodes {
                    tac_default: FLOOR_CODE,
                    ..NONE
                }),
                Cryptogram::Aac
            );
            assert_eq!(
                of(ActionCodes {
                    iac_default: Some(FLOOR_CODE),
                    ..NONE
                }),
                Cryptogram::Aac
            );
            assert_eq!(
                of(ActionCodes {
                    iac_default: None,
                    ..NONE
                }),
                Cryptogram::Aac
            );
            assert_eq!(
                of(ActionCodes {
                    tac_online: FLOOR_CODE,
                    ..NONE
                }),
                Cryptogram::Tc
            );
            let clean = analyse(
                Tvr::default(),
                terminal_type,
                &ActionCodes {
                    iac_default: None,
                    ..NONE
                },
            );
            assert_eq!(clean, Cryptogram::Tc);
        }
    }

    #[test]
    fn others_decide_by_the_online_codes() {
        for terminal_type in [0x12, 0x15, 0x22, 0x25, 0x35] {
            let of = |codes| analyse(FLOOR, terminal_type, &codes);
            assert_eq!(of(NONE), Cryptogram::Tc);
            assert_eq!(
                of(ActionCodes {
                    tac_online: FLOOR_CODE,
                    ..NONE
                }),
                Cryptogram::Arqc
            );
            assert_eq!(
                of(ActionCodes {
                    iac_online: Some(FLOOR_CODE),
                    ..NONE
                }),
                Cryptogram::Arqc
            );
            assert_eq!(
                of(ActionCodes {
                    iac_online: None,
                    ..NONE
                }),
                Cryptogram::Arqc
            );
            assert_eq!(
                of(ActionCodes {
                    tac_default: FLOOR_CODE,
                    ..NONE
                }),
                Cryptogram::Tc
            );
        }
    }

    #[test]
    fn requests_byte_for_byte() {
        let p1 = |wished, cda, device, declines| Request::new(wished, cda, device, declines).p1();
        assert_eq!(p1(Cryptogram::Tc, true, false, false), 0x50);
        assert_eq!(p1(Cryptogram::Arqc, true, true, false), 0x90);
        assert_eq!(p1(Cryptogram::Arqc, false, false, false), 0x80);
        assert_eq!(
            p1(Cryptogram::Arqc, false, true, false),
            0x00,
            "a device without CDA"
        );
        assert_eq!(p1(Cryptogram::Aac, true, false, false), 0x00);
        assert_eq!(p1(Cryptogram::Aac, true, false, true), 0x10);
        for p1 in [0x00, 0x10, 0x40, 0x50, 0x80, 0x90] {
            assert_eq!(Request::from_p1(p1).unwrap().p1(), p1);
        }
        assert_eq!(Request::from_p1(0xC0), None);
    }

    #[test]
    fn a_card_never_gives_more_than_was_asked_for() {
        use Cryptogram::{Aac, Arqc, Tc};
        let allowed = |asked, answered| {
            Request {
                cryptogram: asked,
                signed: false,
            }
            .allows(answered)
        };
        for asked in [Aac, Arqc, Tc] {
            assert!(allowed(asked, Aac));
        }
        assert!(allowed(Tc, Tc) && allowed(Tc, Arqc) && allowed(Arqc, Arqc));
        assert!(!allowed(Arqc, Tc) && !allowed(Aac, Arqc) && !allowed(Aac, Tc));
    }
}
