//! Sealed values: salt 16, number 8 (big endian), AES-256-GCM with its tag; associated data is the key they stand
//! under, then salt and number. A value moved to another key therefore does not open.

use softpos_crypto::seal::{Epoch, PurposeKey};

pub(crate) struct Sealer {
    key: PurposeKey,
    epoch: Epoch,
    number: u64,
    /// The epoch of the last value read that was written in another one.
    other: Option<Epoch>,
}

impl Sealer {
    /// Seals in a new epoch; opens values of all epochs.
    pub(crate) fn new(key: PurposeKey, salt: [u8; 16]) -> Self {
        Self {
            epoch: Epoch::new(&key, salt),
            key,
            number: 0,
            other: None,
        }
    }

    pub(crate) fn seal(&mut self, at: &[u8], value: &[u8]) -> Vec<u8> {
        self.number = self.number.saturating_add(1);
        let mut stored = self.epoch.salt().to_vec();
        stored.extend_from_slice(&self.number.to_be_bytes());
        let sealed = self.epoch.seal(self.number, &[at, &stored].concat(), value);
        stored.extend_from_slice(&sealed);
        stored
    }

    pub(crate) fn open(&mut self, at: &[u8], stored: &[u8]) -> Option<Vec<u8>> {
        let (clear, sealed) = stored.split_first_chunk::<24>()?;
        let (salt, number) = clear.split_first_chunk::<16>()?;
        let number = u64::from_be_bytes(number.try_into().ok()?);
        self.epoch_of(salt)
            .open(number, &[at, clear].concat(), sealed)
            .ok()
    }

    fn epoch_of(&mut self, salt: &[u8; 16]) -> &Epoch {
        if self.epoch.salt() == salt {
            return &self.epoch;
        }
        let known = self.other.take().filter(|epoch| epoch.salt() == salt);
        self.other
            .insert(known.unwrap_or_else(|| Epoch::new(&self.key, *salt)))
    }
}
