//! `emv.bits`: names of bits and small fields.

use serde_json::{Value, json};
use softpos_wire::bits::{
    Context, IssuerData, TerminalKind, cvm_condition, cvm_method, cvm_result, issuer_data, named_bits,
    status_word, terminal_type,
};

use super::emv_dol::tag;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, expect: &Value) -> Result<Answer, Failure> {
    let (name, value) = (input.text("tag")?, input.bytes("hex")?);
    if expect.get("fields").is_some() {
        let fields = fields(name, &value)?;
        return Ok(Answer::Computed(json!({ "fields": fields })));
    }
    let context = match input.text("context")? {
        "contact-4.4" => Context::Contact,
        "c2" => Context::C2,
        "c3" => Context::C3,
        "c4" => Context::C4,
        other => return Err(format!("context {other} is not known")),
    };
    let named = named_bits(tag(name)?, context, &value).ok_or("no bits here")?;
    let unnamed: Vec<_> = named
        .unnamed
        .iter()
        .map(|(byte, bit)| json!([byte, bit]))
        .collect();
    Ok(Answer::Computed(json!({ "set": named.set, "rfu": unnamed })))
}

fn fields(name: &str, value: &[u8]) -> Result<Value, Failure> {
    Ok(match (name, value) {
        ("9F34", &[method, condition, result]) => json!({
            "method": cvm_method(method),
            "condition": cvm_condition(condition),
            "result": cvm_result(result),
        }),
        ("9F35", &[kind]) => {
            let TerminalKind {
                operator,
                attended,
                mode,
            } = terminal_type(kind).ok_or("not listed")?;
            json!({ "operator": operator, "attended": attended, "mode": mode })
        }
        ("9F10", data) => {
            let IssuerData {
                layout,
                dki,
                cvn,
                cvr,
            } = issuer_data(data).ok_or("no layout fits")?;
            json!({
                "layout": layout,
                "dki": upper_hex([dki]),
                "cvn": upper_hex([cvn]),
                "cvr": upper_hex(cvr),
            })
        }
        ("SW", &[high, low]) => {
            let (class, name) = status_word(u16::from_be_bytes([high, low]));
            json!({ "class": class, "name": name })
        }
        _ => return Err(format!("no fields of {name}")),
    })
}
