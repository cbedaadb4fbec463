//! Records, and the data objects that cards of all schemes have alike.

use softpos_wire::tag;
use softpos_wire::tlv::TlvWriter;

use crate::account::Account;
use crate::issuer::CryptogramKind;
use crate::pki::{CardCertificates, sha1, sign_dynamic};
use crate::tags;

use super::{Asked, Chip, Told};

/// File of the one record with the holder's data; signed.
const DATA_FILE: u8 = 2;
/// File of the certificates, and of what is signed for one payment.
const KEY_FILE: u8 = 3;

/// One record of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) file: u8,
    pub(crate) number: u8,
    /// With its template.
    pub(crate) bytes: Vec<u8>,
}

/// The records of one payment and their locator (94).
pub(super) struct Files {
    pub(super) records: Vec<Record>,
    pub(super) locator: Vec<u8>,
}

impl Files {
    /// The data record alone, unsigned.
    pub(super) fn plain(data: &[u8]) -> Self {
        Self {
            records: vec![record(DATA_FILE, 1, data)],
            locator: vec![DATA_FILE << 3, 1, 1, 0],
        }
    }

    /// The data record, the certificates over it, and what else is to be read after them.
    pub(super) fn signed(data: &[u8], certificates: &CardCertificates, last: Option<&[u8]>) -> Self {
        let mut records = vec![record(DATA_FILE, 1, data)];
        let keys = key_records(certificates);
        let keys = keys.iter().map(Vec::as_slice).chain(last);
        records.extend(
            (1..)
                .zip(keys)
                .map(|(number, bytes)| record(KEY_FILE, number, bytes)),
        );
        let highest = records.last().map_or(1, |record| record.number);
        Self {
            records,
            locator: vec![DATA_FILE << 3, 1, 1, 1, KEY_FILE << 3, 1, highest, 0],
        }
    }
}

pub(super) fn record(file: u8, number: u8, content: &[u8]) -> Record {
    let mut writer = TlvWriter::new();
    writer.put(tag::RECORD_TEMPLATE, content);
    Record {
        file,
        number,
        bytes: writer.into_vec(),
    }
}

/// The contents of the three records with certificates.
fn key_records(certificates: &CardCertificates) -> [Vec<u8>; 3] {
    let mut issuer = TlvWriter::new();
    issuer.put(tags::ISSUER_CERTIFICATE, &certificates.issuer.bytes);
    let mut exponents = TlvWriter::new();
    exponents
        .put(tags::AUTHORITY_INDEX, &[certificates.authority_index])
        .put(tags::ISSUER_EXPONENT, &certificates.issuer_exponent)
        .put(tags::CARD_EXPONENT, &certificates.card_exponent);
    if let Some(remainder) = &certificates.issuer.remainder {
        exponents.put(tags::ISSUER_REMAINDER, remainder);
    }
    let mut card = TlvWriter::new();
    card.put(tags::CARD_CERTIFICATE, &certificates.card.bytes);
    if let Some(remainder) = &certificates.card.remainder {
        card.put(tags::CARD_REMAINDER, remainder);
    }
    [issuer.into_vec(), exponents.into_vec(), card.into_vec()]
}

/// What every data record begins with: name, dates, country, usage, and that the profile is signed too.
pub(super) fn holder(account: &Account, writer: &mut TlvWriter) {
    let [year, month] = account.expiry_yymm;
    writer
        .put(tag::CARDHOLDER_NAME, b"SANDBOX/CARD")
        .put(tag::EXPIRY_DATE, &[year, month, last_day(month)])
        .put(tag::ISSUER_COUNTRY, &[0x01, 0x56])
        .put(tag::USAGE_CONTROL, &[0xFF, 0x80])
        .put(tags::STATIC_DATA_LIST, &[0x82]);
}

/// 5A: the digits, filled up with F.
pub(super) fn pan(account: &Account) -> Vec<u8> {
    packed(account.pan_digits.bytes().map(digit).collect())
}

/// 57: number, D, expiry, service code 201 (chip, online), discretionary data, F.
pub(super) fn track_2(account: &Account) -> Vec<u8> {
    let [year, month] = account.expiry_yymm;
    let mut nibbles: Vec<u8> = account.pan_digits.bytes().map(digit).collect();
    nibbles.push(0x0D);
    nibbles.extend([year >> 4, year & 0x0F, month >> 4, month & 0x0F]);
    nibbles.extend([2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    packed(nibbles)
}

/// Signs an answer together with its cryptogram (CDA): what stays in the clear is `answer`, everything the reader
/// said is under the hash (EMV Book 2 6.6). Relay resistance data, if any, ends the signed dynamic data.
pub(super) fn combined_signature(
    chip: &Chip<'_>,
    (kind, cryptogram): (CryptogramKind, [u8; 8]),
    answer: &[u8],
    asked: &Asked<'_>,
    unpredictable: &[u8],
) -> Vec<u8> {
    let hash = sha1(&[asked.options_data, asked.data, answer]);
    let mut dynamic = dynamic_number(chip);
    dynamic.push(kind.information());
    dynamic.extend(cryptogram);
    dynamic.extend(hash);
    dynamic.extend_from_slice(asked.relay.unwrap_or_default());
    sign_dynamic(chip.account.scheme, &dynamic, &[unpredictable])
}

/// The dynamic number of a payment with its length: the counter does not repeat.
pub(super) fn dynamic_number(chip: &Chip<'_>) -> Vec<u8> {
    let [high, low] = chip.atc;
    vec![2, high, low]
}

/// The answer to GENERATE AC with or without a signature; `extra` are the scheme's own objects.
pub(super) fn generated(
    chip: &Chip<'_>,
    aip: &[u8],
    list: &'static [u8],
    asked: &Asked<'_>,
    (kind, extra): (CryptogramKind, &dyn Fn(&mut TlvWriter)),
) -> Result<Vec<u8>, u16> {
    let told = Told::parse(list, asked.data).ok_or(super::SW_WRONG_LENGTH)?;
    let made = chip.cryptogram(kind, aip, &told)?;
    let signs = asked.p1 & 0x10 != 0 && kind != CryptogramKind::Declined;
    let mut content = TlvWriter::new();
    content
        .put(tag::CRYPTOGRAM_INFORMATION, &[kind.information()])
        .put(tag::ATC, &chip.atc)
        .put(tag::ISSUER_APPLICATION_DATA, &made.issuer_data);
    extra(&mut content);
    if !signs {
        content.put(tag::CRYPTOGRAM, &made.cryptogram);
        return Ok(format_2(&content.into_vec()));
    }
    let content = content.into_vec();
    let unpredictable = told.value(tag::UNPREDICTABLE_NUMBER).unwrap_or_default();
    let signature = combined_signature(chip, (kind, made.cryptogram), &content, asked, unpredictable);
    let mut last = TlvWriter::new();
    last.put(tags::SIGNED_DYNAMIC_DATA, &signature);
    Ok(format_2(&[content, last.into_vec()].concat()))
}

/// Template 77 around objects.
pub(super) fn format_2(content: &[u8]) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    writer.put(tag::RESPONSE_FORMAT_2, content);
    writer.into_vec()
}

fn digit(byte: u8) -> u8 {
    byte.wrapping_sub(b'0') & 0x0F
}

fn packed(mut nibbles: Vec<u8>) -> Vec<u8> {
    nibbles.resize(nibbles.len().next_multiple_of(2), 0x0F);
    let pairs = nibbles.as_chunks::<2>().0;
    pairs.iter().map(|[high, low]| (high << 4) | low).collect()
}

const fn last_day(month: u8) -> u8 {
    match month {
        0x02 => 0x28,
        0x04 | 0x06 | 0x09 | 0x11 => 0x30,
        _ => 0x31,
    }
}
