//! Triple DES: what a card issuer computes with, and what old hosts still ask for. Never used on a new way.

use core::fmt;

use des::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit, consts::U8};
use des::{Des, TdesEde2, TdesEde3};
use softpos_types::SecretArray;
use zeroize::{Zeroize, Zeroizing};

use crate::scrub::scrubbed;

/// One DES block.
pub(crate) type Block = [u8; 8];

/// A triple DES key of 16 bytes (two keys) or 24 (three), wiped when dropped.
pub struct TdesKey(Bytes);

enum Bytes {
    Two(SecretArray<16>),
    Three(SecretArray<24>),
}

/// The bytes are not 16 or 24, or data is no multiple of 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TdesLengthError;

/// How data is filled up to a multiple of 8 bytes (ISO/IEC 9797-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Padding method 1: zeros, as many as needed; nothing at all becomes one block.
    Zeros,
    /// Padding method 2: always 80, then zeros.
    Iso80,
}

impl TdesKey {
    /// Copies 16 or 24 bytes.
    ///
    /// # Errors
    /// [`TdesLengthError`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TdesLengthError> {
        Self::build(bytes.len(), |key| key.copy_from_slice(bytes))
    }

    /// Makes a key of so many bytes that `fill` writes in place.
    ///
    /// # Errors
    /// [`TdesLengthError`] unless they are 16 or 24.
    pub fn build(length: usize, fill: impl FnOnce(&mut [u8])) -> Result<Self, TdesLengthError> {
        match length {
            16 => Ok(Self(Bytes::Two(SecretArray::build(|key| fill(key))))),
            24 => Ok(Self(Bytes::Three(SecretArray::build(|key| fill(key))))),
            _ => Err(TdesLengthError),
        }
    }

    /// The bytes, for the operation that needs them.
    pub const fn expose(&self) -> &[u8] {
        match &self.0 {
            Bytes::Two(key) => key.expose(),
            Bytes::Three(key) => key.expose(),
        }
    }

    /// Compares in constant time (the lengths may show).
    pub fn ct_eq(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.expose(), other.expose()).into()
    }

    /// Triple DES in CBC mode without padding.
    ///
    /// # Errors
    /// [`TdesLengthError`] unless the data is a multiple of 8 bytes.
    pub fn encrypt_cbc(&self, iv: [u8; 8], data: &mut [u8]) -> Result<(), TdesLengthError> {
        let (blocks, []) = data.as_chunks_mut::<8>() else {
            return Err(TdesLengthError);
        };
        let cipher = self.cipher();
        let mut chained = iv;
        for block in blocks {
            chained = cipher.encrypt(xor(*block, chained));
            *block = chained;
        }
        Ok(())
    }

    /// The reverse of [`TdesKey::encrypt_cbc`].
    ///
    /// # Errors
    /// [`TdesLengthError`] unless the data is a multiple of 8 bytes.
    pub fn decrypt_cbc(&self, iv: [u8; 8], data: &mut [u8]) -> Result<(), TdesLengthError> {
        let (blocks, []) = data.as_chunks_mut::<8>() else {
            return Err(TdesLengthError);
        };
        let cipher = self.cipher();
        let mut chained = iv;
        for block in blocks {
            let enciphered = *block;
            *block = xor(cipher.decrypt(enciphered), chained);
            chained = enciphered;
        }
        Ok(())
    }

    /// The cipher, its key schedule computed once.
    pub(crate) fn cipher(&self) -> Cipher {
        match &self.0 {
            Bytes::Two(key) => Cipher::two_key(key),
            Bytes::Three(key) => Cipher::Three(TdesEde3::new(key.expose().into())),
        }
    }
}

/// An expanded key. Lives on the stack of one operation, wipes itself.
pub(crate) enum Cipher {
    Two(TdesEde2),
    Three(TdesEde3),
}

impl Cipher {
    pub(crate) fn two_key(key: &SecretArray<16>) -> Self {
        Self::Two(TdesEde2::new(key.expose().into()))
    }

    pub(crate) fn encrypt(&self, block: Block) -> Block {
        match self {
            Self::Two(cipher) => encrypt_with(cipher, block),
            Self::Three(cipher) => encrypt_with(cipher, block),
        }
    }

    pub(crate) fn decrypt(&self, block: Block) -> Block {
        match self {
            Self::Two(cipher) => decrypt_with(cipher, block),
            Self::Three(cipher) => decrypt_with(cipher, block),
        }
    }
}

/// One block under single DES: a building stone of MAC algorithm 3 and of DUKPT, nothing by itself.
pub(crate) fn encrypt_single(key: Block, block: Block) -> Block {
    encrypt_with(&single(key), block)
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

fn single(key: Block) -> Des {
    Des::new(&Array::from(key))
}

fn encrypt_with(cipher: &impl BlockCipherEncrypt<BlockSize = U8>, block: Block) -> Block {
    let mut block = Array::from(block);
    cipher.encrypt_block(&mut block);
    block.into()
}

fn decrypt_with(cipher: &impl BlockCipherDecrypt<BlockSize = U8>, block: Block) -> Block {
    let mut block = Array::from(block);
    cipher.decrypt_block(&mut block);
    block.into()
}

impl fmt::Debug for TdesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TdesKey({} bytes)", self.expose().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretArray<16> {
        SecretArray::build(|key| hex::decode_to_slice(text, key).unwrap())
    }

    #[test]
    fn lengths() {
        for bad in [0, 8, 15, 17, 23, 25] {
            assert_eq!(TdesKey::from_bytes(&[0; 25][..bad]).unwrap_err(), TdesLengthError);
        }
        let key = TdesKey::from_bytes(&[7; 24]).unwrap();
        assert!(key.ct_eq(&TdesKey::build(24, |key| key.fill(7)).unwrap()));
        assert!(!key.ct_eq(&TdesKey::build(16, |key| key.fill(7)).unwrap()));
        assert_eq!(key.encrypt_cbc([0; 8], &mut [0; 7]), Err(TdesLengthError));
        assert_eq!(key.decrypt_cbc([0; 8], &mut [0; 9]), Err(TdesLengthError));
    }

    /// NIST SP 800-67 B.1: three keys, here chained with a zero IV, whose first block is the book's.
    #[test]
    fn cbc() {
        let key = "0123456789abcdef23456789abcdef01456789abcdef0123";
        let key = TdesKey::from_bytes(&hex::decode(key).unwrap()).unwrap();
        let mut data = *b"The qufck brown fox jump";
        key.encrypt_cbc([0; 8], &mut data).unwrap();
        assert_eq!(hex::encode(&data[..8]), "a826fd8ce53b855f");
        key.decrypt_cbc([0; 8], &mut data).unwrap();
        assert_eq!(&data, b"The qufck brown fox jump");
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
