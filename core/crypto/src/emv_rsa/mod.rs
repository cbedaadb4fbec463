//! EMV's RSA signatures with message recovery, public operation only (EMV Book 2, sections 5 and 6).
//!
//! A certificate or signature is as long as the modulus, and raising it to the exponent recovers `6A`, a format byte,
//! what was signed, the SHA-1 of it together with data sent beside it, and `BC`. Whether a certificate is valid
//! today, for this card and not revoked is decided where those facts are known.

mod certificates;
mod modulus;
mod rows;

use core::fmt;

use softpos_types::SecretBytes;
use zeroize::Zeroize;

pub use self::certificates::{
    Certificate, CombinedData, DynamicData, combined_data, dynamic_data, icc_certificate, issuer_certificate,
    key_checksum, static_data,
};
use self::modulus::{MAX_BYTES, Modulus};

/// The shortest modulus that is taken. EMV names no lower bound; 512 bits are the shortest that was ever published.
const MIN_BYTES: usize = 64;

/// The bytes are no key, or not what this key signed. Which check failed is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// A public key of a certification authority, an issuer or a card.
#[derive(Clone)]
pub struct PublicKey {
    modulus: Modulus,
    length: usize,
    exponent: Exponent,
}

/// The two public exponents that EMV allows, on every level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exponent {
    /// 3: one byte, 03.
    Three,
    /// 2^16 + 1: three bytes, 010001.
    F4,
}

impl Exponent {
    /// Reads an exponent as a data object gives it (9F32, 9F47).
    ///
    /// # Errors
    /// [`Refused`] for anything but 03 and 010001.
    pub const fn new(bytes: &[u8]) -> Result<Self, Refused> {
        match bytes {
            [3] => Ok(Self::Three),
            [1, 0, 1] => Ok(Self::F4),
            _ => Err(Refused),
        }
    }

    /// The bytes of the data object.
    pub const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Three => &[3],
            Self::F4 => &[1, 0, 1],
        }
    }
}

impl PublicKey {
    /// Takes a key of 512 to 1984 bits. The modulus may begin with zero bits: its length in bytes counts.
    ///
    /// # Errors
    /// [`Refused`] for another length, an even modulus or another exponent than 3 and 65537.
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, Refused> {
        if !(MIN_BYTES..=MAX_BYTES).contains(&modulus.len()) {
            return Err(Refused);
        }
        Ok(Self {
            modulus: Modulus::new(modulus).ok_or(Refused)?,
            length: modulus.len(),
            exponent: Exponent::new(exponent)?,
        })
    }

    /// How many bytes the modulus has, and so every signature.
    pub const fn modulus_length(&self) -> usize {
        self.length
    }

    /// The modulus, highest byte first.
    pub fn modulus(&self) -> SecretBytes {
        self.bytes_of(self.modulus.value())
    }

    /// The exponent.
    pub const fn exponent(&self) -> Exponent {
        self.exponent
    }

    /// The public operation: what was signed, as long as the modulus.
    ///
    /// # Errors
    /// [`Refused`] if the signature has another length or is not below the modulus.
    pub fn recover(&self, signature: &[u8]) -> Result<SecretBytes, Refused> {
        if signature.len() != self.length {
            return Err(Refused);
        }
        let signature = self.modulus.residue(signature).ok_or(Refused)?;
        let power = match self.exponent {
            Exponent::Three => self.modulus.cube(&signature),
            Exponent::F4 => self.modulus.fourth_fermat(&signature),
        };
        Ok(self.bytes_of(&*power))
    }

    fn bytes_of(&self, number: &[u64]) -> SecretBytes {
        let mut bytes = alloc::vec![0; self.length];
        for (chunk, limb) in bytes.rchunks_mut(8).zip(number.iter()) {
            let mut limb = limb.to_be_bytes();
            if let Some(low) = limb.get(8 - chunk.len()..) {
                chunk.copy_from_slice(low);
            }
            limb.zeroize();
        }
        SecretBytes::new(bytes)
    }
}

/// Shows the size only: cards' moduli identify cards.
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bytes, {:?})", self.length, self.exponent)
    }
}

#[cfg(test)]
mod tests;
