//! Visa: everything in the answer to GET PROCESSING OPTIONS; a signature (fDDA) over it in the last record.

use softpos_wire::tag;
use softpos_wire::tlv::TlvWriter;

use super::files::{Files, dynamic_number, format_2, holder, pan, track_2};
use super::{Chip, Options, SW_SEE_PHONE, Told};
use crate::issuer::CryptogramKind;
use crate::pki::sign_dynamic;
use crate::tags;

/// Everything under the cryptogram that the reader has.
pub(crate) const PDOL: &[u8] = &[
    0x9F, 0x66, 4, 0x9F, 0x02, 6, 0x9F, 0x03, 6, 0x9F, 0x1A, 2, 0x95, 5, 0x5F, 0x2A, 2, 0x9A, 3, 0x9C, 1,
    0x9F, 0x37, 4,
];
/// Dynamic data authentication.
const AIP: &[u8] = &[0x20, 0x00];
/// 9F69 begins with the version of what is signed: terminal number, amount, currency and 9F69 itself.
const SIGNATURE_VERSION: u8 = 0x01;

pub(super) fn options(chip: &Chip<'_>, told: &Told<'_>) -> Result<Options, u16> {
    if chip.locked {
        return Err(SW_SEE_PHONE);
    }
    let verification_required = told.has(tag::TTQ, 1, 0x40);
    let pin = chip.wants_pin(verification_required);
    let kind = chip.decide(pin || told.has(tag::TTQ, 1, 0x80));
    let made = chip.cryptogram(kind, AIP, told)?;
    let qualifiers = qualifiers(chip, pin);
    let mut content = TlvWriter::new();
    content.put(tag::AIP, AIP);
    let data = data_record(chip);
    // An online cryptogram is signed for a reader that authenticates those as well.
    let signs = match kind {
        CryptogramKind::Approved => true,
        CryptogramKind::AsksIssuer => told.has(tag::TTQ, 0, 0x01),
        CryptogramKind::Declined => false,
    };
    let files = if signs {
        let signed = signed_record(chip, told, made.cryptogram, qualifiers);
        Files::signed(&data, chip.certificates(&data, AIP), Some(&signed))
    } else {
        Files::plain(&data)
    };
    content
        .put(tag::AFL, &files.locator)
        .put(tag::TRACK_2, &track_2(chip.account))
        .put(tag::PAN_SEQUENCE, &[chip.account.psn])
        .put(tag::ISSUER_APPLICATION_DATA, &made.issuer_data)
        .put(tag::CRYPTOGRAM, &made.cryptogram)
        .put(tag::CRYPTOGRAM_INFORMATION, &[kind.information()])
        .put(tag::ATC, &chip.atc)
        .put(tag::CTQ, &qualifiers);
    Ok(Options {
        body: format_2(&content.into_vec()),
        records: files.records,
    })
}

/// 9F6C: how the holder is to be verified.
pub(super) fn qualifiers(chip: &Chip<'_>, pin: bool) -> [u8; 2] {
    [
        if pin { 0x80 } else { 0x00 },
        if chip.on_device() { 0x80 } else { 0x00 },
    ]
}

fn data_record(chip: &Chip<'_>) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    writer.put(tag::PAN, &pan(chip.account));
    holder(chip.account, &mut writer);
    writer.into_vec()
}

/// 9F69 and the signature over it.
pub(super) fn signed_record(
    chip: &Chip<'_>,
    told: &Told<'_>,
    [first, second, third, fourth, ..]: [u8; 8],
    [qualifier_1, qualifier_2]: [u8; 2],
) -> Vec<u8> {
    // The card's own number: a part of the cryptogram, which does not repeat either.
    let related = [
        SIGNATURE_VERSION,
        first,
        second,
        third,
        fourth,
        qualifier_1,
        qualifier_2,
        0x00,
    ];
    let said = |tag| told.value(tag).unwrap_or_default();
    let signature = sign_dynamic(
        chip.account.scheme,
        &dynamic_number(chip),
        &[
            said(tag::UNPREDICTABLE_NUMBER),
            said(tag::AMOUNT_AUTHORISED),
            said(tag::TRANSACTION_CURRENCY),
            &related,
        ],
    );
    let mut writer = TlvWriter::new();
    writer
        .put(tag::CARD_AUTHENTICATION_DATA, &related)
        .put(tags::SIGNED_DYNAMIC_DATA, &signature);
    writer.into_vec()
}
