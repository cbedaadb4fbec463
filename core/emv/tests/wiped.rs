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

use softpos_crypto::card_channel::CardChannel;
use softpos_crypto::p256_key::{PublicKey, SoftwareKey, sha256};
use softpos_emv::{
    Aid, CardOutcome, CardRead, Combination, CombinationSettings, KernelId, Reader, ReaderConfig, ReaderStep,
    TerminalData, Transaction,
};
use softpos_types::{Currency, LocalTime, Money, SecretArray, SecretBytes, Tick};
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

const STORIES: [Story; 7] = [
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
    Story {
        kernel: KernelId::C4,
        aid: "A000000025010403",
        ttq: None,
        data: &[(0x9F6D, "C0"), (0x9F6E, "98E00003")],
        answers: &[
            "6F128408A000000025010403A5069F38039F3501",
            "770A82020080940408010100",
            "70535711374245001741719D30122018362910475F5A08374245001741719F5F24033012315F200D5A5A414D45582F43415244205A8C069F02069F37049F0D0500000000009F0E0500000000009F0F058000000000",
            "771E9F2701809F360200079F260811223344556677889F100706010103A00000",
        ],
        secrets: ["37424500174171", "36291047", "5A5A414D45582F43415244205A"],
    },
    Story {
        kernel: KernelId::C5,
        aid: "A0000000651010",
        ttq: None,
        data: &[
            (0x9F52, "00"),
            (0x9F53, "700000"),
            (0xDF_8D02, "2200"),
            (0xDF_8120, "0000000000"),
            (0xDF_8121, "0000000000"),
            (0xDF_8122, "0000000000"),
        ],
        answers: &[
            "6F118407A0000000651010A5069F38039F5201",
            "770A82020080940408010100",
            "705457123566002020361719D301220127164530982F5A0835660020203617195F24033012315F200D5A5A4A43422F43415244205A5A8C069F02069F37049F0D0500000000009F0E0500000000009F0F058000000000",
            "77229F2701809F360200079F260811223344556677889F100706010103A000009F500100",
        ],
        secrets: ["3566002020361719", "2716453098", "5A5A4A43422F43415244205A5A"],
    },
    Story {
        kernel: KernelId::C6,
        aid: "A0000001523010",
        ttq: Some([0x21, 0x80, 0x40, 0x00]),
        data: &[],
        answers: &[
            "6F148407A0000001523010A5099F38069F66049F3704",
            "7763820200009F360200079F100B0105A000000000000000009F2701809F710200009F2608112233445566778857126011000990131719D301220173920184651F5F3401019F0702FF005F25032001019F080200015F200D5A5A445041532F43415244205A",
        ],
        secrets: ["6011000990131719", "7392018465", "5A5A445041532F43415244205A"],
    },
    // Records and codes go through a channel: see `CommonCard`.
    Story {
        kernel: KernelId::C8,
        aid: "A0000000041010",
        ttq: None,
        data: &[
            (0x9F_820B, "0000000000"),
            (0x9F_820C, "8000000000"),
            (0x9F_820D, "000000010000"),
            (0x9F_820E, "000000010000"),
        ],
        answers: &[
            "6F208407A0000000041010A5159F2C07010000000000009F38089E409F2B089F3704",
            "820200009404080101008C069F02069F3704",
            "57125413339000091719D301220161837204951F5A0854133390000917195F24033012315F200D5A5A45494748542F4341524420",
            "9F2701809F360200019F10060605A00000009F81020100",
        ],
        secrets: ["5413339000091719", "6183720495", "5A5A45494748542F4341524420"],
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
        unverified_kernels: STORIES.iter().map(|story| story.kernel).collect(),
        ..ReaderConfig::default()
    };
    let transaction = Transaction {
        amount: Money::new(200, Currency::CNY),
        other_minor: 0,
        transaction_type: 0,
        local: LocalTime::from_utc(1_790_000_000_000, 480),
        unpredictable: [[[7; 4]; 3]; 4],
    };
    Reader::new(&config, transaction)
        .unwrap()
        .with_channels(SecretArray::build(|seed| seed.fill(9)))
}

/// A card of kernel 8. Its texts are what goes into the answers; it adds keys and codes, and enciphers the record in
/// the very buffer that it was made in.
struct CommonCard {
    key: SoftwareKey,
    /// Values of the PDOL, the kernel's point first.
    said: Vec<u8>,
}

impl CommonCard {
    fn channel(&self) -> CardChannel {
        let point = [&[4], &self.said[..64]].concat();
        CardChannel::between(&self.key, &PublicKey::from_point(&point).unwrap()).unwrap()
    }

    fn answer(&mut self, command: &[u8], text: &str) -> SecretBytes {
        match command[1] {
            // Class, instruction, P1, P2, length, template 83 and its length.
            0xA8 => {
                self.said = command[7..command.len() - 1].to_vec();
                let hidden = [&self.key.public().x()[..], &[0x77; 32]].concat();
                answer(&format!(
                    "77{:02X}{text}9F810340{}",
                    text.len() / 2 + 68,
                    hex::encode(hidden)
                ))
            }
            0xB2 => {
                let mut bytes = Vec::with_capacity(text.len() / 2 + 5);
                bytes.extend_from_slice(&[0xDA, u8::try_from(text.len() / 2).unwrap()]);
                bytes.extend_from_slice(wiping(text).expose());
                self.channel().crypt(0x8001, &mut bytes[2..]);
                bytes.extend_from_slice(&[0x90, 0x00]);
                SecretBytes::new(bytes)
            }
            0xAE => {
                let list = &command[5..command.len() - 1];
                let objects = hex::decode(text).unwrap();
                let static_hash = sha256(&[0, 0]);
                let channel = self.channel();
                let code = channel.issuer_data_mac(&[&self.said, list, &objects, &static_hash]);
                let enhanced = hex::encode(channel.enhanced_mac([0x11; 8], code));
                let more = format!("9F2608{}9F810508{enhanced}", "11".repeat(8));
                answer(&format!("77{:02X}{text}{more}", text.len() / 2 + more.len() / 2))
            }
            _ => answer(text),
        }
    }
}

fn tap(story: &Story) -> Box<CardRead> {
    let mut reader = reader(story);
    reader.card_present(Tick(0));
    let length = story.aid.len() / 2;
    let kernel = format!("9F2A01{:02X}", story.kernel.number());
    let entry = format!("4F{length:02X}{}{kernel}", story.aid);
    let length = entry.len() / 2;
    let directory = format!(
        "6F{:02X}840E325041592E5359532E4444463031A5{:02X}BF0C{:02X}61{length:02X}{entry}",
        length + 23,
        length + 5,
        length + 2,
    );
    let mut step = reader.card_replied(answer(&directory).expose(), 0, Tick(0));
    let mut card = CommonCard {
        key: SoftwareKey::from_scalar(SecretArray::build(|scalar| scalar.fill(0x41))).unwrap(),
        said: Vec::new(),
    };
    for text in story.answers {
        let ReaderStep::Transmit(command) = &mut step else {
            panic!("{:?} ended early: {step:?}", story.kernel);
        };
        let replied = if story.kernel == KernelId::C8 {
            card.answer(command, text)
        } else {
            answer(text)
        };
        // GENERATE AC carries what the list of the card asked for: the command is wiped by whoever sent it.
        command.fill(0);
        step = reader.card_replied(replied.expose(), 0, Tick(0));
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
