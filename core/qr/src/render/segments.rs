//! Cutting a text into digits, capitals and bytes so that the symbol becomes the smallest.
//!
//! The Kanji mode is left out: UTF-8 of Chinese names looks like it by chance, and would be read as other characters.

use alloc::vec::Vec;
use core::ops::Range;

use qrcode::bits::Bits;
use qrcode::{EcLevel, Version};

/// The modes, in the order of the tables below.
const MODES: [Mode; 3] = [Mode::Numeric, Mode::Alphanumeric, Mode::Byte];
/// The largest symbol.
const LAST_VERSION: i16 = 40;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Numeric,
    Alphanumeric,
    Byte,
}

impl Mode {
    const fn takes(self, byte: u8) -> bool {
        match self {
            Self::Numeric => byte.is_ascii_digit(),
            Self::Alphanumeric => {
                byte.is_ascii_digit()
                    || byte.is_ascii_uppercase()
                    || matches!(byte, b' ' | b'$' | b'%' | b'*' | b'+' | b'-' | b'.' | b'/' | b':')
            }
            Self::Byte => true,
        }
    }

    /// Sixths of a bit a character: 10 bits for 3 digits, 11 for 2 characters, 8 for a byte.
    const fn sixths(self) -> u32 {
        match self {
            Self::Numeric => 20,
            Self::Alphanumeric => 33,
            Self::Byte => 48,
        }
    }

    /// Mode indicator and character count (ISO/IEC 18004, table 3).
    const fn header_bits(self, version: i16) -> u32 {
        match (self, version) {
            (Self::Numeric, ..=9) => 4 + 10,
            (Self::Numeric, ..=26) => 4 + 12,
            (Self::Numeric, _) => 4 + 14,
            (Self::Alphanumeric, ..=9) => 4 + 9,
            (Self::Alphanumeric, ..=26) => 4 + 11,
            (Self::Alphanumeric, _) => 4 + 13,
            (Self::Byte, ..=9) => 4 + 8,
            (Self::Byte, _) => 4 + 16,
        }
    }
}

/// The bits of the smallest symbol, ended; none if no symbol is large enough.
pub(super) fn smallest(text: &[u8], level: EcLevel) -> Option<Bits> {
    // The lengths of the headers change twice, and with them the best cut.
    for versions in [1..=9_i16, 10..=26, 27..=LAST_VERSION] {
        let cut = cut(text, *versions.start());
        for version in versions {
            if let Some(bits) = fill(text, &cut, version, level) {
                return Some(bits);
            }
        }
    }
    None
}

fn fill(text: &[u8], cut: &[(Mode, Range<usize>)], version: i16, level: EcLevel) -> Option<Bits> {
    let mut bits = Bits::new(Version::Normal(version));
    for (mode, range) in cut {
        let part = text.get(range.clone())?;
        match mode {
            Mode::Numeric => bits.push_numeric_data(part),
            Mode::Alphanumeric => bits.push_alphanumeric_data(part),
            Mode::Byte => bits.push_byte_data(part),
        }
        .ok()?;
    }
    bits.push_terminator(level).ok()?;
    Some(bits)
}

/// The cheapest cut: for each position and mode the cheapest way to get there, and where it came from.
fn cut(text: &[u8], version: i16) -> Vec<(Mode, Range<usize>)> {
    const FAR: u32 = u32::MAX;
    let header = MODES.map(|mode| mode.header_bits(version).saturating_mul(6));
    let mut costs = header;
    let mut came: Vec<[usize; 3]> = Vec::with_capacity(text.len());
    for byte in text {
        let mut next = [FAR; 3];
        let mut from = [0; 3];
        for (to, mode) in MODES.iter().enumerate() {
            if !mode.takes(*byte) {
                continue;
            }
            for (old, cost) in costs.iter().enumerate() {
                // Another mode ends at a whole bit and begins with a header.
                let cost = if old == to || *cost == FAR {
                    *cost
                } else {
                    let whole = cost.div_ceil(6).saturating_mul(6);
                    whole.saturating_add(header.get(to).copied().unwrap_or(FAR))
                };
                let cost = cost.saturating_add(mode.sixths());
                if let (Some(best), Some(origin)) = (next.get_mut(to), from.get_mut(to))
                    && cost < *best
                {
                    (*best, *origin) = (cost, old);
                }
            }
        }
        costs = next;
        came.push(from);
    }
    walk_back(&came, &costs)
}

fn walk_back(came: &[[usize; 3]], costs: &[u32; 3]) -> Vec<(Mode, Range<usize>)> {
    let cheapest = (0..3).min_by_key(|mode| costs.get(*mode).copied());
    let mut mode = cheapest.unwrap_or_default();
    let mut parts: Vec<(Mode, Range<usize>)> = Vec::new();
    for (at, from) in came.iter().enumerate().rev() {
        let this = MODES.get(mode).copied().unwrap_or(Mode::Byte);
        match parts.last_mut() {
            Some((last, range)) if *last == this => range.start = at,
            _ => parts.push((this, at..at.saturating_add(1))),
        }
        mode = from.get(mode).copied().unwrap_or_default();
    }
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_digits_are_cut_out_where_it_pays() {
        let modes = |text: &str| {
            cut(text.as_bytes(), 1)
                .into_iter()
                .map(|(mode, _)| mode)
                .collect::<Vec<_>>()
        };
        assert_eq!(modes("0123456789"), [Mode::Numeric]);
        assert_eq!(modes("AB12"), [Mode::Alphanumeric]);
        assert_eq!(modes("abcdefgh0123456789012345"), [Mode::Byte, Mode::Numeric]);
        assert_eq!(modes("ab12cd"), [Mode::Byte]);
        assert_eq!(modes("测试"), [Mode::Byte]);
        assert!(modes("").is_empty());
    }

    #[test]
    fn a_cut_covers_the_text() {
        let text = "00020101021226490009SG.PAYNOWé0101201403121W测3304";
        let parts = cut(text.as_bytes(), 5);
        let mut at = 0;
        for (mode, range) in &parts {
            assert_eq!(range.start, at);
            assert!(
                text.as_bytes()[range.clone()]
                    .iter()
                    .all(|byte| mode.takes(*byte))
            );
            at = range.end;
        }
        assert_eq!(at, text.len());
    }
}
