//! The exported calls as a shell makes them, against software cards and the reference host in this process.
#![cfg(feature = "sandbox")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::result_large_err,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

mod books;
mod shop;

use std::sync::Arc;
use std::time::Duration;

use softpos::{
    CardStep, CodePurpose, Columns, Ending, FrameSize, HistoryQuery, Language, Method, Notice, Paper,
    PaymentRequest, PaymentState, PortError, RefundRequest, Screen, SecureHardware, SlipCopy, SlipFormat,
    SoftPosError, Step, amount_from_text, amount_text, code_symbol, sandbox_break,
};
use tempfile::TempDir;

use shop::{Shop, hardware, open_till, payment};

#[test]
fn cards_are_approved_declined_asked_for_a_pin_and_pulled_away() {
    let shop = Shop::open();
    for (card, state) in [
        ("visa-approved", PaymentState::Approved),
        ("visa-declined", PaymentState::Declined),
        ("visa-pin", PaymentState::Approved),
        ("visa-pulled", PaymentState::Approved),
        ("two-cards", PaymentState::Approved),
        ("visa-see-phone", PaymentState::Approved),
        ("mastercard-approved", PaymentState::Approved),
    ] {
        let (key, ending) = shop.pay("12.34", card);
        assert_eq!(payment(ending), state, "{card}");
        let summary = shop.till.payment(&key).unwrap();
        assert_eq!((summary.state, summary.amount.amount_minor()), (state, 1_234));
    }
    assert_eq!(shop.host.booked_minor(), Ok(6 * 1_234));
    let query = HistoryQuery {
        limit: 0,
        state: Some(PaymentState::Declined),
        text: None,
    };
    assert_eq!(shop.till.history(query).unwrap().len(), 1);
}

#[test]
fn a_code_is_paid_cash_is_taken_and_a_sale_is_given_back() {
    let shop = Shop::open();
    let sale = shop.start("5", Method::Code);
    let ending = shop.finish(|step| {
        if let Step::Show { view, .. } = step
            && let Screen::ShowCode { payload, .. } = &view.screen
        {
            shop.host.pay_code(&shop.till, payload, "wechat").unwrap();
        }
    });
    assert_eq!(payment(ending), PaymentState::Approved);
    let key = shop.start("2.50", Method::Cash);
    assert_eq!(payment(shop.finish(|_| {})), PaymentState::Approved);
    let paper = Paper {
        language: Some(Language::En),
        columns: Columns::Narrow,
        reprint: false,
    };
    let slip = shop.till.receipt(&key, SlipCopy::Merchant, paper).unwrap();
    assert!(slip.contains("2.50"), "{slip}");
    let refund = RefundRequest {
        original_key: sale,
        amount: amount_from_text("1", "CNY").unwrap(),
        language: Language::Zh,
    };
    shop.till.refund(refund).unwrap();
    assert_eq!(payment(shop.finish(|_| {})), PaymentState::Approved);
    assert_eq!(shop.host.booked_minor(), Ok(500 + 250 - 100));
    shop.till.settle().unwrap();
    let Ending::Settled { view } = shop.finish(|_| {}) else {
        panic!("not settled");
    };
    assert!(view.balanced);
    let slip = shop.till.day_close_slip(view.batch.value(), paper).unwrap();
    assert!(slip.contains("5.00") && slip.contains("2.50"), "{slip}");
    let other = shop
        .till
        .day_close_slip(view.batch.value() + 2, paper)
        .unwrap_err();
    assert_eq!(other.fault().code, "not_expected");
    let next = shop.till.day_close_slip(view.batch.value() + 1, paper).unwrap();
    assert!(next.contains("NOT SETTLED") && !next.contains("RMB"), "{next}");
    // It is made from the journal: another start of the till makes the same.
    shop.till.shutdown().unwrap();
    assert_eq!(shop.step_to_the_end(), Step::Closed);
    let again = open_till(&shop.dir, hardware(&shop.dir)).unwrap();
    assert_eq!(again.day_close_slip(view.batch.value(), paper).unwrap(), slip);
}

#[test]
fn a_slip_comes_in_every_form_and_the_outcome_as_a_sentence() {
    let shop = Shop::open();
    let key = shop.start("2.50", Method::Cash);
    assert_eq!(payment(shop.finish(|_| {})), PaymentState::Approved);
    let paper = Paper {
        language: Some(Language::En),
        columns: Columns::Narrow,
        reprint: false,
    };
    let mut forms = vec![
        (SlipFormat::Text, &b"           CASH SLIP"[..]),
        (SlipFormat::EscPos, b"\x1b@"),
        (SlipFormat::EscPosUtf8, b"\x1b@"),
        (SlipFormat::Html, b"<!DOCTYPE html>"),
    ];
    if cfg!(feature = "pictures") {
        forms.extend([(SlipFormat::Png, &b"\x89PNG"[..]), (SlipFormat::Pdf, b"%PDF-")]);
    }
    for (format, begin) in forms {
        let file = shop
            .till
            .receipt_file(&key, SlipCopy::Cardholder, paper, format)
            .unwrap();
        assert!(file.bytes.starts_with(begin), "{format:?}");
        assert_eq!(file.missing, "");
        let day = shop
            .till
            .day_close_file(shop.till.status().unwrap().batch.value(), paper, format)
            .unwrap();
        assert!(day.bytes.len() > 100, "{format:?}");
    }
    let sentence = shop.till.outcome_sentence(&key).unwrap();
    assert_eq!(sentence.as_deref(), Some("Cash received, two yuan and fifty fen"));
    let unknown = shop.till.outcome_sentence("nothing").unwrap_err();
    assert_eq!(unknown.fault().code, "payment_not_found");
}

/// Holds in a build of this package alone: another one may bring the font along.
#[cfg(not(feature = "pictures"))]
#[test]
fn a_library_without_pictures_says_so_and_counts_no_print() {
    let shop = Shop::open();
    let key = shop.start("2.50", Method::Cash);
    assert_eq!(payment(shop.finish(|_| {})), PaymentState::Approved);
    let paper = Paper {
        language: Some(Language::En),
        columns: Columns::Narrow,
        reprint: true,
    };
    let batch = shop.till.status().unwrap().batch.value();
    for format in [SlipFormat::Png, SlipFormat::Pdf] {
        let slip = shop.till.receipt_file(&key, SlipCopy::Cardholder, paper, format);
        let day = shop.till.day_close_file(batch, paper, format);
        for refused in [slip.unwrap_err(), day.unwrap_err()] {
            let fault = refused.fault();
            assert_eq!(fault.code, "no_font");
            assert_eq!(
                (fault.money, fault.action.as_str()),
                (softpos::MoneyState::NotMoved, "update_app")
            );
        }
    }
    let printed = shop.till.receipt(&key, SlipCopy::Cardholder, paper).unwrap();
    assert!(printed.contains("DUPLICATED 1"), "{printed}");
}

/// What a camera sees of a code that fills its frame: four pixels a module, four modules of margin.
fn picture(text: &str) -> (Vec<u8>, FrameSize) {
    let symbol = code_symbol(text, CodePurpose::Screen).unwrap().unwrap();
    let side = usize::try_from(symbol.side).unwrap();
    let pixels = (side + 8) * 4;
    let is_dark = |at: usize| {
        let (x, y) = (at % pixels / 4, at / pixels / 4);
        let inside = (4..side + 4).contains(&x) && (4..side + 4).contains(&y);
        inside && symbol.modules[(y - 4) * side + x - 4] == 1
    };
    let luma = (0..pixels * pixels)
        .map(|at| if is_dark(at) { 0 } else { 255 })
        .collect();
    let side = u32::try_from(pixels).unwrap();
    let size = FrameSize {
        width: side,
        height: side,
        stride: side,
    };
    (luma, size)
}

#[test]
fn a_code_that_the_customer_shows_is_charged_typed_and_from_the_camera() {
    let shop = Shop::open();
    let request = || PaymentRequest {
        amount: amount_from_text("8.80", "CNY").unwrap(),
        method: Method::Code,
        language: Language::En,
        order: None,
        category: None,
    };
    let key = shop.till.charge_code(request(), b"134567890123456780").unwrap();
    assert_eq!(payment(shop.finish(|_| {})), PaymentState::Approved);
    assert_eq!(
        shop.till.payment(&key).unwrap().channel.as_deref(),
        Some("wechat")
    );
    let used = shop
        .till
        .charge_code(request(), b"134567890123456780")
        .unwrap_err();
    assert_eq!(used.fault().code, "code_used");
    let none = shop.till.charge_code(request(), b"\xFF\xFE").unwrap_err();
    assert_eq!(none.fault().code, "not_a_payment_code");
    let (blank, size) = (
        vec![255; 10_000],
        FrameSize {
            width: 100,
            height: 100,
            stride: 100,
        },
    );
    assert_eq!(shop.till.charge_frame(request(), &blank, size), Ok(None));
    let short = shop.till.charge_frame(request(), &blank[1..], size).unwrap_err();
    assert_eq!(short.fault().code, "not_a_payment_code");
    let (luma, size) = picture("281234567890123456");
    let key = shop.till.charge_frame(request(), &luma, size).unwrap().unwrap();
    let mut asked = false;
    let ending = shop.finish(|step| {
        if let Step::Show { view, .. } = step
            && view.screen == Screen::AskPayer
        {
            asked = true;
            shop.till.payment_notice(&key).unwrap();
        }
    });
    assert_eq!((payment(ending), asked), (PaymentState::Approved, true));
    assert_eq!(shop.host.booked_minor(), Ok(2 * 880));
    assert!(
        code_symbol(&"x".repeat(4_000), CodePurpose::Print)
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_payment_that_is_said_to_have_come_after_its_end_is_told_of() {
    let shop = Shop::open();
    let given_up = |shop: &Shop, key: &str| {
        let ending = shop.finish(|step| {
            if let Step::Show { view, .. } = step
                && matches!(view.screen, Screen::AskPayer | Screen::ShowCode { .. })
            {
                shop.till.cancel().unwrap();
            }
        });
        assert!(matches!(ending, Ending::Payment { .. }), "{ending:?}");
        shop.rest();
        assert_eq!(shop.till.payment(key).unwrap().state, PaymentState::Reversed);
    };
    // What the till can no longer undo is for the acquirer.
    let shown = shop.start("2", Method::Code);
    given_up(&shop, &shown);
    let notice = |key: &str| shop.till.payment_notice(key).unwrap_err();
    assert_eq!(notice(&shown).fault().code, "late_payment");
    // Asked, and never answers.
    let charged = shop
        .till
        .charge_code(Shop::request("3", Method::Code), b"281234567890123457")
        .unwrap();
    given_up(&shop, &charged);
    shop.till.payment_notice(&charged).unwrap();
    let (key, amount) = loop {
        if let Step::Notice {
            notice: Notice::LatePayment { key, amount },
            ..
        } = shop.step()
        {
            break (key, amount);
        }
    };
    assert_eq!((key.to_string(), amount.amount_minor()), (charged.clone(), 300));
    while shop.till.settle().is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(matches!(shop.finish(|_| {}), Ending::Settled { .. }));
    let closed = notice(&charged);
    assert!(matches!(closed, SoftPosError::ResultUnknown { .. }), "{closed:?}");
    assert_eq!(closed.fault().code, "late_payment");
    assert_eq!(shop.host.booked_minor(), Ok(0));
}

#[test]
fn a_lost_answer_is_resolved_and_booked_once() {
    let shop = Shop::open();
    shop.host.set_faults("drop-after").unwrap();
    let (key, ending) = shop.pay("9.99", "visa-approved");
    assert_eq!(payment(ending), PaymentState::Approved);
    assert_eq!(shop.host.times_booked(&key), Ok(1));
    assert_eq!(shop.host.booked_minor(), Ok(999));
}

#[test]
fn the_folder_is_held_once_and_goes_on_after_a_close() {
    let shop = Shop::open();
    let (key, _) = shop.pay("1", "visa-approved");
    let second = open_till(&shop.dir, hardware(&shop.dir)).unwrap_err();
    assert!(matches!(second, SoftPosError::StoreInUse { .. }), "{second:?}");
    shop.till.shutdown().unwrap();
    assert_eq!(shop.step_to_the_end(), Step::Closed);
    let late = shop.till.force_sync().unwrap_err();
    assert!(matches!(late, SoftPosError::Closed { .. }), "{late:?}");
    let again = open_till(&shop.dir, hardware(&shop.dir)).unwrap();
    assert_eq!(again.payment(&key).unwrap().state, PaymentState::Approved);
}

#[test]
fn wrong_input_says_what_to_do_in_both_languages() {
    let shop = Shop::open();
    let mistakes = [
        amount_from_text("0", "CNY").unwrap_err(),
        amount_from_text("1.234", "CNY").unwrap_err(),
        amount_from_text("1", "XXX").unwrap_err(),
        shop.till.activate("softpos:nothing").unwrap_err(),
        shop.till.payment("no key").unwrap_err(),
        shop.wallet.restore("visa-approved").unwrap_err(),
        shop.host.set_faults("thunder").unwrap_err(),
        shop.till.pin_entry().unwrap_err(),
    ];
    for error in mistakes {
        assert!(matches!(error, SoftPosError::InvalidInput { .. }), "{error:?}");
        let fault = error.fault();
        assert!(
            fault.text_zh.ends_with('。') && fault.text_en.ends_with('.'),
            "{fault:?}"
        );
    }
    let amount = amount_from_text("1234.5", "CNY").unwrap();
    assert_eq!(amount_text(amount).unwrap(), "¥1,234.50");
    // Nobody asked for a card: bytes of any size change nothing.
    for length in [0, 2, 70_000] {
        let bytes = vec![0; length];
        assert_eq!(shop.till.card_replied(&bytes, u32::MAX), Ok(CardStep::Done));
    }
}

#[test]
fn hardware_that_fails_is_an_error_with_a_code() {
    struct Broken;

    impl SecureHardware for Broken {
        fn public_key(&self) -> Result<Vec<u8>, PortError> {
            Err(PortError::Unavailable)
        }
        fn sign(&self, _: Vec<u8>) -> Result<Vec<u8>, PortError> {
            Err(PortError::Failed)
        }
        fn wrap(&self, _: Vec<u8>) -> Result<Vec<u8>, PortError> {
            Err(PortError::Failed)
        }
        fn unwrap(&self, _: Vec<u8>) -> Result<Vec<u8>, PortError> {
            Err(PortError::KeyLost)
        }
        fn attest(&self, _: Vec<u8>) -> Result<softpos::Evidence, PortError> {
            Err(PortError::Failed)
        }
        fn model(&self) -> Result<String, PortError> {
            Err(PortError::Failed)
        }
    }

    let dir = TempDir::new().unwrap();
    let error = open_till(&dir, Arc::new(Broken)).unwrap_err();
    assert_eq!(error.fault().code, "secure_hardware");
    assert!(open_till(&dir, hardware(&dir)).is_ok(), "nothing was changed");
}

#[test]
fn a_poisoned_session_says_so_and_where_ends_and_can_be_opened_again() {
    let shop = Shop::open();
    let first = sandbox_break(&shop.till).unwrap_err();
    let shown = format!("{first} {first:?}");
    assert!(!shown.contains("never leaves"), "{shown}");
    assert!(shown.contains("sandbox/mod.rs:"), "{shown}");
    for error in [
        first,
        shop.till.status().unwrap_err(),
        shop.till.cancel().unwrap_err(),
        shop.till.card_replied(&[], 0).unwrap_err(),
    ] {
        assert!(matches!(error, SoftPosError::Closed { .. }), "{error:?}");
        assert_eq!(error.fault().code, "session_poisoned");
    }
    // Whoever waits is let go, and may ask again.
    assert_eq!(shop.step_to_the_end(), Step::Closed);
    shop.till.shutdown().unwrap();
    let again = open_till(&shop.dir, hardware(&shop.dir)).unwrap();
    assert!(again.status().unwrap().activated);
    // The place of the panic belongs to that error alone.
    assert_eq!(
        again.payment("no key").unwrap_err().fault().detail.as_deref(),
        Some("not a payment key")
    );
}
