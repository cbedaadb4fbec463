//! A payload that was read, or why it was refused.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use softpos_types::{Currency, Money};

use super::breach::{Breach, Place};
use super::crc::{crc16, latin1};
use super::object::{Object, read_objects};
use super::rules;

/// Characters of the last object, 63, with its id and length.
const CRC_OBJECT: usize = 8;

/// How a template of UEMOA begins: its identifier.
const UEMOA_START: &str = "0012int.bceao.pi";

/// What a payload says. Everything points into the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    objects: Vec<Object<'a>>,
    parts: Vec<Object<'a>>,
    templates: Vec<(u8, Range<usize>)>,
    breaches: Vec<Breach>,
}

/// Why a payload was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// The text ends inside an object.
    Truncated,
    /// An id is not two digits.
    BadTag,
    /// A length is not two digits.
    BadLength,
    /// A length of 00 (4.4.1.2).
    ZeroLength,
    /// Does not begin with 00.
    FirstNot00,
    /// There is no 63.
    MissingCrc,
    /// 63 is not the last object.
    CrcNotLast,
    /// The CRC is wrong.
    BadCrc {
        /// It fits the ISO 8859-1 bytes: the maker of the code used the wrong encoding.
        fits_latin1: bool,
    },
    /// An id stands twice: under a right CRC an attack with a second amount or account (4.3.1.2).
    DuplicateTag {
        /// The template it is in; none for the payload itself.
        template: Option<u8>,
        /// The id.
        id: u8,
    },
    /// 62 or 64 does not parse (4.8).
    BadTemplate {
        /// 62 or 64.
        id: u8,
    },
}

/// Whether a code is for one payment or for many (01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Initiation {
    /// 11: the same code for every payment.
    Static,
    /// 12: made for one payment.
    Dynamic,
}

/// A merchant account (02..51) of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MerchantAccountRef<'d, 'a> {
    /// 2..=51.
    pub id: u8,
    /// The whole value.
    pub value: &'a str,
    /// The objects inside, of a template (26..51); empty otherwise.
    pub parts: &'d [Object<'a>],
}

impl<'a> MerchantAccountRef<'_, 'a> {
    /// Whose template it is: AID, UUID or reverse domain.
    pub fn guid(&self) -> Option<&'a str> {
        self.part(0)
    }

    /// The value of an object inside.
    pub fn part(&self, id: u8) -> Option<&'a str> {
        value_of(self.parts, id)
    }
}

pub(super) fn decode(payload: &str) -> Result<Decoded<'_>, Refused> {
    let mut decoded = Decoded {
        objects: Vec::with_capacity(16),
        parts: Vec::with_capacity(16),
        templates: Vec::with_capacity(8),
        breaches: Vec::new(),
    };
    if !payload.starts_with("00") {
        return Err(Refused::FirstNot00);
    }
    read_objects(payload, None, &mut decoded.objects)?;
    decoded.check_crc(payload)?;
    decoded.read_templates()?;
    rules::check(&mut decoded);
    if payload.len() > rules::MAX_PAYLOAD && payload.chars().count() > rules::MAX_PAYLOAD {
        decoded.breaches.push(Breach::PayloadOver512);
    }
    Ok(decoded)
}

impl<'a> Decoded<'a> {
    /// The objects in their order.
    pub fn objects(&self) -> &[Object<'a>] {
        &self.objects
    }

    /// The templates that were read, in their order: id and objects.
    pub fn templates(&self) -> impl Iterator<Item = (u8, &[Object<'a>])> {
        (0..self.template_count()).map_while(|index| self.template_at(index))
    }

    /// The rules it breaks.
    pub fn breaches(&self) -> &[Breach] {
        &self.breaches
    }

    /// The value of an object.
    pub fn value(&self, id: u8) -> Option<&'a str> {
        value_of(&self.objects, id)
    }

    /// The value of an object in a template.
    pub fn value_in(&self, template: u8, id: u8) -> Option<&'a str> {
        self.template(template).and_then(|parts| value_of(parts, id))
    }

    /// The objects of a template.
    pub fn template(&self, id: u8) -> Option<&[Object<'a>]> {
        let index = self.templates.iter().position(|(template, _)| *template == id)?;
        self.template_at(index).map(|(_, parts)| parts)
    }

    /// Static or dynamic (01).
    pub fn initiation(&self) -> Option<Initiation> {
        match self.value(1)? {
            "11" => Some(Initiation::Static),
            "12" => Some(Initiation::Dynamic),
            _ => None,
        }
    }

    /// The merchant accounts (02..51).
    pub fn merchant_accounts(&self) -> impl Iterator<Item = MerchantAccountRef<'_, 'a>> {
        self.objects
            .iter()
            .filter(|object| rules::is_merchant_account(object.id))
            .map(|object| MerchantAccountRef {
                id: object.id,
                value: object.value,
                parts: self.template(object.id).unwrap_or_default(),
            })
    }

    /// The currency (53), if softpos knows it.
    pub fn currency(&self) -> Option<Currency> {
        self.value(53)?.parse().ok().and_then(Currency::from_numeric)
    }

    /// The amount (54) in the currency of 53; none if the payer types it, or if it cannot be taken as an amount.
    pub fn amount(&self) -> Option<Money> {
        let text = self.value(54)?;
        // `98.` is valid.
        Money::parse_payment(text.strip_suffix('.').unwrap_or(text), self.currency()?).ok()
    }

    pub(super) fn template_count(&self) -> usize {
        self.templates.len()
    }

    pub(super) fn template_at(&self, index: usize) -> Option<(u8, &[Object<'a>])> {
        let (id, range) = self.templates.get(index)?;
        Some((*id, self.parts.get(range.clone())?))
    }

    pub(super) fn breach(&mut self, breach: Breach) {
        self.breaches.push(breach);
    }

    fn check_crc(&mut self, payload: &str) -> Result<(), Refused> {
        let crc = match self.objects.last() {
            Some(Object { id: 63, value }) => *value,
            _ if self.value(63).is_some() => return Err(Refused::CrcNotLast),
            _ => return Err(Refused::MissingCrc),
        };
        let covered_end = payload.len().checked_sub(CRC_OBJECT.saturating_sub(4));
        let covered = covered_end.and_then(|end| payload.get(..end)).unwrap_or_default();
        let is_hex = crc.len() == 4 && crc.bytes().all(|b| b.is_ascii_hexdigit());
        let stated = u16::from_str_radix(crc, 16).ok().filter(|_| is_hex);
        if stated != Some(crc16(covered.as_bytes())) {
            let fits_latin1 = latin1(covered).is_some_and(|bytes| stated == Some(crc16(&bytes)));
            if !(fits_latin1 && self.is_uemoa()) {
                return Err(Refused::BadCrc { fits_latin1 });
            }
            self.breach(Breach::CrcLatin1);
        }
        if crc.bytes().any(|b| b.is_ascii_lowercase()) {
            self.breach(Breach::CrcLowercase);
        }
        Ok(())
    }

    /// The one profile whose own specification takes the CRC over ISO 8859-1: 36 of the West African central bank.
    fn is_uemoa(&self) -> bool {
        self.value(36).is_some_and(|value| value.starts_with(UEMOA_START))
    }

    /// Reads 26..51, 62, 64 and 80..99. What is ours to understand must parse; a foreign template that does not is
    /// left as a plain value.
    fn read_templates(&mut self) -> Result<(), Refused> {
        for index in 0..self.objects.len() {
            let Some(Object { id, value }) = self.objects.get(index).copied() else {
                break;
            };
            if !rules::is_template(id) {
                continue;
            }
            let start = self.parts.len();
            match read_objects(value, Some(id), &mut self.parts) {
                Ok(()) => self.templates.push((id, start..self.parts.len())),
                Err(fault @ Refused::DuplicateTag { .. }) => return Err(fault),
                Err(Refused::ZeroLength) if id < 80 => return Err(Refused::ZeroLength),
                Err(_) if matches!(id, 62 | 64) => return Err(Refused::BadTemplate { id }),
                Err(_) => {
                    self.parts.truncate(start);
                    self.breach(Breach::NotATemplate(Place::root(id)));
                }
            }
        }
        Ok(())
    }
}

/// The objects of a template inside a template; none if it does not parse.
pub(crate) fn read_template(value: &str) -> Option<Vec<Object<'_>>> {
    let mut parts = Vec::new();
    read_objects(value, None, &mut parts).ok().map(|()| parts)
}

pub(super) fn value_of<'a>(objects: &[Object<'a>], id: u8) -> Option<&'a str> {
    objects
        .iter()
        .find(|object| object.id == id)
        .map(|object| object.value)
}

impl Refused {
    /// The stable name, as `bad_crc`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::BadTag => "bad_tag",
            Self::BadLength => "bad_length",
            Self::ZeroLength => "zero_length",
            Self::FirstNot00 => "first_not_00",
            Self::MissingCrc => "missing_crc",
            Self::CrcNotLast => "crc_not_last",
            Self::BadCrc { .. } => "bad_crc",
            Self::DuplicateTag { .. } => "duplicate_tag",
            Self::BadTemplate { .. } => "bad_template",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match *self {
            Self::DuplicateTag { template, id } => write!(f, " {}", Place { template, id }),
            Self::BadTemplate { id } => write!(f, " {id}"),
            Self::BadCrc { fits_latin1: true } => f.write_str(" (made over ISO 8859-1, not UTF-8)"),
            Self::Truncated
            | Self::BadTag
            | Self::BadLength
            | Self::ZeroLength
            | Self::FirstNot00
            | Self::MissingCrc
            | Self::CrcNotLast
            | Self::BadCrc { .. } => Ok(()),
        }
    }
}

impl core::error::Error for Refused {}
