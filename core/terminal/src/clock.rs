//! The one place where the till reads the time.

use std::sync::atomic::{AtomicI16, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use softpos_types::{Now, Tick};

/// Monotonic ticks since the program's start, and the wall clock with the merchant's offset.
///
/// Ticks come from the system's monotonic clock, so a changed wall clock moves no deadline. Whether that clock
/// runs on while the device sleeps depends on the platform.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
    utc_offset_min: AtomicI16,
}

impl Clock {
    /// Starts at tick 0, with UTC as local time until the parameters say otherwise.
    #[expect(
        clippy::disallowed_methods,
        reason = "time enters here and is passed on as `Now`"
    )]
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
            utc_offset_min: AtomicI16::new(0),
        }
    }

    /// The present. A wall clock before 1970 counts as 1970.
    #[expect(
        clippy::disallowed_methods,
        reason = "time enters here and is passed on as `Now`"
    )]
    pub fn now(&self) -> Now {
        let utc = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            tick: Tick(whole_ms(self.start.elapsed())),
            utc_ms: whole_ms(utc),
            utc_offset_min: self.utc_offset_min.load(Ordering::Relaxed),
        }
    }

    /// Takes the merchant's offset from the signed parameters, in minutes east of UTC.
    pub fn set_utc_offset_min(&self, utc_offset_min: i16) {
        self.utc_offset_min.store(utc_offset_min, Ordering::Relaxed);
    }
}

fn whole_ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn ticks_rise_and_the_offset_is_the_merchants() {
        let clock = Clock::start();
        let first = clock.now();
        clock.set_utc_offset_min(480);
        std::thread::sleep(Duration::from_millis(5));
        let second = clock.now();
        assert!(second.tick.ms_since(first.tick) >= 5);
        assert!(
            first.tick.0 < 60_000,
            "ticks start with the clock, not with the machine"
        );
        assert_eq!((first.utc_offset_min, second.utc_offset_min), (0, 480));
        // 2025-01-01: written after that.
        assert!(first.utc_ms > 1_735_689_600_000);
    }
}
