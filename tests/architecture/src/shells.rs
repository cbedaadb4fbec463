//! Shells and bindings hold no business rule: what an amount, a scheme or a host's code means is decided in the core.

use std::fs;
use std::io;
use std::path::Path;

use crate::Violation;
use crate::house::root;

/// Below this the component for all languages stays a thin one.
const BINDING_LINES: usize = 2_000;

/// Names that only a rule about schemes or wallets would write.
const SCHEMES: &[&str] = &[
    "visa",
    "mastercard",
    "maestro",
    "unionpay",
    "amex",
    "jcb",
    "discover",
    "wechat",
    "alipay",
];

/// A source file of a shell or of the bindings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it is, from the repository's first folder.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// The sources that a shell ships: Kotlin's main sets and Swift's sources.
///
/// # Errors
/// The system's, when a folder cannot be read.
pub fn shell_sources() -> io::Result<Vec<Source>> {
    let mut found = sources("android", "kt")?;
    found.retain(|source| source.path.contains("/src/main/"));
    found.extend(sources("ios/Sources", "swift")?);
    Ok(found)
}

/// The sources of the component for all languages.
///
/// # Errors
/// The system's, when a folder cannot be read.
pub fn binding_sources() -> io::Result<Vec<Source>> {
    sources("bindings/ffi/src", "rs")
}

/// Lines of a shell that calculate or compare money, name a scheme, or look at a host's code.
pub fn business_rules(sources: &[Source]) -> Vec<Violation> {
    let lines = sources.iter().flat_map(|source| {
        let numbered = source.text.lines().enumerate();
        numbered.map(move |(at, line)| (source, at.saturating_add(1), code_of(line)))
    });
    lines
        .filter_map(|(source, at, code)| {
            let what = rule_in(code)?;
            Some(Violation::new(
                format!("{}:{at} {what}: {}", source.path, code.trim()),
                "let the core decide, and hand what it decided through the bindings",
            ))
        })
        .collect()
}

/// Whether the bindings have grown beyond what mirroring takes.
pub fn binding_size(sources: &[Source]) -> Vec<Violation> {
    let lines: usize = sources.iter().map(|source| source.text.lines().count()).sum();
    let too_long = (lines >= BINDING_LINES).then(|| {
        Violation::new(
            format!("bindings/ffi/src has {lines} lines, {BINDING_LINES} are too many"),
            "move what is not mirroring into core/terminal",
        )
    });
    too_long.into_iter().collect()
}

fn rule_in(code: &str) -> Option<&'static str> {
    let words = || code.split(|c: char| !c.is_alphanumeric() && c != '_');
    if words().any(|word| SCHEMES.contains(&word.to_lowercase().as_str())) {
        return Some("names a scheme");
    }
    if words().any(|word| word == "de39")
        && ["==", "!=", "when", "switch", "if ", "case "]
            .iter()
            .any(|by| code.contains(by))
    {
        return Some("looks at a host's code");
    }
    let mut rest = code;
    while let Some((before, after)) = rest.split_once("Minor") {
        if ends_in_operator(before) || starts_with_operator(after) {
            return Some("calculates or compares money");
        }
        rest = after;
    }
    None
}

/// What stands before the word that ends in `Minor`: `a + sale.amount`.
fn ends_in_operator(before: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '?' | '!');
    let before = before.trim_end_matches(word).trim_end();
    let arrow = before.ends_with("->");
    !arrow
        && (before.ends_with(['+', '-', '*', '/', '%', '<', '>'])
            || before.ends_with("==")
            || before.ends_with("!=")
            || before.ends_with(">=")
            || before.ends_with("<="))
}

fn starts_with_operator(after: &str) -> bool {
    let after = after.trim_start_matches(['!', '?']).trim_start();
    let arrow = after.starts_with("->");
    !arrow
        && (after.starts_with(['+', '-', '*', '/', '%', '<', '>'])
            || after.starts_with("==")
            || after.starts_with("!="))
}

/// A line without its comment.
fn code_of(line: &str) -> &str {
    if line.trim_start().starts_with('*') || line.trim_start().starts_with("/*") {
        return "";
    }
    line.split_once("//").map_or(line, |(code, _)| code)
}

/// Every file of that ending in a folder of the repository.
pub(crate) fn sources(folder: &str, extension: &str) -> io::Result<Vec<Source>> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|other| other == extension) {
                let text = fs::read_to_string(&path)?;
                found.push(Source {
                    path: short(&path),
                    text,
                });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line seeded into a real driver.
    fn seeded(line: &str) -> Vec<String> {
        let mut sources = shell_sources().unwrap();
        assert!(business_rules(&sources).is_empty(), "the driver itself is clean");
        let till = sources
            .iter_mut()
            .find(|source| source.path.ends_with("Till.kt"))
            .unwrap();
        till.text.push_str(line);
        business_rules(&sources)
            .into_iter()
            .map(|found| found.what)
            .collect()
    }

    #[test]
    fn a_seeded_rule_is_found() {
        for (line, rule) in [
            (
                "if (sale.amountMinor > limits.noCvmMinor) askPin()",
                "calculates or compares money",
            ),
            (
                "val left = total - refund.amountMinor",
                "calculates or compares money",
            ),
            (
                "let sum = a.amountMinor + b.amountMinor",
                "calculates or compares money",
            ),
            (
                "guard view.amount?.amountMinor == paid else { return }",
                "calculates or compares money",
            ),
            ("if (payment.scheme == \"visa\") showLogo()", "names a scheme"),
            ("case .alipay: return true", "names a scheme"),
            (
                "when (payment.de39) { \"51\" -> again() }",
                "looks at a host's code",
            ),
            ("if reply.de39 == \"00\" { approved() }", "looks at a host's code"),
        ] {
            let found = seeded(line);
            assert_eq!(found.len(), 1, "{line}");
            assert!(
                found[0].contains(rule) && found[0].contains("Till.kt:"),
                "{found:?}"
            );
        }
    }

    #[test]
    fn what_only_hands_on_is_no_rule() {
        for line in [
            "Money(amountMinor = 1_234, currency = currency)",
            "val minor = request.amountMinor",
            "// a visa card: amountMinor > 0",
            "fun show(amountMinor: Long) -> Unit",
            "label.text = payment.de39",
        ] {
            assert_eq!(seeded(line), [""; 0], "{line}");
        }
    }

    #[test]
    fn bindings_that_grow_too_long_are_found() {
        let mut sources = binding_sources().unwrap();
        assert!(sources.len() > 10 && binding_size(&sources).is_empty());
        sources.push(Source {
            path: String::from("bindings/ffi/src/more.rs"),
            text: "// more\n".repeat(BINDING_LINES),
        });
        assert_eq!(binding_size(&sources).len(), 1);
    }
}
