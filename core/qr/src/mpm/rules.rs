//! The rules of the specification that a payload may break and still be read.

use super::breach::{Breach, Place};
use super::decoded::{Decoded, value_of};
use super::object::{Object, read_objects};

/// Characters of a payload.
pub(super) const MAX_PAYLOAD: usize = 512;

/// The longest merchant name (59, and 01 in 64).
const MAX_NAME: usize = 25;
/// The longest city (60, and 02 in 64).
const MAX_CITY: usize = 15;
/// The longest amount (54, 56).
const MAX_AMOUNT: usize = 13;
/// The longest value of 62.
const MAX_ADDITIONAL: usize = 25;

/// 02..51: plain values of the old schemes up to 25, then templates.
pub(super) const fn is_merchant_account(id: u8) -> bool {
    matches!(id, 2..=51)
}

pub(super) const fn is_template(id: u8) -> bool {
    matches!(id, 26..=51 | 62 | 64 | 80..=99)
}

/// Lists every breach.
pub(super) fn check(decoded: &mut Decoded<'_>) {
    check_presence(decoded);
    for index in 0..decoded.objects().len() {
        if let Some(object) = decoded.objects().get(index).copied() {
            check_object(decoded, object);
        }
    }
    check_fees(decoded);
    check_additional(decoded);
    check_language(decoded);
    check_guids(decoded);
}

fn check_presence(decoded: &mut Decoded<'_>) {
    if !decoded
        .objects()
        .iter()
        .any(|object| is_merchant_account(object.id))
    {
        decoded.breach(Breach::MissingMerchantAccount);
    }
    for id in [52, 53, 58, 59, 60] {
        if decoded.value(id).is_none() {
            decoded.breach(Breach::Missing(Place::root(id)));
        }
    }
}

fn check_object(decoded: &mut Decoded<'_>, Object { id, value }: Object<'_>) {
    let place = Place::root(id);
    let breach = match id {
        0 if value != "01" => Some(Breach::Value(place)),
        1 if !matches!(value, "11" | "12") => Some(Breach::Value(place)),
        52 => fixed_digits(value, 4, place),
        53 => fixed_digits(value, 3, place),
        54 | 56 => amount(value, place),
        55 if !matches!(value, "01" | "02" | "03") => Some(Breach::Value(place)),
        57 => percentage(value, place),
        58 if value.len() != 2 => Some(Breach::Length(place)),
        58 if !value.bytes().all(|b| b.is_ascii_alphabetic()) => Some(Breach::Format(place)),
        59 => common_text(decoded, value, MAX_NAME, place),
        60 => common_text(decoded, value, MAX_CITY, place),
        61 => common_text(decoded, value, 10, place),
        _ => None,
    };
    if let Some(breach) = breach {
        decoded.breach(breach);
    }
}

fn fixed_digits(value: &str, length: usize, place: Place) -> Option<Breach> {
    if value.chars().count() != length {
        Some(Breach::Length(place))
    } else if value.bytes().all(|b| b.is_ascii_digit()) {
        None
    } else {
        Some(Breach::Format(place))
    }
}

/// Digits with at most one point, of which `98.` is valid and `98,73` is not; never zero.
fn amount(value: &str, place: Place) -> Option<Breach> {
    if value.chars().count() > MAX_AMOUNT {
        Some(Breach::Length(place))
    } else if !is_decimal(value) {
        Some(Breach::Format(place))
    } else if is_zero(value) {
        Some(Breach::Zero(place))
    } else {
        None
    }
}

/// 00.01 to 99.99.
fn percentage(value: &str, place: Place) -> Option<Breach> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if value.chars().count() > 5 {
        Some(Breach::Length(place))
    } else if !is_decimal(value) || whole.len() > 2 || fraction.len() > 2 {
        Some(Breach::Format(place))
    } else if is_zero(value) {
        Some(Breach::Zero(place))
    } else {
        None
    }
}

fn is_decimal(value: &str) -> bool {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    !whole.is_empty() && digits(whole) && digits(fraction)
}

fn is_zero(decimal: &str) -> bool {
    decimal.bytes().all(|b| matches!(b, b'0' | b'.'))
}

/// Text of the common character set. Reports a wrong character at once, so that both breaches can be listed.
fn common_text(decoded: &mut Decoded<'_>, value: &str, longest: usize, place: Place) -> Option<Breach> {
    if !value.bytes().all(|b| matches!(b, 0x20..=0x7E)) {
        decoded.breach(Breach::Charset(place));
    }
    longer(value, longest).then_some(Breach::Length(place))
}

fn longer(value: &str, longest: usize) -> bool {
    value.len() > longest && value.chars().count() > longest
}

/// 56 belongs to 55 = 02 and 57 to 55 = 03.
fn check_fees(decoded: &mut Decoded<'_>) {
    for (id, mark) in [(56, "02"), (57, "03")] {
        if decoded.value(id).is_some() != (decoded.value(55) == Some(mark)) {
            decoded.breach(Breach::Presence(Place::root(id)));
        }
    }
}

fn check_additional(decoded: &mut Decoded<'_>) {
    let count = decoded.template(62).map_or(0, <[_]>::len);
    for index in 0..count {
        let part = decoded.template(62).and_then(|parts| parts.get(index)).copied();
        let Some(Object { id, value }) = part else { break };
        let place = Place::within(62, id);
        match id {
            1..=8 if longer(value, MAX_ADDITIONAL) => decoded.breach(Breach::Length(place)),
            9 if !is_contact_request(value) => decoded.breach(Breach::Value(place)),
            50..=99 => {
                let mut parts = alloc::vec::Vec::new();
                let is_template = read_objects(value, Some(id), &mut parts).is_ok();
                if !is_template || value_of(&parts, 0).is_none() {
                    decoded.breach(Breach::MissingGuid(place));
                }
            }
            _ => {}
        }
    }
}

/// Letters A (address), M (mobile), E (e-mail), each once.
fn is_contact_request(value: &str) -> bool {
    let once = |letter| value.bytes().filter(|b| *b == letter).count() <= 1;
    value.bytes().all(|b| matches!(b, b'A' | b'M' | b'E')) && b"AME".iter().all(|letter| once(*letter))
}

fn check_language(decoded: &mut Decoded<'_>) {
    if decoded.template(64).is_none() {
        return;
    }
    for id in [0, 1] {
        if decoded.value_in(64, id).is_none() {
            decoded.breach(Breach::Missing(Place::within(64, id)));
        }
    }
    if decoded
        .value_in(64, 0)
        .is_some_and(|language| language.len() != 2)
    {
        decoded.breach(Breach::Length(Place::within(64, 0)));
    }
    for (id, longest) in [(1, MAX_NAME), (2, MAX_CITY)] {
        if decoded
            .value_in(64, id)
            .is_some_and(|value| longer(value, longest))
        {
            decoded.breach(Breach::Length(Place::within(64, id)));
        }
    }
}

fn check_guids(decoded: &mut Decoded<'_>) {
    for index in 0..decoded.template_count() {
        let Some((id, parts)) = decoded.template_at(index) else {
            break;
        };
        if !matches!(id, 62 | 64) && value_of(parts, 0).is_none() {
            decoded.breach(Breach::MissingGuid(Place::root(id)));
        }
    }
}
