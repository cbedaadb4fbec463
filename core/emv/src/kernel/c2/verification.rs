//! How the cardholder is verified (CVM selection of kernel 2).

use softpos_wire::cvm_list::{CvmList, CvmListError, CvmRule};

use super::tvr::{self, Bit};
use crate::outcome::Cvm;

/// Byte 2 of 9F33.
const ONLINE_PIN: u8 = 0x40;
const SIGNATURE: u8 = 0x20;
const NO_CVM: u8 = 0x08;

/// "Not performed" in 9F34.
const NOT_PERFORMED: u8 = 0x3F;

/// What it is decided from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    /// Card and reader both let a device verify its holder.
    pub(super) on_device: bool,
    /// Profile byte 1 bit 5.
    pub(super) card_verifies: bool,
    /// 8E.
    pub(super) list: Option<&'a [u8]>,
    /// Byte 2 of 9F33.
    pub(super) capability: u8,
    pub(super) amount_minor: u64,
    /// Above it the cardholder is verified.
    pub(super) limit_minor: u64,
    /// 9C.
    pub(super) transaction_type: u8,
    /// 9F35 says that nobody serves.
    pub(super) unattended: bool,
    /// 9F42 is there and equals 5F2A; absent: `None`.
    pub(super) own_currency: Option<bool>,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verification {
    pub(super) cvm: Cvm,
    /// 9F34.
    pub(super) results: [u8; 3],
    /// Bits to set in 95.
    pub(super) marks: [Option<Bit>; 2],
}

// Rule C2-CVM-2: the device first, then the list; the results as 9F34 codes them.
// [source: peer, danhu and DCEMV;
// test: kernel::c2::verification::tests::a_device_counts_above_the_limit_only, kernel::c2::verification::tests::cards_without_verification_or_list,
// kernel::c2::verification::tests::each_method;
// evidence: own]
/// The card's own device first, else the first rule of its list that holds and can be done.
///
/// # Errors
/// A list that ends within a rule.
pub(super) fn select(facts: &Facts<'_>) -> Result<Verification, CvmListError> {
    if facts.on_device {
        // Below the limit nobody asks whether the device did it.
        return Ok(if facts.amount_minor > facts.limit_minor {
            done(Cvm::OnDevice, [0x01, 0x00, 0x02])
        } else {
            done(Cvm::None, [NOT_PERFORMED, 0x00, 0x02])
        });
    }
    if !facts.card_verifies {
        return Ok(done(Cvm::None, [NOT_PERFORMED, 0x00, 0x00]));
    }
    let list = match facts.list {
        None | Some([]) => None,
        Some(list) => Some(CvmList::parse(list)?).filter(|list| list.rules().next().is_some()),
    };
    Ok(match list {
        Some(list) => walk(list, facts),
        None => Verification {
            marks: [Some(tvr::CARD_DATA_MISSING), None],
            ..done(Cvm::None, [NOT_PERFORMED, 0x00, 0x00])
        },
    })
}

// Rule C2-CVM-4: a method that fails goes on only if its rule says so.
// [source: peer, danhu;
// test: kernel::c2::verification::tests::what_the_reader_cannot_do_is_passed_over_only_if_the_rule_says_so;
// evidence: own]
fn walk(list: CvmList<'_>, facts: &Facts<'_>) -> Verification {
    let mut unknown = None;
    let mut failed = [NOT_PERFORMED, 0x00, 0x01];
    for rule in list.rules().filter(|rule| holds(*rule, list, facts)) {
        let method = rule.method();
        if !is_known(method) {
            unknown = Some(tvr::UNKNOWN_METHOD);
        } else if let Some((cvm, result)) = perform(method, facts.capability) {
            let pin = (cvm == Cvm::OnlinePin).then_some(tvr::ONLINE_PIN);
            return Verification {
                marks: [unknown, pin],
                ..done(cvm, [method, rule.condition, result])
            };
        }
        if !rule.goes_on() {
            if method == 0 {
                failed = [rule.code, rule.condition, 0x01];
            }
            break;
        }
    }
    Verification {
        marks: [unknown, Some(tvr::VERIFICATION_FAILED)],
        ..done(Cvm::None, failed)
    }
}

const fn done(cvm: Cvm, results: [u8; 3]) -> Verification {
    Verification {
        cvm,
        results,
        marks: [None; 2],
    }
}

// Rule C2-CVM-3: conditions 06 to 09: under is below, over is above.
// [source: peer, danhu has them reversed;
// test: kernel::c2::verification::tests::under_is_below_and_over_is_above;
// evidence: own]
/// Conditions 00 to 09. Those about an amount need the application's currency.
fn holds(rule: CvmRule, list: CvmList<'_>, facts: &Facts<'_>) -> bool {
    let cash = matches!(facts.transaction_type, 0x01 | 0x17);
    let unattended_cash = facts.unattended && facts.transaction_type == 0x01;
    let manual_cash = cash && !unattended_cash;
    let cashback = facts.transaction_type == 0x09;
    let own = facts.own_currency == Some(true);
    let (x, y) = (u64::from(list.x), u64::from(list.y));
    match rule.condition {
        0x00 => true,
        0x01 => unattended_cash,
        0x02 => !unattended_cash && !manual_cash && !cashback,
        0x03 => rule.method() == 0 || perform(rule.method(), facts.capability).is_some(),
        0x04 => manual_cash,
        0x05 => cashback,
        0x06 => own && facts.amount_minor < x,
        0x07 => own && facts.amount_minor > x,
        0x08 => own && facts.amount_minor < y,
        0x09 => own && facts.amount_minor > y,
        _ => false,
    }
}

/// Methods of the book; those with an offline PIN are known, but no contactless reader can do them.
const fn is_known(method: u8) -> bool {
    matches!(method, 0x00..=0x05 | 0x1E | 0x1F)
}

/// The verification and its result in 9F34, if the reader can do it.
const fn perform(method: u8, capability: u8) -> Option<(Cvm, u8)> {
    match method {
        0x02 if capability & ONLINE_PIN != 0 => Some((Cvm::OnlinePin, 0x00)),
        0x1E if capability & SIGNATURE != 0 => Some((Cvm::Signature, 0x00)),
        0x1F if capability & NO_CVM != 0 => Some((Cvm::None, 0x02)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u8 = ONLINE_PIN | SIGNATURE | NO_CVM;

    fn facts(list: &[u8]) -> Facts<'_> {
        Facts {
            on_device: false,
            card_verifies: true,
            list: Some(list),
            capability: ALL,
            amount_minor: 10_000,
            limit_minor: 5_000,
            transaction_type: 0,
            unattended: false,
            own_currency: Some(true),
        }
    }

    fn list(rules: &str) -> alloc::vec::Vec<u8> {
        hex::decode(alloc::format!("0000006400002710{rules}")).unwrap()
    }

    fn of(rules: &str, change: impl Fn(Facts<'_>) -> Facts<'_>) -> Verification {
        select(&change(facts(&list(rules)))).unwrap()
    }

    fn results(rules: &str) -> [u8; 3] {
        of(rules, |facts| facts).results
    }

    #[test]
    fn a_device_counts_above_the_limit_only() {
        let on_device = |amount_minor| {
            of("1F03", |facts| Facts {
                on_device: true,
                amount_minor,
                ..facts
            })
        };
        assert_eq!(on_device(5_001), done(Cvm::OnDevice, [0x01, 0, 0x02]));
        assert_eq!(
            on_device(5_000),
            done(Cvm::None, [0x3F, 0, 0x02]),
            "at the exact limit: none"
        );
    }

    #[test]
    fn cards_without_verification_or_list() {
        let silent = of("0203", |facts| Facts {
            card_verifies: false,
            ..facts
        });
        assert_eq!(silent, done(Cvm::None, [0x3F, 0, 0]));
        for empty in [None, Some(&[][..]), Some(&[0; 8])] {
            let none = select(&Facts {
                list: empty,
                ..facts(&[])
            })
            .unwrap();
            assert_eq!(none.results, [0x3F, 0, 0]);
            assert_eq!(none.marks, [Some(tvr::CARD_DATA_MISSING), None]);
        }
        assert_eq!(select(&facts(&[0; 9])), Err(CvmListError));
        assert_eq!(select(&facts(&[0; 7])), Err(CvmListError));
    }

    #[test]
    fn each_method() {
        let pin = of("0203", |facts| facts);
        assert_eq!((pin.cvm, pin.results), (Cvm::OnlinePin, [0x02, 0x03, 0x00]));
        assert_eq!(pin.marks, [None, Some(tvr::ONLINE_PIN)]);
        assert_eq!(
            of("5E03", |facts| facts),
            done(Cvm::Signature, [0x1E, 0x03, 0x00])
        );
        assert_eq!(of("1F00", |facts| facts), done(Cvm::None, [0x1F, 0x00, 0x02]));
    }

    #[test]
    fn what_the_reader_cannot_do_is_passed_over_only_if_the_rule_says_so() {
        fn no_pin(facts: Facts<'_>) -> Facts<'_> {
            Facts {
                capability: NO_CVM,
                ..facts
            }
        }
        assert_eq!(of("42001F00", no_pin).results, [0x1F, 0x00, 0x02]);
        let stuck = of("02001F00", no_pin);
        assert_eq!(stuck.results, [0x3F, 0x00, 0x01]);
        assert_eq!(stuck.marks, [None, Some(tvr::VERIFICATION_FAILED)]);
        assert_eq!(
            of("02031F03", no_pin).results,
            [0x1F, 0x03, 0x02],
            "condition 03 does not hold"
        );
        assert_eq!(
            of("41001F00", |facts| facts).results,
            [0x1F, 0x00, 0x02],
            "offline PIN"
        );
    }

    #[test]
    fn fail_rule_and_exhausted_list() {
        assert_eq!(results("0000"), [0x00, 0x00, 0x01]);
        let exhausted = of("0205", |facts| facts);
        assert_eq!(exhausted.results, [0x3F, 0x00, 0x01]);
        assert_eq!(exhausted.marks, [None, Some(tvr::VERIFICATION_FAILED)]);
        assert_eq!(results("42054200"), [0x02, 0x00, 0x00]);
    }

    #[test]
    fn unknown_methods_are_marked_only_where_their_condition_holds() {
        let unknown = of("60001F00", |facts| facts);
        assert_eq!(unknown.marks, [Some(tvr::UNKNOWN_METHOD), None]);
        assert_eq!(unknown.results, [0x1F, 0x00, 0x02]);
        assert_eq!(of("60051F00", |facts| facts).marks, [None, None]);
        assert_eq!(
            of("2000", |facts| facts).marks,
            [Some(tvr::UNKNOWN_METHOD), Some(tvr::VERIFICATION_FAILED)]
        );
        assert_eq!(results("1F0A1E00"), [0x1E, 0x00, 0x00], "condition of the future");
    }

    #[test]
    fn conditions_about_the_kind_of_payment() {
        let of_type = |rules, transaction_type, unattended| {
            of(rules, |facts| Facts {
                transaction_type,
                unattended,
                ..facts
            })
            .results[0]
        };
        assert_eq!(of_type("1F01", 0x01, true), 0x1F);
        assert_eq!(of_type("1F01", 0x01, false), 0x3F);
        assert_eq!(of_type("1F02", 0x00, false), 0x1F);
        assert_eq!(of_type("1F02", 0x01, true), 0x3F);
        assert_eq!(of_type("1F02", 0x17, false), 0x3F);
        assert_eq!(of_type("1F02", 0x09, false), 0x3F);
        assert_eq!(of_type("1F04", 0x17, false), 0x1F);
        assert_eq!(of_type("1F04", 0x00, false), 0x3F);
        assert_eq!(of_type("1F05", 0x09, false), 0x1F);
    }

    /// X is 100, Y 10,000. A peer has "under" and "over" the wrong way round.
    #[test]
    fn under_is_below_and_over_is_above() {
        let at = |rules, amount_minor| {
            of(rules, |facts| Facts {
                amount_minor,
                ..facts
            })
            .results[0]
        };
        assert_eq!(
            [at("1F06", 99), at("1F06", 100), at("1F06", 101)],
            [0x1F, 0x3F, 0x3F]
        );
        assert_eq!(
            [at("1F07", 99), at("1F07", 100), at("1F07", 101)],
            [0x3F, 0x3F, 0x1F]
        );
        assert_eq!([at("1F08", 9_999), at("1F08", 10_000)], [0x1F, 0x3F]);
        assert_eq!([at("1F09", 10_000), at("1F09", 10_001)], [0x3F, 0x1F]);
        for own_currency in [None, Some(false)] {
            assert_eq!(
                of("1F09", |facts| Facts {
                    own_currency,
                    ..facts
                })
                .results[0],
                0x3F
            );
        }
    }
}
