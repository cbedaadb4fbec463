//! `SplitMix64`: enough to scatter kills, and the same for the same seed.

use std::time::Duration;

pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A moment from `from` to `to`, both possible, in whole microseconds.
    pub(super) fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let span = to.saturating_sub(from).as_micros().saturating_add(1);
        let offset = u128::from(self.next()) % span;
        from.saturating_add(Duration::from_micros(u64::try_from(offset).unwrap_or(u64::MAX)))
    }

    /// Below a number, 0 if that is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// One of them, unless there is none.
    pub(super) fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        let index = self.below(u64::try_from(of.len()).unwrap_or(u64::MAX));
        let index = usize::try_from(index).unwrap_or(0);
        of.get(index).cloned()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence_comes_out() {
        // The first values of the reference implementation (splitmix64.c, Vigna) for seed 1234567.
        let mut random = Random::new(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn moments_stay_between() {
        let (from, to) = (Duration::from_millis(2), Duration::from_millis(5));
        let mut random = Random::new(1);
        let moments: Vec<_> = (0..1000).map(|_| random.between(from, to)).collect();
        assert!(moments.iter().all(|moment| (from..=to).contains(moment)));
        assert!(moments.iter().any(|moment| *moment < Duration::from_millis(3)));
        assert!(moments.iter().any(|moment| *moment > Duration::from_millis(4)));
        assert_eq!(random.between(to, from), to);
    }
}
