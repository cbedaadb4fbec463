//! The rows of the state table, one by one: what a payment was, what the host said, what is done.

#![allow(clippy::unwrap_used, clippy::panic)]

use alloc::string::String;
use alloc::vec::Vec;

use softpos_host::ErrorDetail;
use softpos_journal::{Ledger, Started};
use softpos_types::{AuthCode, Batch, Currency, PaymentKey, Stan, TerminalId};

use super::*;
use crate::test_payments;

const NOW: u64 = 9_000;
const AMOUNT_MINOR: i64 = 1_250;

fn key() -> PaymentKey {
    test_payments::key(1)
}

/// A payment brought to a state as records bring it there.
fn payment(operation: Operation, method: Method, state: State) -> Payment {
    let first = match (method, state) {
        (Method::Cash, _) => State::Approved,
        (_, State::Stored) => State::Stored,
        _ => State::Armed,
    };
    let started = Started {
        operation,
        method,
        state: first,
        original_key: (operation == Operation::Refund).then(|| test_payments::key(0)),
        ..test_payments::started(1, AMOUNT_MINOR)
    };
    let mut ledger = Ledger::default();
    test_payments::put(&mut ledger, started, state);
    ledger.payment(key()).unwrap().clone()
}

fn sale(state: State) -> Payment {
    payment(Operation::Sale, Method::Card, state)
}

fn refund(state: State) -> Payment {
    payment(Operation::Refund, Method::Card, state)
}

fn code(state: State) -> Payment {
    payment(Operation::Sale, Method::Code, state)
}

fn stored() -> Payment {
    sale(State::Stored)
}

fn cash() -> Payment {
    payment(Operation::Sale, Method::Cash, State::Approved)
}

fn reply(state: TransactionState, de39: &str) -> TransactionReply {
    TransactionReply {
        key: key(),
        terminal: TerminalId::new("12345678").unwrap(),
        batch: Batch::new(3).unwrap(),
        stan: Stan::new(12).unwrap(),
        amount_minor: AMOUNT_MINOR,
        currency: Currency::CNY,
        state,
        de39: de39.into(),
        auth_code: AuthCode::new("654321").ok(),
        rrn: None,
        host_utc_ms: 77,
        de55: None,
        channel: Some("wallet".into()),
        channel_transaction: None,
    }
}

fn approval() -> TransactionReply {
    reply(TransactionState::Approved, "00")
}

fn answered(payment: &Payment, reply: TransactionReply) -> Decision {
    after_request(payment, HostOutcome::Reply(reply), NOW)
}

fn refused_with(payment: &Payment, code: &str) -> Decision {
    after_request(payment, HostOutcome::Refused(error(code)), NOW)
}

fn error(code: &str) -> ErrorDetail {
    ErrorDetail {
        code: code.into(),
        message: String::new(),
        host_utc_ms: 55,
    }
}

fn status(
    payment: &Payment,
    state: TransactionState,
    reply: Option<TransactionReply>,
    attended: bool,
) -> Decision {
    let status = StatusReply {
        key: key(),
        state,
        reply,
    };
    after_status(payment, HostOutcome::Reply(status), attended, NOW)
}

/// The step that was decided, which the state table must allow.
fn step(payment: &Payment, decision: Decision) -> Moved {
    let Decision::Record(moved) = decision else {
        panic!("no step but {decision:?}");
    };
    assert_eq!((moved.key, moved.utc_ms), (key(), NOW));
    assert!(
        payment.state.may_become(moved.to),
        "{:?} -> {:?}",
        payment.state,
        moved.to
    );
    moved
}

fn unknown_because(payment: &Payment, decision: Decision, reason: ReversalReason) {
    let moved = step(payment, decision);
    assert_eq!((moved.to, moved.reason), (State::Unknown, Some(reason)));
}

#[test]
fn row_3_no_byte_left_the_till() {
    for armed in [sale(State::Armed), refund(State::Armed), code(State::Armed)] {
        assert_eq!(
            after_request(&armed, HostOutcome::NotSent, NOW),
            Decision::NotSent
        );
    }
}

#[test]
fn row_3_is_for_the_first_sending_only() {
    let earlier = [
        sale(State::Unknown),
        refund(State::Unknown),
        code(State::AwaitingPayer),
    ];
    for sent_before in earlier {
        assert_eq!(
            after_request(&sent_before, HostOutcome::NotSent, NOW),
            Decision::Later,
            "{:?}",
            sent_before.state
        );
    }
}

#[test]
fn row_5_approved_with_every_code_of_class_a() {
    for armed in [sale(State::Armed), refund(State::Armed), sale(State::Unknown)] {
        for de39 in ["00", "11", "16", "A2", "A4", "A5", "A6"] {
            let moved = step(&armed, answered(&armed, reply(TransactionState::Approved, de39)));
            assert_eq!(moved.to, State::Approved, "{de39}");
            let facts = moved.reply.unwrap();
            assert_eq!((facts.de39.as_str(), facts.host_utc_ms), (de39, 77));
            assert_eq!(facts.auth_code.unwrap().as_str(), "654321");
            assert_eq!(facts.channel.as_deref(), Some("wallet"));
        }
    }
}

#[test]
fn row_6_declined_with_codes_of_the_other_classes() {
    for armed in [sale(State::Armed), refund(State::Armed), sale(State::Unknown)] {
        for de39 in ["05", "13", "41", "51", "98", "ZZ"] {
            let moved = step(&armed, answered(&armed, reply(TransactionState::Declined, de39)));
            assert_eq!(moved.to, State::Declined, "{de39}");
            assert_eq!(moved.reply.unwrap().de39, de39);
        }
    }
}

#[test]
fn row_6_state_and_code_that_contradict_each_other_are_no_decision() {
    let armed = sale(State::Armed);
    for (state, de39) in [
        (TransactionState::Approved, "05"),
        (TransactionState::Declined, "00"),
        (TransactionState::Approved, "é"),
        (TransactionState::Approved, ""),
        (TransactionState::Declined, "1"),
    ] {
        unknown_because(
            &armed,
            answered(&armed, reply(state, de39)),
            ReversalReason::NoAnswer,
        );
    }
}

#[test]
fn row_6_refusals_are_declines_with_a_code_of_their_own() {
    for (refusal, de39) in [
        ("attestation_expired", "58"),
        ("attestation_refused", "58"),
        ("terminal_unknown", "97"),
        ("not_refundable", "25"),
        ("refund_over_sale", "64"),
        ("batch_closed", "77"),
        ("malformed", "30"),
        ("clock_skew", "12"),
        ("a refusal of the future", "12"),
    ] {
        for armed in [sale(State::Armed), refund(State::Armed), code(State::Armed)] {
            let moved = step(&armed, refused_with(&armed, refusal));
            let facts = moved.reply.unwrap();
            assert_eq!(
                (moved.to, facts.de39.as_str()),
                (State::Declined, de39),
                "{refusal}"
            );
            assert_eq!(facts.host_utc_ms, 55);
        }
    }
}

#[test]
fn row_7_a_wrong_signature_leaves_the_result_unknown() {
    let armed = sale(State::Armed);
    let decision = after_request(&armed, HostOutcome::BadMac, NOW);
    unknown_because(&armed, decision, ReversalReason::BadSignature);
    assert_eq!(
        after_request(&sale(State::Unknown), HostOutcome::BadMac, NOW),
        Decision::Later
    );
}

#[test]
fn row_8_a_part_or_more_of_the_amount_is_undone() {
    for amount_minor in [AMOUNT_MINOR - 1, AMOUNT_MINOR + 1, 0, -AMOUNT_MINOR, i64::MIN] {
        for de39 in ["00", "10"] {
            let differing = TransactionReply {
                amount_minor,
                ..reply(TransactionState::Approved, de39)
            };
            for known in [sale(State::Armed), sale(State::Unknown), stored()] {
                assert_eq!(
                    answered(&known, differing.clone()),
                    Decision::Reverse(ReversalReason::Other),
                    "{amount_minor}"
                );
            }
            let unknown = sale(State::Unknown);
            assert_eq!(
                status(&unknown, TransactionState::Approved, Some(differing), true),
                Decision::Reverse(ReversalReason::Other)
            );
        }
    }
}

/// Makes a reply one about something else.
type Change = fn(&mut TransactionReply, PaymentKey);

#[test]
fn row_9_an_answer_about_something_else_is_no_answer() {
    let other_key = PaymentKey::new(1, &[2; 10]);
    let others: [(&str, Change); 4] = [
        ("key", |reply, key| reply.key = key),
        ("STAN", |reply, _| reply.stan = Stan::new(13).unwrap()),
        ("batch", |reply, _| reply.batch = Batch::new(4).unwrap()),
        ("currency", |reply, _| {
            reply.currency = Currency::from_alpha("HKD").unwrap();
        }),
    ];
    for (what, change) in others {
        for decision in [approval(), reply(TransactionState::Declined, "05")] {
            let mut mixed_up = decision;
            change(&mut mixed_up, other_key);
            let armed = sale(State::Armed);
            unknown_because(
                &armed,
                answered(&armed, mixed_up.clone()),
                ReversalReason::NoAnswer,
            );
            assert_eq!(
                answered(&sale(State::Unknown), mixed_up.clone()),
                Decision::Later,
                "{what}"
            );
            assert_eq!(answered(&stored(), mixed_up), Decision::Later, "{what}");
        }
    }
    let status = StatusReply {
        key: other_key,
        state: TransactionState::Declined,
        reply: Some(reply(TransactionState::Declined, "05")),
    };
    let decision = after_status(&sale(State::Unknown), HostOutcome::Reply(status), true, NOW);
    assert_eq!(decision, Decision::Later);
}

#[test]
fn row_10_no_answer_is_unknown_and_never_declined() {
    for armed in [sale(State::Armed), refund(State::Armed)] {
        let decision = after_request(&armed, HostOutcome::Unknown, NOW);
        unknown_because(&armed, decision, ReversalReason::NoAnswer);
    }
    for undecided in [TransactionState::InProgress, TransactionState::NotFound] {
        let armed = sale(State::Armed);
        unknown_because(
            &armed,
            answered(&armed, reply(undecided, "00")),
            ReversalReason::NoAnswer,
        );
    }
}

#[test]
fn row_10_a_code_that_nobody_has_seen_is_cancelled() {
    let armed = code(State::Armed);
    let decision = after_request(&armed, HostOutcome::Unknown, NOW);
    assert_eq!(decision, Decision::Reverse(ReversalReason::NoAnswer));
}

#[test]
fn row_11_a_final_state_is_adopted_while_somebody_waits() {
    for unknown in [sale(State::Unknown), sale(State::Armed)] {
        let approved = status(&unknown, TransactionState::Approved, Some(approval()), true);
        assert_eq!(step(&unknown, approved).to, State::Approved);
        let no = Some(reply(TransactionState::Declined, "51"));
        let declined = status(&unknown, TransactionState::Declined, no, true);
        assert_eq!(step(&unknown, declined).to, State::Declined);
    }
}

#[test]
fn row_11_an_approved_card_sale_that_nobody_waits_for_is_given_back() {
    for known in [sale(State::Unknown), sale(State::Armed)] {
        let decision = status(&known, TransactionState::Approved, Some(approval()), false);
        assert_eq!(decision, Decision::Reverse(ReversalReason::Other));
    }
    let unknown = sale(State::Unknown);
    let no = Some(reply(TransactionState::Declined, "51"));
    let declined = status(&unknown, TransactionState::Declined, no, false);
    assert_eq!(step(&unknown, declined).to, State::Declined);
}

#[test]
fn row_11_a_code_was_paid_on_purpose_and_stays_paid() {
    let shown = code(State::AwaitingPayer);
    for attended in [true, false] {
        let decision = status(&shown, TransactionState::Approved, Some(approval()), attended);
        assert_eq!(step(&shown, decision).to, State::Approved);
        let expired = status(&shown, TransactionState::Expired, None, attended);
        assert_eq!(step(&shown, expired).to, State::Expired);
    }
}

#[test]
fn row_11_an_open_code_is_waited_for_on_the_screen_and_cancelled_behind_it() {
    let shown = code(State::AwaitingPayer);
    let waiting = |attended| status(&shown, TransactionState::AwaitingPayer, None, attended);
    assert_eq!(waiting(true), Decision::Later);
    assert_eq!(waiting(false), Decision::Reverse(ReversalReason::Other));
}

#[test]
fn row_11_in_progress_is_waited_for() {
    for known in [
        sale(State::Unknown),
        refund(State::Unknown),
        code(State::AwaitingPayer),
    ] {
        for attended in [true, false] {
            let decision = status(&known, TransactionState::InProgress, None, attended);
            assert_eq!(decision, Decision::Later);
        }
    }
}

#[test]
fn row_11_not_found_is_sent_again_while_somebody_waits_else_cancelled_by_key() {
    let unknown = sale(State::Unknown);
    let not_found = |payment: &Payment, attended| status(payment, TransactionState::NotFound, None, attended);
    assert_eq!(not_found(&unknown, true), Decision::Resend);
    assert_eq!(
        not_found(&unknown, false),
        Decision::Reverse(ReversalReason::NoAnswer)
    );
    let mut bare = unknown;
    bare.request = None;
    assert_eq!(
        not_found(&bare, true),
        Decision::Reverse(ReversalReason::NoAnswer)
    );
}

#[test]
fn row_11_a_state_without_its_reply_and_a_query_without_answer_teach_nothing() {
    let unknown = sale(State::Unknown);
    for state in [TransactionState::Approved, TransactionState::Declined] {
        assert_eq!(status(&unknown, state, None, true), Decision::Later);
    }
    for outcome in [
        HostOutcome::Refused(error("not_found")),
        HostOutcome::NotSent,
        HostOutcome::Unknown,
        HostOutcome::BadMac,
    ] {
        assert_eq!(after_status(&unknown, outcome, true, NOW), Decision::Later);
    }
}

#[test]
fn row_11_an_approval_that_does_not_fit_is_undone() {
    let unknown = sale(State::Unknown);
    let mixed_up = TransactionReply {
        stan: Stan::new(999).unwrap(),
        ..approval()
    };
    let decision = status(&unknown, TransactionState::Approved, Some(mixed_up), true);
    assert_eq!(decision, Decision::Reverse(ReversalReason::Other));
}

#[test]
fn row_13_reversed_with_00_12_and_25() {
    let reversing = sale(State::Reversing);
    for de39 in ["00", "12", "25"] {
        let reply = ReversalReply {
            original_key: key(),
            de39: de39.into(),
            host_utc_ms: 1,
        };
        let decision = after_reversal(&reversing, HostOutcome::Reply(reply), NOW);
        assert_eq!(step(&reversing, decision).to, State::Reversed, "{de39}");
    }
}

#[test]
fn row_14_anything_else_keeps_the_reversal() {
    let reversing = sale(State::Reversing);
    let reply = |original_key, de39: &str| {
        HostOutcome::Reply(ReversalReply {
            original_key,
            de39: de39.into(),
            host_utc_ms: 1,
        })
    };
    for outcome in [
        reply(key(), "96"),
        reply(key(), "06"),
        reply(key(), "64"),
        reply(key(), ""),
        reply(PaymentKey::new(1, &[2; 10]), "00"),
        HostOutcome::Refused(error("malformed")),
        HostOutcome::NotSent,
        HostOutcome::Unknown,
        HostOutcome::BadMac,
    ] {
        let told = alloc::format!("{outcome:?}");
        assert_eq!(
            after_reversal(&reversing, outcome, NOW),
            Decision::Later,
            "{told}"
        );
    }
}

#[test]
fn row_16_a_late_approval_of_a_reversing_payment_changes_nothing() {
    // Whatever were decided, the fold lets no such step pass.
    for state in [State::Reversing, State::Reversed] {
        assert!(!state.may_become(State::Approved));
    }
    let reversing = sale(State::Reversing);
    for outcome in [HostOutcome::Unknown, HostOutcome::NotSent, HostOutcome::BadMac] {
        assert_eq!(after_request(&reversing, outcome, NOW), Decision::Later);
    }
}

#[test]
fn row_17_a_key_that_the_host_has_otherwise_or_is_still_at_is_asked_for() {
    for refusal in ["key_reuse", "busy"] {
        for armed in [sale(State::Armed), refund(State::Armed)] {
            unknown_because(&armed, refused_with(&armed, refusal), ReversalReason::NoAnswer);
        }
        assert_eq!(refused_with(&sale(State::Unknown), refusal), Decision::Later);
    }
}

#[test]
fn row_18_a_repeat_gets_the_stored_answer_and_adopts_it() {
    let unknown = sale(State::Unknown);
    let moved = step(&unknown, answered(&unknown, approval()));
    assert_eq!(moved.to, State::Approved);
}

#[test]
fn row_20_a_forwarded_payment_is_decided_late() {
    let stored = stored();
    let approved = step(&stored, answered(&stored, approval()));
    assert_eq!((approved.to, approved.forwarded), (State::Approved, Some(true)));
    let declined = step(
        &stored,
        answered(&stored, reply(TransactionState::Declined, "51")),
    );
    assert_eq!((declined.to, declined.forwarded), (State::Declined, Some(true)));
    let refused = step(&stored, refused_with(&stored, "malformed"));
    assert_eq!((refused.to, refused.forwarded), (State::Declined, Some(true)));
}

#[test]
fn row_20_any_doubt_about_a_forwarded_payment_ends_in_another_try() {
    for waiting in [stored(), cash()] {
        for outcome in [
            HostOutcome::NotSent,
            HostOutcome::Unknown,
            HostOutcome::BadMac,
            HostOutcome::Refused(error("busy")),
            HostOutcome::Refused(error("key_reuse")),
            HostOutcome::Refused(error("clock_skew")),
            HostOutcome::Refused(error("replayed")),
            HostOutcome::Refused(error("signature")),
            HostOutcome::Reply(reply(TransactionState::InProgress, "00")),
        ] {
            let told = alloc::format!("{outcome:?}");
            assert_eq!(after_request(&waiting, outcome, NOW), Decision::Later, "{told}");
        }
    }
}

#[test]
fn row_20_cash_is_in_the_drawer_whatever_the_host_says() {
    for decision in [approval(), reply(TransactionState::Declined, "12")] {
        let told = step(&cash(), answered(&cash(), decision));
        assert_eq!((told.to, told.forwarded), (State::Approved, Some(true)));
    }
    let told = step(&cash(), refused_with(&cash(), "batch_closed"));
    assert_eq!((told.to, told.forwarded), (State::Approved, Some(true)));
}

#[test]
fn row_22_a_sale_that_the_host_has_undone_is_reversed_here_too() {
    let armed = sale(State::Armed);
    let undone = Decision::Reverse(ReversalReason::Other);
    assert_eq!(refused_with(&armed, "reversed"), undone);
    assert_eq!(answered(&armed, reply(TransactionState::Reversed, "00")), undone);
    let unknown = sale(State::Unknown);
    for attended in [true, false] {
        assert_eq!(
            status(&unknown, TransactionState::Reversed, None, attended),
            undone
        );
    }
}

#[test]
fn row_23_a_refund_is_asked_for_and_repeated_but_never_reversed() {
    let unknown = refund(State::Unknown);
    for attended in [true, false] {
        let not_found = status(&unknown, TransactionState::NotFound, None, attended);
        assert_eq!(not_found, Decision::Resend);
        let approved = status(&unknown, TransactionState::Approved, Some(approval()), attended);
        assert_eq!(step(&unknown, approved).to, State::Approved);
        let reversed = status(&unknown, TransactionState::Reversed, None, attended);
        assert_eq!(reversed, Decision::Later);
    }
}

#[test]
fn row_23_nothing_that_the_host_can_say_reverses_a_refund() {
    let states = [
        TransactionState::Approved,
        TransactionState::Declined,
        TransactionState::InProgress,
        TransactionState::AwaitingPayer,
        TransactionState::Expired,
        TransactionState::Reversed,
        TransactionState::NotFound,
    ];
    for known in [refund(State::Armed), refund(State::Unknown)] {
        for state in states {
            for (de39, amount_minor) in [("00", AMOUNT_MINOR), ("00", 1), ("05", AMOUNT_MINOR)] {
                let reply = TransactionReply {
                    amount_minor,
                    ..reply(state, de39)
                };
                let mut decisions = Vec::from([answered(&known, reply.clone())]);
                for attended in [true, false] {
                    decisions.push(status(&known, state, Some(reply.clone()), attended));
                }
                for decision in decisions {
                    let undone = matches!(decision, Decision::Reverse(_));
                    assert!(!undone, "{state:?} {de39} {amount_minor}");
                }
            }
        }
        for refusal in ["reversed", "key_reuse", "busy", "malformed"] {
            assert!(
                !matches!(refused_with(&known, refusal), Decision::Reverse(_)),
                "{refusal}"
            );
        }
    }
}

/// Sent once, a part given back: sending it at once again would only get the same stored answer.
#[test]
fn row_23_a_partial_refund_is_unknown_until_both_sides_agree() {
    let part = TransactionReply {
        amount_minor: 1,
        ..approval()
    };
    let armed = refund(State::Armed);
    unknown_because(&armed, answered(&armed, part.clone()), ReversalReason::Other);
    assert_eq!(answered(&refund(State::Unknown), part), Decision::Later);
}
