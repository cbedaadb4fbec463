//! Stories told on purpose, each for one rule that chance rarely puts to the test.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod by_hand;
mod keys;
mod late;
mod queue;
mod reversal_not_signed;
mod run_out;
mod sent_once;
mod unknown_key;

use softpos_sim::Shop;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// All queries of payments by key.
const QUERIES: &str = "/v1/transactions/";

/// Everything that was sent there is one request, sent again.
fn the_same_bytes(shop: &Shop, path: &str) {
    let sent = shop.sent(path);
    for repeat in &sent {
        assert_eq!((&repeat.body, &repeat.jws), (&sent[0].body, &sent[0].jws));
        assert_eq!(repeat.key, sent[0].key);
    }
}

fn ms(ms: u64) -> i64 {
    i64::try_from(ms).unwrap()
}
