//! Taps that were cut while the card made its cryptogram: what is needed to ask the same card for it again.

use alloc::vec::Vec;
use core::fmt;

use softpos_types::{SecretBytes, Tick};

use crate::data::CardData;

/// Cut taps, the oldest first. Holds card data: never `Clone`, wiped when dropped.
#[derive(Default)]
pub struct TornLog(Vec<TornRecord>);

/// One cut tap.
#[derive(Debug)]
pub(crate) struct TornRecord {
    /// 5A as received.
    pub(crate) pan: SecretBytes,
    /// 5F34.
    pub(crate) psn: Option<u8>,
    /// When the command was sent whose answer is missing.
    pub(crate) since: Tick,
    /// From then on it is worth nothing.
    pub(crate) keep_until: Tick,
    /// What the kernel wants back, under tags of its own.
    pub(crate) objects: CardData,
}

impl TornLog {
    /// Keeps a record, at most `capacity` in all; gives back the oldest that had to go.
    pub(crate) fn put(&mut self, record: TornRecord, capacity: usize) -> Option<TornRecord> {
        if capacity == 0 {
            return Some(record);
        }
        self.0.push(record);
        (self.0.len() > capacity).then(|| self.0.remove(0))
    }

    /// Takes out the record of this card: number and sequence number agree.
    pub(crate) fn take(&mut self, pan: &[u8], psn: Option<u8>) -> Option<TornRecord> {
        let index = self
            .0
            .iter()
            .position(|record| record.pan.ct_eq(pan) && record.psn == psn)?;
        Some(self.0.remove(index))
    }

    /// Takes another log's records over.
    pub(crate) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// When the next record has to go.
    pub fn next_expiry(&self) -> Option<Tick> {
        self.0.iter().map(|record| record.keep_until).min()
    }

    /// Wipes the records whose time is over, whether their cards come back or not.
    pub fn forget_expired(&mut self, now: Tick) {
        self.0.retain(|record| now < record.keep_until);
    }

    /// Takes out the oldest record if it is older than `lifetime_ms` at `now`.
    pub(crate) fn expired(&mut self, now: Tick, lifetime_ms: u64) -> Option<TornRecord> {
        let oldest = self.0.first()?;
        (now.0.saturating_sub(oldest.since.0) > lifetime_ms).then(|| self.0.remove(0))
    }
}

/// How many, and nothing of what they hold.
impl fmt::Debug for TornLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TornLog({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn record(pan: u8, psn: Option<u8>, since: u64) -> TornRecord {
        TornRecord {
            pan: SecretBytes::copy_of(&[0x54, pan]),
            psn,
            since: Tick(since),
            keep_until: Tick(since).after_ms(300_000),
            objects: CardData::default(),
        }
    }

    #[test]
    fn the_oldest_goes_first_and_none_are_kept_without_room() {
        let mut log = TornLog::default();
        assert!(log.put(record(1, None, 0), 0).is_some());
        assert!(log.put(record(1, None, 0), 1).is_none());
        let gone = log.put(record(2, None, 1), 1).unwrap();
        assert!(gone.pan.ct_eq(&[0x54, 1]));
        assert_eq!(format!("{log:?}"), "TornLog(1)");
    }

    #[test]
    fn number_and_sequence_number_must_agree() {
        let mut log = TornLog::default();
        log.put(record(1, Some(1), 0), 2);
        assert!(log.take(&[0x54, 1], None).is_none());
        assert!(log.take(&[0x54, 1], Some(2)).is_none());
        assert!(log.take(&[0x54, 2], Some(1)).is_none());
        assert!(log.take(&[0x54, 1], Some(1)).is_some());
        assert!(log.take(&[0x54, 1], Some(1)).is_none(), "taken out");
    }

    #[test]
    fn what_is_over_goes_although_no_card_comes() {
        let mut log = TornLog::default();
        assert_eq!(log.next_expiry(), None);
        log.put(record(1, None, 1_000), 2);
        let mut other = TornLog::default();
        other.put(record(2, None, 500), 2);
        log.append(other);
        assert_eq!(log.next_expiry(), Some(Tick(300_500)));
        log.forget_expired(Tick(300_499));
        assert_eq!(format!("{log:?}"), "TornLog(2)");
        log.forget_expired(Tick(300_500));
        assert_eq!(
            (format!("{log:?}").as_str(), log.next_expiry()),
            ("TornLog(1)", Some(Tick(301_000)))
        );
    }

    #[test]
    fn lifetime_ends_after_the_last_millisecond() {
        let mut log = TornLog::default();
        log.put(record(1, None, 1_000), 2);
        assert!(log.expired(Tick(301_000), 300_000).is_none());
        assert!(log.expired(Tick(301_001), 300_000).is_some());
        assert!(log.expired(Tick(301_001), 300_000).is_none());
    }
}
