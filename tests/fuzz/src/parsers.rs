//! The parsers of `softpos-wire`: views stay inside the input, work stays within its length.

use softpos_emv::IssuerAnswer;
use softpos_wire::afl::Afl;
use softpos_wire::apdu::{Capdu, Rapdu};
use softpos_wire::cvm_list::CvmList;
use softpos_wire::dol::Dol;
use softpos_wire::gpo::GpoResponse;
use softpos_wire::track2::Track2;
use softpos_wire::{Tag, bcd, tag, tlv};

pub(crate) fn tlv(bytes: &[u8]) {
    let mut seen = 0_usize;
    let walked = tlv::walk(bytes, &mut |depth, object| {
        assert!(depth < tlv::MAX_DEPTH, "too deep");
        assert!(object.value.len() <= bytes.len(), "longer than the input");
        seen = seen.saturating_add(1);
    });
    let bound = bytes.len().saturating_mul(tlv::MAX_DEPTH);
    assert!(walked.is_err() || seen <= bound, "{seen} objects");
    let _ = tlv::find(bytes, tag::PAN);
    let _ = tlv::descend(bytes, &[tag::FCI_TEMPLATE, tag::FCI_PROPRIETARY]);
    let _ = bcd::number(bytes);
    if let Some(content) = tlv::only(bytes, tag::RECORD_TEMPLATE) {
        assert!(content.len() < bytes.len(), "a template without head");
    }
}

pub(crate) fn dol(bytes: &[u8]) {
    let Ok(dol) = Dol::parse(bytes) else { return };
    let built = dol.build(|_| Some(&[0x12, 0x34, 0x56]), Tag::format);
    assert_eq!(
        built.len(),
        dol.total(),
        "what is built is as long as was promised"
    );
    let known: Vec<_> = dol.entries().map(|entry| entry.tag).collect();
    assert!(known.iter().all(|tag| dol.asks_for(*tag)));
    assert!(
        known.len().saturating_mul(2) <= bytes.len(),
        "an entry takes two bytes at least"
    );
}

pub(crate) fn gpo(bytes: &[u8]) {
    let Ok(options) = GpoResponse::parse(bytes) else {
        return;
    };
    if let Some(Ok(afl)) = options.afl.map(Afl::parse) {
        let records = afl.records().take(10_000).count();
        assert!(records <= afl.entries().len().saturating_mul(255));
        assert!(
            afl.records()
                .all(|record| (1..=30).contains(&record.sfi) && record.record > 0)
        );
    }
}

/// Records with what is inside them: lists and locators of the card's own making.
pub(crate) fn records(bytes: &[u8]) {
    let _ = tlv::walk(bytes, &mut |_, object| {
        dol(object.value);
        let _ = Afl::parse(object.value);
        if let Ok(list) = CvmList::parse(object.value) {
            assert!(list.rules().count().saturating_mul(2).saturating_add(8) == object.value.len());
        }
    });
}

pub(crate) fn apdu(bytes: &[u8]) {
    if let Ok(command) = Capdu::parse(bytes) {
        let again = command.to_bytes().unwrap_or_default();
        assert_eq!(Capdu::parse(&again).ok(), Some(command), "reads back");
    }
    if let Ok(answer) = Rapdu::parse(bytes) {
        assert!(answer.body.len().saturating_add(2) == bytes.len());
    }
}

/// An issuer's answer for its card.
pub(crate) fn issuer_answer(bytes: &[u8]) {
    if let Ok(answer) = IssuerAnswer::new(true, bytes) {
        assert!(bytes.len() <= 1_024, "beyond the bound");
        let shown = format!("{answer:?}");
        assert!(shown.len() < 64, "shows what only the card shall know: {shown}");
    }
}

pub(crate) fn track2(bytes: &[u8]) {
    if let Ok(track) = Track2::parse(bytes) {
        let shown = format!("{track:?}");
        let digits = String::from_utf8_lossy(track.pan.expose_digits()).into_owned();
        assert!(!shown.contains(&digits), "shows the number");
    }
}
