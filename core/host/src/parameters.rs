//! The signed parameters of a terminal: limits, reader sets, timers, policies.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use softpos_types::{Currency, MerchantId, Method, TerminalId};

use crate::messages::KeyEntry;
use crate::text_serde as text;

/// A parameter bundle as it travels: the exact bytes, the key that signed them, the Ed25519 signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedBundle {
    /// JSON of [`Parameters`].
    #[serde(with = "text::bytes")]
    pub bytes: Vec<u8>,
    /// Which configuration key.
    pub kid: String,
    /// Ed25519 over `bytes`, 64 bytes.
    #[serde(with = "text::bytes")]
    pub sig: Vec<u8>,
}

/// Why a bundle was refused; the one in use stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParametersError {
    /// No trusted key signed these bytes.
    Signature,
    /// Not the JSON of parameters, or a value outside its live range.
    Malformed,
    /// For another terminal.
    Audience,
    /// Older than the one in use.
    Version,
    /// Not valid yet, or no longer.
    Expired,
}

/// What a terminal may do, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// The terminal they are for.
    #[serde(with = "text::terminal")]
    pub audience: TerminalId,
    /// Rises with every change.
    pub version: u64,
    /// Valid from.
    pub not_before_utc_ms: u64,
    /// Valid until.
    pub expires_utc_ms: u64,
    /// Who sells.
    pub merchant: MerchantProfile,
    /// The only currency of this till.
    #[serde(with = "text::currency")]
    pub currency: Currency,
    /// Minutes east of UTC, for dates and times.
    pub utc_offset_min: i16,
    /// Which ways to pay are on.
    pub methods: Vec<Method>,
    /// Goods categories to choose from.
    pub categories: Vec<String>,
    /// Amount limits.
    pub limits: Limits,
    /// Store and forward.
    pub offline: OfflinePolicy,
    /// Times.
    pub timers: Timers,
    /// Payment codes.
    pub codes: CodeParameters,
    /// Receipts.
    pub receipt: ReceiptParameters,
    /// Card reader.
    pub reader: ReaderParameters,
}

/// Who sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantProfile {
    /// Merchant number.
    #[serde(with = "text::merchant")]
    pub number: MerchantId,
    /// Name for receipts, any script.
    pub name: String,
    /// Name in the common character set, at most 25 characters, for payment codes.
    pub name_latin: String,
    /// City in the common character set, at most 15 characters.
    pub city: String,
    /// ISO 3166, two letters.
    pub country: String,
    /// ISO 3166, numeric (9F1A).
    pub country_numeric: u16,
    /// Merchant category code, four digits.
    pub mcc: String,
}

/// Amount limits in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest single payment.
    pub payment_minor: i64,
    /// Up to here no PIN and no signature is asked; printed on the slip.
    pub no_cvm_minor: i64,
}

/// Store and forward: off unless the acquirer turns it on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflinePolicy {
    /// Whether card payments may be stored while the host cannot be reached.
    pub enabled: bool,
    /// Largest single stored payment.
    pub payment_minor: i64,
    /// How many may wait.
    pub count: u32,
    /// Their largest sum.
    pub sum_minor: i64,
    /// After this age no new one is accepted until the queue has been sent.
    pub age_ms: u64,
}

/// Times in milliseconds. Live ranges: `t1_ms` 30,000..=90,000; a sandbox host may set fractions of a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timers {
    /// Waiting for an answer after the first byte was sent (tag 12).
    pub t1_ms: u64,
    /// Connecting.
    pub connect_ms: u64,
    /// When an unknown result is asked for, counted from its becoming unknown: 0, 2, 5, 10, 20 s.
    pub query_ms: Vec<u64>,
    /// Pauses between tries of a reversal; the last one repeats.
    pub reversal_ms: Vec<u64>,
    /// Pauses between tries to forward; the last one repeats.
    pub forward_ms: Vec<u64>,
    /// How often a shown code is asked for.
    pub code_query_ms: u64,
    /// Waiting for a card.
    pub card_ms: u64,
    /// Waiting for a PIN.
    pub pin_ms: u64,
}

/// Payment codes, shown and scanned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeParameters {
    /// How long a shown code can be paid.
    pub lifetime_ms: u64,
    /// Wallets whose codes may be charged, the merchant's choice first.
    #[serde(default)]
    pub wallets: Vec<WalletParameters>,
}

/// One wallet whose codes this till may charge, with its published rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletParameters {
    /// `wechat`, `wechat_hk`, `alipay`, `unionpay`.
    pub wallet: String,
    /// Applications of consumer-presented codes (4F) that this wallet stands for, or their beginnings, in hex.
    #[serde(default)]
    pub aids: Vec<String>,
    /// From an unknown result to the first query.
    pub first_query_ms: u64,
    /// From one query to the next.
    pub query_interval_ms: u64,
    /// From the charge to the last query; whatever is not paid then is reversed.
    pub total_ms: u64,
    /// From the charge to the earliest reversal.
    pub reverse_not_before_ms: u64,
    /// Before each quick repetition of a reversal.
    pub retry_quick_ms: u64,
    /// How many quick ones.
    pub retry_quick_count: u32,
    /// Before each slow one.
    pub retry_slow_ms: u64,
    /// How long a charge can be reversed.
    pub window: WalletWindow,
    /// A query that says failed is followed by a reversal all the same.
    pub reverses_failed: bool,
    /// A charge that says paid may still be rolled back: it is asked for before it counts.
    pub confirms_paid: bool,
}

/// How long a charge can be reversed; afterwards the host gives the money back by a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalletWindow {
    /// Milliseconds after the charge.
    For(u64),
    /// Milliseconds after the end of the charge's day in Beijing.
    BeijingDayAnd(u64),
    /// No limit is known.
    Open,
}

/// Receipts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptParameters {
    /// Copies to print by default: 1 or 2 (tag 27).
    pub copies: u8,
}

/// Card reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderParameters {
    /// Terminal data for the kernels: tag to value, both upper-case hex (`9F35`: `26`).
    pub terminal: BTreeMap<String, String>,
    /// Data for one kernel, whatever the application, by its number; goes before `terminal`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kernels: BTreeMap<u8, BTreeMap<String, String>>,
    /// Kernels without foreign proof that the integrator turned on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unverified_kernels: Vec<u8>,
    /// What is accepted: (AID, kernel, transaction type) and its settings.
    pub combinations: Vec<CombinationParameters>,
    /// Certification authority public keys.
    pub capks: Vec<CaPublicKey>,
    /// The same on P-256, for kernel 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve_capks: Vec<CurveCaPublicKey>,
    /// Revoked issuer certificates: RID, index and serial, 9 bytes in upper-case hex.
    pub revoked: Vec<String>,
    /// Cards that are not to be taken; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exceptions: Option<ExceptionParameters>,
}

/// The exception file. No card number is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionParameters {
    /// Drawn anew for each list, 16 to 64 bytes in hex.
    pub salt: String,
    /// For each card 16 bytes in hex: the first half of HMAC-SHA-256, under the salt, over the digits of its number as
    /// text; where only one card of that number is meant, its sequence number (5F34, one byte) behind them.
    pub cards: Vec<String>,
}

/// Settings of one (AID, kernel, transaction type); an absent limit is not checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CombinationParameters {
    /// Application identifier, upper-case hex.
    pub aid: String,
    /// Kernel number.
    pub kernel: u8,
    /// Transaction type (9C): 0 sale, 32 refund.
    pub transaction_type: u8,
    /// One currency unit asks for a status check.
    #[serde(default)]
    pub status_check: bool,
    /// Whether amount zero is allowed; absent: not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero_amount_allowed: Option<bool>,
    /// Whether 9F29 is appended at selection.
    #[serde(default)]
    pub extended_selection: bool,
    /// At or above it the card is not accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_limit_minor: Option<i64>,
    /// Above it the transaction goes online.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor_limit_minor: Option<i64>,
    /// At or above it the cardholder is verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cvm_limit_minor: Option<i64>,
    /// Terminal transaction qualifiers (9F66), 8 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttq: Option<String>,
    /// Data for the kernel, as limits and action codes; goes before that of the kernel and the terminal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
}

/// A certification authority's public key on P-256, checked against its own signature when loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurveCaPublicKey {
    /// Registered application provider, 10 hex digits.
    pub rid: String,
    /// Index, 2 hex digits.
    pub index: String,
    /// The point's x coordinate, 64 hex digits; of the two points the one with the lower y is meant.
    pub x: String,
    /// The key's EC-SDSA signature over `2000`, RID, index, `10` and x, 128 hex digits.
    pub signature: String,
    /// Last day of validity, YYMMDD; absent: the scheme names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_yymmdd: Option<String>,
}

/// A certification authority's public key, checked against its checksum when loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaPublicKey {
    /// Registered application provider, 10 hex digits.
    pub rid: String,
    /// Index, 2 hex digits.
    pub index: String,
    /// Modulus, hex.
    pub modulus: String,
    /// Exponent, `03` or `010001`.
    pub exponent: String,
    /// SHA-1 over RID, index, modulus and exponent, hex.
    pub checksum: String,
    /// Last day of validity, YYMMDD; absent: the scheme names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_yymmdd: Option<String>,
}

impl WalletParameters {
    /// A till that asks without a pause, or waits for hours, would be wrong with any wallet.
    fn is_sane(&self) -> bool {
        const HOUR_MS: u64 = 3_600_000;
        let pauses = [
            self.first_query_ms,
            self.query_interval_ms,
            self.total_ms,
            self.retry_quick_ms,
            self.retry_slow_ms,
        ];
        pauses.iter().all(|pause| (1..=HOUR_MS).contains(pause))
            && self.reverse_not_before_ms <= HOUR_MS
            && self.aids.len() <= 16
    }
}

impl SignedBundle {
    /// Checks signature, audience, version and dates, in this order.
    ///
    /// # Errors
    /// The first check that fails; nothing is taken over then.
    pub fn open(
        &self,
        keys: &[KeyEntry],
        terminal: &TerminalId,
        in_use_version: u64,
        now_utc_ms: u64,
    ) -> Result<Parameters, ParametersError> {
        let key = keys
            .iter()
            .find(|key| key.kid == self.kid)
            .ok_or(ParametersError::Signature)?;
        softpos_crypto::bundle::verify(&key.key, &self.bytes, &self.sig)
            .map_err(|_| ParametersError::Signature)?;
        let parameters: Parameters =
            serde_json::from_slice(&self.bytes).map_err(|_| ParametersError::Malformed)?;
        parameters.check_ranges()?;
        if parameters.audience != *terminal {
            return Err(ParametersError::Audience);
        }
        if parameters.version < in_use_version {
            return Err(ParametersError::Version);
        }
        if !parameters.valid_at(now_utc_ms) {
            return Err(ParametersError::Expired);
        }
        Ok(parameters)
    }
}

impl Parameters {
    /// Whether the dates allow their use.
    pub const fn valid_at(&self, utc_ms: u64) -> bool {
        self.not_before_utc_ms <= utc_ms && utc_ms < self.expires_utc_ms
    }

    fn check_ranges(&self) -> Result<(), ParametersError> {
        let timers = &self.timers;
        let amounts = [
            self.limits.payment_minor,
            self.limits.no_cvm_minor,
            self.offline.payment_minor,
            self.offline.sum_minor,
        ];
        let sane = (1..=90_000).contains(&timers.t1_ms)
            && (1..=90_000).contains(&timers.connect_ms)
            && timers.card_ms >= 1
            && timers.pin_ms >= 1
            && timers.code_query_ms >= 1
            && [&timers.query_ms, &timers.reversal_ms, &timers.forward_ms]
                .iter()
                .all(|times| (1..=16).contains(&times.len()))
            && amounts
                .iter()
                .all(|amount| (0..=softpos_types::Money::MAX_PAYMENT_MINOR).contains(amount))
            && (-840..=840).contains(&self.utc_offset_min)
            && (1..=2).contains(&self.receipt.copies)
            && self.codes.wallets.len() <= 16
            && self.codes.wallets.iter().all(WalletParameters::is_sane);
        if sane {
            Ok(())
        } else {
            Err(ParametersError::Malformed)
        }
    }
}
