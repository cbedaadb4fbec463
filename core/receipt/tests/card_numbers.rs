//! No rendering of any record shows more of a card's number than the mask allows: first 6 and last 4 digits.

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

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reading::read_back;
use softpos_receipt::{
    CardData, CodeData, Columns, Copy, Cvm, DayClose, Format, Kind, MaskedPan, Receipt, ReceiptData, Settled,
    Source, State, Unresolved, UnresolvedState,
};
use softpos_types::{Language, OrderId, Pan, Stan};

/// What a customer paid with, as far as numbers can stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paid {
    Chip,
    /// A refund reads no card.
    NoChip,
    Code,
    Cash,
}

/// A number of a card, texts that hold it, and how the slip is printed.
#[derive(Clone, Debug)]
struct Hostile {
    number: String,
    /// What stands before and behind the number in each text, and how its digits are parted.
    texts: Vec<(String, String, usize)>,
    language: Language,
    copy: Copy,
    reprint: u32,
    columns: Columns,
}

fn hostile() -> impl Strategy<Value = Hostile> {
    let digits = proptest::collection::vec(0_u8..10, 11..=18);
    let around = "[ a-z银店\\-]{0,6}";
    (
        digits,
        proptest::collection::vec((around, around, 0_usize..4), 6),
        prop_oneof![Just(Language::Zh), Just(Language::En)],
        prop_oneof![Just(Copy::Merchant), Just(Copy::Cardholder)],
        0_u32..3,
        prop_oneof![Just(Columns::Narrow), Just(Columns::Wide)],
    )
        .prop_map(|(digits, texts, language, copy, reprint, columns)| Hostile {
            number: checked(&digits),
            texts,
            language,
            copy,
            reprint,
            columns,
        })
}

/// 12 to 19 digits whose last one checks the others: the number of a card that nobody has told the slip about is known
/// by it.
fn checked(digits: &[u8]) -> String {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match u32::from(*digit) {
            digit if place % 2 == 1 => digit,
            digit if digit > 4 => 2 * digit - 9,
            digit => 2 * digit,
        })
        .sum();
    let last = (10 - sum % 10) % 10;
    let number = digits.iter().map(|digit| char::from(b'0' + digit));
    number.chain(char::from_digit(last, 10)).collect()
}

impl Hostile {
    fn masked(&self) -> String {
        Pan::from_digits(self.number.as_bytes()).unwrap().masked()
    }

    /// A text with the number in it, or with what stands in its place.
    fn text(&self, at: usize, number: &str) -> String {
        let (before, behind, form) = &self.texts[at];
        let fours: Vec<&str> = number
            .as_bytes()
            .chunks(4)
            .map(|four| std::str::from_utf8(four).unwrap())
            .collect();
        let parted = fours.join(["", " ", "-", "\u{200b}"][*form]);
        format!("{before}x{parted}x{behind}")
    }

    fn source(&self, paid: Paid, number: &str) -> Source {
        let mut card = CardData {
            pan: MaskedPan::new(&self.masked()).ok(),
            issuer: Some(self.text(0, number)),
            acquirer: Some(self.text(1, number)),
            ..samples::card(Cvm::Signature)
        };
        match paid {
            Paid::Chip => {
                if let Some(emv) = &mut card.emv {
                    emv.label = self.text(2, number);
                    // A card that says its number as BCD in what its issuer adds.
                    if number == self.number {
                        emv.iad = hex::decode(format!("{number:F<20}")).unwrap();
                    }
                }
            }
            Paid::NoChip => card.emv = None,
            Paid::Code => {
                return Source::Code(CodeData {
                    channel: "wechat".to_owned(),
                    transaction: Some("4200001234202511220000000001".to_owned()),
                    payer: Some(self.text(2, number)),
                });
            }
            Paid::Cash => return Source::Cash,
        }
        Source::Card(card)
    }

    fn payment(&self, paid: Paid, kind: &Kind, state: &State, number: &str) -> Receipt {
        let is_card = matches!(paid, Paid::Chip | Paid::NoChip);
        let data = ReceiptData {
            merchant_name: self.text(3, number),
            note: Some(self.text(4, number)),
            operator: Some(self.text(5, number)),
            // The order is what the payment is found by: it is masked where a card is known, and only then.
            order: OrderId::new(&format!("o{number}")).ok().filter(|_| is_card),
            source: self.source(paid, number),
            kind: kind.clone(),
            state: state.clone(),
            ..samples::sale()
        };
        Receipt::of_payment(&data, self.language, self.copy, self.reprint).unwrap()
    }

    fn day(&self, settled: Settled, number: &str) -> Receipt {
        let open = [
            UnresolvedState::Unknown,
            UnresolvedState::Reversing,
            UnresolvedState::Stored,
        ];
        let data = DayClose {
            merchant_name: self.text(3, number),
            settled,
            unresolved: open
                .map(|state| Unresolved {
                    stan: Stan::new(12).unwrap(),
                    amount: samples::cny(990),
                    state,
                })
                .to_vec(),
            ..samples::day()
        };
        Receipt::of_day_close(&data, self.language, self.reprint)
    }

    /// Every form of a slip: what a person reads of it has no 7 digits of the number in a row. A picture is what a
    /// printer draws of the very rows that were read.
    fn holds(&self, receipt: &Receipt) -> Result<(), TestCaseError> {
        for format in Format::ALL {
            let rendered = receipt.render(format, self.columns).unwrap();
            if format == Format::Png {
                let stream = receipt.render(Format::EscPosUtf8, self.columns).unwrap();
                let (width, picture) = printer::dots(&rendered.bytes);
                let printed = printer::draw(&printer::print(&stream.bytes).unwrap(), width);
                let drawn: Vec<u8> = printed.iter().map(|grey| grey >> 4).collect();
                prop_assert!(drawn == picture, "the picture shows something else");
                continue;
            }
            let text: String = without_drawing(&read_back(format, &rendered))
                .chars()
                .filter(|c| c.is_ascii_digit() || *c == '*')
                .collect();
            for seven in self.number.as_bytes().windows(7) {
                let seven = std::str::from_utf8(seven).unwrap();
                prop_assert!(!text.contains(seven), "{seven} in {format:?}: {text}");
            }
        }
        Ok(())
    }
}

/// A page without the strokes of its QR symbol, which are digits and no text.
fn without_drawing(page: &str) -> String {
    match (page.split_once("<svg"), page.split_once("</svg>")) {
        (Some((before, _)), Some((_, behind))) => format!("{before}{behind}"),
        _ => page.to_owned(),
    }
}

/// The texts of a slip are those of one into which somebody wrote the masked number; the issuer's data apart.
fn lines(receipt: &Receipt) -> Vec<String> {
    let lines = receipt.lines().iter().map(|line| format!("{line:?}"));
    lines.filter(|line| !line.contains("IAD")).collect()
}

/// The same cases in every run, others for every seed.
fn check(seed: usize, cases: u32, test: impl Fn(&Hostile) -> Result<(), TestCaseError>) {
    let seed = u8::try_from(seed).unwrap();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::with_cases(cases), rng);
    runner.run(&hostile(), |hostile| test(&hostile)).unwrap();
}

fn states() -> [State; 6] {
    let code = "51".to_owned();
    [
        State::Approved,
        State::Declined { code },
        State::StoredOffline,
        State::Reversed,
        State::NotSent,
        State::Expired,
    ]
}

/// Every kind of record that has one payment.
fn records() -> Vec<(Paid, Kind, State)> {
    let kinds = [
        Kind::Sale,
        Kind::Refund(Some(samples::original())),
        Kind::Refund(None),
        Kind::Void(Some(samples::original())),
    ];
    let mut records = Vec::new();
    for paid in [Paid::Chip, Paid::NoChip, Paid::Code, Paid::Cash] {
        for kind in &kinds {
            records.extend(states().map(|state| (paid, kind.clone(), state)));
        }
    }
    records
}

#[test]
fn no_line_of_any_record_has_more_than_the_mask() {
    for (seed, (paid, kind, state)) in records().iter().enumerate() {
        check(seed, 24, |hostile| {
            let slip = |number: &str| hostile.payment(*paid, kind, state, number);
            prop_assert_eq!(lines(&slip(&hostile.number)), lines(&slip(&hostile.masked())));
            Ok(())
        });
    }
}

#[test]
fn no_form_of_any_payment_has_more_than_the_mask() {
    for (seed, (paid, kind, state)) in records().iter().enumerate() {
        check(seed, 1, |hostile| {
            hostile.holds(&hostile.payment(*paid, kind, state, &hostile.number))
        });
    }
}

#[test]
fn no_form_of_any_day_has_more_than_the_mask() {
    let results = [Settled::Pending, Settled::Balanced, Settled::Differs];
    for (seed, settled) in results.into_iter().enumerate() {
        check(seed, 8, |hostile| {
            hostile.holds(&hostile.day(settled, &hostile.number))
        });
    }
}
