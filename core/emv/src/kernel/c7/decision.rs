//! What kernel 7 decides once everything is read.

use crate::outcome::{Cvm, Reason};

/// What the card answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cryptogram {
    /// Declined, in either of its two forms.
    Declined,
    /// Approved offline.
    Tc,
    /// Asks the issuer.
    Arqc,
}

impl Cryptogram {
    // Rule C7-TYPE: the type is in 9F27, else in bits 6 and 5 of the fifth byte of 9F10; 00 and 11 decline.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::decision::tests::type_of_the_cryptogram;
    // evidence: own]
    pub(super) fn of(information: Option<&[u8]>, iad: &[u8]) -> Option<Self> {
        let bits = match information {
            Some(&[information]) => information >> 6,
            Some(_) => return None,
            None => (iad.get(4)? >> 4) & 3,
        };
        Some(match bits {
            1 => Self::Tc,
            2 => Self::Arqc,
            _ => Self::Declined,
        })
    }

    /// 9F27 of this type.
    pub(super) const fn information(self) -> u8 {
        match self {
            Self::Declined => 0x00,
            Self::Tc => 0x40,
            Self::Arqc => 0x80,
        }
    }
}

/// How far the card's signature reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    /// None, or a wrong one.
    None,
    /// The card is genuine (version 00).
    Card,
    /// The card is genuine and so are amount and card qualifiers (version 01).
    CardAndQualifiers,
}

/// 9F66.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ttq(pub(super) [u8; 4]);

impl Ttq {
    pub(super) const fn contact(self) -> bool {
        self.0[0] & 0x10 != 0
    }

    const fn offline_only(self) -> bool {
        self.0[0] & 0x08 != 0
    }

    const fn online_pin(self) -> bool {
        self.0[0] & 0x04 != 0
    }

    const fn signature(self) -> bool {
        self.0[0] & 0x02 != 0
    }

    pub(super) const fn authenticates_online(self) -> bool {
        self.0[0] & 0x01 != 0
    }

    const fn online_required(self) -> bool {
        self.0[1] & 0x80 != 0
    }

    const fn cvm_required(self) -> bool {
        self.0[1] & 0x40 != 0
    }
}

/// 9F6C.
#[derive(Clone, Copy, Debug)]
struct Ctq([u8; 2]);

impl Ctq {
    const fn online_pin(self) -> bool {
        self.0[0] & 0x80 != 0
    }

    const fn signature(self) -> bool {
        self.0[0] & 0x40 != 0
    }

    const fn online_if_oda_fails(self) -> bool {
        self.0[0] & 0x20 != 0
    }

    const fn contact_if_oda_fails(self) -> bool {
        self.0[0] & 0x10 != 0
    }

    const fn online_if_expired(self) -> bool {
        self.0[0] & 0x08 != 0
    }

    const fn verified_on_device(self) -> bool {
        self.0[1] & 0x80 != 0
    }
}

/// Everything the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) cryptogram: Cryptogram,
    pub(super) ttq: Ttq,
    pub(super) ctq: Option<[u8; 2]>,
    /// 9F69.
    pub(super) card_authentication: Option<&'a [u8]>,
    pub(super) expired: bool,
    /// On the exception file.
    pub(super) listed: bool,
    pub(super) signature: Signature,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Approve(Cvm),
    Online(Cvm),
    Decline(Reason),
    OtherInterface,
}

// Rule C7-ORDER: a card that declines is declined; else expiry, verification, authentication, in this order.
// [source: peer, vendor kernels of 2013 to 2020;
// test: kernel::c7::decision::tests::a_declining_card_is_declined_whatever_else_it_says,
// kernel::c7::decision::tests::verification_goes_before_authentication; evidence: own]
pub(super) fn decide(facts: &Facts<'_>) -> Decision {
    match facts.cryptogram {
        Cryptogram::Declined => Decision::Decline(Reason::CardDeclined),
        Cryptogram::Arqc => online(facts),
        Cryptogram::Tc => offline(facts),
    }
}

fn online(facts: &Facts<'_>) -> Decision {
    match verification(facts) {
        Ok(cvm) => Decision::Online(cvm),
        Err(reason) => Decision::Decline(reason),
    }
}

fn offline(facts: &Facts<'_>) -> Decision {
    let ctq = Ctq(facts.ctq.unwrap_or_default());
    // Rule C7-EXPIRED: an expired card that approves goes online if CTQ B1b4 says so and TTQ B1b4 is 0, else it
    // is declined; a card that asks the issuer is not held up.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::decision::tests::expiry,
    // softpos-cards::matrix::what_each_kernel_makes_of_an_expired_card_that_approves; evidence: own]
    if facts.expired {
        return if ctq.online_if_expired() && !facts.ttq.offline_only() {
            online(facts)
        } else {
            Decision::Decline(Reason::Expired)
        };
    }
    // Rule C7-EXCEPTION: a card on the exception file that approves is declined.
    // A card that asks the issuer is not held up, which is inference.
    // [source: peer, vendor kernels of 2013 to 2020;
    // test: kernel::c7::decision::tests::listed_cards, kernel::tests::kernel_7_declines_the_approval_of_a_listed_card; evidence: own]
    if facts.listed {
        return Decision::Decline(Reason::OnExceptionFile);
    }
    let cvm = match verification(facts) {
        Ok(cvm) => cvm,
        Err(reason) => return Decision::Decline(reason),
    };
    // Rule C7-ONLINE: a card that approves goes online if the reader required it or a PIN has to be checked.
    // [source: inference; test: kernel::c7::decision::tests::approvals_that_go_online; evidence: own]
    if facts.ttq.online_required() || cvm == Cvm::OnlinePin {
        return Decision::Online(cvm);
    }
    // Rule C7-ODA-FAILED: without a signature an approval goes online if CTQ B1b6 says so, to another interface
    // if CTQ B1b5 and TTQ B1b5 say so, else it is declined.
    // [source: peer, vendor kernels of 2013 to 2020;
    // test: kernel::c7::decision::tests::approvals_that_cannot_be_authenticated; evidence: own]
    match facts.signature {
        Signature::Card | Signature::CardAndQualifiers => Decision::Approve(cvm),
        Signature::None if ctq.online_if_oda_fails() => Decision::Online(cvm),
        Signature::None if ctq.contact_if_oda_fails() && facts.ttq.contact() => Decision::OtherInterface,
        Signature::None => Decision::Decline(Reason::NotAuthenticated),
    }
}

fn verification(facts: &Facts<'_>) -> Result<Cvm, Reason> {
    let ttq = facts.ttq;
    let Some(ctq) = facts.ctq else {
        // Rule C7-CVM-NO-CTQ: without card qualifiers signature goes before PIN, other than with Visa.
        // [source: peer, vendor kernels of 2013 to 2020;
        // test: kernel::c7::decision::tests::without_card_qualifiers_signature_goes_first; evidence: own]
        return if !ttq.cvm_required() {
            Ok(Cvm::None)
        } else if ttq.signature() {
            Ok(Cvm::Signature)
        } else if ttq.online_pin() {
            Ok(Cvm::OnlinePin)
        } else {
            Err(Reason::NoVerification)
        };
    };
    let bits = Ctq(ctq);
    // Rule C7-CVM-PIN: online PIN goes first where card and reader both want it.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::decision::tests::online_pin_goes_first;
    // evidence: own]
    if bits.online_pin() && ttq.online_pin() {
        return Ok(Cvm::OnlinePin);
    }
    if bits.verified_on_device() {
        // Rule C7-CVM-DEVICE: a claim of verification on the device holds if bytes 6 and 7 of 9F69 equal the card
        // qualifiers; without 9F69 only a card that asks the issuer may claim it.
        // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::decision::tests::verified_on_the_device;
        // evidence: own]
        match facts.card_authentication {
            Some(data) if data.get(5..7) != Some(&ctq[..]) => return Err(Reason::VerificationNotProven),
            None if facts.cryptogram != Cryptogram::Arqc => return Err(Reason::VerificationNotProven),
            Some(_) | None => {}
        }
        // Rule C7-CVM-UNPROVEN: above the limit a claim that no signature covers counts as no verification.
        // [source: peer, EMVrace; test: kernel::c7::decision::tests::an_unsigned_claim_above_the_limit_is_none,
        // kernel::c7::tests::a_signed_claim_of_verification_counts_above_the_limit;
        // evidence: own]
        if !ttq.cvm_required() || facts.signature == Signature::CardAndQualifiers {
            return Ok(Cvm::OnDevice);
        }
    }
    // Rule C7-CVM-SIGNATURE: a card that wants a signature is declined where the reader takes none.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::decision::tests::signature; evidence: own]
    if bits.signature() {
        return if ttq.signature() {
            Ok(Cvm::Signature)
        } else {
            Err(Reason::NoVerification)
        };
    }
    // Rule C7-CVM-NONE: nothing left is a decline if verification is required or the card wanted a PIN.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::decision::tests::nothing_left; evidence: own]
    if ttq.cvm_required() || bits.online_pin() {
        Err(Reason::NoVerification)
    } else {
        Ok(Cvm::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EMV mode, nothing else; PIN, signature, contact and the rest are added by their bits.
    const PLAIN: [u8; 4] = [0x20, 0, 0x40, 0];
    const PIN: u8 = 0x04;
    const SIGN: u8 = 0x02;

    fn ttq(first: u8, second: u8) -> Ttq {
        Ttq([PLAIN[0] | first, PLAIN[1] | second, PLAIN[2], PLAIN[3]])
    }

    fn arqc(ttq: Ttq, ctq: Option<[u8; 2]>) -> Facts<'static> {
        Facts {
            cryptogram: Cryptogram::Arqc,
            ttq,
            ctq,
            card_authentication: None,
            expired: false,
            listed: false,
            signature: Signature::None,
        }
    }

    fn tc(ttq: Ttq, ctq: Option<[u8; 2]>) -> Facts<'static> {
        Facts {
            cryptogram: Cryptogram::Tc,
            signature: Signature::CardAndQualifiers,
            ..arqc(ttq, ctq)
        }
    }

    const NO_CVM: Decision = Decision::Decline(Reason::NoVerification);

    #[test]
    fn type_of_the_cryptogram() {
        let iad = |byte| [0x07, 1, 1, 3, byte, 0, 0];
        for (byte, expected) in [
            (0x80, Cryptogram::Declined),
            (0x90, Cryptogram::Tc),
            (0xA0, Cryptogram::Arqc),
            (0xB0, Cryptogram::Declined),
        ] {
            assert_eq!(Cryptogram::of(None, &iad(byte)), Some(expected));
        }
        assert_eq!(Cryptogram::of(Some(&[0x80]), &iad(0x90)), Some(Cryptogram::Arqc));
        assert_eq!(Cryptogram::of(Some(&[0xC0]), &[]), Some(Cryptogram::Declined));
        assert_eq!(Cryptogram::of(Some(&[]), &iad(0x90)), None);
        assert_eq!(Cryptogram::of(None, &[7, 1, 1, 3]), None);
    }

    #[test]
    fn a_declining_card_is_declined_whatever_else_it_says() {
        let facts = Facts {
            cryptogram: Cryptogram::Declined,
            ..arqc(ttq(PIN, 0), Some([0x80, 0x80]))
        };
        assert_eq!(decide(&facts), Decision::Decline(Reason::CardDeclined));
    }

    #[test]
    fn verification_goes_before_authentication() {
        let facts = Facts {
            signature: Signature::None,
            ..tc(ttq(0, 0x40), Some([0x20, 0]))
        };
        assert_eq!(decide(&facts), NO_CVM);
    }

    #[test]
    fn listed_cards() {
        let listed = |facts| {
            decide(&Facts {
                listed: true,
                ..facts
            })
        };
        let free = ttq(0, 0);
        assert_eq!(listed(tc(free, None)), Decision::Decline(Reason::OnExceptionFile));
        assert_eq!(listed(arqc(free, None)), Decision::Online(Cvm::None));
    }

    #[test]
    fn expiry() {
        let expired = |facts| Facts {
            expired: true,
            ..facts
        };
        assert_eq!(
            decide(&expired(tc(ttq(0, 0), Some([0x08, 0])))),
            Decision::Online(Cvm::None)
        );
        for facts in [
            tc(ttq(0, 0), Some([0, 0])),
            tc(ttq(0, 0), None),
            tc(ttq(0x08, 0), Some([0x08, 0])),
        ] {
            assert_eq!(decide(&expired(facts)), Decision::Decline(Reason::Expired));
        }
        assert_eq!(
            decide(&expired(arqc(ttq(0, 0), None))),
            Decision::Online(Cvm::None)
        );
    }

    #[test]
    fn approvals_that_go_online() {
        assert_eq!(decide(&tc(ttq(0, 0), None)), Decision::Approve(Cvm::None));
        assert_eq!(decide(&tc(ttq(0, 0x80), None)), Decision::Online(Cvm::None));
        assert_eq!(
            decide(&tc(ttq(PIN, 0), Some([0x80, 0]))),
            Decision::Online(Cvm::OnlinePin)
        );
    }

    #[test]
    fn approvals_that_cannot_be_authenticated() {
        let failed = |ttq, ctq| Facts {
            signature: Signature::None,
            ..tc(ttq, Some(ctq))
        };
        assert_eq!(decide(&failed(ttq(0, 0), [0x20, 0])), Decision::Online(Cvm::None));
        assert_eq!(decide(&failed(ttq(0x10, 0), [0x10, 0])), Decision::OtherInterface);
        for facts in [failed(ttq(0, 0), [0x10, 0]), failed(ttq(0x10, 0), [0, 0])] {
            assert_eq!(decide(&facts), Decision::Decline(Reason::NotAuthenticated));
        }
        let card_only = Facts {
            signature: Signature::Card,
            ..tc(ttq(0, 0), None)
        };
        assert_eq!(decide(&card_only), Decision::Approve(Cvm::None));
    }

    #[test]
    fn without_card_qualifiers_signature_goes_first() {
        assert_eq!(
            decide(&arqc(ttq(PIN | SIGN, 0), None)),
            Decision::Online(Cvm::None)
        );
        assert_eq!(
            decide(&arqc(ttq(PIN | SIGN, 0x40), None)),
            Decision::Online(Cvm::Signature)
        );
        assert_eq!(
            decide(&arqc(ttq(PIN, 0x40), None)),
            Decision::Online(Cvm::OnlinePin)
        );
        assert_eq!(decide(&arqc(ttq(0, 0x40), None)), NO_CVM);
    }

    #[test]
    fn online_pin_goes_first() {
        assert_eq!(
            decide(&arqc(ttq(PIN | SIGN, 0), Some([0xC0, 0x80]))),
            Decision::Online(Cvm::OnlinePin)
        );
    }

    #[test]
    fn verified_on_the_device() {
        let ctq = [0x00, 0x80];
        let with = |facts, data| Facts {
            card_authentication: Some(data),
            ..facts
        };
        assert_eq!(
            decide(&arqc(ttq(0, 0), Some(ctq))),
            Decision::Online(Cvm::OnDevice)
        );
        assert_eq!(
            decide(&tc(ttq(0, 0), Some(ctq))),
            Decision::Decline(Reason::VerificationNotProven)
        );
        assert_eq!(
            decide(&with(tc(ttq(0, 0), Some(ctq)), &[1, 9, 9, 9, 9, 0x00, 0x80, 0])),
            Decision::Approve(Cvm::OnDevice)
        );
        for other in [
            &[1, 9, 9, 9, 9, 0x00, 0x00, 0][..],
            &[1, 9, 9, 9, 0x00, 0x80, 0, 0],
            &[1, 9, 9, 9, 9, 0x00],
        ] {
            assert_eq!(
                decide(&with(arqc(ttq(0, 0), Some(ctq)), other)),
                Decision::Decline(Reason::VerificationNotProven)
            );
        }
    }

    #[test]
    fn an_unsigned_claim_above_the_limit_is_none() {
        let ctq = Some([0x00, 0x80]);
        assert_eq!(decide(&arqc(ttq(0, 0x40), ctq)), NO_CVM);
        let signed = |signature| Facts {
            signature,
            card_authentication: Some(&[1, 9, 9, 9, 9, 0x00, 0x80, 0]),
            ..arqc(ttq(0, 0x40), ctq)
        };
        assert_eq!(decide(&signed(Signature::Card)), NO_CVM);
        assert_eq!(
            decide(&signed(Signature::CardAndQualifiers)),
            Decision::Online(Cvm::OnDevice)
        );
        assert_eq!(
            decide(&arqc(ttq(SIGN, 0x40), Some([0x40, 0x80]))),
            Decision::Online(Cvm::Signature)
        );
    }

    #[test]
    fn signature() {
        assert_eq!(
            decide(&arqc(ttq(SIGN, 0), Some([0x40, 0]))),
            Decision::Online(Cvm::Signature)
        );
        assert_eq!(decide(&arqc(ttq(0, 0), Some([0x40, 0]))), NO_CVM);
    }

    #[test]
    fn nothing_left() {
        assert_eq!(
            decide(&arqc(ttq(0, 0), Some([0, 0]))),
            Decision::Online(Cvm::None)
        );
        assert_eq!(decide(&arqc(ttq(0, 0x40), Some([0, 0]))), NO_CVM);
        assert_eq!(
            decide(&arqc(ttq(0, 0), Some([0x80, 0]))),
            NO_CVM,
            "a PIN was asked for"
        );
    }
}
