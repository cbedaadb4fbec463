//! Both sides beside each other: what matches, and every way not to.

use softpos_crypto::entropy::Entropy;
use softpos_crypto::p256_key::SoftwareKey;
use softpos_journal::{Ledger, Started};
use softpos_types::{Operation, SecretArray};

use super::*;
use crate::test_payments::{key, put, started};
use crate::{Device, Opening};

/// A till whose journal holds these payments.
fn till(payments: Vec<(Started, State)>) -> Flow {
    let mut entropy = Entropy::from_seed(SecretArray::build(|seed| seed.fill(1)));
    let spki = SoftwareKey::generate(&mut entropy).public().spki().to_vec();
    let mut ledger = Ledger::default();
    for (payment, to) in payments {
        put(&mut ledger, payment, to);
    }
    Flow::new(Opening {
        device: Device::new(spki, "test".into(), "1".into()).unwrap(),
        ledger,
        head: (0, [0; 32]),
        keys: None,
        anchors: None,
        entropy,
        now: Now::default(),
    })
}

fn approved(number: u8, amount_minor: i64) -> (Started, State) {
    (started(number, amount_minor), State::Approved)
}

fn item(number: u8, state: ItemState, amount_minor: i64) -> SettleItem {
    SettleItem {
        key: key(number),
        operation: Operation::Sale,
        method: Method::Card,
        state,
        amount_minor,
    }
}

fn sales(sale_count: u32, sale_minor: i64) -> Vec<MethodTotals> {
    Vec::from([MethodTotals {
        method: Method::Card,
        sale_count,
        sale_minor,
        refund_count: 0,
        refund_minor: 0,
    }])
}

fn reply(totals: Vec<MethodTotals>, items: Vec<SettleItem>) -> SettleReply {
    SettleReply {
        batch: Batch::new(3).unwrap(),
        result: SettleResult::Balanced,
        totals,
        items,
        next_batch: Batch::new(4).unwrap(),
        host_utc_ms: 1,
        journal: JournalVerdict::Consistent,
    }
}

/// The host's answer of one sale of 100 against this till.
fn differences_of(payments: Vec<(Started, State)>, items: Vec<SettleItem>) -> Vec<(u8, DifferenceKind)> {
    let view = compare(&till(payments), &reply(sales(1, 100), items)).unwrap();
    assert!(!view.balanced);
    let named = |difference: &Difference| {
        let number = (0..9).find(|number| key(*number) == difference.key).unwrap();
        (number, difference.kind)
    };
    view.differences.iter().map(named).collect()
}

#[test]
fn equal_books_balance() {
    let host = reply(
        sales(2, 350),
        Vec::from([
            item(1, ItemState::Approved, 100),
            item(2, ItemState::Approved, 250),
            item(3, ItemState::Declined, 80),
            item(4, ItemState::Reversed, 90),
        ]),
    );
    let flow = till(Vec::from([
        approved(1, 100),
        approved(2, 250),
        (started(3, 80), State::Declined),
        // Never reached the host, or was undone there: no money, no difference.
        (started(4, 90), State::Failed),
        (started(5, 70), State::Failed),
    ]));
    let view = compare(&flow, &host).unwrap();
    assert!(view.balanced && view.differences.is_empty(), "{view:?}");
    assert_eq!(view.lines.len(), 1);
    let line = view.lines.first().unwrap();
    assert_eq!((line.terminal.sale_count, line.terminal.sale_minor), (2, 350));
    assert_eq!(line.terminal, line.host);
}

#[test]
fn every_way_to_differ_has_its_name() {
    let one = || Vec::from([item(1, ItemState::Approved, 100)]);
    assert_eq!(differences_of(Vec::new(), one()), [(1, DifferenceKind::HostOnly)]);
    assert_eq!(
        differences_of(Vec::from([approved(1, 100)]), Vec::new()),
        [(1, DifferenceKind::TerminalOnly)]
    );
    assert_eq!(
        differences_of(Vec::from([approved(1, 101)]), one()),
        [(1, DifferenceKind::Amount)]
    );
    assert_eq!(
        differences_of(Vec::from([(started(1, 100), State::Declined)]), one()),
        [(1, DifferenceKind::State)]
    );
    let reversed = Vec::from([item(1, ItemState::Reversed, 100)]);
    assert_eq!(
        differences_of(Vec::from([approved(1, 100)]), reversed),
        [(1, DifferenceKind::State)]
    );
}

#[test]
fn the_host_s_verdict_alone_balances_nothing() {
    let flow = till(Vec::from([approved(1, 100)]));
    let items = || Vec::from([item(1, ItemState::Approved, 100)]);
    assert!(compare(&flow, &reply(sales(1, 100), items())).unwrap().balanced);
    assert!(!compare(&flow, &reply(sales(1, 101), items())).unwrap().balanced);
    assert!(!compare(&flow, &reply(Vec::new(), items())).unwrap().balanced);
    let mut doubtful = reply(sales(1, 100), items());
    doubtful.result = SettleResult::NotBalanced;
    assert!(!compare(&flow, &doubtful).unwrap().balanced);
}

#[test]
fn other_batches_do_not_count() {
    let mut later = started(2, 900);
    later.batch = Batch::new(4).unwrap();
    let flow = till(Vec::from([approved(1, 100), (later, State::Approved)]));
    let items = Vec::from([item(1, ItemState::Approved, 100)]);
    assert!(compare(&flow, &reply(sales(1, 100), items)).unwrap().balanced);
}
