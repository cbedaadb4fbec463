//! Time, which always comes from outside.

use core::fmt;

/// Milliseconds of a monotonic clock; no relation to the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

impl Tick {
    /// The moment `ms` later; stays at the end of time instead of wrapping.
    pub const fn after_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds since an earlier moment; zero if it is not earlier.
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The present: a tick for durations, wall time for stamps and expiry dates only.
///
/// The offset is the merchant's, from the signed parameters, not the phone's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic milliseconds.
    pub tick: Tick,
    /// Milliseconds since 1970-01-01 UTC.
    pub utc_ms: u64,
    /// Minutes east of UTC.
    pub utc_offset_min: i16,
}

/// A calendar date and time of day at the merchant's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Year, as 2026.
    pub year: u16,
    /// Month, 1..=12.
    pub month: u8,
    /// Day of the month, 1..=31.
    pub day: u8,
    /// Hour, 0..=23.
    pub hour: u8,
    /// Minute, 0..=59.
    pub minute: u8,
    /// Second, 0..=59.
    pub second: u8,
}

impl Now {
    /// The merchant's local date and time, for 9A, 9F21, DE12, DE13 and receipts.
    pub fn local(self) -> LocalTime {
        LocalTime::from_utc(self.utc_ms, self.utc_offset_min)
    }
}

impl LocalTime {
    /// Converts milliseconds since 1970 and an offset in minutes (proleptic Gregorian calendar).
    ///
    /// The day count is turned into a date by eras of 400 years (H. Hinnant, "chrono-compatible low-level date
    /// algorithms").
    #[allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    pub fn from_utc(utc_ms: u64, utc_offset_min: i16) -> Self {
        let seconds = i64::try_from(utc_ms / 1_000)
            .unwrap_or(i64::MAX)
            .saturating_add(i64::from(utc_offset_min) * 60);
        // Bounded to the years 1970..=9999, so that nothing below can overflow or truncate.
        let local = seconds.clamp(0, 253_402_300_799);
        let (days, of_day) = (local / 86_400, local % 86_400);
        let shifted = days + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_index = (5 * day_of_year + 2) / 153;
        let month = if month_index < 10 {
            month_index + 3
        } else {
            month_index - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year: year as u16,
            month: month as u8,
            day: (day_of_year - (153 * month_index + 2) / 5 + 1) as u8,
            hour: (of_day / 3_600) as u8,
            minute: (of_day / 60 % 60) as u8,
            second: (of_day % 60) as u8,
        }
    }

    /// Year, month and day as the three BCD bytes YY MM DD of tag 9A.
    pub fn date_bcd(self) -> [u8; 3] {
        let two_digits = u8::try_from(self.year.rem_euclid(100)).unwrap_or(0);
        [bcd(two_digits), bcd(self.month), bcd(self.day)]
    }

    /// Hour, minute and second as the three BCD bytes of tag 9F21.
    pub fn time_bcd(self) -> [u8; 3] {
        [bcd(self.hour), bcd(self.minute), bcd(self.second)]
    }
}

/// `2026/11/22 12:34:56`, as receipts write it.
impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        write!(
            f,
            "{year:04}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}"
        )
    }
}

const fn bcd(two_digits: u8) -> u8 {
    ((two_digits / 10) << 4) | (two_digits % 10)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn known_moments() {
        assert_eq!(LocalTime::from_utc(0, 0).to_string(), "1970/01/01 00:00:00");
        assert_eq!(
            LocalTime::from_utc(951_782_400_000, 0).to_string(),
            "2000/02/29 00:00:00"
        );
        assert_eq!(
            LocalTime::from_utc(1_763_785_496_000, 480).to_string(),
            "2025/11/22 12:24:56"
        );
        assert_eq!(
            LocalTime::from_utc(1_767_225_599_000, 0).to_string(),
            "2025/12/31 23:59:59"
        );
        assert_eq!(
            LocalTime::from_utc(1_767_225_599_000, 1).to_string(),
            "2026/01/01 00:00:59"
        );
    }

    #[test]
    fn extremes_do_not_panic() {
        assert_eq!(LocalTime::from_utc(0, -720).to_string(), "1970/01/01 00:00:00");
        assert_eq!(LocalTime::from_utc(u64::MAX, i16::MAX).year, 9999);
    }

    #[test]
    fn emv_dates_are_bcd() {
        let local = LocalTime::from_utc(1_763_785_496_000, 480);
        assert_eq!(local.date_bcd(), [0x25, 0x11, 0x22]);
        assert_eq!(local.time_bcd(), [0x12, 0x24, 0x56]);
    }
}
