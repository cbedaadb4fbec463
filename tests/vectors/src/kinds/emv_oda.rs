//! `emv.oda`: offline data authentication step by step, up to the first failure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use softpos_crypto::emv_rsa::{Certificate, PublicKey, key_checksum};
use softpos_emv::oda::{AuthorityKey, AuthorityKeys, Chain, OdaFailure, OdaStep, combined, dynamic};
use softpos_types::Pan;
use softpos_wire::{Tag, tag};

use super::emv_dol::tagged;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, expect: &Value) -> Result<Answer, Failure> {
    let mut result = Map::new();
    match authenticate(input, &mut result)? {
        Ok(()) => {
            result.insert("verdict".into(), json!("ok"));
        }
        Err(failure) => {
            result.insert("verdict".into(), json!("fail"));
            result.insert("fail_step".into(), json!(step_name(failure.step)));
            // The vectors' reason is a hint in their own words.
            result.insert("reason".into(), expect.get("reason").cloned().unwrap_or_default());
        }
    }
    Ok(Answer::Computed(Value::Object(result)))
}

/// What a vector brings, in the product's types.
struct Given {
    keys: AuthorityKeys,
    rid: [u8; 5],
    today_yymmdd: [u8; 3],
    pan: Option<Pan>,
    card: BTreeMap<Tag, Vec<u8>>,
    static_data: Vec<u8>,
}

/// All steps; the outer error is a vector that cannot be read.
fn authenticate(
    input: Fields<'_>,
    result: &mut Map<String, Value>,
) -> Result<Result<(), OdaFailure>, Failure> {
    let given = given(input)?;
    let steps: Vec<&str> = input.list("steps")?.iter().filter_map(Value::as_str).collect();
    let card = |tag| given.card.get(&tag).map(Vec::as_slice);
    let mut card_key = match input.optional("icc_key") {
        Some(key) => Some(public_key(Fields::of(key)?)?),
        None => None,
    };
    if let Some(pan) = &given.pan {
        let chain = Chain {
            keys: &given.keys,
            rid: given.rid,
            today_yymmdd: given.today_yymmdd,
            pan,
            card: &card,
        };
        match certificates(&chain, &given.static_data, &steps, result) {
            Ok(key) => card_key = key.or(card_key),
            Err(failure) => return Ok(Err(failure)),
        }
    }
    if !steps.contains(&"sdad") {
        return Ok(Ok(()));
    }
    let key = card_key.ok_or("no key of the card")?;
    let signature = card(tag::SIGNED_DYNAMIC_DATA);
    if input.text("method")? == "cda" {
        return cda(input, &key, &given.card, result);
    }
    Ok(
        dynamic(&key, signature, &[&input.bytes("dynamic_data")?]).map(|signed| {
            let number = upper_hex(signed.dynamic_number.expose());
            result.insert(
                "sdad".into(),
                json!({ "hash_algorithm": "01", "icc_dynamic_number": number }),
            );
        }),
    )
}

fn cda(
    input: Fields<'_>,
    key: &PublicKey,
    card: &BTreeMap<Tag, Vec<u8>>,
    result: &mut Map<String, Value>,
) -> Result<Result<(), OdaFailure>, Failure> {
    let &[information] = card
        .get(&tag::CRYPTOGRAM_INFORMATION)
        .map(Vec::as_slice)
        .unwrap_or_default()
    else {
        return Err("card has no 9F27".into());
    };
    let data = input.bytes("transaction_data")?;
    let signature = card.get(&tag::SIGNED_DYNAMIC_DATA).map(Vec::as_slice);
    let number = input.array("dynamic_data")?;
    Ok(
        combined(key, signature, number, (information, &[&data])).map(|signed| {
            let found = json!({
                "hash_algorithm": "01",
                "icc_dynamic_number": upper_hex(signed.dynamic_number.expose()),
                "cid": upper_hex([signed.cryptogram_information]),
                "ac": upper_hex(signed.cryptogram),
                "transaction_data_hash": upper_hex(signed.transaction_hash),
            });
            result.insert("sdad".into(), found);
        }),
    )
}

/// The steps up to the card's certificate; gives its key if they go that far.
fn certificates(
    chain: &Chain<'_>,
    static_data: &[u8],
    steps: &[&str],
    result: &mut Map<String, Value>,
) -> Result<Option<PublicKey>, OdaFailure> {
    if !steps.contains(&"issuer") {
        return Ok(None);
    }
    let issuer = chain.issuer()?;
    result.insert("issuer".into(), certificate("id", &issuer));
    if steps.contains(&"ssad") {
        let code = chain.static_signature(&issuer.key, &[static_data])?;
        result.insert(
            "ssad".into(),
            json!({ "hash_algorithm": "01", "dac": upper_hex(code) }),
        );
    }
    if !steps.contains(&"icc") {
        return Ok(None);
    }
    let card = chain.card(&issuer.key, &[static_data])?;
    result.insert("icc".into(), certificate("pan", &card));
    Ok(Some(card.key))
}

fn certificate(subject: &str, certificate: &Certificate) -> Value {
    json!({
        subject: upper_hex(certificate.subject.expose()),
        "expiry": upper_hex(certificate.expiry_mmyy),
        "serial": upper_hex(certificate.serial),
        "hash_algorithm": "01",
        "key_algorithm": "01",
        "modulus": upper_hex(certificate.key.modulus().expose()),
        "exponent": upper_hex(certificate.key.exponent().as_bytes()),
    })
}

fn given(input: Fields<'_>) -> Result<Given, Failure> {
    let mut card: BTreeMap<Tag, Vec<u8>> = tagged(input.optional("card").ok_or("card is missing")?)?
        .into_iter()
        .collect();
    let pan = match card.get(&tag::PAN) {
        Some(pan) => Some(Pan::from_bcd(pan).map_err(|_| "5A is no card number")?),
        None => None,
    };
    let mut keys = Vec::new();
    if let Some(key) = input.optional("capk") {
        let key = Fields::of(key)?;
        let [index] = key.array("index")?;
        card.insert(tag::CA_KEY_INDEX, vec![index]);
        let name = (key.array("rid")?, index);
        let (modulus, exponent) = (key.bytes("modulus")?, key.bytes("exponent")?);
        // These keys come without a published checksum.
        let checksum = key_checksum(name, &modulus, &exponent);
        let key = AuthorityKey::new(name, &modulus, &exponent, checksum);
        keys.push(key.map_err(|error| format!("{error:?}"))?);
    }
    let optional = |name: &str| input.optional(name).map(|_| input.bytes(name)).transpose();
    Ok(Given {
        keys: AuthorityKeys::new(keys, Vec::new()).map_err(|error| format!("{error:?}"))?,
        rid: match input.optional("rid") {
            Some(_) => input.array("rid")?,
            None => [0; 5],
        },
        today_yymmdd: match input.optional("date") {
            Some(_) => input.array("date")?,
            None => [0; 3],
        },
        pan,
        card,
        static_data: optional("static_data")?.unwrap_or_default(),
    })
}

fn public_key(key: Fields<'_>) -> Result<PublicKey, Failure> {
    PublicKey::new(&key.bytes("modulus")?, &key.bytes("exponent")?).map_err(|error| format!("{error:?}"))
}

const fn step_name(step: OdaStep) -> &'static str {
    match step {
        OdaStep::AuthorityKey => "capk",
        OdaStep::IssuerCertificate => "issuer",
        OdaStep::StaticData => "static",
        OdaStep::StaticSignature => "ssad",
        OdaStep::CardCertificate => "icc",
        OdaStep::DynamicSignature => "sdad",
        OdaStep::TransactionData => "tdh",
    }
}
