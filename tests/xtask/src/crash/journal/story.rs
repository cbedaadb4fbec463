//! What is written: sales, codes, stored payments, day closes with their checkpoints, under a clock that jumps by years.
//! The same seed tells the same story, so that a record can be compared without having been kept.

use softpos_crypto::entropy::Entropy;
use softpos_crypto::merkle::leaf_hash;
use softpos_journal::{Entry, Image, Ledger, Moved, Settled, Started, State};
use softpos_types::{Currency, Language, Method, Money, Operation, PaymentKey, SecretArray};

/// Records of a day.
const DAY: u64 = 61;
const UTC_MS: u64 = 1_750_000_000_000;
const TEN_YEARS_MS: u64 = 10 * 365 * 24 * 3_600 * 1_000;

/// A till's records, one after the other.
pub(super) struct Story {
    seed: u64,
    pub(super) ledger: Ledger,
    pub(super) sequence: u64,
    last: Option<(PaymentKey, Method)>,
}

impl Story {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            ledger: Ledger::whole(),
            sequence: 0,
            last: None,
        }
    }

    /// The story up to a record.
    pub(super) fn until(seed: u64, sequence: u64) -> Self {
        let mut story = Self::new(seed);
        while story.sequence < sequence {
            story.next();
        }
        story
    }

    /// The next record.
    pub(super) fn next(&mut self) -> Entry {
        self.sequence += 1;
        let chance = leaf_hash(&[self.seed.to_be_bytes(), self.sequence.to_be_bytes()].concat());
        let entry = if self.ledger.checkpoint_due {
            self.ledger.checkpoint().into()
        } else if let Some(step) = self.last.take().and_then(|last| self.step(last, &chance)) {
            step
        } else if self.sequence % DAY > DAY - 5 && self.ledger.open().next().is_none() {
            self.close_day()
        } else if let Some(queued) = self.forward() {
            queued
        } else {
            self.start(&chance)
        };
        self.ledger.apply(self.sequence, entry.clone());
        entry
    }

    /// Wall time jumps ten years back and forth; nothing may depend on it.
    fn utc_ms(&self, chance: &[u8; 32]) -> u64 {
        let jump = [0, 0, 0, TEN_YEARS_MS, 2 * TEN_YEARS_MS];
        let jump = jump
            .get(usize::from(chance[0]) % jump.len())
            .copied()
            .unwrap_or(0);
        (UTC_MS - TEN_YEARS_MS) + jump + self.sequence * 1_000
    }

    fn start(&mut self, chance: &[u8; 32]) -> Entry {
        let utc_ms = self.utc_ms(chance);
        let mut tail = [0; 10];
        tail.copy_from_slice(&chance[4..14]);
        let key = PaymentKey::new(utc_ms, &tail);
        let image = |bytes: usize| {
            Some(Image {
                path: "/v1/transactions".into(),
                body: vec![chance[1]; bytes + usize::from(chance[2])],
                jws: String::new(),
            })
        };
        let (method, state) = match chance[3] % 4 {
            0 => (Method::Cash, State::Approved),
            1 => (Method::Card, State::Stored),
            _ => (Method::Card, State::Armed),
        };
        self.last = Some((key, method)).filter(|_| state == State::Armed);
        Started {
            key,
            operation: Operation::Sale,
            method,
            amount: Money::new(i64::from(chance[14]) + 1, Currency::CNY),
            stan: self.ledger.next_stan,
            batch: self.ledger.batch,
            state,
            utc_ms,
            utc_offset_min: 480,
            language: Language::Zh,
            order: None,
            category: None,
            wallet: None,
            original_key: None,
            card: None,
            request: image(600),
            reversal: image(200),
            data_counter: Some(u32::try_from(self.sequence).unwrap_or(u32::MAX)),
            pin_counter: None,
        }
        .into()
    }

    fn step(&self, (key, _): (PaymentKey, Method), chance: &[u8; 32]) -> Option<Entry> {
        self.ledger.payment(key)?;
        let to = match chance[3] % 5 {
            0 => State::Declined,
            1 => State::Failed,
            _ => State::Approved,
        };
        Some(Moved::new(key, to, self.utc_ms(chance)).into())
    }

    /// What waits goes first in, first out, a few records after it came.
    fn forward(&self) -> Option<Entry> {
        let first = self.ledger.queue().next()?;
        let due = self.sequence % DAY > DAY - 20 || self.ledger.queue_len() > 4;
        due.then(|| {
            Moved {
                forwarded: Some(true),
                ..Moved::new(first.key, State::Approved, first.utc_ms)
            }
            .into()
        })
    }

    fn close_day(&self) -> Entry {
        let batch = self.ledger.batch;
        Settled {
            batch,
            balanced: true,
            next_batch: batch.next(),
            host_utc_ms: UTC_MS,
            totals: Vec::new(),
            disputed: false,
        }
        .into()
    }
}

pub(super) fn root() -> SecretArray<32> {
    SecretArray::build(|root| root.fill(1))
}

pub(super) fn entropy(seed: u64) -> Entropy {
    Entropy::from_seed(SecretArray::take(&mut leaf_hash(&seed.to_be_bytes())))
}
