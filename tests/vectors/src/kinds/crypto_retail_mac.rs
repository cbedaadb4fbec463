//! `crypto.retail-mac`: ISO/IEC 9797-1 algorithm 3 with DES.

use serde_json::{Value, json};
use softpos_crypto::legacy::Padding;
use softpos_crypto::legacy::mac::retail_mac;
use softpos_types::SecretArray;

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let padding = match input.number::<u8>("padding")? {
        1 => Padding::Zeros,
        2 => Padding::Iso80,
        other => return Err(format!("padding {other} is not known")),
    };
    let key = SecretArray::take(&mut input.array("key")?);
    let mac = retail_mac(&key, &input.bytes("message")?, padding);
    Ok(Answer::Computed(json!({ "mac": upper_hex(mac) })))
}
