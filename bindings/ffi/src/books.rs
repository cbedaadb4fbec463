//! Backup and restore, the check of the ledger, the rules of the queue.

use std::path::PathBuf;
use std::sync::Arc;

use softpos_terminal as terminal;
pub use softpos_terminal::{BackupSummary, LedgerCheck, QueuePolicy, RestoreSummary};
use softpos_types::SecretBytes;

use crate::error::SoftPosError;
use crate::guard;
use crate::handed_out::{Amount, JournalRoot};
use crate::ports::{Hardware, SecureHardware};
use crate::terminal::Terminal;

/// What the acquirer allows to be stored while the host cannot be reached.
#[uniffi::remote(Record)]
pub struct QueuePolicy {
    /// Whether anything may be stored.
    pub enabled: bool,
    /// Largest single payment.
    pub payment: Amount,
    /// How many may wait.
    pub count: u32,
    /// Their largest sum.
    pub sum: Amount,
    /// After this age of the oldest nothing new is stored, in milliseconds. What is stored is sent however old it is.
    pub age_ms: u64,
    /// Whether the oldest is older than that.
    pub overdue: bool,
    /// Whether nothing new is stored because the disk is nearly full.
    pub storage_low: bool,
}

/// What a check of the ledger found.
#[uniffi::remote(Record)]
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
    pub root: JournalRoot,
    /// The first wrong record, if the fault has a place.
    pub first_wrong: Option<u64>,
    /// What is wrong, a sentence each in the till's language; empty if all is well.
    pub faults: Vec<String>,
}

/// What a backup holds.
#[uniffi::remote(Record)]
pub struct BackupSummary {
    /// Records.
    pub records: u64,
    /// When it was made, milliseconds since 1970 UTC.
    pub utc_ms: u64,
}

/// What a restore brought.
#[uniffi::remote(Record)]
pub struct RestoreSummary {
    /// Payments that the folder has now.
    pub payments: u32,
    /// Those of them that had no end in the backup: the host knows how they ended.
    pub without_end: u32,
}

/// A backup's file, the passphrase that opens it, and the work on it: how far that is, and how it is stopped. An
/// object is for one piece of work; its passphrase is wiped with it.
#[derive(Debug, uniffi::Object)]
pub struct BackupFile {
    path: PathBuf,
    passphrase: SecretBytes,
    work: terminal::LongWork,
}

#[uniffi::export]
impl BackupFile {
    /// The passphrase is UTF-8, at least 10 characters; the caller wipes its own bytes.
    #[uniffi::constructor]
    pub fn new(path: PathBuf, passphrase: &[u8]) -> Arc<Self> {
        Arc::new(Self {
            path,
            passphrase: SecretBytes::copy_of(passphrase),
            work: terminal::LongWork::default(),
        })
    }

    /// How much of the work is done, 0 to 100.
    pub fn percent(&self) -> u8 {
        self.work.percent()
    }

    /// Stops the work soon: it throws NotReady with the code `stopped`, and goes on where it was another time.
    pub fn stop(&self) {
        self.work.stop();
    }

    /// Reads the payments into a folder that no till has used: history, and nothing that could be sent or used again.
    /// A till on it has to be activated anew. Takes its time: not for the main thread.
    pub fn restore(
        &self,
        dir: PathBuf,
        hardware: Arc<dyn SecureHardware>,
    ) -> Result<RestoreSummary, SoftPosError> {
        let (hardware, told) = (Arc::new(Hardware(hardware)), &mut |done, total| {
            self.work.goes_on(done, total)
        });
        guard::call(|| terminal::restore(&dir, hardware, &self.path, &self.passphrase, told))
    }
}

#[uniffi::export]
impl Terminal {
    /// Writes everything this till has written into a file, while it goes on working. Not for the main thread: it takes time.
    pub fn back_up(&self, to: &BackupFile) -> Result<BackupSummary, SoftPosError> {
        let told = &mut |done, total| to.work.goes_on(done, total);
        self.call(|till| till.back_up(&to.path, &to.passphrase, told))
    }

    /// Checks every record of the journal. Takes its time: not for the main thread.
    pub fn check_ledger(&self) -> Result<LedgerCheck, SoftPosError> {
        self.call(terminal::Terminal::check_ledger)
    }

    /// What may be stored while the host cannot be reached; none before the activation.
    pub fn queue_policy(&self) -> Result<Option<QueuePolicy>, SoftPosError> {
        self.call(terminal::Terminal::queue_policy)
    }
}
