//! The books as rows: one for each transaction, with what it did to the merchant's account.

use serde::{Serialize, Serializer};
use softpos_host::{Method, Operation, TransactionState};
use softpos_types::{Batch, Currency, PaymentKey, Stan, TerminalId};
use sqlx::{Row as _, Sqlite};

use crate::HostError;

/// One transaction as the host has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerRow {
    /// Its key.
    #[serde(serialize_with = "as_text")]
    pub key: PaymentKey,
    /// The terminal.
    #[serde(serialize_with = "as_text")]
    pub terminal: TerminalId,
    /// The batch.
    #[serde(serialize_with = "as_text")]
    pub batch: Batch,
    /// The STAN.
    #[serde(serialize_with = "as_text")]
    pub stan: Stan,
    /// Sale or refund.
    pub operation: Operation,
    /// Card, code or cash.
    pub method: Method,
    /// Where it stands.
    pub state: TransactionState,
    /// Amount in minor units.
    pub amount_minor: i64,
    /// Its currency.
    #[serde(serialize_with = "as_text")]
    pub currency: Currency,
    /// Response code; empty while a code waits for its payer.
    pub de39: String,
    /// Accepted offline and told late.
    pub deferred: bool,
    /// When the host took it in.
    pub host_utc_ms: u64,
    /// The sale that a refund gives back.
    #[serde(serialize_with = "as_optional_text")]
    pub original_key: Option<PaymentKey>,
    /// Net effect on the merchant's account, by the postings: positive for a sale that stands, negative for a
    /// refund, zero for what was declined or undone.
    pub booked_minor: i64,
}

/// All rows, oldest first.
pub(crate) async fn rows(work: &mut sqlx::Transaction<'static, Sqlite>) -> Result<Vec<LedgerRow>, HostError> {
    let found = sqlx::query(
        "SELECT payment_key, terminal, batch, stan, operation, method, state, amount_minor, currency, de39, \
         deferred, host_utc_ms, original_key, expires_utc_ms, \
         (SELECT CAST(COALESCE(-SUM(postings.amount_minor), 0) AS BIGINT) FROM postings \
          WHERE postings.payment_key = transactions.payment_key AND postings.account LIKE 'merchant:%') AS booked \
         FROM transactions ORDER BY sequence",
    )
    .fetch_all(&mut **work)
    .await?;
    let now = crate::clock::utc_ms();
    found
        .iter()
        .map(|row| read(row, now)?.ok_or(HostError::Damaged("a row of transactions")))
        .collect()
}

fn read(row: &sqlx::sqlite::SqliteRow, now_utc_ms: u64) -> Result<Option<LedgerRow>, sqlx::Error> {
    let text = |column: &'static str| row.try_get::<String, _>(column);
    let number = |column: &'static str| row.try_get::<i64, _>(column);
    let original: Option<String> = row.try_get("original_key")?;
    let expires: Option<i64> = row.try_get("expires_utc_ms")?;
    let (key, terminal, batch, stan) = (
        text("payment_key")?,
        text("terminal")?,
        number("batch")?,
        number("stan")?,
    );
    let (operation, method, state, currency, de39) = (
        text("operation")?,
        text("method")?,
        text("state")?,
        text("currency")?,
        text("de39")?,
    );
    let (amount_minor, deferred, host_utc_ms, booked_minor) = (
        number("amount_minor")?,
        number("deferred")?,
        number("host_utc_ms")?,
        number("booked")?,
    );
    let build = || {
        Some(LedgerRow {
            key: key.parse().ok()?,
            terminal: TerminalId::new(&terminal).ok()?,
            batch: Batch::new(u32::try_from(batch).ok()?).ok()?,
            stan: Stan::new(u32::try_from(stan).ok()?).ok()?,
            operation: word(&operation)?,
            method: word(&method)?,
            state: current_state(word(&state)?, expires, now_utc_ms),
            amount_minor,
            currency: Currency::from_alpha(&currency)?,
            de39,
            deferred: deferred != 0,
            host_utc_ms: u64::try_from(host_utc_ms).ok()?,
            original_key: match original {
                Some(original) => Some(original.parse().ok()?),
                None => None,
            },
            booked_minor,
        })
    };
    Ok(build())
}

/// A code that nobody paid in time is expired, whatever was last written down.
pub(crate) fn current_state(
    stored: TransactionState,
    expires_utc_ms: Option<i64>,
    now_utc_ms: u64,
) -> TransactionState {
    let over = expires_utc_ms.is_some_and(|expires| expires <= crate::call::stored_time(now_utc_ms));
    if stored == TransactionState::AwaitingPayer && over {
        TransactionState::Expired
    } else {
        stored
    }
}

/// A word of the protocol from its text in the database.
pub(crate) fn word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.into())).ok()
}

/// The text of a word of the protocol.
pub(crate) fn text_of(word: &impl Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

fn as_text<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

#[expect(clippy::ref_option, reason = "the signature is serde's")]
fn as_optional_text<S: Serializer>(value: &Option<impl ToString>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.serialize_str(&value.to_string()),
        None => serializer.serialize_none(),
    }
}
