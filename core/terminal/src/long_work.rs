//! Long work from outside: how far it is, and how it is stopped.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// One piece of long work, shared by whoever does it and whoever watches.
#[derive(Debug, Default)]
pub struct LongWork {
    percent: AtomicU8,
    stopped: AtomicBool,
}

impl LongWork {
    /// How much of it is done, 0 to 100.
    pub fn percent(&self) -> u8 {
        self.percent.load(Ordering::Relaxed)
    }

    /// Stops it soon.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Says how far it is; whether it goes on.
    pub fn goes_on(&self, done: u64, total: u64) -> bool {
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(0);
        self.percent
            .store(u8::try_from(percent.min(100)).unwrap_or(100), Ordering::Relaxed);
        !self.stopped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_in_per_cent_and_goes_on_until_it_is_stopped() {
        let work = LongWork::default();
        for (done, total, percent) in [
            (0, 0, 0),
            (1, 3, 33),
            (3, 3, 100),
            (9, 3, 100),
            (u64::MAX, 1, 100),
        ] {
            assert!(work.goes_on(done, total));
            assert_eq!(work.percent(), percent, "{done} of {total}");
        }
        work.stop();
        assert!(!work.goes_on(3, 3));
    }
}
