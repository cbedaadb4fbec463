//! Two-key triple DES as card issuers compute with it, and the MAC made of it. Never used on a new way.

use des::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit, consts::U8};
use des::{Des, TdesEde2};
use softpos_types::SecretArray;
use zeroize::{Zeroize, Zeroizing};

use crate::scrub::scrubbed;

/// One DES block.
pub(crate) type Block = [u8; 8];

/// How data is filled up to a multiple of 8 bytes (ISO/IEC 9797-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Padding method 1: zeros, as many as needed; nothing at all becomes one block.
    Zeros,
    /// Padding method 2: always 80, then zeros.
    Iso80,
}

/// ISO/IEC 9797-1 MAC algorithm 3 (retail MAC) with DES, 8 bytes.
pub fn retail_mac(key: &SecretArray<16>, message: &[u8], padding: Padding) -> [u8; 8] {
    scrubbed(|| {
        let (mut left, mut right) = halves(key);
        let mut padded = Zeroizing::new(alloc::vec::Vec::with_capacity(message.len() + 8));
        padded.extend_from_slice(message);
        if padding == Padding::Iso80 {
            padded.push(0x80);
        }
        let length = padded.len().next_multiple_of(8).max(8);
        padded.resize(length, 0);

        let first = single(left);
        let mut state = [0; 8];
        for block in padded.as_chunks::<8>().0 {
            state = encrypt_with(&first, xor(state, *block));
        }
        let tag = encrypt_with(&first, decrypt_with(&single(right), state));
        left.zeroize();
        right.zeroize();
        tag
    })
}

/// The cipher of a two-key key. Lives on the stack of one operation, wipes itself.
pub(crate) fn two_key(key: &SecretArray<16>) -> TdesEde2 {
    TdesEde2::new(key.expose().into())
}

/// Adds two blocks without carry.
pub(crate) const fn xor(a: Block, b: Block) -> Block {
    (u64::from_be_bytes(a) ^ u64::from_be_bytes(b)).to_be_bytes()
}

/// Both halves of a two-key key. The caller wipes them.
pub(crate) fn halves(key: &SecretArray<16>) -> (Block, Block) {
    let mut both = ([0; 8], [0; 8]);
    if let ([left, right], []) = key.expose().as_chunks::<8>() {
        both = (*left, *right);
    }
    both
}

pub(crate) fn single(key: Block) -> Des {
    Des::new(&Array::from(key))
}

pub(crate) fn encrypt_with(cipher: &impl BlockCipherEncrypt<BlockSize = U8>, block: Block) -> Block {
    let mut block = Array::from(block);
    cipher.encrypt_block(&mut block);
    block.into()
}

pub(crate) fn decrypt_with(cipher: &impl BlockCipherDecrypt<BlockSize = U8>, block: Block) -> Block {
    let mut block = Array::from(block);
    cipher.decrypt_block(&mut block);
    block.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretArray<16> {
        SecretArray::build(|key| hex::decode_to_slice(text, key).unwrap())
    }

    /// ISO/IEC 9797-1:2011 B.4, published cut to its first 4 bytes; the psec test values (MIT) for both paddings.
    #[test]
    fn retail_macs() {
        let iso = secret("0123456789ABCDEFFEDCBA9876543210");
        for (message, mac) in [
            (&b"Now is the time for all "[..], "a1c72e74ea3fa9b6"),
            (b"Now is the time for it", "2e2b1428cc78254f"),
        ] {
            assert_eq!(hex::encode(retail_mac(&iso, message, Padding::Zeros)), mac);
        }
        let psec = secret("41414141414141414242424242424242");
        assert_eq!(
            hex::encode(retail_mac(&psec, b"hello world", Padding::Zeros)),
            "3dde5c5511661cbf"
        );
        assert_eq!(
            hex::encode(retail_mac(&psec, b"hello world", Padding::Iso80)),
            "e16941032c3bc7d4"
        );
        // Nothing is padded to one block by both methods.
        assert_ne!(
            retail_mac(&psec, b"", Padding::Zeros),
            retail_mac(&psec, b"", Padding::Iso80)
        );
    }
}
