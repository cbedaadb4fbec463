use serde_json::Value;
use softpos_crypto::merkle::MerkleTree;
use softpos_host::{
    ItemState, JournalVerdict, Method, MethodTotals, Operation, SettleReply, SettleRequest, SettleResult,
    TransactionReply,
};
use softpos_types::{Batch, Currency};

use crate::payments::books_balance;
use crate::tap::Tap;
use crate::till::{Till, start};

fn request(till: &Till, batch: Batch, totals: Vec<MethodTotals>) -> SettleRequest {
    SettleRequest {
        v: 1,
        terminal: till.terminal(),
        merchant: till.activation.as_ref().unwrap().merchant.clone(),
        batch,
        currency: Currency::CNY,
        totals,
        journal_sequence: 7,
        journal_head: vec![3; 32],
        journal_root: tree(7).root().to_vec(),
        journal_since: 0,
        journal_proof: Vec::new(),
    }
}

/// A journal of so many records.
fn tree(size: u8) -> MerkleTree {
    let mut tree = MerkleTree::default();
    (0..size).for_each(|number| tree.push(&[number; 32]));
    tree
}

const fn line(method: Method, sale: (u32, i64), refund: (u32, i64)) -> MethodTotals {
    MethodTotals {
        method,
        sale_count: sale.0,
        sale_minor: sale.1,
        refund_count: refund.0,
        refund_minor: refund.1,
    }
}

#[tokio::test]
async fn totals_are_compared_and_the_batch_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let first = till.card(&Tap::of("0013", 1), 1_000).await;
    let declined = till.card(&Tap::of("0021", 1), 9_999).await;
    let cash = till.cash(300).await;
    let undone = till.envelope(Operation::Sale, Method::Cash, 50);
    let sale = till.request("/v1/transactions", &undone, None);
    till.send(&sale).await;
    till.reverse(&undone).await;
    let refund = till.refund_request(&first, Method::Card, 400);
    let refund: TransactionReply = till.send(&refund).await.ok();
    let open_code = till.envelope(Operation::Sale, Method::Code, 70);
    let code = till.request("/v1/codes", &open_code, None);
    till.send(&code).await;

    let totals = vec![
        line(Method::Cash, (1, 300), (0, 0)),
        line(Method::Code, (0, 0), (0, 0)),
        line(Method::Card, (1, 1_000), (1, 400)),
    ];
    let told = request(&till, Batch::FIRST, totals);
    let settled = till.post("/v1/batches/000001/settle", &told).await;
    let reply: SettleReply = settled.ok();
    assert_eq!(reply.result, SettleResult::Balanced);
    assert_eq!(reply.next_batch, Batch::FIRST.next());
    assert_eq!(
        reply.totals,
        [
            line(Method::Card, (1, 1_000), (1, 400)),
            line(Method::Cash, (1, 300), (0, 0))
        ]
    );
    let items: Vec<_> = reply.items.iter().map(|item| (item.key, item.state)).collect();
    assert_eq!(
        items,
        [
            (first.key, ItemState::Approved),
            (declined.key, ItemState::Declined),
            (cash.key, ItemState::Approved),
            (undone.key, ItemState::Reversed),
            (refund.key, ItemState::Approved),
            (open_code.key, ItemState::Reversed),
        ]
    );

    // The answer was lost; the journal has grown since.
    let mut again = told.clone();
    again.journal_sequence = 8;
    assert_eq!(
        till.post("/v1/batches/000001/settle", &again).await.body,
        settled.body
    );
    again.totals.clear();
    let other = till.post("/v1/batches/000001/settle", &again).await;
    assert_eq!(other.refusal(), (409, "key_reuse".into()));

    let late = till.envelope(Operation::Sale, Method::Cash, 1);
    let late = till.request("/v1/transactions", &late, None);
    assert_eq!(till.send(&late).await.refusal(), (409, "batch_closed".into()));
    till.batch = reply.next_batch;
    assert_eq!(till.cash(1).await.de39, "00");
    // A sale of a closed batch can still be refunded.
    let refund = till.refund_request(&first, Method::Card, 600);
    assert_eq!(till.send(&refund).await.ok::<TransactionReply>().de39, "00");
    books_balance(dir.path()).await;
    host.shutdown().await;
}

#[tokio::test]
async fn a_difference_is_named_and_an_empty_batch_balances() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let sale = till.cash(500).await;
    let wrong = request(&till, Batch::FIRST, vec![line(Method::Cash, (1, 501), (0, 0))]);
    let reply: SettleReply = till.post("/v1/batches/000001/settle", &wrong).await.ok();
    assert_eq!(reply.result, SettleResult::NotBalanced);
    assert_eq!(
        (reply.items.len(), reply.items[0].key, reply.items[0].amount_minor),
        (1, sale.key, 500)
    );
    let empty = request(&till, reply.next_batch, Vec::new());
    let reply: SettleReply = till.post("/v1/batches/000002/settle", &empty).await.ok();
    assert_eq!((reply.result, reply.items.len()), (SettleResult::Balanced, 0));
    host.shutdown().await;
}

#[tokio::test]
async fn only_the_open_batch_can_be_settled() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let future = request(&till, Batch::FIRST.next(), Vec::new());
    let answer = till.post("/v1/batches/000002/settle", &future).await;
    assert_eq!(answer.refusal(), (409, "batch_closed".into()));
    let answer = till.post("/v1/batches/000001/settle", &future).await;
    assert_eq!(answer.refusal(), (400, "malformed".into()));
    let mut short = request(&till, Batch::FIRST, Vec::new());
    short.journal_head.pop();
    let answer = till.post("/v1/batches/000001/settle", &short).await;
    assert_eq!(answer.refusal(), (400, "malformed".into()));
    let unknown: Value = till
        .post("/v1/batches/1/settle", &request(&till, Batch::FIRST, Vec::new()))
        .await
        .json();
    assert_eq!(unknown["error"]["code"], "malformed");
    host.shutdown().await;
}

type Change<'a> = &'a dyn Fn(SettleRequest) -> SettleRequest;

/// The head of a journal that goes on from `since` records to `size`.
fn grown(mut request: SettleRequest, since: u64, size: u8) -> SettleRequest {
    let tree = tree(size);
    request.journal_sequence = size.into();
    request.journal_root = tree.root().to_vec();
    request.journal_since = since;
    request.journal_proof = tree.consistency_proof(since).unwrap_or_default().concat();
    request
}

#[tokio::test]
async fn a_journal_must_go_on_from_where_it_was_anchored() {
    use JournalVerdict::{Consistent, Disputed};
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let mut batch = Batch::FIRST;
    let changed = |mut request: SettleRequest| {
        request.journal_root[5] ^= 1;
        request
    };
    // An anchor in dispute is where the next one goes on from.
    let cases: [(&str, Change<'_>, JournalVerdict); 8] = [
        ("the first", &|request| grown(request, 0, 7), Consistent),
        ("it grew", &|request| grown(request, 7, 12), Consistent),
        ("nothing happened", &|request| grown(request, 12, 12), Consistent),
        (
            "another record at its end",
            &|request| changed(grown(request, 12, 13)),
            Disputed,
        ),
        ("as it was", &|request| grown(request, 13, 14), Disputed),
        (
            "going on from there",
            &|request| grown(request, 14, 20),
            Consistent,
        ),
        ("rolled back", &|request| grown(request, 14, 16), Disputed),
        ("begun anew", &|request| grown(request, 0, 30), Disputed),
    ];
    for (what, change, verdict) in cases {
        let told = change(request(&till, batch, Vec::new()));
        let path = format!("/v1/batches/{batch}/settle");
        let reply: SettleReply = till.post(&path, &told).await.ok();
        assert_eq!(reply.journal, verdict, "{what}");
        batch = reply.next_batch;
    }
    for spoil in [
        |request: &mut SettleRequest| request.journal_root.truncate(31),
        |request: &mut SettleRequest| request.journal_proof = vec![0; 33],
        |request: &mut SettleRequest| request.journal_proof = vec![0; 32 * 129],
    ] {
        let mut bad = grown(request(&till, batch, Vec::new()), 30, 31);
        spoil(&mut bad);
        let answer = till.post(&format!("/v1/batches/{batch}/settle"), &bad).await;
        assert_eq!(answer.refusal(), (400, "malformed".into()));
    }
    host.shutdown().await;
}
