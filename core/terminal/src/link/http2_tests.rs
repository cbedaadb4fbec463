//! Against a server that speaks HTTP/2, as live hosts do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::Version;
use axum::routing::post;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rcgen::KeyPair;
use tokio::sync::Notify;

use super::tests::{params, pin, request, server_config};
use super::*;

const CONNECT_MS: u64 = 2_000;
const TIMEOUT_MS: u64 = 10_000;

/// Holds the first request back until the second has come: on one connection both can only be answered if they
/// travel side by side.
async fn meet(arrived: Arc<AtomicUsize>, both: Arc<Notify>, version: Version) -> String {
    if arrived.fetch_add(1, Ordering::SeqCst) == 0 {
        both.notified().await;
    } else {
        both.notify_one();
    }
    format!("{version:?}")
}

async fn start(router: Router) -> (HostLink, Handle<std::net::SocketAddr>) {
    let key = KeyPair::generate().unwrap();
    let mut config = server_config(&params("127.0.0.1"), &key, &rustls::version::TLS13);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let handle = Handle::new();
    let server = axum_server::bind_rustls(
        "127.0.0.1:0".parse().unwrap(),
        RustlsConfig::from_config(Arc::new(config)),
    )
    .handle(handle.clone());
    tokio::spawn(server.serve(router.into_make_service()));
    let address = handle.listening().await.unwrap();
    let link = HostLink::new(&format!("https://{address}"), &[pin(&key)], CONNECT_MS).unwrap();
    (link, handle)
}

#[tokio::test]
async fn requests_travel_side_by_side() {
    let (arrived, both) = (Arc::<AtomicUsize>::default(), Arc::<Notify>::default());
    let handler = move |version: Version| meet(Arc::clone(&arrived), Arc::clone(&both), version);
    let (link, handle) = start(Router::new().route("/v1/transactions", post(handler))).await;
    link.warm(TIMEOUT_MS).await.unwrap();
    let (a, b) = (request(), request());
    let (a, b) = tokio::join!(link.send(&a, 1, TIMEOUT_MS), link.send(&b, 1, TIMEOUT_MS));
    for answer in [a, b] {
        assert_eq!(answer.unwrap().body, b"HTTP/2.0");
    }
    assert_eq!(handle.connection_count(), 1);
}

#[tokio::test]
async fn a_cut_leaves_open_whether_it_arrived() {
    let arrived = Arc::new(Notify::new());
    let signal = Arc::clone(&arrived);
    let handler = move || async move {
        signal.notify_one();
        std::future::pending::<()>().await;
    };
    let (link, handle) = start(Router::new().route("/v1/transactions", post(handler))).await;
    let sending = {
        let link = link.clone();
        tokio::spawn(async move { link.send(&request(), 1, TIMEOUT_MS).await })
    };
    arrived.notified().await;
    handle.shutdown();
    let failure = sending.await.unwrap().unwrap_err();
    assert_eq!((failure.sent, failure.cause), (Sent::Maybe, Cause::Cut));
    // Nobody listens any more.
    let failure = link.send(&request(), 2, TIMEOUT_MS).await.unwrap_err();
    assert_eq!((failure.sent, failure.cause), (Sent::No, Cause::NotReached));
}
