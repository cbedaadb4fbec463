//! Rows 19 to 21: what may be stored. How the queue is sent.

use softpos_host::{TransactionState, paths};
use softpos_journal::State;
use softpos_sim::{Road, Shop};
use softpos_types::{Code, Method, PaymentKey};

use crate::{HOUR_MS, MINUTE_MS};

#[test]
fn a_stored_payment_that_is_too_old_keeps_others_out_and_is_still_forwarded() {
    let mut shop = Shop::open();
    shop.network(false);
    let stored = shop.tap(10_000).unwrap();
    shop.until("stored", Shop::is_idle);
    assert_eq!(shop.state(stored), Some(State::Stored));
    shop.pass(50 * MINUTE_MS);
    let young_enough = shop.tap(10_000).unwrap();
    shop.until("stored", Shop::is_idle);
    shop.pass(11 * MINUTE_MS);
    assert_eq!(shop.tap(10_000), Err(Code::OfflineNotAllowed));
    both_are_forwarded(&mut shop, &[stored, young_enough]);
}

#[test]
fn a_fifth_stored_payment_is_refused() {
    let mut shop = Shop::open();
    shop.network(false);
    let stored: Vec<PaymentKey> = (0..4).map(|_| store(&mut shop, 1_000)).collect();
    assert_eq!(shop.tap(1_000), Err(Code::OfflineNotAllowed));
    both_are_forwarded(&mut shop, &stored);
}

#[test]
fn more_than_the_sum_is_not_stored() {
    let mut shop = Shop::open();
    shop.network(false);
    assert_eq!(shop.tap(50_001), Err(Code::OfflineNotAllowed));
    let stored = [store(&mut shop, 50_000), store(&mut shop, 49_000)];
    assert_eq!(shop.tap(1_001), Err(Code::OfflineNotAllowed));
    let last = store(&mut shop, 1_000);
    assert_eq!(shop.tap(1), Err(Code::OfflineNotAllowed));
    both_are_forwarded(&mut shop, &[stored[0], stored[1], last]);
}

#[test]
fn a_sale_that_turns_out_unsendable_is_held_to_the_same_limits() {
    let mut shop = Shop::open();
    shop.network(false);
    let stored: Vec<PaymentKey> = (0..4).map(|_| store(&mut shop, 1_000)).collect();
    // The shell believes in a network that refuses every connection: the sale may begin, and is not stored.
    shop.road(paths::TRANSACTIONS, Road::Refused);
    shop.network(true);
    let sale = shop.tap(1_000).unwrap();
    shop.until("its end", Shop::is_idle);
    assert_eq!(shop.state(sale), Some(State::Failed));
    shop.open_roads();
    both_are_forwarded(&mut shop, &stored);
}

pub(crate) fn store(shop: &mut Shop, amount_minor: i64) -> PaymentKey {
    let key = shop.tap(amount_minor).unwrap();
    shop.until("stored", Shop::is_idle);
    assert_eq!(shop.state(key), Some(State::Stored));
    key
}

fn both_are_forwarded(shop: &mut Shop, stored: &[PaymentKey]) {
    shop.network(true);
    shop.rest();
    for key in stored {
        assert_eq!(shop.state(*key), Some(State::Approved));
        assert_eq!(shop.host_state(*key), Some(TransactionState::Approved));
    }
    shop.network(false);
    store(shop, 1_000);
}

#[test]
fn the_queue_goes_in_its_order_a_few_at_once_and_no_refund_beside_its_sale() {
    let mut shop = Shop::open();
    shop.network(false);
    let first: Vec<PaymentKey> = (0..2).map(|_| sell_cash(&mut shop)).collect();
    let refund = shop.refund(first[1], 1_000).unwrap();
    shop.until("written", Shop::is_idle);
    let later: Vec<PaymentKey> = (0..4).map(|_| sell_cash(&mut shop)).collect();

    shop.road(paths::TRANSACTIONS, Road::AnswerLate(2_000));
    shop.network(true);
    shop.pass(1_000);
    // The refund is next, and its sale is on its way.
    assert_eq!(shop.sent(paths::TRANSACTIONS).len(), 2);
    assert_eq!(shop.sent(paths::REFUNDS).len(), 0);
    shop.open_roads();
    shop.rest();
    let sent = [
        (paths::TRANSACTIONS, first[0]),
        (paths::TRANSACTIONS, first[1]),
        (paths::REFUNDS, refund),
        (paths::TRANSACTIONS, later[0]),
        (paths::TRANSACTIONS, later[1]),
        (paths::TRANSACTIONS, later[2]),
        (paths::TRANSACTIONS, later[3]),
    ];
    let order = sent.map(|(path, key)| shop.sent_at(path, key).expect("sent"));
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(shop.sent(paths::TRANSACTIONS).len(), 6);
    assert_eq!(shop.host_state(refund), Some(TransactionState::Approved));
}

#[test]
fn four_of_a_long_queue_are_on_their_way_and_one_alone_asks_a_host_that_is_gone() {
    let mut shop = Shop::open();
    shop.network(false);
    let queued: Vec<PaymentKey> = (0..6).map(|_| sell_cash(&mut shop)).collect();
    let tries = |shop: &Shop| -> Vec<usize> {
        let sent = shop.sent(paths::TRANSACTIONS);
        let of = |key| sent.iter().filter(|request| request.key == Some(key)).count();
        queued.iter().map(|key| of(*key)).collect()
    };
    shop.road(paths::TRANSACTIONS, Road::Refused);
    shop.network(true);
    shop.pass(HOUR_MS);
    let asked = tries(&shop);
    assert!(asked[0] > 3, "{asked:?}");
    assert_eq!(asked[1..], [1, 1, 1, 0, 0]);
    shop.open_roads();
    shop.rest();
    for key in queued {
        assert_eq!(shop.host_state(key), Some(TransactionState::Approved));
    }
}

fn sell_cash(shop: &mut Shop) -> PaymentKey {
    let key = shop.start(Method::Cash, 1_000).unwrap();
    shop.until("written", Shop::is_idle);
    key
}
