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
        for run in digit_runs(&characters) {
            for window in run.windows(self.0.len()) {
                self.mask(&mut characters, window);
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

/// Masks what could be anybody's card number in a text that a person wrote: 12 to 19 digits on their own whose last one
/// checks the others (ISO/IEC 7812-1, Luhn), with or without separators.
pub(crate) fn hide_numbers(text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for run in digit_runs(&characters) {
        let digits: Vec<u32> = run
            .iter()
            .filter_map(|at| characters.get(*at).copied().and_then(digit))
            .collect();
        if (12..=19).contains(&run.len()) && has_check_digit(&digits) {
            let hidden = run.len().saturating_sub(10);
            for at in run.iter().skip(6).take(hidden) {
                if let Some(there) = characters.get_mut(*at) {
                    *there = '*';
                }
            }
        }
    }
    characters.into_iter().collect()
}

/// Where the digits stand that belong together: only spaces and hyphens are between them.
fn digit_runs(characters: &[char]) -> Vec<Vec<usize>> {
    let mut runs = vec![Vec::new()];
    for (at, character) in characters.iter().enumerate() {
        match (character, runs.last_mut()) {
            (c, Some(run)) if digit(*c).is_some() => run.push(at),
            (' ' | '-', _) => {}
            _ => runs.push(Vec::new()),
        }
    }
    runs
}

fn has_check_digit(digits: &[u32]) -> bool {
    let weighted = digits.iter().rev().enumerate().map(|(place, digit)| {
        let doubled = digit.saturating_mul(2);
        match (place % 2, doubled) {
            (0, _) => *digit,
            (_, 0..=9) => doubled,
            _ => doubled.saturating_sub(9),
        }
    });
    weighted.sum::<u32>() % 10 == 0
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

    #[test]
    fn what_could_be_a_card_number_is_hidden_in_remarks() {
        for (text, hidden) in [
            ("paid with 4761739001010010", "paid with 476173******0010"),
            ("4761 7390-0101 0010.", "4761 73**-**** 0010."),
            ("４761739001010010", "４76173******0010"),
            // The check digit is wrong, or there are too few digits, or too many.
            ("4761739001010011", "4761739001010011"),
            ("010-8888 6666", "010-8888 6666"),
            ("00000000000000000000", "00000000000000000000"),
            ("店 5 号", "店 5 号"),
        ] {
            assert_eq!(hide_numbers(text), hidden);
        }
    }
}
