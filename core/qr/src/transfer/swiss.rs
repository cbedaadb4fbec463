//! The Swiss QR-bill, version 0200.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use softpos_types::{Currency, Money};

use super::checks::{is_creditor_reference, is_iban, is_qr_reference};
use super::{TransferError, is_text, lines};

/// Characters of a code.
const MAX_CHARACTERS: usize = 997;
/// The largest amount, 999,999,999.99.
const MAX_AMOUNT_MINOR: i64 = 99_999_999_999;
/// Institutions of QR-IBANs.
const QR_INSTITUTIONS: core::ops::RangeInclusive<u32> = 30_000..=31_999;

/// A bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwissBill {
    /// The account, of Switzerland or Liechtenstein.
    pub iban: String,
    /// Who gets the money.
    pub creditor: SwissAddress,
    /// How much, in francs or euros; none if the payer types it.
    pub amount: Option<Money>,
    /// The currency, with or without an amount.
    pub currency: Currency,
    /// Who pays, if it is known.
    pub debtor: Option<SwissAddress>,
    /// The payment's reference.
    pub reference: SwissReference,
    /// A text for both sides, with `bill_info` at most 140 characters.
    pub message: Option<String>,
    /// Structured data of the biller.
    pub bill_info: Option<String>,
    /// Up to two lines of other ways to pay, at most 100 characters each.
    pub alternatives: Vec<String>,
}

/// A name and address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwissAddress {
    /// `S`: fields; `K`: lines (no longer to be made since the end of 2025).
    pub is_structured: bool,
    /// Name, at most 70 characters.
    pub name: String,
    /// Street, or line 1, at most 70 characters.
    pub street: String,
    /// House number (at most 16 characters), or line 2 (at most 70).
    pub number: String,
    /// Post code, at most 16 characters; empty with lines.
    pub post_code: String,
    /// Town, at most 35 characters; empty with lines.
    pub town: String,
    /// Country, two letters.
    pub country: String,
}

/// The reference of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwissReference {
    /// None (NON).
    None,
    /// 27 digits (QRR), with a QR-IBAN and only with one.
    Qr(String),
    /// A creditor reference of ISO 11649 (SCOR).
    Creditor(String),
}

impl SwissBill {
    /// Whether the account is a QR-IBAN: institution 30000 to 31999.
    pub fn is_qr_iban(&self) -> bool {
        let institution = self.iban.get(4..9).and_then(|digits| digits.parse().ok());
        institution.is_some_and(|institution| QR_INSTITUTIONS.contains(&institution))
    }

    /// Reads a code, with lines that end with LF or CRLF.
    ///
    /// # Errors
    /// [`TransferError`].
    pub fn decode(payload: &str) -> Result<Self, TransferError> {
        if payload.len() > MAX_CHARACTERS && payload.chars().count() > MAX_CHARACTERS {
            return Err(TransferError::TooLong);
        }
        let lines: Vec<&str> = lines(payload).collect();
        let header = lines.first_chunk::<3>();
        if header.is_none_or(|header| *header != ["SPC", "0200", "1"]) {
            return Err(TransferError::BadHeader);
        }
        let Some((fixed, further)) = lines.split_first_chunk::<31>() else {
            return Err(TransferError::Truncated);
        };
        let [.., form, reference, message, trailer] = *fixed;
        let (fixed, further) = (fixed.as_slice(), further.strip_suffix(&[""]).unwrap_or(further));
        let ultimate = fixed.get(11..18).unwrap_or_default();
        if trailer != "EPD" || ultimate.iter().any(|line| !line.is_empty()) {
            return Err(TransferError::BadHeader);
        }
        if further.len() > 3 {
            return Err(TransferError::TooLong);
        }
        let line = |index: usize| fixed.get(index).copied().unwrap_or_default();
        let currency = match line(19) {
            alpha @ ("CHF" | "EUR") => Currency::from_alpha(alpha).ok_or(TransferError::BadCurrency)?,
            _ => return Err(TransferError::BadCurrency),
        };
        let bill = Self {
            iban: line(3).to_owned(),
            creditor: SwissAddress::read(fixed.get(4..11)).ok_or(TransferError::BadName)?,
            amount: Some(line(18))
                .filter(|text| !text.is_empty())
                .map(|text| amount(text, currency))
                .transpose()?,
            currency,
            debtor: match fixed.get(20..27) {
                Some(lines) if lines.iter().all(|line| line.is_empty()) => None,
                lines => Some(SwissAddress::read(lines).ok_or(TransferError::BadName)?),
            },
            reference: match (form, reference) {
                ("NON", "") => SwissReference::None,
                ("QRR", reference) => SwissReference::Qr(reference.to_owned()),
                ("SCOR", reference) => SwissReference::Creditor(reference.to_owned()),
                _ => return Err(TransferError::BadReference),
            },
            message: some(message),
            bill_info: further.first().copied().and_then(some),
            alternatives: further.iter().skip(1).map(ToString::to_string).collect(),
        };
        bill.check()?;
        Ok(bill)
    }

    /// Writes a code, lines ended by LF.
    ///
    /// # Errors
    /// [`TransferError`], by the rules of reading.
    pub fn encode(&self) -> Result<String, TransferError> {
        self.check()?;
        let mut lines: Vec<&str> = alloc::vec!["SPC", "0200", "1", &self.iban];
        self.creditor.write(&mut lines);
        lines.extend([""; 7]);
        let amount = self.amount.map(|amount| amount.to_string()).unwrap_or_default();
        lines.extend([amount.as_str(), self.currency.alpha()]);
        match &self.debtor {
            Some(debtor) => debtor.write(&mut lines),
            None => lines.extend([""; 7]),
        }
        lines.extend(match &self.reference {
            SwissReference::None => ["NON", ""],
            SwissReference::Qr(reference) => ["QRR", reference],
            SwissReference::Creditor(reference) => ["SCOR", reference],
        });
        lines.extend([self.message.as_deref().unwrap_or_default(), "EPD"]);
        if self.bill_info.is_some() || !self.alternatives.is_empty() {
            lines.push(self.bill_info.as_deref().unwrap_or_default());
        }
        lines.extend(self.alternatives.iter().map(String::as_str));
        let payload = lines.join("\n");
        if payload.chars().count() > MAX_CHARACTERS {
            return Err(TransferError::TooLong);
        }
        Ok(payload)
    }

    fn check(&self) -> Result<(), TransferError> {
        let is_served = self.iban.starts_with("CH") || self.iban.starts_with("LI");
        if !is_served || self.iban.len() != 21 || !is_iban(&self.iban) {
            return Err(TransferError::BadIban);
        }
        self.creditor.check()?;
        self.debtor.as_ref().map_or(Ok(()), SwissAddress::check)?;
        if !matches!(self.currency.alpha(), "CHF" | "EUR") {
            return Err(TransferError::BadCurrency);
        }
        if let Some(amount) = self.amount {
            if amount.currency() != self.currency {
                return Err(TransferError::BadCurrency);
            }
            if !(1..=MAX_AMOUNT_MINOR).contains(&amount.amount_minor()) {
                return Err(TransferError::BadAmount);
            }
        }
        match &self.reference {
            SwissReference::Qr(_) | SwissReference::None | SwissReference::Creditor(_)
                if self.is_qr_iban() != matches!(self.reference, SwissReference::Qr(_)) =>
            {
                return Err(TransferError::ReferenceIbanMismatch);
            }
            SwissReference::Qr(reference) if !is_qr_reference(reference) => {
                return Err(TransferError::BadReference);
            }
            SwissReference::Creditor(reference) if !is_creditor_reference(reference) => {
                return Err(TransferError::BadReference);
            }
            SwissReference::None | SwissReference::Qr(_) | SwissReference::Creditor(_) => {}
        }
        let (message, info) = (self.message.as_deref(), self.bill_info.as_deref());
        let texts = [message.unwrap_or_default(), info.unwrap_or_default()];
        let together = texts
            .iter()
            .map(|text| text.chars().count())
            .fold(0_usize, usize::saturating_add);
        let are_texts = texts.iter().all(|text| is_text(text, 140)) && together <= 140;
        if !are_texts
            || self.alternatives.len() > 2
            || !self.alternatives.iter().all(|line| is_text(line, 100))
        {
            return Err(TransferError::BadText);
        }
        Ok(())
    }
}

impl SwissAddress {
    fn read(lines: Option<&[&str]>) -> Option<Self> {
        let &[form, name, street, number, post_code, town, country] = lines? else {
            return None;
        };
        let is_structured = match form {
            "S" => true,
            "K" => false,
            _ => return None,
        };
        Some(Self {
            is_structured,
            name: name.to_owned(),
            street: street.to_owned(),
            number: number.to_owned(),
            post_code: post_code.to_owned(),
            town: town.to_owned(),
            country: country.to_owned(),
        })
    }

    fn write<'a>(&'a self, lines: &mut Vec<&'a str>) {
        lines.extend([
            if self.is_structured { "S" } else { "K" },
            &self.name,
            &self.street,
            &self.number,
            &self.post_code,
            &self.town,
            &self.country,
        ]);
    }

    fn check(&self) -> Result<(), TransferError> {
        let is_country = self.country.len() == 2 && self.country.bytes().all(|b| b.is_ascii_uppercase());
        let is_placed = if self.is_structured {
            is_text(&self.number, 16)
                && (!self.post_code.is_empty() && is_text(&self.post_code, 16))
                && (!self.town.is_empty() && is_text(&self.town, 35))
        } else {
            !self.number.is_empty()
                && is_text(&self.number, 70)
                && self.post_code.is_empty()
                && self.town.is_empty()
        };
        let is_named = !self.name.is_empty() && is_text(&self.name, 70) && is_text(&self.street, 70);
        (is_country && is_placed && is_named)
            .then_some(())
            .ok_or(TransferError::BadName)
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Digits, a point and two decimals, without leading zeros.
fn amount(text: &str, currency: Currency) -> Result<Money, TransferError> {
    let money = Money::parse_payment(text, currency).map_err(|_| TransferError::BadAmount)?;
    (money.to_string() == text)
        .then_some(money)
        .ok_or(TransferError::BadAmount)
}
