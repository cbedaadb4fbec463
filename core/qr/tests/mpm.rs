//! Payloads of the specification and broken ones; what the till makes can be read back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use softpos_qr::mpm::{
    AccountFields, AdditionalData, Breach, EncodeError, Initiation, LocalNames, MerchantAccount, MpmCode,
    Place, Refused, decode,
};
use softpos_types::{Currency, MerchantId, Money};

/// `EMVCo` MPM specification v1.1, Annex B.
const SPECIFICATION: &str = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN\
    5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME\
    91320016A0112233449988770708123456786304A13A";

/// A sound payload without its CRC object.
const BODY: &str =
    "00020101021226280012com.acme.pay0108MID00001520458125303978540512.345802FR5912CAFE DU PORT6009MARSEILLE";

/// Bit by bit, as the specification describes it: independent of the table in the crate.
fn crc(bytes: impl IntoIterator<Item = u8>) -> u16 {
    let mut crc = 0xFFFF_u16;
    for byte in bytes {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            };
        }
    }
    crc
}

fn sealed(body: &str) -> String {
    let covered = format!("{body}6304");
    format!("{covered}{:04X}", crc(covered.bytes()))
}

fn breaches(body: &str) -> Vec<String> {
    let payload = sealed(body);
    let decoded = decode(&payload).unwrap();
    decoded.breaches().iter().map(ToString::to_string).collect()
}

fn refused(body: &str) -> Refused {
    decode(&sealed(body)).unwrap_err()
}

#[test]
fn the_sample_of_the_specification() {
    let decoded = decode(SPECIFICATION).unwrap();
    assert_eq!(decoded.breaches(), []);
    assert_eq!(decoded.initiation(), Some(Initiation::Dynamic));
    assert_eq!(decoded.amount(), Some(Money::new(2_372, Currency::CNY)));
    assert_eq!(decoded.value(59), Some("BEST TRANSPORT"));
    assert_eq!(
        (decoded.value_in(64, 1), decoded.value_in(64, 2)),
        (Some("最佳运输"), Some("北京"))
    );
    assert_eq!(decoded.value_in(62, 6), Some("***"));
    let accounts: Vec<_> = decoded
        .merchant_accounts()
        .map(|account| (account.id, account.guid()))
        .collect();
    assert_eq!(accounts, [(29, Some("D15600000000")), (31, Some("D15600000001"))]);
    assert_eq!(decoded.objects().len(), 15);
    assert_eq!(decoded.templates().count(), 5);
}

#[test]
fn what_cannot_be_trusted_is_refused() {
    assert_eq!(decode(""), Err(Refused::FirstNot00));
    assert_eq!(decode("0002"), Err(Refused::Truncated));
    assert_eq!(decode("000"), Err(Refused::Truncated));
    assert_eq!(decode("00x201"), Err(Refused::BadLength));
    assert_eq!(decode("000201 1021"), Err(Refused::BadTag));
    assert_eq!(decode(BODY), Err(Refused::MissingCrc));
    assert_eq!(
        decode(&format!("{}80020A", sealed(BODY))),
        Err(Refused::CrcNotLast)
    );
    assert_eq!(refused(&BODY.replacen("000201", "", 1)), Refused::FirstNot00);
    assert_eq!(refused(&format!("{BODY}5500")), Refused::ZeroLength);
    assert_eq!(
        refused(&format!("{BODY}62080505REF0")),
        Refused::BadTemplate { id: 62 }
    );
    assert_eq!(
        refused(&format!("{BODY}6404zzzz")),
        Refused::BadTemplate { id: 64 }
    );
    assert_eq!(refused(&format!("{BODY}62040100")), Refused::ZeroLength);
    let wrong = sealed(BODY).replace("12.34", "12.35");
    assert_eq!(decode(&wrong), Err(Refused::BadCrc { fits_latin1: false }));
    for crc in ["+123", " 123", "12"] {
        let payload = format!("{BODY}63{:02}{crc}", crc.len());
        assert_eq!(
            decode(&payload),
            Err(Refused::BadCrc { fits_latin1: false }),
            "{crc}"
        );
    }
}

#[test]
fn a_second_amount_currency_or_account_is_an_attack() {
    let root = |id| Refused::DuplicateTag { template: None, id };
    assert_eq!(refused(&format!("{BODY}540499.9")), root(54));
    assert_eq!(refused(&format!("{BODY}5303840")), root(53));
    let twice = BODY.replace(
        "26280012com.acme.pay0108MID00001",
        "26320012com.acme.pay0012com.evil.pay",
    );
    let inside = |template, id| Refused::DuplicateTag {
        template: Some(template),
        id,
    };
    assert_eq!(refused(&twice), inside(26, 0));
    assert_eq!(refused(&format!("{BODY}62180505REF010505REF02")), inside(62, 5));
    assert_eq!(inside(62, 5).to_string(), "duplicate_tag 62/05");
}

#[test]
fn a_crc_over_the_wrong_encoding_is_named() {
    let body = format!("{}6304", BODY.replace("CAFE", "CAFÉ"));
    let latin1 = body.chars().map(|c| u8::try_from(u32::from(c)).unwrap());
    let payload = format!("{body}{:04X}", crc(latin1));
    assert_eq!(decode(&payload), Err(Refused::BadCrc { fits_latin1: true }));
    assert!(
        Refused::BadCrc { fits_latin1: true }
            .to_string()
            .contains("8859-1")
    );
}

#[test]
fn zeros_of_a_crc_are_kept_and_lower_case_is_a_breach() {
    let payload = (0..100_000)
        .map(|i| sealed(&format!("{BODY}62100706{i:06}")))
        .find(|payload| payload.as_bytes()[payload.len() - 4] == b'0')
        .unwrap();
    assert_eq!(decode(&payload).unwrap().breaches(), []);
    let (head, crc) = SPECIFICATION.split_at(SPECIFICATION.len() - 4);
    let lower = format!("{head}{}", crc.to_lowercase());
    assert_eq!(decode(&lower).unwrap().breaches(), [Breach::CrcLowercase]);
}

#[test]
fn broken_rules_are_listed_and_the_code_is_read() {
    for (from, to, breach) in [
        ("520458125303978", "5303978", "missing:52"),
        ("5303978", "", "missing:53"),
        ("5802FR", "", "missing:58"),
        ("5912CAFE DU PORT", "", "missing:59"),
        ("6009MARSEILLE", "", "missing:60"),
        ("26280012com.acme.pay0108MID00001", "", "missing:merchant_account"),
        (
            "26280012com.acme.pay0108MID00001",
            "26120108MID00001",
            "26:missing_guid",
        ),
        (
            "26280012com.acme.pay0108MID00001",
            "2604abcd",
            "26:not_a_template",
        ),
        ("010212", "010213", "01:value"),
        ("000201", "000202", "00:value"),
        ("52045812", "5203581", "52:length"),
        ("52045812", "5204581x", "52:format"),
        ("540512.34", "540598,73", "54:format"),
        ("540512.34", "54053 705", "54:format"),
        ("540512.34", "54061.23.4", "54:format"),
        ("540512.34", "54040.00", "54:zero"),
        ("540512.34", "541412345678901.23", "54:length"),
        ("5802FR", "58012", "58:length"),
        ("5802FR", "580212", "58:format"),
        ("5912CAFE", "5912CAFÉ", "59:charset"),
        ("5912CAFE DU PORT", "5926XXXXXXXXXXXXXXXXXXXXXXXXXX", "59:length"),
        ("6009MARSEILLE", "6016YYYYYYYYYYYYYYYY", "60:length"),
    ] {
        let body = BODY.replacen(from, to, 1);
        assert_ne!(body, BODY);
        assert_eq!(breaches(&body), [breach], "{body}");
    }
    assert_eq!(breaches(BODY), [""; 0]);
    assert_eq!(breaches(&BODY.replace("540512.34", "540398.")), [""; 0]);
}

#[test]
fn rules_of_the_later_objects() {
    for (tail, expected) in [
        ("5502045403100", &["55:value"][..]),
        ("550201", &[]),
        ("550202", &["56:presence"]),
        ("550202560500.01", &[]),
        ("55020256040.00", &["56:zero"]),
        ("550201560500.01", &["56:presence"]),
        ("550203", &["57:presence"]),
        ("550203570500.01", &[]),
        ("55020357050.000", &["57:format"]),
        ("550203570500.00", &["57:zero"]),
        ("6111123456 7890", &["61:length"]),
        ("62300126XXXXXXXXXXXXXXXXXXXXXXXXXX", &["62/01:length"]),
        ("62070903AME", &[]),
        ("62070903AMA", &["62/09:value"]),
        ("62085004ijkl", &["62/50:missing_guid"]),
        ("64150002FR0205PARIS", &["missing:64/01"]),
        ("64100106MARCHE", &["missing:64/00"]),
        ("85090105hello", &["85:missing_guid"]),
        ("8004junk", &["80:not_a_template"]),
    ] {
        let body = if tail.contains("5403") {
            BODY.replace("540512.34", tail)
        } else {
            format!("{BODY}{tail}")
        };
        assert_eq!(breaches(&body), expected, "{tail}");
    }
    let long = format!("0012com.acme.pay0179{}", "Z".repeat(79));
    let tail = [80, 81, 82, 83, 84, 85]
        .map(|id| format!("{id}99{long}"))
        .concat();
    assert_eq!(breaches(&format!("{BODY}{tail}")), ["payload_over_512"]);
}

#[test]
fn amounts_follow_the_currency() {
    let amount = |currency: &str, text: &str| {
        let field = format!("54{:02}{text}", text.len());
        let body = BODY
            .replace("540512.34", &field)
            .replace("5303978", &format!("5303{currency}"));
        decode(&sealed(&body)).unwrap().amount().map(Money::amount_minor)
    };
    assert_eq!(amount("156", "98."), Some(9_800));
    assert_eq!(amount("392", "500"), Some(500));
    assert_eq!(amount("392", "5.5"), None);
    assert_eq!(amount("414", "1.234"), Some(1_234));
    assert_eq!(amount("000", "1"), None);
    assert_eq!(amount("156", "98,73"), None);
}

fn code() -> MpmCode {
    MpmCode {
        accounts: vec![
            MerchantAccount {
                id: 26,
                fields: AccountFields::Template {
                    guid: "org.softpos.sandbox".to_owned(),
                    parts: vec![(1, "898110000000001".to_owned()), (2, "01ARZ3".to_owned())],
                },
            },
            MerchantAccount::unionpay(
                "48021000",
                "00010000",
                &MerchantId::new("898110000000001").unwrap(),
            )
            .unwrap(),
        ],
        category: "5812".to_owned(),
        amount: Money::new(1_234, Currency::CNY),
        country: "CN".to_owned(),
        name: "NOODLE HOUSE".to_owned(),
        city: "BEIJING".to_owned(),
        additional: AdditionalData {
            bill: Some("B-1".to_owned()),
            reference: Some("000001000123".to_owned()),
            terminal: Some("12345678".to_owned()),
        },
        local: Some(LocalNames {
            language: "ZH".to_owned(),
            name: "面馆".to_owned(),
            city: Some("北京".to_owned()),
        }),
    }
}

#[test]
fn what_the_till_shows_a_wallet_reads() {
    let payload = code().encode().unwrap();
    assert!(payload.starts_with("0002010102121531480210000001000089811000000000126"));
    let decoded = decode(&payload).unwrap();
    assert_eq!(decoded.breaches(), []);
    assert_eq!(decoded.initiation(), Some(Initiation::Dynamic));
    assert_eq!(decoded.amount(), Some(Money::new(1_234, Currency::CNY)));
    let sandbox = decoded
        .merchant_accounts()
        .find(|account| account.id == 26)
        .unwrap();
    assert_eq!(sandbox.guid(), Some("org.softpos.sandbox"));
    assert_eq!(decoded.value_in(26, 1), Some("898110000000001"));
    assert_eq!(decoded.value_in(62, 5), Some("000001000123"));
    assert_eq!(
        (decoded.value_in(64, 1), decoded.value(59)),
        (Some("面馆"), Some("NOODLE HOUSE"))
    );
    let mut yen = code();
    yen.amount = Money::new(500, Currency::from_alpha("JPY").unwrap());
    assert!(yen.encode().unwrap().contains("53033925403500"));
}

fn set_guid(code: &mut MpmCode, text: &str) {
    let AccountFields::Template { guid, .. } = &mut code.accounts[0].fields else {
        panic!()
    };
    text.clone_into(guid);
}

#[test]
fn nothing_is_generated_that_breaks_a_rule() {
    let encode = |change: fn(&mut MpmCode)| {
        let mut code = code();
        change(&mut code);
        code.encode().unwrap_err()
    };
    let place = Place::root;
    assert_eq!(
        encode(|c| c.name = "Café".to_owned()),
        EncodeError::Breach(Breach::Charset(place(59)))
    );
    assert_eq!(encode(|c| c.name = String::new()), EncodeError::Length(place(59)));
    assert_eq!(
        encode(|c| c.name = "N".repeat(26)),
        EncodeError::Breach(Breach::Length(place(59)))
    );
    assert_eq!(
        encode(|c| c.name = "N".repeat(100)),
        EncodeError::Length(place(59))
    );
    assert_eq!(
        encode(|c| c.city = "B".repeat(16)),
        EncodeError::Breach(Breach::Length(place(60)))
    );
    assert_eq!(
        encode(|c| c.category = "58".to_owned()),
        EncodeError::Breach(Breach::Length(place(52)))
    );
    assert_eq!(
        encode(|c| c.amount = Money::new(0, Currency::CNY)),
        EncodeError::Breach(Breach::Zero(place(54)))
    );
    assert_eq!(
        encode(|c| c.amount = Money::new(-5, Currency::CNY)),
        EncodeError::Breach(Breach::Format(place(54)))
    );
    assert_eq!(
        encode(|c| c.amount = Money::new(i64::MAX, Currency::CNY)),
        EncodeError::Breach(Breach::Length(place(54)))
    );
    assert_eq!(
        encode(|c| c.accounts.clear()),
        EncodeError::Breach(Breach::MissingMerchantAccount)
    );
    assert_eq!(encode(|c| c.accounts[0].id = 15), EncodeError::AccountId(15));
    assert_eq!(
        encode(|c| set_guid(c, &"g".repeat(33))),
        EncodeError::Length(Place::within(26, 0))
    );
    assert_eq!(
        encode(|c| set_guid(c, "")),
        EncodeError::Length(Place::within(26, 0))
    );
    assert_eq!(
        encode(|c| c.accounts.push(c.accounts[0].clone())),
        EncodeError::Refused(Refused::DuplicateTag {
            template: None,
            id: 26
        })
    );
    assert_eq!(
        encode(|c| c.additional.bill = Some("9".repeat(26))),
        EncodeError::Breach(Breach::Length(Place::within(62, 1)))
    );
    assert_eq!(
        encode(|c| c.local.as_mut().unwrap().name = "面".repeat(26)),
        EncodeError::Breach(Breach::Length(Place::within(64, 1)))
    );
    let merchant = MerchantId::new("898110000000001").unwrap();
    assert!(MerchantAccount::unionpay("4802100", "00010000", &merchant).is_err());
}

#[test]
fn no_mutated_payload_panics_or_reads_as_another() {
    let original: Vec<char> = SPECIFICATION.chars().collect();
    let alphabet: Vec<char> = "0159A6运é\u{301}😀.\u{0} ".chars().collect();
    let mut seed = 42_u64;
    let mut next = |bound: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % bound
    };
    for _ in 0..20_000 {
        let mut mutated = original.clone();
        for _ in 0..=next(3) {
            let at = next(mutated.len());
            match next(4) {
                0 => mutated.truncate(at.max(1)),
                1 => mutated[at] = alphabet[next(alphabet.len())],
                2 => mutated.insert(at, alphabet[next(alphabet.len())]),
                _ => drop(mutated.remove(at)),
            }
            if mutated.is_empty() {
                break;
            }
        }
        let payload: String = mutated.into_iter().collect();
        if payload != SPECIFICATION {
            // One in 65536 alterations of several characters may fit the CRC by chance; none of this seed does.
            assert!(decode(&payload).is_err(), "{payload}");
        }
        // The same with a right CRC reaches the rules behind it.
        if let Some((end, _)) = payload.char_indices().rev().nth(7) {
            let _ = decode(&sealed(payload.get(..end).unwrap()));
        }
    }
}
