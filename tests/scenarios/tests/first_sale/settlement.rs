//! The close of day: both sides' totals beside each other.

use softpos_scenarios::{Shop, side_by_side};
use softpos_terminal::{Columns, Ending, Paper, State};
use softpos_types::{Batch, Code, Fault, Method};

#[test]
fn both_sides_count_the_same_and_the_next_batch_begins() {
    let mut shop = Shop::open();
    let paid = shop.tap(1_000, "visa-approved");
    shop.tap(2_000, "visa-declined");
    shop.code(3_000, "wechat");
    shop.cash(4_000);
    shop.refund(paid.key, 250);
    shop.come_to_rest();
    let view = shop.settle();
    assert_eq!((view.balanced, view.batch), (true, Batch::FIRST));
    assert!(view.differences.is_empty());
    let lines: Vec<_> = view
        .lines
        .iter()
        .map(|line| {
            let totals = line.terminal;
            assert_eq!(totals, line.host);
            (
                line.method,
                totals.sale_count,
                totals.sale_minor,
                totals.refund_count,
                totals.refund_minor,
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (Method::Card, 1, 1_000, 1, 250),
            (Method::Code, 1, 3_000, 0, 0),
            (Method::Cash, 1, 4_000, 0, 0),
        ]
    );
    let paper = Paper {
        language: None,
        columns: Columns::Narrow,
        reprint: false,
    };
    let slip = shop.till().day_close_slip(view.batch, paper).unwrap();
    assert!(slip.contains("30.00") && slip.contains("2.50"), "{slip}");
    assert_eq!(shop.till().status().unwrap().batch, Batch::FIRST.next());
    assert_eq!(shop.tap(100, "visa-approved").batch, Batch::FIRST.next());
    shop.assert_reconciled();
    assert_eq!(shop.settle().batch, Batch::FIRST.next());
}

#[test]
fn a_day_without_payments_is_closed_too() {
    let mut shop = Shop::open();
    let view = shop.settle();
    assert!(view.balanced && view.lines.is_empty());
}

#[test]
fn nothing_open_is_closed_over() {
    let unsettled = Ending::SettleFailed {
        fault: Fault::of(Code::PaymentsUnsettled),
    };
    let mut shop = Shop::open();
    shop.network(false);
    shop.tap(1_000, "visa-approved");
    // The host cannot be reached, but the shell has not noticed.
    shop.host.fault("refuse:always");
    shop.network(true);
    assert_eq!(shop.try_settle().unwrap(), unsettled);
    shop.host.fault("off");
    shop.come_to_rest();
    let paid = shop.tap(2_000, "visa-approved");
    shop.host.fault("drop-before@any:always");
    shop.till().refuse_approval(paid.key).unwrap();
    assert_eq!(shop.try_settle().unwrap(), unsettled);
    assert_eq!(shop.till().status().unwrap().batch, Batch::FIRST);
    shop.host.fault("off");
    shop.assert_reconciled();
    assert!(shop.settle().balanced);
}

#[test]
fn what_is_open_is_told_first() {
    let mut shop = Shop::open();
    let refused = shop.tap(2_000, "visa-approved");
    shop.network(false);
    shop.tap(1_000, "visa-approved");
    shop.cash(500);
    shop.till().refuse_approval(refused.key).unwrap();
    shop.network(true);
    // Nobody has to synchronise before.
    let view = shop.settle();
    assert!(view.balanced, "{view:?}");
    assert_eq!(shop.states(), [State::Reversed, State::Approved, State::Approved]);
    shop.assert_reconciled();
}

#[test]
fn a_lost_answer_is_asked_for_again_by_itself() {
    side_by_side(
        [
            "drop-after@settle",
            "drop-before@settle",
            "garbage@settle",
            "bad-signature@settle",
        ],
        |fault| {
            let mut shop = Shop::open();
            shop.tap(1_000, "visa-approved");
            shop.host.fault(fault);
            let code = match shop.try_settle().unwrap() {
                Ending::SettleFailed { fault } => fault.code,
                other => panic!("{other:?}"),
            };
            let expected = if fault.starts_with("bad") {
                Code::HostSignature
            } else {
                Code::ResultUnknown
            };
            assert_eq!(code, expected, "{fault}");
            // Until it is known nothing is sold into either batch.
            if let Err(error) = shop.try_tap(100, "visa-approved") {
                assert_eq!(error.code(), Code::SettlementPending);
                let Ending::Settled { view } = shop.finish() else {
                    panic!("not settled: {:?}", shop.steps());
                };
                assert!(view.balanced);
            }
            assert_eq!(shop.tap(100, "visa-approved").batch, Batch::FIRST.next());
            shop.assert_reconciled();
            assert!(shop.settle().balanced);
        },
    );
}

#[test]
fn a_close_that_was_killed_goes_on_after_the_restart() {
    side_by_side(
        ["drop-after@settle:always", "drop-before@settle:always"],
        |fault| {
            let mut shop = Shop::open();
            shop.tap(1_000, "visa-approved");
            shop.cash(500);
            shop.come_to_rest();
            shop.host.fault(fault);
            assert!(matches!(shop.try_settle().unwrap(), Ending::SettleFailed { .. }));
            shop.kill_till();
            assert_eq!(
                shop.try_tap(100, "visa-approved").unwrap_err().code(),
                Code::SettlementPending
            );
            shop.host.fault("off");
            let view = match shop.finish() {
                Ending::Settled { view } => view,
                other => panic!("{other:?}"),
            };
            assert_eq!((view.balanced, view.batch), (true, Batch::FIRST), "{fault}");
            assert_eq!(shop.tap(100, "visa-approved").state, State::Approved);
            shop.assert_reconciled();
        },
    );
}

#[test]
fn a_close_while_the_host_is_down_is_repeated() {
    let mut shop = Shop::open();
    shop.tap(1_000, "visa-approved");
    shop.host.stop();
    assert_eq!(
        shop.try_settle().unwrap(),
        Ending::SettleFailed {
            fault: Fault::of(Code::HostNotReached)
        }
    );
    shop.host.resume();
    assert!(matches!(shop.finish(), Ending::Settled { view } if view.balanced));
}
