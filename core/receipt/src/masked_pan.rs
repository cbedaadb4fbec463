//! A card number as a slip may show it.

use core::fmt;

use softpos_types::Pan;

/// A masked card number: at most the first 6 and the last 4 digits, the rest `*`.
///
/// Receipts take this type and nothing else, so that no slip can carry a full number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskedPan(String);

/// The text shows more of a card number than a slip may, or is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskedPanError;

impl MaskedPan {
    /// Takes a number that was masked before, as the journal keeps it.
    ///
    /// # Errors
    /// [`MaskedPanError`] unless it is 8 to 19 characters: at most 6 digits, at least one `*`, at most 4 digits.
    pub fn new(masked: &str) -> Result<Self, MaskedPanError> {
        let head = masked.bytes().take_while(u8::is_ascii_digit).count();
        let tail = masked.bytes().rev().take_while(u8::is_ascii_digit).count();
        let stars = masked.bytes().filter(|b| *b == b'*').count();
        let length = head.saturating_add(stars).saturating_add(tail);
        let valid = (8..=19).contains(&masked.len()) && length == masked.len();
        if valid && head <= 6 && stars >= 1 && tail <= 4 {
            Ok(Self(masked.to_owned()))
        } else {
            Err(MaskedPanError)
        }
    }

    /// The masked text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl MaskedPan {
    /// Masks this card's number wherever it stands in a text from outside, with or without separators.
    ///
    /// Chip data and remarks are not written by us: a card may name itself after its number, and people type numbers
    /// into remarks.
    pub(crate) fn hide_in(&self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        let length = self.0.len();
        let mut run: Vec<usize> = Vec::new();
        for at in 0..=characters.len() {
            match characters.get(at) {
                Some(c) if digit(*c).is_some() => run.push(at),
                Some(' ' | '-') => {}
                Some(_) | None => {
                    for window in run.windows(length) {
                        self.mask(&mut characters, window);
                    }
                    run.clear();
                }
            }
        }
        characters.into_iter().collect()
    }

    fn mask(&self, characters: &mut [char], window: &[usize]) {
        let fits = self.0.chars().zip(window).all(|(shown, at)| {
            let there = characters.get(*at).copied();
            shown == '*' || there.is_some_and(|c| digit(c) == digit(shown) || c == shown)
        });
        if fits {
            for (shown, at) in self.0.chars().zip(window) {
                if let (Some(there), '*') = (characters.get_mut(*at), shown) {
                    *there = '*';
                }
            }
        }
    }
}

fn digit(c: char) -> Option<u32> {
    match c {
        '０'..='９' => u32::from(c).checked_sub(u32::from('０')),
        _ => c.to_digit(10),
    }
}

impl From<&Pan> for MaskedPan {
    fn from(pan: &Pan) -> Self {
        Self(pan.masked())
    }
}

impl fmt::Display for MaskedPan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_masked_numbers_pass() {
        for good in ["622202*********0000", "****5678", "123456******7890"] {
            assert_eq!(MaskedPan::new(good).map(|pan| pan.0), Ok(good.to_owned()));
        }
        for bad in [
            "6222021234567890000",
            "6222021********0000",
            "622202********00000",
            "622202***1*****0000",
            "622202",
            "622202*********00 0",
            "622202**************0000",
            "62220２*******0000",
            "",
        ] {
            assert_eq!(MaskedPan::new(bad), Err(MaskedPanError), "{bad}");
        }
    }

    #[test]
    fn every_card_number_masks_into_one() {
        for length in 8..=19 {
            let pan = Pan::from_digits(&b"6222021234567890000"[..length]).unwrap();
            assert_eq!(MaskedPan::new(&pan.masked()), Ok(MaskedPan::from(&pan)));
        }
    }

    #[test]
    fn the_number_itself_is_hidden_in_texts() {
        let pan = MaskedPan::new("622202*********0000").unwrap();
        for (text, hidden) in [
            ("6222021234567890000", "622202*********0000"),
            ("x 6222 0212-3456 7890000y", "x 6222 02**-**** ***0000y"),
            ("９6222021234567890000", "９622202*********0000"),
            ("６222021234567890000", "６22202*********0000"),
            ("000062220212345678900001", "0000622202*********00001"),
            ("622202123456789000", "622202123456789000"),
            ("6222021234567890001", "6222021234567890001"),
            ("店", "店"),
            ("", ""),
        ] {
            assert_eq!(pan.hide_in(text), hidden);
        }
    }
}
