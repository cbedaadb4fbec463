//! A symbol in half blocks for a terminal.

use alloc::string::String;
use alloc::vec::Vec;

use super::Symbol;

/// What the characters of [`Symbol::blocks`] stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// A full block is dark: for a terminal that is told to write black on white.
    Dark,
    /// A full block is light: right on a dark terminal without colours; most readers take the inverted code of a
    /// light one as well.
    Light,
}

impl Symbol {
    /// Rows of text, each for two rows of modules, with the quiet zone.
    pub fn blocks(&self, ink: Ink) -> Vec<String> {
        let side = self.drawn_side();
        let is_inked = |x, y| self.is_dark_drawn(x, y) == (ink == Ink::Dark);
        let row = |y: usize| {
            (0..side)
                .map(|x| match (is_inked(x, y), is_inked(x, y.saturating_add(1))) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                })
                .collect()
        };
        (0..side).step_by(2).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{Purpose, QUIET_ZONE};

    const TEXT: &str = "softpos:activate?v=1&host=https%3A%2F%2F127.0.0.1%3A8443&pin=x&code=01234-56789";

    #[test]
    fn two_modules_share_a_character_and_the_quiet_zone_is_light() {
        let symbol = Symbol::new(TEXT, Purpose::Screen).unwrap();
        let (dark, light) = (symbol.blocks(Ink::Dark), symbol.blocks(Ink::Light));
        assert_eq!(dark.len(), symbol.drawn_side().div_ceil(2));
        assert!(dark.iter().all(|row| row.chars().count() == symbol.drawn_side()));
        assert!(dark[0].chars().all(|c| c == ' ') && light[0].chars().all(|c| c == '█'));
        for (y, row) in light
            .iter()
            .enumerate()
            .skip(QUIET_ZONE / 2)
            .take(symbol.side() / 2)
        {
            for (x, block) in row.chars().enumerate().skip(QUIET_ZONE).take(symbol.side()) {
                let upper_is_dark = !matches!(block, '█' | '▀');
                assert_eq!(
                    upper_is_dark,
                    symbol.is_dark(x - QUIET_ZONE, 2 * y - QUIET_ZONE),
                    "{x} {y}"
                );
            }
        }
    }
}
