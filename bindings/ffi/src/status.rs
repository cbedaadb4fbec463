//! What the till can do now, and for whom.

pub use softpos_terminal::{Limits, MerchantProfile, QueueView, Status};
use softpos_types::{Batch, Currency, MerchantId, TerminalId};

use crate::handed_out::{Amount, Reason};
use crate::words::Method;

/// What the till can do now, and for whom.
#[uniffi::remote(Record)]
pub struct Status {
    /// Whether the activation is complete.
    pub activated: bool,
    /// Why a card sale would be refused now, if it would.
    pub obstacle: Option<Reason>,
    /// Who sells.
    pub merchant: Option<MerchantProfile>,
    /// Terminal number.
    pub terminal: Option<TerminalId>,
    /// The till's currency, three letters.
    pub currency: Option<Currency>,
    /// Goods categories to choose from.
    pub categories: Vec<String>,
    /// Ways to pay that are on.
    pub methods: Vec<Method>,
    /// Amount limits.
    pub limits: Option<Limits>,
    /// The batch that is open.
    pub batch: Batch,
    /// Whether the network is there, as far as the shell said.
    pub online: bool,
    /// Payments that something still has to happen to.
    pub open_payments: u32,
    /// What waits to be forwarded.
    pub queue: QueueView,
    /// What opening the folder found, a sentence each.
    pub found: Vec<String>,
}

/// Who sells.
#[uniffi::remote(Record)]
pub struct MerchantProfile {
    /// Merchant number.
    pub number: MerchantId,
    /// Name for receipts, any script.
    pub name: String,
    /// Name in the common character set, at most 25 characters, for payment codes.
    pub name_latin: String,
    /// City in the common character set, at most 15 characters.
    pub city: String,
    /// ISO 3166, two letters.
    pub country: String,
    /// ISO 3166, numeric.
    pub country_numeric: u16,
    /// Merchant category code, four digits.
    pub mcc: String,
}

/// Amount limits in minor units.
#[uniffi::remote(Record)]
pub struct Limits {
    /// Largest single payment.
    pub payment_minor: i64,
    /// Up to here no PIN and no signature is asked.
    pub no_cvm_minor: i64,
}

/// What waits to be forwarded.
#[uniffi::remote(Record)]
pub struct QueueView {
    /// How many payments.
    pub count: u32,
    /// The sum of those accepted offline.
    pub sum: Amount,
    /// When the oldest was accepted, milliseconds since 1970 UTC.
    pub oldest_utc_ms: Option<u64>,
    /// Whether the acquirer allows card payments to be stored.
    pub offline_enabled: bool,
}
