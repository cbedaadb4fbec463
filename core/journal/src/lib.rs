//! What softpos writes down: the record format, the hash chain, what the records say, and the fold that
//! rebuilds the state of every payment.
//!
//! The journal is append-only. Each payment step is one record, and the state of a till is a pure function of
//! its records ([`Ledger`]): whatever a crash leaves behind, the till comes back as the records say. Bytes in,
//! bytes out: files are softpos-store's.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

extern crate alloc;

mod codec;
mod entry;
mod frame;
mod head;
mod ledger;
mod payment;
mod segment;
mod state;

pub use entry::{
    Activation, Archived, Attested, CHECKPOINT_KIND, CardFacts, CardVerification, Checkpoint, CodeFacts,
    Entry, EntryError, Image, KeysLoaded, MethodTotals, Moved, OfPayment, ParametersTaken, Reply, Reprinted,
    Restored, Settled, Settling, Started, Totals, TrustedKey,
};
pub use frame::{
    FrameError, HEADER_BYTES, MAX_PAYLOAD_BYTES, OVERHEAD_BYTES, OpenedRecord, RECORD_FORMAT, RECORD_MAGIC,
    RecordHash, RecordHeader, RecordOpener, SealedRecord, seal_record,
};
pub use head::{HEAD_FORMAT, HEAD_MAGIC, HEAD_SLOT_BYTES, Head, HeadKey, KeyCounters};
pub use ledger::{Ledger, totals};
pub use payment::{DECLINED_BY_CARD, Payment};
pub use segment::{SEGMENT_FORMAT, SEGMENT_HEADER_BYTES, SEGMENT_MAGIC, SegmentHeader};
pub use state::State;
