//! `crypto.emv-rsa`: recovery of certificates and signatures, without dates, card numbers and revocation.

use serde_json::{Value, json};
use softpos_crypto::emv_rsa::{
    Certificate, PublicKey, Refused, combined_data, dynamic_data, icc_certificate, issuer_certificate,
    static_data,
};

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let result = match input.text("op")? {
        "recover" => {
            let data = input.bytes("data")?;
            key(input, "")?
                .and_then(|key| key.recover(&data))
                .map(|recovered| json!({ "recovered": upper_hex(recovered.expose()) }))
        }
        "issuer" => {
            let [certificate, remainder, exponent] = certificate(input)?;
            key(input, "ca_")?
                .and_then(|key| issuer_certificate(&key, &certificate, &remainder, &exponent))
                .map(|issuer| certified("issuer_id", &issuer))
        }
        "icc" => {
            let [certificate, remainder, exponent] = certificate(input)?;
            let static_data = input.bytes("static_data")?;
            key(input, "issuer_")?
                .and_then(|key| icc_certificate(&key, &certificate, (&remainder, &exponent), &[&static_data]))
                .map(|card| certified("pan", &card))
        }
        "static" => {
            let (signature, data) = (input.bytes("signature")?, input.bytes("static_data")?);
            key(input, "issuer_")?
                .and_then(|key| static_data(&key, &signature, &[&data]))
                .map(|code| json!({ "data_authentication_code": upper_hex(code) }))
        }
        "dynamic" => {
            let (signature, data) = (input.bytes("signature")?, input.bytes("dynamic_data")?);
            key(input, "icc_")?
                .and_then(|key| dynamic_data(&key, &signature, &[&data]))
                .map(|data| json!({ "icc_dynamic_number": upper_hex(data.dynamic_number.expose()) }))
        }
        "combined" => combined(input)?,
        other => return Err(format!("op {other} is not known")),
    };
    Ok(result.map_or_else(|Refused| Answer::Refused("refused".into()), Answer::Computed))
}

/// The key whose members begin so; refused keys are a result, not an unreadable vector.
fn key(input: Fields<'_>, prefix: &str) -> Result<Result<PublicKey, Refused>, Failure> {
    let modulus = input.bytes(&format!("{prefix}modulus"))?;
    Ok(PublicKey::new(
        &modulus,
        &input.bytes(&format!("{prefix}exponent"))?,
    ))
}

fn certificate(input: Fields<'_>) -> Result<[Vec<u8>; 3], Failure> {
    Ok([
        input.bytes("certificate")?,
        input.bytes("remainder")?,
        input.bytes("exponent")?,
    ])
}

fn certified(subject: &str, certificate: &Certificate) -> Value {
    json!({
        subject: upper_hex(certificate.subject.expose()),
        "expiry": upper_hex(certificate.expiry_mmyy),
        "serial": upper_hex(certificate.serial),
        // The only algorithms that are recovered.
        "hash_algorithm": 1,
        "key_algorithm": 1,
        "modulus": upper_hex(certificate.key.modulus().expose()),
    })
}

fn combined(input: Fields<'_>) -> Result<Result<Value, Refused>, Failure> {
    let signature = input.bytes("signature")?;
    let number = input.array("unpredictable_number")?;
    let transaction_data = match input.optional("transaction_data") {
        Some(_) => Some(input.bytes("transaction_data")?),
        None => None,
    };
    let covered = key(input, "icc_")?
        .and_then(|key| combined_data(&key, &signature, number))
        .and_then(|data| match transaction_data {
            Some(sent) if !data.covers(&[&sent]) => Err(Refused),
            Some(_) | None => Ok(data),
        });
    Ok(covered.map(|data| {
        json!({
            "icc_dynamic_number": upper_hex(data.dynamic_number.expose()),
            "cryptogram_information_data": upper_hex([data.cryptogram_information]),
            "cryptogram": upper_hex(data.cryptogram),
            "transaction_hash": upper_hex(data.transaction_hash),
        })
    }))
}
