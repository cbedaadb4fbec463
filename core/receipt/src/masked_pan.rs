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
}
