//! What a scanned text is. Nothing is guessed: a text that is no payment code is refused with what was expected.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, str};

use crate::link::{Link, LinkError};
use crate::payment_code::PaymentCode;
use crate::profile::{self, Reading};
use crate::transfer::{Epc, SwissBill, TransferError};
use crate::{cpm, mpm};

/// Bytes of the largest symbol (version 40, digits at L).
const MAX_BYTES: usize = 7_089;

/// How an activation code begins. It holds a secret, so nothing of it is taken apart here.
const ACTIVATION: &str = "softpos:activate?";

/// A recognised text.
#[derive(Debug)]
pub enum Recognised<'a> {
    /// A payer's `EMVCo` code: to be charged, online only.
    Cpm(cpm::Decoded),
    /// A payer's wallet code: to be charged, online only.
    PaymentCode(PaymentCode),
    /// A merchant's code, with every national profile it serves.
    Mpm {
        /// What it says.
        decoded: mpm::Decoded<'a>,
        /// In the words of the profiles.
        readings: Vec<Reading>,
    },
    /// A European credit transfer.
    Epc(Epc),
    /// A Swiss bill.
    Swiss(Box<SwissBill>),
    /// A link of a known service.
    Link(Link<'a>),
    /// A code that activates this till.
    Activation(&'a str),
}

/// Why a text is no payment code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotRecognised {
    /// Nothing was scanned.
    Empty,
    /// Longer than any symbol.
    TooLong,
    /// Neither UTF-8 nor text of ISO 8859-1.
    NotText,
    /// Begins as a payer's `EMVCo` code and is refused.
    Cpm(cpm::Refused),
    /// Only digits, and no wallet's: a barcode of goods, perhaps.
    Digits {
        /// How many.
        count: usize,
    },
    /// Begins as a merchant's code and is refused.
    Mpm(mpm::Refused),
    /// Begins as a credit transfer and is refused.
    Epc(TransferError),
    /// Begins as a Swiss bill and is refused.
    Swiss(TransferError),
    /// A link, and none of a known service, or one that is refused.
    Link(LinkError),
    /// None of these.
    Unknown,
}

/// Recognises a text. Spaces and line ends around it, which scanners add, do not count.
///
/// # Errors
/// [`NotRecognised`], whose text says what was expected.
pub fn recognise(text: &str) -> Result<Recognised<'_>, NotRecognised> {
    if text.len() > MAX_BYTES {
        return Err(NotRecognised::TooLong);
    }
    let text = text.trim_matches([' ', '\t', '\r', '\n', '\u{FEFF}']);
    if text.is_empty() {
        return Err(NotRecognised::Empty);
    }
    if text.starts_with(cpm::PREFIX) {
        return cpm::decode(text).map(Recognised::Cpm).map_err(NotRecognised::Cpm);
    }
    // Merchant codes have letters (a country at least), so that digits alone are a wallet's or nobody's.
    if text.bytes().all(|b| b.is_ascii_digit()) {
        let count = text.len();
        let code = PaymentCode::parse(text).map_err(|_| NotRecognised::Digits { count })?;
        return Ok(Recognised::PaymentCode(code));
    }
    if text.starts_with("0002") {
        let decoded = mpm::decode(text).map_err(NotRecognised::Mpm)?;
        let readings = profile::read(&decoded);
        return Ok(Recognised::Mpm { decoded, readings });
    }
    match text.lines().next() {
        Some("BCD") => return Epc::decode(text).map(Recognised::Epc).map_err(NotRecognised::Epc),
        Some("SPC") => {
            return SwissBill::decode(text)
                .map(|bill| Recognised::Swiss(Box::new(bill)))
                .map_err(NotRecognised::Swiss);
        }
        _ => {}
    }
    if text.starts_with(ACTIVATION) {
        return Ok(Recognised::Activation(text));
    }
    if text.contains("://") {
        return Link::parse(text)
            .map(Recognised::Link)
            .map_err(NotRecognised::Link);
    }
    Err(NotRecognised::Unknown)
}

/// The text of a symbol's bytes: UTF-8, otherwise ISO 8859-1, in which older codes and those of West Africa are made.
///
/// # Errors
/// [`NotRecognised::TooLong`], or [`NotRecognised::NotText`] for control characters that no code has.
pub fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>, NotRecognised> {
    if bytes.len() > MAX_BYTES {
        return Err(NotRecognised::TooLong);
    }
    let text = match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect::<String>()),
    };
    let is_text = text
        .chars()
        .all(|c| !c.is_control() || matches!(c, '\r' | '\n' | '\t'));
    is_text.then_some(text).ok_or(NotRecognised::NotText)
}

impl fmt::Display for NotRecognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("nothing was scanned"),
            Self::TooLong => f.write_str("longer than any code"),
            Self::NotText => f.write_str("not text"),
            Self::Cpm(refused) => write!(f, "a payer's code, damaged: {refused}"),
            Self::Digits {
                count: 8 | 12 | 13 | 14,
            } => f.write_str("a barcode of goods, not a payment code"),
            Self::Digits { count } => write!(
                f,
                "{count} digits of no known wallet: WeChat Pay has 18, Alipay 16 to 24, UnionPay 19"
            ),
            Self::Mpm(refused) => write!(f, "a merchant's code, damaged or forged: {refused}"),
            Self::Epc(error) => write!(f, "a credit transfer that is not valid: {error}"),
            Self::Swiss(error) => write!(f, "a Swiss bill that is not valid: {error}"),
            Self::Link(LinkError::UnknownService) => f.write_str("a link of no known payment service"),
            Self::Link(error) => write!(f, "a payment link that is not valid: {error}"),
            Self::Unknown => {
                f.write_str("not a payment code: a wallet's payment code or a merchant's code was expected")
            }
        }
    }
}

impl core::error::Error for NotRecognised {}
