//! What data objects are called and how their values are coded: for logs and reports, never for decisions.
//!
//! A tag means what the kernel that reads it says: 9F66 are the terminal's qualifiers to kernel 3 and a map of digits
//! to kernel 2. So a kernel's own table goes before the common one, and there is no name without it.

mod common;
mod kernels;

use crate::Tag;
use crate::tag::Format;

/// How a value is coded (Book 3, 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// n: digits, right justified.
    Numeric,
    /// cn: digits, left justified, padded with F.
    CompressedNumeric,
    /// a, an, ans: characters.
    Text,
    /// b: bytes and bits.
    Binary,
    /// A template: objects again.
    Template,
}

impl Coding {
    /// The short name, as in the books.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Numeric => "n",
            Self::CompressedNumeric => "cn",
            Self::Text => "ans",
            Self::Binary => "b",
            Self::Template => "template",
        }
    }

    /// How a data object list cuts and pads it.
    pub const fn format(self) -> Format {
        match self {
            Self::Numeric => Format::Numeric,
            Self::CompressedNumeric => Format::CompressedNumeric,
            Self::Text | Self::Binary | Self::Template => Format::Other,
        }
    }
}

/// One data object of the dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its tag.
    pub tag: Tag,
    /// Its name, the field's own term.
    pub name: &'static str,
    /// How its value is coded.
    pub coding: Coding,
}

/// The object that a kernel (2 to 8; any other number: none in particular) calls by this tag.
pub fn object(tag: Tag, kernel: u32) -> Option<&'static Object> {
    let own = kernels::of(kernel);
    own.iter().chain(common::OBJECTS).find(|object| object.tag == tag)
}

/// A table, one object a line: tag, coding, name.
macro_rules! objects {
    ($($number:literal $coding:ident $name:literal;)*) => {
        &[$($crate::dictionary::Object {
            tag: $crate::Tag::new($number),
            name: $name,
            coding: $crate::dictionary::Coding::$coding,
        },)*]
    };
}
use objects;

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    fn name(number: u32, kernel: u32) -> &'static str {
        object(Tag::new(number), kernel).map_or("", |object| object.name)
    }

    /// Peers keep one flat dictionary.
    #[test]
    fn the_same_tag_has_another_name_where_kernels_differ() {
        assert_eq!(name(0x9F66, 3), "Terminal Transaction Qualifiers (TTQ)");
        assert_eq!(name(0x9F66, 7), name(0x9F66, 3));
        assert_eq!(name(0x9F66, 2), "PUNATC (Track 2)");
        assert_eq!(name(0x9F69, 3), "Card Authentication Related Data");
        assert_eq!(name(0x9F69, 2), "UDOL");
        assert_eq!(name(0x9F6E, 3), "Form Factor Indicator");
        assert_eq!(name(0x9F6E, 2), "Third Party Data");
        assert_eq!(name(0x9F6E, 4), "Enhanced Contactless Reader Capabilities");
        assert_eq!(name(0x9F5D, 2), "Application Capabilities Information");
        assert_eq!(name(0x9F5D, 3), "Available Offline Spending Amount");
        assert_eq!(name(0x9F6D, 2), "Mag-stripe Application Version Number (Reader)");
        assert_eq!(name(0x9F6D, 4), "Contactless Reader Capabilities");
        assert_eq!(name(0x9F50, 2), "Offline Accumulator Balance");
        assert_eq!(name(0x9F50, 5), "Cardholder Verification Status");
        assert_eq!(name(0x9F51, 2), "DRDOL");
        assert_eq!(name(0x9F_8204, 8), "Error Indication");
        assert_eq!(name(0xDF_8115, 8), "", "that is where kernel 2 has it");
        assert_eq!(name(0x9F_811A, 8), "Data Envelope 10");
    }

    #[test]
    fn what_no_kernel_has_for_itself_is_common() {
        for kernel in 0..=9 {
            assert_eq!(name(0x9F26, kernel), "Application Cryptogram");
            assert_eq!(object(Tag::new(0x70), kernel).unwrap().coding, Coding::Template);
        }
        assert_eq!(name(0x9F66, 0), "", "without a kernel it means nothing");
        assert_eq!(object(Tag::new(0xDF_7F7F), 2), None);
    }

    #[test]
    fn no_table_names_a_tag_twice_and_templates_are_constructed() {
        for table in (2..=8).map(kernels::of).chain([common::OBJECTS]) {
            let tags: BTreeSet<_> = table.iter().map(|object| object.tag).collect();
            assert_eq!(tags.len(), table.len());
            for object in table {
                let constructed = object.tag.is_constructed();
                assert_eq!(object.coding == Coding::Template, constructed, "{:?}", object.tag);
            }
        }
    }

    /// The formats that data object lists use for tags that all kernels share.
    #[test]
    fn common_codings_are_those_of_data_object_lists() {
        for object in common::OBJECTS {
            assert_eq!(object.coding.format(), object.tag.format(), "{:?}", object.tag);
        }
    }
}
