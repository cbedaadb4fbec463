//! Payments as programs read them.

use serde::Serialize;
use softpos_terminal::PaymentSummary;
use softpos_types::OrderId;

/// A payment of the till. The first three members are those of every line about a payment.
#[derive(Debug, Serialize)]
pub(crate) struct Payment<'a> {
    key: String,
    state: &'static str,
    amount_minor: i64,
    currency: &'static str,
    operation: &'static str,
    method: &'static str,
    batch: String,
    stan: String,
    utc_ms: u64,
    changed_utc_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    masked_pan: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    de39: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rrn: Option<String>,
    was_stored: bool,
    queued: bool,
    refunded_minor: i64,
    reprints: u32,
}

impl<'a> From<&'a PaymentSummary> for Payment<'a> {
    fn from(summary: &'a PaymentSummary) -> Self {
        Self {
            key: summary.key.to_string(),
            state: summary.state.name(),
            amount_minor: summary.amount.amount_minor(),
            currency: summary.amount.currency().alpha(),
            operation: summary.operation.name(),
            method: summary.method.name(),
            batch: summary.batch.to_string(),
            stan: summary.stan.to_string(),
            utc_ms: summary.utc_ms,
            changed_utc_ms: summary.changed_utc_ms,
            order: summary.order.as_ref().map(OrderId::as_str),
            category: summary.category.as_deref(),
            original_key: summary.original_key.map(|key| key.to_string()),
            masked_pan: summary.masked_pan.as_deref(),
            scheme: summary.scheme.as_deref(),
            channel: summary.channel.as_deref(),
            de39: summary.de39.as_deref(),
            auth_code: summary.auth_code.as_ref().map(ToString::to_string),
            rrn: summary.rrn.as_ref().map(ToString::to_string),
            was_stored: summary.was_stored,
            queued: summary.queued,
            refunded_minor: summary.refunded.amount_minor(),
            reprints: summary.reprints,
        }
    }
}

/// A step that the till has acknowledged: it is on the disk.
#[derive(Debug, Serialize)]
pub(crate) struct Acknowledged {
    pub(crate) key: String,
    pub(crate) state: &'static str,
    pub(crate) amount_minor: i64,
}
