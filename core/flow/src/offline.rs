//! Store and forward: whether a card payment may be accepted without the host, and what is said when stored ones wait too
//! long.
//!
//! What is stored is forwarded until the host has decided it, however old it grows: dropping it would lose the
//! merchant's money in silence. Age, count and sum only keep new ones out.

use softpos_host::OfflinePolicy;
use softpos_journal::Ledger;
use softpos_types::{Code, Money, Now};

use crate::effect::{Effect, Notice};
use crate::flow::Flow;

/// Row 19 and 21: on, small enough, few enough, young enough.
pub(crate) fn may_store(policy: &OfflinePolicy, ledger: &Ledger, amount: Money, now: Now) -> bool {
    let Ok((count, sum)) = ledger.stored_sum() else {
        return false;
    };
    let fits = sum
        .checked_add(amount.amount_minor())
        .is_some_and(|sum| sum <= policy.sum_minor);
    let young = !is_overdue(policy, ledger, now);
    policy.enabled && amount.amount_minor() <= policy.payment_minor && count < policy.count && fits && young
}

/// Whether the oldest stored payment is older than the policy allows.
pub(crate) fn is_overdue(policy: &OfflinePolicy, ledger: &Ledger, now: Now) -> bool {
    oldest_utc_ms(ledger).is_some_and(|oldest| now.utc_ms.saturating_sub(oldest) > policy.age_ms)
}

/// When the oldest stored payment was accepted.
fn oldest_utc_ms(ledger: &Ledger) -> Option<u64> {
    ledger.stored().next().map(|payment| payment.utc_ms)
}

impl Flow {
    /// Whether stored payments wait longer than the acquirer allows.
    pub fn queue_overdue(&self, now: Now) -> bool {
        self.parameters()
            .is_some_and(|parameters| is_overdue(&parameters.offline, &self.ledger, now))
    }

    /// Tells the operator, once, that stored payments wait too long.
    pub(crate) fn watch_queue(&mut self, now: Now) {
        let overdue = self.queue_overdue(now);
        if overdue && !self.overdue_told {
            self.effect(Effect::Notify(Notice::trouble(Code::QueueOverdue)));
        }
        self.overdue_told = overdue;
    }
}

#[cfg(test)]
mod tests;
