//! The first sale end to end: every story of it, and everything that can go wrong on the way.
#![allow(missing_docs, reason = "the names of the stories say what they are about")]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a story picks out what it is about; anything else ends it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "what goes wrong ends the story"
)]

mod activation;
mod answers;
mod attestation;
mod books;
mod by_card;
mod cards;
mod codes;
mod folder;
#[cfg(target_os = "linux")]
mod full_disk;
mod input;
mod kernels;
mod memory;
mod offline;
mod refunds;
mod restarts;
mod scans;
mod secrets;
mod settlement;
mod slips;
mod storm;
mod trust;
mod voice;
