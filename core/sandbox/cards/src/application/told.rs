//! What the reader said in answer to a data object list.

use softpos_wire::Tag;
use softpos_wire::dol::Dol;

/// Values in the order of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    list: &'static [u8],
    data: &'a [u8],
}

impl<'a> Told<'a> {
    /// `None` if the data is not as long as the list wants.
    pub(crate) fn parse(list: &'static [u8], data: &'a [u8]) -> Option<Self> {
        (data.len() == Dol::parse(list).ok()?.total()).then_some(Self { list, data })
    }

    /// The value of a tag.
    pub(crate) fn value(&self, wanted: Tag) -> Option<&'a [u8]> {
        let mut rest = self.data;
        for entry in Dol::parse(self.list).ok()?.entries() {
            let (value, after) = rest.split_at_checked(entry.length)?;
            if entry.tag == wanted {
                return Some(value);
            }
            rest = after;
        }
        None
    }

    /// All values as they came.
    pub(crate) const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Whether these bits of a byte of a value are set.
    pub(crate) fn has(&self, tag: Tag, byte: usize, bits: u8) -> bool {
        self.value(tag)
            .and_then(|value| value.get(byte))
            .is_some_and(|byte| byte & bits != 0)
    }
}
