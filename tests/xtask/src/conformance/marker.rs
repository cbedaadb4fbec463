//! Reading the markers out of a source file.

use std::fmt;

/// Where a rule may come from: the first words of `source`.
const SOURCES: [&str; 4] = ["foreign vector", "peer", "general knowledge", "inference"];

/// One marked rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// As `C7-CVM-1`.
    pub(super) id: String,
    pub(super) text: String,
    /// One of [`SOURCES`], with a name or a section where the source gives one.
    pub(super) source: String,
    /// Paths of tests, as `cargo test` prints them.
    pub(super) tests: Vec<String>,
    pub(super) evidence: Evidence,
    pub(super) file: String,
    pub(super) line: usize,
}

/// What the tests are made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// Somebody else's vector or transcript, by name.
    Foreign(String),
    /// Answers and cards of our own.
    Own,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign(name) => write!(f, "foreign {name}"),
            Self::Own => f.write_str("own"),
        }
    }
}

/// All markers of a file in their order; a marker that cannot be read is a fault that says where.
pub(super) fn read(text: &str, file: &str) -> Vec<Result<Rule, String>> {
    let lines: Vec<&str> = text.lines().map(comment).collect();
    lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.starts_with("Rule "))
        .map(|(index, _)| {
            let line = index.saturating_add(1);
            marker(lines.get(index..).unwrap_or_default(), file, line)
                .map_err(|why| format!("{file}:{line}: {why}"))
        })
        .collect()
}

/// The text of a comment line; empty for a line of code.
fn comment(line: &str) -> &str {
    line.trim_start()
        .strip_prefix("// ")
        .unwrap_or_default()
        .trim_end()
}

fn marker(lines: &[&str], file: &str, line: usize) -> Result<Rule, String> {
    let end = lines
        .iter()
        .take_while(|line| !line.is_empty())
        .position(|line| line.starts_with('['))
        .ok_or("the marker has no line [source: ..; test: ..; evidence: ..]")?;
    let text = lines.get(..end).unwrap_or_default().join(" ");
    let (id, text) = text
        .strip_prefix("Rule ")
        .and_then(|text| text.split_once(": "))
        .filter(|(id, text)| !id.is_empty() && !id.contains(' ') && !text.is_empty())
        .ok_or("the marker does not begin with 'Rule NAME: what'")?;
    let proof: Vec<&str> = lines
        .iter()
        .skip(end)
        .take_while(|line| !line.is_empty())
        .copied()
        .collect();
    let proof = proof.join(" ");
    let fields: Vec<&str> = proof
        .split_once(']')
        .and_then(|(fields, _)| fields.strip_prefix('['))
        .ok_or("the marker's last line does not end with ]")?
        .split("; ")
        .collect();
    let &[source, test, evidence] = fields.as_slice() else {
        return Err("the marker has not exactly source, test and evidence".into());
    };
    Ok(Rule {
        id: id.into(),
        text: text.into(),
        source: source_of(named(source, "source")?)?,
        tests: tests(named(test, "test")?),
        evidence: evidence_of(named(evidence, "evidence")?)?,
        file: file.into(),
        line,
    })
}

fn named<'a>(field: &'a str, name: &str) -> Result<&'a str, String> {
    field
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(": "))
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| format!("the marker lacks its {name}"))
}

fn source_of(source: &str) -> Result<String, String> {
    if SOURCES.iter().any(|known| source.starts_with(known)) {
        Ok(source.into())
    } else {
        Err(format!("source is none of {}: {source}", SOURCES.join(", ")))
    }
}

fn tests(list: &str) -> Vec<String> {
    if list == "none" {
        return Vec::new();
    }
    list.split(", ").map(str::to_owned).collect()
}

fn evidence_of(evidence: &str) -> Result<Evidence, String> {
    match evidence.split_once(' ') {
        Some(("foreign", name)) => Ok(Evidence::Foreign(name.into())),
        None if evidence == "own" => Ok(Evidence::Own),
        Some(_) | None => Err(format!(
            "evidence is neither 'own' nor 'foreign NAME': {evidence}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_over_several_lines() {
        let code = "fn f() {\n    // Rule C7-CVM-1: the first\n    // that matches.\n    // [source: peer x;\n    // \
            test: kernel::a, kernel::b; evidence: own]\n    // An ordinary comment.\n    g();\n}\n";
        let rule = Rule {
            id: "C7-CVM-1".into(),
            text: "the first that matches.".into(),
            source: "peer x".into(),
            tests: vec!["kernel::a".into(), "kernel::b".into()],
            evidence: Evidence::Own,
            file: "f.rs".into(),
            line: 2,
        };
        assert_eq!(read(code, "f.rs"), [Ok(rule)]);
    }

    #[test]
    fn what_is_no_marker_is_left_alone() {
        assert_eq!(
            read("/// Rule of thumb\nlet rule = \"// Rule A: b\";\n", "f.rs"),
            []
        );
    }

    #[test]
    fn faulty_markers_say_where_and_why() {
        let fault = |code: &str| {
            let mut all = read(code, "f.rs");
            assert_eq!(all.len(), 1, "{code}");
            all.remove(0).unwrap_err()
        };
        let proof = "// [source: inference; test: none; evidence: own]";
        for (code, why) in [
            ("// Rule A: b\nfn f() {}\n".to_owned(), "has no line"),
            (
                "// Rule A: b\n\n// [source: inference]\n".to_owned(),
                "has no line",
            ),
            (format!("// Rule A b\n{proof}"), "does not begin"),
            (
                format!("// Rule A: b\n{}", proof.replace("; evidence: own", "")),
                "not exactly",
            ),
            (
                format!("// Rule A: b\n{}", proof.replace("inference", "hearsay")),
                "source is none",
            ),
            (
                format!("// Rule A: b\n{}", proof.replace("own]", "foreign]")),
                "evidence is neither",
            ),
            (
                format!("// Rule A: b\n{}", proof.replace("test: none", "tests: none")),
                "lacks its test",
            ),
            (format!("// Rule A: b\n{}", proof.replace(']', "")), "end with ]"),
        ] {
            let fault = fault(&code);
            assert!(fault.starts_with("f.rs:1: ") && fault.contains(why), "{fault}");
        }
    }
}
