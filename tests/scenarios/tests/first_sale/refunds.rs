//! Money given back: whole, in part, once.

use softpos_scenarios::{Shop, side_by_side};
use softpos_terminal::{Announcement, RefundRequest, Screen, State};
use softpos_types::{Code, Language, Operation, PaymentKey, SoftPosError};

#[test]
fn a_whole_refund_takes_the_sale_back() {
    let mut shop = Shop::open();
    let paid = shop.tap(8_001, "visa-approved");
    let refund = shop.refund(paid.key, 8_001);
    assert_eq!(
        (refund.state, refund.operation),
        (State::Approved, Operation::Refund)
    );
    assert_eq!(refund.original_key, Some(paid.key));
    assert!(
        matches!(shop.said().last(), Some(Announcement::Refunded { amount }) if amount.amount_minor() == 8_001)
    );
    assert_eq!(shop.payment(paid.key).refunded.amount_minor(), 8_001);
    shop.assert_reconciled();
    let booked: i64 = shop.host.ledger().iter().map(|row| row.booked_minor).sum();
    assert_eq!(booked, 0);
    // Not twice.
    let error = shop.try_refund(paid.key, 1).unwrap_err();
    assert!(matches!(error, SoftPosError::InvalidInput(_)));
    assert_eq!(error.code(), Code::RefundOverSale);
    shop.assert_reconciled();
}

#[test]
fn parts_add_up_to_the_sale_and_no_further() {
    let mut shop = Shop::open();
    let paid = shop.tap(1_000, "visa-approved");
    assert_eq!(shop.refund(paid.key, 300).state, State::Approved);
    assert_eq!(
        shop.try_refund(paid.key, 701).unwrap_err().code(),
        Code::RefundOverSale
    );
    assert_eq!(shop.refund(paid.key, 700).state, State::Approved);
    assert_eq!(
        shop.try_refund(paid.key, 1).unwrap_err().code(),
        Code::RefundOverSale
    );
    shop.assert_reconciled();
}

#[test]
fn only_an_approved_sale_is_refunded() {
    let mut shop = Shop::open();
    let declined = shop.tap(1_000, "visa-declined");
    let paid = shop.tap(1_000, "visa-approved");
    let refund = shop.refund(paid.key, 400);
    for key in [declined.key, refund.key] {
        assert_eq!(shop.try_refund(key, 100).unwrap_err().code(), Code::NotRefundable);
    }
    shop.till().refuse_approval(paid.key).unwrap_err();
    let unknown: PaymentKey = "01890a5d-ac96-7b7f-8000-000000000000".parse().unwrap();
    assert_eq!(
        shop.try_refund(unknown, 100).unwrap_err().code(),
        Code::PaymentNotFound
    );
    for (amount, code) in [(0, Code::AmountZero), (-1, Code::AmountNegative)] {
        assert_eq!(shop.try_refund(paid.key, amount).unwrap_err().code(), code);
    }
    shop.assert_reconciled();
}

#[test]
fn a_refund_without_an_answer_is_repeated_under_its_key() {
    side_by_side(
        [
            "drop-after",
            "drop-before",
            "garbage",
            "bad-signature",
            "status500",
            "duplicate",
        ],
        |fault| {
            let mut shop = Shop::open();
            let paid = shop.tap(8_002, "visa-approved");
            shop.host.fault(&format!("{fault}@refunds"));
            let refund = shop.refund(paid.key, 8_002);
            assert_eq!(refund.state, State::Approved, "{fault}");
            shop.assert_reconciled();
            let host = shop.host.ledger();
            assert_eq!((host.len(), host[1].key), (2, refund.key), "{fault}");
        },
    );
}

#[test]
fn giving_up_a_refund_leaves_it_to_the_background() {
    let mut shop = Shop::open();
    let paid = shop.tap(8_003, "visa-approved");
    shop.host.fault("drop-after@any:always");
    let request = RefundRequest {
        original_key: paid.key,
        amount: paid.amount,
        language: Language::En,
    };
    let key = shop.till().refund(&request).unwrap();
    shop.run_until_screen(|screen| matches!(screen, Screen::ResultUnknown { .. }));
    shop.till().cancel().unwrap();
    let ending = shop.finish();
    assert_eq!(shop.paid(&ending).state, State::Unknown);
    // What may have been given back is not given back again.
    assert_eq!(
        shop.try_refund(paid.key, 1).unwrap_err().code(),
        Code::RefundOverSale
    );
    shop.host.fault("off");
    assert_eq!(shop.outcome(key).state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn a_refund_while_the_host_is_down_gives_nothing_back() {
    let mut shop = Shop::open();
    let paid = shop.tap(8_004, "visa-approved");
    shop.host.stop();
    assert_eq!(shop.refund(paid.key, 8_004).state, State::Failed);
    shop.host.resume();
    assert_eq!(shop.payment(paid.key).refunded.amount_minor(), 0);
    assert_eq!(shop.refund(paid.key, 8_004).state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn codes_and_cash_are_given_back_as_they_came() {
    let mut shop = Shop::open();
    let code = shop.code(2_000, "wechat");
    let cash = shop.cash(3_000);
    let back = shop.refund(code.key, 500);
    assert_eq!((back.state, back.method), (State::Approved, code.method));
    shop.network(false);
    let back = shop.refund(cash.key, 3_000);
    assert_eq!((back.state, back.method), (State::Approved, cash.method));
    shop.network(true);
    shop.assert_reconciled();
}

#[test]
fn yesterdays_sale_is_refunded_in_todays_batch() {
    let mut shop = Shop::open();
    let paid = shop.tap(8_005, "visa-approved");
    assert!(shop.settle().balanced);
    let refund = shop.refund(paid.key, 5);
    assert_eq!((refund.state, refund.batch), (State::Approved, paid.batch.next()));
    shop.assert_reconciled();
    assert!(shop.settle().balanced);
}

#[test]
fn cash_is_given_back_while_the_host_is_still_being_told_of_it() {
    let mut shop = Shop::open();
    shop.host.fault("delay=600:next");
    let paid = shop.cash(1_000);
    assert_eq!(shop.refund(paid.key, 400).state, State::Approved);
    shop.come_to_rest();
    shop.assert_reconciled();
}
