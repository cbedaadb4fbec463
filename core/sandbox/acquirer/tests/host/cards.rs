use softpos_host::{Method, Operation, TransactionReply, TransactionState};
use softpos_types::SecretBytes;
use softpos_wire::tlv::child;
use softpos_wire::{Tag, tag};

use crate::payments::books_balance;
use crate::tap::Tap;
use crate::till::{Till, start, utc_ms, write_books};

#[tokio::test]
async fn issuers_decide_by_the_account() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    for (ending, de39) in [
        ("0013", "00"),
        ("0021", "05"),
        ("0039", "54"),
        ("0047", "51"),
        ("0088", "00"),
    ] {
        let reply = till.card(&Tap::of(ending, 1), 1_500).await;
        assert_eq!(reply.de39, de39, "{ending}");
        assert_eq!(reply.state == TransactionState::Approved, de39 == "00");
        assert_eq!(reply.auth_code.is_some(), de39 == "00");
    }
    let rows = host.ledger().await.unwrap();
    assert_eq!(rows.iter().map(|row| row.booked_minor).sum::<i64>(), 3_000);
    assert!(
        serde_json::to_string(&rows)
            .unwrap()
            .contains("\"state\":\"declined\"")
    );
    books_balance(dir.path()).await;
    host.shutdown().await;
}

#[tokio::test]
async fn the_issuer_answers_the_card() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let approved = till.card(&Tap::of("0013", 1), 100).await.de55.unwrap();
    let declined = till.card(&Tap::of("0021", 1), 100).await.de55.unwrap();
    let value = |list: &[u8], tag| child(list, tag).unwrap().unwrap().to_vec();
    assert_eq!(value(&approved, tag::AUTHORISATION_RESPONSE_CODE), b"00");
    assert_eq!(value(&declined, tag::AUTHORISATION_RESPONSE_CODE), b"05");
    assert_eq!(value(&approved, Tag::new(0x91))[4..], [0, 0x80, 0, 0]);
    assert_eq!(value(&declined, Tag::new(0x91))[4..], [0; 4]);
    host.shutdown().await;
}

#[tokio::test]
async fn cryptograms_and_counters_are_verified() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    assert_eq!(till.card(&Tap::of("0013", 5), 100).await.de39, "00");
    for replayed in [5, 4, 1] {
        assert_eq!(till.card(&Tap::of("0013", replayed), 100).await.de39, "59");
    }
    // A sale that was stored offline is told late, and once.
    for (atc, de39) in [(3, "00"), (3, "59"), (7, "00"), (6, "00")] {
        let mut envelope = till.envelope(Operation::Sale, Method::Card, 100);
        envelope.deferred = true;
        let payload = till.payload(&Tap::of("0013", atc), &envelope);
        let request = till.request("/v1/transactions", &envelope, Some(&payload));
        assert_eq!(
            till.send(&request).await.ok::<TransactionReply>().de39,
            de39,
            "{atc}"
        );
    }

    // The card agreed to another amount than the merchant asks for.
    let asked = till.envelope(Operation::Sale, Method::Card, 100);
    let mut agreed = asked.clone();
    agreed.amount_minor = 1;
    let payload = till.payload(&Tap::of("0013", 20), &agreed);
    let request = till.request("/v1/transactions", &asked, Some(&payload));
    assert_eq!(till.send(&request).await.ok::<TransactionReply>().de39, "59");

    for (at, de39) in [(8, "59"), (0, "59")] {
        let envelope = till.envelope(Operation::Sale, Method::Card, 100);
        let mut payload = till.payload(&Tap::of("0013", 21), &envelope);
        payload.de55[at] ^= 1;
        let request = till.request("/v1/transactions", &envelope, Some(&payload));
        assert_eq!(till.send(&request).await.ok::<TransactionReply>().de39, de39);
    }
    for (track, de39) in [
        ("4761739900000997D35122010000000F", "14"),
        ("47617399", "30"),
        ("", "30"),
    ] {
        let envelope = till.envelope(Operation::Sale, Method::Card, 100);
        let mut payload = till.payload(&Tap::of("0013", 22), &envelope);
        payload.track2 = SecretBytes::copy_of(&hex::decode(track).unwrap());
        let request = till.request("/v1/transactions", &envelope, Some(&payload));
        assert_eq!(
            till.send(&request).await.ok::<TransactionReply>().de39,
            de39,
            "{track}"
        );
    }
    assert_eq!(till.card(&Tap::of("0013", 22), 100).await.de39, "00");
    host.shutdown().await;
}

#[tokio::test]
async fn cards_need_a_fresh_verdict_and_stored_sales_an_offline_one() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    for (age_ms, online, deferred) in [(60_000, 200, 200), (901_000, 403, 200), (86_401_000, 403, 403)] {
        let statement = format!("UPDATE terminals SET attested_utc_ms = {}", utc_ms() - age_ms);
        write_books(dir.path(), statement).await;
        for (late, status) in [(false, online), (true, deferred)] {
            let mut envelope = till.envelope(Operation::Sale, Method::Card, 100);
            envelope.deferred = late;
            let payload = till.payload(
                &Tap::of("0013", envelope.stan.value().try_into().unwrap()),
                &envelope,
            );
            let request = till.request("/v1/transactions", &envelope, Some(&payload));
            let answer = till.send(&request).await;
            assert_eq!(answer.status, status, "{age_ms} {late}");
            if status == 403 {
                assert_eq!(answer.refusal().1, "attestation_expired");
                assert_eq!(till.state(envelope.key).await.state, TransactionState::NotFound);
            }
        }
        assert_eq!(till.cash(100).await.de39, "00");
    }
    till.attest().await;
    assert_eq!(till.card(&Tap::of("0013", 900), 100).await.de39, "00");
    host.shutdown().await;
}

#[tokio::test]
async fn each_key_seals_once_and_is_bound_to_its_envelope() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let envelope = till.envelope(Operation::Sale, Method::Card, 100);
    let payload = till.payload(&Tap::of("0013", 1), &envelope);
    let request = till.request("/v1/transactions", &envelope, Some(&payload));
    assert_eq!(till.send(&request).await.ok::<TransactionReply>().de39, "00");
    let sealed: serde_json::Value = serde_json::from_slice(&request.body).unwrap();

    // The same sealed data under a new key and envelope.
    let again = till.envelope(Operation::Sale, Method::Card, 100);
    let body = serde_json::json!({ "envelope": again, "sealed": sealed["sealed"] });
    let replay = till.sign("/v1/transactions", &body, Some(again.key));
    assert_eq!(till.send(&replay).await.ok::<TransactionReply>().de39, "A7");

    // Fresh sealed data moved to another envelope.
    let own = till.envelope(Operation::Sale, Method::Card, 200);
    let payload = till.payload(&Tap::of("0013", 2), &own);
    let request = till.request("/v1/transactions", &own, Some(&payload));
    let sealed: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let other = till.envelope(Operation::Sale, Method::Card, 200);
    let body = serde_json::json!({ "envelope": other, "sealed": sealed["sealed"] });
    let moved = till.sign("/v1/transactions", &body, Some(other.key));
    assert_eq!(till.send(&moved).await.ok::<TransactionReply>().de39, "A7");

    // Keys of another terminal.
    let mut stranger = Till::activated(&host, dir.path()).await;
    std::mem::swap(&mut till.data, &mut stranger.data);
    assert_eq!(till.card(&Tap::of("0013", 3), 100).await.de39, "A7");
    assert!(
        host.ledger()
            .await
            .unwrap()
            .iter()
            .filter(|row| row.booked_minor != 0)
            .count()
            == 1
    );
    host.shutdown().await;
}

#[tokio::test]
async fn late_counters_are_taken_within_a_window() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let mut queued = Vec::new();
    for (counter, atc) in [(1, 1), (200, 2), (4_200, 3)] {
        till.data.as_mut().unwrap().advance_to(counter);
        let mut envelope = till.envelope(Operation::Sale, Method::Card, 100);
        envelope.deferred = true;
        let payload = till.payload(&Tap::of("0013", atc), &envelope);
        queued.push(till.request("/v1/transactions", &envelope, Some(&payload)));
    }
    for (request, de39) in queued.iter().rev().zip(["00", "00", "A7"]) {
        assert_eq!(till.send(request).await.ok::<TransactionReply>().de39, de39);
    }
    host.shutdown().await;
}

/// What a card approved in its issuer's name is honoured, whatever the account holds; but only as something that
/// happened before, and only if the card did approve.
#[tokio::test]
async fn approvals_by_the_card_are_honoured_as_advices() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let (tc, aac) = (0x90, 0x80);
    for (ending, said, deferred, de39) in [
        ("0013", tc, true, "00"),
        ("0047", tc, true, "00"),
        ("0013", tc, false, "59"),
        ("0013", aac, true, "59"),
        ("0013", aac, false, "59"),
    ] {
        let mut envelope = till.envelope(Operation::Sale, Method::Card, 100);
        envelope.deferred = deferred;
        let atc = envelope.stan.value().try_into().unwrap();
        let tap = Tap {
            said,
            ..Tap::of(ending, atc)
        };
        let payload = till.payload(&tap, &envelope);
        let request = till.request("/v1/transactions", &envelope, Some(&payload));
        let reply = till.send(&request).await.ok::<TransactionReply>();
        assert_eq!(reply.de39, de39, "{ending} {said:02X} {deferred}");
    }
    host.shutdown().await;
}

#[tokio::test]
async fn pins_are_checked_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let mut atc = 0;
    let mut tap = |pin| {
        atc += 1;
        Tap::of("0054", atc).with_pin(pin)
    };
    for (pin, de39) in [
        ("1234", "00"),
        ("1235", "55"),
        ("12345", "55"),
        ("1234", "00"),
        ("0000", "55"),
        ("0000", "55"),
        ("0000", "75"),
        ("1234", "75"),
    ] {
        assert_eq!(till.card(&tap(pin), 200_000).await.de39, de39, "{pin}");
    }
    // A block under a key that was used before is not read at all.
    let envelope = till.envelope(Operation::Sale, Method::Card, 100);
    let mut payload = till.payload(&Tap::of("0088", 1).with_pin("1234"), &envelope);
    payload.pin.as_mut().unwrap().ksn[11] = 1;
    let request = till.request("/v1/transactions", &envelope, Some(&payload));
    assert_eq!(till.send(&request).await.ok::<TransactionReply>().de39, "99");
    books_balance(dir.path()).await;
    host.shutdown().await;
}

#[tokio::test]
async fn money_comes_from_a_balance_and_goes_back_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    // 10,000,000.00 at first, 50,000.00 at most a sale.
    for atc in 1..=200 {
        assert_eq!(
            till.card(&Tap::of("0013", atc), 5_000_000).await.de39,
            "00",
            "{atc}"
        );
    }
    assert_eq!(till.card(&Tap::of("0013", 201), 1).await.de39, "51");
    let last = host.ledger().await.unwrap()[199].clone();
    let mut named = till.envelope(Operation::Sale, Method::Card, last.amount_minor);
    (named.key, named.stan) = (last.key, last.stan);
    assert_eq!(till.reverse(&named).await, "00");
    assert_eq!(till.card(&Tap::of("0013", 202), 5_000_000).await.de39, "00");
    assert_eq!(till.card(&Tap::of("0013", 203), 1).await.de39, "51");
    books_balance(dir.path()).await;
    host.shutdown().await;
}

#[tokio::test]
async fn no_card_data_in_the_folder_or_the_log() {
    use std::sync::{Arc, Mutex};
    let dir = tempfile::tempdir().unwrap();
    let lines = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&lines);
    let config = softpos_acquirer::HostConfig {
        log: Some(Arc::new(move |line: &str| {
            let mut lines = sink.lock().unwrap();
            lines.push_str(line);
            lines.push('\n');
        })),
        ..softpos_acquirer::HostConfig::new(dir.path())
    };
    let host = softpos_acquirer::Host::start(config).await.unwrap();
    let mut till = Till::activated(&host, dir.path()).await;
    till.card(&Tap::of("0054", 1).with_pin("1234"), 100).await;
    till.card(&Tap::of("0054", 2).with_pin("9999"), 100).await;
    host.shutdown().await;
    let text = lines.lock().unwrap().clone();
    assert!(text.contains("POST /v1/transactions 200"));
    assert!(!text.contains("4761739900000054"));
    for file in ["host.db", "host.db-wal"] {
        let bytes = std::fs::read(dir.path().join(file)).unwrap_or_default();
        for secret in [
            &b"4761739900000054"[..],
            &hex::decode("4761739900000054").unwrap(),
        ] {
            assert!(
                !bytes.windows(secret.len()).any(|window| window == secret),
                "{file}"
            );
        }
    }
}
