//! BER-TLV as EMV uses it (Book 3 Annex B): BER, not DER, so long length forms and 00 padding are legal.

use alloc::vec::Vec;
use core::fmt;

use crate::Tag;

/// Templates inside templates that are followed before the input is refused.
pub const MAX_DEPTH: usize = 8;

/// One data object: a view into the bytes it was read from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The tag.
    pub tag: Tag,
    /// The value, without tag and length.
    pub value: &'a [u8],
}

/// Shows tag and length only: values may be card data.
impl fmt::Debug for Tlv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tlv({}, {} bytes)", self.tag, self.value.len())
    }
}

/// Why bytes are no list of data objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlvError {
    /// The bytes end inside a tag, a length or a value.
    Truncated,
    /// Length byte 80.
    IndefiniteLength,
    /// A tag of more than three or a length of more than three bytes.
    TooLong,
    /// More than [`MAX_DEPTH`] templates inside each other.
    TooDeep,
}

/// Walks the objects of one level without allocating. After an error it ends.
#[derive(Clone, Debug)]
pub struct Tlvs<'a> {
    rest: &'a [u8],
}

impl<'a> Tlvs<'a> {
    /// Starts at the first byte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been walked yet; empty after an error.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Result<Tlv<'a>, TlvError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while let [0, rest @ ..] = self.rest {
            self.rest = rest;
        }
        if self.rest.is_empty() {
            return None;
        }
        let read = read_tag(self.rest).and_then(|(tag, rest)| {
            let (length, rest) = read_length(rest)?;
            let (value, rest) = rest.split_at_checked(length).ok_or(TlvError::Truncated)?;
            self.rest = rest;
            Ok(Tlv { tag, value })
        });
        if read.is_err() {
            self.rest = &[];
        }
        Some(read)
    }
}

/// Reads one tag; also used by data object lists, where no value follows.
///
/// # Errors
/// [`TlvError::Truncated`] or [`TlvError::TooLong`].
#[inline]
pub fn read_tag(bytes: &[u8]) -> Result<(Tag, &[u8]), TlvError> {
    match *bytes {
        [first, ref rest @ ..] if first & 0x1F != 0x1F => Ok((Tag::new(u32::from(first)), rest)),
        [first, second, ref rest @ ..] if second & 0x80 == 0 => {
            Ok((Tag::new(u32::from_be_bytes([0, 0, first, second])), rest))
        }
        [first, second, third, ref rest @ ..] if third & 0x80 == 0 => {
            Ok((Tag::new(u32::from_be_bytes([0, first, second, third])), rest))
        }
        [_, _, _, ..] => Err(TlvError::TooLong),
        _ => Err(TlvError::Truncated),
    }
}

fn read_length(bytes: &[u8]) -> Result<(usize, &[u8]), TlvError> {
    match *bytes {
        [length @ 0..=0x7F, ref rest @ ..] | [0x81, length, ref rest @ ..] => Ok((usize::from(length), rest)),
        [0x80, ..] => Err(TlvError::IndefiniteLength),
        [0x82, high, low, ref rest @ ..] => Ok((usize::from(u16::from_be_bytes([high, low])), rest)),
        [] | [0x81..=0x82, ..] => Err(TlvError::Truncated),
        [_, ..] => Err(TlvError::TooLong),
    }
}

/// Visits every object depth first, templates before their content; the first argument is the depth, 0 outside.
///
/// # Errors
/// The first malformed object at any depth; what came before it has been visited.
pub fn walk<'a, V: FnMut(usize, Tlv<'a>)>(bytes: &'a [u8], visit: &mut V) -> Result<(), TlvError> {
    walk_at(0, bytes, visit)
}

fn walk_at<'a, V: FnMut(usize, Tlv<'a>)>(
    depth: usize,
    bytes: &'a [u8],
    visit: &mut V,
) -> Result<(), TlvError> {
    if depth >= MAX_DEPTH {
        return Err(TlvError::TooDeep);
    }
    for tlv in Tlvs::new(bytes) {
        let tlv = tlv?;
        visit(depth, tlv);
        if tlv.tag.is_constructed() {
            walk_at(depth.saturating_add(1), tlv.value, visit)?;
        }
    }
    Ok(())
}

/// The value of the first object with this tag on the outer level.
///
/// # Errors
/// The first malformed object before it.
pub fn child(bytes: &[u8], tag: Tag) -> Result<Option<&[u8]>, TlvError> {
    for tlv in Tlvs::new(bytes) {
        let tlv = tlv?;
        if tlv.tag == tag {
            return Ok(Some(tlv.value));
        }
    }
    Ok(None)
}

/// The value of the one object with this tag that the bytes hold; `None` if they hold anything else.
pub fn only(bytes: &[u8], tag: Tag) -> Option<&[u8]> {
    let mut objects = Tlvs::new(bytes);
    let first = objects.next()?.ok()?;
    (first.tag == tag && objects.next().is_none()).then_some(first.value)
}

/// The objects of one level as received, but for those with this tag: what a signature among them covers.
///
/// # Errors
/// The first malformed object.
pub fn without(bytes: &[u8], tag: Tag) -> Result<Vec<u8>, TlvError> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut objects = Tlvs::new(bytes);
    let mut rest = bytes;
    while let Some(object) = objects.next() {
        let found = object?.tag;
        let length = rest.len().saturating_sub(objects.rest().len());
        let (object, after) = rest.split_at_checked(length).ok_or(TlvError::Truncated)?;
        if found != tag {
            kept.extend_from_slice(object);
        }
        rest = after;
    }
    Ok(kept)
}

/// Goes down from template to template and gives the value of the last one.
///
/// # Errors
/// The first malformed object on the way.
pub fn descend<'a>(bytes: &'a [u8], path: &[Tag]) -> Result<Option<&'a [u8]>, TlvError> {
    let mut value = bytes;
    for &tag in path {
        match child(value, tag)? {
            Some(inner) => value = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(value))
}

/// The value of the first object with this tag at any depth, depth first.
///
/// # Errors
/// The first malformed object before it.
pub fn find(bytes: &[u8], tag: Tag) -> Result<Option<&[u8]>, TlvError> {
    find_at(0, bytes, tag)
}

fn find_at(depth: usize, bytes: &[u8], tag: Tag) -> Result<Option<&[u8]>, TlvError> {
    if depth >= MAX_DEPTH {
        return Err(TlvError::TooDeep);
    }
    for tlv in Tlvs::new(bytes) {
        let tlv = tlv?;
        if tlv.tag == tag {
            return Ok(Some(tlv.value));
        }
        if tlv.tag.is_constructed()
            && let Some(value) = find_at(depth.saturating_add(1), tlv.value, tag)?
        {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// Writes data objects with the shortest length form.
#[derive(Default)]
pub struct TlvWriter {
    bytes: Vec<u8>,
}

impl TlvWriter {
    /// An empty list.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// An empty list with room for these objects: it does not move while they are put into it.
    pub fn for_objects<'v>(objects: impl Iterator<Item = (Tag, &'v [u8])>) -> Self {
        /// A tag and a length of three bytes each.
        const HEAD: usize = 6;
        let room = objects.fold(0_usize, |sum, (_, value)| {
            sum.saturating_add(value.len()).saturating_add(HEAD)
        });
        Self {
            bytes: Vec::with_capacity(room),
        }
    }

    /// Appends one object.
    pub fn put(&mut self, tag: Tag, value: &[u8]) -> &mut Self {
        tag.write(&mut self.bytes);
        let length = value.len().to_be_bytes();
        let digits = length
            .iter()
            .position(|byte| *byte != 0)
            .and_then(|first| length.get(first..))
            .unwrap_or(&[0]);
        match digits {
            [short @ 0..=0x7F] => self.bytes.push(*short),
            long => {
                // At most eight length bytes, so the sum stays below 0x89.
                self.bytes.push(u8::try_from(long.len()).unwrap_or(0x7F) | 0x80);
                self.bytes.extend_from_slice(long);
            }
        }
        self.bytes.extend_from_slice(value);
        self
    }

    /// Appends a template with what `fill` writes into it.
    pub fn template(&mut self, tag: Tag, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let mut inner = Self::new();
        fill(&mut inner);
        self.put(tag, &inner.bytes)
    }

    /// The bytes written.
    pub fn into_vec(self) -> Vec<u8> {
        self.bytes
    }
}

impl fmt::Debug for TlvWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlvWriter({} bytes)", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec;
    use core::fmt::Write;

    use super::*;
    use crate::tag;

    fn tree(text: &str) -> Result<String, TlvError> {
        let bytes = hex::decode(text).unwrap();
        let mut out = String::new();
        walk(&bytes, &mut |depth, tlv| {
            let value = if tlv.tag.is_constructed() {
                String::new()
            } else {
                hex::encode_upper(tlv.value)
            };
            write!(out, "{}{}={value};", ">".repeat(depth), tlv.tag).unwrap();
        })?;
        Ok(out)
    }

    /// Facts from a public Visa test card's file control information (binaryfoo/emv-bertlv, MIT).
    #[test]
    fn visa_file_control_information() {
        let fci = "6F318407A0000000031010A52650095649534120544553549F38189F66049F02069F03069F1A0295055F2A029A039C019F3704";
        assert_eq!(
            tree(fci).unwrap(),
            "6F=;>84=A0000000031010;>A5=;>>50=564953412054455354;\
             >>9F38=9F66049F02069F03069F1A0295055F2A029A039C019F3704;"
        );
        let bytes = hex::decode(fci).unwrap();
        assert_eq!(
            find(&bytes, tag::APPLICATION_LABEL).unwrap(),
            Some(&b"VISA TEST"[..])
        );
        assert_eq!(
            child(&bytes, tag::APPLICATION_LABEL).unwrap(),
            None,
            "not on the outer level"
        );
        let path = [tag::FCI_TEMPLATE, tag::FCI_PROPRIETARY, tag::APPLICATION_LABEL];
        assert_eq!(descend(&bytes, &path).unwrap(), Some(&b"VISA TEST"[..]));
    }

    #[test]
    fn legal_forms_that_der_would_refuse() {
        assert_eq!(
            tree("9F2681081122334455667788").unwrap(),
            "9F26=1122334455667788;"
        );
        assert_eq!(tree("5F2D00").unwrap(), "5F2D=;");
        assert_eq!(tree("7000").unwrap(), "70=;");
        assert_eq!(
            tree("00007009005A0212340000820000").unwrap(),
            "70=;>5A=1234;>82=;"
        );
        assert_eq!(tree("BF0C820005DF60025AA5").unwrap(), "BF0C=;>DF60=5AA5;");
        assert_eq!(
            tree("DF812908F0F0F0F000F0FF00").unwrap(),
            "DF8129=F0F0F0F000F0FF00;"
        );
        assert_eq!(tree("").unwrap(), "");
    }

    #[test]
    fn malformed_forms() {
        for (bytes, error) in [
            ("5080", TlvError::IndefiniteLength),
            ("500A414243", TlvError::Truncated),
            ("8201", TlvError::Truncated),
            ("6F0884", TlvError::Truncated),
            ("770A9F36020001820520", TlvError::Truncated),
            ("9F", TlvError::Truncated),
            ("DF81", TlvError::Truncated),
            ("DF818102", TlvError::TooLong),
            ("50", TlvError::Truncated),
            ("5081", TlvError::Truncated),
            ("508200", TlvError::Truncated),
            ("5083000001AA", TlvError::TooLong),
            ("50FF", TlvError::TooLong),
        ] {
            assert_eq!(tree(bytes), Err(error), "{bytes}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| {
            (0..levels).fold(vec![], |inner: Vec<u8>, _| {
                let mut writer = TlvWriter::new();
                writer.put(tag::RECORD_TEMPLATE, &inner);
                writer.into_vec()
            })
        };
        assert_eq!(walk(&nested(7), &mut |_, _| ()), Ok(()));
        assert_eq!(walk(&nested(8), &mut |_, _| ()), Err(TlvError::TooDeep));
        assert_eq!(find(&nested(3_000), tag::PAN), Err(TlvError::TooDeep));
    }

    #[test]
    fn the_walk_ends_after_an_error() {
        let mut tlvs = Tlvs::new(&[0x50, 0x80, 0x50, 0x01, 0x41]);
        assert_eq!(tlvs.next(), Some(Err(TlvError::IndefiniteLength)));
        assert_eq!(tlvs.next(), None);
    }

    #[test]
    fn one_object_is_left_out_and_the_rest_stays_as_received() {
        let without =
            |text: &str| super::without(&hex::decode(text).unwrap(), tag::PAN).map(hex::encode_upper);
        assert_eq!(
            without("9F2701405A02AABB9F36810200E0").as_deref(),
            Ok("9F2701409F36810200E0")
        );
        assert_eq!(without("5A00").as_deref(), Ok(""));
        assert_eq!(without("5A02AA"), Err(TlvError::Truncated));
    }

    #[test]
    fn the_only_object() {
        let only =
            |text: &str| super::only(&hex::decode(text).unwrap(), tag::RECORD_TEMPLATE).map(<[u8]>::len);
        assert_eq!(only("7002AABB"), Some(2));
        assert_eq!(only("007002AABB0000"), Some(2), "padding is nothing");
        assert_eq!(only("7002AABB5A00"), None);
        assert_eq!(only("7002AABB5A"), None);
        assert_eq!(only("7702AABB"), None);
        assert_eq!(only(""), None);
    }

    #[test]
    fn writer_uses_the_shortest_length() {
        for (length, head) in [
            (0, &[0x50, 0][..]),
            (127, &[0x50, 0x7F]),
            (128, &[0x50, 0x81, 0x80]),
            (255, &[0x50, 0x81, 0xFF]),
            (256, &[0x50, 0x82, 0x01, 0x00]),
        ] {
            let mut writer = TlvWriter::new();
            writer.put(tag::APPLICATION_LABEL, &vec![7; length]);
            let bytes = writer.into_vec();
            assert!(bytes.starts_with(head), "{length}");
            assert_eq!(
                child(&bytes, tag::APPLICATION_LABEL).unwrap().unwrap().len(),
                length
            );
        }
        let mut writer = TlvWriter::new();
        writer.template(tag::FCI_TEMPLATE, |inner| {
            inner.put(tag::DF_NAME, &[1, 2]);
        });
        assert_eq!(writer.into_vec(), [0x6F, 4, 0x84, 2, 1, 2]);
    }

    #[test]
    fn debug_shows_no_value() {
        let tlv = Tlv {
            tag: tag::PAN,
            value: &[0x47, 0x61],
        };
        assert_eq!(format!("{tlv:?}"), "Tlv(5A, 2 bytes)");
    }
}
