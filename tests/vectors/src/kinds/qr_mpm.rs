//! `qr.mpm`: merchant-presented payment codes.

use serde_json::{Map, Value, json};
use softpos_qr::mpm::{self, Decoded, Initiation, Object};

use crate::fields::Fields;
use crate::{Answer, Failure};

/// Objects whose value is reported by name.
const NAMED: [(&str, u8); 10] = [
    ("mcc", 52),
    ("currency", 53),
    ("amount", 54),
    ("tip", 55),
    ("fee_fixed", 56),
    ("fee_percent", 57),
    ("country", 58),
    ("name", 59),
    ("city", 60),
    ("postal", 61),
];

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let decoded = match mpm::decode(input.text("payload")?) {
        Ok(decoded) => decoded,
        Err(refused) => return Ok(Answer::Refused(refused.name().to_owned())),
    };
    let templates: Map<String, Value> = decoded
        .templates()
        .map(|(id, parts)| (two_digits(id), objects(parts)))
        .collect();
    let issues: Vec<String> = decoded.breaches().iter().map(ToString::to_string).collect();
    Ok(Answer::Computed(json!({
        "valid": true,
        "root": objects(decoded.objects()),
        "templates": templates,
        "fields": fields(&decoded),
        "issues": issues,
    })))
}

fn objects(objects: &[Object<'_>]) -> Value {
    let pairs = objects
        .iter()
        .map(|object| json!([two_digits(object.id), object.value]));
    Value::Array(pairs.collect())
}

fn fields(decoded: &Decoded<'_>) -> Map<String, Value> {
    let mut fields: Map<String, Value> = NAMED
        .into_iter()
        .filter_map(|(name, id)| Some((name.to_owned(), decoded.value(id)?.into())))
        .collect();
    let accounts: Vec<Value> = decoded
        .merchant_accounts()
        .map(|account| json!({ "id": two_digits(account.id), "guid": account.guid() }))
        .collect();
    fields.insert("merchant_accounts".to_owned(), accounts.into());
    if let Some(crc) = decoded.value(63) {
        fields.insert("crc".to_owned(), crc.into());
    }
    let initiation = decoded.initiation().map(|initiation| match initiation {
        Initiation::Static => "static",
        Initiation::Dynamic => "dynamic",
    });
    if let Some(initiation) = initiation {
        fields.insert("initiation".to_owned(), initiation.into());
    }
    fields
}

fn two_digits(id: u8) -> String {
    format!("{id:02}")
}
