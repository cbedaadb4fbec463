//! What an operator can type that cannot be: each is refused before anything is recorded.

use softpos_scenarios::{Shop, cny, sale};
use softpos_terminal::{PaymentRequest, State};
use softpos_types::{Action, Code, Currency, Method, Money, MoneyError, MoneyState, OrderId, SoftPosError};

fn refused(shop: &mut Shop, request: PaymentRequest, code: Code) {
    let error = shop.sell(request).unwrap_err();
    assert!(matches!(error, SoftPosError::InvalidInput(_)), "{error}");
    let fault = error.fault();
    assert_eq!((fault.code, fault.money), (code, MoneyState::NotMoved));
    assert!(matches!(
        fault.action,
        Action::CorrectInput | Action::CheckHistory
    ));
}

#[test]
fn amounts_that_cannot_be() {
    let mut shop = Shop::open();
    for method in Method::ALL {
        for (amount_minor, code) in [
            (0, Code::AmountZero),
            (-1, Code::AmountNegative),
            (i64::MIN, Code::AmountNegative),
            (5_000_001, Code::AmountOverLimit),
            (Money::MAX_PAYMENT_MINOR + 1, Code::AmountOverLimit),
            (i64::MAX, Code::AmountOverLimit),
        ] {
            refused(&mut shop, sale(amount_minor, method), code);
        }
        let dollars = PaymentRequest {
            amount: Money::new(100, Currency::from_alpha("USD").unwrap()),
            ..sale(100, method)
        };
        refused(&mut shop, dollars, Code::CurrencyNotAllowed);
    }
    assert_eq!(shop.history(), []);
    // No voucher number was used up, and the till sells on.
    let paid = shop.pin(5_000_000, "visa-approved", "1234");
    assert_eq!((paid.stan.value(), paid.amount), (1, cny(5_000_000)));
    shop.assert_reconciled();
}

#[test]
fn amounts_as_typed() {
    for (text, error) in [
        ("1.234", MoneyError::TooManyDecimals),
        ("0", MoneyError::Zero),
        ("0.00", MoneyError::Zero),
        ("-5", MoneyError::Negative),
        ("", MoneyError::NotANumber),
        ("1,5", MoneyError::NotANumber),
        ("1e3", MoneyError::NotANumber),
        ("10000000000.00", MoneyError::TooLarge),
        ("99999999999999999999", MoneyError::TooLarge),
    ] {
        assert_eq!(Money::parse_payment(text, Currency::CNY), Err(error), "{text}");
    }
}

#[test]
fn an_order_is_paid_once() {
    let mut shop = Shop::open();
    let order = |method| PaymentRequest {
        order: Some(OrderId::new("table-7").unwrap()),
        ..sale(1_500, method)
    };
    // A decline leaves the order to be paid another way.
    shop.customer.card = Some(("visa-declined", 1));
    let ending = shop.sell(order(Method::Card)).unwrap();
    assert_eq!(shop.paid(&ending).state, State::Declined);
    shop.customer.wallet = Some("wechat");
    let ending = shop.sell(order(Method::Code)).unwrap();
    assert_eq!(shop.paid(&ending).state, State::Approved);
    for method in Method::ALL {
        refused(&mut shop, order(method), Code::OrderInUse);
    }
    // After the restart as well.
    shop.reopen_till();
    refused(&mut shop, order(Method::Cash), Code::OrderInUse);
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger().len(), 2);
}

#[test]
fn an_order_whose_result_is_unknown_is_not_paid_another_way() {
    let mut shop = Shop::open();
    let order = |method| PaymentRequest {
        order: Some(OrderId::new("table-8").unwrap()),
        ..sale(1_600, method)
    };
    shop.host.fault("drop-after@any:always");
    shop.customer.card = Some(("visa-approved", 1));
    let ending = shop.sell(order(Method::Card)).unwrap();
    let key = shop.paid(&ending).key;
    refused(&mut shop, order(Method::Cash), Code::OrderInUse);
    shop.host.fault("off");
    assert_eq!(shop.outcome(key).state, State::Reversed);
    // It is undone for certain: now it can be.
    let ending = shop.sell(order(Method::Cash)).unwrap();
    assert_eq!(shop.paid(&ending).state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn order_numbers_have_their_length() {
    assert!(OrderId::new("").is_err());
    assert!(OrderId::new(&"x".repeat(65)).is_err());
    assert!(OrderId::new(&"x".repeat(64)).is_ok());
}

#[test]
fn a_payment_nobody_made_is_not_found() {
    let shop = Shop::open();
    let key = "01890a5d-ac96-7b7f-8000-000000000000".parse().unwrap();
    assert_eq!(
        shop.till().payment(key).unwrap_err().code(),
        Code::PaymentNotFound
    );
    assert_eq!(
        shop.till().refuse_approval(key).unwrap_err().code(),
        Code::PaymentNotFound
    );
}

#[test]
fn a_closed_session_does_nothing_more() {
    let shop = Shop::open();
    let till = shop.till().clone();
    till.shutdown();
    let error = till.start(sale(100, Method::Cash)).unwrap_err();
    assert!(matches!(error, SoftPosError::Closed(_)));
    assert_eq!(error.code(), Code::SessionClosed);
}
