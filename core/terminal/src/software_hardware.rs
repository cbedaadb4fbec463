//! A stand-in for secure hardware, for tests, demos and the program on a computer.

use std::io;
use std::path::Path;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use softpos_crypto::entropy::Entropy;
use softpos_crypto::p256_key::{SoftwareKey, sha256};
use softpos_crypto::scrub::scrubbed;
use softpos_types::{Code, SecretArray, SecretBytes, SoftPosError};

use crate::hardware::{Evidence, PortError, SecureHardware};
use crate::key_file;

const DEVICE_KEY: &str = "device.key";
const WRAP_KEY: &str = "wrap.key";
const WRAP_AAD: &[u8] = b"softpos/v1/wrap";

/// **Not secure hardware.** Its two keys lie readable in files: whoever can read the folder has the till's
/// identity and everything it seals.
///
/// For tests, demos and the program `softpos` only; its attestation says `software`, and a live host refuses it.
#[derive(Debug)]
pub struct SoftwareHardware {
    device_key: SoftwareKey,
    wrap_key: SecretArray<32>,
}

impl SoftwareHardware {
    /// Opens the keys in `dir`; at the first start folder and keys are made, drawn from `entropy`.
    ///
    /// # Errors
    /// [`Code::StoreUnreadable`] if folder or files cannot be read or written, [`Code::SecureHardware`] if what
    /// the files hold are no keys. Nothing is ever replaced.
    pub fn open(dir: &Path, entropy: &mut Entropy) -> Result<Self, SoftPosError> {
        key_file::make_private_dir(dir).map_err(|error| unreadable(&error))?;
        let scalar = key(dir, DEVICE_KEY, || {
            let scalar = SoftwareKey::generate(entropy);
            SecretBytes::copy_of(scalar.expose_scalar().expose())
        })?;
        let wrap_key = key(dir, WRAP_KEY, || {
            SecretBytes::copy_of(entropy.secret::<32>().expose())
        })?;
        let device_key = SoftwareKey::from_scalar(scalar).map_err(|_| no_key(DEVICE_KEY))?;
        Ok(Self { device_key, wrap_key })
    }

    fn seal_key(&self) -> Result<LessSafeKey, PortError> {
        UnboundKey::new(&AES_256_GCM, self.wrap_key.expose())
            .map(LessSafeKey::new)
            .map_err(|_| PortError::Failed)
    }
}

impl SecureHardware for SoftwareHardware {
    fn public_key(&self) -> Result<Vec<u8>, PortError> {
        Ok(self.device_key.public().spki().to_vec())
    }

    fn sign(&self, digest: Vec<u8>) -> Result<Vec<u8>, PortError> {
        let digest = <[u8; 32]>::try_from(digest).map_err(|_| PortError::Failed)?;
        let signature = self
            .device_key
            .sign_digest(&digest)
            .map_err(|_| PortError::Failed)?;
        Ok(signature.to_vec())
    }

    /// Nonce (12 bytes), ciphertext, tag (16): AES-256-GCM. A random nonce is enough for the few secrets of an
    /// installation.
    fn wrap(&self, secret: Vec<u8>) -> Result<Vec<u8>, PortError> {
        let secret = SecretBytes::new(secret);
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| PortError::Unavailable)?;
        let mut wrapped = nonce.to_vec();
        wrapped.reserve_exact(secret.len().saturating_add(AES_256_GCM.tag_len()));
        wrapped.extend_from_slice(secret.expose());
        let (_, text) = wrapped.split_at_mut(NONCE_LEN);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = scrubbed(|| {
            self.seal_key()?
                .seal_in_place_separate_tag(nonce, Aad::from(WRAP_AAD), text)
                .map_err(|_| PortError::Failed)
        })?;
        wrapped.extend_from_slice(tag.as_ref());
        Ok(wrapped)
    }

    fn unwrap(&self, mut wrapped: Vec<u8>) -> Result<Vec<u8>, PortError> {
        let (nonce, text) = wrapped
            .split_at_mut_checked(NONCE_LEN)
            .ok_or(PortError::KeyLost)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| PortError::KeyLost)?;
        let secret = scrubbed(|| {
            self.seal_key()?
                .open_in_place(nonce, Aad::from(WRAP_AAD), text)
                .map(|secret| SecretBytes::copy_of(secret))
                .map_err(|_| PortError::KeyLost)
        })?;
        drop(SecretBytes::new(wrapped));
        Ok(secret.expose().to_vec())
    }

    /// A JSON object that claims nothing; that it comes from the device key is what the request's signature says.
    fn attest(&self, challenge: Vec<u8>) -> Result<Evidence, PortError> {
        let claims = json!({
            "security_level": "software",
            "challenge_sha256": hex::encode(sha256(&challenge)),
            "model": self.model()?,
        });
        Ok(Evidence {
            kind: "software".into(),
            evidence: claims.to_string().into_bytes(),
        })
    }

    fn model(&self) -> Result<String, PortError> {
        Ok(format!("software on {}", std::env::consts::OS))
    }
}

fn key(dir: &Path, name: &str, make: impl FnOnce() -> SecretBytes) -> Result<SecretArray<32>, SoftPosError> {
    let content: SecretBytes = key_file::read_or_make(dir, name, || Ok::<_, io::Error>(make()))
        .map_err(|error| unreadable(&error))?;
    let bytes: &[u8; 32] = content.expose().try_into().map_err(|_| no_key(name))?;
    Ok(SecretArray::build(|key| key.copy_from_slice(bytes)))
}

fn unreadable(error: &io::Error) -> SoftPosError {
    SoftPosError::of(Code::StoreUnreadable).with_detail(format!("device keys: {}", error.kind()))
}

fn no_key(name: &str) -> SoftPosError {
    SoftPosError::of(Code::SecureHardware).with_detail(format!("{name} holds no key"))
}

#[cfg(test)]
mod tests {
    use softpos_crypto::p256_key::PublicKey;

    use super::*;
    use crate::os_entropy;

    fn open(dir: &Path) -> Result<SoftwareHardware, SoftPosError> {
        SoftwareHardware::open(dir, &mut os_entropy().unwrap())
    }

    #[test]
    fn the_same_keys_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hardware");
        let first = open(&path).unwrap();
        let wrapped = first.wrap(b"root".to_vec()).unwrap();
        let second = open(&path).unwrap();
        assert_eq!(first.public_key(), second.public_key());
        assert_eq!(second.unwrap(wrapped), Ok(b"root".to_vec()));
        let other = open(&dir.path().join("other")).unwrap();
        assert_ne!(first.public_key(), other.public_key());
    }

    #[test]
    fn signs_with_the_device_key() {
        let dir = tempfile::tempdir().unwrap();
        let hardware = open(dir.path()).unwrap();
        let signature = hardware.sign(sha256(b"message").to_vec()).unwrap();
        let public = PublicKey::from_spki(&hardware.public_key().unwrap()).unwrap();
        assert_eq!(public.verify(b"message", &signature.try_into().unwrap()), Ok(()));
        assert_eq!(hardware.sign(vec![0; 31]), Err(PortError::Failed));
    }

    #[test]
    fn only_its_own_wrapping_opens() {
        let dir = tempfile::tempdir().unwrap();
        let hardware = open(&dir.path().join("a")).unwrap();
        let wrapped = hardware.wrap(vec![7; 32]).unwrap();
        assert_eq!(wrapped.len(), 12 + 32 + 16);
        assert_ne!(wrapped, hardware.wrap(vec![7; 32]).unwrap());
        for place in [0, 12, 43, 59] {
            let mut changed = wrapped.clone();
            changed[place] ^= 1;
            assert_eq!(hardware.unwrap(changed), Err(PortError::KeyLost), "{place}");
        }
        for bad in [&[][..], &wrapped[..11], &wrapped[..27], &wrapped[..59]] {
            assert_eq!(
                hardware.unwrap(bad.to_vec()),
                Err(PortError::KeyLost),
                "{}",
                bad.len()
            );
        }
        let other = open(&dir.path().join("b")).unwrap();
        assert_eq!(other.unwrap(wrapped), Err(PortError::KeyLost));
    }

    #[test]
    fn evidence_claims_no_more_than_software() {
        let dir = tempfile::tempdir().unwrap();
        let evidence = open(dir.path()).unwrap().attest(b"challenge".to_vec()).unwrap();
        assert_eq!(evidence.kind, "software");
        let claims: serde_json::Value = serde_json::from_slice(&evidence.evidence).unwrap();
        assert_eq!(claims["security_level"], "software");
        assert_eq!(claims["challenge_sha256"], hex::encode(sha256(b"challenge")));
    }

    #[test]
    fn damaged_key_files_are_refused_and_kept() {
        for (name, content) in [
            (DEVICE_KEY, &[0_u8; 32][..]),
            (DEVICE_KEY, b"short"),
            (WRAP_KEY, &[9; 33]),
        ] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(name), content).unwrap();
            assert_eq!(
                open(dir.path()).unwrap_err().code(),
                Code::SecureHardware,
                "{name}"
            );
            assert_eq!(std::fs::read(dir.path().join(name)).unwrap(), content);
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(DEVICE_KEY)).unwrap();
        assert_eq!(open(dir.path()).unwrap_err().code(), Code::StoreUnreadable);
    }

    #[test]
    fn debug_shows_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let hardware = open(dir.path()).unwrap();
        let shown = format!("{hardware:?}").to_lowercase();
        for secret in [hardware.device_key.expose_scalar(), &hardware.wrap_key] {
            assert!(!shown.contains(&hex::encode(secret.expose())));
        }
        assert!(shown.contains("secretarray<32>(..)"));
    }
}
