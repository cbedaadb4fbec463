//! The index follows the journal: each payment's present row, written after its record is safe.
//!
//! Nothing about money is ever asked of it; its failure costs a rebuild, no payment.

use softpos_journal::{Entry, Ledger, Payment};
use softpos_store::{Finding, IndexRow, Position, Store};

use crate::session::Session;

/// Writes the row of the payment that a record has changed.
pub(crate) fn follow(session: &Session, store: &mut Store, entry: Option<&Entry>, at: &Position) {
    let key = match entry {
        Some(Entry::Started(started)) => started.key,
        Some(Entry::Moved(moved)) => moved.key,
        _ => return,
    };
    let row = session.look(|flow, _| flow.ledger().payment(key).map(row));
    if let Ok(Some(row)) = row {
        store.index().apply(&row, at);
    }
}

/// Brings the index up to the journal after opening; says why if it had to be filled anew.
pub(crate) fn catch_up(store: &mut Store, ledger: &Ledger) -> Option<Finding> {
    let mut rows: Vec<IndexRow> = ledger.payments().map(row).collect();
    rows.sort_unstable_by_key(|row| row.sequence);
    let last = store.last();
    store.index().catch_up(rows.into_iter(), &last)
}

fn row(payment: &Payment) -> IndexRow {
    IndexRow {
        key: payment.key,
        sequence: payment.sequence,
        batch: payment.batch.value(),
        stan: payment.stan.value(),
        state: payment.state.number(),
        amount_minor: payment.amount.amount_minor(),
        utc_ms: payment.utc_ms,
        // What waits in the queue has no record behind the one that put it there.
        queued_at: payment.queued.then_some(payment.sequence),
    }
}
