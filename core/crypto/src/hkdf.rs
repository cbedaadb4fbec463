//! HKDF with SHA-256 (RFC 5869).

use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;
use softpos_types::SecretArray;

use crate::scrub::scrubbed;

/// More than 255 blocks were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLengthError;

/// Fills `okm` with key material derived from `ikm`.
///
/// # Errors
/// [`OutputLengthError`] if more than 8,160 bytes are asked for.
pub fn hkdf_sha256(salt: &[u8], ikm: &[u8], info: &[u8], okm: &mut [u8]) -> Result<(), OutputLengthError> {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    scrubbed(|| {
        let key = Salt::new(HKDF_SHA256, salt).extract(ikm);
        key.expand(&[info], Length(okm.len()))
            .and_then(|output| output.fill(okm))
            .map_err(|_| OutputLengthError)
    })
}

/// One 32-byte key: the first block of HKDF, which cannot be too long.
pub(crate) fn derive_key(salt: &[u8], ikm: &[u8], info: &str) -> SecretArray<32> {
    scrubbed(|| {
        let extracted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), ikm);
        let key = hmac::Key::new(hmac::HMAC_SHA256, extracted.as_ref());
        let block = hmac::sign(&key, &[info.as_bytes(), &[1]].concat());
        SecretArray::build(|okm| okm.copy_from_slice(block.as_ref()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5869, A.1, and the limit of section 2.3.
    #[test]
    fn known_answer_and_limit() {
        let info: [u8; 10] = core::array::from_fn(|i| 0xF0 + u8::try_from(i).unwrap());
        let salt: [u8; 13] = core::array::from_fn(|i| u8::try_from(i).unwrap());
        let mut okm = [0; 42];
        hkdf_sha256(&salt, &[0x0B; 22], &info, &mut okm).unwrap();
        assert_eq!(
            hex::encode(okm),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
        assert_eq!(hkdf_sha256(&[], &[1], &[], &mut [0; 8160]), Ok(()));
        assert_eq!(
            hkdf_sha256(&[], &[1], &[], &mut [0; 8161]),
            Err(OutputLengthError)
        );
    }

    #[test]
    fn one_key_is_the_first_block() {
        let mut okm = [0; 32];
        for salt in [&b""[..], b"salt", &[7; 100]] {
            hkdf_sha256(salt, b"ikm", b"info", &mut okm).unwrap();
            assert_eq!(derive_key(salt, b"ikm", "info").expose(), &okm);
        }
    }
}
