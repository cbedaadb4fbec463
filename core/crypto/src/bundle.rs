//! Ed25519 over the exact bytes of a configuration bundle.

use ring::signature::{ED25519, UnparsedPublicKey};

/// The signature is not this key's over these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BundleError;

/// Checks a bundle before anything in it is read.
///
/// # Errors
/// [`BundleError`] for a wrong key, changed bytes, or a key or signature of wrong length.
pub fn verify(public_key: &[u8], bytes: &[u8], signature: &[u8]) -> Result<(), BundleError> {
    UnparsedPublicKey::new(&ED25519, public_key)
        .verify(bytes, signature)
        .map_err(|_| BundleError)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, 7.1, test 2.
    #[test]
    fn known_answer_and_changes() {
        let key = hex::decode("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c").unwrap();
        let signature = hex::decode(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        )
        .unwrap();
        assert_eq!(verify(&key, &[0x72], &signature), Ok(()));
        let mut changed = signature.clone();
        changed[0] ^= 1;
        for (key, bytes, signature) in [
            (&key[..], &[0x73][..], &signature[..]),
            (&key, &[0x72, 0], &signature),
            (&key, &[0x72], &changed),
            (&key, &[0x72], &signature[..63]),
            (&key, &[0x72], &[]),
            (&key[..31], &[0x72], &signature),
            (&[0; 32], &[0x72], &signature),
        ] {
            assert_eq!(verify(key, bytes, signature), Err(BundleError));
        }
    }
}
