//! `emv.issuer-ac`: what the issuer computes for a card.

use serde_json::{Value, json};
use softpos_crypto::issuer::{
    Padding, application_cryptogram, arpc_method_1, arpc_method_2, card_key_option_a, card_key_option_b,
    session_key_common,
};
use softpos_types::{Pan, SecretArray};

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    Ok(Answer::Computed(match input.text("op")? {
        "card-key" => json!({ "key": upper_hex(card_key(input, input.text("method")?)?.expose()) }),
        "session-key" => {
            let [high, low, rest @ ..] = input.array::<8>("r")?;
            if input.text("method")? != "common" || rest != [0; 6] {
                return Ok(Answer::Skipped("unknown kind"));
            }
            json!({ "key": upper_hex(session_key_common(&key(input, "card_key")?, [high, low]).expose()) })
        }
        "ac" => {
            let padding = match input.text("padding")? {
                "80" => Padding::Iso80,
                "00" => Padding::Zeros,
                _ => return Err("padding is neither 80 nor 00".into()),
            };
            let session_key = key(input, "session_key")?;
            json!({ "ac": upper_hex(application_cryptogram(&session_key, &input.bytes("data")?, padding)) })
        }
        "arpc" => {
            let answer = arpc(
                input,
                &key(input, "session_key")?,
                input.array("ac")?,
                input.number("method")?,
            )?;
            json!({ "arpc": answer })
        }
        "chain" => chain(input)?,
        _ => return Ok(Answer::Skipped("unknown kind")),
    }))
}

fn card_key(input: Fields<'_>, method: &str) -> Result<SecretArray<16>, Failure> {
    let master = key(input, "master_key")?;
    let pan = Pan::from_digits(input.text("pan")?.as_bytes()).map_err(|_| "pan is no card number")?;
    let [psn] = input.array("psn")?;
    match method {
        "a" => Ok(card_key_option_a(&master, &pan, psn)),
        "b" => Ok(card_key_option_b(&master, &pan, psn)),
        _ => Err("method is neither a nor b".into()),
    }
}

fn arpc(input: Fields<'_>, key: &SecretArray<16>, ac: [u8; 8], method: u8) -> Result<String, Failure> {
    match method {
        1 => Ok(upper_hex(arpc_method_1(key, ac, input.array("arc")?))),
        2 => Ok(upper_hex(arpc_method_2(key, ac, input.array("csu")?, &[]))),
        _ => Err("method is neither 1 nor 2".into()),
    }
}

/// Visa's two: CVN 10 uses the card key itself, zeros and method 1, CVN 18 a session key, 80 and method 2.
fn chain(input: Fields<'_>) -> Result<Value, Failure> {
    let tags = input.object("tags")?;
    let mut data = Vec::new();
    for tag in input.list("data_order")? {
        data.extend(tags.bytes(tag.as_str().ok_or("data_order holds no tag")?)?);
    }
    let card_key = card_key(input, "a")?;
    let (session_key, padding, method) = match input.text("cvn")? {
        "visa-10" => (
            SecretArray::take(&mut card_key.expose().to_owned()),
            Padding::Zeros,
            1,
        ),
        "visa-18" => (
            session_key_common(&card_key, tags.array("9F36")?),
            Padding::Iso80,
            2,
        ),
        other => return Err(format!("cvn {other} is not known")),
    };
    let ac = application_cryptogram(&session_key, &data, padding);
    let arpc = arpc(input, &session_key, ac, method)?;
    Ok(json!({
        "card_key": upper_hex(card_key.expose()),
        "session_key": upper_hex(session_key.expose()),
        "ac": upper_hex(ac),
        "arpc": arpc,
    }))
}

fn key(input: Fields<'_>, name: &str) -> Result<SecretArray<16>, Failure> {
    Ok(SecretArray::take(&mut input.array(name)?))
}
