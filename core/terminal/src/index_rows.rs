//! The index follows the journal: each payment's present row, written after its record is safe.
//!
//! Nothing about money is ever asked of it; its failure costs a rebuild, no payment.

use softpos_journal::{Entry, Ledger, Payment};
use softpos_store::{Finding, IndexRow, OrderTags, Position, Reader, Store};

use crate::archive;
use crate::session::Session;

/// Writes the row of the payment that a record has changed.
pub(crate) fn follow(session: &Session, store: &mut Store, entry: Option<&Entry>, at: &Position) {
    let key = match entry {
        Some(Entry::Started(started)) => started.key,
        Some(Entry::Moved(moved)) => moved.key,
        _ => return,
    };
    let tags = store.index().order_tags();
    let row = session.look(|flow, _| flow.ledger().payment(key).map(|payment| row(&tags, payment)));
    if let Ok(Some(row)) = row {
        store.index().apply(&row, at);
    }
}

/// Brings the index up to the journal after opening; says why if it had to be filled anew.
pub(crate) fn catch_up(store: &mut Store, ledger: &Ledger) -> Option<Finding> {
    let tags = store.index().order_tags();
    let mut rows: Vec<IndexRow> = ledger.payments().map(|payment| row(&tags, payment)).collect();
    rows.sort_unstable_by_key(|row| row.sequence);
    let last = store.last();
    let reader = store.reader();
    let every = || {
        let reader = reader.as_ref();
        reader.map(|reader| every_row(reader, &tags)).unwrap_or_default()
    };
    store
        .index()
        .catch_up(rows.into_iter(), ledger.left_at, &last, every)
}

/// The row of every payment there is, batch after batch: an index that is filled anew.
fn every_row(reader: &Reader, tags: &OrderTags) -> Vec<IndexRow> {
    let mut rows = Vec::new();
    let newest = reader.runs().saturating_sub(1);
    for run in 0..reader.runs() {
        let mut ledger = Ledger::whole();
        // What cannot be read has no row; the journal's own check names it.
        let _ = reader.run(run, &mut |record| {
            archive::fold(&mut ledger, &record);
            Ok(())
        });
        let here = ledger
            .payments()
            .filter(|payment| payment.closed || run == newest);
        rows.extend(here.map(|payment| row(tags, payment)));
    }
    rows
}

fn row(tags: &OrderTags, payment: &Payment) -> IndexRow {
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
        order: payment.order.as_ref().map(|order| tags.tag(order.as_str())),
    }
}
