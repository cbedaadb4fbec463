//! A small till: signs, sends, checks the answer's signature; makes card data without a card.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Method as Http};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use softpos_acquirer::{Host, HostConfig};
use softpos_crypto::dukpt::Registers;
use softpos_crypto::entropy::Entropy;
use softpos_crypto::jws::{RequestHeader, verify_answer};
use softpos_crypto::key_block::{self, Policy};
use softpos_crypto::key_load::{Ephemeral, KeySet, Transcript};
use softpos_crypto::mac::kcv;
use softpos_crypto::p256_key::{PublicKey, SoftwareKey};
use softpos_crypto::pin_block::{PinDigits, encipher_format4};
use softpos_crypto::seal::seal_payload;
use softpos_crypto::{AesKey, AesLength};
use softpos_host::{
    AttestRequest, CardPayload, Envelope, KeysReply, KeysRequest, Method, Operation, RedeemReply,
    RedeemRequest, ReversalReason, ReversalRequest, SealedData, SealedPin, StatusReply, TransactionReply,
    TransactionRequest, Verdict,
};
use softpos_types::{Batch, Currency, PaymentKey, SecretArray, SecretBytes, Stan};

use crate::tap::Tap;

pub fn utc_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

pub async fn start(dir: &Path) -> Host {
    Host::start(HostConfig::new(dir)).await.unwrap()
}

/// A client that trusts exactly this host's certificate.
pub fn client(dir: &Path) -> Client {
    let certificate = std::fs::read(dir.join("keys/tls.crt")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Client::builder()
        .tls_backend_preconfigured(config)
        .https_only(true)
        .no_proxy()
        .retry(reqwest::retry::never())
        .build()
        .unwrap()
}

/// An answer with its signature, not checked yet.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    pub jws: String,
    pub request_jws: String,
}

impl Answer {
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn ok<T: DeserializeOwned>(&self) -> T {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Status and code of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        let body: Value = self.json();
        (
            self.status,
            body["error"]["code"]
                .as_str()
                .unwrap_or_else(|| panic!("{body}"))
                .to_owned(),
        )
    }
}

/// A request, signed, ready to be sent any number of times.
#[derive(Clone)]
pub struct Signed {
    pub method: Http,
    pub path: String,
    pub body: Vec<u8>,
    pub jws: String,
    pub key: Option<PaymentKey>,
}

pub struct Till {
    pub url: String,
    pub client: Client,
    pub device: SoftwareKey,
    pub entropy: Entropy,
    pub activation: Option<RedeemReply>,
    pub challenge: Vec<u8>,
    pub data: Option<Registers>,
    pub pin: Option<Registers>,
    pub stan: Stan,
    pub batch: Batch,
}

impl Till {
    pub fn new(host: &Host, dir: &Path) -> Self {
        let mut seed = [0; 32];
        ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut seed).unwrap();
        let mut entropy = Entropy::from_seed(SecretArray::take(&mut seed));
        Self {
            url: host.url(),
            client: client(dir),
            device: SoftwareKey::generate(&mut entropy),
            entropy,
            activation: None,
            challenge: Vec::new(),
            data: None,
            pin: None,
            stan: Stan::FIRST,
            batch: Batch::FIRST,
        }
    }

    /// A till that has gone all the way to the first sale.
    pub async fn activated(host: &Host, dir: &Path) -> Self {
        let mut till = Self::new(host, dir);
        let code = host.issue_activation_code().await.unwrap().to_string();
        till.redeem(&code).await;
        till.attest().await;
        till.load_keys().await;
        till
    }

    pub fn terminal(&self) -> softpos_types::TerminalId {
        self.activation.as_ref().unwrap().terminal.clone()
    }

    pub fn new_key(&mut self) -> PaymentKey {
        PaymentKey::new(utc_ms(), &self.entropy.array())
    }

    pub fn sign_at(
        &mut self,
        (method, path): (Http, &str),
        body: Vec<u8>,
        key: Option<PaymentKey>,
        issued_utc_ms: u64,
    ) -> Signed {
        let header = RequestHeader {
            kid: self.device.public().kid(),
            method: method.as_str().into(),
            target: path.into(),
            issued_utc_ms,
            nonce: self.entropy.array(),
        };
        let unsigned = header.unsigned(&body);
        let signature = self.device.sign_digest(&unsigned.digest()).unwrap();
        Signed {
            method,
            path: path.into(),
            body,
            jws: unsigned.assemble(&signature),
            key,
        }
    }

    pub fn sign(&mut self, path: &str, body: &impl Serialize, key: Option<PaymentKey>) -> Signed {
        self.sign_at(
            (Http::POST, path),
            serde_json::to_vec(body).unwrap(),
            key,
            utc_ms(),
        )
    }

    /// Sends, and gives back what came, unchecked.
    pub async fn try_send(&self, signed: &Signed) -> Result<Answer, reqwest::Error> {
        let mut request = self
            .client
            .request(signed.method.clone(), format!("{}{}", self.url, signed.path))
            .header("Softpos-Signature", &signed.jws)
            .body(signed.body.clone());
        if let Some(key) = signed.key {
            request = request.header("Idempotency-Key", key.to_string());
        }
        let response = request.send().await?;
        let header = response
            .headers()
            .get("softpos-signature")
            .map(|jws| jws.to_str().unwrap().to_owned());
        Ok(Answer {
            status: response.status().as_u16(),
            jws: header.unwrap_or_default(),
            body: response.bytes().await?.to_vec(),
            request_jws: signed.jws.clone(),
        })
    }

    /// Sends, and checks the answer's signature.
    pub async fn send(&self, signed: &Signed) -> Answer {
        let answer = self.try_send(signed).await.unwrap();
        assert!(self.trusts(&answer), "{}", answer.text());
        answer
    }

    pub fn trusts(&self, answer: &Answer) -> bool {
        let keys = self
            .activation
            .as_ref()
            .map(|a| a.anchors.answer.clone())
            .unwrap_or_default();
        let find = |kid: &str| {
            let entry = keys.iter().find(|entry| entry.kid == kid)?;
            PublicKey::from_spki(&entry.key).ok()
        };
        verify_answer(&answer.jws, &answer.body, &answer.request_jws, find).is_ok()
    }

    pub async fn post(&mut self, path: &str, body: &impl Serialize) -> Answer {
        let signed = self.sign(path, body, None);
        self.send(&signed).await
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        let signed = self.sign_at((Http::GET, path), Vec::new(), None, utc_ms());
        self.send(&signed).await
    }

    pub fn redeem_request(&mut self, code: &str) -> Signed {
        let request = RedeemRequest {
            code: code.into(),
            device_spki: self.device.public().spki().to_vec(),
            device_model: "test".into(),
            app_version: "0".into(),
        };
        self.sign("/v1/activation/redeem", &request, None)
    }

    pub async fn redeem(&mut self, code: &str) {
        let signed = self.redeem_request(code);
        let answer = self.try_send(&signed).await.unwrap();
        let reply: RedeemReply = answer.ok();
        self.challenge.clone_from(&reply.attest_challenge);
        self.activation = Some(reply);
        assert!(self.trusts(&answer));
    }

    pub fn attest_request(&self) -> AttestRequest {
        AttestRequest {
            terminal: self.terminal(),
            challenge: self.challenge.clone(),
            kind: "software".into(),
            evidence: Vec::new(),
        }
    }

    pub async fn attest(&mut self) -> Verdict {
        let request = self.attest_request();
        let verdict: Verdict = self.post("/v1/attest", &request).await.ok();
        self.challenge.clone_from(&verdict.next_challenge);
        verdict
    }

    pub async fn load_keys(&mut self) {
        let terminal = self.terminal();
        let phone = Ephemeral::generate(&mut self.entropy);
        let point = *phone.public();
        let offer = KeysRequest::Offer {
            terminal: terminal.clone(),
            device_point: point.point().to_vec(),
        };
        let reply = self.post("/v1/terminal/keys", &offer).await.ok();
        let KeysReply::Offered {
            key_set,
            host_point,
            ikid,
            nonce,
            load_kid,
            signature,
        } = reply
        else {
            panic!("{reply:?}")
        };
        let activation = self.activation.clone().unwrap();
        let host = PublicKey::from_point(&host_point).unwrap();
        let spki = self.device.public().spki();
        let ikid: [u8; 8] = ikid.try_into().unwrap();
        let transcript = Transcript {
            activation_id: activation.activation_id.as_bytes(),
            device_spki: &spki,
            phone: &point,
            host: &host,
            ikid,
            key_set_id: key_set.as_bytes(),
            server_nonce: &nonce,
        };
        let load = activation
            .anchors
            .load
            .iter()
            .find(|entry| entry.kid == load_kid)
            .unwrap();
        let load = PublicKey::from_spki(&load.key).unwrap();
        load.verify(&transcript.message(), signature.as_slice().try_into().unwrap())
            .unwrap();
        let prove = KeysRequest::Prove {
            terminal: terminal.clone(),
            key_set: key_set.clone(),
            signature: self.device.sign_digest(&transcript.digest()).unwrap().to_vec(),
        };
        let reply = self.post("/v1/terminal/keys", &prove).await.ok();
        let KeysReply::Blocks { pin, data } = reply else {
            panic!("{reply:?}")
        };
        let agreement = phone.agree(&host, &transcript).unwrap();
        let (pin, data) = (
            initial_key(&agreement.kbpk(KeySet::Pin), ikid, &pin),
            initial_key(&agreement.kbpk(KeySet::Data), ikid, &data),
        );
        let mac = agreement.confirmation(kcv(&pin), kcv(&data)).to_vec();
        let confirm = KeysRequest::Confirm {
            terminal,
            key_set,
            mac,
        };
        let reply = self.post("/v1/terminal/keys", &confirm).await.ok();
        assert!(matches!(reply, KeysReply::Confirmed { .. }));
        self.pin = Some(Registers::load(pin, ikid));
        self.data = Some(Registers::load(data, ikid));
    }

    pub fn envelope(&mut self, operation: Operation, method: Method, amount_minor: i64) -> Envelope {
        let activation = self.activation.clone().unwrap();
        self.stan = self.stan.next();
        Envelope {
            v: 1,
            key: self.new_key(),
            operation,
            method,
            terminal: activation.terminal,
            merchant: activation.merchant,
            batch: self.batch,
            stan: self.stan,
            amount_minor,
            currency: Currency::CNY,
            utc_ms: utc_ms(),
            utc_offset_min: 480,
            deferred: false,
            original_key: None,
            order: None,
            category: None,
            device_type: "08".into(),
            app_version: "0".into(),
            journal_sequence: 1,
            journal_head: vec![0; 32],
        }
    }

    pub fn request(&mut self, path: &str, envelope: &Envelope, payload: Option<&CardPayload>) -> Signed {
        let text = serde_json::to_string(envelope).unwrap();
        let sealed = payload.map(|payload| {
            let drawn = self.data.as_mut().unwrap().draw().unwrap();
            let clear = payload.to_bytes().unwrap();
            let sealed = seal_payload(drawn.into_data_key(), &mut self.entropy, text.as_bytes(), &clear);
            SealedData {
                ksn: sealed.ksn.to_bytes().to_vec(),
                nonce: sealed.nonce.to_vec(),
                data: sealed.ciphertext_and_tag,
            }
        });
        let request = TransactionRequest {
            envelope: serde_json::value::RawValue::from_string(text).unwrap(),
            sealed,
        };
        self.sign(path, &request, Some(envelope.key))
    }

    pub async fn cash(&mut self, amount_minor: i64) -> TransactionReply {
        let envelope = self.envelope(Operation::Sale, Method::Cash, amount_minor);
        let signed = self.request("/v1/transactions", &envelope, None);
        self.send(&signed).await.ok()
    }

    pub async fn card(&mut self, tap: &Tap, amount_minor: i64) -> TransactionReply {
        let envelope = self.envelope(Operation::Sale, Method::Card, amount_minor);
        let payload = self.payload(tap, &envelope);
        let signed = self.request("/v1/transactions", &envelope, Some(&payload));
        self.send(&signed).await.ok()
    }

    pub fn refund_request(&mut self, sale: &TransactionReply, method: Method, amount_minor: i64) -> Signed {
        let mut envelope = self.envelope(Operation::Refund, method, amount_minor);
        envelope.original_key = Some(sale.key);
        self.request("/v1/refunds", &envelope, None)
    }

    pub fn payload(&mut self, tap: &Tap, envelope: &Envelope) -> CardPayload {
        let pin = tap.pin.map(|digits| {
            let drawn = self.pin.as_mut().unwrap().draw().unwrap();
            let ksn = drawn.ksn().to_bytes();
            let digits = PinDigits::from_ascii(digits.as_bytes()).unwrap();
            let random = self.entropy.array();
            let pan = tap.account.pan();
            SealedPin {
                block: encipher_format4(digits, &pan, drawn.into_pin_key(), random).unwrap(),
                ksn,
            }
        });
        CardPayload {
            track2: SecretBytes::copy_of(&tap.track2()),
            de55: tap.de55(envelope),
            psn: Some(tap.account.psn),
            pin,
        }
    }

    pub async fn state(&mut self, key: PaymentKey) -> StatusReply {
        self.get(&format!("/v1/transactions/{key}")).await.ok()
    }

    pub fn reversal(&mut self, envelope: &Envelope) -> Signed {
        let request = ReversalRequest {
            v: 1,
            original_key: envelope.key,
            terminal: envelope.terminal.clone(),
            merchant: envelope.merchant.clone(),
            batch: envelope.batch,
            stan: envelope.stan,
            amount_minor: envelope.amount_minor,
            currency: envelope.currency,
            reason: ReversalReason::NoAnswer,
        };
        self.sign("/v1/reversals", &request, Some(envelope.key))
    }

    /// Sends a reversal and gives back its response code.
    pub async fn reverse(&mut self, envelope: &Envelope) -> String {
        let signed = self.reversal(envelope);
        self.send(&signed).await.ok::<Value>()["de39"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

fn initial_key(kbpk: &AesKey, ikid: [u8; 8], block: &str) -> AesKey {
    let policy = Policy {
        ikid,
        length: AesLength::Aes256,
    };
    policy.accept(&key_block::unwrap(kbpk, block).unwrap()).unwrap()
}

/// Changes the books of a running host from outside, as time or an operator would.
pub async fn write_books(dir: &Path, statement: impl Into<String>) {
    let database = format!("sqlite://{}", dir.join("host.db").display());
    let pool = sqlx::SqlitePool::connect(&database).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(statement.into()))
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
}

/// Reads base64url.
pub fn base64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
