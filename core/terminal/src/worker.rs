//! The thread that touches disk and secure hardware: the flow's effects in their order, each answered by an event.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use softpos_crypto::p256_key::signature_from_der;
use softpos_flow::{Anchor, EffectId, Event};
use softpos_journal::Entry;
use softpos_store::{KeyCounters, Position, Store};
use softpos_types::SecretBytes;

use crate::index_rows;
use crate::log::{LogLevel, LogValue};
use crate::retention;
use crate::session::Session;

/// So many records share a sync.
const MOST_OF_A_SYNC: usize = 8;
/// How long the first of them waits for others: nothing waits for it, and every sync that is saved spares the disk.
const SHARING_TIME: Duration = Duration::from_millis(20);
/// While the disk is full nothing that is written tells when there is room again: it is looked at this often.
const SPACE_PULSE: Duration = Duration::from_millis(250);

/// Something to be done in order, away from the caller.
pub(crate) enum Work {
    Sign {
        id: EffectId,
        digests: Vec<[u8; 32]>,
    },
    Attest {
        id: EffectId,
        challenge: Vec<u8>,
    },
    Persist {
        id: EffectId,
        kind: u8,
        payload: Vec<u8>,
    },
    SaveKeys {
        id: EffectId,
        registers: SecretBytes,
    },
    Anchor {
        id: EffectId,
        since: u64,
    },
    /// Something that a caller waits for.
    Ask(Box<dyn FnOnce(&mut Store) + Send>),
    /// Make everything durable and end.
    Stop,
}

/// Runs until [`Work::Stop`] or until nobody can send any more. The store's lock ends with it.
pub(crate) fn run(session: &Arc<Session>, mut store: Store, work: &Receiver<Work>) {
    let mut space_low = false;
    let mut next = None;
    while let Some(job) = next
        .take()
        .or_else(|| wait(session, &store, work, &mut space_low))
    {
        match job {
            Work::Sign { id, digests } => sign(session, id, &digests),
            Work::Attest { id, challenge } => attest(session, id, challenge),
            Work::Persist { id, kind, payload } => {
                let mut records = vec![Record::new(id, kind, payload)];
                next = take_waiting(session, work, &mut records);
                persist(session, &mut store, records);
            }
            Work::SaveKeys { id, registers } => save_keys(session, &mut store, id, &registers),
            Work::Anchor { id, since } => anchor(session, &store, id, since),
            Work::Ask(ask) => ask(&mut store),
            Work::Stop => break,
        }
        watch_space(session, &store, &mut space_low);
        session.job_done();
        if store.index().flush_is_due() && session.no_jobs() {
            store.index().flush();
        }
    }
    if let Err(error) = store.sync_background() {
        session.log.line(
            LogLevel::Error,
            "store_sync",
            &[("error", LogValue::Word(error_name(&error)))],
        );
    }
    drop(store);
    session.worker_ended();
}

/// The next job; none if nobody can send any more.
fn wait(session: &Arc<Session>, store: &Store, work: &Receiver<Work>, low: &mut bool) -> Option<Work> {
    while *low {
        match work.recv_timeout(SPACE_PULSE) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Timeout) => watch_space(session, store, low),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    work.recv().ok()
}

/// Tells the flow when the disk gets full, and when there is room again.
fn watch_space(session: &Arc<Session>, store: &Store, low: &mut bool) {
    let now_low = store.space_is_low();
    if now_low != *low {
        *low = now_low;
        session.feed(Event::StorageChanged { low: now_low });
    }
}

/// The head of everything written so far, for a settlement.
fn anchor(session: &Arc<Session>, store: &Store, id: EffectId, since: u64) {
    let archived = session
        .look(|flow, _| flow.ledger().archived.clone())
        .ok()
        .flatten();
    let tree = store.reader().and_then(|reader| reader.tree(archived.as_ref()));
    let last = store.last();
    session.feed(match tree {
        Ok(tree) if tree.size() == last.sequence => Event::Anchored {
            id,
            anchor: Anchor {
                sequence: last.sequence,
                head: last.hash.0,
                root: tree.root(),
                // Without one the host will say that the journal does not go on.
                proof: tree.consistency_proof(since).unwrap_or_default(),
            },
        },
        Ok(_) | Err(_) => Event::AnchorFailed { id },
    });
}

/// Behind a day close: what need not be kept any more is noted, and removed once the note is on the disk.
fn retain(session: &Arc<Session>, store: &mut Store, entry: Option<&Entry>) {
    match entry {
        Some(Entry::Checkpoint(_)) => {
            let note = store.reader().and_then(|reader| {
                let looked = session.look(|flow, now| retention::note(&reader, flow.ledger(), now.utc_ms));
                looked.unwrap_or(Ok(None))
            });
            if let Ok(Some(note)) = note {
                session.feed(Event::Archivable { note });
            }
        }
        Some(Entry::Archived(archived)) => {
            if let Err(error) = retention::remove(store, archived.sequence) {
                let error = LogValue::Word(error_name(&error));
                session
                    .log
                    .line(LogLevel::Warning, "retention", &[("error", error)]);
            }
        }
        _ => {}
    }
}

fn sign(session: &Arc<Session>, id: EffectId, digests: &[[u8; 32]]) {
    let signatures: Option<Vec<[u8; 64]>> = digests
        .iter()
        .map(|digest| {
            session
                .hardware
                .sign(digest.to_vec())
                .ok()
                .and_then(|signature| plain(&signature))
        })
        .collect();
    session.feed(match signatures {
        Some(signatures) => Event::Signed { id, signatures },
        None => Event::SignFailed { id },
    });
}

/// Keystore and Secure Enclave give DER, others the plain 64 bytes.
fn plain(signature: &[u8]) -> Option<[u8; 64]> {
    signature
        .try_into()
        .ok()
        .or_else(|| signature_from_der(signature).ok())
}

fn attest(session: &Arc<Session>, id: EffectId, challenge: Vec<u8>) {
    match session.hardware.attest(challenge) {
        Ok(evidence) => {
            session.feed(Event::EvidenceGiven {
                id,
                kind: evidence.kind,
                evidence: evidence.evidence,
            });
        }
        Err(_) => session.feed(Event::SignFailed { id }),
    }
}

/// Something to be written down.
struct Record {
    id: EffectId,
    kind: u8,
    payload: Vec<u8>,
    entry: Option<Entry>,
}

impl Record {
    fn new(id: EffectId, kind: u8, payload: Vec<u8>) -> Self {
        let entry = Entry::from_bytes(kind, &payload).ok().flatten();
        Self {
            id,
            kind,
            payload,
            entry,
        }
    }

    /// Whether it may share its sync with others: the end of a forwarded payment, of which many come at once.
    fn shares_sync(&self) -> bool {
        matches!(&self.entry, Some(Entry::Moved(moved)) if moved.forwarded == Some(true) && moved.data_counter.is_none())
    }
}

/// Takes what comes soon and may share a sync; gives back the job behind it, if there is one.
fn take_waiting(session: &Session, work: &Receiver<Work>, records: &mut Vec<Record>) -> Option<Work> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a wait on this thread, no time for the flow"
    )]
    let began = Instant::now();
    while records.iter().all(Record::shares_sync) && records.len() < MOST_OF_A_SYNC {
        let left = SHARING_TIME.saturating_sub(began.elapsed());
        match work.recv_timeout(left).ok()? {
            Work::Persist { id, kind, payload } => {
                let record = Record::new(id, kind, payload);
                if !record.shares_sync() {
                    let Record {
                        id, kind, payload, ..
                    } = record;
                    return Some(Work::Persist { id, kind, payload });
                }
                records.push(record);
                session.job_done();
            }
            other @ (Work::Sign { .. }
            | Work::Attest { .. }
            | Work::SaveKeys { .. }
            | Work::Anchor { .. }
            | Work::Ask(_)
            | Work::Stop) => return Some(other),
        }
    }
    None
}

/// Writes records with one sync. If that fails each is tried alone: the disk may have room for some, or a reserve.
fn persist(session: &Arc<Session>, store: &mut Store, mut records: Vec<Record>) {
    if records.len() > 1 {
        let together: Vec<(u8, Vec<u8>)> = records
            .iter_mut()
            .map(|record| (record.kind, std::mem::take(&mut record.payload)))
            .collect();
        if let Ok(positions) = store.append_all(&together) {
            for (record, position) in records.iter().zip(&positions) {
                persisted(session, store, record, position);
            }
            return;
        }
        for (record, (_, payload)) in records.iter_mut().zip(together) {
            record.payload = payload;
        }
    }
    for record in records {
        let counters = counters(store, record.entry.as_ref());
        match store.append(record.kind, &record.payload, counters) {
            Ok(position) => persisted(session, store, &record, &position),
            Err(error) => {
                session.log.line(
                    LogLevel::Error,
                    "journal_append",
                    &[("error", LogValue::Word(error_name(&error)))],
                );
                session.feed(Event::PersistFailed { id: record.id });
            }
        }
    }
}

fn persisted(session: &Arc<Session>, store: &mut Store, record: &Record, at: &Position) {
    let (id, sequence, hash) = (record.id, at.sequence, at.hash.0);
    session.feed(Event::Persisted { id, sequence, hash });
    index_rows::follow(session, store, record.entry.as_ref(), at);
    retain(session, store, record.entry.as_ref());
}

/// The key counters that a record uses up, for the watermark.
fn counters(store: &Store, entry: Option<&Entry>) -> Option<KeyCounters> {
    let (data, pin) = match entry {
        Some(Entry::Started(started)) => (started.data_counter, started.pin_counter),
        Some(Entry::Moved(moved)) => (moved.data_counter, None),
        // A new key set begins its counters anew.
        Some(Entry::KeysLoaded(_)) => (Some(0), Some(0)),
        _ => (None, None),
    };
    let known = store.counters();
    (data.is_some() || pin.is_some()).then(|| KeyCounters {
        data: data.unwrap_or(known.data),
        pin: pin.unwrap_or(known.pin),
    })
}

fn save_keys(session: &Arc<Session>, store: &mut Store, id: EffectId, registers: &SecretBytes) {
    match store.checkpoint_keys(registers) {
        Ok(()) => session.feed(Event::KeysSaved { id }),
        Err(error) => {
            session.log.line(
                LogLevel::Error,
                "key_checkpoint",
                &[("error", LogValue::Word(error_name(&error)))],
            );
            session.feed(Event::PersistFailed { id });
        }
    }
}

fn error_name(error: &softpos_store::StoreError) -> &'static str {
    use softpos_store::StoreError;
    match error {
        StoreError::InUse => "in use",
        StoreError::Newer => "newer",
        StoreError::Locked => "locked",
        StoreError::Full => "full",
        StoreError::Unreadable(_) => "unreadable",
        StoreError::Damaged(_) => "damaged",
        StoreError::TooLong => "too long",
    }
}
