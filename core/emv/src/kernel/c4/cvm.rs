//! Cardholder verification of kernel 4: the card's list, with codes of its own for customers' devices.

use softpos_wire::cvm_list::{CvmList, CvmRule};
use softpos_wire::tag;

use super::tags;
use crate::config::TerminalData;
use crate::data::CardData;
use crate::outcome::Cvm;

/// What the reader can do: 9F6E byte 2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Abilities(pub(super) u8);

impl Abilities {
    const fn on_device(self) -> bool {
        self.0 & 0x80 != 0
    }

    const fn online_pin(self) -> bool {
        self.0 & 0x40 != 0
    }

    const fn signature(self) -> bool {
        self.0 & 0x20 != 0
    }
}

/// How verification ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verified {
    /// By this method; 9F34 and the bits of TVR byte 3 that say so.
    By { cvm: Cvm, results: [u8; 3], tvr_3: u8 },
    /// The customer's device could not: look at it and present it again.
    SeePhone,
    /// No rule works: 9F34 is 3F0001, and these bits of TVR byte 3.
    Failed { tvr_3: u8 },
}

/// TVR byte 3: verification was not successful.
const CVM_FAILED: u8 = 0x80;
/// TVR byte 3: a method that this reader does not know.
const CVM_UNKNOWN: u8 = 0x40;
/// TVR byte 3: PIN for the issuer was or will be entered.
const ONLINE_PIN: u8 = 0x04;

/// Everything verification depends on.
pub(super) struct Holder<'a> {
    pub(super) card: &'a CardData,
    pub(super) data: &'a TerminalData,
    pub(super) abilities: Abilities,
    pub(super) aip: [u8; 2],
    pub(super) required: bool,
    /// A combined signature covers the profile that calls the card a device.
    pub(super) proven: bool,
    pub(super) amount_minor: u64,
}

impl Holder<'_> {
    pub(super) fn verify(&self) -> Verified {
        // Rule C4-CVM-AIP: a card that does not support verification (AIP B1b5) where it is required: TVR B3b8, another
        // interface.
        // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::cvm::tests::a_card_without_verification;
        // evidence: own]
        if self.aip[0] & 0x10 == 0 {
            return if self.required {
                Verified::Failed { tvr_3: CVM_FAILED }
            } else {
                not_performed()
            };
        }
        let Some(bytes) = self.card.value(tags::CVM_LIST) else {
            return if self.required {
                Verified::Failed { tvr_3: CVM_FAILED }
            } else {
                not_performed()
            };
        };
        let Ok(list) = CvmList::parse(bytes) else {
            return Verified::Failed { tvr_3: CVM_FAILED };
        };
        // Rule C4-CVM-FREE: where none is required, a No-CVM rule anywhere in the list counts.
        // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::cvm::tests::none_required; evidence: own]
        let free = list.rules().find(|rule| rule.method() == 0x1F);
        if let (false, Some(rule)) = (self.required, free) {
            return Verified::By {
                cvm: Cvm::None,
                results: [0x1F, rule.condition, 0x02],
                tvr_3: 0,
            };
        }
        self.first_that_works(list)
    }

    // Rule C4-CVM-LIST: the first rule whose condition holds and whose method card and reader can do; a rule without
    // bit 7 is the last that is tried. Nothing works: 3F0001, TVR B3b8, another interface.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::cvm::tests::the_first_rule_that_works,
    // kernel::c4::cvm::tests::nothing_works, kernel::c4::cvm::tests::conditions_of_rules; evidence: own]
    fn first_that_works(&self, list: CvmList<'_>) -> Verified {
        let mut tvr_3 = 0;
        for CvmRule { code, condition } in list.rules() {
            if !self.applies(code, condition, list) {
                continue;
            }
            match self.attempt(code, condition) {
                Ok(Some(verified)) => return with_bits(verified, tvr_3),
                Ok(None) => {}
                Err(bits) => tvr_3 |= bits,
            }
            if code & 0x40 == 0 {
                break;
            }
        }
        Verified::Failed {
            tvr_3: tvr_3 | CVM_FAILED,
        }
    }

    /// Book 3 Annex C3. Conditions on amounts need the card's currency (9F42).
    fn applies(&self, code: u8, condition: u8, list: CvmList<'_>) -> bool {
        let (x, y) = (u64::from(list.x), u64::from(list.y));
        let kind = self.data.value(tag::TRANSACTION_TYPE);
        let cash = kind == Some(&[0x01]);
        let cashback = kind == Some(&[0x09]);
        let currency = self.card.value(softpos_wire::Tag::new(0x9F42));
        let same_currency = currency.is_some() && currency == self.data.value(tag::TRANSACTION_CURRENCY);
        match condition {
            0x00 => true,
            0x02 => !cash && !cashback,
            0x03 => self.can(code),
            0x04 => cash,
            0x05 => cashback,
            0x06 => same_currency && self.amount_minor < x,
            0x07 => same_currency && self.amount_minor > x,
            0x08 => same_currency && self.amount_minor < y,
            0x09 => same_currency && self.amount_minor > y,
            _ => false,
        }
    }

    fn can(&self, code: u8) -> bool {
        match code & 0x3F {
            0x01 => self.abilities.on_device() && self.mobile(),
            0x02 => self.abilities.online_pin(),
            0x1E => self.abilities.signature(),
            0x1F => true,
            _ => false,
        }
    }

    const fn mobile(&self) -> bool {
        self.aip[1] & 0x40 != 0
    }

    /// `Ok(None)`: this method does not work here; `Err`: it is not known at all.
    fn attempt(&self, code: u8, condition: u8) -> Result<Option<Verified>, u8> {
        let by = |cvm, result, tvr_3| {
            Some(Verified::By {
                cvm,
                results: [code & 0x3F, condition, result],
                tvr_3,
            })
        };
        match code & 0x3F {
            // Rule C4-CVM-MOBILE: code 01 of a customer's device is its own verification; 9F71 byte 3 says how it
            // went: 01 failed, so the customer looks at the device; 02 done; anything else does not count.
            // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::cvm::tests::verified_on_the_device,
            // softpos-cards::matrix::which_kernels_say_see_phone;
            // evidence: own]
            // Rule C4-CVM-UNPROVEN: where verification is required, a device's word counts only if a combined signature
            // covers the profile; plastic must not become a device on its way. What 9F71 says is then for the issuer
            // to check against its own data in 9F10: no signature covers it.
            // [source: inference, after EMVrace; test: kernel::c4::cvm::tests::an_unproven_device_above_the_limit,
            // kernel::c4::tests::a_device_counts_above_the_limit_only_if_it_signs,
            // softpos-cards::attacks::plastic_that_claims_to_be_a_verified_device; evidence: own]
            0x01 if self.can(code) => Ok(match self.card.array::<3>(tags::MOBILE_CVM) {
                Some([_, _, 0x01]) => Some(Verified::SeePhone),
                Some([_, _, 0x02]) if self.proven || !self.required => by(Cvm::OnDevice, 0x02, 0),
                Some(_) | None => None,
            }),
            // Rule C4-CVM-PIN: online PIN sets TVR B3b3, so that the cryptogram covers it.
            // [source: foreign vector log-amex-cda; test: kernel::c4::tests::a_public_tap_byte_for_byte;
            // evidence: foreign binaryfoo/emv-bertlv amex-cda]
            0x02 if self.can(code) => Ok(by(Cvm::OnlinePin, 0x00, ONLINE_PIN)),
            0x1E if self.can(code) => Ok(by(Cvm::Signature, 0x00, 0)),
            0x1F => Ok(by(Cvm::None, 0x02, 0)),
            // Fail, plain and enciphered PIN of a card in a slot, or nothing that this pair can do.
            0x00..=0x05 | 0x1E => Ok(None),
            _ => Err(CVM_UNKNOWN),
        }
    }
}

const fn not_performed() -> Verified {
    Verified::By {
        cvm: Cvm::None,
        results: [0x3F, 0x00, 0x00],
        tvr_3: 0,
    }
}

fn with_bits(verified: Verified, bits: u8) -> Verified {
    match verified {
        Verified::By { cvm, results, tvr_3 } => Verified::By {
            cvm,
            results,
            tvr_3: tvr_3 | bits,
        },
        other @ (Verified::SeePhone | Verified::Failed { .. }) => other,
    }
}

#[cfg(test)]
mod tests {
    use softpos_wire::Tag;

    use super::*;

    /// Device, PIN and signature.
    const ALL: u8 = 0xE0;
    const CARD: [u8; 2] = [0x10, 0x80];
    const PHONE: [u8; 2] = [0x10, 0xC0];

    struct Case {
        list: &'static str,
        abilities: u8,
        aip: [u8; 2],
        required: bool,
        proven: bool,
        mobile: Option<[u8; 3]>,
    }

    const REQUIRED: Case = Case {
        list: "",
        abilities: ALL,
        aip: CARD,
        required: true,
        proven: true,
        mobile: None,
    };

    fn verify(case: &Case) -> Verified {
        at(case, 0x00, 200)
    }

    fn at(case: &Case, kind: u8, amount_minor: u64) -> Verified {
        let mut card = CardData::default();
        card.insert(tags::CVM_LIST, &hex::decode(case.list).unwrap())
            .unwrap();
        card.insert(Tag::new(0x9F42), &[0x08, 0x40]).unwrap();
        if let Some(mobile) = case.mobile {
            card.insert(tags::MOBILE_CVM, &mobile).unwrap();
        }
        let mut data = TerminalData::new();
        data.set(tag::TRANSACTION_CURRENCY, &[0x08, 0x40]);
        data.set(tag::TRANSACTION_TYPE, &[kind]);
        Holder {
            card: &card,
            data: &data,
            abilities: Abilities(case.abilities),
            aip: case.aip,
            required: case.required,
            proven: case.proven,
            amount_minor,
        }
        .verify()
    }

    fn by(cvm: Cvm, results: [u8; 3]) -> Verified {
        let tvr_3 = if cvm == Cvm::OnlinePin { ONLINE_PIN } else { 0 };
        Verified::By { cvm, results, tvr_3 }
    }

    const FAILED: Verified = Verified::Failed { tvr_3: CVM_FAILED };

    #[test]
    fn a_card_without_verification() {
        let case = Case {
            list: "00000000000000001F00",
            aip: [0, 0x80],
            ..REQUIRED
        };
        assert_eq!(verify(&case), FAILED);
        let free = Case {
            required: false,
            ..case
        };
        assert_eq!(verify(&free), by(Cvm::None, [0x3F, 0, 0]));
    }

    #[test]
    fn none_required() {
        let case = Case {
            list: "000000000000000042031E031F03",
            required: false,
            ..REQUIRED
        };
        assert_eq!(verify(&case), by(Cvm::None, [0x1F, 0x03, 0x02]));
        let without = Case {
            list: "00000000000000004203",
            ..case
        };
        assert_eq!(verify(&without), by(Cvm::OnlinePin, [0x02, 0x03, 0x00]));
    }

    #[test]
    fn the_first_rule_that_works() {
        let list = "0000000000000000420342011E031F00";
        let with = |abilities| {
            verify(&Case {
                list,
                abilities,
                ..REQUIRED
            })
        };
        assert_eq!(with(ALL), by(Cvm::OnlinePin, [0x02, 0x03, 0x00]));
        assert_eq!(with(0x20), by(Cvm::Signature, [0x1E, 0x03, 0x00]));
        assert_eq!(
            with(0x00),
            by(Cvm::None, [0x1F, 0x00, 0x02]),
            "1E03 does not apply"
        );
    }

    #[test]
    fn nothing_works() {
        for list in [
            "0000000000000000",
            "00000000000000000203",
            "00000000000000000100",
            "000000000000000002001F00",
            "000000000000000042",
            "00000000",
        ] {
            assert_eq!(
                verify(&Case {
                    list,
                    abilities: 0,
                    ..REQUIRED
                }),
                FAILED,
                "{list}"
            );
        }
        let unknown = Case {
            list: "0000000000000000600020001F00",
            ..REQUIRED
        };
        assert_eq!(verify(&unknown), Verified::Failed { tvr_3: 0xC0 });
    }

    #[test]
    fn conditions_of_rules() {
        let case = |list| Case { list, ..REQUIRED };
        let signature = |condition| by(Cvm::Signature, [0x1E, condition, 0]);
        assert_eq!(at(&case("00000064000000001E06"), 0, 99), signature(6));
        assert_eq!(at(&case("00000064000000001E06"), 0, 100), FAILED);
        assert_eq!(at(&case("00000064000000001E07"), 0, 101), signature(7));
        assert_eq!(at(&case("00000064000000001E07"), 0, 100), FAILED);
        assert_eq!(at(&case("00000000000000641E08"), 0, 99), signature(8));
        assert_eq!(at(&case("00000000000000641E08"), 0, 100), FAILED);
        assert_eq!(at(&case("00000000000000641E09"), 0, 101), signature(9));
        assert_eq!(at(&case("00000000000000641E09"), 0, 100), FAILED);
        assert_eq!(at(&case("00000000000000001E04"), 0x01, 1), signature(4));
        assert_eq!(at(&case("00000000000000001E04"), 0x00, 1), FAILED);
        assert_eq!(at(&case("00000000000000001E05"), 0x09, 1), signature(5));
        assert_eq!(at(&case("00000000000000001E02"), 0x00, 1), signature(2));
        assert_eq!(at(&case("00000000000000001E02"), 0x01, 1), FAILED);
        assert_eq!(at(&case("00000000000000001E0A"), 0x00, 1), FAILED);
    }

    #[test]
    fn verified_on_the_device() {
        let phone = |mobile| Case {
            list: "000000000000000041031E03",
            aip: PHONE,
            mobile,
            ..REQUIRED
        };
        assert_eq!(
            verify(&phone(Some([1, 0, 2]))),
            by(Cvm::OnDevice, [0x01, 0x03, 0x02])
        );
        assert_eq!(verify(&phone(Some([1, 0, 1]))), Verified::SeePhone);
        for blocked in [Some([1, 0, 3]), Some([1, 0, 0]), None] {
            assert_eq!(verify(&phone(blocked)), by(Cvm::Signature, [0x1E, 0x03, 0x00]));
        }
        let plastic = Case {
            aip: CARD,
            ..phone(Some([1, 0, 2]))
        };
        assert_eq!(
            verify(&plastic),
            by(Cvm::Signature, [0x1E, 0x03, 0x00]),
            "a card's own PIN"
        );
        let reader_cannot = Case {
            abilities: 0x20,
            ..phone(Some([1, 0, 2]))
        };
        assert_eq!(verify(&reader_cannot), by(Cvm::Signature, [0x1E, 0x03, 0x00]));
    }

    #[test]
    fn an_unproven_device_above_the_limit() {
        let claim = |list, required| {
            verify(&Case {
                list,
                aip: PHONE,
                required,
                proven: false,
                mobile: Some([1, 0, 2]),
                ..REQUIRED
            })
        };
        assert_eq!(claim("00000000000000000100", true), FAILED);
        assert_eq!(
            claim("000000000000000041031E03", true),
            by(Cvm::Signature, [0x1E, 0x03, 0x00]),
            "the next rule counts"
        );
        assert_eq!(
            claim("00000000000000000100", false),
            by(Cvm::OnDevice, [0x01, 0x00, 0x02]),
            "nobody asked for it"
        );
    }
}
