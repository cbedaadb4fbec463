//! `emv.ecdsa-sd`: EC-SDSA signatures of Book E.

use serde_json::{Value, json};
use softpos_crypto::ec_sdsa::{Curve, SdsaRefused, sign, verify};

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let curve = match (input.text("curve")?, input.text("hash")?) {
        ("P-256", "SHA-256") => Curve::P256,
        ("P-521", "SHA-512") => Curve::P521,
        (curve, hash) => return Err(format!("{curve} with {hash} is not known")),
    };
    let (x, y) = (input.bytes("public_x")?, input.bytes("public_y")?);
    let message = input.bytes("message")?;
    let signature = match input.text("op")? {
        "verify" => input.bytes("signature")?,
        "sign-verify" => {
            let (private_key, nonce) = (input.bytes("private_key")?, input.bytes("nonce_k")?);
            sign(curve, &private_key, &nonce, &message).map_err(|SdsaRefused| "not signed")?
        }
        other => return Err(format!("op {other} is not known")),
    };
    Ok(match verify(curve, (&x, &y), &message, &signature) {
        Ok(()) => Answer::Computed(json!({ "valid": true, "signature": upper_hex(&signature) })),
        Err(SdsaRefused) => Answer::Refused("signature".into()),
    })
}
