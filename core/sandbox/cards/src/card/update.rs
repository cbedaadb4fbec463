//! Cards that want their issuer's answer: commands with the issuer's code, and a second cryptogram.

use softpos_wire::apdu::Capdu;
use softpos_wire::tlv::find;

use super::{Field, SoftCard};
use crate::application::{Asked, Chip, SW_CONDITIONS, SW_WRONG_LENGTH, first_cryptogram, second};
use crate::issuer::{SCRIPT_HEADER, script_code};
use crate::tags;

/// The code of the issuer does not match.
const SW_WRONG_CODE: u16 = 0x6988;

/// How a card wants the answer of its issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerUpdate {
    /// It stays in the field until the answer is there.
    Held,
    /// It is presented a second time.
    Again,
}

/// A payment whose answer the card waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    how: IssuerUpdate,
    /// The counter of the payment, and what the issuer answers to.
    atc: u16,
    cryptogram: [u8; 8],
    /// The second cryptogram is made.
    concluded: bool,
}

impl Open {
    /// What the card waits for after this answer to GENERATE AC: the answer says so.
    pub(super) fn by(chip: &Chip<'_>, asked: &Asked<'_>, answer: &[u8]) -> Option<Self> {
        let how = chip.update?;
        match find(answer, tags::ISSUER_UPDATE) {
            Ok(Some([0x01 | 0x02])) => Some(Self {
                how,
                atc: u16::from_be_bytes(chip.atc),
                cryptogram: first_cryptogram(chip, asked).ok()?,
                concluded: false,
            }),
            _ => None,
        }
    }
}

impl SoftCard {
    /// Wants the issuer's answer from now on, where the reader takes it back. JCB cards only; the others never ask.
    pub const fn script_issuer_update(&mut self, how: IssuerUpdate) {
        self.update = Some(how);
    }

    /// What the issuer wrote into the card.
    pub fn written_by_issuer(&self) -> Option<&[u8]> {
        self.written.as_deref()
    }

    /// The payment whose answer can come now: held cards did not move, the others were selected again.
    fn waiting(&self) -> Option<Open> {
        self.open.filter(|open| match open.how {
            IssuerUpdate::Held => self.field == Field::In,
            IssuerUpdate::Again => self.field == Field::Selected,
        })
    }

    pub(super) fn waits(&self) -> bool {
        self.waiting().is_some()
    }

    /// A held card that leaves forgets what it waited for.
    pub(super) fn forget_if_held(&mut self) {
        self.open = self.open.filter(|open| open.how == IssuerUpdate::Again);
    }

    /// The second GENERATE AC: once, and only if the issuer proved itself for more than a decline.
    pub(super) fn second_ac(&mut self, command: &Capdu<'_>) -> Result<Vec<u8>, u16> {
        let open = self
            .waiting()
            .filter(|open| !open.concluded)
            .ok_or(SW_CONDITIONS)?;
        self.open = Some(Open {
            concluded: true,
            ..open
        });
        let asked = Asked {
            p1: command.p1,
            data: command.data,
            options_data: &[],
            relay: None,
        };
        second(&self.chip(open.atc)?, &asked, open.cryptogram)
    }

    /// PUT DATA with the issuer's code over command and first cryptogram; keeps the value.
    pub(super) fn put_data(&mut self, command: &Capdu<'_>) -> Result<Vec<u8>, u16> {
        let open = self.waiting().ok_or(SW_CONDITIONS)?;
        let (value, code) = command.data.split_last_chunk::<8>().ok_or(SW_WRONG_LENGTH)?;
        if [command.cla, command.ins, command.p1, command.p2] != SCRIPT_HEADER {
            return Err(super::SW_WRONG_P1_P2);
        }
        let account = self.profile.account.ok_or(SW_CONDITIONS)?;
        if script_code(account, open.atc, open.cryptogram, value) != Some(*code) {
            return Err(SW_WRONG_CODE);
        }
        self.written = Some(value.to_vec());
        Ok(Vec::new())
    }
}
