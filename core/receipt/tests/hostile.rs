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
mod samples;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use softpos_receipt::{
    CardData, Columns, Copy, Cvm, Format, MaskedPan, Receipt, ReceiptData, Rendered, Source, State,
};
use softpos_types::{Language, Money, OrderId, Pan};

fn slip(data: &ReceiptData) -> Receipt {
    Receipt::of_payment(data, Language::Zh, Copy::Merchant, 0).unwrap()
}

/// What a person reads of it; of a picture nothing can be read back, its rows are those of the text.
fn read_back(format: Format, rendered: &Rendered) -> String {
    match format {
        Format::Text | Format::Html => String::from_utf8(rendered.bytes.clone()).unwrap(),
        Format::EscPos | Format::EscPosUtf8 => {
            let printed = printer::print(&rendered.bytes).unwrap();
            let texts = printed.iter().map(|one| match one {
                printer::Printed::Row { text, .. } | printer::Printed::Code { text, .. } => text.as_str(),
                printer::Printed::Drawer | printer::Printed::Cut => "",
            });
            texts.collect::<Vec<_>>().join("\n")
        }
        Format::Pdf => pdf_text::of(&rendered.bytes),
        Format::Png => String::new(),
    }
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

#[test]
fn every_hostile_name_gives_a_well_formed_slip() {
    for name in [
        "店".repeat(40),
        "很长的商户名称".repeat(200),
        "咖啡☕👨\u{200d}👩\u{200d}👧 1\u{fe0f}\u{20e3}".to_owned(),
        "مقهى القدس שלום".to_owned(),
        "a\u{202e}evil\u{2066}\u{200f}".to_owned(),
        "\u{200b}\u{feff}\u{2060}".to_owned(),
        "\u{1b}@\u{1b}p\0\u{19}\u{fa}\u{1d}VB\0\u{10}\u{4}\u{4}".to_owned(),
        "\n\r\t\u{85}\u{2028}交易类型: 退货".to_owned(),
        "<script>alert(1)</script><!--\"'&".to_owned(),
        "e\u{301}\u{301}\u{301}\u{301}".to_owned(),
        "㐂𠮷 rare".to_owned(),
        String::new(),
    ] {
        for source in [
            Source::Cash,
            Source::Card(CardData {
                issuer: Some(name.clone()),
                ..samples::card(Cvm::Signature)
            }),
        ] {
            let data = ReceiptData {
                merchant_name: name.clone(),
                operator: Some(name.clone()),
                note: Some(name.clone()),
                source,
                ..samples::unanswered()
            };
            let receipt = slip(&data);
            for columns in [Columns::Narrow, Columns::Wide] {
                for format in Format::ALL {
                    // The printer takes nothing but text and the commands it knows.
                    let text = read_back(format, &receipt.render(format, columns).unwrap());
                    assert!(format != Format::Html || !text.contains("<script"), "{text}");
                    assert!(
                        !text.contains(['\u{202e}', '\u{1b}', '\0', '\u{2028}']),
                        "{name:?} {format:?}"
                    );
                }
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
    for minor in [1, 999_999_999_999] {
        let bare = ReceiptData {
            operator: None,
            amount: Money::new(minor, samples::cny(1).currency()),
            source: Source::Card(CardData {
                emv: None,
                ..samples::card(Cvm::None)
            }),
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

/// A number of a card, and a slip whose every text from outside may hold it.
fn with_number() -> impl Strategy<Value = (String, ReceiptData, ReceiptData)> {
    let digits = proptest::collection::vec(0_u8..10, 12..=19);
    let around = "[ a-z银店\\-]{0,6}";
    let texts = proptest::collection::vec((around, around, 0_usize..4), 5);
    let states = prop_oneof![
        Just(State::Approved),
        Just(State::StoredOffline),
        Just(State::Reversed)
    ];
    (digits, texts, states).prop_map(|(digits, texts, state)| {
        let number: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        let masked = Pan::from_digits(number.as_bytes()).unwrap().masked();
        let build = |inserted: &str| {
            let text = |at: usize| {
                let (before, behind, form) = &texts[at];
                let spaced = inserted
                    .as_bytes()
                    .chunks(4)
                    .map(|four| std::str::from_utf8(four).unwrap())
                    .collect::<Vec<_>>();
                let inserted = match form {
                    0 => inserted.to_owned(),
                    1 => spaced.join(" "),
                    2 => spaced.join("-"),
                    _ => spaced.join("\u{200b}"),
                };
                format!("{before}x{inserted}x{behind}")
            };
            let mut card = CardData {
                pan: MaskedPan::new(&masked).unwrap(),
                issuer: Some(text(0)),
                ..samples::card(Cvm::None)
            };
            if let Some(emv) = &mut card.emv {
                emv.label = text(1);
                // A hostile card: its number as BCD in what the issuer says.
                let padded = format!("{number:F<20}");
                let issuer_data = hex::decode(padded).unwrap();
                emv.iad = if inserted == number {
                    issuer_data
                } else {
                    emv.iad.clone()
                };
            }
            ReceiptData {
                merchant_name: text(2),
                note: Some(text(3)),
                order: OrderId::new(&format!("o{inserted}")).ok(),
                operator: Some(text(4)),
                source: Source::Card(card),
                state: state.clone(),
                ..samples::sale()
            }
        };
        (number.clone(), build(&number), build(&masked))
    })
}

#[test]
fn no_form_shows_more_of_a_card_number_than_the_mask() {
    let config = Config::with_cases(24);
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&with_number(), |(number, hostile, masked)| {
        let (hostile, masked) = (slip(&hostile), slip(&masked));
        // The texts are those of a slip into which somebody wrote the masked number instead; the issuer's data apart.
        let lines = |receipt: &Receipt| {
            let lines = receipt.lines().iter().map(|line| format!("{line:?}"));
            lines.filter(|line| !line.contains("IAD")).collect::<Vec<_>>()
        };
        prop_assert_eq!(lines(&hostile), lines(&masked));
        for format in Format::ALL {
            let rendered = hostile.render(format, Columns::Narrow).unwrap();
            let text: String = read_back(format, &rendered)
                .chars()
                .filter(|c| c.is_ascii_digit() || *c == '*')
                .collect();
            let (head, _) = number.split_at(8);
            let (_, tail) = number.split_at(number.len() - 6);
            prop_assert!(
                !text.contains(head) && !text.contains(tail),
                "{number} {format:?} {text}"
            );
        }
        Ok(())
    });
    result.unwrap();
}
