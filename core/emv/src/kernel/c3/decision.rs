//! What kernel 3 decides once everything is read: online, decline or another interface, and the verification.

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Online(Cvm),
    Decline(Reason),
    OtherInterface,
}

/// Cryptogram type first, then for an offline approval expiry and authentication, then verification.
pub(super) fn decide(facts: &Facts<'_>) -> Decision {
    match facts.cryptogram {
        Cryptogram::Aac => Decision::Decline(Reason::CardDeclined),
        Cryptogram::Arqc => verified(facts),
        Cryptogram::Tc if Ttq(facts.ttq).online_required() => verified(facts),
        Cryptogram::Tc => offline(facts),
    }
}

/// An approval by the card alone. Without dynamic authentication it counts as failed authentication.
fn offline(facts: &Facts<'_>) -> Decision {
    let ttq = Ttq(facts.ttq);
    let ctq = Ctq(facts.ctq.unwrap_or_default());
    if facts.expired {
        return if ctq.online_if_expired() && !ttq.offline_only() {
            verified(facts)
        } else {
            Decision::Decline(Reason::Expired)
        };
    }
    if ctq.online_if_oda_fails() && !ttq.offline_only() {
        verified(facts)
    } else if ctq.contact_if_oda_fails() && ttq.contact() {
        Decision::OtherInterface
    } else {
        Decision::Decline(Reason::NotAuthenticated)
    }
}

fn verified(facts: &Facts<'_>) -> Decision {
    match verification(facts) {
        Ok(cvm) => Decision::Online(cvm),
        Err(reason) => Decision::Decline(reason),
    }
}

/// 5.7: the first rule that matches.
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
            // The qualifiers of an online card are not authenticated, and a wedge can set the bit on a stolen
            // card: above the limit the claim counts as no verification. Below it nothing depends on it.
            Some(_) | None if ttq.cvm_required() => {}
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
    fn a_declining_card_is_declined_whatever_else_it_says() {
        let facts = Facts {
            cryptogram: Cryptogram::Aac,
            ..arqc(PHONE, Some([0x80, 0x80]))
        };
        assert_eq!(decide(&facts), Decision::Decline(Reason::CardDeclined));
    }

    #[test]
    fn offline_approval_goes_online_where_required() {
        let tc = |ttq, ctq| Facts {
            cryptogram: Cryptogram::Tc,
            ..arqc(ttq, ctq)
        };
        assert_eq!(decide(&tc(PHONE, None)), Decision::Online(Cvm::None));
        let free = offline_allowed(PHONE);
        assert_eq!(
            decide(&tc(free, None)),
            Decision::Decline(Reason::NotAuthenticated)
        );
        assert_eq!(decide(&tc(free, Some([0x20, 0]))), Decision::Online(Cvm::None));
        assert_eq!(
            decide(&tc([0x29, 0, 0x40, 0], Some([0x20, 0]))),
            Decision::Decline(Reason::NotAuthenticated)
        );
        assert_eq!(
            decide(&tc(free, Some([0x10, 0]))),
            Decision::Decline(Reason::NotAuthenticated),
            "no contact interface to switch to"
        );
        assert_eq!(
            decide(&tc([0x31, 0, 0x40, 0], Some([0x10, 0]))),
            Decision::OtherInterface
        );
    }

    #[test]
    fn expiry_counts_for_offline_approvals_only() {
        let facts = |cryptogram, ctq| Facts {
            cryptogram,
            expired: true,
            ..arqc(offline_allowed(PHONE), ctq)
        };
        assert_eq!(
            decide(&facts(Cryptogram::Tc, Some([0x08, 0]))),
            Decision::Online(Cvm::None)
        );
        assert_eq!(
            decide(&facts(Cryptogram::Tc, Some([0x20, 0]))),
            Decision::Decline(Reason::Expired)
        );
        assert_eq!(
            decide(&facts(Cryptogram::Arqc, None)),
            Decision::Online(Cvm::None)
        );
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
