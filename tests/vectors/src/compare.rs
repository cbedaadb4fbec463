//! What a vector expects against what came out.

use serde_json::{Map, Value};

use crate::Answer;

/// Members that say how a refusal is meant, not what is computed.
const ABOUT_REFUSAL: [&str; 5] = ["error", "any_of", "accept", "valid", "detail"];

/// Compares every member of `expect` with the answer.
///
/// A refusal is expected by `error`, `accept:false` or `valid:false`; its code is compared for the kinds whose
/// codes are part of the contract, elsewhere it is a hint.
pub(crate) fn judge(kind: &str, expect: &Value, answer: &Answer) -> Result<(), String> {
    let expected = expect.as_object().ok_or("expect is not an object")?;
    let denied = |name: &str| expected.get(name) == Some(&Value::Bool(false));
    let error = expected.get("error").filter(|error| !error.is_null());
    match answer {
        Answer::Agreed | Answer::Skipped(_) => Ok(()),
        Answer::Computed(_) if error.is_some() => Err("not refused".into()),
        Answer::Computed(value) => matches(expect, value, "expect"),
        Answer::Refused(code) if error.is_some() || denied("accept") || denied("valid") => {
            let missing = expected.iter().find(|(name, value)| {
                !value.is_null() && !ABOUT_REFUSAL.contains(&name.as_str()) && *name != "recorded"
            });
            match missing {
                Some((name, _)) => Err(format!("{name}: refused without it")),
                None if kind.starts_with("qr.") || kind == "iso8583.cup" => refusal_code(expected, code),
                None => Ok(()),
            }
        }
        Answer::Refused(code) => Err(format!("refused: {code}")),
    }
}

fn refusal_code(expected: &Map<String, Value>, code: &str) -> Result<(), String> {
    let error = expected.get("error").filter(|error| !error.is_null());
    let any_of = expected.get("any_of").and_then(Value::as_array);
    let allowed = error.into_iter().chain(any_of.into_iter().flatten());
    if error.is_none() || allowed.into_iter().any(|allowed| allowed == code) {
        Ok(())
    } else {
        Err(format!(
            "error: expected {}, got {code}",
            error.unwrap_or(&Value::Null)
        ))
    }
}

/// Null is not checked, `recorded` is information, members that are left out are free, `issues` is a set.
pub(crate) fn matches(expected: &Value, actual: &Value, path: &str) -> Result<(), String> {
    match (expected, actual) {
        (Value::Null, _) => Ok(()),
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, value) in expected
                .iter()
                .filter(|(name, value)| *name != "recorded" && !value.is_null())
            {
                let path = format!("{path}.{name}");
                let found = actual.get(name).ok_or_else(|| format!("{path}: missing"))?;
                if name == "issues" {
                    same_set(value, found, &path)
                } else {
                    matches(value, found, &path)
                }?;
            }
            Ok(())
        }
        (Value::Array(expected), Value::Array(actual)) => {
            if expected.len() != actual.len() {
                return Err(format!(
                    "{path}: expected {} items, got {}",
                    expected.len(),
                    actual.len()
                ));
            }
            let mut pairs = expected.iter().zip(actual).enumerate();
            pairs.try_for_each(|(i, (expected, actual))| matches(expected, actual, &format!("{path}[{i}]")))
        }
        _ if expected == actual => Ok(()),
        _ => Err(format!("{path}: expected {expected}, got {actual}")),
    }
}

fn same_set(expected: &Value, actual: &Value, path: &str) -> Result<(), String> {
    let (Some(expected), Some(actual)) = (expected.as_array(), actual.as_array()) else {
        return Err(format!("{path}: not a list"));
    };
    let missing = expected.iter().find(|issue| !actual.contains(issue));
    let surplus = actual.iter().find(|issue| !expected.contains(issue));
    match (missing, surplus) {
        (None, None) => Ok(()),
        (Some(issue), _) => Err(format!("{path}: {issue} is missing")),
        (None, Some(issue)) => Err(format!("{path}: {issue} is too many")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_left_out_are_free_and_null_is_not_checked() {
        let actual = json!({"a": 1, "b": {"c": "X", "d": 2}, "list": [1, {"e": 2, "f": 3}]});
        for right in [
            json!({}),
            json!({"a": 1}),
            json!({"a": null, "z": null, "recorded": {"a": 9}}),
            json!({"b": {"c": "X"}}),
            json!({"list": [1, {"e": 2}]}),
        ] {
            assert_eq!(matches(&right, &actual, "expect"), Ok(()), "{right}");
        }
        for wrong in [
            json!({"a": 2}),
            json!({"a": "1"}),
            json!({"z": 1}),
            json!({"b": {"c": "x"}}),
            json!({"list": [1]}),
            json!({"list": [{"e": 2}, 1]}),
            json!([]),
        ] {
            assert!(matches(&wrong, &actual, "expect").is_err(), "{wrong}");
        }
    }

    #[test]
    fn issues_are_a_set() {
        let actual = json!({"issues": ["a", "b"]});
        assert!(matches(&json!({"issues": ["b", "a"]}), &actual, "expect").is_ok());
        assert!(matches(&json!({"issues": ["a"]}), &actual, "expect").is_err());
        assert!(matches(&json!({"issues": ["a", "b", "c"]}), &actual, "expect").is_err());
    }

    #[test]
    fn refusals() {
        let refused = Answer::Refused("crc".into());
        let computed = Answer::Computed(json!({"accept": false, "checksum": "00", "mac": "11"}));
        for expect in [
            json!({"error": "x"}),
            json!({"valid": false}),
            json!({"accept": false}),
        ] {
            assert!(judge("crypto.cmac", &expect, &refused).is_ok());
        }
        assert!(judge("crypto.cmac", &json!({"error": "x"}), &computed).is_err());
        assert!(judge("crypto.cmac", &json!({"mac": "11"}), &refused).is_err());
        assert!(judge("emv.capk", &json!({"accept": false, "checksum": "00"}), &computed).is_ok());
        assert!(judge("emv.capk", &json!({"accept": false, "checksum": "00"}), &refused).is_err());
        assert!(judge("qr.mpm", &json!({"error": "length"}), &refused).is_err());
        assert!(judge("qr.mpm", &json!({"error": "crc", "valid": false}), &refused).is_ok());
        assert!(judge("qr.mpm", &json!({"error": "length", "any_of": ["crc"]}), &refused).is_ok());
    }
}
