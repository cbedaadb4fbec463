//! Row 16: what comes after a reversal changes nothing.

use softpos_host::{TransactionState, paths};
use softpos_journal::State;
use softpos_sim::{Road, Shop};
use softpos_types::PaymentKey;

use crate::{MINUTE_MS, QUERIES, SECOND_MS};

#[test]
fn a_late_approval_finds_nobody_waiting() {
    let mut shop = Shop::open();
    shop.road(paths::TRANSACTIONS, Road::AnswerLate(20 * SECOND_MS));
    shop.road(paths::REVERSALS, Road::RequestLate(10 * SECOND_MS));
    let sale = shop.tap(4_000).unwrap();
    shop.until("the host approves", |shop| {
        shop.host_state(sale) == Some(TransactionState::Approved)
    });
    shop.cancel();
    shop.until("its end on the screen", Shop::is_idle);
    assert_eq!(shop.state(sale), Some(State::Reversing));
    late_and_reversed(&mut shop, sale);
}

#[test]
fn a_late_approval_by_status_finds_nobody_waiting() {
    let mut shop = Shop::open();
    shop.road(paths::TRANSACTIONS, Road::AnswerLost);
    shop.road(QUERIES, Road::AnswerLate(20 * SECOND_MS));
    let sale = shop.tap(4_000).unwrap();
    shop.until("a query arrives", |shop| {
        !shop.received(&paths::transaction(sale)).is_empty()
    });
    assert_eq!(shop.state(sale), Some(State::Unknown));
    shop.cancel();
    late_and_reversed(&mut shop, sale);
}

#[test]
fn an_approval_after_the_time_out_is_learned_by_asking_only() {
    let mut shop = Shop::open();
    shop.road(paths::TRANSACTIONS, Road::AnswerLate(70 * SECOND_MS));
    shop.road(QUERIES, Road::AnswerLate(30 * SECOND_MS));
    let sale = shop.tap(4_000).unwrap();
    shop.until("the time-out", |shop| shop.state(sale) == Some(State::Unknown));
    let stale = shop.stale();
    shop.until("the late answer", |shop| shop.stale() > stale);
    assert_eq!(shop.state(sale), Some(State::Unknown));
    shop.until("the query's answer", Shop::is_idle);
    assert_eq!(shop.state(sale), Some(State::Approved));
    assert_eq!(shop.sent(paths::TRANSACTIONS).len(), 1);
    shop.rest();
}

#[test]
fn a_late_approval_while_the_reversal_waits_finds_nobody_waiting() {
    let mut shop = Shop::open();
    shop.road(paths::TRANSACTIONS, Road::AnswerLate(20 * SECOND_MS));
    shop.road(paths::REVERSALS, Road::Refused);
    let sale = shop.tap(4_000).unwrap();
    shop.until("the host approves", |shop| {
        shop.host_state(sale) == Some(TransactionState::Approved)
    });
    shop.cancel();
    let stale = shop.stale();
    shop.pass(MINUTE_MS);
    assert_eq!(shop.stale(), stale + 1);
    assert_eq!(shop.state(sale), Some(State::Reversing));
    shop.open_roads();
    shop.rest();
    assert_eq!(shop.state(sale), Some(State::Reversed));
    assert_eq!(shop.host_state(sale), Some(TransactionState::Reversed));
}

fn late_and_reversed(shop: &mut Shop, sale: PaymentKey) {
    let stale = shop.stale();
    shop.until("reversed", |shop| shop.state(sale) == Some(State::Reversed));
    let early = shop.stale() == stale;
    shop.pass(MINUTE_MS);
    assert!(early, "the approval came after the reversal");
    assert_eq!(shop.stale(), stale + 1);
    assert_eq!(shop.state(sale), Some(State::Reversed));
    assert_eq!(shop.host_state(sale), Some(TransactionState::Reversed));
    shop.rest();
}
