//! What stands for all entries of a shelf together, so that one that is missing, old or too many is noticed.

use ring::digest::{Context, SHA256};

/// The sum of the hashes of all entries: it follows each change at once, and their order is all one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest([u64; 4]);

impl Digest {
    /// Bytes that a digest takes.
    pub(crate) const BYTES: usize = 32;

    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.each(key, value, u64::wrapping_add);
    }

    pub(crate) fn remove(&mut self, key: &[u8], value: &[u8]) {
        self.each(key, value, u64::wrapping_sub);
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (place, lane) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *place = lane.to_be_bytes();
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let mut lanes = [0; 4];
        for (lane, place) in lanes.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *lane = u64::from_be_bytes(*place);
        }
        Self(lanes)
    }

    /// A key's first byte says how long it is, so key and value need nothing between them.
    fn each(&mut self, key: &[u8], value: &[u8], turn: fn(u64, u64) -> u64) {
        let mut context = Context::new(&SHA256);
        context.update(key);
        context.update(value);
        let hash = context.finish();
        for (lane, part) in self.0.iter_mut().zip(hash.as_ref().as_chunks::<8>().0) {
            *lane = turn(*lane, u64::from_be_bytes(*part));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_all_one_and_every_entry_counts() {
        let (mut one, mut other) = (Digest::default(), Digest::default());
        one.add(b"a", b"1");
        one.add(b"b", b"");
        other.add(b"b", b"");
        assert_ne!(one, other);
        other.add(b"a", b"2");
        assert_ne!(one, other);
        other.remove(b"a", b"2");
        other.add(b"a", b"1");
        assert_eq!(one, other);
        assert_eq!(Digest::from_bytes(&one.to_bytes()), one);
        one.remove(b"b", b"");
        one.remove(b"a", b"1");
        assert_eq!(one, Digest::default());
    }
}
