//! Values of the core that only go out: each is a name for a plain type of the other side.
//!
//! None of them is an argument, because a value that cannot be read would be no typed error there (a test of the
//! surface holds that): what comes in is text, and checked by the call.

use softpos_types as types;
use softpos_types::{AuthCode, Batch, Currency, MerchantId, OrderId, PaymentKey, Rrn, Stan, TerminalId};

use crate::error::Fault;
use crate::money::Money;

/// An amount of the core.
pub(crate) type Amount = types::Money;
/// The root of a journal's Merkle tree.
pub(crate) type JournalRoot = [u8; 32];
/// A fault of the core.
pub(crate) type Reason = types::Fault;

macro_rules! handed_out {
    ($($(#[$doc:meta])* $name:ident = $plain:ty: |$value:ident| $by:expr;)*) => {
        $(uniffi::custom_type!($(#[$doc])* $name, $plain, {
            remote,
            lower: |$value| $by,
            try_lift: |_value| Err(uniffi::deps::anyhow::anyhow!("only handed out")),
        });)*
    };
}

handed_out! {
    /// An amount of money.
    Amount = Money: |amount| amount.into();
    /// The root of the Merkle tree over all records of a journal: 32 bytes.
    JournalRoot = Vec<u8>: |root| root.to_vec();
    /// Why something did not go on.
    Reason = Fault: |fault| fault.into();
    /// A payment's key for all its life, a UUID.
    PaymentKey = String: |key| key.to_string();
    /// A voucher number, 1 to 999999.
    Stan = u32: |number| number.value();
    /// The number of a batch, 1 to 999999.
    Batch = u32: |number| number.value();
    /// A currency, ISO 4217, three letters.
    Currency = String: |currency| currency.alpha().to_owned();
    /// The merchant's own order number.
    OrderId = String: |text| text.as_str().to_owned();
    /// An authorisation code.
    AuthCode = String: |text| text.as_str().to_owned();
    /// A retrieval reference number.
    Rrn = String: |text| text.as_str().to_owned();
    /// A terminal number.
    TerminalId = String: |text| text.as_str().to_owned();
    /// A merchant number.
    MerchantId = String: |text| text.as_str().to_owned();
}
