//! What softpos writes down: the record format, the hash chain, and what the records say.
//!
//! Bytes in, bytes out: files are softpos-store's.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

extern crate alloc;

mod frame;
mod head;
mod segment;

pub use frame::{
    FrameError, HEADER_BYTES, MAX_PAYLOAD_BYTES, OVERHEAD_BYTES, OpenedRecord, RECORD_FORMAT, RECORD_MAGIC,
    RecordHash, RecordHeader, RecordOpener, SealedRecord, seal_record,
};
pub use head::{HEAD_FORMAT, HEAD_MAGIC, HEAD_SLOT_BYTES, Head, HeadKey, KeyCounters};
pub use segment::{SEGMENT_FORMAT, SEGMENT_HEADER_BYTES, SEGMENT_MAGIC, SegmentHeader};
