//! The fold against a model of its own: the same records, counted in the simplest way that can be thought of.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::collections::BTreeMap;

use common::{UTC_MS, image, key, moved, started};
use proptest::prelude::*;
use softpos_journal::{
    Entry, KeysLoaded, Ledger, Moved, Payment, Reprinted, Restored, Settled, Started, State, Totals,
};
use softpos_types::{Batch, Currency, Method, Money, Operation, OrderId, PaymentKey, Stan};

const KEYS: u8 = 6;

/// One record, valid or not.
#[derive(Clone, Debug)]
enum Record {
    Start {
        key: u8,
        refund_of: Option<u8>,
        method: Method,
        state: State,
        amount_minor: i64,
        stan: u32,
        batch: u32,
        order: Option<u8>,
        clock_ms: u64,
        counter: Option<u32>,
    },
    Step {
        key: u8,
        to: State,
        forwarded: Option<bool>,
        counter: Option<u32>,
    },
    Reprint(u8),
    CloseBatch(u32),
    LoadKeys,
}

#[derive(Clone, Debug)]
struct Row {
    key: PaymentKey,
    operation: Operation,
    method: Method,
    amount_minor: i64,
    batch: u32,
    original: Option<PaymentKey>,
    state: State,
    reprints: u32,
    closed: bool,
}

#[derive(Debug, Default)]
struct Model {
    rows: Vec<Row>,
    /// Who waits to be forwarded, first accepted first.
    queue: Vec<PaymentKey>,
    orders: BTreeMap<OrderId, PaymentKey>,
    stan: u32,
    batch: u32,
    data_counter: u32,
    ignored: u64,
}

impl Record {
    fn entry(&self) -> Entry {
        match self.clone() {
            Self::Start {
                key: number,
                refund_of,
                method,
                state,
                amount_minor,
                stan,
                batch,
                order,
                clock_ms,
                counter,
            } => Started {
                operation: if refund_of.is_some() {
                    Operation::Refund
                } else {
                    Operation::Sale
                },
                method,
                amount: Money::new(amount_minor, Currency::CNY),
                stan: Stan::new(stan).unwrap(),
                batch: Batch::new(batch).unwrap(),
                state,
                utc_ms: clock_ms,
                order: order.map(order_id),
                original_key: refund_of.map(key),
                data_counter: counter,
                ..started(key(number))
            }
            .into(),
            Self::Step {
                key: number,
                to,
                forwarded,
                counter,
            } => Moved {
                forwarded,
                data_counter: counter,
                request: (to == State::Stored).then(image),
                ..moved(key(number), to)
            }
            .into(),
            Self::Reprint(number) => Reprinted {
                key: key(number),
                utc_ms: UTC_MS,
            }
            .into(),
            Self::CloseBatch(batch) => Settled {
                batch: Batch::new(batch).unwrap(),
                balanced: true,
                next_batch: Batch::new(batch).unwrap().next(),
                host_utc_ms: UTC_MS,
                totals: Vec::new(),
                disputed: false,
            }
            .into(),
            Self::LoadKeys => KeysLoaded {
                key_set: "ks".into(),
                ikid: vec![0; 8],
                utc_ms: UTC_MS,
            }
            .into(),
        }
    }
}

impl Model {
    fn new() -> Self {
        Self {
            stan: 1,
            batch: 1,
            ..Self::default()
        }
    }

    fn apply(&mut self, record: &Record) {
        match record.clone() {
            Record::Start {
                key: number,
                refund_of,
                method,
                state,
                amount_minor,
                stan,
                batch,
                order,
                counter,
                ..
            } => {
                let key = key(number);
                if self.rows.iter().any(|row| row.key == key) {
                    self.ignored += 1;
                    return;
                }
                self.stan = if stan == 999_999 { 1 } else { stan + 1 };
                self.data_counter = self.data_counter.max(counter.unwrap_or(0));
                if let Some(order) = order {
                    self.orders.insert(order_id(order), key);
                }
                let operation = if refund_of.is_some() {
                    Operation::Refund
                } else {
                    Operation::Sale
                };
                self.rows.push(Row {
                    key,
                    operation,
                    method,
                    amount_minor,
                    batch,
                    original: refund_of.map(common::key),
                    state,
                    reprints: 0,
                    closed: false,
                });
                let by_card = method == Method::Card && state == State::Approved;
                if state == State::Stored || method == Method::Cash || by_card {
                    self.queue.push(key);
                }
            }
            Record::Step {
                key,
                to,
                forwarded,
                counter,
            } => {
                self.data_counter = self.data_counter.max(counter.unwrap_or(0));
                self.step(common::key(key), to, forwarded == Some(true));
            }
            Record::Reprint(number) => match self.rows.iter_mut().find(|row| row.key == key(number)) {
                Some(row) => row.reprints += 1,
                None => self.ignored += 1,
            },
            Record::CloseBatch(batch) => self.close(if batch == 999_999 { 1 } else { batch + 1 }),
            Record::LoadKeys => self.data_counter = 0,
        }
    }

    /// What has ended, and is of no batch that is still open, is closed.
    fn close(&mut self, next: u32) {
        for row in &mut self.rows {
            let waits = row.state.is_open() || self.queue.contains(&row.key);
            row.closed |= !waits && row.batch != next;
        }
        self.batch = next;
    }

    fn step(&mut self, key: PaymentKey, to: State, forwarded: bool) {
        let found = self.rows.iter_mut().find(|row| row.key == key);
        let waits = self.queue.contains(&key);
        // Only what a card approved and the host was not told yet can be declined after its approval.
        let by_card = |row: &Row| row.method == Method::Card && waits;
        let allowed = |row: &&mut Row| {
            !row.closed
                && row.state.may_become(to)
                && ((row.state, to) != (State::Approved, State::Declined) || by_card(row))
        };
        let Some(row) = found.filter(allowed) else {
            self.ignored += 1;
            return;
        };
        row.state = to;
        let leaves = to != State::Stored && (row.method != Method::Cash || forwarded);
        // Its latest acceptance counts; a cash payment that is only touched stays in line, but behind.
        self.queue.retain(|queued| *queued != key);
        if to == State::Stored || (waits && !leaves) {
            self.queue.push(key);
        }
    }

    fn totals(&self, batch: u32) -> Vec<(Method, Totals)> {
        let mut lines = Vec::new();
        for method in Method::ALL {
            let approved: Vec<&Row> = self
                .rows
                .iter()
                .filter(|row| row.batch == batch && row.method == method && row.state == State::Approved)
                .collect();
            let of = |operation| approved.iter().filter(move |row| row.operation == operation);
            let count = |operation| u32::try_from(of(operation).count()).unwrap();
            let sum = |operation| of(operation).map(|row| row.amount_minor).sum();
            if !approved.is_empty() {
                lines.push((
                    method,
                    Totals {
                        sale_count: count(Operation::Sale),
                        sale_minor: sum(Operation::Sale),
                        refund_count: count(Operation::Refund),
                        refund_minor: sum(Operation::Refund),
                    },
                ));
            }
        }
        lines
    }

    fn refunded(&self, sale: PaymentKey) -> i64 {
        let standing =
            |row: &&Row| row.original == Some(sale) && (row.state == State::Approved || row.state.is_open());
        self.rows
            .iter()
            .filter(standing)
            .map(|row| row.amount_minor)
            .sum()
    }

    fn compare(&self, ledger: &Ledger) -> Result<(), TestCaseError> {
        prop_assert_eq!(ledger.payments().count(), self.rows.len());
        for row in &self.rows {
            let payment = ledger.payment(row.key).unwrap();
            let facts = (payment.state, payment.reprints, payment.closed);
            prop_assert_eq!(facts, (row.state, row.reprints, row.closed));
            prop_assert_eq!(payment.queued, self.queue.contains(&row.key));
            prop_assert_eq!(
                ledger.refunded(payment),
                Ok(Money::new(self.refunded(row.key), Currency::CNY))
            );
            let open = row.state.is_open() || self.queue.contains(&row.key);
            prop_assert_eq!(ledger.open().any(|p| p.key == row.key), open);
            // Whatever still has to be sent can be sent; whatever has ended keeps nothing that could be.
            let to_send = payment.queued || matches!(row.state, State::Armed | State::Unknown);
            prop_assert!(payment.request.is_some() || !to_send);
            prop_assert!(payment.request.is_none() || open);
        }
        let queue: Vec<PaymentKey> = ledger.queue().map(|payment| payment.key).collect();
        prop_assert_eq!(&queue, &self.queue);
        for batch in 1..=3 {
            prop_assert_eq!(ledger.totals(Batch::new(batch).unwrap()), Ok(self.totals(batch)));
        }
        let stored = |row: &&Row| {
            let by_card = row.method == Method::Card && row.state == State::Approved;
            row.state == State::Stored || (by_card && self.queue.contains(&row.key))
        };
        let count = u32::try_from(self.rows.iter().filter(stored).count()).unwrap();
        let sum = self.rows.iter().filter(stored).map(|row| row.amount_minor).sum();
        prop_assert_eq!(ledger.stored_sum(), Ok((count, sum)));
        for (order, key) in &self.orders {
            prop_assert_eq!(ledger.by_order(order).map(|payment| payment.key), Some(*key));
        }
        prop_assert_eq!(
            (
                ledger.next_stan.value(),
                ledger.batch.value(),
                ledger.data_counter,
                ledger.ignored
            ),
            (self.stan, self.batch, self.data_counter, self.ignored)
        );
        Ok(())
    }
}

fn order_id(number: u8) -> OrderId {
    OrderId::new(&format!("order {number}")).unwrap()
}

fn states() -> impl Strategy<Value = State> {
    prop::sample::select(State::ALL.to_vec())
}

/// A payment starts armed or stored, one of cash approved.
fn beginnings() -> impl Strategy<Value = (Method, State)> {
    prop_oneof![
        3 => Just((Method::Card, State::Armed)),
        1 => Just((Method::Card, State::Stored)),
        2 => Just((Method::Code, State::Armed)),
        2 => Just((Method::Cash, State::Approved)),
    ]
}

fn starts() -> impl Strategy<Value = Record> {
    let identity = (0..KEYS, prop::option::weighted(0.3, 0..KEYS), beginnings());
    let numbers = (1..1_000_i64, prop_oneof![1..9_u32, Just(999_999)], 1..4_u32);
    // The clock may jump back: nothing depends on it.
    let rest = (prop::option::of(0..3_u8), 0..50_u64, prop::option::of(0..50_u32));
    (identity, numbers, rest).prop_map(
        |((key, refund_of, (method, state)), (amount_minor, stan, batch), (order, clock_ms, counter))| {
            Record::Start {
                key,
                refund_of,
                method,
                state,
                amount_minor,
                stan,
                batch,
                order,
                clock_ms,
                counter,
            }
        },
    )
}

fn records() -> impl Strategy<Value = Record> {
    let step = (
        0..KEYS,
        states(),
        prop::option::of(any::<bool>()),
        prop::option::of(0..50_u32),
    );
    prop_oneof![
        6 => starts(),
        12 => step.prop_map(|(key, to, forwarded, counter)| Record::Step { key, to, forwarded, counter }),
        1 => (0..KEYS).prop_map(Record::Reprint),
        1 => prop_oneof![1..4_u32, Just(999_999)].prop_map(Record::CloseBatch),
        1 => Just(Record::LoadKeys),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fold_counts_as_the_model_does(records in prop::collection::vec(records(), 0..60)) {
        let (mut ledger, mut model) = (Ledger::whole(), Model::new());
        for (index, record) in records.iter().enumerate() {
            let sequence = u64::try_from(index).unwrap() + 1;
            let entry = record.entry();
            // Through bytes and back, as a till that starts reads them.
            let read = Entry::from_bytes(entry.kind(), &entry.to_bytes()).unwrap().unwrap();
            let changed = ledger.apply(sequence, read).map(|payment| payment.key);
            let before = model.ignored;
            model.apply(record);
            let concerns_payment = !matches!(record, Record::CloseBatch(_) | Record::LoadKeys);
            prop_assert_eq!(changed.is_some(), concerns_payment && model.ignored == before);
            model.compare(&ledger)?;
        }
    }
}

/// What a till keeps in memory, and what it finds when it begins at a checkpoint, against the fold of everything.
fn compare_short(short: &Ledger, whole: &Ledger) -> Result<(), TestCaseError> {
    let live: Vec<_> = whole.payments().filter(|payment| !payment.closed).collect();
    prop_assert_eq!(short.payments().collect::<Vec<_>>(), live);
    prop_assert_eq!(short.checkpoint(), whole.checkpoint());
    for payment in whole.payments() {
        prop_assert_eq!(short.refunded(payment), whole.refunded(payment));
        let mut recalling = short.clone();
        let mut from_disk = payment.clone();
        // The records of its own batch do not know of later prints.
        if payment.closed {
            from_disk.reprints = 0;
        }
        recalling.recall(from_disk);
        let recalled = recalling
            .payment(payment.key)
            .map(|payment| (payment.state, payment.closed));
        prop_assert_eq!(recalled, Some((payment.state, payment.closed)));
        prop_assert_eq!(recalling.checkpoint(), whole.checkpoint());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_checkpoint_stands_for_the_records_before_it(records in prop::collection::vec(records(), 0..60)) {
        let (mut whole, mut short, mut sequence) = (Ledger::whole(), Ledger::default(), 0);
        let mut begun: Vec<Ledger> = Vec::new();
        for record in &records {
            // Keys are used once, and slips are those of payments that there are.
            let of_closed = |number: &u8| whole.payment(key(*number)).is_some_and(|payment| payment.closed);
            let impossible = match record {
                Record::Start { key, .. } => of_closed(key),
                Record::Reprint(number) => whole.payment(key(*number)).is_none(),
                Record::Step { .. } | Record::CloseBatch(_) | Record::LoadKeys => false,
            };
            if impossible {
                continue;
            }
            let mut entries = vec![record.entry()];
            if matches!(record, Record::CloseBatch(_)) {
                let mut after = short.clone();
                after.apply(sequence + 1, record.entry());
                prop_assert!(after.checkpoint_due);
                entries.push(after.checkpoint().into());
                begun.push(Ledger::default());
            }
            for entry in entries {
                sequence += 1;
                let (last, earlier) = match begun.split_last_mut() {
                    Some((last, earlier)) => (Some(last), earlier),
                    None => (None, &mut [][..]),
                };
                let is_checkpoint = matches!(entry, Entry::Checkpoint(_));
                for ledger in earlier {
                    ledger.apply(sequence, entry.clone());
                }
                // The newest one begins with its checkpoint, not with the day close before it.
                let fresh = last.as_ref().is_some_and(|ledger| ledger.settled.is_empty());
                if let Some(ledger) = last.filter(|_| is_checkpoint || !fresh) {
                    ledger.apply(sequence, entry.clone());
                }
                whole.apply(sequence, entry.clone());
                short.apply(sequence, entry);
            }
            prop_assert!(!short.checkpoint_due);
            for ledger in begun.iter().chain([&short]) {
                compare_short(ledger, &whole)?;
            }
        }
    }
}

#[test]
fn a_checkpoint_that_contradicts_the_records_before_it_is_told_and_not_obeyed() {
    let mut ledger = Ledger::default();
    ledger.apply(1, started(key(1)).into());
    let mut checkpoint = ledger.checkpoint();
    ledger.apply(2, checkpoint.clone().into());
    assert_eq!(ledger.ignored, 0);
    checkpoint.next_stan = Stan::FIRST;
    checkpoint.payments.clear();
    ledger.apply(3, checkpoint.into());
    assert_eq!(ledger.ignored, 1);
    assert!(ledger.payment(key(1)).is_some() && ledger.next_stan != Stan::FIRST);
}

/// What comes out of a backup can be read and given back, and is never sent, counted or reversed again.
#[test]
fn a_restored_payment_is_history() {
    let mut before = Ledger::default();
    let queued = Started {
        state: State::Stored,
        order: Some(order_id(1)),
        data_counter: Some(9),
        ..started(key(1))
    };
    before.apply(1, queued.into());
    before.apply(2, started(key(2)).into());
    before.apply(3, moved(key(2), State::Approved).into());
    let refund = Started {
        operation: Operation::Refund,
        original_key: Some(key(2)),
        amount: Money::new(34, Currency::CNY),
        ..started(key(3))
    };
    before.apply(4, refund.into());
    let mut after = Ledger::default();
    for (sequence, payment) in (1..).zip(before.payments()) {
        let restored = Restored {
            payment: payment.clone(),
            utc_ms: UTC_MS,
        };
        after.apply(sequence, restored.clone().into());
        // Twice is once: an interrupted restore is repeated.
        assert!(after.apply(9, restored.into()).is_none());
    }
    assert!(after.queue_len() == 0 && after.open().next().is_none());
    assert_eq!(after.stored_sum(), Ok((0, 0)));
    assert_eq!(after.totals(Batch::FIRST), Ok(Vec::new()));
    assert!(!after.payments().any(Payment::blocks_card_sales));
    assert_eq!((after.data_counter, after.next_stan), (0, Stan::FIRST));
    assert!(after.activation.is_none() && after.keys.is_none());
    assert!(
        after
            .payments()
            .all(|payment| payment.request.is_none() && payment.reversal.is_none())
    );
    assert_eq!(
        after.by_order(&order_id(1)).map(|payment| payment.key),
        Some(key(1))
    );
    let sale = after.payment(key(2)).unwrap().clone();
    assert_eq!(sale.state, State::Approved);
    // The refund without a result counts as given back.
    assert_eq!(after.refunded(&sale), Ok(Money::new(34, Currency::CNY)));
    assert!(after.apply(10, moved(key(2), State::Reversing).into()).is_none());
}

#[test]
fn sums_that_overflow_are_errors_and_no_totals() {
    let mut ledger = Ledger::default();
    for number in 0..2 {
        let big = Started {
            state: State::Approved,
            method: Method::Cash,
            amount: Money::new(i64::MAX, Currency::CNY),
            ..started(key(number))
        };
        ledger.apply(u64::from(number) + 1, big.into());
    }
    assert!(ledger.totals(Batch::FIRST).is_err());
}

/// The clock went back an hour between two stored payments: the first accepted is still the first sent.
#[test]
fn the_queue_is_in_the_order_of_acceptance_whatever_the_clock_said() {
    let mut ledger = Ledger::default();
    for (sequence, number, utc_ms) in [(1, 9, 5_000), (2, 1, 1_000), (3, 5, 3_000)] {
        let stored = Started {
            state: State::Stored,
            utc_ms,
            ..started(key(number))
        };
        ledger.apply(sequence, stored.into());
    }
    let queue: Vec<PaymentKey> = ledger.queue().map(|payment| payment.key).collect();
    assert_eq!(queue, [key(9), key(1), key(5)]);
}

#[test]
fn an_approved_sale_keeps_its_reversal_until_it_can_no_longer_be_refused() {
    let mut ledger = Ledger::default();
    ledger.apply(1, started(key(1)).into());
    ledger.apply(2, moved(key(1), State::Approved).into());
    let approved = ledger.payment(key(1)).unwrap();
    assert!(approved.request.is_none() && approved.reversal.is_some());
    ledger.apply(3, moved(key(1), State::Reversing).into());
    assert!(ledger.payment(key(1)).unwrap().reversal.is_some());
    ledger.apply(4, moved(key(1), State::Reversed).into());
    assert!(ledger.payment(key(1)).unwrap().reversal.is_none());
    // Row 16: late, logged, without effect.
    assert!(ledger.apply(5, moved(key(1), State::Approved).into()).is_none());
    assert_eq!(
        (ledger.payment(key(1)).unwrap().state, ledger.ignored),
        (State::Reversed, 1)
    );
}

#[test]
fn only_sales_without_an_end_keep_card_sales_waiting() {
    for state in State::ALL {
        for operation in [Operation::Sale, Operation::Refund] {
            let mut ledger = Ledger::default();
            let payment = Started {
                operation,
                state,
                ..started(key(1))
            };
            ledger.apply(1, payment.into());
            let waits = operation == Operation::Sale
                && matches!(state, State::Armed | State::Unknown | State::Reversing);
            assert_eq!(
                ledger.payment(key(1)).unwrap().blocks_card_sales(),
                waits,
                "{operation:?} {state:?}"
            );
        }
    }
}
