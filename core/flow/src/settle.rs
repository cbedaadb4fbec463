//! Day close: the batch's totals go to the host, both sides are compared, the next batch begins.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use softpos_host::{
    HostOutcome, HttpMethod, ItemState, MethodTotals, SettleItem, SettleReply, SettleRequest, SettleResult,
    paths,
};
use softpos_journal::{Image, Payment, Settled, Settling, State, Totals};
use softpos_types::{Batch, Code, Fault, Method, Money, MoneyError, Now, PaymentKey, SoftPosError, Tick};

use crate::background::Retry;
use crate::effect::{
    Difference, DifferenceKind, Effect, Ending, Notice, Screen, SettlementLine, SettlementView,
};
use crate::exchange::{Ask, Exchange};
use crate::flow::Flow;
use crate::sale::Front;
use crate::waiting::{AfterRecord, ForSignature};

impl Flow {
    /// Closes the batch. Asked again while one waits for its answer, that one goes on.
    ///
    /// # Errors
    /// `NotReady`: not activated, something is open on the screen, or payments of the batch have no end yet (row
    /// 15); `HostUnreachable` without a network.
    pub fn settle(&mut self, now: Now) -> Result<(), SoftPosError> {
        let Some(activation) = &self.ledger.activation else {
            return Err(SoftPosError::of(Code::NotActivated));
        };
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
        // Under way: an approved sale that is being undone.
        let under_way = self.waiting.values().filter_map(crate::waiting::Waiting::key);
        let open: Vec<PaymentKey> = self
            .ledger
            .open()
            .map(|payment| payment.key)
            .chain(under_way)
            .collect();
        if !open.is_empty() {
            return Err(
                SoftPosError::of(Code::PaymentsUnsettled).with_detail(alloc::format!(
                    "{} open, first {}",
                    open.len(),
                    open.first()
                        .map_or_else(alloc::string::String::new, |key| alloc::format!("{key}"),)
                )),
            );
        }
        let currency = self
            .parameters()
            .map(|p| p.currency)
            .ok_or_else(|| SoftPosError::of(Code::ParametersInvalid))?;
        let totals = self.ledger.totals(batch).map_err(too_large)?;
        let request = SettleRequest {
            v: 1,
            terminal: activation.terminal.clone(),
            merchant: activation.merchant.clone(),
            batch,
            currency,
            totals: totals
                .into_iter()
                .map(|(method, totals)| method_totals(method, totals))
                .collect(),
            journal_sequence: self.head.0,
            journal_head: self.head.1.to_vec(),
        };
        let body = serde_json::to_vec(&request).map_err(|error| {
            SoftPosError::of(Code::SessionPoisoned).with_detail(alloc::format!("{error}"))
        })?;
        self.front = Front::Settling;
        self.show(None, None, Screen::Settling { batch });
        let unsent = self.unsent(HttpMethod::Post, paths::settle(batch), body, now);
        let digest = unsent.digest();
        self.sign(alloc::vec![digest], ForSignature::Settle(unsent));
        Ok(())
    }

    pub(crate) fn settle_signed(&mut self, request: Image, now: Now) {
        let settling = Settling {
            batch: self.ledger.batch,
            request,
            utc_ms: now.utc_ms,
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
        let under_way = self.waiting.values().any(crate::waiting::Waiting::is_settlement);
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
        self.settle_retry.bump(&pauses, now);
        if matches!(self.front, Front::Settling) {
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
    }
}

fn too_large(_: MoneyError) -> SoftPosError {
    SoftPosError::of(Code::AmountOverLimit)
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
