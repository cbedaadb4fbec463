//! The fold: from records to the state of every payment, the queue, the totals and the counters.
//!
//! A payment leaves the fold when its batch is closed: what has to be remembered of it stays as a number, the rest
//! is in the journal. [`Ledger::whole`] keeps them, for lists, exports and checks.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use softpos_types::{Batch, Method, Money, MoneyError, Operation, OrderId, PaymentKey, Stan};

use crate::entry::{
    Activation, Archived, Attested, Entry, KeysLoaded, MethodTotals, Moved, ParametersTaken, Reprinted,
    Settled, Settling, Totals,
};
use crate::payment::Payment;
use crate::state::State;

mod agenda;
mod checkpoint;

use self::agenda::{Agenda, is_unsettled};

/// What the journal says, all records together. Pure: the same records in the same order give the same ledger, and
/// so do a checkpoint and the records behind it.
#[derive(Clone, Debug)]
pub struct Ledger {
    payments: BTreeMap<PaymentKey, Payment>,
    orders: BTreeMap<OrderId, PaymentKey>,
    /// The refunds of a sale.
    refunds: BTreeMap<PaymentKey, BTreeSet<PaymentKey>>,
    agenda: Agenda,
    /// Whether payments of closed batches stay.
    whole: bool,
    /// Whether nothing was applied yet.
    blank: bool,
    given_back: BTreeMap<PaymentKey, i64>,
    late_reprints: BTreeMap<PaymentKey, u32>,
    /// Who this till is.
    pub activation: Option<Activation>,
    /// The parameters in use.
    pub parameters: Option<ParametersTaken>,
    /// The last verdict.
    pub attested: Option<Attested>,
    /// The key set in use.
    pub keys: Option<KeysLoaded>,
    /// A settlement that waits for its answer.
    pub settling: Option<Settling>,
    /// Batches that were closed, oldest first.
    pub settled: Vec<Settled>,
    /// The STAN for the next payment.
    pub next_stan: Stan,
    /// The batch for the next payment.
    pub batch: Batch,
    /// Highest DUKPT counter ever taken for card data.
    pub data_counter: u32,
    /// Highest DUKPT counter ever taken for a PIN.
    pub pin_counter: u32,
    /// How many records the host has anchored with the last settlement.
    pub anchored: u64,
    /// What was removed from the front of the journal.
    pub archived: Option<Archived>,
    /// A batch was closed, and no checkpoint says so yet.
    pub checkpoint_due: bool,
    /// The last record at which payments left with their batch; 0 if this fold has seen none. What changed before it
    /// may be missing here.
    pub left_at: u64,
    /// Records that made no sense (another payment's key, a forbidden step): reported, never obeyed.
    pub ignored: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            payments: BTreeMap::new(),
            orders: BTreeMap::new(),
            refunds: BTreeMap::new(),
            agenda: Agenda::default(),
            whole: false,
            blank: true,
            given_back: BTreeMap::new(),
            late_reprints: BTreeMap::new(),
            activation: None,
            parameters: None,
            attested: None,
            keys: None,
            settling: None,
            settled: Vec::new(),
            next_stan: Stan::FIRST,
            batch: Batch::FIRST,
            data_counter: 0,
            pin_counter: 0,
            anchored: 0,
            archived: None,
            checkpoint_due: false,
            left_at: 0,
            ignored: 0,
        }
    }
}

impl Ledger {
    /// A fold that keeps the payments of closed batches.
    pub fn whole() -> Self {
        Self {
            whole: true,
            ..Self::default()
        }
    }

    /// Takes the next record over. Returns the payment that changed.
    pub fn apply(&mut self, sequence: u64, entry: Entry) -> Option<&Payment> {
        let blank = core::mem::replace(&mut self.blank, false);
        let key = match entry {
            Entry::Started(started) => {
                let key = started.key;
                if self.payments.contains_key(&key) {
                    return self.ignore();
                }
                self.next_stan = started.stan.next();
                self.data_counter = self.data_counter.max(started.data_counter.unwrap_or(0));
                self.pin_counter = self.pin_counter.max(started.pin_counter.unwrap_or(0));
                self.insert(Payment::start(started, sequence));
                key
            }
            Entry::Moved(moved) => {
                let key = moved.key;
                self.data_counter = self.data_counter.max(moved.data_counter.unwrap_or(0));
                if !self.step(moved, sequence) {
                    return self.ignore();
                }
                key
            }
            Entry::Reprinted(reprinted) => return self.reprint(&reprinted),
            Entry::Restored(restored) => {
                let key = restored.payment.key;
                if self.payments.contains_key(&key) {
                    return self.ignore();
                }
                let payment = restored.payment.restore(sequence);
                self.remember_refund(&payment);
                self.insert(payment);
                key
            }
            Entry::Checkpoint(checkpoint) => {
                self.checkpoint_due = false;
                if blank {
                    self.adopt(checkpoint);
                } else if self.checkpoint() != checkpoint {
                    self.ignored = self.ignored.saturating_add(1);
                }
                return None;
            }
            setting @ (Entry::Settling(_)
            | Entry::Settled(_)
            | Entry::Activation(_)
            | Entry::Parameters(_)
            | Entry::Attested(_)
            | Entry::KeysLoaded(_)
            | Entry::Archived(_)) => {
                if matches!(setting, Entry::Settled(_)) && !self.whole {
                    self.left_at = sequence;
                }
                self.apply_setting(setting);
                return None;
            }
        };
        self.payments.get(&key)
    }

    /// Takes a payment of a closed batch back in, as the journal has it, until the next batch is closed. What is
    /// known already stays.
    pub fn recall(&mut self, mut payment: Payment) {
        if payment.closed && !self.payments.contains_key(&payment.key) {
            let late = self.late_reprints(payment.key);
            payment.reprints = payment.reprints.saturating_add(late);
            self.insert(payment);
        }
    }

    /// How often the slip of a payment was printed after its batch was closed.
    pub fn late_reprints(&self, key: PaymentKey) -> u32 {
        self.late_reprints.get(&key).copied().unwrap_or(0)
    }

    /// Whether there are payments that only the journal has, or that were recalled from it.
    pub fn has_closed(&self) -> bool {
        !self.settled.is_empty() || self.payments().any(|payment| payment.closed)
    }

    fn ignore(&mut self) -> Option<&Payment> {
        self.ignored = self.ignored.saturating_add(1);
        None
    }

    fn step(&mut self, moved: Moved, sequence: u64) -> bool {
        let Some(payment) = self.payments.get_mut(&moved.key) else {
            return false;
        };
        self.agenda.forget(payment);
        let done = payment.step(moved, sequence);
        self.agenda.note(payment);
        done
    }

    fn insert(&mut self, payment: Payment) {
        self.agenda.note(&payment);
        if let Some(order) = &payment.order {
            self.orders.insert(order.clone(), payment.key);
        }
        if let Some(sale) = payment.original_key {
            self.refunds.entry(sale).or_default().insert(payment.key);
        }
        self.payments.insert(payment.key, payment);
    }

    fn reprint(&mut self, reprinted: &Reprinted) -> Option<&Payment> {
        let key = reprinted.key;
        let closed = match self.payments.get_mut(&key) {
            Some(payment) => {
                payment.reprints = payment.reprints.saturating_add(1);
                payment.closed
            }
            // It left with its batch, unless no batch was ever closed.
            None if self.settled.is_empty() || self.whole => return self.ignore(),
            None => true,
        };
        if closed {
            let late = self.late_reprints.entry(key).or_default();
            *late = late.saturating_add(1);
        }
        self.payments.get(&key)
    }

    fn apply_setting(&mut self, entry: Entry) {
        match entry {
            Entry::Settling(settling) => self.settling = Some(settling),
            Entry::Settled(settled) => {
                if let Some(settling) = self.settling.take() {
                    self.anchored = settling.journal_sequence;
                }
                self.close_batch(settled.next_batch);
                self.batch = settled.next_batch;
                self.settled.push(settled);
                self.checkpoint_due = true;
            }
            Entry::Activation(activation) => self.activation = Some(activation),
            Entry::Parameters(parameters) => self.parameters = Some(parameters),
            Entry::Attested(attested) => self.attested = Some(attested),
            Entry::KeysLoaded(keys) => {
                self.data_counter = 0;
                self.pin_counter = 0;
                self.keys = Some(keys);
            }
            Entry::Archived(archived) => self.archived = Some(archived),
            Entry::Started(_)
            | Entry::Moved(_)
            | Entry::Reprinted(_)
            | Entry::Checkpoint(_)
            | Entry::Restored(_) => {}
        }
    }

    /// Everything that has ended leaves with its batch; what was given back is remembered.
    fn close_batch(&mut self, next: Batch) {
        let mut payments = core::mem::take(&mut self.payments);
        let ends = |p: &Payment| !p.closed && !p.is_open() && p.batch != next;
        for payment in payments.values_mut().filter(|payment| ends(payment)) {
            payment.close();
            self.remember_refund(payment);
        }
        self.payments = payments;
        if !self.whole {
            self.payments.retain(|_, payment| !payment.closed);
            let kept = &self.payments;
            self.orders.retain(|_, key| kept.contains_key(key));
            self.refunds.retain(|_, refunds| {
                refunds.retain(|key| kept.contains_key(key));
                !refunds.is_empty()
            });
        }
    }

    /// What a refund of a closed batch gave back, or may have, outlives it.
    fn remember_refund(&mut self, refund: &Payment) {
        let given = refund.state == State::Approved || refund.state.is_open();
        if let Some(sale) = refund.original_key.filter(|_| given) {
            let sum = self.given_back.entry(sale).or_default();
            *sum = sum.saturating_add(refund.amount.amount_minor());
        }
    }

    /// The payment with this key, unless it left with its batch.
    pub fn payment(&self, key: PaymentKey) -> Option<&Payment> {
        self.payments.get(&key)
    }

    /// The payment that an order ended in.
    pub fn by_order(&self, order: &OrderId) -> Option<&Payment> {
        self.orders.get(order).and_then(|key| self.payments.get(key))
    }

    /// All payments that did not leave with their batch, oldest first.
    pub fn payments(&self) -> impl DoubleEndedIterator<Item = &Payment> {
        self.payments.values()
    }

    /// Payments that something still has to happen to: first what is unsettled, then the queue.
    pub fn open(&self) -> impl Iterator<Item = &Payment> {
        let queue = self.queue().filter(|payment| !is_unsettled(payment));
        self.unsettled().chain(queue)
    }

    /// Payments without a result, or that are being undone, oldest first. A wait in the queue is no such thing.
    pub fn unsettled(&self) -> impl Iterator<Item = &Payment> {
        let keys = self.agenda.unsettled.iter();
        keys.filter_map(|key| self.payments.get(key))
    }

    /// What waits to be forwarded, in the order it was accepted.
    pub fn queue(&self) -> impl Iterator<Item = &Payment> {
        self.agenda
            .queue
            .iter()
            .filter_map(|(_, key)| self.payments.get(key))
    }

    /// How many payments wait to be forwarded.
    pub fn queue_len(&self) -> usize {
        self.agenda.queue.len()
    }

    /// Card sales that were taken without the host and wait for it, oldest first by their time of day.
    pub fn stored(&self) -> impl Iterator<Item = &Payment> {
        let keys = self.agenda.stored.iter();
        keys.filter_map(|(_, key)| self.payments.get(key))
    }

    /// Card sales that were taken without the host and wait for it: how many, and their sum.
    ///
    /// # Errors
    /// [`MoneyError`] if the sum overflows.
    pub fn stored_sum(&self) -> Result<(u32, i64), MoneyError> {
        let mut sum = (0_u32, 0_i64);
        for payment in self.stored() {
            sum.0 = sum.0.saturating_add(1);
            sum.1 = sum
                .1
                .checked_add(payment.amount.amount_minor())
                .ok_or(MoneyError::TooLarge)?;
        }
        Ok(sum)
    }

    /// What of a sale was or may have been given back: approved refunds and those without a result yet.
    ///
    /// # Errors
    /// [`MoneyError`] if the sum overflows.
    pub fn refunded(&self, sale: &Payment) -> Result<Money, MoneyError> {
        let earlier = self.given_back.get(&sale.key).copied().unwrap_or(0);
        let mut sum = Money::new(earlier, sale.amount.currency());
        let refunds = self.refunds.get(&sale.key).into_iter().flatten();
        for refund in refunds.filter_map(|key| self.payments.get(key)) {
            let given = refund.state == State::Approved || refund.state.is_open();
            // Closed ones are in what was given back earlier.
            if !refund.closed && given {
                sum = sum.checked_add(refund.amount)?;
            }
        }
        Ok(sum)
    }

    /// Totals of the approved payments of a batch, a line a method; methods without payments are left out.
    ///
    /// # Errors
    /// [`MoneyError`] if a sum overflows.
    pub fn totals(&self, batch: Batch) -> Result<Vec<(Method, Totals)>, MoneyError> {
        let of_batch = |payment: &&Payment| payment.batch == batch && !payment.restored;
        totals(self.payments().filter(of_batch))
    }
}

/// Totals of the approved ones among payments, a line a method; methods without payments are left out.
///
/// # Errors
/// [`MoneyError`] if a sum overflows.
pub fn totals<'a>(payments: impl Iterator<Item = &'a Payment>) -> Result<Vec<(Method, Totals)>, MoneyError> {
    let mut lines: BTreeMap<Method, Totals> = BTreeMap::new();
    for payment in payments.filter(|payment| payment.state == State::Approved) {
        let line = lines.entry(payment.method).or_default();
        let (count, sum) = match payment.operation {
            Operation::Sale => (&mut line.sale_count, &mut line.sale_minor),
            Operation::Refund => (&mut line.refund_count, &mut line.refund_minor),
        };
        *count = count.saturating_add(1);
        *sum = sum
            .checked_add(payment.amount.amount_minor())
            .ok_or(MoneyError::TooLarge)?;
    }
    Ok(lines.into_iter().collect())
}

impl From<(Method, Totals)> for MethodTotals {
    fn from((method, totals): (Method, Totals)) -> Self {
        Self { method, totals }
    }
}
