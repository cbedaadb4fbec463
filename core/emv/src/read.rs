//! What a payment gets from a card that was read.

#[cfg(feature = "mag-stripe")]
pub(crate) mod stripe;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use softpos_types::{Language, Pan, SecretBytes};
use softpos_wire::tlv::TlvWriter;
use softpos_wire::track2::Track2;
use softpos_wire::{Tag, tag};

use crate::brand::Scheme;
use crate::config::{Aid, KernelId, TerminalData};
use crate::data::CardData;
use crate::entry::Activation;
use crate::issuer_answer::Presentment;
use crate::outcome::{Authentication, Cvm, Reason};

/// The objects of field 55 that a kernel sends whose scheme asks for no others, in this order, as far as card and
/// reader have them. Number, track, name and expiry are not among them: they travel sealed.
pub(crate) const ISSUER_DATA: &[Tag] = &[
    tag::CRYPTOGRAM,
    tag::CRYPTOGRAM_INFORMATION,
    tag::ISSUER_APPLICATION_DATA,
    tag::UNPREDICTABLE_NUMBER,
    tag::ATC,
    tag::TVR,
    tag::TRANSACTION_DATE,
    tag::TRANSACTION_TYPE,
    tag::AMOUNT_AUTHORISED,
    tag::TRANSACTION_CURRENCY,
    tag::AIP,
    tag::TERMINAL_COUNTRY,
    tag::AMOUNT_OTHER,
    tag::TERMINAL_CAPABILITIES,
    tag::CVM_RESULTS,
    tag::TERMINAL_TYPE,
    tag::INTERFACE_DEVICE_SERIAL,
    tag::DF_NAME,
    tag::TERMINAL_APPLICATION_VERSION,
    tag::PAN_SEQUENCE,
    tag::FORM_FACTOR,
    tag::CUSTOMER_EXCLUSIVE_DATA,
    tag::TTQ,
];

/// Longest label on a receipt.
const MAX_LABEL: usize = 16;

/// How the card data got in (DE22, 9F39).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryMode {
    /// Contactless, by chip.
    ContactlessChip,
    /// Contactless, by the track that a card makes up for stripe hosts.
    ContactlessStripe,
}

impl EntryMode {
    /// The two digits of DE22 and 9F39.
    pub const fn code(self) -> u8 {
        match self {
            Self::ContactlessChip => 0x07,
            Self::ContactlessStripe => 0x91,
        }
    }
}

/// The lines of a receipt that prove a chip payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmvReceipt {
    /// 9F26, application cryptogram.
    pub arqc: [u8; 8],
    /// 95, terminal verification results.
    pub tvr: [u8; 5],
    /// 9B, transaction status information; contactless kernels have none.
    pub tsi: Option<[u8; 2]>,
    /// 9F36, application transaction counter.
    pub atc: [u8; 2],
    /// 5F34, PAN sequence number.
    pub psn: Option<u8>,
    /// 9F37, unpredictable number.
    pub un: [u8; 4],
    /// 82, application interchange profile.
    pub aip: [u8; 2],
    /// 9F10, issuer application data.
    pub iad: Vec<u8>,
    /// 9F33, terminal capabilities, if configured.
    pub terminal_capabilities: Option<[u8; 3]>,
}

/// A card that was read. Holds card data: never `Clone`, wiped when dropped.
pub struct CardRead {
    /// The card number.
    pub pan: Pan,
    /// 57 as received; in stripe mode 9F6B with the checksum of this payment in it.
    pub track2: SecretBytes,
    /// 5F34, PAN sequence number.
    pub psn: Option<u8>,
    /// Expiry from track 2, BCD YYMM.
    pub expiry_yymm: [u8; 2],
    /// Field 55: data objects for the issuer, without number, track, name and expiry.
    pub de55: Vec<u8>,
    /// How the cardholder is verified.
    pub cvm: Cvm,
    /// How the card was authenticated offline, if it was.
    pub authentication: Option<Authentication>,
    /// 84, the application's name.
    pub aid: Aid,
    /// Which kernel read it.
    pub kernel: KernelId,
    /// 9F12 or 50, printable characters only; may be empty.
    pub label: String,
    /// For the receipt; a stripe has none of it.
    pub receipt: Option<EmvReceipt>,
    /// How the data got in.
    pub entry_mode: EntryMode,
    /// Whose card it is.
    pub scheme: Scheme,
    /// The first language of the card that softpos speaks.
    pub language: Option<Language>,
    /// How the card wants its issuer's answer, if it wants it: see [`Reader::issuer_answered`](crate::Reader).
    pub issuer_update: Option<Presentment>,
    reader: TerminalData,
    fci: CardData,
    card: CardData,
    record_tags: &'static [Tag],
}

/// What a kernel collected.
pub(crate) struct ReadParts {
    pub(crate) track: Track2,
    pub(crate) aip: [u8; 2],
    pub(crate) atc: [u8; 2],
    pub(crate) arqc: [u8; 8],
    pub(crate) iad: Vec<u8>,
    pub(crate) cryptogram_information: u8,
    pub(crate) cvm: Cvm,
    /// 9F34.
    pub(crate) cvm_results: [u8; 3],
    pub(crate) authentication: Option<Authentication>,
    /// What goes into field 55, in this order; never number, track, name or expiry.
    pub(crate) issuer_tags: &'static [Tag],
    /// What the kernel's data record holds, in this order.
    pub(crate) record_tags: &'static [Tag],
    pub(crate) entry_mode: EntryMode,
    pub(crate) activation: Activation,
    /// The reader's own data objects.
    pub(crate) reader: TerminalData,
    pub(crate) fci: CardData,
    pub(crate) card: CardData,
}

impl CardRead {
    pub(crate) fn build(parts: ReadParts) -> Result<Self, Reason> {
        let ReadParts {
            mut reader,
            fci,
            mut card,
            ..
        } = parts;
        let track2 = card
            .value(tag::TRACK_2)
            .ok_or(Reason::DataMissing(tag::TRACK_2))?;
        let track2 = SecretBytes::copy_of(track2);
        let psn = match card.value(tag::PAN_SEQUENCE) {
            None => None,
            Some(&[psn]) => Some(psn),
            Some(_) => return Err(Reason::DataMissing(tag::PAN_SEQUENCE)),
        };
        reader.set(tag::CVM_RESULTS, &parts.cvm_results);
        if card.value(tag::CRYPTOGRAM_INFORMATION).is_none() {
            // Kernels that answer without 9F27 state the type in the issuer data; hosts want the object.
            card.insert(tag::CRYPTOGRAM_INFORMATION, &[parts.cryptogram_information])?;
        }
        let own = |tag| {
            reader
                .value(tag)
                .and_then(|value| value.try_into().ok())
                .ok_or(Reason::DataMissing(tag))
        };
        let receipt = EmvReceipt {
            arqc: parts.arqc,
            tvr: reader
                .value(tag::TVR)
                .and_then(|tvr| tvr.try_into().ok())
                .unwrap_or_default(),
            tsi: None,
            atc: parts.atc,
            psn,
            un: own(tag::UNPREDICTABLE_NUMBER)?,
            aip: parts.aip,
            iad: parts.iad,
            terminal_capabilities: reader
                .value(tag::TERMINAL_CAPABILITIES)
                .and_then(|value| value.try_into().ok()),
        };
        let mut read = Self {
            pan: parts.track.pan,
            track2,
            psn,
            expiry_yymm: parts.track.expiry_yymm,
            de55: Vec::new(),
            cvm: parts.cvm,
            authentication: parts.authentication,
            aid: parts.activation.adf_name,
            kernel: parts.activation.kernel,
            label: label(&fci),
            receipt: Some(receipt),
            entry_mode: parts.entry_mode,
            scheme: Scheme::of(&parts.activation.adf_name),
            language: language(&fci),
            issuer_update: None,
            reader,
            fci,
            card,
            record_tags: parts.record_tags,
        };
        read.de55 = read.objects(parts.issuer_tags);
        Ok(read)
    }

    /// The kernel's data record: data objects, number and track among them.
    pub fn data_record(&self) -> SecretBytes {
        SecretBytes::new(self.objects(self.record_tags))
    }

    /// A data object of the transaction: the reader's own first, then what the card gave.
    pub fn data_object(&self, tag: Tag) -> Option<&[u8]> {
        self.reader.value(tag).or_else(|| self.card_object(tag))
    }

    /// A data object as the card gave it, from GET PROCESSING OPTIONS, a record or the answer to SELECT.
    pub fn card_object(&self, tag: Tag) -> Option<&[u8]> {
        self.card.value(tag).or_else(|| self.fci.value(tag))
    }

    /// The reader's own data objects.
    pub(crate) const fn reader_data(&self) -> &TerminalData {
        &self.reader
    }

    /// Takes in what came after the issuer's answer: results of the reader, and the second cryptogram if there is one.
    pub(crate) fn conclude(&mut self, results: &[(Tag, &[u8])], second: &CardData, issuer_tags: &[Tag]) {
        for (tag, value) in results {
            self.reader.set(*tag, value);
        }
        for tag in [
            tag::CRYPTOGRAM,
            tag::CRYPTOGRAM_INFORMATION,
            tag::ISSUER_APPLICATION_DATA,
        ] {
            if let Some(value) = second.value(tag) {
                self.card.replace(tag, SecretBytes::copy_of(value));
            }
        }
        if let Some(receipt) = &mut self.receipt {
            let tvr = self.reader.value(tag::TVR);
            receipt.tvr = tvr.and_then(|tvr| tvr.try_into().ok()).unwrap_or(receipt.tvr);
            receipt.arqc = self.card.array(tag::CRYPTOGRAM).unwrap_or(receipt.arqc);
            if let Some(issuer_data) = self.card.value(tag::ISSUER_APPLICATION_DATA) {
                receipt.iad = issuer_data.to_vec();
            }
        }
        self.de55 = self.objects(issuer_tags);
    }

    fn objects(&self, tags: &[Tag]) -> Vec<u8> {
        let found = || {
            tags.iter()
                .filter_map(|tag| Some((*tag, self.data_object(*tag)?)))
        };
        // The buffer never moves: what it held before would stay behind.
        let mut writer = TlvWriter::for_objects(found());
        for (tag, value) in found() {
            writer.put(tag, value);
        }
        writer.into_vec()
    }
}

/// No card data: the number masked, the rest by name.
impl fmt::Debug for CardRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardRead")
            .field("pan", &self.pan.masked())
            .field("aid", &self.aid)
            .field("kernel", &self.kernel)
            .field("cvm", &self.cvm)
            .finish_non_exhaustive()
    }
}

/// The preferred name in the common character set, else the label.
fn label(fci: &CardData) -> String {
    let preferred = match fci.value(tag::ISSUER_CODE_TABLE) {
        Some([1]) => fci.value(tag::PREFERRED_NAME),
        _ => None,
    };
    let bytes = preferred
        .or_else(|| fci.value(tag::APPLICATION_LABEL))
        .unwrap_or_default();
    let printable = bytes
        .iter()
        .filter(|byte| (0x20..0x7F).contains(*byte))
        .take(MAX_LABEL);
    let text: String = printable.map(|byte| char::from(*byte)).collect();
    text.trim().into()
}

/// 5F2D: up to four codes of two letters, the best liked first.
fn language(fci: &CardData) -> Option<Language> {
    let preference = fci.value(tag::LANGUAGE_PREFERENCE)?;
    preference
        .chunks_exact(2)
        .filter_map(|code| core::str::from_utf8(code).ok())
        .find_map(Language::from_locale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fci(objects: &[(Tag, &[u8])]) -> CardData {
        let mut fci = CardData::default();
        for (tag, value) in objects {
            fci.insert(*tag, value).unwrap();
        }
        fci
    }

    #[test]
    fn labels_are_cleaned() {
        assert_eq!(
            label(&fci(&[(tag::APPLICATION_LABEL, b"VISA CREDIT")])),
            "VISA CREDIT"
        );
        assert_eq!(
            label(&fci(&[(tag::APPLICATION_LABEL, b"\x1B[31m VI\xC3\xA9SA\0 ")])),
            "[31m VISA"
        );
        assert_eq!(
            label(&fci(&[(tag::APPLICATION_LABEL, &[b'A'; 40])])).len(),
            MAX_LABEL
        );
        let both = [
            (tag::APPLICATION_LABEL, &b"VISA"[..]),
            (tag::PREFERRED_NAME, b"Visa Debit"),
        ];
        assert_eq!(label(&fci(&both)), "VISA", "no code table, no preferred name");
        let table = [both[0], both[1], (tag::ISSUER_CODE_TABLE, &[1])];
        assert_eq!(label(&fci(&table)), "Visa Debit");
        assert_eq!(label(&fci(&[])), "");
    }

    #[test]
    fn first_language_that_is_spoken() {
        let of = |value: &[u8]| language(&fci(&[(tag::LANGUAGE_PREFERENCE, value)]));
        assert_eq!(of(b"frzhen"), Some(Language::Zh));
        assert_eq!(of(b"EN"), Some(Language::En));
        assert_eq!(of(b"fr"), None);
        assert_eq!(of(b"z"), None);
        assert_eq!(of(&[0xFF, 0xFE]), None);
    }
}
