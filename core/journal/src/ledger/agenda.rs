//! Which payments something still has to happen to, kept beside them: after every event they are asked for, and a long
//! queue must not be walked each time.

use alloc::collections::BTreeSet;

use softpos_types::PaymentKey;

use crate::payment::Payment;
use crate::state::State;

/// The open payments, by what they wait for.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    /// In doubt, on their way or to be undone, oldest first.
    pub(super) unsettled: BTreeSet<PaymentKey>,
    /// To be forwarded, by the record that queued them: the clock may have gone back in between.
    pub(super) queue: BTreeSet<(u64, PaymentKey)>,
    /// Taken from a card without the host, by the time of day.
    pub(super) stored: BTreeSet<(u64, PaymentKey)>,
}

impl Agenda {
    /// Takes a payment in as it stands now.
    pub(super) fn note(&mut self, payment: &Payment) {
        if payment.queued {
            self.queue.insert((payment.sequence, payment.key));
        }
        if payment.is_open() && payment.waits_for_host() {
            self.stored.insert((payment.utc_ms, payment.key));
        }
        if is_unsettled(payment) {
            self.unsettled.insert(payment.key);
        }
    }

    /// Takes a payment out, before it changes.
    pub(super) fn forget(&mut self, payment: &Payment) {
        self.queue.remove(&(payment.sequence, payment.key));
        self.stored.remove(&(payment.utc_ms, payment.key));
        self.unsettled.remove(&payment.key);
    }
}

/// Open, and not only because it has to be forwarded.
pub(super) const fn is_unsettled(payment: &Payment) -> bool {
    payment.is_open() && (!payment.queued || matches!(payment.state, State::Reversing))
}
