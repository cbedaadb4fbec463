//! Payment codes.
//!
//! [`mpm`]: merchant-presented codes of `EMVCo`, both ways: generated strictly, read with two verdicts (what cannot be
//! trusted is refused, what only breaks a rule is read and the breaches are listed).

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

extern crate alloc;

pub mod mpm;
