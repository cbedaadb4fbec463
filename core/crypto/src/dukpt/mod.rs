//! AES DUKPT (ANSI X9.24-3-2017): a new key for every transaction, from one initial key.
//!
//! The terminal holds [`Registers`] and never the initial key; the host derives the same keys from the initial key by
//! [`transaction_key`]. A key is named by its [`Ksn`].

mod registers;

use alloc::string::ToString;
use alloc::vec;
use core::fmt;
use core::str::FromStr;

use aes::cipher::consts::U16;
use aes::cipher::{Array, BlockCipherEncrypt, Key, KeyInit};
use aes::{Aes128Enc, Aes192Enc, Aes256Enc};
use softpos_types::{SecretArray, SecretBytes};

use crate::aes_key::{AesKey, AesLength, Block, Bytes, Encryptor};
use crate::scrub::scrubbed;
pub use registers::{Drawn, Registers};

/// The last counter: the 16 highest bits.
const LAST_COUNTER: u32 = 0xFFFF_0000;

/// The counter that stands for the key under which a new initial key arrives; no transaction has it.
const UPDATE_COUNTER: u32 = 0xFFFF_FFFF;

/// Names one transaction key: 8 bytes of initial key id, 4 bytes of counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ksn {
    ikid: [u8; 8],
    counter: u32,
}

/// What a working key is for. The number is its key usage indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Usage {
    /// Enciphers keys.
    KeyEncryption = 0x0002,
    /// Enciphers PIN blocks.
    Pin = 0x1000,
    /// Authenticates what the terminal sends.
    MacGenerate = 0x2000,
    /// Authenticates what the terminal receives.
    MacVerify = 0x2001,
    /// Authenticates both ways.
    MacBoth = 0x2002,
    /// Enciphers what the terminal sends.
    DataEncrypt = 0x3000,
    /// Deciphers what the terminal receives.
    DataDecrypt = 0x3001,
    /// Enciphers both ways.
    DataBoth = 0x3002,
}

/// Which algorithm a working key is for, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// Triple DES with two keys, 16 bytes.
    Tdes2,
    /// Triple DES with three keys, 24 bytes.
    Tdes3,
    /// AES.
    Aes(AesLength),
    /// HMAC with a key of so many bits.
    Hmac(AesLength),
}

/// What DUKPT refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DukptError {
    /// All keys are used up: a new initial key is needed.
    Exhausted,
    /// A working key would be stronger than the key it comes from.
    KeyTooStrong,
    /// The KSN names no key: wrong length, wrong spelling, or a counter with none or more than 16 bits set.
    BadKsn,
    /// The saved registers cannot be read.
    BadCheckpoint,
}

impl Ksn {
    /// Puts a KSN together.
    ///
    /// # Errors
    /// [`DukptError::BadKsn`] unless 1 to 16 bits of the counter are set.
    pub const fn new(ikid: [u8; 8], counter: u32) -> Result<Self, DukptError> {
        if matches!(counter.count_ones(), 1..=16) {
            Ok(Self { ikid, counter })
        } else {
            Err(DukptError::BadKsn)
        }
    }

    /// Reads the 12 bytes: id, then counter, big-endian.
    ///
    /// # Errors
    /// [`DukptError::BadKsn`] for another length or a counter that names no key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DukptError> {
        let (ikid, counter) = bytes.split_first_chunk().ok_or(DukptError::BadKsn)?;
        let counter = counter.try_into().map_err(|_| DukptError::BadKsn)?;
        Self::new(*ikid, u32::from_be_bytes(counter))
    }

    /// The 12 bytes.
    pub fn to_bytes(self) -> [u8; 12] {
        let number = u128::from(u64::from_be_bytes(self.ikid)) << 32 | u128::from(self.counter);
        let [_, _, _, _, bytes @ ..] = number.to_be_bytes();
        bytes
    }

    /// The id of the initial key.
    pub const fn ikid(self) -> [u8; 8] {
        self.ikid
    }

    /// The transaction counter.
    pub const fn counter(self) -> u32 {
        self.counter
    }
}

/// 24 upper-case hex digits.
impl fmt::Display for Ksn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}{:08X}", u64::from_be_bytes(self.ikid), self.counter)
    }
}

/// Accepts what `Display` writes, nothing else.
impl FromStr for Ksn {
    type Err = DukptError;

    fn from_str(text: &str) -> Result<Self, DukptError> {
        let number = u128::from_str_radix(text, 16).map_err(|_| DukptError::BadKsn)?;
        let [_, _, _, _, bytes @ ..] = number.to_be_bytes();
        let ksn = Self::from_bytes(&bytes)?;
        if ksn.to_string() == text {
            Ok(ksn)
        } else {
            Err(DukptError::BadKsn)
        }
    }
}

impl KeyType {
    /// Algorithm indicator and length in bits.
    const fn indicator(self) -> (u16, u16) {
        const fn bits(length: AesLength) -> u16 {
            match length {
                AesLength::Aes128 => 128,
                AesLength::Aes192 => 192,
                AesLength::Aes256 => 256,
            }
        }
        const fn algorithm(length: AesLength) -> u16 {
            match length {
                AesLength::Aes128 => 2,
                AesLength::Aes192 => 3,
                AesLength::Aes256 => 4,
            }
        }
        match self {
            Self::Tdes2 => (0, 128),
            Self::Tdes3 => (1, 192),
            Self::Aes(length) => (algorithm(length), bits(length)),
            Self::Hmac(length) => (5, bits(length)),
        }
    }

    /// Triple DES is weaker than any AES, whatever its length.
    fn stronger_than(self, key: AesLength) -> bool {
        match self {
            Self::Tdes2 | Self::Tdes3 => false,
            Self::Aes(length) | Self::Hmac(length) => length > key,
        }
    }
}

/// The host's first step: the initial key of one terminal, as strong as the base derivation key.
pub fn initial_key(bdk: &AesKey, ikid: [u8; 8]) -> AesKey {
    let (algorithm, bits) = KeyType::Aes(bdk.length()).indicator();
    let data = DerivationData {
        usage: 0x8001,
        algorithm,
        bits,
        context: u64::from_be_bytes(ikid),
    };
    AesKey::build(bdk.length(), |key| data.derive(&bdk.encryptor(), key))
}

/// The host's second step: the transaction key that a KSN names.
///
/// Leaves copies on the stack, so that its cost is the derivation's alone; [`crate::scrub::scrubbed`] is the
/// caller's affair. The terminal draws its keys from [`Registers`], which does.
pub fn transaction_key(ik: &AesKey, ksn: Ksn) -> AesKey {
    AesKey(match &ik.0 {
        Bytes::Aes128(key) => Bytes::Aes128(walk::<Aes128Enc, 16>(key, AesLength::Aes128, ksn)),
        Bytes::Aes192(key) => Bytes::Aes192(walk::<Aes192Enc, 24>(key, AesLength::Aes192, ksn)),
        Bytes::Aes256(key) => Bytes::Aes256(walk::<Aes256Enc, 32>(key, AesLength::Aes256, ksn)),
    })
}

/// A working key of any type, from the transaction key of the same KSN.
///
/// # Errors
/// [`DukptError::KeyTooStrong`] if it would be stronger than the transaction key.
pub fn working_key(
    transaction_key: &AesKey,
    ksn: Ksn,
    usage: Usage,
    kind: KeyType,
) -> Result<SecretBytes, DukptError> {
    if kind.stronger_than(transaction_key.length()) {
        return Err(DukptError::KeyTooStrong);
    }
    let data = DerivationData::working(usage, kind, ksn);
    Ok(scrubbed(|| {
        let mut key = vec![0; usize::from(data.bits / 8)];
        data.derive(&transaction_key.encryptor(), &mut key);
        SecretBytes::new(key)
    }))
}

/// An AES working key as strong as its transaction key.
pub fn aes_working_key(transaction_key: &AesKey, ksn: Ksn, usage: Usage) -> AesKey {
    let length = transaction_key.length();
    let data = DerivationData::working(usage, KeyType::Aes(length), ksn);
    scrubbed(|| AesKey::build(length, |key| data.derive(&transaction_key.encryptor(), key)))
}

/// The key under which the host can send a terminal its next initial key.
///
/// # Errors
/// [`DukptError::KeyTooStrong`] if it would be stronger than the initial key.
pub fn update_key(ik: &AesKey, ikid: [u8; 8], kind: KeyType) -> Result<SecretBytes, DukptError> {
    let ksn = Ksn {
        ikid,
        counter: UPDATE_COUNTER,
    };
    working_key(&transaction_key(ik, ksn), ksn, Usage::KeyEncryption, kind)
}

/// The counter after this one: at most 16 bits set.
///
/// # Errors
/// [`DukptError::Exhausted`] after the last one.
pub const fn next_counter(counter: u32) -> Result<u32, DukptError> {
    if counter >= LAST_COUNTER {
        return Err(DukptError::Exhausted);
    }
    let mut next = counter + 1;
    while next.count_ones() > 16 {
        next += 1 << next.trailing_zeros();
    }
    Ok(next)
}

/// The 16 bytes that are enciphered to derive a key, but for the block number.
#[derive(Clone, Copy)]
struct DerivationData {
    usage: u16,
    algorithm: u16,
    bits: u16,
    context: u64,
}

impl DerivationData {
    /// A transaction key under another.
    fn transaction(length: AesLength, ikid: [u8; 8], counter: u32) -> Self {
        let (algorithm, bits) = KeyType::Aes(length).indicator();
        Self {
            usage: 0x8000,
            algorithm,
            bits,
            context: context(ikid, counter),
        }
    }

    fn working(usage: Usage, kind: KeyType, ksn: Ksn) -> Self {
        let (algorithm, bits) = kind.indicator();
        Self {
            usage: usage as u16,
            algorithm,
            bits,
            context: context(ksn.ikid, ksn.counter),
        }
    }

    /// Version 01, block number, usage, algorithm, bits, context.
    fn block(self, number: u8) -> Block {
        let head = 1 << 56
            | u64::from(number) << 48
            | u64::from(self.usage) << 32
            | u64::from(self.algorithm) << 16
            | u64::from(self.bits);
        (u128::from(head) << 64 | u128::from(self.context)).to_be_bytes()
    }

    /// One AES call for each 16 bytes of the key.
    fn derive(self, cipher: &Encryptor, key: &mut [u8]) {
        for (chunk, number) in key.chunks_mut(16).zip(1..) {
            let mut block = self.block(number);
            cipher.encrypt(&mut block);
            chunk
                .iter_mut()
                .zip(block)
                .for_each(|(byte, derived)| *byte = derived);
        }
    }
}

/// From the initial key down: for every set counter bit, from the top, derive with the bits so far.
fn walk<C, const N: usize>(ik: &SecretArray<N>, length: AesLength, ksn: Ksn) -> SecretArray<N>
where
    C: KeyInit + BlockCipherEncrypt<BlockSize = U16>,
    for<'a> &'a Key<C>: From<&'a [u8; N]>,
{
    SecretArray::build(|key| {
        key.copy_from_slice(ik.expose());
        let (mut left, mut counter) = (ksn.counter, 0);
        while left != 0 {
            let bit = 1 << left.ilog2();
            left ^= bit;
            counter |= bit;
            let data = DerivationData::transaction(length, ksn.ikid, counter);
            let cipher = C::new((&*key).into());
            for (chunk, number) in key.chunks_mut(16).zip(1..) {
                let mut block = Array::from(data.block(number));
                cipher.encrypt_block(&mut block);
                chunk.copy_from_slice(block.get(..chunk.len()).unwrap_or_default());
            }
        }
    })
}

/// The second half of the id, then the counter.
fn context(ikid: [u8; 8], counter: u32) -> u64 {
    u64::from_be_bytes(ikid) << 32 | u64::from(counter)
}

#[cfg(test)]
mod tests;
