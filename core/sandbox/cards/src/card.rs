//! A card that answers commands: directory, selection, processing options with a cryptogram, one record.

use softpos_crypto::issuer::card_key_option_a;
use softpos_types::SecretArray;
use softpos_wire::apdu::{Capdu, PPSE_NAME, SW_OK};
use softpos_wire::dol::Dol;
use softpos_wire::tlv::{TlvWriter, child};
use softpos_wire::{Tag, tag};

use crate::account::Account;
use crate::fault::{Fault, FaultKind};
use crate::issuer::{CRYPTOGRAM_VERSION, covered, cryptogram, issuer_keys};
use crate::profile::{Presence, Profile, Verification};

/// What the cards want to know: everything under the cryptogram that the reader has.
const PDOL: &[u8] = &[
    0x9F, 0x66, 4, 0x9F, 0x02, 6, 0x9F, 0x03, 6, 0x9F, 0x1A, 2, 0x95, 5, 0x5F, 0x2A, 2, 0x9A, 3, 0x9C, 1,
    0x9F, 0x37, 4,
];
const AIP: &[u8] = &[0x00, 0x00];
/// One record: file 2, record 1, unsigned.
const AFL: &[u8] = &[0x10, 0x01, 0x01, 0x00];

const SW_WRONG_LENGTH: u16 = 0x6700;
const SW_CONDITIONS: u16 = 0x6985;
const SW_FILE_NOT_FOUND: u16 = 0x6A82;
const SW_RECORD_NOT_FOUND: u16 = 0x6A83;
const SW_WRONG_P1_P2: u16 = 0x6A86;
const SW_UNKNOWN_INSTRUCTION: u16 = 0x6D00;

/// The card is not in the field: bring it there with [`SoftCard::present`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardGone;

/// A software card.
#[derive(Debug)]
pub struct SoftCard {
    profile: Profile,
    /// Present for cards of the sandbox issuer.
    key: Option<SecretArray<16>>,
    atc: u16,
    collisions_left: u8,
    faults: Vec<Fault>,
    commands: u8,
    field: Field,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Out,
    In,
    Selected,
    Answered,
}

impl SoftCard {
    /// A new card: counter 0, outside the field.
    pub fn new(profile: &Profile) -> Self {
        let key = profile.account.and_then(|account| {
            let keys = issuer_keys();
            let key = keys.iter().find(|key| key.index == account.key_index)?;
            Some(card_key_option_a(&key.master, &account.pan(), account.psn))
        });
        Self {
            profile: *profile,
            key,
            atc: 0,
            collisions_left: profile.collisions,
            faults: profile.fault.into_iter().collect(),
            commands: 0,
            field: Field::Out,
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

    /// Faults that have not fired yet; a test ends with none.
    pub fn faults_left(&self) -> &[Fault] {
        &self.faults
    }

    /// Comes into the field: power on, nothing selected.
    pub fn present(&mut self) -> Presence {
        if self.collisions_left > 0 {
            self.collisions_left -= 1;
            self.field = Field::Out;
            return Presence::Collision;
        }
        self.commands = 0;
        self.field = Field::In;
        Presence::Card
    }

    /// Leaves the field.
    pub fn remove(&mut self) {
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
        self.commands = self.commands.saturating_add(1);
        let fault = self
            .faults
            .iter()
            .position(|fault| fault.at == self.commands)
            .map(|index| self.faults.remove(index).kind);
        if fault == Some(FaultKind::Pulled) {
            self.field = Field::Out;
            return Err(CardGone);
        }
        let (mut answer, sw) = match self.answer(capdu) {
            Ok(body) => (body, SW_OK),
            Err(sw) => (Vec::new(), sw),
        };
        match fault {
            None | Some(FaultKind::Pulled) => answer.extend(sw.to_be_bytes()),
            Some(FaultKind::StatusWord(sw)) => answer = sw.to_be_bytes().to_vec(),
            Some(FaultKind::CutShort) => {
                answer.pop();
                answer.extend(sw.to_be_bytes());
            }
            Some(FaultKind::Answer(bytes)) => answer = bytes.to_vec(),
        }
        Ok(answer)
    }

    /// The data of a proper answer, or the status word of a refusal.
    fn answer(&mut self, capdu: &[u8]) -> Result<Vec<u8>, u16> {
        let command = Capdu::parse(capdu).map_err(|_| SW_WRONG_LENGTH)?;
        match (command.cla, command.ins) {
            (0x00, 0xA4) => self.select(&command),
            (0x80, 0xA8) => self.processing_options(command.data),
            (0x00, 0xB2) => self.read_record(&command),
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
                            });
                        });
                    });
            });
        } else if command.data == aid {
            fci.template(tag::FCI_TEMPLATE, |fci| {
                fci.put(tag::DF_NAME, aid)
                    .template(tag::FCI_PROPRIETARY, |inner| {
                        inner
                            .put(tag::APPLICATION_LABEL, label.as_bytes())
                            .put(tag::PRIORITY, &[0x01])
                            .put(tag::PDOL, PDOL)
                            .put(tag::LANGUAGE_PREFERENCE, b"zhen");
                    });
            });
            self.field = Field::Selected;
        } else {
            return Err(SW_FILE_NOT_FOUND);
        }
        Ok(fci.into_vec())
    }

    /// Counts up, then answers with a cryptogram over what the reader said.
    fn processing_options(&mut self, data: &[u8]) -> Result<Vec<u8>, u16> {
        let (Field::Selected, Some(account), Some(key)) = (self.field, self.profile.account, &self.key)
        else {
            return Err(SW_CONDITIONS);
        };
        let told = Told::parse(data).ok_or(SW_WRONG_LENGTH)?;
        self.atc = self.atc.checked_add(1).ok_or(SW_CONDITIONS)?;
        let atc = self.atc.to_be_bytes();
        // Length, key index, version, then three bytes of card verification results: A0 says "ARQC asked".
        let iad = [
            0x06,
            account.key_index,
            CRYPTOGRAM_VERSION,
            0x03,
            0xA0,
            0x00,
            0x00,
        ];
        let under = covered(|wanted| match wanted {
            tag::AIP => Some(AIP),
            tag::ATC => Some(&atc),
            tag::ISSUER_APPLICATION_DATA => Some(&iad),
            reader => told.value(reader),
        })
        .map_err(|_| SW_CONDITIONS)?;
        let arqc = cryptogram(key, atc, &under);
        let qualifiers = self.qualifiers(&told);
        self.field = Field::Answered;
        let mut answer = TlvWriter::new();
        answer.template(tag::RESPONSE_FORMAT_2, |inner| {
            inner
                .put(tag::AIP, AIP)
                .put(tag::AFL, AFL)
                .put(tag::TRACK_2, &track_2(account))
                .put(tag::PAN_SEQUENCE, &[account.psn])
                .put(tag::ISSUER_APPLICATION_DATA, &iad)
                .put(tag::CRYPTOGRAM, &arqc)
                .put(tag::CRYPTOGRAM_INFORMATION, &[0x80])
                .put(tag::ATC, &atc)
                .put(tag::CTQ, &qualifiers);
        });
        Ok(answer.into_vec())
    }

    /// 9F6C: how the holder is to be verified.
    fn qualifiers(&self, told: &Told<'_>) -> [u8; 2] {
        let required = matches!(told.value(tag::TTQ), Some([_, second, ..]) if second & 0x40 != 0);
        match self.profile.verification {
            Verification::AlwaysPin => [0x80, 0x00],
            Verification::WhenRequired if required => [0x80, 0x00],
            Verification::WhenRequired => [0x00, 0x00],
            Verification::OnDevice => [0x00, 0x80],
        }
    }

    fn read_record(&self, command: &Capdu<'_>) -> Result<Vec<u8>, u16> {
        let (Field::Answered, Some(account)) = (self.field, self.profile.account) else {
            return Err(SW_CONDITIONS);
        };
        if (command.p1, command.p2) != (0x01, (2 << 3) | 4) {
            return Err(SW_RECORD_NOT_FOUND);
        }
        let [year, month] = account.expiry_yymm;
        let mut record = TlvWriter::new();
        record.template(tag::RECORD_TEMPLATE, |inner| {
            inner
                .put(tag::CARDHOLDER_NAME, b"SANDBOX/CARD")
                .put(tag::EXPIRY_DATE, &[year, month, last_day(month)])
                .put(tag::ISSUER_COUNTRY, &[0x01, 0x56]);
        });
        Ok(record.into_vec())
    }
}

/// What the reader said in answer to the PDOL.
struct Told<'a> {
    data: &'a [u8],
}

impl<'a> Told<'a> {
    fn parse(command_data: &'a [u8]) -> Option<Self> {
        let data = child(command_data, Tag::new(0x83)).ok()??;
        (data.len() == Dol::parse(PDOL).ok()?.total()).then_some(Self { data })
    }

    fn value(&self, wanted: Tag) -> Option<&'a [u8]> {
        let mut rest = self.data;
        for entry in Dol::parse(PDOL).ok()?.entries() {
            let (value, after) = rest.split_at_checked(entry.length)?;
            if entry.tag == wanted {
                return Some(value);
            }
            rest = after;
        }
        None
    }
}

/// 57: number, D, expiry, service code 201 (chip, online), discretionary data, F.
fn track_2(account: &Account) -> Vec<u8> {
    let digit = |byte: u8| byte.wrapping_sub(b'0') & 0x0F;
    let [year, month] = account.expiry_yymm;
    let mut nibbles: Vec<u8> = account.pan_digits.bytes().map(digit).collect();
    nibbles.push(0x0D);
    nibbles.extend([year >> 4, year & 0x0F, month >> 4, month & 0x0F]);
    nibbles.extend([2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    nibbles.resize(nibbles.len().next_multiple_of(2), 0x0F);
    nibbles
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[high, low]| (high << 4) | low)
        .collect()
}

const fn last_day(month: u8) -> u8 {
    match month {
        0x02 => 0x28,
        0x04 | 0x06 | 0x09 | 0x11 => 0x30,
        _ => 0x31,
    }
}
