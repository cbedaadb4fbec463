//! Simulated customers: wallets that pay what the till shows, played by the sandbox host.

use serde_json::Value;
use softpos_terminal::{SandboxAnswer, Terminal, os_entropy};
use softpos_types::SoftPosError;
use zeroize::Zeroizing;

use super::command::WALLETS;
use crate::failure::Failure;

/// Lets a wallet pay a shown code. The till learns of it from its host, as it does of real customers.
pub(crate) fn pay(terminal: &Terminal, payload: &str, wallet: &str) -> Result<(), Failure> {
    let answer = terminal.sandbox_pay_code(payload, wallet)?;
    match member(&answer, "result") {
        Some(result) if result == "paid" => Ok(()),
        result => Err(refused("till-wallet-refused", &answer, result)),
    }
}

/// The fresh code of a simulated customer of this wallet, who pays at once; nothing for any other text.
pub(crate) fn shown_code(wallet: &str) -> Result<Option<Zeroizing<String>>, SoftPosError> {
    let name = WALLETS.into_iter().find(|known| *known == wallet);
    name.map(|wallet| payment_code(wallet, 0)).transpose()
}

/// A fresh code of a simulated customer. Its last digit says what they do, as the sandbox host lists it.
pub(crate) fn payment_code(wallet: &str, deed: u8) -> Result<Zeroizing<String>, SoftPosError> {
    let number = u64::from_be_bytes(os_entropy()?.array());
    let digits = format!("{:015}", number % 1_000_000_000_000_000);
    Ok(Zeroizing::new(match wallet {
        "alipay" => format!("28{digits}{deed}"),
        "unionpay" => format!("620{digits}{deed}"),
        _ => format!("13{digits}{deed}"),
    }))
}

/// Switches the faults of a sandbox host in another process.
pub(crate) fn set_faults(terminal: &Terminal, spec: &str) -> Result<(), Failure> {
    let answer = terminal.sandbox_faults(spec)?;
    match answer.status {
        200 => Ok(()),
        _ => Err(refused("till-no-fault", &answer, None)),
    }
}

fn refused(key: &'static str, answer: &SandboxAnswer, result: Option<String>) -> Failure {
    let about = result.or_else(|| member(answer, "message"));
    Failure::Said {
        key,
        about: about.unwrap_or_else(|| answer.status.to_string()),
    }
}

fn member(answer: &SandboxAnswer, name: &str) -> Option<String> {
    let body: Value = serde_json::from_str(&answer.body).ok()?;
    body.get(name).and_then(Value::as_str).map(str::to_owned)
}
