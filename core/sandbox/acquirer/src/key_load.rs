//! The three steps of a key load: offer, prove, confirm.

use softpos_crypto::AesKey;
use softpos_crypto::dukpt::initial_key;
use softpos_crypto::key_block::{self, Header};
use softpos_crypto::key_load::{Agreement, Ephemeral, KeySet, Transcript};
use softpos_crypto::mac::kcv;
use softpos_crypto::p256_key::PublicKey;
use softpos_host::{KeysReply, KeysRequest};
use softpos_types::{SecretArray, SecretBytes};

use crate::call::{Answer, Call, Device, Failure, json, malformed, refuse};
use crate::database::{Work, next_number};
use crate::server::Shared;

/// First half of an initial key id: names the pair of base derivation keys.
const BDK_ID: u32 = 0x5350_0001;

/// Which base derivation key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bdk {
    /// That of the PIN keys.
    Pin,
    /// That of the data keys.
    Data,
}

/// `POST /v1/terminal/keys`.
pub(crate) async fn keys(shared: &Shared, work: &mut Work, call: &Call, device: &Device) -> Answer {
    match call.read()? {
        KeysRequest::Offer {
            terminal,
            device_point,
        } => {
            device.check_terminal(&terminal)?;
            offer(shared, work, device, &device_point).await
        }
        KeysRequest::Prove {
            terminal,
            key_set,
            signature,
        } => {
            device.check_terminal(&terminal)?;
            prove(work, device, &key_set, &signature).await
        }
        KeysRequest::Confirm {
            terminal,
            key_set,
            mac,
        } => {
            device.check_terminal(&terminal)?;
            confirm(work, device, key_set, &mac).await
        }
    }
}

/// The initial key that a terminal's key set has of one base derivation key.
pub(crate) fn initial_key_of(shared: &Shared, bdk: Bdk, ikid: [u8; 8]) -> Result<AesKey, Failure> {
    let bdk = match bdk {
        Bdk::Pin => &shared.keys.bdk_pin,
        Bdk::Data => &shared.keys.bdk_data,
    };
    Ok(initial_key(&aes_key(bdk)?, ikid))
}

fn aes_key(key: &SecretArray<32>) -> Result<AesKey, Failure> {
    AesKey::from_bytes(key.expose()).map_err(|_| Failure::Internal("a base derivation key"))
}

/// Everything is computed now, so that the ephemeral key never leaves this function; the blocks are handed out
/// only after the device has signed the transcript.
async fn offer(shared: &Shared, work: &mut Work, device: &Device, device_point: &[u8]) -> Answer {
    let phone = PublicKey::from_point(device_point)
        .ok()
        .filter(|_| device_point.len() == 65)
        .ok_or_else(|| malformed("device_point"))?;
    let number = next_number(work, "key_set").await?;
    let ikid = ikid(number)?;
    let key_set = format!("ks-{number:08}");
    let nonce = shared.random::<16>();
    let ephemeral = shared.with_entropy(Ephemeral::generate);
    let host = *ephemeral.public();
    let transcript = Transcript {
        activation_id: device.activation_id.as_bytes(),
        device_spki: &device.spki,
        phone: &phone,
        host: &host,
        ikid,
        key_set_id: key_set.as_bytes(),
        server_nonce: &nonce,
    };
    let agreement = ephemeral
        .agree(&phone, &transcript)
        .map_err(|_| malformed("device_point"))?;
    let (pin, data) = (
        initial_key_of(shared, Bdk::Pin, ikid)?,
        initial_key_of(shared, Bdk::Data, ikid)?,
    );
    sqlx::query(
        "INSERT INTO key_sets (key_set, terminal, ikid, state, transcript, block_pin, block_data, confirmation) \
         VALUES ($1, $2, $3, 'offered', $4, $5, $6, $7)",
    )
    .bind(&key_set)
    .bind(device.terminal.as_str())
    .bind(hex::encode(ikid))
    .bind(hex::encode(transcript.message()))
    .bind(wrapped(shared, &agreement, KeySet::Pin, ikid, &pin)?)
    .bind(wrapped(shared, &agreement, KeySet::Data, ikid, &data)?)
    .bind(hex::encode(agreement.confirmation(kcv(&pin), kcv(&data))))
    .execute(&mut **work)
    .await?;
    let signature = shared.keys.load.sign_digest(&transcript.digest());
    json(&KeysReply::Offered {
        key_set: key_set.clone(),
        host_point: host.point().to_vec(),
        ikid: ikid.to_vec(),
        nonce: nonce.to_vec(),
        load_kid: shared.keys.load.public().kid(),
        signature: signature
            .map_err(|_| Failure::Internal("a signature of the load key"))?
            .to_vec(),
    })
}

fn wrapped(
    shared: &Shared,
    agreement: &Agreement,
    set: KeySet,
    ikid: [u8; 8],
    key: &AesKey,
) -> Result<String, Failure> {
    let header = Header::initial_key(ikid);
    shared
        .with_entropy(|entropy| key_block::wrap(&agreement.kbpk(set), &header, key.expose(), entropy))
        .map_err(|_| Failure::Internal("a key block"))
}

/// Never given twice: a counter of an initial key must not start again.
fn ikid(number: i64) -> Result<[u8; 8], Failure> {
    let derivation =
        u32::try_from(number).map_err(|_| Failure::Internal("the initial key ids are used up"))?;
    Ok(((u64::from(BDK_ID) << 32) | u64::from(derivation)).to_be_bytes())
}

async fn prove(work: &mut Work, device: &Device, key_set: &str, signature: &[u8]) -> Answer {
    let row: Option<(String, String, String)> = sqlx::query_as(
        "SELECT transcript, block_pin, block_data FROM key_sets WHERE key_set = $1 AND terminal = $2 \
         AND state IN ('offered', 'proved')",
    )
    .bind(key_set)
    .bind(device.terminal.as_str())
    .fetch_optional(&mut **work)
    .await?;
    let (transcript, pin, data) = row.ok_or_else(unknown_set)?;
    let transcript = hex::decode(transcript).map_err(|_| Failure::Internal("a stored transcript"))?;
    let public = PublicKey::from_spki(&device.spki).map_err(|_| Failure::Internal("a stored device key"))?;
    let signature = signature.try_into().map_err(|_| malformed("signature"))?;
    public
        .verify(&transcript, signature)
        .map_err(|_| refuse(401, "signature", "the transcript is not signed by the device key"))?;
    set_state(work, key_set, "proved").await?;
    json(&KeysReply::Blocks { pin, data })
}

async fn confirm(work: &mut Work, device: &Device, key_set: String, mac: &[u8]) -> Answer {
    let expected: Option<String> = sqlx::query_scalar(
        "SELECT confirmation FROM key_sets WHERE key_set = $1 AND terminal = $2 \
         AND state IN ('proved', 'confirmed')",
    )
    .bind(&key_set)
    .bind(device.terminal.as_str())
    .fetch_optional(&mut **work)
    .await?;
    let expected = hex::decode(expected.ok_or_else(unknown_set)?)
        .map_err(|_| Failure::Internal("a stored confirmation"))?;
    if !SecretBytes::new(expected).ct_eq(mac) {
        return Err(refuse(
            401,
            "signature",
            "the confirmation of the initial keys is wrong",
        ));
    }
    set_state(work, &key_set, "confirmed").await?;
    json(&KeysReply::Confirmed { key_set })
}

async fn set_state(work: &mut Work, key_set: &str, state: &str) -> Result<(), Failure> {
    sqlx::query("UPDATE key_sets SET state = $1 WHERE key_set = $2")
        .bind(state)
        .bind(key_set)
        .execute(&mut **work)
        .await?;
    Ok(())
}

fn unknown_set() -> Failure {
    refuse(404, "not_found", "this terminal has no such key load under way")
}
