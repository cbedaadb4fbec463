//! A shop in a test: a till on a folder of its own, the reference host over real TLS, software cards.
//!
//! Nothing here stands in for a part of the product. What a scenario does not like ends the test at once, so the
//! harness panics where a program would answer with an error.

#![forbid(unsafe_code)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a harness of tests: a step that goes wrong ends the test, with its reason"
)]

mod acquirer;
mod books;
mod driver;
mod journal_log;
mod sales;
mod shop;

pub use acquirer::HostPlace;
pub use driver::Customer;
pub use journal_log::LogLines;
pub use sales::{cny, sale};
pub use shop::{Shop, TillPlace};

/// Tells a story once for each case, all at the same time: most of each is waiting.
pub fn side_by_side<T: Send>(cases: impl IntoIterator<Item = T>, story: impl Fn(T) + Sync) {
    let story = &story;
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || story(case));
        }
    });
}
