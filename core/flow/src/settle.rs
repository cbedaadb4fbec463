//! Day close: the batch's totals go to the host, both sides are compared, the next batch begins.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use softpos_host::{
    HostOutcome, HttpMethod, ItemState, JournalVerdict, MethodTotals, SettleItem, SettleReply, SettleRequest,
    SettleResult, paths,
};
use softpos_journal::{Image, Payment, Settled, Settling, State, Totals};
use softpos_types::{Batch, Code, Fault, Method, Money, MoneyError, Now, PaymentKey, SoftPosError, Tick};

use crate::background::Retry;
use crate::effect::{
    Difference, DifferenceKind, Effect, EffectId, Ending, Notice, Screen, SettlementLine, SettlementView,
};
use crate::event::Anchor;
use crate::exchange::{Ask, Exchange};
use crate::flow::Flow;
use crate::sale::Front;
use crate::waiting::{AfterRecord, ForSignature, Waiting};

/// So often a day close lets a payment be tried: one lost answer shall not keep the day open.
const DRAIN_TRIES: u32 = 2;

impl Flow {
    /// Closes the batch: what is open is told to the host first, reversals before the rest; then the totals are
    /// compared. What cannot be told now leaves the day open (row 15): it ends with
    /// [`Ending::SettleFailed`] and [`Code::PaymentsUnsettled`]. Asked again while a close waits for its answer, that
    /// one goes on.
    ///
    /// # Errors
    /// `NotReady`: not activated, or something is open on the screen; `HostUnreachable` without a network.
    pub fn settle(&mut self, now: Now) -> Result<(), SoftPosError> {
        if self.ledger.activation.is_none() {
            return Err(SoftPosError::of(Code::NotActivated));
        }
        if !self.is_idle() {
            return Err(SoftPosError::of(Code::PaymentOpen));
        }
        if !self.online {
            return Err(SoftPosError::of(Code::HostNotReached));
        }
        let batch = self.ledger.batch;
        if self.ledger.settling.is_some() {
            self.front = Front::Settling;
            self.settle_retry = Retry::default();
            return Ok(());
        }
        if self.parameters().is_none() {
            return Err(SoftPosError::of(Code::ParametersInvalid));
        }
        let until = self.drained_by(now);
        self.front = Front::Draining { until };
        self.show(None, None, Screen::Settling { batch });
        self.force_sync(now);
        self.advance_drain(now);
        Ok(())
    }

    /// A day close goes on when nothing is open any more, and ends when nothing more can be done about what is.
    pub(crate) fn advance_drain(&mut self, now: Now) {
        let Front::Draining { until } = self.front else {
            return;
        };
        // Under way without being open: an approved sale that is being undone.
        let under_way = self.waiting.values().any(|waiting| waiting.key().is_some());
        let is_open = under_way || self.ledger.open().next().is_some();
        // A charged code has its own moments.
        let goes_on = under_way || self.charges.is_any_open() || self.any_tried_less_than(DRAIN_TRIES);
        if !self.online {
            self.settle_failed(Code::HostNotReached, now);
        } else if !is_open {
            self.anchor_batch(now);
        } else if !goes_on || until <= now.tick {
            self.settle_failed(Code::PaymentsUnsettled, now);
        }
    }

    /// A payment has come further: there is hope for the others.
    pub(crate) fn drain_progressed(&mut self, now: Now) {
        let later = self.drained_by(now);
        if let Front::Draining { until } = &mut self.front {
            *until = later;
        }
    }

    /// How long a day close waits for a sign of progress: as long as two exchanges may take.
    fn drained_by(&self, now: Now) -> Tick {
        now.tick.after_ms(self.timers().t1_ms.saturating_mul(2))
    }

    fn anchor_batch(&mut self, now: Now) {
        if self.ledger.totals(self.ledger.batch).is_err() {
            return self.settle_failed(Code::AmountOverLimit, now);
        }
        self.front = Front::Settling;
        let id = self.next_id();
        self.waiting.insert(id, Waiting::Anchor);
        let since = self.ledger.anchored;
        self.effect(Effect::Anchor { id, since });
    }

    /// The journal's head is known: the request that anchors it is signed.
    pub(crate) fn on_anchored(&mut self, id: EffectId, anchor: &Anchor, now: Now) {
        if self.take(id, |w| matches!(w, Waiting::Anchor)).is_none() {
            return;
        }
        let Some(request) = self.settle_request(anchor) else {
            return self.settle_failed(Code::SessionPoisoned, now);
        };
        let Ok(body) = serde_json::to_vec(&request) else {
            return self.settle_failed(Code::SessionPoisoned, now);
        };
        let unsent = self.unsent(HttpMethod::Post, paths::settle(request.batch), body, now);
        let digest = unsent.digest();
        let journal_sequence = anchor.sequence;
        self.sign(
            alloc::vec![digest],
            ForSignature::Settle {
                unsent,
                journal_sequence,
            },
        );
    }

    pub(crate) fn on_anchor_failed(&mut self, id: EffectId, now: Now) {
        if self.take(id, |w| matches!(w, Waiting::Anchor)).is_some() {
            self.settle_failed(Code::StoreUnreadable, now);
        }
    }

    /// `None` if the till has lost its activation or its parameters since, or a sum overflows.
    fn settle_request(&self, anchor: &Anchor) -> Option<SettleRequest> {
        let activation = self.ledger.activation.as_ref()?;
        let batch = self.ledger.batch;
        let totals = self.ledger.totals(batch).ok()?;
        Some(SettleRequest {
            v: 1,
            terminal: activation.terminal.clone(),
            merchant: activation.merchant.clone(),
            batch,
            currency: self.parameters()?.currency,
            totals: totals
                .into_iter()
                .map(|(method, totals)| method_totals(method, totals))
                .collect(),
            journal_sequence: anchor.sequence,
            journal_head: anchor.head.to_vec(),
            journal_root: anchor.root.to_vec(),
            journal_since: self.ledger.anchored,
            journal_proof: anchor.proof.concat(),
        })
    }

    pub(crate) fn settle_signed(&mut self, request: Image, journal_sequence: u64, now: Now) {
        let settling = Settling {
            batch: self.ledger.batch,
            request,
            utc_ms: now.utc_ms,
            journal_sequence,
        };
        self.record(settling.into(), AfterRecord::Settling);
    }

    /// Sends the settlement on the disk again when its time has come: a crash resumes here.
    pub(crate) fn advance_settlement(&mut self, now: Now) {
        let waits = self.settlement_due().is_some_and(|due| due <= now.tick);
        if waits && self.online {
            self.send_settlement(now);
        }
    }

    /// When the settlement that waits for its answer is due, unless it is under way.
    pub(crate) fn settlement_due(&self) -> Option<Tick> {
        let under_way = self.waiting.values().any(Waiting::is_settlement);
        let free = self.is_idle() || matches!(self.front, Front::Settling);
        (self.ledger.settling.is_some() && free && !under_way).then_some(self.settle_retry.due)
    }

    pub(crate) fn send_settlement(&mut self, now: Now) {
        let Some(settling) = &self.ledger.settling else {
            return;
        };
        let (image, batch) = (settling.request.clone(), settling.batch);
        let t1_ms = self.timers().t1_ms;
        self.show(None, None, Screen::Settling { batch });
        let exchange = Exchange {
            ask: Ask::Settle,
            jws: image.jws.clone(),
            deadline: now.tick.after_ms(t1_ms),
        };
        let request = softpos_host::HostRequest {
            method: HttpMethod::Post,
            path: image.path,
            body: image.body,
            jws: image.jws,
            key: None,
        };
        let attempt = self.settle_retry.tries.saturating_add(1);
        self.send(request, exchange, t1_ms, attempt);
    }

    pub(crate) fn on_settle_outcome(&mut self, outcome: HostOutcome<SettleReply>, now: Now) {
        match outcome {
            HostOutcome::Reply(reply)
                if Some(reply.batch) == self.ledger.settling.as_ref().map(|s| s.batch) =>
            {
                let Ok(view) = compare(self, &reply) else {
                    return self.settle_failed(Code::HostGarbled, now);
                };
                let settled = Settled {
                    batch: reply.batch,
                    balanced: view.balanced,
                    next_batch: reply.next_batch,
                    host_utc_ms: reply.host_utc_ms,
                    totals: own_totals(&view),
                    disputed: reply.journal == JournalVerdict::Disputed,
                };
                self.record(settled.into(), AfterRecord::Settled(Box::new(view)));
            }
            HostOutcome::Reply(_) => self.settle_failed(Code::HostGarbled, now),
            HostOutcome::Refused(error) => {
                self.settle_failed(Code::HostRefused, now);
                self.effect(Effect::Notify(Notice::trouble(Code::HostRefused)));
                drop(error);
            }
            HostOutcome::NotSent => self.settle_failed(Code::HostNotReached, now),
            HostOutcome::Unknown => self.settle_failed(Code::ResultUnknown, now),
            HostOutcome::BadMac => self.settle_failed(Code::HostSignature, now),
        }
    }

    /// The settlement stays on the disk and is sent again later.
    pub(crate) fn settle_failed(&mut self, code: Code, now: Now) {
        let pauses = self.timers().forward_ms;
        let jitter = self.jitter();
        self.settle_retry.bump(&pauses, jitter, now);
        if matches!(self.front, Front::Settling | Front::Draining { .. }) {
            self.front = Front::Idle;
            self.effect(Effect::Finish(Ending::SettleFailed {
                fault: Fault::of(code),
            }));
        }
    }

    pub(crate) fn settled(&mut self, view: SettlementView) {
        self.settle_retry = Retry::default();
        if matches!(self.front, Front::Settling) {
            self.front = Front::Idle;
        }
        self.effect(Effect::Finish(Ending::Settled { view }));
        if self.ledger.settled.last().is_some_and(|settled| settled.disputed) {
            self.effect(Effect::Notify(Notice::trouble(Code::JournalDisputed)));
        }
    }
}

/// The till's own totals, for the journal.
fn own_totals(view: &SettlementView) -> Vec<softpos_journal::MethodTotals> {
    let lines = view
        .lines
        .iter()
        .filter(|line| line.terminal != Totals::default());
    lines.map(|line| (line.method, line.terminal).into()).collect()
}

fn method_totals(method: Method, totals: Totals) -> MethodTotals {
    let Totals {
        sale_count,
        sale_minor,
        refund_count,
        refund_minor,
    } = totals;
    MethodTotals {
        method,
        sale_count,
        sale_minor,
        refund_count,
        refund_minor,
    }
}

/// Both sides beside each other: totals by method, and every payment that does not match. The host's own verdict
/// counts only when the terminal's comparison agrees.
fn compare(flow: &Flow, reply: &SettleReply) -> Result<SettlementView, MoneyError> {
    let ours: BTreeMap<Method, Totals> = flow.ledger().totals(reply.batch)?.into_iter().collect();
    let theirs: BTreeMap<Method, Totals> = reply.totals.iter().map(|t| (t.method, host_totals(t))).collect();
    let lines = Method::ALL
        .into_iter()
        .filter(|method| ours.contains_key(method) || theirs.contains_key(method))
        .map(|method| SettlementLine {
            method,
            terminal: ours.get(&method).copied().unwrap_or_default(),
            host: theirs.get(&method).copied().unwrap_or_default(),
        })
        .collect::<Vec<_>>();
    let differences = differences(flow, reply.batch, &reply.items);
    let balanced = reply.result == SettleResult::Balanced
        && differences.is_empty()
        && lines.iter().all(|line| line.terminal == line.host);
    Ok(SettlementView {
        batch: reply.batch,
        balanced,
        lines,
        differences,
    })
}

fn host_totals(totals: &MethodTotals) -> Totals {
    Totals {
        sale_count: totals.sale_count,
        sale_minor: totals.sale_minor,
        refund_count: totals.refund_count,
        refund_minor: totals.refund_minor,
    }
}

fn differences(flow: &Flow, batch: Batch, items: &[SettleItem]) -> Vec<Difference> {
    let mut theirs: BTreeMap<PaymentKey, &SettleItem> = items.iter().map(|item| (item.key, item)).collect();
    let mut found = Vec::new();
    for payment in flow.ledger().payments().filter(|payment| payment.batch == batch) {
        let kind = match theirs.remove(&payment.key) {
            // What never took money need not be known to the host.
            None => (payment.state == State::Approved).then_some(DifferenceKind::TerminalOnly),
            Some(item) => difference(payment, item),
        };
        found.extend(kind.map(|kind| Difference {
            key: payment.key,
            kind,
        }));
    }
    let host_only = theirs
        .into_values()
        .filter(|item| item.state == ItemState::Approved);
    found.extend(host_only.map(|item| Difference {
        key: item.key,
        kind: DifferenceKind::HostOnly,
    }));
    found
}

fn difference(payment: &Payment, item: &SettleItem) -> Option<DifferenceKind> {
    let approved = payment.state == State::Approved;
    if approved != (item.state == ItemState::Approved) {
        return Some(DifferenceKind::State);
    }
    let amount = Money::new(item.amount_minor, payment.amount.currency());
    (approved && amount != payment.amount).then_some(DifferenceKind::Amount)
}

#[cfg(test)]
mod tests;
