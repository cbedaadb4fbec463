//! One runner for all files of test vectors.
//!
//! A file holds one kind: `{"schema":1,"kind":"crypto.cmac","note":"..","vectors":[{"id","source","licence",
//! "input":{},"expect":{}}]}`. Each kind is a function in `kinds` that calls the product and says what came out;
//! reading files, comparing, catching panics and counting are done here, once.

#![forbid(unsafe_code)]

mod compare;
mod fields;
mod kinds;

use std::fs;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use serde_json::Value;

use crate::compare::judge;
use crate::fields::Fields;

/// What the product made of a vector's input.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A result, whose members are compared with those of `expect`.
    Computed(Value),
    /// The input was refused, with the code that `expect.error` would name.
    Refused(String),
    /// The kind compared by itself, and all agrees.
    Agreed,
    /// The product does not offer this yet; the reason is printed.
    Skipped(&'static str),
}

/// Why a vector failed: an input that cannot be read, or a difference a kind found by itself.
pub(crate) type Failure = String;

/// A kind: input and expectation in, answer out. Most look at the input only.
pub(crate) type Kind = fn(Fields<'_>, &Value) -> Result<Answer, Failure>;

/// How many vectors went which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Agreed with what was expected.
    pub passed: usize,
    /// Did not, could not be read, or panicked.
    pub failed: usize,
    /// Need what is not offered.
    pub skipped: usize,
}

enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

/// The only features a vector may be skipped for.
const NOT_OFFERED: [&str; 2] = ["contact", "c-1"];

/// Runs the files: a line for each failure and each skipped vector, then the line with the sums.
///
/// Differences of vectors marked `"scored":false` go to `aside` and are not counted.
///
/// # Errors
/// Only if a line cannot be written.
pub fn run_files(files: &[PathBuf], out: &mut dyn Write, aside: &mut dyn Write) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for file in files {
        let text = fs::read(file).map_err(|error| error.to_string());
        match text.and_then(|text| read_envelope(&text)) {
            Ok((kind, vectors)) => {
                for (position, vector) in vectors.iter().enumerate() {
                    let id = vector.get("id").and_then(Value::as_str);
                    let name = id.map_or_else(|| format!("{}[{position}]", file.display()), String::from);
                    let verdict = run_vector(&kind, vector);
                    if vector.get("scored") == Some(&Value::Bool(false)) {
                        if let Verdict::Failed(reason) = verdict {
                            writeln!(aside, "unscored {name} {reason}")?;
                        }
                    } else {
                        tally.count(&name, verdict, out)?;
                    }
                }
            }
            Err(reason) => tally.count(&file.display().to_string(), Verdict::Failed(reason), out)?,
        }
    }
    write!(out, "{} passed, {} failed", tally.passed, tally.failed)?;
    if tally.skipped > 0 {
        write!(out, ", {} skipped", tally.skipped)?;
    }
    writeln!(out)?;
    Ok(tally)
}

impl Tally {
    fn count(&mut self, name: &str, verdict: Verdict, out: &mut dyn Write) -> io::Result<()> {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(reason) => {
                self.failed += 1;
                writeln!(out, "{name} {}", one_line(&reason))?;
            }
            Verdict::Skipped(reason) => {
                self.skipped += 1;
                writeln!(out, "skipped {name} ({reason})")?;
            }
        }
        Ok(())
    }
}

fn read_envelope(text: &[u8]) -> Result<(String, Vec<Value>), String> {
    let mut envelope: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if envelope.get("schema").and_then(Value::as_u64) != Some(1) {
        return Err("schema is not 1".into());
    }
    let kind = envelope
        .get("kind")
        .and_then(Value::as_str)
        .ok_or("kind is not a text")?
        .to_owned();
    match envelope.get_mut("vectors").map(Value::take) {
        Some(Value::Array(vectors)) => Ok((kind, vectors)),
        _ => Err("vectors is not a list".into()),
    }
}

fn run_vector(kind: &str, vector: &Value) -> Verdict {
    if !matches!(vector.get("scored"), None | Some(Value::Bool(_))) {
        return Verdict::Failed("scored is neither true nor false".into());
    }
    if !vector.get("id").is_some_and(Value::is_string) {
        return Verdict::Failed("id is not a text".into());
    }
    let (Some(input @ Value::Object(_)), Some(expect @ Value::Object(_))) =
        (vector.get("input"), vector.get("expect"))
    else {
        return Verdict::Failed("input or expect is not an object".into());
    };
    match guarded(|| answer(kind, input, expect)) {
        Ok(Answer::Skipped(reason)) => Verdict::Skipped(reason.into()),
        Ok(answer) => judge(kind, expect, &answer).map_or_else(Verdict::Failed, |()| Verdict::Passed),
        Err(reason) => Verdict::Failed(reason),
    }
}

/// No vector may panic; one that does is a failure and the run goes on.
fn guarded(run: impl FnOnce() -> Result<Answer, Failure>) -> Result<Answer, Failure> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("panicked".into()))
}

fn answer(kind: &str, input: &Value, expect: &Value) -> Result<Answer, Failure> {
    let Some(run) = kinds::by_name(kind) else {
        return Ok(Answer::Skipped("unknown kind"));
    };
    let fields = Fields::of(input)?;
    if let Some(needs) = fields.optional("needs") {
        let needs = needs.as_array().ok_or("needs is not a list")?;
        if let Some(missing) = NOT_OFFERED
            .into_iter()
            .find(|feature| needs.iter().any(|need| need == feature))
        {
            return Ok(Answer::Skipped(missing));
        }
    }
    run(fields, expect)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure() {
        assert_eq!(guarded(|| panic!("on purpose")).unwrap_err(), "panicked");
    }

    #[test]
    fn reasons_take_one_line() {
        assert_eq!(one_line("a\n  b\tc"), "a b c");
    }
}
