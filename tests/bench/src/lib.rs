//! What the benchmarks share: quantiles, the machine they ran on, and lines that set a figure beside its budget.
//!
//! Figures belong to a machine and an hour. A budget is therefore a ratio to a limit or to a peer of the same run, it
//! is printed and never asserted.

#![forbid(unsafe_code)]

mod machine;
mod quantiles;
mod report;

pub use machine::{Machine, resident_kib};
pub use quantiles::Quantiles;
pub use report::{Line, nanoseconds};
