//! `crypto.hkdf`: HKDF with SHA-256.

use serde_json::{Value, json};
use softpos_crypto::hkdf_sha256;

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    if input.text("hash")? != "SHA-256" {
        return Ok(Answer::Skipped("unknown kind"));
    }
    let mut okm = vec![0; input.number::<u16>("length")?.into()];
    let derived = hkdf_sha256(
        &input.bytes("salt")?,
        &input.bytes("ikm")?,
        &input.bytes("info")?,
        &mut okm,
    );
    Ok(match derived {
        Ok(()) => Answer::Computed(json!({ "okm": upper_hex(okm) })),
        Err(_) => Answer::Refused("length".into()),
    })
}
