//! The terminal's side of DUKPT: 32 registers that forget every key they give out.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use softpos_types::SecretBytes;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{DerivationData, DukptError, Ksn, LAST_COUNTER, Usage, aes_working_key};
use crate::aes_key::{AesKey, AesLength};
use crate::pin_block::PinKey;
use crate::scrub::scrubbed;
use crate::seal::DataKey;

/// First byte of a checkpoint.
const CHECKPOINT_VERSION: u8 = 1;
/// Version, key bytes, id, counter.
const CHECKPOINT_HEADER: usize = 14;

/// The keys a terminal can still derive, and the counter of the next one.
///
/// Register `b` holds the key of the counter that has bit `b` as its lowest set bit. What was given out
/// cannot be derived again: the register is wiped.
pub struct Registers {
    ikid: [u8; 8],
    /// The counter of the next key, 0 when there is none.
    next: u32,
    length: AesLength,
    keys: RegisterFile,
}

/// A transaction key of the terminal, for one use.
///
/// Nothing computed with it may leave memory before its counter is on the disk.
pub struct Drawn {
    ksn: Ksn,
    key: AesKey,
}

/// On the heap, so that moving it leaves no copy.
#[derive(ZeroizeOnDrop)]
struct RegisterFile(Box<[[u8; 32]; 32]>);

impl Registers {
    /// Fills the registers from the initial key, which is gone afterwards.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the initial key must not outlive this"
    )]
    pub fn load(ik: AesKey, ikid: [u8; 8]) -> Self {
        let length = ik.length();
        let mut keys = RegisterFile(Box::new([[0; 32]; 32]));
        scrubbed(|| {
            let cipher = ik.encryptor();
            for (register, bit) in keys.0.iter_mut().zip(0..) {
                DerivationData::transaction(length, ikid, 1 << bit).derive(&cipher, used(register, length));
            }
        });
        Self {
            ikid,
            next: 1,
            length,
            keys,
        }
    }

    /// Takes the next key out of the registers.
    ///
    /// # Errors
    /// [`DukptError::Exhausted`] if there is none.
    pub fn draw(&mut self) -> Result<Drawn, DukptError> {
        let ksn = Ksn::new(self.ikid, self.next).map_err(|_| DukptError::Exhausted)?;
        let key = scrubbed(|| self.step());
        Ok(Drawn { ksn, key })
    }

    /// Burns all counters below this one, so that [`Registers::draw`] gives it or a later one.
    ///
    /// Never goes back: a lower counter changes nothing. Called when the store opens, with one more than the highest
    /// counter that anybody remembers.
    pub fn advance_to(&mut self, counter: u32) {
        scrubbed(|| {
            while self.next != 0 && self.next < counter {
                let bit = self.next.trailing_zeros();
                match self.next.checked_add(1 << bit) {
                    // All keys below this register are to be burnt: wiping it does that.
                    Some(after) if after <= counter => {
                        self.wipe(bit);
                        self.next = after;
                    }
                    Some(_) | None => drop(self.step()),
                }
            }
        });
    }

    /// The id of the initial key.
    pub const fn ikid(&self) -> [u8; 8] {
        self.ikid
    }

    /// The counter of the next key, if there is one.
    pub fn next_counter(&self) -> Option<u32> {
        (self.next != 0).then_some(self.next)
    }

    /// The state to be sealed and kept: version 01, key length in bytes, id (8), next counter (4), 32 registers.
    pub fn to_checkpoint(&self) -> SecretBytes {
        let length = self.length.bytes();
        // Exactly as long as needed: a buffer that grows would leave copies of the keys behind.
        let mut bytes = Vec::with_capacity(CHECKPOINT_HEADER + 32 * length);
        bytes.push(CHECKPOINT_VERSION);
        bytes.extend(u8::try_from(length));
        bytes.extend(self.ikid);
        bytes.extend(self.next.to_be_bytes());
        for register in self.keys.0.iter() {
            bytes.extend(register.iter().take(length));
        }
        SecretBytes::new(bytes)
    }

    /// Reads what [`Registers::to_checkpoint`] wrote.
    ///
    /// # Errors
    /// [`DukptError::BadCheckpoint`] for anything else.
    pub fn from_checkpoint(bytes: &[u8]) -> Result<Self, DukptError> {
        let (header, registers) = bytes
            .split_first_chunk::<CHECKPOINT_HEADER>()
            .ok_or(DukptError::BadCheckpoint)?;
        let [CHECKPOINT_VERSION, length, rest @ ..] = header else {
            return Err(DukptError::BadCheckpoint);
        };
        let length = AesLength::from_bytes((*length).into()).map_err(|_| DukptError::BadCheckpoint)?;
        let [i0, i1, i2, i3, i4, i5, i6, i7, c0, c1, c2, c3] = *rest;
        let next = u32::from_be_bytes([c0, c1, c2, c3]);
        if registers.len() != 32 * length.bytes() || next.count_ones() > 16 {
            return Err(DukptError::BadCheckpoint);
        }
        let mut keys = RegisterFile(Box::new([[0; 32]; 32]));
        for (register, saved) in keys.0.iter_mut().zip(registers.chunks(length.bytes())) {
            used(register, length).copy_from_slice(saved);
        }
        Ok(Self {
            ikid: [i0, i1, i2, i3, i4, i5, i6, i7],
            next,
            length,
            keys,
        })
    }

    /// The key of the next counter; refills the registers below it, wipes its own, moves the counter.
    fn step(&mut self) -> AesKey {
        let (counter, bit) = (self.next, self.next.trailing_zeros());
        let position = usize::try_from(bit).unwrap_or(usize::MAX);
        let (below, from) = self.keys.0.split_at_mut_checked(position).unwrap_or_default();
        let key = AesKey::build(self.length, |key| {
            let register = from.first().map(<[u8; 32]>::as_slice).unwrap_or_default();
            key.iter_mut()
                .zip(register)
                .for_each(|(byte, kept)| *byte = *kept);
        });
        self.next = if counter.count_ones() < 16 {
            let cipher = key.encryptor();
            for (register, lower) in below.iter_mut().zip(0..) {
                let data = DerivationData::transaction(self.length, self.ikid, counter | 1 << lower);
                data.derive(&cipher, used(register, self.length));
            }
            counter + 1
        } else {
            counter
                .checked_add(1 << bit)
                .filter(|next| *next <= LAST_COUNTER)
                .unwrap_or(0)
        };
        self.wipe(bit);
        key
    }

    fn wipe(&mut self, bit: u32) {
        let register = usize::try_from(bit).ok().and_then(|bit| self.keys.0.get_mut(bit));
        register.into_iter().for_each(Zeroize::zeroize);
    }
}

impl Drawn {
    /// Which key it is.
    pub const fn ksn(&self) -> Ksn {
        self.ksn
    }

    /// The working key that seals one card payload.
    pub fn into_data_key(self) -> DataKey {
        DataKey::new(self.ksn, aes_working_key(&self.key, self.ksn, Usage::DataEncrypt))
    }

    /// The working key that enciphers one PIN.
    pub fn into_pin_key(self) -> PinKey {
        PinKey::new(aes_working_key(&self.key, self.ksn, Usage::Pin))
    }

    #[cfg(test)]
    pub(super) fn key(&self) -> &AesKey {
        &self.key
    }
}

impl fmt::Debug for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Registers({:016X}, next {:08X})",
            u64::from_be_bytes(self.ikid),
            self.next
        )
    }
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Drawn({})", self.ksn)
    }
}

/// The part of a register that a key of this length uses.
fn used(register: &mut [u8; 32], length: AesLength) -> &mut [u8] {
    register.get_mut(..length.bytes()).unwrap_or_default()
}
