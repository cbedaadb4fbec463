//! Amounts: integers in minor units with a currency. No floats, no silent overflow.

use core::fmt;

use crate::Currency;

/// An amount of money: an integer in minor units and its currency.
///
/// A *payment* amount lies in 1..=999,999,999,999 (12 digits, EMV 9F02 and ISO 8583 DE4); sums and differences
/// may be zero or negative, and every operation that could overflow or mix currencies is an error.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    amount_minor: i64,
    currency: Currency,
}

/// Why an amount was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyError {
    /// The text is not a decimal number.
    NotANumber,
    /// The amount is zero.
    Zero,
    /// The amount is below zero.
    Negative,
    /// More decimals than the currency has.
    TooManyDecimals,
    /// More than 12 digits of minor units, or an overflow.
    TooLarge,
    /// Two currencies met in one calculation.
    CurrencyMismatch,
}

impl Money {
    /// The largest payment: 12 digits of minor units.
    pub const MAX_PAYMENT_MINOR: i64 = 999_999_999_999;

    /// An amount of any sign, for sums and differences.
    pub const fn new(amount_minor: i64, currency: Currency) -> Self {
        Self {
            amount_minor,
            currency,
        }
    }

    /// A payment amount.
    ///
    /// # Errors
    /// [`MoneyError::Zero`], [`MoneyError::Negative`] or [`MoneyError::TooLarge`] outside 1..=999,999,999,999.
    pub const fn payment(amount_minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        match amount_minor {
            0 => Err(MoneyError::Zero),
            i64::MIN..=-1 => Err(MoneyError::Negative),
            1..=Self::MAX_PAYMENT_MINOR => Ok(Self {
                amount_minor,
                currency,
            }),
            _ => Err(MoneyError::TooLarge),
        }
    }

    /// Reads what a person types: `12`, `12.3`, `12.34`, with at most the currency's decimals.
    ///
    /// # Errors
    /// As [`Money::payment`], and [`MoneyError::NotANumber`] or [`MoneyError::TooManyDecimals`].
    pub fn parse_payment(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.') {
            return Err(MoneyError::NotANumber);
        }
        if negative {
            return Err(MoneyError::Negative);
        }
        let exponent = usize::from(currency.exponent());
        if fraction.len() > exponent {
            return Err(MoneyError::TooManyDecimals);
        }
        let padding = core::iter::repeat_n(b'0', exponent.saturating_sub(fraction.len()));
        let mut amount_minor = 0_i64;
        for digit in whole.bytes().chain(fraction.bytes()).chain(padding) {
            amount_minor = amount_minor
                .checked_mul(10)
                .and_then(|shifted| shifted.checked_add(i64::from(digit.wrapping_sub(b'0'))))
                .ok_or(MoneyError::TooLarge)?;
        }
        Self::payment(amount_minor, currency)
    }

    /// The amount in minor units.
    pub const fn amount_minor(self) -> i64 {
        self.amount_minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Adds two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::TooLarge`] on overflow.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// Subtracts an amount of the same currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::TooLarge`] on overflow.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    fn combine(self, other: Self, op: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let amount_minor = op(self.amount_minor, other.amount_minor).ok_or(MoneyError::TooLarge)?;
        Ok(Self {
            amount_minor,
            currency: self.currency,
        })
    }
}

/// The plain decimal number, without sign of the currency: `12.34`, `-0.05`, `500` for a yen amount.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let minor = self.amount_minor.unsigned_abs();
        match self.currency.exponent() {
            0 => write!(f, "{sign}{minor}"),
            3 => write!(f, "{sign}{}.{:03}", minor / 1_000, minor % 1_000),
            _ => write!(f, "{sign}{}.{:02}", minor / 100, minor % 100),
        }
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {self}", self.currency)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn cny(text: &str) -> Result<i64, MoneyError> {
        Money::parse_payment(text, Currency::CNY).map(Money::amount_minor)
    }

    #[test]
    fn reads_what_a_merchant_types() {
        assert_eq!(cny("12"), Ok(1_200));
        assert_eq!(cny(" 12.3 "), Ok(1_230));
        assert_eq!(cny("0.01"), Ok(1));
        assert_eq!(cny("9999999999.99"), Ok(Money::MAX_PAYMENT_MINOR));
    }

    #[test]
    fn refuses_with_the_reason() {
        for (text, error) in [
            ("0", MoneyError::Zero),
            ("0.00", MoneyError::Zero),
            ("-1", MoneyError::Negative),
            ("1.234", MoneyError::TooManyDecimals),
            ("10000000000.00", MoneyError::TooLarge),
            ("99999999999999999999999", MoneyError::TooLarge),
            ("", MoneyError::NotANumber),
            (".5", MoneyError::NotANumber),
            ("5.", MoneyError::NotANumber),
            ("1,5", MoneyError::NotANumber),
            ("1e3", MoneyError::NotANumber),
            ("١٢", MoneyError::NotANumber),
            ("--1", MoneyError::NotANumber),
        ] {
            assert_eq!(cny(text), Err(error), "{text}");
        }
    }

    #[test]
    fn decimals_follow_the_currency() {
        let parse = |text, alpha| Money::parse_payment(text, Currency::from_alpha(alpha).unwrap());
        assert_eq!(parse("500", "JPY").unwrap().amount_minor(), 500);
        assert_eq!(parse("5.0", "JPY"), Err(MoneyError::TooManyDecimals));
        assert_eq!(parse("1.234", "KWD").unwrap().to_string(), "1.234");
    }

    #[test]
    fn sums_never_mix_or_wrap() {
        let one = Money::new(1, Currency::CNY);
        let yen = Money::new(1, Currency::from_alpha("JPY").unwrap());
        assert_eq!(one.checked_add(yen), Err(MoneyError::CurrencyMismatch));
        assert_eq!(
            Money::new(i64::MAX, Currency::CNY).checked_add(one),
            Err(MoneyError::TooLarge)
        );
        assert_eq!(
            Money::new(i64::MIN, Currency::CNY).to_string(),
            "-92233720368547758.08"
        );
        assert_eq!(
            one.checked_sub(Money::new(6, Currency::CNY)).unwrap().to_string(),
            "-0.05"
        );
    }
}
