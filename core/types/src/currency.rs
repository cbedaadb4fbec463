//! Currencies by their ISO 4217 codes, with the exponent from a table.

use core::fmt;

/// A currency of ISO 4217.
///
/// The exponent (digits of the minor unit) comes from the table and never from a caller: a yen amount has
/// none, a dinar three, and a till that assumes two charges a hundredfold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(&'static Row);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Row {
    numeric: u16,
    alpha: &'static str,
    exponent: u8,
    symbol: &'static str,
}

const fn row(numeric: u16, alpha: &'static str, exponent: u8, symbol: &'static str) -> Row {
    Row {
        numeric,
        alpha,
        exponent,
        symbol,
    }
}

/// ISO 4217, list one: the currencies of the payment codes and schemes that softpos knows.
static TABLE: &[Row] = &[
    row(36, "AUD", 2, "A$"),
    row(48, "BHD", 3, "BHD "),
    row(50, "BDT", 2, "৳"),
    row(96, "BND", 2, "B$"),
    row(116, "KHR", 2, "៛"),
    row(124, "CAD", 2, "C$"),
    row(144, "LKR", 2, "LKR "),
    row(152, "CLP", 0, "CLP "),
    row(156, "CNY", 2, "¥"),
    row(208, "DKK", 2, "kr "),
    row(344, "HKD", 2, "HK$"),
    row(356, "INR", 2, "₹"),
    row(360, "IDR", 2, "Rp"),
    row(376, "ILS", 2, "₪"),
    row(392, "JPY", 0, "JP¥"),
    row(400, "JOD", 3, "JOD "),
    row(404, "KES", 2, "KSh"),
    row(410, "KRW", 0, "₩"),
    row(414, "KWD", 3, "KWD "),
    row(418, "LAK", 2, "₭"),
    row(446, "MOP", 2, "MOP$"),
    row(458, "MYR", 2, "RM"),
    row(484, "MXN", 2, "MX$"),
    row(496, "MNT", 2, "₮"),
    row(512, "OMR", 3, "OMR "),
    row(524, "NPR", 2, "NPR "),
    row(554, "NZD", 2, "NZ$"),
    row(566, "NGN", 2, "₦"),
    row(578, "NOK", 2, "kr "),
    row(586, "PKR", 2, "PKR "),
    row(608, "PHP", 2, "₱"),
    row(643, "RUB", 2, "₽"),
    row(682, "SAR", 2, "SAR "),
    row(702, "SGD", 2, "S$"),
    row(704, "VND", 0, "₫"),
    row(710, "ZAR", 2, "R"),
    row(752, "SEK", 2, "kr "),
    row(756, "CHF", 2, "CHF "),
    row(764, "THB", 2, "฿"),
    row(784, "AED", 2, "AED "),
    row(788, "TND", 3, "TND "),
    row(818, "EGP", 2, "E£"),
    row(826, "GBP", 2, "£"),
    row(840, "USD", 2, "$"),
    row(901, "TWD", 2, "NT$"),
    row(936, "GHS", 2, "GH₵"),
    row(949, "TRY", 2, "₺"),
    row(952, "XOF", 0, "CFA "),
    row(978, "EUR", 2, "€"),
    row(985, "PLN", 2, "zł "),
    row(986, "BRL", 2, "R$"),
];

impl Currency {
    /// The yuan renminbi.
    pub const CNY: Self = Self(&row(156, "CNY", 2, "¥"));

    /// Looks a currency up by its three-letter code, in upper case.
    pub fn from_alpha(alpha: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.alpha == alpha).map(Self)
    }

    /// Looks a currency up by its numeric code (5F2A, DE49, QR field 53).
    pub fn from_numeric(numeric: u16) -> Option<Self> {
        TABLE.iter().find(|row| row.numeric == numeric).map(Self)
    }

    /// Three letters, as `CNY`.
    pub const fn alpha(self) -> &'static str {
        self.0.alpha
    }

    /// The numeric code, as 156.
    pub const fn numeric(self) -> u16 {
        self.0.numeric
    }

    /// How many decimal digits the minor unit stands for.
    pub const fn exponent(self) -> u8 {
        self.0.exponent
    }

    /// The sign written before an amount.
    pub const fn symbol(self) -> &'static str {
        self.0.symbol
    }

    /// Minor units in one major unit: 1, 100 or 1000.
    pub const fn minor_per_major(self) -> i64 {
        match self.0.exponent {
            0 => 1,
            3 => 1_000,
            _ => 100,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.alpha())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.alpha())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_the_constant_is_the_row() {
        for (i, a) in TABLE.iter().enumerate() {
            for b in &TABLE[i + 1..] {
                assert!(a.numeric != b.numeric && a.alpha != b.alpha, "{a:?} {b:?}");
            }
        }
        assert_eq!(Currency::from_alpha("CNY"), Some(Currency::CNY));
    }

    #[test]
    fn exponents_differ_by_currency() {
        let exponent = |alpha| Currency::from_alpha(alpha).map(Currency::exponent);
        assert_eq!(
            (exponent("JPY"), exponent("EUR"), exponent("KWD")),
            (Some(0), Some(2), Some(3))
        );
        assert_eq!(exponent("cny"), None);
    }
}
