//! Who this till is and what it may do: the activation and the signed parameters, ready for use.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use softpos_crypto::p256_key::PublicKey;
use softpos_emv::oda::{AuthorityKey, AuthorityKeys, CurveAuthorityKey, Revocation};
use softpos_emv::{
    Aid, Combination, CombinationSettings, ExceptionFile, KernelId, ReaderConfig, TerminalData,
};
use softpos_host::{
    AnswerKeys, CaPublicKey, CombinationParameters, CurveCaPublicKey, ExceptionParameters, KeyEntry,
    Parameters, ReaderParameters, SignedBundle,
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
        exceptions: Arc::new(exception_file(parameters.exceptions.as_ref())?),
    })
}

/// A salt that is too short would name the same card alike in many lists.
fn exception_file(parameters: Option<&ExceptionParameters>) -> Option<ExceptionFile> {
    let Some(parameters) = parameters else {
        return Some(ExceptionFile::default());
    };
    let salt = hex::decode(&parameters.salt).ok()?;
    let marks = parameters.cards.iter().map(|mark| bytes(mark));
    let marks = marks.collect::<Option<Vec<_>>>()?;
    (16..=64)
        .contains(&salt.len())
        .then(|| ExceptionFile::new(&salt, marks))
}

fn authority_keys(parameters: &ReaderParameters) -> Option<AuthorityKeys> {
    let keys = parameters.capks.iter().map(authority_key);
    let revoked = parameters.revoked.iter().map(|text| revocation(text));
    let curve_keys = parameters.curve_capks.iter().map(curve_authority_key);
    AuthorityKeys::new(keys.collect::<Option<_>>()?, revoked.collect::<Option<_>>()?)
        .ok()?
        .with_curve_keys(curve_keys.collect::<Option<_>>()?)
        .ok()
}

fn curve_authority_key(key: &CurveCaPublicKey) -> Option<CurveAuthorityKey> {
    let [index] = bytes(&key.index)?;
    let signature = hex::decode(&key.signature).ok()?;
    let taken = CurveAuthorityKey::new((bytes(&key.rid)?, index), &bytes(&key.x)?, &signature).ok()?;
    Some(match &key.expires_yymmdd {
        Some(last_day) => taken.expiring(bytes(last_day)?),
        None => taken,
    })
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

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    /// A key of 512 bits with the checksum that belongs to it.
    fn key(checksum: &str) -> CaPublicKey {
        CaPublicKey {
            rid: "A000000003".into(),
            index: "92".into(),
            modulus: "C7".repeat(64),
            exponent: "03".into(),
            checksum: checksum.into(),
            expires_yymmdd: Some("301231".into()),
        }
    }

    const CHECKSUM: &str = "0000000000000000000000000000000000000000";

    fn right_checksum() -> String {
        let modulus = [0xC7; 64];
        let checksum = softpos_crypto::emv_rsa::key_checksum(([0xA0, 0, 0, 0, 3], 0x92), &modulus, &[3]);
        hex::encode_upper(checksum)
    }

    fn reader(capks: Vec<CaPublicKey>, revoked: &[&str]) -> ReaderParameters {
        ReaderParameters {
            terminal: BTreeMap::new(),
            kernels: BTreeMap::new(),
            unverified_kernels: Vec::new(),
            combinations: Vec::new(),
            capks,
            curve_capks: Vec::new(),
            revoked: revoked.iter().map(ToString::to_string).collect(),
            exceptions: None,
        }
    }

    #[test]
    fn authority_keys_come_with_their_last_day_and_revocations() {
        let serial = "A00000000392000001";
        let config = reader_config(&reader(vec![key(&right_checksum())], &[serial])).unwrap();
        let found = |today| {
            config
                .authority_keys
                .find([0xA0, 0, 0, 0, 3], 0x92, today)
                .is_some()
        };
        assert!(found([0x30, 0x12, 0x31]) && !found([0x31, 0x01, 0x01]));
        assert!(config.authority_keys.is_revoked(&Revocation {
            rid: [0xA0, 0, 0, 0, 3],
            index: 0x92,
            serial: [0, 0, 1],
        }));
    }

    /// The authority of EMV Contactless Book E, worked example 3, with its own signature as Mastercard Ecos 1.0,
    /// appendix B, has it.
    #[test]
    fn a_set_with_a_damaged_curve_key_is_not_taken() {
        let key = CurveCaPublicKey {
            rid: "A000000004".into(),
            index: "E0".into(),
            x: "F60DAECD42B48FCCA547D942204D6098F1A353A5CD25CBDF2EC1ABFD0170E0FC".into(),
            signature: "7796E8770697859834F7E7B5E792EEB698882292E7F2B918C4BA37C9EC10CB89\
                        841639789B9221A744805DC4396365216C2219F71A0FFF078033BEAF149C0C6B"
                .into(),
            expires_yymmdd: Some("301231".into()),
        };
        let with = |key: &CurveCaPublicKey| {
            let mut set = reader(Vec::new(), &[]);
            set.curve_capks = vec![key.clone()];
            reader_config(&set)
        };
        let keys = with(&key).unwrap().authority_keys;
        assert!(keys.curve([0xA0, 0, 0, 0, 4], 0xE0, [0x30, 0x12, 0x31]).is_some());
        assert!(keys.curve([0xA0, 0, 0, 0, 4], 0xE0, [0x31, 0x01, 0x01]).is_none());
        let other_index = CurveCaPublicKey {
            index: "E1".into(),
            ..key.clone()
        };
        let short = CurveCaPublicKey {
            x: "00".into(),
            ..key.clone()
        };
        assert!(with(&other_index).is_none() && with(&short).is_none());
        let mut twice = reader(Vec::new(), &[]);
        twice.curve_capks = vec![key.clone(), key];
        assert!(reader_config(&twice).is_none());
    }

    #[test]
    fn listed_cards_come_by_their_marks() {
        let card = softpos_types::Pan::from_digits(b"4761739001010010").unwrap();
        let listed = |salt: &str, cards: &[&str]| {
            let mut parameters = reader(Vec::new(), &[]);
            parameters.exceptions = Some(ExceptionParameters {
                salt: salt.into(),
                cards: cards.iter().map(ToString::to_string).collect(),
            });
            Some(reader_config(&parameters)?.exceptions.lists(&card, Some(1)))
        };
        let salt = "5A".repeat(16);
        let mark = hex::encode_upper(ExceptionFile::mark(&[0x5A; 16], &card, None));
        assert_eq!(listed(&salt, &[&mark]), Some(true));
        assert_eq!(listed(&"5B".repeat(16), &[&mark]), Some(false));
        assert_eq!(listed(&salt, &[]), Some(false));
        assert_eq!(listed("5A5A", &[&mark]), None, "a short salt");
        assert_eq!(listed(&salt, &["4761739001010010"]), None, "a number is no mark");
    }

    /// The whole set is refused: the one in use stays.
    #[test]
    fn a_set_with_a_damaged_authority_key_is_not_taken() {
        let refused = |capks, revoked: &[&str]| reader_config(&reader(capks, revoked)).is_none();
        assert!(refused(vec![key(CHECKSUM)], &[]));
        assert!(refused(vec![key(&right_checksum()), key(&right_checksum())], &[]));
        assert!(refused(vec![key("00")], &[]));
        assert!(refused(Vec::new(), &["A000000003920000"]));
        assert!(refused(Vec::new(), &["not hex"]));
        assert!(!refused(Vec::new(), &[]));
    }
}
