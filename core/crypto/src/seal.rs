//! Sealing: card payloads on their way to the host, and everything that is kept on the phone.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use aes_gcm::{Aes256Gcm, KeyInit};
use softpos_types::{SecretArray, SecretBytes};

use crate::aes_key::AesKey;
use crate::dukpt::{Ksn, Usage, aes_working_key, transaction_key};
use crate::entropy::Entropy;
pub use crate::gcm::OpenError;
use crate::hkdf::derive_key;
use crate::scrub::scrubbed;
use crate::{gcm, labels};

/// The key that seals one card payload; it comes from the registers and is gone after use.
pub struct DataKey {
    ksn: Ksn,
    key: AesKey,
}

/// A card payload, sealed end to end. Sealed once: a repeat sends the stored bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPayload {
    /// Names the key.
    pub ksn: Ksn,
    /// Random, so that even a rolled-back disk repeats none.
    pub nonce: [u8; 12],
    /// The ciphertext, the 16 bytes of the tag behind it.
    pub ciphertext_and_tag: Vec<u8>,
}

impl DataKey {
    pub(crate) const fn new(ksn: Ksn, key: AesKey) -> Self {
        Self { ksn, key }
    }
}

/// Seals one card payload with AES-GCM, bound to the clear envelope in `aad`.
#[expect(clippy::needless_pass_by_value, reason = "a data key seals once")]
pub fn seal_payload(key: DataKey, entropy: &mut Entropy, aad: &[u8], plaintext: &[u8]) -> SealedPayload {
    let nonce = entropy.array();
    let ciphertext_and_tag = gcm::seal(&key.key, nonce, aad, plaintext);
    SealedPayload {
        ksn: key.ksn,
        nonce,
        ciphertext_and_tag,
    }
}

/// The host's side: opens a card payload with the terminal's initial key.
///
/// The caller has taken the counter first: each one counts once.
///
/// # Errors
/// [`OpenError`] if anything was changed.
pub fn open_payload(ik: &AesKey, sealed: &SealedPayload, aad: &[u8]) -> Result<SecretBytes, OpenError> {
    let key = scrubbed(|| {
        let transaction_key = transaction_key(ik, sealed.ksn);
        aes_working_key(&transaction_key, sealed.ksn, Usage::DataEncrypt)
    });
    gcm::open(&key, sealed.nonce, aad, &sealed.ciphertext_and_tag)
}

/// What a key under the storage root is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Seals the journal.
    Journal,
    /// Seals values of the index.
    Index,
    /// Seals the key registers.
    Dukpt,
    /// Authenticates the watermark.
    Audit,
    /// Hides index keys that would leak what they name.
    Lookup,
    /// Seals exports.
    Export,
}

/// A key for one purpose and one installation.
pub struct PurposeKey(SecretArray<32>);

impl PurposeKey {
    /// A key that was derived for its purpose elsewhere, or came with what it opens.
    pub const fn from_secret(secret: SecretArray<32>) -> Self {
        Self(secret)
    }

    /// The bytes, for a MAC; for sealing make an [`Epoch`].
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// Derives the key for a purpose from the storage root.
pub fn purpose_key(storage_root: &SecretArray<32>, install_id: [u8; 16], purpose: Purpose) -> PurposeKey {
    let label = match purpose {
        Purpose::Journal => labels::JOURNAL,
        Purpose::Index => labels::INDEX,
        Purpose::Dukpt => labels::DUKPT,
        Purpose::Audit => labels::AUDIT,
        Purpose::Lookup => labels::LOOKUP,
        Purpose::Export => labels::EXPORT,
    };
    PurposeKey(derive_key(&install_id, storage_root.expose(), label))
}

/// Sealing at rest between one opening of the store and the next.
///
/// Every opening, and every write that failed, draws a fresh salt and so another key. Within an epoch the nonce
/// is four zero bytes and the caller's number, so there is no nonce counter to lose: a torn write, a restored
/// or rolled-back disk repeats none.
pub struct Epoch {
    salt: [u8; 16],
    /// On the heap, so that moving it leaves no copy of the key.
    cipher: Box<Aes256Gcm>,
}

impl Epoch {
    /// An epoch of a purpose. For sealing, the salt must be fresh from a random generator; for opening it is the
    /// one stored with the record.
    pub fn new(purpose_key: &PurposeKey, salt: [u8; 16]) -> Self {
        let key = derive_key(&salt, purpose_key.expose(), labels::EPOCH);
        let cipher = scrubbed(|| Box::new(Aes256Gcm::new(key.expose().into())));
        Self { salt, cipher }
    }

    /// The salt, stored in the clear with what is sealed.
    pub const fn salt(&self) -> &[u8; 16] {
        &self.salt
    }

    /// Seals: ciphertext, then 16 bytes of tag.
    ///
    /// `number` must be another one each time in this epoch; it rises. `aad` must hold salt and number as
    /// they are stored.
    pub fn seal(&self, number: u64, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        gcm::seal_with(&*self.cipher, nonce(number), aad, plaintext)
    }

    /// Opens what was sealed under this salt, number and `aad`.
    ///
    /// # Errors
    /// [`OpenError`] if anything was changed.
    pub fn open(&self, number: u64, aad: &[u8], ciphertext: &[u8]) -> Result<Vec<u8>, OpenError> {
        gcm::open_with(&*self.cipher, nonce(number), aad, ciphertext)
    }
}

fn nonce(number: u64) -> [u8; 12] {
    let [_, _, _, _, nonce @ ..] = u128::from(number).to_be_bytes();
    nonce
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({})", self.ksn)
    }
}

impl fmt::Debug for PurposeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PurposeKey(..)")
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Epoch(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dukpt::{Registers, initial_key};

    fn secret(byte: u8) -> SecretArray<32> {
        SecretArray::build(|bytes| bytes.fill(byte))
    }

    fn ik(length: usize) -> AesKey {
        initial_key(&AesKey::from_bytes(&[7; 32][..length]).unwrap(), [1; 8])
    }

    #[test]
    fn payload_of_the_terminal_opens_at_the_host() {
        for length in [16, 24, 32] {
            let mut registers = Registers::load(ik(length), [1; 8]);
            let mut entropy = Entropy::from_seed(secret(5));
            let first = seal_payload(
                registers.draw().unwrap().into_data_key(),
                &mut entropy,
                b"env",
                b"track",
            );
            let second = seal_payload(
                registers.draw().unwrap().into_data_key(),
                &mut entropy,
                b"env",
                b"track",
            );
            assert_eq!((first.ksn.counter(), second.ksn.counter()), (1, 2));
            assert!(first.nonce != second.nonce && first.ciphertext_and_tag != second.ciphertext_and_tag);
            assert_eq!(
                open_payload(&ik(length), &first, b"env").unwrap().expose(),
                b"track"
            );
            assert_eq!(
                open_payload(&ik(length), &second, b"env").unwrap().expose(),
                b"track"
            );

            assert_eq!(open_payload(&ik(length), &first, b"Env").unwrap_err(), OpenError);
            let swapped = SealedPayload {
                ksn: second.ksn,
                ..first.clone()
            };
            assert_eq!(
                open_payload(&ik(length), &swapped, b"env").unwrap_err(),
                OpenError
            );
            let other_nonce = SealedPayload {
                nonce: second.nonce,
                ..first
            };
            assert_eq!(
                open_payload(&ik(length), &other_nonce, b"env").unwrap_err(),
                OpenError
            );
        }
    }

    #[test]
    fn purposes_installations_and_roots_have_keys_of_their_own() {
        let mut keys = Vec::new();
        for (root, install) in [(1, 1), (1, 2), (2, 1)] {
            for purpose in [
                Purpose::Journal,
                Purpose::Index,
                Purpose::Dukpt,
                Purpose::Audit,
                Purpose::Lookup,
                Purpose::Export,
            ] {
                keys.push(*purpose_key(&secret(root), [install; 16], purpose).expose());
            }
        }
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 18);
        assert_eq!(
            purpose_key(&secret(1), [1; 16], Purpose::Journal).expose(),
            purpose_key(&secret(1), [1; 16], Purpose::Journal).expose()
        );
    }

    #[test]
    fn epochs() {
        let key = purpose_key(&secret(1), [1; 16], Purpose::Journal);
        let epoch = Epoch::new(&key, [4; 16]);
        let sealed = epoch.seal(1, b"header", b"record");
        assert_eq!(sealed.len(), 6 + 16);
        assert_ne!(sealed, epoch.seal(2, b"header", b"record"));
        let again = Epoch::new(&key, *epoch.salt());
        assert_eq!(again.open(1, b"header", &sealed), Ok(b"record".to_vec()));
        for wrong in [
            again.open(2, b"header", &sealed),
            again.open(1, b"Header", &sealed),
            again.open(1, b"header", &sealed[1..]),
            again.open(1, b"header", &[]),
            Epoch::new(&key, [5; 16]).open(1, b"header", &sealed),
            Epoch::new(&purpose_key(&secret(1), [1; 16], Purpose::Index), [4; 16])
                .open(1, b"header", &sealed),
        ] {
            assert_eq!(wrong, Err(OpenError));
        }
    }
}
