//! What kernel 6 decides once everything is read.

use crate::outcome::{Cvm, Reason};

/// What the card answered with (9F27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cryptogram {
    Aac,
    Tc,
    Arqc,
}

impl Cryptogram {
    pub(super) const fn of(information: u8) -> Option<Self> {
        match information >> 6 {
            0 => Some(Self::Aac),
            1 => Some(Self::Tc),
            2 => Some(Self::Arqc),
            _ => None,
        }
    }
}

/// 9F66.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ttq(pub(super) [u8; 4]);

impl Ttq {
    const fn stripe(self) -> bool {
        self.0[0] & 0x80 != 0
    }

    const fn contact(self) -> bool {
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

    const fn online_required(self) -> bool {
        self.0[1] & 0x80 != 0
    }

    const fn cvm_required(self) -> bool {
        self.0[1] & 0x40 != 0
    }

    const fn on_device(self) -> bool {
        self.0[2] & 0x40 != 0
    }
}

/// 9F71, card processing requirements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requirements(pub(super) [u8; 2]);

impl Requirements {
    const fn online_pin(self) -> bool {
        self.0[0] & 0x80 != 0
    }

    const fn signature(self) -> bool {
        self.0[0] & 0x40 != 0
    }

    const fn verified_on_device(self) -> bool {
        self.0[0] & 0x10 != 0
    }

    const fn switch_if_offline_only(self) -> bool {
        self.0[1] & 0x80 != 0
    }

    const fn online_if_oda_failed(self) -> bool {
        self.0[1] & 0x40 != 0
    }

    const fn switch_if_oda_failed(self) -> bool {
        self.0[1] & 0x20 != 0
    }

    const fn online_if_expired(self) -> bool {
        self.0[1] & 0x08 != 0
    }

    const fn decline_if_expired(self) -> bool {
        self.0[1] & 0x04 != 0
    }

    const fn fallback_signature(self) -> bool {
        self.0[1] & 0x02 != 0
    }

    const fn fallback_none(self) -> bool {
        self.0[1] & 0x01 != 0
    }
}

/// Everything the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) cryptogram: Cryptogram,
    pub(super) ttq: Ttq,
    pub(super) requirements: Requirements,
    /// Byte 2 of the card verification results: bit 2 verified on the device, bit 1 that failed.
    pub(super) device_result: u8,
    /// An approval's combined signature does not hold.
    pub(super) oda_failed: bool,
    /// Whether there is a cryptogram that can be sent to the issuer.
    pub(super) cryptogram_known: bool,
    pub(super) service_refused: bool,
    /// On the exception file.
    pub(super) listed: bool,
    pub(super) expired: bool,
    pub(super) not_yet_effective: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Approve(Cvm),
    Online(Cvm),
    Decline(Reason),
    OtherInterface(Reason),
    End(Reason),
}

/// Verification first, then the analysis.
pub(super) fn decide(facts: &Facts) -> Decision {
    match (facts.cryptogram, verification(facts)) {
        (Cryptogram::Aac, _) => Decision::Decline(Reason::CardDeclined),
        (_, Err(decision)) => decision,
        (_, Ok(cvm)) => analyse(facts, cvm),
    }
}

// Rule C6-CVM: where TTQ B2b7 or the card (9F71 B1 b8, b7) wants verification: PIN, signature, the customer's device,
// each where card and reader both have it; then the card's fallbacks, signature and none. Nothing left: another
// interface if the reader has one (TTQ B1b8, b5), else END APPLICATION.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c6::decision::tests::verification_in_its_order,
// kernel::c6::decision::tests::fallbacks, kernel::c6::decision::tests::nothing_left; evidence: own]
fn verification(facts: &Facts) -> Result<Cvm, Decision> {
    let (ttq, card) = (facts.ttq, facts.requirements);
    if !(ttq.cvm_required() || card.online_pin() || card.signature()) {
        return Ok(Cvm::None);
    }
    // Rule C6-CVM-DEVICE: verification on the device counts by byte 2 of the card verification results: bit 2 done,
    // unless bit 1 says that it failed. Those results are part of 9F10, so an approval's signature covers them, and the
    // issuer finds them under its cryptogram.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c6::decision::tests::verified_on_the_device,
    // softpos-cards::attacks::plastic_that_claims_to_be_a_verified_device; evidence: own]
    let on_device = card.verified_on_device() && ttq.on_device() && facts.device_result & 0x03 == 0x02;
    if card.online_pin() && ttq.online_pin() {
        Ok(Cvm::OnlinePin)
    } else if card.signature() && ttq.signature() {
        Ok(Cvm::Signature)
    } else if on_device {
        Ok(Cvm::OnDevice)
    } else if card.fallback_signature() && ttq.signature() {
        Ok(Cvm::Signature)
    } else if card.fallback_none() {
        Ok(Cvm::None)
    } else if ttq.stripe() || ttq.contact() {
        Err(Decision::OtherInterface(Reason::NoVerification))
    } else {
        Err(Decision::End(Reason::NoVerification))
    }
}

// Rule C6-TAA: in this order: AAC; failed signature by 9F71 B2 b7, b6; service refused; expired by 9F71 B2 b4, b3; not
// yet effective goes online; an approval where TTQ B2b8 wants the issuer is declined; ARQC online, TC approved.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c6::decision::tests::analysis_in_its_order,
// kernel::c6::decision::tests::a_failed_signature, kernel::c6::decision::tests::expiry; evidence: own]
fn analyse(facts: &Facts, cvm: Cvm) -> Decision {
    let card = facts.requirements;
    if facts.oda_failed {
        return if card.online_if_oda_failed() {
            online(facts, cvm, Reason::NotAuthenticated)
        } else if card.switch_if_oda_failed() && facts.ttq.contact() {
            Decision::OtherInterface(Reason::NotAuthenticated)
        } else {
            Decision::Decline(Reason::NotAuthenticated)
        };
    }
    if facts.service_refused {
        return Decision::Decline(Reason::UsageForbidden);
    }
    // Rule C6-EXCEPTION: a card on the exception file is declined, whatever it answered.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c6::decision::tests::analysis_in_its_order,
    // kernel::c6::tests::a_card_on_the_exception_file; evidence: own]
    if facts.listed {
        return Decision::Decline(Reason::OnExceptionFile);
    }
    if facts.expired {
        if card.online_if_expired() {
            return online(facts, cvm, Reason::Expired);
        }
        // Rule C6-EXPIRED-TC: an expired card that approves and says nothing about expiry is declined.
        // [source: inference; test: kernel::c6::decision::tests::expiry,
        // softpos-cards::matrix::what_each_kernel_makes_of_an_expired_card_that_approves; evidence: own]
        if card.decline_if_expired() || facts.cryptogram == Cryptogram::Tc {
            return Decision::Decline(Reason::Expired);
        }
    }
    if facts.not_yet_effective {
        return online(facts, cvm, Reason::DataConflict);
    }
    match facts.cryptogram {
        Cryptogram::Aac => Decision::Decline(Reason::CardDeclined),
        Cryptogram::Arqc => online(facts, cvm, Reason::OnlineUnable),
        Cryptogram::Tc if facts.ttq.online_required() || cvm == Cvm::OnlinePin => {
            Decision::Decline(Reason::DataConflict)
        }
        Cryptogram::Tc => Decision::Approve(cvm),
    }
}

// Rule C6-OFFLINE-ONLY: what should go online on an offline-only reader (TTQ B1b4) goes to another interface if 9F71
// B2b8 says so, else it is declined.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c6::decision::tests::an_offline_only_reader;
// evidence: own]
// Rule C6-NO-CRYPTOGRAM: an approval whose cryptogram cannot be believed is not sent to the issuer but declined.
// [source: inference; test: kernel::c6::decision::tests::a_failed_signature; evidence: own]
fn online(facts: &Facts, cvm: Cvm, reason: Reason) -> Decision {
    if !facts.cryptogram_known {
        Decision::Decline(reason)
    } else if !facts.ttq.offline_only() {
        Decision::Online(cvm)
    } else if facts.requirements.switch_if_offline_only() {
        Decision::OtherInterface(reason)
    } else {
        Decision::Decline(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIN: u8 = 0x04;
    const SIGN: u8 = 0x02;
    const CVM: u8 = 0x40;

    fn ttq(first: u8, second: u8) -> Ttq {
        Ttq([0x20 | first, second, 0x40, 0])
    }

    fn arqc(ttq: Ttq, requirements: [u8; 2]) -> Facts {
        Facts {
            cryptogram: Cryptogram::Arqc,
            ttq,
            requirements: Requirements(requirements),
            device_result: 0,
            oda_failed: false,
            cryptogram_known: true,
            service_refused: false,
            listed: false,
            expired: false,
            not_yet_effective: false,
        }
    }

    fn tc(ttq: Ttq, requirements: [u8; 2]) -> Facts {
        Facts {
            cryptogram: Cryptogram::Tc,
            ..arqc(ttq, requirements)
        }
    }

    #[test]
    fn types() {
        assert_eq!(Cryptogram::of(0x00), Some(Cryptogram::Aac));
        assert_eq!(Cryptogram::of(0x40), Some(Cryptogram::Tc));
        assert_eq!(Cryptogram::of(0x80), Some(Cryptogram::Arqc));
        assert_eq!(Cryptogram::of(0xC0), None);
    }

    #[test]
    fn verification_in_its_order() {
        let cvm = |ttq, requirements| decide(&arqc(ttq, requirements));
        assert_eq!(cvm(ttq(PIN | SIGN, 0), [0, 0x0F]), Decision::Online(Cvm::None));
        assert_eq!(
            cvm(ttq(PIN | SIGN, 0), [0xC0, 0]),
            Decision::Online(Cvm::OnlinePin)
        );
        assert_eq!(cvm(ttq(SIGN, 0), [0xC0, 0]), Decision::Online(Cvm::Signature));
        assert_eq!(cvm(ttq(PIN, 0), [0x40, 0x01]), Decision::Online(Cvm::None));
    }

    #[test]
    fn verified_on_the_device() {
        let with = |device_result| {
            decide(&Facts {
                device_result,
                ..arqc(ttq(0, CVM), [0x10, 0])
            })
        };
        assert_eq!(with(0x02), Decision::Online(Cvm::OnDevice));
        for other in [0x00, 0x01, 0x03] {
            assert_eq!(with(other), Decision::End(Reason::NoVerification));
        }
        let reader_cannot = Facts {
            device_result: 0x02,
            ..arqc(Ttq([0x20, CVM, 0, 0]), [0x10, 0])
        };
        assert_eq!(decide(&reader_cannot), Decision::End(Reason::NoVerification));
    }

    #[test]
    fn fallbacks() {
        assert_eq!(
            decide(&arqc(ttq(SIGN, CVM), [0, 0x03])),
            Decision::Online(Cvm::Signature)
        );
        assert_eq!(
            decide(&arqc(ttq(PIN, CVM), [0, 0x03])),
            Decision::Online(Cvm::None)
        );
    }

    #[test]
    fn nothing_left() {
        let none = |first| decide(&arqc(ttq(first, CVM), [0, 0]));
        assert_eq!(none(0), Decision::End(Reason::NoVerification));
        for first in [0x80, 0x10] {
            assert_eq!(none(first), Decision::OtherInterface(Reason::NoVerification));
        }
    }

    #[test]
    fn analysis_in_its_order() {
        let aac = Facts {
            cryptogram: Cryptogram::Aac,
            oda_failed: true,
            ..arqc(ttq(0, CVM), [0, 0x40])
        };
        assert_eq!(decide(&aac), Decision::Decline(Reason::CardDeclined));
        let refused = Facts {
            service_refused: true,
            expired: true,
            ..arqc(ttq(0, 0), [0, 0x08])
        };
        assert_eq!(decide(&refused), Decision::Decline(Reason::UsageForbidden));
        let listed = Facts {
            listed: true,
            expired: true,
            ..arqc(ttq(0, 0), [0, 0x08])
        };
        assert_eq!(decide(&listed), Decision::Decline(Reason::OnExceptionFile));
        let early = Facts {
            not_yet_effective: true,
            ..tc(ttq(0, 0), [0, 0])
        };
        assert_eq!(decide(&early), Decision::Online(Cvm::None));
        assert_eq!(decide(&tc(ttq(0, 0), [0, 0])), Decision::Approve(Cvm::None));
        assert_eq!(
            decide(&tc(ttq(0, 0x80), [0, 0])),
            Decision::Decline(Reason::DataConflict)
        );
        assert_eq!(decide(&arqc(ttq(0, 0x80), [0, 0])), Decision::Online(Cvm::None));
        assert_eq!(
            decide(&tc(ttq(PIN, 0), [0x80, 0])),
            Decision::Decline(Reason::DataConflict),
            "nobody could check the PIN"
        );
    }

    #[test]
    fn a_failed_signature() {
        let failed = |first, second, cryptogram_known| {
            decide(&Facts {
                oda_failed: true,
                cryptogram_known,
                ..tc(ttq(first, 0), [0, second])
            })
        };
        assert_eq!(failed(0, 0x40, true), Decision::Online(Cvm::None));
        assert_eq!(
            failed(0, 0x40, false),
            Decision::Decline(Reason::NotAuthenticated)
        );
        assert_eq!(
            failed(0x10, 0x20, false),
            Decision::OtherInterface(Reason::NotAuthenticated)
        );
        assert_eq!(
            failed(0, 0x20, false),
            Decision::Decline(Reason::NotAuthenticated)
        );
        assert_eq!(
            failed(0x10, 0x00, true),
            Decision::Decline(Reason::NotAuthenticated)
        );
    }

    #[test]
    fn expiry() {
        let expired = |facts| {
            decide(&Facts {
                expired: true,
                ..facts
            })
        };
        assert_eq!(expired(arqc(ttq(0, 0), [0, 0x08])), Decision::Online(Cvm::None));
        assert_eq!(expired(tc(ttq(0, 0), [0, 0x08])), Decision::Online(Cvm::None));
        assert_eq!(
            expired(arqc(ttq(0, 0), [0, 0x04])),
            Decision::Decline(Reason::Expired)
        );
        assert_eq!(expired(arqc(ttq(0, 0), [0, 0])), Decision::Online(Cvm::None));
        assert_eq!(expired(tc(ttq(0, 0), [0, 0])), Decision::Decline(Reason::Expired));
    }

    #[test]
    fn an_offline_only_reader() {
        assert_eq!(
            decide(&arqc(ttq(0x08, 0), [0, 0x80])),
            Decision::OtherInterface(Reason::OnlineUnable)
        );
        assert_eq!(
            decide(&arqc(ttq(0x08, 0), [0, 0])),
            Decision::Decline(Reason::OnlineUnable)
        );
        assert_eq!(decide(&tc(ttq(0x08, 0), [0, 0])), Decision::Approve(Cvm::None));
    }
}
