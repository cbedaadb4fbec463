//! `crypto.kcv`: key check values of AES keys by CMAC.

use serde_json::{Value, json};
use softpos_crypto::mac::kcv;

use super::crypto_cmac::aes_key;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    if (input.text("algorithm")?, input.text("method")?) != ("AES", "cmac") {
        return Ok(Answer::Skipped("unknown kind"));
    }
    let value = kcv(&aes_key(input, "key")?);
    let length = input.number::<usize>("length")?;
    let shown = value.get(..length).ok_or("length is more than 5")?;
    Ok(Answer::Computed(json!({ "kcv": upper_hex(shown) })))
}
