//! Software cards as objects that answer commands.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use softpos_cards::{Presence, SoftCard, Wallet};
use softpos_types as types;
use softpos_types::Code;

use crate::error::SoftPosError;
use crate::guard;

/// Why a card does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Error)]
pub enum CardGoneError {
    /// It is not, or no longer, in the field.
    NotInField,
}

/// All software cards, with counters that a file can keep: an issuer refuses a counter that comes again.
#[derive(Debug, uniffi::Object)]
pub struct SandboxWallet {
    cards: Arc<Mutex<Wallet>>,
}

/// A software card.
#[derive(Debug, uniffi::Object)]
pub struct SandboxCard {
    id: String,
    cards: Arc<Mutex<Wallet>>,
}

#[uniffi::export]
impl SandboxWallet {
    /// New cards with counters at 0.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            cards: Arc::default(),
        })
    }

    /// The names of the cards, as `visa-approved`.
    pub fn ids(&self) -> Vec<String> {
        let profiles = softpos_cards::profiles();
        profiles.iter().map(|profile| profile.id.to_owned()).collect()
    }

    /// A card by its name; InvalidInput if there is none.
    pub fn card(&self, id: &str) -> Result<Arc<SandboxCard>, SoftPosError> {
        guard::call(|| {
            let card = lock(&self.cards)
                .card(id)
                .map(|card| card.profile().id.to_owned());
            let id = card.ok_or_else(|| invalid("no card has this name"))?;
            Ok(Arc::new(SandboxCard {
                id,
                cards: Arc::clone(&self.cards),
            }))
        })
    }

    /// The counters as text for a small file.
    pub fn state(&self) -> String {
        lock(&self.cards).state()
    }

    /// Takes counters back; InvalidInput if the text is none of state's, and nothing changes.
    pub fn restore(&self, state: &str) -> Result<(), SoftPosError> {
        guard::call(|| {
            lock(&self.cards)
                .restore(state)
                .map_err(|_| invalid("not the counters of cards"))
        })
    }
}

#[uniffi::export]
impl SandboxCard {
    /// Comes into the field; false if a second card is there as well.
    pub fn present(&self) -> bool {
        self.with(SoftCard::present) == Some(Presence::Card)
    }

    /// Leaves the field.
    pub fn remove(&self) {
        self.with(SoftCard::remove);
    }

    /// Answers a command APDU.
    pub fn transmit(&self, capdu: &[u8]) -> Result<Vec<u8>, CardGoneError> {
        self.with(|card| card.transmit(capdu).ok())
            .flatten()
            .ok_or(CardGoneError::NotInField)
    }
}

impl SandboxCard {
    fn with<T>(&self, action: impl FnOnce(&mut SoftCard) -> T) -> Option<T> {
        lock(&self.cards).card(&self.id).map(action)
    }
}

impl fmt::Display for CardGoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no card in the field")
    }
}

impl std::error::Error for CardGoneError {}

fn lock(cards: &Mutex<Wallet>) -> MutexGuard<'_, Wallet> {
    cards.lock().unwrap_or_else(PoisonError::into_inner)
}

fn invalid(detail: &str) -> types::SoftPosError {
    types::SoftPosError::of(Code::NotExpected).with_detail(detail)
}
