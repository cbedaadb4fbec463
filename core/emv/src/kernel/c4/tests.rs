//! Scripted taps of kernel 4, and one public one.

use alloc::string::String;
use alloc::sync::Arc;

use super::super::scripted::{Objects, answer, bytes, changed, input, listing, run};
use super::*;
use crate::config::KernelId;
use crate::oda::{AuthorityKey, AuthorityKeys};
use crate::outcome::OutcomeKind;

const AID: &str = "A000000025010403";
const CDOL: &str = "9F02069F03069F1A0295055F2A029A039C019F3704";
/// EMV and stripe mode; contact, device, PIN and signature.
const READER: Objects<'_> = &[(0x9F6D, "C0"), (0x9F6E, "98E00003")];

/// An online card: no authentication, signature or nothing.
const CARD: Objects<'_> = &[
    (0x5A, "374245001741007F"),
    (0x57, "374245001741007D281270213101234500000F"),
    (0x5F24, "281231"),
    (0x5F34, "00"),
    (0x8C, CDOL),
    (0x8E, "00000000000000005E031F03"),
    (0x9F0D, "0000000000"),
    (0x9F0E, "0000000000"),
    (0x9F0F, "8000000000"),
];
const ARQC: Objects<'_> = &[
    (0x9F27, "80"),
    (0x9F36, "0007"),
    (0x9F26, "1122334455667788"),
    (0x9F10, "06010103A00000"),
];

fn start(reader: Objects<'_>) -> Result<C4, KernelOutcome> {
    C4::start(input(
        KernelId::C4,
        AID,
        &[(0x9F38, "9F3501")],
        None,
        &changed(READER, reader),
    ))
}

fn gpo(aip: &str) -> Vec<u8> {
    answer(tag::RESPONSE_FORMAT_2, &[(0x82, aip), (0x94, "08010100")])
}

fn record(change: Objects<'_>) -> Vec<u8> {
    answer(tag::RECORD_TEMPLATE, &changed(CARD, change))
}

fn cryptogram(change: Objects<'_>) -> Vec<u8> {
    answer(tag::RESPONSE_FORMAT_2, &changed(ARQC, change))
}

struct Tap<'a> {
    reader: Objects<'a>,
    aip: &'a str,
    card: Objects<'a>,
    cryptogram: Objects<'a>,
}

const TAP: Tap<'_> = Tap {
    reader: &[],
    aip: "1080",
    card: &[],
    cryptogram: &[],
};

/// A tap with GENERATE AC; gives its command too.
fn tap(tap: &Tap<'_>) -> (String, KernelOutcome) {
    let answers = [gpo(tap.aip), record(tap.card), cryptogram(tap.cryptogram)];
    let (mut commands, outcome) = run(start(tap.reader), &answers);
    (commands.pop().unwrap(), outcome)
}

/// A tap that ends after the records.
fn short(reader: Objects<'_>, aip: &str, card: Objects<'_>) -> KernelOutcome {
    run(start(reader), &[gpo(aip), record(card)]).1
}

/// A logged tap of an American Express test card (binaryfoo/emv-bertlv, amex-cda-in.txt, MIT).
const PUBLIC_TAP: [(&str, &str); 9] = [
    (
        "80A80000038301EA00",
        "80165D8008010100080202010804050010020300180303009000",
    ),
    (
        "00B2010C00",
        "704D5713374245001741007D181270213101234500000F5F201A45506179205445535420434152442020202020202020202020209F5A0854455354434152449F5B0D313233343536373839303132339000",
    ),
    (
        "00B2020C00",
        "70755F24031812315F25031310015A08374245001741007F5F3401009F0702FF008C159F02069F03069F1A0295055F2A029A039C019F37048D178A029F02069F03069F1A0295055F2A029A039C019F37049F0D05F470C498009F0E0500000000009F0F05F470C498005F300207029F080200019F4A01829000",
    ),
    (
        "00B2040C00",
        "7081A79F4681804B90ED256B5210F6704B0349D5800389635E90FA539D2A2F776E13595879EB1FB974A3C179B7AE1324B2DC4886CE4BB65C4E615D11016B5DCEEBED492939B9952AF969714172F5D78B1B4DA194ECD28029F87F5100BC6EED57B447C84503C66830CEDD72AF1D3D861570F359D43876B46B8B6839F8E52582A0203018668D8DEB9F47030100019F481A88C9858B4E713F5BCD5B77A3948DCD2F8C70DF4C4C937FE9866D9000",
    ),
    (
        "00B2050C00",
        "7081939081906AE99E302162196B0AA37BFF290A66909139BE1DA375F5A8FDD3CDF0632ACC1CA27788110F66FC2D7FE959A1B714DCCA4A85ECBE268ED13126D6FF98740B958885AF92277EB705B3DF255DE019427603D4F4B4F37AEB1D802055253024574699C9106D9DC0DF370B4326E7E19C2D8521752C3FEBBD0255168087B114006D4B4569E3678EF33C31812C20BEC7DCCC76389000",
    ),
    (
        "00B2021400",
        "701F9F32030100018F01A19214F268ED4424A539166114207BADF45E3564397D679000",
    ),
    (
        "00B2031400",
        "7081839381808951030081AD0D4095D76BDF09527F1A1546C35EA682AE02446572EA2D35A9F78A142CB066B1778E58BB1C64276EF3EF519DE9CD683E691F92AD4718FF70AE40850D9E92AE3ABE93611C3A922DA45B9226395BE452B512D01175427F7F1ABB40C8816F2EEC3CE56B1A57A95561BF0D213ACFA8EFB96984D37AA47C2356975CA19000",
    ),
    (
        "00B2031C00",
        "70188E0C000000000000000042031E035F280200369F420200369000",
    ),
    (
        "80AE90001D00000001200000000000000000360000048000003614103100327273B900",
        "7781869F2701809F360200069F4B705BB09226381C540BF9F748D377BDAF68F7032C5C690862C2D7260ED423141CB334DD67E55D9D0155245BA6DEAC1644E9B2BEBFAB2442E4F03B543A7BF44F51451F825EBD0148608DAF4EA94A7FF8C28A461A2EA9F4EA060662CC4346C773CF98685F76B9F0F6EB4B2AB5B176EAF72D199F100706010103A000009000",
    ),
];

/// The test key A000000025/A1 of the same log.
const PUBLIC_KEY: &str = "99D17396421EE3F919BA549D9554BE0D4F92CB8B53B4878ED60CC5B2DEEDC79B85C8BD6FD2F23C22E68B381AEEB74153AFB3C96E6C96AD018E73C2025D1EE77622A72BEE973C1AF7B908468D74FDB53DCE8380523E38C30D0A8A226529726824E209E668F49F43B0E8CD2FE527CE7CC41F33F434F95D6E2FE2F589372032F2D6504340F8C542D298B499A53D95AF4083";

fn public_input() -> KernelInput {
    let data = [
        (0x9F02, "000000012000"),
        (0x9F1A, "0036"),
        (0x5F2A, "0036"),
        (0x9A, "141031"),
        (0x9F37, "327273B9"),
        (0x9F35, "22"),
        (0x9F6D, "C0"),
        (0x9F6E, "18F00003"),
        (0xDF_8123, "000000000000"),
        (0xDF_8126, "000000000001"),
    ];
    let mut input = input(
        KernelId::C4,
        AID,
        &[(0x9F38, "9F3501"), (0x5F2D, "656E")],
        None,
        &data,
    );
    let modulus = bytes(PUBLIC_KEY);
    let key = |exponent: &[u8]| {
        let name = ([0xA0, 0, 0, 0, 0x25], 0xA1);
        let checksum = softpos_crypto::emv_rsa::key_checksum(name, &modulus, exponent);
        AuthorityKey::new(name, &modulus, exponent, checksum).unwrap()
    };
    input.keys = Arc::new(AuthorityKeys::new([key(&[1, 0, 1])].into(), Vec::new()).unwrap());
    input
}

fn public_answers() -> Vec<Vec<u8>> {
    PUBLIC_TAP.iter().map(|(_, answer)| bytes(answer)).collect()
}

#[test]
fn a_public_tap_byte_for_byte() {
    let (commands, outcome) = run(C4::start(public_input()), &public_answers());
    for (own, (logged, _)) in commands.iter().zip(&PUBLIC_TAP) {
        assert_eq!(own, logged);
    }
    assert_eq!(outcome.kind, OutcomeKind::OnlineRequest, "{:?}", outcome.reason);
    let read = outcome.read.unwrap();
    assert_eq!(read.cvm, Cvm::OnlinePin);
    assert_eq!(read.receipt.as_ref().unwrap().tvr, [0, 0, 0x04, 0x80, 0]);
    assert_eq!(read.receipt.as_ref().unwrap().atc, [0, 6]);
    assert_ne!(
        read.receipt.as_ref().unwrap().arqc,
        [0; 8],
        "the cryptogram comes out of the signature"
    );
}

#[test]
fn the_public_tap_with_another_answer_or_key() {
    let mut answers = public_answers();
    let last = answers.last_mut().unwrap();
    let end = last.len() - 3;
    last[end] ^= 1;
    let outcome = run(C4::start(public_input()), &answers).1;
    assert_eq!(
        (outcome.kind, outcome.reason),
        (OutcomeKind::Declined, Some(Reason::NotAuthenticated))
    );
    assert_eq!(
        outcome.read.unwrap().receipt.as_ref().unwrap().tvr,
        [0x04, 0, 0x04, 0x80, 0]
    );
}

#[test]
fn a_key_that_cannot_be_recovered() {
    let mut without_keys = public_input();
    without_keys.keys = Arc::default();
    let mut answers = public_answers();
    let plain = [
        (0x9F27, "80"),
        (0x9F36, "0006"),
        (0x9F26, "1122334455667788"),
        (0x9F10, "06010103A00000"),
    ];
    *answers.last_mut().unwrap() = answer(tag::RESPONSE_FORMAT_2, &plain);
    let (commands, outcome) = run(C4::start(without_keys), &answers);
    let generate = commands.last().unwrap();
    assert!(generate.starts_with("80AE80001D"), "{generate}");
    assert!(generate.contains("0400048000"), "TVR B1b3: {generate}");
    assert_eq!(outcome.kind, OutcomeKind::OnlineRequest);
}

#[test]
fn an_online_tap() {
    let (generate, outcome) = tap(&TAP);
    assert_eq!(
        generate,
        "80AE80001D00000000020000000000000001568000000000015626112200ABABABAB00"
    );
    assert_eq!(outcome.kind, OutcomeKind::OnlineRequest);
    let read = outcome.read.unwrap();
    assert_eq!(
        (read.cvm, read.receipt.as_ref().unwrap().tvr),
        (Cvm::None, [0x80, 0, 0, 0, 0])
    );
    assert_eq!(read.data_object(tag::CVM_RESULTS), Some(&[0x1F, 0x03, 0x02][..]));
}

#[test]
fn the_data_record_and_field_55() {
    let read = tap(&TAP).1.read.unwrap();
    let record = hex::encode_upper(read.data_record().expose());
    assert!(
        record.starts_with("5713374245001741007D281270213101234500000F5A08374245001741007F"),
        "{record}"
    );
    assert!(record.ends_with("9F6D01C09F6E0498E00003"), "{record}");
    let de55 = hex::encode_upper(&read.de55);
    assert!(de55.starts_with("9F260811223344556677889F2701809F1007"), "{de55}");
    assert!(
        de55.contains("9F34031F0302") && !de55.contains("374245001741007"),
        "{de55}"
    );
}

#[test]
fn reader_capabilities_in_the_pdol() {
    let sent = |pdol| {
        let kernel = C4::start(input(KernelId::C4, AID, &[(0x9F38, pdol)], None, READER));
        hex::encode_upper(kernel.unwrap().poll_capdu().unwrap())
    };
    assert_eq!(sent("9F3501"), "80A80000038301E200");
    assert_eq!(sent("9F35019F6E04"), "80A800000783052298E0000300");
    assert_eq!(sent("9F6D019F3501"), "80A80000048302C02200");
    let none = C4::start(input(KernelId::C4, AID, &[], None, READER))
        .unwrap()
        .poll_capdu();
    assert_eq!(none.unwrap(), bytes("80A8000002830000"));
}

#[test]
fn verification_is_announced() {
    let sent = |limit, enhanced| {
        let change = [(0xDF_8126, limit), (0x9F6E, enhanced)];
        let data = changed(READER, &change);
        let fci = [(0x9F38, "9F6D019F6E04")];
        let kernel = C4::start(input(KernelId::C4, AID, &fci, None, &data));
        hex::encode_upper(kernel.unwrap().poll_capdu().unwrap())
    };
    assert_eq!(sent("000000000201", "98E00003"), "80A80000078305C098E0000300");
    assert_eq!(
        sent("000000000200", "98E00003"),
        "80A80000078305C898E0400300",
        "at the limit"
    );
    assert_eq!(
        sent("000000000200", "98E00083"),
        "80A80000078305C098E0008300",
        "exempt"
    );
}

#[test]
fn answers_to_get_processing_options() {
    for sw in ["6985", "6986", "6984", "6A82"] {
        let outcome = run(start(&[]), &[bytes(sw)]).1;
        assert_eq!(outcome.kind, OutcomeKind::EndApplication, "{sw}");
    }
    let format_1 = [bytes("80061080080101009000"), record(&[]), cryptogram(&[])];
    assert_eq!(run(start(&[]), &format_1).1.kind, OutcomeKind::OnlineRequest);
}

#[test]
fn stripe_mode_is_not_offered() {
    for (reader, aip) in [(&[][..], "1000"), (&[(0x9F6D, "40")], "1080")] {
        let outcome = run(start(reader), &[gpo(aip)]).1;
        assert_eq!(
            (outcome.kind, outcome.reason),
            (OutcomeKind::EndApplication, Some(Reason::NoKernel))
        );
    }
}

#[test]
fn what_the_records_must_hold() {
    for needed in [tag::PAN, tag::EXPIRY_DATE, tags::CDOL_1] {
        let outcome = short(&[], "1080", &[(needed.number(), "")]);
        assert_eq!(outcome.reason, Some(Reason::DataMissing(needed)));
        assert_eq!(outcome.kind, OutcomeKind::EndApplication);
    }
    assert_eq!(
        short(&[], "1080", &[(0x82, "1080")]).reason,
        Some(Reason::DataTwice(tag::AIP))
    );
    let refused = run(start(&[]), &[gpo("1080"), bytes("6A83")]).1;
    assert_eq!(refused.reason, Some(Reason::RecordRefused(0x6A83)));
}

#[test]
fn which_authentication() {
    let tvr = |aip| {
        tap(&Tap { aip, ..TAP })
            .1
            .read
            .unwrap()
            .receipt
            .as_ref()
            .unwrap()
            .tvr[0]
    };
    assert_eq!(tvr("1080"), 0x80, "none");
    assert_eq!(tvr("3080"), 0x80, "dynamic alone is none");
    assert_eq!(tvr("5080"), 0x42, "static, and it failed");
    assert_eq!(tvr("7180"), 0x04, "combined goes first");
}

#[test]
fn what_is_asked_for() {
    let p1 = |reader: Objects<'_>, card: Objects<'_>, answered| {
        let cryptogram = [(0x9F27, answered)];
        let tap = tap(&Tap {
            reader,
            card,
            cryptogram: &cryptogram,
            ..TAP
        });
        (tap.0.chars().skip(4).take(2).collect::<String>(), tap.1.kind)
    };
    let never_online = [(0x9F0F, "0000000000")];
    assert_eq!(p1(&[], &[], "80"), ("80".into(), OutcomeKind::OnlineRequest));
    assert_eq!(p1(&[], &never_online, "40"), ("40".into(), OutcomeKind::Approved));
    assert_eq!(p1(&[(0x9F35, "21")], &never_online, "80").0, "80");
    assert_eq!(p1(&[(0x9F35, "23")], &[], "40").0, "40");
    assert_eq!(p1(&[(0x9F6E, "98E08003")], &[], "40").0, "40", "9F6E B3b8");
    let denied = [(0x9F0E, "8000000000")];
    assert_eq!(p1(&[], &denied, "00"), ("00".into(), OutcomeKind::Declined));
}

#[test]
fn what_the_card_answers() {
    let offline = [(0x9F0F, "0000000000")];
    let outcome = |card, answered| {
        let cryptogram = [(0x9F27, answered)];
        let outcome = tap(&Tap {
            card,
            cryptogram: &cryptogram,
            ..TAP
        });
        (outcome.1.kind, outcome.1.reason)
    };
    assert_eq!(
        outcome(&[], "00"),
        (OutcomeKind::Declined, Some(Reason::CardDeclined))
    );
    assert_eq!(
        outcome(&[], "40"),
        (OutcomeKind::Declined, Some(Reason::DataConflict))
    );
    assert_eq!(outcome(&offline, "80").0, OutcomeKind::OnlineRequest);
    assert_eq!(outcome(&offline, "40").0, OutcomeKind::Approved);
    assert_eq!(outcome(&[], "C0").0, OutcomeKind::EndApplication);
}

#[test]
fn a_combined_signature() {
    let mut answers = public_answers();
    let without = [
        (0x9F27, "80"),
        (0x9F36, "0006"),
        (0x9F26, "1122334455667788"),
        (0x9F10, "06010103A00000"),
    ];
    *answers.last_mut().unwrap() = answer(tag::RESPONSE_FORMAT_2, &without);
    let outcome = run(C4::start(public_input()), &answers).1;
    assert_eq!(outcome.reason, Some(Reason::NotAuthenticated), "9F4B is missing");
    *answers.last_mut().unwrap() = bytes("8012800006112233445566778806010103A000009000");
    let format_1 = run(C4::start(public_input()), &answers).1;
    assert_eq!(
        format_1.reason,
        Some(Reason::NotAuthenticated),
        "no signature fits into format 1"
    );
}

#[test]
fn delayed_authorisation() {
    let delayed = [(0x9F6E, "98E00043")];
    let kind = |card: Objects<'_>| {
        let outcome = tap(&Tap {
            reader: &delayed,
            card,
            ..TAP
        })
        .1;
        (
            outcome.kind,
            outcome.read.unwrap().receipt.as_ref().unwrap().tvr[1],
        )
    };
    assert_eq!(kind(&[]), (OutcomeKind::Approved, 0));
    assert_eq!(
        kind(&[(0x9F70, "0840"), (0x5F28, "0156")]),
        (OutcomeKind::Approved, 0)
    );
    assert_eq!(
        kind(&[(0x9F70, "08C0"), (0x5F28, "0156")]),
        (OutcomeKind::Approved, 0)
    );
    assert_eq!(
        kind(&[(0x9F70, "08A0"), (0x5F28, "0156")]),
        (OutcomeKind::OnlineRequest, 0x10)
    );
    assert_eq!(
        kind(&[(0x9F70, "08A0"), (0x5F28, "0840")]),
        (OutcomeKind::Approved, 0)
    );
}

#[test]
fn restrictions_are_only_results() {
    let tvr = |reader: Objects<'_>, card: Objects<'_>| {
        tap(&Tap { reader, card, ..TAP })
            .1
            .read
            .unwrap()
            .receipt
            .as_ref()
            .unwrap()
            .tvr[1]
    };
    assert_eq!(tvr(&[], &[(0x5F24, "261122")]), 0, "the last day counts");
    assert_eq!(tvr(&[], &[(0x5F24, "261121")]), 0x40);
    assert_eq!(tvr(&[], &[(0x5F25, "261122")]), 0);
    assert_eq!(tvr(&[], &[(0x5F25, "261123")]), 0x20);
    assert_eq!(tvr(&[(0x9F09, "0001")], &[(0x9F08, "0002")]), 0x80);
    assert_eq!(tvr(&[], &[(0x9F07, "1400"), (0x5F28, "0156")]), 0x10);
}

#[test]
fn above_the_transaction_limit() {
    let at = |limit, enhanced| {
        let reader = [(0xDF_8124, limit), (0x9F6E, enhanced)];
        run(start(&reader), &[gpo("1080"), record(&[])]).1
    };
    let other = at("000000000199", "98E00003");
    assert_eq!(
        (other.kind, other.reason),
        (OutcomeKind::TryAnotherInterface, Some(Reason::LimitExceeded))
    );
    assert_eq!(at("000000000199", "18E00003").kind, OutcomeKind::EndApplication);
    let at_limit = [(0xDF_8124, "000000000200")];
    assert_eq!(
        tap(&Tap {
            reader: &at_limit,
            ..TAP
        })
        .1
        .kind,
        OutcomeKind::OnlineRequest
    );
}

#[test]
fn see_phone_and_nothing_left() {
    let required = [(0xDF_8126, "000000000200")];
    let phone = [(0x8E, "00000000000000000103"), (0x9F71, "010001")];
    let outcome = short(&required, "10C0", &phone);
    assert_eq!(
        (outcome.kind, outcome.field_off_ms),
        (OutcomeKind::TryAgain, 1_300)
    );
    assert_eq!(outcome.ui_on_outcome.unwrap().message, Message::SeePhone);
    let no_pin = changed(&required, &[(0x9F6E, "98A00003")]);
    let nothing = short(&no_pin, "1080", &[(0x8E, "00000000000000000203")]);
    assert_eq!(nothing.kind, OutcomeKind::TryAnotherInterface);
    assert_eq!(nothing.reason, Some(Reason::NoVerification));
}

/// A device that signs, above the limit: `softpos-cards`, `phones_verify_their_owner_above_the_limit`.
#[test]
fn a_device_counts_above_the_limit_only_if_it_signs() {
    let claims = [(0x8E, "00000000000000000103"), (0x9F71, "010002")];
    let above = short(&[(0xDF_8126, "000000000200")], "10C0", &claims);
    assert_eq!(
        (above.kind, above.reason),
        (OutcomeKind::TryAnotherInterface, Some(Reason::NoVerification))
    );
    let below = tap(&Tap {
        reader: &[(0xDF_8126, "000000000201")],
        aip: "10C0",
        card: &claims,
        ..TAP
    });
    assert_eq!(below.1.read.unwrap().cvm, Cvm::OnDevice);
}

#[test]
fn status_words_of_generate_ac() {
    let outcome = |aip, sw| run(start(&[]), &[gpo(aip), record(&[]), bytes(sw)]).1;
    let phone = outcome("10C0", "6984");
    assert_eq!(
        (phone.kind, phone.reason),
        (OutcomeKind::TryAgain, Some(Reason::SeePhone))
    );
    assert_eq!(
        outcome("1080", "6984").reason,
        Some(Reason::CommandRefused(0x6984))
    );
    assert_eq!(outcome("10C0", "6985").kind, OutcomeKind::EndApplication);
    let mut again = input(KernelId::C4, AID, &[(0x9F38, "9F3501")], None, READER);
    again.activation.restarted = true;
    let second = run(C4::start(again), &[gpo("10C0"), record(&[]), bytes("6984")]).1;
    assert_eq!(second.kind, OutcomeKind::EndApplication, "once");
}

#[test]
fn a_card_that_leaves() {
    assert_eq!(run(start(&[]), &[Vec::new()]).1.kind, OutcomeKind::TryAgain);
    let during = [gpo("1080"), record(&[]), Vec::new()];
    assert_eq!(run(start(&[]), &during).1.kind, OutcomeKind::TryAgain);
    let mut again = input(KernelId::C4, AID, &[(0x9F38, "9F3501")], None, READER);
    again.activation.restarted = true;
    assert_eq!(run(C4::start(again), &during).1.kind, OutcomeKind::EndApplication);
}

#[test]
fn a_card_on_the_exception_file() {
    let mut input = input(KernelId::C4, AID, &[(0x9F38, "9F3501")], None, READER);
    input.exceptions = listing(b"374245001741007");
    let answers = [gpo("1080"), record(&[]), cryptogram(&[])];
    let outcome = run(C4::start(input), &answers).1;
    assert_eq!(outcome.read.unwrap().receipt.unwrap().tvr[0], 0x90);
}
