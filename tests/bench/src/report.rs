//! Lines of the report.

use std::fmt;
use std::time::Duration;

/// A figure, and where there is one, its budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    what: String,
    measured: String,
    budget: Option<Budget>,
}

#[derive(Clone, Debug, PartialEq)]
struct Budget {
    limit: String,
    /// What of the budget is used up: above 1 it is broken.
    used: f64,
}

impl Line {
    /// A figure without a budget.
    pub fn figure(what: impl Into<String>, measured: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            measured: measured.into(),
            budget: None,
        }
    }

    /// A time and the longest one allowed, both in nanoseconds.
    pub fn at_most(what: impl Into<String>, measured_ns: f64, limit_ns: f64) -> Self {
        Self::figure(what, nanoseconds(measured_ns)).with_budget(
            format!("at most {}", nanoseconds(limit_ns)),
            measured_ns / limit_ns,
        )
    }

    /// A number and the highest one allowed, both in `unit`.
    pub fn number_at_most(what: impl Into<String>, measured: f64, limit: f64, unit: &str) -> Self {
        Self::figure(what, format!("{measured:.2} {unit}"))
            .with_budget(format!("at most {limit} {unit}"), measured / limit)
    }

    /// A number and the lowest one allowed, both in `unit`.
    pub fn number_at_least(what: impl Into<String>, measured: f64, limit: f64, unit: &str) -> Self {
        Self::figure(what, format!("{measured:.0} {unit}"))
            .with_budget(format!("at least {limit} {unit}"), limit / measured)
    }

    fn with_budget(mut self, limit: String, used: f64) -> Self {
        self.budget = Some(Budget { limit, used });
        self
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {:<58}{:>16}", self.what, self.measured)?;
        match &self.budget {
            Some(Budget { limit, used }) => {
                let verdict = if *used <= 1.0 { "holds" } else { "BROKEN" };
                write!(f, "  {limit:<20}{used:>6.2} of it, {verdict}")
            }
            None => Ok(()),
        }
    }
}

/// A time in the unit that suits it.
pub fn nanoseconds(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.1} ns"),
        ns if ns < 1e6 => format!("{:.2} us", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}

/// A measured duration as a line's figure.
impl From<(&str, Duration)> for Line {
    fn from((what, measured): (&str, Duration)) -> Self {
        Self::figure(what, nanoseconds(measured.as_secs_f64() * 1e9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_fit() {
        let texts = [0.5, 999.0, 1_500.0, 2_500_000.0, 3_000_000_000.0].map(nanoseconds);
        assert_eq!(texts, ["0.5 ns", "999.0 ns", "1.50 us", "2.50 ms", "3.00 s"]);
    }

    #[test]
    fn a_budget_holds_or_is_broken_in_its_own_direction() {
        let text = |line: Line| line.to_string();
        assert!(text(Line::at_most("a", 100.0, 100.0)).ends_with("1.00 of it, holds"));
        assert!(text(Line::at_most("a", 151.0, 100.0)).ends_with("1.51 of it, BROKEN"));
        assert!(text(Line::number_at_most("a", 1.4, 1.3, "x")).ends_with("1.08 of it, BROKEN"));
        assert!(text(Line::number_at_least("a", 1_000.0, 500.0, "/s")).ends_with("0.50 of it, holds"));
        assert!(text(Line::number_at_least("a", 250.0, 500.0, "/s")).ends_with("2.00 of it, BROKEN"));
        assert!(text(Line::from(("a", Duration::from_micros(3)))).ends_with("3.00 us"));
    }
}
