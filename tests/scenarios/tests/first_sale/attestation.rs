//! The verdict on the device runs out.

use std::time::Duration;

use softpos_scenarios::{HostPlace, Shop};
use softpos_terminal::State;
use softpos_types::{Action, Code, Fault, MoneyState, SoftPosError};

/// A shop whose verdicts hold for two seconds.
fn short_lived(offline_hours: u32) -> Shop {
    let host = HostPlace::start_with(|config| {
        config.lifetimes.verdict_ms = 2_000;
        config.lifetimes.verdict_offline_hours = offline_hours;
    });
    let mut shop = Shop::unopened(host);
    shop.activate();
    shop
}

#[test]
fn without_a_fresh_verdict_cards_are_refused_and_cash_is_not() {
    let mut shop = short_lived(24);
    shop.host.stop();
    std::thread::sleep(Duration::from_millis(2_050));
    let error = shop.try_tap(100, "visa-approved").unwrap_err();
    assert!(matches!(error, SoftPosError::NotReady(_)));
    let fault = error.fault();
    assert_eq!(
        (fault.code, fault.money, fault.action),
        (
            Code::AttestationExpired,
            MoneyState::NotMoved,
            Action::CheckNetwork
        )
    );
    assert_eq!(
        shop.till().status().unwrap().obstacle,
        Some(Fault::of(Code::AttestationExpired))
    );
    assert_eq!(shop.cash(200).state, State::Approved);
    // With the host the verdict comes back by itself.
    shop.host.resume();
    shop.come_to_be_ready();
    assert_eq!(shop.tap(300, "visa-approved").state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn offline_the_verdict_holds_for_its_hours() {
    let mut shop = short_lived(24);
    shop.network(false);
    std::thread::sleep(Duration::from_millis(2_050));
    let stored = shop.tap(400, "visa-approved");
    assert_eq!(stored.state, State::Stored);
    shop.network(true);
    shop.assert_reconciled();
    assert_eq!(shop.payment(stored.key).state, State::Approved);
}

#[test]
fn without_offline_hours_it_does_not_hold() {
    let mut shop = short_lived(0);
    shop.network(false);
    std::thread::sleep(Duration::from_millis(2_050));
    assert_eq!(
        shop.try_tap(400, "visa-approved").unwrap_err().code(),
        Code::AttestationExpired
    );
    shop.network(true);
    shop.come_to_be_ready();
    assert_eq!(shop.tap(400, "visa-approved").state, State::Approved);
    shop.assert_reconciled();
}
