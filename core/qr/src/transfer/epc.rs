//! EPC069-12: the credit transfer code that European banking apps scan.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use softpos_types::{Currency, Money};

use super::checks::{is_bic, is_creditor_reference, is_iban};
use super::{TransferError, is_text, lines};

/// Bytes of a code: what version 13 at error correction M holds.
const MAX_BYTES: usize = 331;
/// The largest amount, 999,999,999.99.
const MAX_AMOUNT_MINOR: i64 = 99_999_999_999;

/// A credit transfer in euro.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epc {
    /// The bank, eight or eleven characters; version 002 does without.
    pub bic: Option<String>,
    /// Who gets the money, at most 70 characters.
    pub name: String,
    /// The account.
    pub iban: String,
    /// How much, 0.01 to 999,999,999.99 EUR; none if the payer types it.
    pub amount: Option<Money>,
    /// Purpose code, up to four letters and digits.
    pub purpose: Option<String>,
    /// What the payment is for.
    pub remittance: EpcRemittance,
    /// A note for the payer, at most 70 characters.
    pub information: Option<String>,
}

/// What a transfer is for: one form only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EpcRemittance {
    /// Nothing is said.
    None,
    /// A creditor reference (ISO 11649).
    Reference(String),
    /// Free text, at most 140 characters.
    Text(String),
}

impl Epc {
    /// Reads a code of version 001 or 002, with lines that end with LF or CRLF.
    ///
    /// The text must already be text: the character set (line 3) only decides how many bytes it had.
    ///
    /// # Errors
    /// [`TransferError`].
    pub fn decode(payload: &str) -> Result<Self, TransferError> {
        // No line end can make a shorter code; what is longer need not be taken apart.
        if payload.len() > MAX_BYTES.saturating_mul(4) {
            return Err(TransferError::TooLong);
        }
        let mut lines: Vec<&str> = lines(payload).collect();
        while lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        let Some((&[service, version, charset, form, bic, name, iban], rest)) =
            lines.split_first_chunk::<7>()
        else {
            return Err(header_fault(&lines));
        };
        if service != "BCD" || !matches!(version, "001" | "002") || form != "SCT" {
            return Err(TransferError::BadHeader);
        }
        let byte_length = match charset {
            "1" => payload.len(),
            "2" | "3" | "4" | "5" | "6" | "7" | "8" => payload.chars().count(),
            _ => return Err(TransferError::BadHeader),
        };
        if byte_length > MAX_BYTES || rest.len() > 5 {
            return Err(TransferError::TooLong);
        }
        let line = |index: usize| rest.get(index).copied().filter(|line| !line.is_empty());
        let code = Self {
            bic: Some(bic).filter(|bic| !bic.is_empty()).map(ToOwned::to_owned),
            name: name.to_owned(),
            iban: iban.to_owned(),
            amount: line(0).map(amount).transpose()?,
            purpose: line(1).map(ToOwned::to_owned),
            remittance: match (line(2), line(3)) {
                (Some(_), Some(_)) => return Err(TransferError::BothRemittanceForms),
                (Some(reference), None) => EpcRemittance::Reference(reference.to_owned()),
                (None, Some(text)) => EpcRemittance::Text(text.to_owned()),
                (None, None) => EpcRemittance::None,
            },
            information: line(4).map(ToOwned::to_owned),
        };
        if version == "001" && code.bic.is_none() {
            return Err(TransferError::MissingBic);
        }
        code.check()?;
        Ok(code)
    }

    /// Writes a code of version 002 in UTF-8, lines ended by LF.
    ///
    /// # Errors
    /// [`TransferError`], by the rules of reading.
    pub fn encode(&self) -> Result<String, TransferError> {
        self.check()?;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let (reference, free_text) = match &self.remittance {
            EpcRemittance::None => (String::new(), String::new()),
            EpcRemittance::Reference(reference) => (reference.clone(), String::new()),
            EpcRemittance::Text(free_text) => (String::new(), free_text.clone()),
        };
        let lines = [
            "BCD".to_owned(),
            "002".to_owned(),
            "1".to_owned(),
            "SCT".to_owned(),
            text(&self.bic),
            self.name.clone(),
            self.iban.clone(),
            self.amount
                .map(|amount| format!("EUR{amount}"))
                .unwrap_or_default(),
            text(&self.purpose),
            reference,
            free_text,
            text(&self.information),
        ];
        // The last line is not ended, and empty lines at the end are left out.
        let payload = lines.join("\n").trim_end_matches('\n').to_string();
        if payload.len() > MAX_BYTES {
            return Err(TransferError::TooLong);
        }
        Ok(payload)
    }

    fn check(&self) -> Result<(), TransferError> {
        if self.bic.as_deref().is_some_and(|bic| !is_bic(bic)) {
            return Err(TransferError::BadBic);
        }
        if self.name.is_empty() || !is_text(&self.name, 70) {
            return Err(TransferError::BadName);
        }
        if !is_iban(&self.iban) {
            return Err(TransferError::BadIban);
        }
        if let Some(amount) = self.amount {
            if amount.currency().alpha() != "EUR" {
                return Err(TransferError::BadCurrency);
            }
            if !(1..=MAX_AMOUNT_MINOR).contains(&amount.amount_minor()) {
                return Err(TransferError::BadAmount);
            }
        }
        let is_purpose = |purpose: &str| {
            matches!(purpose.len(), 1..=4) && purpose.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        if self
            .purpose
            .as_deref()
            .is_some_and(|purpose| !is_purpose(purpose))
        {
            return Err(TransferError::BadPurpose);
        }
        match &self.remittance {
            EpcRemittance::Reference(reference) if !is_creditor_reference(reference) => {
                return Err(TransferError::BadReference);
            }
            EpcRemittance::Text(text) if text.is_empty() || !is_text(text, 140) => {
                return Err(TransferError::BadText);
            }
            EpcRemittance::None | EpcRemittance::Reference(_) | EpcRemittance::Text(_) => {}
        }
        let is_note = |note: &str| !note.is_empty() && is_text(note, 70);
        if self.information.as_deref().is_some_and(|note| !is_note(note)) {
            return Err(TransferError::BadText);
        }
        Ok(())
    }
}

fn header_fault(lines: &[&str]) -> TransferError {
    if lines.first() == Some(&"BCD") {
        TransferError::Truncated
    } else {
        TransferError::BadHeader
    }
}

/// `EUR12.3`: at most two decimals behind a point.
fn amount(text: &str) -> Result<Money, TransferError> {
    let euro = Currency::from_alpha("EUR").ok_or(TransferError::BadCurrency)?;
    let number = text.strip_prefix("EUR").ok_or(TransferError::BadCurrency)?;
    if !number.starts_with(|c: char| c.is_ascii_digit()) || number.ends_with(char::is_whitespace) {
        return Err(TransferError::BadAmount);
    }
    Money::parse_payment(number, euro).map_err(|_| TransferError::BadAmount)
}
