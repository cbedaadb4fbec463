//! One sale by each of the kernels 4 to 8, through the host whose issuers check the cryptograms: asked for, approved by
//! the card alone, and verified on the customer's device.

use softpos_scenarios::Shop;
use softpos_terminal::{Announcement, State};

/// Below the floor limit of the sandbox, above it, and above the limit without verification.
const SMALL_MINOR: i64 = 5_000;
const MEDIUM_MINOR: i64 = 12_345;
const LARGE_MINOR: i64 = 100_001;
/// Kernels 4, 5, 6, 7 and 8.
const CARDS: [(&str, &str); 5] = [
    ("amex", "american_express"),
    ("jcb", "jcb"),
    ("discover", "discover"),
    ("unionpay", "unionpay"),
    ("kernel8", "mastercard"),
];

/// The names of the cards live as long as the program.
fn card(family: &str, kind: &str) -> &'static str {
    let id = format!("{family}-{kind}");
    let mut profiles = softpos_cards::profiles().iter();
    profiles.find(|profile| profile.id == id).expect("a card").id
}

#[test]
fn the_issuer_approves_a_card_of_every_kernel() {
    let mut shop = Shop::open();
    for (family, scheme) in CARDS {
        let paid = shop.tap(MEDIUM_MINOR, card(family, "approved"));
        assert_eq!(
            (paid.state, paid.de39.as_deref()),
            (State::Approved, Some("00")),
            "{family}"
        );
        assert_eq!(paid.scheme.as_deref(), Some(scheme));
        assert!(!paid.was_stored, "{family}");
    }
    shop.assert_reconciled();
    let booked = shop.host.ledger();
    assert_eq!(booked.len(), CARDS.len());
    assert!(
        booked
            .iter()
            .all(|row| row.booked_minor == MEDIUM_MINOR && !row.deferred)
    );
}

#[test]
fn a_card_of_every_kernel_approves_alone_and_the_host_agrees_later() {
    let mut shop = Shop::open();
    shop.network(false);
    let mut keys = Vec::new();
    for (number, (family, _)) in (0..).zip(CARDS) {
        let paid = shop.tap(SMALL_MINOR + number, card(family, "offline"));
        assert_eq!(paid.state, State::Approved, "{family}");
        assert!(paid.queued && paid.was_stored, "{family}");
        keys.push(paid.key);
    }
    assert_eq!(shop.host.ledger(), [], "nobody was asked");
    shop.network(true);
    shop.assert_reconciled();
    let booked = shop.host.ledger();
    let mut booked_keys: Vec<_> = booked.iter().map(|row| row.key).collect();
    booked_keys.sort();
    assert_eq!(booked_keys, keys);
    assert!(booked.iter().all(|row| row.deferred));
    assert!(
        shop.history()
            .iter()
            .all(|payment| payment.state == State::Approved)
    );
}

#[test]
fn above_the_floor_limit_every_kernel_asks() {
    let mut shop = Shop::open();
    for (family, _) in CARDS {
        let paid = shop.tap(MEDIUM_MINOR, card(family, "offline"));
        assert_eq!(
            (paid.state, paid.was_stored),
            (State::Approved, false),
            "{family}"
        );
    }
    shop.assert_reconciled();
}

#[test]
fn a_phone_of_every_kernel_verifies_its_owner() {
    let mut shop = Shop::open();
    for (family, _) in CARDS {
        let paid = shop.tap(LARGE_MINOR, card(family, "phone"));
        assert_eq!(paid.state, State::Approved, "{family}");
    }
    shop.assert_reconciled();
}

/// The PIN goes with the request, and the cryptogram covers that it will.
#[test]
fn kernel_8_asks_for_the_pin_above_the_limit() {
    let mut shop = Shop::open();
    let wrong = shop.pin(LARGE_MINOR, "kernel8-approved", "4321");
    assert_eq!(
        (wrong.state, wrong.de39.as_deref()),
        (State::Declined, Some("55"))
    );
    let right = shop.pin(LARGE_MINOR, "kernel8-approved", "1234");
    assert_eq!(
        (right.state, right.de39.as_deref()),
        (State::Approved, Some("00"))
    );
    shop.assert_reconciled();
}

#[test]
fn a_locked_phone_of_kernel_8_is_presented_twice_for_one_payment() {
    let mut shop = Shop::open();
    let paid = shop.tap(MEDIUM_MINOR, "kernel8-see-phone");
    assert_eq!(paid.state, State::Approved);
    assert!(shop.said().contains(&Announcement::SeePhone));
    assert_eq!(shop.history().len(), 1);
    shop.assert_reconciled();
}
