//! `crypto.keyblock`: opens key blocks of version D.

use serde_json::{Value, json};
use softpos_crypto::key_block;

use super::crypto_cmac::aes_key;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, expect: &Value) -> Result<Answer, Failure> {
    let text = input.text("key_block")?;
    let older = text.starts_with(['A', 'B', 'C']);
    if older && expect.get("key").is_some() {
        return Ok(Answer::Skipped("unknown kind"));
    }
    let Ok(block) = key_block::unwrap(&aes_key(input, "kbpk")?, text) else {
        return Ok(Answer::Refused("refused".into()));
    };
    let ascii = |bytes: &[u8]| -> String { bytes.iter().copied().map(char::from).collect() };
    let header = &block.header;
    let optional: Vec<Value> = header
        .optional
        .iter()
        .map(|block| json!({ "id": ascii(&block.id), "data": block.data }))
        .collect();
    Ok(Answer::Computed(json!({
        "version": "D",
        "usage": ascii(&header.usage),
        "algorithm": ascii(&[header.algorithm]),
        "mode": ascii(&[header.mode]),
        "key_version": ascii(&header.key_version),
        "exportability": ascii(&[header.exportability]),
        "optional": optional,
        "key": upper_hex(block.key.expose()),
    })))
}
