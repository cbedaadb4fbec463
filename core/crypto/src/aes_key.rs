//! AES keys of every length, and the block modes that key blocks and working keys need.

use core::fmt;

use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes128Enc, Aes192, Aes192Enc, Aes256, Aes256Enc};
use softpos_types::SecretArray;

/// One AES block.
pub(crate) type Block = [u8; 16];

/// An AES key of 128, 192 or 256 bits, wiped when dropped.
pub struct AesKey(pub(crate) Bytes);

pub(crate) enum Bytes {
    Aes128(SecretArray<16>),
    Aes192(SecretArray<24>),
    Aes256(SecretArray<32>),
}

/// The lengths an AES key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AesLength {
    /// 128 bits, 16 bytes.
    Aes128,
    /// 192 bits, 24 bytes.
    Aes192,
    /// 256 bits, 32 bytes.
    Aes256,
}

/// The bytes are not 16, 24 or 32, or data is no multiple of 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AesLengthError;

impl AesLength {
    /// The length in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// The length that has so many bytes.
    ///
    /// # Errors
    /// [`AesLengthError`] if none has.
    pub const fn from_bytes(bytes: usize) -> Result<Self, AesLengthError> {
        match bytes {
            16 => Ok(Self::Aes128),
            24 => Ok(Self::Aes192),
            32 => Ok(Self::Aes256),
            _ => Err(AesLengthError),
        }
    }
}

impl AesKey {
    /// Copies 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// [`AesLengthError`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AesLengthError> {
        let length = AesLength::from_bytes(bytes.len())?;
        Ok(Self::build(length, |key| key.copy_from_slice(bytes)))
    }

    /// Makes a key of this length that `fill` writes in place.
    pub fn build(length: AesLength, fill: impl FnOnce(&mut [u8])) -> Self {
        Self(match length {
            AesLength::Aes128 => Bytes::Aes128(SecretArray::build(|key| fill(key))),
            AesLength::Aes192 => Bytes::Aes192(SecretArray::build(|key| fill(key))),
            AesLength::Aes256 => Bytes::Aes256(SecretArray::build(|key| fill(key))),
        })
    }

    /// How long it is.
    pub const fn length(&self) -> AesLength {
        match self.0 {
            Bytes::Aes128(_) => AesLength::Aes128,
            Bytes::Aes192(_) => AesLength::Aes192,
            Bytes::Aes256(_) => AesLength::Aes256,
        }
    }

    /// The bytes, for the operation that needs them.
    pub const fn expose(&self) -> &[u8] {
        match &self.0 {
            Bytes::Aes128(key) => key.expose(),
            Bytes::Aes192(key) => key.expose(),
            Bytes::Aes256(key) => key.expose(),
        }
    }

    /// Compares in constant time (the lengths may show).
    pub fn ct_eq(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.expose(), other.expose()).into()
    }

    /// AES-CBC without padding.
    ///
    /// # Errors
    /// [`AesLengthError`] unless the data is a multiple of 16 bytes.
    pub fn encrypt_cbc(&self, iv: [u8; 16], data: &mut [u8]) -> Result<(), AesLengthError> {
        let (blocks, []) = data.as_chunks_mut::<16>() else {
            return Err(AesLengthError);
        };
        let cipher = self.encryptor();
        let mut chained = iv;
        for block in blocks {
            *block = xor(*block, chained);
            cipher.encrypt(block);
            chained = *block;
        }
        Ok(())
    }

    /// The reverse of [`AesKey::encrypt_cbc`].
    ///
    /// # Errors
    /// [`AesLengthError`] unless the data is a multiple of 16 bytes.
    pub fn decrypt_cbc(&self, iv: [u8; 16], data: &mut [u8]) -> Result<(), AesLengthError> {
        let (blocks, []) = data.as_chunks_mut::<16>() else {
            return Err(AesLengthError);
        };
        let mut chained = iv;
        for block in blocks {
            let enciphered = *block;
            self.decrypt(block);
            *block = xor(*block, chained);
            chained = enciphered;
        }
        Ok(())
    }

    /// The cipher in its encrypting direction, its key schedule computed once.
    pub(crate) fn encryptor(&self) -> Encryptor {
        match &self.0 {
            Bytes::Aes128(key) => Encryptor::Aes128(Aes128Enc::new(key.expose().into())),
            Bytes::Aes192(key) => Encryptor::Aes192(Aes192Enc::new(key.expose().into())),
            Bytes::Aes256(key) => Encryptor::Aes256(Aes256Enc::new(key.expose().into())),
        }
    }

    /// Decrypts one block.
    pub(crate) fn decrypt(&self, block: &mut Block) {
        let block: &mut Array<u8, _> = block.into();
        match &self.0 {
            Bytes::Aes128(key) => Aes128::new(key.expose().into()).decrypt_block(block),
            Bytes::Aes192(key) => Aes192::new(key.expose().into()).decrypt_block(block),
            Bytes::Aes256(key) => Aes256::new(key.expose().into()).decrypt_block(block),
        }
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AesKey({:?})", self.length())
    }
}

/// An expanded key. Lives on the stack of one operation, wipes itself.
pub(crate) enum Encryptor {
    Aes128(Aes128Enc),
    Aes192(Aes192Enc),
    Aes256(Aes256Enc),
}

impl Encryptor {
    pub(crate) fn encrypt(&self, block: &mut Block) {
        let block: &mut Array<u8, _> = block.into();
        match self {
            Self::Aes128(cipher) => cipher.encrypt_block(block),
            Self::Aes192(cipher) => cipher.encrypt_block(block),
            Self::Aes256(cipher) => cipher.encrypt_block(block),
        }
    }
}

/// Adds two blocks without carry.
pub(crate) const fn xor(a: Block, b: Block) -> Block {
    (u128::from_be_bytes(a) ^ u128::from_be_bytes(b)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        for bad in [0, 15, 17, 31, 33] {
            assert_eq!(AesKey::from_bytes(&[0; 33][..bad]).unwrap_err(), AesLengthError);
        }
        let key = AesKey::from_bytes(&[7; 24]).unwrap();
        assert_eq!((key.length(), key.expose()), (AesLength::Aes192, &[7; 24][..]));
        assert!(key.ct_eq(&AesKey::build(AesLength::Aes192, |key| key.fill(7))));
        assert!(!key.ct_eq(&AesKey::build(AesLength::Aes256, |key| key.fill(7))));
    }

    /// NIST SP 800-38A, F.2.1, F.2.3 and F.2.5: first blocks of CBC.
    #[test]
    fn cbc() {
        let iv: [u8; 16] = core::array::from_fn(|i| u8::try_from(i).unwrap());
        let plain = hex::decode("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51").unwrap();
        for (key, enciphered) in [
            (
                "2b7e151628aed2a6abf7158809cf4f3c",
                "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
            ),
            (
                "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
                "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a",
            ),
            (
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d",
            ),
        ] {
            let key = AesKey::from_bytes(&hex::decode(key).unwrap()).unwrap();
            let mut data = plain.clone();
            key.encrypt_cbc(iv, &mut data).unwrap();
            assert_eq!(hex::encode(&data), enciphered);
            key.decrypt_cbc(iv, &mut data).unwrap();
            assert_eq!(data, plain);
            assert_eq!(key.encrypt_cbc(iv, &mut [0; 17]), Err(AesLengthError));
            assert_eq!(key.decrypt_cbc(iv, &mut [0; 15]), Err(AesLengthError));
        }
    }
}
