//! `emv.entrypoint`: the Entry Point inside the reader loop of Book A, with a stub for every kernel.

mod answers;
mod reader_loop;

use serde_json::{Map, Value, json};
use softpos_emv::{
    Aid, Combination, CombinationSettings, KernelId, Message, Status, TerminalData, Transaction, UiRequest,
    UiValue, ValueQualifier,
};
use softpos_types::{Currency, LocalTime, Money};

use self::reader_loop::Loop;
use crate::compare::matches;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, expect: &Value) -> Result<Answer, Failure> {
    let terminal = input.object("terminal")?;
    let combinations = combinations(terminal)?;
    let data = terminal.optional("data").cloned();
    let mut reader_loop = Loop::new(combinations, data, input.list("answers")?);
    if let Some(autorun) = terminal.optional("autorun") {
        reader_loop.autorun(&transaction(Fields::of(autorun)?)?)?;
    }
    for one in input.list("transactions")? {
        reader_loop.transaction(&transaction(Fields::of(one)?)?)?;
    }
    let events = reader_loop.finish()?;
    let expected = expect
        .get("events")
        .and_then(Value::as_array)
        .ok_or("events is not a list")?;
    // Switching the field is the radio's.
    let expected: Vec<&Value> = expected
        .iter()
        .filter(|event| event.get("field").is_none())
        .collect();
    compare(&expected, &events)?;
    Ok(Answer::Agreed)
}

fn compare(expected: &[&Value], events: &[Value]) -> Result<(), Failure> {
    for (position, expected) in expected.iter().enumerate() {
        let path = format!("events[{position}]");
        let actual = events
            .get(position)
            .ok_or_else(|| format!("{path}: nothing, expected {expected}"))?;
        matches(&in_order(expected), &in_order(actual), &path)?;
    }
    match events.get(expected.len()) {
        None => Ok(()),
        Some(surplus) => Err(format!("surplus event {surplus}")),
    }
}

/// The indicators of an activation are a set.
fn in_order(event: &Value) -> Value {
    let mut event = event.clone();
    let indicators = event
        .get_mut("activate")
        .and_then(|activation| activation.get_mut("indicators"));
    if let Some(indicators) = indicators.and_then(Value::as_array_mut) {
        indicators.sort_by_key(ToString::to_string);
    }
    event
}

fn combinations(terminal: Fields<'_>) -> Result<Vec<Combination>, Failure> {
    let mut all = Vec::new();
    for set in terminal.list("sets")? {
        let set = Fields::of(set)?;
        let settings = settings(set)?;
        for transaction_type in set.list("types")? {
            let transaction_type = one_byte(transaction_type)?;
            for pair in set.list("combinations")? {
                let [aid, kernel] = pair.as_array().map(Vec::as_slice).unwrap_or_default() else {
                    return Err("a combination is not a pair".into());
                };
                all.push(Combination {
                    aid: Aid::new(&hex_bytes(aid)?).map_err(|_| "not an application identifier")?,
                    kernel: kernel_id(&hex_bytes(kernel)?)?,
                    transaction_type,
                    settings: settings.clone(),
                });
            }
        }
    }
    Ok(all)
}

fn settings(set: Fields<'_>) -> Result<CombinationSettings, Failure> {
    let flag = |name: &str| match set.optional(name) {
        None => Ok(None),
        Some(value) => value
            .as_bool()
            .map(Some)
            .ok_or_else(|| format!("{name} is neither true nor false")),
    };
    let limit = |name: &str| set.optional(name).map(|_| minor(set, name)).transpose();
    Ok(CombinationSettings {
        status_check: flag("status_check")?.unwrap_or_default(),
        zero_amount_allowed: flag("zero_amount_allowed")?,
        extended_selection: flag("extended_selection")?.unwrap_or_default(),
        transaction_limit_minor: limit("transaction_limit")?,
        floor_limit_minor: limit("floor_limit")?,
        terminal_floor_limit_minor: limit("terminal_floor_limit")?,
        cvm_limit_minor: limit("cvm_limit")?,
        ttq: set.optional("ttq").map(|_| set.array("ttq")).transpose()?,
        data: TerminalData::new(),
    })
}

fn transaction(one: Fields<'_>) -> Result<Transaction, Failure> {
    // One unit of a currency is what matters here; these three stand for all.
    let numeric = match one
        .optional("unit")
        .map(|_| one.number::<u64>("unit"))
        .transpose()?
    {
        None | Some(100) => 156,
        Some(1) => 392,
        Some(1_000) => 414,
        Some(other) => return Err(format!("no currency has {other} minor units")),
    };
    let currency = Currency::from_numeric(numeric).ok_or("no such currency")?;
    let [transaction_type] = one.array("type")?;
    Ok(Transaction {
        amount: Money::new(minor(one, "amount")?, currency),
        other_minor: match one.optional("other") {
            None => 0,
            Some(_) => minor(one, "other")?,
        },
        transaction_type,
        local: LocalTime::from_utc(0, 0),
        unpredictable: [[[0; 4]; 3]; 4],
    })
}

fn minor(fields: Fields<'_>, name: &str) -> Result<i64, Failure> {
    i64::try_from(fields.number::<u64>(name)?).map_err(|_| format!("{name} is out of range"))
}

fn kernel_id(bytes: &[u8]) -> Result<KernelId, Failure> {
    if !matches!(bytes.len(), 1 | 3) {
        return Err("a kernel has one or three bytes".into());
    }
    let number = bytes
        .iter()
        .fold(0, |number, byte| (number << 8) | u32::from(*byte));
    Ok(KernelId::new(number))
}

fn hex_bytes(value: &Value) -> Result<Vec<u8>, Failure> {
    let text = value.as_str().ok_or_else(|| format!("{value} is not a text"))?;
    hex::decode(text).map_err(|error| format!("{text}: {error}"))
}

fn one_byte(value: &Value) -> Result<u8, Failure> {
    match hex_bytes(value)?.as_slice() {
        [byte] => Ok(*byte),
        _ => Err(format!("{value} is not one byte")),
    }
}

const STATUS: [(Status, &str); 6] = [
    (Status::NotReady, "not_ready"),
    (Status::Idle, "idle"),
    (Status::ReadyToRead, "ready_to_read"),
    (Status::Processing, "processing"),
    (Status::CardReadOk, "card_read_successfully"),
    (Status::ProcessingError, "processing_error"),
];

/// A user interface request in the vectors' words.
pub(super) fn ui_value(ui: &UiRequest) -> Value {
    let mut out = Map::new();
    out.insert("message".into(), json!(format!("{:02X}", ui.message.code())));
    let status = STATUS.iter().find(|(status, _)| *status == ui.status);
    out.insert("status".into(), json!(status.map(|(_, name)| name)));
    out.insert("hold".into(), json!(ui.hold_ms / 100));
    if let Some(language) = &ui.language_preference {
        out.insert("language".into(), json!(String::from_utf8_lossy(language)));
    }
    if let Some(value) = ui.value {
        let qualifier = match value.qualifier {
            ValueQualifier::Amount => "amount",
            ValueQualifier::Balance => "balance",
        };
        out.insert("value_qualifier".into(), json!(qualifier));
        out.insert("value".into(), json!(upper_hex(value.value)));
        out.insert("currency".into(), json!(upper_hex(value.currency)));
    }
    Value::Object(out)
}

/// The same, the other way.
fn ui_request(value: &Value) -> Result<UiRequest, Failure> {
    let fields = Fields::of(value)?;
    let [code] = fields.array("message")?;
    let name = fields.text("status")?;
    let status = STATUS.iter().find(|(_, known)| *known == name);
    let hold_ms = match fields.optional("hold") {
        None => 0,
        Some(_) => fields.number::<u32>("hold")?.saturating_mul(100),
    };
    let qualifier = match fields.optional("value_qualifier").and_then(Value::as_str) {
        Some("amount") => Some(ValueQualifier::Amount),
        Some("balance") => Some(ValueQualifier::Balance),
        _ => None,
    };
    let value = qualifier.map(|qualifier| -> Result<_, Failure> {
        Ok(UiValue {
            qualifier,
            value: fields.array("value")?,
            currency: fields.array("currency")?,
        })
    });
    Ok(UiRequest {
        message: Message::from_code(code).ok_or_else(|| format!("message {code:02X} is not known"))?,
        status: status.ok_or_else(|| format!("status {name} is not known"))?.0,
        hold_ms,
        language_preference: fields
            .optional("language")
            .map(|_| fields.text("language").map(|text| text.as_bytes().to_vec()))
            .transpose()?,
        value: value.transpose()?,
    })
}
