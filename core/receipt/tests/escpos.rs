//! What a printer makes of the bytes: the very picture that the PNG shows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

#[allow(unreachable_pub)]
mod printer;
#[allow(dead_code, unreachable_pub, reason = "each test file takes what it needs")]
mod samples;

use printer::{Printed, dots, draw, print};
use softpos_qr::scan::read_picture;
use softpos_receipt::{Columns, Copy, Format, Receipt, ReceiptData, Source};
use softpos_types::Language;

#[test]
fn every_slip_comes_out_of_the_printer_as_its_picture() {
    for language in Language::ALL {
        for (name, receipt) in samples::all(language) {
            for columns in [Columns::Narrow, Columns::Wide] {
                let png = receipt.render(Format::Png, columns).unwrap();
                let (width, dots) = dots(&png.bytes);
                assert_eq!(width, columns.dots());
                for format in [Format::EscPos, Format::EscPosUtf8] {
                    let stream = receipt.render(format, columns).unwrap();
                    let printed = print(&stream.bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
                    let paper: Vec<u8> = draw(&printed, width).iter().map(|grey| grey >> 4).collect();
                    assert_eq!(paper.len(), dots.len(), "{name} {format:?}");
                    assert!(paper == dots, "{name} {format:?} {columns:?}");
                }
            }
        }
    }
}

#[test]
fn rows_are_those_of_the_text() {
    for (name, receipt) in samples::all(Language::Zh) {
        let stream = receipt.render(Format::EscPos, Columns::Narrow).unwrap();
        let mut rows: Vec<String> = Vec::new();
        let mut after_code = false;
        for printed in print(&stream.bytes).unwrap() {
            match printed {
                Printed::Row { .. } if after_code => after_code = false,
                Printed::Row { text, .. } => rows.push(text.trim_end().to_owned()),
                Printed::Code { .. } => {
                    // The free lines around a code are not in the text.
                    rows.pop();
                    after_code = true;
                }
                Printed::Drawer | Printed::Cut => {}
            }
        }
        let text = receipt.to_text(Columns::Narrow);
        let expected: Vec<&str> = text.lines().map(str::trim_start).collect();
        assert_eq!(rows, expected, "{name}");
    }
}

#[test]
fn the_first_bytes_are_the_published_ones() {
    let receipt = Receipt::of_payment(&samples::sale(), Language::Zh, Copy::Merchant, 0).unwrap();
    let stream = receipt.render(Format::EscPos, Columns::Narrow).unwrap().bytes;
    // Initialise, centre, Hanzi mode, the title in GB18030.
    assert_eq!(
        stream[..21],
        *b"\x1b@\x1ba\x01\x1c&\xD2\xF8\xC1\xAA\x50\x4F\x53\xC7\xA9\xB9\xBA\xB5\xA5\x0a"
    );
    let amount = b"\xBD\xF0\xB6\xEE: RMB 12.34\n";
    assert!(stream.windows(amount.len()).any(|window| window == amount));
    assert!(stream.ends_with(b"\x1dVB\x00"));
}

#[test]
fn the_drawer_opens_for_the_first_print_of_cash_alone() {
    let opens = |data: &ReceiptData, reprint| {
        let receipt = Receipt::of_payment(data, Language::En, Copy::Merchant, reprint).unwrap();
        let stream = receipt.render(Format::EscPos, Columns::Wide).unwrap().bytes;
        print(&stream).unwrap().contains(&Printed::Drawer)
    };
    let cash = ReceiptData {
        source: Source::Cash,
        ..samples::unanswered()
    };
    assert!(opens(&cash, 0) && !opens(&cash, 1));
    assert!(!opens(&samples::sale(), 0) && !opens(&samples::code_sale(), 0));
}

#[test]
fn a_camera_reads_the_code_on_the_slip() {
    let data = samples::code_sale();
    for columns in [Columns::Narrow, Columns::Wide] {
        let receipt = Receipt::of_payment(&data, Language::Zh, Copy::Cardholder, 0).unwrap();
        let png = receipt.render(Format::Png, columns).unwrap();
        assert_eq!(read_picture(&png.bytes).unwrap(), data.key.to_string());
    }
}
