//! Parameters and the verdict run out, and come back by themselves.

use softpos_host::paths;
use softpos_sim::{Road, Shop};
use softpos_types::{Code, Method};

use crate::queue::store;
use crate::{HOUR_MS, MINUTE_MS, ms};

#[test]
fn expired_parameters_refuse_every_sale_until_the_host_answers() {
    let mut shop = Shop::open();
    shop.road(paths::PARAMS, Road::Refused);
    shop.pass(11 * HOUR_MS);
    shop.sold(1_000);
    assert!(
        shop.sent(paths::PARAMS).len() > 10,
        "their renewal is tried again"
    );
    shop.pass(HOUR_MS);
    for method in Method::ALL {
        assert_eq!(
            shop.start(method, 1_000),
            Err(Code::ParametersInvalid),
            "{method:?}"
        );
    }
    let asked = shop.received(paths::PARAMS).len();
    shop.open_roads();
    shop.pass(2 * MINUTE_MS);
    shop.sold(1_000);
    assert_eq!(shop.received(paths::PARAMS).len(), asked + 1);
    shop.rest();
}

#[test]
fn parameters_are_renewed_before_they_expire() {
    let mut shop = Shop::open();
    shop.pass(8 * HOUR_MS);
    assert_eq!(shop.received(paths::PARAMS).len(), 1);
    shop.pass(HOUR_MS);
    assert_eq!(shop.received(paths::PARAMS).len(), 2);
    shop.pass(4 * HOUR_MS);
    shop.sold(1_000);
}

#[test]
fn parameters_that_have_no_successor_are_asked_about_in_measure() {
    let mut shop = Shop::open();
    shop.keep_parameters(true);
    shop.pass(9 * HOUR_MS);
    shop.sold(1_000);
    let (asked, records) = (shop.received(paths::PARAMS).len(), shop.records());
    shop.pass(HOUR_MS);
    let again = shop.received(paths::PARAMS).len() - asked;
    assert!((10..100).contains(&again), "asked {again} times in an hour");
    assert!(
        shop.records() - records < 10,
        "what is known is not written again"
    );
    shop.keep_parameters(false);
    shop.pass(5 * MINUTE_MS);
    shop.pass(10 * HOUR_MS);
    shop.sold(1_000);
    shop.rest();
}

#[test]
fn an_expired_verdict_refuses_cards_while_the_host_could_give_a_new_one() {
    let mut shop = Shop::open();
    shop.road(paths::ATTEST, Road::AnswerLost);
    shop.pass(4 * HOUR_MS - MINUTE_MS);
    shop.sold(1_000);
    shop.pass(2 * MINUTE_MS);
    assert_eq!(shop.tap(1_000), Err(Code::AttestationExpired));
    // Without the host's answer for lack of a network the offline hours count.
    shop.network(false);
    store(&mut shop, 1_000);
    shop.network(true);
    assert_eq!(shop.tap(1_000), Err(Code::AttestationExpired));
    // Cash needs no proven device.
    shop.start(Method::Cash, 500).unwrap();
    shop.open_roads();
    shop.pass(5 * MINUTE_MS);
    shop.sold(1_000);
    shop.rest();
}

#[test]
fn without_a_network_the_verdict_holds_for_its_offline_hours() {
    let mut shop = Shop::open();
    shop.network(false);
    shop.pass(8 * HOUR_MS - 5 * MINUTE_MS);
    store(&mut shop, 1_000);
    shop.pass(5 * MINUTE_MS);
    assert_eq!(shop.tap(1_000), Err(Code::AttestationExpired));
    shop.network(true);
    shop.rest();
    shop.sold(1_000);
}

#[test]
fn the_clock_jumps_ahead_and_back() {
    let mut shop = Shop::open();
    shop.road(paths::ATTEST, Road::Refused);
    shop.set_clock_ahead(ms(5 * HOUR_MS));
    assert_eq!(shop.tap(1_000), Err(Code::AttestationExpired));
    shop.set_clock_ahead(-ms(HOUR_MS));
    shop.sold(1_000);
    shop.set_clock_ahead(0);
    shop.sold(1_000);
    shop.open_roads();
    shop.rest();
}

#[test]
fn a_clock_far_ahead_of_the_host_asks_for_new_verdicts_in_measure() {
    let mut shop = Shop::open();
    let asked = shop.received(paths::ATTEST).len();
    shop.set_clock_ahead(ms(5 * HOUR_MS));
    shop.pass(10 * MINUTE_MS);
    // The host's verdicts have expired by this clock when they come.
    assert_eq!(shop.tap(1_000), Err(Code::AttestationExpired));
    assert!(shop.received(paths::ATTEST).len() - asked < 20, "no storm");
    // A clock that is set right needs nobody's help.
    shop.set_clock_ahead(0);
    shop.sold(1_000);
    shop.rest();
}
