//! A card that answers commands: directory, selection, processing options, records, cryptograms.

mod update;

use std::cell::OnceCell;
use std::collections::BTreeMap;

use softpos_types::SecretArray;
use softpos_wire::apdu::{Capdu, PPSE_NAME, SW_OK};
use softpos_wire::tlv::{TlvWriter, child};
use softpos_wire::{Tag, tag};

use crate::account::Account;
use crate::application::{
    Again, Asked, Chip, Record, SW_CONDITIONS, SW_WRONG_LENGTH, VISA_PDOL, again, common, generate, options,
    pdol,
};
use crate::curve_pki::CurveCertificates;
use crate::fault::{Fault, FaultKind};
use crate::issuer::card_key;
use crate::kind::{Temper, Verification};
use crate::pki::{CardCertificates, sha1};
use crate::profile::{Presence, Profile};
use crate::scheme::CardScheme;
use crate::tags;
pub use update::IssuerUpdate;
use update::Open;

const SW_BLOCKED: u16 = 0x6283;
const SW_FILE_NOT_FOUND: u16 = 0x6A82;
const SW_RECORD_NOT_FOUND: u16 = 0x6A83;
const SW_WRONG_P1_P2: u16 = 0x6A86;
const SW_NOT_FOUND: u16 = 0x6A88;
const SW_UNKNOWN_INSTRUCTION: u16 = 0x6D00;
/// P2 of a command that others will follow.
const MORE: u8 = 0x80;
/// More to come.
const ENDLESS: [u8; 2] = [0x61, 0xFF];
/// Kernel 8: version 1 and the one suite of channels; notices when the field goes off.
const QUALIFIER: [u8; 7] = [0x01, 0x00, 0xFF, 0xFF, 0x80, 0x00, 0x00];
/// Relay resistance: shortest, longest and usual time of an answer, in 100 us.
const RELAY_TIMES: [u8; 6] = [0x00, 0x00, 0x01, 0x2C, 0x00, 0x18];

/// The card is not in the field: bring it there with [`SoftCard::present`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardGone;

/// A software card.
#[derive(Debug)]
pub struct SoftCard {
    profile: Profile,
    /// Present for cards of a sandbox issuer.
    key: Option<SecretArray<16>>,
    certificates: OnceCell<CardCertificates>,
    curve_certificates: OnceCell<CurveCertificates>,
    atc: u16,
    /// The device has met a reader and asks for its owner, who confirms before it comes into the field again.
    asks_owner: bool,
    /// The owner of the device has confirmed the next payment.
    confirmed: bool,
    collisions_left: u8,
    /// The last cryptogram, how to ask for it again, and whether its answer is wanted: the reader may not have got it.
    kept: Option<(Again, Vec<u8>, Option<Open>)>,
    /// How it wants its issuer's answer, and the payment that waits for one.
    update: Option<IssuerUpdate>,
    open: Option<Open>,
    /// What the issuer wrote last.
    written: Option<Vec<u8>>,
    /// What others keep here, by tag; as long as this card is used.
    envelopes: BTreeMap<u32, Vec<u8>>,
    faults: Vec<Fault>,
    endless: bool,
    delay_us: u32,
    field: Field,
    /// The answers of this tap and of the one before.
    answers: Vec<Vec<u8>>,
    earlier_answers: Vec<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    Out,
    In,
    Selected,
    Answered(Session),
    /// The cryptogram is made, and envelopes will be written.
    Storing(Session),
}

/// What a payment has brought so far.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    /// In answer to the PDOL.
    options_data: Vec<u8>,
    records: Vec<Record>,
    /// Numbers and times of the relay resistance exchange.
    relay: Option<Vec<u8>>,
    /// Numbers of the next messages in a channel: the reader's, and the card's after its records.
    messages: (u16, u16),
}

impl SoftCard {
    /// A new card: counter 0, outside the field.
    pub fn new(profile: &Profile) -> Self {
        Self {
            profile: *profile,
            key: profile
                .account
                .and_then(|account| card_key(account, account.key_index)),
            certificates: OnceCell::new(),
            curve_certificates: OnceCell::new(),
            atc: 0,
            asks_owner: false,
            confirmed: false,
            collisions_left: profile.collisions,
            kept: None,
            update: None,
            open: None,
            written: None,
            envelopes: BTreeMap::new(),
            faults: profile.fault.into_iter().collect(),
            endless: false,
            delay_us: 0,
            field: Field::Out,
            answers: Vec::new(),
            earlier_answers: Vec::new(),
        }
    }

    /// Which card it is.
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The transaction counter: what a file must keep so that the next run does not repeat numbers.
    pub const fn atc(&self) -> u16 {
        self.atc
    }

    /// Takes a kept counter back; it never goes down.
    pub fn restore_atc(&mut self, atc: u16) {
        self.atc = self.atc.max(atc);
    }

    /// Adds a fault to the script.
    pub fn script(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Comes into the field together with another card so many times, before it comes alone.
    pub const fn script_collisions(&mut self, count: u8) {
        self.collisions_left = count;
    }

    /// Faults that have not fired yet; a test ends with none.
    pub fn faults_left(&self) -> &[Fault] {
        &self.faults
    }

    /// How much later than a program the last answer came, in microseconds: what a reader's clock shall add.
    pub const fn delay_us(&self) -> u32 {
        self.delay_us
    }

    /// Comes into the field: power on, nothing selected.
    pub fn present(&mut self) -> Presence {
        if self.collisions_left > 0 {
            self.collisions_left -= 1;
            self.field = Field::Out;
            return Presence::Collision;
        }
        self.earlier_answers = std::mem::take(&mut self.answers);
        self.endless = false;
        self.confirmed |= std::mem::take(&mut self.asks_owner);
        self.field = Field::In;
        Presence::Card
    }

    /// Leaves the field.
    pub fn remove(&mut self) {
        self.forget_if_held();
        self.field = Field::Out;
    }

    /// Answers one command.
    ///
    /// # Errors
    /// [`CardGone`] if it is not, or no longer, in the field.
    pub fn transmit(&mut self, capdu: &[u8]) -> Result<Vec<u8>, CardGone> {
        if self.field == Field::Out {
            return Err(CardGone);
        }
        let number = self.answers.len().saturating_add(1);
        let fault = self
            .faults
            .iter()
            .position(|fault| usize::from(fault.at) == number)
            .map(|index| self.faults.remove(index).kind);
        self.delay_us = 0;
        let answer = match self.answer(capdu) {
            Ok(body) => [&body[..], &SW_OK.to_be_bytes()].concat(),
            Err(sw) => sw.to_be_bytes().to_vec(),
        };
        let answer = self.misbehave(fault, answer, number)?;
        self.answers.push(answer.clone());
        Ok(answer)
    }

    fn misbehave(
        &mut self,
        fault: Option<FaultKind>,
        mut answer: Vec<u8>,
        number: usize,
    ) -> Result<Vec<u8>, CardGone> {
        match fault {
            None => {}
            Some(FaultKind::Pulled) => {
                self.remove();
                return Err(CardGone);
            }
            Some(FaultKind::StatusWord(sw)) => answer = sw.to_be_bytes().to_vec(),
            Some(FaultKind::CutShort) => {
                let sw = answer.split_off(answer.len().saturating_sub(2));
                answer.pop();
                answer.extend(sw);
            }
            Some(FaultKind::Answer(bytes)) => answer = bytes.to_vec(),
            Some(FaultKind::WrongSignature) => {
                // Signatures and certificates stand at the end of what they come in.
                if let Some(byte) = answer.iter_mut().rev().nth(2) {
                    *byte ^= 0x01;
                }
            }
            Some(FaultKind::Replayed) => {
                let earlier = self.earlier_answers.get(number.saturating_sub(1));
                answer = earlier.cloned().unwrap_or(answer);
            }
            Some(FaultKind::Endless) => self.endless = true,
            Some(FaultKind::Slow { delay_us }) => self.delay_us = delay_us,
        }
        Ok(if self.endless { ENDLESS.to_vec() } else { answer })
    }

    /// The data of a proper answer, or the status word of a refusal.
    fn answer(&mut self, capdu: &[u8]) -> Result<Vec<u8>, u16> {
        let command = Capdu::parse(capdu).map_err(|_| SW_WRONG_LENGTH)?;
        match (command.cla, command.ins) {
            (0x00, 0xA4) => self.select(&command),
            (0x80, 0xA8) => self.processing_options(command.data),
            (0x00, 0xB2) => self.read_record(&command),
            (0x80, 0xEA) => self.exchange_relay(command.data),
            (0x80, 0xAE) if self.waits() => self.second_ac(&command),
            (0x80, 0xAE) => self.generate_ac(&command),
            (0x04, 0xDA) => self.put_data(&command),
            (0x84, 0x32) if self.is_common() => self.read_data(command.data),
            (0x84, 0x34) if self.is_common() => self.write_data(&command),
            (0x80, 0xD0) => self.give_again(&Again::Recover(command.data.to_vec())),
            (0x80, 0xDF) => self.give_again(&Again::Echo),
            _ => Err(SW_UNKNOWN_INSTRUCTION),
        }
    }

    fn select(&mut self, command: &Capdu<'_>) -> Result<Vec<u8>, u16> {
        if (command.p1, command.p2) != (0x04, 0x00) {
            return Err(SW_WRONG_P1_P2);
        }
        self.field = Field::In;
        let Profile { aid, label, .. } = self.profile;
        let mut fci = TlvWriter::new();
        if command.data == PPSE_NAME {
            fci.template(tag::FCI_TEMPLATE, |fci| {
                fci.put(tag::DF_NAME, PPSE_NAME)
                    .template(tag::FCI_PROPRIETARY, |inner| {
                        inner.template(tag::ISSUER_DISCRETIONARY, |directory| {
                            directory.template(tag::DIRECTORY_ENTRY, |entry| {
                                entry
                                    .put(tag::ADF_NAME, aid)
                                    .put(tag::APPLICATION_LABEL, label.as_bytes())
                                    .put(tag::PRIORITY, &[0x01]);
                                if self.is_common() {
                                    entry.put(tag::KERNEL_IDENTIFIER, &[0x08]);
                                }
                            });
                        });
                    });
            });
        } else if command.data == aid {
            if self.profile.temper == Temper::Blocked {
                return Err(SW_BLOCKED);
            }
            let pdol = self.profile.account.map_or(VISA_PDOL, pdol);
            fci.template(tag::FCI_TEMPLATE, |fci| {
                fci.put(tag::DF_NAME, aid)
                    .template(tag::FCI_PROPRIETARY, |inner| {
                        inner
                            .put(tag::APPLICATION_LABEL, label.as_bytes())
                            .put(tag::PRIORITY, &[0x01])
                            .put(tag::PDOL, pdol)
                            .put(tag::LANGUAGE_PREFERENCE, b"zhen");
                        if self.profile.scheme() == Some(CardScheme::UnionPay) {
                            inner.put(tags::SIGNS_ONLINE, &[0x01]);
                        }
                        if self.is_common() {
                            inner.put(tags::CARD_QUALIFIER, &QUALIFIER);
                        }
                    });
            });
            self.field = Field::Selected;
        } else {
            return Err(SW_FILE_NOT_FOUND);
        }
        Ok(fci.into_vec())
    }

    /// Counts up; then the application answers.
    fn processing_options(&mut self, data: &[u8]) -> Result<Vec<u8>, u16> {
        if self.field != Field::Selected {
            return Err(SW_CONDITIONS);
        }
        let data = child(data, Tag::new(0x83))
            .ok()
            .flatten()
            .ok_or(SW_WRONG_LENGTH)?;
        let atc = self.atc.checked_add(1).ok_or(SW_CONDITIONS)?;
        let chip = self.chip(atc)?;
        let waits = chip.locked;
        let made = options(&chip, data);
        self.asks_owner |= waits;
        let made = made?;
        self.atc = atc;
        self.open = None;
        // Those that sign now are done with their owner; the others once they have made their cryptogram.
        if !self.generates() {
            self.confirmed = false;
        }
        self.field = Field::Answered(Session {
            options_data: data.to_vec(),
            records: made.records,
            relay: None,
            messages: (0, common::FIRST_ENVELOPE),
        });
        Ok(made.body)
    }

    fn read_record(&self, command: &Capdu<'_>) -> Result<Vec<u8>, u16> {
        let Field::Answered(session) = &self.field else {
            return Err(SW_CONDITIONS);
        };
        session
            .records
            .iter()
            .find(|record| (record.number, (record.file << 3) | 4) == (command.p1, command.p2))
            .map(|record| record.bytes.clone())
            .ok_or(SW_RECORD_NOT_FOUND)
    }

    /// EXCHANGE RELAY RESISTANCE DATA: the reader's number, answered with one of the card's and its times.
    fn exchange_relay(&mut self, reader_number: &[u8]) -> Result<Vec<u8>, u16> {
        let atc = self.atc.to_be_bytes();
        let Field::Answered(session) = &mut self.field else {
            return Err(SW_CONDITIONS);
        };
        if reader_number.len() != 4 {
            return Err(SW_WRONG_LENGTH);
        }
        let [a, b, c, d, ..] = sha1(&[&atc, reader_number]);
        let answer = [&[a, b, c, d][..], &RELAY_TIMES].concat();
        session.relay = Some([reader_number, &answer].concat());
        let mut writer = TlvWriter::new();
        writer.put(tag::RESPONSE_FORMAT_1, &answer);
        Ok(writer.into_vec())
    }

    fn generate_ac(&mut self, command: &Capdu<'_>) -> Result<Vec<u8>, u16> {
        let Field::Answered(session) = &self.field else {
            return Err(SW_CONDITIONS);
        };
        let asked = Asked {
            p1: command.p1,
            data: command.data,
            options_data: &session.options_data,
            relay: session.relay.as_deref(),
        };
        let chip = self.chip(self.atc)?;
        let answer = generate(&chip, &asked);
        let open = Open::by(&chip, &asked, answer.as_deref().unwrap_or_default());
        self.kept = again(chip.account, command.data)
            .zip(answer.clone().ok())
            .map(|(how, answer)| (how, answer, open));
        self.confirmed = false;
        self.open = open;
        // One cryptogram a payment, but for a second one where its issuer's answer comes back.
        let stores = self.is_common() && answer.is_ok() && command.p2 & MORE != 0;
        if let (Field::Answered(session), true) = (std::mem::replace(&mut self.field, Field::In), stores) {
            self.field = Field::Storing(session);
        }
        answer
    }

    /// READ DATA: an envelope, empty until somebody writes to it.
    fn read_data(&mut self, name: &[u8]) -> Result<Vec<u8>, u16> {
        let Field::Answered(session) = &self.field else {
            return Err(SW_CONDITIONS);
        };
        let tag = match name {
            [first, second, third] => Tag::new(u32::from_be_bytes([0, *first, *second, *third])),
            _ => return Err(SW_WRONG_LENGTH),
        };
        if !common::is_envelope(tag) {
            return Err(SW_NOT_FOUND);
        }
        let value = self.envelopes.get(&tag.number()).map(Vec::as_slice);
        let chip = self.chip(self.atc)?;
        let (_, number) = session.messages;
        let envelope = (tag, value.unwrap_or_default());
        let answer = common::envelope(&chip, &session.options_data, number, envelope)?;
        if let Field::Answered(session) = &mut self.field {
            session.messages.1 = number.saturating_add(1);
        }
        Ok(answer)
    }

    /// WRITE DATA: an envelope after the cryptogram; the last one ends it.
    fn write_data(&mut self, command: &Capdu<'_>) -> Result<Vec<u8>, u16> {
        let Field::Storing(session) = &self.field else {
            return Err(SW_CONDITIONS);
        };
        let chip = self.chip(self.atc)?;
        let (tag, value, code) =
            common::written(&chip, &session.options_data, session.messages, command.data)?;
        let (reader, own) = session.messages;
        let messages = (reader.saturating_add(1), own.saturating_add(1));
        self.envelopes.insert(tag.number(), value);
        if command.p2 & MORE == 0 {
            self.field = Field::In;
        } else if let Field::Storing(session) = &mut self.field {
            session.messages = messages;
        }
        Ok(code.to_vec())
    }

    /// RECOVER AC and ECHO: the last cryptogram as it was, counter and signature too. Refused for any other, and then
    /// a new one may be asked for.
    fn give_again(&mut self, how: &Again) -> Result<Vec<u8>, u16> {
        let Field::Answered(_) = self.field else {
            return Err(SW_CONDITIONS);
        };
        let (kept, answer, open) = self.kept.as_ref().ok_or(SW_CONDITIONS)?;
        if kept != how {
            return Err(SW_CONDITIONS);
        }
        self.field = Field::In;
        self.open = *open;
        Ok(answer.clone())
    }

    fn chip(&self, atc: u16) -> Result<Chip<'_>, u16> {
        let account = self.profile.account.ok_or(SW_CONDITIONS)?;
        Ok(Chip {
            profile: &self.profile,
            account,
            key: self.key.as_ref().ok_or(SW_CONDITIONS)?,
            atc: atc.to_be_bytes(),
            update: self.update,
            locked: self.profile.verification == Verification::SeePhone && !self.confirmed,
            certificates: &self.certificates,
            curve_certificates: &self.curve_certificates,
        })
    }

    /// Whether it is a card for kernel 8.
    fn is_common(&self) -> bool {
        self.profile.account.is_some_and(Account::is_common)
    }

    /// Whether the cryptogram has a command of its own.
    fn generates(&self) -> bool {
        if self.is_common() {
            return true;
        }
        match self.profile.scheme() {
            Some(CardScheme::Mastercard | CardScheme::AmericanExpress | CardScheme::Jcb) => true,
            Some(CardScheme::Visa | CardScheme::UnionPay | CardScheme::Discover) | None => false,
        }
    }
}
