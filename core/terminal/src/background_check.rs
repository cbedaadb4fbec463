//! The records before the last checkpoint are read after opening, beside the work: what is wrong with them is told then.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use softpos_store::{Before, Reader, StoreError};
use softpos_text::Texts;
use softpos_types::{Code, SoftPosError};

use crate::finding_words::{because, finding};
use crate::log::{LogLevel, LogValue};
use crate::session::Session;

/// A pause after so many records leaves the processor to the till.
const SLICE: u64 = 256;
const PAUSE: Duration = Duration::from_millis(1);

/// Starts the check on a thread of its own; its findings join those of the opening.
pub(crate) fn start(
    reader: Reader,
    before: Before,
    session: &Arc<Session>,
    found: &Arc<Mutex<Vec<String>>>,
) -> Result<(), SoftPosError> {
    let (session, found) = (Arc::clone(session), Arc::clone(found));
    let spawned = std::thread::Builder::new()
        .name("softpos-check".into())
        .spawn(move || run(&reader, before, &session, &found));
    spawned
        .map(drop)
        .map_err(|error| SoftPosError::of(Code::SessionPoisoned).with_detail(error.to_string()))
}

fn run(reader: &Reader, before: Before, session: &Session, found: &Mutex<Vec<String>>) {
    let report = reader.replay(before, &mut |record| {
        if session.is_closing() {
            // Ends the reading; nobody hears of it.
            return Err(StoreError::InUse);
        }
        if record.sequence.is_multiple_of(SLICE) {
            std::thread::sleep(PAUSE);
        }
        Ok(())
    });
    let texts = Texts::new(session.language());
    let words: Vec<String> = match report {
        Ok(report) => report.findings.iter().map(|it| finding(texts, it)).collect(),
        Err(StoreError::InUse) => return,
        Err(error) => vec![because(texts, "finding-not-read", &error)],
    };
    let count = u64::try_from(words.len()).unwrap_or(u64::MAX);
    let level = if words.is_empty() {
        LogLevel::Info
    } else {
        LogLevel::Warning
    };
    session
        .log
        .line(level, "journal_checked", &[("findings", LogValue::Number(count))]);
    found.lock().unwrap_or_else(PoisonError::into_inner).extend(words);
}
