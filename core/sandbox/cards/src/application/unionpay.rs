//! `UnionPay` (qUICS): as Visa's application, but the track stands in a record when the card approves by itself, and
//! the type of the cryptogram only in the issuer's data.

use softpos_wire::tag;
use softpos_wire::tlv::TlvWriter;

use super::files::{Files, format_2, holder, pan, track_2};
use super::visa::{qualifiers, signed_record};
use super::{Chip, Options, SW_SEE_PHONE, Told};
use crate::issuer::CryptogramKind;
use crate::tags;

pub(super) const PDOL: &[u8] = super::visa::PDOL;
/// Dynamic data authentication.
const AIP: &[u8] = &[0x20, 0x00];
/// From this version on the signature covers amount, currency and 9F69.
const VERSION: [u8; 2] = [0x00, 0x30];

pub(super) fn options(chip: &Chip<'_>, told: &Told<'_>) -> Result<Options, u16> {
    if chip.locked {
        return Err(SW_SEE_PHONE);
    }
    let verification_required = told.has(tag::TTQ, 1, 0x40);
    let pin = chip.wants_pin(verification_required);
    let kind = chip.decide(pin || told.has(tag::TTQ, 1, 0x80));
    let made = chip.cryptogram(kind, AIP, told)?;
    let qualifiers = qualifiers(chip, pin);
    // An online cryptogram is signed for a reader that authenticates those as well.
    let signs = match kind {
        CryptogramKind::Approved => true,
        CryptogramKind::AsksIssuer => told.has(tag::TTQ, 0, 0x01),
        CryptogramKind::Declined => false,
    };
    let data = data_record(chip);
    let files = if signs {
        let signed = signed_record(chip, told, made.cryptogram, qualifiers);
        Files::signed(&data, chip.certificates(&data, AIP), Some(&signed))
    } else {
        Files::plain(&data)
    };
    let mut content = TlvWriter::new();
    content
        .put(tag::AIP, AIP)
        .put(tag::AFL, &files.locator)
        .put(tag::TRACK_2, &track_2(chip.account))
        .put(tag::PAN_SEQUENCE, &[chip.account.psn])
        .put(tag::ISSUER_APPLICATION_DATA, &made.issuer_data)
        .put(tag::CRYPTOGRAM, &made.cryptogram)
        .put(tag::ATC, &chip.atc)
        .put(tag::CTQ, &qualifiers);
    Ok(Options {
        body: format_2(&content.into_vec()),
        records: files.records,
    })
}

fn data_record(chip: &Chip<'_>) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    writer
        .put(tag::PAN, &pan(chip.account))
        .put(tags::CARD_VERSION, &VERSION);
    holder(chip.account, &mut writer);
    writer.into_vec()
}
