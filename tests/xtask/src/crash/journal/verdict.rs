//! What a folder says after a round, beside what was acknowledged before.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use softpos_journal::{Entry, Ledger, Payment};
use softpos_store::{Before, Finding, IndexRow, Opened, Position, Store, StoreConfig};

use super::story::{Story, entropy, root};

/// Small, so that every round crosses some.
const SEGMENT_BYTES: u32 = 32 * 1024;

/// What went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Acknowledged records that are gone although nothing was damaged.
    pub(super) lost: u64,
    /// Records that are there twice, or with another content.
    pub(super) doubled: u64,
    /// Records that are gone and that no finding names.
    pub(super) silent: u64,
    /// Folds and indexes that do not count as the records do.
    pub(super) unreconciled: u64,
}

/// One round's.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) counts: Counts,
    what: Vec<String>,
}

impl Counts {
    pub(super) const fn is_clean(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.silent == 0 && self.unreconciled == 0
    }

    pub(super) const fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.silent += other.silent;
        self.unreconciled += other.unreconciled;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lost,
            doubled,
            silent,
            unreconciled,
        } = self;
        write!(
            f,
            "{lost} lost, {doubled} doubled, {silent} silent, {unreconciled} unreconciled"
        )
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.counts)?;
        self.what.iter().try_for_each(|what| write!(f, "\n  {what}"))
    }
}

/// An opened folder: the store, the fold from its last checkpoint, and what was found.
pub(super) struct Open {
    pub(super) store: Store,
    pub(super) ledger: Ledger,
    findings: Vec<Finding>,
}

/// Opens a folder as a till does.
pub(super) fn open(dir: &Path, seed: u64) -> Result<Open, String> {
    let config = StoreConfig {
        segment_bytes: SEGMENT_BYTES,
        ..StoreConfig::new(dir.to_path_buf())
    };
    let mut ledger = Ledger::default();
    let opened = Store::open(&config, &root(), &mut entropy(seed), &mut |record| {
        if let Ok(Some(entry)) = Entry::from_bytes(record.kind, record.payload) {
            ledger.apply(record.sequence, entry);
        }
        Ok(())
    });
    let Opened {
        mut store, report, ..
    } = opened.map_err(|error| format!("does not open: {error}"))?;
    let mut findings = report.findings;
    let rows: Vec<IndexRow> = ledger.payments().map(row).collect();
    let last = store.last();
    let every = every_row(&store)?;
    let index = store.index();
    findings.extend(index.catch_up(rows.into_iter(), ledger.left_at, &last, || every.clone()));
    Ok(Open {
        store,
        ledger,
        findings,
    })
}

/// Appends the story's next records; says up to which one they were acknowledged.
pub(super) fn append(open: &mut Open, story: &mut Story, count: u64) -> Result<u64, String> {
    for _ in 0..count {
        let entry = story.next();
        let appended = open.store.append(entry.kind(), &entry.to_bytes(), None);
        let position = appended.map_err(|error| format!("cannot append: {error}"))?;
        if position.sequence != story.sequence {
            return Err(format!("record {} became {}", story.sequence, position.sequence));
        }
        take_over(open, entry, &position);
    }
    Ok(story.sequence)
}

/// What a till does with a record that is safe: fold and index follow it.
pub(super) fn take_over(open: &mut Open, entry: Entry, at: &Position) {
    let key = match &entry {
        Entry::Started(started) => Some(started.key),
        Entry::Moved(moved) => Some(moved.key),
        Entry::Reprinted(_)
        | Entry::Settling(_)
        | Entry::Settled(_)
        | Entry::Activation(_)
        | Entry::Parameters(_)
        | Entry::Attested(_)
        | Entry::KeysLoaded(_)
        | Entry::Checkpoint(_)
        | Entry::Archived(_)
        | Entry::Restored(_) => None,
    };
    open.ledger.apply(at.sequence, entry);
    if let Some(row) = key.and_then(|key| open.ledger.payment(key)).map(row) {
        open.store.index().apply(&row, at);
    }
}

/// Opens a folder again and judges it. `acknowledged` is the last record that the store called safe; `damaged` says
/// that bytes of it were changed, so that a record may be gone if it is named.
pub(super) fn look(dir: &Path, seed: u64, acknowledged: u64, damaged: bool) -> Result<Verdict, String> {
    let open = open(dir, seed)?;
    let mut verdict = Verdict {
        counts: Counts::default(),
        what: Vec::new(),
    };
    let reader = open.store.reader().map_err(|error| error.to_string())?;
    let mut found: BTreeMap<u64, (u8, Vec<u8>)> = BTreeMap::new();
    let mut twice = 0;
    let report = reader.replay(Before::from(None), &mut |record| {
        let content = (record.kind, record.payload.to_vec());
        twice += u64::from(found.insert(record.sequence, content).is_some());
        Ok(())
    });
    let mut findings = report.map_err(|error| error.to_string())?.findings;
    findings.extend(open.findings.iter().cloned());
    verdict.counts.doubled += twice;
    let mut story = Story::new(seed);
    let mut readable = Ledger::whole();
    let last = found.keys().next_back().copied().unwrap_or(0).max(acknowledged);
    for sequence in 1..=last {
        let entry = story.next();
        match found.remove(&sequence) {
            Some(content) if content == (entry.kind(), entry.to_bytes()) => {
                readable.apply(sequence, entry);
            }
            Some(_) => {
                verdict.counts.doubled += 1;
                verdict
                    .what
                    .push(format!("record {sequence} has another content"));
            }
            None if sequence > acknowledged => {}
            None => {
                let named = findings.iter().any(|finding| finding.names(sequence));
                verdict.counts.lost += u64::from(!damaged);
                verdict.counts.silent += u64::from(!named);
                if !damaged || !named {
                    verdict.what.push(format!(
                        "record {sequence} of {acknowledged} is gone, named: {named}"
                    ));
                }
            }
        }
    }
    reconcile(&mut verdict, open, &readable, damaged);
    Ok(verdict)
}

/// The fold that the till works with, and its index, against the fold of every record that can be read.
fn reconcile(verdict: &mut Verdict, mut open: Open, readable: &Ledger, damaged: bool) {
    let mut differs = |what: String| {
        verdict.counts.unreconciled += 1;
        verdict.what.push(what);
    };
    let live = |ledger: &Ledger| -> Vec<Payment> {
        ledger
            .payments()
            .filter(|payment| !payment.closed)
            .cloned()
            .collect()
    };
    // A checkpoint remembers what damage before it took from the records.
    if !damaged && (live(&open.ledger) != live(readable) || open.ledger.checkpoint() != readable.checkpoint())
    {
        differs("the fold is not that of the records".to_owned());
    }
    let queue: Vec<_> = open.ledger.queue().map(|payment| payment.key).collect();
    let indexed: Vec<_> = open
        .store
        .index()
        .queue(usize::MAX)
        .iter()
        .map(|row| row.key)
        .collect();
    if queue != indexed {
        differs("the index has another queue".to_owned());
    }
    if !damaged {
        let mut wrong = Vec::new();
        for payment in readable.payments() {
            let (is, should) = (open.store.index().by_key(&payment.key), row(payment));
            if is != Some(should) {
                wrong.push(format!("the index has another row: {is:?} instead of {should:?}"));
            }
        }
        if !wrong.is_empty() {
            let doubt = open.store.index().doubt().unwrap_or("none");
            wrong.push(format!("its doubt: {doubt}; found: {:?}", open.findings));
        }
        wrong.into_iter().for_each(differs);
    }
}

fn every_row(store: &Store) -> Result<Vec<IndexRow>, String> {
    let reader = store.reader().map_err(|error| error.to_string())?;
    let mut ledger = Ledger::whole();
    let replayed = reader.replay(Before::from(None), &mut |record| {
        if let Ok(Some(entry)) = Entry::from_bytes(record.kind, record.payload) {
            ledger.apply(record.sequence, entry);
        }
        Ok(())
    });
    replayed.map_err(|error| error.to_string())?;
    let mut rows: Vec<IndexRow> = ledger.payments().map(row).collect();
    rows.sort_by_key(|row| row.sequence);
    Ok(rows)
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
        queued_at: payment.queued.then_some(payment.sequence),
        order: None,
    }
}
