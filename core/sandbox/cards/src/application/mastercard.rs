//! Mastercard (EMV mode): records first, then GENERATE AC with a combined signature.

use softpos_wire::tag;
use softpos_wire::tlv::TlvWriter;

use super::files::{Files, format_2, generated, holder, pan, track_2};
use super::{Asked, Chip, Options, Told};
use crate::issuer::CryptogramKind;
use crate::kind::Verification;
use crate::tags;

/// Terminal country and type: enough that something of it is under the signature.
pub(super) const PDOL: &[u8] = &[0x9F, 0x1A, 2, 0x9F, 0x35, 1];
const CDOL_1: &[u8] = &[
    0x9F, 0x02, 6, 0x9F, 0x03, 6, 0x9F, 0x1A, 2, 0x95, 5, 0x5F, 0x2A, 2, 0x9A, 3, 0x9C, 1, 0x9F, 0x37, 4,
    0x9F, 0x35, 1, 0x9F, 0x34, 3,
];
/// By this number the card knows the payment whose cryptogram the reader did not get.
const RECOVERY_LIST: &[u8] = &[0x9F, 0x37, 4];
const CDOL_2: &[u8] = &[0x8A, 2, 0x91, 10, 0x95, 5];
/// Online PIN where the terminal can, else no verification.
const CVM_LIST: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0x42, 0x03, 0x1F, 0x03];
/// Mobile PIN required.
const WANTS_OWNER: [u8; 3] = [0x00, 0x01, 0x00];

/// CVM, terminal risk management, combined signature; EMV mode, relay resistance. A phone: CDCVM as well.
const fn profile(chip: &Chip<'_>) -> [u8; 2] {
    match chip.profile.verification {
        Verification::OnDevice | Verification::SeePhone => [0x1B, 0x81],
        Verification::WhenRequired | Verification::AlwaysPin => [0x19, 0x81],
    }
}

pub(super) fn options(chip: &Chip<'_>) -> Options {
    let aip = profile(chip);
    let data = data_record(chip);
    let files = Files::signed(&data, chip.certificates(&data, &aip), None);
    let mut content = TlvWriter::new();
    content.put(tag::AIP, &aip).put(tag::AFL, &files.locator);
    Options {
        body: format_2(&content.into_vec()),
        records: files.records,
    }
}

pub(super) fn generate(chip: &Chip<'_>, asked: &Asked<'_>) -> Result<Vec<u8>, u16> {
    if chip.locked {
        let extra = |content: &mut TlvWriter| {
            content.put(tags::CARDHOLDER_INTERACTION, &WANTS_OWNER);
        };
        let declined = (CryptogramKind::Declined, &extra as &dyn Fn(&mut TlvWriter));
        return generated(chip, &profile(chip), CDOL_1, asked, declined);
    }
    let kind = chip.answer_to(asked.p1)?;
    generated(chip, &profile(chip), CDOL_1, asked, (kind, &|_| ()))
}

/// What the reader must say to get the cryptogram again that was made over this.
pub(super) fn recovery_data(list_1: &[u8]) -> Option<Vec<u8>> {
    let told = Told::parse(CDOL_1, list_1)?;
    told.value(tag::UNPREDICTABLE_NUMBER).map(<[u8]>::to_vec)
}

fn data_record(chip: &Chip<'_>) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    writer
        .put(tag::TRACK_2, &track_2(chip.account))
        .put(tag::PAN, &pan(chip.account))
        .put(tag::PAN_SEQUENCE, &[chip.account.psn])
        .put(tag::EFFECTIVE_DATE, &[0x20, 0x01, 0x01])
        .put(tags::CARD_VERSION, &[0x00, 0x02])
        .put(tags::CDOL_1, CDOL_1)
        .put(tags::CDOL_2, CDOL_2)
        .put(tags::RECOVERY_LIST, RECOVERY_LIST)
        .put(tags::CVM_LIST, CVM_LIST)
        .put(tags::ACTION_DEFAULT, &[0xF4, 0x50, 0x84, 0x80, 0x0C])
        .put(tags::ACTION_DENIAL, &[0; 5])
        .put(tags::ACTION_ONLINE, &[0xF4, 0x70, 0x84, 0x80, 0x0C]);
    holder(chip.account, &mut writer);
    writer.into_vec()
}
