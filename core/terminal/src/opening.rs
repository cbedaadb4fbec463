//! Opening a till: the folder, the journal's fold, the flow that goes on from there.

use std::path::Path;
use std::sync::Arc;

use softpos_crypto::entropy::Entropy;
use softpos_flow::{Device, Opening};
use softpos_host::Anchors;
use softpos_journal::{Entry, Ledger};
use softpos_store::{Before, Opened, Reader, Record, Store, StoreConfig};
use softpos_text::Texts;
use softpos_types::{Language, Now, SecretBytes, SoftPosError};

use crate::finding_words::{because, finding, numbered};
use crate::hardware::SecureHardware;
use crate::index_rows;
use crate::os_entropy::os_entropy;
use crate::retention;
use crate::root::open_storage_root;

/// A folder that was opened: locked, replayed, folded.
pub(crate) struct OpenFolder {
    pub(crate) store: Store,
    pub(crate) ledger: Ledger,
    pub(crate) keys: Option<SecretBytes>,
    /// What opening found, a sentence each.
    pub(crate) findings: Vec<String>,
    /// Records before this one were not looked at yet.
    pub(crate) read_from: u64,
    entropy: Entropy,
}

/// Opens the folder and folds its journal; what that finds is said in `language`.
///
/// # Errors
/// As the store's opening: in use, unreadable, newer, locked, damaged.
pub(crate) fn open_folder(
    dir: &Path,
    hardware: &dyn SecureHardware,
    language: Language,
) -> Result<OpenFolder, SoftPosError> {
    let texts = Texts::new(language);
    let mut entropy = os_entropy()?;
    let root = open_storage_root(dir, hardware, &mut entropy)?;
    let mut ledger = Ledger::default();
    let mut unknown = 0_u64;
    let mut fold = |record: Record<'_>| {
        match Entry::from_bytes(record.kind, record.payload) {
            Ok(Some(entry)) => {
                ledger.apply(record.sequence, entry);
            }
            // A record of a newer program is kept and told of; so is one that makes no sense.
            Ok(None) | Err(_) => unknown = unknown.saturating_add(1),
        }
        Ok(())
    };
    let config = StoreConfig::new(dir.to_owned());
    let Opened {
        mut store,
        report,
        read_from,
    } = Store::open(&config, &root, &mut entropy, &mut fold)?;
    let mut findings: Vec<String> = report.findings.iter().map(|it| finding(texts, it)).collect();
    if unknown > 0 {
        findings.push(numbered(texts, "finding-unknown-records", &[("count", unknown)]));
    }
    if ledger.ignored > 0 {
        findings.push(numbered(
            texts,
            "finding-not-obeyed",
            &[("count", ledger.ignored)],
        ));
    }
    // A note on the disk whose files are still there: a kill came in between.
    if let Some(archived) = &ledger.archived
        && store.begins_at() <= archived.sequence
        && let Err(error) = retention::remove(&mut store, archived.sequence)
    {
        findings.push(because(texts, "finding-not-removed", &error));
    }
    findings.extend(index_rows::catch_up(&mut store, &ledger).map(|it| finding(texts, &it)));
    // The watermark may know of a counter whose record a crash has torn.
    let counters = store.counters();
    ledger.data_counter = ledger.data_counter.max(counters.data);
    ledger.pin_counter = ledger.pin_counter.max(counters.pin);
    // Registers that cannot be read cost a new key load, no payment.
    let keys = store.load_keys().unwrap_or_else(|error| {
        findings.push(because(texts, "finding-no-keys", &error));
        None
    });
    Ok(OpenFolder {
        store,
        ledger,
        keys,
        findings,
        read_from,
        entropy,
    })
}

impl OpenFolder {
    /// A reader of the records that opening did not look at, if there are any, and what stands before them.
    pub(crate) fn unread(&self) -> Result<Option<(Reader, Before)>, SoftPosError> {
        if self.read_from <= 1 {
            return Ok(None);
        }
        let reader = self.store.reader()?.until(self.read_from);
        Ok(Some((reader, Before::from(self.ledger.archived.as_ref()))))
    }

    /// Everything a flow starts from, and the store for the worker.
    pub(crate) fn into_opening(
        self,
        hardware: &Arc<dyn SecureHardware>,
        app_version: String,
        anchors: Option<Anchors>,
        now: Now,
    ) -> Result<(Opening, Store), SoftPosError> {
        let device = Device::new(hardware.public_key()?, hardware.model()?, app_version)?;
        let last = self.store.last();
        let opening = Opening {
            device,
            ledger: self.ledger,
            head: (last.sequence, last.hash.0),
            keys: self.keys,
            anchors,
            entropy: self.entropy,
            now,
        };
        Ok((opening, self.store))
    }
}
