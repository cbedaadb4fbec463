//! Message authentication: AES-CMAC, the key check value made of it, HMAC-SHA-256.

use cmac::digest::OutputSizeUser;
use cmac::digest::common::Key;
use cmac::digest::consts::U16;
use cmac::{Cmac, KeyInit, Mac};
use ring::hmac;
use subtle::ConstantTimeEq;

use crate::aes_key::{AesKey, AesLength};
use crate::scrub::scrubbed;

/// The tag does not belong to the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacError;

/// AES-CMAC (NIST SP 800-38B), 16 bytes.
pub fn cmac(key: &AesKey, message: &[u8]) -> [u8; 16] {
    fn tag<M>(key: &[u8], message: &[u8]) -> [u8; 16]
    where
        M: Mac + KeyInit + OutputSizeUser<OutputSize = U16>,
    {
        let mut copy = Key::<M>::default();
        copy.copy_from_slice(key);
        M::new(&copy).chain_update(message).finalize().into_bytes().into()
    }
    scrubbed(|| match key.length() {
        AesLength::Aes128 => tag::<Cmac<aes::Aes128>>(key.expose(), message),
        AesLength::Aes192 => tag::<Cmac<aes::Aes192>>(key.expose(), message),
        AesLength::Aes256 => tag::<Cmac<aes::Aes256>>(key.expose(), message),
    })
}

/// Checks a whole CMAC tag in constant time.
///
/// # Errors
/// [`MacError`] if it has not 16 bytes or is not the message's.
pub fn verify_cmac(key: &AesKey, message: &[u8], tag: &[u8]) -> Result<(), MacError> {
    let valid: bool = cmac(key, message).as_slice().ct_eq(tag).into();
    if valid { Ok(()) } else { Err(MacError) }
}

/// The key check value of an AES key: the first 5 bytes of the CMAC over a block of zeros (X9.24-1:2017, Annex A).
pub fn kcv(key: &AesKey) -> [u8; 5] {
    let mut value = [0; 5];
    value
        .iter_mut()
        .zip(cmac(key, &[0; 16]))
        .for_each(|(byte, tag)| *byte = tag);
    value
}

/// HMAC-SHA-256, 32 bytes.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    scrubbed(|| {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(tag.as_ref());
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> AesKey {
        AesKey::from_bytes(&hex::decode(text).unwrap()).unwrap()
    }

    /// RFC 4493, section 4, and NIST SP 800-38B, D.2 and D.3.
    #[test]
    fn cmac_of_every_length() {
        let message =
            hex::decode("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411")
                .unwrap();
        let k128 = key("2b7e151628aed2a6abf7158809cf4f3c");
        for (length, tag) in [
            (0, "bb1d6929e95937287fa37d129b756746"),
            (16, "070a16b46b4d4144f79bdd9dd04a287c"),
            (40, "dfa66747de9ae63030ca32611497c827"),
        ] {
            assert_eq!(hex::encode(cmac(&k128, &message[..length])), tag);
        }
        let k192 = key("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b");
        assert_eq!(
            hex::encode(cmac(&k192, &message[..40])),
            "8a1de5be2eb31aad089a82e6ee908b0e"
        );
        let k256 = key("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        assert_eq!(
            hex::encode(cmac(&k256, &message[..40])),
            "aaf3d8f1de5640c232f5b169b9c911e6"
        );
    }

    #[test]
    fn verify_wants_the_whole_tag() {
        let k = key("2b7e151628aed2a6abf7158809cf4f3c");
        let mut tag = cmac(&k, b"amount 100");
        assert_eq!(verify_cmac(&k, b"amount 100", &tag), Ok(()));
        assert_eq!(verify_cmac(&k, b"amount 101", &tag), Err(MacError));
        assert_eq!(verify_cmac(&k, b"amount 100", &tag[..8]), Err(MacError));
        assert_eq!(verify_cmac(&k, b"amount 100", &[]), Err(MacError));
        tag[15] ^= 1;
        assert_eq!(verify_cmac(&k, b"amount 100", &tag), Err(MacError));
    }

    /// ASC X9 TR-31:2018, A.7.4, and the values of X9.24-1 for the three lengths.
    #[test]
    fn key_check_values() {
        for (k, value) in [
            ("FD45DF40F1FDF29EA2B16F5386E3DFC6", "41432eb319"),
            ("9F5F9548AF9201524C930FA4F7FA8A9944D8FF30B15BDB68", "2c909d556c"),
            (
                "B02539A8E006E7638F55BD4D907FCD90DB679C0A6C281FEBAD28422A1D6029BE",
                "608d4ed210",
            ),
        ] {
            assert_eq!(hex::encode(kcv(&key(k))), value);
        }
    }

    /// RFC 4231, test case 2.
    #[test]
    fn hmac() {
        assert_eq!(
            hex::encode(hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
