//! One row of the index: where a payment is in the journal, and what lists need of it.

use std::ops::Range;

use ring::hmac;
use softpos_crypto::seal::PurposeKey;
use softpos_types::PaymentKey;

/// What the index knows of a payment. References only: everything else is in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexRow {
    /// The payment.
    pub key: PaymentKey,
    /// The sequence of its last record.
    pub sequence: u64,
    /// Its batch number.
    pub batch: u32,
    /// Its number in the batch.
    pub stan: u32,
    /// Its state, as the caller numbers them.
    pub state: u8,
    /// Its amount in minor units.
    pub amount_minor: i64,
    /// When it was begun, in milliseconds since 1970.
    pub utc_ms: u64,
    /// The sequence of the record that put it into the offline queue, while it waits there.
    pub queued_at: Option<u64>,
    /// The merchant's order number, as [`OrderTags`] hides it.
    pub order: Option<OrderTag>,
}

/// What stands for an order number: the same for the same text, and telling nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderTag(pub(crate) [u8; 16]);

/// Makes order tags.
#[derive(Clone)]
pub struct OrderTags(hmac::Key);

impl OrderTags {
    /// From the lookup purpose key.
    pub(crate) fn new(lookup: &PurposeKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, lookup.expose()))
    }

    /// The tag of an order number.
    pub fn tag(&self, order: &str) -> OrderTag {
        let mac = hmac::sign(&self.0, order.as_bytes());
        OrderTag(mac.as_ref().first_chunk().copied().unwrap_or_default())
    }
}

impl std::fmt::Debug for OrderTags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OrderTags(..)")
    }
}

const MARK: u8 = b'm';
const BY_KEY: u8 = b'k';
const BY_STAN: u8 = b's';
const BY_STATE: u8 = b'p';
const QUEUE: u8 = b'q';
const BY_ORDER: u8 = b'o';

impl IndexRow {
    /// The row's value, without its key.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(41);
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.batch.to_be_bytes());
        bytes.extend_from_slice(&self.stan.to_be_bytes());
        bytes.push(self.state);
        bytes.extend_from_slice(&self.amount_minor.to_be_bytes());
        bytes.extend_from_slice(&self.utc_ms.to_be_bytes());
        bytes.extend_from_slice(&self.queued_at.unwrap_or(0).to_be_bytes());
        bytes.extend(self.order.iter().flat_map(|order| order.0));
        bytes
    }

    pub(crate) fn from_bytes(key: PaymentKey, bytes: &[u8]) -> Option<Self> {
        let (sequence, bytes) = bytes.split_first_chunk()?;
        let (batch, bytes) = bytes.split_first_chunk()?;
        let (stan, bytes) = bytes.split_first_chunk()?;
        let ([state], bytes) = bytes.split_first_chunk()?;
        let (amount_minor, bytes) = bytes.split_first_chunk()?;
        let (utc_ms, bytes) = bytes.split_first_chunk()?;
        let (queued_at, bytes) = bytes.split_first_chunk()?;
        let queued_at = u64::from_be_bytes(*queued_at);
        let order = match bytes {
            [] => None,
            order => Some(OrderTag(order.try_into().ok()?)),
        };
        Some(Self {
            key,
            sequence: u64::from_be_bytes(*sequence),
            batch: u32::from_be_bytes(*batch),
            stan: u32::from_be_bytes(*stan),
            state: *state,
            amount_minor: i64::from_be_bytes(*amount_minor),
            utc_ms: u64::from_be_bytes(*utc_ms),
            queued_at: (queued_at != 0).then_some(queued_at),
            order,
        })
    }

    /// The keys under which lists find the payment; each ends with the payment's own key.
    pub(crate) fn list_keys(&self) -> Vec<Vec<u8>> {
        let key = self.key.as_bytes();
        let mut keys = vec![
            join(&[
                &[BY_STAN],
                &self.batch.to_be_bytes(),
                &self.stan.to_be_bytes(),
                key,
            ]),
            join(&[&[BY_STATE, self.state], key]),
        ];
        keys.extend(self.order.map(|order| join(&[&[BY_ORDER], &order.0, key])));
        keys.extend(
            self.queued_at
                .map(|sequence| join(&[&[QUEUE], &sequence.to_be_bytes(), key])),
        );
        keys
    }
}

/// Where the mark of what was applied is.
pub(crate) fn mark_key() -> Vec<u8> {
    vec![MARK]
}

/// Where a payment's row is; in order of the keys' time.
pub(crate) fn row_key(key: &PaymentKey) -> Vec<u8> {
    join(&[&[BY_KEY], key.as_bytes()])
}

/// The payment that a list key ends with.
pub(crate) fn payment_of(list_key: &[u8]) -> Option<PaymentKey> {
    PaymentKey::from_bytes(list_key.last_chunk::<16>()?).ok()
}

pub(crate) fn stan_range(batch: u32, stan: u32) -> Range<Vec<u8>> {
    let at = |stan: u64| join(&[&[BY_STAN], &((u64::from(batch) << 32) + stan).to_be_bytes()]);
    at(u64::from(stan))..at(u64::from(stan) + 1)
}

/// The rows of payments made in a span of time: a payment key begins with the 48 bits of its making.
pub(crate) fn time_range(utc_ms: Range<u64>) -> Range<Vec<u8>> {
    let [start, end] = [utc_ms.start, utc_ms.end].map(|utc_ms| match utc_ms.to_be_bytes() {
        [0, 0, key_time @ ..] => join(&[&[BY_KEY], &key_time]),
        _ => vec![BY_KEY + 1],
    });
    start..end
}

pub(crate) fn state_range(state: u8) -> Range<Vec<u8>> {
    let after = state
        .checked_add(1)
        .map_or(vec![BY_STATE + 1], |next| vec![BY_STATE, next]);
    vec![BY_STATE, state]..after
}

pub(crate) fn order_range(order: OrderTag) -> Range<Vec<u8>> {
    let start = join(&[&[BY_ORDER], &order.0]);
    let end = join(&[&start, &[u8::MAX; 17]]);
    start..end
}

pub(crate) fn queue_range() -> Range<Vec<u8>> {
    vec![QUEUE]..vec![QUEUE + 1]
}

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> IndexRow {
        IndexRow {
            key: PaymentKey::new(1_700_000_000_000, &[7; 10]),
            sequence: 8,
            batch: 1,
            stan: u32::MAX,
            state: u8::MAX,
            amount_minor: -5,
            utc_ms: 1_700_000_000_000,
            queued_at: Some(3),
            order: Some(OrderTag([9; 16])),
        }
    }

    #[test]
    fn a_row_comes_back_and_a_cut_one_does_not() {
        for row in [
            row(),
            IndexRow {
                queued_at: None,
                order: None,
                ..row()
            },
        ] {
            let bytes = row.to_bytes();
            assert_eq!(IndexRow::from_bytes(row.key, &bytes), Some(row));
            // Without its last member it is the row of a payment without an order.
            for end in (0..bytes.len()).filter(|end| *end != bytes.len() - 16) {
                assert_eq!(IndexRow::from_bytes(row.key, &bytes[..end]), None);
            }
        }
    }

    #[test]
    fn every_list_key_is_in_its_range_and_names_the_payment() {
        let keys = row().list_keys();
        let order = row().order.unwrap();
        let ranges = [
            stan_range(1, u32::MAX),
            state_range(u8::MAX),
            order_range(order),
            queue_range(),
        ];
        assert_eq!(keys.len(), ranges.len());
        for (key, range) in keys.iter().zip(ranges) {
            assert!(range.contains(key));
            assert_eq!(payment_of(key), Some(row().key));
        }
        assert!(!stan_range(1, 0).contains(&keys[0]) && !stan_range(2, 0).contains(&keys[0]));
        assert!(!state_range(0).contains(&keys[1]));
        assert_eq!(payment_of(&row_key(&row().key)), Some(row().key));
    }

    #[test]
    fn a_span_of_time_holds_the_payments_made_in_it() {
        let (key, time) = (row_key(&row().key), 1_700_000_000_000);
        for (span, inside) in [
            (time..time + 1, true),
            (0..u64::MAX, true),
            (0..time, false),
            (time + 1..u64::MAX, false),
            (1 << 48..u64::MAX, false),
        ] {
            assert_eq!(time_range(span.clone()).contains(&key), inside, "{span:?}");
        }
        assert!(!time_range(0..u64::MAX).contains(&mark_key()));
    }
}
