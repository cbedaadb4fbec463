//! `crypto.gcm`: opens, and what opens is sealed again and must be the same.

use serde_json::{Value, json};
use softpos_crypto::gcm;

use super::crypto_cmac::aes_key;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let (key, nonce, aad) = (aes_key(input, "key")?, input.array("nonce")?, input.bytes("aad")?);
    let sealed = [input.bytes("ciphertext")?, input.bytes("tag")?].concat();
    let Ok(plaintext) = gcm::open(&key, nonce, &aad, &sealed) else {
        return Ok(Answer::Refused("auth".into()));
    };
    if gcm::seal(&key, nonce, &aad, plaintext.expose()) != sealed {
        return Err("sealing again gives another text".into());
    }
    Ok(Answer::Computed(
        json!({ "plaintext": upper_hex(plaintext.expose()) }),
    ))
}
