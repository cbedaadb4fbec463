//! Dates and usage control of kernel 3.

use softpos_wire::tag;

use super::decision::Usage;
use crate::config::TerminalData;
use crate::data::CardData;
use crate::oda::with_century;

/// 9C: cash advance.
const CASH: u8 = 0x01;
/// 9C: purchase with cashback.
const CASHBACK: u8 = 0x09;

/// The last day of validity counts; without 5F24 the month of track 2 does.
pub(super) fn expired(card: &CardData, reader: &TerminalData, [year, month]: [u8; 2]) -> bool {
    let last = card.array(tag::EXPIRY_DATE).unwrap_or([year, month, 0x31]);
    let today = reader
        .value(tag::TRANSACTION_DATE)
        .and_then(|date| date.try_into().ok());
    today.is_none_or(|today| with_century(today) > with_century(last))
}

/// Whether 9F07 allows cash or cashback in this country; other payments it does not restrict here.
///
/// A card without 9F07, or one that does not say its country (5F28), allows it. Cashback is what the transaction
/// type says, or an amount in 9F03.
// Rule C3-USAGE-1: cash and cashback need their bit of 9F07, domestic or international by 5F28.
// [source: peer, DCEMV and danhu; test: kernel::c3::restrictions::tests::cash_and_cashback_by_country;
// evidence: own]
pub(super) fn usage(card: &CardData, reader: &TerminalData) -> Usage {
    let (Some([first, second]), Some(country)) =
        (card.array(tag::USAGE_CONTROL), card.value(tag::ISSUER_COUNTRY))
    else {
        return Usage::Allowed;
    };
    let domestic = reader.value(tag::TERMINAL_COUNTRY) == Some(country);
    let bit = if domestic { 0x80 } else { 0x40 };
    let kind = match reader.value(tag::TRANSACTION_TYPE) {
        Some(&[kind]) => kind,
        _ => 0,
    };
    let other = reader
        .value(tag::AMOUNT_OTHER)
        .is_some_and(|amount| amount.iter().any(|digits| *digits != 0));
    if kind == CASH && first & bit == 0 {
        Usage::CashForbidden
    } else if (kind == CASHBACK || other) && second & bit == 0 {
        Usage::CashbackForbidden
    } else {
        Usage::Allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(control: &[u8], country: &[u8]) -> CardData {
        let mut card = CardData::default();
        card.insert(tag::USAGE_CONTROL, control).unwrap();
        card.insert(tag::ISSUER_COUNTRY, country).unwrap();
        card
    }

    fn reader(kind: u8, other: u8) -> TerminalData {
        let mut reader = TerminalData::new();
        reader.set(tag::TERMINAL_COUNTRY, &[0x08, 0x40]);
        reader.set(tag::TRANSACTION_TYPE, &[kind]);
        reader.set(tag::AMOUNT_OTHER, &[0, 0, 0, 0, other, 0]);
        reader.set(tag::TRANSACTION_DATE, &[0x19, 0x08, 0x19]);
        reader
    }

    #[test]
    fn cash_and_cashback_by_country() {
        let home = [0x08, 0x40];
        let abroad = [0x01, 0x56];
        for (control, country, kind, other, expected) in [
            ([0x7F, 0x7F], home, CASH, 0, Usage::CashForbidden),
            ([0x80, 0x00], home, CASH, 0, Usage::Allowed),
            ([0xBF, 0xBF], abroad, CASH, 0, Usage::CashForbidden),
            ([0x40, 0x00], abroad, CASH, 0, Usage::Allowed),
            ([0xFF, 0x7F], home, CASHBACK, 1, Usage::CashbackForbidden),
            ([0x00, 0x80], home, CASHBACK, 1, Usage::Allowed),
            ([0xFF, 0xBF], abroad, 0, 1, Usage::CashbackForbidden),
            ([0x00, 0x40], abroad, 0, 1, Usage::Allowed),
            ([0x00, 0x00], home, 0, 0, Usage::Allowed),
        ] {
            assert_eq!(
                usage(&card(&control, &country), &reader(kind, other)),
                expected,
                "{control:02X?} {country:02X?} {kind:02X} {other}"
            );
        }
        assert_eq!(usage(&CardData::default(), &reader(CASH, 0)), Usage::Allowed);
    }

    /// One peer refuses cashback as soon as 9F03 is there.
    #[test]
    fn an_amount_other_of_zero_is_no_cashback() {
        assert_eq!(
            usage(&card(&[0, 0], &[0x08, 0x40]), &reader(0, 0)),
            Usage::Allowed
        );
    }

    #[test]
    fn the_last_day_counts() {
        let expiring = |date: &[u8]| {
            let mut card = CardData::default();
            card.insert(tag::EXPIRY_DATE, date).unwrap();
            expired(&card, &reader(0, 0), [0x99, 0x12])
        };
        assert!(!expiring(&[0x19, 0x08, 0x19]) && expiring(&[0x19, 0x08, 0x18]));
        let by_track = |month| expired(&CardData::default(), &reader(0, 0), month);
        assert!(!by_track([0x19, 0x08]) && by_track([0x19, 0x07]));
        assert!(by_track([0x99, 0x12]), "December 1999");
        assert!(expired(&CardData::default(), &TerminalData::new(), [0x30, 0x01]));
    }
}
