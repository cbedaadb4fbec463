//! The addresses under `/v1`, and the unit of work around each decision.

use crate::activation;
use crate::call::{Answer, Call, Failure, check_fresh, refuse};
use crate::database::Work;
use crate::key_load;
use crate::parameters;
use crate::server::Shared;

/// Decides a request in one SQL transaction: a failure leaves no trace.
pub(crate) async fn route(shared: &Shared, call: &Call) -> Answer {
    let Some(method) = method_of(&call.target) else {
        return Err(refuse(404, "not_found", "there is no such address"));
    };
    if method != call.method {
        return Err(refuse(405, "not_found", format!("this address takes {method}")));
    }
    let mut work = shared.database.begin().await?;
    let answer = decide(shared, &mut work, call).await?;
    work.commit().await?;
    Ok(answer)
}

/// The one method that an address takes.
pub(crate) fn method_of(target: &str) -> Option<&'static str> {
    match segments(target).as_slice() {
        ["activation", "redeem"] | ["terminal", "keys"] | ["attest" | "params" | "echo"] => Some("POST"),
        _ => None,
    }
}

async fn decide(shared: &Shared, work: &mut Work, call: &Call) -> Answer {
    let segments = segments(&call.target);
    if segments.as_slice() == ["activation", "redeem"] {
        return activation::redeem(shared, work, call).await;
    }
    let (device, header) = call.device(work).await?;
    check_fresh(work, &header).await?;
    match segments.as_slice() {
        ["attest"] => activation::attest(shared, work, call, &device).await,
        ["terminal", "keys"] => key_load::keys(shared, work, call, &device).await,
        ["params"] => parameters::params(shared, work, call, &device).await,
        ["echo"] => activation::echo(call, &device),
        _ => Err(Failure::Internal("an address without a handler")),
    }
}

fn segments(target: &str) -> Vec<&str> {
    target
        .strip_prefix("/v1/")
        .map_or_else(Vec::new, |path| path.split('/').collect())
}
