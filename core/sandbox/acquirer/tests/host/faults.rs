use std::time::{Duration, Instant};

use softpos_acquirer::{FaultSpec, Host};
use softpos_host::{EchoRequest, Method, Operation, TransactionReply, TransactionState};

use crate::till::{Signed, Till, start};

fn set(host: &Host, spec: &str) {
    host.set_faults(spec.parse::<FaultSpec>().unwrap());
}

fn sale(till: &mut Till) -> (Signed, softpos_types::PaymentKey) {
    let envelope = till.envelope(Operation::Sale, Method::Cash, 100);
    (till.request("/v1/transactions", &envelope, None), envelope.key)
}

#[tokio::test]
async fn a_cut_before_the_decision_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let (request, key) = sale(&mut till);
    set(&host, "drop-before");
    let error = till.try_send(&request).await.unwrap_err();
    assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
    assert_eq!(till.state(key).await.state, TransactionState::NotFound);
    assert_eq!(till.send(&request).await.ok::<TransactionReply>().de39, "00");
    host.shutdown().await;
}

#[tokio::test]
async fn a_cut_after_the_decision_leaves_it_booked() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let (request, key) = sale(&mut till);
    set(&host, "drop-after:2");
    for _ in 0..2 {
        assert!(!till.try_send(&request).await.unwrap_err().is_timeout());
    }
    assert_eq!(till.state(key).await.state, TransactionState::Approved);
    assert_eq!(host.ledger().await.unwrap()[0].booked_minor, 100);
    assert_eq!(till.send(&request).await.ok::<TransactionReply>().key, key);
    host.shutdown().await;
}

#[tokio::test]
async fn a_cut_ends_every_stream_of_the_connection_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let (slow, _) = sale(&mut till);
    let (cut, _) = sale(&mut till);
    set(&host, "delay=20000:next");
    let begun = Instant::now();
    let waiting = till.try_send(&slow);
    let cutting = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        set(&host, "drop-before");
        till.try_send(&cut).await
    };
    let (slow, cut) = tokio::join!(waiting, cutting);
    assert!(slow.is_err() && cut.is_err());
    assert!(begun.elapsed() < Duration::from_secs(10));
    host.shutdown().await;
}

#[tokio::test]
async fn refused_connections_send_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let (request, key) = sale(&mut till);
    set(&host, "refuse:always");
    // The open connection goes as well; give the client the time to notice.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let error = till.try_send(&request).await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    set(&host, "off");
    assert_eq!(till.state(key).await.state, TransactionState::NotFound);
    host.shutdown().await;
}

#[tokio::test]
async fn a_delayed_request_may_come_after_its_reversal() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let envelope = till.envelope(Operation::Sale, Method::Cash, 100);
    let request = till.request("/v1/transactions", &envelope, None);
    set(&host, "delay=900");
    let gave_up = tokio::time::timeout(Duration::from_millis(200), till.try_send(&request)).await;
    assert!(gave_up.is_err());
    assert_eq!(till.state(envelope.key).await.state, TransactionState::NotFound);
    assert_eq!(till.reverse(&envelope).await, "25");
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(host.ledger().await.unwrap(), []);
    assert_eq!(till.state(envelope.key).await.state, TransactionState::Reversed);

    // Without a reversal it is booked, though nobody waits for the answer any more.
    let (request, key) = sale(&mut till);
    set(&host, "delay=500");
    let gave_up = tokio::time::timeout(Duration::from_millis(100), till.try_send(&request)).await;
    assert!(gave_up.is_err());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(till.state(key).await.state, TransactionState::Approved);
    host.shutdown().await;
}

#[tokio::test]
async fn answers_that_cannot_be_believed() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let (request, key) = sale(&mut till);
    set(&host, "bad-signature,garbage@reversals,status500@refunds");
    let spoilt = till.try_send(&request).await.unwrap();
    assert!(spoilt.status == 200 && !spoilt.jws.is_empty() && !till.trusts(&spoilt));
    let good = till.send(&request).await;
    assert_eq!(good.body, spoilt.body);

    let reply: TransactionReply = good.ok();
    let refund = till.refund_request(&reply, Method::Cash, 10);
    let failed = till.try_send(&refund).await.unwrap();
    assert_eq!(
        (failed.status, failed.jws.as_str(), failed.body.len()),
        (500, "", 0)
    );
    assert_eq!(till.send(&refund).await.ok::<TransactionReply>().de39, "00");

    let mut named = till.envelope(Operation::Sale, Method::Cash, 100);
    (named.key, named.stan) = (key, reply.stan);
    let reversal = till.reversal(&named);
    let garbage = till.try_send(&reversal).await.unwrap();
    assert!(garbage.jws.is_empty() && serde_json::from_slice::<serde_json::Value>(&garbage.body).is_err());
    host.shutdown().await;
}

#[tokio::test]
async fn a_request_processed_twice_is_booked_once() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    set(&host, "duplicate@any:always");
    let (request, _) = sale(&mut till);
    let first: TransactionReply = till.send(&request).await.ok();
    let refund = till.refund_request(&first, Method::Cash, 60);
    assert_eq!(till.send(&refund).await.ok::<TransactionReply>().de39, "00");
    let rows = host.ledger().await.unwrap();
    assert_eq!(
        rows.iter().map(|row| row.booked_minor).collect::<Vec<_>>(),
        [100, -60]
    );
    let echo = EchoRequest {
        terminal: till.terminal(),
    };
    assert_eq!(till.post("/v1/echo", &echo).await.status, 200);
    host.shutdown().await;
}

#[tokio::test]
async fn faults_can_be_set_over_the_wire() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let post = async |body: &'static str| {
        let url = format!("{}/sandbox/v1/faults", host.url());
        let response = till.client.post(url).body(body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(
        post("{\"spec\":\"drop-after\"}").await,
        (200, "{\"spec\":\"drop-after@transactions:next\"}".into())
    );
    let (status, text) = post("{\"spec\":\"drop\"}").await;
    assert!(status == 400 && text.contains("KIND[@ROUTE][:WHEN]"));
    let (request, _) = sale(&mut till);
    assert!(till.try_send(&request).await.is_err());
    let ledger = till
        .client
        .get(format!("{}/sandbox/v1/ledger", host.url()))
        .send()
        .await
        .unwrap();
    let rows: serde_json::Value = serde_json::from_slice(&ledger.bytes().await.unwrap()).unwrap();
    assert_eq!(
        (&rows[0]["state"], &rows[0]["booked_minor"]),
        (&"approved".into(), &100.into())
    );
    host.shutdown().await;
}
