//! Scripted taps of kernel 7.

use super::super::scripted::{NOW, Objects, answer, bytes, changed, input, run};
use super::super::test_pki;
use super::*;
use crate::config::{Aid, Combination, CombinationSettings, KernelId, ReaderConfig};
use crate::outcome::OutcomeKind;
use crate::reader::{Reader, ReaderError};
use crate::ui::Status;

const AID: &str = "A000000333010102";
const PDOL: &str = "9F66049F02069F03069F1A0295055F2A029A039C019F3704";
const FCI: Objects<'_> = &[(0x9F38, PDOL)];
const PHONE: [u8; 4] = [0x21, 0, 0x40, 0];

/// A card that asks the issuer, everything in one answer.
const ASKS: Objects<'_> = &[
    (0x82, "2000"),
    (0x9F36, "0015"),
    (0x9F10, "07010103A00000010A01"),
    (0x9F26, "20261203C3227D26"),
    (0x57, "6212345678901232D30122015343"),
    (0x5F34, "01"),
    (0x9F6C, "0000"),
];

/// A card that approves; the track comes in a record.
const APPROVES: Objects<'_> = &[
    (0x82, "2000"),
    (0x9F36, "0015"),
    (0x9F10, "07010103900000010A01"),
    (0x9F26, "20261203C3227D26"),
    (0x94, "08010200"),
    (0x9F6C, "0000"),
];

fn start(ttq: [u8; 4]) -> Result<C7, KernelOutcome> {
    C7::start(input(KernelId::C7, AID, FCI, Some(ttq), &[]))
}

fn gpo(objects: Objects<'_>) -> Vec<u8> {
    answer(tag::RESPONSE_FORMAT_2, objects)
}

fn record(objects: Objects<'_>) -> Vec<u8> {
    answer(tag::RECORD_TEMPLATE, objects)
}

fn asks(change: Objects<'_>) -> KernelOutcome {
    run(start(PHONE), &[gpo(&changed(ASKS, change))]).1
}

fn approves(ttq: [u8; 4], change: Objects<'_>) -> KernelOutcome {
    let track = record(&[(0x57, "6212345678901232D30122015343"), (0x5F24, "301231")]);
    run(
        start(ttq),
        &[gpo(&changed(APPROVES, change)), track, record(&[(0x5F34, "01")])],
    )
    .1
}

/// A kernel that has read everything but not concluded.
fn read(change: Objects<'_>, fci: Objects<'_>, ttq: [u8; 4]) -> C7 {
    let mut kernel = C7::start(input(KernelId::C7, AID, fci, Some(ttq), &[])).unwrap();
    kernel.poll_capdu();
    kernel.on_rapdu(&gpo(&changed(APPROVES, change)), 0, NOW);
    kernel
}

#[test]
fn a_card_that_asks_the_issuer() {
    let (commands, outcome) = run(start(PHONE), &[gpo(ASKS)]);
    assert_eq!(
        commands,
        [
            "80A8000023832121004000000000000200000000000000015600000000000156261122\
          00ABABABAB00"
        ]
    );
    assert_eq!(outcome.kind, OutcomeKind::OnlineRequest);
    let ui = outcome.ui_on_outcome.unwrap();
    assert_eq!((ui.message, ui.status), (Message::CardReadOk, Status::CardReadOk));
    let read = outcome.read.unwrap();
    assert_eq!(read.pan.masked(), "621234******1232");
    assert_eq!((read.cvm, read.kernel), (Cvm::None, KernelId::C7));
    assert_eq!(read.data_object(tag::CRYPTOGRAM_INFORMATION), Some(&[0x80][..]));
}

#[test]
fn the_data_record_and_field_55() {
    let read = asks(&[(0x9F63, "30313032"), (0x9F5D, "000000010000")])
        .read
        .unwrap();
    let record = hex::encode_upper(read.data_record().expose());
    assert!(
        record.starts_with("5F2A0201565F340101820220009505000000000"),
        "{record}"
    );
    assert!(record.contains("570E6212345678901232D30122015343"), "{record}");
    assert!(record.contains("9F5D06000000010000"));
    let de55 = hex::encode_upper(&read.de55);
    assert!(
        de55.starts_with("9F260820261203C3227D269F2701809F100A07010103A00000010A01"),
        "{de55}"
    );
    assert!(de55.contains("9F630430313032"));
    for sealed in ["6212345678901232", "5F34", "9F5D"] {
        assert!(!de55.contains(sealed), "{sealed}");
    }
}

#[test]
fn without_qualifiers_the_next_application_is_tried() {
    for fci in [&[(0x9F38, "9F02069F3704")][..], &[]] {
        let kernel = C7::start(input(KernelId::C7, AID, fci, Some(PHONE), &[]));
        assert_eq!(kernel.unwrap_err().kind, OutcomeKind::SelectNext);
    }
}

#[test]
fn status_words_of_get_processing_options() {
    let again = run(start(PHONE), &[bytes("6986")]).1;
    assert_eq!(again.kind, OutcomeKind::TryAgain);
    assert_eq!(again.field_off_ms, 1_000);
    assert_eq!(again.ui_on_outcome.unwrap().message, Message::PresentAgain);
    for sw in ["6985", "6A82", "6984"] {
        let ended = run(start(PHONE), &[bytes(sw)]).1;
        assert_eq!(ended.kind, OutcomeKind::EndApplication);
        let with_slot = run(start([0x31, 0, 0x40, 0]), &[bytes(sw)]).1;
        assert_eq!(with_slot.kind, OutcomeKind::TryAnotherInterface);
    }
}

#[test]
fn what_the_answer_must_hold() {
    for tag in [
        tag::ATC,
        tag::ISSUER_APPLICATION_DATA,
        tag::CRYPTOGRAM,
        tag::TRACK_2,
    ] {
        let outcome = asks(&[(tag.number(), "")]);
        assert_eq!(outcome.kind, OutcomeKind::EndApplication);
        assert_eq!(outcome.reason, Some(Reason::DataMissing(tag)));
    }
    assert_eq!(asks(&[(0x82, "")]).reason, Some(Reason::Malformed));
    let no_locator = run(start(PHONE), &[gpo(&changed(APPROVES, &[(0x94, "")]))]).1;
    assert_eq!(no_locator.reason, Some(Reason::DataMissing(tag::AFL)));
    let format_1 = run(start(PHONE), &[bytes("80062000080101009000")]).1;
    assert_eq!(format_1.reason, Some(Reason::Malformed));
}

#[test]
fn a_declining_card_needs_no_record() {
    for iad in ["07010103800000010A01", "07010103B00000010A01"] {
        let change = [(0x9F10, iad), (0x94, "08010200")];
        let outcome = asks(&change);
        assert_eq!(
            (outcome.kind, outcome.reason),
            (OutcomeKind::Declined, Some(Reason::CardDeclined))
        );
    }
}

#[test]
fn a_refused_record() {
    let outcome = run(start(PHONE), &[gpo(APPROVES), bytes("6A83")]).1;
    assert_eq!(outcome.kind, OutcomeKind::EndApplication);
    assert_eq!(outcome.reason, Some(Reason::RecordRefused(0x6A83)));
    let error = outcome.report.unwrap().error.to_bytes();
    assert_eq!(error, [0, 3, 0, 0x6A, 0x83, 0x1C]);
}

#[test]
fn doubled_objects() {
    let again = |objects: Objects<'_>| run(start(PHONE), &[gpo(APPROVES), record(objects)]).1;
    assert_eq!(
        again(&[(0x9F36, "0016")]).reason,
        Some(Reason::DataTwice(tag::ATC))
    );
    let psn_twice = run(
        start(PHONE),
        &[
            gpo(&changed(APPROVES, &[(0x5F34, "01")])),
            record(&[(0x5F34, "02"), (0x57, "6212345678901232D30122015343")]),
            record(&[]),
        ],
    )
    .1;
    assert_eq!(psn_twice.read.unwrap().psn, Some(1), "the first counts");
}

#[test]
fn the_readers_values_are_not_overwritten() {
    let outcome = asks(&[
        (0x9F37, "00000000"),
        (0x9F02, "000000000001"),
        (0x5F2A, "0840"),
        (0x9F66, "FFFFFFFF"),
        (0x95, "FFFFFFFFFF"),
    ]);
    let read = outcome.read.unwrap();
    for (tag, value) in [
        (tag::UNPREDICTABLE_NUMBER, "ABABABAB"),
        (tag::AMOUNT_AUTHORISED, "000000000200"),
        (tag::TRANSACTION_CURRENCY, "0156"),
        (tag::TTQ, "21004000"),
        (tag::TVR, "0000000000"),
    ] {
        assert_eq!(read.data_object(tag).map(hex::encode_upper).unwrap(), value);
        assert_eq!(read.card_object(tag), None);
    }
}

#[test]
fn another_schemes_number_is_refused() {
    let foreign = [(0x57, "374245001741007D3012201534300F")];
    assert_eq!(asks(&foreign).reason, Some(Reason::BrandConflict));
    assert_eq!(
        asks(&[(0x5A, "6212345678901240")]).reason,
        Some(Reason::DataConflict)
    );
}

#[test]
fn an_approval_without_a_signature() {
    assert_eq!(approves(PHONE, &[]).reason, Some(Reason::NotAuthenticated));
    let online = approves(PHONE, &[(0x9F6C, "2000")]);
    assert_eq!(online.kind, OutcomeKind::OnlineRequest);
    let other = approves([0x31, 0, 0x40, 0], &[(0x9F6C, "1000")]);
    assert_eq!(other.kind, OutcomeKind::TryAnotherInterface);
    assert!(other.read.is_some());
}

#[test]
fn a_card_that_leaves() {
    let gone = run(start(PHONE), &[Vec::new()]).1;
    assert_eq!((gone.kind, gone.field_off_ms), (OutcomeKind::TryAgain, 0));
    let first_record = run(start(PHONE), &[gpo(APPROVES), Vec::new()]).1;
    assert_eq!(first_record.kind, OutcomeKind::TryAgain);
    let cut_short = run(start(PHONE), &[bytes("90")]).1;
    assert_eq!(cut_short.kind, OutcomeKind::TryAgain, "no status word");
}

#[test]
fn a_card_that_leaves_after_it_may_have_debited() {
    let torn = run(start(PHONE), &[gpo(APPROVES), record(&[]), Vec::new()]).1;
    assert_eq!((torn.kind, torn.start), (OutcomeKind::EndApplication, None));
    assert_eq!(torn.reason, Some(Reason::Torn));
    let asking = changed(ASKS, &[(0x94, "08010100")]);
    let lost = run(start(PHONE), &[gpo(&asking), Vec::new()]).1;
    assert_eq!(
        lost.kind,
        OutcomeKind::TryAgain,
        "nothing is debited before the issuer"
    );
}

#[test]
fn when_the_signature_is_asked_for() {
    let plain = read(&[], FCI, PHONE);
    assert!(plain.signs(Cryptogram::Tc));
    assert!(!plain.signs(Cryptogram::Arqc), "no DF61");
    let offers = [FCI[0], (0xDF61, "01")];
    assert!(read(&[], &offers, PHONE).signs(Cryptogram::Arqc));
    assert!(
        !read(&[], &offers, [0x20, 0, 0x40, 0]).signs(Cryptogram::Arqc),
        "TTQ B1b1"
    );
    assert!(
        !read(&[(0x82, "0000")], &offers, PHONE).signs(Cryptogram::Tc),
        "AIP B1b6"
    );
}

#[test]
fn versions_of_the_signature() {
    let signed = |change: Objects<'_>| {
        read(change, FCI, PHONE)
            .signed_data()
            .map(|(reach, data)| (reach, hex::encode_upper(data)))
    };
    let card = Some((Signature::Card, "ABABABAB".into()));
    assert_eq!(signed(&[]), card);
    assert_eq!(signed(&[(0x9F08, "002F")]), card);
    assert_eq!(
        signed(&[(0x9F69, "0100000000000000")]),
        None,
        "version 01 below 0030"
    );
    assert_eq!(
        signed(&[(0x9F08, "0030"), (0x9F69, "01AAAAAAAA000000")]),
        Some((
            Signature::CardAndQualifiers,
            "ABABABAB000000000200015601AAAAAAAA000000".into()
        ))
    );
    for related in [
        "01AAAAAAAA0000",
        "0100000000000000000000000000000000",
        "00AAAAAAAA000000",
    ] {
        assert_eq!(signed(&[(0x9F08, "0030"), (0x9F69, related)]), None, "{related}");
    }
    assert_eq!(signed(&[(0x9F08, "0030")]), None);
}

/// A card that approves and signs.
fn signing(gpo_change: Objects<'_>, card: Objects<'_>, ttq: [u8; 4]) -> KernelOutcome {
    let mut input = input(KernelId::C7, AID, &[FCI[0], (0xDF61, "01")], Some(ttq), &[]);
    input.keys = test_pki::keys([0xA0, 0, 0, 0x03, 0x33]);
    let mut objects = test_pki::CHAIN_C7.to_vec();
    objects.extend_from_slice(&[
        (0x57, "6212345678901232D30122015343"),
        (0x5F24, "301231"),
        (0x9F5D, "000000010000"),
    ]);
    let options = changed(APPROVES, gpo_change);
    let answers = [gpo(&options), record(&changed(&objects, card)), record(&[])];
    run(C7::start(input), &answers).1
}

const VERSION_01: Objects<'_> = &[
    (0x9F08, "0030"),
    (0x9F69, "01AAAAAAAA000000"),
    (0x9F4B, test_pki::FDDA_01),
];

#[test]
fn an_approval_shows_the_balance() {
    let outcome = signing(&[], VERSION_01, PHONE);
    assert_eq!(outcome.kind, OutcomeKind::Approved, "{:?}", outcome.reason);
    assert!(outcome.receipt);
    let ui = outcome.ui_on_outcome.unwrap();
    let value = ui.value.unwrap();
    assert_eq!(
        (ui.message, value.qualifier),
        (Message::Approved, ValueQualifier::Balance)
    );
    assert_eq!((value.value, value.currency), ([0, 0, 0, 1, 0, 0], [0x01, 0x56]));
    let read = outcome.read.unwrap();
    assert_eq!(read.authentication, Some(Authentication::FastDynamic));
    assert_eq!(read.data_object(tag::CRYPTOGRAM_INFORMATION), Some(&[0x40][..]));
}

#[test]
fn signatures_of_both_versions() {
    let old = [(0x9F4B, test_pki::FDDA_00)];
    assert_eq!(signing(&[], &old, PHONE).kind, OutcomeKind::Approved);
    for (card, why) in [
        (
            changed(VERSION_01, &[(0x9F4B, test_pki::FDDA_00)]),
            "version 00 does not do",
        ),
        (changed(VERSION_01, &[(0x9F69, "01AAAAAAAA000001")]), "other data"),
        (
            changed(VERSION_01, &[(0x5A, "6212345678901240")]),
            "another number",
        ),
        (changed(VERSION_01, &[(0x8F, "02")]), "no such key"),
        (changed(VERSION_01, &[(0x9F4B, "")]), "no signature"),
    ] {
        assert_ne!(signing(&[], &card, PHONE).kind, OutcomeKind::Approved, "{why}");
    }
}

#[test]
fn a_signed_claim_of_verification_counts_above_the_limit() {
    let above = [0x21, 0x40, 0x40, 0];
    let claim = [(0x9F6C, "0080")];
    let signed = [
        (0x9F08, "0030"),
        (0x9F69, "01AAAAAAAA008000"),
        (0x9F4B, test_pki::FDDA_01_DEVICE),
    ];
    let outcome = signing(&claim, &signed, above);
    assert_eq!(outcome.kind, OutcomeKind::Approved, "{:?}", outcome.reason);
    assert_eq!(outcome.read.unwrap().cvm, Cvm::OnDevice);
    let unsigned = changed(&signed, &[(0x9F4B, test_pki::FDDA_01)]);
    assert_eq!(
        signing(&claim, &unsigned, above).reason,
        Some(Reason::NoVerification)
    );
    let asking = [
        claim[0],
        (0x9F10, "07010103A00000010A01"),
        (0x57, "6212345678901232D30122015343"),
    ];
    let records = [signed[0], signed[1], signed[2], (0x57, "")];
    let online = signing(&asking, &records, above);
    assert_eq!(online.kind, OutcomeKind::OnlineRequest, "{:?}", online.reason);
    assert_eq!(
        online.read.unwrap().cvm,
        Cvm::OnDevice,
        "signed for the issuer too"
    );
}

#[test]
fn off_until_the_configuration_names_it() {
    let combination = Combination {
        aid: Aid::new(&bytes(AID)).unwrap(),
        kernel: KernelId::C7,
        transaction_type: 0,
        settings: CombinationSettings {
            ttq: Some(PHONE),
            ..CombinationSettings::default()
        },
    };
    let mut config = ReaderConfig {
        combinations: [combination].into(),
        ..ReaderConfig::default()
    };
    let reader = |config: &ReaderConfig| Reader::new(config, crate::entry::tests::transaction(200));
    assert!(matches!(reader(&config), Err(ReaderError::NothingAllowed(_))));
    config.unverified_kernels.push(KernelId::C6);
    assert!(matches!(reader(&config), Err(ReaderError::NothingAllowed(_))));
    config.unverified_kernels.push(KernelId::C7);
    assert!(reader(&config).is_ok());
}
