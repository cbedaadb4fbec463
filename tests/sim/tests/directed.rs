//! Stories told on purpose, each for one rule that chance rarely puts to the test.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use softpos_flow::Ending;
use softpos_host::{HostRequest, TransactionRequest, TransactionState, paths};
use softpos_journal::State;
use softpos_sim::{Road, Shop};
use softpos_types::{Code, Method, PaymentKey};

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// All queries of payments by key.
const QUERIES: &str = "/v1/transactions/";

// Row 23: a refund is asked for and repeated until it is final, whatever a later sending says about itself.

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

// The secure hardware refuses to sign a reversal: nothing is forgotten, nothing is sent twice.

#[test]
fn a_partial_approval_whose_reversal_cannot_be_signed_is_undone_in_the_background() {
    let mut shop = Shop::open();
    shop.approve_in_part(true);
    let sale = shop.tap(4_000).unwrap();
    shop.until_sent(paths::TRANSACTIONS);
    shop.refuse_signatures(1);
    left_as_unknown_and_undone(&mut shop, sale);
}

#[test]
fn a_cancelled_sale_whose_reversal_cannot_be_signed_is_undone_in_the_background() {
    let mut shop = Shop::open();
    let sale = shop.tap(4_000).unwrap();
    shop.until_sent(paths::TRANSACTIONS);
    shop.refuse_signatures(1);
    shop.cancel();
    left_as_unknown_and_undone(&mut shop, sale);
}

fn left_as_unknown_and_undone(shop: &mut Shop, sale: PaymentKey) {
    shop.until("the screen is free", Shop::is_idle);
    let left = Ending::Payment {
        key: sale,
        state: State::Unknown,
    };
    assert_eq!(shop.last_ending(), Some(&left));
    assert_eq!(shop.last_trouble(), Some(Code::SecureHardware));
    assert!(shop.sent(paths::REVERSALS).is_empty());
    assert!(shop.payment(sale).unwrap().is_open());
    assert_eq!(shop.tap(1_000), Err(Code::ReversalPending));
    shop.rest();
    assert_eq!(shop.state(sale), Some(State::Reversed));
    assert_eq!(shop.host_state(sale), Some(TransactionState::Reversed));
    assert_eq!(shop.sent(paths::TRANSACTIONS).len(), 1);
}

#[test]
fn a_refused_approval_whose_reversal_cannot_be_signed_stands_on_both_sides() {
    let mut shop = Shop::open();
    let sale = shop.sold(4_000);
    shop.refuse_signatures(1);
    shop.refuse_approval(sale).unwrap();
    shop.rest();
    assert_eq!(shop.last_trouble(), Some(Code::SecureHardware));
    assert_eq!(shop.state(sale), Some(State::Approved));
    assert!(shop.sent(paths::REVERSALS).is_empty());
    // It can be wished again.
    shop.refuse_approval(sale).unwrap();
    shop.rest();
    assert_eq!(shop.host_state(sale), Some(TransactionState::Reversed));
}

// Row 8 by hand: what is being written down about a sale keeps it from being refused.

#[test]
fn an_approval_is_not_refused_while_its_refund_is_being_written() {
    let mut shop = Shop::open();
    let sale = shop.sold(4_000);
    let refund = shop.refund(sale, 1_000).unwrap();
    // Being signed, being written, being sent, given back.
    assert_eq!(shop.refuse_approval(sale), Err(Code::NotRefundable));
    shop.until("writing", Shop::is_writing);
    assert_eq!(shop.refuse_approval(sale), Err(Code::NotRefundable));
    shop.until_sent(paths::REFUNDS);
    assert_eq!(shop.refuse_approval(sale), Err(Code::NotRefundable));
    shop.rest();
    assert_eq!(shop.state(refund), Some(State::Approved));
    assert_eq!(shop.refuse_approval(sale), Err(Code::NotRefundable));
}

#[test]
fn an_approval_is_not_refused_while_a_settlement_counts_on_it() {
    let mut shop = Shop::open();
    let sale = shop.sold(4_000);
    shop.settle().unwrap();
    assert_eq!(shop.refuse_approval(sale), Err(Code::NotRefundable));
    shop.until("writing", Shop::is_writing);
    assert_eq!(shop.refuse_approval(sale), Err(Code::NotRefundable));
    // Back after a kill, the settlement on the disk still counts on it.
    shop.network(false);
    shop.until("the record", |shop| !shop.is_writing());
    shop.kill();
    assert!(shop.is_idle());
    assert_eq!(shop.refuse_approval(sale), Err(Code::NotRefundable));
    shop.network(true);
    shop.rest();
    // Settled: it can be given back, no longer undone.
    assert_eq!(shop.refuse_approval(sale), Err(Code::NotRefundable));
    assert!(shop.sent(paths::REVERSALS).is_empty());
}

#[test]
fn a_refused_approval_is_reversed_at_the_host_and_counted_nowhere() {
    let mut shop = Shop::open();
    let sale = shop.sold(4_000);
    let other = shop.sold(3_000);
    shop.refuse_approval(sale).unwrap();
    // Under way: neither given back nor refused twice, and a day close waits for it.
    assert_eq!(shop.refund(sale, 1_000), Err(Code::NotRefundable));
    assert_eq!(shop.refuse_approval(sale), Err(Code::NotRefundable));
    shop.settle().unwrap();
    shop.rest();
    assert!(matches!(shop.last_ending(), Some(Ending::Settled { view }) if view.balanced));
    assert_eq!(shop.state(sale), Some(State::Reversed));
    assert_eq!(shop.host_state(sale), Some(TransactionState::Reversed));
    assert_eq!(shop.state(other), Some(State::Approved));
    assert_eq!(shop.refund(sale, 1_000), Err(Code::NotRefundable));
    shop.settle().unwrap();
    shop.rest();
    assert!(matches!(shop.last_ending(), Some(Ending::Settled { view }) if view.balanced));
}

// Row 11: what the host does not know is not declined.

#[test]
fn an_unknown_key_is_sent_again_while_the_customer_waits() {
    let mut shop = Shop::open();
    shop.road(paths::TRANSACTIONS, Road::RequestLost);
    let sale = shop.tap(4_000).unwrap();
    shop.until_sent(paths::TRANSACTIONS);
    shop.open_roads();
    shop.until("the result", Shop::is_idle);
    assert_eq!(shop.state(sale), Some(State::Approved));
    assert_eq!(shop.sent(paths::TRANSACTIONS).len(), 2);
    the_same_bytes(&shop, paths::TRANSACTIONS);
    shop.rest();
}

#[test]
fn an_unknown_key_is_reversed_when_nobody_waits_and_its_late_request_is_refused() {
    let mut shop = Shop::open();
    shop.road(paths::TRANSACTIONS, Road::RequestLate(30 * MINUTE_MS));
    let sale = shop.tap(4_000).unwrap();
    shop.until_sent(paths::TRANSACTIONS);
    shop.kill();
    shop.until("the reversal's end", |shop| {
        shop.state(sale) == Some(State::Reversed)
    });
    assert_eq!(shop.sent(&paths::transaction(sale)).len(), 1);
    assert!(shop.received(paths::TRANSACTIONS).is_empty());
    // Row 22: the request comes after its reversal.
    assert!(shop.is_tombstone(sale));
    shop.pass(HOUR_MS);
    assert_eq!(shop.received(paths::TRANSACTIONS).len(), 1);
    assert_eq!(shop.host_state(sale), None);
    assert_eq!(shop.state(sale), Some(State::Reversed));
    shop.rest();
}

// Rows 19 to 21: what may be stored.

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

fn store(shop: &mut Shop, amount_minor: i64) -> PaymentKey {
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

// How the queue is sent.

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

// Parameters and the verdict run out, and come back by themselves.

#[test]
fn expired_parameters_refuse_every_sale_until_the_host_answers() {
    let mut shop = Shop::open();
    shop.road(paths::PARAMS, Road::Refused);
    shop.pass(11 * HOUR_MS);
    shop.sold(1_000);
    assert!(
        shop.sent(paths::PARAMS).len() > 10,
        "their renewal is tried again"
    );
    shop.pass(HOUR_MS);
    for method in Method::ALL {
        assert_eq!(
            shop.start(method, 1_000),
            Err(Code::ParametersInvalid),
            "{method:?}"
        );
    }
    let asked = shop.received(paths::PARAMS).len();
    shop.open_roads();
    shop.pass(2 * MINUTE_MS);
    shop.sold(1_000);
    assert_eq!(shop.received(paths::PARAMS).len(), asked + 1);
    shop.rest();
}

#[test]
fn parameters_are_renewed_before_they_expire() {
    let mut shop = Shop::open();
    shop.pass(8 * HOUR_MS);
    assert_eq!(shop.received(paths::PARAMS).len(), 1);
    shop.pass(HOUR_MS);
    assert_eq!(shop.received(paths::PARAMS).len(), 2);
    shop.pass(4 * HOUR_MS);
    shop.sold(1_000);
}

#[test]
fn parameters_that_have_no_successor_are_asked_about_in_measure() {
    let mut shop = Shop::open();
    shop.keep_parameters(true);
    shop.pass(9 * HOUR_MS);
    shop.sold(1_000);
    let (asked, records) = (shop.received(paths::PARAMS).len(), shop.records());
    shop.pass(HOUR_MS);
    let again = shop.received(paths::PARAMS).len() - asked;
    assert!((10..100).contains(&again), "asked {again} times in an hour");
    assert!(
        shop.records() - records < 10,
        "what is known is not written again"
    );
    shop.keep_parameters(false);
    shop.pass(5 * MINUTE_MS);
    shop.pass(10 * HOUR_MS);
    shop.sold(1_000);
    shop.rest();
}

#[test]
fn an_expired_verdict_refuses_cards_while_the_host_could_give_a_new_one() {
    let mut shop = Shop::open();
    shop.road(paths::ATTEST, Road::AnswerLost);
    shop.pass(4 * HOUR_MS - MINUTE_MS);
    shop.sold(1_000);
    shop.pass(2 * MINUTE_MS);
    assert_eq!(shop.tap(1_000), Err(Code::AttestationExpired));
    // Without the host's answer for lack of a network the offline hours count.
    shop.network(false);
    store(&mut shop, 1_000);
    shop.network(true);
    assert_eq!(shop.tap(1_000), Err(Code::AttestationExpired));
    // Cash needs no proven device.
    shop.start(Method::Cash, 500).unwrap();
    shop.open_roads();
    shop.pass(5 * MINUTE_MS);
    shop.sold(1_000);
    shop.rest();
}

#[test]
fn without_a_network_the_verdict_holds_for_its_offline_hours() {
    let mut shop = Shop::open();
    shop.network(false);
    shop.pass(8 * HOUR_MS - 5 * MINUTE_MS);
    store(&mut shop, 1_000);
    shop.pass(5 * MINUTE_MS);
    assert_eq!(shop.tap(1_000), Err(Code::AttestationExpired));
    shop.network(true);
    shop.rest();
    shop.sold(1_000);
}

#[test]
fn the_clock_jumps_ahead_and_back() {
    let mut shop = Shop::open();
    shop.road(paths::ATTEST, Road::Refused);
    shop.set_clock_ahead(ms(5 * HOUR_MS));
    assert_eq!(shop.tap(1_000), Err(Code::AttestationExpired));
    shop.set_clock_ahead(-ms(HOUR_MS));
    shop.sold(1_000);
    shop.set_clock_ahead(0);
    shop.sold(1_000);
    shop.open_roads();
    shop.rest();
}

#[test]
fn a_clock_far_ahead_of_the_host_asks_for_new_verdicts_in_measure() {
    let mut shop = Shop::open();
    let asked = shop.received(paths::ATTEST).len();
    shop.set_clock_ahead(ms(5 * HOUR_MS));
    shop.pass(10 * MINUTE_MS);
    // The host's verdicts have expired by this clock when they come.
    assert_eq!(shop.tap(1_000), Err(Code::AttestationExpired));
    assert!(shop.received(paths::ATTEST).len() - asked < 20, "no storm");
    // A clock that is set right needs nobody's help.
    shop.set_clock_ahead(0);
    shop.sold(1_000);
    shop.rest();
}

// Row 16: what comes after a reversal changes nothing.

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

// Keys: one set, every counter once.

#[test]
fn registers_of_a_set_that_was_never_confirmed_are_not_used() {
    let mut shop = Shop::open();
    shop.sold(1_000);
    shop.kill_and_lose_keys();
    let first = shop.key_set().unwrap().to_vec();
    // The new registers are on the disk; the kill comes before the host's confirmation is.
    shop.until("a register file", |shop| shop.key_file().is_some());
    assert_eq!(shop.key_set().unwrap(), first);
    shop.kill();
    assert_eq!(shop.tap(1_000), Err(Code::KeysExhausted));
    shop.rest();
    let second = shop.key_set().unwrap().to_vec();
    assert_ne!(second, first);
    shop.sold(1_000);
    let used: Vec<Vec<u8>> = data_keys(&shop)
        .into_iter()
        .map(|ksn| ksn[..8].to_vec())
        .collect();
    assert_eq!(used, [first, second]);
}

#[test]
fn lost_keys_are_loaded_anew_as_soon_as_the_host_answers() {
    let mut shop = Shop::open();
    shop.road(paths::KEYS, Road::Refused);
    shop.kill_and_lose_keys();
    shop.until("the third try", |shop| shop.sent(paths::KEYS).len() > 5);
    assert_eq!(shop.tap(1_000), Err(Code::KeysExhausted));
    shop.open_roads();
    shop.until("a register file", |shop| shop.key_file().is_some());
    shop.rest();
    shop.sold(1_000);
}

#[test]
fn no_data_key_is_used_twice_wherever_a_kill_comes() {
    let mut shop = Shop::open();
    for online in [true, false] {
        for steps in 0..25 {
            shop.network(online);
            let sale = shop.tap(1_000).unwrap();
            shop.step(steps);
            shop.kill();
            shop.network(true);
            shop.rest();
            assert!(shop.payment(sale).is_none_or(|payment| !payment.is_open()));
        }
    }
    // Sales that were sent, and sales that were stored.
    let used = data_keys(&shop);
    assert!(used.len() > 10, "{}", used.len());
    let deferred =
        |request: &&&HostRequest| String::from_utf8_lossy(&request.body).contains("\"deferred\":true");
    assert!(shop.received(paths::TRANSACTIONS).iter().filter(deferred).count() > 2);
}

#[test]
fn the_counter_of_a_torn_record_is_burnt() {
    let mut shop = Shop::open();
    shop.sold(1_000);
    // The record of a sale is torn.
    shop.tap(1_000).unwrap();
    shop.until("its record", |shop| shop.counter_being_written().is_some());
    let torn = shop.counter_being_written().unwrap();
    shop.kill();
    shop.rest();
    shop.sold(1_000);
    assert_eq!(data_counters(&shop), [1, torn + 1]);
    // So is the record that would have stored one.
    shop.network(false);
    let sale = shop.tap(1_000).unwrap();
    shop.until("its record", |shop| shop.state(sale) == Some(State::Armed));
    shop.until("its second record", |shop| shop.counter_being_written().is_some());
    let torn_again = shop.counter_being_written().unwrap();
    shop.kill();
    shop.network(true);
    shop.rest();
    shop.sold(1_000);
    assert_eq!(data_counters(&shop), [1, torn + 1, torn_again + 1]);
}

#[test]
fn the_counter_of_a_record_that_was_lost_is_burnt() {
    let mut shop = Shop::open();
    shop.sold(1_000);
    // Declined by the host, and its record cannot be read after the kill: the books do not miss it.
    shop.road(paths::TRANSACTIONS, Road::AnswerLost);
    shop.tap_with("visa-insufficient", 1_000).unwrap();
    shop.until("arrived", |shop| shop.received(paths::TRANSACTIONS).len() == 2);
    shop.kill_and_damage_last_record();
    shop.open_roads();
    shop.rest();
    shop.sold(1_000);
    assert_eq!(data_keys(&shop).len(), 3);
}

fn data_counters(shop: &Shop) -> Vec<u32> {
    let counter = |ksn: Vec<u8>| u32::from_be_bytes(*ksn.last_chunk().unwrap());
    data_keys(shop).into_iter().map(counter).collect()
}

/// The data keys of everything that arrived at the host, each with one body only.
fn data_keys(shop: &Shop) -> BTreeSet<Vec<u8>> {
    let mut bodies: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for request in shop.received(paths::TRANSACTIONS) {
        let read: TransactionRequest = serde_json::from_slice(&request.body).unwrap();
        if let Some(sealed) = read.sealed {
            let body = bodies.entry(sealed.ksn).or_insert_with(|| request.body.clone());
            assert_eq!(*body, request.body, "a data key was used twice");
        }
    }
    bodies.into_keys().collect()
}

/// Everything that was sent there is one request, sent again.
fn the_same_bytes(shop: &Shop, path: &str) {
    let sent = shop.sent(path);
    for repeat in &sent {
        assert_eq!((&repeat.body, &repeat.jws), (&sent[0].body, &sent[0].jws));
        assert_eq!(repeat.key, sent[0].key);
    }
}

fn ms(ms: u64) -> i64 {
    i64::try_from(ms).unwrap()
}
