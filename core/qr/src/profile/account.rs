//! Typed access to the objects of an account template.

use alloc::borrow::ToOwned;
use alloc::string::String;

use super::Fault;
use crate::mpm::{MerchantAccountRef, Place};

/// A form that a value must have.
pub(super) type Form = fn(&str) -> bool;

/// An object that must be there.
pub(super) fn must(account: &MerchantAccountRef<'_, '_>, id: u8, form: Form) -> Result<String, Fault> {
    may(account, id, form)?.ok_or(Fault::Missing(Place::within(account.id, id)))
}

/// An object that may be absent.
pub(super) fn may(account: &MerchantAccountRef<'_, '_>, id: u8, form: Form) -> Result<Option<String>, Fault> {
    match account.part(id) {
        Some(value) if form(value) => Ok(Some(value.to_owned())),
        Some(_) => Err(Fault::Value(Place::within(account.id, id))),
        None => Ok(None),
    }
}

pub(super) fn digits(value: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn alphanumeric(value: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Printable ASCII without spaces.
pub(super) fn printable(value: &str, most: usize) -> bool {
    value.len() <= most && value.bytes().all(|b| b.is_ascii_graphic())
}

pub(super) fn email(value: &str) -> bool {
    printable(value, 77)
        && value
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
}
