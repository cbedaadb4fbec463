//! A real client against the real host, over real TLS.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs
)]

mod activation;
mod cards;
mod codes;
mod faults;
mod payments;
mod settlement;
mod tap;
mod till;
