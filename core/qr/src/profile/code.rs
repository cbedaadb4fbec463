//! Generating codes of a profile.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use md5::{Digest, Md5};
use softpos_types::{Currency, Money};

use super::payee::Payee;
use super::{Fault, Profile, read};
use crate::mpm::{self, EncodeError, Initiation, LocalNames, MpmPayload, Place, Tip, plain};

/// A code of a national profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileCode {
    /// Who gets the money.
    pub payee: Payee,
    /// Who the payer sees. Transfers of `PromptPay` and `VietQR` do without.
    pub merchant: Option<Merchant>,
    /// The country (58) of a profile that is in several.
    pub country: Option<String>,
    /// The amount; none: a code for every payment, and the payer types it.
    pub amount: Option<Money>,
    /// Tip or fee.
    pub tip: Option<Tip>,
    /// Additional data (62) by rising id, as in [`MpmPayload`]. PIX gets its `***` by itself.
    pub additional: Vec<(u8, String)>,
}

/// The merchant as the payer sees it, in any script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// Category code, four digits.
    pub category: String,
    /// The name.
    pub name: String,
    /// The city.
    pub city: String,
    /// Post code.
    pub post_code: Option<String>,
    /// The name in plain letters, where `name` cannot become plain by dropping accents.
    pub plain_name: Option<String>,
    /// The city in plain letters, likewise.
    pub plain_city: Option<String>,
    /// The language of name and city, two letters.
    pub language: String,
}

/// Why no code was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileError {
    /// The payload cannot be written.
    Encode(EncodeError),
    /// A rule of the profile is broken.
    Fault(Fault),
    /// The name or city has no plain form, and none is given.
    NotPlain(Place),
    /// What was written reads as something else.
    Ambiguous,
}

impl ProfileCode {
    /// Writes the payload, and reads it again by the profile's rules.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub fn encode(&self) -> Result<String, ProfileError> {
        let profile = self.payee.profile();
        let payload = self.payload(profile)?.encode_in(&profile.dialect())?;
        let decoded = mpm::decode(&payload).map_err(EncodeError::Refused)?;
        let readings = read(&decoded);
        let reading = readings.iter().find(|reading| reading.profile == profile);
        let reading = reading.ok_or(ProfileError::Ambiguous)?;
        if let Some(fault) = reading.faults.first() {
            return Err(ProfileError::Fault(*fault));
        }
        if reading.payee.as_ref() != Some(&self.payee) {
            return Err(ProfileError::Ambiguous);
        }
        Ok(payload)
    }

    fn payload(&self, profile: Profile) -> Result<MpmPayload, ProfileError> {
        // In Brazil 12 means that the bank takes the code once: true of what lies at the bank only.
        let is_for_one = if profile == Profile::Pix {
            matches!(self.payee, Payee::PixUrl { .. })
        } else {
            self.amount.is_some()
        };
        let merchant = self.merchant.as_ref();
        Ok(MpmPayload {
            initiation: if is_for_one {
                Initiation::Dynamic
            } else {
                Initiation::Static
            },
            accounts: self.payee.accounts()?,
            category: merchant.map(|merchant| merchant.category.clone()),
            currency: self.currency(profile)?,
            amount: self.amount,
            tip: self.tip,
            country: self
                .country
                .as_deref()
                .or(profile.country())
                .ok_or(ProfileError::Fault(Fault::Missing(Place::root(58))))?
                .to_owned(),
            name: merchant.map(Merchant::name_59).transpose()?,
            city: merchant.map(Merchant::city_60).transpose()?,
            post_code: merchant.and_then(|merchant| merchant.post_code.clone()),
            additional: self.additional(profile),
            local: merchant.and_then(Merchant::local),
            templates: self.payee.templates(),
        })
    }

    fn currency(&self, profile: Profile) -> Result<Currency, ProfileError> {
        let usual = profile.currencies().first().copied().unwrap_or("CNY");
        self.amount
            .map(Money::currency)
            .or_else(|| Currency::from_alpha(usual))
            .ok_or(ProfileError::Fault(Fault::Currency))
    }

    fn additional(&self, profile: Profile) -> Vec<(u8, String)> {
        let mut additional = self.additional.clone();
        if profile == Profile::Pix && !additional.iter().any(|(id, _)| *id == 5) {
            additional.push((5, "***".to_owned()));
            additional.sort_by_key(|(id, _)| *id);
        }
        additional
    }
}

impl Merchant {
    fn name_59(&self) -> Result<String, ProfileError> {
        plain(self.plain_name.as_ref().unwrap_or(&self.name), 25)
            .ok_or(ProfileError::NotPlain(Place::root(59)))
    }

    fn city_60(&self) -> Result<String, ProfileError> {
        plain(self.plain_city.as_ref().unwrap_or(&self.city), 15)
            .ok_or(ProfileError::NotPlain(Place::root(60)))
    }

    /// The original goes into 64 where the plain form is another.
    fn local(&self) -> Option<LocalNames> {
        let is_plain = self.name_59().as_ref() == Ok(&self.name) && self.city_60().as_ref() == Ok(&self.city);
        (!is_plain).then(|| LocalNames {
            language: self.language.clone(),
            name: self.name.chars().take(25).collect(),
            city: Some(self.city.chars().take(15).collect()),
        })
    }
}

/// The key by which KHQR's payments are asked for: MD5 of the payload in lower-case hex. A name, not a protection.
pub fn khqr_query_key(payload: &str) -> String {
    hex::encode(Md5::digest(payload.as_bytes()))
}

impl From<EncodeError> for ProfileError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => write!(f, "{error}"),
            Self::Fault(fault) => write!(f, "{fault}"),
            Self::NotPlain(place) => write!(f, "{place}: no plain letters"),
            Self::Ambiguous => f.write_str("the code would be read as another payee"),
        }
    }
}

impl core::error::Error for ProfileError {}
