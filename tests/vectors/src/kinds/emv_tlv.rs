//! `emv.tlv`: trees of data objects, and the two formats of the answer to GET PROCESSING OPTIONS.

use serde_json::{Value, json};
use softpos_wire::gpo::GpoResponse;
use softpos_wire::tlv;

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let bytes = input.bytes("hex")?;
    match input.text("op")? {
        "parse" => Ok(tree(&bytes)),
        "gpo-response" => Ok(gpo_response(&bytes)),
        other => Err(format!("op {other} is not known")),
    }
}

/// Ordered pairs of tag and value; the value of a template is the list of its objects.
fn tree(bytes: &[u8]) -> Answer {
    let mut levels: Vec<Vec<Value>> = vec![Vec::new()];
    let walked = tlv::walk(bytes, &mut |depth, object| {
        close_to(depth, &mut levels);
        let tag = object.tag.to_string();
        if object.tag.is_constructed() {
            levels.push(vec![json!(tag)]);
        } else if let Some(level) = levels.last_mut() {
            level.push(json!([tag, upper_hex(object.value)]));
        }
    });
    match walked {
        Ok(()) => {
            close_to(0, &mut levels);
            Answer::Computed(json!({ "tree": levels.pop() }))
        }
        Err(error) => Answer::Refused(format!("{error:?}")),
    }
}

/// Closes the templates below a depth: an open one is its tag followed by its objects.
fn close_to(depth: usize, levels: &mut Vec<Vec<Value>>) {
    while levels.len() > depth + 1 {
        let Some(template) = levels.pop() else {
            return;
        };
        let mut objects = template.into_iter();
        let tag = objects.next();
        if let Some(parent) = levels.last_mut() {
            parent.push(json!([tag, objects.collect::<Vec<_>>()]));
        }
    }
}

fn gpo_response(bytes: &[u8]) -> Answer {
    match GpoResponse::parse(bytes) {
        Ok(response) => Answer::Computed(json!({
            "format": response.format,
            "aip": upper_hex(response.aip),
            "afl": response.afl.map(upper_hex),
        })),
        Err(error) => Answer::Refused(format!("{error:?}")),
    }
}
