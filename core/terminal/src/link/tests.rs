//! Against a TLS server on this machine that does what a script says.

use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, IsCa, KeyPair, PublicKeyData as _, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion};
use softpos_types::PaymentKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;

const CONNECT_MS: u64 = 2_000;
const TIMEOUT_MS: u64 = 5_000;
const OK: &str = "HTTP/1.1 200 OK\r\nSoftpos-Signature: h..s\r\nContent-Length: 2\r\n\r\n{}";

/// What the server does with a request that has arrived whole.
#[derive(Clone)]
enum Script {
    Answer(String),
    AnswerAndClose(String),
    Close,
    Silence,
    Endless,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    requests: Vec<String>,
}

struct Server {
    url: String,
    pins: Vec<String>,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    async fn start(script: Script) -> Self {
        Self::with(params("127.0.0.1"), &rustls::version::TLS13, script).await
    }

    async fn with(params: CertificateParams, tls: &'static SupportedProtocolVersion, script: Script) -> Self {
        let key = KeyPair::generate().unwrap();
        let config = server_config(&params, &key, tls);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            url: format!("https://{}", listener.local_addr().unwrap()),
            pins: vec![pin(&key)],
            seen: Arc::default(),
        };
        let seen = Arc::clone(&server.seen);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                seen.lock().unwrap().connections += 1;
                tokio::spawn(serve(acceptor.clone(), stream, script.clone(), Arc::clone(&seen)));
            }
        });
        server
    }

    fn link(&self) -> HostLink {
        HostLink::new(&self.url, &self.pins, CONNECT_MS).unwrap()
    }

    fn counts(&self) -> (usize, usize) {
        let seen = self.seen.lock().unwrap();
        (seen.connections, seen.requests.len())
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, script: Script, seen: Arc<Mutex<Seen>>) {
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    while let Some(request) = read_request(&mut stream).await {
        seen.lock().unwrap().requests.push(request);
        let (text, goes_on) = match &script {
            Script::Answer(text) => (text.as_str(), true),
            Script::AnswerAndClose(text) => (text.as_str(), false),
            Script::Close => return,
            Script::Silence => return std::future::pending().await,
            Script::Endless => return endless(stream).await,
        };
        stream.write_all(text.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        if !goes_on {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// A body without end or length, until the client has enough.
async fn endless(mut stream: TlsStream<TcpStream>) {
    let mut text = String::from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while stream.write_all(text.as_bytes()).await.is_ok() {
        text = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    }
}

async fn read_request(stream: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

pub(super) fn server_config(
    params: &CertificateParams,
    key: &KeyPair,
    tls: &'static SupportedProtocolVersion,
) -> ServerConfig {
    let certificate = params.self_signed(key).unwrap().der().clone();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[tls])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], private)
        .unwrap()
}

pub(super) fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

pub(super) fn pin(key: &KeyPair) -> String {
    use base64::Engine as _;
    let hash = softpos_crypto::p256_key::sha256(&key.subject_public_key_info());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash)
}

pub(super) fn request() -> HostRequest {
    HostRequest {
        method: HttpMethod::Post,
        path: "/v1/transactions".into(),
        body: br#"{"amount_minor":1250}"#.to_vec(),
        jws: "header..signature".into(),
        key: Some(PaymentKey::new(1_700_000_000_000, &[7; 10])),
    }
}

async fn failed(link: &HostLink) -> (Sent, Cause) {
    let failure = link.send(&request(), 1, TIMEOUT_MS).await.unwrap_err();
    (failure.sent, failure.cause)
}

#[tokio::test]
async fn carries_the_exact_request_and_answer() {
    let answer = "HTTP/1.1 409 Conflict\r\nSoftpos-Signature: answer..signature\r\n\
                  Content-Length: 14\r\n\r\n{\"error\":\"a\"}\n";
    let server = Server::start(Script::Answer(answer.into())).await;
    let link = server.link();
    let got = link.send(&request(), 3, TIMEOUT_MS).await.unwrap();
    let expected = Answer {
        status: 409,
        jws: "answer..signature".into(),
        body: b"{\"error\":\"a\"}\n".to_vec(),
    };
    assert_eq!(got, expected);
    let get = HostRequest {
        method: HttpMethod::Get,
        path: "/v1/transactions/x".into(),
        body: vec![],
        key: None,
        ..request()
    };
    link.send(&get, 1, TIMEOUT_MS).await.unwrap();

    let seen = server.seen.lock().unwrap();
    assert_eq!(seen.connections, 1, "the connection is kept");
    let (head, body) = seen.requests[0].split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    assert!(head.starts_with("post /v1/transactions http/1.1\r\n"), "{head}");
    for header in [
        "softpos-signature: header..signature",
        "idempotency-key: 018bcfe5-6800-7707-8707-070707070707",
        "softpos-attempt: 3",
        "content-type: application/json",
    ] {
        assert!(head.lines().any(|line| line == header), "{header} in {head}");
    }
    assert_eq!(body.as_bytes(), request().body);
    let get = seen.requests[1].to_lowercase();
    assert!(get.starts_with("get /v1/transactions/x http/1.1\r\n"), "{get}");
    assert!(
        !get.contains("idempotency-key") && !get.contains("content-type"),
        "{get}"
    );
}

#[tokio::test]
async fn a_warm_connection_is_used() {
    let server = Server::start(Script::Answer(
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into(),
    ))
    .await;
    let link = server.link();
    link.warm(TIMEOUT_MS).await.unwrap();
    let answer = link.clone().send(&request(), 1, TIMEOUT_MS).await.unwrap();
    assert_eq!(
        (answer.status, answer.jws.as_str(), answer.body.len()),
        (404, "", 0)
    );
    assert_eq!(server.counts(), (1, 2));
}

#[tokio::test]
async fn a_connection_that_ended_in_between_is_replaced() {
    let server = Server::start(Script::AnswerAndClose(OK.into())).await;
    let link = server.link();
    link.send(&request(), 1, TIMEOUT_MS).await.unwrap();
    // Until the client has seen the end of the first one.
    tokio::time::sleep(Duration::from_millis(100)).await;
    link.send(&request(), 1, TIMEOUT_MS).await.unwrap();
    assert_eq!(server.counts(), (2, 2));
}

#[tokio::test]
async fn an_untrusted_host_sees_nothing() {
    let mut expired = params("127.0.0.1");
    expired.not_after = date_time_ymd(2020, 1, 1);
    let mut authority = params("127.0.0.1");
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    for (name, params) in [
        ("wrong name", params("localhost")),
        ("expired", expired),
        ("authority", authority),
    ] {
        let server = Server::with(params, &rustls::version::TLS13, Script::Answer(OK.into())).await;
        assert_eq!(
            failed(&server.link()).await,
            (Sent::No, Cause::NotTrusted),
            "{name}"
        );
        assert_eq!(server.counts(), (1, 0), "{name}");
    }
    let server = Server::start(Script::Answer(OK.into())).await;
    let other = pin(&KeyPair::generate().unwrap());
    let link = HostLink::new(&server.url, std::slice::from_ref(&other), CONNECT_MS).unwrap();
    assert_eq!(failed(&link).await, (Sent::No, Cause::PinMismatch));
    assert_eq!(server.counts(), (1, 0));
    // One of several pins is enough.
    let link = HostLink::new(&server.url, &[other, server.pins[0].clone()], CONNECT_MS).unwrap();
    link.send(&request(), 1, TIMEOUT_MS).await.unwrap();
}

#[tokio::test]
async fn only_tls_13() {
    let script = Script::Answer(OK.into());
    let server = Server::with(params("127.0.0.1"), &rustls::version::TLS12, script).await;
    assert_eq!(failed(&server.link()).await, (Sent::No, Cause::NotReached));
    assert_eq!(server.counts(), (1, 0));
}

#[tokio::test]
async fn no_connection_is_certainly_not_sent() {
    let pins = [pin(&KeyPair::generate().unwrap())];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());

    // Takes connections and never speaks.
    let silent = HostLink::new(&address, &pins, 200).unwrap();
    let clock = crate::Clock::start();
    assert_eq!(failed(&silent).await, (Sent::No, Cause::NotReached));
    assert!(clock.now().tick.0 < TIMEOUT_MS / 2);

    // No TLS but HTTP.
    let answering = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        listener
    });
    let link = HostLink::new(&address, &pins, CONNECT_MS).unwrap();
    // The silent connection waits in the queue of the listener before this one.
    let first = failed(&link).await;
    assert_eq!(first, (Sent::No, Cause::NotReached));

    answering.abort();
    drop(answering.await);
    assert_eq!(failed(&link).await, (Sent::No, Cause::NotReached), "refused");
    let nowhere = HostLink::new("https://nowhere.invalid", &pins, CONNECT_MS).unwrap();
    assert_eq!(
        failed(&nowhere).await,
        (Sent::No, Cause::NotReached),
        "no such name"
    );
    assert_eq!(
        nowhere.warm(TIMEOUT_MS).await.unwrap_err().cause,
        Cause::NotReached
    );
}

#[tokio::test]
async fn what_was_written_may_have_arrived() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"state\":";
    for (name, script, cause) in [
        ("cut before the answer", Script::Close, Cause::Cut),
        (
            "cut in the answer",
            Script::AnswerAndClose(half.into()),
            Cause::Cut,
        ),
        (
            "no HTTP",
            Script::AnswerAndClose("SSH-2.0-OpenSSH\r\n".repeat(20)),
            Cause::Cut,
        ),
        (
            "too long, told",
            Script::Answer(long_answer(MAX_BODY + 1)),
            Cause::TooLarge,
        ),
        ("too long, endless", Script::Endless, Cause::TooLarge),
    ] {
        let server = Server::start(script).await;
        assert_eq!(failed(&server.link()).await, (Sent::Maybe, cause), "{name}");
        assert_eq!(server.counts(), (1, 1), "{name}: sent once");
    }
    let server = Server::start(Script::Silence).await;
    let failure = server.link().send(&request(), 1, 300).await.unwrap_err();
    assert_eq!((failure.sent, failure.cause), (Sent::Maybe, Cause::TimedOut));
    assert_eq!(server.counts(), (1, 1));
}

#[tokio::test]
async fn the_longest_body_is_read_whole() {
    let server = Server::start(Script::Answer(long_answer(MAX_BODY))).await;
    let answer = server.link().send(&request(), 1, TIMEOUT_MS).await.unwrap();
    assert_eq!(answer.body.len(), MAX_BODY);
}

fn long_answer(length: usize) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{}",
        "x".repeat(length)
    )
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = Server::start(Script::Answer(OK.into())).await;
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {}/v1/x\r\nContent-Length: 0\r\n\r\n",
        target.url
    );
    let server = Server::start(Script::Answer(redirect)).await;
    let answer = server.link().send(&request(), 1, TIMEOUT_MS).await.unwrap();
    assert_eq!((answer.status, target.counts()), (307, (0, 0)));
}

#[tokio::test]
async fn what_cannot_be_written_is_not_sent() {
    let server = Server::start(Script::Answer(OK.into())).await;
    let bad = HostRequest {
        jws: "header..\r\nEvil: yes".into(),
        ..request()
    };
    let failure = server.link().send(&bad, 1, TIMEOUT_MS).await.unwrap_err();
    assert_eq!((failure.sent, failure.cause), (Sent::No, Cause::Malformed));
    assert_eq!(server.counts(), (0, 0));
}

#[test]
fn address_and_pins_are_checked() {
    let good = pin(&KeyPair::generate().unwrap());
    for (url, pins) in [
        ("http://127.0.0.1", vec![good.clone()]),
        ("https://127.0.0.1/v1", vec![good.clone()]),
        ("https://127.0.0.1", vec![]),
        ("https://127.0.0.1", vec![good.clone(), "AAAA".into()]),
    ] {
        let error = HostLink::new(url, &pins, CONNECT_MS).unwrap_err();
        assert_eq!(error.code(), Code::ActivationMalformed, "{url} {pins:?}");
    }
}

#[test]
fn failures_as_errors_say_whether_money_can_have_moved() {
    for (sent, cause, code) in [
        (Sent::No, Cause::NotReached, Code::HostNotReached),
        (Sent::No, Cause::PinMismatch, Code::HostNotTrusted),
        (Sent::No, Cause::NotTrusted, Code::HostNotTrusted),
        (Sent::Maybe, Cause::TimedOut, Code::ResultUnknown),
        (Sent::Maybe, Cause::Cut, Code::ResultUnknown),
    ] {
        assert_eq!(SoftPosError::from(LinkFailure { sent, cause }).code(), code);
    }
}

#[cfg(feature = "sandbox")]
#[tokio::test]
async fn the_sandbox_routes_are_unsigned() {
    let server = Server::start(Script::Answer(OK.into())).await;
    let link = server.link();
    let posted = link
        .post_unsigned("/sandbox/v1/faults", b"{}".to_vec(), TIMEOUT_MS)
        .await
        .unwrap();
    assert_eq!(posted.body, b"{}");
    link.get_unsigned("/sandbox/v1/ledger", TIMEOUT_MS).await.unwrap();
    let seen = server.seen.lock().unwrap();
    assert!(seen.requests[0].starts_with("POST /sandbox/v1/faults "));
    assert!(seen.requests[1].starts_with("GET /sandbox/v1/ledger "));
    assert!(
        !seen
            .requests
            .concat()
            .to_lowercase()
            .contains("softpos-signature")
    );
}
