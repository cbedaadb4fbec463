//! The accounts behind the cards, as the sandbox issuers keep them.

use softpos_types::Pan;

use crate::scheme::CardScheme;

/// What the issuer answers when cryptogram, counter and PIN are in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerAnswer {
    /// Approved.
    Approve,
    /// Declined with this response code (DE39).
    Decline(&'static str),
}

/// One account of a sandbox issuer. Test material, so its number and PIN are no secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose card.
    pub scheme: CardScheme,
    /// Card number, 15 or 16 digits with a valid check digit.
    pub pan_digits: &'static str,
    /// 5F34, PAN sequence number, BCD.
    pub psn: u8,
    /// Last month of validity, BCD YYMM; afterwards the issuer declines with 54.
    pub expiry_yymm: [u8; 2],
    /// The PIN for online verification; a wrong one is declined with 55.
    pub pin: &'static str,
    /// The master key of its cryptograms: derivation key index in 9F10. From 80 on the key is for AES, and the card is
    /// one for kernel 8.
    pub key_index: u8,
    /// The answer when all checks pass.
    pub answer: IssuerAnswer,
}

const VALID: [u8; 2] = [0x35, 0x12];

/// The derivation key index of cards whose cryptograms are made with AES.
pub(crate) const AES_KEY: u8 = 0x81;
/// The kernel that reads those.
const COMMON_KERNEL: u8 = 8;

const fn approving(scheme: CardScheme, pan_digits: &'static str) -> Account {
    Account {
        scheme,
        pan_digits,
        psn: 0x01,
        expiry_yymm: VALID,
        pin: "1234",
        key_index: 0x01,
        answer: IssuerAnswer::Approve,
    }
}

const fn declining(scheme: CardScheme, pan_digits: &'static str, de39: &'static str) -> Account {
    Account {
        answer: IssuerAnswer::Decline(de39),
        ..approving(scheme, pan_digits)
    }
}

pub(crate) const APPROVED: Account = approving(CardScheme::Visa, "4761739900000013");
pub(crate) const DECLINED: Account = declining(CardScheme::Visa, "4761739900000021", "05");
pub(crate) const EXPIRED: Account = Account {
    expiry_yymm: [0x20, 0x12],
    ..approving(CardScheme::Visa, "4761739900000039")
};
pub(crate) const INSUFFICIENT: Account = declining(CardScheme::Visa, "4761739900000047", "51");
pub(crate) const PIN: Account = approving(CardScheme::Visa, "4761739900000054");
pub(crate) const PULLED: Account = approving(CardScheme::Visa, "4761739900000062");
pub(crate) const TWO_CARDS: Account = approving(CardScheme::Visa, "4761739900000070");
pub(crate) const PHONE: Account = approving(CardScheme::Visa, "4761739900000088");
pub(crate) const OFFLINE: Account = approving(CardScheme::Visa, "4761739900000096");
pub(crate) const SEE_PHONE: Account = approving(CardScheme::Visa, "4761739900000104");
pub(crate) const REFUSED: Account = approving(CardScheme::Visa, "4761739900000112");
pub(crate) const BLOCKED: Account = declining(CardScheme::Visa, "4761739900000120", "62");

pub(crate) const MASTERCARD: Account = approving(CardScheme::Mastercard, "5413339900000011");
pub(crate) const MASTERCARD_OFFLINE: Account = approving(CardScheme::Mastercard, "5413339900000029");
pub(crate) const MASTERCARD_DECLINED: Account = declining(CardScheme::Mastercard, "5413339900000037", "05");
pub(crate) const MASTERCARD_PHONE: Account = approving(CardScheme::Mastercard, "5413339900000052");
pub(crate) const MASTERCARD_SEE_PHONE: Account = approving(CardScheme::Mastercard, "5413339900000060");

/// A card for the common kernel of all schemes.
const fn common(pan_digits: &'static str) -> Account {
    Account {
        key_index: AES_KEY,
        ..approving(CardScheme::Mastercard, pan_digits)
    }
}

pub(crate) const COMMON: Account = common("5413339900000078");
pub(crate) const COMMON_OFFLINE: Account = common("5413339900000086");
pub(crate) const COMMON_PHONE: Account = common("5413339900000094");
pub(crate) const COMMON_SEE_PHONE: Account = common("5413339900000102");

pub(crate) const UNIONPAY: Account = approving(CardScheme::UnionPay, "6239999900000012");
pub(crate) const UNIONPAY_OFFLINE: Account = approving(CardScheme::UnionPay, "6239999900000020");
pub(crate) const UNIONPAY_DECLINED: Account = declining(CardScheme::UnionPay, "6239999900000038", "05");
pub(crate) const UNIONPAY_PIN: Account = approving(CardScheme::UnionPay, "6239999900000046");
pub(crate) const UNIONPAY_PHONE: Account = approving(CardScheme::UnionPay, "6239999900000053");

pub(crate) const AMEX: Account = approving(CardScheme::AmericanExpress, "374245990000019");
pub(crate) const AMEX_OFFLINE: Account = approving(CardScheme::AmericanExpress, "374245990000027");
pub(crate) const AMEX_PHONE: Account = approving(CardScheme::AmericanExpress, "374245990000035");

pub(crate) const JCB: Account = approving(CardScheme::Jcb, "3566009900000010");
pub(crate) const JCB_OFFLINE: Account = approving(CardScheme::Jcb, "3566009900000028");
pub(crate) const JCB_PHONE: Account = approving(CardScheme::Jcb, "3566009900000036");

pub(crate) const DISCOVER: Account = approving(CardScheme::Discover, "6011009900000014");
pub(crate) const DISCOVER_OFFLINE: Account = approving(CardScheme::Discover, "6011009900000022");
pub(crate) const DISCOVER_PHONE: Account = approving(CardScheme::Discover, "6011009900000030");

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
        OFFLINE,
        SEE_PHONE,
        REFUSED,
        BLOCKED,
        MASTERCARD,
        MASTERCARD_OFFLINE,
        MASTERCARD_DECLINED,
        MASTERCARD_PHONE,
        MASTERCARD_SEE_PHONE,
        UNIONPAY,
        UNIONPAY_OFFLINE,
        UNIONPAY_DECLINED,
        UNIONPAY_PIN,
        UNIONPAY_PHONE,
        AMEX,
        AMEX_OFFLINE,
        AMEX_PHONE,
        JCB,
        JCB_OFFLINE,
        JCB_PHONE,
        DISCOVER,
        DISCOVER_OFFLINE,
        DISCOVER_PHONE,
        COMMON,
        COMMON_OFFLINE,
        COMMON_PHONE,
        COMMON_SEE_PHONE,
    ]
}

impl Account {
    /// The account of a card number.
    pub fn of(pan: &Pan) -> Option<&'static Self> {
        accounts()
            .iter()
            .find(|account| account.pan_digits.as_bytes() == pan.expose_digits())
    }

    /// The kernel that reads its card: the scheme's, or the common one.
    pub const fn kernel(&self) -> u8 {
        if self.is_common() {
            COMMON_KERNEL
        } else {
            self.scheme.kernel()
        }
    }

    pub(crate) const fn is_common(&self) -> bool {
        self.key_index == AES_KEY
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
    fn numbers_are_unique_valid_and_in_the_ranges_of_the_sandbox() {
        let numbers: BTreeSet<_> = accounts().iter().map(|account| account.pan_digits).collect();
        assert_eq!(numbers.len(), accounts().len());
        for account in accounts() {
            assert!(account.pan_digits.starts_with(account.scheme.issuer_prefix()));
            let digits = if account.scheme == CardScheme::AmericanExpress {
                15
            } else {
                16
            };
            assert_eq!(account.pan_digits.len(), digits);
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
