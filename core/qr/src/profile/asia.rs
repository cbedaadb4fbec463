//! Reading the profiles of South and South-East Asia.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use super::Fault;
use super::account::{alphanumeric, digits, may, must, printable};
use super::payee::{Lifetime, PayNowId, Payee, PromptPayId};
use crate::link::is_upi_address;
use crate::mpm::{Decoded, Initiation, MerchantAccountRef, Place, read_template};

/// The issuer number of Indonesia's merchant PANs.
const QRIS_PREFIX: &str = "9360";

type Account<'d, 'a> = MerchantAccountRef<'d, 'a>;

/// 29: one of telephone, tax number and wallet.
pub(super) fn promptpay(account: &Account<'_, '_>) -> Result<Payee, Fault> {
    let phone = may(account, 1, |value| {
        digits(value, 13, 13) && value.starts_with("00")
    })?;
    let tax_id = may(account, 2, |value| digits(value, 13, 13))?;
    let wallet = may(account, 3, |value| digits(value, 15, 15))?;
    let id = match (phone, tax_id, wallet) {
        (Some(phone), None, None) => PromptPayId::Phone(phone),
        (None, Some(number), None) => PromptPayId::TaxId(number),
        (None, None, Some(number)) => PromptPayId::Wallet(number),
        (None, None, None) => return Err(Fault::Missing(Place::within(account.id, 1))),
        _ => return Err(Fault::Conflict(Place::root(account.id))),
    };
    Ok(Payee::PromptPay(id))
}

/// 30: biller and references.
pub(super) fn promptpay_bill(account: &Account<'_, '_>) -> Result<Payee, Fault> {
    Ok(Payee::PromptPayBill {
        biller: must(account, 1, |value| digits(value, 13, 15))?,
        reference: must(account, 2, |value| alphanumeric(value, 1, 20))?,
        second_reference: may(account, 3, |value| alphanumeric(value, 1, 20))?,
    })
}

/// 26 and, for the national register, 51.
pub(super) fn paynow(decoded: &Decoded<'_>, account: &Account<'_, '_>) -> Result<Payee, Fault> {
    let kind = must(account, 1, |value| matches!(value, "0" | "2"))?;
    let id = if kind == "0" {
        let is_phone = |value: &str| {
            value
                .strip_prefix('+')
                .is_some_and(|number| digits(number, 8, 15))
        };
        PayNowId::Phone(must(account, 2, is_phone)?)
    } else {
        PayNowId::Uen(must(account, 2, |value| alphanumeric(value, 9, 13))?)
    };
    let sgqr = decoded.merchant_accounts().find(|other| {
        other
            .guid()
            .is_some_and(|guid| guid.eq_ignore_ascii_case("SG.SGQR"))
    });
    Ok(Payee::PayNow {
        id,
        is_editable: must(account, 3, |value| matches!(value, "0" | "1"))? == "1",
        expiry: may(account, 4, |value| digits(value, 8, 8) || digits(value, 14, 14))?,
        sgqr: sgqr.and_then(|sgqr| sgqr.part(1)).map(ToOwned::to_owned),
    })
}

/// Whether an account carries an Indonesian merchant PAN.
pub(super) fn is_qris_acquirer(account: &Account<'_, '_>) -> bool {
    matches!(account.id, 26..=45) && account.part(1).is_some_and(is_qris_pan)
}

fn is_qris_pan(value: &str) -> bool {
    digits(value, 16, 19) && value.starts_with(QRIS_PREFIX)
}

/// 26..45 of the acquirer, 51 of the national scheme, 61.
pub(super) fn qris(
    decoded: &Decoded<'_>,
    account: &Account<'_, '_>,
    faults: &mut Vec<Fault>,
) -> Result<Payee, Fault> {
    let national = decoded.merchant_accounts().find(|other| {
        other.id == 51
            && other
                .guid()
                .is_some_and(|guid| guid.eq_ignore_ascii_case("ID.CO.QRIS.WWW"))
    });
    if national.is_none() {
        faults.push(Fault::Missing(Place::root(51)));
    }
    if decoded.value(61).is_none() {
        faults.push(Fault::Missing(Place::root(61)));
    }
    let acquirer = decoded
        .merchant_accounts()
        .find(is_qris_acquirer)
        .ok_or(Fault::Missing(Place::within(account.id, 1)))?;
    let is_class: fn(&str) -> bool =
        |value| value.len() == 3 && value.bytes().all(|b| b.is_ascii_uppercase());
    Ok(Payee::Qris {
        acquirer: must(&acquirer, 0, |_| true)?,
        pan: must(&acquirer, 1, is_qris_pan)?,
        merchant: must(&acquirer, 2, |value| printable(value, 15))?,
        criteria: must(&acquirer, 3, is_class)?,
        national_id: match national {
            Some(national) => may(&national, 2, |value| alphanumeric(value, 1, 15))?,
            None => None,
        },
    })
}

/// 38: bank and account inside 01, service in 02.
pub(super) fn vietqr(account: &Account<'_, '_>) -> Result<Payee, Fault> {
    let inner = account
        .part(1)
        .ok_or(Fault::Missing(Place::within(account.id, 1)))?;
    let bad = Fault::Value(Place::within(account.id, 1));
    let parts = read_template(inner).ok_or(bad)?;
    let inner = MerchantAccountRef {
        id: 1,
        value: inner,
        parts: &parts,
    };
    let service = must(account, 2, |value| matches!(value, "QRIBFTTA" | "QRIBFTTC"))?;
    Ok(Payee::VietQr {
        bank_bin: must(&inner, 0, |value| digits(value, 6, 6)).map_err(|_| bad)?,
        account: must(&inner, 1, |value| alphanumeric(value, 1, 19)).map_err(|_| bad)?,
        is_card: service == "QRIBFTTC",
    })
}

/// 26 of VNPAY.
pub(super) fn vnpay(account: &Account<'_, '_>) -> Result<Payee, Fault> {
    Ok(Payee::VnPay {
        merchant: must(account, 1, |value| printable(value, 30))?,
    })
}

/// 26 of `DuitNow`.
pub(super) fn duitnow(account: &Account<'_, '_>) -> Result<Payee, Fault> {
    Ok(Payee::DuitNow {
        acquirer: must(account, 1, |value| digits(value, 1, 8))?,
        account: must(account, 2, |value| printable(value, 32))?,
    })
}

/// 26: the address; 27: the reference.
pub(super) fn bharat(decoded: &Decoded<'_>, account: &Account<'_, '_>) -> Result<Payee, Fault> {
    let with_guid = |id: u8| {
        decoded
            .merchant_accounts()
            .find(|other| other.id == id && other.guid() == account.guid())
    };
    let payee = with_guid(26).ok_or(Fault::Missing(Place::root(26)))?;
    Ok(Payee::BharatQr {
        address: must(&payee, 1, is_upi_address)?,
        reference: match with_guid(27) {
            Some(reference) => may(&reference, 1, |value| printable(value, 35))?,
            None => None,
        },
    })
}

/// 29 or 30, not both; 99 with the times, which a code with an amount must have, and 01 = 12.
pub(super) fn khqr(
    decoded: &Decoded<'_>,
    account: &Account<'_, '_>,
    faults: &mut Vec<Fault>,
) -> Result<Payee, Fault> {
    let other = if account.id == 29 { 30 } else { 29 };
    if decoded.value(other).is_some() {
        faults.push(Fault::Conflict(Place::root(other)));
    }
    let lifetime = lifetime(decoded)?;
    if decoded.value(54).is_some() {
        if decoded.initiation() != Some(Initiation::Dynamic) {
            faults.push(Fault::Value(Place::root(1)));
        }
        if lifetime.is_none() {
            faults.push(Fault::Missing(Place::within(99, 1)));
        }
    }
    let bakong = must(account, 0, |value| {
        printable(value, 32) && is_bakong_account(value)
    })?;
    if account.id == 29 {
        return Ok(Payee::KhqrPersonal {
            account: bakong,
            lifetime,
        });
    }
    Ok(Payee::KhqrMerchant {
        account: bakong,
        merchant: must(account, 1, |value| value.chars().count() <= 32)?,
        bank: must(account, 2, |value| value.chars().count() <= 32)?,
        lifetime,
    })
}

fn is_bakong_account(value: &str) -> bool {
    let parts = value.split_once('@');
    parts.is_some_and(|(name, bank)| !name.is_empty() && !bank.is_empty() && !bank.contains('@'))
}

/// 99: made and expires, 13 digits of milliseconds.
fn lifetime(decoded: &Decoded<'_>) -> Result<Option<Lifetime>, Fault> {
    let moment = |id: u8| match decoded.value_in(99, id) {
        Some(text) if digits(text, 13, 13) => text
            .parse()
            .map(Some)
            .map_err(|_| Fault::Value(Place::within(99, id))),
        Some(_) => Err(Fault::Value(Place::within(99, id))),
        None => Ok(None),
    };
    match (moment(0)?, moment(1)?) {
        (Some(created_utc_ms), Some(expires_utc_ms)) if created_utc_ms < expires_utc_ms => {
            Ok(Some(Lifetime {
                created_utc_ms,
                expires_utc_ms,
            }))
        }
        (Some(_), Some(_)) => Err(Fault::Value(Place::within(99, 1))),
        _ => Ok(None),
    }
}
