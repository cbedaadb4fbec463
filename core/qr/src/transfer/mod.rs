//! Codes of bank transfers that are not `EMVCo`'s: lines of text with an account to pay to.
//!
//! [`Epc`]: the credit transfer code of the European Payments Council (EPC069-12). [`SwissBill`]: the Swiss QR-bill.
//! Both are read strictly: a transfer to a wrong account does not come back by itself.

mod checks;
mod epc;
mod swiss;

use core::fmt;

pub use epc::{Epc, EpcRemittance};
pub use swiss::{SwissAddress, SwissBill, SwissReference};

/// Why a transfer code was refused or not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferError {
    /// The first lines are none of this form, or a later fixed line is not as it must be.
    BadHeader,
    /// Lines are missing.
    Truncated,
    /// More bytes, characters or lines than the form allows.
    TooLong,
    /// The account number fails its check digits, or its country is not served.
    BadIban,
    /// The bank identifier is malformed.
    BadBic,
    /// Version 001 needs a bank identifier.
    MissingBic,
    /// A name or address that must be there is missing or too long.
    BadName,
    /// The amount is no amount or out of range.
    BadAmount,
    /// A currency that the form does not carry.
    BadCurrency,
    /// A purpose that is not up to four letters and digits.
    BadPurpose,
    /// The reference fails its check digits.
    BadReference,
    /// Both a reference and a text.
    BothRemittanceForms,
    /// A QR-IBAN needs a QR reference, and the reverse.
    ReferenceIbanMismatch,
    /// A text that is too long or has a line break in it.
    BadText,
}

impl TransferError {
    /// The stable name, as `bad_iban`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadHeader => "bad_header",
            Self::Truncated => "truncated",
            Self::TooLong => "too_long",
            Self::BadIban => "bad_iban",
            Self::BadBic => "bad_bic",
            Self::MissingBic => "missing_bic",
            Self::BadName => "bad_name",
            Self::BadAmount => "bad_amount",
            Self::BadCurrency => "bad_currency",
            Self::BadPurpose => "bad_purpose",
            Self::BadReference => "bad_reference",
            Self::BothRemittanceForms => "both_remittance_forms",
            Self::ReferenceIbanMismatch => "reference_iban_mismatch",
            Self::BadText => "bad_text",
        }
    }
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl core::error::Error for TransferError {}

/// The lines of a text, which end with LF or CRLF.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// A text of at most so many characters, without control characters.
fn is_text(text: &str, longest: usize) -> bool {
    text.chars().count() <= longest && !text.chars().any(char::is_control)
}
