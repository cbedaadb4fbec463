//! Answers without derivable commands: what the card gave, and whether it can be authenticated.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use softpos_emv::oda::{Chain, StaticData, combined};
use softpos_types::Pan;
use softpos_wire::afl::Afl;
use softpos_wire::apdu::{Capdu, PPSE_NAME, Rapdu};
use softpos_wire::dol::Dol;
use softpos_wire::gpo::GpoResponse;
use softpos_wire::{Tag, tag, tlv};

use super::super::emv_dol::tagged;
use super::configuration::authority_keys;
use super::{Exchange, cryptogram_name};
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

/// Directory, selected application and everything the card gave.
pub(super) fn read_answers(input: Fields<'_>, exchanges: &[Exchange]) -> Result<Answer, Failure> {
    let mut result = read_members(exchanges)?;
    authenticate(input, exchanges, &mut result)?;
    checksum_commands(input, exchanges)?;
    let mut card = Map::new();
    for Exchange { command, answer } in exchanges {
        let Some(body) = good_body(answer) else {
            continue;
        };
        if command.as_deref().and_then(selected_name) == Some(PPSE_NAME) {
            continue;
        }
        if let (Some(template), Ok(options)) =
            (tlv::only(body, tag::RESPONSE_FORMAT_1), GpoResponse::parse(body))
            && template.len() % 4 == 2
        {
            card.insert("82".into(), json!(upper_hex(options.aip)));
            card.insert("94".into(), json!(upper_hex(options.afl.unwrap_or_default())));
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
pub(super) fn read_members(exchanges: &[Exchange]) -> Result<Map<String, Value>, Failure> {
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

/// COMPUTE CRYPTOGRAPHIC CHECKSUM, rebuilt from what the card's list (9F69, else 9F6A alone) was told.
fn checksum_commands(input: Fields<'_>, exchanges: &[Exchange]) -> Result<(), Failure> {
    let told = input.optional("dol_values").and_then(|values| values.get("udol"));
    let Some(told) = told.filter(|told| !told.is_null()) else {
        return Ok(());
    };
    let told = tagged(told)?;
    let mut list = vec![0x9F, 0x6A, 0x04];
    for Exchange { command, answer } in exchanges {
        let command = command.as_deref().and_then(|command| Capdu::parse(command).ok());
        if let Some(command) = command.filter(|command| (command.cla, command.ins) == (0x80, 0x2A)) {
            let dol = Dol::parse(&list).map_err(|error| format!("9F69: {error:?}"))?;
            let value = |wanted| {
                let found = told.iter().find(|(tag, _)| *tag == wanted);
                found.map(|(_, value)| value.as_slice())
            };
            let data = dol.build(value, Tag::format);
            if data != command.data {
                return Err(format!("the checksum is asked for with {}", upper_hex(data)));
            }
        }
        let _ = tlv::walk(good_body(answer).unwrap_or_default(), &mut |_, object| {
            if object.tag == tag::CARD_AUTHENTICATION_DATA {
                list = object.value.to_vec();
            }
        });
    }
    Ok(())
}

/// What the recorded taps say about authentication.
#[derive(Default)]
struct Recorded {
    rid: Option<[u8; 5]>,
    /// Record (file, number) to whether it is signed.
    flagged: Vec<(u8, u8)>,
    static_data: StaticData,
    objects: BTreeMap<Tag, Vec<u8>>,
    pdol_data: Vec<u8>,
    request: Option<(u8, Vec<u8>)>,
    response: Vec<u8>,
}

/// CDA over the recorded commands: certificates, signature, and the hash of what went over the air.
fn authenticate(
    input: Fields<'_>,
    exchanges: &[Exchange],
    result: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let mut recorded = Recorded::default();
    for exchange in exchanges {
        recorded.take(exchange);
    }
    let Some((p1, _)) = &recorded.request else {
        return Ok(());
    };
    let information = recorded
        .objects
        .get(&tag::CRYPTOGRAM_INFORMATION)
        .and_then(|value| value.first());
    let cda = p1 & 0x10 != 0;
    result.insert(
        "generate_ac".into(),
        json!({
            "asked": cryptogram_name(*p1),
            "cda": cda,
            "returned": information.map(|information| cryptogram_name(*information)),
        }),
    );
    if cda {
        let verdict = match recorded.verify(input)? {
            Ok(()) => json!({ "kind": "cda", "verdict": "ok" }),
            Err(reason) => json!({ "kind": "cda", "verdict": "fail", "reason": reason }),
        };
        result.insert("oda".into(), verdict);
    }
    Ok(())
}

impl Recorded {
    fn take(&mut self, Exchange { command, answer }: &Exchange) {
        let command = command.as_deref().and_then(|command| Capdu::parse(command).ok());
        let (Some(command), Some(body)) = (command, good_body(answer)) else {
            return;
        };
        match command.ins {
            0xA4 => self.rid = command.data.first_chunk().copied(),
            0xA8 => {
                self.pdol_data = tlv::only(command.data, Tag::new(0x83))
                    .unwrap_or_default()
                    .to_vec();
                if let Ok(options) = GpoResponse::parse(body) {
                    self.objects.insert(tag::AIP, options.aip.to_vec());
                    let afl = options.afl.and_then(|afl| Afl::parse(afl).ok());
                    let signed = afl.iter().flat_map(Afl::records).filter(|record| record.oda);
                    self.flagged = signed.map(|record| (record.sfi, record.record)).collect();
                }
            }
            0xB2 if self.flagged.contains(&(command.p2 >> 3, command.p1)) => {
                self.static_data.add_record(command.p2 >> 3, body);
            }
            0xAE if self.request.is_none() => {
                self.request = Some((command.p1, command.data.to_vec()));
                self.response = body.to_vec();
            }
            _ => {}
        }
        let _ = tlv::walk(body, &mut |_, object| {
            self.objects
                .entry(object.tag)
                .or_insert_with(|| object.value.to_vec());
        });
    }

    /// The inner error says which step failed.
    fn verify(&self, input: Fields<'_>) -> Result<Result<(), String>, Failure> {
        let told = input.object("dol_values")?.object("cdol1")?;
        let keys = authority_keys(input)?;
        let object = |tag| self.objects.get(&tag).map(Vec::as_slice);
        let pan = Pan::from_bcd(object(tag::PAN).unwrap_or_default()).map_err(|_| "5A is no number")?;
        let chain = Chain {
            keys: &keys,
            rid: self.rid.ok_or("no application is selected")?,
            today_yymmdd: told.array("9A")?,
            pan: &pan,
            card: &object,
        };
        let number = told.array("9F37")?;
        let (_, sent) = self.request.as_ref().ok_or("no GENERATE AC")?;
        let template = tlv::only(&self.response, tag::RESPONSE_FORMAT_2).ok_or("no template 77")?;
        let received = tlv::without(template, tag::SIGNED_DYNAMIC_DATA)
            .map_err(|error| format!("GENERATE AC: {error:?}"))?;
        let information = object(tag::CRYPTOGRAM_INFORMATION)
            .and_then(<[u8]>::first)
            .copied();
        let information = information.ok_or("no 9F27")?;
        let verify = || {
            let parts = self.static_data.parts(
                object(tag::STATIC_DATA_TAG_LIST),
                object(tag::AIP).unwrap_or_default(),
            )?;
            let issuer = chain.issuer()?;
            let card = chain.card(&issuer.key, &parts)?;
            let data = [self.pdol_data.as_slice(), sent, &received];
            combined(
                &card.key,
                object(tag::SIGNED_DYNAMIC_DATA),
                number,
                (information, &data),
            )
        };
        Ok(verify().map(|_| ()).map_err(|failure| failure.to_string()))
    }
}
