use softpos_acquirer::{Host, HostConfig, HostError, TimerProfile};
use softpos_crypto::p256_key::SoftwareKey;
use softpos_host::{EchoReply, EchoRequest, KeysRequest, ParamsReply, ParamsRequest};
use softpos_types::TerminalId;

use crate::till::{Till, base64url, start, utc_ms, write_books};

#[tokio::test]
async fn from_a_code_to_parameters() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let request = ParamsRequest {
        terminal: till.terminal(),
        have_version: 0,
    };
    let reply: ParamsReply = till.post("/v1/params", &request).await.ok();
    let anchors = till.activation.clone().unwrap().anchors.configuration;
    let parameters = reply
        .bundle
        .open(&anchors, &till.terminal(), 0, utc_ms())
        .unwrap();
    assert_eq!(parameters.merchant.name_latin, "DEMO SHOP");
    assert_eq!(parameters.version, 1);
    let echo = EchoRequest {
        terminal: till.terminal(),
    };
    let reply: EchoReply = till.post("/v1/echo", &echo).await.ok();
    assert!(reply.host_utc_ms.abs_diff(utc_ms()) < 60_000);
    let mut other = reply_for_other_terminal(&mut till).await;
    other.bundle.bytes.push(b' ');
    assert!(
        other
            .bundle
            .open(&anchors, &till.terminal(), 0, utc_ms())
            .is_err()
    );
    host.shutdown().await;
}

async fn reply_for_other_terminal(till: &mut Till) -> ParamsReply {
    let strange = ParamsRequest {
        terminal: TerminalId::new("SP999999").unwrap(),
        have_version: 0,
    };
    assert_eq!(
        till.post("/v1/params", &strange).await.refusal(),
        (403, "terminal_unknown".into())
    );
    let own = ParamsRequest {
        terminal: till.terminal(),
        have_version: 1,
    };
    till.post("/v1/params", &own).await.ok()
}

#[tokio::test]
async fn a_code_is_one_device_s() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let code = host.issue_activation_code().await.unwrap();
    let mut first = Till::new(&host, dir.path());
    first.redeem(&code.to_string()).await;
    let terminal = first.terminal();
    // The first answer was lost: the same device gets the same terminal again.
    first
        .redeem(&code.to_string().to_lowercase().replace('-', ""))
        .await;
    assert_eq!(first.terminal(), terminal);
    let mut second = Till::new(&host, dir.path());
    for (code, refusal) in [
        (code.to_string(), "activation_used"),
        ("00000-00000".into(), "activation_unknown"),
        ("no code at all".into(), "activation_unknown"),
    ] {
        let signed = second.redeem_request(&code);
        assert_eq!(
            second.try_send(&signed).await.unwrap().refusal(),
            (410, refusal.into())
        );
    }
    // A new code makes a new terminal of the device; the old number is dead.
    let again = host.issue_activation_code().await.unwrap();
    let old = EchoRequest { terminal };
    first.redeem(&again.to_string()).await;
    assert_ne!(first.terminal(), old.terminal);
    assert_eq!(
        first.post("/v1/echo", &old).await.refusal(),
        (403, "terminal_unknown".into())
    );
    host.shutdown().await;
}

#[tokio::test]
async fn a_code_lasts_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let code = host.issue_activation_code().await.unwrap().to_string();
    let mut till = Till::new(&host, dir.path());
    write_books(dir.path(), "UPDATE activations SET expires_utc_ms = 1").await;
    let signed = till.redeem_request(&code);
    assert_eq!(
        till.try_send(&signed).await.unwrap().refusal(),
        (410, "activation_expired".into())
    );
    let code = host.issue_activation_code().await.unwrap().to_string();
    till.redeem(&code).await;
    // Once it was used, a lost answer can be fetched at any time.
    write_books(dir.path(), "UPDATE activations SET expires_utc_ms = 1").await;
    till.redeem(&code).await;
    host.shutdown().await;
}

#[tokio::test]
async fn the_uri_says_where_and_whom_to_trust() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let code = host.issue_activation_code().await.unwrap();
    let port = host.url().rsplit(':').next().unwrap().to_owned();
    assert_eq!(
        host.activation_uri(&code),
        format!(
            "softpos:activate?v=1&host=https%3A%2F%2F127.0.0.1%3A{port}&pin={}&code={code}",
            host.pin()
        )
    );
    assert_eq!(base64url(&host.pin()).len(), 32);
    host.shutdown().await;
}

#[tokio::test]
async fn signatures_clocks_and_replays() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let echo = EchoRequest {
        terminal: till.terminal(),
    };
    let signed = till.sign("/v1/echo", &echo, None);
    assert_eq!(till.send(&signed).await.status, 200);
    assert_eq!(till.send(&signed).await.refusal(), (409, "replayed".into()));

    let body = serde_json::to_vec(&echo).unwrap();
    let post = reqwest::Method::POST;
    for late in [utc_ms() - 301_000, utc_ms() + 301_000, 0, u64::MAX] {
        let skewed = till.sign_at((post.clone(), "/v1/echo"), body.clone(), None, late);
        assert_eq!(till.send(&skewed).await.refusal(), (401, "clock_skew".into()));
    }

    let signed = till.sign("/v1/echo", &echo, None);
    let mut moved = signed.clone();
    moved.path = "/v1/params".into();
    let mut changed = signed.clone();
    changed.body.push(b' ');
    let mut unsigned = signed.clone();
    unsigned.jws = String::new();
    let mut garbled = signed.clone();
    garbled.jws = "e30..AAAA".into();
    let mut forged = signed.clone();
    let stranger = std::mem::replace(&mut till.device, SoftwareKey::generate(&mut till.entropy));
    let wrong = till.sign("/v1/echo", &echo, None);
    assert_eq!(
        till.send(&wrong).await.refusal(),
        (403, "terminal_unknown".into())
    );
    till.device = stranger;
    forged.jws = format!(
        "{}..{}",
        signed.jws.split("..").next().unwrap(),
        wrong.jws.split("..").nth(1).unwrap()
    );
    for bad in [moved, changed, unsigned, garbled, forged] {
        assert_eq!(
            till.send(&bad).await.refusal(),
            (401, "signature".into()),
            "{}",
            bad.jws
        );
    }
    assert_eq!(till.send(&signed).await.status, 200);
    host.shutdown().await;
}

#[tokio::test]
async fn attestation_challenges_serve_once() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let first = till.attest_request();
    let verdict = till.attest().await;
    assert_eq!((verdict.level.as_str(), verdict.offline_hours), ("software", 24));
    assert!(verdict.expires_utc_ms > utc_ms());
    // The answer may have been lost: the last challenge serves until its successor was used.
    let again: softpos_host::Verdict = till.post("/v1/attest", &first).await.ok();
    assert_eq!(again.next_challenge, verdict.next_challenge);
    till.attest().await;
    assert_eq!(
        till.post("/v1/attest", &first).await.refusal(),
        (403, "attestation_refused".into())
    );
    let mut other_kind = till.attest_request();
    other_kind.kind = "android".into();
    assert_eq!(
        till.post("/v1/attest", &other_kind).await.refusal(),
        (403, "attestation_refused".into())
    );
    let mut none = till.attest_request();
    none.challenge.clear();
    assert_eq!(
        till.post("/v1/attest", &none).await.refusal(),
        (403, "attestation_refused".into())
    );
    host.shutdown().await;
}

#[tokio::test]
async fn key_loads_need_their_proofs() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let terminal = till.terminal();
    let point = till.device.public().point().to_vec();
    let offer = KeysRequest::Offer {
        terminal: terminal.clone(),
        device_point: point.clone(),
    };
    let offered: serde_json::Value = till.post("/v1/terminal/keys", &offer).await.ok();
    let key_set = offered["key_set"].as_str().unwrap().to_owned();
    let signature = till.device.sign_digest(&[7; 32]).unwrap().to_vec();
    let prove = KeysRequest::Prove {
        terminal: terminal.clone(),
        key_set: key_set.clone(),
        signature,
    };
    assert_eq!(
        till.post("/v1/terminal/keys", &prove).await.refusal(),
        (401, "signature".into())
    );
    let confirm = KeysRequest::Confirm {
        terminal: terminal.clone(),
        key_set,
        mac: vec![0; 32],
    };
    assert_eq!(
        till.post("/v1/terminal/keys", &confirm).await.refusal(),
        (404, "not_found".into())
    );
    let mut off_curve = point;
    off_curve[64] ^= 1;
    for bad in [off_curve, vec![0], Vec::new()] {
        let offer = KeysRequest::Offer {
            terminal: terminal.clone(),
            device_point: bad,
        };
        assert_eq!(
            till.post("/v1/terminal/keys", &offer).await.refusal(),
            (400, "malformed".into())
        );
    }
    host.shutdown().await;
}

#[tokio::test]
async fn malformed_requests_are_refused_with_a_signature() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let post = reqwest::Method::POST;
    for path in [
        "/v1/attest",
        "/v1/params",
        "/v1/echo",
        "/v1/terminal/keys",
        "/v1/transactions",
        "/v1/refunds",
        "/v1/codes",
        "/v1/reversals",
        "/v1/batches/000001/settle",
    ] {
        for body in [
            &b""[..],
            b"{}",
            b"null",
            b"[1,2",
            b"\xFF\xFE",
            b"{\"terminal\":4761739900000013}",
        ] {
            let signed = till.sign_at((post.clone(), path), body.to_vec(), None, utc_ms());
            let answer = till.send(&signed).await;
            assert_eq!(answer.refusal(), (400, "malformed".into()), "{path}");
            assert!(!answer.text().contains("4761739900000013"));
        }
    }
    let large = till.sign_at((post.clone(), "/v1/echo"), vec![b' '; 65 * 1_024], None, utc_ms());
    assert_eq!(till.send(&large).await.refusal(), (413, "malformed".into()));
    for path in [
        "/v1/nothing",
        "/v1/",
        "/",
        "/v2/echo",
        "/v1/batches/1/2/settle",
        "/v1/echo?x=1",
    ] {
        let signed = till.sign_at((post.clone(), path), Vec::new(), None, utc_ms());
        assert_eq!(
            till.send(&signed).await.refusal(),
            (404, "not_found".into()),
            "{path}"
        );
    }
    let wrong = till.sign_at((reqwest::Method::GET, "/v1/echo"), Vec::new(), None, utc_ms());
    assert_eq!(till.send(&wrong).await.refusal(), (405, "not_found".into()));
    assert_eq!(
        till.get("/v1/transactions/no-key").await.refusal(),
        (400, "malformed".into())
    );
    host.shutdown().await;
}

#[tokio::test]
async fn a_restart_keeps_keys_terminals_and_raises_the_version_with_the_timers() {
    let dir = tempfile::tempdir().unwrap();
    let host = start(dir.path()).await;
    let mut till = Till::activated(&host, dir.path()).await;
    let pin = host.pin();
    assert!(matches!(
        Host::start(HostConfig::new(dir.path())).await,
        Err(HostError::InUse(_))
    ));
    let request = ParamsRequest {
        terminal: till.terminal(),
        have_version: 0,
    };
    let before: ParamsReply = till.post("/v1/params", &request).await.ok();
    host.shutdown().await;
    let config = HostConfig {
        timers: TimerProfile::Live,
        ..HostConfig::new(dir.path())
    };
    let host = Host::start(config).await.unwrap();
    assert_eq!(host.pin(), pin);
    till.url = host.url();
    let after: ParamsReply = till.post("/v1/params", &request).await.ok();
    let anchors = till.activation.clone().unwrap().anchors.configuration;
    let open = |reply: &ParamsReply| {
        reply
            .bundle
            .open(&anchors, &till.terminal(), 0, utc_ms())
            .unwrap()
    };
    assert_eq!((open(&before).version, open(&after).version), (1, 2));
    assert_eq!(open(&after).timers.t1_ms, 60_000);
    host.shutdown().await;
}
