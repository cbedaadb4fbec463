//! What the phone does for the core: secure hardware and a place for log lines. Nothing else is asked of a shell.

use std::fmt;
use std::sync::Arc;

use softpos_terminal as terminal;
pub use softpos_terminal::{Evidence, LogField, LogLine};

use crate::words::LogLevel;

/// Why a port failed. The platform's own text stays behind: it can hold anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Error)]
pub enum PortError {
    /// Not now: locked, busy, or not there yet. Trying again may help.
    Unavailable,
    /// The key is gone or was replaced: the till has to be activated again.
    KeyLost,
    /// Anything else.
    Failed,
}

/// The phone's secure hardware: one device key, one wrap key, attestation.
///
/// Each installation has exactly these two keys. Both must be usable while the phone is locked after its first
/// unlock, and neither may be bound to biometrics: a new fingerprint would kill the queue. Calls come from a thread of
/// the core, never with a lock held, and may take half a second; after eight seconds they count as Unavailable.
#[uniffi::export(rust, foreign)]
pub trait SecureHardware: Send + Sync {
    /// The device key's public half: SubjectPublicKeyInfo of P-256, DER, 91 bytes. The key is made at first use.
    fn public_key(&self) -> Result<Vec<u8>, PortError>;

    /// Signs a SHA-256 digest (32 bytes) with the device key: ECDSA, as DER or as the 64 bytes r, s.
    fn sign(&self, digest: Vec<u8>) -> Result<Vec<u8>, PortError>;

    /// Seals a secret under the wrap key, authenticated; the same secret gives other bytes each time.
    fn wrap(&self, secret: Vec<u8>) -> Result<Vec<u8>, PortError>;

    /// Opens what wrap sealed; KeyLost if it is not sealed under the present wrap key.
    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PortError>;

    /// Evidence over the host's challenge that device and program are what they say.
    fn attest(&self, challenge: Vec<u8>) -> Result<Evidence, PortError>;

    /// What the device calls itself, for the host's list of devices: at most 64 characters, no personal name.
    fn model(&self) -> Result<String, PortError>;
}

/// A platform's attestation.
#[uniffi::remote(Record)]
pub struct Evidence {
    /// How to read it: `software`, `android`, `ios`.
    pub kind: String,
    /// The evidence itself, in the platform's format.
    pub evidence: Vec<u8>,
}

/// Where log lines go. Called from one thread, line by line; slowness or failure costs lines, nothing else.
#[uniffi::export(foreign)]
pub trait LogSink: Send + Sync {
    /// Takes a line.
    fn write(&self, line: LogLine) -> Result<(), PortError>;
}

/// One line: what happened, and the numbers and words that belong to it. Never user data.
#[uniffi::remote(Record)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The stable name of what happened, as `host_no_answer`.
    pub event: String,
    /// Details, in the order given.
    pub fields: Vec<LogField>,
}

/// A named detail of a line.
#[uniffi::remote(Record)]
pub struct LogField {
    /// The name, unit last.
    pub name: String,
    /// The value.
    pub value: String,
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        terminal::PortError::from(*self).fmt(f)
    }
}

impl std::error::Error for PortError {}

/// What a shell's code throws unasked: its text is a whole stack trace, and stays behind.
impl From<uniffi::UnexpectedUniFFICallbackError> for PortError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}

impl From<PortError> for terminal::PortError {
    fn from(error: PortError) -> Self {
        match error {
            PortError::Unavailable => Self::Unavailable,
            PortError::KeyLost => Self::KeyLost,
            PortError::Failed => Self::Failed,
        }
    }
}

/// A shell's hardware as the terminal knows it.
pub(crate) struct Hardware(pub(crate) Arc<dyn SecureHardware>);

impl From<terminal::PortError> for PortError {
    fn from(error: terminal::PortError) -> Self {
        match error {
            terminal::PortError::Unavailable => Self::Unavailable,
            terminal::PortError::KeyLost => Self::KeyLost,
            terminal::PortError::Failed => Self::Failed,
        }
    }
}

/// Hands the calls of one side's port on to the other's.
macro_rules! hand_on {
    ($port:path, $error:path, $to:ty) => {
        impl $port for $to {
            fn public_key(&self) -> Result<Vec<u8>, $error> {
                Ok(self.0.public_key()?)
            }
            fn sign(&self, digest: Vec<u8>) -> Result<Vec<u8>, $error> {
                Ok(self.0.sign(digest)?)
            }
            fn wrap(&self, secret: Vec<u8>) -> Result<Vec<u8>, $error> {
                Ok(self.0.wrap(secret)?)
            }
            fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, $error> {
                Ok(self.0.unwrap(wrapped)?)
            }
            fn attest(&self, challenge: Vec<u8>) -> Result<Evidence, $error> {
                Ok(self.0.attest(challenge)?)
            }
            fn model(&self) -> Result<String, $error> {
                Ok(self.0.model()?)
            }
        }
    };
}

#[cfg(feature = "sandbox")]
pub(crate) use hand_on;

hand_on!(terminal::SecureHardware, terminal::PortError, Hardware);

/// A shell's log as the terminal knows it.
pub(crate) struct Sink(pub(crate) Arc<dyn LogSink>);

impl terminal::LogSink for Sink {
    fn write(&self, line: LogLine) -> Result<(), terminal::PortError> {
        Ok(self.0.write(line)?)
    }
}
