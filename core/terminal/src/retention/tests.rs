use std::path::Path;

use softpos_crypto::entropy::Entropy;
use softpos_journal::{Entry, Image, Moved, Settled, Settling, Started, State};
use softpos_store::{Before, Opened, StoreConfig};
use softpos_text::Texts;
use softpos_types::{Currency, Language, Money, Operation, OrderId, PaymentKey, SecretArray};

use super::*;
use crate::index_rows;
use crate::ledger_check::{LedgerCheck, check};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const FIRST_DAY_MS: u64 = 1_700_000_000_000;
const PAYMENTS: u32 = 3;

fn open(dir: &Path, seed: u8) -> (Store, Ledger) {
    let root = SecretArray::build(|root| root.fill(1));
    let mut entropy = Entropy::from_seed(SecretArray::build(|bytes| bytes.fill(seed)));
    let mut ledger = Ledger::default();
    let opened = Store::open(
        &StoreConfig::new(dir.to_owned()),
        &root,
        &mut entropy,
        &mut |record| {
            archive::fold(&mut ledger, &record);
            Ok(())
        },
    );
    let Opened {
        mut store, report, ..
    } = opened.unwrap();
    assert!(!report.lost_records(), "{:?}", report.findings);
    index_rows::catch_up(&mut store, &ledger);
    assert!(store.index().is_current());
    (store, ledger)
}

fn write(store: &mut Store, ledger: &mut Ledger, entry: Entry) {
    let at = store.append(entry.kind(), &entry.to_bytes(), None).unwrap();
    ledger.apply(at.sequence, entry);
}

fn key(day: u64, payment: u32) -> PaymentKey {
    let [.., day_byte] = day.to_be_bytes();
    let utc_ms = FIRST_DAY_MS + day * DAY_MS + u64::from(payment);
    PaymentKey::new(utc_ms, &[day_byte; 10])
}

fn order(day: u64, payment: u32) -> OrderId {
    OrderId::new(&format!("order-{day}-{payment}")).unwrap()
}

/// Cash sales, a day close that anchors everything before it, and the checkpoint behind it.
fn live_through(day: u64, store: &mut Store, ledger: &mut Ledger, disputed: bool) {
    live_until_settled(day, store, ledger, disputed);
    let checkpoint = ledger.checkpoint();
    write(store, ledger, checkpoint.into());
}

fn live_until_settled(day: u64, store: &mut Store, ledger: &mut Ledger, disputed: bool) {
    let utc_ms = FIRST_DAY_MS + day * DAY_MS;
    for payment in 1..=PAYMENTS {
        let started = Started {
            key: key(day, payment),
            operation: Operation::Sale,
            method: Method::Cash,
            amount: Money::new(i64::from(payment) * 100, Currency::CNY),
            stan: ledger.next_stan,
            batch: ledger.batch,
            state: State::Armed,
            utc_ms,
            utc_offset_min: 480,
            language: Language::Zh,
            order: Some(order(day, payment)),
            category: None,
            wallet: None,
            original_key: None,
            card: None,
            request: None,
            reversal: None,
            data_counter: None,
            pin_counter: None,
        };
        let moved = Moved::new(started.key, State::Approved, utc_ms);
        write(store, ledger, started.into());
        write(store, ledger, moved.into());
    }
    let batch = ledger.batch;
    let settling = Settling {
        batch,
        request: Image {
            path: "/v1/settlements".into(),
            body: Vec::new(),
            jws: String::new(),
        },
        utc_ms,
        journal_sequence: store.last().sequence,
    };
    write(store, ledger, settling.into());
    let settled = Settled {
        batch,
        balanced: true,
        next_batch: batch.next(),
        host_utc_ms: utc_ms,
        totals: Vec::new(),
        disputed,
    };
    write(store, ledger, settled.into());
}

fn checked(store: &Store, ledger: &Ledger) -> LedgerCheck {
    let texts = Texts::new(Language::En);
    let mut found = check(&store.reader().unwrap(), ledger.archived.as_ref(), &[], texts).unwrap();
    // These settlements were never signed.
    found.faults.retain(|fault| !fault.contains("is not signed"));
    found
}

#[test]
fn what_is_old_and_anchored_goes_and_totals_chain_and_tree_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, mut ledger) = open(folder.path(), 1);
    for day in 0..4 {
        live_through(day, &mut store, &mut ledger, false);
    }
    drop(store);
    let (mut store, mut ledger) = open(folder.path(), 2);
    let before = checked(&store, &ledger);
    assert_eq!(
        (before.payments, before.batches, &before.faults),
        (12, 4, &vec![])
    );
    let last = store.last();

    // Nothing is old enough on the last day that the first one is kept.
    let now = FIRST_DAY_MS + KEPT_MS;
    assert_eq!(note(&store.reader().unwrap(), &ledger, now).unwrap(), None);
    // A moment after the second day's time is over two days go; the others stay.
    let archived = note(&store.reader().unwrap(), &ledger, now + DAY_MS + 1).unwrap();
    let archived = archived.unwrap();
    assert_eq!(archived.payments, 2 * PAYMENTS);
    let totals = Totals {
        sale_count: 2 * PAYMENTS,
        sale_minor: 1_200,
        ..Totals::default()
    };
    assert_eq!(archived.totals, [(Method::Cash, totals).into()]);
    let through = archived.sequence;
    write(&mut store, &mut ledger, archived.into());
    remove(&mut store, through).unwrap();

    assert_eq!(store.begins_at(), through + 1);
    let after = checked(&store, &ledger);
    assert_eq!((after.payments, &after.faults), (2 * PAYMENTS, &vec![]));
    let tree = |store: &Store, ledger: &Ledger| {
        let reader = store.reader().unwrap();
        reader.tree(ledger.archived.as_ref()).unwrap()
    };
    assert_eq!(tree(&store, &ledger).root_of(last.sequence), Some(before.root));
    assert_eq!(store.index().by_key(&key(0, 1)), None);
    assert!(store.index().by_key(&key(2, 1)).is_some());

    // Opened again everything holds, and a further day's retention counts on.
    drop(store);
    let (mut store, mut ledger) = open(folder.path(), 3);
    assert_eq!(store.index().by_key(&key(0, 1)), None);
    assert!(store.index().by_key(&key(2, 1)).is_some());
    assert_eq!(checked(&store, &ledger).faults, Vec::<String>::new());
    let reader = store.reader().unwrap();
    let report = reader.replay(Before::from(ledger.archived.as_ref()), &mut |_| Ok(()));
    assert_eq!(report.unwrap().findings, []);
    let next = note(&reader, &ledger, now + 2 * DAY_MS + 1).unwrap().unwrap();
    assert_eq!(
        (next.payments, next.totals[0].totals.sale_minor),
        (3 * PAYMENTS, 1_800)
    );
    live_through(4, &mut store, &mut ledger, false);
    assert_eq!(checked(&store, &ledger).faults, Vec::<String>::new());
}

/// A crash between the record that closes a batch and the checkpoint behind it: the payments have left the fold, and
/// the index never had their rows. Whoever trusts it would let an order be paid twice.
#[test]
fn the_index_has_the_payments_of_a_batch_that_was_closed_just_before_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, mut ledger) = open(folder.path(), 1);
    live_through(0, &mut store, &mut ledger, false);
    drop(store);
    let (mut store, mut ledger) = open(folder.path(), 1);
    live_until_settled(1, &mut store, &mut ledger, false);
    drop(store);
    let (mut store, ledger) = open(folder.path(), 2);
    assert!(ledger.checkpoint_due && ledger.payments().next().is_none());
    for (day, payment) in [(0, 1), (0, PAYMENTS), (1, 1), (1, PAYMENTS)] {
        assert!(
            store.index().by_key(&key(day, payment)).is_some(),
            "{day} {payment}"
        );
        let tried = archive::of_order(&mut store, &order(day, payment)).unwrap();
        let keys: Vec<_> = tried.iter().map(|payment| payment.key).collect();
        assert_eq!(keys, [key(day, payment)]);
    }
}

#[test]
fn what_the_host_disputes_or_has_not_anchored_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, mut ledger) = open(folder.path(), 1);
    live_through(0, &mut store, &mut ledger, false);
    let late = FIRST_DAY_MS + 2 * KEPT_MS;
    // The day close itself is anchored by the next one.
    assert_eq!(note(&store.reader().unwrap(), &ledger, late).unwrap(), None);
    live_through(1, &mut store, &mut ledger, true);
    live_through(2, &mut store, &mut ledger, false);
    live_through(3, &mut store, &mut ledger, false);
    let archived = note(&store.reader().unwrap(), &ledger, late).unwrap().unwrap();
    assert_eq!(
        archived.payments, PAYMENTS,
        "the disputed day and all behind it stay"
    );
}

#[test]
fn a_kill_between_the_note_and_the_removal_is_made_good() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, mut ledger) = open(folder.path(), 1);
    for day in 0..3 {
        live_through(day, &mut store, &mut ledger, false);
    }
    let late = FIRST_DAY_MS + 2 * KEPT_MS;
    let archived = note(&store.reader().unwrap(), &ledger, late).unwrap().unwrap();
    let through = archived.sequence;
    write(&mut store, &mut ledger, archived.into());
    drop(store);
    let (mut store, ledger) = open(folder.path(), 2);
    let noted = ledger.archived.as_ref().unwrap().sequence;
    assert!((noted, store.begins_at()) == (through, 1));
    remove(&mut store, noted).unwrap();
    assert_eq!(store.begins_at(), through + 1);
    assert_eq!(checked(&store, &ledger).faults, Vec::<String>::new());
}
