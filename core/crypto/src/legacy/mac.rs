//! Retail MAC and the check values of the ECB age.

use super::TdesKey;
use crate::aes_key::AesKey;
use crate::scrub::scrubbed;
pub use crate::tdes::retail_mac;

/// The key check value of a triple DES key: the first 3 bytes of an enciphered block of zeros (X9.24-1, Annex A).
pub fn kcv_tdes(key: &TdesKey) -> [u8; 3] {
    let [a, b, c, ..] = scrubbed(|| key.cipher().encrypt([0; 8]));
    [a, b, c]
}

/// The old key check value of an AES key, made like that of a triple DES key. The kept one is
/// [`kcv`](crate::mac::kcv).
pub fn kcv_aes_ecb(key: &AesKey) -> [u8; 3] {
    let mut block = [0; 16];
    scrubbed(|| key.encryptor().encrypt(&mut block));
    let [a, b, c, ..] = block;
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Well known values of the two test keys; TR-31:2018 A.7.2 keys by openemv/tr31.
    #[test]
    fn check_values() {
        for (key, kcv) in [
            ("0123456789ABCDEFFEDCBA9876543210", "08d7b4"),
            ("F039121BEC83D26B169BDCD5B22AAF8F", "cb9dea"),
        ] {
            let key = TdesKey::from_bytes(&hex::decode(key).unwrap()).unwrap();
            assert_eq!(hex::encode(kcv_tdes(&key)), kcv);
        }
        assert_eq!(
            hex::encode(kcv_aes_ecb(&AesKey::from_bytes(&[0; 16]).unwrap())),
            "66e94b"
        );
    }
}
