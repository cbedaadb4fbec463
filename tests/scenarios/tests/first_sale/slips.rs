//! What is put on paper.

use softpos_scenarios::{Shop, sale};
use softpos_terminal::{Columns, Copy, Paper, PaymentSummary, Screen, State};
use softpos_types::{Code, Language, Method, PaymentKey};
use unicode_width::UnicodeWidthStr as _;

const LANGUAGES: [Language; 2] = [Language::En, Language::Zh];
const COPIES: [Copy; 2] = [Copy::Merchant, Copy::Cardholder];

fn paper(language: Language, reprint: bool) -> Paper {
    Paper {
        language: Some(language),
        columns: Columns::Narrow,
        reprint,
    }
}

fn print(shop: &Shop, key: PaymentKey, language: Language, copy: Copy) -> String {
    shop.till().receipt(key, copy, paper(language, false)).unwrap()
}

/// All four slips of a payment, each within its paper.
fn all(shop: &Shop, payment: &PaymentSummary) -> Vec<String> {
    let mut slips = Vec::new();
    for language in LANGUAGES {
        for copy in COPIES {
            let slip = print(shop, payment.key, language, copy);
            for line in slip.lines() {
                assert!(line.width() <= 32, "{line:?} of\n{slip}");
            }
            assert!(slip.contains(&payment.stan.to_string()), "{slip}");
            slips.push(slip);
        }
    }
    slips
}

#[test]
fn a_card_slip_says_everything_but_the_card_number() {
    let mut shop = Shop::open();
    let paid = shop.pin(123_456, "visa-approved", "1234");
    let slips = all(&shop, &paid);
    for slip in &slips {
        for needed in [
            "1234.56",
            "476173******0013",
            paid.auth_code.as_ref().unwrap().as_str(),
            "A0000000031010",
        ] {
            assert!(slip.contains(needed), "{needed} is missing in\n{slip}");
        }
        assert!(!slip.contains("4761739900000013"));
    }
    assert!(slips[0].contains("DEMO SHOP") || slips[0].contains("测试商户"));
    assert_ne!(slips[0], slips[1], "the copies say whose they are");
    assert_ne!(slips[0], slips[2], "each language has its words");
}

#[test]
fn code_cash_refund_and_decline_have_slips_too() {
    let mut shop = Shop::open();
    let code = shop.code(1_200, "wechat");
    let cash = shop.cash(1_300);
    let declined = shop.tap(1_400, "visa-insufficient");
    let refund = shop.refund(code.key, 200);
    for (payment, amount) in [
        (&code, "12.00"),
        (&cash, "13.00"),
        (&declined, "14.00"),
        (&refund, "2.00"),
    ] {
        for slip in all(&shop, payment) {
            assert!(slip.contains(amount), "{slip}");
        }
    }
    let slip = print(&shop, declined.key, Language::En, Copy::Cardholder).to_lowercase();
    assert!(
        slip.contains("insufficient"),
        "a decline names its reason:\n{slip}"
    );
}

#[test]
fn the_slip_of_a_refund_is_titled_after_the_scheme_of_its_sale() {
    let mut shop = Shop::open();
    for (card, title) in [
        ("unionpay-approved", "UNIONPAY POS REFUND SLIP"),
        ("visa-approved", "CARD REFUND SLIP"),
    ] {
        let paid = shop.tap(1_500, card);
        let refund = shop.refund(paid.key, 500);
        let slip = print(&shop, refund.key, Language::En, Copy::Cardholder);
        assert_eq!(slip.lines().next().unwrap().trim(), title);
        assert!(slip.contains(paid.masked_pan.as_ref().unwrap()), "{slip}");
        let original = format!("Original voucher: {}", paid.stan);
        assert!(slip.contains(&original), "{slip}");
    }
}

#[test]
fn a_stored_payment_says_that_it_is_not_approved_yet() {
    let mut shop = Shop::open();
    shop.network(false);
    let stored = shop.tap(2_000, "visa-approved");
    let slip = all(&shop, &stored).remove(0).to_lowercase();
    assert!(slip.contains("not yet approved"), "{slip}");
    shop.network(true);
    shop.assert_reconciled();
    let slip = print(&shop, stored.key, Language::En, Copy::Merchant).to_lowercase();
    assert!(!slip.contains("not yet approved"), "{slip}");
}

#[test]
fn a_reprint_carries_its_mark_and_is_counted() {
    let mut shop = Shop::open();
    let paid = shop.tap(2_100, "visa-approved");
    let first = print(&shop, paid.key, Language::En, Copy::Merchant);
    for count in 1..=3_u32 {
        for language in LANGUAGES {
            let slip = shop
                .till()
                .receipt(paid.key, Copy::Merchant, paper(language, true))
                .unwrap();
            assert_ne!(slip, first);
            let mark = match language {
                Language::En => "duplicate",
                Language::Zh => "重打印",
            };
            assert!(slip.to_lowercase().contains(mark), "{slip}");
            assert!(shop.till().wait_idle(std::time::Duration::from_secs(5)));
        }
        assert_eq!(shop.payment(paid.key).reprints, 2 * count);
    }
    // The count is in the journal; the payment is as it was.
    shop.kill_till();
    let after = shop.payment(paid.key);
    assert_eq!((after.reprints, after.state), (6, State::Approved));
    assert_eq!(print(&shop, paid.key, Language::En, Copy::Merchant), first);
    shop.assert_reconciled();
}

#[test]
fn there_is_no_slip_before_the_result_is_known() {
    let mut shop = Shop::open();
    shop.host.fault("drop-after@any:always");
    let key = shop.begin(2_200, "visa-approved");
    shop.run_until_screen(|screen| matches!(screen, Screen::ResultUnknown { .. }));
    for copy in COPIES {
        let error = shop
            .till()
            .receipt(key, copy, paper(Language::En, false))
            .unwrap_err();
        assert_eq!(error.code(), Code::ResultUnknown);
    }
    shop.host.fault("off");
    shop.finish();
    assert_eq!(shop.outcome(key).state, State::Approved);
    all(&shop, &shop.payment(key));
    let unknown = "01890a5d-ac96-7b7f-8000-000000000000".parse().unwrap();
    let error = shop
        .till()
        .receipt(unknown, Copy::Merchant, paper(Language::En, false))
        .unwrap_err();
    assert_eq!(error.code(), Code::PaymentNotFound);
}

#[test]
fn each_payment_speaks_its_customers_language() {
    let mut shop = Shop::open();
    shop.forget_steps();
    let ending = shop.sell(softpos_terminal::PaymentRequest {
        language: Language::Zh,
        ..sale(12_345, Method::Cash)
    });
    let paid = shop.paid(&ending.unwrap());
    let said = shop.sentences().join("\n");
    assert!(said.contains('元') && !said.contains("yuan"), "{said}");
    let own = Paper {
        language: None,
        columns: Columns::Narrow,
        reprint: false,
    };
    let slip = shop.till().receipt(paid.key, Copy::Cardholder, own).unwrap();
    assert_eq!(slip, print(&shop, paid.key, Language::Zh, Copy::Cardholder));
}

#[test]
fn an_outcome_is_said_once_and_can_be_asked_for() {
    for language in LANGUAGES {
        let mut shop = Shop::open();
        shop.forget_steps();
        let request = softpos_terminal::PaymentRequest {
            language,
            ..sale(12_345, Method::Cash)
        };
        let ending = shop.sell(request).unwrap();
        let paid = shop.paid(&ending);
        let outcome = shop.till().outcome_sentence(paid.key).unwrap().unwrap();
        let said = shop.sentences();
        assert_eq!(
            said.iter().filter(|said| **said == outcome).count(),
            1,
            "{said:?}"
        );
        // An approval is no payout.
        assert!(
            !outcome.contains("到账") && !outcome.contains("credited"),
            "{outcome}"
        );
        shop.close_till();
        shop.resume_till();
        shop.forget_steps();
        shop.listen(std::time::Duration::from_millis(200));
        assert!(!shop.sentences().contains(&outcome), "said again after a restart");
        assert_eq!(shop.till().outcome_sentence(paid.key).unwrap(), Some(outcome));
    }
}

#[test]
fn the_open_batch_has_a_slip_of_its_own() {
    let mut shop = Shop::open();
    let paid = shop.cash(500);
    shop.network(false);
    let stored = shop.tap(300, "visa-approved");
    let slip = shop
        .till()
        .day_close_slip(paid.batch, paper(Language::En, false))
        .unwrap();
    for part in [
        "DAY CLOSE SLIP",
        "NOT SETTLED",
        "RMB 5.00",
        "UNRESOLVED",
        "RMB 3.00 stored",
    ] {
        assert!(slip.replace('\n', " ").contains(part), "{part} in\n{slip}");
    }
    assert!(slip.contains(&stored.stan.to_string()), "{slip}");
}
