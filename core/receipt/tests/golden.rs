//! Every kind of slip in both languages and every form, byte by byte. The files are the documentation's own;
//! `cargo xtask receipts` writes them anew, and somebody has to look at them then.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

#[allow(dead_code, unreachable_pub, reason = "each test file takes what it needs")]
mod samples;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use softpos_receipt::{Columns, Format, Receipt};
use softpos_types::Language;

const FORMATS: [(Format, &str); 6] = [
    (Format::Text, "txt"),
    (Format::Png, "png"),
    (Format::EscPos, "escpos"),
    (Format::EscPosUtf8, "utf8.escpos"),
    (Format::Html, "html"),
    (Format::Pdf, "pdf"),
];

/// File names and what is in them.
fn files() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut add = |name: String, receipt: &Receipt, columns, format, ending| {
        let rendered = receipt.render(format, columns).unwrap();
        assert_eq!(rendered.missing, "", "{name}");
        files.push((format!("{name}.{ending}"), rendered.bytes));
    };
    for language in Language::ALL {
        for (name, receipt) in samples::all(language) {
            for (format, ending) in FORMATS {
                let name = format!("{name}.{}", language.code());
                add(name, &receipt, Columns::Narrow, format, ending);
            }
        }
        // A roll of 80 mm, once: the lines are the same. A page for a browser has no columns.
        let (name, receipt) = samples::all(language).swap_remove(0);
        for (format, ending) in FORMATS.into_iter().filter(|(format, _)| *format != Format::Html) {
            let name = format!("{name}.wide.{}", language.code());
            add(name, &receipt, Columns::Wide, format, ending);
        }
    }
    files
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/slips")
}

#[test]
fn every_slip_is_as_it_was_when_somebody_looked() {
    let files = files();
    let names: BTreeSet<String> = files.iter().map(|(name, _)| name.clone()).collect();
    if std::env::var_os("SOFTPOS_WRITE_SLIPS").is_some() {
        drop(fs::remove_dir_all(folder()));
        fs::create_dir_all(folder()).unwrap();
        for (name, bytes) in &files {
            fs::write(folder().join(name), bytes).unwrap();
        }
    }
    let there: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, names, "`cargo xtask receipts` writes them");
    for (name, bytes) in files {
        let golden = fs::read(folder().join(&name)).unwrap();
        assert!(
            golden == bytes,
            "{name} is another: if that is meant, `cargo xtask receipts` writes it anew"
        );
    }
}

#[test]
fn pictures_and_pages_stay_small() {
    for (name, bytes) in files() {
        let most = match name.rsplit('.').next().unwrap() {
            "txt" | "escpos" => 2_048,
            "html" => 16_384,
            _ => 32_768,
        };
        assert!(bytes.len() <= most, "{name}: {} bytes", bytes.len());
    }
}
