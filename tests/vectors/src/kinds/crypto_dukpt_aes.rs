//! `crypto.dukpt-aes`: AES DUKPT on both sides, and what is done with its keys.

use serde_json::{Value, json};
use softpos_crypto::dukpt::{
    KeyType, Ksn, Registers, Usage, initial_key, next_counter, transaction_key, update_key, working_key,
};
use softpos_crypto::mac::{cmac, hmac_sha256};
use softpos_crypto::pin_block::{PinDigits, PinKey, decipher_format4, encipher_format4};
use softpos_crypto::{AesKey, AesLength};
use softpos_types::{Pan, SecretBytes};

use super::crypto_cmac::aes_key;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    Ok(match input.text("op")? {
        "derive" => Answer::Computed(derive(input)?),
        "sequence" => Answer::Computed(sequence(input)?),
        "next_counter" => match next_counter(input.number("counter")?) {
            Ok(counter) => Answer::Computed(json!({ "counter": counter })),
            Err(_) => Answer::Refused("exhausted".into()),
        },
        "update_key" => {
            let key = update_key(&aes_key(input, "ik")?, input.array("ikid")?, key_type(input)?);
            key.map_or_else(refused, |key| {
                Answer::Computed(json!({ "key": upper_hex(key.expose()) }))
            })
        }
        "mac" => {
            let (key, message) = (working(input, input.text("usage")?)?, input.bytes("message")?);
            let mac = match key_type(input)? {
                KeyType::Aes(_) => upper_hex(cmac(&as_aes(&key)?, &message)),
                KeyType::Hmac(_) => upper_hex(hmac_sha256(key.expose(), &message)),
                KeyType::Tdes2 | KeyType::Tdes3 => return Ok(Answer::Skipped("unknown kind")),
            };
            Answer::Computed(json!({ "mac": mac }))
        }
        "encrypt" => {
            let key = as_aes(&working(input, input.text("usage")?)?)?;
            let mut data = input.bytes("plaintext")?;
            key.encrypt_cbc(input.array("iv")?, &mut data)
                .map_err(|_| "plaintext is not in whole blocks")?;
            Answer::Computed(json!({ "ciphertext": upper_hex(data) }))
        }
        "pin_block" => {
            let pin = PinDigits::from_ascii(input.text("pin")?.as_bytes()).map_err(|_| "pin is no PIN")?;
            let block = encipher_format4(pin, &pan(input)?, pin_key(input)?, input.array("random")?);
            block.map_or_else(refused, |block| {
                Answer::Computed(json!({ "block": upper_hex(block) }))
            })
        }
        "pin" => decipher_format4(input.array("block")?, &pan(input)?, &pin_key(input)?)
            .map_or_else(refused, |pin| Answer::Computed(json!({ "pin": digits(&pin) }))),
        _ => Answer::Skipped("unknown kind"),
    })
}

/// The digits as text.
pub(super) fn digits(pin: &PinDigits) -> String {
    pin.expose_digits().iter().copied().map(char::from).collect()
}

/// The card number.
pub(super) fn pan(input: Fields<'_>) -> Result<Pan, Failure> {
    Pan::from_digits(input.text("pan")?.as_bytes()).map_err(|_| "pan is no card number".into())
}

fn derive(input: Fields<'_>) -> Result<Value, Failure> {
    let (ik, ksn) = (ik(input)?, ksn(input)?);
    let transaction_key = transaction_key(&ik, ksn);
    let mut working = Vec::new();
    for asked in input.list("working")? {
        let asked = Fields::of(asked)?;
        let key = working_key(
            &transaction_key,
            ksn,
            usage(asked.text("usage")?)?,
            key_type(asked)?,
        );
        working.push(upper_hex(key.map_err(|error| format!("{error:?}"))?.expose()));
    }
    Ok(json!({
        "ik": upper_hex(ik.expose()),
        "transaction_key": upper_hex(transaction_key.expose()),
        "working": working,
    }))
}

/// The terminal's registers; each key must also be the one the host derives.
fn sequence(input: Fields<'_>) -> Result<Value, Failure> {
    let ikid = input.array("ikid")?;
    let ik = initial_key(&aes_key(input, "bdk")?, ikid);
    let mut registers = Registers::load(initial_key(&aes_key(input, "bdk")?, ikid), ikid);
    registers.advance_to(input.number("first")?);
    let (mut counters, mut keys) = (Vec::new(), Vec::new());
    for _ in 0..input.number::<u16>("count")? {
        let ksn = registers.draw().map_err(|error| format!("{error:?}"))?.ksn();
        counters.push(ksn.counter());
        keys.push(upper_hex(transaction_key(&ik, ksn).expose()));
    }
    Ok(json!({ "counters": counters, "transaction_keys": keys }))
}

/// Given, or derived from the base derivation key.
fn ik(input: Fields<'_>) -> Result<AesKey, Failure> {
    match input.optional("ik") {
        Some(_) => aes_key(input, "ik"),
        None => Ok(initial_key(&aes_key(input, "bdk")?, ksn(input)?.ikid())),
    }
}

fn ksn(input: Fields<'_>) -> Result<Ksn, Failure> {
    input.text("ksn")?.parse().map_err(|_| "ksn names no key".into())
}

fn working(input: Fields<'_>, usage_name: &str) -> Result<SecretBytes, Failure> {
    let ksn = ksn(input)?;
    working_key(
        &transaction_key(&ik(input)?, ksn),
        ksn,
        usage(usage_name)?,
        key_type(input)?,
    )
    .map_err(|error| format!("{error:?}"))
}

fn pin_key(input: Fields<'_>) -> Result<PinKey, Failure> {
    as_aes(&working(input, "pin")?).map(PinKey::new)
}

fn as_aes(key: &SecretBytes) -> Result<AesKey, Failure> {
    AesKey::from_bytes(key.expose()).map_err(|_| "key_type is no AES key".into())
}

fn usage(name: &str) -> Result<Usage, Failure> {
    Ok(match name {
        "key_encryption" => Usage::KeyEncryption,
        "pin" => Usage::Pin,
        "mac_generate" => Usage::MacGenerate,
        "mac_verify" => Usage::MacVerify,
        "mac_both" => Usage::MacBoth,
        "data_encrypt" => Usage::DataEncrypt,
        "data_decrypt" => Usage::DataDecrypt,
        "data_both" => Usage::DataBoth,
        other => return Err(format!("usage {other} is not known")),
    })
}

fn key_type(input: Fields<'_>) -> Result<KeyType, Failure> {
    Ok(match input.text("key_type")? {
        "TDES2" => KeyType::Tdes2,
        "TDES3" => KeyType::Tdes3,
        "AES128" => KeyType::Aes(AesLength::Aes128),
        "AES192" => KeyType::Aes(AesLength::Aes192),
        "AES256" => KeyType::Aes(AesLength::Aes256),
        "HMAC128" => KeyType::Hmac(AesLength::Aes128),
        "HMAC192" => KeyType::Hmac(AesLength::Aes192),
        "HMAC256" => KeyType::Hmac(AesLength::Aes256),
        other => return Err(format!("key_type {other} is not known")),
    })
}

fn refused(error: impl std::fmt::Debug) -> Answer {
    Answer::Refused(format!("{error:?}"))
}
