//! JCB (J/Speedy, EMV mode): records first, then GENERATE AC with a combined signature; the card says what it did
//! about its holder.

use softpos_wire::tag;
use softpos_wire::tlv::TlvWriter;

use super::files::{Files, format_2, generated, holder, pan, track_2};
use super::{Asked, Chip, Options, SW_SEE_PHONE, Told};
use crate::tags;

/// How the terminal's interface looks, and the amount.
pub(super) const PDOL: &[u8] = &[0x9F, 0x52, 1, 0x9F, 0x53, 3, 0x9F, 0x02, 6];
const CDOL_1: &[u8] = &[
    0x9F, 0x02, 6, 0x9F, 0x03, 6, 0x9F, 0x1A, 2, 0x95, 5, 0x5F, 0x2A, 2, 0x9A, 3, 0x9C, 1, 0x9F, 0x37, 4,
    0x9F, 0x53, 3,
];
/// Combined signature; EMV mode.
const AIP: &[u8] = &[0x19, 0x80];

pub(super) fn options(chip: &Chip<'_>) -> Options {
    let data = data_record(chip);
    let files = Files::signed(&data, chip.certificates(&data, AIP), None);
    let mut content = TlvWriter::new();
    content.put(tag::AIP, AIP).put(tag::AFL, &files.locator);
    Options {
        body: format_2(&content.into_vec()),
        records: files.records,
    }
}

pub(super) fn generate(chip: &Chip<'_>, asked: &Asked<'_>) -> Result<Vec<u8>, u16> {
    if chip.locked {
        return Err(SW_SEE_PHONE);
    }
    let told = Told::parse(CDOL_1, asked.data).ok_or(super::SW_WRONG_LENGTH)?;
    let required = told.has(tags::INTERCHANGE_PROFILE, 0, 0x80);
    let pin = chip.wants_pin(required);
    let status = match (chip.on_device(), pin) {
        (true, _) => 0x30,
        (false, true) => 0x20,
        (false, false) => 0x00,
    };
    // A PIN is the issuer's to check.
    let kind = chip.answer_to(if pin && asked.p1 & 0xC0 == 0x40 {
        0x80
    } else {
        asked.p1
    })?;
    let extra = |content: &mut TlvWriter| {
        content
            .put(tags::CVM_STATUS, &[status])
            .put(tags::ISSUER_UPDATE, &[0x00]);
    };
    generated(chip, AIP, CDOL_1, asked, (kind, &extra))
}

fn data_record(chip: &Chip<'_>) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    writer
        .put(tag::TRACK_2, &track_2(chip.account))
        .put(tag::PAN, &pan(chip.account))
        .put(tag::PAN_SEQUENCE, &[chip.account.psn])
        .put(tag::EFFECTIVE_DATE, &[0x20, 0x01, 0x01])
        .put(tags::CDOL_1, CDOL_1)
        .put(tags::ACTION_DEFAULT, &[0; 5])
        .put(tags::ACTION_DENIAL, &[0; 5])
        .put(tags::ACTION_ONLINE, &[0; 5]);
    holder(chip.account, &mut writer);
    writer.into_vec()
}
