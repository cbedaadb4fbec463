//! Amounts: minor units and a currency, never a fraction.

use softpos_types as types;
use softpos_types::{Code, Currency};

use crate::error::SoftPosError;
use crate::guard;

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Money {
    /// In minor units of the currency, as fen or cents.
    pub amount_minor: i64,
    /// ISO 4217, three letters, as `CNY`.
    pub currency: String,
}

/// Reads the amount that a person typed, as `12.34`, with at most the currency's decimals.
#[uniffi::export]
pub fn amount_from_text(text: &str, currency: &str) -> Result<Money, SoftPosError> {
    guard::call(|| {
        let amount = types::Money::parse_payment(text, known(currency)?);
        Ok(amount
            .map_err(|error| types::SoftPosError::of(error.into()))?
            .into())
    })
}

/// An amount for people, as `¥12.34`.
#[uniffi::export]
pub fn amount_text(amount: Money) -> Result<String, SoftPosError> {
    guard::call(|| Ok(softpos_terminal::amount_text(amount.try_into()?)))
}

impl From<types::Money> for Money {
    fn from(amount: types::Money) -> Self {
        Self {
            amount_minor: amount.amount_minor(),
            currency: amount.currency().alpha().to_owned(),
        }
    }
}

impl TryFrom<Money> for types::Money {
    type Error = types::SoftPosError;

    fn try_from(money: Money) -> Result<Self, types::SoftPosError> {
        Ok(Self::new(money.amount_minor, known(&money.currency)?))
    }
}

fn known(currency: &str) -> Result<Currency, types::SoftPosError> {
    Currency::from_alpha(currency).ok_or_else(|| types::SoftPosError::of(Code::CurrencyNotAllowed))
}
