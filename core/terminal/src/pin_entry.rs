//! The PIN pad's end in the core: digits go in one by one and never come out.

use std::sync::{Arc, Mutex, PoisonError};

use softpos_crypto::pin_block::PinDigits;
use softpos_flow::Event;
use softpos_types::{Code, SoftPosError};

use crate::session::Session;

/// Fewest digits of a PIN (ISO 9564-1).
const MIN_DIGITS: usize = 4;

/// One PIN entry. Only the number of digits can be asked for; they are enciphered at submit and wiped.
pub struct PinEntry {
    session: Arc<Session>,
    digits: Mutex<PinDigits>,
}

impl PinEntry {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self {
            session,
            digits: Mutex::new(PinDigits::new()),
        }
    }

    /// Adds a digit, 0 to 9.
    ///
    /// # Errors
    /// [`Code::PinLength`] after twelve digits, or for anything but a digit.
    pub fn push_digit(&self, digit: u8) -> Result<(), SoftPosError> {
        self.with(|digits| digits.push(digit))
            .map_err(|_| SoftPosError::of(Code::PinLength))
    }

    /// Takes the last digit back.
    pub fn backspace(&self) {
        self.with(PinDigits::backspace);
    }

    /// Takes all digits back.
    pub fn clear(&self) {
        self.with(PinDigits::clear);
    }

    /// How many digits there are: all that a screen may show.
    pub fn len(&self) -> usize {
        self.with(|digits| digits.len())
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Enciphers the PIN and goes on with the payment.
    ///
    /// # Errors
    /// [`Code::PinLength`] with fewer than four digits, which stay; [`Code::NotExpected`] when no PIN is asked for
    /// any more.
    pub fn submit(&self) -> Result<(), SoftPosError> {
        if self.len() < MIN_DIGITS {
            return Err(SoftPosError::of(Code::PinLength));
        }
        if !self.session.look(|flow, _| flow.awaits_pin())? {
            return Err(SoftPosError::of(Code::NotExpected));
        }
        let pin = self.with(|digits| std::mem::replace(digits, PinDigits::new()));
        self.session.feed(Event::PinEntered { pin });
        Ok(())
    }

    /// The customer gives up: the payment ends, nothing is charged.
    pub fn cancel(&self) {
        self.clear();
        self.session.feed(Event::PinCancelled);
    }

    fn with<T>(&self, action: impl FnOnce(&mut PinDigits) -> T) -> T {
        action(&mut self.digits.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for PinEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PinEntry(..)")
    }
}
