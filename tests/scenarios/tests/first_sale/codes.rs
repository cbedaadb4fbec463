//! A code on the screen, and the customer who pays it, or not.

use softpos_scenarios::{HostPlace, Shop, sale, side_by_side};
use softpos_terminal::{Announcement, State};
use softpos_types::Method;

use crate::restarts::shown_code;

/// Shows a code and leaves it on the screen.
fn show_code(shop: &mut Shop, amount_minor: i64) -> (softpos_types::PaymentKey, String) {
    let key = shop.till().start(sale(amount_minor, Method::Code)).unwrap();
    let payload = shop.run_until(shown_code);
    (key, payload)
}

#[test]
fn a_paid_code_ends_in_the_same_ledger() {
    let mut shop = Shop::open();
    for (wallet, amount_minor) in [("wechat", 901), ("alipay", 902), ("unionpay", 903)] {
        let paid = shop.code(amount_minor, wallet);
        assert_eq!(
            (paid.state, paid.channel.as_deref()),
            (State::Approved, Some(wallet))
        );
    }
    assert!(matches!(
        shop.said().last(),
        Some(Announcement::Approved { method: Method::Code, channel: Some(channel), .. }) if channel == "unionpay"
    ));
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger().len(), 3);
}

#[test]
fn a_code_is_paid_once() {
    let mut shop = Shop::open();
    let (key, payload) = show_code(&mut shop, 910);
    assert!(shop.pay_code(&payload, "wechat").contains("\"paid\""));
    assert!(shop.pay_code(&payload, "alipay").contains("\"closed\""));
    shop.finish();
    assert_eq!(shop.payment(key).channel.as_deref(), Some("wechat"));
    shop.assert_reconciled();
}

#[test]
fn a_cancelled_code_cannot_be_paid() {
    let mut shop = Shop::open();
    let (key, payload) = show_code(&mut shop, 911);
    shop.till().cancel().unwrap();
    shop.finish();
    assert_eq!(shop.outcome(key).state, State::Reversed);
    assert!(shop.pay_code(&payload, "wechat").contains("\"closed\""));
    shop.assert_reconciled();
    assert!(shop.host.ledger().iter().all(|row| row.booked_minor == 0));
}

#[test]
fn a_code_paid_while_it_is_cancelled_is_given_back() {
    let mut shop = Shop::open();
    let (key, payload) = show_code(&mut shop, 912);
    // The till hears nothing of the payment before the operator gives up.
    shop.network(false);
    assert!(shop.pay_code(&payload, "alipay").contains("\"paid\""));
    shop.till().cancel().unwrap();
    shop.finish();
    shop.network(true);
    assert_eq!(shop.outcome(key).state, State::Reversed);
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger()[0].booked_minor, 0);
}

/// A shop whose codes hold for a second.
fn hasty_shop() -> Shop {
    let mut shop = Shop::unopened(HostPlace::start_with(|config| {
        config.lifetimes.shown_code_ms = 1_000;
    }));
    shop.activate();
    shop
}

#[test]
fn a_code_that_nobody_pays_in_time_expires() {
    let mut shop = hasty_shop();
    let (key, payload) = show_code(&mut shop, 916);
    shop.finish();
    assert_eq!(shop.payment(key).state, State::Expired);
    assert_eq!(shop.said().last(), Some(&Announcement::CodeExpired));
    assert!(shop.pay_code(&payload, "wechat").contains("\"expired\""));
    shop.assert_reconciled();
    assert!(shop.settle().balanced);
}

#[test]
fn a_code_that_expires_while_the_till_is_dead_is_closed() {
    let mut shop = hasty_shop();
    let (key, payload) = show_code(&mut shop, 917);
    shop.close_till();
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    shop.resume_till();
    assert_eq!(shop.outcome(key).state, State::Expired);
    assert!(shop.pay_code(&payload, "wechat").contains("\"expired\""));
    shop.assert_reconciled();
}

#[test]
fn a_code_that_may_have_been_opened_is_cancelled() {
    side_by_side(
        [
            "drop-after@codes",
            "drop-before@codes",
            "garbage@codes",
            "bad-signature@codes",
        ],
        |fault| {
            let mut shop = Shop::open();
            shop.host.fault(fault);
            let ending = shop.sell(sale(913, Method::Code)).unwrap();
            let key = shop.paid(&ending).key;
            assert_eq!(shop.outcome(key).state, State::Reversed, "{fault}");
            shop.assert_reconciled();
        },
    );
}

#[test]
fn no_code_is_shown_while_the_host_is_down() {
    let mut shop = Shop::open();
    shop.host.stop();
    let ending = shop.sell(sale(914, Method::Code)).unwrap();
    assert_eq!(shop.paid(&ending).state, State::Failed);
    shop.host.resume();
    assert_eq!(shop.code(914, "wechat").state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn foreign_and_torn_codes_are_not_paid() {
    let mut shop = Shop::open();
    let (_, payload) = show_code(&mut shop, 915);
    let torn = &payload[..payload.len() - 1];
    assert!(shop.pay_code(torn, "wechat").contains("\"unreadable\""));
    assert!(shop.pay_code("", "wechat").contains("\"unreadable\""));
    let no_wallet = shop.till().sandbox_pay_code(&payload, "purse").unwrap();
    assert_eq!(no_wallet.status, 400);
    assert!(shop.pay_code(&payload, "wechat").contains("\"paid\""));
    shop.finish();
    shop.assert_reconciled();
}
