//! All named cards at hand, with counters that survive the program.

use std::fmt::Write as _;

use crate::card::SoftCard;
use crate::profile::profiles;

/// The kept counters cannot be read: nothing was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateError;

/// One card of every profile.
#[derive(Debug)]
pub struct Wallet {
    cards: Vec<SoftCard>,
}

impl Default for Wallet {
    fn default() -> Self {
        Self::new()
    }
}

impl Wallet {
    /// New cards with counters at 0.
    pub fn new() -> Self {
        Self {
            cards: profiles().iter().map(SoftCard::new).collect(),
        }
    }

    /// A card by its id.
    pub fn card(&mut self, id: &str) -> Option<&mut SoftCard> {
        self.cards.iter_mut().find(|card| card.profile().id == id)
    }

    /// The counters as text, one `id=number` a line, for a small file. An issuer refuses a counter that comes
    /// again, so a program that forgets them gets its cards declined.
    pub fn state(&self) -> String {
        let mut text = String::new();
        for card in &self.cards {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}={}", card.profile().id, card.atc());
        }
        text
    }

    /// Takes counters back; ids of cards that no longer exist are left out.
    ///
    /// # Errors
    /// [`StateError`] for a line that is not `id=number`; no counter changes then.
    pub fn restore(&mut self, state: &str) -> Result<(), StateError> {
        let counters: Vec<(&str, u16)> = state
            .lines()
            .map(|line| {
                let (id, number) = line.split_once('=').ok_or(StateError)?;
                Ok((id, number.parse().map_err(|_| StateError)?))
            })
            .collect::<Result<_, _>>()?;
        for (id, atc) in counters {
            if let Some(card) = self.card(id) {
                card.restore_atc(atc);
            }
        }
        Ok(())
    }
}
