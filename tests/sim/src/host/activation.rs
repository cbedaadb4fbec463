//! Activation, attestation, key load and parameters.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::KeyPair as _;
use softpos_crypto::AesKey;
use softpos_crypto::dukpt::initial_key;
use softpos_crypto::key_block::{self, Header};
use softpos_crypto::key_load::{Ephemeral, KeySet, Transcript};
use softpos_crypto::mac::kcv;
use softpos_crypto::p256_key::{PublicKey, SoftwareKey, sha256};
use softpos_host::{
    Anchors, AttestRequest, CaPublicKey, CodeParameters, CombinationParameters, KeyEntry, KeysReply,
    KeysRequest, Limits, MerchantProfile, OfflinePolicy, Parameters, ParamsReply, ParamsRequest,
    ReaderParameters, ReceiptParameters, RedeemReply, RedeemRequest, Requirement, SignedBundle, Timers,
    Verdict, WalletParameters, WalletWindow,
};
use softpos_types::{Currency, MerchantId, Method, TerminalId};

use super::{Host, Refusal, Said, json, read};

/// The activation code of the only terminal.
pub(crate) const CODE: &str = "SIM-CODE";
const ACTIVATION_ID: &str = "activation-1";
const MINUTE_MS: u64 = 60_000;

/// The largest payment.
pub(crate) const LIMIT_MINOR: i64 = 500_000;

pub(super) struct KeySetOffer {
    ikid: [u8; 8],
    transcript: Vec<u8>,
    blocks: [String; 2],
    confirmation: [u8; 32],
    proved: bool,
}

pub(super) fn redeeming_device(body: &[u8]) -> Option<PublicKey> {
    let request: RedeemRequest = serde_json::from_slice(body).ok()?;
    PublicKey::from_spki(&request.device_spki).ok()
}

pub(super) fn terminal() -> TerminalId {
    TerminalId::new("SIM00001").expect("8 characters")
}

fn merchant() -> MerchantId {
    MerchantId::new("898290058120001").expect("15 characters")
}

impl Host {
    /// The same code from the same device gets the same answer again.
    pub(super) fn redeem(&mut self, body: &[u8]) -> Said {
        let request: RedeemRequest = read(body)?;
        let device = PublicKey::from_spki(&request.device_spki).map_err(|_| Refusal(400, "malformed"))?;
        if request.code != CODE {
            return Err(Refusal(404, "activation_unknown"));
        }
        if self.device.is_some_and(|bound| bound != device) {
            return Err(Refusal(409, "activation_used"));
        }
        self.device = Some(device);
        let entry = |key: &SoftwareKey| KeyEntry {
            kid: key.public().kid(),
            key: key.public().spki().to_vec(),
        };
        let reply = RedeemReply {
            activation_id: ACTIVATION_ID.into(),
            terminal: terminal(),
            merchant: merchant(),
            registration: Requirement::NotRequired,
            verification: Requirement::NotRequired,
            anchors: Anchors {
                configuration: vec![self.configuration_key()],
                load: vec![entry(&self.load_key)],
                answer: vec![entry(&self.answer_key)],
            },
            attest_challenge: self.challenge(),
        };
        Ok(Some(json(&reply)))
    }

    fn challenge(&mut self) -> Vec<u8> {
        let challenge = self.entropy.array::<32>().to_vec();
        self.challenges.insert(challenge.clone());
        challenge
    }

    pub(super) fn attest(&mut self, body: &[u8], utc_ms: u64) -> Said {
        let request: AttestRequest = read(body)?;
        if !self.challenges.contains(&request.challenge) || request.kind != "software" {
            return Err(Refusal(403, "attestation_refused"));
        }
        let verdict = Verdict {
            level: request.kind,
            issued_utc_ms: utc_ms,
            expires_utc_ms: utc_ms + 240 * MINUTE_MS,
            offline_hours: 8,
            next_challenge: self.challenge(),
        };
        Ok(Some(json(&verdict)))
    }

    pub(super) fn keys(&mut self, body: &[u8]) -> Said {
        let reply = match read(body)? {
            KeysRequest::Offer { device_point, .. } => self.offer(&device_point)?,
            KeysRequest::Prove {
                key_set, signature, ..
            } => {
                let device = self.device.ok_or(Refusal(404, "terminal_unknown"))?;
                let offer = self.key_sets.get_mut(&key_set).ok_or(Refusal(404, "not_found"))?;
                let signature: [u8; 64] = signature.try_into().map_err(|_| Refusal(400, "malformed"))?;
                device
                    .verify(&offer.transcript, &signature)
                    .map_err(|_| Refusal(401, "signature"))?;
                offer.proved = true;
                let [pin, data] = offer.blocks.clone();
                KeysReply::Blocks { pin, data }
            }
            KeysRequest::Confirm { key_set, mac, .. } => {
                let offer = self.key_sets.get(&key_set).ok_or(Refusal(404, "not_found"))?;
                if !offer.proved || mac != offer.confirmation {
                    return Err(Refusal(401, "signature"));
                }
                KeysReply::Confirmed { key_set }
            }
        };
        Ok(Some(json(&reply)))
    }

    fn offer(&mut self, device_point: &[u8]) -> Result<KeysReply, Refusal> {
        let malformed = || Refusal(400, "malformed");
        let phone = PublicKey::from_point(device_point).map_err(|_| malformed())?;
        let device = self.device.ok_or(Refusal(404, "terminal_unknown"))?;
        let number = u64::try_from(self.key_sets.len()).unwrap_or(0) + 1;
        let ikid = number.to_be_bytes();
        let key_set = format!("ks-{number}");
        let nonce = self.entropy.array::<16>();
        let ephemeral = Ephemeral::generate(&mut self.entropy);
        let host = *ephemeral.public();
        let transcript = Transcript {
            activation_id: ACTIVATION_ID.as_bytes(),
            device_spki: &device.spki(),
            phone: &phone,
            host: &host,
            ikid,
            key_set_id: key_set.as_bytes(),
            server_nonce: &nonce,
        };
        let agreement = ephemeral.agree(&phone, &transcript).map_err(|_| malformed())?;
        let [pin, data] = self.initial_keys(ikid);
        let mut wrapped = |set, key: &AesKey| {
            let header = Header::initial_key(ikid);
            key_block::wrap(&agreement.kbpk(set), &header, key.expose(), &mut self.entropy).expect("a block")
        };
        let offer = KeySetOffer {
            ikid,
            transcript: transcript.message(),
            blocks: [wrapped(KeySet::Pin, &pin), wrapped(KeySet::Data, &data)],
            confirmation: agreement.confirmation(kcv(&pin), kcv(&data)),
            proved: false,
        };
        let signature = self
            .load_key
            .sign_digest(&transcript.digest())
            .expect("a signature");
        let reply = KeysReply::Offered {
            key_set: key_set.clone(),
            host_point: host.point().to_vec(),
            ikid: ikid.to_vec(),
            nonce: nonce.to_vec(),
            load_kid: self.load_key.public().kid(),
            signature: signature.to_vec(),
        };
        self.key_sets.insert(key_set, offer);
        Ok(reply)
    }

    /// PIN and data key of a set.
    pub(super) fn initial_keys(&self, ikid: [u8; 8]) -> [AesKey; 2] {
        self.bdk.each_ref().map(|bdk| initial_key(bdk, ikid))
    }

    /// Whether the till has proven itself for the set with this id.
    pub(super) fn is_handed_out(&self, ikid: [u8; 8]) -> bool {
        self.key_sets.values().any(|set| set.ikid == ikid && set.proved)
    }

    fn configuration_key(&self) -> KeyEntry {
        let key = self.configuration.public_key().as_ref().to_vec();
        KeyEntry {
            kid: URL_SAFE_NO_PAD.encode(sha256(&key)),
            key,
        }
    }

    pub(super) fn params(&mut self, body: &[u8], utc_ms: u64) -> Said {
        let _: ParamsRequest = read(body)?;
        if !self.parameters_stand {
            self.parameters = json(&parameters(utc_ms));
        }
        let bytes = self.parameters.clone();
        let bundle = SignedBundle {
            sig: self.configuration.sign(&bytes).as_ref().to_vec(),
            kid: self.configuration_key().kid,
            bytes,
        };
        Ok(Some(json(&ParamsReply { bundle })))
    }
}

fn parameters(utc_ms: u64) -> Parameters {
    Parameters {
        audience: terminal(),
        version: 1,
        not_before_utc_ms: utc_ms.saturating_sub(120 * MINUTE_MS),
        expires_utc_ms: utc_ms + 720 * MINUTE_MS,
        merchant: MerchantProfile {
            number: merchant(),
            name: "SIM SHOP".into(),
            name_latin: "SIM SHOP".into(),
            city: "SHANGHAI".into(),
            country: "CN".into(),
            country_numeric: 156,
            mcc: "5812".into(),
        },
        currency: Currency::CNY,
        utc_offset_min: 480,
        methods: Method::ALL.to_vec(),
        categories: Vec::new(),
        limits: Limits {
            payment_minor: LIMIT_MINOR,
            no_cvm_minor: 100_000,
        },
        offline: OfflinePolicy {
            enabled: true,
            payment_minor: 50_000,
            count: 4,
            sum_minor: 100_000,
            age_ms: 60 * MINUTE_MS,
        },
        timers: Timers {
            t1_ms: 60_000,
            connect_ms: 10_000,
            query_ms: vec![0, 2_000, 5_000, 10_000, 20_000],
            reversal_ms: vec![5_000, 5_000, 60_000, 120_000, 300_000],
            forward_ms: vec![5_000, 15_000, 60_000],
            code_query_ms: 2_000,
            card_ms: 60_000,
            pin_ms: 60_000,
        },
        codes: CodeParameters {
            lifetime_ms: 300_000,
            wallets: wallets(),
        },
        receipt: ReceiptParameters { copies: 1 },
        reader: reader(),
    }
}

/// Two wallets whose rules differ most, at their own pace.
fn wallets() -> Vec<WalletParameters> {
    let wechat = WalletParameters {
        wallet: "wechat".into(),
        aids: Vec::new(),
        first_query_ms: 5_000,
        query_interval_ms: 10_000,
        total_ms: 45_000,
        reverse_not_before_ms: 15_000,
        retry_quick_ms: 5_000,
        retry_quick_count: 6,
        retry_slow_ms: 60_000,
        window: WalletWindow::For(7 * 86_400_000),
        reverses_failed: true,
        confirms_paid: false,
    };
    let alipay = WalletParameters {
        wallet: "alipay".into(),
        query_interval_ms: 5_000,
        total_ms: 60_000,
        reverse_not_before_ms: 0,
        retry_quick_ms: 2_000,
        retry_quick_count: 3,
        retry_slow_ms: 900_000,
        window: WalletWindow::For(86_400_000),
        reverses_failed: false,
        confirms_paid: true,
        ..wechat.clone()
    };
    vec![wechat, alipay]
}

fn reader() -> ReaderParameters {
    let terminal: BTreeMap<String, String> = [("9F1A", "0156"), ("9F33", "0048C8"), ("9F35", "22")]
        .map(|(tag, value)| (tag.into(), value.into()))
        .into();
    ReaderParameters {
        terminal,
        kernels: BTreeMap::new(),
        unverified_kernels: Vec::new(),
        combinations: vec![CombinationParameters {
            aid: "A0000000031010".into(),
            kernel: 3,
            transaction_type: 0,
            status_check: false,
            zero_amount_allowed: Some(false),
            extended_selection: false,
            transaction_limit_minor: Some(LIMIT_MINOR + 1),
            floor_limit_minor: Some(10_000),
            cvm_limit_minor: Some(100_001),
            ttq: Some("25004000".into()),
            data: BTreeMap::new(),
        }],
        capks: authorities(),
        curve_capks: Vec::new(),
        revoked: Vec::new(),
        exceptions: None,
    }
}

/// The authorities of the software cards.
fn authorities() -> Vec<CaPublicKey> {
    let hex = |bytes: &[u8]| hex::encode_upper(bytes);
    let keys = softpos_cards::authority_keys().into_iter();
    keys.map(|key| CaPublicKey {
        rid: hex(&key.rid),
        index: hex(&[key.index]),
        modulus: hex(&key.modulus),
        exponent: hex(&key.exponent),
        checksum: hex(&key.checksum),
        expires_yymmdd: None,
    })
    .collect()
}
