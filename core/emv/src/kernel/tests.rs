//! What holds for every kernel alike, and the exception file where a kernel's own tests do not go through it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use softpos_types::{Currency, LocalTime, Money};
use softpos_wire::{Tag, tag};

use super::scripted::{NOW, Objects, answer, bytes, changed, input, listing, run};
use super::*;
use crate::config::{Aid, Combination, CombinationSettings, ReaderConfig, Transaction};
use crate::outcome::ErrorIndication;
use crate::reader::{CardOutcome, Reader, ReaderStep};

const TTQ: [u8; 4] = [0x20, 0, 0x40, 0];

/// Kernel, application, what is in the answer to SELECT, and what the reader must have.
pub(crate) const KERNELS: [(KernelId, &str, Objects<'static>, Objects<'static>); 7] = [
    (KernelId::C2, MASTERCARD, &[(0x9F38, "9F3704")], READER_2),
    (KernelId::C3, "A0000000031010", &[(0x9F38, "9F66049F3704")], &[]),
    (
        KernelId::C4,
        "A000000025010403",
        &[(0x9F38, "9F3501")],
        &[(0x9F6D, "C0"), (0x9F6E, "98E00003")],
    ),
    (
        KernelId::C5,
        "A0000000651010",
        &[(0x9F38, "9F5202")],
        &[(0xDF_8D02, "2200")],
    ),
    (KernelId::C6, "A0000001523010", &[(0x9F38, "9F66049F3704")], &[]),
    (KernelId::C7, "A000000333010101", &[(0x9F38, "9F66049F3704")], &[]),
    (
        KernelId::C8,
        MASTERCARD,
        &[(0x9F2C, "01000000000000"), (0x9F38, "9E409F2B089F3704")],
        READER_8,
    ),
];

const READER_8: Objects<'static> = &[(0x9F_820D, "000000010000"), (0x9F_820E, "000000010000")];

const READER_2: Objects<'static> = &[
    (0xDF_811B, "80"),
    (0xDF_8120, "0000000000"),
    (0xDF_8121, "0000000000"),
    (0xDF_8122, "1000000000"),
    (0xDF_8123, "000000010000"),
    (0xDF_8124, "000000010000"),
    (0xDF_8126, "000000010000"),
];

/// A card of kernel 2 that is not authenticated.
const RECORD_2: Objects<'static> = &[
    (0x57, "5413330089600010D301220101234091"),
    (0x5A, "5413330089600010"),
    (0x5F24, "301231"),
    (0x8C, "9505"),
    (0x9F0D, "0000000000"),
    (0x9F0E, "0000000000"),
    (0x9F0F, "0000000000"),
];

fn error(index: usize, answers: &[Vec<u8>]) -> ErrorIndication {
    let (kernel, aid, fci, data) = KERNELS[index];
    let input = input(kernel, aid, fci, Some(TTQ), data);
    let outcome = run(AnyKernel::start(input), answers).1;
    let report = outcome.report.expect("a report");
    let shown = String::from_utf8_lossy(report.discretionary.expose()).into_owned();
    assert!(!shown.contains("4761"), "no card data");
    report.error
}

/// No kernel is left out of what holds for all.
#[test]
fn every_kernel_is_among_them() {
    for number in 2..=8 {
        let known = KERNELS.iter().any(|(kernel, ..)| kernel.number() == number);
        assert!(known, "kernel {number}");
    }
}

#[test]
fn every_kernel_says_which_step_failed() {
    for index in 0..KERNELS.len() {
        let refused = error(index, &[bytes("6A81")]);
        assert_eq!((refused.l2, refused.sw), (3, 0x6A81), "{index}: the status word");
        let malformed = error(index, &[bytes("7705820200009000")]);
        assert_eq!((malformed.l2, malformed.sw), (4, 0), "{index}: parsing");
        let missing = error(index, &[answer(tag::RESPONSE_FORMAT_2, &[(0x9F36, "0001")])]);
        assert!(matches!(missing.l2, 1 | 4), "{index}: no profile: {missing:?}");
        let gone = error(index, &[Vec::new()]);
        assert_eq!((gone.l1, gone.l2), (2, 0), "{index}: the radio");
    }
}

/// A card that names ever more objects ends its application: the reader would be busy with them for minutes.
#[test]
fn a_card_of_endless_objects_ends_the_application() {
    for (kernel, aid, fci, data) in KERNELS.into_iter().take(6) {
        let options = |objects: u32| {
            let mut writer = softpos_wire::tlv::TlvWriter::new();
            writer.template(tag::RESPONSE_FORMAT_2, |template| {
                template
                    .put(tag::AIP, &[0x20, 0x80])
                    .put(tag::AFL, &[0x08, 1, 1, 0]);
                for number in 0..objects {
                    // Three-byte tags that no kernel knows.
                    let [.., high, low] = (number / 0x80 * 0x100 + number % 0x80).to_be_bytes();
                    template.put(Tag::new(u32::from_be_bytes([0, 0xDF, 0x90 | high, low])), &[]);
                }
            });
            [writer.into_vec(), [0x90, 0x00].into()].concat()
        };
        let ended = |objects| {
            let input = input(kernel, aid, fci, Some(TTQ), data);
            let mut kernel = AnyKernel::start(input).unwrap();
            kernel.poll_capdu();
            match kernel.on_rapdu(&options(objects), 0, NOW) {
                Progress::Continue => None,
                Progress::Done(outcome) => outcome.reason,
            }
        };
        assert_eq!(ended(600), Some(Reason::Malformed), "{kernel:?}");
        assert_ne!(ended(400), Some(Reason::Malformed), "{kernel:?}");
    }
}

/// Found by the fuzzer: a card may put anything where its languages belong.
#[test]
fn a_track_in_place_of_a_language_is_not_shown() {
    let ends = |index: usize, language, answers: &[Vec<u8>]| {
        let (kernel, aid, fci, data) = KERNELS[index];
        let fci = [fci, &[(0x5F2D, language)]].concat();
        let outcome = run(
            AnyKernel::start(input(kernel, aid, &fci, Some(TTQ), data)),
            answers,
        )
        .1;
        let ui = outcome.ui_on_outcome.as_ref().unwrap();
        (ui.language_preference.clone(), format!("{outcome:?}"))
    };
    let declines = [answer(tag::RESPONSE_FORMAT_2, DECLINES)];
    for (language, shown) in [("7A68656E", true), ("4761739001010010D3012201", false)] {
        let all = [
            ends(0, language, &[bytes("7705820200009000")]),
            ends(1, language, &declines),
            ends(5, language, &declines),
        ];
        for (preference, text) in all {
            assert_eq!(preference.is_some(), shown, "{text}");
            assert!(!text.contains("71, 97, 115, 144"), "{text}");
        }
    }
}

/// A decline by the card.
const DECLINES: Objects<'static> = &[
    (0x82, "2000"),
    (0x57, "4761739001010010D301220111438825"),
    (0x9F10, "06011103800000"),
    (0x9F26, "20261203C3227D26"),
    (0x9F36, "0015"),
];

#[test]
fn kernel_2_leaves_a_listed_card_to_the_action_codes() {
    let tap = |listed: &[u8], cryptogram: &str| {
        let mut input = input(KernelId::C2, "A0000000041010", &[], None, READER_2);
        input.exceptions = listing(listed);
        let answers = [
            answer(tag::RESPONSE_FORMAT_2, &[(0x82, "0080"), (0x94, "08010100")]),
            answer(tag::RECORD_TEMPLATE, RECORD_2),
            answer(
                tag::RESPONSE_FORMAT_2,
                &[
                    (0x9F27, cryptogram),
                    (0x9F36, "0001"),
                    (0x9F26, "1122334455667788"),
                    (0x9F10, "0110"),
                ],
            ),
        ];
        let (commands, outcome) = run(AnyKernel::start(input), &answers);
        (commands[2].clone(), outcome.kind)
    };
    let (command, kind) = tap(b"5413330089600010", "80");
    assert_eq!(
        (command.as_str(), kind),
        ("80AE800005900000000100", OutcomeKind::OnlineRequest)
    );
    let (command, kind) = tap(b"5413330089600028", "40");
    assert_eq!(
        (command.as_str(), kind),
        ("80AE400005800000000100", OutcomeKind::Approved)
    );
}

/// An approval by the card that names no signature.
const APPROVES: Objects<'static> = &[
    (0x82, "2000"),
    (0x57, "4761739001010010D301220111438825"),
    (0x9F10, "06011103900000"),
    (0x9F26, "20261203C3227D26"),
    (0x9F36, "0015"),
];

#[test]
fn kernel_3_declines_the_approval_of_a_listed_card() {
    let reason = |listed: &[u8]| {
        let mut input = input(
            KernelId::C3,
            "A0000000031010",
            &[(0x9F38, "9F66049F3704")],
            Some(TTQ),
            &[],
        );
        input.exceptions = listing(listed);
        let outcome = run(
            AnyKernel::start(input),
            &[answer(tag::RESPONSE_FORMAT_2, APPROVES)],
        )
        .1;
        (outcome.kind, outcome.reason)
    };
    let declined = |reason| (OutcomeKind::Declined, Some(reason));
    assert_eq!(reason(b"4761739001010010"), declined(Reason::OnExceptionFile));
    assert_eq!(reason(b"4761739001010028"), declined(Reason::NotAuthenticated));
}

/// Tags of a list of objects, in their order.
fn tags_of(objects: &[u8]) -> Vec<String> {
    softpos_wire::tlv::Tlvs::new(objects)
        .map(|object| format!("{}", object.unwrap().tag))
        .collect()
}

#[test]
fn the_data_record_of_kernel_2() {
    let input = input(KernelId::C2, MASTERCARD, &[(0x9F38, "9F3704")], None, READER_2);
    let answers = [
        answer(tag::RESPONSE_FORMAT_2, &[(0x82, "0080"), (0x94, "08010100")]),
        answer(
            tag::RECORD_TEMPLATE,
            &changed(
                RECORD_2,
                &[(0x9F0F, "8000000000"), (0x5F34, "01"), (0x9F07, "FF00")],
            ),
        ),
        answer(
            tag::RESPONSE_FORMAT_2,
            &[
                (0x9F27, "80"),
                (0x9F36, "0001"),
                (0x9F26, "1122334455667788"),
                (0x9F10, "0110"),
            ],
        ),
    ];
    let read = run(AnyKernel::start(input), &answers).1.read.unwrap();
    assert_eq!(
        tags_of(read.data_record().expose()).join(" "),
        "9F02 9F03 9F26 5F24 82 5A 5F34 9F36 9F07 9F27 9F34 84 9F10 9F33 9F1A 9F35 95 57 5F2A 9A 9C 9F37"
    );
    assert_eq!(
        tags_of(&read.de55).join(" "),
        "9F26 9F27 9F10 9F37 9F36 95 9A 9C 9F02 5F2A 82 9F1A 9F03 9F33 9F34 9F35 84 5F34",
        "neither number nor track nor expiry"
    );
}

#[test]
fn the_data_record_of_kernel_3() {
    let online = changed(APPROVES, &[(0x9F10, "06011103A00000"), (0x95, "FFFFFFFFFF")]);
    let input = input(
        KernelId::C3,
        "A0000000031010",
        &[(0x9F38, "9F66049F3704")],
        Some(TTQ),
        &[],
    );
    let outcome = run(
        AnyKernel::start(input),
        &[answer(tag::RESPONSE_FORMAT_2, &online)],
    )
    .1;
    assert_eq!(outcome.kind, OutcomeKind::OnlineRequest);
    let read = outcome.read.unwrap();
    let record = read.data_record();
    let results = softpos_wire::tlv::child(record.expose(), tag::TVR).unwrap();
    assert_eq!(results, Some(&[0; 5][..]));
}

#[test]
fn kernel_7_declines_the_approval_of_a_listed_card() {
    let reason = |listed: &[u8]| {
        let mut input = input(
            KernelId::C7,
            "A000000333010101",
            &[(0x9F38, "9F66049F3704")],
            Some(TTQ),
            &[],
        );
        input.exceptions = listing(listed);
        let objects = changed(
            APPROVES,
            &[(0x57, ""), (0x94, "08010100"), (0x9F10, "07010103900000010A01")],
        );
        let record = answer(
            tag::RECORD_TEMPLATE,
            &[(0x57, "6250941006528599D30122011234567F")],
        );
        let outcome = run(
            AnyKernel::start(input),
            &[answer(tag::RESPONSE_FORMAT_2, &objects), record],
        );
        outcome.1.reason
    };
    assert_eq!(reason(b"6250941006528599"), Some(Reason::OnExceptionFile));
    assert_eq!(reason(b"6250941006528581"), Some(Reason::NotAuthenticated));
}

const MASTERCARD: &str = "A0000000041010";

/// A reader of kernel 2 that keeps one cut tap, up to the record of a card that can recover it.
fn up_to_cryptogram(unpredictable: u8, torn: TornLog) -> (Reader, ReaderStep) {
    let mut terminal = TerminalData::new();
    let own: Objects<'_> = &[
        (0x9F1A, "0156"),
        (0x9F35, "22"),
        (0xDF_811C, "012C"),
        (0xDF_811D, "01"),
    ];
    for (number, value) in own.iter().chain(READER_2) {
        terminal.set(Tag::new(*number), &bytes(value));
    }
    let config = ReaderConfig {
        combinations: [Combination {
            aid: Aid::new(&bytes(MASTERCARD)).unwrap(),
            kernel: KernelId::C2,
            transaction_type: 0,
            settings: CombinationSettings::default(),
        }]
        .into(),
        terminal,
        ..ReaderConfig::default()
    };
    let transaction = Transaction {
        amount: Money::new(200, Currency::CNY),
        other_minor: 0,
        transaction_type: 0,
        local: LocalTime::from_utc(1_790_000_000_000, 480),
        unpredictable: [[[unpredictable; 4]; 3]; 4],
    };
    let mut reader = Reader::new(&config, transaction).unwrap().with_torn_log(torn);
    reader.card_present(NOW);
    let directory = [
        (0x84, "325041592E5359532E4444463031"),
        (0xA5, "BF0C0B61094F07A0000000041010"),
    ];
    reader.card_replied(&answer(tag::FCI_TEMPLATE, &directory), 0, NOW);
    let selected = [(0x84, MASTERCARD), (0xA5, "500141")];
    reader.card_replied(&answer(tag::FCI_TEMPLATE, &selected), 0, NOW);
    assert_eq!(reader.kernel(), Some(KernelId::C2));
    let options = [(0x82, "0080"), (0x94, "08010100")];
    reader.card_replied(&answer(tag::RESPONSE_FORMAT_2, &options), 0, NOW);
    let record = changed(RECORD_2, &[(0x8C, "9F3704"), (0x9F51, "9F3704")]);
    let step = reader.card_replied(&answer(tag::RECORD_TEMPLATE, &record), 0, NOW);
    (reader, step)
}

fn command(step: &ReaderStep) -> String {
    match step {
        ReaderStep::Transmit(command) => hex::encode_upper(command),
        ReaderStep::WaitForCard(_) | ReaderStep::Finished(_) | ReaderStep::Ignored => String::new(),
    }
}

#[test]
fn a_cut_tap_is_recovered_in_the_next_transaction() {
    let (mut first, step) = up_to_cryptogram(0x11, TornLog::default());
    assert_eq!(command(&step), "80AE4000041111111100");
    assert!(matches!(first.card_lost(NOW), ReaderStep::WaitForCard(_)));
    let torn = first.take_torn_log();
    assert_eq!(format!("{torn:?}"), "TornLog(1)");

    let (mut second, step) = up_to_cryptogram(0x22, torn);
    assert_eq!(command(&step), "80D00000041111111100", "with the number of then");
    let cryptogram = [
        (0x9F27, "40"),
        (0x9F36, "0001"),
        (0x9F26, "1122334455667788"),
        (0x9F10, "0110"),
    ];
    let step = second.card_replied(&answer(tag::RESPONSE_FORMAT_2, &cryptogram), 0, NOW);
    let ReaderStep::Finished(CardOutcome::Approved(read)) = step else {
        panic!("{step:?}");
    };
    assert_eq!(read.data_object(tag::UNPREDICTABLE_NUMBER), Some(&[0x11; 4][..]));
    assert_eq!(format!("{:?}", second.take_torn_log()), "TornLog(0)", "told once");

    let (_, step) = up_to_cryptogram(0x33, TornLog::default());
    assert_eq!(
        command(&step),
        "80AE4000043333333300",
        "without the log a new one is made"
    );
}
