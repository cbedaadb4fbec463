//! Charging a payer's code: the order machine of softpos-qr between journal and host.
//!
//! The machine decides when to ask, when to give up and when to take back; what it wants written becomes a step of
//! the payment, what it wants asked a request under the payment's key. A restart makes it anew from the written
//! state, so that there is no second path here either.

use alloc::collections::BTreeMap;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use softpos_host::{
    HostOutcome, ReversalReply, StatusReply, TransactionState, WalletParameters, WalletWindow,
};
use softpos_journal::{Moved, Payment, Reply, State};
use softpos_qr::order::{
    Answer, Call, CallId, Charge as Charged, Circumstances, Desk, Effect as OrderEffect, Event as OrderEvent,
    NotBegun, Order, Retry, Rules, State as OrderState, Window,
};
use softpos_qr::{Recognised, recognise};
use softpos_types::{Code, Method, Now, PaymentKey, ReversalReason, SecretBytes, SoftPosError, Tick};

use crate::decide::{is_about, refused, reply_facts};
use crate::effect::{Effect, Notice, Screen};
use crate::event::PaymentRequest;
use crate::flow::Flow;
use crate::sale::{Front, Intent};

/// The orders that are open, and the memory of the codes that were used.
#[derive(Debug, Default)]
pub(crate) struct Charges {
    desk: Desk,
    open: BTreeMap<PaymentKey, Charge>,
}

/// One order and what it waits for.
#[derive(Debug)]
struct Charge {
    order: Order,
    rules: Rules,
    call: Option<CallId>,
    /// The host's decision, written with the state that it leads to.
    reply: Option<Reply>,
    /// Whether the charge may have reached the host.
    sent: bool,
    /// The operator gave up: the reversal says so.
    stopped: bool,
    /// What is being written, and when it is tried again if that failed.
    writing: Option<OrderState>,
    rewrite_due: Option<Tick>,
}

impl Charge {
    const fn new(order: Order, rules: Rules, sent: bool) -> Self {
        Self {
            order,
            rules,
            call: None,
            reply: None,
            sent,
            stopped: false,
            writing: None,
            rewrite_due: None,
        }
    }

    fn due(&self) -> Option<Tick> {
        let order = self.order.deadline().map(|(due, _)| due);
        order.into_iter().chain(self.rewrite_due).min()
    }
}

impl Charges {
    pub(crate) fn contains(&self, key: PaymentKey) -> bool {
        self.open.contains_key(&key)
    }

    /// Whether an order has no end yet: its machine is at work, even while it only waits for its time.
    pub(crate) fn is_any_open(&self) -> bool {
        self.open.values().any(|charge| charge.order.is_open())
    }

    pub(crate) fn forget(&mut self, key: PaymentKey) {
        self.open.remove(&key);
    }

    pub(crate) fn deadline(&self) -> Option<(Tick, &'static str)> {
        let due = self.open.values().filter_map(Charge::due).min();
        due.map(|due| (due, "payer's code"))
    }

    /// How long an answer about this payment is awaited: no longer than the wallet's own pause between questions.
    pub(crate) fn patience_ms(&self, key: PaymentKey) -> Option<u64> {
        let rules = self.open.get(&key)?.rules;
        Some(rules.query_interval_ms.max(rules.first_query_ms))
    }
}

impl Flow {
    /// Charges the code that a payer shows, and returns the payment's key. The code is sealed and gone from memory
    /// when this returns; it is never kept for later.
    ///
    /// # Errors
    /// As [`Flow::start`]; `InvalidInput` when the text is no payer's code of a wallet that this till takes, or was
    /// charged before; `NotReady` while the charge before has no end. Nothing is recorded then.
    pub fn charge_code(
        &mut self,
        request: PaymentRequest,
        scanned: &SecretBytes,
        now: Now,
    ) -> Result<PaymentKey, SoftPosError> {
        self.check_request(&request, now)?;
        if request.method != Method::Code {
            return Err(SoftPosError::of(Code::MethodNotAllowed));
        }
        let wallet = self.wallet_of(scanned)?;
        if self.registers.is_none() {
            return Err(SoftPosError::of(Code::KeysExhausted));
        }
        let rules = rules_of(wallet);
        let name = wallet.wallet.clone();
        let key = PaymentKey::new(now.utc_ms, &self.entropy.array());
        let circumstances = Circumstances {
            is_online: self.online,
            is_order_open: self.charges.is_any_open(),
        };
        let charged = Charged {
            code: scanned,
            number: &key.to_string(),
            rules,
        };
        let mut order = self
            .charges
            .desk
            .begin(&charged, circumstances, now)
            .map_err(not_begun)?;
        // What it asks to be written first is the record that the payment begins with.
        order.poll();
        let mut intent = Intent::sale(key, request, now);
        intent.wallet = Some(name);
        self.arm_code(intent, scanned, now)?;
        self.charges.open.insert(key, Charge::new(order, rules, false));
        Ok(key)
    }

    /// A payment was said to be paid, by a push message for example. Nothing of that is believed: it is a reason to
    /// ask the host now.
    ///
    /// # Errors
    /// [`Code::PaymentNotFound`]; [`Code::LatePayment`] for one that had ended without a charge and can no longer be
    /// undone from here: its batch is closed, or it was a shown code, whose order ended at the host.
    pub fn payment_notice(&mut self, key: PaymentKey, now: Now) -> Result<(), SoftPosError> {
        let payment = self
            .ledger
            .payment(key)
            .ok_or_else(|| SoftPosError::of(Code::PaymentNotFound))?;
        let (state, is_charge) = (payment.state, payment.wallet.is_some());
        let is_uncharged = matches!(
            state,
            State::Declined | State::Failed | State::Reversed | State::Expired
        );
        if is_uncharged && payment.method == Method::Code && (payment.closed || !is_charge) {
            return Err(SoftPosError::of(Code::LatePayment));
        }
        if is_charge {
            self.charge_notice(key, state, now);
        } else if state == State::AwaitingPayer {
            self.ask_now(key, now);
        }
        Ok(())
    }

    fn charge_notice(&mut self, key: PaymentKey, state: State, now: Now) {
        let ended = match state {
            State::Declined | State::Expired => Some(OrderState::Failed),
            State::Reversed => Some(OrderState::Reversed),
            State::Armed
            | State::AwaitingPayer
            | State::Unknown
            | State::Stored
            | State::Reversing
            | State::Approved
            | State::Failed => None,
        };
        if let Some(ended) = ended
            && !self.charges.contains(key)
        {
            self.restore_charge(key, ended, now);
        }
        self.order_event(key, OrderEvent::NotifiedPaid, now);
        self.charges_due(now);
    }

    /// Takes up an order in its written state: after a kill, or because an approved one is to be undone.
    pub(crate) fn resume_charge(&mut self, key: PaymentKey, now: Now) {
        let state = match self.ledger.payment(key).map(|payment| payment.state) {
            Some(State::Armed) => OrderState::Submitted,
            Some(State::AwaitingPayer) => OrderState::AwaitingPayer,
            Some(State::Unknown) => OrderState::Unknown,
            Some(State::Reversing) => OrderState::Reversing,
            Some(
                State::Stored
                | State::Approved
                | State::Declined
                | State::Failed
                | State::Reversed
                | State::Expired,
            )
            | None => return,
        };
        self.restore_charge(key, state, now);
        self.pump(key, now);
    }

    /// Takes up every order that the journal left open.
    pub(crate) fn resume_charges(&mut self, now: Now) {
        let open = self.ledger.unsettled().filter(|payment| payment.wallet.is_some());
        let keys: Vec<PaymentKey> = open.map(|payment| payment.key).collect();
        for key in keys {
            self.resume_charge(key, now);
        }
    }

    fn restore_charge(&mut self, key: PaymentKey, state: OrderState, now: Now) {
        let Some(payment) = self.ledger.payment(key) else {
            return;
        };
        let rules = self.rules_for(payment.wallet.as_deref().unwrap_or_default());
        let order = Order::restore(rules, state, payment.utc_ms, now);
        self.charges.open.insert(key, Charge::new(order, rules, true));
    }

    /// The operator gives up.
    pub(crate) fn stop_charge(&mut self, key: PaymentKey, now: Now) {
        if let Some(charge) = self.charges.open.get_mut(&key) {
            charge.stopped = true;
        }
        self.order_event(key, OrderEvent::Stopped, now);
    }

    /// A step of a charged payment is on the disk.
    pub(crate) fn charge_recorded(&mut self, key: PaymentKey, state: State, now: Now) {
        if let Some(charge) = self.charges.open.get_mut(&key) {
            charge.writing = None;
            self.order_event(key, OrderEvent::Journalled, now);
        } else if state == State::Reversing {
            self.resume_charge(key, now);
        }
    }

    /// A step could not be signed or written: it is tried again.
    pub(crate) fn charge_not_recorded(&mut self, key: PaymentKey, now: Now) {
        let pause_ms = self.timers().forward_ms.first().copied().unwrap_or(1_000);
        if let Some(charge) = self.charges.open.get_mut(&key)
            && charge.writing.is_some()
        {
            charge.rewrite_due = Some(now.tick.after_ms(pause_ms));
        }
    }

    /// What waits for its time goes on now.
    pub(crate) fn hurry_charges(&mut self, now: Now) {
        let keys: Vec<PaymentKey> = self.charges.open.keys().copied().collect();
        for key in keys {
            self.order_event(key, OrderEvent::Hurried, now);
        }
        self.charges_due(now);
    }

    pub(crate) fn charges_due(&mut self, now: Now) {
        let is_due = |charge: &Charge| charge.due().is_some_and(|due| due <= now.tick);
        let open = self.charges.open.iter().filter(|(_, charge)| is_due(charge));
        let keys: Vec<PaymentKey> = open.map(|(key, _)| *key).collect();
        for key in keys {
            if let Some(charge) = self.charges.open.get_mut(&key)
                && charge.rewrite_due.take_if(|due| *due <= now.tick).is_some()
                && let Some(state) = charge.writing
            {
                self.write_order(key, state, now);
            }
            self.order_event(key, OrderEvent::DeadlinePassed, now);
        }
    }

    fn order_event(&mut self, key: PaymentKey, event: OrderEvent, now: Now) {
        if let Some(charge) = self.charges.open.get_mut(&key) {
            charge.order.handle(event, now);
            self.pump(key, now);
        }
    }

    /// Does what the machine wants.
    fn pump(&mut self, key: PaymentKey, now: Now) {
        while let Some(effect) = self.charges.open.get_mut(&key).and_then(|c| c.order.poll()) {
            match effect {
                OrderEffect::Journal(state) => self.write_order(key, state, now),
                OrderEffect::Call { id, call } => self.call_wallet(key, (id, call), now),
                OrderEffect::AlarmLatePayment => {
                    if let Some(amount) = self.ledger.payment(key).map(|payment| payment.amount) {
                        self.effect(Effect::Notify(Notice::LatePayment { key, amount }));
                    }
                }
            }
        }
        self.charges.open.retain(|_, charge| charge.order.is_open());
    }

    fn write_order(&mut self, key: PaymentKey, state: OrderState, now: Now) {
        let Some((charge, payment)) = self.charges.open.get_mut(&key).zip(self.ledger.payment(key)) else {
            return;
        };
        let to = match state {
            // A restart asks in any of these states, and repeats a reversal: nothing new to be written.
            OrderState::Created
            | OrderState::Submitted
            | OrderState::Querying
            | OrderState::ReverseUnknown => None,
            OrderState::AwaitingPayer => Some(State::AwaitingPayer),
            OrderState::Unknown => Some(State::Unknown),
            OrderState::Paid => Some(State::Approved),
            OrderState::Failed if charge.reply.is_some() => Some(State::Declined),
            OrderState::Failed if charge.sent => Some(State::Expired),
            OrderState::Failed => Some(State::Failed),
            OrderState::Reversing => Some(State::Reversing),
            OrderState::Reversed | OrderState::ReversedRefunded => Some(State::Reversed),
        };
        match to.filter(|to| *to != payment.state) {
            None => charge.order.handle(OrderEvent::Journalled, now),
            Some(State::Reversing) => {
                charge.writing = Some(state);
                let reason = if charge.stopped {
                    ReversalReason::Other
                } else {
                    ReversalReason::NoAnswer
                };
                self.reverse(key, reason, now);
            }
            Some(to) => {
                charge.writing = Some(state);
                let reply = charge.reply.clone();
                self.record_step(Moved {
                    reply,
                    ..Moved::new(key, to, now.utc_ms)
                });
            }
        }
    }

    fn call_wallet(&mut self, key: PaymentKey, (id, call): (CallId, Call), now: Now) {
        let Some(charge) = self.charges.open.get_mut(&key) else {
            return;
        };
        charge.call = Some(id);
        match call {
            Call::Submit => {
                charge.sent = true;
                self.send_request(key, now);
            }
            Call::Query => {
                self.show_question(key);
                self.query(key, now);
            }
            // The host undoes by key, whichever way its wallet still allows.
            Call::Reverse | Call::Refund => self.send_reversal(key, now),
        }
    }

    fn show_question(&mut self, key: PaymentKey) {
        let payment = self.ledger.payment(key);
        let Some(amount) = payment
            .filter(|payment| payment.state == State::Unknown)
            .map(|payment| payment.amount)
        else {
            return;
        };
        if let Front::Attended(attended) = &mut self.front
            && attended.key == key
        {
            attended.queries = attended.queries.saturating_add(1);
            let queries = attended.queries;
            self.show(Some(key), Some(amount), Screen::ResultUnknown { queries });
        }
    }

    /// The host answered a charge or a question about one, or did not.
    pub(crate) fn on_charge_outcome(
        &mut self,
        key: PaymentKey,
        is_submit: bool,
        outcome: HostOutcome<StatusReply>,
        now: Now,
    ) {
        let Some((charge, payment)) = self.charges.open.get_mut(&key).zip(self.ledger.payment(key)) else {
            return;
        };
        let Some(id) = charge.call.take() else { return };
        let event = match outcome {
            HostOutcome::Reply(status) => match answer(payment, &status) {
                Some(answer) => {
                    charge.reply = status.reply.as_ref().map(reply_facts);
                    OrderEvent::Answered { id, answer }
                }
                // Undone by somebody else: take it back here too.
                None if is_undone(payment, &status) && is_waited_for(payment.state) => OrderEvent::Stopped,
                None if is_undone(payment, &status) => {
                    let answer = Answer::Reversed;
                    OrderEvent::Answered { id, answer }
                }
                None => OrderEvent::Unanswered { id },
            },
            HostOutcome::Refused(error) if is_submit => match error.code.as_str() {
                "reversed" | "key_reuse" | "busy" => OrderEvent::Unanswered { id },
                code => {
                    charge.reply = refused(payment, code, error.host_utc_ms, now.utc_ms).reply;
                    let answer = Answer::Failed;
                    OrderEvent::Answered { id, answer }
                }
            },
            HostOutcome::NotSent => {
                charge.sent = charge.sent && !is_submit;
                OrderEvent::NotSent { id }
            }
            HostOutcome::Refused(_) | HostOutcome::Unknown | HostOutcome::BadMac => {
                OrderEvent::Unanswered { id }
            }
        };
        self.order_event(key, event, now);
    }

    /// The host answered a reversal, or did not.
    pub(crate) fn on_charge_reversal(
        &mut self,
        key: PaymentKey,
        outcome: HostOutcome<ReversalReply>,
        now: Now,
    ) {
        let Some(id) = self
            .charges
            .open
            .get_mut(&key)
            .and_then(|charge| charge.call.take())
        else {
            return;
        };
        let event = match outcome {
            HostOutcome::Reply(reply)
                if reply.original_key == key && matches!(reply.de39.as_str(), "00" | "12" | "25") =>
            {
                let answer = Answer::Reversed;
                OrderEvent::Answered { id, answer }
            }
            HostOutcome::Reply(_)
            | HostOutcome::Refused(_)
            | HostOutcome::NotSent
            | HostOutcome::Unknown
            | HostOutcome::BadMac => OrderEvent::Unanswered { id },
        };
        self.order_event(key, event, now);
    }

    /// A question could not be signed.
    pub(crate) fn charge_not_asked(&mut self, key: PaymentKey, now: Now) {
        if let Some(id) = self
            .charges
            .open
            .get_mut(&key)
            .and_then(|charge| charge.call.take())
        {
            self.order_event(key, OrderEvent::Unanswered { id }, now);
        }
    }

    /// The wallet that a scanned code belongs to, among those of the parameters.
    fn wallet_of(&self, scanned: &SecretBytes) -> Result<&WalletParameters, SoftPosError> {
        let no_code = || SoftPosError::of(Code::NotAPaymentCode);
        let wallets = self.parameters().map_or(&[][..], |p| &p.codes.wallets);
        let text = core::str::from_utf8(scanned.expose()).map_err(|_| no_code())?;
        let found = match recognise(text).map_err(|reason| no_code().with_detail(reason.to_string()))? {
            Recognised::PaymentCode(code) => {
                let name = code.wallet().name();
                wallets.iter().find(|wallet| wallet.wallet == name)
            }
            Recognised::Cpm(decoded) => wallets.iter().find(|wallet| {
                let aids: Vec<Vec<u8>> = wallet
                    .aids
                    .iter()
                    .filter_map(|aid| hex::decode(aid).ok())
                    .collect();
                let aids: Vec<&[u8]> = aids.iter().map(Vec::as_slice).collect();
                decoded.choose(&aids).is_some()
            }),
            Recognised::Mpm { .. }
            | Recognised::Epc(_)
            | Recognised::Swiss(_)
            | Recognised::Link(_)
            | Recognised::Activation(_) => return Err(no_code()),
        };
        found.ok_or_else(|| SoftPosError::of(Code::MethodNotAllowed))
    }

    fn rules_for(&self, name: &str) -> Rules {
        let wallets = self.parameters().map_or(&[][..], |p| &p.codes.wallets);
        match wallets.iter().find(|wallet| wallet.wallet == name) {
            Some(wallet) => rules_of(wallet),
            // Parameters that no longer know the wallet: its published rules.
            None => match name {
                "wechat" => Rules::WECHAT,
                "wechat_hk" => Rules::WECHAT_CROSS_BORDER,
                "alipay" => Rules::ALIPAY,
                _ => Rules::UNIONPAY,
            },
        }
    }
}

/// What a status says in the machine's words; `None` if it is none about this payment, or no decision.
fn answer(payment: &Payment, status: &StatusReply) -> Option<Answer> {
    if status.key != payment.key {
        return None;
    }
    let decided = status
        .reply
        .as_ref()
        .is_some_and(|reply| is_about(payment, reply));
    let whole = status
        .reply
        .as_ref()
        .is_some_and(|reply| reply.amount_minor == payment.amount.amount_minor());
    match status.state {
        // Part of the amount is not what was agreed with the customer (row 8).
        TransactionState::Approved if decided && whole => Some(Answer::Paid),
        TransactionState::Declined if decided => Some(Answer::Failed),
        TransactionState::Expired => Some(Answer::Failed),
        TransactionState::AwaitingPayer => Some(Answer::AwaitingPayer),
        TransactionState::InProgress => Some(Answer::Unknown),
        TransactionState::NotFound => Some(Answer::NotFound),
        TransactionState::Approved | TransactionState::Declined | TransactionState::Reversed => None,
    }
}

fn is_undone(payment: &Payment, status: &StatusReply) -> bool {
    status.key == payment.key && status.state == TransactionState::Reversed
}

/// Whether its result is still awaited, rather than being undone or asked for again after its end.
const fn is_waited_for(state: State) -> bool {
    matches!(state, State::Armed | State::AwaitingPayer | State::Unknown)
}

fn rules_of(wallet: &WalletParameters) -> Rules {
    Rules {
        first_query_ms: wallet.first_query_ms,
        query_interval_ms: wallet.query_interval_ms,
        total_ms: wallet.total_ms,
        reverse_not_before_ms: wallet.reverse_not_before_ms,
        retry: Retry {
            quick_ms: wallet.retry_quick_ms,
            quick_count: wallet.retry_quick_count,
            slow_ms: wallet.retry_slow_ms,
        },
        window: match wallet.window {
            WalletWindow::For(ms) => Window::For { ms },
            WalletWindow::BeijingDayAnd(ms) => Window::BeijingDayAnd { ms },
            WalletWindow::Open => Window::Open,
        },
        reverses_failed: wallet.reverses_failed,
        confirms_paid: wallet.confirms_paid,
    }
}

fn not_begun(reason: NotBegun) -> SoftPosError {
    SoftPosError::of(match reason {
        NotBegun::Offline => Code::HostNotReached,
        NotBegun::OrderOpen => Code::CodeOrderOpen,
        NotBegun::CodeUsed | NotBegun::NumberUsed => Code::CodeUsed,
    })
}
