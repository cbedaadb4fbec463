//! Scripted taps of kernel 5.

use alloc::string::String;

use super::super::scripted::{NOW, Objects, answer, bytes, changed, input, listing, run};
use super::super::test_pki;
use super::*;
use crate::config::KernelId;
use crate::outcome::{Cvm, OutcomeKind};
use crate::ui::Message;

const AID: &str = "A0000000651010";
/// EMV mode and authentication; signature, PIN and device.
const READER: Objects<'_> = &[
    (0x9F52, "1234"),
    (0x9F53, "708000"),
    (0xDF_8D02, "2200"),
    (0xDF_8121, "0000000000"),
    (0xDF_8122, "0000000000"),
    (0xDF_8120, "0000000000"),
];
const CARD: Objects<'_> = &[
    (0x57, "3566002020360505D30122011234"),
    (0x5F24, "301231"),
    (0x5F34, "01"),
    (0x8C, "9F020695059F37049F5303"),
    (0x9F0D, "0000000000"),
    (0x9F0E, "0000000000"),
    (0x9F0F, "0000000000"),
];
const ANSWER: Objects<'_> = &[
    (0x9F27, "80"),
    (0x9F36, "0007"),
    (0x9F26, "1122334455667788"),
    (0x9F10, "06010103A00000"),
    (0x9F50, "00"),
];
/// The card's own code asks to go online.
const ONLINE: Objects<'_> = &[(0x9F0F, "8000000000")];

fn reader(change: Objects<'_>) -> KernelInput {
    let mut input = input(
        KernelId::C5,
        AID,
        &[(0x9F38, "9F5202")],
        None,
        &changed(READER, change),
    );
    input.keys = test_pki::keys([0xA0, 0, 0, 0, 0x65]);
    input.spare_unpredictable = [[0; 4]; 2];
    input
}

fn gpo(aip: &str) -> Vec<u8> {
    answer(tag::RESPONSE_FORMAT_2, &[(0x82, aip), (0x94, "08010100")])
}

fn record(change: Objects<'_>) -> Vec<u8> {
    answer(tag::RECORD_TEMPLATE, &changed(CARD, change))
}

fn cryptogram(change: Objects<'_>) -> Vec<u8> {
    answer(tag::RESPONSE_FORMAT_2, &changed(ANSWER, change))
}

/// A tap without signature: reader, card and answer changed.
fn tap(reader_change: Objects<'_>, card: Objects<'_>, answered: Objects<'_>) -> (String, KernelOutcome) {
    let answers = [gpo("0080"), record(card), cryptogram(answered)];
    let (mut commands, outcome) = run(C5::start(reader(reader_change)), &answers);
    (commands.pop().unwrap(), outcome)
}

/// A tap that ends after the record.
fn short(reader_change: Objects<'_>, card: Objects<'_>) -> KernelOutcome {
    run(C5::start(reader(reader_change)), &[gpo("0080"), record(card)]).1
}

#[test]
fn an_online_tap() {
    let answers = [gpo("0080"), record(ONLINE), cryptogram(&[])];
    let (commands, outcome) = run(C5::start(reader(&[])), &answers);
    assert_eq!(
        commands,
        [
            "80A80000048302123400",
            "00B2010C00",
            "80AE8000120000000002008000000000ABABABAB70000000"
        ]
    );
    assert_eq!(outcome.kind, OutcomeKind::OnlineRequest, "{:?}", outcome.reason);
    let read = outcome.read.unwrap();
    assert_eq!(
        (read.cvm, read.receipt.as_ref().unwrap().tvr),
        (Cvm::None, [0x80, 0, 0, 0, 0])
    );
}

#[test]
fn the_data_record_and_field_55() {
    let read = tap(&[], ONLINE, &[]).1.read.unwrap();
    let record = hex::encode_upper(read.data_record().expose());
    assert!(
        record.starts_with("9F02060000000002009F03060000000000009F26081122334455667788"),
        "{record}"
    );
    assert!(record.contains("570E3566002020360505D30122011234"), "{record}");
    assert!(record.contains("9F500100"), "{record}");
    let de55 = hex::encode_upper(&read.de55);
    assert!(de55.ends_with("9F5001009F5303700000"), "{de55}");
    assert!(!de55.contains("3566002020360505"));
}

#[test]
fn without_9f52_the_next_is_tried() {
    for fci in [&[(0x9F38, "9F0206")][..], &[]] {
        let outcome = C5::start(input(KernelId::C5, AID, fci, None, READER)).unwrap_err();
        assert_eq!(outcome.kind, OutcomeKind::SelectNext);
    }
}

#[test]
fn verification_is_announced() {
    let sent = |change: Objects<'_>| {
        let data = changed(READER, change);
        let fci = [(0x9F38, "9F52029F5303")];
        let kernel = C5::start(input(KernelId::C5, AID, &fci, None, &data));
        hex::encode_upper(&kernel.unwrap().poll_capdu().unwrap()[9..12])
    };
    assert_eq!(sent(&[]), "700000", "no issuer updates");
    assert_eq!(sent(&[(0xDF_8126, "000000000201")]), "700000");
    assert_eq!(sent(&[(0xDF_8126, "000000000200")]), "F00000", "at the limit");
    assert_eq!(
        sent(&[(0xDF_8126, "000000000200"), (0x9C, "20")]),
        "700000",
        "a refund"
    );
}

#[test]
fn what_tries_the_next_application() {
    let next = |outcome: KernelOutcome| {
        assert_eq!(outcome.kind, OutcomeKind::SelectNext, "{:?}", outcome.reason);
        outcome.reason.unwrap()
    };
    let start = || C5::start(reader(&[]));
    assert_eq!(
        next(run(start(), &[bytes("6986")]).1),
        Reason::ProcessingOptionsRefused(0x6986)
    );
    let no_locator = answer(tag::RESPONSE_FORMAT_2, &[(0x82, "0080")]);
    assert_eq!(next(run(start(), &[no_locator]).1), Reason::DataMissing(tag::AFL));
    assert_eq!(
        next(run(start(), &[gpo("0000")]).1),
        Reason::NoKernel,
        "stripe mode"
    );
    let no_emv = C5::start(reader(&[(0xDF_8D02, "2000")]));
    assert_eq!(next(run(no_emv, &[gpo("0080")]).1), Reason::NoKernel);
    assert_eq!(
        next(run(start(), &[gpo("0080"), bytes("6A83")]).1),
        Reason::RecordRefused(0x6A83)
    );
    assert_eq!(next(short(&[], &[(0x82, "0080")])), Reason::DataTwice(tag::AIP));
    for missing in [tags::CDOL_1, tag::TRACK_2, tag::EXPIRY_DATE] {
        assert_eq!(
            next(short(&[], &[(missing.number(), "")])),
            Reason::DataMissing(missing)
        );
    }
    assert_eq!(next(short(&[], &[(0x5F24, "30123A")])), Reason::Malformed);
    assert_eq!(next(short(&[], &[(0x5F25, "2001")])), Reason::Malformed);
    assert_eq!(
        next(short(&[(0xDF_8124, "000000000200")], &[])),
        Reason::LimitExceeded
    );
}

#[test]
fn risk_management() {
    let tvr = |change: Objects<'_>| {
        tap(change, &[], &[(0x9F27, "40")])
            .1
            .read
            .unwrap()
            .receipt
            .as_ref()
            .unwrap()
            .tvr[3]
    };
    assert_eq!(tvr(&[]), 0);
    assert_eq!(tvr(&[(0xDF_8123, "000000000201")]), 0);
    assert_eq!(tvr(&[(0xDF_8123, "000000000200")]), 0x80);
    assert_eq!(tvr(&[(0x9F35, "21")]), 0x80);
    let selection = [(0xDF_8D02, "2A00"), (0xDF_8D03, "0000000001001010")];
    assert_eq!(tvr(&selection), 0x10);
    assert_eq!(tvr(&[selection[1]]), 0, "the option is off");
    let mut checked = reader(&[(0xDF_8D02, "6200")]);
    checked.activation.indicators.status_check_requested = true;
    let outcome = run(
        C5::start(checked),
        &[gpo("0080"), record(&[]), cryptogram(&[(0x9F27, "40")])],
    )
    .1;
    assert_eq!(outcome.read.unwrap().receipt.as_ref().unwrap().tvr[3], 0x80);
}

#[test]
fn restrictions() {
    let tvr = |card: Objects<'_>| {
        tap(&[], card, &[(0x9F27, "40")])
            .1
            .read
            .unwrap()
            .receipt
            .as_ref()
            .unwrap()
            .tvr[1]
    };
    assert_eq!(tvr(&[(0x5F24, "261122")]), 0);
    assert_eq!(tvr(&[(0x5F24, "261121")]), 0x40);
    assert_eq!(tvr(&[(0x5F25, "261123")]), 0x20);
    assert_eq!(tvr(&[(0x9F07, "1000"), (0x5F28, "0156")]), 0x10);
    assert_eq!(tvr(&[(0x9F08, "0009")]), 0, "versions are not compared");
}

#[test]
fn what_is_asked_for() {
    let p1 = |aip, options, card: Objects<'_>| {
        let mut kernel = C5::start(reader(&[(0xDF_8D02, options)])).unwrap();
        kernel.on_rapdu(&gpo(aip), 0, NOW);
        kernel.on_rapdu(&record(card), 0, NOW);
        (kernel.poll_capdu().unwrap()[2], kernel.tvr[0])
    };
    assert_eq!(
        p1("0180", "2200", ONLINE),
        (0x50, 0x00),
        "TVR B1b8 is not set, so nothing asks to go online"
    );
    assert_eq!(p1("0180", "2200", &[(0x9F0F, "0000000000")]), (0x50, 0x00));
    assert_eq!(p1("0080", "2200", ONLINE), (0x80, 0x80));
    assert_eq!(
        p1("0180", "0200", ONLINE),
        (0x80, 0x80),
        "no authentication in the options"
    );
    assert_eq!(p1("0080", "2200", &[]), (0x40, 0x80));
    let refund = tap(&[(0x9C, "20")], ONLINE, &[(0x9F27, "00")]);
    assert!(refund.0.starts_with("80AE00"), "{}", refund.0);
    let denied = short(&[(0xDF_8121, "8000000000")], &[]);
    assert_eq!(denied.kind, OutcomeKind::Declined, "without GENERATE AC");
}

#[test]
fn status_words_of_generate_ac() {
    let outcome = |sw| run(C5::start(reader(&[])), &[gpo("0080"), record(&[]), bytes(sw)]).1;
    let phone = outcome("6986");
    assert_eq!((phone.kind, phone.field_off_ms), (OutcomeKind::TryAgain, 1_300));
    assert_eq!(phone.ui_on_outcome.unwrap().message, Message::SeePhone);
    assert_eq!(outcome("6984").kind, OutcomeKind::TryAnotherInterface);
    assert_eq!(outcome("6985").kind, OutcomeKind::SelectNext);
}

#[test]
fn what_the_card_answers() {
    let answered = |card, change: Objects<'_>| {
        let outcome = tap(&[], card, change).1;
        (outcome.kind, outcome.reason)
    };
    assert_eq!(answered(&[], &[(0x9F27, "40")]), (OutcomeKind::Approved, None));
    assert_eq!(
        answered(&[], &[(0x9F27, "80")]),
        (OutcomeKind::OnlineRequest, None)
    );
    assert_eq!(
        answered(ONLINE, &[(0x9F27, "40")]),
        (OutcomeKind::Declined, Some(Reason::DataConflict))
    );
    assert_eq!(answered(&[], &[(0x9F27, "00")]).1, Some(Reason::CardDeclined));
    assert_eq!(
        answered(&[], &[(0x9F50, "")]).1,
        Some(Reason::DataMissing(tags::CARD_CVM))
    );
    assert_eq!(answered(&[], &[(0x9F27, "C0")]).0, OutcomeKind::EndApplication);
    assert_eq!(answered(&[], &[(0x9F26, "")]).0, OutcomeKind::EndApplication);
}

#[test]
fn a_combined_signature() {
    let signed = |card: Objects<'_>, change: Objects<'_>| {
        let mut objects = test_pki::CHAIN_C5.to_vec();
        objects.extend_from_slice(CARD);
        let record = answer(tag::RECORD_TEMPLATE, &changed(&objects, card));
        let own = changed(
            ANSWER,
            &[(0x9F26, ""), (0x9F27, "40"), (0x9F4B, test_pki::COMBINED_C5_TC)],
        );
        let answers = [gpo("0180"), record, cryptogram_of(&changed(&own, change))];
        run(C5::start(reader(&[])), &answers).1
    };
    let outcome = signed(&[], &[]);
    assert_eq!(outcome.kind, OutcomeKind::Approved, "{:?}", outcome.reason);
    let read = outcome.read.unwrap();
    assert_eq!(
        hex::encode_upper(read.receipt.as_ref().unwrap().arqc),
        "1122334455667788"
    );
    assert_eq!(read.receipt.as_ref().unwrap().tvr, [0; 5]);
    for (card, change) in [
        (&[][..], &[(0x9F36, "0008")][..]),
        (&[], &[(0x9F4B, "")]),
        (&[(0x8F, "02")], &[]),
        (&[], &[(0x9F26, "1122334455667789")]),
    ] {
        let failed = signed(card, change);
        assert_eq!(failed.kind, OutcomeKind::Declined);
        assert_eq!(failed.reason, Some(Reason::NotAuthenticated), "{change:X?}");
        assert_eq!(failed.read.unwrap().receipt.as_ref().unwrap().tvr[0], 0x04);
    }
    let online = signed(&[], &[(0x9F27, "80"), (0x9F4B, test_pki::COMBINED_C5_ARQC)]);
    assert_eq!(online.kind, OutcomeKind::OnlineRequest, "{:?}", online.reason);
}

fn cryptogram_of(objects: Objects<'_>) -> Vec<u8> {
    answer(tag::RESPONSE_FORMAT_2, objects)
}

#[test]
fn the_card_says_how() {
    let cvm = |profile, wanted| {
        let outcome = tap(&[(0x9F53, profile)], ONLINE, &[(0x9F50, wanted)]).1;
        (outcome.kind == OutcomeKind::OnlineRequest)
            .then(|| outcome.read.unwrap())
            .map(|read| (read.cvm, read.data_object(tag::CVM_RESULTS).unwrap().to_vec()))
    };
    assert_eq!(cvm("700000", "00"), Some((Cvm::None, bytes("1F0302"))));
    assert_eq!(cvm("700000", "10"), Some((Cvm::Signature, bytes("1E0300"))));
    assert_eq!(cvm("700000", "20"), Some((Cvm::OnlinePin, bytes("020300"))));
    assert_eq!(cvm("700000", "31"), Some((Cvm::OnDevice, bytes("010002"))));
    for (profile, wanted) in [
        ("300000", "10"),
        ("500000", "20"),
        ("600000", "30"),
        ("700000", "40"),
    ] {
        assert_eq!(cvm(profile, wanted), None, "{wanted}");
    }
    let required = tap(&[(0xDF_8126, "000000000200")], ONLINE, &[]).1;
    assert_eq!(
        (required.kind, required.reason),
        (OutcomeKind::Declined, Some(Reason::NoVerification))
    );
}

#[test]
fn an_unsigned_claim_above_the_limit_is_none() {
    let claimed = tap(&[(0xDF_8126, "000000000200")], ONLINE, &[(0x9F50, "30")]).1;
    assert_eq!(
        (claimed.kind, claimed.reason),
        (OutcomeKind::Declined, Some(Reason::VerificationNotProven))
    );
    let below = tap(&[(0xDF_8126, "000000000201")], ONLINE, &[(0x9F50, "30")]).1;
    assert_eq!(below.read.unwrap().cvm, Cvm::OnDevice);
}

/// Up to the loss of the card during GENERATE AC; gives the log.
fn torn() -> TornLog {
    let mut kernel = C5::start(reader(&[])).unwrap();
    kernel.on_rapdu(&gpo("0080"), 0, NOW);
    kernel.on_rapdu(&record(ONLINE), 0, NOW);
    assert_eq!(kernel.on_card_lost().kind, OutcomeKind::TryAgain);
    kernel.take_torn_log()
}

fn second(torn: TornLog, number: &str) -> KernelInput {
    let mut input = reader(&[(0x9F37, number)]);
    input.torn = torn;
    input
}

#[test]
fn a_torn_tap_is_taken_up_again() {
    let input = second(torn(), "CDCDCDCD");
    let (commands, outcome) = run(C5::start(input), &[gpo("0080"), record(ONLINE), cryptogram(&[])]);
    assert_eq!(commands.last().unwrap(), "80DF000000");
    assert_eq!(outcome.kind, OutcomeKind::OnlineRequest);
    let read = outcome.read.unwrap();
    assert_eq!(
        (
            read.receipt.as_ref().unwrap().un,
            read.receipt.as_ref().unwrap().tvr
        ),
        ([0xAB; 4], [0x80, 0, 0, 0, 0]),
        "the values sent then"
    );
    let input = second(torn(), "CDCDCDCD");
    let answers = [gpo("0080"), record(ONLINE), bytes("6985"), cryptogram(&[])];
    let (commands, outcome) = run(C5::start(input), &answers);
    assert_eq!(
        commands.last().unwrap(),
        "80AE8000120000000002008000000000CDCDCDCD70000000"
    );
    assert_eq!(outcome.read.unwrap().receipt.as_ref().unwrap().un, [0xCD; 4]);
}

#[test]
fn a_torn_tap_of_another_card_or_too_old() {
    let other = second(torn(), "CDCDCDCD");
    let card = changed(ONLINE, &[(0x5F34, "02")]);
    let (commands, _) = run(C5::start(other), &[gpo("0080"), record(&card), cryptogram(&[])]);
    assert!(
        commands.last().unwrap().starts_with("80AE"),
        "another sequence number"
    );
    let mut kernel = C5::start(second(torn(), "CDCDCDCD")).unwrap();
    let late = NOW.after_ms(300_001);
    kernel.on_rapdu(&gpo("0080"), 0, late);
    kernel.on_rapdu(&record(ONLINE), 0, late);
    assert!(
        hex::encode_upper(kernel.poll_capdu().unwrap()).starts_with("80AE"),
        "too old"
    );
    let mut again = C5::start(second(torn(), "CDCDCDCD")).unwrap();
    again.on_rapdu(&gpo("0080"), 0, NOW);
    again.on_rapdu(&record(ONLINE), 0, NOW);
    again.on_card_lost();
    assert_eq!(
        alloc::format!("{:?}", again.take_torn_log()),
        "TornLog(1)",
        "kept for a third tap"
    );
}

/// Whoever was cut off over a small amount and comes back for a large one brings a signature over the small one.
#[test]
fn a_torn_tap_of_another_payment_is_not_taken_up() {
    for other in [
        (0x9F02, "000000009000"),
        (0x9F03, "000000000001"),
        (0x5F2A, "0840"),
        (0x9C, "01"),
    ] {
        let mut input = reader(&[other, (0x9F37, "CDCDCDCD")]);
        input.torn = torn();
        let answers = [gpo("0080"), record(ONLINE), cryptogram(&[])];
        let (commands, _) = run(C5::start(input), &answers);
        let last = commands.last().unwrap();
        assert!(
            last.starts_with("80AE") && last.contains("CDCDCDCD"),
            "{other:?}: {last}"
        );
    }
    // A clock that went on is no other payment, but what goes to the issuer is what the card was told.
    let mut input = reader(&[(0x9A, "261123"), (0x9F37, "CDCDCDCD")]);
    input.torn = torn();
    let outcome = run(C5::start(input), &[gpo("0080"), record(ONLINE), cryptogram(&[])]).1;
    let read = outcome.read.unwrap();
    assert_eq!(
        read.data_object(tag::TRANSACTION_DATE),
        Some(&[0x26, 0x11, 0x22][..])
    );
}

#[test]
fn a_card_on_the_exception_file() {
    let tvr = |options| {
        let mut input = reader(&[(0xDF_8D02, options)]);
        input.exceptions = listing(b"3566002020360505");
        let answers = [gpo("0080"), record(ONLINE), cryptogram(&[])];
        let outcome = run(C5::start(input), &answers).1;
        outcome.read.unwrap().receipt.unwrap().tvr
    };
    assert_eq!(tvr("3200"), [0x90, 0, 0, 0, 0]);
    assert_eq!(
        tvr("2200"),
        [0x80, 0, 0, 0, 0],
        "where the options do not ask for it"
    );
}
