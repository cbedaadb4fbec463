//! From a ledger to a checkpoint and back.

use softpos_types::PaymentKey;

use super::Ledger;
use crate::entry::{Checkpoint, OfPayment};
use crate::payment::Payment;

impl Ledger {
    /// What a checkpoint behind the records so far says.
    pub fn checkpoint(&self) -> Checkpoint {
        let numbers = |key: &PaymentKey, number: i64| OfPayment { key: *key, number };
        Checkpoint {
            activation: self.activation.clone(),
            parameters: self.parameters.clone(),
            attested: self.attested.clone(),
            keys: self.keys.clone(),
            settling: self.settling.clone(),
            settled: self.settled.clone(),
            next_stan: self.next_stan,
            batch: self.batch,
            data_counter: self.data_counter,
            pin_counter: self.pin_counter,
            anchored: self.anchored,
            given_back: self
                .given_back
                .iter()
                .map(|(key, sum)| numbers(key, *sum))
                .collect(),
            late_reprints: self
                .late_reprints
                .iter()
                .map(|(key, count)| numbers(key, i64::from(*count)))
                .collect(),
            payments: self
                .payments()
                .filter(|payment| !payment.closed)
                .cloned()
                .collect(),
            archived: self.archived.clone(),
        }
    }

    /// Begins where a checkpoint stands.
    pub(super) fn adopt(&mut self, checkpoint: Checkpoint) {
        let Checkpoint {
            activation,
            parameters,
            attested,
            keys,
            settling,
            settled,
            next_stan,
            batch,
            data_counter,
            pin_counter,
            anchored,
            given_back,
            late_reprints,
            payments,
            archived,
        } = checkpoint;
        (self.activation, self.parameters) = (activation, parameters);
        (self.attested, self.keys) = (attested, keys);
        (self.settling, self.settled) = (settling, settled);
        (self.next_stan, self.batch) = (next_stan, batch);
        (self.data_counter, self.pin_counter) = (data_counter, pin_counter);
        (self.anchored, self.archived) = (anchored, archived);
        self.given_back = given_back.into_iter().map(|of| (of.key, of.number)).collect();
        self.late_reprints = late_reprints
            .into_iter()
            .map(|of| (of.key, u32::try_from(of.number).unwrap_or(0)))
            .collect();
        let open = |payment: &Payment| !payment.closed;
        payments
            .into_iter()
            .filter(open)
            .for_each(|payment| self.insert(payment));
    }
}
