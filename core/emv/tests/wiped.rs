//! After a tap nothing of the card is left in the process: no number, no track, no name. The test reads its own memory
//! back through the operating system, all of it: heap, given-back heap, stacks. What it looks for it keeps masked.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::arithmetic_side_effects
)]

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

use softpos_emv::{
    Aid, CardOutcome, CardRead, Combination, CombinationSettings, KernelId, Reader, ReaderConfig, ReaderStep,
    TerminalData, Transaction,
};
use softpos_types::{Currency, LocalTime, Money, SecretBytes, Tick};
use softpos_wire::Tag;

const CHUNK: usize = 1 << 16;
/// Chunks overlap by more than the longest needle.
const OVERLAP: usize = 64;

/// A card and the reader's data for its kernel; everything in hexadecimal text, whose bytes are not those of the card.
struct Story {
    kernel: KernelId,
    aid: &'static str,
    ttq: Option<[u8; 4]>,
    data: &'static [(u32, &'static str)],
    /// What comes behind the directory.
    answers: &'static [&'static str],
    /// Packed number, discretionary data of the track, name.
    secrets: [&'static str; 3],
}

const STORIES: [Story; 3] = [
    Story {
        kernel: KernelId::C2,
        aid: "A0000000041010",
        ttq: None,
        data: &[
            (0xDF_811B, "80"),
            (0xDF_8120, "0000000000"),
            (0xDF_8121, "0000000000"),
            (0xDF_8122, "8000000000"),
            (0xDF_8124, "000000010000"),
        ],
        answers: &[
            // 9F5E names the card in the very answer to SELECT; CDOL 1 asks for number and track.
            "6F198407A0000000041010A50EBF0C0B9F5E085413339000001719",
            "770A82020080940408010100",
            "703C5A08541333900000171957135413339000001719D3012201987654321098765F24033012315F200C5A5A544F502F43415244205A8C065A0857139505",
            "771E9F2701809F360200419F26084573436B1E4B95DD9F1007060105A0000000",
        ],
        secrets: ["5413339000001719", "98765432109876", "5A5A544F502F43415244205A"],
    },
    Story {
        kernel: KernelId::C3,
        aid: "A0000000031010",
        ttq: Some([0x21, 0x80, 0x40, 0x00]),
        data: &[],
        answers: &[
            "6F148407A0000000031010A5099F38069F66049F3704",
            "774C8202000057134761739001011719D3012201912837465019285F200D5A5A564953412F43415244205A9F100706011103A000009F260820261203C3227D269F360200159F6C0200005F340101",
        ],
        secrets: ["4761739001011719", "91283746501928", "5A5A564953412F43415244205A"],
    },
    Story {
        kernel: KernelId::C7,
        aid: "A000000333010101",
        ttq: Some([0x21, 0x80, 0x40, 0x00]),
        data: &[],
        answers: &[
            "6F158408A000000333010101A5099F38069F66049F3704",
            "77498202000057136250941006521719D3012201564738291056475F200D5A5A4355502F4341524420205A9F100807010103A00000019F260820261203C3227D269F360200159F6C020000",
        ],
        secrets: ["6250941006521719", "56473829105647", "5A5A4355502F4341524420205A"],
    },
];

/// Bytes of a text in a buffer that is wiped and never moves.
fn wiping(text: &str) -> SecretBytes {
    let digit = |digit| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
    let digits = || text.bytes().map(digit);
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let (high, low) = (digits().step_by(2), digits().skip(1).step_by(2));
    bytes.extend(high.zip(low).map(|(high, low)| high << 4 | low));
    SecretBytes::new(bytes)
}

/// A good answer: a body and its status word.
fn answer(text: &str) -> SecretBytes {
    let body = wiping(text);
    let mut bytes = Vec::with_capacity(body.len() + 2);
    bytes.extend_from_slice(body.expose());
    bytes.extend_from_slice(&[0x90, 0x00]);
    SecretBytes::new(bytes)
}

fn reader(story: &Story) -> Reader {
    let mut terminal = TerminalData::new();
    let usual = [(0x9F1A, "0156"), (0x9F33, "0048C8"), (0x9F35, "22")];
    for (tag, value) in usual.iter().chain(story.data) {
        terminal.set(Tag::new(*tag), &hex::decode(value).unwrap());
    }
    let config = ReaderConfig {
        combinations: vec![Combination {
            aid: Aid::new(&hex::decode(story.aid).unwrap()).unwrap(),
            kernel: story.kernel,
            transaction_type: 0,
            settings: CombinationSettings {
                ttq: story.ttq,
                ..CombinationSettings::default()
            },
        }],
        terminal,
        unverified_kernels: vec![KernelId::C7],
        ..ReaderConfig::default()
    };
    let transaction = Transaction {
        amount: Money::new(200, Currency::CNY),
        other_minor: 0,
        transaction_type: 0,
        local: LocalTime::from_utc(1_790_000_000_000, 480),
        unpredictable: [[[7; 4]; 3]; 4],
    };
    Reader::new(&config, transaction).unwrap()
}

fn tap(story: &Story) -> Box<CardRead> {
    let mut reader = reader(story);
    reader.card_present(Tick(0));
    let length = story.aid.len() / 2;
    let directory = format!(
        "6F{:02X}840E325041592E5359532E4444463031A5{:02X}BF0C{:02X}61{:02X}4F{length:02X}{}",
        length + 25,
        length + 7,
        length + 4,
        length + 2,
        story.aid
    );
    let mut step = reader.card_replied(answer(&directory).expose(), 0, Tick(0));
    for text in story.answers {
        // GENERATE AC carries what the list of the card asked for: the command is wiped by whoever sent it.
        match &mut step {
            ReaderStep::Transmit(command) => command.fill(0),
            other => panic!("{:?} ended early: {other:?}", story.kernel),
        }
        step = reader.card_replied(answer(text).expose(), 0, Tick(0));
    }
    match step {
        ReaderStep::Finished(CardOutcome::Online(read)) => read,
        other => panic!("{:?} ended otherwise: {other:?}", story.kernel),
    }
}

/// Secrets, each byte inverted.
fn needles(story: &Story) -> Vec<Vec<u8>> {
    let masked = |text: &&str| wiping(text).expose().iter().map(|byte| !byte).collect();
    story.secrets.iter().map(masked).collect()
}

fn stands_in(content: &[u8], needle: &[u8]) -> bool {
    let first = !needle[0];
    let mut rest = content;
    while let Some(at) = rest.iter().position(|byte| *byte == first) {
        rest = &rest[at..];
        if rest.len() >= needle.len() && rest.iter().zip(needle).all(|(byte, masked)| *byte == !masked) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// How many of the needles stand somewhere in this process.
fn found(needles: &[Vec<u8>]) -> usize {
    let memory = File::open("/proc/self/mem").unwrap();
    let (mut buffer, zeros) = (vec![0; CHUNK + OVERLAP], vec![0; CHUNK + OVERLAP]);
    let mut seen = vec![false; needles.len()];
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let mut words = line.split_ascii_whitespace();
        let (range, access) = words.next().zip(words.next()).unwrap();
        // What cannot be written holds no copy.
        if !access.starts_with("rw") || words.nth(3).is_some_and(|place| place.starts_with("[v")) {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let mut at = u64::from_str_radix(start, 16).unwrap();
        let end = u64::from_str_radix(end, 16).unwrap();
        while at < end {
            let length = buffer.len().min(usize::try_from(end - at).unwrap());
            let Ok(read) = memory.read_at(&mut buffer[..length], at) else {
                break;
            };
            // Most of it was never written.
            if buffer[..read] != zeros[..read] {
                for (needle, seen) in needles.iter().zip(&mut seen) {
                    *seen |= stands_in(&buffer[..read], needle);
                }
            }
            at += u64::try_from(CHUNK).unwrap();
        }
    }
    // What the search itself saw is no finding of the next search.
    buffer.fill(0);
    std::hint::black_box(&buffer);
    seen.into_iter().filter(|seen| *seen).count()
}

#[test]
fn nothing_of_a_card_is_left_after_its_tap() {
    for story in &STORIES {
        let needles = needles(story);
        let read = tap(story);
        assert_eq!(
            found(&needles),
            3,
            "{:?}: while the card is held it is found",
            story.kernel
        );
        drop(read);
        assert_eq!(found(&needles), 0, "{:?}", story.kernel);
    }
}
