//! The general encoder: every object of the specification, by its letter or in the dialect of a national profile.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use softpos_types::{Currency, Money};

use super::breach::{Breach, Place};
use super::crc::{crc16, latin1};
use super::decode;
use super::decoded::Initiation;
use super::encode::{AccountFields, EncodeError, LocalNames, MerchantAccount};

/// The longest identifier of a template. Live codes have longer ones; ours do not.
const MAX_GUID: usize = 32;

/// What a payload shall say. Only the accounts and the currency must be there for it to be written; whether the rest
/// may be absent is decided by the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MpmPayload {
    /// For one payment or for many (01).
    pub initiation: Initiation,
    /// Who gets the money, one entry a scheme (02..51).
    pub accounts: Vec<MerchantAccount>,
    /// Merchant category code (52), four digits.
    pub category: Option<String>,
    /// The currency (53).
    pub currency: Currency,
    /// The amount (54); none if the payer types it.
    pub amount: Option<Money>,
    /// Tip or fee (55 to 57).
    pub tip: Option<Tip>,
    /// Country (58), two letters.
    pub country: String,
    /// Merchant name (59) in the common character set, at most 25; [`super::plain`] makes one.
    pub name: Option<String>,
    /// City (60) in the common character set, at most 15.
    pub city: Option<String>,
    /// Post code (61), at most 10.
    pub post_code: Option<String>,
    /// Additional data (62) by rising id: 1 bill, 2 mobile, 3 store, 4 loyalty, 5 reference, 6 customer, 7 terminal,
    /// 8 purpose (`***`: ask the payer), 9 what the payer's app shall send along, 10 tax id, 11 channel.
    pub additional: Vec<(u8, String)>,
    /// Name and city in the merchant's own script (64).
    pub local: Option<LocalNames>,
    /// Further templates (80..99) by rising id: objects by rising id, 00 an identifier.
    pub templates: Vec<(u8, Vec<(u8, String)>)>,
}

/// What is asked for beside the amount (55).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tip {
    /// The payer is asked for a tip (01).
    Ask,
    /// A fee (02, 56), in the payload's currency.
    Fixed(Money),
    /// A fee in hundredths of a percent (03, 57), 1..=9999.
    Percent(u16),
}

/// How the payloads of a national profile differ from the specification.
pub(crate) struct Dialect {
    /// The value of 00.
    pub(crate) format: &'static str,
    /// The CRC runs over the ISO 8859-1 bytes.
    pub(crate) is_latin1: bool,
    /// Rules that its own specification breaks.
    pub(crate) allows: fn(Breach) -> bool,
}

impl Dialect {
    /// The specification itself.
    pub(crate) const EMVCO: Self = Self {
        format: "01",
        is_latin1: false,
        allows: |_| false,
    };
}

impl MpmPayload {
    /// Writes the payload, ends it with its CRC, and reads it again by the same rules that foreign codes are judged
    /// by: what this returns has no breach.
    ///
    /// # Errors
    /// [`EncodeError`]: no payload is better than one that some wallet refuses.
    pub fn encode(&self) -> Result<String, EncodeError> {
        self.encode_in(&Dialect::EMVCO)
    }

    pub(crate) fn encode_in(&self, dialect: &Dialect) -> Result<String, EncodeError> {
        let mut payload = String::with_capacity(256);
        self.write(dialect, &mut payload)?;
        payload.push_str("6304");
        let crc = if dialect.is_latin1 {
            let bytes = latin1(&payload).ok_or(EncodeError::Breach(Breach::Charset(Place::root(63))))?;
            crc16(&bytes)
        } else {
            crc16(payload.as_bytes())
        };
        append(&mut payload, format_args!("{crc:04X}"));
        let decoded = decode(&payload).map_err(EncodeError::Refused)?;
        let fault = decoded
            .breaches()
            .iter()
            .copied()
            .find(|breach| !(dialect.allows)(*breach));
        match fault {
            Some(breach) => Err(EncodeError::Breach(breach)),
            None => Ok(payload),
        }
    }

    fn write(&self, dialect: &Dialect, out: &mut String) -> Result<(), EncodeError> {
        let mut root = |id, value: &str| write_object(out, Place::root(id), value);
        root(0, dialect.format)?;
        root(
            1,
            match self.initiation {
                Initiation::Static => "11",
                Initiation::Dynamic => "12",
            },
        )?;
        let mut accounts: Vec<&MerchantAccount> = self.accounts.iter().collect();
        accounts.sort_by_key(|account| account.id);
        for account in accounts {
            root(account.id, &account.value()?)?;
        }
        let mut optional = |id, value: Option<&str>| value.map_or(Ok(()), |value| root(id, value));
        optional(52, self.category.as_deref())?;
        optional(53, Some(&text(format_args!("{:03}", self.currency.numeric()))))?;
        optional(54, self.in_currency(self.amount)?.as_deref())?;
        if let Some(tip) = self.tip {
            optional(55, Some(tip.mark()))?;
            match tip {
                Tip::Ask => {}
                Tip::Fixed(fee) => optional(56, self.in_currency(Some(fee))?.as_deref())?,
                Tip::Percent(hundredths) => optional(
                    57,
                    Some(&text(format_args!(
                        "{}.{:02}",
                        hundredths / 100,
                        hundredths % 100
                    ))),
                )?,
            }
        }
        optional(58, Some(&self.country))?;
        optional(59, self.name.as_deref())?;
        optional(60, self.city.as_deref())?;
        optional(61, self.post_code.as_deref())?;
        if !self.additional.is_empty() {
            optional(62, Some(&template(62, &self.additional)?))?;
        }
        if let Some(local) = &self.local {
            optional(64, Some(&local.value()?))?;
        }
        for (id, parts) in &self.templates {
            if !matches!(id, 80..=99) {
                return Err(EncodeError::TemplateId(*id));
            }
            optional(*id, Some(&template(*id, parts)?))?;
        }
        Ok(())
    }

    fn in_currency(&self, amount: Option<Money>) -> Result<Option<String>, EncodeError> {
        match amount {
            Some(amount) if amount.currency() != self.currency => Err(EncodeError::Currency),
            Some(amount) => Ok(Some(text(format_args!("{amount}")))),
            None => Ok(None),
        }
    }
}

impl Tip {
    const fn mark(self) -> &'static str {
        match self {
            Self::Ask => "01",
            Self::Fixed(_) => "02",
            Self::Percent(_) => "03",
        }
    }
}

impl MerchantAccount {
    fn value(&self) -> Result<String, EncodeError> {
        match (&self.fields, self.id) {
            (AccountFields::Plain(value), 2..=25) => Ok(value.clone()),
            (AccountFields::Template { guid, parts }, 26..=51) => {
                let place = Place::within(self.id, 0);
                if guid.chars().count() > MAX_GUID {
                    return Err(EncodeError::Length(place));
                }
                let mut value = String::new();
                write_object(&mut value, place, guid)?;
                value.push_str(&template(self.id, parts)?);
                Ok(value)
            }
            _ => Err(EncodeError::AccountId(self.id)),
        }
    }
}

impl LocalNames {
    fn value(&self) -> Result<String, EncodeError> {
        let mut value = String::new();
        write_object(&mut value, Place::within(64, 0), &self.language)?;
        write_object(&mut value, Place::within(64, 1), &self.name)?;
        if let Some(city) = &self.city {
            write_object(&mut value, Place::within(64, 2), city)?;
        }
        Ok(value)
    }
}

/// Objects one after the other, as the value of a template.
pub(crate) fn template(id: u8, parts: &[(u8, String)]) -> Result<String, EncodeError> {
    let mut value = String::new();
    for (part, text) in parts {
        write_object(&mut value, Place::within(id, *part), text)?;
    }
    Ok(value)
}

fn write_object(out: &mut String, place: Place, value: &str) -> Result<(), EncodeError> {
    let length = value.chars().count();
    if place.id > 99 || !(1..=99).contains(&length) {
        return Err(EncodeError::Length(place));
    }
    append(out, format_args!("{:02}{length:02}{value}", place.id));
    Ok(())
}

fn text(arguments: fmt::Arguments<'_>) -> String {
    let mut text = String::new();
    append(&mut text, arguments);
    text
}

fn append(out: &mut String, text: fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = out.write_fmt(text);
}
