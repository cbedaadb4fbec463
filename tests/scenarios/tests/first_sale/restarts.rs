//! The program is killed or ends while something is open, and starts again on the same folder.

use std::time::Duration;

use softpos_scenarios::{Customer, Shop, sale, side_by_side};
use softpos_terminal::{Ending, RefundRequest, Screen, State};
use softpos_types::{Language, Method};

#[test]
fn what_was_approved_stays_approved() {
    let mut shop = Shop::open();
    let paid = shop.tap(1_111, "visa-approved");
    let declined = shop.tap(2_222, "visa-declined");
    let cash = shop.cash(3_333);
    shop.kill_till();
    assert_eq!(shop.payment(paid.key), paid);
    assert_eq!(shop.payment(declined.key), declined);
    assert_eq!(shop.payment(cash.key).state, State::Approved);
    let next = shop.tap(4_444, "visa-approved");
    assert!(next.stan > cash.stan, "no voucher number comes twice");
    shop.assert_reconciled();
}

#[test]
fn killed_while_the_result_is_unknown_it_is_undone() {
    side_by_side(["drop-after@any:always", "drop-before@any:always"], |fault| {
        let mut shop = Shop::open();
        shop.host.fault(fault);
        let key = shop.begin(6_001, "visa-approved");
        shop.run_until_screen(|screen| matches!(screen, Screen::ResultUnknown { .. }));
        shop.kill_till();
        assert!(shop.payment(key).state.is_open(), "{fault}");
        shop.host.fault("off");
        assert_eq!(shop.outcome(key).state, State::Reversed, "{fault}");
        shop.assert_reconciled();
        assert_eq!(shop.tap(100, "visa-approved").state, State::Approved);
    });
}

#[test]
fn killed_before_the_answer_it_is_undone() {
    let mut shop = Shop::open();
    shop.host.fault("delay=1500");
    let key = shop.begin(6_002, "visa-approved");
    shop.run_until_screen(|screen| matches!(screen, Screen::Authorising));
    std::thread::sleep(Duration::from_millis(300));
    shop.kill_till();
    assert_eq!(shop.outcome(key).state, State::Reversed);
    std::thread::sleep(Duration::from_millis(1_500));
    shop.assert_reconciled();
    assert!(shop.host.ledger().iter().all(|row| row.booked_minor == 0));
}

#[test]
fn a_till_closed_in_order_clears_up_like_a_killed_one() {
    let mut shop = Shop::open();
    shop.host.fault("drop-after@any:always");
    let key = shop.begin(6_003, "visa-approved");
    shop.run_until_screen(|screen| matches!(screen, Screen::ResultUnknown { .. }));
    shop.close_till();
    shop.host.fault("off");
    shop.resume_till();
    assert_eq!(shop.outcome(key).state, State::Reversed);
    shop.assert_reconciled();
}

#[test]
fn a_decline_that_was_missed_is_adopted() {
    let mut shop = Shop::open();
    shop.host.fault("drop-after@any:always");
    let key = shop.begin(6_004, "visa-declined");
    shop.run_until_screen(|screen| matches!(screen, Screen::ResultUnknown { .. }));
    shop.close_till();
    let left = softpos_terminal::read_history(shop.place.dir(), &**shop.place.hardware()).unwrap();
    let decided = shop.host.ledger().iter().any(|row| row.key == key);
    shop.host.fault("off");
    shop.resume_till();
    let ended = shop.outcome(key);
    // On a slow machine the queries may be over already, or the connection was cut under the request: then it is
    // undone, whatever it was.
    let expected = match left[0].state {
        State::Reversing => (State::Reversed, None),
        _ if !decided => (State::Reversed, None),
        _ => (State::Declined, Some("05")),
    };
    assert_eq!((ended.state, ended.de39.as_deref()), expected);
    shop.assert_reconciled();
}

#[test]
fn a_reversal_survives_any_number_of_kills() {
    let mut shop = Shop::open();
    let paid = shop.tap(6_005, "visa-approved");
    shop.host.fault("drop-before@any:always");
    shop.till().refuse_approval(paid.key).unwrap();
    shop.listen(Duration::from_millis(100));
    for _ in 0..3 {
        shop.kill_till();
        assert_eq!(shop.payment(paid.key).state, State::Reversing);
    }
    shop.host.fault("off");
    assert_eq!(shop.outcome(paid.key).state, State::Reversed);
    shop.assert_reconciled();
}

#[test]
fn the_host_is_restarted_while_the_result_is_unknown() {
    let mut shop = Shop::open();
    shop.host.fault("drop-after@any:always");
    let key = shop.begin(6_006, "visa-approved");
    shop.run_until_screen(|screen| matches!(screen, Screen::ResultUnknown { .. }));
    shop.restart_host();
    let ending = shop.finish();
    assert_eq!(shop.paid(&ending).key, key);
    // The sale screen is open as long as the queries last.
    assert!(matches!(
        shop.outcome(key).state,
        State::Approved | State::Reversed
    ));
    shop.assert_reconciled();
}

#[test]
fn a_killed_refund_is_found_and_never_reversed() {
    side_by_side(["drop-after@any:always", "drop-before@any:always"], |fault| {
        let mut shop = Shop::open();
        let paid = shop.tap(6_007, "visa-approved");
        shop.host.fault(fault);
        let request = RefundRequest {
            original_key: paid.key,
            amount: paid.amount,
            language: Language::En,
        };
        let refund = shop.till().refund(&request).unwrap();
        shop.run_until_screen(|screen| matches!(screen, Screen::ResultUnknown { .. }));
        shop.kill_till();
        shop.host.fault("off");
        assert_eq!(shop.outcome(refund).state, State::Approved, "{fault}");
        shop.assert_reconciled();
        assert_eq!(shop.host.ledger().len(), 2, "{fault}");
    });
}

#[test]
fn stored_payments_survive_and_are_sent_by_the_next_program() {
    let mut shop = Shop::open();
    shop.network(false);
    let keys = [
        shop.tap(1_001, "visa-approved").key,
        shop.tap(1_002, "visa-phone").key,
    ];
    shop.host.stop();
    shop.kill_till();
    for key in keys {
        assert_eq!(shop.payment(key).state, State::Stored);
    }
    shop.host.resume();
    shop.assert_reconciled();
    assert_eq!(shop.states(), [State::Approved, State::Approved]);
}

#[test]
fn a_code_whose_till_was_killed_is_cancelled_or_if_paid_kept() {
    side_by_side([false, true], |paid_meanwhile| {
        let mut shop = Shop::open();
        let key = shop.till().start(sale(6_008, Method::Code)).unwrap();
        let mut payload = String::new();
        shop.run_until(|step| {
            payload = shown_code(step)?;
            Some(())
        });
        shop.host.fault("drop-before@any:always");
        if paid_meanwhile {
            assert!(shop.pay_code(&payload, "alipay").contains("\"paid\""));
        }
        shop.kill_till();
        shop.host.fault("off");
        let expected = if paid_meanwhile {
            State::Approved
        } else {
            State::Reversed
        };
        assert_eq!(shop.outcome(key).state, expected);
        shop.assert_reconciled();
    });
}

#[test]
fn killed_with_a_card_in_the_field_nothing_is_left() {
    let mut shop = Shop::open();
    shop.begin(100, "visa-pin");
    shop.run_until_screen(|screen| matches!(screen, Screen::EnterPin));
    shop.kill_till();
    shop.customer = Customer::default();
    assert_eq!(shop.history(), []);
    assert_eq!(shop.pin(100, "visa-pin", "1234").state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn a_kill_after_every_moment_of_a_sale_charges_at_most_once() {
    // From before the record to after the answer, in steps of two milliseconds.
    let mut shop = Shop::open();
    for wait_ms in (0_u16..40).step_by(2) {
        let key = shop.begin(7_000 + i64::from(wait_ms), "visa-approved");
        shop.run_until_screen(|screen| matches!(screen, Screen::Authorising));
        std::thread::sleep(Duration::from_millis(wait_ms.into()));
        shop.kill_till();
        shop.come_to_rest();
        match shop.till().payment(key).map(|payment| payment.state) {
            Ok(State::Approved | State::Reversed) | Err(_) => {}
            Ok(other) => panic!("{other:?} after {wait_ms} ms"),
        }
    }
    shop.assert_reconciled();
    assert!(matches!(shop.try_settle().unwrap(), Ending::Settled { view } if view.balanced));
}

pub(crate) fn shown_code(step: &softpos_terminal::Step) -> Option<String> {
    match step {
        softpos_terminal::Step::Show { view, .. } => match &view.screen {
            Screen::ShowCode { payload, .. } => Some(payload.clone()),
            _ => None,
        },
        _ => None,
    }
}
