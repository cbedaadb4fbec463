//! The connection to the host: carries requests, and tells for certain what cannot have arrived.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use softpos_host::{HostAnswer, HostRequest, HttpMethod, Sent};
use softpos_types::{Code, SoftPosError};

use crate::host_address::origin;
use crate::pinning::{Pin, client_config, is_pin_mismatch};

/// The longest body that is read; answers of the protocol are far shorter.
const MAX_BODY: usize = 256 * 1024;
/// How long an unused connection is kept. Networks of phones forget silent connections, and a request on a
/// forgotten one ends as "result unknown".
const IDLE: Duration = Duration::from_secs(30);

const SIGNATURE: &str = "Softpos-Signature";
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const ATTEMPT: &str = "Softpos-Attempt";
const JSON: &str = "application/json";

/// One host, reached over HTTPS with pinned keys. Cheap to clone; clones share the connections.
///
/// Nothing is sent twice: no redirects, no retries, no proxy. Calls need a tokio runtime around them.
#[derive(Clone, Debug)]
pub struct HostLink {
    client: Client,
    origin: String,
    pins: Vec<Pin>,
    connect_ms: u64,
}

/// What came back over the wire; nothing in it is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The header `Softpos-Signature`; empty where there is none.
    pub jws: String,
    /// The exact body.
    pub body: Vec<u8>,
}

/// No usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkFailure {
    /// [`Sent::No`] only where it is certain that no byte of the request was written.
    pub sent: Sent,
    /// Why.
    pub cause: Cause,
}

/// Why there is no usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The request cannot be put on the wire: a path or header with characters that do not belong there.
    Malformed,
    /// No connection: name unknown, refused, no route, or no TLS within the time for connecting.
    NotReached,
    /// The host holds none of the pinned keys: the program is too old, or someone is in between.
    PinMismatch,
    /// A pinned key, but a certificate for another name, out of its dates, or otherwise wrong.
    NotTrusted,
    /// No whole answer in time.
    TimedOut,
    /// The connection ended before the answer did, or what came was no HTTP.
    Cut,
    /// The answer's body is too long.
    TooLarge,
}

impl HostLink {
    /// Prepares the link; nothing is sent yet.
    ///
    /// `pins` are SHA-256 of the host's `SubjectPublicKeyInfo` in base64url; `connect_ms` bounds name lookup, TCP
    /// and TLS together.
    ///
    /// # Errors
    /// [`Code::ActivationMalformed`] for a wrong address or pin, or none.
    pub fn new(url: &str, pins: &[String], connect_ms: u64) -> Result<Self, SoftPosError> {
        let origin = origin(url)?;
        let pins: Vec<Pin> = pins.iter().map(|pin| Pin::parse(pin)).collect::<Result<_, _>>()?;
        if pins.is_empty() {
            return Err(SoftPosError::of(Code::ActivationMalformed).with_detail("no pin"));
        }
        Self::build(origin, pins, connect_ms)
    }

    /// The same host with another time for connecting; `None` if it is this one already. Open connections stay with
    /// the old link.
    ///
    /// # Errors
    /// As [`HostLink::new`].
    pub(crate) fn with_connect_ms(&self, connect_ms: u64) -> Result<Option<Self>, SoftPosError> {
        if self.connect_ms == connect_ms {
            return Ok(None);
        }
        Self::build(self.origin.clone(), self.pins.clone(), connect_ms).map(Some)
    }

    fn build(origin: String, pins: Vec<Pin>, connect_ms: u64) -> Result<Self, SoftPosError> {
        let no_client = |error: String| SoftPosError::of(Code::HostNotReached).with_detail(error);
        let tls = client_config(pins.clone()).map_err(|error| no_client(error.to_string()))?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .no_proxy()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(Duration::from_millis(connect_ms))
            .pool_idle_timeout(IDLE)
            .build()
            .map_err(|error| no_client(error.to_string()))?;
        Ok(Self {
            client,
            origin,
            pins,
            connect_ms,
        })
    }

    /// Carries a signed request; `attempt` counts from 1 and is for diagnosis only.
    ///
    /// `timeout_ms` covers all of it, connecting too: it should be above `connect_ms`, else a connection that does
    /// not come about ends as [`Sent::Maybe`].
    ///
    /// # Errors
    /// [`LinkFailure`].
    pub async fn send(
        &self,
        request: &HostRequest,
        attempt: u32,
        timeout_ms: u64,
    ) -> Result<Answer, LinkFailure> {
        let url = format!("{}{}", self.origin, request.path);
        let builder = match request.method {
            HttpMethod::Get => self.client.get(url),
            HttpMethod::Post => self
                .client
                .post(url)
                .header(CONTENT_TYPE, JSON)
                .body(request.body.clone()),
        };
        let mut builder = builder.header(SIGNATURE, &request.jws).header(ATTEMPT, attempt);
        if let Some(key) = request.key {
            builder = builder.header(IDEMPOTENCY_KEY, key.to_string());
        }
        exchange(builder, timeout_ms).await
    }

    /// Opens a connection ahead of the first payment, so that it need not wait for TLS.
    ///
    /// Whatever the host answers will do; the request carries nothing and asks for nothing.
    ///
    /// # Errors
    /// [`LinkFailure`] if there is no connection.
    pub async fn warm(&self, timeout_ms: u64) -> Result<(), LinkFailure> {
        let builder = self.client.head(&self.origin);
        exchange(builder, timeout_ms).await.map(drop)
    }
}

/// The sandbox host's own routes, which play customers and faults and are not part of the protocol.
#[cfg(feature = "sandbox")]
impl HostLink {
    /// Reads `path`, unsigned.
    ///
    /// # Errors
    /// [`LinkFailure`].
    pub async fn get_unsigned(&self, path: &str, timeout_ms: u64) -> Result<Answer, LinkFailure> {
        exchange(self.client.get(format!("{}{path}", self.origin)), timeout_ms).await
    }

    /// Posts a JSON body to `path`, unsigned.
    ///
    /// # Errors
    /// [`LinkFailure`].
    pub async fn post_unsigned(
        &self,
        path: &str,
        json_body: Vec<u8>,
        timeout_ms: u64,
    ) -> Result<Answer, LinkFailure> {
        let url = format!("{}{path}", self.origin);
        let builder = self.client.post(url).header(CONTENT_TYPE, JSON).body(json_body);
        exchange(builder, timeout_ms).await
    }
}

impl Answer {
    /// As the protocol reads it.
    pub fn as_host_answer(&self) -> HostAnswer<'_> {
        HostAnswer {
            status: self.status,
            jws: &self.jws,
            body: &self.body,
        }
    }
}

impl Cause {
    /// The stable name, for logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotReached => "not_reached",
            Self::PinMismatch => "pin_mismatch",
            Self::NotTrusted => "not_trusted",
            Self::TimedOut => "timed_out",
            Self::Cut => "cut",
            Self::TooLarge => "too_large",
        }
    }
}

impl From<LinkFailure> for SoftPosError {
    fn from(failure: LinkFailure) -> Self {
        let code = match (failure.sent, failure.cause) {
            (Sent::Maybe, _) => Code::ResultUnknown,
            (Sent::No, Cause::PinMismatch | Cause::NotTrusted) => Code::HostNotTrusted,
            (
                Sent::No,
                Cause::Malformed | Cause::NotReached | Cause::TimedOut | Cause::Cut | Cause::TooLarge,
            ) => Code::HostNotReached,
        };
        Self::of(code).with_detail(failure.cause.name())
    }
}

async fn exchange(builder: RequestBuilder, timeout_ms: u64) -> Result<Answer, LinkFailure> {
    let sending = builder.timeout(Duration::from_millis(timeout_ms)).send();
    let response = sending.await.map_err(|error| failure(&error))?;
    let status = response.status().as_u16();
    let jws = response
        .headers()
        .get(SIGNATURE)
        .and_then(|value| value.to_str().ok());
    let jws = jws.unwrap_or_default().to_owned();
    let body = read_body(response).await?;
    Ok(Answer { status, jws, body })
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, LinkFailure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len().saturating_add(chunk.len()) > MAX_BODY {
            return Err(maybe(Cause::TooLarge));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Tells "certainly not sent" from everything else.
///
/// The client makes a request only once it has a connection, so an error of connecting (name, TCP, TLS, all of it
/// or its time limit) is proof. A request that found its pooled connection closed before any byte was
/// written is put on a new connection by the client itself; if that fails it is an error of connecting again.
/// Every other error leaves open what was written.
fn failure(error: &reqwest::Error) -> LinkFailure {
    let not_sent = |cause| LinkFailure {
        sent: Sent::No,
        cause,
    };
    if error.is_builder() {
        not_sent(Cause::Malformed)
    } else if error.is_connect() {
        not_sent(distrust(error).unwrap_or(Cause::NotReached))
    } else if error.is_timeout() {
        maybe(Cause::TimedOut)
    } else {
        maybe(Cause::Cut)
    }
}

const fn maybe(cause: Cause) -> LinkFailure {
    LinkFailure {
        sent: Sent::Maybe,
        cause,
    }
}

/// Finds a refused certificate among the reasons of a failed connection.
fn distrust(error: &reqwest::Error) -> Option<Cause> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(tls) = tls_error(error) {
            return if is_pin_mismatch(tls) {
                Some(Cause::PinMismatch)
            } else {
                matches!(tls, rustls::Error::InvalidCertificate(_)).then_some(Cause::NotTrusted)
            };
        }
        source = error.source();
    }
    None
}

/// An `io::Error` gives its content's source as its own, so the content, at times a further one, is asked for.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut error = error;
    while let Some(wrapper) = error.downcast_ref::<io::Error>() {
        error = wrapper.get_ref()?;
    }
    error.downcast_ref()
}

#[cfg(test)]
mod http2_tests;
#[cfg(test)]
mod tests;
