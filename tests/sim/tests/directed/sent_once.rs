//! Row 23: a refund is asked for and repeated until it is final, whatever a later sending says about itself.

use softpos_host::{TransactionState, paths};
use softpos_journal::State;
use softpos_sim::{Road, Shop};
use softpos_types::{Code, PaymentKey};

use crate::{MINUTE_MS, the_same_bytes};

#[test]
fn a_refund_whose_first_sending_may_still_arrive_never_fails() {
    let mut shop = Shop::open();
    let sale = shop.sold(5_000);
    shop.road(paths::REFUNDS, Road::RequestLate(5 * MINUTE_MS));
    let refund = shop.refund(sale, 2_000).unwrap();
    shop.until_sent(paths::REFUNDS);
    shop.kill();
    assert_eq!(shop.state(refund), Some(State::Armed));
    // The host does not know it yet, and the second sending is certain not to have left.
    shop.road(paths::REFUNDS, Road::Refused);
    shop.until_sent(paths::REFUNDS);
    shop.pass(2 * MINUTE_MS);
    assert!(shop.sent(paths::REFUNDS).len() > 2, "it is repeated");
    assert_eq!(shop.host_state(refund), None);
    assert!(shop.payment(refund).unwrap().is_open());
    // The first sending arrives at last.
    shop.pass(4 * MINUTE_MS);
    shop.rest();
    assert_eq!(shop.host_state(refund), Some(TransactionState::Approved));
    assert_eq!(shop.state(refund), Some(State::Approved));
    the_same_bytes(&shop, paths::REFUNDS);
}

#[test]
fn a_refund_that_was_lost_is_repeated_until_it_is_final() {
    let mut shop = Shop::open();
    let sale = shop.sold(5_000);
    shop.road(paths::REFUNDS, Road::RequestLost);
    let refund = shop.refund(sale, 2_000).unwrap();
    shop.until_sent(paths::REFUNDS);
    shop.kill();
    shop.pass(10 * MINUTE_MS);
    assert!(shop.payment(refund).unwrap().is_open());
    assert_eq!(shop.refund(sale, 3_001), Err(Code::RefundOverSale));
    shop.open_roads();
    shop.rest();
    assert_eq!(shop.state(refund), Some(State::Approved));
    assert!(shop.sent(paths::REFUNDS).len() > 2);
    assert_eq!(shop.received(paths::REFUNDS).len(), 1);
    the_same_bytes(&shop, paths::REFUNDS);
}

#[test]
fn a_refund_on_the_screen_that_was_sent_once_never_fails() {
    let mut shop = Shop::open();
    let sale = shop.sold(5_000);
    let refund = shop.refund(sale, 2_000).unwrap();
    let refund_left = sent_once_then_refused(&mut shop, paths::REFUNDS, refund);
    assert_eq!(refund_left, State::Unknown);
    shop.pass(4 * MINUTE_MS);
    shop.rest();
    assert_eq!(shop.state(refund), Some(State::Approved));
    the_same_bytes(&shop, paths::REFUNDS);
}

#[test]
fn a_sale_that_was_sent_once_never_fails_but_is_reversed() {
    let mut shop = Shop::open();
    let sale = shop.tap(4_000).unwrap();
    let sale_left = sent_once_then_refused(&mut shop, paths::TRANSACTIONS, sale);
    assert_eq!(sale_left, State::Reversing);
    shop.pass(4 * MINUTE_MS);
    shop.rest();
    assert_eq!(shop.state(sale), Some(State::Reversed));
    assert!(shop.is_tombstone(sale), "its reversal came before it");
    the_same_bytes(&shop, paths::TRANSACTIONS);
}

/// The first sending takes its time; every later one is certain not to have left. The state at its end on the
/// screen.
fn sent_once_then_refused(shop: &mut Shop, path: &'static str, key: PaymentKey) -> State {
    shop.road(path, Road::RequestLate(4 * MINUTE_MS));
    shop.until_sent(path);
    shop.road(path, Road::Refused);
    shop.until("its end on the screen", Shop::is_idle);
    assert!(shop.sent(path).len() > 1, "it was sent again");
    assert!(shop.received(path).is_empty());
    shop.state(key).unwrap()
}
