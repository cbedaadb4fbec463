//! `emv.capk`: checksums of authority keys, and that a key whose published one is wrong is not taken.

use serde_json::{Value, json};
use softpos_crypto::emv_rsa::key_checksum;
use softpos_emv::oda::{AuthorityKey, KeyRefused};

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let [index] = input.array("index")?;
    let name = (input.array("rid")?, index);
    let (modulus, exponent) = (input.bytes("modulus")?, input.bytes("exponent")?);
    let computed = key_checksum(name, &modulus, &exponent);
    let published = match input.optional("published_checksum") {
        Some(_) => Some(input.array("published_checksum")?),
        None => None,
    };
    let taken = AuthorityKey::new(name, &modulus, &exponent, published.unwrap_or(computed));
    let matches = match (published, &taken) {
        (None, _) => "none",
        (Some(_), Ok(_)) => "match",
        (Some(_), Err(KeyRefused::Checksum | KeyRefused::Signature | KeyRefused::Twice)) => "mismatch",
    };
    Ok(Answer::Computed(json!({
        "bits": 8 * modulus.len(),
        "checksum": upper_hex(computed),
        "published": matches,
        "accept": taken.is_ok(),
    })))
}
