//! What is sealed for the host: card data that no one between terminal and host may read.

use alloc::vec::Vec;

use minicbor::{Decoder, Encoder};
use softpos_types::SecretBytes;
use zeroize::Zeroizing;

/// Card data of one request, to be sealed at once.
///
/// CBOR map with integer keys: 0 track 2 equivalent, 1 DE55 (TLV list), 2 card sequence number (absent if
/// the card has none), 3 PIN block, 4 key serial number of the PIN block.
#[derive(Debug)]
pub struct CardPayload {
    /// Track 2 equivalent data (tag 57).
    pub track2: SecretBytes,
    /// EMV data for the issuer (DE55), without 57, 5A, 5F20, 5F24.
    pub de55: Vec<u8>,
    /// Card sequence number (5F34).
    pub psn: Option<u8>,
    /// The enciphered PIN, if one was entered.
    pub pin: Option<SealedPin>,
}

/// An ISO 9564 format 4 PIN block and the key serial number of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPin {
    /// The enciphered block.
    pub block: [u8; 16],
    /// Key serial number.
    pub ksn: [u8; 12],
}

/// The opened bytes are not a card payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardPayloadError;

/// More than a payload can need; a larger one is refused unread.
const MAX_BYTES: usize = 2_048;

impl CardPayload {
    /// The clear bytes, in a buffer that is wiped and never reallocated.
    ///
    /// # Errors
    /// [`CardPayloadError`] when the parts are larger than any card's.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, CardPayloadError> {
        let parts = self.track2.len().saturating_add(self.de55.len());
        if parts > MAX_BYTES.saturating_sub(128) {
            return Err(CardPayloadError);
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
        let members = 2 + u64::from(self.psn.is_some()) + if self.pin.is_some() { 2 } else { 0 };
        let mut encode = || {
            let mut encoder = Encoder::new(&mut *bytes);
            encoder
                .map(members)?
                .u8(0)?
                .bytes(self.track2.expose())?
                .u8(1)?
                .bytes(&self.de55)?;
            if let Some(psn) = self.psn {
                encoder.u8(2)?.u8(psn)?;
            }
            if let Some(pin) = &self.pin {
                encoder.u8(3)?.bytes(&pin.block)?.u8(4)?.bytes(&pin.ksn)?;
            }
            Ok::<_, minicbor::encode::Error<core::convert::Infallible>>(())
        };
        encode().map_err(|_| CardPayloadError)?;
        Ok(bytes)
    }

    /// Reads opened bytes.
    ///
    /// # Errors
    /// [`CardPayloadError`] for anything else than the map above.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CardPayloadError> {
        if bytes.len() > MAX_BYTES {
            return Err(CardPayloadError);
        }
        Self::decode(bytes)
            .map_err(|_| CardPayloadError)?
            .ok_or(CardPayloadError)
    }

    fn decode(bytes: &[u8]) -> Result<Option<Self>, minicbor::decode::Error> {
        let mut decoder = Decoder::new(bytes);
        let (mut track2, mut de55, mut psn, mut block, mut ksn) = (None, None, None, None, None);
        for _ in 0..decoder.map()?.unwrap_or(0) {
            match decoder.u8()? {
                0 => track2 = Some(SecretBytes::copy_of(decoder.bytes()?)),
                1 => de55 = Some(decoder.bytes()?.to_vec()),
                2 => psn = Some(decoder.u8()?),
                3 => block = Some(decoder.bytes()?),
                4 => ksn = Some(decoder.bytes()?),
                _ => decoder.skip()?,
            }
        }
        let pin = match (block, ksn) {
            (None, None) => None,
            (Some(block), Some(ksn)) => match (block.try_into(), ksn.try_into()) {
                (Ok(block), Ok(ksn)) => Some(SealedPin { block, ksn }),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok(track2.zip(de55).map(|(track2, de55)| Self {
            track2,
            de55,
            psn,
            pin,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_with_and_without_pin() {
        for pin in [
            None,
            Some(SealedPin {
                block: [9; 16],
                ksn: [3; 12],
            }),
        ] {
            let payload = CardPayload {
                track2: SecretBytes::copy_of(&[0x47, 0x61]),
                de55: [0x9F, 0x02].into(),
                psn: pin.as_ref().map(|_| 1),
                pin: pin.clone(),
            };
            let read = CardPayload::from_bytes(&payload.to_bytes().unwrap()).unwrap();
            assert_eq!(
                (read.track2.expose(), read.pin, read.psn),
                (&[0x47, 0x61][..], pin, payload.psn)
            );
        }
    }

    #[test]
    fn refuses_anything_else() {
        for bad in [
            &b""[..],
            b"\xA0",
            b"\xA1\x00\x41\x01",
            b"\xFF",
            b"{\"track2\":1}",
            &[0; 4_096],
        ] {
            assert!(CardPayload::from_bytes(bad).is_err());
        }
    }
}
