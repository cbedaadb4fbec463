//! Amounts: minor units and a currency, never a fraction.

use softpos_types as types;
use softpos_types::{Code, Currency, MoneyError};

use crate::error::SoftPosError;
use crate::guard;
use crate::mirror::Cross;

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
        let amount = types::Money::parse_payment(text, known(currency)?).map_err(refused)?;
        Ok(amount.cross())
    })
}

/// An amount for people, as `¥12.34`.
#[uniffi::export]
pub fn amount_text(amount: Money) -> Result<String, SoftPosError> {
    guard::call(|| Ok(softpos_terminal::amount_text(amount.try_into()?)))
}

impl Cross<Money> for types::Money {
    fn cross(self) -> Money {
        Money {
            amount_minor: self.amount_minor(),
            currency: self.currency().cross(),
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

fn refused(error: MoneyError) -> types::SoftPosError {
    types::SoftPosError::of(match error {
        MoneyError::NotANumber => Code::AmountNotANumber,
        MoneyError::Zero => Code::AmountZero,
        MoneyError::Negative => Code::AmountNegative,
        MoneyError::TooManyDecimals => Code::AmountTooManyDecimals,
        MoneyError::TooLarge => Code::AmountOverLimit,
        MoneyError::CurrencyMismatch => Code::CurrencyNotAllowed,
    })
}
