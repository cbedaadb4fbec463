//! The card's side of kernel 8: keys, certificates, channel and codes over what was really said.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a card of a test counts its own records"
)]

use alloc::vec;
use alloc::vec::Vec;

use softpos_crypto::card_channel::{CardChannel, blinded};
use softpos_crypto::ec_sdsa::{Curve, sign};
use softpos_crypto::p256_key::{PublicKey, SoftwareKey, sha256};
use softpos_types::SecretArray;
use softpos_wire::tlv::{self, TlvWriter};
use softpos_wire::{Tag, tag};

use super::{AID, CDOL, INDEX, RID};
use crate::kernel::c8::tags;
use crate::kernel::scripted::{Objects, bytes, changed};
use crate::oda::{AuthorityKeys, CurveAuthorityKey};

pub(super) fn key(byte: u8) -> SoftwareKey {
    // Certificates name keys by x alone: of both signs the one with the lower y.
    (byte..=0xFF)
        .map(|byte| SoftwareKey::from_scalar(SecretArray::build(|scalar| scalar.fill(byte))).unwrap())
        .find(|key| PublicKey::from_x(&key.public().x()).unwrap() == *key.public())
        .unwrap()
}

fn signed(by: &SoftwareKey, message: &[u8]) -> Vec<u8> {
    sign(Curve::P256, by.expose_scalar().expose(), &[0x5A; 32], message).unwrap()
}

pub(super) fn keys() -> AuthorityKeys {
    let (authority, x) = (key(0x31), key(0x31).public().x());
    let named = [&[0x20, 0x00][..], &RID, &[INDEX, 0x10], &x].concat();
    let key = CurveAuthorityKey::new((RID, INDEX), &x, &signed(&authority, &named)).unwrap();
    AuthorityKeys::default().with_curve_keys(vec![key]).unwrap()
}

/// Replaces, adds or, where empty, removes objects.
pub(super) fn replace(objects: &mut Vec<(u32, &'static str)>, change: Objects<'static>) {
    for (number, value) in change {
        objects.retain(|(own, _)| own != number);
        if !value.is_empty() {
            objects.push((*number, value));
        }
    }
}

pub(super) fn objects(list: Objects<'_>) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    for (number, value) in list {
        writer.put(Tag::new(*number), &bytes(value));
    }
    writer.into_vec()
}

/// Somebody between card and reader.
pub(super) type Wedge = fn(Vec<u8>) -> Vec<u8>;

/// A card that computes its codes over what was really said.
pub(super) struct Card {
    pub(super) aip: [u8; 2],
    /// Replaces objects of the answer to GET PROCESSING OPTIONS; an empty value drops one.
    pub(super) options: Vec<(u32, &'static str)>,
    /// Authenticated and enciphered.
    pub(super) data: Vec<(u32, &'static str)>,
    /// What the certificate says about the data, if something else than they are.
    pub(super) certified: Option<Vec<u8>>,
    pub(super) certificates: bool,
    pub(super) enciphers: bool,
    pub(super) relay: &'static str,
    pub(super) elapsed_us: u32,
    pub(super) answer: Vec<(u32, &'static str)>,
    /// Changes an answer on its way: which command, what to do.
    pub(super) wedge: (u8, Wedge),
    pub(super) kernel: SoftwareKey,
    pub(super) pdol: Vec<u8>,
    pub(super) exchanged: Vec<u8>,
    pub(super) read: u8,
}

impl Card {
    /// Asks the issuer; local authentication, offline, code at the configured place, relay resistance.
    pub(super) fn new() -> Self {
        Self {
            aip: [0x01, 0x0B],
            options: vec![],
            data: vec![
                (0x57, "5413330089600044D30122010000000000"),
                (0x5A, "5413330089600044"),
                (0x5F24, "301231"),
                (0x5F34, "01"),
                (0x9F_810A, "8C9F06"),
            ],
            certified: None,
            certificates: true,
            enciphers: true,
            relay: "00112233000001900018",
            elapsed_us: 20_000,
            answer: vec![
                (0x9F27, "80"),
                (0x9F36, "0001"),
                (0x9F26, "1122334455667788"),
                (0x9F10, "0000000000000000000000000000000000000000"),
                (0x9F_8102, "00"),
                (0x9F_8104, "0000000000"),
            ],
            wedge: (0, |answer| answer),
            kernel: key(0x11),
            pdol: vec![],
            exchanged: vec![],
            read: 0,
        }
    }

    pub(super) fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut card = Self::new();
        change(&mut card);
        card
    }

    pub(super) fn answering(changes: Objects<'static>) -> Self {
        Self::with(|card| replace(&mut card.answer, changes))
    }

    fn channel(&self) -> CardChannel {
        let factor = SecretArray::build(|factor| factor.fill(0x77));
        CardChannel::between(&blinded(&key(0x41), &factor).unwrap(), self.kernel.public()).unwrap()
    }

    fn key_data(&self) -> Vec<u8> {
        let mut factor = [0x77; 32];
        let shown = blinded(&key(0x41), &SecretArray::build(|secret| *secret = factor)).unwrap();
        self.channel().crypt(0x8000, &mut factor);
        [shown.public().x(), factor].concat()
    }

    fn static_data(&self) -> Vec<u8> {
        let list = objects(&[(0x8C, CDOL), (0x9F06, AID)]);
        [objects(&self.data), list, self.aip.to_vec()].concat()
    }

    /// The contents of two records: index and the issuer's, then the card's.
    fn certificates(&self) -> [Vec<u8>; 2] {
        let (authority, issuer) = (key(0x31), key(0x36));
        let of_issuer = [
            &bytes("120054133300FF1020301231000001")[..],
            &RID,
            &[INDEX],
            &issuer.public().x(),
        ]
        .concat();
        let hash = sha256(self.certified.as_ref().unwrap_or(&self.static_data()));
        let of_card = [
            &bytes("1400002030123123590000000000010102")[..],
            &hash,
            &key(0x41).public().x(),
        ]
        .concat();
        let mut first = TlvWriter::new();
        first.put(tag::CA_KEY_INDEX, &[INDEX]).put(
            tag::ISSUER_CERTIFICATE,
            &[&of_issuer[..], &signed(&authority, &of_issuer)].concat(),
        );
        let mut second = TlvWriter::new();
        second.put(
            tag::ICC_CERTIFICATE,
            &[&of_card[..], &signed(&issuer, &of_card)].concat(),
        );
        [first.into_vec(), second.into_vec()]
    }

    fn record(&mut self, content: Vec<u8>) -> Vec<u8> {
        self.read += 1;
        let mut content = content;
        let mut writer = TlvWriter::new();
        if self.enciphers {
            self.channel().crypt(0x8000 + u16::from(self.read), &mut content);
            writer.put(tags::ENCIPHERED_RECORD, &content);
        } else {
            writer.put(tag::RECORD_TEMPLATE, &content);
        }
        writer.into_vec()
    }

    pub(super) fn body(&mut self, command: &[u8]) -> Vec<u8> {
        let data = || command[5..command.len() - 1].to_vec();
        match command[1] {
            0xA8 => {
                self.pdol = data()[2..].to_vec();
                let locator = if self.certificates {
                    "0801010108020300"
                } else {
                    "08010101"
                };
                let mut inner = objects(&[(0x82, &hex::encode(self.aip)), (0x94, locator)]);
                inner.extend(objects(&changed(
                    &[(0x9F_8103, &hex::encode(self.key_data())), (0x8C, CDOL)],
                    &self.options,
                )));
                templated(tag::RESPONSE_FORMAT_2, &inner)
            }
            0xEA => {
                self.exchanged = [data(), bytes(self.relay)].concat();
                templated(tag::RESPONSE_FORMAT_1, &bytes(self.relay))
            }
            0xB2 if command[2] == 1 => {
                let content = objects(&self.data);
                self.record(content)
            }
            0xB2 => {
                let content = self.certificates()[usize::from(command[2]) - 2].clone();
                self.record(content)
            }
            0xAE => self.cryptogram(&data()),
            other => panic!("{other:02X}"),
        }
    }

    fn cryptogram(&self, cdol: &[u8]) -> Vec<u8> {
        let all = objects(&self.answer);
        let covered = tlv::without(&all, tag::CRYPTOGRAM).unwrap();
        let hash = sha256(&self.static_data());
        let code = self
            .channel()
            .issuer_data_mac(&[&self.pdol, cdol, &self.exchanged, &covered, &hash]);
        let cryptogram = tlv::child(&all, tag::CRYPTOGRAM).unwrap().unwrap_or(&[0; 8]);
        let enhanced = self.channel().enhanced_mac(cryptogram.try_into().unwrap(), code);
        let mut inner = TlvWriter::new();
        inner.put(tags::ENHANCED_MAC, &enhanced);
        templated(tag::RESPONSE_FORMAT_2, &[all, inner.into_vec()].concat())
    }
}

fn templated(tag: Tag, inner: &[u8]) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    writer.put(tag, inner);
    writer.into_vec()
}
