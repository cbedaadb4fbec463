//! A request as it came in, its checks, and the ways to refuse it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use softpos_crypto::jws::{self, RequestHeader};
use softpos_crypto::p256_key::{PublicKey, sha256};
use softpos_host::{ErrorBody, ErrorDetail};
use softpos_types::{MerchantId, PaymentKey, TerminalId};

use crate::clock::utc_ms;
use crate::database::Work;

/// How far the clocks of device and host may be apart.
const MAX_SKEW_MS: u64 = 5 * 60 * 1_000;

/// A request under `/v1`; nothing in it is believed yet.
pub(crate) struct Call {
    pub(crate) method: String,
    /// Path and query, as the signature covers it.
    pub(crate) target: String,
    pub(crate) jws: String,
    pub(crate) key_header: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// A refusal of the request itself; nothing was changed by it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// Why there is no answer of the asked kind.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request is refused.
    Refused(Refusal),
    /// The database failed; the request may come again.
    Database(sqlx::Error),
    /// The host's own fault, with a remark for its log.
    Internal(&'static str),
}

/// What a handler gives back: the JSON of the answer.
pub(crate) type Answer = Result<String, Failure>;

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl Failure {
    /// A line for the host's log.
    pub(crate) fn remark(&self) -> String {
        match self {
            Self::Refused(refusal) => format!("refused, {}: {}", refusal.code, refusal.message),
            Self::Database(error) => format!("database: {error}"),
            Self::Internal(what) => format!("internal: {what}"),
        }
    }

    /// Status, code and remark, as the client sees them.
    pub(crate) fn refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Database(_) | Self::Internal(_) => Refusal {
                status: 503,
                code: "busy",
                message: "the host cannot decide now".into(),
            },
        }
    }
}

impl Refusal {
    /// The body of the answer.
    pub(crate) fn body(self) -> String {
        let error = ErrorDetail {
            code: self.code.into(),
            message: self.message,
            host_utc_ms: utc_ms(),
        };
        json(&ErrorBody { error }).unwrap_or_default()
    }
}

/// Refuses a request.
pub(crate) fn refuse(status: u16, code: &'static str, message: impl Into<String>) -> Failure {
    Failure::Refused(Refusal {
        status,
        code,
        message: message.into(),
    })
}

/// The body or a part of it does not say what it should.
pub(crate) fn malformed(what: impl std::fmt::Display) -> Failure {
    refuse(400, "malformed", what.to_string())
}

/// What is wrong with a JSON text, without quoting from it: nobody knows what a wrong body holds.
pub(crate) fn malformed_json(error: &serde_json::Error) -> Failure {
    let text = error.to_string();
    if text.starts_with("missing field") || text.starts_with("duplicate field") {
        malformed(text)
    } else {
        malformed(format!(
            "line {} column {} ({:?})",
            error.line(),
            error.column(),
            error.classify()
        ))
    }
}

/// An answer as JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Answer {
    serde_json::to_string(value).map_err(|_| Failure::Internal("an answer did not serialise"))
}

/// A terminal with the device that is bound to it.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) terminal: TerminalId,
    pub(crate) merchant: MerchantId,
    pub(crate) activation_id: String,
    pub(crate) spki: Vec<u8>,
    pub(crate) batch: i64,
    pub(crate) challenge: String,
    pub(crate) used_challenge: String,
    pub(crate) attested_utc_ms: u64,
}

/// The keys of devices that were here, by their id, which is a key's own hash. Whether a device still may do anything
/// only the books know.
#[derive(Default)]
pub(crate) struct DeviceKeys(Mutex<HashMap<String, PublicKey>>);

impl DeviceKeys {
    fn get(&self, kid: &str) -> Option<PublicKey> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(kid)
            .copied()
    }

    fn learn(&self, public: PublicKey) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(public.kid(), public);
    }
}

impl Call {
    /// Reads the body.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| malformed_json(&error))
    }

    /// The body's fingerprint, by which a repeat is known.
    pub(crate) fn body_sha256(&self) -> String {
        hex::encode(sha256(&self.body))
    }

    /// The header `Idempotency-Key` must name the key of the body.
    pub(crate) fn check_key_header(&self, key: PaymentKey) -> Result<(), Failure> {
        match &self.key_header {
            Some(header) if *header == key.to_string() => Ok(()),
            _ => Err(malformed(
                "the header Idempotency-Key does not name the key of the body",
            )),
        }
    }

    /// Checks the signature under a key that the caller knows.
    pub(crate) fn verify(&self, public: &PublicKey) -> Result<RequestHeader, Failure> {
        let find = |kid: &str| (kid == public.kid()).then_some(*public);
        jws::verify_request(&self.jws, &self.body, (&self.method, &self.target), find)
            .map_err(|error| refuse(401, "signature", format!("the signature is refused: {error:?}")))
    }

    /// Checks the signature of a device that was here before, without the books: work on them waits for nothing but
    /// them. `None` if it was not.
    pub(crate) fn verify_known(&self, keys: &DeviceKeys) -> Result<Option<RequestHeader>, Failure> {
        let public = self.claimed_kid().and_then(|kid| keys.get(&kid));
        public.map(|public| self.verify(&public)).transpose()
    }

    /// Finds the device that claims to have signed, and checks that it did, unless that was done.
    pub(crate) async fn device(
        &self,
        work: &mut Work,
        keys: &DeviceKeys,
        verified: Option<RequestHeader>,
    ) -> Result<(Device, RequestHeader), Failure> {
        let kid = self
            .claimed_kid()
            .ok_or_else(|| refuse(401, "signature", "no signature to read"))?;
        let device = Device::find(work, &kid).await?.ok_or_else(|| {
            refuse(
                403,
                "terminal_unknown",
                "no active terminal is bound to this device key",
            )
        })?;
        if let Some(header) = verified {
            return Ok((device, header));
        }
        let public =
            PublicKey::from_spki(&device.spki).map_err(|_| Failure::Internal("a stored device key"))?;
        let header = self.verify(&public)?;
        keys.learn(public);
        Ok((device, header))
    }

    fn claimed_kid(&self) -> Option<String> {
        let (header, _) = self.jws.split_once("..")?;
        let members: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        Some(members.get("kid")?.as_str()?.to_owned())
    }
}

impl Device {
    async fn find(work: &mut Work, kid: &str) -> Result<Option<Self>, Failure> {
        type Row = (String, String, String, String, i64, String, String, i64);
        let row: Option<Row> = sqlx::query_as(
            "SELECT terminal, merchant, activation_id, device_spki, batch, challenge, used_challenge, \
             attested_utc_ms FROM terminals WHERE device_kid = $1 AND state = 'active'",
        )
        .bind(kid)
        .fetch_optional(&mut **work)
        .await?;
        let Some((terminal, merchant, activation_id, spki, batch, challenge, used_challenge, attested)) = row
        else {
            return Ok(None);
        };
        let broken = || Failure::Internal("a stored terminal");
        Ok(Some(Self {
            terminal: TerminalId::new(&terminal).map_err(|_| broken())?,
            merchant: MerchantId::new(&merchant).map_err(|_| broken())?,
            activation_id,
            spki: URL_SAFE_NO_PAD.decode(spki).map_err(|_| broken())?,
            batch,
            challenge,
            used_challenge,
            attested_utc_ms: u64::try_from(attested).map_err(|_| broken())?,
        }))
    }

    /// What the body names must be what the device is bound to.
    pub(crate) fn check_terminal(&self, terminal: &TerminalId) -> Result<(), Failure> {
        if *terminal == self.terminal {
            Ok(())
        } else {
            Err(refuse(
                403,
                "terminal_unknown",
                "the terminal is not this device's",
            ))
        }
    }

    /// As [`Device::check_terminal`], for messages that name the merchant too.
    pub(crate) fn check_owner(&self, terminal: &TerminalId, merchant: &MerchantId) -> Result<(), Failure> {
        self.check_terminal(terminal)?;
        if *merchant == self.merchant {
            Ok(())
        } else {
            Err(refuse(
                403,
                "terminal_unknown",
                "the merchant is not this terminal's",
            ))
        }
    }
}

/// The clocks must agree roughly; a request without an idempotency key lives no longer than that.
pub(crate) fn check_clock(header: &RequestHeader) -> Result<(), Failure> {
    if header.issued_utc_ms.abs_diff(utc_ms()) <= MAX_SKEW_MS {
        Ok(())
    } else {
        Err(refuse(
            401,
            "clock_skew",
            "the clocks of device and host are more than 5 minutes apart",
        ))
    }
}

/// A request without an idempotency key is taken once.
pub(crate) async fn check_fresh(work: &mut Work, header: &RequestHeader) -> Result<(), Failure> {
    check_clock(header)?;
    let now = stored_time(utc_ms());
    // Older ones are refused by the clock; twice its allowance leaves room for a host clock that is set back.
    sqlx::query("DELETE FROM nonces WHERE issued_utc_ms < $1")
        .bind(now.saturating_sub(stored_time(4 * MAX_SKEW_MS)))
        .execute(&mut **work)
        .await?;
    let taken = sqlx::query(
        "INSERT INTO nonces (device_kid, nonce, issued_utc_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(&header.kid)
    .bind(hex::encode(header.nonce))
    .bind(stored_time(header.issued_utc_ms))
    .execute(&mut **work)
    .await?;
    if taken.rows_affected() == 1 {
        Ok(())
    } else {
        Err(refuse(409, "replayed", "this request was taken before"))
    }
}

/// A moment as the database keeps it.
pub(crate) fn stored_time(utc_ms: u64) -> i64 {
    i64::try_from(utc_ms).unwrap_or(i64::MAX)
}
