//! `crypto.cmac`: AES-CMAC.

use serde_json::{Value, json};
use softpos_crypto::AesKey;
use softpos_crypto::mac::{cmac, verify_cmac};

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let key = aes_key(input, "key")?;
    let message = input.bytes("message")?;
    Ok(match input.text("op")? {
        "generate" => Answer::Computed(json!({ "tag": upper_hex(cmac(&key, &message)) })),
        "verify" => match verify_cmac(&key, &message, &input.bytes("tag")?) {
            Ok(()) => Answer::Computed(json!({ "valid": true })),
            Err(_) => Answer::Refused("mac".into()),
        },
        _ => Answer::Skipped("unknown kind"),
    })
}

/// An AES key given in hex.
pub(super) fn aes_key(input: Fields<'_>, name: &str) -> Result<AesKey, Failure> {
    AesKey::from_bytes(&input.bytes(name)?).map_err(|_| format!("{name} is no AES key"))
}
