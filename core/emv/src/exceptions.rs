//! The exception file (hot card list): cards that their issuers want stopped, as the signed parameters name them.
//!
//! No number is in it: a card is named by the first half of an HMAC-SHA-256 over its digits, under a salt that the
//! acquirer draws anew for each list. Whoever reads the list learns no number by looking; who already has a number can
//! ask for it.

use alloc::vec::Vec;
use core::fmt;

use softpos_crypto::mac::hmac_sha256;
use softpos_types::{Pan, SecretArray};

/// Most digits of a card number, and the sequence number behind them.
const MAX_NAMED: usize = 20;

/// How a card is named in the list.
pub type CardMark = [u8; 16];

/// Cards that are not to be taken.
#[derive(Clone, Default)]
pub struct ExceptionFile {
    salt: Vec<u8>,
    /// In ascending order.
    marks: Vec<CardMark>,
}

impl ExceptionFile {
    /// A list with its salt, in any order.
    pub fn new(salt: &[u8], mut marks: Vec<CardMark>) -> Self {
        marks.sort_unstable();
        Self {
            salt: salt.to_vec(),
            marks,
        }
    }

    /// How a card is named under a salt: by its number, with a sequence number only the card that has it.
    pub fn mark(salt: &[u8], pan: &Pan, psn: Option<u8>) -> CardMark {
        let digits = pan.expose_digits();
        let mut length = 0;
        let named = SecretArray::<MAX_NAMED>::build(|named| {
            for (to, from) in named.iter_mut().zip(digits.iter().copied().chain(psn)) {
                *to = from;
                length = MAX_NAMED.min(usize::saturating_add(length, 1));
            }
        });
        let mac = hmac_sha256(salt, named.expose().get(..length).unwrap_or_default());
        let [mark, _] = *mac.as_chunks::<16>().0 else {
            return [0; 16];
        };
        mark
    }

    // Rule K-EXCEPTION: a card is listed by its number alone or together with its sequence number.
    // [source: general knowledge; test: exceptions::tests::by_number_and_by_number_with_sequence; evidence: own]
    /// Whether the list names this card.
    pub fn lists(&self, pan: &Pan, psn: Option<u8>) -> bool {
        if self.marks.is_empty() {
            return false;
        }
        let listed = |psn| {
            self.marks
                .binary_search(&Self::mark(&self.salt, pan, psn))
                .is_ok()
        };
        listed(None) || (psn.is_some() && listed(psn))
    }
}

/// How many, and nothing of them.
impl fmt::Debug for ExceptionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExceptionFile({})", self.marks.len())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const SALT: &[u8] = b"a salt of one list";

    fn pan(digits: &[u8]) -> Pan {
        Pan::from_digits(digits).unwrap()
    }

    #[test]
    fn by_number_and_by_number_with_sequence() {
        let (whole, one) = (pan(b"4761739001010010"), pan(b"5413330089600010"));
        let marks = [
            ExceptionFile::mark(SALT, &whole, None),
            ExceptionFile::mark(SALT, &one, Some(1)),
        ];
        let list = ExceptionFile::new(SALT, marks.into());
        assert!(list.lists(&whole, None) && list.lists(&whole, Some(7)));
        assert!(list.lists(&one, Some(1)));
        assert!(!list.lists(&one, Some(2)) && !list.lists(&one, None));
        assert!(!list.lists(&pan(b"4761739001010011"), None));
        assert_eq!(format!("{list:?}"), "ExceptionFile(2)");
    }

    #[test]
    fn another_salt_gives_another_name_and_no_list_names_nobody() {
        let card = pan(b"4761739001010010");
        assert_ne!(
            ExceptionFile::mark(SALT, &card, None),
            ExceptionFile::mark(b"another", &card, None)
        );
        assert!(!ExceptionFile::default().lists(&card, None));
    }

    /// HMAC-SHA-256 of these sixteen digits under this salt, computed with Python's hmac.
    #[test]
    fn a_name_as_an_acquirer_computes_it() {
        let mark = ExceptionFile::mark(SALT, &pan(b"4761739001010010"), None);
        assert_eq!(hex::encode(mark), "112bf8ecde7a17994ed9c86548f143d5");
    }
}
