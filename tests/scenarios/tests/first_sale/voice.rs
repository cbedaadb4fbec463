//! What is said aloud: how a payment ended, once; what is in doubt, once; and nothing again after a restart.

use std::time::Duration;

use softpos_scenarios::{Shop, sale, side_by_side};
use softpos_terminal::{Announcement, Ending, RefundRequest, Screen, State};
use softpos_types::{Language, Method};

/// What was said of payments; prompts left out.
fn told(shop: &Shop) -> Vec<Announcement> {
    let mut said = shop.said();
    said.retain(|one| {
        !matches!(
            one,
            Announcement::PresentCard
                | Announcement::RemoveCard
                | Announcement::SeePhone
                | Announcement::AskPayer
        )
    });
    said
}

/// Another start of the till tells nothing of what was told before.
fn says_nothing_again(shop: &mut Shop) {
    for restart in [Shop::reopen_till, Shop::kill_till] {
        restart(shop);
        shop.forget_steps();
        shop.come_to_rest();
        shop.listen(Duration::from_millis(200));
        assert_eq!(told(shop), []);
    }
}

#[test]
fn how_a_payment_ended_is_said_once_and_not_again_after_a_restart() {
    let mut shop = Shop::open();
    shop.forget_steps();
    let paid = shop.tap(1_001, "visa-approved");
    shop.tap(1_002, "visa-declined");
    shop.code(1_003, "wechat");
    shop.cash(1_004);
    shop.refund(paid.key, 1);
    shop.network(false);
    shop.tap(1_005, "visa-approved");
    shop.network(true);
    shop.come_to_rest();
    let told = told(&shop);
    let [
        Announcement::Approved {
            method: Method::Card,
            amount,
            ..
        },
        Announcement::Declined { de39: Some(_) },
        Announcement::Approved {
            method: Method::Code,
            channel: Some(channel),
            ..
        },
        Announcement::Approved {
            method: Method::Cash, ..
        },
        Announcement::Refunded { .. },
        Announcement::Stored { .. },
    ] = told.as_slice()
    else {
        panic!("{told:#?}");
    };
    assert_eq!((amount.amount_minor(), channel.as_str()), (1_001, "wechat"));
    for sentence in shop.sentences() {
        assert!(!sentence.contains("credited"), "{sentence}");
    }
    says_nothing_again(&mut shop);
    shop.assert_reconciled();
}

#[test]
fn an_unknown_result_is_said_on_entry_and_not_at_every_query() {
    let mut shop = Shop::open();
    shop.host.fault("drop-after@any:always");
    shop.forget_steps();
    let key = shop.begin(1_006, "visa-approved");
    let queries = |wanted| move |screen: &Screen| matches!(screen, Screen::ResultUnknown { queries } if *queries >= wanted);
    shop.run_until_screen(queries(2));
    assert_eq!(told(&shop), [Announcement::Unknown]);
    shop.host.fault("off");
    shop.finish();
    assert_eq!(shop.outcome(key).state, State::Approved);
    assert!(matches!(
        told(&shop).as_slice(),
        [Announcement::Unknown, Announcement::Approved { .. }]
    ));
    says_nothing_again(&mut shop);
    shop.assert_reconciled();
}

#[test]
fn a_refund_that_stays_unknown_says_so_once() {
    side_by_side([false, true], |given_up| {
        let mut shop = Shop::open();
        let paid = shop.tap(1_007, "visa-approved");
        shop.host.fault("drop-after@any:always");
        shop.forget_steps();
        let request = RefundRequest {
            original_key: paid.key,
            amount: paid.amount,
            language: Language::En,
        };
        let refund = shop.till().refund(&request).unwrap();
        if given_up {
            shop.run_until_screen(|screen| matches!(screen, Screen::ResultUnknown { .. }));
            shop.till().cancel().unwrap();
        }
        let ending = shop.finish();
        let state = State::Unknown;
        assert_eq!(ending, Ending::Payment { key: refund, state });
        assert_eq!(told(&shop), [Announcement::Unknown], "{given_up}");
        shop.host.fault("off");
        assert_eq!(shop.outcome(refund).state, State::Approved);
        shop.assert_reconciled();
    });
}

#[test]
fn prompts_are_said_when_they_begin() {
    let mut shop = Shop::open();
    shop.forget_steps();
    shop.tap(1_008, "visa-approved");
    assert!(matches!(
        shop.said().as_slice(),
        [
            Announcement::PresentCard,
            Announcement::RemoveCard,
            Announcement::Approved { .. }
        ]
    ));
    // Nobody comes: what was begun is given up, and nothing is said of it.
    shop.customer = softpos_scenarios::Customer::default();
    shop.forget_steps();
    shop.till().start(sale(1_009, Method::Card)).unwrap();
    shop.run_until_screen(|screen| matches!(screen, Screen::Card { .. }));
    shop.till().cancel().unwrap();
    shop.finish();
    assert_eq!(shop.said(), [Announcement::PresentCard]);
}
