//! One exchange with the host about one payment, and what its outcome leads to.

use alloc::string::String;

use softpos_host::{
    CodeReply, HostAnswer, HostOutcome, HostRequest, HttpMethod, ReversalReply, Sent, SettleReply,
    StatusReply, TransactionReply, paths, read_answer,
};
use softpos_journal::{CodeFacts, Image, Moved, Payment, State};
use softpos_types::{Code, Method, Now, Operation, PaymentKey, ReversalReason, Tick};

use crate::decide::{Decision, after_request, after_reversal, after_status};
use crate::draft::{ReversalOf, from_image, reversal_body};
use crate::effect::{Effect, EffectId, Notice};
use crate::flow::Flow;
use crate::waiting::{AfterRecord, ForSignature, Waiting};

/// A request under way.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) ask: Ask,
    /// The request's signature, which the answer's must name.
    pub(crate) jws: String,
    /// After this no answer is awaited any more.
    pub(crate) deadline: Tick,
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// The payment's own request.
    Request(PaymentKey),
    /// Its state by key.
    Status(PaymentKey),
    /// Its reversal.
    Reversal(PaymentKey),
    /// A settlement.
    Settle,
    /// A step of the set-up.
    Setup,
}

impl Exchange {
    pub(crate) const fn key(&self) -> Option<PaymentKey> {
        match self.ask {
            Ask::Request(key) | Ask::Status(key) | Ask::Reversal(key) => Some(key),
            Ask::Settle | Ask::Setup => None,
        }
    }
}

impl Flow {
    /// Sends the payment's own request: the bytes and the signature that are on the disk.
    pub(crate) fn send_request(&mut self, key: PaymentKey, now: Now) {
        let image = self
            .ledger
            .payment(key)
            .and_then(|payment| payment.request.clone());
        self.send_image(image, Ask::Request(key), key, now);
    }

    /// Sends the payment's reversal.
    pub(crate) fn send_reversal(&mut self, key: PaymentKey, now: Now) {
        let payment = self.ledger.payment(key);
        let image = payment.and_then(|payment| payment.reversal.clone());
        match (image, payment.and_then(|payment| payment.reason)) {
            (None, reason) => self.reverse(key, reason.unwrap_or(ReversalReason::Other), now),
            (image, _) => self.send_image(image, Ask::Reversal(key), key, now),
        }
    }

    fn send_image(&mut self, image: Option<Image>, ask: Ask, key: PaymentKey, now: Now) {
        let Some(image) = image else {
            // Only a payment without request image comes here: it was never sendable.
            return self.record_failed(key, now);
        };
        let t1_ms = self.patience_ms(key);
        let exchange = Exchange {
            ask,
            jws: image.jws.clone(),
            deadline: now.tick.after_ms(t1_ms),
        };
        let attempt = self.next_attempt(key);
        self.send(from_image(&image, key), exchange, t1_ms, attempt);
    }

    /// Asks for a payment's state by key: signed afresh, for it carries time and nonce.
    pub(crate) fn query(&mut self, key: PaymentKey, now: Now) {
        let Some(payment) = self.ledger.payment(key) else {
            return;
        };
        let path = match (payment.operation, payment.method) {
            (Operation::Sale, Method::Code) if payment.wallet.is_some() => paths::code_payment(key),
            (Operation::Sale, Method::Code) => paths::code(key),
            (Operation::Sale, Method::Card | Method::Cash) | (Operation::Refund, _) => {
                paths::transaction(key)
            }
        };
        let unsent = self.unsent(HttpMethod::Get, path, alloc::vec::Vec::new(), now);
        let digest = unsent.digest();
        self.sign(alloc::vec![digest], ForSignature::Query { key, unsent });
    }

    pub(crate) fn send_query(&mut self, key: PaymentKey, request: HostRequest, now: Now) {
        let t1_ms = self.patience_ms(key);
        let exchange = Exchange {
            ask: Ask::Status(key),
            jws: request.jws.clone(),
            deadline: now.tick.after_ms(t1_ms),
        };
        let attempt = self.next_attempt(key);
        self.send(request, exchange, t1_ms, attempt);
    }

    fn patience_ms(&self, key: PaymentKey) -> u64 {
        let t1_ms = self.timers().t1_ms;
        self.charges.patience_ms(key).map_or(t1_ms, |ms| ms.min(t1_ms))
    }

    /// Begins to undo a payment. The image prepared before it was sent says "no answer"; another reason is
    /// signed anew.
    pub(crate) fn reverse(&mut self, key: PaymentKey, reason: ReversalReason, now: Now) {
        let Some(payment) = self.ledger.payment(key) else {
            return;
        };
        if reason == ReversalReason::NoAnswer && payment.reversal.is_some() {
            return self.record_reversing(key, reason, None, now);
        }
        let of = ReversalOf {
            key,
            batch: payment.batch,
            stan: payment.stan,
            amount: payment.amount,
        };
        let Some(activation) = &self.ledger.activation else {
            return;
        };
        let Ok(body) = reversal_body(&of, activation, reason) else {
            return;
        };
        let unsent = self.unsent(HttpMethod::Post, paths::REVERSALS.into(), body, now);
        let digest = unsent.digest();
        self.sign(alloc::vec![digest], ForSignature::Reverse { key, reason, unsent });
    }

    pub(crate) fn record_reversing(
        &mut self,
        key: PaymentKey,
        reason: ReversalReason,
        reversal: Option<Image>,
        now: Now,
    ) {
        let moved = Moved {
            reason: Some(reason),
            reversal,
            ..Moved::new(key, State::Reversing, now.utc_ms)
        };
        self.record_step(moved);
    }

    /// Nothing was sent: it has failed, and nothing was charged.
    pub(crate) fn record_failed(&mut self, key: PaymentKey, now: Now) {
        self.record_step(Moved::new(key, State::Failed, now.utc_ms));
    }

    pub(crate) fn record_step(&mut self, moved: Moved) {
        let key = moved.key;
        self.record(moved.into(), AfterRecord::Payment(key));
    }

    pub(crate) fn on_host_replied(&mut self, id: EffectId, answer: HostAnswer<'_>, now: Now) {
        let Some(Waiting::Host(exchange)) = self.take(id, |w| matches!(w, Waiting::Host(_))) else {
            return;
        };
        let keys = self.answer_keys();
        let jws = &exchange.jws;
        match exchange.ask {
            Ask::Request(key) | Ask::Status(key) if self.charges.contains(key) => {
                let is_submit = matches!(exchange.ask, Ask::Request(_));
                self.on_charge_outcome(key, is_submit, read_answer(jws, answer, &keys), now);
            }
            Ask::Reversal(key) if self.charges.contains(key) => {
                self.on_charge_reversal(key, read_answer(jws, answer, &keys), now);
            }
            Ask::Request(key) if self.is_code_request(key) => {
                self.on_code_outcome(key, read_answer::<CodeReply>(jws, answer, &keys), now);
            }
            Ask::Request(key) => self.on_request_outcome(key, read_answer(jws, answer, &keys), now),
            Ask::Status(key) => self.on_status_outcome(key, read_answer(jws, answer, &keys), now),
            Ask::Reversal(key) => self.on_reversal_outcome(key, read_answer(jws, answer, &keys), now),
            Ask::Settle => self.on_settle_outcome(read_answer::<SettleReply>(jws, answer, &keys), now),
            Ask::Setup => self.on_setup_answer(jws, answer, now),
        }
    }

    pub(crate) fn on_host_failed(&mut self, id: EffectId, sent: Sent, not_trusted: bool, now: Now) {
        let Some(Waiting::Host(exchange)) = self.take(id, |w| matches!(w, Waiting::Host(_))) else {
            return;
        };
        if not_trusted {
            self.effect(Effect::Notify(Notice::trouble(Code::HostNotTrusted)));
        }
        match exchange.ask {
            Ask::Request(key) | Ask::Status(key) if self.charges.contains(key) => {
                let is_submit = matches!(exchange.ask, Ask::Request(_));
                self.on_charge_outcome(key, is_submit, failed(sent), now);
            }
            Ask::Reversal(key) if self.charges.contains(key) => {
                self.on_charge_reversal(key, failed(sent), now);
            }
            Ask::Request(key) if self.is_code_request(key) => self.on_code_outcome(key, failed(sent), now),
            Ask::Request(key) => self.on_request_outcome(key, failed(sent), now),
            Ask::Status(key) => self.on_status_outcome(key, failed(sent), now),
            Ask::Reversal(key) => self.on_reversal_outcome(key, failed(sent), now),
            Ask::Settle => self.on_settle_outcome(failed(sent), now),
            Ask::Setup => self.on_setup_failed(sent, not_trusted, now),
        }
    }

    fn is_code_request(&self, key: PaymentKey) -> bool {
        let code = |p: &Payment| p.method == Method::Code && p.operation == Operation::Sale;
        self.ledger.payment(key).is_some_and(code)
    }

    pub(crate) fn on_request_outcome(
        &mut self,
        key: PaymentKey,
        outcome: HostOutcome<TransactionReply>,
        now: Now,
    ) {
        let Some(payment) = self.ledger.payment(key) else {
            return;
        };
        let decision = after_request(payment, outcome, now.utc_ms);
        self.obey(key, decision, now);
    }

    fn on_status_outcome(&mut self, key: PaymentKey, outcome: HostOutcome<StatusReply>, now: Now) {
        let attended = self.awaits(key);
        let Some(payment) = self.ledger.payment(key) else {
            return;
        };
        let decision = after_status(payment, outcome, attended, now.utc_ms);
        self.obey(key, decision, now);
    }

    fn on_reversal_outcome(&mut self, key: PaymentKey, outcome: HostOutcome<ReversalReply>, now: Now) {
        let Some(payment) = self.ledger.payment(key) else {
            return;
        };
        let decision = after_reversal(payment, outcome, now.utc_ms);
        self.obey(key, decision, now);
    }

    /// The host opened a code order: draw the code. Without an order nobody can pay, so any doubt cancels it.
    fn on_code_outcome(&mut self, key: PaymentKey, outcome: HostOutcome<CodeReply>, now: Now) {
        let Some(payment) = self.ledger.payment(key) else {
            return;
        };
        let decision = match outcome {
            HostOutcome::Reply(reply) if reply.key == key => match self.code_payload(payment, &reply) {
                Some(payload) => Decision::Record(Moved {
                    code: Some(CodeFacts {
                        payload,
                        expires_utc_ms: reply.expires_utc_ms,
                    }),
                    ..Moved::new(key, State::AwaitingPayer, now.utc_ms)
                }),
                None => Decision::Reverse(ReversalReason::Other),
            },
            HostOutcome::Reply(_) => Decision::Reverse(ReversalReason::Other),
            HostOutcome::Refused(error) => after_request(payment, HostOutcome::Refused(error), now.utc_ms),
            HostOutcome::NotSent => after_request(payment, HostOutcome::NotSent, now.utc_ms),
            HostOutcome::Unknown => Decision::Reverse(ReversalReason::NoAnswer),
            HostOutcome::BadMac => Decision::Reverse(ReversalReason::BadSignature),
        };
        self.obey(key, decision, now);
    }

    /// Does what the state table says.
    pub(crate) fn obey(&mut self, key: PaymentKey, decision: Decision, now: Now) {
        match decision {
            Decision::Record(moved) => self.record_step(moved),
            Decision::Reverse(reason) => self.reverse(key, reason, now),
            Decision::Resend => self.send_request(key, now),
            // Only the first sending can end in "nothing was sent"; before a kill there may have been another.
            Decision::NotSent if self.attends(key) => self.store_or_fail(key, now),
            Decision::Later | Decision::NotSent => self.retry_later(key, now),
        }
    }
}

const fn failed<T>(sent: Sent) -> HostOutcome<T> {
    match sent {
        Sent::No => HostOutcome::NotSent,
        Sent::Maybe => HostOutcome::Unknown,
    }
}
