//! The applications of the schemes: what each answers to GET PROCESSING OPTIONS and GENERATE AC, and its records.

mod american_express;
pub(crate) mod common;
mod discover;
mod files;
mod jcb;
mod mastercard;
mod told;
mod unionpay;
mod visa;

use std::cell::OnceCell;

use softpos_types::SecretArray;
use softpos_wire::{Tag, tag};

use crate::account::Account;
use crate::card::IssuerUpdate;
use crate::curve_pki::CurveCertificates;
use crate::issuer::{CryptogramKind, Made, make};
use crate::kind::{Temper, Verification};
use crate::pki::{CardCertificates, certify};
use crate::profile::Profile;
use crate::scheme::CardScheme;
pub(crate) use files::Record;
pub(crate) use told::Told;
pub(crate) use visa::PDOL as VISA_PDOL;

pub(crate) const SW_WRONG_LENGTH: u16 = 0x6700;
pub(crate) const SW_CONDITIONS: u16 = 0x6985;
/// The holder has to do something on the device first.
const SW_SEE_PHONE: u16 = 0x6986;

/// What an application works with during one payment.
#[derive(Debug)]
pub(crate) struct Chip<'c> {
    pub(crate) profile: &'c Profile,
    pub(crate) account: &'c Account,
    pub(crate) key: &'c SecretArray<16>,
    pub(crate) atc: [u8; 2],
    /// How the card wants its issuer's answer.
    pub(crate) update: Option<IssuerUpdate>,
    /// The device still waits for its owner.
    pub(crate) locked: bool,
    /// Signed once for a card, when first asked for.
    pub(crate) certificates: &'c OnceCell<CardCertificates>,
    /// The same over P-256 keys.
    pub(crate) curve_certificates: &'c OnceCell<CurveCertificates>,
}

/// The answer to GET PROCESSING OPTIONS, and the records it promises.
pub(crate) struct Options {
    pub(crate) body: Vec<u8>,
    pub(crate) records: Vec<Record>,
}

/// What of a payment the card still needs when it is asked for a cryptogram.
pub(crate) struct Asked<'a> {
    /// First parameter of the command: the kind, and whether it shall be signed.
    pub(crate) p1: u8,
    /// Data for the first list of the card.
    pub(crate) data: &'a [u8],
    /// What was said in answer to the PDOL.
    pub(crate) options_data: &'a [u8],
    /// Numbers and times of the relay resistance exchange, if there was one.
    pub(crate) relay: Option<&'a [u8]>,
}

/// 9F38: what the application wants to know before it decides.
pub(crate) const fn pdol(account: &Account) -> &'static [u8] {
    if account.is_common() {
        return common::PDOL;
    }
    match account.scheme {
        CardScheme::Visa => visa::PDOL,
        CardScheme::Mastercard => mastercard::PDOL,
        CardScheme::UnionPay => unionpay::PDOL,
        CardScheme::AmericanExpress => american_express::PDOL,
        CardScheme::Jcb => jcb::PDOL,
        CardScheme::Discover => discover::PDOL,
    }
}

/// GET PROCESSING OPTIONS, or the status word of a refusal.
pub(crate) fn options(chip: &Chip<'_>, data: &[u8]) -> Result<Options, u16> {
    let told = Told::parse(pdol(chip.account), data).ok_or(SW_WRONG_LENGTH)?;
    if chip.account.is_common() {
        return common::options(chip, &told);
    }
    match chip.account.scheme {
        CardScheme::Visa => visa::options(chip, &told),
        CardScheme::Mastercard => Ok(mastercard::options(chip)),
        CardScheme::UnionPay => unionpay::options(chip, &told),
        CardScheme::AmericanExpress => Ok(american_express::options(chip)),
        CardScheme::Jcb => Ok(jcb::options(chip)),
        CardScheme::Discover => discover::options(chip, &told),
    }
}

/// GENERATE AC, or the status word of a refusal.
pub(crate) fn generate(chip: &Chip<'_>, asked: &Asked<'_>) -> Result<Vec<u8>, u16> {
    if chip.account.is_common() {
        return common::generate(chip, asked);
    }
    match chip.account.scheme {
        CardScheme::Mastercard => mastercard::generate(chip, asked),
        CardScheme::AmericanExpress => american_express::generate(chip, asked),
        CardScheme::Jcb => jcb::generate(chip, asked),
        CardScheme::Visa | CardScheme::UnionPay | CardScheme::Discover => Err(SW_CONDITIONS),
    }
}

/// The cryptogram that a request is answered with, signed or not.
pub(crate) fn first_cryptogram(chip: &Chip<'_>, asked: &Asked<'_>) -> Result<[u8; 8], u16> {
    match chip.account.scheme {
        CardScheme::Jcb => jcb::first_cryptogram(chip, asked),
        CardScheme::Visa
        | CardScheme::Mastercard
        | CardScheme::UnionPay
        | CardScheme::AmericanExpress
        | CardScheme::Discover => Err(SW_CONDITIONS),
    }
}

/// The second GENERATE AC of a payment, with the issuer's answer to its first cryptogram.
pub(crate) fn second(chip: &Chip<'_>, asked: &Asked<'_>, first: [u8; 8]) -> Result<Vec<u8>, u16> {
    match chip.account.scheme {
        CardScheme::Jcb => jcb::second(chip, asked, first),
        CardScheme::Visa
        | CardScheme::Mastercard
        | CardScheme::UnionPay
        | CardScheme::AmericanExpress
        | CardScheme::Discover => Err(SW_CONDITIONS),
    }
}

/// How the reader asks for a cryptogram again that it did not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// RECOVER AC with these data.
    Recover(Vec<u8>),
    /// ECHO.
    Echo,
}

/// Whether and how a card of this scheme gives again what it made over the data for its first list.
pub(crate) fn again(account: &Account, list_1: &[u8]) -> Option<Again> {
    match account.scheme {
        _ if account.is_common() => None,
        CardScheme::Mastercard => mastercard::recovery_data(list_1).map(Again::Recover),
        CardScheme::Jcb => Some(Again::Echo),
        CardScheme::Visa | CardScheme::UnionPay | CardScheme::AmericanExpress | CardScheme::Discover => None,
    }
}

impl Chip<'_> {
    fn on_device(&self) -> bool {
        match self.profile.verification {
            Verification::OnDevice => true,
            Verification::SeePhone => !self.locked,
            Verification::WhenRequired | Verification::AlwaysPin => false,
        }
    }

    /// Whether the holder is to be verified by PIN.
    fn wants_pin(&self, required: bool) -> bool {
        match self.profile.verification {
            Verification::AlwaysPin => true,
            Verification::WhenRequired => required,
            Verification::OnDevice | Verification::SeePhone => false,
        }
    }

    /// The card's own decision; `online` says that the reader or the verification needs the issuer.
    fn decide(&self, online: bool) -> CryptogramKind {
        match self.profile.temper {
            Temper::Declines | Temper::Blocked => CryptogramKind::Declined,
            Temper::ApprovesOffline if !online => CryptogramKind::Approved,
            Temper::ApprovesOffline | Temper::AsksIssuer => CryptogramKind::AsksIssuer,
        }
    }

    /// The answer to a request for a cryptogram: never more than was asked for.
    fn answer_to(&self, p1: u8) -> Result<CryptogramKind, u16> {
        match p1 & 0xC0 {
            0x00 => Ok(CryptogramKind::Declined),
            0x40 => Ok(self.decide(false)),
            0x80 => Ok(self.decide(true)),
            _ => Err(SW_CONDITIONS),
        }
    }

    /// The cryptogram over what the reader said.
    fn cryptogram(&self, kind: CryptogramKind, aip: &[u8], told: &Told<'_>) -> Result<Made, u16> {
        make(
            self.account,
            self.key,
            kind,
            self.on_device(),
            |wanted| match wanted {
                tag::AIP => Some(aip),
                tag::ATC => Some(&self.atc),
                reader => told.value(reader),
            },
        )
        .map_err(|_: Tag| SW_CONDITIONS)
    }

    /// The certificates of this card; the profile (82) is part of what they sign.
    fn certificates(&self, static_record: &[u8], aip: &[u8]) -> &CardCertificates {
        self.certificates
            .get_or_init(|| certify(self.account, &[static_record, aip].concat()))
    }
}
