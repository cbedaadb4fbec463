//! `crypto.concat-kdf`: the key of a direct key agreement, RFC 7518.

use serde_json::{Value, json};
use softpos_crypto::concat_kdf::{Agreement, concat_kdf};

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let (producer, recipient) = (input.bytes("apu")?, input.bytes("apv")?);
    let agreed = Agreement {
        algorithm: input.text("algorithm")?,
        producer: &producer,
        recipient: &recipient,
    };
    Ok(
        match concat_kdf(&input.bytes("z")?, agreed, input.number("bits")?) {
            Ok(key) => Answer::Computed(json!({ "key": upper_hex(key.expose()) })),
            Err(_) => Answer::Refused("length".into()),
        },
    )
}
