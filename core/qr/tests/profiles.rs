//! National profiles: what is generated is read as the same, live codes are recognised, broken ones are named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines
)]

use softpos_qr::mpm::{self, Initiation, Tip};
use softpos_qr::profile::{
    Fault, FpsId, Lifetime, Merchant, PayNowId, Payee, Profile, ProfileCode, ProfileError, PromptPayId,
    Reading, khqr_query_key, read,
};
use softpos_types::{Currency, Money};

fn own(text: &str) -> String {
    text.to_owned()
}

const LIFETIME: Lifetime = Lifetime {
    created_utc_ms: 1_790_000_000_000,
    expires_utc_ms: 1_790_000_600_000,
};

fn payees() -> Vec<Payee> {
    let mut payees = vec![
        Payee::UnionPay {
            acquirer_iin: own("48021000"),
            forwarding_iin: own("00010000"),
            merchant: own("898110000000001"),
        },
        Payee::PixUrl {
            url: own("payload.psp.com/3ec9d2f9-5f03-4e0e-820d-63a81e769e87"),
        },
        Payee::PixRecurring {
            url: own("payload.psp.com/rec/3ec9d2f9-5f03-4e0e-820d-63a81e769e87"),
        },
        Payee::PromptPay(PromptPayId::from_phone("0801111111").unwrap()),
        Payee::PromptPay(PromptPayId::TaxId(own("1234567890123"))),
        Payee::PromptPay(PromptPayId::Wallet(own("140000801111111"))),
        Payee::PromptPayBill {
            biller: own("099400016550100"),
            reference: own("123456789012"),
            second_reference: Some(own("670429")),
        },
        Payee::PayNow {
            id: PayNowId::Uen(own("201403121W")),
            is_editable: false,
            expiry: Some(own("20301231")),
            sgqr: Some(own("180307510317")),
        },
        Payee::PayNow {
            id: PayNowId::Phone(own("+6591234567")),
            is_editable: true,
            expiry: None,
            sgqr: None,
        },
        Payee::Qris {
            acquirer: own("COM.GO-JEK.WWW"),
            pan: own("9360091412345678901"),
            merchant: own("G123456789"),
            criteria: own("UMI"),
            national_id: Some(own("ID1020012345678")),
        },
        Payee::VnPay {
            merchant: own("0102154778"),
        },
        Payee::DuitNow {
            acquirer: own("890053"),
            account: own("QR0001234567"),
        },
        Payee::BharatQr {
            address: own("shop@bank"),
            reference: Some(own("TR123")),
        },
        Payee::KhqrPersonal {
            account: own("sok@nbcq"),
            lifetime: Some(LIFETIME),
        },
        Payee::KhqrMerchant {
            account: own("sok@nbcq"),
            merchant: own("123456"),
            bank: own("ACME BANK"),
            lifetime: Some(LIFETIME),
        },
        Payee::Jpqr {
            company: own("1234567890123"),
            branch: own("0001"),
            store: own("000001"),
            terminal: own("000002"),
        },
        Payee::QrPh {
            bank: own("GXCHPHM2XXX"),
            account: Some(own("1234567890")),
        },
        Payee::Uemoa {
            alias: own("5f2b7c1e-1f0d-4a6b-9c3d-0a1b2c3d4e5f"),
        },
    ];
    for key in [
        "52998224725",
        "60701190000104",
        "+5511912345678",
        "merchant@ex.com",
        "4004901d-bd85-4769-8e52-cb4c42c506dc",
    ] {
        payees.push(Payee::PixKey {
            key: own(key),
            text: Some(own("Pedido 123")),
        });
    }
    payees.extend([false, true].map(|is_card| Payee::VietQr {
        bank_bin: own("970416"),
        account: own("123456789"),
        is_card,
    }));
    payees.extend(
        [
            FpsId::Id(own("1234567")),
            FpsId::Mobile(own("+852-91234567")),
            FpsId::Email(own("shop@example.hk")),
        ]
        .map(Payee::Fps),
    );
    payees
}

fn merchant() -> Merchant {
    Merchant {
        category: own("5812"),
        name: own("Café São João"),
        city: own("Brasília"),
        post_code: Some(own("10110")),
        plain_name: None,
        plain_city: None,
        language: own("PT"),
    }
}

fn code(payee: Payee) -> ProfileCode {
    let profile = payee.profile();
    let currency = profile.currencies().first().copied().unwrap_or("CNY");
    ProfileCode {
        payee,
        merchant: Some(merchant()),
        country: profile
            .country()
            .is_none()
            .then(|| own(if profile == Profile::Uemoa { "SN" } else { "CN" })),
        amount: Some(Money::new(12_300, Currency::from_alpha(currency).unwrap())),
        tip: None,
        additional: Vec::new(),
    }
}

fn sole(payload: &str) -> Reading {
    let decoded = mpm::decode(payload).unwrap();
    let mut readings = read(&decoded);
    assert_eq!(readings.len(), 1, "{payload}");
    readings.remove(0)
}

#[test]
fn every_profile_generates_what_it_reads() {
    let mut seen = Vec::new();
    for payee in payees() {
        for with_amount in [true, false] {
            let mut code = code(payee.clone());
            if !with_amount {
                code.amount = None;
            }
            let payload = code.encode().unwrap_or_else(|error| panic!("{payee:?}: {error}"));
            let reading = sole(&payload);
            assert_eq!(
                (reading.payee.as_ref(), reading.faults.as_slice()),
                (Some(&payee), &[][..])
            );
            assert_eq!(reading.profile, payee.profile());
            let decoded = mpm::decode(&payload).unwrap();
            assert_eq!(decoded.amount(), code.amount);
            assert_eq!(decoded.value(59), Some("Cafe Sao Joao"), "{payload}");
            assert_eq!(decoded.value_in(64, 1), Some("Café São João"));
            let is_dynamic = if payee.profile() == Profile::Pix {
                matches!(payee, Payee::PixUrl { .. })
            } else {
                with_amount
            };
            assert_eq!(decoded.initiation() == Some(Initiation::Dynamic), is_dynamic);
        }
        seen.push(payee.profile());
    }
    seen.dedup();
    assert!(seen.len() >= 15, "{seen:?}");
}

#[test]
fn tips_and_fees() {
    let payee = payees().remove(0);
    for (tip, objects) in [
        (Tip::Ask, "550201"),
        (Tip::Fixed(Money::new(150, Currency::CNY)), "55020256041.50"),
        (Tip::Percent(1), "55020357040.01"),
        (Tip::Percent(9_999), "550203570599.99"),
    ] {
        let mut code = code(payee.clone());
        code.tip = Some(tip);
        assert!(code.encode().unwrap().contains(objects), "{objects}");
    }
    for tip in [
        Tip::Percent(0),
        Tip::Percent(10_000),
        Tip::Fixed(Money::new(0, Currency::CNY)),
        Tip::Fixed(Money::new(100, Currency::from_alpha("EUR").unwrap())),
    ] {
        let mut code = code(payee.clone());
        code.tip = Some(tip);
        assert!(matches!(code.encode(), Err(ProfileError::Encode(_))), "{tip:?}");
    }
}

#[test]
fn transfers_to_a_person_name_no_merchant() {
    for payee in payees() {
        let may_omit = matches!(
            payee.profile(),
            Profile::PromptPay | Profile::PromptPayBill | Profile::VietQr
        );
        let mut code = code(payee);
        code.merchant = None;
        assert_eq!(code.encode().is_ok(), may_omit, "{:?}", code.payee);
    }
}

#[test]
fn other_scripts_need_a_plain_name() {
    let mut code = code(payees().remove(0));
    let merchant = code.merchant.as_mut().unwrap();
    (merchant.name, merchant.city, merchant.language) = (own("面馆"), own("北京"), own("ZH"));
    assert!(matches!(code.encode(), Err(ProfileError::NotPlain(_))));
    let merchant = code.merchant.as_mut().unwrap();
    (merchant.plain_name, merchant.plain_city) = (Some(own("Noodle House")), Some(own("Beijing")));
    let payload = code.encode().unwrap();
    let decoded = mpm::decode(&payload).unwrap();
    assert_eq!(
        (decoded.value(59), decoded.value_in(64, 1)),
        (Some("Noodle House"), Some("面馆"))
    );
}

#[test]
fn uemoa_counts_its_crc_over_latin1() {
    let payee = Payee::Uemoa {
        alias: own("5f2b7c1e"),
    };
    let payload = code(payee).encode().unwrap();
    let decoded = mpm::decode(&payload).unwrap();
    assert_eq!(decoded.breaches(), [mpm::Breach::CrcLatin1]);
    // The same in any other code is refused, and the reason is named.
    let other = payload.replace("int.bceao.pi", "int.bceao.px");
    assert!(mpm::decode(&other).is_err());
}

/// Public codes, mostly in use (MIT: promptparse, vietnam-qr-pay, pix-utils, hkqr-fps, qris-python, go-emv-code,
/// emv-qr-code; Apache-2.0: emv-qrcode of mvallim), with the profile's faults that they have.
const LIVE: &[(&str, Profile, &[&str])] = &[
    (
        "00020101021129370016A0000006770101110113006681222333353037645802TH63041DCF",
        Profile::PromptPay,
        &[],
    ),
    (
        "00020101021129390016A000000677010111031514000080111111153037645802TH63047C0F",
        Profile::PromptPay,
        &[],
    ),
    (
        "00020101021130620016A000000677010112011301122334455660211CUSTOMER0010306INV00153037645802TH62070703SCB6304780E",
        Profile::PromptPayBill,
        &[],
    ),
    (
        "00020101021230650016A00000067701011201150994000165501000212123456789012030667042953037645802TH54073649.2263044534",
        Profile::PromptPayBill,
        &[],
    ),
    (
        "00020101021238530010A0000007270123000697041601091234567890208QRIBFTTA5303704540410005802VN62150811Chuyen tien63040371",
        Profile::VietQr,
        &[],
    ),
    (
        "00020101021138620010A00000072701320006970454011899MM24011M000000000208QRIBFTTA53037045802VN62190515MOMOW2W0000000080030466304DFB8",
        Profile::VietQr,
        &[],
    ),
    (
        "00020101021126280010A000000775011001A80187905204549953037045802VN5907SUNFLY16005HaNoi62290313SUNFLY ONLINE0708SUNFLY016304AE6F",
        Profile::VnPay,
        &[],
    ),
    (
        "00020126650014br.gov.bcb.pix0119pagador@example.com0220Gerado por Pix-Utils52040000530398654041.005802BR5914Fulano de Tal16009Sao Paulo62070503***63040EDC",
        Profile::Pix,
        &[],
    ),
    (
        "00020126740014br.gov.bcb.pix2552payload.psp.com/3ec9d2f9-5f03-4e0e-820d-63a81e769e875204000053039865802BR5914FULANO DE TAL16015SAO MIGUEL DO O62070503***6304D899",
        Profile::Pix,
        &[],
    ),
    (
        "00020126180014br.gov.bcb.pix5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***80950014br.gov.bcb.pix2573qr-h.sandbox.pix.bcb.gov.br/rest/api/rec/5ee5232ead29422396b44f5eb67180d663041AD9",
        Profile::Pix,
        &[],
    ),
    (
        "00020126570014BR.GOV.BCB.PIX0114607011900001040217Mensagem opcional52040000530398654041.225802BR5920Teste Batch atualiza6009SAO PAULO622605221t9OGEuUWlqWQiY0CU2YmA63048179",
        Profile::Pix,
        &[],
    ),
    (
        "00020104141234567890123426580014BR.GOV.BCB.PIX0136123e4567-e12b-12d1-a456-42665544000027300012BR.COM.OUTRO011001234567895204000053039865406123.455802BR5917NOME DO RECEBEDOR6008BRASILIA61087007490080390012BR.COM.OUTRO01190123.ABCD.3456.WXYZ6304549C",
        Profile::Pix,
        &["missing:62/05"],
    ),
    (
        "00020101021126530012hk.com.hkicl0433FPS_Identifier_CRC201D@ird.gov.hk520400005303344540419895802HK5902NA6002HK63042767",
        Profile::Fps,
        &[],
    ),
    (
        "00020101021226620014COM.GO-JEK.WWW011993600914123456789010210G1234567890303UMI51440014ID.CO.QRIS.WWW0215ID10200123456780303UMI520458125303360540525000550202560410005802ID5911TOKO CONTOH6007JAKARTA61051011062280512INV-2026-0010708KASIR-0163043EBC",
        Profile::Qris,
        &[],
    ),
    (
        "00020101021126620014COM.GO-JEK.WWW011993600914123456789010210G1234567890303UMI5204581253033605802ID5911TOKO CONTOH6007JAKARTA62120708KASIR-016304E07E",
        Profile::Qris,
        &["missing:51", "missing:61"],
    ),
    (
        "0002016003xxx01021129300012D156000000000510A93FO3230Q31280012D1560000000103081234567826680019jp.or.paymentsjapan01130000000000001020400010306000001040600000153033925903xxx64180002JA0108メルペイ カフェ520441115802JP610710661436304DEE9",
        Profile::Jpqr,
        &[],
    ),
    (
        "00020101021252044131153137210116372101160123456789ABCDE6010Phnom Penh5913Merchant Shop5802KH540510.005303840622501081234567802090124444446304A0BA",
        Profile::UnionPay,
        &[],
    ),
];

#[test]
fn live_codes() {
    for (payload, profile, faults) in LIVE {
        let reading = sole(payload);
        let found: Vec<String> = reading.faults.iter().map(ToString::to_string).collect();
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(
            (reading.profile, found.as_slice()),
            (*profile, *faults),
            "{payload}"
        );
        assert!(reading.payee.is_some(), "{payload}");
    }
}

#[test]
fn payers_codes_belong_to_profiles_as_well() {
    for (aid, profile) in [
        ("A000000333010102", Some(Profile::UnionPay)),
        ("A0000006022020", Some(Profile::Qris)),
        ("A0000007271010", Some(Profile::VietQr)),
        ("A0000006150001", Some(Profile::DuitNow)),
        ("A0000000041010", None),
    ] {
        assert_eq!(Profile::of_cpm_aid(&hex::decode(aid).unwrap()), profile, "{aid}");
    }
}

#[test]
fn broken_profiles_are_named() {
    let fault = |payee: Payee, change: fn(&mut ProfileCode)| {
        let mut code = code(payee);
        change(&mut code);
        code.encode().unwrap_err().to_string()
    };
    let dollars =
        |code: &mut ProfileCode| code.amount = Some(Money::new(100, Currency::from_alpha("EUR").unwrap()));
    let pix = |key: &str| Payee::PixKey {
        key: own(key),
        text: None,
    };
    assert_eq!(fault(pix("merchant@ex.com"), dollars), "53:currency");
    assert_eq!(fault(pix("12345"), |_| ()), "26/01:value");
    assert_eq!(
        fault(pix("merchant@ex.com"), |code| code.additional =
            vec![(5, own("a b"))]),
        "62/05:value"
    );
    assert_eq!(
        fault(
            Payee::PixUrl {
                url: own("psp.com/1")
            },
            |code| code.additional = vec![(5, own("A1"))]
        ),
        "62/05:value"
    );
    let khqr = |lifetime| Payee::KhqrPersonal {
        account: own("sok@nbcq"),
        lifetime,
    };
    assert_eq!(fault(khqr(None), |_| ()), "missing:99/01");
    let backwards = Lifetime {
        created_utc_ms: LIFETIME.expires_utc_ms,
        expires_utc_ms: LIFETIME.created_utc_ms,
    };
    assert_eq!(fault(khqr(Some(backwards)), |_| ()), "99/01:value");
    assert_eq!(
        fault(payees().remove(3), |code| code.country = Some(own("SG"))),
        "58:country"
    );
    let qris = payees()
        .into_iter()
        .find(|payee| payee.profile() == Profile::Qris)
        .unwrap();
    assert_eq!(
        fault(qris, |code| code.merchant.as_mut().unwrap().post_code = None),
        "missing:61"
    );
    let wrong_pan = Payee::Fps(FpsId::Mobile(own("91234567")));
    assert_eq!(fault(wrong_pan, |_| ()), "26/03:value");
    assert_eq!(Fault::Conflict(mpm::Place::root(30)).to_string(), "30:conflict");
}

#[test]
fn khqr_is_asked_for_by_the_md5_of_its_payload() {
    // RFC 1321, A.5.
    assert_eq!(
        khqr_query_key("message digest"),
        "f96b697d7cb7938d525a2f31aaf161d0"
    );
}

/// Bit by bit, as the specification describes it: independent of the crate.
fn sealed(body: &str) -> String {
    let covered = format!("{body}6304");
    let crc = covered.bytes().fold(0xFFFF_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ 0x1021
            }
        })
    });
    format!("{covered}{crc:04X}")
}

/// Under a right CRC anything may stand: it is read or refused, and what is read as a payee could have been generated.
#[test]
fn mutated_profiles_never_panic() {
    let payloads: Vec<String> = payees()
        .into_iter()
        .map(|payee| code(payee).encode().unwrap())
        .collect();
    let alphabet: Vec<char> = "0123456789AZaz@+-.*é运 ".chars().collect();
    let mut seed = 11_u64;
    let mut next = |bound: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % bound
    };
    let (mut read_again, mut faulty) = (0, 0);
    for round in 0..50_000 {
        let original = &payloads[round % payloads.len()];
        let mut text: Vec<char> = original.chars().collect();
        text.truncate(text.len() - 8);
        for _ in 0..=next(3) {
            let at = next(text.len());
            text[at] = alphabet[next(alphabet.len())];
        }
        let payload = sealed(&text.into_iter().collect::<String>());
        let Ok(decoded) = mpm::decode(&payload) else {
            continue;
        };
        for reading in read(&decoded) {
            read_again += usize::from(reading.payee.is_some());
            faulty += usize::from(!reading.faults.is_empty());
            assert!(
                reading.payee.is_some() || reading.profile == Profile::QrPh || !reading.faults.is_empty()
            );
        }
    }
    assert!(read_again > 1_000 && faulty > 1_000, "{read_again} {faulty}");
}

/// The table of the read-me: the first payee of each profile, with an amount.
#[test]
fn the_read_me_shows_what_is_generated() {
    let mut seen = Vec::new();
    let mut table = own("| profile | code |\n| --- | --- |\n");
    for payee in payees() {
        let profile = payee.profile();
        if seen.contains(&profile) {
            continue;
        }
        seen.push(profile);
        let payload = code(payee).encode().unwrap();
        table.extend(["| ", profile.name(), " | `", payload.as_str(), "` |\n"]);
    }
    assert!(
        include_str!("../README.md").contains(&table),
        "the table should be\n{table}"
    );
}
