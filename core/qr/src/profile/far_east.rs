//! Reading the profiles of China, Hong Kong, Japan and the Philippines.

use alloc::borrow::ToOwned;

use super::Fault;
use super::account::{alphanumeric, digits, email, may, must, printable};
use super::payee::{FpsId, Payee};
use crate::mpm::{MerchantAccountRef, Place};

type Account<'d, 'a> = MerchantAccountRef<'d, 'a>;

/// 15 or 16: 8, 8 and 15 characters.
pub(super) fn unionpay(account: &Account<'_, '_>) -> Result<Payee, Fault> {
    let bad = Fault::Value(Place::root(account.id));
    let (acquirer_iin, rest) = account.value.split_at_checked(8).ok_or(bad)?;
    let (forwarding_iin, merchant) = rest.split_at_checked(8).ok_or(bad)?;
    if !digits(acquirer_iin, 8, 8)
        || !digits(forwarding_iin, 8, 8)
        || merchant.len() != 15
        || !printable(merchant, 15)
    {
        return Err(bad);
    }
    Ok(Payee::UnionPay {
        acquirer_iin: acquirer_iin.to_owned(),
        forwarding_iin: forwarding_iin.to_owned(),
        merchant: merchant.to_owned(),
    })
}

/// 26 of FPS: one of identifier, telephone and mail address.
pub(super) fn fps(account: &Account<'_, '_>) -> Result<Payee, Fault> {
    let is_mobile = |value: &str| {
        let number = value.strip_prefix('+').and_then(|number| number.split_once('-'));
        number.is_some_and(|(country, number)| digits(country, 1, 4) && digits(number, 5, 15))
    };
    let id = may(account, 2, |value| digits(value, 7, 9))?;
    let mobile = may(account, 3, is_mobile)?;
    let address = may(account, 4, email)?;
    Ok(Payee::Fps(match (id, mobile, address) {
        (Some(id), None, None) => FpsId::Id(id),
        (None, Some(mobile), None) => FpsId::Mobile(mobile),
        (None, None, Some(address)) => FpsId::Email(address),
        (None, None, None) => return Err(Fault::Missing(Place::within(account.id, 2))),
        _ => return Err(Fault::Conflict(Place::root(account.id))),
    }))
}

/// 26 of JPQR: four numbers.
pub(super) fn jpqr(account: &Account<'_, '_>) -> Result<Payee, Fault> {
    Ok(Payee::Jpqr {
        company: must(account, 1, |value| digits(value, 13, 13))?,
        branch: must(account, 2, |value| digits(value, 4, 4))?,
        store: must(account, 3, |value| digits(value, 6, 6))?,
        terminal: must(account, 4, |value| digits(value, 6, 6))?,
    })
}

/// 27 of the national scheme. The objects of the one company that uses a domain of its own are not published.
pub(super) fn qr_ph(account: &Account<'_, '_>) -> Result<Option<Payee>, Fault> {
    if !account
        .guid()
        .is_some_and(|guid| guid.eq_ignore_ascii_case("com.p2pqrpay"))
    {
        return Ok(None);
    }
    Ok(Some(Payee::QrPh {
        bank: must(account, 1, |value| alphanumeric(value, 8, 11))?,
        account: may(account, 4, |value| printable(value, 34))?,
    }))
}
