//! Random bytes from one seed.

use core::fmt;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use softpos_types::SecretArray;

use crate::scrub::scrubbed;

/// A `ChaCha20` generator with fast key erasure.
///
/// Each draw replaces the key by the first 32 bytes of its own stream, so that what was drawn cannot be computed
/// from the state that is left. The seed comes from the operating system through the caller; a test
/// gives a fixed one.
pub struct Entropy {
    key: SecretArray<32>,
}

impl Entropy {
    /// Starts from 32 random bytes.
    pub const fn from_seed(seed: SecretArray<32>) -> Self {
        Self { key: seed }
    }

    /// Fills a buffer with random bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.key = scrubbed(|| {
            let mut stream = ChaCha20Rng::from_seed(*self.key.expose());
            let next = SecretArray::build(|key| stream.fill_bytes(key));
            stream.fill_bytes(bytes);
            next
        });
    }

    /// Random bytes that are not secret: nonces, challenges, salts.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// Random bytes that are: keys and seeds.
    pub fn secret<const N: usize>(&mut self) -> SecretArray<N> {
        SecretArray::build(|bytes| self.fill(bytes))
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeded(byte: u8) -> Entropy {
        Entropy::from_seed(SecretArray::build(|seed| seed.fill(byte)))
    }

    #[test]
    fn one_seed_gives_one_stream_and_another_seed_another() {
        let (mut a, mut b, mut other) = (seeded(1), seeded(1), seeded(2));
        let first = a.array::<40>();
        assert_eq!(first, b.array::<40>());
        assert_ne!(first, a.array::<40>());
        assert_ne!(first, other.array::<40>());
    }

    #[test]
    fn the_key_left_behind_is_the_start_of_the_stream() {
        // RFC 8439, A.1, test vector 1: the stream of an all-zero key and nonce.
        let mut entropy = seeded(0);
        let drawn = entropy.array::<4>();
        let block = hex::decode(
            "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7\
             da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586",
        )
        .unwrap();
        assert_eq!(entropy.key.expose().as_slice(), &block[..32]);
        assert_eq!(drawn, block[32..36]);
    }
}
