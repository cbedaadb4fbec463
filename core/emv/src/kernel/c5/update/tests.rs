//! Scripted cards that take their issuer's answer.

use alloc::string::String;
use alloc::vec;

use super::super::super::scripted::{Objects, answer, bytes, changed, input, run};
use super::*;
use crate::config::KernelId;
use crate::kernel::Kernel;
use crate::outcome::OutcomeKind;

const AID: &str = "A0000000651010";
const READER: Objects<'_> = &[
    (0x9F52, "1234"),
    (0x9F53, "708000"),
    (0xDF_8D02, "0200"),
    (0xDF_8121, "0000000000"),
    (0xDF_8122, "0000000000"),
    (0xDF_8120, "0000000000"),
];
/// The card's own code asks to go online; its second list wants the issuer's answer, the results and a number.
const CARD: Objects<'_> = &[
    (0x57, "3566002020360505D30122011234"),
    (0x5F24, "301231"),
    (0x8C, "9F02069F3704"),
    (0x8D, "8A02910895059F3704"),
    (0x9F0F, "8000000000"),
];
const FIRST: Objects<'_> = &[
    (0x9F27, "80"),
    (0x9F36, "0007"),
    (0x9F26, "1122334455667788"),
    (0x9F10, "06010103A00000"),
    (0x9F50, "00"),
    (0x9F60, "02"),
];
const SECOND: Objects<'_> = &[
    (0x9F27, "40"),
    (0x9F36, "0007"),
    (0x9F26, "8877665544332211"),
    (0x9F10, "06010103900000"),
];
/// 71 with the identifier 7 and two commands, 72 with one; 00 and a proof.
const ANSWER: &str = "8A023030910811223344556677887115\
    9F1804000000078605\
    04DA9F58008605842400000172078605\
    0418000000";

fn reader(offered: bool, change: Objects<'_>) -> KernelInput {
    let fci: Objects<'_> = &[(0x9F38, "9F52029F5303")];
    let mut input = input(KernelId::C5, AID, fci, None, &changed(READER, change));
    input.issuer_updates = offered;
    input
}

/// The first tap, of a reader that brings answers back or does not.
fn first(offered: bool, card: Objects<'_>, said: Objects<'_>) -> (Vec<String>, KernelOutcome) {
    let answers = [
        answer(tag::RESPONSE_FORMAT_2, &[(0x82, "0080"), (0x94, "08010100")]),
        answer(tag::RECORD_TEMPLATE, &changed(CARD, card)),
        answer(tag::RESPONSE_FORMAT_2, &changed(FIRST, said)),
    ];
    run(C5::start(reader(offered, &[])), &answers)
}

/// The second tap: what the issuer answered, and what the card says to each command.
fn back(approved: bool, issuer: &str, answers: &[Vec<u8>]) -> (Vec<String>, KernelOutcome) {
    let read = first(true, &[], &[]).1.read.unwrap();
    let mut input = reader(true, &[(0x9F37, "CDCDCDCD")]);
    input.returning = Some(Box::new(Returning {
        read,
        answer: IssuerAnswer::new(approved, &bytes(issuer)).unwrap(),
    }));
    run(C5::start(input), answers)
}

fn ok() -> Vec<u8> {
    bytes("9000")
}

fn second(change: Objects<'_>) -> Vec<u8> {
    answer(tag::RESPONSE_FORMAT_2, &changed(SECOND, change))
}

fn results(outcome: &KernelOutcome) -> (String, [u8; 5]) {
    let read = outcome.read.as_ref().unwrap();
    let scripts = read.data_object(tags::SCRIPT_RESULTS).unwrap_or_default();
    (hex::encode_upper(scripts), read.receipt.as_ref().unwrap().tvr)
}

#[test]
fn updates_are_offered_by_a_reader_that_brings_them() {
    for (offered, sent) in [(true, "708000"), (false, "700000")] {
        let (commands, _) = first(offered, &[], &[]);
        assert_eq!(commands[0], alloc::format!("80A800000783051234{sent}00"));
    }
    let mut silent = reader(true, &[(0x9F53, "700000")]);
    silent.issuer_updates = true;
    let command = C5::start(silent).unwrap().poll_capdu().unwrap();
    assert_eq!(
        hex::encode_upper(command),
        "80A80000078305123470000000",
        "configured not to take them"
    );
}

#[test]
fn how_the_card_wants_it() {
    let of = |offered, card, said: &str| {
        let said: Objects<'_> = &[(0x9F60, said)];
        let outcome = first(offered, card, said).1;
        assert_eq!(outcome.kind, OutcomeKind::OnlineRequest);
        let set = outcome.parameter_set();
        let messages = [&outcome.ui_on_outcome, &outcome.ui_on_restart]
            .map(|ui| ui.as_ref().map(|ui| (ui.message, ui.status)));
        (outcome.read.unwrap().issuer_update, set[1], messages)
    };
    let read_ok = Some((Message::CardReadOk, Status::CardReadOk));
    let again = Some((Message::PresentAgain, Status::ReadyToRead));
    let hold = Some((Message::Authorising, Status::Processing));
    let plain = (None, 0xF0, [read_ok, None]);
    assert_eq!(of(true, &[], "01"), (Some(Presentment::Held), 0x30, [hold, None]));
    assert_eq!(
        of(true, &[], "02"),
        (Some(Presentment::Again), 0x10, [read_ok, again])
    );
    for said in ["00", "", "03", "0201"] {
        assert_eq!(of(true, &[], said), plain, "{said}");
    }
    for said in ["01", "02"] {
        assert_eq!(of(false, &[], said), plain, "not offered");
        assert_eq!(of(true, &[(0x8D, "")], said), plain, "no second list");
    }
    let approved = first(true, &[(0x9F0F, "0000000000")], &[(0x9F27, "40")]).1;
    assert_eq!((approved.kind, approved.start), (OutcomeKind::Approved, None));
}

#[test]
fn scripts_around_the_second_cryptogram() {
    let (commands, outcome) = back(true, ANSWER, &[ok(), bytes("6283"), second(&[]), ok()]);
    assert_eq!(
        commands,
        [
            "04DA9F5800",
            "8424000001",
            // 8A, 91, the results, the number of the first tap.
            "80AE400013303011223344556677888000000000ABABABAB00",
            "0418000000",
        ]
    );
    assert_eq!(outcome.kind, OutcomeKind::Approved, "{:?}", outcome.reason);
    assert_eq!(
        results(&outcome),
        ("20000000072000000000".into(), [0x80, 0, 0, 0, 0])
    );
    let read = outcome.read.unwrap();
    let receipt = read.receipt.as_ref().unwrap();
    assert_eq!(hex::encode_upper(receipt.arqc), "8877665544332211");
    assert_eq!(hex::encode_upper(&receipt.iad), "06010103900000");
    let de55 = hex::encode_upper(&read.de55);
    assert!(de55.starts_with("9F260888776655443322119F270140"), "{de55}");
    assert!(de55.ends_with("9F5B0A20000000072000000000"), "{de55}");
    assert!(!de55.contains("3566002020360505"));
}

#[test]
fn what_the_card_says_in_the_end() {
    let plain = "8A023030";
    let end = |approved, said: &str| {
        let (commands, outcome) = back(approved, plain, &[second(&[(0x9F27, said)])]);
        let p1 = bytes(&commands[0])[2];
        (p1, outcome.kind, outcome.reason)
    };
    let declined = |p1, reason| (p1, OutcomeKind::Declined, Some(reason));
    assert_eq!(end(true, "40"), (0x40, OutcomeKind::Approved, None));
    assert_eq!(end(true, "00"), declined(0x40, Reason::CardDeclined));
    assert_eq!(end(true, "80"), declined(0x40, Reason::DataConflict));
    assert_eq!(end(true, "C0"), declined(0x40, Reason::DataConflict));
    assert_eq!(end(false, "00"), declined(0x00, Reason::CardDeclined));
    assert_eq!(end(false, "40"), declined(0x00, Reason::DataConflict));
    let (commands, _) = back(true, plain, &[second(&[])]);
    assert_eq!(
        commands,
        ["80AE400013303000000000000000008000000000ABABABAB00"],
        "no proof of the issuer"
    );
}

#[test]
fn a_script_that_fails() {
    let refused = || bytes("6A80");
    let (commands, outcome) = back(true, ANSWER, &[refused(), second(&[]), ok()]);
    assert_eq!(commands.len(), 3, "the rest of the script is left out");
    assert_eq!(
        commands[1], "80AE400013303011223344556677888000000020ABABABAB00",
        "the card hears of it"
    );
    assert_eq!(
        results(&outcome),
        ("11000000072000000000".into(), [0x80, 0, 0, 0, 0x20])
    );
    let (_, outcome) = back(true, ANSWER, &[ok(), refused(), second(&[]), refused()]);
    assert_eq!(outcome.kind, OutcomeKind::Approved);
    assert_eq!(
        results(&outcome),
        ("12000000071100000000".into(), [0x80, 0, 0, 0, 0x30])
    );
    let many = "86050418000000".repeat(17);
    let long = alloc::format!("8A0230307177{many}");
    let mut answers = vec![ok(); 16];
    answers.extend([refused(), second(&[])]);
    let (_, outcome) = back(true, &long, &answers);
    assert_eq!(results(&outcome).0, "1F00000000", "fifteen or above");
}

#[test]
fn a_refused_second_cryptogram() {
    for (said, reason) in [
        (bytes("6985"), Reason::CommandRefused(0x6985)),
        (second(&[(0x9F36, "0008")]), Reason::DataConflict),
        (second(&[(0x9F26, "")]), Reason::DataMissing(tag::CRYPTOGRAM)),
        (
            second(&[(0x9F10, "")]),
            Reason::DataMissing(tag::ISSUER_APPLICATION_DATA),
        ),
        (ok(), Reason::Malformed),
    ] {
        let (commands, outcome) = back(true, ANSWER, &[ok(), ok(), said]);
        assert_eq!(commands.len(), 3, "nothing goes after it");
        assert_eq!(
            (outcome.kind, outcome.reason),
            (OutcomeKind::EndApplication, Some(reason))
        );
        assert_eq!(results(&outcome).0, "20000000070000000000");
        let read = outcome.read.unwrap();
        assert_eq!(
            hex::encode_upper(read.receipt.as_ref().unwrap().arqc),
            "1122334455667788",
            "the first one stands"
        );
    }
}

#[test]
fn a_card_that_leaves() {
    for before in 0..4 {
        let mut answers = vec![ok(), ok(), second(&[]), ok()];
        answers.truncate(before);
        answers.push(Vec::new());
        let (_, outcome) = back(true, ANSWER, &answers);
        assert_eq!(
            (outcome.kind, outcome.reason, outcome.start),
            (OutcomeKind::EndApplication, Some(Reason::Torn), None)
        );
        assert!(outcome.read.is_some());
    }
}
