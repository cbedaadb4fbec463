//! Names, remarks and chip data that somebody else wrote, in every form of output.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

#[allow(dead_code, unreachable_pub, reason = "each test file takes what it needs")]
mod pdf_text;
#[allow(dead_code, unreachable_pub, reason = "each test file takes what it needs")]
mod printer;
#[allow(dead_code, unreachable_pub, reason = "each test file takes what it needs")]
mod reading;
#[allow(dead_code, unreachable_pub, reason = "each test file takes what it needs")]
mod samples;

use reading::read_back;
use softpos_receipt::{
    CardData, CodeData, Columns, Copy, Cvm, DayClose, Format, Kind, Receipt, ReceiptData, Source,
};
use softpos_types::{Language, Money};

fn slip(data: &ReceiptData) -> Receipt {
    Receipt::of_payment(data, Language::Zh, Copy::Merchant, 0).unwrap()
}

#[test]
fn the_page_of_a_pdf_says_what_the_text_says() {
    for (name, receipt) in samples::all(Language::Zh) {
        let page = receipt.render(Format::Pdf, Columns::Narrow).unwrap();
        let squeeze = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(
            squeeze(&pdf_text::of(&page.bytes)),
            squeeze(&receipt.to_text(Columns::Narrow)),
            "{name}"
        );
    }
}

/// What people, cards and hosts could write.
fn names() -> Vec<String> {
    vec![
        "店".repeat(40),
        "很长的商户名称".repeat(200),
        "咖啡☕👨\u{200d}👩\u{200d}👧 1\u{fe0f}\u{20e3}".to_owned(),
        "مقهى القدس שלום".to_owned(),
        "a\u{202e}evil\u{2066}\u{200f}".to_owned(),
        "\u{200b}\u{feff}\u{2060}".to_owned(),
        "\u{1b}@\u{1b}p\0\u{19}\u{fa}\u{1d}VB\0\u{10}\u{4}\u{4}".to_owned(),
        "\u{9b}\u{90}\u{1c}.\u{1c}&\u{7f}".to_owned(),
        "\n\r\t\u{85}\u{2028}交易类型: 退货".to_owned(),
        "<script>alert(1)</script><!--\"'&".to_owned(),
        "e\u{301}\u{301}\u{301}\u{301}".to_owned(),
        "㐂𠮷 rare".to_owned(),
        String::new(),
    ]
}

/// Every place of a slip that somebody else writes into.
fn slips_with(name: &str) -> Vec<Receipt> {
    let name = name.to_owned();
    let mut card = CardData {
        issuer: Some(name.clone()),
        acquirer: Some(name.clone()),
        ..samples::card(Cvm::Signature)
    };
    if let Some(emv) = &mut card.emv {
        emv.label.clone_from(&name);
        emv.aid = name.clone().into_bytes();
        emv.iad = name.clone().into_bytes();
    }
    let code = CodeData {
        channel: name.clone(),
        transaction: Some(name.clone()),
        payer: Some(name.clone()),
    };
    let sources = [Source::Cash, Source::Card(card), Source::Code(code)];
    let mut slips: Vec<Receipt> = sources
        .into_iter()
        .map(|source| {
            slip(&ReceiptData {
                merchant_name: name.clone(),
                operator: Some(name.clone()),
                note: Some(name.clone()),
                source,
                ..samples::unanswered()
            })
        })
        .collect();
    let day = DayClose {
        merchant_name: name,
        ..samples::day()
    };
    slips.push(Receipt::of_day_close(&day, Language::Zh, 1));
    slips
}

#[test]
fn every_hostile_name_gives_a_well_formed_slip() {
    for name in names() {
        for receipt in slips_with(&name) {
            for columns in [Columns::Narrow, Columns::Wide] {
                for format in Format::ALL {
                    // The printer takes nothing but text and the commands it knows.
                    let text = read_back(format, &receipt.render(format, columns).unwrap());
                    assert!(format != Format::Html || !text.contains("<script"), "{text}");
                    assert!(
                        !text.contains(['\u{202e}', '\u{1b}', '\0', '\u{2028}', '\u{9b}']),
                        "{name:?} {format:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn no_name_cuts_the_paper_or_opens_the_drawer() {
    for name in names() {
        // Of these the first is cash, and opens it once.
        for (at, receipt) in slips_with(&name).iter().enumerate() {
            for format in [Format::EscPos, Format::EscPosUtf8] {
                let stream = receipt.render(format, Columns::Narrow).unwrap();
                let printed = printer::print(&stream.bytes).unwrap();
                let count = |wanted| printed.iter().filter(|one| **one == wanted).count();
                assert_eq!(count(printer::Printed::Cut), 1, "{name:?}");
                assert_eq!(count(printer::Printed::Drawer), usize::from(at == 0), "{name:?}");
            }
        }
    }
}

#[test]
fn what_cannot_be_shown_is_a_box_or_a_question_mark_and_is_noted() {
    let data = ReceiptData {
        merchant_name: "咖啡☕😀店㐂 ñ".to_owned(),
        ..samples::sale()
    };
    let receipt = slip(&data);
    let render = |format| receipt.render(format, Columns::Narrow).unwrap();
    for (format, missing) in [
        (Format::Text, ""),
        (Format::Html, ""),
        (Format::EscPosUtf8, ""),
        (Format::EscPos, "☕😀㐂ñ"),
        (Format::Png, "☕😀㐂ñ"),
        (Format::Pdf, "☕😀㐂ñ"),
    ] {
        assert_eq!(render(format).missing, missing, "{format:?}");
    }
    let printed = read_back(Format::EscPos, &render(Format::EscPos));
    assert!(printed.contains("商户名称: 咖啡????店?? ?"), "{printed}");
}

#[test]
fn both_ends_of_amounts_and_nothing_optional() {
    let card = CardData {
        pan: None,
        emv: None,
        ..samples::card(Cvm::None)
    };
    let code = CodeData {
        channel: "wechat".to_owned(),
        transaction: None,
        payer: None,
    };
    for (minor, source) in [1, 999_999_999_999].into_iter().flat_map(|minor| {
        [
            Source::Card(card.clone()),
            Source::Code(code.clone()),
            Source::Cash,
        ]
        .map(|source| (minor, source))
    }) {
        let bare = ReceiptData {
            operator: None,
            amount: Money::new(minor, samples::cny(1).currency()),
            source,
            kind: Kind::Refund(None),
            ..samples::unanswered()
        };
        let receipt = slip(&bare);
        let amount = format!("RMB {}", bare.amount);
        for format in Format::ALL {
            let text = read_back(format, &receipt.render(format, Columns::Narrow).unwrap());
            let hidden = format == Format::Png;
            assert!(
                hidden || text.replace(' ', "").contains(&amount.replace(' ', "")),
                "{format:?} {text}"
            );
        }
    }
}
