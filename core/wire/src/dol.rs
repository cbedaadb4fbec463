//! Data object lists: what a card wants to be told, as tags and lengths (Book 3 5.4).

use alloc::vec::Vec;

use crate::Tag;
use crate::tag::Format;
use crate::tlv::read_tag;

/// The list ends inside a tag or before a length, or a tag has more than three bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DolError;

/// A well-formed data object list: a view into the bytes it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dol<'a> {
    bytes: &'a [u8],
}

/// One wish of the card: this object, cut or padded to this many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DolEntry {
    /// Which object.
    pub tag: Tag,
    /// How many bytes of it.
    pub length: usize,
}

impl<'a> Dol<'a> {
    /// Checks the whole list.
    ///
    /// # Errors
    /// [`DolError`] if it is malformed.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DolError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = split_entry(rest).ok_or(DolError)?.1;
        }
        Ok(Self { bytes })
    }

    /// The entries in order.
    pub fn entries(self) -> impl Iterator<Item = DolEntry> + 'a {
        let mut rest = self.bytes;
        core::iter::from_fn(move || {
            let (entry, after) = split_entry(rest)?;
            rest = after;
            Some(entry)
        })
    }

    /// Whether an object is asked for.
    pub fn asks_for(self, tag: Tag) -> bool {
        self.entries().any(|entry| entry.tag == tag)
    }

    /// Length of the data the list describes, in bytes.
    pub fn total(self) -> usize {
        self.entries()
            .fold(0, |sum: usize, entry| sum.saturating_add(entry.length))
    }

    /// Builds the data: values from `source` in order, unknown ones as zeros, each cut or padded to its length.
    ///
    /// `format` is [`Tag::format`] but for readers of foreign tables.
    pub fn build<'v>(
        self,
        source: impl Fn(Tag) -> Option<&'v [u8]>,
        format: impl Fn(Tag) -> Format,
    ) -> Vec<u8> {
        let mut data = Vec::with_capacity(self.total());
        for DolEntry { tag, length } in self.entries() {
            match source(tag) {
                Some(value) => fit(value, length, format(tag), &mut data),
                None => data.extend(core::iter::repeat_n(0, length)),
            }
        }
        data
    }
}

fn split_entry(bytes: &[u8]) -> Option<(DolEntry, &[u8])> {
    let (tag, rest) = read_tag(bytes).ok()?;
    let (&length, rest) = rest.split_first()?;
    let entry = DolEntry {
        tag,
        length: usize::from(length),
    };
    Some((entry, rest))
}

/// n is cut and padded on the left with 00, cn on the right with FF, all others on the right with 00.
fn fit(value: &[u8], length: usize, format: Format, out: &mut Vec<u8>) {
    let missing = length.saturating_sub(value.len());
    let surplus = value.len().saturating_sub(length);
    let kept = match format {
        Format::Numeric => value.get(surplus..),
        Format::CompressedNumeric | Format::Other => value.get(..value.len().saturating_sub(surplus)),
    }
    .unwrap_or_default();
    match format {
        Format::Numeric => {
            out.extend(core::iter::repeat_n(0, missing));
            out.extend_from_slice(kept);
        }
        Format::CompressedNumeric => {
            out.extend_from_slice(kept);
            out.extend(core::iter::repeat_n(0xFF, missing));
        }
        Format::Other => {
            out.extend_from_slice(kept);
            out.extend(core::iter::repeat_n(0, missing));
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn parse(text: &str) -> Result<Vec<(u32, usize)>, DolError> {
        let bytes = hex::decode(text).unwrap();
        let dol = Dol::parse(&bytes)?;
        Ok(dol.entries().map(|e| (e.tag.number(), e.length)).collect())
    }

    fn build(text: &str) -> String {
        let bytes = hex::decode(text).unwrap();
        let source = |tag: Tag| -> Option<&'static [u8]> {
            match tag.number() {
                0x9F02 => Some(&[0, 0, 0, 1, 0x23, 0x45]),
                0x9F1A => Some(&[0x01, 0x56]),
                0x9A => Some(&[0x26, 0x11, 0x22]),
                0x9F37 => Some(&[1, 2, 3, 4]),
                0x5A => Some(&[0x62, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x32]),
                0x95 => Some(&[0, 0, 0, 0x80, 0]),
                _ => None,
            }
        };
        hex::encode_upper(Dol::parse(&bytes).unwrap().build(source, Tag::format))
    }

    #[test]
    fn parses_tags_of_every_length() {
        assert_eq!(
            parse("9F3704DF81290895059F3403").unwrap(),
            [(0x9F37, 4), (0x00DF_8129, 8), (0x95, 5), (0x9F34, 3)]
        );
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn malformed_lists() {
        for text in ["9F02069F", "9F02069F03069A", "9F3704DF81", "DF81818101"] {
            assert_eq!(parse(text), Err(DolError), "{text}");
        }
    }

    #[test]
    fn cuts_and_pads_by_format() {
        assert_eq!(build("9F02049F1A019A02"), "00012345561122");
        assert_eq!(build("9F02089F1A04"), "000000000001234500000156");
        assert_eq!(build("9F370295069F3706"), "0102000000800000010203040000");
        assert_eq!(build("5A0A"), "6212345678901232FFFF");
        assert_eq!(build("5A02"), "6212");
        assert_eq!(build("9F1E089F02009C01"), "000000000000000000");
    }
}
