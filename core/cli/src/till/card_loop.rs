//! The radio's part: one command in, one answer out, until the terminal has what it needs.

use softpos_cards::Presence;
use softpos_terminal::{CardStep, Terminal};
use softpos_types::SoftPosError;

use super::pocket::Pocket;
use crate::clock;

/// Holds a card to the terminal until the terminal lets it go. Afterwards the terminal's steps say what is next: it
/// may ask for a card again.
pub(crate) fn tap(terminal: &Terminal, pocket: &mut Pocket, card: &str) -> Result<(), SoftPosError> {
    let mut step = match pocket.present(card) {
        Presence::Card => terminal.card_present()?,
        Presence::Collision => terminal.card_collision()?,
    };
    while let CardStep::Transmit { capdu } = step {
        let sent = clock::now();
        step = match pocket.transmit(card, &capdu)? {
            Some(rapdu) => {
                let elapsed_us = u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX);
                terminal.card_replied(&rapdu, elapsed_us)?
            }
            None => terminal.card_lost()?,
        };
    }
    pocket.remove(card);
    Ok(())
}
