//! Triple DES DUKPT (ANSI X9.24-1:2009): 21 bits of counter, at most ten of them set.
//!
//! The host derives by [`transaction_key`]; a terminal holds [`Registers`] and never the initial key.

use alloc::boxed::Box;
use core::fmt;

use softpos_types::SecretArray;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::tdes_key::encrypt_single;
use crate::scrub::scrubbed;
use crate::tdes::{Block, encrypt_with, halves, two_key, xor};

/// How many bits the counter has.
const COUNTER_BITS: usize = 21;
/// The highest counter.
const COUNTER_MASK: u32 = 0x1F_FFFF;
/// Counters with more bits set are skipped.
const MAX_BITS_SET: u32 = 10;
/// Told apart from the key itself by this mask, on both halves.
const HALF_MASK: Block = [0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0];

/// Names one transaction key: key set, device and 21 bits of counter, 10 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ksn([u8; 10]);

/// A counter that no transaction can have, or no counter left. The way out is a new initial key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterError;

/// What a working key is for: a mask over both halves of the transaction key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Enciphers PIN blocks.
    Pin,
    /// Authenticates what the terminal sends.
    MacRequest,
    /// Authenticates what the host answers.
    MacResponse,
    /// Enciphers what the terminal sends.
    DataRequest,
    /// Enciphers what the host answers.
    DataResponse,
}

/// The keys a terminal can still derive. Register `b` holds the key of the counter that has bit `b` as its lowest.
pub struct Registers {
    /// Of the next key, or counter 0 when there is none.
    next: Ksn,
    keys: RegisterFile,
}

/// On the heap, so that moving it leaves no copy.
#[derive(ZeroizeOnDrop)]
struct RegisterFile(Box<[[u8; 16]; COUNTER_BITS]>);

impl Ksn {
    /// A KSN of any counter, 0 for the initial key's own.
    pub const fn from_bytes(bytes: [u8; 10]) -> Self {
        Self(bytes)
    }

    /// The 10 bytes.
    pub const fn to_bytes(self) -> [u8; 10] {
        self.0
    }

    /// The 21 lowest bits.
    pub const fn counter(self) -> u32 {
        let [.., a, b, c] = self.0;
        u32::from_be_bytes([0, a, b, c]) & COUNTER_MASK
    }

    const fn with_counter(self, counter: u32) -> Self {
        let [i0, i1, i2, i3, i4, i5, i6, top, _, _] = self.0;
        let [_, a, b, c] = (counter & COUNTER_MASK).to_be_bytes();
        Self([i0, i1, i2, i3, i4, i5, i6, (top & 0xE0) | a, b, c])
    }

    /// The 8 bytes that the derivation registers: all but the two first.
    const fn register(self) -> Block {
        let [_, _, rest @ ..] = self.0;
        rest
    }
}

/// The initial key of a terminal from the base derivation key; the counter in the KSN does not matter.
pub fn initial_key(bdk: &SecretArray<16>, ksn: Ksn) -> SecretArray<16> {
    let [i0, i1, i2, i3, i4, i5, i6, i7, ..] = ksn.with_counter(0).0;
    let name = [i0, i1, i2, i3, i4, i5, i6, i7];
    scrubbed(|| {
        let (left, right) = halves(bdk);
        build(
            encipher(left, right, name),
            encipher(xor(left, HALF_MASK), xor(right, HALF_MASK), name),
        )
    })
}

/// The host's side: the key of a transaction from the initial key.
pub fn transaction_key(initial: &SecretArray<16>, ksn: Ksn) -> SecretArray<16> {
    scrubbed(|| {
        let mut key = halves(initial);
        let mut reached = 0;
        for bit in (0..COUNTER_BITS).rev().map(|bit| 1 << bit) {
            if ksn.counter() & bit != 0 {
                reached |= bit;
                key = next_key(key, ksn.with_counter(reached).register());
            }
        }
        build(key.0, key.1)
    })
}

/// The key for one use of a transaction. Data keys are enciphered under themselves, so that they reveal no other.
pub fn working_key(transaction_key: &SecretArray<16>, usage: Usage) -> SecretArray<16> {
    let place = match usage {
        Usage::Pin => 7,
        Usage::MacRequest => 6,
        Usage::MacResponse => 4,
        Usage::DataRequest => 5,
        Usage::DataResponse => 3,
    };
    let mask: Block = core::array::from_fn(|byte| if byte == place { 0xFF } else { 0 });
    scrubbed(|| {
        let (left, right) = halves(transaction_key);
        let (left, right) = (xor(left, mask), xor(right, mask));
        match usage {
            Usage::DataRequest | Usage::DataResponse => {
                build(encipher(left, right, left), encipher(left, right, right))
            }
            Usage::Pin | Usage::MacRequest | Usage::MacResponse => build(left, right),
        }
    })
}

impl Registers {
    /// Fills the registers from the initial key, which is gone afterwards.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the initial key must not outlive this"
    )]
    pub fn load(initial: SecretArray<16>, ksn: Ksn) -> Self {
        let mut keys = RegisterFile(Box::new([[0; 16]; COUNTER_BITS]));
        scrubbed(|| {
            let key = halves(&initial);
            for (register, bit) in keys.0.iter_mut().zip(0..) {
                write(register, next_key(key, ksn.with_counter(1 << bit).register()));
            }
        });
        Self {
            next: ksn.with_counter(1),
            keys,
        }
    }

    /// Takes the next key out of the registers. Nothing computed with it may leave memory before its counter is on
    /// the disk.
    ///
    /// # Errors
    /// [`CounterError`] if there is none left.
    pub fn draw(&mut self) -> Result<(Ksn, SecretArray<16>), CounterError> {
        let (ksn, counter) = (self.next, self.next.counter());
        if counter == 0 {
            return Err(CounterError);
        }
        let bit = counter.trailing_zeros();
        let (below, register) = usize::try_from(bit)
            .ok()
            .and_then(|bit| self.keys.0.split_at_mut_checked(bit))
            .and_then(|(below, rest)| Some((below, rest.first_mut()?)))
            .ok_or(CounterError)?;
        let drawn = SecretArray::take(register);
        let step = if counter.count_ones() < MAX_BITS_SET {
            scrubbed(|| {
                let key = halves(&drawn);
                for (register, bit) in below.iter_mut().zip(0..) {
                    write(
                        register,
                        next_key(key, ksn.with_counter(counter | 1 << bit).register()),
                    );
                }
            });
            1
        } else {
            1 << bit
        };
        // Past the last counter only 0 is left, which names no transaction.
        self.next = ksn.with_counter((counter + step) & COUNTER_MASK);
        Ok((ksn, drawn))
    }
}

/// Non-reversible key generation (X9.24-1:2009 A.2).
fn next_key((left, right): (Block, Block), register: Block) -> (Block, Block) {
    let half = |left: Block, right: Block| xor(encrypt_single(left, xor(register, right)), right);
    (
        half(xor(left, HALF_MASK), xor(right, HALF_MASK)),
        half(left, right),
    )
}

/// One block under two-key triple DES.
fn encipher(left: Block, right: Block, block: Block) -> Block {
    encrypt_with(&two_key(&build(left, right)), block)
}

fn build(mut left: Block, mut right: Block) -> SecretArray<16> {
    let key = SecretArray::build(|key| write(key, (left, right)));
    left.zeroize();
    right.zeroize();
    key
}

fn write(key: &mut [u8; 16], (left, right): (Block, Block)) {
    key.iter_mut()
        .zip(left.into_iter().chain(right))
        .for_each(|(byte, half)| *byte = half);
}

impl fmt::Debug for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registers")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
