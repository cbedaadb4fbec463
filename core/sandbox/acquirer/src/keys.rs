//! The host's own keys: made at the first start, kept for ever in `keys/`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use softpos_crypto::entropy::Entropy;
use softpos_crypto::p256_key::{SoftwareKey, sha256};
use softpos_types::{SecretArray, SecretBytes};

use crate::HostError;

/// All keys of the host.
pub(crate) struct HostKeys {
    /// TLS private key, PKCS #8.
    pub(crate) tls_key: Vec<u8>,
    /// TLS certificate, self-signed, DER.
    pub(crate) tls_certificate: Vec<u8>,
    /// Base64url of the SHA-256 of the TLS key's `SubjectPublicKeyInfo`.
    pub(crate) pin: String,
    /// Signs answers.
    pub(crate) answer: SoftwareKey,
    /// Signs key-load transcripts.
    pub(crate) load: SoftwareKey,
    /// Signs parameters.
    pub(crate) configuration: Ed25519KeyPair,
    /// Base derivation key of the PIN keys.
    pub(crate) bdk_pin: SecretArray<32>,
    /// Base derivation key of the data keys.
    pub(crate) bdk_data: SecretArray<32>,
}

impl HostKeys {
    /// Opens the keys; makes missing ones if the host has no books yet.
    pub(crate) fn open(dir: &Path, may_make: bool, entropy: &mut Entropy) -> Result<Self, HostError> {
        let files = KeyFiles { dir, may_make };
        if may_make {
            fs::create_dir_all(dir)?;
            restrict(dir, 0o700)?;
        }
        let tls_key = files.read_or("tls.key", || {
            rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)
                .map(|key| key.serialize_der())
                .map_err(|_| HostError::Damaged("a new TLS key"))
        })?;
        let pair =
            rcgen::KeyPair::try_from(tls_key.as_slice()).map_err(|_| HostError::Damaged("keys/tls.key"))?;
        let tls_certificate = files.read_or("tls.crt", || certificate(&pair))?;
        let configuration = files.read_or("configuration.key", || {
            Ok(entropy.secret::<32>().expose().to_vec())
        })?;
        Ok(Self {
            pin: URL_SAFE_NO_PAD.encode(sha256(&rcgen::PublicKeyData::subject_public_key_info(&pair))),
            tls_key,
            tls_certificate,
            configuration: Ed25519KeyPair::from_seed_unchecked(&configuration)
                .map_err(|_| HostError::Damaged("keys/configuration.key"))?,
            answer: files.signing_key("answer.key", entropy)?,
            load: files.signing_key("load.key", entropy)?,
            bdk_pin: files.secret("bdk-pin", entropy)?,
            bdk_data: files.secret("bdk-data", entropy)?,
        })
    }

    /// The public half of the configuration key, 32 bytes.
    pub(crate) fn configuration_public(&self) -> &[u8] {
        self.configuration.public_key().as_ref()
    }
}

/// Not a certification authority, names the machine itself only; pinned, so its dates never lapse.
fn certificate(pair: &rcgen::KeyPair) -> Result<Vec<u8>, HostError> {
    let wrong = |_| HostError::Damaged("a new certificate");
    let mut params =
        rcgen::CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).map_err(wrong)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "softpos sandbox host");
    params.is_ca = rcgen::IsCa::ExplicitNoCa;
    params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    params
        .self_signed(pair)
        .map(|certificate| certificate.der().to_vec())
        .map_err(wrong)
}

struct KeyFiles<'a> {
    dir: &'a Path,
    may_make: bool,
}

impl KeyFiles<'_> {
    fn read_or(
        &self,
        name: &'static str,
        make: impl FnOnce() -> Result<Vec<u8>, HostError>,
    ) -> Result<Vec<u8>, HostError> {
        let path = self.dir.join(name);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.may_make => {
                let bytes = make()?;
                write_durably(&path, &bytes)?;
                Ok(bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(HostError::Damaged("a key of the folder keys is missing"))
            }
            read => Ok(read?),
        }
    }

    fn secret(&self, name: &'static str, entropy: &mut Entropy) -> Result<SecretArray<32>, HostError> {
        let bytes = SecretBytes::new(self.read_or(name, || Ok(entropy.secret::<32>().expose().to_vec()))?);
        if bytes.len() != 32 {
            return Err(HostError::Damaged("a key of the folder keys"));
        }
        Ok(SecretArray::build(|key| key.copy_from_slice(bytes.expose())))
    }

    fn signing_key(&self, name: &'static str, entropy: &mut Entropy) -> Result<SoftwareKey, HostError> {
        SoftwareKey::from_scalar(self.secret(name, entropy)?)
            .map_err(|_| HostError::Damaged("a key of the folder keys"))
    }
}

/// Writes a file that is there whole, or not at all.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entropy(byte: u8) -> Entropy {
        Entropy::from_seed(SecretArray::build(|seed| seed.fill(byte)))
    }

    #[test]
    fn made_once_kept_for_ever_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let first = HostKeys::open(&path, true, &mut entropy(1)).unwrap();
        let again = HostKeys::open(&path, true, &mut entropy(2)).unwrap();
        assert_eq!(first.pin, again.pin);
        assert_eq!(first.tls_certificate, again.tls_certificate);
        assert_eq!(first.answer.public(), again.answer.public());
        assert_eq!(first.configuration_public(), again.configuration_public());
        assert!(first.bdk_data.ct_eq(&again.bdk_data) && !first.bdk_data.ct_eq(&first.bdk_pin));
        #[cfg(unix)]
        for entry in fs::read_dir(&path).unwrap() {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                entry.unwrap().metadata().unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[test]
    fn a_lost_or_damaged_key_is_an_error_not_a_new_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        HostKeys::open(&path, true, &mut entropy(1)).unwrap();
        fs::write(path.join("bdk-pin"), b"short").unwrap();
        assert!(matches!(
            HostKeys::open(&path, false, &mut entropy(2)),
            Err(HostError::Damaged(_))
        ));
        fs::remove_file(path.join("bdk-pin")).unwrap();
        assert!(matches!(
            HostKeys::open(&path, false, &mut entropy(2)),
            Err(HostError::Damaged(_))
        ));
    }
}
