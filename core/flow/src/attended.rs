//! The payment on the screen: from its record on the disk to the result the operator sees.

use alloc::string::String;

use softpos_host::CodeReply;
use softpos_journal::{DECLINED_BY_CARD, Payment, State};
use softpos_qr::mpm::{AccountFields, AdditionalData, MerchantAccount, MpmCode};
use softpos_types::{Code, Method, Now, Operation, PaymentKey, ReversalReason, Tick};

use crate::effect::{Announcement, Effect, Ending, NotStarted, Screen};
use crate::flow::Flow;
use crate::sale::{Attended, Front};
use crate::waiting::Waiting;

/// The template of a shown code's account (26..51 are free for any payment system).
const ACCOUNT_TEMPLATE: u8 = 26;

/// Response code of an approval by the card itself.
const APPROVED_OFFLINE: &str = "Y1";

impl Flow {
    /// Whether the sale screen of this payment is open.
    pub(crate) fn attends(&self, key: PaymentKey) -> bool {
        matches!(&self.front, Front::Attended(attended) if attended.key == key)
    }

    /// Whether the operator still waits for this payment's result: an approval is adopted only then.
    pub(crate) fn awaits(&self, key: PaymentKey) -> bool {
        matches!(&self.front, Front::Attended(attended) if attended.key == key && !attended.cancelled)
    }

    /// Takes the next step of the payment on the screen, as its written state says.
    pub(crate) fn advance_attended(&mut self, now: Now) {
        let Front::Attended(attended) = &self.front else {
            return;
        };
        let (key, cancelled) = (attended.key, attended.cancelled);
        if let Some(payment) = self.ledger.payment(key)
            && payment.wallet.is_some()
        {
            if !payment.state.is_open() || payment.state == State::Reversing {
                self.finish(key);
            }
            return;
        }
        if self.busy(key) {
            return;
        }
        let Some(payment) = self.ledger.payment(key) else {
            return;
        };
        let (state, operation) = (payment.state, payment.operation);
        if cancelled && operation == Operation::Sale && state.is_open() && state != State::Reversing {
            self.forgive_cancel();
            return self.reverse(key, ReversalReason::Other, now);
        }
        match state {
            State::Armed if self.online => self.send_request(key, now),
            State::Armed => self.store_or_fail(key, now),
            State::Unknown => self.ask_again(key, now),
            State::AwaitingPayer => self.ask_for_payer(key, now),
            State::Stored
            | State::Reversing
            | State::Approved
            | State::Declined
            | State::Failed
            | State::Reversed
            | State::Expired => self.finish(key),
        }
    }

    /// A step of a payment is on the disk: show it, or tell about it, and let a charged code go on.
    pub(crate) fn payment_recorded(&mut self, key: PaymentKey, now: Now) {
        self.show_recorded(key, now);
        if let Some(payment) = self.ledger.payment(key)
            && payment.wallet.is_some()
        {
            self.charge_recorded(key, payment.state, now);
        }
    }

    fn show_recorded(&mut self, key: PaymentKey, now: Now) {
        let Some(payment) = self.ledger.payment(key) else {
            return;
        };
        let (state, amount) = (payment.state, payment.amount);
        let (code, is_charge) = (payment.code.clone(), payment.wallet.is_some());
        if !self.attends(key) {
            self.drain_progressed(now);
            return self.background_recorded(key);
        }
        let first_query = self.timers().query_ms.first().copied().unwrap_or(0);
        let poll_ms = self.timers().code_query_ms;
        let Front::Attended(attended) = &mut self.front else {
            return;
        };
        match state {
            State::Unknown => {
                attended.card = None;
                attended.queries = 0;
                attended.next_query = (!is_charge).then_some(now.tick.after_ms(first_query));
                self.show(Some(key), Some(amount), Screen::ResultUnknown { queries: 0 });
                self.say(Announcement::Unknown);
            }
            State::AwaitingPayer if is_charge => {
                self.show(Some(key), Some(amount), Screen::AskPayer);
                self.say(Announcement::AskPayer);
            }
            State::AwaitingPayer => {
                attended.next_query = Some(now.tick.after_ms(poll_ms));
                if let Some(code) = code {
                    let (payload, expires_utc_ms) = (code.payload, code.expires_utc_ms);
                    self.show(
                        Some(key),
                        Some(amount),
                        Screen::ShowCode {
                            payload,
                            expires_utc_ms,
                        },
                    );
                }
            }
            State::Armed
            | State::Stored
            | State::Reversing
            | State::Approved
            | State::Declined
            | State::Failed
            | State::Reversed
            | State::Expired => {}
        }
    }

    /// A step could not be written: the payment leaves the screen as unknown, and the background clears it up.
    pub(crate) fn payment_not_recorded(&mut self, key: PaymentKey, first: bool, now: Now) {
        if !self.attends(key) {
            return self.retry_later(key, now);
        }
        if first {
            return self.not_started(key, NotStarted::NotRecorded);
        }
        self.leave_unknown(key, now);
    }

    /// The screen cannot go on with this payment: the background clears it up.
    pub(crate) fn leave_unknown(&mut self, key: PaymentKey, now: Now) {
        if self.attends(key) {
            self.front = Front::Idle;
            let recorded = self.ledger.payment(key).map(|payment| payment.state);
            if recorded != Some(State::Unknown) {
                self.say(Announcement::Unknown);
            }
            let state = State::Unknown;
            self.effect(Effect::Finish(Ending::Payment { key, state }));
        }
        self.retry_later(key, now);
    }

    /// The operator gives up. What was sent is undone, not forgotten.
    pub(crate) fn on_cancelled(&mut self, now: Now) {
        match &mut self.front {
            Front::Idle | Front::Settling => {}
            Front::Draining { .. } => self.settle_failed(Code::PaymentsUnsettled, now),
            Front::Arming(key) => {
                // Nothing is written down yet: its signatures come too late.
                let key = *key;
                self.waiting.retain(|_, waiting| waiting.key() != Some(key));
                self.not_started(key, NotStarted::Cancelled);
            }
            Front::Reading(reading) => {
                let key = reading.order.key;
                self.not_started(key, NotStarted::Cancelled);
            }
            Front::Pin(_) => self.on_pin(None, now),
            Front::Attended(attended) => {
                attended.cancelled = true;
                let key = attended.key;
                // An answer that is still under way is no longer awaited (row 16).
                self.waiting.retain(
                    |_, waiting| !matches!(waiting, Waiting::Host(exchange) if exchange.key() == Some(key)),
                );
                if self.charges.contains(key) {
                    return self.stop_charge(key, now);
                }
                if self
                    .ledger
                    .payment(key)
                    .is_some_and(|p| p.operation == Operation::Refund)
                {
                    self.finish(key);
                }
            }
        }
    }

    pub(crate) fn front_deadline(&self) -> Option<(Tick, &'static str)> {
        match &self.front {
            Front::Reading(reading) => {
                let waiting = (reading.deadline, "card");
                Some(
                    reading
                        .reader
                        .deadline()
                        .map_or(waiting, |answer| answer.min(waiting)),
                )
            }
            Front::Pin(stage) => Some((stage.deadline(), "PIN")),
            Front::Draining { until } => Some((*until, "day close")),
            Front::Attended(attended) if !self.busy(attended.key) => {
                attended.next_query.map(|due| (due, "query"))
            }
            Front::Idle | Front::Arming(_) | Front::Attended(_) | Front::Settling => None,
        }
    }

    pub(crate) fn on_front_deadline(&mut self, now: Now) {
        match &self.front {
            Front::Reading(reading) if reading.deadline <= now.tick => {
                let key = reading.order.key;
                self.not_started(key, NotStarted::TimedOut);
            }
            Front::Reading(reading) if reading.reader.deadline().is_some_and(|(due, _)| due <= now.tick) => {
                self.on_card(now, softpos_emv::Reader::card_lost);
            }
            Front::Pin(stage) if stage.deadline() <= now.tick => {
                let key = stage.key();
                self.not_started(key, NotStarted::TimedOut);
            }
            Front::Idle
            | Front::Arming(_)
            | Front::Reading(_)
            | Front::Pin(_)
            | Front::Attended(_)
            | Front::Draining { .. }
            | Front::Settling => {}
        }
    }

    /// Row 11: query by key at the configured moments, then undo.
    fn ask_again(&mut self, key: PaymentKey, now: Now) {
        let pauses = self.timers().query_ms;
        let online = self.online;
        let refund = self
            .ledger
            .payment(key)
            .is_some_and(|p| p.operation == Operation::Refund);
        let Some(attended) = self.attended_mut(key) else {
            return;
        };
        if attended.next_query.is_some_and(|due| due > now.tick) {
            return;
        }
        let asked = usize::try_from(attended.queries).unwrap_or(usize::MAX);
        match (pauses.get(asked), pauses.get(asked.saturating_add(1))) {
            (None, _) if refund => self.finish(key),
            (None, _) => self.reverse(key, ReversalReason::NoAnswer, now),
            (Some(at), next) => {
                let pause = next.map_or(0, |next| next.saturating_sub(*at));
                attended.next_query = Some(now.tick.after_ms(pause));
                attended.queries = attended.queries.saturating_add(1);
                let queries = attended.queries;
                let amount = self.ledger.payment(key).map(|payment| payment.amount);
                self.show(Some(key), amount, Screen::ResultUnknown { queries });
                if online {
                    self.query(key, now);
                }
            }
        }
    }

    /// A shown code is asked for at once.
    pub(crate) fn ask_now(&mut self, key: PaymentKey, now: Now) {
        if let Some(attended) = self.attended_mut(key) {
            attended.next_query = Some(now.tick);
            self.advance_attended(now);
        }
    }

    fn ask_for_payer(&mut self, key: PaymentKey, now: Now) {
        let pause = self.timers().code_query_ms;
        let online = self.online;
        let Some(attended) = self.attended_mut(key) else {
            return;
        };
        if attended.next_query.is_some_and(|due| due > now.tick) {
            return;
        }
        attended.next_query = Some(now.tick.after_ms(pause));
        if online {
            self.query(key, now);
        }
    }

    /// The operator has seen the result.
    fn finish(&mut self, key: PaymentKey) {
        self.front = Front::Idle;
        let Some(payment) = self.ledger.payment(key) else {
            return;
        };
        let state = payment.state;
        let reply = payment.reply.as_ref().map(|reply| reply.de39.clone());
        let de39 = reply.or_else(|| by_card(payment).map(Into::into));
        let (amount, announcement) = (payment.amount, announcement(payment));
        self.show(Some(key), Some(amount), Screen::Result { state, de39 });
        // That the result is unknown was said when it was written down.
        if state != State::Unknown {
            self.say(announcement);
        }
        self.effect(Effect::Finish(Ending::Payment { key, state }));
    }

    /// The merchant-presented code for an order that the host has opened; `None` if the strict encoder refuses.
    pub(crate) fn code_payload(&self, payment: &Payment, reply: &CodeReply) -> Option<String> {
        let parameters = self.parameters()?;
        let merchant = &parameters.merchant;
        let code = MpmCode {
            accounts: alloc::vec![MerchantAccount {
                id: ACCOUNT_TEMPLATE,
                fields: AccountFields::Template {
                    guid: reply.guid.clone(),
                    parts: alloc::vec![(1, reply.account.clone())],
                },
            }],
            category: merchant.mcc.clone(),
            amount: payment.amount,
            country: merchant.country.clone(),
            name: merchant.name_latin.clone(),
            city: merchant.city.clone(),
            additional: AdditionalData {
                bill: None,
                reference: Some(reply.reference.clone()),
                terminal: self
                    .ledger
                    .activation
                    .as_ref()
                    .map(|a| a.terminal.as_str().into()),
            },
            local: None,
        };
        code.encode().ok()
    }

    fn attended_mut(&mut self, key: PaymentKey) -> Option<&mut Attended> {
        match &mut self.front {
            Front::Attended(attended) if attended.key == key => Some(attended),
            Front::Idle
            | Front::Reading(_)
            | Front::Pin(_)
            | Front::Arming(_)
            | Front::Attended(_)
            | Front::Draining { .. }
            | Front::Settling => None,
        }
    }

    fn forgive_cancel(&mut self) {
        if let Front::Attended(attended) = &mut self.front {
            attended.cancelled = false;
        }
    }
}

/// The code of what the card decided by itself.
fn by_card(payment: &Payment) -> Option<&'static str> {
    if payment.declined_by_card() {
        Some(DECLINED_BY_CARD)
    } else {
        payment.is_offline_approval().then_some(APPROVED_OFFLINE)
    }
}

/// What the till says about where a payment stands.
fn announcement(payment: &Payment) -> Announcement {
    let amount = payment.amount;
    let reply = payment.reply.as_ref().map(|reply| reply.de39.clone());
    let de39 = reply.or_else(|| by_card(payment).map(Into::into));
    match (payment.state, payment.operation) {
        (State::Approved, Operation::Refund) => Announcement::Refunded { amount },
        (State::Approved, Operation::Sale) => {
            let channel = payment.reply.as_ref().and_then(|reply| reply.channel.clone());
            Announcement::Approved {
                method: payment.method,
                amount,
                channel,
            }
        }
        (State::Declined, _) => Announcement::Declined { de39 },
        (State::Stored, _) => Announcement::Stored { amount },
        (State::Reversed, _) => Announcement::Reversed,
        (State::Expired, _) if payment.method == Method::Code => Announcement::CodeExpired,
        (State::Failed | State::Expired, _) => Announcement::NotSent,
        (State::Reversing, _) => Announcement::Reversing,
        (State::Armed | State::AwaitingPayer | State::Unknown, _) => Announcement::Unknown,
    }
}
