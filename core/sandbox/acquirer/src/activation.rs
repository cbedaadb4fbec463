//! From an activation code to an attested terminal.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use softpos_crypto::p256_key::{PublicKey, SoftwareKey};
use softpos_host::{
    Anchors, AttestRequest, EchoReply, EchoRequest, KeyEntry, RedeemReply, RedeemRequest, Requirement,
    Verdict,
};
use softpos_types::TerminalId;

use crate::HostError;
use crate::activation_code::ActivationCode;
use crate::call::{Answer, Call, Device, Failure, check_clock, json, malformed, refuse, stored_time};
use crate::clock::utc_ms;
use crate::database::{Work, next_number};
use crate::parameters::{MERCHANT, configuration_key, merchant_number};
use crate::server::Shared;

/// Makes a new terminal number and the code that stands for it.
pub(crate) async fn issue_code(shared: &Shared, code: &ActivationCode) -> Result<(), HostError> {
    let mut work = shared.database.begin().await?;
    let number = next_number(&mut work, "terminal").await?;
    sqlx::query(
        "INSERT INTO activations (code_sha256, activation_id, terminal, expires_utc_ms) VALUES ($1, $2, $3, $4)",
    )
    .bind(code.sha256())
    .bind(format!("act-{number:06}"))
    .bind(format!("SP{number:06}"))
    .bind(stored_time(utc_ms().saturating_add(shared.lifetimes.activation_code_ms)))
    .execute(&mut *work)
    .await?;
    Ok(work.commit().await?)
}

/// `POST /v1/activation/redeem`.
pub(crate) async fn redeem(shared: &Shared, work: &mut Work, call: &Call) -> Answer {
    let request: RedeemRequest = call.read()?;
    let public = PublicKey::from_spki(&request.device_spki).map_err(|_| malformed("device_spki"))?;
    check_clock(&call.verify(&public)?)?;
    let unknown = || refuse(410, "activation_unknown", "there is no such activation code");
    let code: ActivationCode = request.code.parse().map_err(|_| unknown())?;
    let row: Option<(String, String, i64, Option<String>)> = sqlx::query_as(
        "SELECT activation_id, terminal, expires_utc_ms, device_kid FROM activations WHERE code_sha256 = $1",
    )
    .bind(code.sha256())
    .fetch_optional(&mut **work)
    .await?;
    let (activation_id, terminal, expires_utc_ms, device_kid) = row.ok_or_else(unknown)?;
    match device_kid {
        None if expires_utc_ms <= stored_time(utc_ms()) => {
            return Err(refuse(
                410,
                "activation_expired",
                "the activation code has expired",
            ));
        }
        None => bind_device(shared, work, &code, (&activation_id, &terminal), &public).await?,
        // The same device asks again: its first answer was lost.
        Some(kid) if kid == public.kid() => {}
        Some(_) => {
            return Err(refuse(
                410,
                "activation_used",
                "another device used the activation code",
            ));
        }
    }
    let challenge: Option<String> = sqlx::query_scalar(
        "SELECT challenge FROM terminals WHERE terminal = $1 AND device_kid = $2 AND state = 'active'",
    )
    .bind(&terminal)
    .bind(public.kid())
    .fetch_optional(&mut **work)
    .await?;
    let challenge = challenge
        .ok_or_else(|| refuse(410, "activation_used", "the device was activated anew since then"))?;
    json(&RedeemReply {
        activation_id,
        terminal: TerminalId::new(&terminal).map_err(|_| Failure::Internal("a stored terminal number"))?,
        merchant: merchant_number()?,
        registration: Requirement::NotRequired,
        verification: Requirement::NotRequired,
        anchors: Anchors {
            configuration: vec![configuration_key(shared)],
            load: vec![public_entry(&shared.keys.load)],
            answer: vec![public_entry(&shared.keys.answer)],
        },
        attest_challenge: decode(&challenge)?,
    })
}

async fn bind_device(
    shared: &Shared,
    work: &mut Work,
    code: &ActivationCode,
    (activation_id, terminal): (&str, &str),
    public: &PublicKey,
) -> Result<(), Failure> {
    sqlx::query("UPDATE activations SET device_kid = $1 WHERE code_sha256 = $2")
        .bind(public.kid())
        .bind(code.sha256())
        .execute(&mut **work)
        .await?;
    // One device stands for one terminal: the last one it was activated as.
    sqlx::query("UPDATE terminals SET state = 'unbound' WHERE device_kid = $1")
        .bind(public.kid())
        .execute(&mut **work)
        .await?;
    sqlx::query(
        "INSERT INTO terminals (terminal, merchant, state, device_kid, device_spki, activation_id, batch, \
         challenge, used_challenge, attested_utc_ms) VALUES ($1, $2, 'active', $3, $4, $5, 1, $6, '', 0)",
    )
    .bind(terminal)
    .bind(MERCHANT)
    .bind(public.kid())
    .bind(URL_SAFE_NO_PAD.encode(public.spki()))
    .bind(activation_id)
    .bind(new_challenge(shared))
    .execute(&mut **work)
    .await?;
    Ok(())
}

fn public_entry(key: &SoftwareKey) -> KeyEntry {
    KeyEntry {
        kid: key.public().kid(),
        key: key.public().spki().to_vec(),
    }
}

/// `POST /v1/attest`.
///
/// The sandbox knows one kind of evidence, `software`, which proves no more than the device key's signature on
/// the request does. Each challenge serves once; the last one serves again until its successor was used, so
/// that a lost answer does not lock the terminal out.
pub(crate) async fn attest(shared: &Shared, work: &mut Work, call: &Call, device: &Device) -> Answer {
    let request: AttestRequest = call.read()?;
    device.check_terminal(&request.terminal)?;
    if request.kind != "software" {
        return Err(refuse(
            403,
            "attestation_refused",
            "the sandbox knows evidence of the kind software only",
        ));
    }
    let shown = URL_SAFE_NO_PAD.encode(&request.challenge);
    let next = if shown == device.challenge {
        new_challenge(shared)
    } else if shown == device.used_challenge && !shown.is_empty() {
        device.challenge.clone()
    } else {
        return Err(refuse(
            403,
            "attestation_refused",
            "the challenge is not the host's last one",
        ));
    };
    let now = utc_ms();
    sqlx::query(
        "UPDATE terminals SET challenge = $1, used_challenge = $2, attested_utc_ms = $3 WHERE terminal = $4",
    )
    .bind(&next)
    .bind(&shown)
    .bind(stored_time(now))
    .bind(device.terminal.as_str())
    .execute(&mut **work)
    .await?;
    json(&Verdict {
        level: "software".into(),
        issued_utc_ms: now,
        expires_utc_ms: now.saturating_add(shared.lifetimes.verdict_ms),
        offline_hours: shared.lifetimes.verdict_offline_hours,
        next_challenge: decode(&next)?,
    })
}

/// `POST /v1/echo`.
pub(crate) fn echo(call: &Call, device: &Device) -> Answer {
    let request: EchoRequest = call.read()?;
    device.check_terminal(&request.terminal)?;
    json(&EchoReply {
        host_utc_ms: utc_ms(),
    })
}

fn new_challenge(shared: &Shared) -> String {
    URL_SAFE_NO_PAD.encode(shared.random::<32>())
}

fn decode(challenge: &str) -> Result<Vec<u8>, Failure> {
    URL_SAFE_NO_PAD
        .decode(challenge)
        .map_err(|_| Failure::Internal("a stored challenge"))
}
