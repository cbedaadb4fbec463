//! The customer's pocket: software cards whose counters outlive the program.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use softpos_cards::{Presence, SoftCard, Wallet, profiles};
use softpos_types::SoftPosError;

use super::nearest::nearest;
use crate::data_dir::unreadable;
use crate::failure::Failure;

/// The cards at hand, and the file that keeps their counters.
///
/// An issuer refuses a counter that it has seen, so a new one is in the file before the terminal sees it.
#[derive(Debug)]
pub(crate) struct Pocket {
    wallet: Wallet,
    file: PathBuf,
}

impl Pocket {
    /// Takes the cards out with the counters of the file.
    pub(crate) fn open(file: PathBuf) -> Result<Self, SoftPosError> {
        let mut wallet = Wallet::new();
        match fs::read_to_string(&file) {
            Ok(state) => wallet
                .restore(&state)
                .map_err(|_| unreadable(&file, &std::io::Error::other("these are no counters of cards")))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&file, &error)),
        }
        Ok(Self { wallet, file })
    }

    /// The id of a card by its id, its number in the list, or a beginning that only it has.
    pub(crate) fn find(typed: &str) -> Result<&'static str, Failure> {
        let ids = || profiles().iter().map(|profile| profile.id);
        let by_number = typed
            .parse()
            .ok()
            .and_then(|number: usize| ids().nth(number.checked_sub(1)?));
        if let Some(id) = by_number.or_else(|| ids().find(|id| *id == typed)) {
            return Ok(id);
        }
        let mut begins = ids().filter(|id| !typed.is_empty() && id.starts_with(typed));
        match (begins.next(), begins.next(), nearest(typed, ids())) {
            (Some(id), None, _) => Ok(id),
            (_, _, Some(near)) => Err(Failure::Said {
                key: "till-no-card-near",
                about: near.to_owned(),
            }),
            _ => Err(Failure::Said {
                key: "till-no-card",
                about: typed.to_owned(),
            }),
        }
    }

    /// Brings a card into the field.
    pub(crate) fn present(&mut self, id: &str) -> Presence {
        self.wallet.card(id).map_or(Presence::Card, SoftCard::present)
    }

    /// Takes it out of the field.
    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(card) = self.wallet.card(id) {
            card.remove();
        }
    }

    /// The card's answer to a command; nothing if it has left the field.
    pub(crate) fn transmit(&mut self, id: &str, capdu: &[u8]) -> Result<Option<Vec<u8>>, SoftPosError> {
        let Some(card) = self.wallet.card(id) else {
            return Ok(None);
        };
        let before = card.atc();
        let answer = card.transmit(capdu);
        let counted = card.atc() != before;
        if counted {
            self.keep().map_err(|error| unreadable(&self.file, &error))?;
        }
        Ok(answer.ok())
    }

    fn keep(&self) -> std::io::Result<()> {
        let next = self.file.with_extension("new");
        let mut file = fs::File::create(&next)?;
        file.write_all(self.wallet.state().as_bytes())?;
        file.sync_data()?;
        fs::rename(&next, &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_found_by_id_number_and_beginning() {
        assert_eq!(Pocket::find("visa-approved").unwrap(), "visa-approved");
        assert_eq!(Pocket::find("1").unwrap(), profiles()[0].id);
        assert_eq!(Pocket::find("two").unwrap(), "two-cards");
        for wrong in ["visa", "0", "99", "", "visa-aproved"] {
            assert!(Pocket::find(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_damaged_file_is_refused_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cards");
        fs::write(&file, "visa-approved=many\n").unwrap();
        assert!(Pocket::open(file.clone()).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "visa-approved=many\n");
    }

    #[test]
    fn counters_outlive_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cards");
        let mut pocket = Pocket::open(file.clone()).unwrap();
        pocket.wallet.restore("visa-approved=7\n").unwrap();
        pocket.keep().unwrap();
        let mut again = Pocket::open(file).unwrap();
        assert_eq!(again.wallet.card("visa-approved").unwrap().atc(), 7);
    }
}
