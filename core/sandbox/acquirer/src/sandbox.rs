//! The sandbox's own addresses: simulated customers and tests. Unsigned, no part of the protocol.

use axum::http::StatusCode;
use serde::Deserialize;

use crate::call::{Answer, Call, json, malformed, refuse};
use crate::codes;
use crate::faults::FaultSpec;
use crate::host::set_faults;
use crate::ledger;
use crate::server::Shared;

/// `POST /sandbox/v1/faults`.
#[derive(Deserialize)]
struct FaultsRequest {
    /// As [`FaultSpec`] reads it.
    spec: String,
}

/// Answers a request under `/sandbox`.
pub(crate) async fn serve(shared: &Shared, call: &Call) -> (StatusCode, String) {
    let answer = match (call.method.as_str(), call.target.as_str()) {
        ("POST", "/sandbox/v1/faults") => faults(shared, call),
        ("POST", "/sandbox/v1/wallet/pay") => pay(shared, call).await,
        ("GET", "/sandbox/v1/ledger") => ledger(shared).await,
        _ => Err(refuse(404, "not_found", "there is no such address")),
    };
    match answer {
        Ok(body) => (StatusCode::OK, body),
        Err(failure) => {
            let refusal = failure.refusal();
            (
                StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
                refusal.body(),
            )
        }
    }
}

fn faults(shared: &Shared, call: &Call) -> Answer {
    let request: FaultsRequest = call.read()?;
    let spec: FaultSpec = request.spec.parse().map_err(malformed)?;
    let text = spec.to_string();
    set_faults(shared, spec);
    json(&serde_json::json!({ "spec": text }))
}

async fn pay(shared: &Shared, call: &Call) -> Answer {
    let request = call.read()?;
    let mut work = shared.database.begin().await?;
    let answer = codes::pay(shared, &mut work, &request).await?;
    work.commit().await?;
    Ok(answer)
}

async fn ledger(shared: &Shared) -> Answer {
    let mut work = shared.database.begin().await?;
    match ledger::rows(&mut work).await {
        Ok(rows) => json(&rows),
        Err(error) => {
            shared.log(&error.to_string());
            Err(refuse(503, "busy", "the books cannot be read"))
        }
    }
}
