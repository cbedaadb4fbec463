//! What kernel 3 decides once everything is read: approval, online, decline or another interface, and the
//! verification.

use super::qualifiers::{Ctq, Ttq};
use crate::outcome::{Cvm, Reason};

/// What the card answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cryptogram {
    /// Declined.
    Aac,
    /// Approved offline.
    Tc,
    /// Asks the issuer.
    Arqc,
}

impl Cryptogram {
    // Rule C3-TYPE-2: without 9F27 the type is in bits 6 and 5 of the fifth byte of 9F10.
    // [source: foreign vector, mock-visa-offline; test: kernel::c3::decision::tests::cryptogram_type;
    // evidence: foreign mock-visa-offline]
    /// From 9F27, else from bits 6 and 5 of the issuer application data's fifth byte.
    pub(super) fn of(information: Option<&[u8]>, iad: &[u8]) -> Option<Self> {
        let bits = match information {
            Some(&[information]) => information >> 6,
            Some(_) => return None,
            None => (iad.get(4)? >> 4) & 3,
        };
        match bits {
            0 => Some(Self::Aac),
            1 => Some(Self::Tc),
            2 => Some(Self::Arqc),
            _ => None,
        }
    }

    /// 9F27 of this type.
    pub(super) const fn information(self) -> u8 {
        match self {
            Self::Aac => 0x00,
            Self::Tc => 0x40,
            Self::Arqc => 0x80,
        }
    }
}

/// Everything the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) cryptogram: Cryptogram,
    pub(super) ttq: [u8; 4],
    pub(super) ctq: Option<[u8; 2]>,
    /// 9F69.
    pub(super) card_authentication: Option<&'a [u8]>,
    pub(super) expired: bool,
    /// On the exception file.
    pub(super) listed: bool,
    pub(super) usage: Usage,
    pub(super) authenticated: Authenticated,
}

/// What the application's usage control (9F07) says about this kind of payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    Allowed,
    CashForbidden,
    CashbackForbidden,
}

/// What offline data authentication proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authenticated {
    /// Nothing: it failed, or neither side can do it.
    Nothing,
    /// The card's data, and with fDDA that the card is there; its qualifiers (9F6C) are not covered.
    Card,
    /// fDDA version 01: the card signed 9F69 for this payment, and with it the qualifiers.
    Qualifiers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Approve(Cvm),
    Online(Cvm),
    Decline(Reason),
    OtherInterface(Reason),
}

/// Cryptogram type first, then for an offline approval the restrictions and authentication, then verification.
///
// Rule C3-TYPE-1: AAC is a decline; ARQC goes online, and TC too where the reader requires an online cryptogram.
// [source: peer, danhu and DCEMV; test: kernel::c3::decision::tests::card_declines,
// kernel::c3::decision::tests::online_by_the_card_and_by_the_reader; evidence: foreign mock-visa-offline]
pub(super) fn decide(facts: &Facts<'_>) -> Decision {
    match facts.cryptogram {
        Cryptogram::Aac => Decision::Decline(Reason::CardDeclined),
        Cryptogram::Arqc => online(facts),
        Cryptogram::Tc if Ttq(facts.ttq).online_required() => online(facts),
        Cryptogram::Tc => offline(facts),
    }
}

/// An approval by the card alone.
///
// Rule C3-RESTRICT-1: expiry, usage control and authentication are checked for offline approvals; what goes online
// is the issuer's to judge.
// [source: peer, DCEMV (danhu checks usage always); test:
// kernel::c3::decision::tests::restrictions_count_for_offline_approvals_only,
// softpos-cards::matrix::what_each_kernel_makes_of_an_expired_card_that_approves; evidence: own]
fn offline(facts: &Facts<'_>) -> Decision {
    let ttq = Ttq(facts.ttq);
    let ctq = Ctq(facts.ctq.unwrap_or_default());
    if facts.expired {
        return if ctq.online_if_expired() && !ttq.offline_only() {
            online(facts)
        } else {
            Decision::Decline(Reason::Expired)
        };
    }
    // Rule C3-EXCEPTION: a card on the exception file that approves by itself is declined; what goes online is the
    // issuer's to judge.
    // [source: peer, danhu and DCEMV; test: kernel::c3::decision::tests::listed_cards,
    // kernel::tests::kernel_3_declines_the_approval_of_a_listed_card; evidence: own]
    if facts.listed {
        return Decision::Decline(Reason::OnExceptionFile);
    }
    let switch = match facts.usage {
        Usage::Allowed => None,
        Usage::CashForbidden => Some(ctq.contact_for_cash()),
        Usage::CashbackForbidden => Some(ctq.contact_for_cashback()),
    };
    if let Some(switch) = switch {
        return if switch && ttq.contact() {
            Decision::OtherInterface(Reason::UsageForbidden)
        } else {
            Decision::Decline(Reason::UsageForbidden)
        };
    }
    if facts.authenticated == Authenticated::Nothing {
        return unauthenticated(facts);
    }
    match verification(facts) {
        // A PIN is checked by the issuer, so the payment goes there whatever the card approved.
        Ok(Cvm::OnlinePin) => online(facts),
        Ok(cvm) => Decision::Approve(cvm),
        Err(reason) => Decision::Decline(reason),
    }
}

// Rule C3-ODA-FAIL-1: where authentication fails the card's qualifiers choose: online, contact, else decline.
// [source: peer, danhu and DCEMV; test: kernel::c3::decision::tests::offline_approval_without_authentication;
// evidence: own]
fn unauthenticated(facts: &Facts<'_>) -> Decision {
    let ttq = Ttq(facts.ttq);
    let ctq = Ctq(facts.ctq.unwrap_or_default());
    if ctq.online_if_oda_fails() && !ttq.offline_only() {
        online(facts)
    } else if ctq.contact_if_oda_fails() && ttq.contact() {
        Decision::OtherInterface(Reason::NotAuthenticated)
    } else {
        Decision::Decline(Reason::NotAuthenticated)
    }
}

/// To the issuer, which a reader that is offline only cannot reach (inference).
fn online(facts: &Facts<'_>) -> Decision {
    if Ttq(facts.ttq).offline_only() {
        return Decision::Decline(Reason::OnlineUnable);
    }
    match verification(facts) {
        Ok(cvm) => Decision::Online(cvm),
        Err(reason) => Decision::Decline(reason),
    }
}

/// 5.7: the first rule that matches.
///
// Rule C3-CVM-1: without card qualifiers and with verification required: signature, else online PIN where the reader
// has PIN and CDCVM, else decline.
// [source: peer, danhu and DCEMV; test: kernel::c3::decision::tests::without_card_qualifiers; evidence: own]
// Rule C3-CVM-2: with card qualifiers: online PIN, CDCVM, signature, each where both sides can; nothing left and
// verification required is a decline.
// [source: peer, danhu and DCEMV; test: kernel::c3::decision::tests::online_pin_where_both_can,
// kernel::c3::decision::tests::signature_where_both_can; evidence: foreign mock-visa-offline]
// Rule C3-CVM-3: CDCVM holds if bytes 6 and 7 of 9F69 equal 9F6C; without 9F69 only next to an ARQC.
// [source: peer, danhu and DCEMV; test: kernel::c3::decision::tests::verified_on_the_device; evidence: own]
// Rule C3-CVM-4: above the limit CDCVM counts only if fDDA covers the qualifiers.
// [source: general knowledge, EMVrace; test:
// kernel::c3::decision::tests::an_unauthenticated_claim_above_the_limit_counts_as_none; evidence: own]
fn verification(facts: &Facts<'_>) -> Result<Cvm, Reason> {
    let ttq = Ttq(facts.ttq);
    let Some(ctq) = facts.ctq else {
        return if !ttq.cvm_required() {
            Ok(Cvm::None)
        } else if ttq.signature() {
            Ok(Cvm::Signature)
        } else if ttq.online_pin() && ttq.on_device() {
            Ok(Cvm::OnlinePin)
        } else {
            Err(Reason::NoVerification)
        };
    };
    let bits = Ctq(ctq);
    if bits.online_pin() && ttq.online_pin() {
        return Ok(Cvm::OnlinePin);
    }
    if bits.verified_on_device() && ttq.on_device() {
        match facts.card_authentication {
            Some(data) if data.get(5..7) != Some(&ctq[..]) => return Err(Reason::VerificationNotProven),
            None if facts.cryptogram != Cryptogram::Arqc => return Err(Reason::VerificationNotProven),
            // A wedge can set the bit on a stolen card. What the card did not sign for this payment counts as no
            // verification where one is needed; below the limit nothing depends on it.
            Some(_) | None if ttq.cvm_required() && facts.authenticated != Authenticated::Qualifiers => {}
            Some(_) | None => return Ok(Cvm::OnDevice),
        }
    }
    if bits.signature() && ttq.signature() {
        return Ok(Cvm::Signature);
    }
    if ttq.cvm_required() {
        Err(Reason::NoVerification)
    } else {
        Ok(Cvm::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: [u8; 4] = [0x21, 0x80, 0x40, 0];
    const PHONE_PIN: [u8; 4] = [0x25, 0x80, 0x40, 0];
    const SIGNING: [u8; 4] = [0x23, 0x80, 0x40, 0];
    const CVM_REQUIRED: u8 = 0x40;

    fn arqc(ttq: [u8; 4], ctq: Option<[u8; 2]>) -> Facts<'static> {
        Facts {
            cryptogram: Cryptogram::Arqc,
            ttq,
            ctq,
            card_authentication: None,
            expired: false,
            listed: false,
            usage: Usage::Allowed,
            authenticated: Authenticated::Nothing,
        }
    }

    fn above(mut ttq: [u8; 4]) -> [u8; 4] {
        ttq[1] |= CVM_REQUIRED;
        ttq
    }

    fn offline_allowed(mut ttq: [u8; 4]) -> [u8; 4] {
        ttq[1] = 0;
        ttq
    }

    #[test]
    fn cryptogram_type() {
        let iad = |byte| [0x06, 1, 0x11, 0x03, byte, 0, 0];
        assert_eq!(Cryptogram::of(None, &iad(0xA0)), Some(Cryptogram::Arqc));
        assert_eq!(Cryptogram::of(None, &iad(0x90)), Some(Cryptogram::Tc));
        assert_eq!(Cryptogram::of(None, &iad(0x80)), Some(Cryptogram::Aac));
        assert_eq!(Cryptogram::of(None, &iad(0xB0)), None);
        assert_eq!(Cryptogram::of(None, &[6, 1, 0x11, 3]), None);
        assert_eq!(
            Cryptogram::of(Some(&[0x80]), &iad(0x90)),
            Some(Cryptogram::Arqc),
            "9F27 goes first"
        );
        assert_eq!(Cryptogram::of(Some(&[0xC0]), &iad(0x90)), None);
        assert_eq!(Cryptogram::of(Some(&[]), &iad(0x90)), None);
        for one in [Cryptogram::Aac, Cryptogram::Tc, Cryptogram::Arqc] {
            assert_eq!(Cryptogram::of(Some(&[one.information()]), &[]), Some(one));
        }
    }

    #[test]
    fn card_declines() {
        let facts = Facts {
            cryptogram: Cryptogram::Aac,
            authenticated: Authenticated::Qualifiers,
            ..arqc(PHONE, Some([0x80, 0x80]))
        };
        assert_eq!(decide(&facts), Decision::Decline(Reason::CardDeclined));
    }

    /// An offline approval that everything allows.
    fn tc(ttq: [u8; 4], ctq: Option<[u8; 2]>) -> Facts<'static> {
        Facts {
            cryptogram: Cryptogram::Tc,
            authenticated: Authenticated::Card,
            ..arqc(ttq, ctq)
        }
    }

    #[test]
    fn online_by_the_card_and_by_the_reader() {
        assert_eq!(decide(&arqc(PHONE, None)), Decision::Online(Cvm::None));
        assert_eq!(decide(&tc(PHONE, None)), Decision::Online(Cvm::None));
        let free = offline_allowed(PHONE);
        assert_eq!(decide(&arqc(free, None)), Decision::Online(Cvm::None));
        assert_eq!(decide(&tc(free, None)), Decision::Approve(Cvm::None));
    }

    #[test]
    fn offline_approvals_are_verified_as_online_ones() {
        let free = |ttq: [u8; 4]| offline_allowed(ttq);
        let with_cvm = |ttq: [u8; 4]| above(offline_allowed(ttq));
        assert_eq!(
            decide(&tc(with_cvm(SIGNING), Some([0x40, 0]))),
            Decision::Approve(Cvm::Signature)
        );
        assert_eq!(
            decide(&tc(with_cvm(PHONE), Some([0, 0]))),
            Decision::Decline(Reason::NoVerification)
        );
        assert_eq!(
            decide(&tc(free(PHONE_PIN), Some([0x80, 0]))),
            Decision::Online(Cvm::OnlinePin),
            "only the issuer can check a PIN"
        );
        let on_device = Facts {
            card_authentication: Some(&[1, 9, 9, 9, 9, 0x00, 0x80]),
            authenticated: Authenticated::Qualifiers,
            ..tc(with_cvm(PHONE), Some([0x00, 0x80]))
        };
        assert_eq!(decide(&on_device), Decision::Approve(Cvm::OnDevice));
    }

    #[test]
    fn listed_cards() {
        let listed = |facts| {
            decide(&Facts {
                listed: true,
                ..facts
            })
        };
        let free = offline_allowed(PHONE);
        assert_eq!(
            listed(tc(free, Some([0xFF, 0]))),
            Decision::Decline(Reason::OnExceptionFile)
        );
        assert_eq!(listed(tc(PHONE, None)), Decision::Online(Cvm::None));
        assert_eq!(listed(arqc(free, None)), Decision::Online(Cvm::None));
        let expired = Facts {
            expired: true,
            ..tc(free, Some([0x08, 0]))
        };
        assert_eq!(listed(expired), Decision::Online(Cvm::None), "expiry goes first");
    }

    #[test]
    fn offline_approval_without_authentication() {
        let failed = |ttq, ctq| {
            decide(&Facts {
                authenticated: Authenticated::Nothing,
                ..tc(ttq, ctq)
            })
        };
        let free = offline_allowed(PHONE);
        let declined = Decision::Decline(Reason::NotAuthenticated);
        assert_eq!(failed(free, None), declined);
        assert_eq!(failed(free, Some([0x20, 0])), Decision::Online(Cvm::None));
        assert_eq!(
            failed(free, Some([0x30, 0])),
            Decision::Online(Cvm::None),
            "online goes first"
        );
        assert_eq!(
            failed([0x29, 0, 0x40, 0], Some([0x20, 0])),
            declined,
            "the reader is offline only"
        );
    }

    /// A peer switches although the reader has no contact interface; a phone never has one.
    #[test]
    fn no_switch_to_an_interface_that_is_not_there() {
        let failed = |ttq| {
            decide(&Facts {
                authenticated: Authenticated::Nothing,
                ..tc(ttq, Some([0x10, 0]))
            })
        };
        assert_eq!(
            failed(offline_allowed(PHONE)),
            Decision::Decline(Reason::NotAuthenticated)
        );
        assert_eq!(
            failed([0x31, 0, 0x40, 0]),
            Decision::OtherInterface(Reason::NotAuthenticated)
        );
    }

    #[test]
    fn a_reader_that_is_offline_only_asks_no_issuer() {
        let offline_only = [0x29, 0, 0x40, 0];
        assert_eq!(
            decide(&arqc(offline_only, None)),
            Decision::Decline(Reason::OnlineUnable)
        );
        assert_eq!(decide(&tc(offline_only, None)), Decision::Approve(Cvm::None));
    }

    #[test]
    fn restrictions_count_for_offline_approvals_only() {
        let free = offline_allowed(PHONE);
        let expired = |facts| Facts {
            expired: true,
            ..facts
        };
        assert_eq!(
            decide(&expired(tc(free, Some([0x08, 0])))),
            Decision::Online(Cvm::None)
        );
        assert_eq!(
            decide(&expired(tc(free, Some([0x20, 0])))),
            Decision::Decline(Reason::Expired)
        );
        assert_eq!(
            decide(&expired(tc([0x29, 0, 0x40, 0], Some([0x08, 0])))),
            Decision::Decline(Reason::Expired)
        );
        assert_eq!(decide(&expired(arqc(free, None))), Decision::Online(Cvm::None));
        let cash = |facts| Facts {
            usage: Usage::CashForbidden,
            ..facts
        };
        let forbidden = Decision::Decline(Reason::UsageForbidden);
        assert_eq!(decide(&cash(tc(free, None))), forbidden);
        assert_eq!(decide(&cash(tc(free, Some([0x04, 0])))), forbidden);
        assert_eq!(decide(&cash(tc([0x31, 0, 0x40, 0], Some([0x02, 0])))), forbidden);
        assert_eq!(
            decide(&cash(tc([0x31, 0, 0x40, 0], Some([0x04, 0])))),
            Decision::OtherInterface(Reason::UsageForbidden)
        );
        assert_eq!(
            decide(&Facts {
                usage: Usage::CashbackForbidden,
                ..tc([0x31, 0, 0x40, 0], Some([0x02, 0]))
            }),
            Decision::OtherInterface(Reason::UsageForbidden)
        );
        assert_eq!(decide(&cash(arqc(free, None))), Decision::Online(Cvm::None));
    }

    #[test]
    fn without_card_qualifiers() {
        assert_eq!(decide(&arqc(PHONE, None)), Decision::Online(Cvm::None));
        assert_eq!(
            decide(&arqc(above(SIGNING), None)),
            Decision::Online(Cvm::Signature)
        );
        assert_eq!(
            decide(&arqc(above(PHONE_PIN), None)),
            Decision::Online(Cvm::OnlinePin)
        );
        assert_eq!(
            decide(&arqc(above(PHONE), None)),
            Decision::Decline(Reason::NoVerification)
        );
        assert_eq!(
            decide(&arqc([0x25, 0xC0, 0, 0], None)),
            Decision::Decline(Reason::NoVerification)
        );
    }

    #[test]
    fn online_pin_where_both_can() {
        assert_eq!(
            decide(&arqc(PHONE_PIN, Some([0x80, 0]))),
            Decision::Online(Cvm::OnlinePin)
        );
        assert_eq!(decide(&arqc(PHONE, Some([0x80, 0]))), Decision::Online(Cvm::None));
        assert_eq!(
            decide(&arqc(above(PHONE), Some([0x80, 0]))),
            Decision::Decline(Reason::NoVerification)
        );
    }

    #[test]
    fn verified_on_the_device() {
        let ctq = Some([0x00, 0x80]);
        assert_eq!(decide(&arqc(PHONE, ctq)), Decision::Online(Cvm::OnDevice));
        let with = |data| Facts {
            card_authentication: Some(data),
            ..arqc(PHONE, ctq)
        };
        assert_eq!(
            decide(&with(&[1, 9, 9, 9, 9, 0x00, 0x80])),
            Decision::Online(Cvm::OnDevice)
        );
        for other in [
            &[1, 9, 9, 9, 9, 0x00, 0x00][..],
            &[1, 9, 9, 9, 0x00, 0x80, 0],
            &[1, 9, 9, 9, 9],
        ] {
            assert_eq!(
                decide(&with(other)),
                Decision::Decline(Reason::VerificationNotProven)
            );
        }
        let tc = Facts {
            cryptogram: Cryptogram::Tc,
            ..arqc(PHONE, ctq)
        };
        assert_eq!(decide(&tc), Decision::Decline(Reason::VerificationNotProven));
    }

    #[test]
    fn an_unauthenticated_claim_above_the_limit_counts_as_none() {
        let ctq = Some([0x00, 0x80]);
        assert_eq!(
            decide(&arqc(above(PHONE), ctq)),
            Decision::Decline(Reason::NoVerification)
        );
        assert_eq!(
            decide(&arqc(above(SIGNING), Some([0x40, 0x80]))),
            Decision::Online(Cvm::Signature)
        );
        let signed = |authenticated| {
            decide(&Facts {
                card_authentication: Some(&[1, 9, 9, 9, 9, 0x00, 0x80]),
                authenticated,
                ..arqc(above(PHONE), ctq)
            })
        };
        let none = Decision::Decline(Reason::NoVerification);
        assert_eq!(signed(Authenticated::Nothing), none);
        assert_eq!(signed(Authenticated::Card), none, "fDDA without the qualifiers");
        assert_eq!(signed(Authenticated::Qualifiers), Decision::Online(Cvm::OnDevice));
    }

    #[test]
    fn signature_where_both_can() {
        assert_eq!(
            decide(&arqc(SIGNING, Some([0x40, 0]))),
            Decision::Online(Cvm::Signature)
        );
        assert_eq!(decide(&arqc(PHONE, Some([0x40, 0]))), Decision::Online(Cvm::None));
    }
}
