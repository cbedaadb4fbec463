//! What every answer of a card goes through: walking its objects, and building what it asks for.

use std::hint::black_box;

use softpos_bench::{Line, nanoseconds};
use softpos_emv::TerminalData;
use softpos_wire::Tag;
use softpos_wire::dol::Dol;

use super::{bytes, mastercard};
use crate::computing::ns_per_call;

/// The first twelve wishes of the public Mastercard card's CDOL 1.
pub(super) const LIST: &str = "9F02069F03069F1A0295055F2A029A039C019F37049F35019F45029F4C089F3403";
/// What the reader has of them beside its configuration.
pub(super) const OWN: [(u32, &str); 8] = [
    (0x9F02, "000000000001"),
    (0x9F03, "000000000000"),
    (0x95, "0000000001"),
    (0x5F2A, "0978"),
    (0x9A, "190819"),
    (0x9C, "00"),
    (0x9F37, "33BCA47D"),
    (0x9F34, "1F0302"),
];

pub(super) fn run() {
    let list = bytes(LIST);
    let mut data = TerminalData::new();
    for (tag, value) in values() {
        data.set(tag, &value);
    }
    let ours_ns = ns_per_call(|| {
        let list = Dol::parse(black_box(&list)).expect("a sound list");
        black_box(list.build(|tag| data.value(tag), Tag::format));
    });
    println!(
        "{}",
        Line::figure(
            "data of a DOL of 12 entries, parsed and built",
            nanoseconds(ours_ns)
        )
    );
    #[cfg(feature = "peers")]
    println!(
        "{}",
        Line::number_at_most(
            "the same, of the crate emv's",
            ours_ns / super::peer::dol_ns(),
            1.0,
            "x"
        )
    );
}

/// All that the reader has, as kernels find it.
pub(super) fn values() -> impl Iterator<Item = (Tag, Vec<u8>)> {
    let all = mastercard::TERMINAL.iter().chain(&OWN);
    all.map(|(tag, value)| (Tag::new(*tag), bytes(value)))
}
