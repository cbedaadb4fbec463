//! What opening a store found out.

/// What recovery noticed, in the order in which it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The findings; empty after a clean shutdown.
    pub findings: Vec<Finding>,
}

/// One thing recovery noticed, without any content of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The last write before a crash was not finished. It was never acknowledged: nothing is lost.
    TornTail {
        /// The segment that ends torn; it is closed.
        segment: u32,
        /// Where the unfinished bytes begin.
        offset: u64,
        /// How many they are.
        bytes: u64,
    },
    /// Bytes that are no record any more. They stay where they are.
    Unreadable {
        /// The segment they are in.
        segment: u32,
        /// Where they begin.
        offset: u64,
        /// How many they are.
        bytes: u64,
        /// The sequence of the record, if its header survived.
        sequence: Option<u64>,
    },
    /// A record is undamaged but was not sealed by this store: tampering.
    Tampered {
        /// The segment it is in.
        segment: u32,
        /// The sequence it claims.
        sequence: u64,
    },
    /// Records that must have been there cannot be found.
    Missing {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// The journal ends before the watermark does: its tail was cut off or an older copy was put back.
    TailCut {
        /// The first missing record.
        first: u64,
        /// The last record the watermark knows.
        last: u64,
    },
    /// A record names another predecessor than the one before it.
    ChainBroken {
        /// The record.
        sequence: u64,
    },
    /// A record stands where an earlier one was read already; it was not used.
    OutOfOrder {
        /// The segment it is in.
        segment: u32,
        /// Its sequence.
        sequence: u64,
    },
    /// A record whose write was reported as failed, and which a later segment replaces; it was not used.
    Superseded {
        /// The segment it is in.
        segment: u32,
        /// Its sequence.
        sequence: u64,
    },
    /// There are no files for segments between others. What they held is named by sequence apart.
    SegmentMissing {
        /// The first of them.
        first: u32,
        /// The last of them.
        last: u32,
    },
    /// The header of a segment is damaged; its records were looked for all the same.
    SegmentHeader {
        /// The segment.
        segment: u32,
    },
    /// The header of a segment belongs to another place or another installation.
    SegmentMisplaced {
        /// The segment.
        segment: u32,
    },
    /// No slot of the watermark is readable: a cut tail would not have been noticed.
    HeadUnreadable,
    /// There is no journal although other files of the store are there.
    JournalMissing,
    /// There was no index that can be believed; an empty one was begun, to be filled again from the journal.
    IndexRebuilt {
        /// Why.
        reason: String,
    },
    /// There is no index for now; everything else works.
    IndexUnavailable {
        /// Why.
        reason: String,
    },
}

impl Report {
    /// Whether anything that was once acknowledged is gone or in doubt.
    pub fn lost_records(&self) -> bool {
        self.findings.iter().any(Finding::is_loss)
    }
}

impl Finding {
    /// The first record it is about, if it is known.
    pub const fn sequence(&self) -> Option<u64> {
        match self {
            Self::Unreadable { sequence, .. } => *sequence,
            Self::Tampered { sequence, .. }
            | Self::ChainBroken { sequence }
            | Self::OutOfOrder { sequence, .. }
            | Self::Superseded { sequence, .. } => Some(*sequence),
            Self::Missing { first, .. } | Self::TailCut { first, .. } => Some(*first),
            Self::TornTail { .. }
            | Self::SegmentMissing { .. }
            | Self::SegmentHeader { .. }
            | Self::SegmentMisplaced { .. }
            | Self::HeadUnreadable
            | Self::JournalMissing
            | Self::IndexRebuilt { .. }
            | Self::IndexUnavailable { .. } => None,
        }
    }

    /// Whether the finding names this record as missing or wrong.
    pub fn names(&self, record: u64) -> bool {
        match self {
            Self::Missing { first, last } | Self::TailCut { first, last } => {
                (*first..=*last).contains(&record)
            }
            Self::TornTail { .. }
            | Self::Unreadable { .. }
            | Self::Tampered { .. }
            | Self::ChainBroken { .. }
            | Self::OutOfOrder { .. }
            | Self::Superseded { .. }
            | Self::SegmentMissing { .. }
            | Self::SegmentHeader { .. }
            | Self::SegmentMisplaced { .. }
            | Self::HeadUnreadable
            | Self::JournalMissing
            | Self::IndexRebuilt { .. }
            | Self::IndexUnavailable { .. } => self.sequence() == Some(record),
        }
    }

    /// Whether the finding means that acknowledged records are gone or in doubt.
    pub const fn is_loss(&self) -> bool {
        match self {
            Self::Unreadable { .. }
            | Self::Tampered { .. }
            | Self::Missing { .. }
            | Self::TailCut { .. }
            | Self::ChainBroken { .. }
            | Self::OutOfOrder { .. }
            | Self::JournalMissing => true,
            Self::TornTail { .. }
            | Self::Superseded { .. }
            | Self::SegmentMissing { .. }
            | Self::SegmentHeader { .. }
            | Self::SegmentMisplaced { .. }
            | Self::HeadUnreadable
            | Self::IndexRebuilt { .. }
            | Self::IndexUnavailable { .. } => false,
        }
    }
}
