//! Backups: a file that a passphrase opens, written beside a running till, and read into a new folder.
//!
//! What is restored is history. It can be looked at, printed and given back; nothing of it is sent or counted again,
//! no key and no number of it is used again, and the till has to be activated anew.

use std::path::Path;
use std::sync::Arc;

use softpos_crypto::p256_key::signature_from_der;
use softpos_journal::{Entry, Ledger, Restored};
use softpos_store::{Backup, BackupOrder, Opened, SignHead, Store, StoreConfig, write_backup};
use softpos_types::{Code, SecretBytes, SoftPosError};

use crate::archive;
use crate::bounded_hardware::BoundedHardware;
use crate::clock::Clock;
use crate::hardware::SecureHardware;
use crate::ledger_check::open_reader;
use crate::os_entropy::os_entropy;
use crate::root::open_storage_root;

/// Payments taken over with one sync.
const PER_SYNC: usize = 64;

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupSummary {
    /// Records.
    pub records: u64,
    /// When it was made, milliseconds since 1970 UTC.
    pub utc_ms: u64,
}

/// What a restore brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreSummary {
    /// Payments that the folder has now.
    pub payments: u32,
    /// Those of them that had no end in the backup: the host knows how they ended.
    pub without_end: u32,
}

/// Writes everything a folder holds into a file that the passphrase opens, and reads it back. A till may be running on
/// the folder. An interrupted backup of the same file is gone on with; `progress` hears bytes done and in all, and
/// stops the work with `false`.
///
/// # Errors
/// [`Code::PassphraseShort`], [`Code::SecureHardware`], [`Code::StorageLow`], [`Code::StoreUnreadable`] and the
/// others of opening a folder; [`Code::Stopped`] when it was stopped.
pub fn back_up(
    dir: &Path,
    hardware: &dyn SecureHardware,
    target: &Path,
    passphrase: &SecretBytes,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<BackupSummary, SoftPosError> {
    let reader = open_reader(dir, hardware)?;
    let mut newest = Ledger::default();
    reader.run(reader.runs().saturating_sub(1), &mut |record| {
        archive::fold(&mut newest, &record);
        Ok(())
    })?;
    let mut sign = |digest: [u8; 32]| {
        let signature = hardware.sign(digest.to_vec()).ok()?;
        let plain = signature.as_slice().try_into().ok();
        plain.or_else(|| signature_from_der(&signature).ok())
    };
    let signing = SignHead {
        spki: hardware.public_key()?,
        utc_ms: Clock::start().now().utc_ms,
        sign: &mut sign,
    };
    let mut entropy = os_entropy()?;
    let order = BackupOrder {
        archived: newest.archived.as_ref(),
        passphrase,
        target,
        signing,
    };
    let head = write_backup(&reader, order, &mut entropy, progress)?;
    Ok(BackupSummary {
        records: head.sequence,
        utc_ms: head.utc_ms,
    })
}

/// Reads a backup's payments into a folder that no till has used. One that was interrupted goes on.
///
/// # Errors
/// [`Code::BackupUnreadable`], [`Code::PassphraseShort`], [`Code::StoreNewer`]; [`Code::StoreDamaged`] if the backup
/// is not what the device signed; [`Code::FolderNotEmpty`] if the folder has more than this backup's payments;
/// [`Code::Stopped`] when it was stopped; and the errors of opening a folder.
pub fn restore(
    dir: &Path,
    hardware: Arc<dyn SecureHardware>,
    source: &Path,
    passphrase: &SecretBytes,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<RestoreSummary, SoftPosError> {
    let backup = Backup::open(source, passphrase)?;
    let mut theirs = Ledger::whole();
    let report = backup.replay(&mut |record| {
        archive::fold(&mut theirs, &record);
        Ok(())
    })?;
    let root = backup.reader()?.tree(backup.archived())?.root();
    if !backup.is_signed() || (root != backup.head().root && !report.lost_records()) {
        return Err(SoftPosError::of(Code::StoreDamaged).with_detail("not what the device signed"));
    }
    let mut entropy = os_entropy()?;
    let hardware = BoundedHardware::new(hardware)?;
    let storage_root = open_storage_root(dir, &hardware, &mut entropy)?;
    let mut ours = Ledger::whole();
    let Opened { mut store, .. } = Store::open(
        &StoreConfig::new(dir.to_owned()),
        &storage_root,
        &mut entropy,
        &mut |record| {
            archive::fold(&mut ours, &record);
            Ok(())
        },
    )?;
    let foreign = |key| theirs.payment(key).is_none();
    if ours.activation.is_some()
        || ours
            .payments()
            .any(|payment| !payment.restored || foreign(payment.key))
    {
        return Err(SoftPosError::of(Code::FolderNotEmpty));
    }
    let missing: Vec<_> = theirs
        .payments()
        .filter(|payment| ours.payment(payment.key).is_none())
        .collect();
    let utc_ms = Clock::start().now().utc_ms;
    let total = u64::try_from(missing.len()).unwrap_or(u64::MAX);
    let mut done = 0_u64;
    for part in missing.chunks(PER_SYNC) {
        let entries = part.iter().map(|payment| {
            Entry::from(Restored {
                payment: (*payment).clone(),
                utc_ms,
            })
        });
        let records: Vec<(u8, Vec<u8>)> = entries.map(|entry| (entry.kind(), entry.to_bytes())).collect();
        store.append_all(&records)?;
        done = done.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
        if !progress(done, total) {
            return Err(SoftPosError::of(Code::Stopped));
        }
    }
    store.sync_background()?;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(RestoreSummary {
        payments: count(theirs.payments().count()),
        without_end: count(theirs.open().count()),
    })
}

#[cfg(test)]
mod killed;
