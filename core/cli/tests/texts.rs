//! Every text that the program names is there in both languages, and none is there for nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use softpos_text::Texts;
use softpos_types::Language;

const PREFIXES: [&str; 5] = ["till-", "demo-", "host-", "qr-", "usage-"];
/// Keys with a part that is made at run time.
const FAMILIES: [&str; 8] = [
    "till-help-",
    "till-state-",
    "till-card-",
    "demo-chapter-",
    "qr-kind-",
    "qr-mpm-",
    "qr-add-",
    "usage",
];

fn sources(dir: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
}

/// The keys that stand in the sources as literals.
fn named() -> BTreeSet<String> {
    let mut texts = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
    let literals = texts.iter().flat_map(|text| text.split('"').skip(1));
    literals
        .filter(|text| PREFIXES.iter().any(|prefix| text.starts_with(prefix)))
        .filter(|text| text.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
        .filter(|text| !text.ends_with('-'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_named_text_exists() {
    let named = named();
    assert!(named.len() > 60, "the sources are read: {}", named.len());
    for language in Language::ALL {
        for key in &named {
            assert_ne!(&Texts::new(language).get(key), key, "{}", language.code());
        }
    }
}

#[test]
fn no_text_is_there_for_nothing() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../text/locales/en.ftl");
    let file = fs::read_to_string(file).unwrap();
    let named = named();
    for line in file.lines() {
        let Some((key, _)) = line.split_once(" = ") else {
            continue;
        };
        let is_ours = PREFIXES.iter().any(|prefix| key.starts_with(prefix));
        let in_family = FAMILIES.iter().any(|family| key.starts_with(family));
        if is_ours && !in_family {
            assert!(named.contains(key), "{key} is named nowhere");
        }
    }
}
