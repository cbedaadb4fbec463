//! Whole taps: whatever a card sends to a kernel, reading ends, with an outcome and without card data in its text.

use std::sync::Arc;

use softpos_emv::{
    Aid, Combination, CombinationSettings, KernelId, Reader, ReaderConfig, ReaderStep, TerminalData,
    Transaction,
};
use softpos_types::{Currency, LocalTime, Money, SecretArray, Tick};
use softpos_wire::Tag;

use crate::seeds::{NUMBERS, authority_keys};

/// Four activations, each with two selections, options, relay, the most records a card may list, and what follows.
const MAX_COMMANDS: usize = 4 * (8 + 64);

/// Terminal data for all kernels: tag and value.
const TERMINAL: [(u32, &str); 43] = [
    (0x9F09, "0002"),
    (0x9F15, "5812"),
    (0x9F1A, "0056"),
    (0x9F1E, "3030303030303031"),
    (0x9F33, "00E8C8"),
    (0x9F35, "22"),
    (0x9F40, "6000F00001"),
    (0x9F53, "820000"),
    (0x9F6D, "C8"),
    (0x9F6E, "98F00003"),
    (0x9F1B, "00002710"),
    (0x9F01, "000000000001"),
    (0x9F5C, "0000000000000000"),
    (0xDF_8104, ""),
    (0xDF_8105, ""),
    (0xDF_8117, "00"),
    (0xDF_8118, "60"),
    (0xDF_8119, "08"),
    (0xDF_811B, "30"),
    (0xDF_811C, "012C"),
    (0xDF_811D, "02"),
    (0xDF_811F, "08"),
    (0xDF_8120, "0400800000"),
    (0xDF_8121, "0000000000"),
    (0xDF_8122, "0000000000"),
    (0xDF_8123, "000000010000"),
    (0xDF_8124, "000000100000"),
    (0xDF_8125, "000000200000"),
    (0xDF_8126, "000000005000"),
    (0xDF_812D, "000013"),
    (0xDF_8131, "0000010000012000"),
    (0xDF_8132, "0014"),
    (0x9F_8207, "44"),
    (0x9F_8208, "0C"),
    (0x9F_8209, "1800"),
    (0x9F_820A, "10"),
    (0x9F_820B, "0000000000"),
    (0x9F_820C, "840080800C"),
    (0x9F_820D, "000000005000"),
    (0x9F_820E, "000000005000"),
    (0x9F_821A, "FFFFFBFFFF"),
    (0x9F_821D, "2010"),
    (0x9F_821E, "0A"),
];
/// The seed of the channels of kernel 8: the seeds' card knows the keys that come of it.
pub(crate) const CHANNEL_SEED: [u8; 32] = [8; 32];

macro_rules! kernels {
    ($($name:ident = $id:literal, $rid:literal;)*) => {
        $(pub(crate) fn $name(bytes: &[u8]) { tap(KernelId::new($id), $rid, bytes); })*
    };
}

kernels! {
    c2 = 2, "A0000000041010";
    c3 = 3, "A0000000031010";
    c4 = 4, "A00000002501";
    c5 = 5, "A0000000651010";
    c6 = 6, "A0000001523010";
    c7 = 7, "A000000333010101";
    c8 = 8, "A0000000041010";
}

/// One event of the card: how to read the bytes of an input.
///
/// An input is a byte for the amount, then events: kind, length, answer.
fn tap(kernel: KernelId, aid: &str, bytes: &[u8]) {
    let Some((&amount, mut events)) = bytes.split_first() else {
        return;
    };
    let Some(mut reader) = reader(kernel, aid, amount) else {
        return;
    };
    let mut now = Tick(1_000);
    let mut step = reader.card_present(now);
    for _ in 0..MAX_COMMANDS {
        now = now.after_ms(7);
        step = match step {
            ReaderStep::Finished(_) | ReaderStep::Ignored => break,
            ReaderStep::WaitForCard(_) if events.is_empty() => return,
            ReaderStep::WaitForCard(_) => reader.card_present(now),
            ReaderStep::Transmit(_) => {
                let (kind, answer) = next_event(&mut events);
                match kind {
                    0 | 1 => reader.card_replied(answer, 13_000, now),
                    2 => reader.card_replied(answer, 52_000, now),
                    3 => reader.card_replied(answer, 0, now),
                    4 => reader.card_lost(now.after_ms(400_000)),
                    _ => reader.card_lost(now),
                }
            }
        };
    }
    assert!(
        matches!(step, ReaderStep::Finished(_) | ReaderStep::WaitForCard(_)),
        "reading does not end: {step:?}"
    );
    let shown = format!("{step:?}{reader:?}");
    for number in NUMBERS {
        assert!(!shown.contains(number), "a card number is shown");
    }
}

/// The reader of an input; its first byte says how much is paid.
pub(crate) fn reader(kernel: KernelId, aid: &str, amount: u8) -> Option<Reader> {
    let reader = Reader::new(&config(kernel, aid), transaction(amount)).ok()?;
    Some(reader.with_channels(SecretArray::build(|seed| *seed = CHANNEL_SEED)))
}

/// An input that ends early is a card that was taken away.
fn next_event<'a>(events: &mut &'a [u8]) -> (u8, &'a [u8]) {
    let [kind, length, rest @ ..] = *events else {
        *events = &[];
        return (5, &[]);
    };
    let length = usize::from(*length).min(rest.len());
    let (answer, rest) = rest.split_at(length);
    *events = rest;
    (kind % 6, answer)
}

fn config(kernel: KernelId, aid: &str) -> ReaderConfig {
    let bytes = |text: &str| hex::decode(text).unwrap_or_default();
    let mut terminal = TerminalData::new();
    for (tag, value) in TERMINAL {
        terminal.set(Tag::new(tag), &bytes(value));
    }
    let combination = Aid::new(&bytes(aid)).map(|aid| Combination {
        aid,
        kernel,
        transaction_type: 0,
        settings: CombinationSettings {
            transaction_limit_minor: Some(100_000),
            floor_limit_minor: Some(5_000),
            cvm_limit_minor: Some(5_000),
            ttq: Some([0x27, 0, 0x40, 0x80]),
            ..CombinationSettings::default()
        },
    });
    ReaderConfig {
        combinations: combination.into_iter().collect(),
        terminal,
        unverified_kernels: vec![kernel],
        authority_keys: Arc::new(authority_keys()),
        ..ReaderConfig::default()
    }
}

fn transaction(amount: u8) -> Transaction {
    Transaction {
        amount: Money::new(i64::from(amount) * 50 + 1, Currency::CNY),
        other_minor: 0,
        transaction_type: 0,
        local: LocalTime {
            year: 2019,
            month: 8,
            day: 19,
            hour: 12,
            minute: 0,
            second: 0,
        },
        unpredictable: [[[0x33, 0xBC, 0xA4, 0x7D]; 3]; 4],
    }
}
