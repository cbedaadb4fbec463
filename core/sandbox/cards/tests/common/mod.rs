//! A reader as the sandbox's terminals have it, and somebody between it and the card.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use softpos_cards::{CardGone, CardScheme, Presence, SoftCard, authority_keys, curve_authority_keys};
use softpos_emv::oda::{AuthorityKey, AuthorityKeys, CurveAuthorityKey};
use softpos_emv::{
    Aid, CardOutcome, CardRead, Combination, CombinationSettings, KernelId, Reader, ReaderConfig, ReaderStep,
    TerminalData, Transaction,
};
use softpos_types::{Currency, LocalTime, Money, SecretArray, Tick};
use softpos_wire::tlv::{self, TlvWriter};
use softpos_wire::{Tag, tag};

pub(crate) const FLOOR_LIMIT_MINOR: i64 = 10_000;
pub(crate) const CVM_LIMIT_MINOR: i64 = 100_000;
/// What the names of the wallet's cards begin with: one for each kernel.
pub(crate) const SCHEMES: [&str; 7] = [
    "visa",
    "mastercard",
    "unionpay",
    "amex",
    "jcb",
    "discover",
    "kernel8",
];
/// September 2026.
const NOW_UTC_MS: u64 = 1_790_000_000_000;
/// How long an answer takes on a good phone.
pub(crate) const ELAPSED_US: u32 = 20_000;

fn data(values: &[(u32, &str)]) -> TerminalData {
    let mut data = TerminalData::new();
    for (tag, value) in values {
        data.set(Tag::new(*tag), &hex::decode(value).unwrap());
    }
    data
}

pub(crate) fn config() -> ReaderConfig {
    let keys = authority_keys().into_iter().map(|key| {
        AuthorityKey::new((key.rid, key.index), &key.modulus, &key.exponent, key.checksum).unwrap()
    });
    let curve_keys = curve_authority_keys()
        .into_iter()
        .map(|key| CurveAuthorityKey::new((key.rid, key.index), &key.x, &key.signature).unwrap());
    let common = Combination {
        kernel: KernelId::C8,
        ..combination(CardScheme::Mastercard)
    };
    ReaderConfig {
        combinations: CardScheme::ALL
            .into_iter()
            .map(combination)
            .chain([common])
            .collect(),
        terminal: data(&[
            (0x9F1A, "0156"),
            (0x9F33, "0048C8"),
            (0x9F35, "22"),
            (0x9F40, "6000F0A001"),
        ]),
        kernels: vec![
            (
                KernelId::C2,
                data(&[
                    (0xDF_811B, "B0"),
                    (0xDF_8118, "48"),
                    (0xDF_8119, "08"),
                    (0xDF_8123, "000000010000"),
                    (0xDF_8124, "000005000000"),
                    (0xDF_8125, "000005000000"),
                    (0xDF_8126, "000000100000"),
                    (0xDF_8120, "840000000C"),
                    (0xDF_8121, "0000000000"),
                    (0xDF_8122, "840000800C"),
                    (0xDF_811D, "01"),
                ]),
            ),
            (KernelId::C4, data(&[(0x9F6D, "80"), (0x9F6E, "18C00000")])),
            (
                KernelId::C5,
                data(&[(0x9F52, "00"), (0x9F53, "300000"), (0xDF_8D02, "2200")]),
            ),
            (KernelId::C8, kernel_8()),
        ],
        unverified_kernels: vec![
            KernelId::C4,
            KernelId::C5,
            KernelId::C6,
            KernelId::C7,
            KernelId::C8,
        ],
        authority_keys: Arc::new(
            AuthorityKeys::new(keys.collect(), Vec::new())
                .unwrap()
                .with_curve_keys(curve_keys.collect())
                .unwrap(),
        ),
        exceptions: Arc::default(),
    }
}

fn kernel_8() -> TerminalData {
    data(&[
        (0x9F_8207, "44"),
        (0x9F_8208, "4C"),
        (0x9F_8209, "1000"),
        (0x9F_820A, "10"),
        (0x9F_820B, "0000000000"),
        (0x9F_820C, "840080800C"),
        (0x9F_820D, "000000010000"),
        (0x9F_820E, "000000100000"),
        (0x9F_821A, "FFFFFBFFFF"),
        (0x9F_821D, "20"),
        (0x9F_821E, "0A"),
    ])
}

fn combination(scheme: CardScheme) -> Combination {
    let qualifies = matches!(
        scheme,
        CardScheme::Visa | CardScheme::UnionPay | CardScheme::Discover
    );
    Combination {
        aid: Aid::new(scheme.aid()).unwrap(),
        kernel: KernelId::new(scheme.kernel().into()),
        transaction_type: 0,
        settings: CombinationSettings {
            floor_limit_minor: Some(FLOOR_LIMIT_MINOR),
            cvm_limit_minor: Some(CVM_LIMIT_MINOR + 1),
            ttq: qualifies.then_some([0x25, 0, 0x40, 0]),
            ..CombinationSettings::default()
        },
    }
}

pub(crate) fn reader(amount_minor: i64) -> Reader {
    reader_without_channels(amount_minor).with_channels(seed())
}

/// Randomness for the channels of kernel 8.
pub(crate) fn seed() -> SecretArray<32> {
    SecretArray::build(|seed| seed.fill(8))
}

pub(crate) fn reader_without_channels(amount_minor: i64) -> Reader {
    reader_with_numbers(amount_minor, [1, 2, 3, 4])
}

/// A reader with unpredictable numbers of its own, as every payment has them.
pub(crate) fn reader_with_numbers(amount_minor: i64, numbers: [u8; 4]) -> Reader {
    reader_of(&config(), amount_minor, numbers)
}

/// A reader with a configuration of its own.
pub(crate) fn reader_of(config: &ReaderConfig, amount_minor: i64, numbers: [u8; 4]) -> Reader {
    reader_at(NOW_UTC_MS, config, amount_minor, numbers)
}

/// The same at another time.
pub(crate) fn reader_at(utc_ms: u64, config: &ReaderConfig, amount_minor: i64, numbers: [u8; 4]) -> Reader {
    let transaction = Transaction {
        amount: Money::new(amount_minor, Currency::CNY),
        other_minor: 0,
        transaction_type: 0,
        local: LocalTime::from_utc(utc_ms, 480),
        unpredictable: numbers.map(|first| [5, 6, 7].map(|second| [first, second, first, second])),
    };
    Reader::new(config, transaction).unwrap()
}

/// Somebody between reader and card: changes commands on their way to the card, and answers on their way back.
pub(crate) trait Wedge {
    fn command(&mut self, command: &[u8]) -> Vec<u8> {
        command.to_vec()
    }

    fn answer(&mut self, _command: &[u8], answer: Vec<u8>) -> Vec<u8> {
        answer
    }
}

/// Nobody.
pub(crate) struct Air;

impl Wedge for Air {}

/// Presents the card until the reader has ended, at most three times.
pub(crate) fn tap(reader: &mut Reader, card: &mut SoftCard, wedge: &mut dyn Wedge) -> CardOutcome {
    for _ in 0..3 {
        let mut step = match card.present() {
            Presence::Card => reader.card_present(Tick(0)),
            Presence::Collision => reader.collision(Tick(0)),
        };
        while let ReaderStep::Transmit(command) = &step {
            step = match card.transmit(&wedge.command(command)) {
                Ok(answer) => {
                    let answer = wedge.answer(command, answer);
                    reader.card_replied(&answer, ELAPSED_US + card.delay_us(), Tick(0))
                }
                Err(CardGone) => reader.card_lost(Tick(0)),
            };
        }
        card.remove();
        match step {
            ReaderStep::Finished(outcome) => return outcome,
            ReaderStep::WaitForCard(_) => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("the reader asks for ever");
}

pub(crate) fn online(outcome: CardOutcome) -> Box<CardRead> {
    match outcome {
        CardOutcome::Online(read) => read,
        other => panic!("not online: {other:?}"),
    }
}

pub(crate) fn approved(outcome: CardOutcome) -> Box<CardRead> {
    match outcome {
        CardOutcome::Approved(read) => read,
        other => panic!("not approved: {other:?}"),
    }
}

/// Whether money could move on this outcome.
pub(crate) fn pays(outcome: &CardOutcome) -> bool {
    matches!(outcome, CardOutcome::Online(_) | CardOutcome::Approved(_))
}

/// The answer with every object of this tag changed; `None` drops it.
pub(crate) fn with_object(answer: &[u8], tag: Tag, change: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    let (body, sw) = answer.split_at(answer.len() - 2);
    [rewritten(body, tag, change), sw.to_vec()].concat()
}

fn rewritten(body: &[u8], tag: Tag, change: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    for object in tlv::Tlvs::new(body).map(Result::unwrap) {
        if object.tag == tag {
            if let Some(value) = change(object.value) {
                writer.put(tag, &value);
            }
        } else if object.tag.is_constructed() {
            writer.put(object.tag, &rewritten(object.value, tag, change));
        } else {
            writer.put(object.tag, object.value);
        }
    }
    writer.into_vec()
}

/// The answer with more objects inside its outermost template.
pub(crate) fn with_more(answer: &[u8], objects: &[(Tag, &[u8])]) -> Vec<u8> {
    let (body, sw) = answer.split_at(answer.len() - 2);
    let outer = tlv::Tlvs::new(body).next().unwrap().unwrap();
    let mut inner = TlvWriter::new();
    for (tag, value) in objects {
        inner.put(*tag, value);
    }
    let mut writer = TlvWriter::new();
    writer.put(outer.tag, &[outer.value, &inner.into_vec()].concat());
    [writer.into_vec(), sw.to_vec()].concat()
}

/// An object of field 55.
pub(crate) fn field_55(read: &CardRead, tag: Tag) -> Option<&[u8]> {
    tlv::child(&read.de55, tag).unwrap()
}

/// Instruction byte of a command.
pub(crate) fn instruction(command: &[u8]) -> u8 {
    command[1]
}

pub(crate) const AMOUNT: Tag = tag::AMOUNT_AUTHORISED;
