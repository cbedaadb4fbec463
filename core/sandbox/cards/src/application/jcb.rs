//! JCB (J/Speedy, EMV mode): records first, then GENERATE AC with a combined signature; the card says what it did
//! about its holder, and may want its issuer's answer and a second GENERATE AC.

use softpos_wire::tag;
use softpos_wire::tlv::TlvWriter;

use super::files::{Files, format_2, generated, holder, pan, track_2};
use super::{Asked, Chip, Options, SW_CONDITIONS, SW_SEE_PHONE, SW_WRONG_LENGTH, Told};
use crate::card::IssuerUpdate;
use crate::issuer::{CryptogramKind, Verified, issuer_answer};
use crate::tags;

/// How the terminal's interface looks, and the amount.
pub(super) const PDOL: &[u8] = &[0x9F, 0x52, 1, 0x9F, 0x53, 3, 0x9F, 0x02, 6];
const CDOL_1: &[u8] = &[
    0x9F, 0x02, 6, 0x9F, 0x03, 6, 0x9F, 0x1A, 2, 0x95, 5, 0x5F, 0x2A, 2, 0x9A, 3, 0x9C, 1, 0x9F, 0x37, 4,
    0x9F, 0x53, 3,
];
/// What the issuer said and proves, then the same again.
const CDOL_2: &[u8] = &[
    0x8A, 2, 0x91, 8, 0x9F, 0x02, 6, 0x9F, 0x03, 6, 0x9F, 0x1A, 2, 0x95, 5, 0x5F, 0x2A, 2, 0x9A, 3, 0x9C, 1,
    0x9F, 0x37, 4,
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

/// What the card makes of a request.
struct Decision {
    kind: CryptogramKind,
    /// 9F50.
    status: u8,
    /// 9F60.
    update: u8,
}

impl Decision {
    fn of(chip: &Chip<'_>, asked: &Asked<'_>, told: &Told<'_>) -> Result<Self, u16> {
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
        let taken = told.has(tags::INTERCHANGE_PROFILE, 1, 0x80) && kind == CryptogramKind::AsksIssuer;
        let update = match chip.update {
            Some(IssuerUpdate::Held) if taken => 0x01,
            Some(IssuerUpdate::Again) if taken => 0x02,
            Some(_) | None => 0x00,
        };
        Ok(Self { kind, status, update })
    }
}

pub(super) fn generate(chip: &Chip<'_>, asked: &Asked<'_>) -> Result<Vec<u8>, u16> {
    if chip.locked {
        return Err(SW_SEE_PHONE);
    }
    let told = Told::parse(CDOL_1, asked.data).ok_or(SW_WRONG_LENGTH)?;
    let Decision { kind, status, update } = Decision::of(chip, asked, &told)?;
    let extra = |content: &mut TlvWriter| {
        content
            .put(tags::CVM_STATUS, &[status])
            .put(tags::ISSUER_UPDATE, &[update]);
    };
    generated(chip, AIP, CDOL_1, asked, (kind, &extra))
}

pub(super) fn first_cryptogram(chip: &Chip<'_>, asked: &Asked<'_>) -> Result<[u8; 8], u16> {
    let told = Told::parse(CDOL_1, asked.data).ok_or(SW_WRONG_LENGTH)?;
    let kind = Decision::of(chip, asked, &told)?.kind;
    Ok(chip.cryptogram(kind, AIP, &told)?.cryptogram)
}

/// TC if it is asked for and the issuer proves that it saw the first cryptogram, else AAC.
pub(super) fn second(chip: &Chip<'_>, asked: &Asked<'_>, first: [u8; 8]) -> Result<Vec<u8>, u16> {
    let told = Told::parse(CDOL_2, asked.data).ok_or(SW_WRONG_LENGTH)?;
    let seen = Verified {
        atc: u16::from_be_bytes(chip.atc),
        cryptogram: first,
        kind: CryptogramKind::AsksIssuer,
    };
    let code = told.value(tags::RESPONSE_CODE).unwrap_or_default();
    let proof = std::str::from_utf8(code)
        .ok()
        .and_then(|code| issuer_answer(chip.account, seen, code));
    let proven = proof.is_some() && proof.as_deref() == told.value(tags::ISSUER_AUTHENTICATION);
    let kind = match asked.p1 {
        0x40 if proven => CryptogramKind::Approved,
        0x00 | 0x40 => CryptogramKind::Declined,
        _ => return Err(SW_CONDITIONS),
    };
    generated(chip, AIP, CDOL_2, asked, (kind, &|_| ()))
}

fn data_record(chip: &Chip<'_>) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    writer
        .put(tag::TRACK_2, &track_2(chip.account))
        .put(tag::PAN, &pan(chip.account))
        .put(tag::PAN_SEQUENCE, &[chip.account.psn])
        .put(tag::EFFECTIVE_DATE, &[0x20, 0x01, 0x01])
        .put(tags::CDOL_1, CDOL_1)
        .put(tags::CDOL_2, CDOL_2)
        .put(tags::ACTION_DEFAULT, &[0; 5])
        .put(tags::ACTION_DENIAL, &[0; 5])
        .put(tags::ACTION_ONLINE, &[0; 5]);
    holder(chip.account, &mut writer);
    writer.into_vec()
}
