//! `crypto.ecdh-p256`: Diffie-Hellman on P-256, points given plain, compressed or as SPKI.

use serde_json::{Value, json};
use softpos_crypto::p256_key::{PublicKey, SoftwareKey};
use softpos_types::SecretArray;

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let scalar = SecretArray::take(&mut input.array("private")?);
    let key = SoftwareKey::from_scalar(scalar).map_err(|_| "private is no private key")?;
    let peer = match input.optional("public_spki") {
        Some(_) => PublicKey::from_spki(&input.bytes("public_spki")?),
        None => PublicKey::from_point(&input.bytes("public_point")?),
    };
    Ok(match peer.and_then(|peer| key.agree(&peer)) {
        Ok(shared) => Answer::Computed(json!({ "shared": upper_hex(shared.expose()) })),
        Err(_) => Answer::Refused("public_key".into()),
    })
}
