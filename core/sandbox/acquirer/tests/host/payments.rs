use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use softpos_acquirer::{Host, HostError, LedgerRow, read_ledger};
use softpos_host::{Method, Operation, TransactionReply, TransactionState};
use softpos_types::{Currency, MerchantId, TerminalId};
use sqlx::SqlitePool;

use crate::tap::Tap;
use crate::till::{Till, start, utc_ms};

/// The sum of all postings of every entry, and of every payment, is zero.
pub async fn books_balance(dir: &Path) {
    let pool = SqlitePool::connect(&format!("sqlite://{}", dir.join("host.db").display()))
        .await
        .unwrap();
    let sums: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT payment_key, entry, SUM(amount_minor) FROM postings GROUP BY payment_key, entry",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert!(!sums.is_empty());
    for (key, entry, sum) in sums {
        assert_eq!(sum, 0, "{key} {entry}");
    }
    pool.close().await;
}

async fn row(host: &Host, reply: &TransactionReply) -> LedgerRow {
    host.ledger()
        .await
        .unwrap()
        .into_iter()
        .find(|row| row.key == reply.key)
        .unwrap()
}

#[tokio::test]
async fn a_repeat_gets_the_stored_answer_and_another_body_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let envelope = till.envelope(Operation::Sale, Method::Card, 12_345);
    let payload = till.payload(&Tap::of("0013", 1), &envelope);
    let sale = till.request("/v1/transactions", &envelope, Some(&payload));
    let first = till.send(&sale).await;
    let reply: TransactionReply = first.ok();
    assert_eq!(
        (reply.de39.as_str(), reply.state),
        ("00", TransactionState::Approved)
    );
    assert_eq!(
        (reply.key, reply.stan, reply.amount_minor),
        (envelope.key, envelope.stan, 12_345)
    );
    assert!(reply.auth_code.is_some() && reply.rrn.is_some() && reply.de55.is_some());
    for _ in 0..3 {
        assert_eq!(till.send(&sale).await.body, first.body);
    }
    let mut other = envelope.clone();
    other.amount_minor = 1;
    let other = till.request("/v1/transactions", &other, Some(&payload));
    assert_eq!(till.send(&other).await.refusal(), (409, "key_reuse".into()));
    let elsewhere = till.request("/v1/codes", &envelope, Some(&payload));
    assert_eq!(till.send(&elsewhere).await.refusal(), (409, "key_reuse".into()));

    let mut stranger = Till::activated(&host, dir.path()).await;
    let mut theirs = stranger.envelope(Operation::Sale, Method::Cash, 5);
    theirs.key = envelope.key;
    let theirs = stranger.request("/v1/transactions", &theirs, None);
    assert_eq!(stranger.send(&theirs).await.refusal(), (409, "key_reuse".into()));
    assert_eq!(
        stranger.state(envelope.key).await.state,
        TransactionState::NotFound
    );

    assert_eq!(host.ledger().await.unwrap().len(), 1);
    assert_eq!(row(&host, &reply).await.booked_minor, 12_345);
    let state = till.state(envelope.key).await;
    assert_eq!(state.reply, Some(reply));
    books_balance(dir.path()).await;
    host.shutdown().await;
}

#[tokio::test]
async fn concurrent_repeats_are_one_payment() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let envelope = till.envelope(Operation::Sale, Method::Cash, 700);
    let sale = till.request("/v1/transactions", &envelope, None);
    let (a, b, c) = tokio::join!(till.send(&sale), till.send(&sale), till.send(&sale));
    assert!(a.status == 200 && a.body == b.body && b.body == c.body);
    assert_eq!(host.ledger().await.unwrap().len(), 1);
    host.shutdown().await;
}

#[tokio::test]
async fn a_reversal_undoes_and_a_tombstone_kills() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let envelope = till.envelope(Operation::Sale, Method::Card, 5_000);
    let payload = till.payload(&Tap::of("0013", 1), &envelope);
    let sale = till.request("/v1/transactions", &envelope, Some(&payload));
    let reply: TransactionReply = till.send(&sale).await.ok();

    let mut differs = envelope.clone();
    differs.amount_minor = 4_999;
    assert_eq!(till.reverse(&differs).await, "64");
    assert_eq!(row(&host, &reply).await.booked_minor, 5_000);
    let reversal = till.reversal(&envelope);
    for _ in 0..2 {
        assert_eq!(till.send(&reversal).await.ok::<Value>()["de39"], "00");
    }
    let undone = row(&host, &reply).await;
    assert_eq!(
        (undone.state, undone.booked_minor),
        (TransactionState::Reversed, 0)
    );
    assert_eq!(till.state(envelope.key).await.state, TransactionState::Reversed);
    assert_eq!(till.send(&sale).await.refusal(), (409, "reversed".into()));

    let late = till.envelope(Operation::Sale, Method::Card, 800);
    assert_eq!(till.reverse(&late).await, "25");
    assert_eq!(till.reverse(&late).await, "25");
    assert_eq!(till.state(late.key).await.state, TransactionState::Reversed);
    let payload = till.payload(&Tap::of("0013", 2), &late);
    let request = till.request("/v1/transactions", &late, Some(&payload));
    assert_eq!(till.send(&request).await.refusal(), (409, "reversed".into()));
    assert_eq!(host.ledger().await.unwrap().len(), 1);

    // Another terminal's reversal touches nothing of this one.
    let mut stranger = Till::activated(&host, dir.path()).await;
    let ours = till.cash(300).await;
    let mut theirs = stranger.envelope(Operation::Sale, Method::Cash, 300);
    theirs.key = ours.key;
    assert_eq!(stranger.reverse(&theirs).await, "25");
    assert_eq!(row(&host, &ours).await.booked_minor, 300);
    assert_eq!(till.state(ours.key).await.state, TransactionState::Approved);

    let mut declined = till.envelope(Operation::Sale, Method::Cash, 0);
    let request = till.request("/v1/transactions", &declined, None);
    assert_eq!(till.send(&request).await.ok::<TransactionReply>().de39, "13");
    assert_eq!(till.reverse(&declined).await, "00");
    declined.merchant = MerchantId::new("000000000000000").unwrap();
    let strange = till.reversal(&declined);
    assert_eq!(
        till.send(&strange).await.refusal(),
        (403, "terminal_unknown".into())
    );
    books_balance(dir.path()).await;
    host.shutdown().await;
}

#[tokio::test]
async fn refunds_never_exceed_their_sale_and_are_never_reversed() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let sale = till.card(&Tap::of("0013", 1), 10_000).await;
    let part = till.refund_request(&sale, Method::Card, 6_000);
    let first: TransactionReply = till.send(&part).await.ok();
    assert_eq!(first.state, TransactionState::Approved);
    assert_eq!(till.send(&part).await.json::<TransactionReply>(), first);
    let over = till.refund_request(&sale, Method::Card, 4_001);
    assert_eq!(till.send(&over).await.refusal(), (422, "refund_over_sale".into()));
    let rest = till.refund_request(&sale, Method::Card, 4_000);
    assert_eq!(till.send(&rest).await.ok::<TransactionReply>().de39, "00");
    let more = till.refund_request(&sale, Method::Card, 1);
    assert_eq!(till.send(&more).await.refusal(), (422, "refund_over_sale".into()));

    let booked: BTreeMap<_, _> = host
        .ledger()
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.key, row.booked_minor))
        .collect();
    assert_eq!((booked[&sale.key], booked[&first.key]), (10_000, -6_000));
    assert_eq!(booked.values().sum::<i64>(), 0);

    let mut named = till.envelope(Operation::Refund, Method::Card, 6_000);
    named.key = first.key;
    named.stan = first.stan;
    assert_eq!(till.reverse(&named).await, "12");
    named.key = sale.key;
    (named.stan, named.amount_minor) = (sale.stan, 10_000);
    assert_eq!(till.reverse(&named).await, "22");

    let declined = till.card(&Tap::of("0021", 1), 100).await;
    assert_eq!(declined.de39, "05");
    for (original, method) in [
        (&declined, Method::Card),
        (&sale, Method::Cash),
        (&first, Method::Card),
    ] {
        let refund = till.refund_request(original, method, 1);
        assert_eq!(till.send(&refund).await.refusal(), (422, "not_refundable".into()));
    }
    let mut unknown = sale.clone();
    unknown.key = till.new_key();
    let refund = till.refund_request(&unknown, Method::Card, 1);
    assert_eq!(till.send(&refund).await.refusal(), (404, "not_found".into()));
    let cash = till.cash(250).await;
    let refund = till.refund_request(&cash, Method::Cash, 250);
    assert_eq!(till.send(&refund).await.ok::<TransactionReply>().de39, "00");
    books_balance(dir.path()).await;
    host.shutdown().await;
}

#[tokio::test]
async fn amounts_numbers_and_methods_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    for (amount_minor, de39) in [
        (0, "13"),
        (-1, "13"),
        (i64::MIN, "13"),
        (i64::MAX, "13"),
        (1_000_000_000_000, "13"),
        (5_000_001, "61"),
        (5_000_000, "00"),
        (1, "00"),
    ] {
        assert_eq!(till.cash(amount_minor).await.de39, de39, "{amount_minor}");
    }
    let mut dollars = till.envelope(Operation::Sale, Method::Cash, 100);
    dollars.currency = Currency::from_alpha("USD").unwrap();
    let request = till.request("/v1/transactions", &dollars, None);
    assert_eq!(till.send(&request).await.ok::<TransactionReply>().de39, "12");
    let mut same_stan = till.envelope(Operation::Sale, Method::Cash, 100);
    same_stan.stan = dollars.stan;
    let request = till.request("/v1/transactions", &same_stan, None);
    assert_eq!(till.send(&request).await.ok::<TransactionReply>().de39, "94");

    let refund = till.envelope(Operation::Refund, Method::Cash, 1);
    let code = till.envelope(Operation::Sale, Method::Code, 1);
    let card = till.envelope(Operation::Sale, Method::Card, 1);
    let mut version = till.envelope(Operation::Sale, Method::Cash, 1);
    version.v = 2;
    for wrong in [refund, code, card, version] {
        let request = till.request("/v1/transactions", &wrong, None);
        assert_eq!(till.send(&request).await.refusal(), (400, "malformed".into()));
    }
    let sale = till.envelope(Operation::Sale, Method::Cash, 1);
    for key in [None, Some(till.new_key())] {
        let mut request = till.request("/v1/transactions", &sale, None);
        request.key = key;
        assert_eq!(till.send(&request).await.refusal(), (400, "malformed".into()));
    }
    let mut strange = sale.clone();
    strange.terminal = TerminalId::new("SP999999").unwrap();
    let request = till.request("/v1/transactions", &strange, None);
    assert_eq!(
        till.send(&request).await.refusal(),
        (403, "terminal_unknown".into())
    );
    let mut closed = sale;
    closed.batch = closed.batch.next();
    let request = till.request("/v1/transactions", &closed, None);
    assert_eq!(till.send(&request).await.refusal(), (409, "batch_closed".into()));
    books_balance(dir.path()).await;
    host.shutdown().await;
}

#[tokio::test]
async fn a_keyed_request_is_taken_at_any_time() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let envelope = till.envelope(Operation::Sale, Method::Cash, 900);
    let fresh = till.request("/v1/transactions", &envelope, None);
    let yesterday = utc_ms() - 86_400_000;
    let post = reqwest::Method::POST;
    let late = till.sign_at(
        (post, "/v1/transactions"),
        fresh.body.clone(),
        fresh.key,
        yesterday,
    );
    let first = till.send(&late).await;
    assert_eq!(first.ok::<TransactionReply>().de39, "00");
    // Another signature over the same body is a repeat too.
    assert_eq!(till.send(&fresh).await.body, first.body);
    host.shutdown().await;
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let envelope = till.envelope(Operation::Sale, Method::Card, 4_200);
    let payload = till.payload(&Tap::of("0013", 9), &envelope);
    let sale = till.request("/v1/transactions", &envelope, Some(&payload));
    let first = till.send(&sale).await;
    let undone = till.envelope(Operation::Sale, Method::Cash, 1);
    till.reverse(&undone).await;
    let before = host.ledger().await.unwrap();
    assert_eq!(read_ledger(dir.path()).await.unwrap(), before);
    host.shutdown().await;
    assert_eq!(read_ledger(dir.path()).await.unwrap(), before);
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(read_ledger(empty.path()).await, Err(HostError::Io(_))));
    assert!(!empty.path().join("host.db").exists());
    let host = start(dir.path()).await;
    till.url = host.url();
    assert_eq!(host.ledger().await.unwrap(), before);
    assert_eq!(till.send(&sale).await.body, first.body);
    let request = till.request("/v1/transactions", &undone, None);
    assert_eq!(till.send(&request).await.refusal(), (409, "reversed".into()));
    assert_eq!(till.card(&Tap::of("0013", 9), 1).await.de39, "59");
    assert_eq!(till.card(&Tap::of("0013", 10), 1).await.de39, "00");
    host.shutdown().await;
}
