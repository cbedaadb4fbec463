//! Data objects a card gave, kept apart from what the reader knows.

use alloc::vec::Vec;
use core::fmt;

use softpos_types::SecretBytes;
use softpos_wire::Tag;
use softpos_wire::tlv::TlvWriter;

use crate::outcome::Reason;

// Rule K-WIPED: after a tap of any kernel neither number nor track nor name is left in the process.
// [source: inference; test: wiped::nothing_of_a_card_is_left_after_its_tap; evidence: own]
/// What one card gave, in the order it gave it; wiped when dropped.
///
/// A card's word never replaces the reader's: the reader's own values are looked up elsewhere, and a tag that the
/// reader owns is not taken into this store.
#[derive(Default)]
pub struct CardData(Vec<(Tag, SecretBytes)>);

/// Objects of one card that are kept before it counts as hostile: to look one up, all are looked at.
const MAX_OBJECTS: usize = 512;

/// Why an object of a card is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotKept {
    /// The card gave it before.
    Twice(Tag),
    /// The card gives more than any card has.
    TooMany,
}

impl From<NotKept> for Reason {
    fn from(why: NotKept) -> Self {
        match why {
            NotKept::Twice(tag) => Self::DataTwice(tag),
            NotKept::TooMany => Self::Malformed,
        }
    }
}

impl CardData {
    /// The value of a tag.
    pub fn value(&self, tag: Tag) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|(own, _)| *own == tag)
            .map(|(_, value)| value.expose())
    }

    /// The value of a tag if it has exactly this length.
    pub(crate) fn array<const N: usize>(&self, tag: Tag) -> Option<[u8; N]> {
        self.value(tag)?.try_into().ok()
    }

    /// All objects as a list, in the order given.
    pub(crate) fn to_tlv(&self) -> SecretBytes {
        let objects = || self.0.iter().map(|(tag, value)| (*tag, value.expose()));
        let mut writer = TlvWriter::for_objects(objects());
        for (tag, value) in objects() {
            writer.put(tag, value);
        }
        SecretBytes::new(writer.into_vec())
    }

    /// Puts another value in the place of a card's own; the old one is wiped.
    pub(crate) fn replace(&mut self, tag: Tag, value: SecretBytes) {
        self.0.retain(|(own, _)| *own != tag);
        self.0.push((tag, value));
    }

    // Rule K-BOUND: no card of any kernel makes the reader work without end: objects beyond a bound end the application.
    // [source: inference; test: kernel::tests::a_card_of_endless_objects_ends_the_application; evidence: own]
    pub(crate) fn insert(&mut self, tag: Tag, value: &[u8]) -> Result<(), NotKept> {
        if self.value(tag).is_some() {
            return Err(NotKept::Twice(tag));
        }
        if self.0.len() >= MAX_OBJECTS {
            return Err(NotKept::TooMany);
        }
        self.0.push((tag, SecretBytes::copy_of(value)));
        Ok(())
    }
}

/// Shows the tags only.
impl fmt::Debug for CardData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(tag, _)| tag)).finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use softpos_wire::tag;

    use super::*;

    #[test]
    fn a_tag_comes_once_and_is_never_shown() {
        let mut card = CardData::default();
        assert_eq!(card.insert(tag::PAN, &[0x47, 0x61]), Ok(()));
        assert_eq!(
            card.insert(tag::PAN, &[0x47, 0x62]),
            Err(NotKept::Twice(tag::PAN))
        );
        assert_eq!(card.value(tag::PAN), Some(&[0x47, 0x61][..]));
        assert_eq!(card.array::<2>(tag::PAN), Some([0x47, 0x61]));
        assert_eq!(card.array::<3>(tag::PAN), None);
        assert_eq!(format!("{card:?}"), "[5A]");
    }
}
