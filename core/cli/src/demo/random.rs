//! Numbers from a seed, the same on every machine. For stories only: nothing secret comes from here.

/// `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub(crate) struct SplitMix(u64);

impl SplitMix {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.saturating_sub(low).max(0).unsigned_abs().saturating_add(1);
        let step = self.next().checked_rem(span).unwrap_or(0);
        low.saturating_add(i64::try_from(step).unwrap_or(0))
    }

    /// One of the choices.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T], otherwise: T) -> T {
        let count = u64::try_from(choices.len()).unwrap_or(1);
        let index = self
            .next()
            .checked_rem(count)
            .and_then(|index| usize::try_from(index).ok());
        index
            .and_then(|index| choices.get(index))
            .copied()
            .unwrap_or(otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence() {
        let mut random = SplitMix::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(expected.map(|_| random.next()), expected);
    }

    #[test]
    fn stays_between() {
        let mut random = SplitMix::new(7);
        for _ in 0..1_000 {
            assert!((3..=9).contains(&random.between(3, 9)));
        }
        assert_eq!(random.between(5, 5), 5);
        assert_eq!(SplitMix::new(0).pick(&[], 1), 1);
    }
}
