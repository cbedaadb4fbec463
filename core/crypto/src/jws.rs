//! Signatures on bodies: JWS compact serialisation (RFC 7515) with detached payload, ES256 only.
//!
//! A request is signed by the device, an answer by the host; the answer names the hash of the request it
//! belongs to, so answers cannot be swapped. The protected header has one spelling: fixed members in fixed
//! order, no blanks. Everything else is refused, which covers `crit`, other algorithms, unknown and
//! duplicate members.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::p256_key::{PublicKey, sha256};

/// The longest header part that is read, in characters.
const MAX_HEADER: usize = 1024;

/// What a request's signature covers besides the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// The device key's id: its SPKI hash in base64url.
    pub kid: String,
    /// The HTTP method in capitals.
    pub method: String,
    /// The path the request goes to, with query if there is one.
    pub target: String,
    /// When it was signed: milliseconds of UTC.
    pub issued_utc_ms: u64,
    /// Fresh for each signature.
    pub nonce: [u8; 16],
}

/// What an answer's signature covers besides the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerHeader {
    /// The host answer key's id.
    pub kid: String,
    /// [`request_hash`] of the request that is answered.
    pub request: [u8; 32],
}

/// A header and a body, ready to be signed.
pub struct Unsigned {
    header: String,
    input: Vec<u8>,
}

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwsError {
    /// Not the one spelling this project writes.
    Malformed,
    /// No key is known by this `kid`.
    UnknownKey,
    /// The signature is not that of header and body.
    BadSignature,
    /// Rightly signed, but for another method, target or request.
    Misdirected,
}

impl RequestHeader {
    /// Puts header and body together for signing.
    pub fn unsigned(&self, body: &[u8]) -> Unsigned {
        Unsigned::new(&self.wire(), body)
    }

    fn wire(&self) -> RequestMembers {
        RequestMembers {
            alg: Es256::Es256,
            kid: self.kid.clone(),
            typ: RequestType::Request,
            htm: self.method.clone(),
            htu: self.target.clone(),
            iat: self.issued_utc_ms,
            nonce: URL_SAFE_NO_PAD.encode(self.nonce),
        }
    }
}

impl AnswerHeader {
    /// Puts header and body together for signing.
    pub fn unsigned(&self, body: &[u8]) -> Unsigned {
        Unsigned::new(&self.wire(), body)
    }

    fn wire(&self) -> AnswerMembers {
        AnswerMembers {
            alg: Es256::Es256,
            kid: self.kid.clone(),
            typ: AnswerType::Answer,
            req: URL_SAFE_NO_PAD.encode(self.request),
        }
    }
}

impl Unsigned {
    fn new(members: &impl Serialize, body: &[u8]) -> Self {
        // Structs of strings and numbers always serialise; an empty header would verify nowhere.
        let header = URL_SAFE_NO_PAD.encode(serde_json::to_vec(members).unwrap_or_default());
        let input = signing_input(&header, body);
        Self { header, input }
    }

    /// The SHA-256 that the key has to sign.
    pub fn digest(&self) -> [u8; 32] {
        sha256(&self.input)
    }

    /// The finished text `header..signature`; the signature is r, s.
    pub fn assemble(self, signature: &[u8; 64]) -> String {
        let mut text = self.header;
        text.push_str("..");
        URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        text
    }
}

/// Checks a request: its signature over exactly this body, and that it was meant for this method and target.
///
/// Whether `issued_utc_ms` is fresh and `nonce` new is for the caller, who has clock and memory.
///
/// # Errors
/// [`JwsError`]; nothing of the header may be used then.
pub fn verify_request(
    jws: &str,
    body: &[u8],
    (method, target): (&str, &str),
    key: impl FnOnce(&str) -> Option<PublicKey>,
) -> Result<RequestHeader, JwsError> {
    let (members, header, signature) = parse::<RequestMembers>(jws)?;
    check(&header, body, &signature, key(&members.kid))?;
    if (members.htm.as_str(), members.htu.as_str()) != (method, target) {
        return Err(JwsError::Misdirected);
    }
    Ok(RequestHeader {
        nonce: decode(&members.nonce)?,
        kid: members.kid,
        method: members.htm,
        target: members.htu,
        issued_utc_ms: members.iat,
    })
}

/// Checks an answer: its signature over exactly this body, and that it answers this request.
///
/// # Errors
/// [`JwsError`]; nothing of the answer may be used then.
pub fn verify_answer(
    jws: &str,
    body: &[u8],
    request_jws: &str,
    key: impl FnOnce(&str) -> Option<PublicKey>,
) -> Result<AnswerHeader, JwsError> {
    let (members, header, signature) = parse::<AnswerMembers>(jws)?;
    check(&header, body, &signature, key(&members.kid))?;
    let request = decode(&members.req)?;
    if request != request_hash(request_jws) {
        return Err(JwsError::Misdirected);
    }
    Ok(AnswerHeader {
        kid: members.kid,
        request,
    })
}

/// The hash by which an answer names its request: SHA-256 of the request's whole compact text.
pub fn request_hash(request_jws: &str) -> [u8; 32] {
    sha256(request_jws.as_bytes())
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestMembers {
    alg: Es256,
    kid: String,
    typ: RequestType,
    htm: String,
    htu: String,
    iat: u64,
    nonce: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerMembers {
    alg: Es256,
    kid: String,
    typ: AnswerType,
    req: String,
}

#[derive(Serialize, Deserialize)]
enum Es256 {
    #[serde(rename = "ES256")]
    Es256,
}

#[derive(Serialize, Deserialize)]
enum RequestType {
    #[serde(rename = "softpos-req")]
    Request,
}

#[derive(Serialize, Deserialize)]
enum AnswerType {
    #[serde(rename = "softpos-res")]
    Answer,
}

/// The members, the header part as it was sent, and the signature.
fn parse<T: Serialize + DeserializeOwned>(jws: &str) -> Result<(T, String, [u8; 64]), JwsError> {
    let (header, signature) = jws.split_once("..").ok_or(JwsError::Malformed)?;
    if header.len() > MAX_HEADER {
        return Err(JwsError::Malformed);
    }
    let signature = decode(signature)?;
    let json = URL_SAFE_NO_PAD.decode(header).map_err(|_| JwsError::Malformed)?;
    let members: T = serde_json::from_slice(&json).map_err(|_| JwsError::Malformed)?;
    let canonical = serde_json::to_vec(&members).map_err(|_| JwsError::Malformed)?;
    if canonical == json {
        Ok((members, header.into(), signature))
    } else {
        Err(JwsError::Malformed)
    }
}

fn check(header: &str, body: &[u8], signature: &[u8; 64], key: Option<PublicKey>) -> Result<(), JwsError> {
    let key = key.ok_or(JwsError::UnknownKey)?;
    key.verify(&signing_input(header, body), signature)
        .map_err(|_| JwsError::BadSignature)
}

/// RFC 7515, 5.1: base64url(header) "." base64url(payload).
fn signing_input(header: &str, body: &[u8]) -> Vec<u8> {
    let mut input = String::from(header);
    input.push('.');
    URL_SAFE_NO_PAD.encode_string(body, &mut input);
    input.into_bytes()
}

/// Base64url of exactly N bytes, without padding.
fn decode<const N: usize>(text: &str) -> Result<[u8; N], JwsError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| JwsError::Malformed)?;
    bytes.try_into().map_err(|_| JwsError::Malformed)
}

#[cfg(test)]
mod tests;
