//! A payment as the journal's records make it.

use alloc::string::String;

use minicbor::{Decode, Encode};
use softpos_types::{Batch, Language, Method, Money, Operation, OrderId, PaymentKey, ReversalReason, Stan};

use crate::codec;
use crate::entry::{CardFacts, CodeFacts, Image, Moved, Reply, Started};
use crate::state::State;

/// Everything the journal knows of one payment.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Payment {
    /// Idempotency key.
    #[cbor(n(0), with = "codec::key")]
    pub key: PaymentKey,
    /// Sale or refund.
    #[cbor(n(1), with = "codec::operation")]
    pub operation: Operation,
    /// Card, code or cash.
    #[cbor(n(2), with = "codec::method")]
    pub method: Method,
    /// Amount.
    #[cbor(n(3), with = "codec::money")]
    pub amount: Money,
    /// System trace audit number.
    #[cbor(n(4), with = "codec::stan")]
    pub stan: Stan,
    /// Batch.
    #[cbor(n(5), with = "codec::batch")]
    pub batch: Batch,
    /// Where it stands.
    #[n(6)]
    pub state: State,
    /// When it was started.
    #[n(7)]
    pub utc_ms: u64,
    /// The merchant's offset from UTC then.
    #[n(8)]
    pub utc_offset_min: i16,
    /// When it last changed.
    #[n(9)]
    pub changed_utc_ms: u64,
    /// The customer's language.
    #[cbor(n(10), with = "codec::language")]
    pub language: Language,
    /// The merchant's order number.
    #[cbor(n(11), with = "codec::order::option", has_nil)]
    pub order: Option<OrderId>,
    /// Goods category.
    #[n(12)]
    pub category: Option<String>,
    /// The sale that a refund gives back.
    #[cbor(n(13), with = "codec::key::option", has_nil)]
    pub original_key: Option<PaymentKey>,
    /// Card facts.
    #[n(14)]
    pub card: Option<CardFacts>,
    /// The code that is or was shown.
    #[n(15)]
    pub code: Option<CodeFacts>,
    /// The wallet whose code is charged.
    #[n(26)]
    pub wallet: Option<String>,
    /// The host's decision.
    #[n(16)]
    pub reply: Option<Reply>,
    /// Why it was or is being reversed.
    #[cbor(n(17), with = "codec::reason::option", has_nil)]
    pub reason: Option<ReversalReason>,
    /// The signed request; dropped when it has ended.
    #[n(18)]
    pub request: Option<Image>,
    /// The signed reversal; dropped when it has ended.
    #[n(19)]
    pub reversal: Option<Image>,
    /// Whether it was ever accepted offline.
    #[n(20)]
    pub was_stored: bool,
    /// Whether the host still has to be told.
    #[n(21)]
    pub queued: bool,
    /// How often its slip was printed again.
    #[n(22)]
    pub reprints: u32,
    /// Sequence of its last record.
    #[n(23)]
    pub sequence: u64,
    /// Its batch is closed: nothing about it changes any more but how often its slip was printed.
    #[n(24)]
    pub closed: bool,
    /// It came from the backup of another installation.
    #[n(25)]
    pub restored: bool,
}

/// DE39 of a payment that the card declined by itself.
pub const DECLINED_BY_CARD: &str = "Z1";

impl Payment {
    /// The payment that a first record makes.
    pub(crate) fn start(started: Started, sequence: u64) -> Self {
        let by_card = started.method == Method::Card && started.state == State::Approved;
        let told_later = (started.method == Method::Cash || by_card) && started.request.is_some();
        let queued = started.state == State::Stored || told_later;
        Self {
            key: started.key,
            operation: started.operation,
            method: started.method,
            amount: started.amount,
            stan: started.stan,
            batch: started.batch,
            state: started.state,
            utc_ms: started.utc_ms,
            utc_offset_min: started.utc_offset_min,
            changed_utc_ms: started.utc_ms,
            language: started.language,
            order: started.order,
            category: started.category,
            original_key: started.original_key,
            card: started.card,
            code: None,
            wallet: started.wallet,
            reply: None,
            reason: None,
            request: started.request,
            reversal: started.reversal,
            was_stored: queued && started.method == Method::Card,
            queued,
            reprints: 0,
            sequence,
            closed: false,
            restored: false,
        }
    }

    /// Takes a change over, if the state table allows it.
    pub(crate) fn step(&mut self, moved: Moved, sequence: u64) -> bool {
        if self.closed || !self.state.may_become(moved.to) {
            return false;
        }
        // An approval is final, but for one that the card gave and the host, told later, does not honour.
        if (self.state, moved.to) == (State::Approved, State::Declined) && !self.is_offline_approval() {
            return false;
        }
        self.state = moved.to;
        self.changed_utc_ms = moved.utc_ms;
        self.sequence = sequence;
        self.reply = moved.reply.or_else(|| self.reply.take());
        self.reason = moved.reason.or(self.reason);
        self.code = moved.code.or_else(|| self.code.take());
        self.request = moved.request.or_else(|| self.request.take());
        self.reversal = moved.reversal.or_else(|| self.reversal.take());
        if moved.to == State::Stored {
            self.was_stored = true;
            self.queued = true;
        } else if moved.forwarded == Some(true) || self.method != Method::Cash {
            self.queued = false;
        }
        if !self.is_open() {
            self.request = None;
            // An approved sale keeps its reversal: the operator may still refuse it.
            if self.state != State::Approved {
                self.reversal = None;
            }
        }
        true
    }

    /// A payment of a backup as another installation may have it: nothing of it can be sent.
    pub(crate) fn restore(mut self, sequence: u64) -> Self {
        (self.request, self.reversal, self.code) = (None, None, None);
        (self.closed, self.restored, self.queued) = (true, true, false);
        self.sequence = sequence;
        self
    }

    /// Ends it with its batch. What is settled can be given back, but no longer be undone: its reversal is of no
    /// more use.
    pub(crate) fn close(&mut self) {
        self.reversal = None;
        self.closed = true;
    }

    /// Whether something still has to happen before its batch can be settled.
    pub const fn is_open(&self) -> bool {
        !self.closed && (self.state.is_open() || self.queued)
    }

    /// Whether the card has approved it by itself.
    pub fn approved_by_card(&self) -> bool {
        self.card
            .as_ref()
            .is_some_and(|card| card.approved_offline == Some(true))
    }

    /// Whether the card itself has declined it: the host never heard of it, and never will.
    pub const fn declined_by_card(&self) -> bool {
        matches!((self.state, self.method), (State::Declined, Method::Card))
            && self.card.is_some()
            && self.reply.is_none()
    }

    /// Whether the card has approved it and the host does not know yet.
    pub fn is_offline_approval(&self) -> bool {
        self.queued && self.state == State::Approved && self.method == Method::Card
    }

    /// Whether it was taken from a card without the host, and the host does not know yet.
    pub fn waits_for_host(&self) -> bool {
        self.state == State::Stored || self.is_offline_approval()
    }

    /// Whether it keeps new card sales waiting: it must be asked for or undone first.
    pub const fn blocks_card_sales(&self) -> bool {
        if self.closed {
            return false;
        }
        match self.state {
            State::Armed | State::Unknown | State::Reversing => matches!(self.operation, Operation::Sale),
            State::AwaitingPayer
            | State::Stored
            | State::Approved
            | State::Declined
            | State::Failed
            | State::Reversed
            | State::Expired => false,
        }
    }
}
