//! Rows 19 and 21: each limit alone decides.

use softpos_journal::{Started, State};
use softpos_types::{Currency, Operation};

use super::*;
use crate::test_payments::{STARTED_UTC_MS, put, started};

const POLICY: OfflinePolicy = OfflinePolicy {
    enabled: true,
    payment_minor: 500,
    count: 2,
    sum_minor: 700,
    age_ms: 60_000,
};

fn stored(amounts: &[i64]) -> Ledger {
    let mut ledger = Ledger::default();
    for (number, amount_minor) in (1..).zip(amounts) {
        let payment = Started {
            state: State::Stored,
            ..started(number, *amount_minor)
        };
        put(&mut ledger, payment, State::Stored);
    }
    ledger
}

fn allowed(policy: &OfflinePolicy, waiting: &[i64], amount_minor: i64, age_ms: u64) -> bool {
    let now = Now {
        utc_ms: STARTED_UTC_MS.saturating_add(age_ms),
        ..Now::default()
    };
    may_store(
        policy,
        &stored(waiting),
        Money::new(amount_minor, Currency::CNY),
        now,
    )
}

#[test]
fn row_19_only_where_the_acquirer_turned_it_on() {
    assert!(allowed(&POLICY, &[], 500, 0));
    let off = OfflinePolicy {
        enabled: false,
        ..POLICY
    };
    assert!(!allowed(&off, &[], 1, 0));
}

#[test]
fn row_21_amount_count_sum_and_age() {
    assert!(!allowed(&POLICY, &[], 501, 0));
    assert!(allowed(&POLICY, &[400], 300, 0));
    assert!(!allowed(&POLICY, &[400], 301, 0));
    assert!(!allowed(&POLICY, &[1, 1], 1, 0));
    assert!(allowed(&POLICY, &[1], 1, 60_000));
    assert!(!allowed(&POLICY, &[1], 1, 60_001));
    // Nothing waits, so nothing is old.
    assert!(allowed(&POLICY, &[], 1, u64::from(u32::MAX)));
}

#[test]
fn row_21_a_sum_that_overflows_stores_nothing() {
    let boundless = OfflinePolicy {
        payment_minor: i64::MAX,
        sum_minor: i64::MAX,
        ..POLICY
    };
    assert!(!allowed(&boundless, &[i64::MAX], 1, 0));
}

#[test]
fn row_21_only_what_still_waits_counts() {
    let mut ledger = stored(&[500, 200]);
    let now = Now {
        utc_ms: STARTED_UTC_MS,
        ..Now::default()
    };
    let amount = Money::new(100, Currency::CNY);
    assert!(!may_store(&POLICY, &ledger, amount, now));
    let forwarded = softpos_journal::Moved::new(crate::test_payments::key(1), State::Approved, 3);
    ledger.apply(9, forwarded.into());
    assert!(may_store(&POLICY, &ledger, amount, now));
    let refund = Started {
        operation: Operation::Refund,
        ..started(9, 1_000)
    };
    put(&mut ledger, refund, State::Unknown);
    assert!(may_store(&POLICY, &ledger, amount, now));
}
