//! What the configuration tells kernels 4, 5 and 6, under the tags that C-2 gives these values.
//!
//! Limits are only read here. Each kernel compares for itself: some count from the limit on, some above it.

use softpos_wire::{Tag, bcd, tag};

use crate::config::TerminalData;
use crate::outcome::Reason;

const TAC_DEFAULT: Tag = Tag::new(0xDF_8120);
const TAC_DENIAL: Tag = Tag::new(0xDF_8121);
const TAC_ONLINE: Tag = Tag::new(0xDF_8122);
const FLOOR_LIMIT: Tag = Tag::new(0xDF_8123);
const TRANSACTION_LIMIT: Tag = Tag::new(0xDF_8124);
const CVM_LIMIT: Tag = Tag::new(0xDF_8126);

/// Limits in minor units; an absent one is not checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) floor: Option<u64>,
    pub(super) transaction: Option<u64>,
    pub(super) cvm: Option<u64>,
}

impl Limits {
    /// DF8123, DF8124 and DF8126, n12.
    pub(super) fn of(data: &TerminalData) -> Result<Self, Reason> {
        let limit = |tag| match data.value(tag) {
            None => Ok(None),
            Some(value) => bcd::number(value)
                .map(Some)
                .map_err(|_| Reason::TerminalDataMissing(tag)),
        };
        Ok(Self {
            floor: limit(FLOOR_LIMIT)?,
            transaction: limit(TRANSACTION_LIMIT)?,
            cvm: limit(CVM_LIMIT)?,
        })
    }
}

/// 9F02 in minor units.
pub(super) fn amount_minor(data: &TerminalData) -> Result<u64, Reason> {
    data.value(tag::AMOUNT_AUTHORISED)
        .and_then(|amount| bcd::number(amount).ok())
        .ok_or(Reason::TerminalDataMissing(tag::AMOUNT_AUTHORISED))
}

/// Terminal verification results or action codes.
pub(super) type Tvr = [u8; 5];

/// Terminal action codes: DF8121, DF8122 and DF8120.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ActionCodes {
    pub(super) denial: Tvr,
    pub(super) online: Tvr,
    pub(super) default: Tvr,
}

impl ActionCodes {
    /// The configured codes, and these where none are.
    pub(super) fn of(data: &TerminalData, otherwise: Self) -> Self {
        let code = |tag, otherwise| {
            data.value(tag)
                .and_then(|code| code.try_into().ok())
                .unwrap_or(otherwise)
        };
        Self {
            denial: code(TAC_DENIAL, otherwise.denial),
            online: code(TAC_ONLINE, otherwise.online),
            default: code(TAC_DEFAULT, otherwise.default),
        }
    }
}

/// Whether results and codes share a bit.
pub(super) fn meets(tvr: Tvr, code: Tvr) -> bool {
    tvr.iter().zip(code).any(|(result, code)| result & code != 0)
}

/// Sets bits of one byte of the results; `byte` counts from 1 as the books do.
pub(super) fn set(tvr: &mut Tvr, byte: usize, bits: u8) {
    if let Some(own) = byte.checked_sub(1).and_then(|index| tvr.get_mut(index)) {
        *own |= bits;
    }
}

/// What a terminal can do about the issuer (9F35, low digit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// x1, x4.
    OnlineOnly,
    /// x2, x5.
    OnlineCapable,
    /// x3, x6.
    OfflineOnly,
}

impl Reach {
    pub(super) fn of(data: &TerminalData) -> Result<Self, Reason> {
        match data.value(tag::TERMINAL_TYPE) {
            Some(&[kind]) => match kind & 0x0F {
                1 | 4 => Ok(Self::OnlineOnly),
                2 | 5 => Ok(Self::OnlineCapable),
                3 | 6 => Ok(Self::OfflineOnly),
                _ => Err(Reason::TerminalDataMissing(tag::TERMINAL_TYPE)),
            },
            _ => Err(Reason::TerminalDataMissing(tag::TERMINAL_TYPE)),
        }
    }
}

/// Whether 9F07 allows this kind of payment in this country; a card without 9F07 or 5F28 allows it (Book 3 10.4.2).
pub(super) fn usage_allowed(
    control: Option<[u8; 2]>,
    issuer_country: Option<[u8; 2]>,
    data: &TerminalData,
) -> bool {
    let (Some([first, second]), Some(country)) = (control, issuer_country) else {
        return true;
    };
    let domestic = data.value(tag::TERMINAL_COUNTRY) == Some(&country[..]);
    let cash = data.value(tag::TRANSACTION_TYPE) == Some(&[0x01]);
    let cashback = data
        .value(tag::AMOUNT_OTHER)
        .is_some_and(|amount| amount.iter().any(|byte| *byte != 0));
    // Goods and services stand apart in 9F07, but no transaction type tells them apart: either is enough.
    let wanted = match (cash, domestic) {
        (true, true) => 0x80,
        (true, false) => 0x40,
        (false, true) => 0x28,
        (false, false) => 0x14,
    };
    let cashback_bit = if domestic { 0x80 } else { 0x40 };
    first & wanted != 0 && (!cashback || second & cashback_bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(values: &[(u32, &[u8])]) -> TerminalData {
        let mut data = TerminalData::new();
        for (tag, value) in values {
            data.set(Tag::new(*tag), value);
        }
        data
    }

    #[test]
    fn limits_are_read_and_absent_ones_are_not_made_up() {
        assert_eq!(Limits::of(&data(&[])), Ok(Limits::default()));
        let floor = data(&[(0xDF_8123, &[0, 0, 0, 1, 0x23, 0x45])]);
        assert_eq!(Limits::of(&floor).unwrap().floor, Some(12_345));
        assert_eq!(
            Limits::of(&data(&[(0xDF_8126, &[0x0A])])),
            Err(Reason::TerminalDataMissing(CVM_LIMIT))
        );
    }

    #[test]
    fn reach_is_the_low_digit_of_the_terminal_type() {
        for (kind, reach) in [
            (0x21, Reach::OnlineOnly),
            (0x14, Reach::OnlineOnly),
            (0x22, Reach::OnlineCapable),
            (0x25, Reach::OnlineCapable),
            (0x23, Reach::OfflineOnly),
            (0x36, Reach::OfflineOnly),
        ] {
            assert_eq!(Reach::of(&data(&[(0x9F35, &[kind])])), Ok(reach));
        }
        assert!(Reach::of(&data(&[(0x9F35, &[0x20])])).is_err());
        assert!(Reach::of(&data(&[])).is_err());
    }

    #[test]
    fn action_codes_meet_in_one_bit() {
        let mut tvr = [0; 5];
        set(&mut tvr, 4, 0x80);
        set(&mut tvr, 6, 0xFF);
        set(&mut tvr, 0, 0xFF);
        assert_eq!(tvr, [0, 0, 0, 0x80, 0]);
        assert!(meets(tvr, [0, 0, 0, 0xC0, 0]));
        assert!(!meets(tvr, [0xFF, 0xFF, 0xFF, 0x7F, 0xFF]));
    }

    #[test]
    fn usage_control_by_country_and_kind() {
        let at = |kind: u8, other: u8| {
            data(&[
                (0x9F1A, &[0x01, 0x56]),
                (0x9C, &[kind]),
                (0x9F03, &[0, 0, 0, 0, 0, other]),
            ])
        };
        let home = Some([0x01, 0x56]);
        let abroad = Some([0x08, 0x40]);
        assert!(usage_allowed(None, home, &at(0, 0)) && usage_allowed(Some([0, 0]), None, &at(0, 0)));
        assert!(usage_allowed(Some([0x20, 0]), home, &at(0, 0)));
        assert!(!usage_allowed(Some([0x10, 0]), home, &at(0, 0)));
        assert!(usage_allowed(Some([0x10, 0]), abroad, &at(0, 0)));
        assert!(!usage_allowed(Some([0x20, 0]), abroad, &at(0, 0)));
        assert!(usage_allowed(Some([0x80, 0]), home, &at(1, 0)));
        assert!(!usage_allowed(Some([0x7F, 0]), home, &at(1, 0)));
        assert!(usage_allowed(Some([0x40, 0]), abroad, &at(1, 0)));
        assert!(
            !usage_allowed(Some([0x20, 0x40]), home, &at(0, 1)),
            "cashback at home"
        );
        assert!(usage_allowed(Some([0x20, 0x80]), home, &at(0, 1)));
    }
}
