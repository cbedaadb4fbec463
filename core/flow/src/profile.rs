//! Who this till is and what it may do: the activation and the signed parameters, ready for use.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use softpos_crypto::p256_key::PublicKey;
use softpos_emv::oda::{AuthorityKey, AuthorityKeys, Revocation};
use softpos_emv::{Aid, Combination, CombinationSettings, KernelId, ReaderConfig, TerminalData};
use softpos_host::{
    AnswerKeys, CaPublicKey, CombinationParameters, KeyEntry, Parameters, ReaderParameters, SignedBundle,
};
use softpos_journal::{Activation, Ledger, TrustedKey};
use softpos_types::{Code, SoftPosError};
use softpos_wire::Tag;

/// The device this till runs on.
#[derive(Clone, Debug)]
pub struct Device {
    /// Public key, `SubjectPublicKeyInfo`, DER.
    pub spki: Vec<u8>,
    /// Its name: base64url of SHA-256 over `spki`.
    pub kid: String,
    /// What the device calls itself.
    pub model: String,
    /// Version of the program.
    pub app_version: String,
}

impl Device {
    /// Names the key.
    ///
    /// # Errors
    /// [`Code::SecureHardware`] when the bytes are no P-256 key.
    pub fn new(spki: Vec<u8>, model: String, app_version: String) -> Result<Self, SoftPosError> {
        let key = PublicKey::from_spki(&spki).map_err(|_| SoftPosError::of(Code::SecureHardware))?;
        Ok(Self {
            kid: key.kid(),
            spki,
            model,
            app_version,
        })
    }
}

/// The parameters in use, with the reader's configuration made of them.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) parameters: Parameters,
    pub(crate) reader: ReaderConfig,
}

impl Profile {
    /// Reads the bundle that the journal holds; its signature was checked when it was taken over, and its
    /// record is sealed. A bundle whose dates have passed is no profile.
    pub(crate) fn of(ledger: &Ledger) -> Option<Self> {
        let taken = ledger.parameters.as_ref()?;
        let parameters: Parameters = serde_json::from_slice(&taken.bytes).ok()?;
        let reader = reader_config(&parameters.reader)?;
        Some(Self { parameters, reader })
    }

    /// Checks a new bundle against the activation's keys before it is taken over.
    pub(crate) fn verify(
        bundle: &SignedBundle,
        activation: &Activation,
        in_use_version: u64,
        now_utc_ms: u64,
    ) -> Result<Parameters, SoftPosError> {
        let keys: Vec<KeyEntry> = activation.configuration_keys.iter().map(key_entry).collect();
        let parameters = bundle
            .open(&keys, &activation.terminal, in_use_version, now_utc_ms)
            .map_err(|error| invalid(alloc::format!("{error:?}")))?;
        if reader_config(&parameters.reader).is_none() {
            return Err(invalid("reader set".into()));
        }
        Ok(parameters)
    }
}

/// The keys under which this activation believes answers.
pub(crate) fn answer_keys(activation: &Activation) -> AnswerKeys {
    AnswerKeys(activation.answer_keys.iter().map(key_entry).collect())
}

pub(crate) fn key_entry(key: &TrustedKey) -> KeyEntry {
    KeyEntry {
        kid: key.kid.clone(),
        key: key.key.clone(),
    }
}

pub(crate) fn trusted_key(entry: &KeyEntry) -> TrustedKey {
    TrustedKey {
        kid: entry.kid.clone(),
        key: entry.key.clone(),
    }
}

fn invalid(detail: String) -> SoftPosError {
    SoftPosError::of(Code::ParametersInvalid).with_detail(detail)
}

/// Turns the JSON of the parameters into the kernels' words; `None` for hex or numbers that are none, and for
/// an authority key whose checksum is wrong: such a set was damaged or mixed up before it was signed.
pub fn reader_config(parameters: &ReaderParameters) -> Option<ReaderConfig> {
    let terminal = terminal_data(&parameters.terminal)?;
    let kernels = parameters
        .kernels
        .iter()
        .map(|(kernel, data)| Some((KernelId::new((*kernel).into()), terminal_data(data)?)))
        .collect::<Option<Vec<_>>>()?;
    let unverified = parameters.unverified_kernels.iter();
    let combinations = parameters
        .combinations
        .iter()
        .map(combination)
        .collect::<Option<Vec<_>>>()?;
    Some(ReaderConfig {
        combinations,
        terminal,
        kernels,
        unverified_kernels: unverified.map(|kernel| KernelId::new((*kernel).into())).collect(),
        authority_keys: Arc::new(authority_keys(parameters)?),
    })
}

fn authority_keys(parameters: &ReaderParameters) -> Option<AuthorityKeys> {
    let keys = parameters.capks.iter().map(authority_key);
    let revoked = parameters.revoked.iter().map(|text| revocation(text));
    AuthorityKeys::new(keys.collect::<Option<_>>()?, revoked.collect::<Option<_>>()?).ok()
}

fn authority_key(key: &CaPublicKey) -> Option<AuthorityKey> {
    let [index] = bytes(&key.index)?;
    let (modulus, exponent) = (hex::decode(&key.modulus).ok()?, hex::decode(&key.exponent).ok()?);
    let taken = AuthorityKey::new(
        (bytes(&key.rid)?, index),
        &modulus,
        &exponent,
        bytes(&key.checksum)?,
    )
    .ok()?;
    Some(match &key.expires_yymmdd {
        Some(last_day) => taken.expiring(bytes(last_day)?),
        None => taken,
    })
}

fn revocation(text: &str) -> Option<Revocation> {
    let [rid @ .., index, a, b, c] = bytes::<9>(text)?;
    Some(Revocation {
        rid,
        index,
        serial: [a, b, c],
    })
}

/// Exactly N bytes in hex.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    hex::decode(text).ok()?.try_into().ok()
}

fn terminal_data(values: &BTreeMap<String, String>) -> Option<TerminalData> {
    let mut data = TerminalData::new();
    for (tag, value) in values {
        data.set(
            Tag::new(u32::from_str_radix(tag, 16).ok()?),
            &hex::decode(value).ok()?,
        );
    }
    Some(data)
}

fn combination(parameters: &CombinationParameters) -> Option<Combination> {
    let ttq = match &parameters.ttq {
        Some(text) => Some(hex::decode(text).ok()?.try_into().ok()?),
        None => None,
    };
    Some(Combination {
        aid: Aid::new(&hex::decode(&parameters.aid).ok()?).ok()?,
        kernel: KernelId::new(parameters.kernel.into()),
        transaction_type: parameters.transaction_type,
        settings: CombinationSettings {
            status_check: parameters.status_check,
            zero_amount_allowed: parameters.zero_amount_allowed,
            extended_selection: parameters.extended_selection,
            transaction_limit_minor: parameters.transaction_limit_minor,
            floor_limit_minor: parameters.floor_limit_minor,
            terminal_floor_limit_minor: None,
            cvm_limit_minor: parameters.cvm_limit_minor,
            ttq,
            data: terminal_data(&parameters.data)?,
        },
    })
}
