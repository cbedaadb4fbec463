//! Payloads for a wallet to show, by the letter of the specification.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use softpos_types::SecretBytes;
use softpos_wire::Tag;
use softpos_wire::tlv::TlvWriter;
use zeroize::{Zeroize, Zeroizing};

use super::breach::{Breach, Refused};
use super::{decode, tags};

/// What a wallet shows: objects by tag, in the order they shall stand.
#[derive(Debug, Default)]
pub struct CpmCode {
    /// The application templates (61), one or two, each with its 4F.
    pub applications: Vec<Vec<(Tag, SecretBytes)>>,
    /// What two applications share (62).
    pub common: Vec<(Tag, SecretBytes)>,
}

/// Why no payload was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// More than two applications.
    Applications(usize),
    /// The payload would break this rule.
    Breach(Breach),
    /// The payload would be refused.
    Refused(Refused),
}

impl CpmCode {
    /// Writes the payload and reads it again by the same rules that foreign codes are judged by.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn encode(&self) -> Result<Zeroizing<String>, EncodeError> {
        if self.applications.len() > 2 {
            return Err(EncodeError::Applications(self.applications.len()));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
        put(&mut bytes, tags::FORMAT, b"CPV01");
        for application in &self.applications {
            put(&mut bytes, tags::APPLICATION, &content(application));
        }
        if !self.common.is_empty() {
            put(&mut bytes, tags::COMMON, &content(&self.common));
        }
        let payload = Zeroizing::new(STANDARD.encode(&*bytes));
        match decode(&payload).map(|decoded| decoded.breaches().first().copied()) {
            Ok(None) => Ok(payload),
            Ok(Some(breach)) => Err(EncodeError::Breach(breach)),
            Err(refused) => Err(EncodeError::Refused(refused)),
        }
    }
}

/// Appends one object with the shortest length form.
pub(super) fn put(out: &mut Vec<u8>, tag: Tag, value: &[u8]) {
    let mut writer = TlvWriter::new();
    writer.put(tag, value);
    let mut object = writer.into_vec();
    out.extend_from_slice(&object);
    object.zeroize();
}

fn content(objects: &[(Tag, SecretBytes)]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(512));
    for (tag, value) in objects {
        put(&mut out, *tag, value.expose());
    }
    out
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applications(count) => write!(f, "{count} applications, at most two can stand in a code"),
            Self::Breach(breach) => write!(f, "{breach}"),
            Self::Refused(refused) => write!(f, "{refused}"),
        }
    }
}

impl core::error::Error for EncodeError {}
