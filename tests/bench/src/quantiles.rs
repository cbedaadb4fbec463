//! Quantiles of measured durations.

use std::time::Duration;

/// Durations in ascending order, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantiles(Vec<Duration>);

impl Quantiles {
    /// Takes the samples in any order; none of no samples.
    pub fn of(samples: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let mut samples: Vec<Duration> = samples.into_iter().collect();
        samples.sort_unstable();
        (!samples.is_empty()).then_some(Self(samples))
    }

    /// The shortest sample.
    pub fn least(&self) -> Duration {
        self.0.first().copied().unwrap_or_default()
    }

    /// Half of the samples are at most this long.
    pub fn p50(&self) -> Duration {
        self.percent(50)
    }

    /// 99 of 100 samples are at most this long.
    pub fn p99(&self) -> Duration {
        self.percent(99)
    }

    /// How many samples there are.
    pub const fn count(&self) -> usize {
        self.0.len()
    }

    /// Nearest rank: a sample that was measured, never one between two.
    fn percent(&self, percent: usize) -> Duration {
        let rank = self.0.len().saturating_mul(percent).div_ceil(100);
        let index = rank.saturating_sub(1);
        self.0.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_ms(samples: impl IntoIterator<Item = u64>) -> Quantiles {
        Quantiles::of(samples.into_iter().map(Duration::from_millis)).unwrap()
    }

    fn ms(duration: Duration) -> u128 {
        duration.as_millis()
    }

    #[test]
    fn nearest_rank() {
        let hundred = of_ms((1..=100).rev());
        assert_eq!((ms(hundred.p50()), ms(hundred.p99())), (50, 99));
        let three = of_ms([30, 10, 20]);
        assert_eq!(
            (ms(three.least()), ms(three.p50()), ms(three.p99())),
            (10, 20, 30)
        );
        let one = of_ms([7]);
        assert_eq!((ms(one.p50()), ms(one.p99()), one.count()), (7, 7, 1));
        assert_eq!(Quantiles::of([]), None);
    }
}
