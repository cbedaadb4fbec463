//! Row 11: what the host does not know is not declined.

use softpos_host::paths;
use softpos_journal::State;
use softpos_sim::{Road, Shop};

use crate::{HOUR_MS, MINUTE_MS, the_same_bytes};

#[test]
fn an_unknown_key_is_sent_again_while_the_customer_waits() {
    let mut shop = Shop::open();
    shop.road(paths::TRANSACTIONS, Road::RequestLost);
    let sale = shop.tap(4_000).unwrap();
    shop.until_sent(paths::TRANSACTIONS);
    shop.open_roads();
    shop.until("the result", Shop::is_idle);
    assert_eq!(shop.state(sale), Some(State::Approved));
    assert_eq!(shop.sent(paths::TRANSACTIONS).len(), 2);
    the_same_bytes(&shop, paths::TRANSACTIONS);
    shop.rest();
}

#[test]
fn an_unknown_key_is_reversed_when_nobody_waits_and_its_late_request_is_refused() {
    let mut shop = Shop::open();
    shop.road(paths::TRANSACTIONS, Road::RequestLate(30 * MINUTE_MS));
    let sale = shop.tap(4_000).unwrap();
    shop.until_sent(paths::TRANSACTIONS);
    shop.kill();
    shop.until("the reversal's end", |shop| {
        shop.state(sale) == Some(State::Reversed)
    });
    assert_eq!(shop.sent(&paths::transaction(sale)).len(), 1);
    assert!(shop.received(paths::TRANSACTIONS).is_empty());
    // Row 22: the request comes after its reversal.
    assert!(shop.is_tombstone(sale));
    shop.pass(HOUR_MS);
    assert_eq!(shop.received(paths::TRANSACTIONS).len(), 1);
    assert_eq!(shop.host_state(sale), None);
    assert_eq!(shop.state(sale), Some(State::Reversed));
    shop.rest();
}
