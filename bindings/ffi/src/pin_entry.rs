//! The PIN pad's end in the core: digits go in one by one and never come out.

use softpos_terminal as terminal;

use crate::error::SoftPosError;
use crate::guard;

/// One PIN entry. Only the number of digits can be asked for; they are enciphered at submit and wiped.
#[derive(Debug, uniffi::Object)]
pub struct PinEntry(pub(crate) terminal::PinEntry);

#[uniffi::export]
impl PinEntry {
    /// Adds a digit, 0 to 9. InvalidInput with the code `pin_length` after twelve, or for anything but a digit.
    pub fn push_digit(&self, digit: u8) -> Result<(), SoftPosError> {
        guard::call(|| self.0.push_digit(digit))
    }

    /// Takes the last digit back.
    pub fn backspace(&self) -> Result<(), SoftPosError> {
        guard::run(|| self.0.backspace())
    }

    /// Takes all digits back.
    pub fn clear(&self) -> Result<(), SoftPosError> {
        guard::run(|| self.0.clear())
    }

    /// How many digits there are: all that a screen may show.
    pub fn length(&self) -> Result<u32, SoftPosError> {
        guard::call(|| Ok(u32::try_from(self.0.len()).unwrap_or(u32::MAX)))
    }

    /// Enciphers the PIN and goes on with the payment. With fewer than four digits they stay and `pin_length` is
    /// thrown; `not_expected` when no PIN is asked for any more.
    pub fn submit(&self) -> Result<(), SoftPosError> {
        guard::call(|| self.0.submit())
    }

    /// The customer gives up: the payment ends, nothing is charged.
    pub fn cancel(&self) -> Result<(), SoftPosError> {
        guard::run(|| self.0.cancel())
    }
}
