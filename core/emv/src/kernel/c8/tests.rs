//! Taps of kernel 8 by a card of its own that keeps its side of the channel.

mod card;
mod recorded;

use alloc::format;
use alloc::string::String;
use alloc::vec;

use softpos_wire::{Tag, tag};

use self::card::{Card, Wedge, key, keys, replace};
use super::super::scripted::{NOW, Objects, bytes, changed, input, listing};
use super::*;
use crate::config::{Aid, Combination, CombinationSettings, KernelId, ReaderConfig};
use crate::entry::Start;
use crate::outcome::{Authentication, Cvm, Interface, OutcomeKind};
use crate::reader::{Reader, ReaderError};
use crate::ui::{Message, Status};

const AID: &str = "A0000000041010";
const RID: [u8; 5] = [0xA0, 0, 0, 0, 4];
const INDEX: u8 = 0xE8;
const PDOL: &str = "9E409F2B089F37049F3303";
const CDOL: &str = "9F02069F03069F1A0295055F2A029A039C019F37049F1D08";
const FCI: Objects<'_> = &[(0x9F2C, "01000000000000"), (0x9F38, PDOL)];

/// PIN and device above the limit of 1.00, nothing below; floor limit 5.00; local authentication, relay resistance.
const READER: Objects<'_> = &[
    (0x9F_8207, "44"),
    (0x9F_8208, "08"),
    (0x9F_8209, "1800"),
    (0x9F_820A, "10"),
    (0x9F_820B, "0000000000"),
    (0x9F_820C, "840080800C"),
    (0x9F_820D, "000000000500"),
    (0x9F_820E, "000000000500"),
    (0x9F_821A, "FFFFFBFFFF"),
    (0x9F_821D, "2010"),
    (0x9F_821E, "0A"),
];

fn kernel_input(fci: Objects<'_>, reader: Objects<'_>) -> KernelInput {
    let mut input = input(KernelId::C8, AID, fci, None, &changed(READER, reader));
    input.data.set(tag::TERMINAL_AID, &bytes(AID));
    input.keys = alloc::sync::Arc::new(keys());
    input.channel_key = Some(key(0x11));
    input.spare_unpredictable = [[2; 4], [3; 4]];
    input
}

/// A tap; gives the commands and the outcome.
fn tap(card: Card, reader: Objects<'_>) -> (Vec<String>, KernelOutcome) {
    tap_with(card, kernel_input(FCI, reader))
}

fn tap_with(mut card: Card, input: KernelInput) -> (Vec<String>, KernelOutcome) {
    let mut kernel = C8::start(input).unwrap();
    let mut commands = Vec::new();
    loop {
        let command = kernel.poll_capdu().unwrap();
        assert!(kernel.poll_capdu().is_none(), "a command comes once");
        commands.push(hex::encode_upper(&command));
        let mut answer = [card.body(&command), vec![0x90, 0x00]].concat();
        if card.wedge.0 == command[1] {
            answer = (card.wedge.1)(answer);
        }
        let progress = if answer.is_empty() {
            Progress::Done(kernel.on_card_lost())
        } else {
            kernel.on_rapdu(&answer, card.elapsed_us, NOW)
        };
        if let Progress::Done(outcome) = progress {
            assert!(commands.len() < 9);
            return (commands, outcome);
        }
    }
}

fn outcome(card: Card) -> KernelOutcome {
    tap(card, &[]).1
}

fn tvr(outcome: &KernelOutcome) -> String {
    let read = outcome.read.as_ref().unwrap();
    hex::encode_upper(read.data_object(tag::TVR).unwrap())
}

/// Only these limits matter below: 2.00 is paid.
const ABOVE_CVM: Objects<'_> = &[(0x9F_820E, "000000000199")];
const ABOVE_FLOOR: Objects<'_> = &[(0x9F_820D, "000000000199")];

#[test]
fn the_whole_tap_byte_for_byte() {
    let (commands, outcome) = tap(Card::new(), &[]);
    let point = hex::encode_upper(&key(0x11).public().point()[1..]);
    assert_eq!(
        commands,
        [
            format!("80A8000051834F{point}0280001 0FFFF0000ABABABAB00001000").replace(' ', ""),
            "80EA000004ABABABAB00".into(),
            "00B2010C00".into(),
            "00B2020C00".into(),
            "00B2030C00".into(),
            "80AE400025000000000200000000000000015600000000820156261122\
             00ABABABAB080000000000000000"
                .into(),
        ]
    );
    assert_eq!(outcome.kind, OutcomeKind::OnlineRequest);
    let ui = outcome.ui_on_outcome.as_ref().unwrap();
    assert_eq!((ui.message, ui.status), (Message::Authorising, Status::NotReady));
    let read = outcome.read.as_ref().unwrap();
    assert_eq!((read.kernel, read.cvm), (KernelId::C8, Cvm::None));
    assert_eq!(read.authentication, Some(Authentication::Local));
    assert_eq!(read.authentication.unwrap().name(), "local");
    assert_eq!(read.data_object(tag::CVM_RESULTS), Some(&[0x1F, 0, 2][..]));
    assert_eq!(tvr(&outcome), "0000000082", "relay resistance done");
}

#[test]
fn the_data_record_and_field_55() {
    let outcome = outcome(Card::answering(&[(0x9F_8106, "0102")]));
    let read = outcome.read.unwrap();
    let record = hex::encode_upper(read.data_record().expose());
    assert!(
        record.starts_with("9F02060000000002009F0306000000000000"),
        "{record}"
    );
    assert!(record.contains("9F8106020102") && record.contains("9F810908"));
    assert!(record.contains("5A085413330089600044"));
    let de55 = hex::encode_upper(&read.de55);
    assert!(de55.starts_with("9F260811223344556677889F2701809F1014"), "{de55}");
    for sealed in ["5413330089600044", "5F2403"] {
        assert!(!de55.contains(sealed), "{sealed}");
    }
}

#[test]
fn a_card_that_approves() {
    let outcome = outcome(Card::answering(&[(0x9F27, "40")]));
    assert_eq!(outcome.kind, OutcomeKind::Approved);
    assert!(outcome.receipt);
    assert_eq!(outcome.ui_on_outcome.unwrap().message, Message::Approved);
    let read = outcome.read.unwrap();
    assert_eq!(read.authentication, Some(Authentication::Local));
}

#[test]
fn the_card_qualifier() {
    let start = |qualifier: &'static str| {
        let other = [(0x9F2C, qualifier)];
        let fci = changed(FCI, &other);
        C8::start(kernel_input(&fci, &[]))
            .err()
            .map(|outcome| outcome.kind)
    };
    assert_eq!(start("01FFFF00000000"), None, "the suite may stand anywhere");
    for missing in ["", "00000000000000", "0100", "0100000000000000"] {
        assert_eq!(start(missing), Some(OutcomeKind::SelectNext), "{missing}");
    }
    assert_eq!(start("01FFFFFF000000"), Some(OutcomeKind::EndApplication));
    let mut without_key = kernel_input(FCI, &[]);
    without_key.channel_key = None;
    assert_eq!(C8::start(without_key).unwrap_err().kind, OutcomeKind::SelectNext);
    let wrong = C8::start(kernel_input(FCI, &[(0x9F_820D, "01")])).unwrap_err();
    assert_eq!(wrong.reason, Some(Reason::TerminalDataMissing(tags::FLOOR_LIMIT)));
}

const NO_POINT: &str = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\
                        0000000000000000000000000000000000000000000000000000000000000000";

fn reason(card: Card) -> Option<Reason> {
    let outcome = outcome(card);
    assert_eq!(outcome.kind, OutcomeKind::EndApplication);
    assert_eq!(outcome.ui_on_outcome.unwrap().message, Message::TryAnotherCard);
    outcome.reason
}

#[test]
fn status_words() {
    let refusing = |instruction, word: Wedge| Card::with(|card| card.wedge = (instruction, word));
    let refused = outcome(refusing(0xA8, |_| vec![0x69, 0x85]));
    assert_eq!(refused.kind, OutcomeKind::SelectNext);
    assert_eq!(refused.reason, Some(Reason::ProcessingOptionsRefused(0x6985)));
    let word = |instruction| reason(refusing(instruction, |_| vec![0x6A, 0x83]));
    assert_eq!(word(0xB2), Some(Reason::RecordRefused(0x6A83)));
    assert_eq!(word(0xEA), Some(Reason::CommandRefused(0x6A83)));
    assert_eq!(word(0xAE), Some(Reason::CommandRefused(0x6A83)));
}

#[test]
fn what_the_options_must_hold() {
    let options = |changes: Objects<'static>| reason(Card::with(|card| card.options = changes.to_vec()));
    assert_eq!(options(&[(0x8C, "")]), Some(Reason::DataMissing(tags::CDOL_1)));
    assert_eq!(
        options(&[(0x9F_8103, "")]),
        Some(Reason::DataMissing(tags::CARD_KEY_DATA))
    );
    assert_eq!(options(&[(0x9F_8103, "00")]), Some(Reason::ChannelBroken));
    // No point has this x coordinate.
    assert_eq!(options(&[(0x9F_8103, NO_POINT)]), Some(Reason::ChannelBroken));
    let without = |change: Wedge| reason(Card::with(|card| card.wedge = (0xA8, change)));
    assert_eq!(
        without(|_| bytes("80060100080101009000")),
        Some(Reason::Malformed)
    );
    assert_eq!(
        without(|_| bytes("7704820201009000")),
        Some(Reason::DataMissing(tag::AFL))
    );
    let default = tap(
        Card::with(|card| card.options = vec![(0x8C, "")]),
        &[(0x9F_8220, "9F0206")],
    );
    assert!(default.0.last().unwrap().starts_with("80AE400006000000000200"));
}

#[test]
fn what_the_cryptogram_must_come_with() {
    for missing in [0x9F27, 0x9F36, 0x9F26, 0x9F10, 0x9F_8102] {
        let card = Card::with(|card| card.answer.retain(|(tag, _)| *tag != missing));
        assert_eq!(reason(card), Some(Reason::DataMissing(Tag::new(missing))));
    }
    let wedge = |change| reason(Card::with(|card| card.wedge = (0xAE, change)));
    assert_eq!(wedge(|_| bytes("80009000")), Some(Reason::Malformed));
    assert_eq!(wedge(|_| bytes("9000")), Some(Reason::Malformed));
    assert_eq!(
        reason(Card::with(|card| card.data.retain(|(tag, _)| *tag != 0x5A))),
        Some(Reason::DataMissing(tag::PAN))
    );
    assert_eq!(
        reason(Card::answering(&[(0x9F27, "C0")])),
        Some(Reason::DataConflict)
    );
    // More than was asked for: above the floor limit only the issuer approves.
    let (_, more) = tap(Card::answering(&[(0x9F27, "40")]), ABOVE_FLOOR);
    assert_eq!(more.reason, Some(Reason::DataConflict));
}

/// Whatever somebody between changes: what was told, what was answered, the static data, the code itself.
#[test]
fn the_code_over_the_payment() {
    let last = |answer: Vec<u8>| {
        let mut answer = answer;
        let at = answer.len() - 3;
        answer[at] ^= 1;
        answer
    };
    assert_eq!(
        reason(Card::with(|card| card.wedge = (0xAE, last))),
        Some(Reason::MacDiffers)
    );
    // 9F8102 00 becomes 03.
    let on_device = |mut answer: Vec<u8>| {
        let at = answer
            .windows(4)
            .position(|four| four == [0x9F, 0x81, 0x02, 0x01])
            .unwrap();
        answer[at + 4] = 0x03;
        answer
    };
    assert_eq!(
        reason(Card::with(|card| card.wedge = (0xAE, on_device))),
        Some(Reason::MacDiffers)
    );
    // The relay exchange: the estimate changes by one.
    let estimate = |mut answer: Vec<u8>| {
        answer[11] ^= 1;
        answer
    };
    assert_eq!(
        reason(Card::with(|card| card.wedge = (0xEA, estimate))),
        Some(Reason::MacDiffers)
    );
    // The profile: local authentication disappears.
    let profile = |mut answer: Vec<u8>| {
        answer[4] ^= 1;
        answer
    };
    assert_eq!(
        reason(Card::with(|card| card.wedge = (0xA8, profile))),
        Some(Reason::MacDiffers)
    );
}

#[test]
fn the_code_inside_the_issuer_data() {
    let iad = |card| {
        let read = outcome(card).read.unwrap();
        let code = hex::encode_upper(read.data_object(tags::ISSUER_DATA_MAC).unwrap());
        (
            hex::encode_upper(read.data_object(tag::ISSUER_APPLICATION_DATA).unwrap()),
            code,
        )
    };
    let (configured, code) = iad(Card::new());
    assert_eq!(configured, format!("00000000000000000000{code}0000"));
    let (own, code) = iad(Card::with(|card| {
        card.aip = [0x01, 0x0D];
        card.data.push((0x9F_8107, "02"));
    }));
    assert_eq!(own, format!("0000{code}00000000000000000000"));
    let (none, _) = iad(Card::with(|card| card.aip = [0x01, 0x09]));
    assert_eq!(none, "0000000000000000000000000000000000000000");
    for (aip, offset) in [([0x01, 0x0D], "0D"), ([0x01, 0x0D], "FF")] {
        let card = Card::with(|card| {
            card.aip = aip;
            card.data.push((0x9F_8107, offset));
        });
        assert_eq!(reason(card), Some(Reason::DataConflict));
    }
    let nowhere = Card::with(|card| card.aip = [0x01, 0x0D]);
    assert_eq!(
        reason(nowhere),
        Some(Reason::DataConflict),
        "the card names no place"
    );
}

#[test]
fn static_data_in_their_order() {
    // Cards hash the list of other objects behind the records, in the order of the list; see `Card::static_data`.
    let shuffled = Card::with(|card| {
        card.data.retain(|(tag, _)| *tag != 0x9F_810A);
        card.data.push((0x9F_810A, "9F068C"));
    });
    assert_eq!(reason(shuffled), Some(Reason::MacDiffers));
    let unknown = Card::with(|card| {
        card.data.retain(|(tag, _)| *tag != 0x9F_810A);
        card.data.push((0x9F_810A, "9F"));
    });
    assert_eq!(reason(unknown), Some(Reason::Malformed));
}

#[test]
fn records_come_plain_or_enciphered() {
    let plain = outcome(Card::with(|card| card.enciphers = false));
    assert_eq!(plain.kind, OutcomeKind::OnlineRequest);
    assert_eq!(plain.read.unwrap().authentication, Some(Authentication::Local));
    let other = |answer: Vec<u8>| {
        let mut answer = answer;
        answer[0] = 0x71;
        answer
    };
    assert_eq!(
        reason(Card::with(|card| card.wedge = (0xB2, other))),
        Some(Reason::Malformed)
    );
    // Another key: what comes out is no list of objects, or not the card's.
    let (_, foreign) = tap(Card::with(|card| card.kernel = key(0x12)), &[]);
    assert_eq!(foreign.kind, OutcomeKind::EndApplication);
}

#[test]
fn doubled_objects() {
    let again = Card::with(|card| card.answer.push((0x5F34, "01")));
    assert_eq!(outcome(again).kind, OutcomeKind::OnlineRequest, "the same value");
    let other = Card::with(|card| card.answer.push((0x5F34, "02")));
    assert_eq!(reason(other), Some(Reason::DataTwice(tag::PAN_SEQUENCE)));
}

#[test]
fn the_readers_values_are_not_overwritten() {
    let card = Card::with(|card| {
        card.answer.extend([
            (0x9F02, "000000000001"),
            (0x95, "FFFFFFFFFF"),
            (0x9F_8109, "0000000000000000"),
        ]);
    });
    let outcome = outcome(card);
    let read = outcome.read.as_ref().unwrap();
    assert_eq!(
        read.data_object(tag::AMOUNT_AUTHORISED),
        Some(&[0, 0, 0, 0, 2, 0][..])
    );
    assert_eq!(tvr(&outcome), "0000000082");
    assert_ne!(read.data_object(tags::ISSUER_DATA_MAC), Some(&[0; 8][..]));
}

#[test]
fn relay_resistance() {
    let timed = |elapsed_us, relay| {
        tap(
            Card::with(|card| {
                card.elapsed_us = elapsed_us;
                card.relay = relay;
            }),
            &[],
        )
    };
    // 13.0 ms - 1.8 ms - 2.4 ms is below the most, 2.0 ms, and its grace; the answer may take its time.
    let (_, in_time) = timed(8_000, "00112233000000140018");
    assert_eq!(tvr(&in_time), "0000000082");
    let (commands, slow) = timed(52_000, "00112233000000640018");
    let numbers: Vec<_> = commands
        .iter()
        .filter(|command| command.starts_with("80EA"))
        .collect();
    assert_eq!(
        numbers,
        [
            "80EA000004ABABABAB00",
            "80EA0000040202020200",
            "80EA0000040303030300"
        ]
    );
    assert_eq!(tvr(&slow), "000000008E", "late, beyond the threshold, done");
    assert_eq!(slow.kind, OutcomeKind::OnlineRequest);
    let read = slow.read.unwrap();
    assert_eq!(read.data_object(tags::TIME_EXCESS), Some(&[0x01, 0x7A][..]));
    assert_eq!(
        read.receipt.as_ref().unwrap().un,
        [3; 4],
        "the last number stands"
    );
    let (_, fast) = timed(5_000, "00112233006400C80018");
    assert_eq!(fast.reason, Some(Reason::RelaySuspected));
    let (_, malformed) = timed(5_000, "001122330064");
    assert_eq!(malformed.reason, Some(Reason::Malformed));
    for (aip, configuration) in [([0x01, 0x0A], "1800"), ([0x01, 0x0B], "0800")] {
        let card = Card::with(|card| card.aip = aip);
        let (commands, without) = tap(card, &[(0x9F_8209, configuration)]);
        assert_eq!(commands.len(), 5);
        assert_eq!(tvr(&without), "0000000081");
    }
}

#[test]
fn local_authentication() {
    let with = |change: fn(&mut Card), reader| tap(Card::with(change), reader).1;
    let wrong_hash = |card: &mut Card| card.certified = Some(vec![1]);
    let failed = with(wrong_hash, &[]);
    assert_eq!(failed.read.as_ref().unwrap().authentication, None);
    assert_eq!(
        tvr(&failed),
        "0400000082",
        "reported, because the configuration says so"
    );
    assert_eq!(failed.kind, OutcomeKind::OnlineRequest);
    let silent = with(wrong_hash, &[(0x9F_8209, "1000")]);
    assert_eq!(tvr(&silent), "0000000082");
    let denied = with(wrong_hash, &[(0x9F_820B, "0400000000")]);
    assert_eq!(denied.kind, OutcomeKind::Declined);
    assert_eq!(denied.reason, Some(Reason::NotAuthenticated));
    let approving = |card: &mut Card| {
        card.certified = Some(vec![1]);
        replace(&mut card.answer, &[(0x9F27, "40")]);
    };
    assert_eq!(with(approving, &[]).kind, OutcomeKind::OnlineRequest);
    assert_eq!(with(approving, &[(0x9F35, "23")]).kind, OutcomeKind::Declined);
    let missing = with(|card| card.certificates = false, &[]);
    assert_eq!(missing.reason, Some(Reason::DataConflict));
    // Neither side alone: not performed.
    for (aip, security) in [([0x00, 0x0B], "10"), ([0x01, 0x0B], "00")] {
        let mut card = Card::new();
        card.aip = aip;
        let (commands, without) = tap(card, &[(0x9F_820A, security)]);
        assert_eq!(tvr(&without), "8000000082");
        assert!(
            commands.last().unwrap().starts_with("80AE80"),
            "the online codes name it"
        );
        let read = without.read.unwrap();
        assert_eq!(read.authentication, None);
    }
    // Another card's certificate: the key behind the channel is not the certified one.
    let mut revoked = kernel_input(FCI, &[]);
    revoked.keys = alloc::sync::Arc::default();
    let mut kernel = C8::start(revoked).unwrap();
    let mut card = Card::new();
    let outcome = loop {
        let command = kernel.poll_capdu().unwrap();
        let answer = [card.body(&command), vec![0x90, 0x00]].concat();
        if let Progress::Done(outcome) = kernel.on_rapdu(&answer, 20_000, NOW) {
            break outcome;
        }
    };
    assert_eq!(tvr(&outcome), "0400000082", "no such authority");
}

#[test]
fn an_uncertified_number_authenticates_nothing() {
    // The number comes with the cryptogram, outside the authenticated records.
    let card = Card::with(|card| {
        card.data.retain(|(tag, _)| *tag != 0x5A);
        card.answer.push((0x5A, "5413330089600044"));
    });
    let outcome = outcome(card);
    assert_eq!(tvr(&outcome), "0400000082");
}

#[test]
fn limits_count_above_them() {
    let at_limit: Objects<'_> = &[(0x9F_820E, "000000000200"), (0x9F_820D, "000000000200")];
    let (commands, outcome) = tap(Card::new(), at_limit);
    assert!(commands.last().unwrap().ends_with("ABABABAB080000000000000000"));
    assert_eq!(tvr(&outcome), "0000000082");
    let above = changed(ABOVE_CVM, ABOVE_FLOOR);
    let (commands, outcome) = tap(Card::answering(&[(0x9F_8102, "02")]), &above);
    let last = commands.last().unwrap();
    assert!(
        last.starts_with("80AE80") && last.ends_with("ABABABAB448000000000000000"),
        "{last}"
    );
    assert_eq!(tvr(&outcome), "0000048082", "PIN captured, floor limit");
    let read = outcome.read.unwrap();
    assert_eq!(read.cvm, Cvm::OnlinePin);
    assert_eq!(
        read.data_object(tag::TERMINAL_CAPABILITIES),
        Some(&[0, 0x44, 0x10][..])
    );
    assert!(outcome.receipt);
}

#[test]
fn an_unproven_claim_above_the_limit() {
    let claim = |aip, certified: Option<Vec<u8>>, reader| {
        let mut card = Card::answering(&[(0x9F_8102, "03")]);
        (card.aip, card.certified) = (aip, certified);
        tap(card, reader).1
    };
    let cvm = |outcome: KernelOutcome| outcome.read.unwrap().cvm;
    // Authenticated; or with the code in 9F10 for the issuer; or below the limit.
    assert_eq!(cvm(claim([0x01, 0x09], None, ABOVE_CVM)), Cvm::OnDevice);
    assert_eq!(cvm(claim([0x01, 0x0B], Some(vec![1]), ABOVE_CVM)), Cvm::OnDevice);
    let below = &[(0x9F_8208, "0C")];
    assert_eq!(cvm(claim([0x01, 0x09], Some(vec![1]), below)), Cvm::OnDevice);
    let unproven = claim([0x01, 0x09], Some(vec![1]), ABOVE_CVM);
    assert_eq!(tvr(&unproven), "0400800082");
    assert_eq!(cvm(unproven), Cvm::None);
}

#[test]
fn a_card_on_the_exception_file() {
    let mut card_input = kernel_input(FCI, &[]);
    card_input.exceptions = listing(b"5413330089600044");
    let (commands, outcome) = tap_with(Card::answering(&[(0x9F27, "00")]), card_input);
    assert!(
        commands.last().unwrap().starts_with("80AE00"),
        "an AAC is asked for"
    );
    assert_eq!(outcome.kind, OutcomeKind::Declined);
    assert_eq!(outcome.reason, Some(Reason::OnExceptionFile));
    let mut other = kernel_input(FCI, &[]);
    other.exceptions = listing(b"5413330089600036");
    assert_ne!(tap_with(Card::new(), other).1.kind, OutcomeKind::Declined);
}

#[test]
fn the_cards_own_results() {
    let outcome = outcome(Card::answering(&[(0x9F_8104, "FFFFFFFFFF")]));
    assert_eq!(tvr(&outcome), "0000040082", "only the bit that is not reserved");
    let wrong = Card::answering(&[(0x9F_8104, "00")]);
    assert_eq!(reason(wrong), Some(Reason::DataMissing(tags::CARD_TVR)));
}

#[test]
fn messages_of_the_card() {
    let restart = outcome(Card::answering(&[(0x9F27, "00"), (0x9F_8108, "2020")]));
    assert_eq!(
        (restart.kind, restart.start),
        (OutcomeKind::EndApplication, Some(Start::B))
    );
    assert_eq!(restart.ui_on_outcome.unwrap().message, Message::SeePhone);
    let again = restart.ui_on_restart.unwrap();
    assert_eq!(
        (again.message, again.status),
        (Message::SeePhone, Status::ReadyToRead)
    );
    let unlisted = outcome(Card::answering(&[(0x9F27, "00"), (0x9F_8108, "201D")]));
    assert_eq!(unlisted.ui_on_outcome.unwrap().message, Message::PresentAgain);
    let declined = outcome(Card::answering(&[(0x9F27, "00")]));
    assert_eq!(
        (declined.kind, declined.reason),
        (OutcomeKind::Declined, Some(Reason::CardDeclined))
    );
    assert_eq!(declined.ui_on_outcome.unwrap().message, Message::NotAuthorised);
    let switched = outcome(Card::answering(&[(0x9F27, "00"), (0x9F_8108, "3110")]));
    assert_eq!(switched.kind, OutcomeKind::TryAnotherInterface);
    assert_eq!(switched.interface, Some(Interface::Contact));
    assert_eq!(switched.ui_on_outcome.unwrap().message, Message::RemoveCard);
    let (_, refund) = tap(Card::answering(&[(0x9F27, "00")]), &[(0x9C, "20")]);
    assert_eq!(refund.kind, OutcomeKind::EndApplication);
    assert_eq!(refund.ui_on_outcome.unwrap().message, Message::Clear);
}

#[test]
fn discretionary_data() {
    let outcome = outcome(Card::with(|card| card.wedge = (0xAE, |_| vec![0x69, 0x85])));
    let report = outcome.report.unwrap();
    assert_eq!(
        hex::encode_upper(report.discretionary.expose()),
        "9F8204060003006985 1C".replace(' ', "")
    );
    let (_, listed) = tap(Card::new(), &[(0x9F_821F, "9F82049F810C9F36")]);
    let report = listed.report.unwrap();
    assert_eq!(
        hex::encode_upper(report.discretionary.expose()),
        "9F8204060000000000FF9F810C0200009F36020001"
    );
}

#[test]
fn a_card_that_leaves() {
    let lost = |instruction| outcome(Card::with(|card| card.wedge = (instruction, |_| vec![])));
    for instruction in [0xA8, 0xB2, 0xEA] {
        let outcome = lost(instruction);
        assert_eq!(
            (outcome.kind, outcome.start),
            (OutcomeKind::TryAgain, Some(Start::B))
        );
    }
    assert_eq!(lost(0xAE).reason, Some(Reason::Torn), "a TC was asked for");
    let (_, asked_online) = tap(Card::with(|card| card.wedge = (0xAE, |_| vec![])), ABOVE_FLOOR);
    assert_eq!(asked_online.kind, OutcomeKind::TryAgain);
}

#[test]
fn off_until_the_configuration_names_it() {
    let config = |unverified_kernels| ReaderConfig {
        combinations: vec![Combination {
            aid: Aid::new(&bytes(AID)).unwrap(),
            kernel: KernelId::C8,
            transaction_type: 0,
            settings: CombinationSettings::default(),
        }],
        unverified_kernels,
        ..ReaderConfig::default()
    };
    let transaction = crate::entry::tests::transaction(100);
    let refused = Reader::new(&config(vec![]), transaction.clone());
    assert!(matches!(refused, Err(ReaderError::NothingAllowed(_))));
    assert!(Reader::new(&config(vec![KernelId::C8]), transaction).is_ok());
}
