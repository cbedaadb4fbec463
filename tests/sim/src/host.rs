//! The simulated host: the till's counterparty in the reference model, over the real bytes of `softpos-host/1`.
//!
//! Small on purpose. It keeps what the protocol promises (idempotency, tombstones, one use of every data key,
//! totals) and decides by simple rules; issuers, wallets and books belong to the reference host.

mod activation;
mod payments;
mod settlement;

use std::collections::{BTreeMap, BTreeSet};

use ring::signature::Ed25519KeyPair;
use softpos_crypto::AesKey;
use softpos_crypto::entropy::Entropy;
use softpos_crypto::jws::{AnswerHeader, request_hash, verify_request};
use softpos_crypto::p256_key::{PublicKey, SoftwareKey};
use softpos_host::{ErrorBody, ErrorDetail, HostRequest, HttpMethod, paths};
use softpos_types::{Batch, PaymentKey, SecretArray};

use crate::chance::Chance;
use activation::KeySetOffer;
pub(crate) use activation::{CODE, LIMIT_MINOR};
pub(crate) use payments::Booked;
pub use payments::PayerMood;

/// An answer on its way.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) jws: String,
    pub(crate) body: Vec<u8>,
}

/// What the host does with a request.
pub(crate) enum Handled {
    Answered(Answer),
    /// The issuer is asked: the same request is taken up again after so many milliseconds.
    Thinking(u64),
}

/// A signed refusal.
pub(super) struct Refusal(u16, &'static str);

/// A body to answer with, or nothing yet.
type Said = Result<Option<Vec<u8>>, Refusal>;

pub(crate) struct Host {
    answer_key: SoftwareKey,
    load_key: SoftwareKey,
    configuration: Ed25519KeyPair,
    bdk: [AesKey; 2],
    entropy: Entropy,
    chance: Chance,
    /// How often in a thousand an issuer takes its time, and approves a part only.
    pub(crate) moods: (u64, u64),
    device: Option<PublicKey>,
    challenges: BTreeSet<Vec<u8>>,
    key_sets: BTreeMap<String, KeySetOffer>,
    nonces: BTreeSet<[u8; 16]>,
    payments: BTreeMap<PaymentKey, payments::Held>,
    tombstones: BTreeSet<PaymentKey>,
    /// The body that came under each data key, and the PIN keys that were used.
    used_data_keys: BTreeMap<[u8; 12], Vec<u8>>,
    used_pin_keys: BTreeSet<[u8; 12]>,
    /// What the next payers do; by chance if nobody says.
    pub(crate) payer: Option<PayerMood>,
    /// Payers' codes that were charged since the till's last start, and before: those it cannot remember.
    used_codes: BTreeSet<Vec<u8>>,
    spent_codes: BTreeSet<Vec<u8>>,
    /// The parameters that were handed out last, and whether there are no newer ones.
    parameters: Vec<u8>,
    pub(crate) parameters_stand: bool,
    batch: Batch,
    settled: BTreeMap<Batch, (Vec<u8>, Vec<u8>)>,
    /// Size and root of the journal that was anchored last.
    anchor: Option<(u64, Vec<u8>)>,
    /// Everything that arrived.
    pub(crate) received: Vec<HostRequest>,
    /// What no honest till may do.
    pub(crate) complaints: Vec<String>,
}

impl Host {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x0040_5754);
        let mut entropy = Entropy::from_seed(SecretArray::take(&mut chance.bytes()));
        let mut bdk = || AesKey::from_bytes(&chance.bytes::<32>()).expect("32 bytes");
        let bdk = [bdk(), bdk()];
        Self {
            answer_key: SoftwareKey::generate(&mut entropy),
            load_key: SoftwareKey::generate(&mut entropy),
            configuration: Ed25519KeyPair::from_seed_unchecked(&entropy.array::<32>()).expect("32 bytes"),
            bdk,
            entropy,
            chance,
            moods: (0, 0),
            device: None,
            challenges: BTreeSet::new(),
            key_sets: BTreeMap::new(),
            nonces: BTreeSet::new(),
            payments: BTreeMap::new(),
            tombstones: BTreeSet::new(),
            used_data_keys: BTreeMap::new(),
            used_pin_keys: BTreeSet::new(),
            payer: None,
            used_codes: BTreeSet::new(),
            spent_codes: BTreeSet::new(),
            parameters: Vec::new(),
            parameters_stand: false,
            batch: Batch::FIRST,
            settled: BTreeMap::new(),
            anchor: None,
            received: Vec::new(),
            complaints: Vec::new(),
        }
    }

    /// Takes a request in. `again`: the issuer has answered.
    pub(crate) fn handle(&mut self, request: &HostRequest, again: bool, utc_ms: u64) -> Handled {
        if !again {
            self.received.push(request.clone());
        }
        let said = self
            .check(request, again)
            .and_then(|()| self.route(request, again, utc_ms));
        let (status, body) = match said {
            Ok(Some(body)) => (200, body),
            Ok(None) => return Handled::Thinking(200 + self.chance.below(4_000)),
            Err(Refusal(status, code)) => {
                let error = ErrorDetail {
                    code: code.into(),
                    message: code.into(),
                    host_utc_ms: utc_ms,
                };
                (status, json(&ErrorBody { error }))
            }
        };
        Handled::Answered(self.sign(&request.jws, status, body))
    }

    fn sign(&self, request_jws: &str, status: u16, body: Vec<u8>) -> Answer {
        let header = AnswerHeader {
            kid: self.answer_key.public().kid(),
            request: request_hash(request_jws),
        };
        let unsigned = header.unsigned(&body);
        let signature = self
            .answer_key
            .sign_digest(&unsigned.digest())
            .expect("a signature");
        Answer {
            status,
            jws: unsigned.assemble(&signature),
            body,
        }
    }

    /// The device's signature; a request without a key is taken once only.
    fn check(&mut self, request: &HostRequest, again: bool) -> Result<(), Refusal> {
        let device = if request.path == paths::REDEEM {
            activation::redeeming_device(&request.body)
        } else {
            self.device
        };
        let target = (request.method.name(), request.path.as_str());
        let header = verify_request(&request.jws, &request.body, target, |kid| {
            device.filter(|key| key.kid() == kid)
        })
        .map_err(|_| Refusal(401, "signature"))?;
        let repeatable = request.key.is_some() || request.path.ends_with("/settle") || again;
        if repeatable || self.nonces.insert(header.nonce) {
            Ok(())
        } else {
            Err(Refusal(409, "replayed"))
        }
    }

    fn route(&mut self, request: &HostRequest, again: bool, utc_ms: u64) -> Said {
        let body = request.body.as_slice();
        match (request.method, request.path.as_str()) {
            (HttpMethod::Post, paths::REDEEM) => self.redeem(body),
            (HttpMethod::Post, paths::ATTEST) => self.attest(body, utc_ms),
            (HttpMethod::Post, paths::KEYS) => self.keys(body),
            (HttpMethod::Post, paths::PARAMS) => self.params(body, utc_ms),
            (HttpMethod::Post, paths::TRANSACTIONS | paths::REFUNDS | paths::CODES) => {
                self.payment(body, again, utc_ms)
            }
            (HttpMethod::Post, paths::CODE_PAYMENTS) => self.charge(body, utc_ms),
            (HttpMethod::Post, paths::REVERSALS) => self.reversal(body, utc_ms),
            (HttpMethod::Post, path) if path.ends_with("/settle") => self.settle(body, utc_ms),
            (HttpMethod::Get, path) => self.status(path, utc_ms),
            (HttpMethod::Post, _) => Err(Refusal(404, "not_found")),
        }
    }
}

pub(super) fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("words of the protocol are JSON")
}

pub(super) fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal(400, "malformed"))
}
