use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::super::scripted::{Objects, answer, bytes, changed, input, run};
use super::*;
use crate::config::KernelId;
use crate::entry::Start;

const AID: &str = "A0000000041010";

/// Both modes allowed; limits above the amount of 2.00 but for the verification's.
const READER: Objects<'static> = &[
    (0xDF_811B, "20"),
    (0xDF_8124, "000000010000"),
    (0xDF_8126, "000000000500"),
    (0xDF_811E, "10"),
    (0xDF_812C, "00"),
];

/// AIP of a card of stripe mode alone, its one file.
const OPTIONS: Objects<'static> = &[(0x82, "0000"), (0x94, "08010100")];

/// A public card's maps and track 2 (`MohamedHassanNasr/emv`, mock-msc-ms-mode, BSD style).
const RECORD: Objects<'static> = &[
    (0x9F65, "000E"),
    (0x9F66, "0E70"),
    (0x9F6B, "5413339000001513D49121019000990000000F"),
    (0x9F67, "03"),
];

/// Its answer: checksum 41668, counter 1017.
const CHECKSUM: Objects<'static> = &[(0x9F61, "A2C4"), (0x9F36, "03F9")];

/// Reader, options, record and answer with some objects replaced, added or, where empty, removed.
fn tap(
    reader: Objects<'_>,
    options: Objects<'_>,
    record: Objects<'_>,
    checksum: Objects<'_>,
) -> (Vec<String>, KernelOutcome) {
    let reader = changed(READER, reader);
    let answers = [
        answer(tag::RESPONSE_FORMAT_2, &changed(OPTIONS, options)),
        answer(tag::RECORD_TEMPLATE, &changed(RECORD, record)),
        answer(tag::RESPONSE_FORMAT_2, &changed(CHECKSUM, checksum)),
    ];
    run(C2::start(input(KernelId::C2, AID, &[], None, &reader)), &answers)
}

/// The same, ended before a checksum is asked for.
fn stopped(reader: Objects<'_>, record: Objects<'_>) -> KernelOutcome {
    let reader = changed(READER, reader);
    let answers = [
        answer(tag::RESPONSE_FORMAT_2, OPTIONS),
        answer(tag::RECORD_TEMPLATE, &changed(RECORD, record)),
    ];
    run(C2::start(input(KernelId::C2, AID, &[], None, &reader)), &answers).1
}

fn l2_of(outcome: &KernelOutcome) -> u8 {
    outcome.report.as_ref().unwrap().error.l2
}

/// `binaryfoo/emv-bertlv`, contactless-msd (MIT): a card with both tracks whose maps leave no place for the number.
const PUBLIC: [(&str, &str); 3] = [
    ("80A8000002830000", "770A820200009404080101009000"),
    (
        "00B2010C00",
        "7081839F6C0200019F62060000000000079F6306000000000000563342353431333333303035363030333531315E4355535420494D50204D43203335312F5E313431323130313036373735303530309F6401009F650200079F660200009F6B115413330056003511D1412101067750500F9F6701009F680E00000000000000005E0342031F039000",
    ),
    ("802A8E80040000000000", "770F9F610201F59F600201F59F3602000B9000"),
];

#[test]
fn a_public_tap_byte_for_byte() {
    let answers = PUBLIC.map(|(_, answer)| bytes(answer));
    let fci = [(0x50, "49443335312076312031"), (0x5F50, "746F746F")];
    let started = C2::start(input(KernelId::C2, AID, &fci, Some([0x26, 0, 0, 0]), READER));
    let (commands, outcome) = run(started, &answers);
    assert_eq!(commands, PUBLIC.map(|(command, _)| command));
    assert_eq!(outcome.kind, OutcomeKind::OnlineRequest);
    let read = outcome.read.unwrap();
    // Checksum 501; its last digit gives way to the count of the number's digits.
    assert_eq!(
        hex::encode_upper(read.track2.expose()),
        "5413330056003511D1412101067750500F"
    );
    assert_eq!(
        read.card_object(TRACK_1).unwrap(),
        b"B5413330056003511^CUST IMP MC 351/^1412101067750500"
    );
    assert_eq!(hex::encode_upper(&read.de55), "9F3901918407A0000000041010");
    assert!(read.receipt.is_none() && read.psn.is_none());
    let record = hex::encode_upper(read.data_record().expose());
    assert!(record.starts_with("500A4944333531207631203156") && record.contains("9F6B11541333005600"));
}

#[test]
fn the_digits_of_a_payment_are_in_the_track() {
    let (commands, outcome) = tap(&[], &[], &[], &[]);
    // 9F37 ABABABAB is 2880154539 in decimal: three digits of it.
    assert_eq!(commands[2], "802A8E80040000053900");
    let read = outcome.read.unwrap();
    assert_eq!(
        hex::encode_upper(read.track2.expose()),
        // Counter 017, the card's own digits, number 539, checksum 668, three digits.
        "5413339000001513D49121019017995396683F"
    );
    assert_eq!(read.entry_mode.code(), 0x91);
    assert!(format!("{read:?}").contains("541333******1513"));
}

#[test]
fn the_number_has_no_more_digits_than_the_track_takes() {
    for (numbers, counter, digits) in [
        ("0000", "00", "00000000"),
        ("0010", "00", "00000009"),
        ("07F8", "00", "80154539"),
    ] {
        let record = [(0x9F66, numbers), (0x9F67, counter)];
        let (commands, _) = tap(&[], &[], &record, &[]);
        assert_eq!(commands[2], format!("802A8E8004{digits}00"));
    }
    for (numbers, counter) in [("0FF8", "00"), ("0010", "02")] {
        let outcome = stopped(&[], &[(0x9F66, numbers), (0x9F67, counter)]);
        assert_eq!(
            (outcome.kind, l2_of(&outcome)),
            (OutcomeKind::EndApplication, 0x06)
        );
    }
}

#[test]
fn the_cards_own_list_goes_first() {
    let list = "9F6A049F7E019F02065F2A029F1A02";
    let (commands, _) = tap(&[(0xDF_811A, "9F6A04")], &[], &[(0x9F69, list)], &[]);
    assert_eq!(commands[2], "802A8E800F00000539010000000002000156015600");
    let (commands, _) = tap(&[(0xDF_811A, "9F6A049F0206")], &[], &[], &[]);
    assert_eq!(
        commands[2], "802A8E800A0000053900000000020000",
        "the configured one"
    );
}

#[test]
fn what_a_track_needs_and_where_it_must_agree() {
    for missing in [0x9F65, 0x9F66, 0x9F67, 0x9F6B] {
        let outcome = stopped(&[], &[(missing, "")]);
        assert_eq!(
            (outcome.kind, l2_of(&outcome)),
            (OutcomeKind::EndApplication, 0x01),
            "{missing:X}"
        );
    }
    let track_1 = (
        0x56,
        "42353431333333393030303030313531335E412F425E34393132313031393030303939303030303030",
    );
    for record in [
        &[track_1][..],
        &[
            track_1,
            (0x9F62, "00000000000E"),
            (0x9F63, "000000000E70"),
            (0x9F64, "02"),
        ],
    ] {
        let outcome = stopped(&[], record);
        assert_eq!(
            (outcome.kind, l2_of(&outcome)),
            (OutcomeKind::EndApplication, 0x06)
        );
    }
    let visa = stopped(&[], &[(0x9F6B, "4761739001010010D49121019000990000000F")]);
    assert_eq!(visa.reason, Some(Reason::BrandConflict));
    let whole = [
        track_1,
        (0x9F62, "00000000000E"),
        (0x9F63, "000000000E70"),
        (0x9F64, "03"),
    ];
    let (_, outcome) = tap(&[], &[], &whole, &[(0x9F60, "0001")]);
    assert_eq!(
        outcome.read.unwrap().card_object(TRACK_1).unwrap(),
        b"B5413339000001513^A/B^4912101017095390013"
    );
    let (_, outcome) = tap(&[], &[], &whole, &[]);
    assert_eq!(l2_of(&outcome), 0x01, "no checksum of track 1");
}

#[test]
fn the_kernels_own_limit_is_exceeded_above_not_at_it() {
    let at = tap(&[(0xDF_8124, "000000000200")], &[], &[], &[]).1;
    assert_eq!(at.kind, OutcomeKind::OnlineRequest);
    let above = stopped(&[(0xDF_8124, "000000000199")], &[]);
    assert_eq!(
        (above.kind, above.start, l2_of(&above)),
        (OutcomeKind::SelectNext, Some(Start::C), 0x05)
    );
}

#[test]
fn verification_above_and_below_the_limit() {
    let cvm = |limit, above, below| {
        let reader = [(0xDF_8126, limit), (0xDF_811E, above), (0xDF_812C, below)];
        let outcome = tap(&reader, &[], &[], &[]).1;
        (outcome.read.unwrap().cvm, outcome.receipt)
    };
    assert_eq!(cvm("000000000199", "10", "00"), (Cvm::Signature, true));
    assert_eq!(cvm("000000000199", "20", "00"), (Cvm::OnlinePin, true));
    assert_eq!(cvm("000000000199", "F0", "00"), (Cvm::None, true));
    assert_eq!(
        cvm("000000000200", "10", "00"),
        (Cvm::None, false),
        "at the exact limit"
    );
    assert_eq!(cvm("000000000200", "10", "10"), (Cvm::Signature, true));
}

#[test]
fn a_device_above_the_limit() {
    let device = [(0x82, "0200")];
    let list = [(0x9F69, "9F6A049F7E01")];
    let above = [(0xDF_8126, "000000000199")];
    let verified = [(0xDF4B, "001000")];
    let (commands, outcome) = tap(&above, &device, &list, &verified);
    assert_eq!(commands[2], "802A8E8005000005390300", "verification is asked for");
    let read = outcome.read.unwrap();
    assert_eq!(read.cvm, Cvm::OnDevice);
    assert_eq!(
        hex::encode_upper(read.track2.expose()),
        "5413339000001513D49121019017995396688F",
        "three digits and five"
    );
    let (_, silent) = tap(&above, &device, &list, &[]);
    assert_eq!(silent.reason, Some(Reason::VerificationNotProven));
    let (commands, below) = tap(&[], &device, &list, &[]);
    assert_eq!(commands[2], "802A8E8005000005390100");
    assert_eq!(below.read.unwrap().cvm, Cvm::None);
}

#[test]
fn answers_without_a_checksum() {
    let of = |checksum: Objects<'_>| tap(&[], &[], &[], checksum).1;
    let counter = of(&[(0x9F36, "")]);
    assert_eq!(
        (counter.kind, l2_of(&counter)),
        (OutcomeKind::EndApplication, 0x01)
    );
    let checksum = of(&[(0x9F61, "")]);
    assert_eq!(
        (checksum.kind, l2_of(&checksum)),
        (OutcomeKind::EndApplication, 0x01)
    );
    let phone = of(&[(0x9F61, ""), (0xDF4B, "000001")]);
    assert_eq!(
        (phone.reason, phone.start),
        (Some(Reason::SeePhone), Some(Start::B))
    );
    let declined = of(&[(0x9F61, ""), (0xDF4B, "001000")]);
    assert_eq!(
        (declined.kind, declined.reason),
        (OutcomeKind::Declined, Some(Reason::CardDeclined))
    );
}

#[test]
fn refusals_and_a_card_that_leaves() {
    let answers = |last: &str| {
        let answers = [
            answer(tag::RESPONSE_FORMAT_2, OPTIONS),
            answer(tag::RECORD_TEMPLATE, RECORD),
            bytes(last),
        ];
        run(C2::start(input(KernelId::C2, AID, &[], None, READER)), &answers).1
    };
    let refused = answers("6985");
    assert_eq!(refused.reason, Some(Reason::CommandRefused(0x6985)));
    assert_eq!(
        refused.report.unwrap().error.to_bytes(),
        [0, 3, 0, 0x69, 0x85, 0x1C]
    );
    assert_eq!(answers("80009000").reason, Some(Reason::Malformed));
    let lost = answers("");
    assert_eq!(
        (lost.reason, lost.start),
        (Some(Reason::CardLost), Some(Start::B))
    );
}

#[test]
fn a_reader_without_the_mode_ends_it() {
    let reader = changed(READER, &[(0xDF_811B, "A0")]);
    let answers = [answer(tag::RESPONSE_FORMAT_2, OPTIONS)];
    let outcome = run(C2::start(input(KernelId::C2, AID, &[], None, &reader)), &answers).1;
    assert_eq!(
        (outcome.kind, l2_of(&outcome)),
        (OutcomeKind::EndApplication, 0x07)
    );
}
