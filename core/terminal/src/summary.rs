//! A payment as lists and details show it.

use softpos_journal::{DECLINED_BY_CARD, Ledger, Payment, State};
use softpos_types::{AuthCode, Batch, Language, Method, Money, Operation, OrderId, PaymentKey, Rrn, Stan};

/// A payment as a shell shows it: nothing in it could be used to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentSummary {
    /// Idempotency key.
    pub key: PaymentKey,
    /// Sale or refund.
    pub operation: Operation,
    /// Card, code or cash.
    pub method: Method,
    /// Amount.
    pub amount: Money,
    /// Where it stands.
    pub state: State,
    /// Voucher number.
    pub stan: Stan,
    /// Batch.
    pub batch: Batch,
    /// When it was started, milliseconds since 1970 UTC.
    pub utc_ms: u64,
    /// The merchant's offset from UTC then, in minutes.
    pub utc_offset_min: i16,
    /// When it last changed.
    pub changed_utc_ms: u64,
    /// The customer's language.
    pub language: Language,
    /// The merchant's order number.
    pub order: Option<OrderId>,
    /// Goods category.
    pub category: Option<String>,
    /// The sale that a refund gives back.
    pub original_key: Option<PaymentKey>,
    /// First 6 and last 4 digits of the card.
    pub masked_pan: Option<String>,
    /// Scheme, as `visa`.
    pub scheme: Option<String>,
    /// The wallet that paid, or whose code is charged.
    pub channel: Option<String>,
    /// The host's response code.
    pub de39: Option<String>,
    /// Authorisation code.
    pub auth_code: Option<AuthCode>,
    /// Retrieval reference number.
    pub rrn: Option<Rrn>,
    /// Whether it was ever accepted offline.
    pub was_stored: bool,
    /// Whether the host still has to be told.
    pub queued: bool,
    /// What of it was or may have been given back.
    pub refunded: Money,
    /// How often its slip was printed again.
    pub reprints: u32,
}

/// Which payments to list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// At most so many; 0 for all.
    pub limit: u32,
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those whose key, voucher number, order or card number contains this text.
    pub text: Option<String>,
}

impl PaymentSummary {
    pub(crate) fn of(ledger: &Ledger, payment: &Payment) -> Self {
        let card = payment.card.as_ref();
        let reply = payment.reply.as_ref();
        let none = Money::new(0, payment.amount.currency());
        Self {
            key: payment.key,
            operation: payment.operation,
            method: payment.method,
            amount: payment.amount,
            state: payment.state,
            stan: payment.stan,
            batch: payment.batch,
            utc_ms: payment.utc_ms,
            utc_offset_min: payment.utc_offset_min,
            changed_utc_ms: payment.changed_utc_ms,
            language: payment.language,
            order: payment.order.clone(),
            category: payment.category.clone(),
            original_key: payment.original_key,
            masked_pan: card.map(|card| card.masked_pan.clone()),
            scheme: card.map(|card| card.scheme.clone()),
            channel: reply
                .and_then(|reply| reply.channel.clone())
                .or_else(|| payment.wallet.clone()),
            de39: reply
                .map(|reply| reply.de39.clone())
                .or_else(|| payment.declined_by_card().then(|| DECLINED_BY_CARD.into())),
            auth_code: reply.and_then(|reply| reply.auth_code.clone()),
            rrn: reply.and_then(|reply| reply.rrn.clone()),
            was_stored: payment.was_stored,
            queued: payment.queued,
            refunded: ledger.refunded(payment).unwrap_or(none),
            reprints: payment.reprints,
        }
    }

    fn contains(&self, text: &str) -> bool {
        self.key.to_string().contains(text)
            || self.stan.to_string().contains(text)
            || self
                .order
                .as_ref()
                .is_some_and(|order| order.as_str().contains(text))
            || self.masked_pan.as_ref().is_some_and(|pan| pan.contains(text))
    }
}

impl HistoryQuery {
    /// At most so many.
    pub(crate) fn most(&self) -> usize {
        match self.limit {
            0 => usize::MAX,
            limit => usize::try_from(limit).unwrap_or(usize::MAX),
        }
    }

    /// Those of the payments that it asks for, in their order.
    pub(crate) fn pick<'a>(
        &self,
        ledger: &Ledger,
        payments: impl Iterator<Item = &'a Payment>,
    ) -> Vec<PaymentSummary> {
        payments
            .filter(|payment| self.state.is_none_or(|state| payment.state == state))
            .map(|payment| PaymentSummary::of(ledger, payment))
            .filter(|summary| self.text.as_ref().is_none_or(|text| summary.contains(text)))
            .take(self.most())
            .collect()
    }
}
