//! The port to the device's secure hardware.

use std::fmt;

use softpos_types::{Code, SoftPosError};

/// What a phone's secure hardware does for the till: one device key, one wrap key, attestation.
///
/// Each installation has exactly these two keys, so the methods name none: which Keystore alias or Secure Enclave
/// tag stands behind them is the implementation's own affair. Both must be usable while the phone is locked
/// after its first unlock, and neither may be bound to biometrics: a new fingerprint would kill the queue.
///
/// Calls are synchronous, come from one thread of the core, never with a lock held, and may take half a second. One
/// that takes longer than eight seconds counts as [`PortError::Unavailable`].
pub trait SecureHardware: Send + Sync {
    /// The device key's public half: `SubjectPublicKeyInfo` of P-256, DER, 91 bytes. The key is made at first use.
    ///
    /// # Errors
    /// [`PortError`].
    fn public_key(&self) -> Result<Vec<u8>, PortError>;

    /// Signs a SHA-256 digest (32 bytes) with the device key: ECDSA, as DER or as the 64 bytes r, s.
    ///
    /// # Errors
    /// [`PortError`].
    fn sign(&self, digest: Vec<u8>) -> Result<Vec<u8>, PortError>;

    /// Seals a secret under the wrap key, authenticated; the same secret gives other bytes each time.
    ///
    /// # Errors
    /// [`PortError`].
    fn wrap(&self, secret: Vec<u8>) -> Result<Vec<u8>, PortError>;

    /// Opens what [`SecureHardware::wrap`] sealed. The caller wipes the answer.
    ///
    /// # Errors
    /// [`PortError::KeyLost`] if the bytes are not sealed under the present wrap key.
    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PortError>;

    /// Evidence over the host's challenge that device and program are what they say.
    ///
    /// # Errors
    /// [`PortError`].
    fn attest(&self, challenge: Vec<u8>) -> Result<Evidence, PortError>;

    /// What the device calls itself, for the host's list of devices: at most 64 characters, no personal name.
    ///
    /// # Errors
    /// [`PortError`].
    fn model(&self) -> Result<String, PortError>;
}

/// A platform's attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// How to read it: `software`, later `android` and `ios`.
    pub kind: String,
    /// The evidence itself, in the platform's format.
    pub evidence: Vec<u8>,
}

/// Why a port of the shell failed. The platform's own text stays behind: it can hold anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortError {
    /// Not now: locked, busy, or not there yet. Trying again may help.
    Unavailable,
    /// The key is gone or was replaced: the till has to be activated again.
    KeyLost,
    /// Anything else.
    Failed,
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "unavailable",
            Self::KeyLost => "key lost",
            Self::Failed => "failed",
        })
    }
}

impl std::error::Error for PortError {}

impl From<PortError> for SoftPosError {
    fn from(error: PortError) -> Self {
        Self::of(Code::SecureHardware).with_detail(error.to_string())
    }
}
