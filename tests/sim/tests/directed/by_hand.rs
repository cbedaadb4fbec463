//! Row 8 by hand: what is being written down about a sale keeps it from being refused.

use softpos_flow::Ending;
use softpos_host::{TransactionState, paths};
use softpos_journal::State;
use softpos_sim::Shop;
use softpos_types::Code;

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
