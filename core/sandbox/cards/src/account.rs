//! The accounts behind the cards, as the sandbox issuers keep them.

use std::sync::LazyLock;

use softpos_types::Pan;

use crate::family::Family;
use crate::kind::{Kind, Ways};
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

/// The derivation key index of cards whose cryptograms are made with AES.
pub(crate) const AES_KEY: u8 = 0x81;
/// The kernel that reads those.
const COMMON_KERNEL: u8 = 8;

/// The numbers of a family's cards, in the order of [`Kind::ALL`].
type Numbers = (Family, [&'static str; Kind::ALL.len()]);

#[rustfmt::skip]
const NUMBERS: [Numbers; Family::ALL.len()] = [
    (Family::Visa, [
        "4761739900000013", "4761739900000021", "4761739900000047", "4761739900000039", "4761739900000096",
        "4761739900000112", "4761739900000120", "4761739900000054", "4761739900000088", "4761739900000104",
    ]),
    (Family::Mastercard, [
        "5413339900000011", "5413339900000037", "5413339900000110", "5413339900000128", "5413339900000029",
        "5413339900000136", "5413339900000144", "5413339900000151", "5413339900000052", "5413339900000060",
    ]),
    (Family::UnionPay, [
        "6239999900000012", "6239999900000038", "6239999900000061", "6239999900000079", "6239999900000020",
        "6239999900000087", "6239999900000095", "6239999900000046", "6239999900000053", "6239999900000103",
    ]),
    (Family::Amex, [
        "374245990000019", "374245990000043", "374245990000050", "374245990000068", "374245990000027",
        "374245990000076", "374245990000084", "374245990000092", "374245990000035", "374245990000100",
    ]),
    (Family::Jcb, [
        "3566009900000010", "3566009900000044", "3566009900000051", "3566009900000069", "3566009900000028",
        "3566009900000077", "3566009900000085", "3566009900000093", "3566009900000036", "3566009900000101",
    ]),
    (Family::Discover, [
        "6011009900000014", "6011009900000048", "6011009900000055", "6011009900000063", "6011009900000022",
        "6011009900000071", "6011009900000089", "6011009900000097", "6011009900000030", "6011009900000105",
    ]),
    (Family::Kernel8, [
        "5413339900000078", "5413339900000169", "5413339900000177", "5413339900000185", "5413339900000086",
        "5413339900000193", "5413339900000201", "5413339900000219", "5413339900000094", "5413339900000102",
    ]),
];

/// Accounts of Visa cards that are in the wallet beside those of the table.
pub(crate) static PULLED: Account = Account::of_member(Family::Visa, Kind::Approved, "4761739900000062");
pub(crate) static TWO_CARDS: Account = Account::of_member(Family::Visa, Kind::Approved, "4761739900000070");

/// All accounts.
pub fn accounts() -> &'static [Account] {
    static ACCOUNTS: LazyLock<Vec<Account>> = LazyLock::new(|| {
        let members = NUMBERS.iter().flat_map(|(family, numbers)| {
            Kind::ALL
                .into_iter()
                .zip(numbers)
                .map(|(kind, number)| Account::of_member(*family, kind, number))
        });
        members.chain([PULLED, TWO_CARDS]).collect()
    });
    &ACCOUNTS
}

/// The accounts of the cards that every family has.
pub(crate) fn members() -> impl Iterator<Item = (Family, Kind, &'static Account)> {
    let names = Family::ALL
        .into_iter()
        .flat_map(|family| Kind::ALL.map(|kind| (family, kind)));
    names
        .zip(accounts())
        .map(|((family, kind), account)| (family, kind, account))
}

impl Account {
    const fn of_member(family: Family, kind: Kind, pan_digits: &'static str) -> Self {
        let Ways {
            answer, expiry_yymm, ..
        } = kind.ways();
        Self {
            scheme: family.scheme(),
            pan_digits,
            psn: 0x01,
            expiry_yymm,
            pin: "1234",
            key_index: family.key_index(),
            answer,
        }
    }

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

    /// The host keeps accounts by their masked numbers.
    #[test]
    fn masked_numbers_are_unique_too() {
        let masked: BTreeSet<_> = accounts().iter().map(|account| account.pan().masked()).collect();
        assert_eq!(masked.len(), accounts().len());
    }

    #[test]
    fn every_row_is_where_its_family_stands() {
        assert_eq!(NUMBERS.map(|(family, _)| family), Family::ALL);
        for (family, kind, account) in members() {
            assert_eq!(account.scheme, family.scheme());
            assert_eq!(
                (account.answer, account.is_common()),
                (kind.ways().answer, family == Family::Kernel8)
            );
        }
    }

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
