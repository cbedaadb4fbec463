//! `emv.cvm-list`: amounts and rules of a verification method list.

use serde_json::{Value, json};
use softpos_wire::bits::{cvm_condition, cvm_method};
use softpos_wire::cvm_list::{CvmList, CvmListError};

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let bytes = input.bytes("list")?;
    let list = match CvmList::parse(&bytes) {
        Ok(list) => list,
        Err(CvmListError) => return Ok(Answer::Refused("malformed".into())),
    };
    let rules: Vec<_> = list
        .rules()
        .map(|rule| {
            json!({
                "code": upper_hex([rule.code]),
                "condition": upper_hex([rule.condition]),
                "method": cvm_method(rule.code),
                "when": cvm_condition(rule.condition),
                "if_unsuccessful": if rule.goes_on() { "next" } else { "fail" },
            })
        })
        .collect();
    Ok(Answer::Computed(
        json!({ "x": list.x, "y": list.y, "rules": rules }),
    ))
}
