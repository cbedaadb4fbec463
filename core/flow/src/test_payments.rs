//! Payments for the tests of this crate, brought to a state as records bring them there.

use alloc::string::String;
use alloc::vec::Vec;

use softpos_journal::{Image, Ledger, Moved, Started, State};
use softpos_types::{Batch, Currency, Language, Method, Money, Operation, PaymentKey, Stan};

/// When the payments were started.
pub(crate) const STARTED_UTC_MS: u64 = 1_000;

/// A key of its own for every number.
pub(crate) fn key(number: u8) -> PaymentKey {
    PaymentKey::new(u64::from(number), &[number; 10])
}

/// An armed card sale of that amount in batch 3.
pub(crate) fn started(number: u8, amount_minor: i64) -> Started {
    let image = Image {
        path: String::new(),
        body: Vec::new(),
        jws: String::new(),
    };
    Started {
        key: key(number),
        operation: Operation::Sale,
        method: Method::Card,
        amount: Money::new(amount_minor, Currency::CNY),
        stan: Stan::new(12).unwrap(),
        batch: Batch::new(3).unwrap(),
        state: State::Armed,
        utc_ms: STARTED_UTC_MS,
        utc_offset_min: 0,
        language: Language::En,
        order: None,
        category: None,
        original_key: None,
        card: None,
        request: Some(image.clone()),
        reversal: Some(image),
        data_counter: None,
        pin_counter: None,
        wallet: None,
    }
}

/// Writes a payment down, and its step to another state.
pub(crate) fn put(ledger: &mut Ledger, started: Started, to: State) {
    let (key, first) = (started.key, started.state);
    ledger.apply(1, started.into());
    if first != to {
        ledger.apply(2, Moved::new(key, to, 2).into());
    }
    assert_eq!(ledger.payment(key).unwrap().state, to);
}
