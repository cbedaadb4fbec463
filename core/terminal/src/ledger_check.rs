//! Whether a journal is whole and unchanged, found out without its till: from its folder, or from a backup.
//!
//! Checked are every record's seal and place in the chain, the fold and its checkpoints, and the heads that the device
//! has signed: one in each settlement, one in a backup.

use std::path::Path;

use softpos_crypto::jws::verify_request;
use softpos_crypto::merkle::MerkleTree;
use softpos_crypto::p256_key::PublicKey;
use softpos_host::{HttpMethod, SettleRequest};
use softpos_journal::{Archived, Entry, Image, Ledger};
use softpos_store::{Backup, Before, Finding, Reader, Record, StoreError};
use softpos_text::Texts;
use softpos_types::{Code, Language, SecretBytes, SoftPosError};

use crate::finding_words::{finding, numbered};
use crate::hardware::SecureHardware;
use crate::root::read_storage_root;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerCheck {
    /// Records that were read.
    pub records: u64,
    /// Payments in them.
    pub payments: u32,
    /// Batches that were closed.
    pub batches: u32,
    /// Heads signed by the device that fit the records.
    pub signed_heads: u32,
    /// The root of the Merkle tree over all records.
    pub root: [u8; 32],
    /// The first wrong record, if the fault has a place.
    pub first_wrong: Option<u64>,
    /// What is wrong, a sentence each in the language asked for; empty if all is well.
    pub faults: Vec<String>,
}

impl LedgerCheck {
    /// Whether nothing is wrong.
    pub const fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Checks a data folder, and says in `language` what is wrong. A till may be running on it, and the disk may be read-only.
///
/// # Errors
/// As opening a till, but for the lock.
pub fn check_folder(
    dir: &Path,
    hardware: &dyn SecureHardware,
    language: Language,
) -> Result<LedgerCheck, SoftPosError> {
    let reader = open_reader(dir, hardware)?;
    let spki = hardware.public_key()?;
    check(&reader, None, &spki, Texts::new(language))
}

/// Checks a backup, and says in `language` what is wrong.
///
/// # Errors
/// [`Code::BackupUnreadable`], [`Code::PassphraseShort`], [`Code::StoreNewer`], [`Code::StoreUnreadable`].
pub fn check_backup(
    path: &Path,
    passphrase: &SecretBytes,
    language: Language,
) -> Result<LedgerCheck, SoftPosError> {
    let texts = Texts::new(language);
    let backup = Backup::open(path, passphrase)?;
    let mut found = check(&backup.reader()?, backup.archived(), backup.device_spki(), texts)?;
    let head = backup.head();
    if !backup.is_signed() {
        found.faults.push(texts.get("fault-backup-unsigned"));
    } else if head.root != found.root {
        let what = numbered(texts, "fault-backup-other", &[("last", head.sequence)]);
        found.faults.push(what);
    } else {
        found.signed_heads = found.signed_heads.saturating_add(1);
    }
    Ok(found)
}

/// A reader of a folder that a till has or had.
pub(crate) fn open_reader(dir: &Path, hardware: &dyn SecureHardware) -> Result<Reader, SoftPosError> {
    if !dir.join("journal").is_dir() {
        return Err(SoftPosError::of(Code::StoreUnreadable).with_detail("no till has been here"));
    }
    let root = read_storage_root(dir, hardware)?;
    Ok(Reader::open(dir.to_owned(), &root)?)
}

pub(crate) fn check(
    reader: &Reader,
    archived: Option<&Archived>,
    spki: &[u8],
    texts: Texts,
) -> Result<LedgerCheck, SoftPosError> {
    let archived = match archived {
        Some(archived) => Some(archived.clone()),
        None => last_archived(reader)?,
    };
    let peaks = archived
        .as_ref()
        .map_or(&[][..], |archived| archived.peaks.as_slice());
    let hidden = archived.as_ref().map_or(0, |archived| archived.sequence);
    let mut walk = Walk {
        texts,
        ledger: Ledger::whole(),
        tree: MerkleTree::resume(hidden, peaks.as_chunks::<32>().0.to_vec()).unwrap_or_default(),
        device: PublicKey::from_spki(spki).ok(),
        records: 0,
        signed_heads: 0,
        wrong: Vec::new(),
    };
    let before = Before::from(archived.as_ref());
    let report = reader.replay(before, &mut |record| walk.take(&record))?;
    let mut wrong: Vec<(Option<u64>, String)> = report
        .findings
        .iter()
        .filter(|found| found.is_loss() || matches!(found, Finding::SegmentMisplaced { .. }))
        .map(|found| (found.sequence(), finding(texts, found)))
        .collect();
    wrong.append(&mut walk.wrong);
    Ok(LedgerCheck {
        records: walk.records,
        payments: count(walk.ledger.payments().count()),
        batches: count(walk.ledger.settled.len()),
        signed_heads: walk.signed_heads,
        root: walk.tree.root(),
        first_wrong: wrong.iter().filter_map(|(sequence, _)| *sequence).min(),
        faults: wrong.into_iter().map(|(_, what)| what).collect(),
    })
}

/// What retention has left off, as the newest run says.
fn last_archived(reader: &Reader) -> Result<Option<Archived>, StoreError> {
    let mut ledger = Ledger::default();
    let newest = reader.runs().saturating_sub(1);
    reader.run(newest, &mut |record| {
        crate::archive::fold(&mut ledger, &record);
        Ok(())
    })?;
    Ok(ledger.archived)
}

/// The records going by.
struct Walk {
    texts: Texts,
    ledger: Ledger,
    tree: MerkleTree,
    device: Option<PublicKey>,
    records: u64,
    signed_heads: u32,
    wrong: Vec<(Option<u64>, String)>,
}

impl Walk {
    #[expect(clippy::unnecessary_wraps, reason = "what a journal's visitor returns")]
    fn take(&mut self, record: &Record<'_>) -> Result<(), StoreError> {
        self.records = self.records.saturating_add(1);
        while self.tree.size().saturating_add(1) < record.sequence {
            // Lost: the root will not be the one that was signed.
            self.tree.push(&[0; 32]);
        }
        self.tree.push(&record.hash.0);
        match Entry::from_bytes(record.kind, record.payload) {
            Ok(Some(entry)) => {
                if let Entry::Settling(settling) = &entry {
                    self.signed_head(record.sequence, &settling.request);
                }
                let ignored = self.ledger.ignored;
                self.ledger.apply(record.sequence, entry);
                if self.ledger.ignored > ignored {
                    self.fault("fault-contradicts", record.sequence, 0);
                }
            }
            // Of a later program: sealed and in its place, which is all that can be said.
            Ok(None) => {}
            Err(_) => self.fault("fault-malformed", record.sequence, 0),
        }
        Ok(())
    }

    fn fault(&mut self, key: &str, record: u64, last: u64) {
        let what = numbered(self.texts, key, &[("record", record), ("last", last)]);
        self.wrong.push((Some(record), what));
    }

    /// A settlement's request carries the head that the device signed then.
    fn signed_head(&mut self, sequence: u64, request: &Image) {
        let signed = self.device.as_ref().is_some_and(|key| {
            let to = (HttpMethod::Post.name(), request.path.as_str());
            verify_request(&request.jws, &request.body, to, |_| Some(*key)).is_ok()
        });
        if !signed {
            return self.fault("fault-settlement-unsigned", sequence, 0);
        }
        let Ok(head) = serde_json::from_slice::<SettleRequest>(&request.body) else {
            return self.fault("fault-settlement-none", sequence, 0);
        };
        match self.tree.root_of(head.journal_sequence) {
            Some(root) if root.as_slice() == head.journal_root => {
                self.signed_heads = self.signed_heads.saturating_add(1);
            }
            Some(_) => {
                self.fault("fault-settlement-other", sequence, head.journal_sequence);
            }
            // It covers less than what retention left off.
            None => {}
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
