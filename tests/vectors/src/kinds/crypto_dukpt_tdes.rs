//! `crypto.dukpt-tdes`: triple DES DUKPT on both sides, and what is done with its keys.

use serde_json::{Value, json};
use softpos_crypto::legacy::dukpt::{Ksn, Registers, Usage, initial_key, transaction_key, working_key};
use softpos_crypto::legacy::mac::retail_mac;
use softpos_crypto::legacy::pin_block::{ClearPinBlock, PinDigits};
use softpos_crypto::legacy::{Padding, TdesKey};
use softpos_types::SecretArray;

use super::crypto_dukpt_aes::pan;
use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let bdk = SecretArray::take(&mut input.array("bdk")?);
    let ksn = Ksn::from_bytes(input.array("ksn")?);
    let initial = initial_key(&bdk, ksn);
    let transaction = transaction_key(&initial, ksn);
    drawn_alike(&bdk, ksn, &transaction)?;

    let key = |usage| working_key(&transaction, usage);
    let message = input.bytes("message")?;
    let mac = |usage| upper_hex(retail_mac(&key(usage), &message, Padding::Zeros));
    let data = |usage| -> Result<String, Failure> {
        let mut padded = message.clone();
        padded.resize(message.len().next_multiple_of(8), 0);
        tdes(&key(usage))?
            .encrypt_cbc([0; 8], &mut padded)
            .map_err(|_| "message is not in whole blocks")?;
        Ok(upper_hex(padded))
    };
    let pin = PinDigits::from_ascii(input.text("pin")?.as_bytes()).map_err(|_| "pin is no PIN")?;
    let clear = ClearPinBlock::format0(&pin, &pan(input)?).map_err(|_| "pin is no PIN")?;
    Ok(Answer::Computed(json!({
        "initial_key": upper_hex(initial.expose()),
        "transaction_key": upper_hex(transaction.expose()),
        "pin_key": upper_hex(key(Usage::Pin).expose()),
        "mac_request_key": upper_hex(key(Usage::MacRequest).expose()),
        "mac_response_key": upper_hex(key(Usage::MacResponse).expose()),
        "data_request_key": upper_hex(key(Usage::DataRequest).expose()),
        "data_response_key": upper_hex(key(Usage::DataResponse).expose()),
        "pin_block": upper_hex(clear.encipher(&tdes(&key(Usage::Pin))?)),
        "mac_request": mac(Usage::MacRequest),
        "mac_response": mac(Usage::MacResponse),
        "data_request": data(Usage::DataRequest)?,
        "data_response": data(Usage::DataResponse)?,
    })))
}

/// The terminal's registers must come to the same key (looked for among the first 4,096 counters).
fn drawn_alike(bdk: &SecretArray<16>, ksn: Ksn, expected: &SecretArray<16>) -> Result<(), Failure> {
    let mut registers = Registers::load(initial_key(bdk, ksn), ksn);
    for _ in 0..ksn.counter().min(4096) {
        let (drawn, key) = registers.draw().map_err(|_| "no key is left")?;
        if drawn == ksn {
            return key
                .ct_eq(expected)
                .then_some(())
                .ok_or_else(|| "the terminal draws another key".into());
        }
    }
    Ok(())
}

fn tdes(key: &SecretArray<16>) -> Result<TdesKey, Failure> {
    TdesKey::from_bytes(key.expose()).map_err(|_| "not a key".into())
}
