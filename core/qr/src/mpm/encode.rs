//! Payloads for the till to show, by the letter of the specification.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use softpos_types::{MerchantId, Money};

use super::breach::{Breach, Place};
use super::crc::crc16;
use super::{Refused, decode};

/// Point of initiation (01): made for one payment.
const DYNAMIC: &str = "12";

/// The longest identifier of an account template. Live codes have longer ones; ours do not.
const MAX_GUID: usize = 32;

/// What a payload for one payment shall say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MpmCode {
    /// Who gets the money, one entry a scheme (02..51); at least one.
    pub accounts: Vec<MerchantAccount>,
    /// Merchant category code (52), four digits.
    pub category: String,
    /// The amount (54); its currency goes into 53.
    pub amount: Money,
    /// Country (58), two letters.
    pub country: String,
    /// Merchant name (59) in the common character set, at most 25.
    pub name: String,
    /// City (60) in the common character set, at most 15.
    pub city: String,
    /// Additional data (62).
    pub additional: AdditionalData,
    /// Name and city in the merchant's own script (64).
    pub local: Option<LocalNames>,
}

/// A merchant account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantAccount {
    /// 2..=51.
    pub id: u8,
    /// What is in it.
    pub fields: AccountFields,
}

/// The content of a merchant account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountFields {
    /// A plain value, of 02..25.
    Plain(String),
    /// A template, of 26..51.
    Template {
        /// Whose it is: AID, UUID without hyphens or reverse domain, at most 32 characters.
        guid: String,
        /// Its objects by rising id, 1..=99.
        parts: Vec<(u8, String)>,
    },
}

/// What goes with the payment (62); every value has at most 25 characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdditionalData {
    /// Bill number (01).
    pub bill: Option<String>,
    /// Reference (05).
    pub reference: Option<String>,
    /// Terminal (07).
    pub terminal: Option<String>,
}

/// Name and city in another script (64).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalNames {
    /// Two letters, as `ZH`.
    pub language: String,
    /// The name, at most 25 characters.
    pub name: String,
    /// The city, at most 15 characters.
    pub city: Option<String>,
}

/// Why no payload was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// A value is empty or longer than 99 characters.
    Length(Place),
    /// The account's id does not fit its content.
    AccountId(u8),
    /// The payload would break this rule.
    Breach(Breach),
    /// The payload would be refused, for instance because an id stands twice.
    Refused(Refused),
}

impl MerchantAccount {
    /// `UnionPay` (15): acquirer IIN, forwarding IIN and merchant number, 31 characters.
    ///
    /// # Errors
    /// [`EncodeError::Length`] unless both IINs have eight digits.
    pub fn unionpay(
        acquirer_iin: &str,
        forwarding_iin: &str,
        merchant: &MerchantId,
    ) -> Result<Self, EncodeError> {
        let is_iin = |iin: &str| iin.len() == 8 && iin.bytes().all(|b| b.is_ascii_digit());
        if !is_iin(acquirer_iin) || !is_iin(forwarding_iin) {
            return Err(EncodeError::Length(Place::root(15)));
        }
        Ok(Self {
            id: 15,
            fields: AccountFields::Plain([acquirer_iin, forwarding_iin, merchant.as_str()].concat()),
        })
    }
}

impl MpmCode {
    /// Writes the payload, ends it with its CRC, and reads it again by the same rules that foreign codes are judged
    /// by: what this returns has no breach.
    ///
    /// # Errors
    /// [`EncodeError`]: no payload is better than one that some wallet refuses.
    pub fn encode(&self) -> Result<String, EncodeError> {
        let mut payload = String::with_capacity(256);
        let root = |id, value: &str, out: &mut String| write_object(out, Place::root(id), value);
        root(0, "01", &mut payload)?;
        root(1, DYNAMIC, &mut payload)?;
        let mut accounts: Vec<&MerchantAccount> = self.accounts.iter().collect();
        accounts.sort_by_key(|account| account.id);
        for account in accounts {
            root(account.id, &account.value()?, &mut payload)?;
        }
        root(52, &self.category, &mut payload)?;
        root(53, &numeric_currency(self.amount), &mut payload)?;
        root(54, &to_text(self.amount), &mut payload)?;
        root(58, &self.country, &mut payload)?;
        root(59, &self.name, &mut payload)?;
        root(60, &self.city, &mut payload)?;
        let additional = self.additional.value()?;
        if !additional.is_empty() {
            root(62, &additional, &mut payload)?;
        }
        if let Some(local) = &self.local {
            root(64, &local.value()?, &mut payload)?;
        }
        payload.push_str("6304");
        let crc = crc16(payload.as_bytes());
        append(&mut payload, format_args!("{crc:04X}"));
        match decode(&payload).map(|decoded| decoded.breaches().first().copied()) {
            Ok(None) => Ok(payload),
            Ok(Some(breach)) => Err(EncodeError::Breach(breach)),
            Err(refused) => Err(EncodeError::Refused(refused)),
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
                for (id, part) in parts {
                    write_object(&mut value, Place::within(self.id, *id), part)?;
                }
                Ok(value)
            }
            _ => Err(EncodeError::AccountId(self.id)),
        }
    }
}

impl AdditionalData {
    fn value(&self) -> Result<String, EncodeError> {
        let mut value = String::new();
        for (id, part) in [(1, &self.bill), (5, &self.reference), (7, &self.terminal)] {
            if let Some(part) = part {
                write_object(&mut value, Place::within(62, id), part)?;
            }
        }
        Ok(value)
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

fn write_object(out: &mut String, place: Place, value: &str) -> Result<(), EncodeError> {
    let length = value.chars().count();
    if place.id > 99 || !(1..=99).contains(&length) {
        return Err(EncodeError::Length(place));
    }
    append(out, format_args!("{:02}{length:02}{value}", place.id));
    Ok(())
}

fn numeric_currency(amount: Money) -> String {
    let mut text = String::new();
    append(&mut text, format_args!("{:03}", amount.currency().numeric()));
    text
}

fn to_text(amount: Money) -> String {
    let mut text = String::new();
    append(&mut text, format_args!("{amount}"));
    text
}

fn append(out: &mut String, text: fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = out.write_fmt(text);
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(place) => write!(f, "{place}: empty or too long"),
            Self::AccountId(id) => write!(f, "{id:02}: no such merchant account"),
            Self::Breach(breach) => write!(f, "{breach}"),
            Self::Refused(refused) => write!(f, "{refused}"),
        }
    }
}

impl core::error::Error for EncodeError {}
