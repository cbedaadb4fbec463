//! American Express (Expresspay): records first, then GENERATE AC with a combined signature. A device says with its
//! options whether its owner was verified.

use softpos_wire::tag;
use softpos_wire::tlv::TlvWriter;

use super::files::{Files, format_2, generated, holder, pan, track_2};
use super::{Asked, Chip, Options};
use crate::issuer::CryptogramKind;
use crate::kind::Verification;
use crate::tags;

/// Terminal type, joined by the reader with its contactless capabilities.
pub(super) const PDOL: &[u8] = &[0x9F, 0x35, 1];
const CDOL_1: &[u8] = &[
    0x9F, 0x02, 6, 0x9F, 0x03, 6, 0x9F, 0x1A, 2, 0x95, 5, 0x5F, 0x2A, 2, 0x9A, 3, 0x9C, 1, 0x9F, 0x37, 4,
];
/// CVM, terminal risk management, issuer authentication, combined signature; EMV mode.
const AIP: [u8; 2] = [0x1D, 0x80];
/// The same of a mobile device.
const AIP_MOBILE: [u8; 2] = [0x1D, 0xC0];
/// Online PIN where the terminal can, else no verification.
const CVM_LIST: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0x42, 0x03, 0x1F, 0x03];
/// Online PIN, whatever the amount.
const CVM_LIST_PIN: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x00];
/// On the device, else no verification.
const CVM_LIST_MOBILE: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x00, 0x1F, 0x03];
/// On the device, whatever the amount.
const CVM_LIST_OWNER: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x00];
/// 9F71 of a mobile device: method, condition, result: the owner was verified.
const VERIFIED: &[u8] = &[0x01, 0x00, 0x02];
/// The owner was not: the reader sends them there.
const NOT_VERIFIED: &[u8] = &[0x01, 0x00, 0x01];

fn is_mobile(chip: &Chip<'_>) -> bool {
    matches!(
        chip.profile.verification,
        Verification::OnDevice | Verification::SeePhone
    )
}

fn profile(chip: &Chip<'_>) -> [u8; 2] {
    if is_mobile(chip) { AIP_MOBILE } else { AIP }
}

pub(super) fn options(chip: &Chip<'_>) -> Options {
    let aip = profile(chip);
    let data = data_record(chip);
    let files = Files::signed(&data, chip.certificates(&data, &aip), None);
    let mut content = TlvWriter::new();
    content.put(tag::AIP, &aip).put(tag::AFL, &files.locator);
    if is_mobile(chip) {
        let owner = if chip.locked { NOT_VERIFIED } else { VERIFIED };
        content.put(tags::PROCESSING_REQUIREMENTS, owner);
    }
    Options {
        body: format_2(&content.into_vec()),
        records: files.records,
    }
}

pub(super) fn generate(chip: &Chip<'_>, asked: &Asked<'_>) -> Result<Vec<u8>, u16> {
    let kind = if chip.locked {
        CryptogramKind::Declined
    } else {
        chip.answer_to(asked.p1)?
    };
    generated(chip, &profile(chip), CDOL_1, asked, (kind, &|_| ()))
}

fn data_record(chip: &Chip<'_>) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    let list = match chip.profile.verification {
        Verification::WhenRequired => CVM_LIST,
        Verification::AlwaysPin => CVM_LIST_PIN,
        Verification::OnDevice => CVM_LIST_MOBILE,
        Verification::SeePhone => CVM_LIST_OWNER,
    };
    writer
        .put(tag::TRACK_2, &track_2(chip.account))
        .put(tag::PAN, &pan(chip.account))
        .put(tag::PAN_SEQUENCE, &[chip.account.psn])
        .put(tag::EFFECTIVE_DATE, &[0x20, 0x01, 0x01])
        .put(tags::CARD_VERSION, &[0x00, 0x01])
        .put(tags::CDOL_1, CDOL_1)
        .put(tags::CVM_LIST, list)
        .put(tags::ACTION_DEFAULT, &[0xF4, 0x70, 0xC4, 0x98, 0x00])
        .put(tags::ACTION_DENIAL, &[0; 5])
        .put(tags::ACTION_ONLINE, &[0xF4, 0x70, 0xC4, 0x98, 0x00]);
    holder(chip.account, &mut writer);
    writer.into_vec()
}
