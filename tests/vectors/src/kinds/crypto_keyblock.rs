//! `crypto.keyblock`: opens key blocks of every version.

use serde_json::{Value, json};
use softpos_crypto::key_block::{self, KeyBlock};
use softpos_crypto::legacy;

use super::crypto_cmac::aes_key;
use super::crypto_kcv::tdes_key;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let text = input.text("key_block")?;
    let opened = if text.starts_with(['A', 'B', 'C']) {
        legacy::key_block::unwrap(&tdes_key(input, "kbpk")?, text).map(|old| (old.version, old.block))
    } else {
        key_block::unwrap(&aes_key(input, "kbpk")?, text).map(|block| (b'D', block))
    };
    Ok(match opened {
        Ok((version, block)) => Answer::Computed(stated(version, &block)),
        Err(_) => Answer::Refused("refused".into()),
    })
}

fn stated(version: u8, block: &KeyBlock) -> Value {
    let ascii = |bytes: &[u8]| -> String { bytes.iter().copied().map(char::from).collect() };
    let header = &block.header;
    let optional: Vec<Value> = header
        .optional
        .iter()
        .map(|block| json!({ "id": ascii(&block.id), "data": block.data }))
        .collect();
    json!({
        "version": ascii(&[version]),
        "usage": ascii(&header.usage),
        "algorithm": ascii(&[header.algorithm]),
        "mode": ascii(&[header.mode]),
        "key_version": ascii(&header.key_version),
        "exportability": ascii(&[header.exportability]),
        "optional": optional,
        "key": upper_hex(block.key.expose()),
    })
}
