//! Cards in the field, with the host at its best.

use softpos_cards::{Fault, FaultKind};
use softpos_scenarios::{Shop, sale};
use softpos_terminal::{Announcement, Ending, NotStarted, State};
use softpos_types::{Code, Method};

/// The commands of a tap, as a card counts them.
const DIRECTORY: u8 = 1;
const OPTIONS: u8 = 3;
const RECORD: u8 = 4;

#[test]
fn an_approved_card_is_booked_once_on_both_sides() {
    let mut shop = Shop::open();
    let paid = shop.tap(12_345, "visa-approved");
    assert_eq!((paid.state, paid.de39.as_deref()), (State::Approved, Some("00")));
    assert_eq!(paid.masked_pan.as_deref(), Some("476173******0013"));
    assert_eq!(paid.scheme.as_deref(), Some("visa"));
    assert!(paid.auth_code.is_some() && paid.rrn.is_some());
    shop.assert_reconciled();
    let (_, host) = shop.ledgers();
    assert_eq!((host.len(), host[0].booked_minor), (1, 12_345));
}

#[test]
fn declines_name_their_reason_and_book_nothing() {
    let mut shop = Shop::open();
    for (card, de39) in [
        ("visa-declined", "05"),
        ("visa-insufficient", "51"),
        ("visa-expired", "54"),
    ] {
        let declined = shop.tap(60_000, card);
        assert_eq!(
            (declined.state, declined.de39.as_deref()),
            (State::Declined, Some(de39)),
            "{card}"
        );
    }
    shop.assert_reconciled();
    assert!(shop.host.ledger().iter().all(|row| row.booked_minor == 0));
}

#[test]
fn the_right_pin_pays_and_a_wrong_one_does_not() {
    let mut shop = Shop::open();
    let wrong = shop.pin(2_500, "visa-pin", "4321");
    assert_eq!(
        (wrong.state, wrong.de39.as_deref()),
        (State::Declined, Some("55"))
    );
    let right = shop.pin(2_500, "visa-pin", "1234");
    assert_eq!(
        (right.state, right.de39.as_deref()),
        (State::Approved, Some("00"))
    );
    shop.assert_reconciled();
}

#[test]
fn wrong_pins_are_counted_by_the_issuer() {
    let mut shop = Shop::open();
    let codes: Vec<_> = (0..3)
        .map(|_| shop.pin(100, "visa-pin", "0000").de39.unwrap())
        .collect();
    assert_eq!(codes, ["55", "55", "75"]);
    assert_eq!(shop.pin(100, "visa-pin", "1234").de39.unwrap(), "75");
    shop.assert_reconciled();
}

#[test]
fn above_the_limit_without_pin_the_pin_is_asked_for() {
    let mut shop = Shop::open();
    assert_eq!(shop.tap(100_000, "visa-approved").state, State::Approved);
    assert_eq!(shop.pin(100_001, "visa-approved", "1234").state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn a_pin_that_is_too_short_stays_at_the_pad() {
    let mut shop = Shop::open();
    shop.begin(500, "visa-pin");
    shop.run_until_screen(|screen| matches!(screen, softpos_terminal::Screen::EnterPin));
    let entry = shop.till().pin_entry().unwrap();
    for digit in [1, 2, 3] {
        entry.push_digit(digit).unwrap();
    }
    assert_eq!(entry.submit().unwrap_err().code(), Code::PinLength);
    assert_eq!(entry.push_digit(10).unwrap_err().code(), Code::PinLength);
    assert_eq!(entry.len(), 3);
    entry.push_digit(4).unwrap();
    entry.submit().unwrap();
    let ending = shop.finish();
    assert_eq!(shop.paid(&ending).state, State::Approved);
    // The pad is closed now.
    assert_eq!(entry.submit().unwrap_err().code(), Code::PinLength);
    assert_eq!(shop.till().pin_entry().unwrap_err().code(), Code::NotExpected);
    shop.assert_reconciled();
}

#[test]
fn leaving_the_pin_pad_charges_nothing() {
    let mut shop = Shop::open();
    let key = shop.begin(500, "visa-pin");
    shop.run_until_screen(|screen| matches!(screen, softpos_terminal::Screen::EnterPin));
    shop.till().pin_entry().unwrap().cancel();
    let reason = NotStarted::Cancelled;
    assert_eq!(shop.finish(), Ending::NotStarted { key, reason });
    assert_eq!(shop.history(), []);
    shop.assert_reconciled();
}

#[test]
fn a_card_pulled_away_is_held_out_again() {
    let mut shop = Shop::open();
    let paid = shop.tap(700, "visa-pulled");
    assert_eq!(paid.state, State::Approved);
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger().len(), 1);
}

#[test]
fn of_two_cards_one_is_taken() {
    let mut shop = Shop::open();
    assert_eq!(shop.tap(700, "two-cards").state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn an_unsupported_card_ends_with_nothing_recorded() {
    let mut shop = Shop::open();
    let ending = shop.try_tap(700, "unsupported").unwrap();
    let Ending::NotStarted { reason, .. } = ending else {
        panic!("{ending:?}");
    };
    assert_eq!(reason, NotStarted::CardNotAccepted);
    assert_eq!(shop.said().last(), Some(&Announcement::NotStarted { reason }));
    let sentence = shop.sentences().last().cloned().unwrap();
    assert_eq!(
        sentence, "Please use another card or another way to pay",
        "not the network's fault"
    );
    assert_eq!(shop.history(), []);
    shop.assert_reconciled();
}

#[test]
fn a_phone_that_knows_its_owner_needs_no_pin() {
    let mut shop = Shop::open();
    assert_eq!(shop.tap(100_000, "visa-phone").state, State::Approved);
    // Above the limit the phone's claim counts because it is signed.
    assert_eq!(shop.tap(100_001, "visa-phone").state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn a_phone_that_wants_to_be_looked_at_is_tapped_again() {
    let mut shop = Shop::open();
    let look = Fault {
        at: OPTIONS,
        kind: FaultKind::StatusWord(0x6986),
    };
    shop.script("visa-phone", look);
    assert_eq!(shop.tap(800, "visa-phone").state, State::Approved);
    let see_phone = |said: &&Announcement| **said == Announcement::SeePhone;
    assert_eq!(
        shop.said().iter().filter(see_phone).count(),
        1,
        "{:?}",
        shop.sentences()
    );
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger().len(), 1);
}

#[test]
fn cards_that_talk_nonsense_charge_at_most_once() {
    let mut faults = Vec::new();
    for at in DIRECTORY..=RECORD {
        for kind in [
            FaultKind::CutShort,
            FaultKind::StatusWord(0x6F00),
            FaultKind::StatusWord(0x6985),
            FaultKind::Answer(&[]),
            FaultKind::Answer(&[0x90]),
            FaultKind::Answer(&[0x90, 0x00]),
            FaultKind::Answer(&[0xFF, 0xFF, 0xFF, 0xFF, 0x90, 0x00]),
            FaultKind::Answer(&[0x6F, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x90, 0x00]),
            FaultKind::Answer(&[0x77; 300]),
            FaultKind::Pulled,
        ] {
            faults.push(Fault { at, kind });
        }
    }
    let mut shop = Shop::open();
    for fault in faults {
        shop.script("visa-approved", fault);
        match shop.try_tap(100, "visa-approved").unwrap() {
            Ending::NotStarted { reason, .. } => {
                assert!(
                    matches!(reason, NotStarted::CardNotAccepted | NotStarted::CardDeclined),
                    "{fault:?} {reason:?}"
                );
            }
            ending => assert_eq!(shop.paid(&ending).state, State::Approved, "{fault:?}"),
        }
    }
    shop.assert_reconciled();
    let paid: i64 = shop.host.ledger().iter().map(|row| row.booked_minor).sum();
    assert!(paid > 0 && paid < 4_000, "{paid}");
}

#[test]
fn giving_up_before_the_card_comes_records_nothing() {
    let mut shop = Shop::open();
    let key = shop.till().start(sale(100, Method::Card)).unwrap();
    shop.till().cancel().unwrap();
    let reason = NotStarted::Cancelled;
    assert_eq!(shop.finish(), Ending::NotStarted { key, reason });
    assert_eq!(shop.history(), []);
}

#[test]
fn one_payment_at_a_time() {
    let mut shop = Shop::open();
    shop.till().start(sale(100, Method::Card)).unwrap();
    for method in Method::ALL {
        assert_eq!(
            shop.till().start(sale(100, method)).unwrap_err().code(),
            Code::PaymentOpen
        );
    }
    assert_eq!(shop.till().settle().unwrap_err().code(), Code::PaymentOpen);
    shop.till().cancel().unwrap();
    shop.finish();
    assert_eq!(shop.tap(100, "visa-approved").state, State::Approved);
}

#[test]
fn an_approval_that_the_operator_refuses_is_undone() {
    let mut shop = Shop::open();
    let paid = shop.tap(4_200, "visa-approved");
    shop.till().refuse_approval(paid.key).unwrap();
    assert_eq!(shop.outcome(paid.key).state, State::Reversed);
    assert_eq!(
        shop.till().refuse_approval(paid.key).unwrap_err().code(),
        Code::NotRefundable
    );
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger()[0].booked_minor, 0);
}

#[test]
fn the_voice_says_each_end_once() {
    let mut shop = Shop::open();
    shop.forget_steps();
    shop.tap(12_345, "visa-approved");
    shop.listen(std::time::Duration::from_millis(200));
    let approved = |said: &Announcement| matches!(said, Announcement::Approved { .. });
    assert_eq!(
        shop.said().iter().filter(|said| approved(said)).count(),
        1,
        "{:?}",
        shop.said()
    );
    assert!(shop.said().contains(&Announcement::PresentCard));
    assert!(shop.said().contains(&Announcement::RemoveCard));
    shop.forget_steps();
    shop.tap(100, "visa-insufficient");
    shop.listen(std::time::Duration::from_millis(200));
    let declined = |said: &&Announcement| matches!(said, Announcement::Declined { .. });
    assert_eq!(shop.said().iter().filter(declined).count(), 1);
    let sentence = shop.sentences().last().cloned().unwrap();
    assert!(sentence.to_lowercase().contains("insufficient"), "{sentence}");
}
