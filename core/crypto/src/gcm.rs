//! AES-GCM with a 96-bit nonce and a 128-bit tag that stands behind the ciphertext.
//!
//! A nonce must never come twice under one key. What is sealed here goes through [`crate::seal`], which sees to that;
//! these functions are for known answers and for formats that bring their own rule.

use alloc::vec::Vec;

use aes_gcm::aead::{AeadInOut, Nonce};
use aes_gcm::aes::Aes192;
use aes_gcm::aes::cipher::consts::U12;
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm, KeyInit};
use softpos_types::SecretBytes;

use crate::aes_key::{AesKey, Bytes};
use crate::scrub::scrubbed;

/// The length of the tag.
pub(crate) const TAG_BYTES: usize = 16;

/// Wrong key, nonce, associated data, ciphertext or tag: which of them is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenError;

/// Ciphertext and tag.
pub fn seal(key: &AesKey, nonce: [u8; 12], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    scrubbed(|| match &key.0 {
        Bytes::Aes128(key) => seal_with(&Aes128Gcm::new(key.expose().into()), nonce, aad, plaintext),
        Bytes::Aes192(key) => seal_with(&Aes192Gcm::new(key.expose().into()), nonce, aad, plaintext),
        Bytes::Aes256(key) => seal_with(&Aes256Gcm::new(key.expose().into()), nonce, aad, plaintext),
    })
}

/// The plaintext of what [`seal`] made.
///
/// # Errors
/// [`OpenError`] if anything was changed.
pub fn open(key: &AesKey, nonce: [u8; 12], aad: &[u8], sealed: &[u8]) -> Result<SecretBytes, OpenError> {
    let opened = scrubbed(|| match &key.0 {
        Bytes::Aes128(key) => open_with(&Aes128Gcm::new(key.expose().into()), nonce, aad, sealed),
        Bytes::Aes192(key) => open_with(&Aes192Gcm::new(key.expose().into()), nonce, aad, sealed),
        Bytes::Aes256(key) => open_with(&Aes256Gcm::new(key.expose().into()), nonce, aad, sealed),
    });
    opened.map(SecretBytes::new)
}

type Aes192Gcm = AesGcm<Aes192, U12>;

/// Encrypts in a buffer that has its final size from the start, so that no plaintext is left in another.
pub(crate) fn seal_with<C>(cipher: &C, nonce: [u8; 12], aad: &[u8], plaintext: &[u8]) -> Vec<u8>
where
    C: AeadInOut<NonceSize = U12>,
{
    let mut buffer = Vec::with_capacity(plaintext.len() + TAG_BYTES);
    buffer.extend_from_slice(plaintext);
    if cipher
        .encrypt_in_place(&Nonce::<C>::from(nonce), aad, &mut buffer)
        .is_err()
    {
        // Only for 64 GiB and more, which no memory holds. Nothing opens the empty text.
        drop(SecretBytes::new(core::mem::take(&mut buffer)));
    }
    buffer
}

pub(crate) fn open_with<C>(
    cipher: &C,
    nonce: [u8; 12],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, OpenError>
where
    C: AeadInOut<NonceSize = U12>,
{
    let mut buffer = sealed.to_vec();
    cipher
        .decrypt_in_place(&Nonce::<C>::from(nonce), aad, &mut buffer)
        .map_err(|_| OpenError)?;
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    /// Wycheproof, `aes_gcm_test`, tests 1 and 41, and test case 8 of the GCM specification for AES-192.
    #[test]
    fn known_answers() {
        let key = AesKey::from_bytes(&bytes("5B9604FE14EADBA931B0CCF34843DAB9")).unwrap();
        let nonce = bytes("028318ABC1824029138141A2").try_into().unwrap();
        let sealed = bytes("26073CC1D851BEFF176384DC9896D5FF0A3EA7A5487CB5F7D70FB6C58D038554");
        let plain = bytes("001D0C231287C1182784554CA3A21908");
        assert_eq!(seal(&key, nonce, &[], &plain), sealed);
        assert_eq!(open(&key, nonce, &[], &sealed).unwrap().expose(), plain);

        let key = AesKey::from_bytes(&[0; 24]).unwrap();
        let sealed = bytes("98e7247c07f0fe411c267e4384b0f6002ff58d80033927ab8ef4d4587514f0fb");
        assert_eq!(seal(&key, [0; 12], &[], &[0; 16]), sealed);

        let key = AesKey::from_bytes(&bytes("000102030405060708090A0B0C0D0E0F")).unwrap();
        let nonce = bytes("505152535455565758595A5B").try_into().unwrap();
        let flipped = bytes("EB156D081ED6B6B55F4612F021D87B39D9847DBC326A06E988C77AD3863E6083");
        assert_eq!(open(&key, nonce, &[], &flipped).unwrap_err(), OpenError);
    }

    #[test]
    fn nothing_changed_and_nothing_short_opens() {
        let key = AesKey::from_bytes(&[1; 32]).unwrap();
        let sealed = seal(&key, [2; 12], b"envelope", b"track");
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&key, [2; 12], b"envelope", &changed).is_err());
        }
        for length in 0..sealed.len() {
            assert!(open(&key, [2; 12], b"envelope", &sealed[..length]).is_err());
        }
        assert!(open(&key, [3; 12], b"envelope", &sealed).is_err());
        assert!(open(&key, [2; 12], b"Envelope", &sealed).is_err());
    }
}
