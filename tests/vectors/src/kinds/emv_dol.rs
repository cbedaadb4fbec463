//! `emv.dol`: data object lists and the commands that carry their data.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use softpos_wire::apdu::{self, ApduTooLong};
use softpos_wire::dol::Dol;
use softpos_wire::tag::Format;
use softpos_wire::{Tag, tlv};

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let bytes = input.bytes("dol")?;
    let Ok(dol) = Dol::parse(&bytes) else {
        return Ok(Answer::Refused("malformed".into()));
    };
    let le = match input.optional("le") {
        None => true,
        Some(le) => le.as_bool().ok_or("le is neither true nor false")?,
    };
    let command = |built: Result<Vec<u8>, ApduTooLong>| match built {
        Ok(apdu) => Answer::Computed(json!({ "apdu": upper_hex(apdu) })),
        Err(ApduTooLong) => Answer::Refused("too_long".into()),
    };
    Ok(match input.text("op")? {
        "parse" => {
            let entries: Vec<_> = dol
                .entries()
                .map(|entry| json!([entry.tag.to_string(), entry.length]))
                .collect();
            Answer::Computed(json!({ "entries": entries, "total": dol.total() }))
        }
        "build" => Answer::Computed(json!({ "data": upper_hex(build(dol, input)?) })),
        "gpo-command" => command(apdu::get_processing_options(&build(dol, input)?)),
        "generate-ac-command" => {
            let [p1] = input.array("p1")?;
            command(apdu::generate_ac(p1, &build(dol, input)?, le))
        }
        "internal-authenticate-command" => command(apdu::internal_authenticate(&build(dol, input)?, le)),
        other => return Err(format!("op {other} is not known")),
    })
}

fn build(dol: Dol<'_>, input: Fields<'_>) -> Result<Vec<u8>, Failure> {
    let mut values = BTreeMap::new();
    for source in input.list("sources")? {
        for (tag, value) in tagged(source)? {
            values.entry(tag).or_insert(value);
        }
    }
    let mut formats = BTreeMap::new();
    if let Some(given) = input.optional("formats") {
        let given = given.as_object().ok_or("formats is not an object")?;
        for (tag, format) in given {
            let format = match format.as_str() {
                Some("n") => Format::Numeric,
                Some("cn") => Format::CompressedNumeric,
                Some(_) => Format::Other,
                None => return Err("a format is not a text".into()),
            };
            formats.insert(self::tag(tag)?, format);
        }
    }
    Ok(dol.build(
        |tag| values.get(&tag).map(Vec::as_slice),
        |tag| formats.get(&tag).copied().unwrap_or_else(|| tag.format()),
    ))
}

/// An object of tags in hex and their values in hex.
pub(super) fn tagged(object: &Value) -> Result<Vec<(Tag, Vec<u8>)>, Failure> {
    let object = object.as_object().ok_or("not an object of tags")?;
    object
        .iter()
        .map(|(name, value)| {
            let value = value.as_str().ok_or_else(|| format!("{name} is not a text"))?;
            let value = hex::decode(value).map_err(|error| format!("{name}: {error}"))?;
            Ok((tag(name)?, value))
        })
        .collect()
}

pub(super) fn tag(name: &str) -> Result<Tag, Failure> {
    let bytes = hex::decode(name).map_err(|error| format!("{name}: {error}"))?;
    match tlv::read_tag(&bytes) {
        Ok((tag, [])) => Ok(tag),
        _ => Err(format!("{name} is no tag")),
    }
}
