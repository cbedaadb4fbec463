//! What the till can do now, and for whom.

use softpos_terminal as terminal;

use crate::error::Fault;
use crate::mirror::record;
use crate::money::Money;
use crate::words::Method;

record! {
    /// What the till can do now, and for whom.
    Status = terminal::Status {
        /// Whether the activation is complete.
        activated: bool,
        /// Why a card sale would be refused now, if it would.
        obstacle: Option<Fault>,
        /// Who sells.
        merchant: Option<MerchantProfile>,
        /// Terminal number.
        terminal: Option<String>,
        /// The till's currency, three letters.
        currency: Option<String>,
        /// Goods categories to choose from.
        categories: Vec<String>,
        /// Ways to pay that are on.
        methods: Vec<Method>,
        /// Amount limits.
        limits: Option<Limits>,
        /// The batch that is open.
        batch: u32,
        /// Whether the network is there, as far as the shell said.
        online: bool,
        /// Payments that something still has to happen to.
        open_payments: u32,
        /// What waits to be forwarded.
        queue: QueueView,
        /// What opening the folder found, in words for support.
        found: Vec<String>,
    }
}

record! {
    /// Who sells.
    MerchantProfile = terminal::MerchantProfile {
        /// Merchant number.
        number: String,
        /// Name for receipts, any script.
        name: String,
        /// City.
        city: String,
        /// ISO 3166, two letters.
        country: String,
        /// Merchant category code, four digits.
        mcc: String,
    }
}

record! {
    /// Amount limits in minor units.
    Limits = terminal::Limits {
        /// Largest single payment.
        payment_minor: i64,
        /// Up to here no PIN and no signature is asked.
        no_cvm_minor: i64,
    }
}

record! {
    /// What waits to be forwarded.
    QueueView = terminal::QueueView {
        /// How many payments.
        count: u32,
        /// The sum of those accepted offline.
        sum: Money,
        /// When the oldest was accepted, milliseconds since 1970 UTC.
        oldest_utc_ms: Option<u64>,
        /// Whether the acquirer allows card payments to be stored.
        offline_enabled: bool,
    }
}
