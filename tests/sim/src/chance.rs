//! Chance from a seed: the same on every machine.

/// xorshift64*.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// Neighbouring seeds give unlike streams (the start is stirred as in splitmix64).
    pub(crate) const fn new(seed: u64) -> Self {
        let stirred = seed
            .wrapping_add(0x9E37_79B9_7F4A_7C15)
            .wrapping_mul(0xBF58_476D_1CE4_E5B9);
        Self((stirred ^ (stirred >> 31)) | 1)
    }

    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number from 0 to below the bound; 0 for an empty range.
    pub(crate) const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            (self.next() >> 11) % bound
        }
    }

    /// True that often in a thousand.
    pub(crate) const fn permille(&mut self, often: u64) -> bool {
        self.below(1_000) < often
    }

    /// One of them, if there are any.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let bound = u64::try_from(from.len()).unwrap_or(0);
        from.get(usize::try_from(self.below(bound)).unwrap_or(0))
    }

    /// Random bytes.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        core::array::from_fn(|_| self.next().to_be_bytes()[0])
    }
}
