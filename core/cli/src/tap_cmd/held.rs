//! What is held to the reader of a tap: a software card, or with the feature `pcsc` a real one.

use softpos_cards::{Presence, SoftCard};
use zeroize::Zeroizing;

use crate::clock;
use crate::failure::Failure;

/// A card that comes into the field, answers and leaves.
pub(super) trait Held {
    /// Waits until it is in the field, powered, with nothing selected.
    fn present(&mut self) -> Result<Presence, Failure>;

    /// Its answer to a command; nothing if it has left the field.
    fn transmit(&mut self, command: &[u8]) -> Result<Option<Answer>, Failure>;

    /// Takes it out of the field, or its power away.
    fn remove(&mut self);
}

/// What a card answered, status word included.
pub(super) struct Answer {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Microseconds from the command to the answer.
    pub(super) elapsed_us: u32,
}

impl Answer {
    /// `ask` times itself: nothing but the exchange is counted.
    pub(super) fn timed<E>(ask: impl FnOnce() -> Result<Vec<u8>, E>) -> Result<Self, E> {
        let sent = clock::now();
        let bytes = ask()?;
        Ok(Self {
            elapsed_us: u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX),
            bytes: Zeroizing::new(bytes),
        })
    }
}

impl Held for SoftCard {
    fn present(&mut self) -> Result<Presence, Failure> {
        Ok(Self::present(self))
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Option<Answer>, Failure> {
        let answer = Answer::timed(|| Self::transmit(self, command)).ok();
        Ok(answer.map(|answer| Answer {
            elapsed_us: answer.elapsed_us.saturating_add(self.delay_us()),
            ..answer
        }))
    }

    fn remove(&mut self) {
        Self::remove(self);
    }
}
