//! A stretch without network: what may be stored, what may not, and how the queue drains.

use softpos_scenarios::Shop;
use softpos_terminal::{Announcement, Notice, State, Step};
use softpos_types::{Code, Method, PaymentKey, SoftPosError};

fn progress(shop: &Shop) -> Vec<(u32, u32)> {
    let forwarding = |step: &Step| match step {
        Step::Notice {
            notice: Notice::Forwarding { done, total },
            ..
        } => Some((*done, *total)),
        _ => None,
    };
    shop.steps().iter().filter_map(forwarding).collect()
}

/// The queue is sent in its order, four at once, and the host decides in the order of arrival: a payment can be
/// overtaken only by the three behind it that are on their way beside it.
fn assert_sent_in_order(booked: &[PaymentKey], sent: &[PaymentKey]) {
    assert_eq!(booked.len(), sent.len());
    for (place, key) in sent.iter().enumerate() {
        let at = booked.iter().position(|row| row == key).expect("the host has it");
        assert!(
            at + 3 >= place,
            "number {place} was decided as number {at}: {booked:?}"
        );
    }
}

#[test]
fn the_queue_drains_first_in_first_out_with_progress() {
    let mut shop = Shop::open();
    shop.network(false);
    let cards = [
        "visa-approved",
        "visa-phone",
        "visa-declined",
        "visa-approved",
        "visa-insufficient",
    ];
    let stored: Vec<_> = cards
        .into_iter()
        .zip(1..)
        .map(|(card, number)| shop.tap(10_000 + number, card))
        .collect();
    assert!(
        stored
            .iter()
            .all(|payment| payment.state == State::Stored && payment.queued)
    );
    assert!(matches!(shop.said().last(), Some(Announcement::Stored { .. })));
    let queue = shop.till().status().unwrap().queue;
    assert_eq!((queue.count, queue.sum.amount_minor()), (5, 50_015));
    assert_eq!(queue.oldest_utc_ms, Some(stored[0].utc_ms));
    assert_eq!(shop.till().queue().unwrap(), stored);
    assert_eq!(shop.host.ledger(), []);
    assert_eq!(shop.till().force_sync().unwrap_err().code(), Code::HostNotReached);

    shop.forget_steps();
    shop.network(true);
    shop.assert_reconciled();
    assert_eq!(progress(&shop), [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]);
    let (approved, declined) = (State::Approved, State::Declined);
    assert_eq!(shop.states(), [approved, approved, declined, approved, declined]);
    let keys: Vec<_> = stored.iter().map(|payment| payment.key).collect();
    let host: Vec<_> = shop.host.ledger();
    assert_sent_in_order(&host.iter().map(|row| row.key).collect::<Vec<_>>(), &keys);
    assert!(host.iter().all(|row| row.deferred));
    let told = |step: &Step| {
        matches!(step, Step::Notice {
            notice: Notice::PaymentChanged { key, state: State::Declined, de39: Some(code), .. }, ..
        } if *key == keys[2] && code == "05")
    };
    assert!(shop.steps().iter().any(told), "a late decline is told");
    assert!(shop.till().queue().unwrap().is_empty());
    assert!(shop.history().iter().all(|payment| payment.was_stored));
}

#[test]
fn a_till_killed_over_and_over_while_the_queue_drains_tells_the_host_each_payment_once() {
    let mut shop = Shop::open();
    shop.network(false);
    let keys: Vec<_> = (1..=60).map(|amount_minor| shop.cash(amount_minor).key).collect();
    shop.network(true);
    for told in [3, 11, 24, 40] {
        while shop.host.ledger().len() < told {
            std::thread::yield_now();
        }
        shop.kill_till();
    }
    shop.assert_reconciled();
    // Whoever was on the way at a kill is sent again behind the others, so that only the whole can be compared.
    let mut host: Vec<_> = shop.host.ledger().iter().map(|row| row.key).collect();
    host.sort();
    assert_eq!(host, keys);
    assert!(shop.till().queue().unwrap().is_empty());
}

#[test]
fn one_payment_can_be_too_large_to_be_stored() {
    let mut shop = Shop::open();
    shop.network(false);
    let error = shop.try_tap(50_001, "visa-approved").unwrap_err();
    assert!(matches!(error, SoftPosError::NotReady(_)));
    assert_eq!(error.code(), Code::OfflineNotAllowed);
    assert_eq!(shop.tap(50_000, "visa-approved").state, State::Stored);
    shop.network(true);
    shop.assert_reconciled();
}

#[test]
fn the_sum_of_stored_payments_has_a_limit() {
    let mut shop = Shop::open();
    shop.network(false);
    for _ in 0..4 {
        assert_eq!(shop.tap(50_000, "visa-phone").state, State::Stored);
    }
    assert_eq!(
        shop.try_tap(1, "visa-phone").unwrap_err().code(),
        Code::OfflineNotAllowed
    );
    shop.network(true);
    shop.assert_reconciled();
    // Room again.
    shop.network(false);
    assert_eq!(shop.tap(1, "visa-phone").state, State::Stored);
    shop.network(true);
    shop.assert_reconciled();
}

#[test]
fn the_number_of_stored_payments_has_a_limit() {
    let mut shop = Shop::open();
    shop.network(false);
    for _ in 0..20 {
        assert_eq!(shop.tap(100, "visa-phone").state, State::Stored);
    }
    assert_eq!(
        shop.try_tap(100, "visa-phone").unwrap_err().code(),
        Code::OfflineNotAllowed
    );
    shop.network(true);
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger().len(), 20);
}

#[test]
fn a_payment_with_pin_is_never_stored() {
    let mut shop = Shop::open();
    shop.network(false);
    let failed = shop.pin(500, "visa-pin", "1234");
    assert_eq!(
        (failed.state, failed.was_stored, failed.queued),
        (State::Failed, false, false)
    );
    assert_eq!(shop.said().last(), Some(&Announcement::NotSent));
    shop.network(true);
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger(), []);
}

#[test]
fn a_host_that_cannot_be_reached_is_offline_too() {
    let mut shop = Shop::open();
    shop.host.stop();
    let stored = shop.tap(4_321, "visa-approved");
    assert_eq!(stored.state, State::Stored);
    shop.host.resume();
    assert_eq!(shop.till().force_sync().unwrap(), 1);
    assert_eq!(shop.outcome(stored.key).state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn a_queue_whose_answers_are_lost_is_booked_once() {
    let mut shop = Shop::open();
    shop.network(false);
    for number in 0..4 {
        shop.tap(200 + number, "visa-approved");
    }
    shop.host
        .fault("drop-after@transactions:1/2,duplicate@transactions:next,garbage@transactions:1/3");
    shop.network(true);
    shop.assert_reconciled();
    assert_eq!(shop.states(), [State::Approved; 4]);
    assert_eq!(shop.host.ledger().len(), 4);
}

#[test]
fn the_network_breaks_in_the_middle_of_the_queue() {
    let mut shop = Shop::open();
    shop.network(false);
    // More than are on their way at once.
    for number in 0..6 {
        shop.tap(300 + number, "visa-approved");
    }
    shop.host.fault("delay=400@transactions:always");
    shop.network(true);
    shop.listen(std::time::Duration::from_millis(200));
    shop.network(false);
    shop.listen(std::time::Duration::from_millis(700));
    assert!(
        shop.till().status().unwrap().queue.count > 0,
        "nothing is sent without network"
    );
    shop.host.fault("off");
    shop.network(true);
    shop.assert_reconciled();
    assert_eq!(shop.states(), [State::Approved; 6]);
}

#[test]
fn a_sale_goes_before_the_queue_that_waits() {
    let mut shop = Shop::open();
    shop.network(false);
    let stored = shop.tap(400, "visa-approved");
    shop.host.fault("drop-before@transactions:2");
    shop.network(true);
    shop.listen(std::time::Duration::from_millis(100));
    let paid = shop.tap(500, "visa-phone");
    assert_eq!(paid.state, State::Approved);
    assert_eq!(shop.outcome(stored.key).state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn cash_needs_no_network_and_reaches_the_host_later() {
    let mut shop = Shop::open();
    let online = shop.cash(1_000);
    assert_eq!(online.state, State::Approved);
    shop.assert_reconciled();
    shop.network(false);
    let offline = shop.cash(2_000);
    assert_eq!((offline.state, offline.queued), (State::Approved, true));
    assert_eq!(
        shop.host.ledger().len(),
        usize::from(!shop.payment(online.key).queued)
    );
    shop.network(true);
    shop.assert_reconciled();
    let booked: i64 = shop.host.ledger().iter().map(|row| row.booked_minor).sum();
    assert_eq!(booked, 3_000);
}

#[test]
fn what_needs_the_host_says_so() {
    let mut shop = Shop::open();
    let paid = shop.tap(900, "visa-approved");
    shop.network(false);
    let code = shop.sell(softpos_scenarios::sale(100, Method::Code)).unwrap_err();
    let refund = shop.try_refund(paid.key, 900).unwrap_err();
    let settle = shop.try_settle().unwrap_err();
    for error in [code, refund, settle] {
        assert!(matches!(error, SoftPosError::HostUnreachable(_)));
        assert_eq!(error.code(), Code::HostNotReached);
    }
    shop.network(true);
    shop.assert_reconciled();
}
