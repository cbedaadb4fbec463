//! Discover (D-PAS): the cryptogram comes with the answer to GET PROCESSING OPTIONS, inside the signature (CDA) when
//! the card approves by itself.

use softpos_wire::tag;
use softpos_wire::tlv::TlvWriter;

use super::files::{Files, combined_signature, format_2, holder, pan, track_2};
use super::{Asked, Chip, Options, SW_SEE_PHONE, Told};
use crate::issuer::CryptogramKind;
use crate::tags;

pub(super) const PDOL: &[u8] = super::visa::PDOL;
/// CVM, combined signature.
const AIP: &[u8] = &[0x11, 0x00];

pub(super) fn options(chip: &Chip<'_>, told: &Told<'_>) -> Result<Options, u16> {
    if chip.locked {
        return Err(SW_SEE_PHONE);
    }
    let pin = chip.wants_pin(told.has(tag::TTQ, 1, 0x40));
    let kind = chip.decide(pin || told.has(tag::TTQ, 1, 0x80));
    let made = chip.cryptogram(kind, AIP, told)?;
    let mut content = TlvWriter::new();
    content
        .put(tag::AIP, AIP)
        .put(tag::ATC, &chip.atc)
        .put(tag::ISSUER_APPLICATION_DATA, &made.issuer_data)
        .put(tag::CRYPTOGRAM_INFORMATION, &[kind.information()])
        .put(tags::PROCESSING_REQUIREMENTS, &requirements(chip, pin));
    if kind != CryptogramKind::Approved {
        content.put(tag::CRYPTOGRAM, &made.cryptogram);
        own_data(chip, &mut content);
        return Ok(Options {
            body: format_2(&content.into_vec()),
            records: Vec::new(),
        });
    }
    let data = data_record(chip);
    let files = Files::signed(&data, chip.certificates(&data, AIP), None);
    content.put(tag::AFL, &files.locator);
    let content = content.into_vec();
    let asked = Asked {
        p1: 0x50,
        data: &[],
        options_data: told.data(),
        relay: None,
    };
    let unpredictable = told.value(tag::UNPREDICTABLE_NUMBER).unwrap_or_default();
    let signature = combined_signature(chip, (kind, made.cryptogram), &content, &asked, unpredictable);
    let mut last = TlvWriter::new();
    last.put(tags::SIGNED_DYNAMIC_DATA, &signature);
    Ok(Options {
        body: format_2(&[content, last.into_vec()].concat()),
        records: files.records,
    })
}

/// 9F71: how the holder is to be verified.
fn requirements(chip: &Chip<'_>, pin: bool) -> [u8; 2] {
    let verification = match (chip.on_device(), pin) {
        (true, _) => 0x10,
        (false, true) => 0x80,
        (false, false) => 0x00,
    };
    [verification, 0x00]
}

/// What stands in the answer itself when there are no records.
fn own_data(chip: &Chip<'_>, content: &mut TlvWriter) {
    content
        .put(tag::TRACK_2, &track_2(chip.account))
        .put(tag::PAN_SEQUENCE, &[chip.account.psn])
        .put(tag::USAGE_CONTROL, &[0xFF, 0x80])
        .put(tag::EFFECTIVE_DATE, &[0x20, 0x01, 0x01])
        .put(tags::CARD_VERSION, &[0x00, 0x01]);
}

fn data_record(chip: &Chip<'_>) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    writer
        .put(tag::TRACK_2, &track_2(chip.account))
        .put(tag::PAN, &pan(chip.account))
        .put(tag::PAN_SEQUENCE, &[chip.account.psn])
        .put(tag::EFFECTIVE_DATE, &[0x20, 0x01, 0x01])
        .put(tags::CARD_VERSION, &[0x00, 0x01]);
    holder(chip.account, &mut writer);
    writer.into_vec()
}
