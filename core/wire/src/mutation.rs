//! A seeded mutator over all parsers: whatever a card sends, nothing panics and views stay inside the input.

use alloc::vec::Vec;

use crate::afl::Afl;
use crate::apdu::{Capdu, Rapdu};
use crate::dol::Dol;
use crate::gpo::GpoResponse;
use crate::track2::Track2;
use crate::{Tag, bcd, tag, tlv};

const SEEDS: &[&str] = &[
    "6F318407A0000000031010A52650095649534120544553549F38189F66049F02069F03069F1A0295055F2A029A039C019F3704",
    "771682025980941008010100100101011801020020010200",
    "80165D800801010008020201080405001002030018030300",
    "00007009005A0212340000820000",
    "BF0C820005DF60025AA5",
    "9F3704DF81290895059F3403",
    "08010100100101011801020020010200",
    "4761739001010010D191220111438825",
    "374245001741007D181270213101234500000F",
    "00A404000E325041592E5359532E444446303100",
    "00A4040000012C0000",
    "6F23840E325041592E5359532E4444463031A511BF0C0E610C4F07A00000000410108701019000",
];

/// xorshift64*: small and the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(value).unwrap().checked_rem(bound).unwrap_or(0)
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len().max(1));
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => {
                bytes[at] = [0, 0x7F, 0x80, 0x81, 0x82, 0xFF, 0x1F, 0x9F][random.below(8)];
            }
            2 => bytes.truncate(at),
            3 => bytes.insert(at.min(bytes.len()), u8::try_from(random.below(256)).unwrap()),
            4 if at < bytes.len() => {
                let tail = bytes[at..].to_vec();
                bytes.extend(tail);
            }
            _ if at < bytes.len() => {
                bytes.remove(at);
            }
            _ => {}
        }
    }
}

fn feed(bytes: &[u8]) {
    let mut seen = 0_usize;
    let walked = tlv::walk(bytes, &mut |depth, object| {
        assert!(depth < tlv::MAX_DEPTH && object.value.len() <= bytes.len());
        seen = seen.saturating_add(1);
    });
    assert!(walked.is_err() || seen <= bytes.len().saturating_mul(tlv::MAX_DEPTH));
    let _ = tlv::find(bytes, tag::PAN);
    let _ = tlv::descend(bytes, &[tag::FCI_TEMPLATE, tag::FCI_PROPRIETARY]);
    if let Ok(dol) = Dol::parse(bytes) {
        assert_eq!(dol.build(|_| Some(&[1, 2, 3]), Tag::format).len(), dol.total());
    }
    if let Ok(afl) = Afl::parse(bytes) {
        assert!(afl.records().all(|r| (1..=30).contains(&r.sfi) && r.record > 0));
    }
    if let Ok(gpo) = GpoResponse::parse(bytes) {
        assert!(gpo.afl.is_none_or(|afl| afl.len() < bytes.len()));
    }
    if let Ok(command) = Capdu::parse(bytes) {
        assert_eq!(Capdu::parse(&command.to_bytes().unwrap()), Ok(command));
    }
    let _ = (Rapdu::parse(bytes), Track2::parse(bytes), bcd::number(bytes));
}

#[test]
fn mutated_input_never_panics() {
    let mut random = Random(0x5EED_0000_0000_0061);
    for seed in SEEDS {
        let original = hex::decode(seed).unwrap();
        feed(&original);
        for length in 0..original.len() {
            feed(&original[..length]);
        }
        for _ in 0..4_000 {
            let mut bytes = original.clone();
            mutate(&mut bytes, &mut random);
            feed(&bytes);
        }
    }
}
