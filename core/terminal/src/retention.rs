//! What need not be kept any more: whole closed batches, once the host has them anchored and their time is over.
//!
//! First a record says what goes, with its totals and what the chain and the tree need of it; then the files go.

use softpos_journal::{Archived, Ledger, MethodTotals, Totals, totals};
use softpos_store::{Reader, Store, StoreError};
use softpos_types::Method;

use crate::archive;

/// Thirteen months and a little (our choice; an acquirer's contract may ask for another time).
const KEPT_MS: u64 = 400 * 24 * 60 * 60 * 1_000;

/// The note of what can go now, if anything can.
pub(crate) fn note(reader: &Reader, ledger: &Ledger, utc_ms: u64) -> Result<Option<Archived>, StoreError> {
    let mut through = None;
    let mut gone = ledger.archived.as_ref().map_or((0, Vec::new()), |archived| {
        (archived.payments, archived.totals.clone())
    });
    for run in 0..reader.runs().saturating_sub(1) {
        let Some(last) = reader.begins_at(run + 1).and_then(|next| next.checked_sub(1)) else {
            break;
        };
        let mut fold = Ledger::whole();
        reader.run(run, &mut |record| {
            archive::fold(&mut fold, &record);
            Ok(())
        })?;
        let old = fold
            .settled
            .last()
            .is_some_and(|settled| !settled.disputed && settled.host_utc_ms.saturating_add(KEPT_MS) < utc_ms);
        if !old || ledger.anchored < last || fold.open().next().is_some() {
            break;
        }
        let closed = || fold.payments().filter(|payment| payment.closed);
        gone.0 = gone
            .0
            .saturating_add(u32::try_from(closed().count()).unwrap_or(u32::MAX));
        let Ok(lines) = totals(closed()) else { break };
        for line in lines {
            add(&mut gone.1, line);
        }
        through = Some(last);
    }
    let Some(sequence) = through else {
        return Ok(None);
    };
    let (hash, peaks) = reader.stand_in(ledger.archived.as_ref(), sequence)?;
    Ok(Some(Archived {
        sequence,
        hash,
        peaks: peaks.concat(),
        payments: gone.0,
        totals: gone.1,
        utc_ms,
    }))
}

/// Removes what a note on the disk says: its rows first, for they name records that go.
pub(crate) fn remove(store: &mut Store, through: u64) -> Result<(), StoreError> {
    let reader = store.reader()?;
    for run in 0..reader.runs().saturating_sub(1) {
        if reader
            .begins_at(run + 1)
            .is_none_or(|next| next.saturating_sub(1) > through)
        {
            break;
        }
        for payment in archive::closed_in(&reader, run)? {
            store.index().remove(&payment.key);
        }
    }
    store.remove_through(through)
}

fn add(sums: &mut Vec<MethodTotals>, (method, totals): (Method, Totals)) {
    let Some(line) = sums.iter_mut().find(|line| line.method == method) else {
        return sums.push((method, totals).into());
    };
    let sum = &mut line.totals;
    sum.sale_count = sum.sale_count.saturating_add(totals.sale_count);
    sum.sale_minor = sum.sale_minor.saturating_add(totals.sale_minor);
    sum.refund_count = sum.refund_count.saturating_add(totals.refund_count);
    sum.refund_minor = sum.refund_minor.saturating_add(totals.refund_minor);
}

#[cfg(test)]
mod tests;
