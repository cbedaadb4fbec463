//! From an activation code to a till that sells.

use softpos_scenarios::{HostPlace, Shop, side_by_side};
use softpos_terminal::{ActivationStage, ActivationUri, Ending, Screen, State, Step};
use softpos_types::{Action, Code, Currency, Method, MoneyState, SoftPosError};

const STAGES: [ActivationStage; 4] = [
    ActivationStage::Redeem,
    ActivationStage::Attest,
    ActivationStage::LoadKeys,
    ActivationStage::Parameters,
];

fn failed(ending: &Ending) -> Code {
    match ending {
        Ending::ActivationFailed { fault } => fault.code,
        other => panic!("not a failed activation: {other:?}"),
    }
}

fn stages(shop: &Shop) -> Vec<ActivationStage> {
    let stage = |step: &Step| match step {
        Step::Show { view, .. } => match view.screen {
            Screen::Activating { stage, .. } => Some(stage),
            _ => None,
        },
        _ => None,
    };
    shop.steps().iter().filter_map(stage).collect()
}

#[test]
fn a_code_makes_a_till_that_sells() {
    let mut shop = Shop::unopened(HostPlace::start());
    assert!(!shop.till().status().unwrap().activated);
    shop.activate();
    assert_eq!(stages(&shop), STAGES);
    let status = shop.till().status().unwrap();
    assert!(status.activated && status.online);
    assert_eq!(status.obstacle, None);
    assert!(status.found.is_empty(), "{:?}", status.found);
    assert_eq!(shop.tap(1_234, "visa-approved").state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn the_acquirers_parameters_rule_and_outlive_the_program() {
    let mut shop = Shop::open();
    let status = shop.till().status().unwrap();
    let merchant = status.merchant.clone().unwrap();
    assert_eq!(
        (merchant.name.as_str(), merchant.name_latin.as_str()),
        ("测试商户", "DEMO SHOP")
    );
    assert_eq!(status.currency, Some(Currency::CNY));
    assert_eq!(status.methods, [Method::Card, Method::Code, Method::Cash]);
    assert!(!status.categories.is_empty());
    assert_eq!(status.limits.as_ref().unwrap().payment_minor, 5_000_000);
    assert!(status.queue.offline_enabled);
    // Without any host: everything needed lies in the folder.
    shop.host.stop();
    shop.reopen_till();
    assert_eq!(shop.till().status().unwrap(), status);
}

#[test]
fn a_kill_at_each_step_resumes_there() {
    side_by_side(STAGES, |stage| {
        let mut shop = Shop::unopened(HostPlace::start());
        let activation = shop.host.activation();
        shop.till().activate(&activation).unwrap();
        shop.run_until_screen(
            |screen| matches!(screen, Screen::Activating { stage: now, .. } if *now == stage),
        );
        shop.kill_till();
        shop.forget_steps();
        if stage == ActivationStage::Redeem {
            // Whether or not the code was redeemed, it is this device's.
            assert_eq!(shop.try_activate(&activation).unwrap(), Ending::Activated);
        } else {
            assert_eq!(shop.finish(), Ending::Activated, "by itself, from {stage:?}");
            assert_eq!(stages(&shop).first(), Some(&stage));
        }
        assert_eq!(shop.tap(100, "visa-approved").state, State::Approved);
        shop.assert_reconciled();
    });
}

#[test]
fn a_lost_answer_at_each_step_is_asked_for_again() {
    // One request for each step, and three for the keys.
    side_by_side(1..=6, |nth| {
        for lost in ["drop-after", "drop-before"] {
            let mut shop = Shop::unopened(HostPlace::start());
            let activation = shop.host.activation();
            shop.host.fault(&format!("{lost}@any:1/{nth}"));
            let ending = shop.try_activate(&activation).unwrap();
            assert_eq!(failed(&ending), Code::HostNotReached, "{lost} {nth}");
            shop.host.fault("off");
            assert_eq!(
                shop.try_activate(&activation).unwrap(),
                Ending::Activated,
                "{lost} {nth}"
            );
            assert_eq!(shop.tap(100, "visa-approved").state, State::Approved);
            shop.assert_reconciled();
        }
    });
}

#[test]
fn an_unknown_code_is_refused() {
    let mut shop = Shop::unopened(HostPlace::start());
    let activation = ActivationUri::from_parts(&shop.host.url(), &shop.host.pin(), "00000-00000").unwrap();
    assert_eq!(
        failed(&shop.try_activate(&activation).unwrap()),
        Code::ActivationUnknown
    );
    // What to do about it works.
    shop.activate();
}

#[test]
fn an_expired_code_is_refused() {
    let host = HostPlace::start_with(|config| config.lifetimes.activation_code_ms = 1);
    let mut shop = Shop::unopened(host);
    let activation = shop.host.activation();
    std::thread::sleep(std::time::Duration::from_millis(10));
    assert_eq!(
        failed(&shop.try_activate(&activation).unwrap()),
        Code::ActivationExpired
    );
    assert!(!shop.till().status().unwrap().activated);
}

#[test]
fn a_used_code_is_refused_to_another_device() {
    let host = HostPlace::start();
    let activation = host.activation();
    let mut first = Shop::unopened(host);
    assert_eq!(first.try_activate(&activation).unwrap(), Ending::Activated);
    let other = softpos_scenarios::TillPlace::new();
    let till = other.open(&first.log).unwrap();
    till.activate(&activation).unwrap();
    let ending = loop {
        if let Some(Step::Finished { ending, .. }) = till.next_step_within(std::time::Duration::from_secs(10))
        {
            break ending;
        }
    };
    assert_eq!(failed(&ending), Code::ActivationUsed);
    let fault = SoftPosError::of(Code::ActivationUsed).fault().clone();
    assert_eq!(
        (fault.money, fault.action),
        (MoneyState::NotMoved, Action::NewActivationCode)
    );
    // The first device sells on.
    assert_eq!(first.tap(100, "visa-approved").state, State::Approved);
}

#[test]
fn a_malformed_activation_text_is_no_activation() {
    for text in [
        "",
        "https://127.0.0.1",
        "softpos:activate?v=1",
        "softpos:activate?v=2&host=https%3A%2F%2Fa&pin=x&code=y",
        "softpos:activate?v=1&host=http%3A%2F%2F127.0.0.1&pin=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&code=A",
        "softpos:activate?v=1&host=https%3A%2F%2F127.0.0.1&pin=short&code=A",
    ] {
        let error = ActivationUri::parse(text).unwrap_err();
        assert_eq!(error.code(), Code::ActivationMalformed, "{text}");
    }
}

#[test]
fn an_active_till_uses_up_no_second_code() {
    let mut shop = Shop::open();
    let activation = shop.host.activation();
    assert_eq!(shop.try_activate(&activation).unwrap(), Ending::Activated);
    let other = HostPlace::start();
    let elsewhere = other.activation();
    assert_eq!(
        shop.try_activate(&elsewhere).unwrap_err().code(),
        Code::NotExpected
    );
    assert_eq!(shop.tap(100, "visa-approved").state, State::Approved);
    shop.assert_reconciled();
    // Both codes still make a till.
    let mut second = Shop::unopened(shop.host);
    assert_eq!(second.try_activate(&activation).unwrap(), Ending::Activated);
    let mut third = Shop::unopened(other);
    assert_eq!(third.try_activate(&elsewhere).unwrap(), Ending::Activated);
}

#[test]
fn nothing_is_sold_before_the_activation() {
    let mut shop = Shop::unopened(HostPlace::start());
    let error = shop.try_tap(100, "visa-approved").unwrap_err();
    assert!(matches!(error, SoftPosError::NotReady(_)));
    assert_eq!(
        (error.code(), error.fault().action),
        (Code::NotActivated, Action::Activate)
    );
    assert_eq!(shop.try_settle().unwrap_err().code(), Code::NotActivated);
    assert_eq!(shop.history(), []);
}
