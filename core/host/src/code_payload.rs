//! What is sealed for the host of a payer's code: as good as money until it is charged.

use alloc::vec::Vec;

use minicbor::{Decoder, Encoder};
use softpos_types::SecretBytes;
use zeroize::Zeroizing;

/// The text of a scanned code, to be sealed at once: CBOR map, 0: the text's bytes.
#[derive(Debug)]
pub struct CodePayload {
    /// The text as it was scanned: a wallet's digits or a consumer-presented payload.
    pub code: SecretBytes,
}

/// The opened bytes are not a code payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePayloadError;

/// The longest code of the supported kinds is 684 characters (512 bytes in base64).
const MAX_CODE: usize = 684;
/// Head of the map, its key and the length of the text.
const OVERHEAD: usize = 8;

impl CodePayload {
    /// The clear bytes, in a buffer that is wiped and never reallocated.
    ///
    /// # Errors
    /// [`CodePayloadError`] for an empty code or one longer than any.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, CodePayloadError> {
        if self.code.is_empty() || self.code.len() > MAX_CODE {
            return Err(CodePayloadError);
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_CODE.saturating_add(OVERHEAD)));
        Encoder::new(&mut *bytes)
            .map(1)
            .and_then(|encoder| encoder.u8(0)?.bytes(self.code.expose()))
            .map_err(|_| CodePayloadError)?;
        Ok(bytes)
    }

    /// Reads opened bytes.
    ///
    /// # Errors
    /// [`CodePayloadError`] for anything else than the map above.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodePayloadError> {
        if bytes.len() > MAX_CODE.saturating_add(OVERHEAD) {
            return Err(CodePayloadError);
        }
        match Self::decode(bytes) {
            Ok(Some(code)) if !code.is_empty() => Ok(Self { code }),
            _ => Err(CodePayloadError),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Option<SecretBytes>, minicbor::decode::Error> {
        let mut decoder = Decoder::new(bytes);
        match (decoder.map()?, decoder.u8()?) {
            (Some(1), 0) => decoder.bytes().map(SecretBytes::copy_of).map(Some),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let code = SecretBytes::copy_of(b"134567890123456789");
        let bytes = CodePayload { code }.to_bytes().unwrap();
        let read = CodePayload::from_bytes(&bytes).unwrap();
        assert_eq!(read.code.expose(), b"134567890123456789");
        let longest = CodePayload {
            code: SecretBytes::copy_of(&[b'A'; MAX_CODE]),
        };
        assert!(CodePayload::from_bytes(&longest.to_bytes().unwrap()).is_ok());
    }

    #[test]
    fn refuses_anything_else() {
        for bad in [
            &b""[..],
            b"\xA0",
            b"\xA1\x00\x40",
            b"\xA1\x01\x41\x31",
            b"\xA1\x00\x61\x31",
            &[0; 4_096],
        ] {
            assert!(CodePayload::from_bytes(bad).is_err(), "{bad:?}");
        }
        for bad in [&b""[..], &[b'A'; MAX_CODE + 1]] {
            let code = SecretBytes::copy_of(bad);
            assert!(CodePayload { code }.to_bytes().is_err());
        }
    }
}
