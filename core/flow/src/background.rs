//! What goes on by itself: reversals first, then payments whose result is unknown, each alone; then
//! the queue, in its order, a few of it on their way at once.

use softpos_journal::{Payment, State};
use softpos_types::{Method, Now, Operation, PaymentKey, ReversalReason, Tick};

use crate::effect::{Effect, Notice};
use crate::exchange::Ask;
use crate::flow::Flow;
use crate::waiting::Waiting;

/// So many payments of the queue may be on their way to the host at once: over a slow network one after the other would
/// take a round trip each.
const MAX_FORWARDED_AT_ONCE: usize = 4;

/// So many ends of forwarded payments may be on their way to the disk while the next one is sent.
const MAX_UNWRITTEN_ENDS: usize = 16;

/// Tries of one payment, and when the next is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) tries: u32,
    pub(crate) due: Tick,
}

/// Progress of sending the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forwarding {
    pub(crate) done: u32,
    pub(crate) total: u32,
}

/// How much longer a pause is than configured: by up to a quarter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Jitter(pub(crate) u8);

impl Jitter {
    fn lengthen(self, pause_ms: u64) -> u64 {
        let more = pause_ms.saturating_mul(u64::from(self.0)) / 1_024;
        pause_ms.saturating_add(more)
    }
}

impl Retry {
    /// The next try after a pause from the list, whose last one repeats, made a little longer by `jitter`: tills that
    /// lost their host together shall not come back together.
    pub(crate) fn bump(&mut self, pauses_ms: &[u64], jitter: Jitter, now: Now) {
        let index = usize::try_from(self.tries)
            .unwrap_or(usize::MAX)
            .min(pauses_ms.len().saturating_sub(1));
        let pause_ms = jitter.lengthen(pauses_ms.get(index).copied().unwrap_or(1_000));
        self.tries = self.tries.saturating_add(1);
        self.due = now.tick.after_ms(pause_ms);
    }
}

impl Flow {
    /// Makes everything that waits due now, and says how many payments wait to be forwarded.
    pub fn force_sync(&mut self, now: Now) -> u32 {
        self.retries.clear();
        self.settle_retry = Retry::default();
        self.refresh_retry = Retry::default();
        self.hurry_charges(now);
        let total = u32::try_from(self.ledger.queue_len()).unwrap_or(u32::MAX);
        self.forwarding = (total > 0).then_some(Forwarding { done: 0, total });
        self.advance_background(now);
        total
    }

    /// Starts the next background exchanges, as many as may be under way.
    pub(crate) fn advance_background(&mut self, now: Now) {
        while self.online && !self.background_busy() {
            let Some((key, ask)) = self.next_background(now) else {
                return;
            };
            match ask {
                Ask::Reversal(_) => return self.send_reversal(key, now),
                Ask::Status(_) => return self.query(key, now),
                Ask::Request(_) => {
                    self.count_forwarding();
                    self.send_request(key, now);
                }
                Ask::Settle | Ask::Setup => return,
            }
        }
    }

    /// Whether a background task could run now.
    pub(crate) fn background_due(&self, now: Now) -> bool {
        self.online && !self.background_busy() && self.next_background(now).is_some()
    }

    pub(crate) fn background_deadline(&self) -> Option<(Tick, &'static str)> {
        if !self.online || self.background_busy() {
            return None;
        }
        let payments = self.background_heads().map(|(key, _)| self.due(key)).min();
        let settle = self.settlement_due();
        payments
            .into_iter()
            .chain(settle)
            .chain(self.refresh_due())
            .min()
            .map(|due| (due, "background"))
    }

    /// Nothing was learned about a payment: it is tried again after a pause.
    pub(crate) fn retry_later(&mut self, key: PaymentKey, now: Now) {
        if self.charges.contains(key) {
            return self.charge_not_recorded(key, now);
        }
        if self.attends(key) {
            // The screen has its own moments for queries.
            return;
        }
        let timers = self.timers();
        let reversing = self
            .ledger
            .payment(key)
            .is_some_and(|p| p.state == State::Reversing);
        let pauses = if reversing {
            &timers.reversal_ms
        } else {
            &timers.forward_ms
        };
        let jitter = self.jitter();
        self.retries.entry(key).or_default().bump(pauses, jitter, now);
    }

    /// Chance for one pause.
    pub(crate) fn jitter(&mut self) -> Jitter {
        let [byte] = self.entropy.array();
        Jitter(byte)
    }

    /// The number of the next try of this payment, from 1.
    pub(crate) fn next_attempt(&self, key: PaymentKey) -> u32 {
        self.retries
            .get(&key)
            .map_or(1, |retry| retry.tries.saturating_add(1))
    }

    /// A background payment came to another state.
    pub(crate) fn background_recorded(&mut self, key: PaymentKey) {
        let Some(payment) = self.ledger.payment(key) else {
            return;
        };
        let notice = Notice::PaymentChanged {
            key,
            operation: payment.operation,
            method: payment.method,
            amount: payment.amount,
            state: payment.state,
            de39: payment.reply.as_ref().map(|reply| reply.de39.clone()),
        };
        let ended = !payment.is_open();
        // The host now knows of what was final before, cash or the card's own approval: nothing that anybody needs to
        // hear. That it does not honour it is something else.
        let known = payment.method == Method::Cash
            || (payment.approved_by_card() && payment.state == State::Approved);
        let forwarded = ended && (payment.was_stored || payment.method == Method::Cash);
        if !known {
            self.effect(Effect::Notify(notice));
        }
        if ended {
            self.retries.remove(&key);
        } else if let Some(retry) = self.retries.get_mut(&key) {
            // A new state is tried at once.
            *retry = Retry::default();
        }
        if forwarded && let Some(mut progress) = self.forwarding {
            progress.done = progress.done.saturating_add(1);
            progress.total = progress.total.max(progress.done);
            self.effect(Effect::Notify(Notice::Forwarding {
                done: progress.done,
                total: progress.total,
            }));
            self.forwarding = (progress.done < progress.total).then_some(progress);
        }
    }

    fn count_forwarding(&mut self) {
        if self.forwarding.is_none() {
            let total = u32::try_from(self.ledger.queue_len()).unwrap_or(u32::MAX);
            self.forwarding = Some(Forwarding { done: 0, total });
        }
    }

    /// Whether nothing further about payments that are not on the screen may begin.
    ///
    /// The written end of a forwarded payment keeps the next one waiting only if several are not on the disk yet: killed
    /// before, the till sends it again and gets the stored answer.
    fn background_busy(&self) -> bool {
        let waits = |key| self.ledger.payment(key).is_some_and(|payment| payment.queued);
        let sent = self.unattended().filter(|it| it.requested().is_some_and(waits));
        let unwritten = self.unattended().filter(|it| it.ends_forwarding());
        let (sent, unwritten) = (sent.count(), unwritten.count());
        sent.saturating_add(unwritten) < self.unattended().count()
            || sent >= MAX_FORWARDED_AT_ONCE
            || unwritten >= MAX_UNWRITTEN_ENDS
    }

    /// What is under way about payments that are not on the screen.
    fn unattended(&self) -> impl Iterator<Item = &Waiting> {
        let waiting = self.waiting.values();
        waiting.filter(|waiting| waiting.key().is_some_and(|key| !self.attends(key)))
    }

    /// The first payment in order whose time has come, and what to ask about it.
    fn next_background(&self, now: Now) -> Option<(PaymentKey, Ask)> {
        self.background_heads()
            .find(|(key, _)| self.due(*key) <= now.tick)
    }

    /// What is open, not on the screen, and can be next: reversals, unknown results, then the first of the queue that is
    /// not on its way. While that one waits for its next try, nobody behind it is sent.
    fn background_heads(&self) -> impl Iterator<Item = (PaymentKey, Ask)> {
        // The machine of a charged code has its own moments.
        let by_itself = |payment: &&Payment| {
            payment.wallet.is_none() && !self.held(payment.key) && !self.busy(payment.key)
        };
        let unsettled = || self.ledger.unsettled().filter(by_itself);
        let reversals = unsettled()
            .filter(|payment| payment.state == State::Reversing)
            .map(|payment| (payment.key, Ask::Reversal(payment.key)));
        let unknown = unsettled()
            .filter(|payment| payment.state != State::Reversing)
            .map(|payment| (payment.key, Ask::Status(payment.key)));
        let waits = |payment: &&Payment| payment.state != State::Reversing && !self.held(payment.key);
        let head = self
            .ledger
            .queue()
            .filter(waits)
            .find(|payment| !self.busy(payment.key))
            .filter(|payment| self.may_go_beside(payment))
            .map(|payment| (payment.key, Ask::Request(payment.key)));
        reversals.chain(unknown).chain(head)
    }

    /// Whether a payment may be sent beside those that are on their way: not while one of them was tried in vain before,
    /// for then the host is asked with one alone, and no refund beside its sale.
    fn may_go_beside(&self, payment: &Payment) -> bool {
        let mut on_their_way = self.unattended().filter_map(Waiting::key);
        on_their_way.all(|key| !self.retries.contains_key(&key) && payment.original_key != Some(key))
    }

    /// Whether something that waits was tried less often than this since everything was made due.
    pub(crate) fn any_tried_less_than(&self, tries: u32) -> bool {
        self.background_heads()
            .any(|(key, _)| self.retries.get(&key).is_none_or(|retry| retry.tries < tries))
    }

    fn held(&self, key: PaymentKey) -> bool {
        self.attends(key) || matches!(&self.front, crate::sale::Front::Arming(arming) if *arming == key)
    }

    fn due(&self, key: PaymentKey) -> Tick {
        self.retries.get(&key).map_or(Tick(0), |retry| retry.due)
    }
}

impl Flow {
    /// The operator refuses an approved sale (wrong code, wrong amount): it is undone (row 8).
    ///
    /// # Errors
    /// `PaymentNotFound`, or `NotRefundable` when it is no approved sale that can be reversed.
    pub fn refuse_approval(&mut self, key: PaymentKey, now: Now) -> Result<(), softpos_types::SoftPosError> {
        use softpos_types::{Code, SoftPosError};
        let payment = self
            .ledger
            .payment(key)
            .ok_or_else(|| SoftPosError::of(Code::PaymentNotFound))?;
        let reversible = payment.state == State::Approved
            && payment.operation == Operation::Sale
            && payment.method != Method::Cash
            && payment.batch == self.ledger.batch;
        let refunded = self
            .ledger
            .refunded(payment)
            .is_ok_and(|sum| sum.amount_minor() > 0);
        // A refund or a settlement that is being written down counts on this sale.
        let occupied = !self.is_idle() || self.ledger.settling.is_some() || self.busy(key);
        if !reversible || refunded || occupied {
            return Err(SoftPosError::of(Code::NotRefundable));
        }
        self.reverse(key, ReversalReason::Other, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// The pauses of so many tries, each a little longer by the same chance.
    fn pauses_ms(jitter: u8, tries: u32) -> Vec<u64> {
        let now = Now {
            tick: Tick(1_000),
            utc_ms: 0,
            utc_offset_min: 0,
        };
        let mut retry = Retry::default();
        (0..tries)
            .map(|_| {
                retry.bump(&[1_000, 5_000, 60_000], Jitter(jitter), now);
                retry.due.0.abs_diff(now.tick.0)
            })
            .collect()
    }

    #[test]
    fn pauses_grow_the_last_one_repeats_and_chance_lengthens_each_by_less_than_a_quarter() {
        assert_eq!(pauses_ms(0, 5), [1_000, 5_000, 60_000, 60_000, 60_000]);
        assert_eq!(pauses_ms(128, 3), [1_125, 5_625, 67_500]);
        for jitter in 0..=u8::MAX {
            for (longer, pause) in pauses_ms(jitter, 3).iter().zip(pauses_ms(0, 3)) {
                assert!(
                    (pause..pause.saturating_add(pause / 4)).contains(longer),
                    "{jitter}: {longer}"
                );
            }
        }
    }
}
