//! Sentences for people are in core/text and nowhere else: what is written twice is translated once.
//!
//! Remarks for support (a fault's detail, an error's `Display`) are no sentences: they begin in lower case, and no
//! customer sees them.

use std::io;

use crate::Violation;
use crate::shells::{Source, shell_sources, sources};

/// Literals that look like sentences and are none.
const NOT_FOR_PEOPLE: &[(&str, &str)] = &[
    ("core/types/src/number.rs", "documentation, given to a macro"),
    ("core/types/src/text_ids.rs", "documentation, given to a macro"),
    (
        "core/sandbox/acquirer/src/parameters.rs",
        "the name of the merchant that the sandbox plays",
    ),
];

/// Words that make a sentence of a literal that begins with a capital letter.
const WORDS: usize = 3;
/// Hanzi that are no mere punctuation or digit any more.
const HANZI: usize = 2;

/// What ships outside core/text.
///
/// # Errors
/// The system's, when a folder cannot be read.
pub fn speaking_sources() -> io::Result<Vec<Source>> {
    let mut found = sources("core", "rs")?;
    found.extend(sources("bindings/ffi/src", "rs")?);
    found.retain(|source| {
        let path = source.path.as_str();
        !path.starts_with("core/text/") && path.contains("/src/") && !path.ends_with("/tests.rs")
    });
    found.extend(shell_sources()?);
    Ok(found)
}

/// Literals that a person would read, outside tests and documentation.
pub fn sentences(sources: &[Source]) -> Vec<Violation> {
    let allowed = |path: &str| NOT_FOR_PEOPLE.iter().any(|(other, _)| *other == path);
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !allowed(&source.path)) {
        let shipped = source.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for (line, at) in shipped.lines().zip(1_usize..) {
            for literal in literals(line).into_iter().filter(|text| is_sentence(text)) {
                found.push(Violation::new(
                    format!("{}:{at} says {literal:?}", source.path),
                    "write it into core/text/locales, in both languages, and name its key",
                ));
            }
        }
    }
    found
}

fn is_sentence(literal: &str) -> bool {
    let hanzi = literal.chars().filter(|c| matches!(c, '\u{4e00}'..='\u{9fff}'));
    if hanzi.count() >= HANZI {
        return true;
    }
    let words: Vec<&str> = literal.split_whitespace().take(WORDS).collect();
    let is_word = |word: &&str| {
        let word = word.trim_end_matches([',', '.', ':', ';', '!', '?']);
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '\'')
    };
    match words.split_first() {
        Some((first, rest)) if words.len() == WORDS => {
            let mut letters = first.chars();
            letters.next().is_some_and(|c| c.is_ascii_uppercase())
                && letters.all(|c| c.is_ascii_lowercase() || c == '\'')
                && rest.iter().all(is_word)
        }
        _ => false,
    }
}

/// The texts between quotation marks in a line of code; none in documentation and attributes.
fn literals(line: &str) -> Vec<String> {
    let code = line.trim_start();
    if code.starts_with("//") || code.starts_with('*') || code.starts_with("/*") || code.starts_with('#') {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut literal: Option<String> = None;
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match (character, &mut literal) {
            ('\\', Some(text)) => text.extend(characters.next()),
            ('"', Some(_)) => found.extend(literal.take()),
            ('"', None) => literal = Some(String::new()),
            (other, Some(text)) => text.push(other),
            (_, None) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> usize {
        let source = Source {
            path: "core/flow/src/sale.rs".to_owned(),
            text: format!("fn f() {{\n{line}\n}}\n#[cfg(test)]\nmod tests {{ \"Only a test says this\" }}"),
        };
        sentences(&[source]).len()
    }

    #[test]
    fn a_seeded_sentence_is_found() {
        for line in [
            "show(\"Payment was declined\")",
            "let text = \"Please tap your card, then wait\";",
            "say(\"收款成功\")",
            "Text(\"Don't charge again\")",
            "a(\"x\", \"The till is \\\"closed\\\" here\")",
        ] {
            assert_eq!(said(line), 1, "{line}");
        }
    }

    #[test]
    fn keys_remarks_and_documentation_are_none() {
        for line in [
            "/// \"Payment was declined\"",
            "texts.get(\"say-declined\")",
            ".with_detail(\"not a payment key\")",
            "format!(\"{} {}\", a, b)",
            "let stops = ['，', '。'];",
            "#[expect(clippy::x, reason = \"This is for developers\")]",
            "(\"ARQC\", bytes)",
            "\"Content-Type: text\"",
        ] {
            assert_eq!(said(line), 0, "{line}");
        }
    }
}
