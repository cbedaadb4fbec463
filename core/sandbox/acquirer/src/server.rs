//! The server: reads a request, lets faults strike, has it decided, signs the answer.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use softpos_crypto::entropy::Entropy;
use softpos_crypto::jws::{AnswerHeader, request_hash};

use crate::call::{Call, DeviceKeys, Failure, refuse};
use crate::config::{Lifetimes, LogSink, TimerProfile};
use crate::connections::Connections;
use crate::database::Database;
use crate::faults::{FaultKind, FaultPlan, FaultRoute};
use crate::keys::HostKeys;
use crate::{routes, sandbox};

/// The largest body that is read.
const MAX_BODY: usize = 64 * 1_024;
/// How long a client may take to send a request.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What all requests share: keys and database; no state of payments.
pub(crate) struct Shared {
    pub(crate) keys: HostKeys,
    pub(crate) database: Database,
    pub(crate) device_keys: DeviceKeys,
    pub(crate) faults: Arc<FaultPlan>,
    pub(crate) connections: Connections,
    pub(crate) timers: TimerProfile,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) entropy: Mutex<Entropy>,
    pub(crate) log: Option<LogSink>,
}

impl Shared {
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        self.with_entropy(Entropy::array)
    }

    pub(crate) fn with_entropy<T>(&self, draw: impl FnOnce(&mut Entropy) -> T) -> T {
        draw(&mut self.entropy.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn log(&self, line: &str) {
        if let Some(log) = &self.log {
            log(line);
        }
    }
}

/// All addresses lead to one handler: what is answered must be signed, errors included.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    // A client that gives up does not undo what the host has begun.
    let work = tokio::spawn(async move { answer(&shared, peer, request).await });
    work.await
        .unwrap_or_else(|_| respond(StatusCode::SERVICE_UNAVAILABLE, String::new()))
}

async fn answer(shared: &Shared, peer: SocketAddr, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut call = Call {
        method: parts.method.as_str().to_owned(),
        target: parts
            .uri
            .path_and_query()
            .map_or_else(String::new, ToString::to_string),
        jws: text_header(&parts.headers, "softpos-signature").unwrap_or_default(),
        key_header: text_header(&parts.headers, "idempotency-key"),
        body: Vec::new(),
    };
    let Ok(Ok(bytes)) = tokio::time::timeout(PATIENCE, to_bytes(body, MAX_BODY)).await else {
        let refused = refuse(
            413,
            "malformed",
            "the body is larger than 64 KiB or did not arrive",
        );
        return signed(shared, &call, finish(shared, &call, Err(refused)));
    };
    call.body = bytes.into();
    if call.target.starts_with("/sandbox/") {
        let (status, body) = sandbox::serve(shared, &call).await;
        return respond(status, body);
    }
    with_faults(shared, peer, &call).await
}

async fn with_faults(shared: &Shared, peer: SocketAddr, call: &Call) -> Response {
    let strikes = shared
        .faults
        .strikes_request(FaultRoute::of(&call.method, &call.target));
    let struck = |kind| strikes.contains(&kind);
    for kind in &strikes {
        shared.log(&format!("fault {kind:?} at {} {}", call.method, call.target));
        if let FaultKind::Delay(ms) = kind {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
        }
    }
    if struck(FaultKind::DropBefore) {
        return cut(shared, peer);
    }
    let decided = finish(shared, call, routes::route(shared, call).await);
    if struck(FaultKind::Duplicate) {
        finish(shared, call, routes::route(shared, call).await);
    }
    if struck(FaultKind::DropAfter) {
        return cut(shared, peer);
    }
    if struck(FaultKind::Status500) {
        return respond(StatusCode::INTERNAL_SERVER_ERROR, String::new());
    }
    if struck(FaultKind::Garbage) {
        return respond(StatusCode::OK, "<html>nothing to see here".into());
    }
    let mut response = signed(shared, call, decided);
    if struck(FaultKind::BadSignature) {
        spoil_signature(response.headers_mut());
    }
    response
}

/// Nothing of the response gets out: the connection is gone.
fn cut(shared: &Shared, peer: SocketAddr) -> Response {
    shared.connections.cut(peer);
    Response::new(Body::empty())
}

/// Status and body, and a line in the log.
fn finish(shared: &Shared, call: &Call, answer: Result<String, Failure>) -> (StatusCode, String) {
    let (status, body) = match answer {
        Ok(body) => (200, body),
        Err(failure) => {
            shared.log(&failure.remark());
            let refusal = failure.refusal();
            (refusal.status, refusal.body())
        }
    };
    shared.log(&format!("{} {} {status}", call.method, call.target));
    (
        StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
        body,
    )
}

fn signed(shared: &Shared, call: &Call, (status, body): (StatusCode, String)) -> Response {
    let answer = &shared.keys.answer;
    let header = AnswerHeader {
        kid: answer.public().kid(),
        request: request_hash(&call.jws),
    };
    let unsigned = header.unsigned(body.as_bytes());
    let signature = answer.sign_digest(&unsigned.digest());
    let mut response = respond(status, body);
    let jws = signature
        .ok()
        .and_then(|signature| HeaderValue::try_from(unsigned.assemble(&signature)).ok());
    if let Some(jws) = jws {
        response.headers_mut().insert("softpos-signature", jws);
    }
    if status == StatusCode::METHOD_NOT_ALLOWED
        && let Some(allow) = routes::methods_of(&call.target)
    {
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    response
}

/// Another last character but one; most bits of the very last one are spare.
fn spoil_signature(headers: &mut HeaderMap) {
    let Some(jws) = text_header(headers, "softpos-signature") else {
        return;
    };
    let mut bytes = jws.into_bytes();
    if let [.., byte, _] = bytes.as_mut_slice() {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
    if let Ok(spoilt) = HeaderValue::from_bytes(&bytes) {
        headers.insert("softpos-signature", spoilt);
    }
}

fn respond(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(Into::into)
}
