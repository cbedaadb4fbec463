//! What holds for any input: what is written is read again, and what is refused has a reason.

#![cfg(all(feature = "render", feature = "scan"))]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use proptest::prelude::*;
use softpos_qr::cpm::{CpmCode, tags};
use softpos_qr::mpm::{self, AccountFields, AdditionalData, MerchantAccount, MpmCode};
use softpos_qr::render::{Dress, Purpose, Symbol};
use softpos_qr::{cpm, recognise, scan};
use softpos_types::{Currency, Money, SecretBytes};

/// Texts as names have them, of many scripts.
const WORDS: &str = "[A-Za-z0-9 .,&\u{e9}\u{fc}\u{6d4b}\u{8bd5}\u{e2a}\u{1f600}-]{1,25}";

fn code() -> impl Strategy<Value = MpmCode> {
    let account = ("[a-z]{2,6}[.][a-z]{2,8}", "[A-Z0-9]{1,30}", 26..=51_u8);
    let names = ("[A-Z][A-Z ]{0,23}[A-Z]", "[A-Z][A-Z]{0,13}", "[0-9]{4}");
    let references = (
        proptest::option::of("[A-Z0-9]{1,25}"),
        proptest::option::of("[A-Z0-9]{1,8}"),
    );
    (account, names, references, 1..=999_999_999_i64).prop_map(
        |((guid, number, id), (name, city, category), (reference, terminal), minor)| MpmCode {
            accounts: vec![MerchantAccount {
                id,
                fields: AccountFields::Template {
                    guid,
                    parts: vec![(1, number)],
                },
            }],
            category,
            amount: Money::new(minor, Currency::CNY),
            country: "CN".into(),
            name,
            city,
            additional: AdditionalData {
                bill: None,
                reference,
                terminal,
            },
            local: None,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_merchants_code_is_read_as_it_was_written(code in code()) {
        let payload = code.encode().unwrap();
        let decoded = mpm::decode(&payload).unwrap();
        prop_assert!(decoded.breaches().is_empty());
        prop_assert_eq!(decoded.amount(), Some(code.amount));
        prop_assert_eq!(decoded.value(59), Some(code.name.as_str()));
        prop_assert_eq!(decoded.value_in(62, 5), code.additional.reference.as_deref());
        let account = decoded.merchant_accounts().next().unwrap();
        let AccountFields::Template { guid, parts } = &code.accounts[0].fields else { unreachable!() };
        prop_assert_eq!((account.guid(), account.part(1)), (Some(guid.as_str()), Some(parts[0].1.as_str())));
    }

    #[test]
    fn a_payers_code_is_read_as_it_was_written(
        aid in proptest::collection::vec(any::<u8>(), 5..=16),
        pan in proptest::collection::vec(0..=99_u8, 5..=9),
        opaque in proptest::collection::vec(any::<u8>(), 0..=200),
    ) {
        let pan: Vec<u8> = pan.iter().map(|pair| ((pair / 10) << 4) | (pair % 10)).collect();
        let objects = vec![
            (tags::AID, SecretBytes::copy_of(&aid)),
            (tags::PAN, SecretBytes::copy_of(&pan)),
            (tags::APPLICATION_OPAQUE, SecretBytes::copy_of(&opaque)),
        ];
        let payload = CpmCode { applications: vec![objects], common: Vec::new() }.encode().unwrap();
        let decoded = cpm::decode(&payload).unwrap();
        prop_assert_eq!(decoded.applications().next().unwrap().aid(), Some(aid.as_slice()));
        let data = decoded.choose(&[&aid]).unwrap();
        prop_assert_eq!(data.value(tags::APPLICATION_OPAQUE), Some(opaque.as_slice()));
    }

    #[test]
    fn any_text_is_drawn_and_read_again(text in WORDS, digits in "[0-9]{0,60}", tail in WORDS) {
        let text = format!("{text}{digits}{tail}");
        let symbol = Symbol::new(&text, Purpose::Screen).unwrap();
        let png = symbol.png(&Dress { module_px: 4, ..Dress::default() }).unwrap();
        prop_assert_eq!(scan::read_picture(&png), Ok(text));
    }

    #[test]
    fn every_refusal_has_a_reason(text in "\\PC{0,200}") {
        if let Err(reason) = recognise(&text) {
            prop_assert!(!reason.to_string().is_empty());
        }
    }
}
