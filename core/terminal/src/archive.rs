//! Payments of closed batches: they left the memory with their batch, and are read back from the journal.

use softpos_journal::{Entry, Ledger, Payment, State};
use softpos_store::{Reader, Record, Store, StoreError};
use softpos_types::{OrderId, PaymentKey};

/// One order is rarely tried more often.
const MOST_TRIES: usize = 64;

/// Folds a record, if this program knows its kind.
pub(crate) fn fold(ledger: &mut Ledger, record: &Record<'_>) {
    if let Ok(Some(entry)) = Entry::from_bytes(record.kind, record.payload) {
        ledger.apply(record.sequence, entry);
    }
}

/// The payments that were closed in a run, newest first.
pub(crate) fn closed_in(reader: &Reader, run: usize) -> Result<Vec<Payment>, StoreError> {
    let mut ledger = Ledger::whole();
    reader.run(run, &mut |record| {
        fold(&mut ledger, &record);
        Ok(())
    })?;
    let closed = ledger.payments().rev().filter(|payment| payment.closed);
    Ok(closed.cloned().collect())
}

/// A payment of a closed batch. The index says where to look first; what it does not know is looked for everywhere.
pub(crate) fn find(store: &mut Store, key: PaymentKey) -> Result<Option<Payment>, StoreError> {
    let reader = store.reader()?;
    let row = store.index().by_key(&key);
    let hint = row.and_then(|row| reader.run_of(row.sequence));
    for run in hint.into_iter().chain((0..reader.runs()).rev()) {
        let found = closed_in(&reader, run)?
            .into_iter()
            .find(|payment| payment.key == key);
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The payments of closed batches that an order was tried in; one that took the money comes last.
pub(crate) fn of_order(store: &mut Store, order: &OrderId) -> Result<Vec<Payment>, StoreError> {
    let mut found = Vec::new();
    if store.index().is_current() {
        let tag = store.index().order_tags().tag(order.as_str());
        for row in store.index().by_order(tag, MOST_TRIES) {
            found.extend(find(store, row.key)?);
        }
    } else {
        let reader = store.reader()?;
        for run in 0..reader.runs() {
            let closed = closed_in(&reader, run)?;
            found.extend(
                closed
                    .into_iter()
                    .filter(|payment| payment.order.as_ref() == Some(order)),
            );
        }
    }
    found.sort_by_key(|payment| payment.state == State::Approved);
    Ok(found)
}
