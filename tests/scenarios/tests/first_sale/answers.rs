//! Answers that come late, wrong, twice or not at all.

use std::time::Duration;

use softpos_scenarios::{Shop, side_by_side};
use softpos_terminal::{Announcement, Notice, Screen, State, Step};
use softpos_types::Code;

/// The result was said to be unknown, once, and "do not charge again" with it.
fn assert_unknown_was_said(shop: &Shop) {
    let unknown = shop
        .said()
        .iter()
        .filter(|said| **said == Announcement::Unknown)
        .count();
    assert_eq!(unknown, 1, "{:?}", shop.said());
}

#[test]
fn lost_before_the_host_decided_is_sent_again_and_approved_once() {
    let mut shop = Shop::open();
    shop.host.fault("drop-before");
    let paid = shop.tap(5_001, "visa-approved");
    assert_eq!(paid.state, State::Approved);
    assert_unknown_was_said(&shop);
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger().len(), 1);
}

#[test]
fn lost_after_the_host_decided_is_adopted() {
    let mut shop = Shop::open();
    shop.host.fault("drop-after");
    let paid = shop.tap(5_002, "visa-approved");
    assert_eq!(paid.state, State::Approved);
    assert_unknown_was_said(&shop);
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger()[0].booked_minor, 5_002);
}

#[test]
fn a_lost_decline_is_adopted_too() {
    let mut shop = Shop::open();
    shop.host.fault("drop-after");
    let declined = shop.tap(5_002, "visa-declined");
    assert_eq!(
        (declined.state, declined.de39.as_deref()),
        (State::Declined, Some("05"))
    );
    shop.assert_reconciled();
}

#[test]
fn answers_that_cannot_be_believed_are_asked_for_again() {
    side_by_side(["garbage", "bad-signature", "status500"], |fault| {
        let mut shop = Shop::open();
        shop.host.fault(fault);
        let paid = shop.tap(5_003, "visa-approved");
        assert_eq!(paid.state, State::Approved, "{fault}");
        assert_unknown_was_said(&shop);
        shop.assert_reconciled();
        assert_eq!(shop.host.ledger().len(), 1, "{fault}");
    });
}

#[test]
fn a_host_that_only_talks_nonsense_costs_no_money() {
    side_by_side(
        [
            "garbage@any:always",
            "bad-signature@any:always",
            "status500@any:always",
        ],
        |fault| {
            let mut shop = Shop::open();
            shop.host.fault(fault);
            let sale = shop.tap(5_004, "visa-approved");
            assert_eq!(sale.state, State::Reversing, "{fault}");
            // As long as it is not undone no other card is charged; cash and codes go on.
            let refused = shop.try_tap(100, "visa-approved").unwrap_err();
            assert_eq!(refused.code(), Code::ReversalPending);
            assert_eq!(shop.cash(100).state, State::Approved);
            shop.host.fault("off");
            assert_eq!(shop.outcome(sale.key).state, State::Reversed, "{fault}");
            shop.assert_reconciled();
            assert_eq!(shop.tap(100, "visa-approved").state, State::Approved);
            shop.assert_reconciled();
        },
    );
}

#[test]
fn a_request_processed_twice_is_booked_once() {
    let mut shop = Shop::open();
    shop.host.fault("duplicate");
    assert_eq!(shop.tap(5_005, "visa-approved").state, State::Approved);
    shop.assert_reconciled();
    let (_, host) = shop.ledgers();
    assert_eq!((host.len(), host[0].booked_minor), (1, 5_005));
}

#[test]
fn a_host_that_is_down_was_sent_nothing() {
    let mut shop = Shop::open();
    shop.host.stop();
    // Too much to be stored.
    let failed = shop.tap(50_001, "visa-approved");
    assert_eq!((failed.state, failed.de39.as_deref()), (State::Failed, None));
    assert_eq!(shop.said().last(), Some(&Announcement::NotSent));
    shop.host.resume();
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger(), []);
    assert_eq!(shop.tap(50_001, "visa-approved").state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn a_refused_connection_was_sent_nothing() {
    let mut shop = Shop::open();
    shop.host.fault("refuse:always");
    assert_eq!(shop.tap(50_001, "visa-approved").state, State::Failed);
    shop.host.fault("off");
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger(), []);
}

#[test]
fn a_slow_host_is_waited_for() {
    let mut shop = Shop::open();
    shop.host.fault("delay=600");
    assert_eq!(shop.tap(5_006, "visa-approved").state, State::Approved);
    assert!(!shop.said().contains(&Announcement::Unknown));
    shop.assert_reconciled();
}

#[test]
fn a_host_slower_than_the_timer_is_booked_once() {
    let mut shop = Shop::open();
    // The repeat overtakes the first request, which then finds itself answered.
    shop.host.fault("delay=3500");
    assert_eq!(shop.tap(5_007, "visa-approved").state, State::Approved);
    std::thread::sleep(Duration::from_millis(1_500));
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger().len(), 1);
}

#[test]
fn a_request_that_comes_after_its_reversal_is_dead() {
    let mut shop = Shop::open();
    shop.host.fault("delay=2000");
    let key = shop.begin(5_008, "visa-approved");
    shop.run_until_screen(|screen| matches!(screen, Screen::Authorising));
    std::thread::sleep(Duration::from_millis(400));
    shop.till().cancel().unwrap();
    shop.finish();
    assert_eq!(shop.outcome(key).state, State::Reversed);
    // The late request reaches the host now.
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(shop.payment(key).state, State::Reversed);
    shop.assert_reconciled();
    assert!(shop.host.ledger().iter().all(|row| row.booked_minor == 0));
}

#[test]
fn giving_up_while_the_result_is_unknown_undoes_it() {
    side_by_side(["drop-after", "drop-before"], |fault| {
        let mut shop = Shop::open();
        // The queries get no answer either.
        shop.host.fault(&format!("{fault}@any:always"));
        let key = shop.begin(5_009, "visa-approved");
        shop.run_until_screen(|screen| matches!(screen, Screen::ResultUnknown { .. }));
        shop.till().cancel().unwrap();
        let ending = shop.finish();
        assert_eq!(shop.paid(&ending).state, State::Reversing, "{fault}");
        shop.host.fault("off");
        assert_eq!(shop.outcome(key).state, State::Reversed, "{fault}");
        let told = |step: &Step| {
            matches!(
                step,
                Step::Notice {
                    notice: Notice::PaymentChanged {
                        state: State::Reversed,
                        ..
                    },
                    ..
                }
            )
        };
        assert!(shop.steps().iter().any(told));
        shop.assert_reconciled();
    });
}

#[test]
fn a_lost_reversal_is_repeated_until_it_is_done() {
    let mut shop = Shop::open();
    let paid = shop.tap(5_010, "visa-approved");
    shop.host
        .fault("drop-before@reversals:next,drop-after@reversals:next,garbage@reversals:2");
    shop.till().refuse_approval(paid.key).unwrap();
    assert_eq!(shop.outcome(paid.key).state, State::Reversed);
    shop.assert_reconciled();
}

#[test]
fn the_hosts_restart_changes_nothing() {
    let mut shop = Shop::open();
    assert_eq!(shop.tap(100, "visa-approved").state, State::Approved);
    shop.restart_host();
    assert_eq!(shop.tap(200, "visa-approved").state, State::Approved);
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger().len(), 2);
}
