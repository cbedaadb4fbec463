//! Reading the whole journal in order, and saying what does not fit.

use softpos_journal::{Head, OpenedRecord, RecordHash, RecordOpener, SEGMENT_HEADER_BYTES};

use crate::error::StoreError;
use crate::reader::Before;
use crate::report::Finding;
use crate::scan::{BadRange, Piece, Scan, wide};
use crate::survey::{FoundSegment, Survey};

/// A record on its way to the caller.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its place in the journal, from 1.
    pub sequence: u64,
    /// What the payload is.
    pub kind: u8,
    /// What was appended.
    pub payload: &'a [u8],
    /// Its hash, which the next one names.
    pub hash: RecordHash,
}

/// A place in the journal: a record, and where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The record's sequence; 0 before the first.
    pub sequence: u64,
    /// Its hash.
    pub hash: RecordHash,
    /// The segment it is in.
    pub segment: u32,
    /// Where in the segment it ends, in bytes.
    pub offset: u32,
}

impl Position {
    /// Before the first record.
    pub(crate) const START: Self = Self {
        sequence: 0,
        hash: RecordHash::NONE,
        segment: 0,
        offset: 0,
    };
}

/// What is done with each record.
pub(crate) type Visit<'a> = dyn FnMut(Record<'_>) -> Result<(), StoreError> + 'a;

/// How the journal ends.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// The last record, or what the watermark knows of it if the tail was cut off.
    pub(crate) last: Position,
    /// The segment that may be appended to, and its length.
    pub(crate) tail: Option<(u32, u64)>,
}

/// Replays the journal.
pub(crate) struct Replay<'a> {
    survey: &'a Survey,
    install_id: [u8; 16],
    head: Option<Head>,
    opener: RecordOpener,
    findings: &'a mut Vec<Finding>,
    last: Position,
    /// Whether `last` is the record right before the next one, so that the chain can be checked.
    linked: bool,
    /// Which segments, by their place in the survey.
    from: usize,
    to: usize,
    /// The last sequence of interest.
    through: u64,
}

impl<'a> Replay<'a> {
    pub(crate) const fn new(
        survey: &'a Survey,
        install_id: [u8; 16],
        head: Option<Head>,
        opener: RecordOpener,
        findings: &'a mut Vec<Finding>,
    ) -> Self {
        Self {
            survey,
            install_id,
            head,
            opener,
            findings,
            last: Position::START,
            linked: true,
            from: 0,
            to: usize::MAX,
            through: u64::MAX,
        }
    }

    /// Begins at a segment further on, as its first record tells.
    pub(crate) fn starting_at(mut self, at: usize) -> Self {
        let first = self
            .survey
            .segments
            .get(at)
            .and_then(|segment| segment.first_sequence);
        if let Some(first) = first.filter(|first| at > 0 && *first > 0) {
            self.last.sequence = first.saturating_sub(1);
            self.linked = false;
        }
        self.from = at;
        self
    }

    /// Ends before a segment.
    pub(crate) const fn ending_before(mut self, at: usize) -> Self {
        self.to = at;
        self
    }

    /// Begins behind records that were removed.
    pub(crate) const fn behind(mut self, before: Before) -> Self {
        self.last.sequence = before.sequence;
        self.last.hash = before.hash;
        self
    }

    /// Leaves out what was written later.
    pub(crate) const fn until(mut self, sequence: u64) -> Self {
        self.through = sequence;
        self
    }

    /// Visits every record in order; what does not fit becomes a finding.
    pub(crate) fn run(mut self, visit: &mut Visit<'_>) -> Result<Replayed, StoreError> {
        let mut tail = None;
        let segments = &self.survey.segments;
        // Whether the front is there shows with the sequences; what was removed has no number here.
        let whole = self.from == 0 && self.last.sequence == 0;
        let first_number = segments.first().map_or(1, |segment| segment.number);
        let mut number_due = if whole { 1 } else { first_number };
        for (at, segment) in segments.iter().enumerate().take(self.to) {
            if segment.number > number_due {
                let last = segment.number.saturating_sub(1);
                self.findings.push(Finding::SegmentMissing {
                    first: number_due,
                    last,
                });
            }
            number_due = segment.number.saturating_add(1);
            if at < self.from {
                continue;
            }
            let later = segments.get(at.saturating_add(1)..).unwrap_or_default();
            tail = self.segment(segment, later, visit)?;
        }
        if let Some(head) = self.head.filter(|head| head.sequence > self.last.sequence) {
            self.findings.push(Finding::TailCut {
                first: self.due(),
                last: head.sequence,
            });
            // Its sequences are never used again: what is missing stays visible as a gap.
            self.last = Position {
                sequence: head.sequence,
                hash: head.hash,
                segment: head.segment,
                offset: head.offset,
            };
        }
        Ok(Replayed {
            last: self.last,
            tail,
        })
    }

    /// Replays one segment and says whether, and where, it can be appended to.
    fn segment(
        &mut self,
        segment: &FoundSegment,
        later: &[FoundSegment],
        visit: &mut Visit<'_>,
    ) -> Result<Option<(u32, u64)>, StoreError> {
        // Of two records with one sequence the later segment's counts: the earlier write was reported as failed.
        let replaced_from = later.iter().filter_map(|segment| segment.first_sequence).min();
        let (_, mut scan) = Scan::open(&segment.path)?;
        let mut sound = self.check_header(segment);
        let mut end = wide(SEGMENT_HEADER_BYTES);
        let mut empty = true;
        let mut pending = Vec::new();
        while let Some(piece) = scan.next(&mut self.opener)? {
            match piece {
                Piece::Bad(range) => {
                    pending.push(range);
                    continue;
                }
                Piece::Sealed(header) => {
                    self.unreadable(segment.number, &mut pending);
                    self.findings.push(Finding::Tampered {
                        segment: segment.number,
                        sequence: header.sequence,
                    });
                    sound = false;
                }
                Piece::Record {
                    record,
                    end: record_end,
                } => {
                    end = record_end;
                    self.unreadable(segment.number, &mut pending);
                    let at = Position {
                        sequence: record.header.sequence,
                        hash: record.hash,
                        segment: segment.number,
                        offset: u32::try_from(end).unwrap_or(u32::MAX),
                    };
                    self.record(&record, at, replaced_from, visit)?;
                }
            }
            empty = false;
        }
        if let Some(first) = segment
            .first_sequence
            .filter(|first| empty && *first > self.due())
        {
            self.missing_until(first);
        }
        let clean = sound && pending.is_empty();
        self.trailing(segment.number, later.is_empty(), replaced_from, &mut pending);
        Ok(clean.then_some((segment.number, end)))
    }

    /// Whether the header is what this segment's must be.
    fn check_header(&mut self, segment: &FoundSegment) -> bool {
        let number = segment.number;
        let Ok(header) = segment.header else {
            // Without a record it is a segment whose creation was interrupted.
            if segment.first_sequence.is_some() {
                self.findings.push(Finding::SegmentHeader { segment: number });
            }
            return false;
        };
        let follows = !self.linked || header.first_sequence != self.due() || header.follows(&self.last.hash);
        let sound = header.number == number && header.install_id == self.install_id && follows;
        if !sound {
            self.findings.push(Finding::SegmentMisplaced { segment: number });
        }
        sound
    }

    fn record(
        &mut self,
        record: &OpenedRecord,
        at: Position,
        replaced_from: Option<u64>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let Position {
            sequence, segment, ..
        } = at;
        if sequence > self.through {
            return Ok(());
        }
        if replaced_from.is_some_and(|first| sequence >= first) {
            self.findings.push(Finding::Superseded { segment, sequence });
            return Ok(());
        }
        if sequence < self.due() {
            self.findings.push(Finding::OutOfOrder { segment, sequence });
            return Ok(());
        }
        if sequence > self.due() {
            self.missing_until(sequence);
        }
        let unlinked = self.linked && record.header.prev_hash != self.last.hash;
        let disputed = self
            .head
            .is_some_and(|head| head.sequence == sequence && head.hash != record.hash);
        if unlinked || disputed {
            self.findings.push(Finding::ChainBroken { sequence });
        }
        visit(Record {
            sequence,
            kind: record.header.kind,
            payload: &record.payload,
            hash: record.hash,
        })?;
        self.last = at;
        self.linked = true;
        Ok(())
    }

    /// The sequence that comes next.
    const fn due(&self) -> u64 {
        self.last.sequence.saturating_add(1)
    }

    fn missing_until(&mut self, sequence: u64) {
        self.findings.push(Finding::Missing {
            first: self.due(),
            last: sequence.saturating_sub(1),
        });
        self.last.sequence = sequence.saturating_sub(1);
        self.linked = false;
    }

    fn unreadable(&mut self, segment: u32, ranges: &mut Vec<BadRange>) {
        if self.due() > self.through {
            return ranges.clear();
        }
        self.findings
            .extend(ranges.drain(..).map(|range| Finding::Unreadable {
                segment,
                offset: range.offset,
                bytes: range.bytes,
                sequence: range.sequence,
            }));
    }

    /// Bad bytes at the end of a segment: an unfinished write, unless something says that there was more.
    fn trailing(&mut self, segment: u32, last: bool, next: Option<u64>, ranges: &mut Vec<BadRange>) {
        let Some(first) = ranges.first().copied() else {
            return;
        };
        if self.due() > self.through {
            return;
        }
        let acknowledged = self.head.is_some_and(|head| head.sequence >= self.due());
        if last && !acknowledged {
            let bytes = ranges.iter().map(|range| range.bytes).sum();
            self.findings.push(Finding::TornTail {
                segment,
                offset: first.offset,
                bytes,
            });
        } else if last || next != Some(self.due()) {
            self.unreadable(segment, ranges);
        }
        // Else the journal goes on in the next segment: the write was unfinished and was noticed then.
    }
}
