//! The accounts behind the cards, as the sandbox issuer keeps them.

use softpos_types::Pan;

/// What the issuer answers when cryptogram, counter and PIN are in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerAnswer {
    /// Approved.
    Approve,
    /// Declined with this response code (DE39).
    Decline(&'static str),
}

/// One account of the sandbox issuer. Test material, so its number and PIN are no secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Card number, 16 digits with a valid check digit.
    pub pan_digits: &'static str,
    /// 5F34, PAN sequence number, BCD.
    pub psn: u8,
    /// Last month of validity, BCD YYMM; afterwards the issuer declines with 54.
    pub expiry_yymm: [u8; 2],
    /// The PIN for online verification; a wrong one is declined with 55.
    pub pin: &'static str,
    /// The master key of its cryptograms: derivation key index in 9F10.
    pub key_index: u8,
    /// The answer when all checks pass.
    pub answer: IssuerAnswer,
}

const VALID: [u8; 2] = [0x35, 0x12];

const fn account(pan_digits: &'static str, answer: IssuerAnswer) -> Account {
    Account {
        pan_digits,
        psn: 0x01,
        expiry_yymm: VALID,
        pin: "1234",
        key_index: 0x01,
        answer,
    }
}

pub(crate) const APPROVED: Account = account("4761739900000013", IssuerAnswer::Approve);
pub(crate) const DECLINED: Account = account("4761739900000021", IssuerAnswer::Decline("05"));
pub(crate) const EXPIRED: Account = Account {
    expiry_yymm: [0x20, 0x12],
    ..account("4761739900000039", IssuerAnswer::Approve)
};
pub(crate) const INSUFFICIENT: Account = account("4761739900000047", IssuerAnswer::Decline("51"));
pub(crate) const PIN: Account = account("4761739900000054", IssuerAnswer::Approve);
pub(crate) const PULLED: Account = account("4761739900000062", IssuerAnswer::Approve);
pub(crate) const TWO_CARDS: Account = account("4761739900000070", IssuerAnswer::Approve);
pub(crate) const PHONE: Account = account("4761739900000088", IssuerAnswer::Approve);

/// All accounts.
pub fn accounts() -> &'static [Account] {
    &[
        APPROVED,
        DECLINED,
        EXPIRED,
        INSUFFICIENT,
        PIN,
        PULLED,
        TWO_CARDS,
        PHONE,
    ]
}

impl Account {
    /// The account of a card number.
    pub fn of(pan: &Pan) -> Option<&'static Self> {
        accounts()
            .iter()
            .find(|account| account.pan_digits.as_bytes() == pan.expose_digits())
    }

    /// The card number.
    #[expect(
        clippy::missing_panics_doc,
        clippy::expect_used,
        reason = "the table is constant and a test reads every number of it"
    )]
    pub fn pan(&self) -> Pan {
        Pan::from_digits(self.pan_digits.as_bytes()).expect("a number of the table")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn numbers_are_unique_valid_and_in_the_sandbox_range() {
        let numbers: BTreeSet<_> = accounts().iter().map(|account| account.pan_digits).collect();
        assert_eq!(numbers.len(), accounts().len());
        for account in accounts() {
            assert!(account.pan_digits.starts_with("47617399") && account.pan_digits.len() == 16);
            let sum: u32 = account
                .pan_digits
                .bytes()
                .rev()
                .enumerate()
                .map(
                    |(place, digit)| match u32::from(digit - b'0') * (1 + u32::from(place % 2 == 1)) {
                        two_digits @ 10.. => two_digits - 9,
                        digit => digit,
                    },
                )
                .sum();
            assert_eq!(sum % 10, 0, "check digit of {}", account.pan_digits);
            assert_eq!(Account::of(&account.pan()), Some(account));
        }
        assert_eq!(Account::of(&Pan::from_digits(b"4761739001010010").unwrap()), None);
    }
}
