//! Triple DES keys of both lengths, and the one block mode that old hosts ask for.

use core::fmt;

use des::cipher::KeyInit;
use des::{TdesEde2, TdesEde3};
use softpos_types::SecretArray;

use crate::tdes::{Block, decrypt_with, encrypt_with, single, two_key, xor};

/// A triple DES key of 16 bytes (two keys) or 24 (three), wiped when dropped.
pub struct TdesKey(Bytes);

enum Bytes {
    Two(SecretArray<16>),
    Three(SecretArray<24>),
}

/// The bytes are not 16 or 24, or data is no multiple of 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TdesLengthError;

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
            Bytes::Two(key) => Cipher::Two(two_key(key)),
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

impl fmt::Debug for TdesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TdesKey({} bytes)", self.expose().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
