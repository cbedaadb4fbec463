//! `crypto.kcv`: key check values, by CMAC and by the old way.

use serde_json::{Value, json};
use softpos_crypto::legacy::TdesKey;
use softpos_crypto::legacy::mac::{kcv_aes_ecb, kcv_tdes};
use softpos_crypto::mac::kcv;

use super::crypto_cmac::aes_key;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let value = match (input.text("algorithm")?, input.text("method")?) {
        ("AES", "cmac") => kcv(&aes_key(input, "key")?).to_vec(),
        ("AES", "ecb") => kcv_aes_ecb(&aes_key(input, "key")?).to_vec(),
        ("TDES", "ecb") => kcv_tdes(&tdes_key(input, "key")?).to_vec(),
        (algorithm, method) => return Err(format!("no {method} check value of {algorithm}")),
    };
    let length = input.number::<usize>("length")?;
    let shown = value.get(..length).ok_or("length is more than there is")?;
    Ok(Answer::Computed(json!({ "kcv": upper_hex(shown) })))
}

/// A triple DES key given in hex.
pub(super) fn tdes_key(input: Fields<'_>, name: &str) -> Result<TdesKey, Failure> {
    TdesKey::from_bytes(&input.bytes(name)?).map_err(|_| format!("{name} is no triple DES key"))
}
