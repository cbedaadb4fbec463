//! Store and forward: whether a card payment may be accepted without the host.

use softpos_host::OfflinePolicy;
use softpos_journal::Ledger;
use softpos_types::{Money, Now};

/// Row 19 and 21: on, small enough, few enough, young enough.
pub(crate) fn may_store(policy: &OfflinePolicy, ledger: &Ledger, amount: Money, now: Now) -> bool {
    let Ok((count, sum)) = ledger.stored_sum() else {
        return false;
    };
    let fits = sum
        .checked_add(amount.amount_minor())
        .is_some_and(|sum| sum <= policy.sum_minor);
    let oldest = ledger
        .payments()
        .filter(|payment| payment.waits_for_host())
        .map(|payment| payment.utc_ms)
        .min();
    let young = oldest.is_none_or(|oldest| now.utc_ms.saturating_sub(oldest) <= policy.age_ms);
    policy.enabled && amount.amount_minor() <= policy.payment_minor && count < policy.count && fits && young
}

#[cfg(test)]
mod tests;
