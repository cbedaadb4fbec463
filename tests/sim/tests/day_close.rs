//! The day close: what waits is told to the host first, and what cannot be told keeps the day open.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use softpos_flow::Ending;
use softpos_host::paths;
use softpos_journal::State;
use softpos_sim::{Road, Shop};
use softpos_types::{Batch, Code, Fault, Method, PaymentKey};

const MINUTE_MS: u64 = 60_000;

/// A till that holds what the host does not know yet: a reversal, a stored sale and cash.
fn with_much_to_tell(shop: &mut Shop) -> [PaymentKey; 3] {
    let refused = shop.sold(4_000);
    shop.network(false);
    let stored = shop.tap(1_000).unwrap();
    shop.until("the sale's end", Shop::is_idle);
    assert_eq!(shop.state(stored), Some(State::Stored));
    let cash = shop.start(Method::Cash, 500).unwrap();
    shop.until("the cash", Shop::is_idle);
    shop.refuse_approval(refused).unwrap();
    shop.until("the reversal", |shop| {
        shop.state(refused) == Some(State::Reversing)
    });
    [refused, stored, cash]
}

fn left_open(shop: &Shop, code: Code) {
    let ending = Ending::SettleFailed {
        fault: Fault::of(code),
    };
    assert_eq!(shop.last_ending(), Some(&ending));
    assert!(shop.sent(&paths::settle(Batch::FIRST)).is_empty());
}

fn closes_in_balance(shop: &mut Shop) {
    shop.settle().unwrap();
    shop.rest();
    assert!(
        matches!(shop.last_ending(), Some(Ending::Settled { view }) if view.balanced),
        "{:?}",
        shop.last_ending()
    );
}

#[test]
fn what_waits_is_sent_first_and_reversals_before_the_rest() {
    let mut shop = Shop::open();
    let [refused, stored, cash] = with_much_to_tell(&mut shop);
    shop.network(true);
    shop.settle().unwrap();
    assert_eq!(shop.start(Method::Cash, 100), Err(Code::PaymentOpen));
    shop.rest();
    assert!(matches!(shop.last_ending(), Some(Ending::Settled { view }) if view.balanced));
    assert_eq!(shop.state(refused), Some(State::Reversed));
    assert_eq!(shop.state(stored), Some(State::Approved));
    let order = [
        shop.sent_at(paths::REVERSALS, refused),
        shop.sent_at(paths::TRANSACTIONS, stored),
        shop.sent_at(paths::TRANSACTIONS, cash),
    ];
    assert!(
        order.is_sorted() && order.iter().all(Option::is_some),
        "{order:?}"
    );
}

#[test]
fn what_cannot_be_told_keeps_the_day_open() {
    let mut shop = Shop::open();
    let refused = shop.sold(4_000);
    shop.road(paths::REVERSALS, Road::Refused);
    shop.refuse_approval(refused).unwrap();
    shop.settle().unwrap();
    shop.until("the end of the day close", Shop::is_idle);
    left_open(&shop, Code::PaymentsUnsettled);
    assert_eq!(shop.state(refused), Some(State::Reversing));
    shop.open_roads();
    closes_in_balance(&mut shop);
}

#[test]
fn a_silent_host_is_not_waited_for_for_ever() {
    let mut shop = Shop::open();
    let [first, second] = [shop.sold(4_000), shop.sold(3_000)];
    shop.road(paths::REVERSALS, Road::RequestLost);
    for sale in [first, second] {
        shop.refuse_approval(sale).unwrap();
    }
    shop.settle().unwrap();
    shop.pass(3 * MINUTE_MS);
    assert!(shop.is_idle());
    left_open(&shop, Code::PaymentsUnsettled);
    shop.open_roads();
    closes_in_balance(&mut shop);
}

#[test]
fn a_network_that_goes_ends_it_at_once() {
    let mut shop = Shop::open();
    with_much_to_tell(&mut shop);
    shop.road(paths::REVERSALS, Road::RequestLate(MINUTE_MS));
    shop.network(true);
    shop.settle().unwrap();
    assert!(!shop.is_idle());
    shop.network(false);
    assert!(shop.is_idle());
    left_open(&shop, Code::HostNotReached);
    assert_eq!(shop.settle(), Err(Code::HostNotReached));
    shop.open_roads();
    shop.network(true);
    closes_in_balance(&mut shop);
}

#[test]
fn the_operator_can_give_it_up() {
    let mut shop = Shop::open();
    with_much_to_tell(&mut shop);
    shop.road(paths::REVERSALS, Road::RequestLate(MINUTE_MS));
    shop.network(true);
    shop.settle().unwrap();
    shop.until_sent(paths::REVERSALS);
    shop.cancel();
    assert!(shop.is_idle());
    left_open(&shop, Code::PaymentsUnsettled);
    shop.open_roads();
    closes_in_balance(&mut shop);
}

#[test]
fn a_slip_that_is_printed_again_meanwhile_is_counted() {
    for steps in 0..20 {
        let mut shop = Shop::open();
        let sale = shop.sold(4_000);
        shop.settle().unwrap();
        shop.step(steps);
        let printed = shop.reprint(sale);
        // Behind the day close the slip is the journal's.
        assert!(
            matches!(printed, Ok(()) | Err(Code::PaymentNotFound)),
            "{printed:?}"
        );
        shop.rest();
        shop.kill();
        shop.rest();
        closes_in_balance(&mut shop);
    }
}

#[test]
fn a_power_cut_at_any_of_its_effects_loses_nothing() {
    for effect in 1..40 {
        let mut shop = Shop::open();
        with_much_to_tell(&mut shop);
        shop.network(true);
        shop.cut_at_effect(effect);
        shop.settle().unwrap();
        shop.rest();
        if matches!(shop.last_ending(), Some(Ending::Settled { view }) if view.balanced) {
            // Cut behind the wish's record, or not at all.
            continue;
        }
        assert!(shop.was_cut());
        closes_in_balance(&mut shop);
    }
}
