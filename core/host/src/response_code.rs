//! The host's verdict (DE39): what class of answer it is and what it makes the terminal do.
//!
//! The table is the `UnionPay` POS practice, compared in two public implementations; softpos-host/1 carries the same
//! codes. The sentences for people are in softpos-text, keyed by the two characters.

use core::fmt;

use softpos_types::TextError;

/// A response code: two characters of DE39 or of tag 8A.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResponseCode([u8; 2]);

/// What kind of answer a response code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Approved.
    A,
    /// Declined; the cashier may correct something and try again.
    B,
    /// Declined; do not try again. Every code that is not in the table is of this class.
    C,
    /// Declined; the operator has to act.
    D,
    /// A fault of the system; the switch clears up on its side.
    E,
}

/// What the terminal does after an answer, beyond telling the people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// Sign in for new keys (and, on 77, the new batch number); the next attempt is a new transaction.
    SignIn,
    /// Lock the terminal until it is activated again.
    LockTerminal,
    /// Ask for the amount again; the next attempt is a new transaction.
    EnterAmountAgain,
    /// Ask for the card again; the next attempt is a new transaction.
    PresentCardAgain,
    /// Ask for the PIN again as a new transaction, three attempts in all.
    EnterPinAgain,
    /// Compare the approved amount with the requested one; take the rest otherwise, or reverse.
    SettlePartialAmount,
    /// Keep the approval and mark it for reconciliation.
    MarkForReconciliation,
    /// The host has seen this number before: find the original's result, never send a reversal on this answer.
    FindOriginal,
    /// Inform operator and acquirer; a phone never retains a card.
    Alert,
}

impl ResponseCode {
    /// Approved or completed.
    pub const APPROVED: Self = Self(*b"00");
    /// Approved offline by the card.
    pub const OFFLINE_APPROVED: Self = Self(*b"Y1");
    /// Approved offline because the terminal could not go online.
    pub const UNABLE_ONLINE_APPROVED: Self = Self(*b"Y3");
    /// Declined offline by the card.
    pub const OFFLINE_DECLINED: Self = Self(*b"Z1");
    /// Declined offline because the terminal could not go online.
    pub const UNABLE_ONLINE_DECLINED: Self = Self(*b"Z3");

    /// Reads two characters.
    ///
    /// # Errors
    /// [`TextError`] unless there are exactly two printable ASCII characters (a blank code is readable, and
    /// unknown).
    pub fn new(text: &str) -> Result<Self, TextError> {
        Self::from_bytes(text.as_bytes())
    }

    /// Reads the two bytes of DE39 (an2).
    ///
    /// # Errors
    /// [`TextError`] as [`ResponseCode::new`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TextError> {
        match bytes {
            [first @ b' '..=b'~', second @ b' '..=b'~'] => Ok(Self([*first, *second])),
            _ => Err(TextError),
        }
    }

    /// The two characters.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The two bytes, for DE39 and tag 8A.
    pub const fn as_bytes(&self) -> &[u8; 2] {
        &self.0
    }

    /// The class of the answer; C for a code that is not in the table.
    ///
    /// Public tables differ on 45 and 68; 45 is taken as C and 68 as B.
    pub const fn class(self) -> Class {
        match &self.0 {
            b"00" | b"10" | b"11" | b"16" | b"A2" | b"A4" | b"A5" | b"A6" | b"Y1" | b"Y3" => Class::A,
            b"13" | b"14" | b"68" | b"99" | b"A0" => Class::B,
            b"04" | b"34" | b"38" | b"41" | b"43" | b"77" | b"97" => Class::D,
            b"98" => Class::E,
            _ => Class::C,
        }
    }

    /// Whether the payment was approved (class A), wholly or in part.
    pub const fn is_approved(self) -> bool {
        matches!(self.class(), Class::A)
    }

    /// Whether the card is to be picked up: the operator is told, the customer sees a plain decline.
    pub const fn is_pickup(self) -> bool {
        matches!(&self.0, b"04" | b"34" | b"41" | b"43")
    }

    /// What the terminal has to do after this answer to a request, if anything.
    pub const fn job(self) -> Option<Job> {
        match &self.0 {
            b"77" | b"99" | b"A0" => Some(Job::SignIn),
            b"97" => Some(Job::LockTerminal),
            b"13" => Some(Job::EnterAmountAgain),
            b"14" => Some(Job::PresentCardAgain),
            b"55" => Some(Job::EnterPinAgain),
            b"10" => Some(Job::SettlePartialAmount),
            b"A2" | b"A4" | b"A5" | b"A6" => Some(Job::MarkForReconciliation),
            b"94" => Some(Job::FindOriginal),
            b"03" | b"04" | b"34" | b"41" | b"43" => Some(Job::Alert),
            _ => None,
        }
    }

    /// Whether this answer to a *reversal* closes it: reversed (00), invalid related transaction (12) or original
    /// not found (25), the two latter because nothing stands at the host. Any other answer keeps it in the queue.
    pub const fn closes_reversal(self) -> bool {
        matches!(&self.0, b"00" | b"12" | b"25")
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResponseCode({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> ResponseCode {
        ResponseCode::new(text).unwrap()
    }

    #[test]
    fn classes_follow_the_table() {
        for (class, codes) in [
            (Class::A, "00 10 11 16 A2 A4 A5 A6 Y1 Y3"),
            (Class::B, "13 14 68 99 A0"),
            (
                Class::C,
                "01 03 05 06 12 15 21 22 25 30 40 45 51 54 55 57 58 59 61 62 64 65 66 75 90 91 92 94 96 A1 A3 \
                 A7 A8 B1 C1 N1 P1 T1 T2 T3 TS Z1 Z3",
            ),
            (Class::D, "04 34 38 41 43 77 97"),
            (Class::E, "98"),
        ] {
            for text in codes.split(' ') {
                assert_eq!(code(text).class(), class, "{text}");
                assert_eq!(code(text).is_approved(), class == Class::A, "{text}");
            }
        }
    }

    #[test]
    fn an_unknown_code_is_a_final_decline_without_a_job() {
        for text in ["ZZ", "7Z", "  ", "0 ", "a2", "y1"] {
            assert_eq!(code(text).class(), Class::C, "{text}");
            assert_eq!(
                (code(text).job(), code(text).is_pickup()),
                (None, false),
                "{text}"
            );
            assert!(!code(text).closes_reversal(), "{text}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in ["", "0", "000", "\n0", "é", "0\u{7f}"] {
            assert_eq!(ResponseCode::new(text), Err(TextError), "{text:?}");
        }
        assert_eq!(ResponseCode::from_bytes(&[0xC3, 0x28]), Err(TextError));
    }

    #[test]
    fn jobs_of_the_table() {
        for (job, codes) in [
            (Job::SignIn, "77 99 A0"),
            (Job::LockTerminal, "97"),
            (Job::EnterAmountAgain, "13"),
            (Job::PresentCardAgain, "14"),
            (Job::EnterPinAgain, "55"),
            (Job::SettlePartialAmount, "10"),
            (Job::MarkForReconciliation, "A2 A4 A5 A6"),
            (Job::FindOriginal, "94"),
            (Job::Alert, "03 04 34 41 43"),
        ] {
            for text in codes.split(' ') {
                assert_eq!(code(text).job(), Some(job), "{text}");
            }
        }
        // No second attempt where the PIN tries are used up.
        assert_eq!((code("38").job(), code("75").job()), (None, None));
    }

    #[test]
    fn only_three_answers_close_a_reversal() {
        let closing = |text: &&str| code(text).closes_reversal();
        assert_eq!(
            ["00", "12", "25", "06", "94", "96", "98", "A0", "11"]
                .iter()
                .filter(|text| closing(text))
                .count(),
            3
        );
        assert!(["00", "12", "25"].iter().all(closing));
    }
}
