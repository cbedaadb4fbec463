//! The secure hardware refuses to sign a reversal: nothing is forgotten, nothing is sent twice.

use softpos_flow::Ending;
use softpos_host::{TransactionState, paths};
use softpos_journal::State;
use softpos_sim::Shop;
use softpos_types::{Code, PaymentKey};

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
