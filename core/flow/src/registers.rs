//! The till's two DUKPT register files: one for PINs, one for card data.

use alloc::vec::Vec;

use softpos_crypto::dukpt::{DukptError, Registers};
use softpos_crypto::entropy::Entropy;
use softpos_crypto::pin_block::{PinDigits, encipher_format4};
use softpos_crypto::seal::seal_payload;
use softpos_host::SealedData;
use softpos_types::{Code, Pan, SecretBytes, SoftPosError};

/// A checkpoint is written when so many keys have been taken since the last one.
const CHECKPOINT_EVERY: u32 = 16;

/// Both register files, with the counters taken since the last checkpoint.
///
/// A counter is on the disk (in the record of its request) before anything made with its key leaves memory;
/// the checkpoint only shortens what is burnt at the next opening.
#[derive(Debug)]
pub(crate) struct KeyRegisters {
    pin: Registers,
    data: Registers,
    since_checkpoint: u32,
}

/// An enciphered PIN and the counter of its key.
pub(crate) struct PinBlock {
    pub(crate) block: [u8; 16],
    pub(crate) ksn: [u8; 12],
    pub(crate) counter: u32,
}

impl KeyRegisters {
    /// Fresh registers of a key load.
    pub(crate) const fn new(pin: Registers, data: Registers) -> Self {
        Self {
            pin,
            data,
            since_checkpoint: 0,
        }
    }

    /// Reads a checkpoint and burns every counter that may have been used since: up to and with the one
    /// after the highest that the journal knows. Registers of another key set than the journal's are none: a kill came between
    /// their file and the host's confirmation.
    pub(crate) fn restore(
        checkpoint: &SecretBytes,
        ikid: &[u8],
        pin_counter: u32,
        data_counter: u32,
    ) -> Result<Self, DukptError> {
        let bytes = checkpoint.expose();
        let (length, rest) = bytes.split_first_chunk::<2>().ok_or(DukptError::BadCheckpoint)?;
        let (pin, data) = rest
            .split_at_checked(u16::from_be_bytes(*length).into())
            .ok_or(DukptError::BadCheckpoint)?;
        let mut registers = Self::new(
            Registers::from_checkpoint(pin)?,
            Registers::from_checkpoint(data)?,
        );
        if [registers.pin.ikid(), registers.data.ikid()]
            .iter()
            .any(|id| id != ikid)
        {
            return Err(DukptError::BadCheckpoint);
        }
        burn(&mut registers.pin, pin_counter);
        burn(&mut registers.data, data_counter);
        Ok(registers)
    }

    /// Both states: length of the first (2 bytes), the first, the second.
    pub(crate) fn checkpoint(&mut self) -> SecretBytes {
        self.since_checkpoint = 0;
        let (pin, data) = (self.pin.to_checkpoint(), self.data.to_checkpoint());
        let length = u16::try_from(pin.len()).unwrap_or(u16::MAX);
        let mut bytes = Vec::with_capacity(pin.len().saturating_add(data.len()).saturating_add(2));
        bytes.extend(length.to_be_bytes());
        bytes.extend(pin.expose());
        bytes.extend(data.expose());
        SecretBytes::new(bytes)
    }

    /// Whether it is time for a checkpoint.
    pub(crate) const fn checkpoint_due(&self) -> bool {
        self.since_checkpoint >= CHECKPOINT_EVERY
    }

    /// The counter that the next seal will take.
    pub(crate) fn next_data_counter(&self) -> Option<u32> {
        self.data.next_counter()
    }

    /// Enciphers a PIN (ISO 9564 format 4) under a PIN key of its own; the digits are gone afterwards.
    pub(crate) fn encipher_pin(
        &mut self,
        pin: PinDigits,
        pan: &Pan,
        entropy: &mut Entropy,
    ) -> Result<PinBlock, SoftPosError> {
        let drawn = self.pin.draw().map_err(exhausted)?;
        self.since_checkpoint = self.since_checkpoint.saturating_add(1);
        let ksn = drawn.ksn();
        let block = encipher_format4(pin, pan, drawn.into_pin_key(), entropy.array())
            .map_err(|_| SoftPosError::of(Code::PinLength))?;
        Ok(PinBlock {
            block,
            ksn: ksn.to_bytes(),
            counter: ksn.counter(),
        })
    }

    /// Seals card data under a data key of its own.
    pub(crate) fn seal(
        &mut self,
        clear: &[u8],
        additional_data: &[u8],
        entropy: &mut Entropy,
    ) -> Result<SealedData, SoftPosError> {
        let drawn = self.data.draw().map_err(exhausted)?;
        self.since_checkpoint = self.since_checkpoint.saturating_add(1);
        let sealed = seal_payload(drawn.into_data_key(), entropy, additional_data, clear);
        Ok(SealedData {
            ksn: sealed.ksn.to_bytes().to_vec(),
            nonce: sealed.nonce.to_vec(),
            data: sealed.ciphertext_and_tag,
        })
    }
}

/// One counter more than the disk knows of: a kill may have torn the record of the last one.
fn burn(registers: &mut Registers, recorded: u32) {
    let next = registers.next_counter().unwrap_or(0);
    let next = next.max(recorded.saturating_add(1));
    registers.advance_to(next.saturating_add(1));
}

fn exhausted(_: DukptError) -> SoftPosError {
    SoftPosError::of(Code::KeysExhausted)
}
