//! `crypto.pinblock`: ISO 9564 formats 0, 2, 3 (clear) and 4 (enciphered).

use serde_json::{Value, json};
use softpos_crypto::AesKey;
use softpos_crypto::legacy::pin_block::{ClearPinBlock, Format3Fill, PinBlockError};
use softpos_crypto::pin_block::{PinDigits, PinKey, decipher_format4, encipher_format4, pan_field};
use softpos_types::Pan;

use super::crypto_cmac::aes_key;
use super::crypto_dukpt_aes::digits;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let op = input.text("op")?;
    let format = if op == "pan_field" {
        4
    } else {
        input.number::<u8>("format")?
    };
    // Format 2 knows no card number; any does.
    let digits_of_pan = if format == 2 {
        "4000000000000002"
    } else {
        input.text("pan")?
    };
    let Ok(pan) = Pan::from_digits(digits_of_pan.as_bytes()) else {
        return Ok(Answer::Refused("invalid".into()));
    };
    match (op, format) {
        ("pan_field", _) => Ok(Answer::Computed(
            json!({ "pan_field": upper_hex(pan_field(&pan)) }),
        )),
        ("encode", 4) => encode(input, &pan),
        ("encode", _) => Ok(encode_clear(input, &pan, format)?.map_or_else(refused, |block| {
            Answer::Computed(json!({ "block": upper_hex(block.expose()) }))
        })),
        ("decode", 4) => Ok(opened(decipher_format4(
            input.array("block")?,
            &pan,
            &PinKey::new(aes_key(input, "key")?),
        ))),
        ("decode", 0) => Ok(opened(clear(input)?.read_format0(&pan))),
        ("decode", 3) => Ok(opened(clear(input)?.read_format3(&pan))),
        _ => Err(format!("no {op} of format {format}")),
    }
}

fn clear(input: Fields<'_>) -> Result<ClearPinBlock, Failure> {
    Ok(ClearPinBlock::from_bytes(input.array("block")?))
}

fn opened(pin: Result<PinDigits, PinBlockError>) -> Answer {
    pin.map_or_else(refused, |pin| Answer::Computed(json!({ "pin": digits(&pin) })))
}

fn refused(_: PinBlockError) -> Answer {
    Answer::Refused("invalid".into())
}

fn encode_clear(
    input: Fields<'_>,
    pan: &Pan,
    format: u8,
) -> Result<Result<ClearPinBlock, PinBlockError>, Failure> {
    let Ok(pin) = PinDigits::from_ascii(input.text("pin")?.as_bytes()) else {
        return Ok(Err(PinBlockError));
    };
    Ok(match format {
        0 => ClearPinBlock::format0(&pin, pan),
        2 => ClearPinBlock::format2(&pin),
        3 => {
            let nibble = |digit: char| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let fill: Option<Vec<u8>> = input.text("fill")?.chars().map(nibble).collect();
            Format3Fill::from_nibbles(&fill.ok_or("fill is not hex")?)
                .and_then(|fill| ClearPinBlock::format3(&pin, pan, &fill))
        }
        _ => return Err(format!("no format {format}")),
    })
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
