//! Cards that approve by themselves: final at once, told to the host later, in every total; and every scheme's cards.

use softpos_cards::{Fault, FaultKind, Wallet};
use softpos_scenarios::Shop;
use softpos_terminal::{Announcement, Columns, Copy, Ending, NotStarted, Notice, Paper, State, Step};
use softpos_types::{Code, Language, Method};

/// Below the floor limit of the sandbox.
const SMALL_MINOR: i64 = 5_000;
const PHONES_LIMIT_MINOR: i64 = 100_001;

#[test]
fn approved_without_network_and_told_later() {
    let mut shop = Shop::open();
    shop.network(false);
    let visa = shop.tap(SMALL_MINOR, "visa-offline");
    let mastercard = shop.tap(SMALL_MINOR + 1, "mastercard-offline");
    for paid in [&visa, &mastercard] {
        assert_eq!(paid.state, State::Approved);
        assert!(paid.queued && paid.was_stored);
    }
    assert!(matches!(
        shop.said().last(),
        Some(Announcement::Approved {
            method: Method::Card,
            ..
        })
    ));
    assert_eq!(shop.host.ledger(), [], "nobody was asked");
    let queue = shop.till().status().unwrap().queue;
    assert_eq!((queue.count, queue.sum.amount_minor()), (2, 10_001));

    let paper = Paper {
        language: Some(Language::En),
        columns: Columns::Narrow,
        reprint: false,
    };
    let slip = shop.till().receipt(visa.key, Copy::Cardholder, paper).unwrap();
    assert!(slip.contains("TC") && !slip.contains("ARQC"), "{slip}");

    shop.network(true);
    shop.assert_reconciled();
    let booked = shop.host.ledger();
    let mut booked_keys: Vec<_> = booked.iter().map(|row| row.key).collect();
    booked_keys.sort();
    assert_eq!(booked_keys, [visa.key, mastercard.key]);
    assert!(booked.iter().all(|row| row.deferred));
    assert!(
        shop.history()
            .iter()
            .all(|payment| payment.state == State::Approved && !payment.queued)
    );
}

#[test]
fn above_the_floor_limit_the_issuer_is_asked() {
    let mut shop = Shop::open();
    for card in ["visa-offline", "mastercard-offline"] {
        assert!(shop.tap(SMALL_MINOR, card).was_stored, "{card}");
        assert!(!shop.tap(10_001, card).was_stored, "{card}");
    }
    shop.assert_reconciled();
}

/// A till whose store of payments that nobody knows of is full lets no card approve by itself.
#[test]
fn no_room_no_approval_by_the_card() {
    let mut shop = Shop::open();
    shop.network(false);
    for number in 0..20 {
        assert_eq!(shop.tap(100 + number, "visa-offline").state, State::Approved);
    }
    let error = shop.try_tap(100, "visa-offline").unwrap_err();
    assert_eq!(error.code(), Code::OfflineNotAllowed);
    shop.network(true);
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger().len(), 20);
}

#[test]
fn an_approval_that_the_host_does_not_honour_is_told() {
    let mut shop = Shop::open();
    assert_eq!(shop.tap(SMALL_MINOR, "visa-offline").state, State::Approved);
    shop.assert_reconciled();
    // A copy of the card, with the counter of the first tap.
    shop.wallet = Wallet::new();
    let copied = shop.tap(SMALL_MINOR, "visa-offline");
    assert_eq!(copied.state, State::Approved);
    shop.assert_reconciled();
    let told = |step: &Step| {
        matches!(step, Step::Notice {
            notice: Notice::PaymentChanged { key, state: State::Declined, de39: Some(code), .. }, ..
        } if *key == copied.key && code == "59")
    };
    assert!(shop.steps().iter().any(told));
    assert_eq!(shop.payment(copied.key).state, State::Declined);
}

#[test]
fn what_the_host_does_not_know_cannot_be_given_back_yet() {
    let mut shop = Shop::open();
    shop.network(false);
    let paid = shop.tap(SMALL_MINOR, "visa-offline");
    assert_eq!(
        shop.try_refund(paid.key, 100).unwrap_err().code(),
        Code::NotRefundable
    );
    shop.network(true);
    shop.assert_reconciled();
    assert_eq!(shop.refund(paid.key, 100).state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn a_kill_loses_no_approval_of_a_card() {
    let mut shop = Shop::open();
    shop.network(false);
    let paid = shop.tap(SMALL_MINOR, "mastercard-offline");
    shop.kill_till();
    shop.network(false);
    assert_eq!(shop.payment(paid.key).state, State::Approved);
    shop.network(true);
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger().len(), 1);
}

#[test]
fn a_wrong_signature_is_no_approval() {
    for (card, at) in [("visa-offline", 8), ("mastercard-offline", 9)] {
        let mut shop = Shop::open();
        let kind = FaultKind::WrongSignature;
        shop.script(card, Fault { at, kind });
        let ending = shop.try_tap(SMALL_MINOR, card).unwrap();
        assert!(
            matches!(
                ending,
                Ending::NotStarted {
                    reason: NotStarted::CardDeclined | NotStarted::CardNotAccepted,
                    ..
                }
            ),
            "{card}: {ending:?}"
        );
        assert_eq!(shop.history(), [], "{card}");
        shop.assert_reconciled();
    }
}

#[test]
fn phones_pay_above_the_limit_by_a_verification_that_is_signed() {
    let mut shop = Shop::open();
    for phone in ["visa-phone", "mastercard-phone"] {
        assert_eq!(
            shop.tap(PHONES_LIMIT_MINOR, phone).state,
            State::Approved,
            "{phone}"
        );
    }
    shop.assert_reconciled();
}

#[test]
fn a_locked_phone_is_presented_twice_for_one_payment() {
    let mut shop = Shop::open();
    for phone in ["visa-see-phone", "mastercard-see-phone"] {
        shop.forget_steps();
        let paid = shop.tap(12_345, phone);
        assert_eq!(
            (paid.state, paid.amount.amount_minor()),
            (State::Approved, 12_345),
            "{phone}"
        );
        assert!(shop.said().contains(&Announcement::SeePhone), "{phone}");
    }
    assert_eq!(shop.history().len(), 2);
    shop.assert_reconciled();
}

/// The card's own word is kept with its cryptogram and printed; the host never hears of it, and it is in no total.
#[test]
fn a_card_that_declines_by_itself_is_recorded_printed_and_never_cleared() {
    let mut shop = Shop::open();
    let declined = shop.tap(700, "visa-refused");
    assert_eq!(
        (declined.state, declined.de39.as_deref()),
        (State::Declined, Some("Z1"))
    );
    assert!(!declined.queued);
    let said = shop.said();
    assert!(
        said.contains(&Announcement::Declined {
            de39: Some("Z1".into())
        }),
        "{said:?}"
    );
    let paper = Paper {
        language: Some(Language::En),
        columns: Columns::Narrow,
        reprint: false,
    };
    let slip = shop.till().receipt(declined.key, Copy::Merchant, paper).unwrap();
    for printed in ["DECLINED OFFLINE", "AAC", "476173"] {
        assert!(slip.contains(printed), "{printed}: {slip}");
    }
    assert!(!slip.contains("ARQC"), "{slip}");
    shop.kill_till();
    assert_eq!(shop.payment(declined.key).state, State::Declined);
    assert_eq!(shop.host.ledger().len(), 0);
    assert_eq!(
        shop.tap(700, "visa-approved").state,
        State::Approved,
        "the next sale is free"
    );
    shop.assert_reconciled();
}

#[test]
fn cards_that_cannot_pay_leave_no_trace() {
    let mut shop = Shop::open();
    let ending = shop.try_tap(700, "visa-blocked").unwrap();
    let Ending::NotStarted { reason, .. } = ending else {
        panic!("{ending:?}");
    };
    assert_eq!(reason, NotStarted::CardNotAccepted);
    assert_eq!(shop.history(), []);
    shop.assert_reconciled();
}
