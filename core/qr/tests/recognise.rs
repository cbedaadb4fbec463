//! Recognition, consumer-presented codes, transfers and links, with hostile input.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use softpos_qr::cpm::{self, CpmCode, ReceiptAddress, tags};
use softpos_qr::link::{Link, LinkError, UpiLink};
use softpos_qr::profile::Profile;
use softpos_qr::transfer::{Epc, EpcRemittance, SwissBill, TransferError};
use softpos_qr::{NotRecognised, Recognised, Wallet, recognise, text_of};
use softpos_types::{Currency, Money, SecretBytes};

/// `EMVCo` CPM specification v1.1, Annex B.
const CPM: &str = "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw==";
/// `EMVCo` MPM specification v1.1, Annex B.
const MPM: &str = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A";
/// EPC069-12 v2.1, example 1.
const EPC: &str = "BCD\n002\n1\nSCT\nBHBLDEHHXXX\nFranz Mustermänn\nDE71110220330123456789\nEUR12.3\nGDDS\nRF18539007547034";
const SWISS: &str = "SPC\n0200\n1\nCH4431999123000889012\nS\nRobert Schneider AG\nRue du Lac\n1268\n2501\nBiel\nCH\n\n\n\n\n\n\n\n1949.70\nCHF\nS\nPia-Maria Rutschmann-Schnyder\nGrosse Marktgasse\n28\n9400\nRorschach\nCH\nQRR\n210000000003139471430009017\nOrder of 15.09.2019\nEPD";
const UPI: &str = "upi://pay?pa=shop@bank&pn=The%20Shop&tr=T1&am=12.50&cu=INR&mc=5812";

#[test]
fn everything_has_its_name() {
    assert!(matches!(recognise(CPM), Ok(Recognised::Cpm(_))));
    let Ok(Recognised::Mpm { decoded, readings }) = recognise(MPM) else {
        panic!()
    };
    assert_eq!((decoded.breaches().len(), readings.len()), (0, 0));
    for (code, wallet) in [
        ("134567890123456789\r\n", Wallet::WeChat),
        (" 2812345678901234 ", Wallet::Alipay),
        ("6258123456789012345", Wallet::UnionPay),
    ] {
        assert!(matches!(recognise(code), Ok(Recognised::PaymentCode(code)) if code.wallet() == wallet));
    }
    assert!(matches!(recognise(EPC), Ok(Recognised::Epc(_))));
    assert!(matches!(recognise(SWISS), Ok(Recognised::Swiss(bill)) if bill.is_qr_iban()));
    assert!(matches!(recognise(UPI), Ok(Recognised::Link(_))));
    assert!(matches!(
        recognise("softpos:activate?v=1&host=x"),
        Ok(Recognised::Activation(_))
    ));
    let promptpay = "00020101021129370016A0000006770101110113006681222333353037645802TH63041DCF";
    let Ok(Recognised::Mpm { readings, .. }) = recognise(promptpay) else {
        panic!()
    };
    assert_eq!(readings[0].profile, Profile::PromptPay);
}

#[test]
fn what_is_none_is_refused_with_a_reason() {
    for (text, reason) in [
        ("", "nothing was scanned"),
        ("4006381333931", "a barcode of goods, not a payment code"),
        (
            "123456",
            "6 digits of no known wallet: WeChat Pay has 18, Alipay 16 to 24, UnionPay 19",
        ),
        ("hQVDUFY*", "a payer's code, damaged: bad_base64"),
        (
            "0002015802CN",
            "a merchant's code, damaged or forged: missing_crc",
        ),
        ("BCD\n002", "a credit transfer that is not valid: truncated"),
        ("SPC\n0200\n1\nx", "a Swiss bill that is not valid: truncated"),
        ("https://example.com/", "a link of no known payment service"),
        ("upi://pay?pn=x", "a payment link that is not valid: bad_address"),
        (
            "WIFI:S:x;;",
            "not a payment code: a wallet's payment code or a merchant's code was expected",
        ),
    ] {
        assert_eq!(recognise(text).unwrap_err().to_string(), reason, "{text}");
    }
    assert_eq!(
        recognise(&"0".repeat(10_000)).unwrap_err(),
        NotRecognised::TooLong
    );
    assert_eq!(text_of(b"Caf\xE9").unwrap(), "Café");
    assert_eq!(text_of(b"a\0b").unwrap_err(), NotRecognised::NotText);
}

#[test]
fn links_of_strangers_are_not_taken_for_a_service() {
    for url in [
        "https://qr.alipay.com@evil.example/bax",
        "https://qr.alipay.com.evil.example/bax",
        "https://evil.example/https://qr.alipay.com/bax",
        "https://qr.alipay.com:8443/bax",
        "http://qr.alipay.com/bax",
        "https://qr.alipay.com",
        "https://qr.alipay.com/",
        "weixin://wxpay/other?pr=1",
        "upi://collect?pa=a@b",
    ] {
        assert_eq!(Link::parse(url), Err(LinkError::UnknownService), "{url}");
    }
    for url in [
        "HTTPS://QR.95516.COM/00010000/1",
        "weixin://wxpay/bizpayurl?pr=AbCdEfGhz",
        "weixin://wxpay/bizpayurl/up?pr=NwY5Mz9&groupid=00",
        "https://buy.stripe.com/test_1",
    ] {
        assert!(Link::parse(url).is_ok(), "{url}");
    }
    for (url, error) in [
        ("upi://pay?pa=a@b&am=1&am=2", LinkError::Duplicate),
        ("upi://pay?pa=a@b&am=-1", LinkError::BadAmount),
        ("upi://pay?pa=a@b&am=%201", LinkError::BadAmount),
        ("upi://pay?pa=a@b&am=1.001", LinkError::BadAmount),
        ("upi://pay?pa=a@b&cu=USD", LinkError::BadCurrency),
        ("upi://pay?pa=a@b@c", LinkError::BadAddress),
        ("upi://pay?pa=a@b&pn=%FF", LinkError::BadValue),
        ("upi://pay?pa=a@b&mc=58", LinkError::BadValue),
    ] {
        assert_eq!(Link::parse(url), Err(error), "{url}");
    }
    let link = Link::parse(UPI).unwrap();
    let upi = link.upi.unwrap();
    assert_eq!(upi.to_uri().unwrap(), UPI);
    assert_eq!(upi.amount.map(Money::amount_minor), Some(1_250));
    let odd = UpiLink {
        name: Some("A&am=9 é".to_owned()),
        ..upi
    };
    assert_eq!(Link::parse(&odd.to_uri().unwrap()).unwrap().upi, Some(odd));
}

#[test]
fn a_payers_code_is_chosen_by_the_merchants_list() {
    let decoded = cpm::decode(CPM).unwrap();
    let (first, second) = (&[0xA0, 0, 0, 0, 0x55][..], &[0xA0, 0, 0, 0, 0x66, 0x66, 0x66][..]);
    let label = |accepted: &[&[u8]]| {
        let data = decoded.choose(accepted)?;
        Some(data.value(tags::LABEL).unwrap().to_vec())
    };
    assert_eq!(label(&[second, first]).as_deref(), Some(&b"Product2"[..]));
    assert_eq!(label(&[first, second]).as_deref(), Some(&b"Product1"[..]));
    assert_eq!(label(&[&[0xA0, 0, 0, 0, 0x77]]), None);
    assert_eq!(label(&[&[0xA0, 0, 0, 0, 0x55, 0x55, 0x55, 1]]), None);
    let data = decoded.choose(&[first]).unwrap();
    assert_eq!(data.pan().unwrap().masked(), "123456******3458");
    assert_eq!(data.languages().collect::<Vec<_>>(), ["ru", "es", "de", "en"]);
    assert_eq!(data.version(), [0, 0x10]);
    let host = data.for_host();
    let expected = hex::decode("500850726F64756374315A0812345678901234585F200E43415244484F4C4445522F454D565F2D08727565736465656E64219F100706010A030000009F2608584FD385FA234BCC9F360200019F37046D58EF13").unwrap();
    assert_eq!(host.expose(), expected);
    assert!(!format!("{decoded:?}{data:?}{host:?}").contains("3458"));
}

#[test]
fn payers_codes_are_generated_strictly() {
    let object = |tag, value: &[u8]| (tag, SecretBytes::copy_of(value));
    let code = |number: &[u8], url: &[u8]| CpmCode {
        applications: vec![vec![
            object(tags::AID, &[0xA0, 0, 0, 3, 0x33, 1, 1, 2]),
            object(tags::PAN, number),
            object(tags::LAST_FOUR, &[0x12, 0x34]),
            object(tags::ISSUER_URL, url),
            object(tags::APPLICATION_OPAQUE, &[0xFF; 200]),
        ]],
        common: Vec::new(),
    };
    let payload = code(&[0x62; 8], b"mailto:payer@example.com").encode().unwrap();
    let decoded = cpm::decode(&payload).unwrap();
    let data = decoded.choose(&[&[0xA0, 0, 0, 3, 0x33]]).unwrap();
    assert_eq!(
        data.receipt_address(),
        Some(ReceiptAddress::Email("payer@example.com"))
    );
    assert_eq!(data.last_four(), Some(*b"1234"));
    assert_eq!(
        code(&[0x62; 11], b"tel:1").encode().unwrap_err().to_string(),
        "5A:length"
    );
    assert!(CpmCode::default().encode().is_err());
}

#[test]
fn a_length_in_one_byte_is_refused_with_the_reason() {
    use base64::Engine;
    let mut bytes = b"\x85\x05CPV01\x61\x8F".to_vec();
    bytes.extend([0; 0x8F]);
    let payload = base64::engine::general_purpose::STANDARD.encode(bytes);
    let refused = cpm::decode(&payload).unwrap_err();
    assert_eq!(
        (refused.name(), refused.to_string().contains("81 or 82")),
        ("bad_length", true)
    );
    assert_eq!(
        cpm::decode(&format!("hQVDUFYw{}", "A".repeat(2_000)))
            .unwrap_err()
            .name(),
        "too_long"
    );
}

#[test]
fn transfers_are_read_strictly() {
    let epc = |from: &str, to: &str| Epc::decode(&EPC.replace(from, to)).unwrap_err();
    for (from, to, error) in [
        ("BHBLDEHHXXX", "BHBLDEH", TransferError::BadBic),
        ("002", "003", TransferError::BadHeader),
        ("\n1\n", "\n9\n", TransferError::BadHeader),
        ("Franz Mustermänn", "", TransferError::BadName),
        ("DE71", "DE72", TransferError::BadIban),
        ("EUR12.3", "USD12.3", TransferError::BadCurrency),
        ("EUR12.3", "EUR0.00", TransferError::BadAmount),
        ("EUR12.3", "EUR 12", TransferError::BadAmount),
        ("EUR12.3", "EUR1000000000", TransferError::BadAmount),
        ("GDDS", "GDDSX", TransferError::BadPurpose),
        (
            "RF18539007547034",
            "RF18539007547035",
            TransferError::BadReference,
        ),
        (
            "RF18539007547034",
            "RF18539007547034\ntext",
            TransferError::BothRemittanceForms,
        ),
        (
            "002\n1\nSCT\nBHBLDEHHXXX",
            "001\n1\nSCT\n",
            TransferError::MissingBic,
        ),
        ("RF18539007547034", "\n\n\nx\ny", TransferError::TooLong),
    ] {
        assert_eq!(epc(from, to), error, "{to}");
    }
    assert_eq!(Epc::decode(&EPC.replace('\n', "\r\n")), Epc::decode(EPC));
    let mut code = Epc::decode(EPC).unwrap();
    code.remittance = EpcRemittance::Text("line\nbreak".to_owned());
    assert_eq!(code.encode(), Err(TransferError::BadText));
    code.remittance = EpcRemittance::Text("é".repeat(140));
    assert_eq!(code.encode(), Err(TransferError::TooLong));
    let swiss = |from: &str, to: &str| SwissBill::decode(&SWISS.replace(from, to)).unwrap_err();
    for (from, to, error) in [
        (
            "CH4431999123000889012",
            "CH5380005000010283664",
            TransferError::ReferenceIbanMismatch,
        ),
        (
            "QRR\n210000000003139471430009017",
            "NON\n",
            TransferError::ReferenceIbanMismatch,
        ),
        ("009017", "009018", TransferError::BadReference),
        ("CHF", "USD", TransferError::BadCurrency),
        ("1949.70", "1949.7", TransferError::BadAmount),
        ("CH44", "CH45", TransferError::BadIban),
        ("Biel", "", TransferError::BadName),
        ("EPD", "EPX", TransferError::BadHeader),
        ("Order of", &"x".repeat(140), TransferError::BadText),
    ] {
        assert_eq!(swiss(from, to), error, "{to}");
    }
    let mut bill = SwissBill::decode(SWISS).unwrap();
    assert_eq!(bill.encode().unwrap(), SWISS);
    bill.amount = Some(Money::new(100, Currency::from_alpha("EUR").unwrap()));
    assert_eq!(bill.encode(), Err(TransferError::BadCurrency));
}

/// Whatever is scanned, it is refused or read, and never anything else.
#[test]
fn mutated_texts_never_panic() {
    let seeds = [CPM, MPM, EPC, SWISS, UPI, "134567890123456789"];
    let alphabet: Vec<char> = "0159A6运é\u{301}😀.\u{0} \n/@=&%".chars().collect();
    let mut seed = 7_u64;
    let mut next = |bound: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % bound
    };
    let mut refused = 0;
    for round in 0..50_000 {
        let mut text: Vec<char> = seeds[round % seeds.len()].chars().collect();
        for _ in 0..=next(4) {
            let at = next(text.len());
            match next(5) {
                0 => text.truncate(at.max(1)),
                1 => text[at] = alphabet[next(alphabet.len())],
                2 => text.insert(at, alphabet[next(alphabet.len())]),
                3 => text.swap(at, 0),
                _ if text.len() > 1 => drop(text.remove(at)),
                _ => {}
            }
        }
        let text: String = text.into_iter().collect();
        if let Err(reason) = recognise(&text) {
            refused += 1;
            assert!(!reason.to_string().is_empty());
        }
        let _ = text_of(text.as_bytes());
    }
    assert!(refused > 40_000, "{refused}");
}

/// The same on the bytes behind the base64 of payers' codes.
#[test]
fn mutated_payers_codes_never_panic() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let original = STANDARD.decode(CPM).unwrap();
    let mut seed = 3_u64;
    let mut next = |bound: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % bound
    };
    let mut read = 0;
    for _ in 0..50_000 {
        let mut bytes = original.clone();
        for _ in 0..=next(3) {
            // Behind the seven bytes that say what it is.
            let at = 7 + next(bytes.len() - 8);
            match next(4) {
                0 => bytes.truncate(at + 1),
                1 => bytes.insert(at, [0, 0x57, 0x5A, 0x61, 0x62, 0x81, 0xFF][next(7)]),
                2 => drop(bytes.remove(at)),
                _ => bytes[at] = u8::try_from(next(256)).unwrap(),
            }
            if bytes.len() < 16 {
                break;
            }
        }
        let Ok(decoded) = cpm::decode(&STANDARD.encode(&bytes)) else {
            continue;
        };
        read += 1;
        assert!((1..=2).contains(&decoded.applications().count()));
        for data in decoded.payment_data() {
            let _ = (
                data.pan(),
                data.track2(),
                data.last_four(),
                data.receipt_address(),
                data.languages().count(),
            );
            assert!(data.for_host().len() <= bytes.len());
        }
    }
    assert!(read > 1_000, "{read}");
}
