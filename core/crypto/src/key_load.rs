//! The key agreement of an activation: how both sides come to one secret that nobody else has.
//!
//! Each side makes an ephemeral P-256 key; both sign the transcript of what was said, before any secret is used; from
//! the shared point come the keys that protect the initial keys on their way, and the phone's confirmation
//! that it has them. A kill restarts from the beginning: nothing half-loaded is kept.

use alloc::vec::Vec;
use core::fmt;

use softpos_types::SecretArray;
use subtle::ConstantTimeEq;

use crate::aes_key::{AesKey, AesLength};
use crate::entropy::Entropy;
use crate::hkdf::derive_key;
use crate::labels;
use crate::mac::hmac_sha256;
use crate::p256_key::{PublicKey, PublicKeyError, SoftwareKey, sha256};

/// All that both sides said, in this order.
#[derive(Clone, Copy, Debug)]
pub struct Transcript<'a> {
    /// Names the activation.
    pub activation_id: &'a [u8],
    /// The device key, `SubjectPublicKeyInfo` in DER.
    pub device_spki: &'a [u8],
    /// The phone's ephemeral key.
    pub phone: &'a PublicKey,
    /// The host's ephemeral key.
    pub host: &'a PublicKey,
    /// The id of the initial keys.
    pub ikid: [u8; 8],
    /// Names the base derivation keys.
    pub key_set_id: &'a [u8],
    /// The host's challenge.
    pub server_nonce: &'a [u8],
}

impl Transcript<'_> {
    /// The signed message: `softpos/v1/key-load`, then each part in order; before each its length in 4 bytes, big-endian.
    ///
    /// Points are plain, 65 bytes.
    pub fn message(&self) -> Vec<u8> {
        let parts = [
            labels::KEY_LOAD.as_bytes(),
            self.activation_id,
            self.device_spki,
            self.phone.point(),
            self.host.point(),
            &self.ikid,
            self.key_set_id,
            self.server_nonce,
        ];
        let mut message = Vec::new();
        for part in parts {
            // A part of 4 GiB does not exist; should it, the other side reads another length and refuses.
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            message.extend(length.to_be_bytes());
            message.extend(part);
        }
        message
    }

    /// T, the digest that both sides sign: SHA-256 of the message.
    pub fn digest(&self) -> [u8; 32] {
        sha256(&self.message())
    }
}

/// A key for one key load.
pub struct Ephemeral(SoftwareKey);

impl Ephemeral {
    /// Draws one.
    pub fn generate(entropy: &mut Entropy) -> Self {
        Self(SoftwareKey::generate(entropy))
    }

    /// Its public half, to be sent.
    pub const fn public(&self) -> &PublicKey {
        self.0.public()
    }

    /// The secret shared with the peer, bound to the transcript. The ephemeral key is gone afterwards.
    ///
    /// Both signatures over the transcript must have been verified.
    ///
    /// # Errors
    /// [`PublicKeyError`] as [`SoftwareKey::agree`] gives it.
    pub fn agree(self, peer: &PublicKey, transcript: &Transcript<'_>) -> Result<Agreement, PublicKeyError> {
        Ok(Agreement {
            shared: self.0.agree(peer)?,
            transcript: transcript.digest(),
        })
    }
}

/// Which initial key a protection key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySet {
    /// The initial key of PINs.
    Pin,
    /// The initial key of data.
    Data,
}

/// The outcome of a key agreement.
pub struct Agreement {
    shared: SecretArray<32>,
    transcript: [u8; 32],
}

impl Agreement {
    /// The AES-256 key that protects the block of one initial key.
    pub fn kbpk(&self, set: KeySet) -> AesKey {
        let label = match set {
            KeySet::Pin => labels::KBPK_PIN,
            KeySet::Data => labels::KBPK_DATA,
        };
        let key = derive_key(&self.transcript, self.shared.expose(), label);
        AesKey::build(AesLength::Aes256, |bytes| bytes.copy_from_slice(key.expose()))
    }

    /// The phone's proof that it holds the initial keys: HMAC-SHA-256 over T and their key check values, that of the
    /// PIN key first.
    pub fn confirmation(&self, kcv_pin: [u8; 5], kcv_data: [u8; 5]) -> [u8; 32] {
        let key = derive_key(&self.transcript, self.shared.expose(), labels::CONFIRM);
        hmac_sha256(
            key.expose(),
            &[&self.transcript[..], &kcv_pin, &kcv_data].concat(),
        )
    }

    /// The host's check of that proof, in constant time.
    pub fn confirms(&self, kcv_pin: [u8; 5], kcv_data: [u8; 5], confirmation: &[u8]) -> bool {
        self.confirmation(kcv_pin, kcv_data)
            .as_slice()
            .ct_eq(confirmation)
            .into()
    }
}

impl fmt::Debug for Ephemeral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ephemeral({})", self.public().kid())
    }
}

impl fmt::Debug for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Agreement(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hkdf::hkdf_sha256;

    fn ephemeral(byte: u8) -> Ephemeral {
        Ephemeral(SoftwareKey::from_scalar(SecretArray::build(|scalar| scalar.fill(byte))).unwrap())
    }

    fn transcript<'a>(phone: &'a PublicKey, host: &'a PublicKey) -> Transcript<'a> {
        Transcript {
            activation_id: b"act-1",
            device_spki: &[0x30, 0x59],
            phone,
            host,
            ikid: [1; 8],
            key_set_id: b"set-1",
            server_nonce: &[9; 16],
        }
    }

    #[test]
    fn both_sides_agree_and_the_phone_confirms() {
        let (phone, host) = (ephemeral(1), ephemeral(2));
        let (phone_point, host_point) = (*phone.public(), *host.public());
        let said = transcript(&phone_point, &host_point);
        let shared = phone.0.agree(&host_point).unwrap();
        let at_phone = phone.agree(&host_point, &said).unwrap();
        let at_host = host.agree(&phone_point, &said).unwrap();
        for set in [KeySet::Pin, KeySet::Data] {
            assert!(at_phone.kbpk(set).ct_eq(&at_host.kbpk(set)));
        }
        assert!(!at_phone.kbpk(KeySet::Pin).ct_eq(&at_phone.kbpk(KeySet::Data)));
        let mut expected = [0; 32];
        hkdf_sha256(
            &said.digest(),
            shared.expose(),
            b"softpos/v1/kbpk/pin",
            &mut expected,
        )
        .unwrap();
        assert_eq!(at_phone.kbpk(KeySet::Pin).expose(), expected);

        let proof = at_phone.confirmation([1; 5], [2; 5]);
        assert!(at_host.confirms([1; 5], [2; 5], &proof));
        assert!(!at_host.confirms([2; 5], [1; 5], &proof));
        assert!(!at_host.confirms([1; 5], [2; 5], &proof[..31]));
        assert!(!at_host.confirms([1; 5], [2; 5], &[]));
    }

    #[test]
    fn the_message_is_length_prefixed() {
        let (phone, host) = (ephemeral(1), ephemeral(2));
        let message = transcript(phone.public(), host.public()).message();
        assert!(
            message
                .starts_with(b"\0\0\0\x13softpos/v1/key-load\0\0\0\x05act-1\0\0\0\x02\x30\x59\0\0\0\x41\x04")
        );
        assert!(message.ends_with(
            b"\0\0\0\x05set-1\0\0\0\x10\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09"
        ));
    }

    #[test]
    fn every_part_changes_the_digest() {
        let (phone, host) = (ephemeral(1), ephemeral(2));
        let (a, b) = (phone.public(), host.public());
        let right = transcript(a, b);
        let mut digests = Vec::from([
            right.digest(),
            transcript(b, a).digest(),
            Transcript {
                activation_id: b"act-2",
                ..right
            }
            .digest(),
            Transcript {
                device_spki: &[0x30],
                ..right
            }
            .digest(),
            Transcript {
                ikid: [2; 8],
                ..right
            }
            .digest(),
            Transcript {
                key_set_id: b"set-2",
                ..right
            }
            .digest(),
            Transcript {
                server_nonce: &[9; 15],
                ..right
            }
            .digest(),
            Transcript {
                activation_id: b"act-10\x59",
                device_spki: &[],
                ..right
            }
            .digest(),
        ]);
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 8);
    }

    #[test]
    fn another_transcript_gives_other_keys() {
        let (phone, host) = (ephemeral(1), ephemeral(2));
        let (phone_point, host_point) = (*phone.public(), *host.public());
        let said = transcript(&phone_point, &host_point);
        let heard = Transcript {
            server_nonce: &[8; 16],
            ..said
        };
        let at_phone = phone.agree(&host_point, &said).unwrap();
        let at_host = host.agree(&phone_point, &heard).unwrap();
        assert!(!at_phone.kbpk(KeySet::Pin).ct_eq(&at_host.kbpk(KeySet::Pin)));
        assert!(!at_host.confirms([1; 5], [2; 5], &at_phone.confirmation([1; 5], [2; 5])));
    }
}
