//! From an activation code to a terminal with keys and parameters.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use softpos_types::{MerchantId, TerminalId};

use crate::parameters::SignedBundle;
use crate::text_serde as text;

/// `POST /v1/activation/redeem`: binds the device key to the terminal that the code stands for.
///
/// Signed by the device key in the body. The same code from the same device gets the same answer again, so a
/// kill between answer and journal costs nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedeemRequest {
    /// The activation code as scanned or typed.
    pub code: String,
    /// The device's public key, `SubjectPublicKeyInfo`, DER.
    #[serde(with = "text::bytes")]
    pub device_spki: Vec<u8>,
    /// What the device calls itself.
    pub device_model: String,
    /// Version of the program.
    pub app_version: String,
}

/// Whether the host asks for a further step before the terminal may sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// Already done, or waived.
    NotRequired,
    /// To be done first.
    Required,
}

/// A public key and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntry {
    /// Key id: base64url of SHA-256 over the key bytes.
    pub kid: String,
    /// Ed25519: 32 bytes; P-256: `SubjectPublicKeyInfo`, DER.
    #[serde(with = "text::bytes")]
    pub key: Vec<u8>,
}

/// The public keys a terminal trusts: current ones first, next ones behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchors {
    /// Ed25519, signs parameter bundles.
    pub configuration: Vec<KeyEntry>,
    /// P-256, signs the key-load transcript.
    pub load: Vec<KeyEntry>,
    /// P-256, signs answers.
    pub answer: Vec<KeyEntry>,
}

/// The answer to [`RedeemRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedeemReply {
    /// Names this activation in the key-load transcript.
    pub activation_id: String,
    /// The terminal number bound to the device.
    #[serde(with = "text::terminal")]
    pub terminal: TerminalId,
    /// The merchant number.
    #[serde(with = "text::merchant")]
    pub merchant: MerchantId,
    /// Phone registration.
    pub registration: Requirement,
    /// Verification of the merchant's identity.
    pub verification: Requirement,
    /// Trust anchors; a release build has its own compiled in and ignores these.
    pub anchors: Anchors,
    /// To be used in [`AttestRequest`].
    #[serde(with = "text::bytes")]
    pub attest_challenge: Vec<u8>,
}

/// `POST /v1/attest`: evidence that the device is what it says, for a verdict with an expiry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttestRequest {
    /// The asking terminal.
    #[serde(with = "text::terminal")]
    pub terminal: TerminalId,
    /// The host's last challenge.
    #[serde(with = "text::bytes")]
    pub challenge: Vec<u8>,
    /// What kind of evidence: `software`, later `android` and `ios`.
    pub kind: String,
    /// The platform's evidence over the challenge.
    #[serde(with = "text::bytes")]
    pub evidence: Vec<u8>,
}

/// The answer to [`AttestRequest`], signed like every answer; without a fresh one no card is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What the evidence proves: `software`, `tee`, `strongbox`, `secure_enclave`.
    pub level: String,
    /// When it was given.
    pub issued_utc_ms: u64,
    /// When it ends while the host can be reached.
    pub expires_utc_ms: u64,
    /// How many hours after its issue it holds while the host cannot be reached.
    pub offline_hours: u32,
    /// The challenge for the next time.
    #[serde(with = "text::bytes")]
    pub next_challenge: Vec<u8>,
}

/// `POST /v1/terminal/keys`: the three steps of a key load. A kill starts again at the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum KeysRequest {
    /// The terminal's ephemeral point.
    Offer {
        /// The asking terminal.
        #[serde(with = "text::terminal")]
        terminal: TerminalId,
        /// P-256, uncompressed, 65 bytes.
        #[serde(with = "text::bytes")]
        device_point: Vec<u8>,
    },
    /// The device's signature over the transcript hash, after the host's was checked.
    Prove {
        /// The asking terminal.
        #[serde(with = "text::terminal")]
        terminal: TerminalId,
        /// From [`KeysReply::Offered`].
        key_set: String,
        /// ES256, r and s, 64 bytes.
        #[serde(with = "text::bytes")]
        signature: Vec<u8>,
    },
    /// Proof that both initial keys were understood.
    Confirm {
        /// The asking terminal.
        #[serde(with = "text::terminal")]
        terminal: TerminalId,
        /// From [`KeysReply::Offered`].
        key_set: String,
        /// HMAC-SHA256 over the transcript hash and both check values.
        #[serde(with = "text::bytes")]
        mac: Vec<u8>,
    },
}

/// The answers to [`KeysRequest`], step by step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum KeysReply {
    /// The host's half of the agreement.
    Offered {
        /// Name of the key set being loaded.
        key_set: String,
        /// P-256, uncompressed, 65 bytes.
        #[serde(with = "text::bytes")]
        host_point: Vec<u8>,
        /// Initial key id, 8 bytes.
        #[serde(with = "text::bytes")]
        ikid: Vec<u8>,
        /// The host's nonce, 16 bytes.
        #[serde(with = "text::bytes")]
        nonce: Vec<u8>,
        /// The load key that signed.
        load_kid: String,
        /// ES256 over the transcript hash, r and s, 64 bytes.
        #[serde(with = "text::bytes")]
        signature: Vec<u8>,
    },
    /// Both initial keys as X9.143 version D key blocks.
    Blocks {
        /// Under the key-block protection key `pin`.
        pin: String,
        /// Under the key-block protection key `data`.
        data: String,
    },
    /// The set is in use from now on.
    Confirmed {
        /// Its name.
        key_set: String,
    },
}

/// `POST /v1/params`: the terminal's signed parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamsRequest {
    /// The asking terminal.
    #[serde(with = "text::terminal")]
    pub terminal: TerminalId,
    /// The version it holds; 0 for none.
    pub have_version: u64,
}

/// The answer to [`ParamsRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamsReply {
    /// The bundle, which may be the one that the terminal has.
    pub bundle: SignedBundle,
}
