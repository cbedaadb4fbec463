//! The program's clock, for how long something takes. Payments get their time in the terminal.

use std::time::Instant;

/// This moment.
#[expect(
    clippy::disallowed_methods,
    reason = "durations of waits and card answers, not a time of a payment"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
