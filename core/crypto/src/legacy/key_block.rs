//! Key blocks under triple DES, ASC X9 TR-31:2018: versions A and C (variant binding) and B (derivation binding).
//!
//! Only opened, never made: no new block is to be of these versions. The header is that of version D, see
//! [`crate::key_block`]; the payload comes in blocks of 8 bytes, the MAC has 4 bytes (A, C) or 8 (B).

use cmac::digest::OutputSizeUser;
use cmac::digest::common::Key;
use cmac::digest::consts::U8;
use cmac::{Cmac, KeyInit, Mac};
use des::{TdesEde2, TdesEde3};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{TdesKey, TdesLengthError};
pub use crate::key_block::{Header, KeyBlock, KeyBlockError, OptionalBlock};
use crate::key_block::{Layout, TextParts, parse_header, read_payload, split_text};
use crate::scrub::scrubbed;
use crate::tdes::{Block, xor};

/// What turns a protection key into the key that enciphers, byte by byte (versions A and C).
const VARIANT_ENCRYPTION: u8 = 0x45;
/// What turns it into the one that authenticates.
const VARIANT_MAC: u8 = 0x4D;

/// A block that opened, and which version it had.
pub struct LegacyKeyBlock {
    /// `A`, `B` or `C`.
    pub version: u8,
    /// What is in it.
    pub block: KeyBlock,
}

/// Opens a key block of version A, B or C: length and characters first, then the MAC; nothing is used before it.
///
/// # Errors
/// [`KeyBlockError`] for any other version, a damaged block, or another protection key.
pub fn unwrap(kbpk: &TdesKey, text: &str) -> Result<LegacyKeyBlock, KeyBlockError> {
    scrubbed(|| {
        let version = *text.as_bytes().first().ok_or(KeyBlockError)?;
        let block = match version {
            b'A' | b'C' => open_variant(kbpk, text, version),
            b'B' => open_derived(kbpk, text),
            _ => Err(KeyBlockError),
        }?;
        Ok(LegacyKeyBlock { version, block })
    })
}

/// MAC over the enciphered block; the initialisation vector is the start of the header.
fn open_variant(kbpk: &TdesKey, text: &str, version: u8) -> Result<KeyBlock, KeyBlockError> {
    let layout = Layout {
        version,
        block: 8,
        mac: 4,
    };
    let (header, header_length) = parse_header(text, layout)?;
    let TextParts { clear, payload, mac } = split_text(text, header_length, layout)?;
    let mut message = Zeroizing::new(clear.to_vec());
    message.extend(payload);
    let made = cbc_mac(&variant(kbpk, VARIANT_MAC)?, &message)?;
    let made = made.first_chunk::<4>().ok_or(KeyBlockError)?;
    if !bool::from(made.as_slice().ct_eq(&mac)) {
        return Err(KeyBlockError);
    }
    let iv = *text.as_bytes().first_chunk().ok_or(KeyBlockError)?;
    let payload = message.get_mut(header_length..).unwrap_or_default();
    variant(kbpk, VARIANT_ENCRYPTION)?
        .decrypt_cbc(iv, payload)
        .map_err(|_| KeyBlockError)?;
    read_payload(header, payload)
}

/// MAC over the clear block; it is also the initialisation vector.
fn open_derived(kbpk: &TdesKey, text: &str) -> Result<KeyBlock, KeyBlockError> {
    let layout = Layout {
        version: b'B',
        block: 8,
        mac: 8,
    };
    let (header, header_length) = parse_header(text, layout)?;
    let TextParts { clear, payload, mac } = split_text(text, header_length, layout)?;
    let mac: Block = mac.try_into().map_err(|_| KeyBlockError)?;
    let mut message = Zeroizing::new(clear.to_vec());
    message.extend(payload);
    let payload = message.get_mut(header_length..).unwrap_or_default();
    derived(kbpk, 0)?
        .decrypt_cbc(mac, payload)
        .map_err(|_| KeyBlockError)?;
    if !bool::from(cmac_tdes(&derived(kbpk, 1)?, &message).ct_eq(&mac)) {
        return Err(KeyBlockError);
    }
    read_payload(header, message.get(header_length..).unwrap_or_default())
}

/// Every byte of the protection key with the same mask.
fn variant(kbpk: &TdesKey, mask: u8) -> Result<TdesKey, KeyBlockError> {
    let bytes = kbpk.expose();
    let masked = |key: &mut [u8]| {
        key.iter_mut()
            .zip(bytes)
            .for_each(|(byte, protecting)| *byte = protecting ^ mask);
    };
    TdesKey::build(bytes.len(), masked).map_err(refused)
}

/// A key under the protection key: CMAC over counter, use (0 enciphers, 1 authenticates), 00, algorithm, bits.
fn derived(kbpk: &TdesKey, key_use: u8) -> Result<TdesKey, KeyBlockError> {
    let length = kbpk.expose().len();
    let (algorithm, bits) = if length == 16 { (0, 0x80) } else { (1, 0xC0) };
    let fill = |key: &mut [u8]| {
        for (chunk, counter) in key.chunks_mut(8).zip(1..) {
            let block = cmac_tdes(kbpk, &[counter, 0, key_use, 0, 0, algorithm, 0, bits]);
            chunk.copy_from_slice(&block);
        }
    };
    TdesKey::build(length, fill).map_err(refused)
}

/// CBC-MAC over whole blocks, 8 bytes.
fn cbc_mac(key: &TdesKey, message: &[u8]) -> Result<Block, KeyBlockError> {
    let (blocks, []) = message.as_chunks::<8>() else {
        return Err(KeyBlockError);
    };
    let cipher = key.cipher();
    Ok(blocks
        .iter()
        .fold([0; 8], |state, block| cipher.encrypt(xor(state, *block))))
}

/// CMAC with triple DES (NIST SP 800-38B), 8 bytes.
fn cmac_tdes(key: &TdesKey, message: &[u8]) -> Block {
    fn tag<M>(key: &[u8], message: &[u8]) -> Block
    where
        M: Mac + KeyInit + OutputSizeUser<OutputSize = U8>,
    {
        let mut copy = Key::<M>::default();
        copy.copy_from_slice(key);
        M::new(&copy).chain_update(message).finalize().into_bytes().into()
    }
    if key.expose().len() == 16 {
        tag::<Cmac<TdesEde2>>(key.expose(), message)
    } else {
        tag::<Cmac<TdesEde3>>(key.expose(), message)
    }
}

fn refused(_: TdesLengthError) -> KeyBlockError {
    KeyBlockError
}

#[cfg(test)]
mod tests;
