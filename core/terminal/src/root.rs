//! The storage root: the secret from which all keys of the data folder come.

use std::io;
use std::path::Path;

use softpos_crypto::entropy::Entropy;
use softpos_types::{Code, SecretArray, SecretBytes, SoftPosError};

use crate::hardware::{PortError, SecureHardware};
use crate::key_file;

/// The file in the data folder: magic, then the root as the secure hardware wrapped it.
const FILE: &str = "root";
const MAGIC: &[u8] = b"SPR1";
/// Where the store keeps the journal; a folder that has one had a root.
const JOURNAL: &str = "journal";

/// Reads the storage root of a data folder; at the first start folder and root are made.
///
/// # Errors
/// - [`Code::StoreUnreadable`] if folder or file cannot be read or written,
/// - [`Code::StoreLocked`] if the file is damaged or not wrapped by this hardware, or is missing beside a journal,
/// - [`Code::SecureHardware`] if the hardware cannot answer now.
///
/// Whatever is there stays as it is: with the right hardware it may still open.
pub(crate) fn open_storage_root(
    dir: &Path,
    hardware: &dyn SecureHardware,
    entropy: &mut Entropy,
) -> Result<SecretArray<32>, SoftPosError> {
    key_file::make_private_dir(dir).map_err(RootError::from)?;
    let file = key_file::read_or_make(dir, FILE, || {
        if dir.join(JOURNAL).try_exists()? {
            return Err(RootError::Locked("root file missing"));
        }
        wrap(&entropy.secret(), hardware)
    })?;
    Ok(unwrap(file.expose(), hardware)?)
}

/// Reads the storage root of a folder that has one, and changes nothing.
///
/// # Errors
/// As [`open_storage_root`]; [`Code::StoreLocked`] if there is none.
pub(crate) fn read_storage_root(
    dir: &Path,
    hardware: &dyn SecureHardware,
) -> Result<SecretArray<32>, SoftPosError> {
    let file = key_file::read(&dir.join(FILE)).map_err(RootError::from)?;
    let file = file.ok_or(RootError::Locked("root file missing"))?;
    Ok(unwrap(file.expose(), hardware)?)
}

fn wrap(root: &SecretArray<32>, hardware: &dyn SecureHardware) -> Result<SecretBytes, RootError> {
    let wrapped = hardware.wrap(root.expose().to_vec())?;
    Ok(SecretBytes::new([MAGIC, &wrapped].concat()))
}

fn unwrap(file: &[u8], hardware: &dyn SecureHardware) -> Result<SecretArray<32>, RootError> {
    let wrapped = file
        .strip_prefix(MAGIC)
        .ok_or(RootError::Locked("root file damaged"))?;
    let root = hardware.unwrap(wrapped.to_vec()).map_err(|error| match error {
        // Not now is not never: the same folder opens when the hardware answers again.
        PortError::Unavailable => RootError::Hardware(error),
        PortError::KeyLost => RootError::Locked("root wrapped by other hardware"),
        PortError::Failed => RootError::Locked("the hardware does not unwrap the root"),
    })?;
    let root = SecretBytes::new(root);
    let bytes: &[u8; 32] = root
        .expose()
        .try_into()
        .map_err(|_| RootError::Locked("root has a wrong length"))?;
    Ok(SecretArray::build(|secret| secret.copy_from_slice(bytes)))
}

enum RootError {
    Io(io::Error),
    Hardware(PortError),
    Locked(&'static str),
}

impl From<io::Error> for RootError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<PortError> for RootError {
    fn from(error: PortError) -> Self {
        Self::Hardware(error)
    }
}

impl From<RootError> for SoftPosError {
    fn from(error: RootError) -> Self {
        match error {
            RootError::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                Self::of(Code::StoreLocked).with_detail("root file damaged")
            }
            RootError::Io(error) => {
                Self::of(Code::StoreUnreadable).with_detail(format!("root file: {}", error.kind()))
            }
            RootError::Hardware(error) => error.into(),
            RootError::Locked(why) => Self::of(Code::StoreLocked).with_detail(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::Evidence;
    use crate::{SoftwareHardware, os_entropy};

    fn hardware(dir: &Path) -> SoftwareHardware {
        SoftwareHardware::open(dir, &mut os_entropy().unwrap()).unwrap()
    }

    fn open(dir: &Path, hardware: &dyn SecureHardware) -> Result<SecretArray<32>, SoftPosError> {
        open_storage_root(dir, hardware, &mut os_entropy().unwrap())
    }

    /// Hardware that answers every call the same way.
    struct Failing(PortError);

    impl SecureHardware for Failing {
        fn public_key(&self) -> Result<Vec<u8>, PortError> {
            Err(self.0)
        }
        fn sign(&self, _: Vec<u8>) -> Result<Vec<u8>, PortError> {
            Err(self.0)
        }
        fn wrap(&self, _: Vec<u8>) -> Result<Vec<u8>, PortError> {
            Err(self.0)
        }
        fn unwrap(&self, _: Vec<u8>) -> Result<Vec<u8>, PortError> {
            Err(self.0)
        }
        fn attest(&self, _: Vec<u8>) -> Result<Evidence, PortError> {
            Err(self.0)
        }
        fn model(&self) -> Result<String, PortError> {
            Err(self.0)
        }
    }

    #[test]
    fn made_once_and_never_in_the_clear() {
        let dir = tempfile::tempdir().unwrap();
        let (keys, data) = (dir.path().join("keys"), dir.path().join("data"));
        let root = open(&data, &hardware(&keys)).unwrap();
        assert!(root.ct_eq(&open(&data, &hardware(&keys)).unwrap()));
        let file = std::fs::read(data.join("root")).unwrap();
        assert!(file.starts_with(MAGIC));
        assert!(!file.windows(32).any(|window| window == root.expose()));
        assert!(!root.ct_eq(&open(&dir.path().join("other"), &hardware(&keys)).unwrap()));
    }

    #[test]
    fn what_does_not_open_is_locked_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let keys = hardware(&dir.path().join("keys"));
        open(dir.path(), &keys).unwrap();
        let path = dir.path().join("root");
        let good = std::fs::read(&path).unwrap();
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let not_a_root = [MAGIC, &keys.wrap(vec![1; 16]).unwrap()].concat();
        let bad = [
            &flipped[..],
            b"",
            b"SPR",
            b"SPR1",
            b"SPR2",
            &not_a_root,
            &[0; 5_000],
        ];
        for content in bad {
            std::fs::write(&path, content).unwrap();
            let error = open(dir.path(), &keys).unwrap_err();
            assert_eq!(error.code(), Code::StoreLocked, "{content:?}");
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
        std::fs::write(&path, &good).unwrap();
        let other = hardware(&dir.path().join("other"));
        assert_eq!(open(dir.path(), &other).unwrap_err().code(), Code::StoreLocked);
        assert!(open(dir.path(), &keys).is_ok());
    }

    #[test]
    fn a_lost_root_beside_a_journal_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let keys = hardware(&dir.path().join("keys"));
        std::fs::create_dir(dir.path().join(JOURNAL)).unwrap();
        assert_eq!(open(dir.path(), &keys).unwrap_err().code(), Code::StoreLocked);
        assert!(!dir.path().join("root").exists());
    }

    #[test]
    fn hardware_that_cannot_answer_now_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let code = |error| open(dir.path(), &Failing(error)).unwrap_err().code();
        for error in [PortError::Unavailable, PortError::KeyLost, PortError::Failed] {
            assert_eq!(code(error), Code::SecureHardware, "there is nothing to lock yet");
        }
        assert!(!dir.path().join("root").exists());
        open(dir.path(), &hardware(&dir.path().join("keys"))).unwrap();
        assert_eq!(code(PortError::Unavailable), Code::SecureHardware);
        assert_eq!(code(PortError::KeyLost), Code::StoreLocked);
        assert_eq!(code(PortError::Failed), Code::StoreLocked);
    }

    #[test]
    fn a_folder_that_cannot_be_made() {
        let dir = tempfile::tempdir().unwrap();
        let keys = hardware(&dir.path().join("keys"));
        std::fs::write(dir.path().join("file"), b"").unwrap();
        let error = open(&dir.path().join("file"), &keys).unwrap_err();
        assert_eq!(error.code(), Code::StoreUnreadable);
    }
}
