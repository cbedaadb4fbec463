//! What single bits and small fields of data elements mean, by name: for logs and reports, never for decisions.
//!
//! A tag's meaning depends on who speaks, so a context goes with every question. The names are this project's; the
//! same words appear in reports and in the test vectors.

mod fields;
mod tables;

use alloc::vec::Vec;

pub use self::fields::{
    IssuerData, TerminalKind, cvm_condition, cvm_method, cvm_result, issuer_data, status_word, terminal_type,
};
use crate::Tag;

/// Eight names from the highest bit down.
type Row = [&'static str; 8];

/// Whose meaning of a tag is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Contact, edition 4.4.
    Contact,
    /// Kernel 2.
    C2,
    /// Kernel 3, and kernel 7 which shares its qualifiers.
    C3,
    /// Kernel 4.
    C4,
}

/// The bits that are set in a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedBits {
    /// Names, from the left.
    pub set: Vec<&'static str>,
    /// Byte (from 1) and bit (8 highest) of those that have no meaning.
    pub unnamed: Vec<(usize, u8)>,
}

/// The bits of a value; `None` for a tag that has no bits in this context, or a value of another length.
pub fn named_bits(tag: Tag, context: Context, value: &[u8]) -> Option<NamedBits> {
    let table = table(tag, context)?;
    if table.len() != value.len() {
        return None;
    }
    let mut named = NamedBits::default();
    for (byte, (row, bits)) in (1_usize..).zip(table.iter().zip(value)) {
        let mut bits = *bits;
        let relay = byte == 5 && context == Context::C2 && tag == crate::tag::TVR;
        let relay_name = match bits & 3 {
            1 if relay => Some("rrp_not_performed"),
            2 if relay => Some("rrp_performed"),
            _ => None,
        };
        if relay_name.is_some() {
            bits &= !3;
        }
        for (bit, name) in (1..=8_u8).rev().zip(row) {
            if bits.rotate_right(u32::from(bit).saturating_sub(1)) & 1 == 0 {
                continue;
            }
            if name.is_empty() {
                named.unnamed.push((byte, bit));
            } else {
                named.set.push(name);
            }
        }
        named.set.extend(relay_name);
    }
    Some(named)
}

fn table(tag: Tag, context: Context) -> Option<&'static [Row]> {
    Some(match (tag.number(), context) {
        (0x95, Context::C2) => tables::TVR_C2,
        (0x95, _) => tables::TVR_CONTACT,
        (0x9B, _) => tables::TSI,
        (0x9F33, _) => tables::CAPABILITIES,
        (0x9F40, _) => tables::ADDITIONAL_CAPABILITIES,
        (0x9F66, Context::C3) => tables::TTQ,
        (0x9F6C, Context::C3) => tables::CTQ,
        (0x9F6E, Context::C4) => tables::READER_CAPABILITIES,
        (0x9F1D, Context::C2) => tables::RISK_MANAGEMENT,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag;

    fn names(tag: Tag, context: Context, value: &[u8]) -> (Vec<&'static str>, Vec<(usize, u8)>) {
        let named = named_bits(tag, context, value).unwrap();
        (named.set, named.unnamed)
    }

    #[test]
    fn bits_from_the_left() {
        let (set, unnamed) = names(tag::TTQ, Context::C3, &[0x24, 0xC0, 0x40, 0x00]);
        assert_eq!(
            set,
            [
                "emv_mode_supported",
                "online_pin_supported",
                "online_cryptogram_required",
                "cvm_required",
                "cdcvm_supported"
            ]
        );
        assert!(unnamed.is_empty());
        assert_eq!(
            names(tag::CTQ, Context::C3, &[0x00, 0x20]),
            ([].into(), [(2, 6)].into())
        );
    }

    /// One tag, two meanings: a flat dictionary gets one of them wrong.
    #[test]
    fn the_same_tag_means_another_thing_in_another_kernel() {
        let tvr = |context| names(tag::TVR, context, &[0, 0, 0, 0, 0x04]).0;
        assert_eq!(tvr(Context::Contact), ["ca_ecc_key_missing"]);
        assert_eq!(tvr(Context::C2), ["relay_resistance_time_limits_exceeded"]);
        assert_eq!(named_bits(tag::TTQ, Context::C2, &[0; 4]), None, "PUNATC there");
        assert_eq!(named_bits(tag::FORM_FACTOR, Context::C3, &[0; 4]), None);
        assert!(named_bits(tag::FORM_FACTOR, Context::C4, &[0; 4]).is_some());
    }

    #[test]
    fn relay_resistance_is_a_field_of_two_bits() {
        let last = |byte| names(tag::TVR, Context::C2, &[0, 0, 0, 0, byte]);
        assert_eq!(last(1), (["rrp_not_performed"].into(), [].into()));
        assert_eq!(last(2), (["rrp_performed"].into(), [].into()));
        assert_eq!(last(3), ([].into(), [(5, 2), (5, 1)].into()));
    }

    #[test]
    fn other_lengths_have_no_bits() {
        assert_eq!(named_bits(tag::TVR, Context::Contact, &[0; 4]), None);
        assert_eq!(named_bits(tag::CTQ, Context::C3, &[]), None);
    }
}
