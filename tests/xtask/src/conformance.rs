//! The conformance report: which rule of card reading stands where, who says so, and which test proves it.
//!
//! Rules are marked beside the code that keeps them; the form of a marker is described in `core/emv/README.md`.

mod marker;
mod tests_found;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::Failure;
use crate::process::root;
use marker::{Evidence, Rule};
use tests_found::TestNames;

/// Writes `conformance.json` and `conformance.md` into the folder named, or into Cargo's target folder.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let folder = match arguments {
        [] => target(),
        [folder] => PathBuf::from(folder),
        [_, surplus, ..] => return Err(Failure::Usage(format!("unexpected argument {surplus}"))),
    };
    let report = Report::of(root())?;
    let failed = |error: std::io::Error| Failure::Failed(format!("{}: {error}", folder.display()));
    fs::create_dir_all(&folder).map_err(failed)?;
    fs::write(folder.join("conformance.json"), report.json()).map_err(failed)?;
    fs::write(folder.join("conformance.md"), report.markdown()).map_err(failed)?;
    for fault in &report.faults {
        println!("{fault}");
    }
    println!("{}", report.totals());
    if report.faults.is_empty() {
        Ok(())
    } else {
        Err(Failure::Failed(format!(
            "{} faults in the markers",
            report.faults.len()
        )))
    }
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// All rules with what is wrong about their markers.
struct Report {
    rules: Vec<Rule>,
    faults: Vec<String>,
}

impl Report {
    /// Reads the markers and the tests of a repository.
    fn of(repository: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("{}: {error}", repository.display()));
        let names = TestNames::of(repository).map_err(failed)?;
        let mut rules = Vec::new();
        let mut faults = Vec::new();
        for file in tests_found::sources(&repository.join("core")).map_err(failed)? {
            let text = fs::read_to_string(&file).map_err(failed)?;
            let shown = file.strip_prefix(repository).unwrap_or(&file);
            for read in marker::read(&text, &shown.display().to_string()) {
                match read {
                    Ok(rule) => rules.push(rule),
                    Err(fault) => faults.push(fault),
                }
            }
        }
        rules.sort_by(|one, other| one.id.cmp(&other.id));
        faults.extend(twice(&rules));
        faults.extend(rules.iter().flat_map(|rule| missing_tests(rule, &names)));
        Ok(Self { rules, faults })
    }

    fn totals(&self) -> String {
        let tested = self.rules.iter().filter(|rule| !rule.tests.is_empty()).count();
        let foreign = self
            .rules
            .iter()
            .filter(|rule| matches!(rule.evidence, Evidence::Foreign(_)))
            .count();
        format!(
            "{} rules, {tested} tested, {foreign} with foreign evidence",
            self.rules.len()
        )
    }

    fn json(&self) -> String {
        let rules: Vec<_> = self
            .rules
            .iter()
            .map(|rule| {
                json!({
                    "rule": rule.id,
                    "text": rule.text,
                    "source": rule.source,
                    "tests": rule.tests,
                    "evidence": rule.evidence.to_string(),
                    "file": rule.file,
                    "line": rule.line,
                })
            })
            .collect();
        let tree = json!({ "totals": self.totals(), "rules": rules });
        format!("{tree:#}\n")
    }

    fn markdown(&self) -> String {
        let mut page = String::from(
            "# Conformance\n\nThe rules of card reading that the code marks. Nothing is claimed about rules that are \
             not listed, and nothing here is type-approved. Evidence is `foreign` where somebody else's vector or \
             transcript proves the rule, `own` where only answers written here do: those prove consistency, not \
             correctness.\n\n| rule | what | source | test | evidence | where |\n|---|---|---|---|---|---|\n",
        );
        for rule in &self.rules {
            let tests = match rule.tests.as_slice() {
                [] => "none".to_owned(),
                tests => tests.join(", "),
            };
            let cells = [
                &rule.id,
                &rule.text,
                &rule.source,
                &tests,
                &rule.evidence.to_string(),
                &format!("{}:{}", rule.file, rule.line),
            ]
            .map(|cell| cell.replace('|', "\\|"));
            // Writing into a String does not fail.
            let _ = writeln!(page, "| {} |", cells.join(" | "));
        }
        let _ = writeln!(page, "\n{}", self.totals());
        page
    }
}

/// Rules are sorted by name, so twins are neighbours.
fn twice(rules: &[Rule]) -> impl Iterator<Item = String> {
    rules.windows(2).filter_map(|pair| match pair {
        [one, other] if one.id == other.id => Some(format!(
            "{}:{}: rule {} is marked twice, also in {}:{}",
            other.file, other.line, other.id, one.file, one.line
        )),
        _ => None,
    })
}

fn missing_tests(rule: &Rule, names: &TestNames) -> impl Iterator<Item = String> {
    rule.tests
        .iter()
        .filter(|test| !names.contains(&rule.file, test))
        .map(|test| {
            format!(
                "{}:{}: rule {} names a test that does not exist: {test}",
                rule.file, rule.line, rule.id
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(code: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let emv = folder.path().join("core/emv");
        fs::create_dir_all(emv.join("src/kernel")).unwrap();
        fs::create_dir_all(folder.path().join("tests")).unwrap();
        fs::write(emv.join("Cargo.toml"), "[package]\nname = \"softpos-emv\"\n").unwrap();
        fs::write(emv.join("src/kernel/mod.rs"), code).unwrap();
        folder
    }

    const GOOD: &str = "// Rule B-1: amount | limit.\n\
        // [source: peer libpay; test: kernel::tests::at_the_limit; evidence: foreign libpay]\n\
        // Rule A-1: not yet\n// proven.\n// [source: inference; test: none; evidence: own]\n\
        mod tests {\n    #[test]\n    fn at_the_limit() {}\n}\n";

    #[test]
    fn a_table_of_what_is_marked() {
        let folder = repository(GOOD);
        let report = Report::of(folder.path()).unwrap();
        assert_eq!(report.faults, [""; 0]);
        assert_eq!(report.totals(), "2 rules, 1 tested, 1 with foreign evidence");
        let page = report.markdown();
        assert!(
            page.contains(
                "| A-1 | not yet proven. | inference | none | own | core/emv/src/kernel/mod.rs:3 |\n\
                 | B-1 | amount \\| limit. | peer libpay | kernel::tests::at_the_limit | foreign libpay |"
            ),
            "{page}"
        );
        let tree: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(tree["rules"][1]["rule"], "B-1");
        assert_eq!(tree["totals"], "2 rules, 1 tested, 1 with foreign evidence");
    }

    #[test]
    fn a_test_that_does_not_exist_is_a_fault() {
        let folder = repository(&GOOD.replace("fn at_the_limit", "fn above_the_limit"));
        let report = Report::of(folder.path()).unwrap();
        assert_eq!(
            report.faults,
            [
                "core/emv/src/kernel/mod.rs:1: rule B-1 names a test that does not exist: kernel::tests::at_the_limit"
            ]
        );
    }

    #[test]
    fn a_name_that_comes_twice_is_a_fault() {
        let folder = repository(&GOOD.replace("A-1", "B-1"));
        let report = Report::of(folder.path()).unwrap();
        assert_eq!(report.faults.len(), 1);
        assert!(
            report.faults[0].contains("B-1 is marked twice"),
            "{:?}",
            report.faults
        );
    }

    #[test]
    fn the_markers_of_this_repository_hold() {
        let report = Report::of(root()).unwrap();
        assert_eq!(report.faults, [""; 0]);
        assert!(!report.rules.is_empty());
    }
}
