//! Whole taps through the reader, command by command.

mod authentication;
mod refused;

use alloc::format;
use alloc::string::String;

use softpos_types::{Currency, LocalTime, Money};
use softpos_wire::tlv::TlvWriter;

use super::*;
use crate::config::{
    Aid, Combination, CombinationSettings, KernelId, ReaderConfig, TerminalData, Transaction,
};
use crate::reader::{CardOutcome, Reader, ReaderError, ReaderStep, StoppedRead};

const NOW: Tick = Tick(1_000);

fn config(ttq: [u8; 4], floor_limit_minor: i64, cvm_limit_minor: i64) -> ReaderConfig {
    let mut terminal = TerminalData::new();
    for (tag, value) in [
        (tag::TERMINAL_COUNTRY, &[0x08, 0x40][..]),
        (tag::TERMINAL_CAPABILITIES, &[0xA0, 0x48, 0xC8]),
        (tag::TERMINAL_TYPE, &[0x21]),
        (tag::ADDITIONAL_CAPABILITIES, &[0x60, 0x00, 0xC0, 0x30, 0x00]),
        (tag::TERMINAL_APPLICATION_VERSION, &[0x00, 0x02]),
    ] {
        terminal.set(tag, value);
    }
    let combination = Combination {
        aid: Aid::new(&[0xA0, 0, 0, 0, 3, 0x10, 0x10]).unwrap(),
        kernel: KernelId::C3,
        transaction_type: 0,
        settings: CombinationSettings {
            transaction_limit_minor: Some(20_000),
            floor_limit_minor: Some(floor_limit_minor),
            cvm_limit_minor: Some(cvm_limit_minor),
            ttq: Some(ttq),
            ..CombinationSettings::default()
        },
    };
    ReaderConfig {
        combinations: [combination].into(),
        terminal,
        ..ReaderConfig::default()
    }
}

fn transaction(amount_minor: i64) -> Transaction {
    Transaction {
        amount: Money::new(amount_minor, Currency::from_alpha("USD").unwrap()),
        other_minor: 0,
        transaction_type: 0,
        local: LocalTime {
            year: 2019,
            month: 8,
            day: 19,
            hour: 0,
            minute: 0,
            second: 0,
        },
        unpredictable: [[0xAB; 4], [0xCD; 4], [0xEF; 4], [0x12; 4]].map(|number| [number; 3]),
    }
}

/// Commands and answers of a public simulated Visa card (MohamedHassanNasr/emv, mock-visa-offline, BSD style).
const FOREIGN_TAP: [(&str, &str); 6] = [
    (
        "00A404000E325041592E5359532E444446303100",
        "6F2D840E325041592E5359532E4444463031A51BBF0C1861164F07A0000000031010500B56495341204352454449549000",
    ),
    (
        "00A4040007A000000003101000",
        "6F278407A0000000031010A51C500B56495341204352454449549F380C9F66049F02065F2A029F37049000",
    ),
    (
        "80A80000128310240040000000000002000840ABABABAB00",
        "7781B69F4B7007C80CE709D528ABC39618AE71BB80BDA976AC4F220A2E77D96A03615C5ED6CCC18FB6F72F8D229C72CACEC29FBF1F1B233248F9D961E1887D009DC9AC146963137CC76ECC69C74399B339EEAC184B839D9220EAECCBA56774DD86EF74F07028DB37DD5EB621814BA71B7F8BB6AAE0F4940C1801010110010100100303009F10070601110390000057104761739001010010D191220111438825820220009F360200159F260820261203C3227D269F6C0200009000",
    ),
    ("00B2011C00", "70145A0847617390010100105F24031912315F3401019000"),
    ("00B2011400", "70048F0192009000"),
    ("00B2031400", "700C9F4701039F69050169C16C999000"),
];

const PPSE: &str = FOREIGN_TAP[0].1;
const FCI: &str = FOREIGN_TAP[1].1;
const PHONE_TTQ: [u8; 4] = [0x21, 0, 0x40, 0];

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn command(step: &ReaderStep) -> String {
    match step {
        ReaderStep::Transmit(command) => hex::encode_upper(command),
        other => panic!("no command: {other:?}"),
    }
}

fn reader(ttq: [u8; 4], amount_minor: i64) -> Reader {
    Reader::new(&config(ttq, 0, 1_000), transaction(amount_minor)).unwrap()
}

/// Up to the answer to SELECT; gives the GET PROCESSING OPTIONS command.
fn select(reader: &mut Reader) -> ReaderStep {
    reader.card_present(NOW);
    reader.card_replied(&bytes(PPSE), 0, NOW);
    reader.card_replied(&bytes(FCI), 0, NOW)
}

/// A complete answer to GET PROCESSING OPTIONS without records; `change` replaces, adds or removes objects.
fn options(change: &[(Tag, Option<&[u8]>)]) -> Vec<u8> {
    let mut objects: Vec<(Tag, Vec<u8>)> = [
        (tag::AIP, "2000"),
        (tag::TRACK_2, "4761739001010010D301220111438825"),
        (tag::ISSUER_APPLICATION_DATA, "06011103A00000"),
        (tag::CRYPTOGRAM, "20261203C3227D26"),
        (tag::ATC, "0015"),
        (tag::CTQ, "0000"),
        (tag::PAN_SEQUENCE, "01"),
    ]
    .map(|(tag, value)| (tag, bytes(value)))
    .into();
    for (tag, value) in change {
        objects.retain(|(own, _)| own != tag);
        objects.extend(value.map(|value| (*tag, value.to_vec())));
    }
    let mut writer = TlvWriter::new();
    writer.template(tag::RESPONSE_FORMAT_2, |inner| {
        for (tag, value) in &objects {
            inner.put(*tag, value);
        }
    });
    let mut answer = writer.into_vec();
    answer.extend([0x90, 0]);
    answer
}

fn tap(reader: &mut Reader, answer: &[u8]) -> ReaderStep {
    select(reader);
    reader.card_replied(answer, 0, NOW)
}

fn online(step: ReaderStep) -> Box<CardRead> {
    match step {
        ReaderStep::Finished(CardOutcome::Online(read)) => read,
        other => panic!("not online: {other:?}"),
    }
}

fn ended(step: ReaderStep) -> StoppedRead {
    match step {
        ReaderStep::Finished(CardOutcome::EndApplication(stopped)) => stopped,
        other => panic!("not ended: {other:?}"),
    }
}

fn declined(step: ReaderStep) -> StoppedRead {
    match step {
        ReaderStep::Finished(CardOutcome::Declined(stopped)) => stopped,
        other => panic!("not declined: {other:?}"),
    }
}

#[test]
fn foreign_tap_command_by_command() {
    let mut reader = Reader::new(&config([0x24, 0, 0x40, 0], 8_000, 8_000), transaction(200)).unwrap();
    let mut step = reader.card_present(NOW);
    for (expected, answer) in FOREIGN_TAP {
        assert_eq!(command(&step), expected);
        step = reader.card_replied(&bytes(answer), 0, NOW);
    }
    // The card approves offline; without dynamic authentication, and with qualifiers that do not ask to go
    // online then, that is a decline.
    let stopped = declined(step);
    assert_eq!(stopped.reason, Reason::NotAuthenticated);
    let read = stopped.read.unwrap();
    for (tag, value) in [
        (tag::AMOUNT_AUTHORISED, "000000000200"),
        (tag::CRYPTOGRAM, "20261203C3227D26"),
        (tag::ATC, "0015"),
        (tag::PAN_SEQUENCE, "01"),
        (tag::POS_ENTRY_MODE, "07"),
        (tag::TERMINAL_CAPABILITIES, "A048C8"),
        (tag::TRACK_2, "4761739001010010D191220111438825"),
        (tag::TRANSACTION_CURRENCY, "0840"),
        (tag::TRANSACTION_DATE, "190819"),
        (tag::UNPREDICTABLE_NUMBER, "ABABABAB"),
        (tag::TVR, "0000000000"),
    ] {
        assert_eq!(
            read.data_object(tag).map(hex::encode_upper).unwrap(),
            value,
            "{tag}"
        );
    }
}

#[test]
fn the_same_tap_goes_online_on_a_phone() {
    let mut reader = reader(PHONE_TTQ, 200);
    let gpo = select(&mut reader);
    assert_eq!(command(&gpo), "80A80000128310218040000000000002000840ABABABAB00");
    let mut step = gpo;
    for (_, answer) in &FOREIGN_TAP[2..] {
        assert!(matches!(step, ReaderStep::Transmit(_)));
        assert!(reader.deadline().is_some());
        step = reader.card_replied(&bytes(answer), 0, NOW);
    }
    let read = online(step);
    assert!(reader.deadline().is_none());
    assert_eq!(read.pan.masked(), "476173******0010");
    assert_eq!(
        (read.cvm, read.psn, read.expiry_yymm),
        (Cvm::None, Some(1), [0x19, 0x12])
    );
    assert_eq!(read.label, "VISA CREDIT");
    assert_eq!(
        (
            read.receipt.as_ref().unwrap().atc,
            read.receipt.as_ref().unwrap().un
        ),
        ([0, 0x15], [0xAB; 4])
    );
    let de55 = hex::encode_upper(&read.de55);
    assert!(
        de55.starts_with("9F260820261203C3227D269F2701409F10070601110390000"),
        "{de55}"
    );
    for missing in ["57104761", "5A084761", "5F2403", "4761739001010010"] {
        assert!(!de55.contains(missing), "{missing}");
    }
    assert!(!format!("{read:?}").contains("4761739001010010"));
}

#[test]
fn everything_in_one_answer_needs_no_locator() {
    let read = online(tap(&mut reader(PHONE_TTQ, 200), &options(&[])));
    assert_eq!(read.cvm, Cvm::None);
    assert_eq!(
        read.data_object(tag::CRYPTOGRAM_INFORMATION),
        Some(&[0x80][..]),
        "derived"
    );
    assert_eq!(read.data_object(tag::CVM_RESULTS), Some(&[0x1F, 3, 2][..]));
    assert_eq!(read.kernel, KernelId::C3);
}

#[test]
fn status_words_of_get_processing_options() {
    assert!(matches!(
        tap(&mut reader(PHONE_TTQ, 200), &[0x69, 0x84]),
        ReaderStep::Finished(CardOutcome::TryAnotherInterface(stopped)) if stopped.ui.message == Message::InsertCard
    ));
    let next = ended(tap(&mut reader(PHONE_TTQ, 200), &[0x69, 0x85]));
    assert_eq!(next.reason, Reason::NoApplication, "no other application");
    let other = ended(tap(&mut reader(PHONE_TTQ, 200), &[0x6A, 0x82]));
    assert_eq!(other.reason, Reason::ProcessingOptionsRefused(0x6A82));
    assert_eq!(
        (other.ui.message, other.ui.status),
        (Message::TryAnotherCard, Status::ReadyToRead)
    );
}

#[test]
fn see_phone_then_the_same_amount_with_a_new_number() {
    let mut reader = reader(PHONE_TTQ, 200);
    let ReaderStep::WaitForCard(prompt) = tap(&mut reader, &[0x69, 0x86]) else {
        panic!("no restart");
    };
    let now = prompt.now.unwrap();
    assert_eq!(
        (now.message, now.hold_ms, prompt.field_off_ms),
        (Message::SeePhone, 1_300, 1_300)
    );
    assert_eq!(prompt.ready.unwrap().message, Message::PresentAgain);
    let gpo = command(&select(&mut reader));
    assert_eq!(gpo, "80A80000128310218040000000000002000840CDCDCDCD00");
    let answer = options(&[(tag::CTQ, Some(&[0x00, 0x80]))]);
    let read = online(reader.card_replied(&answer, 0, NOW));
    assert_eq!(
        (read.cvm, read.receipt.as_ref().unwrap().un),
        (Cvm::OnDevice, [0xCD; 4])
    );
}

#[test]
fn a_card_that_leaves_is_presented_again_but_not_for_ever() {
    let mut reader = reader(PHONE_TTQ, 200);
    for _ in 0..4 {
        select(&mut reader);
        assert!(matches!(
            reader.card_lost(NOW),
            ReaderStep::WaitForCard(prompt) if prompt.ready.as_ref().unwrap().message == Message::PresentAgain
        ));
    }
    let step = select(&mut reader);
    assert_eq!(ended(step).reason, Reason::TooManyTries);
}

#[test]
fn a_card_lost_while_selecting_goes_back_to_polling() {
    let mut reader = reader(PHONE_TTQ, 200);
    reader.card_present(NOW);
    assert!(matches!(reader.card_lost(NOW), ReaderStep::WaitForCard(_)));
    assert!(
        matches!(reader.card_lost(NOW), ReaderStep::Ignored),
        "nothing on its way"
    );
    assert!(matches!(
        reader.card_replied(&[0x90, 0], 0, NOW),
        ReaderStep::Ignored
    ));
    online(tap(&mut reader, &options(&[])));
}

#[test]
fn a_card_cannot_overwrite_what_the_reader_knows() {
    let answer = options(&[
        (tag::AMOUNT_AUTHORISED, Some(&[0, 0, 0, 0, 0, 1])),
        (tag::UNPREDICTABLE_NUMBER, Some(&[0; 4])),
        (tag::TTQ, Some(&[0xFF; 4])),
        (tag::TVR, Some(&[0xFF; 5])),
        (tag::CVM_RESULTS, Some(&[1, 0, 2])),
        (tag::TERMINAL_COUNTRY, Some(&[9, 9])),
    ]);
    let read = online(tap(&mut reader(PHONE_TTQ, 200), &answer));
    assert_eq!(
        read.data_object(tag::AMOUNT_AUTHORISED),
        Some(&[0, 0, 0, 0, 2, 0][..])
    );
    assert_eq!(read.data_object(tag::UNPREDICTABLE_NUMBER), Some(&[0xAB; 4][..]));
    assert_eq!(read.data_object(tag::TTQ), Some(&[0x21, 0x80, 0x40, 0][..]));
    assert_eq!(read.data_object(tag::TVR), Some(&[0; 5][..]));
    assert_eq!(read.data_object(tag::CVM_RESULTS), Some(&[0x1F, 3, 2][..]));
    assert_eq!(read.card_object(tag::TTQ), None);
}

#[test]
fn verification_above_the_limit() {
    let at_limit = |ttq, ctq: &[u8]| tap(&mut reader(ttq, 1_000), &options(&[(tag::CTQ, Some(ctq))]));
    let read = online(at_limit([0x25, 0, 0x40, 0], &[0x80, 0]));
    assert_eq!(read.cvm, Cvm::OnlinePin);
    assert_eq!(read.data_object(tag::TTQ), Some(&[0x25, 0xC0, 0x40, 0][..]));
    let none_possible = declined(at_limit(PHONE_TTQ, &[0, 0]));
    assert_eq!(none_possible.reason, Reason::NoVerification);
    assert_eq!(none_possible.ui.message, Message::NotAuthorised);
    let claimed = declined(at_limit(PHONE_TTQ, &[0, 0x80]));
    assert_eq!(claimed.reason, Reason::NoVerification);
}

#[test]
fn the_card_declines() {
    let answer = options(&[(tag::ISSUER_APPLICATION_DATA, Some(&bytes("06011103800000")))]);
    let stopped = declined(tap(&mut reader(PHONE_TTQ, 200), &answer));
    assert_eq!(stopped.reason, Reason::CardDeclined);
    assert!(stopped.read.is_some());
}
