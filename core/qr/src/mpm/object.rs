//! Objects: id, length in characters, value.

use alloc::vec::Vec;

use super::Refused;

/// One object of a payload or template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object<'a> {
    /// Two digits, 0..=99.
    pub id: u8,
    /// The value, at least one character.
    pub value: &'a str,
}

/// Reads objects up to the end of the text and appends them.
///
/// Every id stands once, which also bounds how many there can be.
pub(super) fn read_objects<'a>(
    mut text: &'a str,
    template: Option<u8>,
    objects: &mut Vec<Object<'a>>,
) -> Result<(), Refused> {
    let mut seen = 0_u128;
    while !text.is_empty() {
        let object;
        (object, text) = read_object(text)?;
        let bit = 1_u128.checked_shl(u32::from(object.id)).unwrap_or(0);
        if seen & bit != 0 {
            return Err(Refused::DuplicateTag {
                template,
                id: object.id,
            });
        }
        seen |= bit;
        objects.push(object);
    }
    Ok(())
}

fn read_object(text: &str) -> Result<(Object<'_>, &str), Refused> {
    let id = two_digits(text.as_bytes(), 0)
        .map_err(|cut| if cut { Refused::Truncated } else { Refused::BadTag })?;
    let length = two_digits(text.as_bytes(), 2).map_err(|cut| {
        if cut {
            Refused::Truncated
        } else {
            Refused::BadLength
        }
    })?;
    if length == 0 {
        return Err(Refused::ZeroLength);
    }
    let body = text.get(4..).unwrap_or_default();
    let end = end_of(body, usize::from(length)).ok_or(Refused::Truncated)?;
    let (value, rest) = body.split_at_checked(end).ok_or(Refused::Truncated)?;
    Ok((Object { id, value }, rest))
}

/// The byte behind the given number of characters.
fn end_of(text: &str, characters: usize) -> Option<usize> {
    let is_ascii = text.as_bytes().get(..characters).is_some_and(<[u8]>::is_ascii);
    if is_ascii {
        return Some(characters);
    }
    let mut starts = text.char_indices().map(|(start, _)| start);
    starts.nth(characters).or_else(|| {
        let is_whole = text.chars().count() == characters;
        is_whole.then_some(text.len())
    })
}

/// Two decimal digits at a place. The error says whether the text ends before them.
fn two_digits(bytes: &[u8], at: usize) -> Result<u8, bool> {
    let digit = |byte: &u8| byte.checked_sub(b'0').filter(|digit| *digit <= 9).ok_or(false);
    let high = digit(bytes.get(at).ok_or(true)?)?;
    let low = digit(bytes.get(at.saturating_add(1)).ok_or(true)?)?;
    Ok(high.saturating_mul(10).saturating_add(low))
}
