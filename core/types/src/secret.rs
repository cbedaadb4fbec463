//! Containers for what must never be printed, copied or left behind.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret of fixed length, on the heap (so that moving it leaves no copy) and wiped when dropped.
///
/// Neither `Clone` nor `PartialEq`: compare with [`SecretArray::ct_eq`].
#[derive(ZeroizeOnDrop)]
pub struct SecretArray<const N: usize>(Box<[u8; N]>);

impl<const N: usize> SecretArray<N> {
    /// A zero-filled secret that `fill` writes in place.
    pub fn build(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut bytes = Box::new([0_u8; N]);
        fill(&mut bytes);
        Self(bytes)
    }

    /// Takes the bytes over and wipes the caller's.
    pub fn take(bytes: &mut [u8; N]) -> Self {
        let secret = Self::build(|inner| inner.copy_from_slice(bytes));
        bytes.zeroize();
        secret
    }

    /// The bytes, for the operation that needs them.
    pub const fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// Compares in constant time.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl<const N: usize> fmt::Debug for SecretArray<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretArray<{N}>(..)")
    }
}

/// Secret bytes of any length, wiped when dropped.
#[derive(ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes a buffer over. The buffer must never have been reallocated since it got its content.
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Copies a slice into a buffer of exactly its length.
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The bytes, for the operation that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in constant time (the lengths may show).
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn debug_shows_nothing_and_take_wipes_the_source() {
        let mut key = [0xA5_u8; 16];
        let secret = SecretArray::take(&mut key);
        assert_eq!(key, [0; 16]);
        assert_eq!(format!("{secret:?}"), "SecretArray<16>(..)");
        assert!(secret.ct_eq(&SecretArray::build(|k| k.fill(0xA5))));
        assert!(!secret.ct_eq(&SecretArray::build(|k| k.fill(0xA4))));
        assert_eq!(format!("{:?}", SecretBytes::copy_of(b"4111")), "SecretBytes(..)");
        assert!(SecretBytes::copy_of(b"ab").ct_eq(b"ab") && !SecretBytes::copy_of(b"ab").ct_eq(b"abc"));
    }
}
