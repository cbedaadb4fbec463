//! `qr.payment-code`: the digits that wallets show.

use serde_json::{Value, json};
use softpos_qr::PaymentCode;

use crate::fields::Fields;
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    Ok(match PaymentCode::parse(input.text("code")?) {
        Ok(code) => Answer::Computed(json!({ "valid": true, "wallet": code.wallet().name() })),
        Err(_) => Answer::Refused("unknown_code".to_owned()),
    })
}
