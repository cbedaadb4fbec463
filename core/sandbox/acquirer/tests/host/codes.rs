use serde_json::{Value, json};
use softpos_acquirer::Host;
use softpos_host::{
    CodeReply, CodeState, Envelope, Method, Operation, StatusReply, TransactionReply, TransactionState,
};
use softpos_qr::mpm::{AccountFields, AdditionalData, MerchantAccount, MpmCode};
use softpos_types::{Currency, Money};

use crate::payments::books_balance;
use crate::till::{Till, start, write_books};

async fn open(till: &mut Till, amount_minor: i64) -> (Envelope, CodeReply) {
    let envelope = till.envelope(Operation::Sale, Method::Code, amount_minor);
    let request = till.request("/v1/codes", &envelope, None);
    (envelope, till.send(&request).await.ok())
}

fn payload(code: &CodeReply, amount_minor: i64) -> String {
    let mpm = MpmCode {
        accounts: vec![MerchantAccount {
            id: 26,
            fields: AccountFields::Template {
                guid: code.guid.clone(),
                parts: vec![(1, code.account.clone())],
            },
        }],
        category: "5812".into(),
        amount: Money::payment(amount_minor, Currency::CNY).unwrap(),
        country: "CN".into(),
        name: "DEMO SHOP".into(),
        city: "SHANGHAI".into(),
        additional: AdditionalData {
            reference: Some(code.reference.clone()),
            ..AdditionalData::default()
        },
        local: None,
    };
    mpm.encode().unwrap()
}

async fn pay(till: &Till, payload: &str, wallet: &str) -> (u16, Value) {
    let response = till
        .client
        .post(format!("{}/sandbox/v1/wallet/pay", till.url))
        .body(json!({ "payload": payload, "wallet": wallet }).to_string())
        .send()
        .await
        .unwrap();
    (
        response.status().as_u16(),
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap(),
    )
}

async fn state(till: &mut Till, code: &CodeReply) -> StatusReply {
    till.get(&format!("/v1/codes/{}", code.key)).await.ok()
}

async fn booked(host: &Host) -> i64 {
    host.ledger()
        .await
        .unwrap()
        .iter()
        .map(|row| row.booked_minor)
        .sum()
}

#[tokio::test]
async fn a_wallet_pays_a_shown_code_once() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let (envelope, code) = open(&mut till, 1_234).await;
    assert_eq!(code.state, CodeState::Open);
    assert!(code.reference.len() <= 25);
    let request = till.request("/v1/codes", &envelope, None);
    assert_eq!(till.send(&request).await.ok::<CodeReply>(), code);
    let waiting = state(&mut till, &code).await;
    assert_eq!(
        (waiting.state, waiting.reply),
        (TransactionState::AwaitingPayer, None)
    );

    let text = payload(&code, 1_234);
    assert_eq!(
        pay(&till, &payload(&code, 1_235), "wechat").await.1["result"],
        "amount_differs"
    );
    assert_eq!(
        pay(&till, &text.replace("DEMO", "DEMA"), "wechat").await.1["result"],
        "unreadable"
    );
    assert_eq!(pay(&till, &text, "gold").await.0, 400);
    let mut other = code.clone();
    other.guid = "org.example".into();
    assert_eq!(
        pay(&till, &payload(&other, 1_234), "wechat").await.1["result"],
        "not_ours"
    );
    other = code.clone();
    other.reference = "0000000000000000".into();
    assert_eq!(
        pay(&till, &payload(&other, 1_234), "wechat").await.1["result"],
        "unknown"
    );
    assert_eq!(booked(&host).await, 0);

    let (status, paid) = pay(&till, &text, "alipay").await;
    assert_eq!(
        (status, &paid["result"], &paid["amount_minor"]),
        (200, &json!("paid"), &json!(1_234))
    );
    assert_eq!(pay(&till, &text, "wechat").await.1["result"], "closed");
    let reply = state(&mut till, &code).await.reply.unwrap();
    assert_eq!(
        (reply.state, reply.de39.as_str()),
        (TransactionState::Approved, "00")
    );
    assert_eq!(reply.channel.as_deref(), Some("alipay"));
    assert_eq!(
        reply.channel_transaction.as_deref(),
        paid["channel_transaction"].as_str()
    );
    assert_eq!(booked(&host).await, 1_234);

    let refund = till.refund_request(&reply, Method::Code, 234);
    assert_eq!(till.send(&refund).await.ok::<TransactionReply>().de39, "00");
    assert_eq!(booked(&host).await, 1_000);
    books_balance(dir.path()).await;
    host.shutdown().await;
}

#[tokio::test]
async fn a_cancelled_code_cannot_be_paid_and_a_paid_one_can_be_undone() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let (envelope, code) = open(&mut till, 100).await;
    assert_eq!(till.reverse(&envelope).await, "00");
    assert_eq!(
        pay(&till, &payload(&code, 100), "wechat").await.1["result"],
        "closed"
    );
    assert_eq!(state(&mut till, &code).await.state, TransactionState::Reversed);
    let (envelope, code) = open(&mut till, 100).await;
    assert_eq!(
        pay(&till, &payload(&code, 100), "unionpay").await.1["result"],
        "paid"
    );
    assert_eq!(till.reverse(&envelope).await, "00");
    assert_eq!(booked(&host).await, 0);
    books_balance(dir.path()).await;
    host.shutdown().await;
}

#[tokio::test]
async fn an_expired_code_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let (envelope, code) = open(&mut till, 100).await;
    // Time passes in the books.
    write_books(dir.path(), "UPDATE transactions SET expires_utc_ms = 1").await;
    assert_eq!(state(&mut till, &code).await.state, TransactionState::Expired);
    assert_eq!(
        pay(&till, &payload(&code, 100), "wechat").await.1["result"],
        "expired"
    );
    assert_eq!(host.ledger().await.unwrap()[0].state, TransactionState::Expired);
    assert_eq!(till.reverse(&envelope).await, "00");
    host.shutdown().await;
}

#[tokio::test]
async fn a_refused_order_is_closed_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let (_, code) = open(&mut till, 5_000_001).await;
    assert_eq!(code.state, CodeState::Closed);
    let status = state(&mut till, &code).await;
    assert_eq!(
        (status.state, status.reply.unwrap().de39.as_str()),
        (TransactionState::Declined, "61")
    );
    host.shutdown().await;
}
