//! Charges of payers' codes: every lost, late or doubled answer at every step ends with no open order and no double
//! charge.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use softpos_flow::Ending;
use softpos_host::{TransactionState, paths};
use softpos_journal::State;
use softpos_sim::{PayerMood, Road, Shop};
use softpos_types::Code;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
/// All queries of charges by key.
const QUERIES: &str = "/v1/code-payments/";

const MOODS: [PayerMood; 6] = [
    PayerMood::Pays,
    PayerMood::Confirms(3_000),
    PayerMood::Confirms(90_000),
    PayerMood::Ignores,
    PayerMood::NoMoney,
    PayerMood::PaysUnheard,
];

const ROADS: [Road; 6] = [
    Road::Refused,
    Road::RequestLost,
    Road::RequestLate(30 * SECOND_MS),
    Road::RequestLate(5 * MINUTE_MS),
    Road::AnswerLost,
    Road::AnswerLate(40 * SECOND_MS),
];

/// One charge, the roads opened again after a while: where it ended.
fn ends(shop: &mut Shop, code: u64, mood: PayerMood) -> State {
    let key = shop.charge(code, mood).unwrap();
    shop.until("its end on the screen", Shop::is_idle);
    shop.pass(2 * MINUTE_MS);
    shop.open_roads();
    shop.rest();
    let state = shop.state(key).unwrap();
    let booked = u32::from(state == State::Approved);
    assert_eq!(shop.booked(), usize::try_from(booked).unwrap(), "{mood:?}");
    assert!(shop.received(paths::CODE_PAYMENTS).len() <= 1, "charged once");
    state
}

#[test]
fn a_charge_ends_as_its_payer_wants() {
    for code in [2, 3] {
        let ended = MOODS.map(|mood| ends(&mut Shop::open(), code, mood));
        let expected = [
            State::Approved,
            State::Approved,
            State::Reversed,
            State::Reversed,
            State::Declined,
            State::Approved,
        ];
        assert_eq!(ended, expected, "{code}");
    }
}

#[test]
fn whatever_is_lost_or_late_at_any_step_it_ends() {
    for code in [2, 3] {
        for mood in MOODS {
            for path in [paths::CODE_PAYMENTS, QUERIES, paths::REVERSALS] {
                for road in ROADS {
                    let mut shop = Shop::open();
                    shop.road(path, road);
                    let state = ends(&mut shop, code, mood);
                    assert!(!state.is_open(), "{mood:?} {path} {road:?}");
                }
            }
        }
    }
}

#[test]
fn whenever_the_power_goes_it_ends() {
    for code in [2, 3] {
        for mood in MOODS {
            for effect in 1.. {
                let mut shop = Shop::open();
                shop.cut_at_effect(effect);
                let key = shop.charge(code, mood).unwrap();
                shop.rest();
                let booked = usize::from(shop.state(key) == Some(State::Approved));
                assert_eq!(shop.booked(), booked, "{mood:?}, cut at effect {effect}");
                assert!(shop.received(paths::CODE_PAYMENTS).len() <= 1);
                if !shop.was_cut() {
                    break;
                }
            }
        }
    }
}

#[test]
fn whenever_the_cashier_stops_it_is_taken_back_not_forgotten() {
    for code in [2, 3] {
        for mood in MOODS {
            for steps in 0..40 {
                let mut shop = Shop::open();
                let key = shop.charge(code, mood).unwrap();
                shop.step(steps);
                let was_open = !shop.is_idle();
                shop.cancel();
                shop.rest();
                let Some(state) = shop.state(key) else { continue };
                // Stopped while the result was being written down: it stands, and the cashier is told.
                let told = shop.last_ending() == Some(&Ending::Payment { key, state });
                assert!(
                    !was_open || state != State::Approved || told,
                    "{mood:?}, stopped after {steps}"
                );
                assert_eq!(shop.booked(), usize::from(state == State::Approved));
            }
        }
    }
}

#[test]
fn no_new_charge_begins_while_one_is_open_and_none_twice_or_offline() {
    let mut shop = Shop::open();
    shop.road(paths::REVERSALS, Road::AnswerLost);
    let key = shop.charge(3, PayerMood::Ignores).unwrap();
    shop.until("its end on the screen", Shop::is_idle);
    assert_eq!(shop.state(key), Some(State::Reversing));
    assert_eq!(shop.charge(5, PayerMood::Pays), Err(Code::CodeOrderOpen));
    shop.kill();
    assert_eq!(shop.charge(5, PayerMood::Pays), Err(Code::CodeOrderOpen));
    shop.open_roads();
    shop.rest();
    assert_eq!(shop.state(key), Some(State::Reversed));
    let paid = shop.charge(5, PayerMood::Pays).unwrap();
    shop.until("its end on the screen", Shop::is_idle);
    assert_eq!(shop.state(paid), Some(State::Approved));
    assert_eq!(shop.charge(5, PayerMood::Pays), Err(Code::CodeUsed));
    shop.network(false);
    assert_eq!(shop.charge(7, PayerMood::Pays), Err(Code::HostNotReached));
    assert_eq!(shop.received(paths::CODE_PAYMENTS).len(), 2);
}

#[test]
fn a_reversal_keeps_to_the_wallets_time() {
    let mut shop = Shop::open();
    let key = shop.charge(2, PayerMood::Ignores).unwrap();
    shop.until_sent(paths::CODE_PAYMENTS);
    shop.cancel();
    shop.until("its end on the screen", Shop::is_idle);
    shop.pass(10 * SECOND_MS);
    assert!(
        shop.sent(paths::REVERSALS).is_empty(),
        "WeChat takes nothing back before 15 s"
    );
    shop.pass(10 * SECOND_MS);
    shop.rest();
    assert_eq!(shop.sent(paths::REVERSALS).len(), 1);
    assert_eq!(shop.state(key), Some(State::Reversed));
}

#[test]
fn a_notice_is_a_reason_to_ask_and_a_late_one_gives_the_money_back() {
    let mut shop = Shop::open();
    let key = shop.charge(3, PayerMood::Confirms(0)).unwrap();
    shop.until("the payer is asked", |shop| {
        shop.state(key) == Some(State::AwaitingPayer)
    });
    shop.pass(1_200);
    assert_eq!(shop.state(key), Some(State::AwaitingPayer));
    shop.notice(key).unwrap();
    shop.until("its end on the screen", Shop::is_idle);
    assert_eq!(shop.state(key), Some(State::Approved));
    // Undone, and paid all the same.
    let late = shop.charge(5, PayerMood::Ignores).unwrap();
    shop.rest();
    assert_eq!(shop.state(late), Some(State::Reversed));
    shop.notice(late).unwrap();
    shop.rest();
    assert_eq!(
        (shop.state(late), shop.late_notices()),
        (Some(State::Reversed), 1)
    );
    shop.paid_late(late).unwrap();
    shop.rest();
    assert_eq!(shop.late_notices(), 2);
    assert_eq!(shop.host_state(late), Some(TransactionState::Reversed));
    assert_eq!((shop.state(late), shop.booked()), (Some(State::Reversed), 1));
}

#[test]
fn an_approval_that_the_operator_refuses_is_undone_by_the_wallets_rules() {
    for code in [2, 3] {
        let mut shop = Shop::open();
        let key = shop.charge(code, PayerMood::Pays).unwrap();
        shop.rest();
        shop.refuse_approval(key).unwrap();
        shop.rest();
        assert_eq!((shop.state(key), shop.booked()), (Some(State::Reversed), 0));
    }
}

#[test]
fn what_cannot_be_signed_is_tried_again() {
    for count in 1..4 {
        let mut shop = Shop::open();
        let key = shop.charge(3, PayerMood::Ignores).unwrap();
        shop.until_sent(paths::CODE_PAYMENTS);
        shop.refuse_signatures(count);
        shop.cancel();
        shop.rest();
        assert_eq!((shop.state(key), shop.booked()), (Some(State::Reversed), 0));
    }
}
