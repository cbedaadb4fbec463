//! `emv.transcript`: complete taps. Exact ones drive the reader command by command; of the others the answers are
//! read, because their commands cannot be derived.

use serde_json::{Map, Value, json};
use softpos_emv::{
    Aid, CardOutcome, CardRead, Combination, CombinationSettings, Cvm, KernelId, Reader, ReaderConfig,
    ReaderError, ReaderStep, TerminalData, Transaction, UiRequest,
};
use softpos_types::{Currency, LocalTime, Money, Tick};
use softpos_wire::apdu::{Capdu, PPSE_NAME, Rapdu};
use softpos_wire::{Tag, bcd, tag, tlv};

use super::emv_dol::{tag as read_tag, tagged};
use super::emv_entrypoint::ui_value;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, expect: &Value) -> Result<Answer, Failure> {
    // Offline authentication and GENERATE AC are not there yet.
    let asks_for = |name: &str| expect.get(name).is_some_and(|value| !value.is_null());
    if asks_for("oda") || asks_for("generate_ac") {
        return Ok(Answer::Skipped("unknown kind"));
    }
    let exchanges = exchanges(input)?;
    match input.text("replay")? {
        "responses-only" => read_answers(&exchanges),
        "exact" => {
            let combinations = input.list("combinations")?;
            let visa = combinations
                .iter()
                .all(|one| one.get("kernel") == Some(&json!("03")));
            if visa {
                replay(input, expect, &exchanges)
            } else {
                Ok(Answer::Skipped("unknown kind"))
            }
        }
        other => Err(format!("replay {other} is not known")),
    }
}

/// A command, where it is known, and its answer.
struct Exchange {
    command: Option<Vec<u8>>,
    answer: Vec<u8>,
}

fn exchanges(input: Fields<'_>) -> Result<Vec<Exchange>, Failure> {
    let read = |one: &Value| {
        let fields = Fields::of(one)?;
        Ok(Exchange {
            command: fields.optional("c").map(|_| fields.bytes("c")).transpose()?,
            answer: fields.bytes("r")?,
        })
    };
    input.list("apdus")?.iter().map(read).collect()
}

/// The commands must be the reader's own; then everything that is expected is looked up in its outcome.
fn replay(input: Fields<'_>, expect: &Value, exchanges: &[Exchange]) -> Result<Answer, Failure> {
    let (config, transaction) = configuration(input)?;
    let mut reader = match Reader::new(&config, transaction) {
        Ok(reader) => reader,
        Err(ReaderError::NothingAllowed(ui)) => {
            return Ok(Answer::Computed(
                json!({ "outcome": "try_another_interface", "online": false, "ui": [ui_value(&ui)] }),
            ));
        }
        Err(ReaderError::Amount) => return Err("an amount has more than 12 digits".into()),
    };
    let mut step = reader.card_present(Tick(0));
    for (position, Exchange { command, answer }) in exchanges.iter().enumerate() {
        let ReaderStep::Transmit(sent) = &step else {
            return Err(format!("ended before command {position}"));
        };
        if command.as_ref().is_some_and(|command| command != sent) {
            return Err(format!("command {position} is {}", upper_hex(sent)));
        }
        step = reader.card_replied(answer, 0, Tick(0));
    }
    let mut result = read_members(exchanges)?;
    outcome_members(step, expect, &mut result)?;
    Ok(Answer::Computed(Value::Object(result)))
}

fn configuration(input: Fields<'_>) -> Result<(ReaderConfig, Transaction), Failure> {
    let mut terminal = TerminalData::new();
    let mut ttq = None;
    for (tag, value) in tagged(input.optional("terminal").ok_or("terminal is missing")?)? {
        if tag == tag::TTQ {
            ttq = Some(value.try_into().map_err(|_| "9F66 is not 4 bytes")?);
        } else {
            terminal.set(tag, &value);
        }
    }
    let limit = |name: &str| -> Result<Option<i64>, Failure> {
        let Some(limits) = input.optional("limits") else {
            return Ok(None);
        };
        let limits = Fields::of(limits)?;
        limits
            .optional(name)
            .map(|_| amount(limits.number(name)?))
            .transpose()
    };
    let transaction = input.object("transaction")?;
    let [transaction_type] = transaction.array("9C")?;
    let settings = CombinationSettings {
        transaction_limit_minor: limit("contactless_transaction_limit")?,
        floor_limit_minor: limit("contactless_floor_limit")?,
        cvm_limit_minor: limit("cvm_required_limit")?,
        ttq,
        ..CombinationSettings::default()
    };
    let combination = |one: &Value| {
        let aid = Fields::of(one)?.bytes("aid")?;
        Ok(Combination {
            aid: Aid::new(&aid).map_err(|_| "aid is no identifier")?,
            kernel: KernelId::C3,
            transaction_type,
            settings: settings.clone(),
        })
    };
    let combinations = input.list("combinations")?.iter().map(combination);
    let config = ReaderConfig {
        combinations: combinations.collect::<Result<_, Failure>>()?,
        terminal,
        ..ReaderConfig::default()
    };
    let digits = |name: &str| number(&transaction.bytes(name)?);
    let currency = u16::try_from(digits("5F2A")?)
        .ok()
        .and_then(Currency::from_numeric);
    let transaction = Transaction {
        amount: Money::new(
            amount(digits("9F02")?)?,
            currency.ok_or("5F2A is no known currency")?,
        ),
        other_minor: amount(digits("9F03")?)?,
        transaction_type,
        local: local_time(transaction)?,
        unpredictable: [[transaction.array("9F37")?; 3]; 4],
    };
    Ok((config, transaction))
}

fn local_time(transaction: Fields<'_>) -> Result<LocalTime, Failure> {
    let two = |byte: u8| u8::try_from(number(&[byte])?).map_err(|_| "two digits do not fit".to_owned());
    let [year, month, day] = transaction.array("9A")?;
    let [hour, minute, second] = transaction.array("9F21")?;
    Ok(LocalTime {
        year: 2000 + u16::from(two(year)?),
        month: two(month)?,
        day: two(day)?,
        hour: two(hour)?,
        minute: two(minute)?,
        second: two(second)?,
    })
}

fn number(digits: &[u8]) -> Result<u64, Failure> {
    bcd::number(digits).map_err(|_| format!("{} is no number", upper_hex(digits)))
}

fn amount(number: u64) -> Result<i64, Failure> {
    i64::try_from(number).map_err(|_| "an amount is out of range".into())
}

fn outcome_members(step: ReaderStep, expect: &Value, result: &mut Map<String, Value>) -> Result<(), Failure> {
    let (name, read, ui) = match step {
        ReaderStep::Transmit(command) => return Err(format!("one command more: {}", upper_hex(command))),
        ReaderStep::Ignored => return Err("an answer was not expected".into()),
        ReaderStep::WaitForCard(prompt) => ("try_again", None, prompt.now),
        ReaderStep::Finished(CardOutcome::Online(read)) => ("online_request", Some(read), None),
        ReaderStep::Finished(CardOutcome::Approved(read)) => ("approved", Some(read), None),
        ReaderStep::Finished(CardOutcome::Declined(stopped)) => ("declined", stopped.read, Some(stopped.ui)),
        ReaderStep::Finished(CardOutcome::TryAnotherInterface(stopped)) => {
            ("try_another_interface", stopped.read, Some(stopped.ui))
        }
        ReaderStep::Finished(CardOutcome::EndApplication(stopped)) => {
            ("end_application", stopped.read, Some(stopped.ui))
        }
    };
    result.insert("outcome".into(), json!(name));
    result.insert("online".into(), json!(name == "online_request"));
    let ui: Vec<Value> = ui.iter().map(|ui: &UiRequest| ui_value(ui)).collect();
    result.insert("ui".into(), Value::Array(ui));
    if let Some(read) = read {
        result.insert("cvm".into(), json!(cvm_name(read.cvm)));
        let card = looked_up(expect.get("card"), |tag| read.card_object(tag))?;
        result.insert("card".into(), card);
        let record = looked_up(expect.get("data_record"), |tag| CardRead::data_object(&read, tag))?;
        result.insert("data_record".into(), record);
    }
    Ok(())
}

fn cvm_name(cvm: Cvm) -> &'static str {
    match cvm {
        Cvm::None => "no_cvm",
        Cvm::Signature => "signature",
        Cvm::OnlinePin => "online_pin",
        Cvm::OnDevice => "cdcvm",
    }
}

/// The expected tags with the values found.
fn looked_up<'a>(expected: Option<&Value>, find: impl Fn(Tag) -> Option<&'a [u8]>) -> Result<Value, Failure> {
    let mut found = Map::new();
    for name in expected
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::keys)
    {
        if let Some(value) = find(read_tag(name)?) {
            found.insert(name.clone(), json!(upper_hex(value)));
        }
    }
    Ok(Value::Object(found))
}

/// Directory, selected application and everything the card gave.
fn read_answers(exchanges: &[Exchange]) -> Result<Answer, Failure> {
    let mut result = read_members(exchanges)?;
    let mut card = Map::new();
    for Exchange { command, answer } in exchanges {
        let Some(body) = good_body(answer) else {
            continue;
        };
        if command.as_deref().and_then(selected_name) == Some(PPSE_NAME) {
            continue;
        }
        tlv::walk(body, &mut |_, object| {
            if !object.tag.is_constructed() {
                card.insert(object.tag.to_string(), json!(upper_hex(object.value)));
            }
        })
        .map_err(|error| format!("an answer is malformed: {error:?}"))?;
    }
    result.insert("card".into(), Value::Object(card));
    Ok(Answer::Computed(Value::Object(result)))
}

/// `ppse` and `selected`.
fn read_members(exchanges: &[Exchange]) -> Result<Map<String, Value>, Failure> {
    let mut result = Map::new();
    let mut entries = Vec::new();
    for Exchange { command, answer } in exchanges {
        let (Some(name), Some(body)) = (command.as_deref().and_then(selected_name), good_body(answer)) else {
            continue;
        };
        if name == PPSE_NAME {
            entries = directory(body).map_err(|error| format!("the directory is malformed: {error:?}"))?;
        } else {
            result.insert("selected".into(), json!(upper_hex(name)));
        }
    }
    result.insert("ppse".into(), Value::Array(entries));
    // What no outcome fills: a tap that ends before a kernel has neither.
    result.insert("card".into(), json!({}));
    result.insert("data_record".into(), json!({}));
    Ok(result)
}

fn directory(fci: &[u8]) -> Result<Vec<Value>, tlv::TlvError> {
    let path = [tag::FCI_TEMPLATE, tag::FCI_PROPRIETARY, tag::ISSUER_DISCRETIONARY];
    let mut entries = Vec::new();
    for object in tlv::Tlvs::new(tlv::descend(fci, &path)?.unwrap_or_default()) {
        let object = object?;
        if object.tag == tag::DIRECTORY_ENTRY {
            entries.push(json!({
                "adf": tlv::child(object.value, tag::ADF_NAME)?.map(upper_hex),
                "priority": tlv::child(object.value, tag::PRIORITY)?.map(upper_hex),
            }));
        }
    }
    Ok(entries)
}

fn good_body(answer: &[u8]) -> Option<&[u8]> {
    Rapdu::parse(answer)
        .ok()
        .filter(|answer| answer.is_ok())
        .map(|answer| answer.body)
}

fn selected_name(command: &[u8]) -> Option<&[u8]> {
    let command = Capdu::parse(command).ok()?;
    (command.ins == 0xA4).then_some(command.data)
}
