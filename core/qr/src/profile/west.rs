//! Reading the profiles of Brazil and West Africa.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use super::Fault;
use super::account::{alphanumeric, digits, email, may, must, printable};
use super::payee::Payee;
use crate::mpm::{Decoded, MerchantAccountRef, Place};

/// 26: a key (01) or the address of a payment (25); 80: the address of a recurring one. 62-05 says which payment it
/// is: letters and digits, or `***` for none, and always `***` beside an address.
pub(super) fn pix(
    decoded: &Decoded<'_>,
    account: &MerchantAccountRef<'_, '_>,
    faults: &mut Vec<Fault>,
) -> Result<Payee, Fault> {
    let key = may(account, 1, is_pix_key)?;
    let text = may(account, 2, |value| value.chars().count() <= 72)?;
    let url = may(account, 25, |value| printable(value, 77))?;
    let recurring = decoded.value_in(80, 25).filter(|_| {
        decoded
            .value_in(80, 0)
            .is_some_and(|guid| guid.eq_ignore_ascii_case("br.gov.bcb.pix"))
    });
    let reference = Place::within(62, 5);
    match decoded.value_in(62, 5) {
        None => faults.push(Fault::Missing(reference)),
        Some("***") => {}
        Some(id) if url.is_some() || !alphanumeric(id, 1, 25) => faults.push(Fault::Value(reference)),
        Some(_) => {}
    }
    match (key, url, recurring) {
        (Some(_), Some(_), _) => Err(Fault::Conflict(Place::within(account.id, 25))),
        (Some(key), None, _) => Ok(Payee::PixKey { key, text }),
        (None, Some(url), _) => Ok(Payee::PixUrl { url }),
        (None, None, Some(url)) => Ok(Payee::PixRecurring { url: url.to_owned() }),
        (None, None, None) => Err(Fault::Missing(Place::within(account.id, 1))),
    }
}

/// CPF (11 digits), CNPJ (14 letters and digits), telephone, mail address, random key (UUID).
fn is_pix_key(key: &str) -> bool {
    let is_random = || {
        let hyphens = key
            .bytes()
            .enumerate()
            .filter(|(_, b)| *b == b'-')
            .map(|(at, _)| at);
        key.len() == 36
            && key.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
            && hyphens.eq([8, 13, 18, 23])
    };
    digits(key, 11, 11)
        || alphanumeric(key, 14, 14)
        || key
            .strip_prefix("+55")
            .is_some_and(|number| digits(number, 10, 11))
        || email(key)
        || is_random()
}

/// 36: the alias.
pub(super) fn uemoa(account: &MerchantAccountRef<'_, '_>) -> Result<Payee, Fault> {
    Ok(Payee::Uemoa {
        alias: must(account, 1, |value| printable(value, 60))?,
    })
}
