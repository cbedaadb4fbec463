//! Codes that customers show and the till scans. The last digit of a code says what its customer does.

use softpos_qr::cpm::{CpmCode, tags};
use softpos_qr::render::{Purpose, Symbol};
use softpos_scenarios::{HostPlace, Shop, sale, side_by_side};
use softpos_terminal::{Announcement, Ending, LumaFrame, Screen, State, Step};
use softpos_types::{Code, Method, SecretBytes};

/// Codes of `WeChat` Pay, Alipay and `UnionPay` with this ending.
fn codes(ending: u8) -> [(&'static str, String); 3] {
    [
        ("wechat", format!("1345678901234567{ending}{ending}")),
        ("alipay", format!("2845678901234567{ending}{ending}")),
        ("unionpay", format!("62045678901234567{ending}{ending}")),
    ]
}

fn asked_the_payer(shop: &Shop) -> bool {
    let asks = |step: &Step| matches!(step, Step::Show { view, .. } if view.screen == Screen::AskPayer);
    shop.steps().iter().any(asks)
}

#[test]
fn a_scanned_code_is_charged_into_the_same_ledger_and_can_be_given_back() {
    let mut shop = Shop::open();
    for (wallet, code) in codes(0) {
        let paid = shop.scan(1_250, &code);
        assert_eq!(
            (paid.state, paid.method),
            (State::Approved, Method::Code),
            "{wallet}"
        );
        assert_eq!(paid.channel.as_deref(), Some(wallet));
        let back = shop.refund(paid.key, 250);
        assert_eq!(back.state, State::Approved);
    }
    assert!(shop.said().iter().any(|said| matches!(
        said,
        Announcement::Approved { method: Method::Code, channel: Some(channel), .. } if channel == "alipay"
    )));
    shop.assert_reconciled();
    assert_eq!(shop.host.ledger().len(), 6);
    assert_eq!(shop.host.hasty_wallet_calls(), 0);
    let view = shop.settle();
    assert!(view.balanced);
    let line = view
        .lines
        .iter()
        .find(|line| line.method == Method::Code)
        .unwrap();
    assert_eq!((line.terminal.sale_minor, line.host.refund_minor), (3_750, 750));
}

#[test]
fn a_payer_who_is_asked_confirms_or_does_not() {
    side_by_side([6, 7], |ending| {
        for (wallet, code) in codes(ending) {
            let mut shop = Shop::open();
            let payment = shop.scan(1_300, &code);
            assert!(asked_the_payer(&shop), "{wallet}");
            assert!(shop.said().contains(&Announcement::AskPayer));
            let wanted = if ending == 6 {
                State::Approved
            } else {
                State::Reversed
            };
            assert_eq!(shop.outcome(payment.key).state, wanted, "{wallet}");
            shop.assert_reconciled();
            assert_eq!(shop.host.hasty_wallet_calls(), 0, "{wallet} was asked too soon");
        }
    });
}

#[test]
fn a_wallet_without_money_declines_and_one_that_does_not_know_is_asked() {
    let mut shop = Shop::open();
    for (wallet, code) in codes(8) {
        let declined = shop.scan(1_400, &code);
        assert_eq!(
            (declined.state, declined.de39.as_deref()),
            (State::Declined, Some("51")),
            "{wallet}"
        );
    }
    for (wallet, code) in codes(9) {
        let paid = shop.scan(1_500, &code);
        assert_eq!(paid.state, State::Approved, "{wallet}");
        assert!(shop.said().contains(&Announcement::Unknown));
    }
    shop.assert_reconciled();
}

#[test]
fn whatever_happens_to_the_answer_it_is_charged_once_or_not_at_all() {
    side_by_side(
        [
            "drop-before@code-payments",
            "drop-after@code-payments",
            "garbage@code-payments",
            "bad-signature@code-payments",
            "status500@code-payments",
            "duplicate@code-payments",
            "drop-after@any:2",
            "drop-before@any:3",
        ],
        |fault| {
            for (wallet, code) in codes(1) {
                let mut shop = Shop::open();
                shop.host.fault(fault);
                let payment = shop.scan(1_600, &code);
                let state = shop.outcome(payment.key).state;
                assert!(
                    matches!(state, State::Approved | State::Reversed),
                    "{wallet} {fault}: {state:?}"
                );
                shop.assert_reconciled();
            }
        },
    );
}

#[test]
fn a_kill_at_any_time_leaves_no_order_open() {
    side_by_side([0_u64, 40, 120, 400], |wait_ms| {
        for (wallet, code) in codes(7).into_iter().chain(codes(0)) {
            let mut shop = Shop::open();
            let scanned = SecretBytes::copy_of(code.as_bytes());
            let key = shop
                .till()
                .charge_code(sale(1_700, Method::Code), &scanned)
                .unwrap();
            shop.listen(std::time::Duration::from_millis(wait_ms));
            shop.kill_till();
            // A kill before the first record: there was no payment.
            shop.assert_reconciled();
            if let Ok(payment) = shop.till().payment(key) {
                assert!(!payment.state.is_open(), "{wallet}: {payment:#?}");
            }
        }
    });
}

#[test]
fn the_cashier_stops_and_a_new_charge_waits_for_the_end() {
    let mut shop = Shop::open();
    let [(_, wechat), (_, alipay), _] = codes(7);
    let scanned = SecretBytes::copy_of(wechat.as_bytes());
    let key = shop
        .till()
        .charge_code(sale(1_800, Method::Code), &scanned)
        .unwrap();
    shop.run_until(|step| match step {
        Step::Show { view, .. } if view.screen == Screen::AskPayer => Some(()),
        _ => None,
    });
    shop.till().cancel().unwrap();
    shop.finish();
    // WeChat Pay takes nothing back so soon: the order is open until then.
    let again = shop.try_scan(1_800, &alipay).unwrap_err();
    assert_eq!(again.code(), Code::CodeOrderOpen);
    assert_eq!(shop.outcome(key).state, State::Reversed);
    assert_eq!(shop.host.hasty_wallet_calls(), 0);
    let used = shop.try_scan(1_800, &wechat).unwrap_err();
    assert_eq!(used.code(), Code::CodeUsed);
    shop.assert_reconciled();
}

#[test]
fn what_is_no_payers_code_is_refused_and_nothing_is_recorded() {
    let mut shop = Shop::open();
    let merchants = "00020101021153031565802CN5904CAFE6008SHANGHAI63040000";
    for text in [
        "",
        "4006381333931",
        merchants,
        "https://example.org",
        "hQVDUFYwMQ==",
        "13456789012345678é",
    ] {
        let error = shop.try_scan(1_900, text).unwrap_err();
        assert_eq!(error.code(), Code::NotAPaymentCode, "{text}");
    }
    shop.network(false);
    let [(_, code), ..] = codes(2);
    assert_eq!(
        shop.try_scan(1_900, &code).unwrap_err().code(),
        Code::HostNotReached
    );
    shop.network(true);
    assert!(shop.history().is_empty());
    assert_eq!(shop.scan(1_900, &code).state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn a_used_code_is_refused_by_its_wallet_whichever_till_scans_it() {
    let mut shop = Shop::open();
    let [(_, code), ..] = codes(3);
    assert_eq!(shop.scan(2_000, &code).state, State::Approved);
    // The till's own memory of codes goes with the program; the wallet's stays.
    shop.reopen_till();
    assert_eq!(shop.scan(2_000, &code).state, State::Declined);
    shop.assert_reconciled();
}

/// What a camera sees of a code that fills its frame.
fn picture(text: &str) -> (usize, Vec<u8>) {
    let symbol = Symbol::new(text, Purpose::Screen).unwrap();
    ((symbol.side() + 8) * 4, symbol.luma(4))
}

fn frame((side, luma): &(usize, Vec<u8>)) -> LumaFrame<'_> {
    LumaFrame {
        bytes: luma,
        width: *side,
        height: *side,
        stride: *side,
    }
}

#[test]
fn a_camera_activates_the_till_and_charges_what_it_sees() {
    let mut shop = Shop::unopened(HostPlace::start());
    let blank = (100, vec![255; 10_000]);
    assert!(!shop.till().activate_frame(&frame(&blank)).unwrap());
    let wrong = shop.till().activate_frame(&frame(&picture("134567890123456780")));
    assert_eq!(wrong.unwrap_err().code(), Code::ActivationMalformed);
    let text = shop.host.activation_text();
    assert!(shop.till().activate_frame(&frame(&picture(&text))).unwrap());
    assert_eq!(shop.finish(), Ending::Activated);
    let request = || sale(2_200, Method::Code);
    assert_eq!(shop.till().charge_frame(request(), &frame(&blank)).unwrap(), None);
    let merchants = shop.till().charge_frame(request(), &frame(&picture(&text)));
    assert_eq!(merchants.unwrap_err().code(), Code::NotAPaymentCode);
    let [(_, code), ..] = codes(4);
    let key = shop
        .till()
        .charge_frame(request(), &frame(&picture(&code)))
        .unwrap()
        .unwrap();
    shop.finish();
    assert_eq!(shop.payment(key).state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn a_consumer_presented_code_is_charged() {
    let mut shop = Shop::open();
    let object = |tag, value: &[u8]| (tag, SecretBytes::copy_of(value));
    let code = CpmCode {
        applications: vec![vec![
            object(tags::AID, &[0xA0, 0, 0, 3, 0x33, 1, 1, 1]),
            object(tags::PAN, &[0x62, 0x58, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12]),
        ]],
        common: Vec::new(),
    };
    let code = code.encode().unwrap();
    let paid = shop.scan(2_100, &code);
    assert_eq!(
        (paid.state, paid.channel.as_deref()),
        (State::Approved, Some("unionpay"))
    );
    shop.assert_reconciled();
}
