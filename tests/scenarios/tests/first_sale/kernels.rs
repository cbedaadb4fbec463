//! Every card of every family at the till, through the host whose issuers check the cryptograms: what comes of it, what
//! is said, what is booked. Small, medium and large amounts: below the floor limit, above it, and to be verified.

use softpos_cards::{Family, Kind};
use softpos_scenarios::{Shop, side_by_side};
use softpos_terminal::{Announcement, CardPrompt, Ending, NotStarted, Screen, State, Step};

/// Below the floor limit of the sandbox, above it, and above the limit without verification.
const SMALL_MINOR: i64 = 5_000;
const MEDIUM_MINOR: i64 = 12_345;
const LARGE_MINOR: i64 = 100_001;

fn card(family: Family, kind: Kind) -> &'static str {
    let mut profiles = softpos_cards::profiles().iter();
    let found = profiles.find(|profile| profile.member == Some((family, kind)));
    found.expect("a card of each kind").id
}

#[test]
fn the_issuer_approves_a_card_of_every_kernel() {
    let mut shop = Shop::open();
    for family in Family::ALL {
        let paid = shop.tap(MEDIUM_MINOR, card(family, Kind::Approved));
        assert_eq!(
            (paid.state, paid.de39.as_deref()),
            (State::Approved, Some("00")),
            "{family:?}"
        );
        assert_eq!(paid.scheme.as_deref(), Some(family.scheme().name()));
        assert!(!paid.was_stored, "{family:?}");
    }
    shop.assert_reconciled();
    let booked = shop.host.ledger();
    assert_eq!(booked.len(), Family::ALL.len());
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
    for (number, family) in (0..).zip(Family::ALL) {
        let paid = shop.tap(SMALL_MINOR + number, card(family, Kind::Offline));
        assert_eq!(paid.state, State::Approved, "{family:?}");
        assert!(paid.queued && paid.was_stored, "{family:?}");
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
    for family in Family::ALL {
        let paid = shop.tap(MEDIUM_MINOR, card(family, Kind::Offline));
        assert_eq!(
            (paid.state, paid.was_stored),
            (State::Approved, false),
            "{family:?}"
        );
    }
    shop.assert_reconciled();
}

#[test]
fn a_phone_of_every_kernel_verifies_its_owner() {
    let mut shop = Shop::open();
    for family in Family::ALL {
        let paid = shop.tap(LARGE_MINOR, card(family, Kind::Phone));
        assert_eq!(paid.state, State::Approved, "{family:?}");
    }
    shop.assert_reconciled();
}

/// One till for each family.
#[test]
fn every_kind_of_card_ends_as_its_name_says() {
    side_by_side(Family::ALL, |family| {
        let mut shop = Shop::open();
        declined_by_issuer(&mut shop, family);
        declined_by_card(&mut shop, family);
        not_accepted(&mut shop, family);
        assert!(
            shop.host.ledger().iter().all(|row| row.booked_minor == 0),
            "{family:?}"
        );
        asks_for_pin(&mut shop, family);
        asks_for_owner(&mut shop, family);
        shop.assert_reconciled();
    });
}

fn declined_by_issuer(shop: &mut Shop, family: Family) {
    for (kind, code) in [
        (Kind::Declined, "05"),
        (Kind::Insufficient, "51"),
        (Kind::Expired, "54"),
    ] {
        // Below the floor limit too: no card of these approves by itself.
        for amount_minor in [SMALL_MINOR, MEDIUM_MINOR] {
            shop.forget_steps();
            let declined = shop.tap(amount_minor, card(family, kind));
            assert_eq!(
                (declined.state, declined.de39.as_deref()),
                (State::Declined, Some(code)),
                "{family:?} {kind:?}"
            );
            let de39 = Some(code.to_owned());
            assert!(
                shop.said().contains(&Announcement::Declined { de39 }),
                "{family:?} {kind:?}"
            );
        }
    }
}

/// Kept, and the host never hears of it.
fn declined_by_card(shop: &mut Shop, family: Family) {
    let asked = shop.host.ledger().len();
    shop.forget_steps();
    let declined = shop.tap(SMALL_MINOR, card(family, Kind::Refused));
    assert_eq!(
        (declined.state, declined.de39.as_deref(), declined.queued),
        (State::Declined, Some("Z1"), false),
        "{family:?}"
    );
    let de39 = Some("Z1".to_owned());
    assert!(
        shop.said().contains(&Announcement::Declined { de39 }),
        "{family:?}"
    );
    assert_eq!(shop.host.ledger().len(), asked, "{family:?}");
}

fn not_accepted(shop: &mut Shop, family: Family) {
    let kept = shop.history().len();
    shop.forget_steps();
    let ending = shop
        .try_tap(SMALL_MINOR, card(family, Kind::Blocked))
        .expect("a sale that begins");
    let reason = NotStarted::CardNotAccepted;
    assert!(
        matches!(ending, Ending::NotStarted { reason: why, .. } if why == reason),
        "{family:?}: {ending:?}"
    );
    assert_eq!(
        shop.said().last(),
        Some(&Announcement::NotStarted { reason }),
        "{family:?}"
    );
    assert_eq!(shop.history().len(), kept, "{family:?}");
}

/// The PIN goes with the request, and its issuer checks it. Below the limit Mastercard's reader has none to offer.
fn asks_for_pin(shop: &mut Shop, family: Family) {
    let pin_card = card(family, Kind::Pin);
    let asked = |shop: &Shop| {
        shop.steps()
            .iter()
            .any(|step| matches!(step, Step::AskPin { .. }))
    };
    for (amount_minor, typed, state, code) in [
        (LARGE_MINOR, "4321", State::Declined, "55"),
        (LARGE_MINOR, "1234", State::Approved, "00"),
        (SMALL_MINOR, "1234", State::Approved, "00"),
    ] {
        shop.forget_steps();
        let ended = shop.pin(amount_minor, pin_card, typed);
        assert_eq!(
            (ended.state, ended.de39.as_deref()),
            (state, Some(code)),
            "{family:?} {amount_minor} {typed}"
        );
        let offers_none = family == Family::Mastercard && amount_minor == SMALL_MINOR;
        assert_eq!(asked(shop), !offers_none, "{family:?} {amount_minor}");
    }
}

/// Presented twice for one payment. Kernel 7 has no words for it and asks for the card again.
fn asks_for_owner(shop: &mut Shop, family: Family) {
    for amount_minor in [SMALL_MINOR, LARGE_MINOR] {
        let kept = shop.history().len();
        shop.forget_steps();
        let paid = shop.tap(amount_minor, card(family, Kind::SeePhone));
        assert_eq!(
            (paid.state, paid.amount.amount_minor()),
            (State::Approved, amount_minor),
            "{family:?}"
        );
        assert_eq!(shop.history().len(), kept + 1, "{family:?}");
        let (asks, says) = match family {
            Family::UnionPay => (CardPrompt::PresentAgain, 0),
            Family::Visa
            | Family::Mastercard
            | Family::Amex
            | Family::Jcb
            | Family::Discover
            | Family::Kernel8 => (CardPrompt::SeePhone, 1),
        };
        assert_eq!(prompts(shop), [CardPrompt::Present, asks], "{family:?}");
        let said = shop.said();
        let sent = said.iter().filter(|said| **said == Announcement::SeePhone);
        assert_eq!(sent.count(), says, "{family:?}: {said:?}");
    }
}

/// What the screen asked of the card, one after the other.
fn prompts(shop: &Shop) -> Vec<CardPrompt> {
    let asked = shop.steps().iter().filter_map(|step| match step {
        Step::Show { view, .. } => match view.screen {
            Screen::Card { asks, .. } => Some(asks),
            _ => None,
        },
        _ => None,
    });
    asked.collect()
}
