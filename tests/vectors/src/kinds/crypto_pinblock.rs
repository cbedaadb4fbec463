//! `crypto.pinblock`: ISO 9564 format 4.

use serde_json::{Value, json};
use softpos_crypto::AesKey;
use softpos_crypto::pin_block::{PinDigits, PinKey, decipher_format4, encipher_format4, pan_field};
use softpos_types::Pan;

use super::crypto_cmac::aes_key;
use super::crypto_dukpt_aes::digits;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let op = input.text("op")?;
    let format_4 = op == "pan_field" || input.number::<u8>("format")? == 4;
    if !format_4 {
        return Ok(Answer::Skipped("unknown kind"));
    }
    let Ok(pan) = Pan::from_digits(input.text("pan")?.as_bytes()) else {
        return Ok(Answer::Refused("invalid".into()));
    };
    match op {
        "pan_field" => Ok(Answer::Computed(
            json!({ "pan_field": upper_hex(pan_field(&pan)) }),
        )),
        "encode" => encode(input, &pan),
        "decode" => {
            let pin = decipher_format4(input.array("block")?, &pan, &PinKey::new(aes_key(input, "key")?));
            Ok(match pin {
                Ok(pin) => Answer::Computed(json!({ "pin": digits(&pin) })),
                Err(_) => Answer::Refused("invalid".into()),
            })
        }
        _ => Ok(Answer::Skipped("unknown kind")),
    }
}

/// The block; the steps on the way are taken back from it, one decryption at a time.
fn encode(input: Fields<'_>, pan: &Pan) -> Result<Answer, Failure> {
    let key = aes_key(input, "key")?;
    let (pin_key, random) = (PinKey::new(aes_key(input, "key")?), input.array("random")?);
    let pin = PinDigits::from_ascii(input.text("pin")?.as_bytes());
    let Ok(block) = pin.and_then(|pin| encipher_format4(pin, pan, pin_key, random)) else {
        return Ok(Answer::Refused("invalid".into()));
    };
    let pan_field = pan_field(pan);
    let after_xor = decrypt(&key, block)?;
    let mut first = after_xor;
    first
        .iter_mut()
        .zip(pan_field)
        .for_each(|(byte, pan)| *byte ^= pan);
    Ok(Answer::Computed(json!({
        "block": upper_hex(block),
        "pin_field": upper_hex(decrypt(&key, first)?),
        "pan_field": upper_hex(pan_field),
        "intermediate_a": upper_hex(first),
        "intermediate_b": upper_hex(after_xor),
    })))
}

fn decrypt(key: &AesKey, mut block: [u8; 16]) -> Result<[u8; 16], Failure> {
    key.decrypt_cbc([0; 16], &mut block)
        .map_err(|_| "not a block".to_owned())
        .map(|()| block)
}
