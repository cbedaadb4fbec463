//! Keys: one set, every counter once.

use std::collections::{BTreeMap, BTreeSet};

use softpos_host::{HostRequest, TransactionRequest, paths};
use softpos_journal::State;
use softpos_sim::{Road, Shop};
use softpos_types::Code;

#[test]
fn registers_of_a_set_that_was_never_confirmed_are_not_used() {
    let mut shop = Shop::open();
    shop.sold(1_000);
    shop.kill_and_lose_keys();
    let first = shop.key_set().unwrap().to_vec();
    // The new registers are on the disk; the kill comes before the host's confirmation is.
    shop.until("a register file", |shop| shop.key_file().is_some());
    assert_eq!(shop.key_set().unwrap(), first);
    shop.kill();
    assert_eq!(shop.tap(1_000), Err(Code::KeysExhausted));
    shop.rest();
    let second = shop.key_set().unwrap().to_vec();
    assert_ne!(second, first);
    shop.sold(1_000);
    let used: Vec<Vec<u8>> = data_keys(&shop)
        .into_iter()
        .map(|ksn| ksn[..8].to_vec())
        .collect();
    assert_eq!(used, [first, second]);
}

#[test]
fn lost_keys_are_loaded_anew_as_soon_as_the_host_answers() {
    let mut shop = Shop::open();
    shop.road(paths::KEYS, Road::Refused);
    shop.kill_and_lose_keys();
    shop.until("the third try", |shop| shop.sent(paths::KEYS).len() > 5);
    assert_eq!(shop.tap(1_000), Err(Code::KeysExhausted));
    shop.open_roads();
    shop.until("a register file", |shop| shop.key_file().is_some());
    shop.rest();
    shop.sold(1_000);
}

#[test]
fn no_data_key_is_used_twice_wherever_a_kill_comes() {
    let mut shop = Shop::open();
    for online in [true, false] {
        for steps in 0..25 {
            shop.network(online);
            let sale = shop.tap(1_000).unwrap();
            shop.step(steps);
            shop.kill();
            shop.network(true);
            shop.rest();
            assert!(shop.payment(sale).is_none_or(|payment| !payment.is_open()));
        }
    }
    // Sales that were sent, and sales that were stored.
    let used = data_keys(&shop);
    assert!(used.len() > 10, "{}", used.len());
    let deferred =
        |request: &&&HostRequest| String::from_utf8_lossy(&request.body).contains("\"deferred\":true");
    assert!(shop.received(paths::TRANSACTIONS).iter().filter(deferred).count() > 2);
}

#[test]
fn the_counter_of_a_torn_record_is_burnt() {
    let mut shop = Shop::open();
    shop.sold(1_000);
    // The record of a sale is torn.
    shop.tap(1_000).unwrap();
    shop.until("its record", |shop| shop.counter_being_written().is_some());
    let torn = shop.counter_being_written().unwrap();
    shop.kill();
    shop.rest();
    shop.sold(1_000);
    assert_eq!(data_counters(&shop), [1, torn + 1]);
    // So is the record that would have stored one.
    shop.network(false);
    let sale = shop.tap(1_000).unwrap();
    shop.until("its record", |shop| shop.state(sale) == Some(State::Armed));
    shop.until("its second record", |shop| shop.counter_being_written().is_some());
    let torn_again = shop.counter_being_written().unwrap();
    shop.kill();
    shop.network(true);
    shop.rest();
    shop.sold(1_000);
    assert_eq!(data_counters(&shop), [1, torn + 1, torn_again + 1]);
}

#[test]
fn the_counter_of_a_record_that_was_lost_is_burnt() {
    let mut shop = Shop::open();
    shop.sold(1_000);
    // Declined by the host, and its record cannot be read after the kill: the books do not miss it.
    shop.road(paths::TRANSACTIONS, Road::AnswerLost);
    shop.tap_with("visa-insufficient", 1_000).unwrap();
    shop.until("arrived", |shop| shop.received(paths::TRANSACTIONS).len() == 2);
    shop.kill_and_damage_last_record();
    shop.open_roads();
    shop.rest();
    shop.sold(1_000);
    assert_eq!(data_keys(&shop).len(), 3);
}

fn data_counters(shop: &Shop) -> Vec<u32> {
    let counter = |ksn: Vec<u8>| u32::from_be_bytes(*ksn.last_chunk().unwrap());
    data_keys(shop).into_iter().map(counter).collect()
}

/// The data keys of everything that arrived at the host, each with one body only.
fn data_keys(shop: &Shop) -> BTreeSet<Vec<u8>> {
    let mut bodies: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for request in shop.received(paths::TRANSACTIONS) {
        let read: TransactionRequest = serde_json::from_slice(&request.body).unwrap();
        if let Some(sealed) = read.sealed {
            let body = bodies.entry(sealed.ksn).or_insert_with(|| request.body.clone());
            assert_eq!(*body, request.body, "a data key was used twice");
        }
    }
    bodies.into_keys().collect()
}
