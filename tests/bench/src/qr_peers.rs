//! `cargo run -p softpos-bench --features peers --bin qr-peers -- VECTORS.json`: the verdicts of other libraries
//! beside ours on the same merchant-presented texts, as the table in the documentation of `softpos-qr`.
//!
//! The file holds `vectors`, each with `input.payload` and `expect.valid`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints a table"
)]

use std::panic::catch_unwind;
use std::process::ExitCode;

use serde_json::Value;

/// Reads a text; whether it is taken for a payment code.
type Reader = fn(&str) -> bool;

const READERS: [(&str, Reader); 4] = [
    ("softpos-qr", |text| softpos_qr::mpm::decode(text).is_ok()),
    // Its decoder takes KHQR alone; these two are what it has for any code.
    ("khqr-core 0.4.1", |text| {
        khqr_core::verify_crc(text) && khqr_core::parse_tlv(text).is_ok()
    }),
    ("promptparse 1.2.0", |text| {
        promptparse::parse(text, true, true).is_some()
    }),
    ("pix-brcode-parser 0.1.0", |text| {
        pix_brcode_parser::parse_brcode(text).is_ok()
    }),
];

/// What one library made of all texts.
#[derive(Debug, Default)]
struct Verdicts {
    valid_accepted: u32,
    invalid_refused: u32,
    panics: u32,
}

fn main() -> ExitCode {
    let Some(cases) = std::env::args().nth(1).and_then(|path| cases(&path)) else {
        eprintln!("usage: qr-peers VECTORS.json, with `vectors` of `input.payload` and `expect.valid`");
        return ExitCode::from(2);
    };
    // A panic is a verdict here, and is counted.
    std::panic::set_hook(Box::new(|_| {}));
    let valid = cases.iter().filter(|(_, valid)| *valid).count();
    let invalid = cases.len().saturating_sub(valid);
    println!("| library | valid accepted, of {valid} | invalid refused, of {invalid} | panics |");
    println!("| --- | --- | --- | --- |");
    for (name, reader) in READERS {
        let verdicts = verdicts(&cases, reader);
        println!(
            "| {name} | {} | {} | {} |",
            verdicts.valid_accepted, verdicts.invalid_refused, verdicts.panics
        );
    }
    ExitCode::SUCCESS
}

fn verdicts(cases: &[(String, bool)], reader: Reader) -> Verdicts {
    let mut verdicts = Verdicts::default();
    for (text, valid) in cases {
        let count = match (catch_unwind(|| reader(text)), valid) {
            (Ok(true), true) => &mut verdicts.valid_accepted,
            (Ok(false), false) => &mut verdicts.invalid_refused,
            (Ok(_), _) => continue,
            (Err(_), _) => &mut verdicts.panics,
        };
        *count = count.saturating_add(1);
    }
    verdicts
}

fn cases(path: &str) -> Option<Vec<(String, bool)>> {
    let file: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let case = |vector: &Value| {
        let payload = vector.pointer("/input/payload")?.as_str()?;
        Some((payload.to_owned(), vector.pointer("/expect/valid")?.as_bool()?))
    };
    file.get("vectors")?.as_array()?.iter().map(case).collect()
}
