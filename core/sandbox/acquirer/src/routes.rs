//! The addresses under `/v1`, and the unit of work around each decision.

use softpos_crypto::jws::RequestHeader;

use crate::call::{Answer, Call, Failure, check_fresh, refuse};
use crate::database::Work;
use crate::server::Shared;
use crate::{activation, code_payments, codes, key_load, parameters, reversals, settlement, transactions};

/// Decides a request in one SQL transaction: a failure leaves no trace.
pub(crate) async fn route(shared: &Shared, call: &Call) -> Answer {
    let Some(methods) = methods_of(&call.target) else {
        return Err(refuse(404, "not_found", "there is no such address"));
    };
    if !methods.split(", ").any(|method| method == call.method) {
        return Err(refuse(405, "not_found", format!("this address takes {methods}")));
    }
    let verified = call.verify_known(&shared.device_keys)?;
    let mut work = shared.database.begin().await?;
    let answer = decide(shared, &mut work, call, verified).await?;
    work.commit().await?;
    Ok(answer)
}

/// The methods that an address takes, as the header `Allow` lists them.
pub(crate) fn methods_of(target: &str) -> Option<&'static str> {
    match segments(target).as_slice() {
        ["activation", "redeem"]
        | ["terminal", "keys"]
        | ["batches", _, "settle"]
        | [
            "attest" | "params" | "echo" | "transactions" | "reversals" | "refunds" | "codes"
            | "code-payments",
        ] => Some("POST"),
        ["transactions" | "codes" | "code-payments", _] => Some("GET"),
        _ => None,
    }
}

async fn decide(shared: &Shared, work: &mut Work, call: &Call, verified: Option<RequestHeader>) -> Answer {
    let segments = segments(&call.target);
    if segments.as_slice() == ["activation", "redeem"] {
        return activation::redeem(shared, work, call).await;
    }
    let (device, header) = call.device(work, &shared.device_keys, verified).await?;
    // What moves money may come again at any time, and has its own memory of repeats.
    match segments.as_slice() {
        ["transactions"] => return transactions::sale(shared, work, call, &device).await,
        ["refunds"] => return transactions::refund(shared, work, call, &device).await,
        ["codes"] => return codes::open(shared, work, call, &device).await,
        ["code-payments"] => return code_payments::charge(shared, work, call, &device).await,
        ["reversals"] => return reversals::reversal(shared, work, call, &device).await,
        ["batches", batch, "settle"] => return settlement::settle(work, call, &device, batch).await,
        _ => check_fresh(work, &header).await?,
    }
    match segments.as_slice() {
        ["attest"] => activation::attest(shared, work, call, &device).await,
        ["terminal", "keys"] => key_load::keys(shared, work, call, &device).await,
        ["params"] => parameters::params(shared, work, call, &device).await,
        ["echo"] => activation::echo(call, &device),
        ["transactions" | "codes", key] => transactions::status(work, &device, key).await,
        ["code-payments", key] => code_payments::status(shared, work, &device, key).await,
        _ => Err(Failure::Internal("an address without a handler")),
    }
}

fn segments(target: &str) -> Vec<&str> {
    target
        .strip_prefix("/v1/")
        .map_or_else(Vec::new, |path| path.split('/').collect())
}
