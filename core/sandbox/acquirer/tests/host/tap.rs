//! Card data without a card: the same cryptogram, computed with the issuer's test keys.

use softpos_cards::{Account, issuer_keys};
use softpos_crypto::issuer::{Padding, application_cryptogram, card_key_option_a, session_key_common};
use softpos_host::Envelope;
use softpos_wire::tlv::TlvWriter;
use softpos_wire::{Tag, bcd};

/// What a card would say at a tap.
pub struct Tap {
    pub account: &'static Account,
    pub atc: u16,
    pub pin: Option<&'static str>,
    /// First byte of the card's results: A0 asks the issuer, 90 has approved, 80 has declined.
    pub said: u8,
}

impl Tap {
    /// The account whose number ends so.
    pub fn of(ending: &str, atc: u16) -> Self {
        let account = softpos_cards::accounts()
            .iter()
            .find(|account| account.pan_digits.ends_with(ending))
            .unwrap();
        Self {
            account,
            atc,
            pin: None,
            said: 0xA0,
        }
    }

    pub fn with_pin(self, pin: &'static str) -> Self {
        Self {
            pin: Some(pin),
            ..self
        }
    }

    pub fn track2(&self) -> Vec<u8> {
        let [year, month] = self.account.expiry_yymm;
        let text = format!("{}D{year:02X}{month:02X}2010000000000", self.account.pan_digits);
        let padded = if text.len() % 2 == 1 { text + "F" } else { text };
        hex::decode(padded).unwrap()
    }

    pub fn de55(&self, envelope: &Envelope) -> Vec<u8> {
        let objects: [(u32, Vec<u8>); 11] = [
            (
                0x9F02,
                bcd::amount(envelope.amount_minor).unwrap_or_default().to_vec(),
            ),
            (0x9F03, vec![0; 6]),
            (0x9F1A, vec![0x01, 0x56]),
            (0x95, vec![0; 5]),
            (0x5F2A, vec![0x01, 0x56]),
            (0x9A, vec![0x26, 0x11, 0x24]),
            (0x9C, vec![0]),
            (0x9F37, vec![1, 2, 3, 4]),
            (0x82, vec![0x20, 0x00]),
            (0x9F36, self.atc.to_be_bytes().to_vec()),
            (
                0x9F10,
                vec![0x06, self.account.key_index, 0x12, 0x03, self.said, 0xB8, 0x00],
            ),
        ];
        let covered: Vec<u8> = objects.iter().flat_map(|(_, value)| value.clone()).collect();
        let keys = issuer_keys();
        let master = &keys
            .iter()
            .find(|key| (key.scheme, key.index) == (self.account.scheme, self.account.key_index))
            .unwrap()
            .master;
        let card = card_key_option_a(master, &self.account.pan(), self.account.psn);
        let session = session_key_common(&card, self.atc.to_be_bytes());
        let mut list = TlvWriter::new();
        for (tag, value) in &objects {
            list.put(Tag::new(*tag), value);
        }
        list.put(
            Tag::new(0x9F26),
            &application_cryptogram(&session, &covered, Padding::Iso80),
        );
        list.into_vec()
    }
}
