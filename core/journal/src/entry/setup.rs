//! Records of who the till is, whom it trusts, and with which keys it works.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};
use softpos_types::{MerchantId, TerminalId};

use crate::codec;

/// A public key and its name.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TrustedKey {
    /// Key id.
    #[n(0)]
    pub kid: String,
    /// Ed25519: 32 bytes; P-256: `SubjectPublicKeyInfo`, DER.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub key: Vec<u8>,
}

/// The code was redeemed: who this till is, and whom it trusts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Activation {
    /// Names the activation in the key-load transcript.
    #[n(0)]
    pub activation_id: String,
    /// The host's address, `https://name:port`.
    #[n(1)]
    pub host_url: String,
    /// TLS pins: SHA-256 of the host's public key, base64url.
    #[n(2)]
    pub pins: Vec<String>,
    /// Terminal number.
    #[cbor(n(3), with = "codec::terminal")]
    pub terminal: TerminalId,
    /// Merchant number.
    #[cbor(n(4), with = "codec::merchant")]
    pub merchant: MerchantId,
    /// Ed25519, sign parameter bundles.
    #[n(5)]
    pub configuration_keys: Vec<TrustedKey>,
    /// P-256, sign key loads.
    #[n(6)]
    pub load_keys: Vec<TrustedKey>,
    /// P-256, sign answers.
    #[n(7)]
    pub answer_keys: Vec<TrustedKey>,
    /// For the next attestation.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub attest_challenge: Vec<u8>,
    /// When.
    #[n(9)]
    pub utc_ms: u64,
}

/// A verified parameter bundle was taken over.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ParametersTaken {
    /// The signed bytes.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
    /// Which key signed.
    #[n(1)]
    pub kid: String,
    /// Ed25519 signature.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub sig: Vec<u8>,
    /// Their version.
    #[n(3)]
    pub version: u64,
}

/// The host's verdict on this device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Attested {
    /// What the evidence proves.
    #[n(0)]
    pub level: String,
    /// When it was given.
    #[n(1)]
    pub issued_utc_ms: u64,
    /// When it ends.
    #[n(2)]
    pub expires_utc_ms: u64,
    /// How long it holds while offline, in hours after its issue.
    #[n(3)]
    pub offline_hours: u32,
    /// For the next attestation.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub next_challenge: Vec<u8>,
}

/// A key set is in use; its registers lie sealed in the file `keys`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KeysLoaded {
    /// Its name at the host.
    #[n(0)]
    pub key_set: String,
    /// Initial key id, 8 bytes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub ikid: Vec<u8>,
    /// When.
    #[n(2)]
    pub utc_ms: u64,
}
