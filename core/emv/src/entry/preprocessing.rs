//! Book B 3.1.1: which combinations are allowed for this amount, and what the kernels are told about limits.

use alloc::vec::Vec;

use crate::config::{Combination, Transaction};

/// Byte 1 bit 4 of the qualifiers: the reader cannot go online.
const TTQ_OFFLINE_ONLY: u8 = 0x08;
/// Byte 2 bit 8: an online cryptogram is required.
const TTQ_ONLINE_REQUIRED: u8 = 0x80;
/// Byte 2 bit 7: verification is required.
const TTQ_CVM_REQUIRED: u8 = 0x40;

/// What pre-processing found, for kernels without qualifiers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Indicators {
    /// One currency unit, and the flag asks for a status check.
    pub status_check_requested: bool,
    /// The amount is zero.
    pub zero_amount: bool,
    /// Above the floor limit.
    pub floor_limit_exceeded: bool,
    /// At or above the verification limit.
    pub cvm_limit_exceeded: bool,
}

/// A combination that is allowed for this transaction.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) combination: Combination,
    pub(crate) indicators: Indicators,
    /// The transaction's own copy of the qualifiers.
    pub(crate) ttq: Option<[u8; 4]>,
}

/// Start A: the allowed combinations of this transaction type, in the order of the configuration.
pub(crate) fn prepare(combinations: &[Combination], transaction: &Transaction) -> Vec<Prepared> {
    of_type(combinations, transaction)
        .filter_map(|combination| prepare_one(combination, transaction))
        .collect()
}

// Rule EP-3.2-B: start B without a restart takes the qualifiers as configured and checks no limit.
// [source: peer, libpay;
// test: entry::tests::nothing_allowed_and_start_without_amount;
// evidence: own]
/// Start B without a restart: no amount was known, so qualifiers stay as configured and nothing is checked.
pub(crate) fn unprepared(combinations: &[Combination], transaction: &Transaction) -> Vec<Prepared> {
    of_type(combinations, transaction)
        .map(|combination| Prepared {
            combination: combination.clone(),
            indicators: Indicators::default(),
            ttq: combination.settings.ttq,
        })
        .collect()
}

fn of_type<'a>(
    combinations: &'a [Combination],
    transaction: &Transaction,
) -> impl Iterator<Item = &'a Combination> {
    let wanted = transaction.transaction_type;
    combinations
        .iter()
        .filter(move |combination| combination.transaction_type == wanted)
}

// Rule EP-3.1.1.3: a status check is asked for at one unit exactly.
// [source: foreign vector, emv-entrypoint (book B 3.1.1.3);
// test: entry::preprocessing::tests::status_check_is_exactly_one_unit;
// evidence: foreign emv-entrypoint]
// Rule EP-3.1.1.4: a zero amount is refused where the flag is there and says so, else it is only noted.
// [source: peer, libpay;
// test: entry::preprocessing::tests::amount_zero;
// evidence: own]
// Rule EP-LIMIT-ABSENT: a limit that is not configured is not checked.
// [source: peer, libpay;
// test: entry::preprocessing::tests::absent_limits_are_not_checked;
// evidence: own]
// Rule EP-3.1.1.5: transaction and verification limits count at or above.
// [source: foreign vector, emv-entrypoint, DCEMV has above;
// test: entry::preprocessing::tests::operators_at_the_exact_limits;
// evidence: foreign emv-entrypoint]
// Rule EP-3.1.1.6: floor limits count above only, the terminal's only without a reader's.
// [source: foreign vector, emv-entrypoint, danhu has at or above;
// test: entry::preprocessing::tests::operators_at_the_exact_limits,
// entry::preprocessing::tests::terminal_floor_limit_only_without_a_reader_floor_limit;
// evidence: foreign emv-entrypoint]
fn prepare_one(combination: &Combination, transaction: &Transaction) -> Option<Prepared> {
    let settings = &combination.settings;
    let amount_minor = transaction.amount.amount_minor();
    let unit_minor = transaction.amount.currency().minor_per_major();
    let indicators = Indicators {
        status_check_requested: settings.status_check && amount_minor == unit_minor,
        zero_amount: amount_minor == 0,
        // 3.1.1.7: the terminal's floor limit counts only where the reader has none.
        floor_limit_exceeded: settings
            .floor_limit_minor
            .or(settings.terminal_floor_limit_minor)
            .is_some_and(|limit| amount_minor > limit),
        cvm_limit_exceeded: settings
            .cvm_limit_minor
            .is_some_and(|limit| amount_minor >= limit),
    };
    let over_limit = settings
        .transaction_limit_minor
        .is_some_and(|limit| amount_minor >= limit);
    let zero_refused = indicators.zero_amount && settings.zero_amount_allowed == Some(false);
    if over_limit || zero_refused {
        return None;
    }
    let ttq = match settings.ttq {
        Some(configured) => Some(qualifiers(configured, indicators)?),
        None => None,
    };
    Some(Prepared {
        combination: combination.clone(),
        indicators,
        ttq,
    })
}

// Rule EP-3.1.1.9: bits 8 and 7 of byte 2 are cleared, then set by what was found; zero is not for offline-only readers.
// [source: foreign vector, emv-entrypoint;
// test: entry::preprocessing::tests::operators_at_the_exact_limits, entry::preprocessing::tests::amount_zero;
// evidence: foreign emv-entrypoint]
/// 3.1.1.2 and 3.1.1.9 to 12; `None`: not allowed.
fn qualifiers(configured: [u8; 4], indicators: Indicators) -> Option<[u8; 4]> {
    let [first, second, third, fourth] = configured;
    let mut second = second & !(TTQ_ONLINE_REQUIRED | TTQ_CVM_REQUIRED);
    if indicators.floor_limit_exceeded || indicators.status_check_requested {
        second |= TTQ_ONLINE_REQUIRED;
    }
    if indicators.zero_amount {
        if first & TTQ_OFFLINE_ONLY != 0 {
            return None;
        }
        second |= TTQ_ONLINE_REQUIRED;
    }
    if indicators.cvm_limit_exceeded {
        second |= TTQ_CVM_REQUIRED;
    }
    Some([first, second, third, fourth])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CombinationSettings;
    use crate::entry::tests::{combination, transaction};

    fn one(settings: CombinationSettings, amount_minor: i64) -> Option<(Indicators, Option<[u8; 4]>)> {
        let combination = Combination {
            settings,
            ..combination("A0000000031010", 3)
        };
        let mut prepared = prepare(&[combination], &transaction(amount_minor));
        prepared.pop().map(|one| (one.indicators, one.ttq))
    }

    fn settings() -> CombinationSettings {
        CombinationSettings {
            transaction_limit_minor: Some(1_000),
            floor_limit_minor: Some(300),
            cvm_limit_minor: Some(500),
            ttq: Some([0x26, 0xC0, 0x40, 0]),
            ..CombinationSettings::default()
        }
    }

    fn second(ttq: Option<[u8; 4]>) -> u8 {
        ttq.unwrap()[1]
    }

    #[test]
    fn operators_at_the_exact_limits() {
        assert!(one(settings(), 1_000).is_none(), "transaction limit: at or above");
        assert!(one(settings(), 999).is_some());
        let (at_floor, ttq) = one(settings(), 300).unwrap();
        assert!(!at_floor.floor_limit_exceeded, "floor limit: above only");
        assert_eq!(second(ttq), 0, "configured bits are cleared first");
        let (above_floor, ttq) = one(settings(), 301).unwrap();
        assert!(above_floor.floor_limit_exceeded && second(ttq) == 0x80);
        let (at_cvm, ttq) = one(settings(), 500).unwrap();
        assert!(at_cvm.cvm_limit_exceeded, "verification limit: at or above");
        assert_eq!(second(ttq), 0xC0);
        assert!(!one(settings(), 499).unwrap().0.cvm_limit_exceeded);
    }

    #[test]
    fn absent_limits_are_not_checked() {
        let (indicators, ttq) = one(CombinationSettings::default(), 999_999_999_999).unwrap();
        assert_eq!((indicators, ttq), (Indicators::default(), None));
    }

    #[test]
    fn terminal_floor_limit_only_without_a_reader_floor_limit() {
        let both = CombinationSettings {
            terminal_floor_limit_minor: Some(0),
            ..settings()
        };
        assert!(!one(both, 200).unwrap().0.floor_limit_exceeded);
        let terminal_only = CombinationSettings {
            floor_limit_minor: None,
            terminal_floor_limit_minor: Some(25),
            ..settings()
        };
        assert!(one(terminal_only.clone(), 26).unwrap().0.floor_limit_exceeded);
        assert!(!one(terminal_only, 25).unwrap().0.floor_limit_exceeded);
    }

    #[test]
    fn status_check_is_exactly_one_unit() {
        let with = CombinationSettings {
            status_check: true,
            ..settings()
        };
        let (indicators, ttq) = one(with.clone(), 100).unwrap();
        assert!(indicators.status_check_requested && second(ttq) == 0x80);
        assert!(!one(with.clone(), 101).unwrap().0.status_check_requested);
        assert!(!one(with, 99).unwrap().0.status_check_requested);
        assert!(!one(settings(), 100).unwrap().0.status_check_requested);
    }

    #[test]
    fn amount_zero() {
        let (indicators, ttq) = one(settings(), 0).unwrap();
        assert!(indicators.zero_amount && second(ttq) == 0x80);
        let refused = CombinationSettings {
            zero_amount_allowed: Some(false),
            ..settings()
        };
        assert!(one(refused, 0).is_none());
        let offline_only = CombinationSettings {
            ttq: Some([0x08, 0, 0, 0]),
            zero_amount_allowed: Some(true),
            ..settings()
        };
        assert!(one(offline_only.clone(), 0).is_none() && one(offline_only, 1).is_some());
    }

    #[test]
    fn other_transaction_types_are_left_out() {
        let mut refund = transaction(100);
        refund.transaction_type = 0x20;
        assert!(prepare(&[combination("A0000000031010", 3)], &refund).is_empty());
    }
}
