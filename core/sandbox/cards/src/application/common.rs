//! Cards for kernel 8: everything but the way there goes through a channel, the card decides about its holder, and it
//! keeps envelopes for others.

use softpos_crypto::card_channel::{CardChannel, blinded};
use softpos_crypto::p256_key::{PublicKey, SoftwareKey, sha256};
use softpos_types::SecretArray;
use softpos_wire::tlv::{TlvWriter, Tlvs};
use softpos_wire::{Tag, tag};

use super::files::{format_2, holder, pan, record, track_2};
use super::{Asked, Chip, Options, Record, SW_CONDITIONS, SW_WRONG_LENGTH, Told};
use crate::curve_pki::{card_key, certify};
use crate::issuer::{COMMON_MAC_PLACE, CryptogramKind, common_issuer_data, make_over};
use crate::tags;

const SW_WRONG_DATA: u16 = 0x6A80;
/// Kernel's point, kernel qualifier, number, country.
pub(super) const PDOL: &[u8] = &[0x9E, 64, 0x9F, 0x2B, 8, 0x9F, 0x37, 4, 0x9F, 0x1A, 2];
const CDOL_1: &[u8] = &[
    0x9F, 0x02, 6, 0x9F, 0x03, 6, 0x9F, 0x1A, 2, 0x95, 5, 0x5F, 0x2A, 2, 0x9A, 3, 0x9C, 1, 0x9F, 0x37, 4,
    0x9F, 0x1D, 8,
];
/// Local authentication; may approve by itself, the code at the terminal's place in 9F10, relay resistance.
const AIP: &[u8] = &[0x01, 0x0B];
/// One record with the holder's data, authenticated; two with certificates.
const LOCATOR: &[u8] = &[0x10, 1, 1, 1, 0x18, 1, 2, 0];
/// The number of the card's first message.
const FIRST_MESSAGE: u16 = 0x8000;
/// Restart B with the message "see phone".
const SEE_PHONE: [u8; 2] = [0x20, 0x20];
/// Third byte of the verification results: the PIN will be entered.
const PIN_CAPTURED: u8 = 0x04;

/// What the card speaks through, made anew from what the kernel said and the counter.
struct Channel {
    keys: CardChannel,
    blinded: SoftwareKey,
    factor: SecretArray<32>,
}

impl Channel {
    fn open(chip: &Chip<'_>, told: &Told<'_>) -> Result<Self, u16> {
        let point = told.value(tags::KERNEL_KEY_DATA).ok_or(SW_CONDITIONS)?;
        let kernel = PublicKey::from_point(&[&[4], point].concat()).map_err(|_| SW_CONDITIONS)?;
        let own = card_key();
        let secret = [&own.expose_scalar().expose()[..], &chip.atc, point].concat();
        let factor = SecretArray::build(|factor| *factor = sha256(&secret));
        let blinded = blinded(own, &factor).map_err(|_| SW_CONDITIONS)?;
        Ok(Self {
            keys: CardChannel::between(&blinded, &kernel).map_err(|_| SW_CONDITIONS)?,
            blinded,
            factor,
        })
    }

    /// 9F8103.
    fn key_data(&self) -> Vec<u8> {
        let mut factor = *self.factor.expose();
        self.keys.crypt(FIRST_MESSAGE, &mut factor);
        [self.blinded.public().x(), factor].concat()
    }

    /// The records in their order, each a message of its own.
    fn enciphered(&self, contents: [(u8, u8, Vec<u8>); 3]) -> Vec<Record> {
        let numbers = FIRST_MESSAGE.saturating_add(1)..;
        contents
            .into_iter()
            .zip(numbers)
            .map(|((file, number, mut content), message)| {
                self.keys.crypt(message, &mut content);
                let mut writer = TlvWriter::new();
                writer.put(tags::ENCIPHERED_RECORD, &content);
                Record {
                    bytes: writer.into_vec(),
                    ..record(file, number, &[])
                }
            })
            .collect()
    }
}

pub(super) fn options(chip: &Chip<'_>, told: &Told<'_>) -> Result<Options, u16> {
    let channel = Channel::open(chip, told)?;
    let certificates = chip
        .curve_certificates
        .get_or_init(|| certify(chip.account, &static_data(chip)));
    let mut issuer = TlvWriter::new();
    issuer
        .put(tags::AUTHORITY_INDEX, &[certificates.authority_index])
        .put(tags::ISSUER_CERTIFICATE, &certificates.issuer);
    let mut card = TlvWriter::new();
    card.put(tags::CARD_CERTIFICATE, &certificates.card);
    let records = channel.enciphered([
        (2, 1, data_record(chip)),
        (3, 1, issuer.into_vec()),
        (3, 2, card.into_vec()),
    ]);
    let mut content = TlvWriter::new();
    content
        .put(tag::AIP, AIP)
        .put(tag::AFL, LOCATOR)
        .put(tags::CARD_KEY_DATA, &channel.key_data())
        .put(tags::CDOL_1, CDOL_1);
    Ok(Options {
        body: format_2(&content.into_vec()),
        records,
    })
}

pub(super) fn generate(chip: &Chip<'_>, asked: &Asked<'_>) -> Result<Vec<u8>, u16> {
    let told = Told::parse(CDOL_1, asked.data).ok_or(SW_WRONG_LENGTH)?;
    let channel = reopened(chip, asked.options_data)?;
    let pin = chip.wants_pin(told.has(tags::RISK_MANAGEMENT, 1, 0x80));
    let decision = match (chip.on_device(), pin) {
        (true, _) => 0x03,
        (false, true) => 0x02,
        (false, false) => 0x00,
    };
    let kind = match asked.p1 & 0xC0 {
        _ if chip.locked => CryptogramKind::Declined,
        // A PIN is the issuer's to check.
        0x40 if pin => chip.answer_to(0x80)?,
        _ => chip.answer_to(asked.p1)?,
    };
    let mut results: [u8; 5] = told
        .value(tag::TVR)
        .and_then(|tvr| tvr.try_into().ok())
        .ok_or(SW_WRONG_LENGTH)?;
    if pin && let Some(third) = results.get_mut(2) {
        *third |= PIN_CAPTURED;
    }
    let mut issuer_data = common_issuer_data(chip.account, kind, chip.on_device());
    let mut content = TlvWriter::new();
    content
        .put(tag::CRYPTOGRAM_INFORMATION, &[kind.information()])
        .put(tag::ATC, &chip.atc)
        .put(tag::ISSUER_APPLICATION_DATA, &issuer_data)
        .put(tags::HOLDER_DECISION, &[decision])
        .put(tags::CARD_RESULTS, &results);
    if chip.locked {
        content.put(tags::RESTART_INDICATOR, &SEE_PHONE);
    }
    let content = content.into_vec();
    let code = channel.keys.issuer_data_mac(&[
        asked.options_data,
        asked.data,
        asked.relay.unwrap_or_default(),
        &content,
        &sha256(&static_data(chip)),
    ]);
    if let Some(place) = issuer_data.get_mut(COMMON_MAC_PLACE) {
        place.copy_from_slice(&code);
    }
    let cryptogram = make_over(chip.account, chip.key, &issuer_data, |wanted| match wanted {
        tag::AIP => Some(AIP),
        tag::ATC => Some(&chip.atc),
        tag::TVR => Some(&results),
        reader => told.value(reader),
    })
    .map_err(|_| SW_CONDITIONS)?;
    let mut last = TlvWriter::new();
    last.put(tag::CRYPTOGRAM, &cryptogram)
        .put(tags::ENHANCED_MAC, &channel.keys.enhanced_mac(cryptogram, code));
    Ok(format_2(&[content, last.into_vec()].concat()))
}

/// The card's first number after its records.
pub(crate) const FIRST_ENVELOPE: u16 = 0x8004;

/// The answer to READ DATA: the envelope enciphered, and the code over that.
pub(crate) fn envelope(
    chip: &Chip<'_>,
    options_data: &[u8],
    number: u16,
    (tag, value): (Tag, &[u8]),
) -> Result<Vec<u8>, u16> {
    let channel = reopened(chip, options_data)?;
    let mut writer = TlvWriter::new();
    writer.put(tag, value);
    let mut message = writer.into_vec();
    channel.keys.crypt(number, &mut message);
    let code = channel.keys.message_mac(number, &message);
    Ok([&message[..], &code].concat())
}

/// Takes the data of WRITE DATA in under the kernel's and the card's number: the envelope, and the code that confirms
/// it.
pub(crate) fn written(
    chip: &Chip<'_>,
    options_data: &[u8],
    (kernel_number, number): (u16, u16),
    data: &[u8],
) -> Result<(Tag, Vec<u8>, [u8; 8]), u16> {
    let channel = reopened(chip, options_data)?;
    let mut plain = data.to_vec();
    channel.keys.crypt(kernel_number, &mut plain);
    let envelope = match Tlvs::new(&plain).next() {
        Some(Ok(envelope)) if is_envelope(envelope.tag) => envelope,
        _ => return Err(SW_WRONG_DATA),
    };
    Ok((
        envelope.tag,
        envelope.value.to_vec(),
        channel.keys.message_mac(number, &plain),
    ))
}

/// Data envelopes 1 to 10.
pub(crate) fn is_envelope(tag: Tag) -> bool {
    (0x9F_8111..=0x9F_811A).contains(&tag.number())
}

fn reopened(chip: &Chip<'_>, options_data: &[u8]) -> Result<Channel, u16> {
    Channel::open(chip, &Told::parse(PDOL, options_data).ok_or(SW_WRONG_LENGTH)?)
}

/// What the certificate covers: the data record, list 1 as the record's own list names it, the profile.
fn static_data(chip: &Chip<'_>) -> Vec<u8> {
    let mut list = TlvWriter::new();
    list.put(tags::CDOL_1, CDOL_1);
    [&data_record(chip)[..], &list.into_vec(), AIP].concat()
}

fn data_record(chip: &Chip<'_>) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    writer
        .put(tag::TRACK_2, &track_2(chip.account))
        .put(tag::PAN, &pan(chip.account))
        .put(tag::PAN_SEQUENCE, &[chip.account.psn])
        .put(tags::EXTENDED_STATIC_LIST, &[0x8C]);
    holder(chip.account, &mut writer);
    writer.into_vec()
}
