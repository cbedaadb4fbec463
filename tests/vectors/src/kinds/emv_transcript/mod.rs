//! `emv.transcript`: complete taps. Exact ones drive the reader command by command. Of the others the answers are read
//! and authenticated over the recorded commands, because their commands cannot be derived.

mod configuration;
mod recorded;

use serde_json::{Map, Value, json};
use softpos_emv::{Authentication, CardOutcome, CardRead, Cvm, Reader, ReaderError, ReaderStep, UiRequest};
use softpos_types::Tick;
use softpos_wire::Tag;
use softpos_wire::apdu::Capdu;
use softpos_wire::tag;

use self::configuration::configuration;
use self::recorded::{read_answers, read_members};
use super::emv_dol::tag as read_tag;
use super::emv_entrypoint::ui_value;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, expect: &Value) -> Result<Answer, Failure> {
    let exchanges = exchanges(input)?;
    match input.text("replay")? {
        "responses-only" => read_answers(input, &exchanges),
        // How a reader makes the number of stripe mode (9F6A) is its own: the commands cannot be derived from 9F37.
        "exact" if stripe_mode(input) => Ok(Answer::Skipped("mag-stripe-mode")),
        "exact" => replay(input, expect, &exchanges),
        other => Err(format!("replay {other} is not known")),
    }
}

fn stripe_mode(input: Fields<'_>) -> bool {
    let needs = input.optional("needs").and_then(Value::as_array);
    needs.is_some_and(|needs| needs.iter().any(|need| need == "mag-stripe-mode"))
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
    let mut asked = None;
    for (position, Exchange { command, answer }) in exchanges.iter().enumerate() {
        let ReaderStep::Transmit(sent) = &step else {
            return Err(format!("ended before command {position}"));
        };
        if command.as_ref().is_some_and(|command| command != sent) {
            return Err(format!("command {position} is {}", upper_hex(sent)));
        }
        asked = cryptogram_request(sent).or(asked);
        step = reader.card_replied(answer, 0, Tick(0));
    }
    let mut result = read_members(exchanges)?;
    if let Some(p1) = asked {
        result.insert(
            "generate_ac".into(),
            json!({ "asked": cryptogram_name(p1), "cda": p1 & 0x10 != 0 }),
        );
    }
    outcome_members(step, expect, &mut result)?;
    Ok(Answer::Computed(Value::Object(result)))
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
        let kind = read.authentication.map(Authentication::name);
        result.insert(
            "oda".into(),
            json!({ "kind": kind, "verdict": if kind.is_some() { "ok" } else { "fail" } }),
        );
        if let (Some(request), Some(&[information])) = (
            result.get_mut("generate_ac").and_then(Value::as_object_mut),
            read.card_object(tag::CRYPTOGRAM_INFORMATION),
        ) {
            request.insert("returned".into(), json!(cryptogram_name(information)));
        }
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

/// P1 of GENERATE AC.
fn cryptogram_request(command: &[u8]) -> Option<u8> {
    let command = Capdu::parse(command).ok()?;
    (command.ins == 0xAE).then_some(command.p1)
}

fn cryptogram_name(information: u8) -> &'static str {
    match information & 0xC0 {
        0x00 => "AAC",
        0x40 => "TC",
        0x80 => "ARQC",
        _ => "RFU",
    }
}
