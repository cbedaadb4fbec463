//! The payload of one payment at a till, and the parts of payloads.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use softpos_types::{MerchantId, Money};

use super::breach::{Breach, Place};
use super::decoded::{Initiation, Refused};
use super::payload::MpmPayload;

/// What a payload for one payment shall say: the usual part of [`MpmPayload`].
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
    /// No template of 80..99.
    TemplateId(u8),
    /// An amount in another currency than the payload's.
    Currency,
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
    /// Writes the payload of a dynamic code, by the rules of [`MpmPayload::encode`].
    ///
    /// # Errors
    /// [`EncodeError`]: no payload is better than one that some wallet refuses.
    pub fn encode(&self) -> Result<String, EncodeError> {
        let additional = &self.additional;
        let parts = [
            (1, &additional.bill),
            (5, &additional.reference),
            (7, &additional.terminal),
        ];
        let payload = MpmPayload {
            initiation: Initiation::Dynamic,
            accounts: self.accounts.clone(),
            category: Some(self.category.clone()),
            currency: self.amount.currency(),
            amount: Some(self.amount),
            tip: None,
            country: self.country.clone(),
            name: Some(self.name.clone()),
            city: Some(self.city.clone()),
            post_code: None,
            additional: parts
                .into_iter()
                .filter_map(|(id, part)| Some((id, part.clone()?)))
                .collect(),
            local: self.local.clone(),
            templates: Vec::new(),
        };
        payload.encode()
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(place) => write!(f, "{place}: empty or too long"),
            Self::AccountId(id) => write!(f, "{id:02}: no such merchant account"),
            Self::TemplateId(id) => write!(f, "{id:02}: no such template"),
            Self::Currency => f.write_str("two currencies in one payload"),
            Self::Breach(breach) => write!(f, "{breach}"),
            Self::Refused(refused) => write!(f, "{refused}"),
        }
    }
}

impl core::error::Error for EncodeError {}
