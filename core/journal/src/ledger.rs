//! The fold: from records to the state of every payment, the queue, the totals and the counters.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use softpos_types::{Batch, Method, Money, MoneyError, Operation, OrderId, PaymentKey, Stan};

use crate::entry::{Activation, Attested, Entry, KeysLoaded, ParametersTaken, Settled, Settling};
use crate::payment::Payment;
use crate::state::State;

/// What the journal says, all records together. Pure: the same records in the same order give the same ledger.
#[derive(Clone, Debug)]
pub struct Ledger {
    payments: BTreeMap<PaymentKey, Payment>,
    orders: BTreeMap<OrderId, PaymentKey>,
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
    /// Records that made no sense (another payment's key, a forbidden step): reported, never obeyed.
    pub ignored: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            payments: BTreeMap::new(),
            orders: BTreeMap::new(),
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
            ignored: 0,
        }
    }
}

/// Count and sum of the approved payments of one method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Approved sales.
    pub sale_count: u32,
    /// Their sum in minor units.
    pub sale_minor: i64,
    /// Approved refunds.
    pub refund_count: u32,
    /// Their sum in minor units.
    pub refund_minor: i64,
}

impl Ledger {
    /// Takes the next record over. Returns the payment that changed.
    pub fn apply(&mut self, sequence: u64, entry: Entry) -> Option<&Payment> {
        let key = match entry {
            Entry::Started(started) => {
                let key = started.key;
                if self.payments.contains_key(&key) {
                    self.ignored = self.ignored.saturating_add(1);
                    return None;
                }
                self.next_stan = started.stan.next();
                self.data_counter = self.data_counter.max(started.data_counter.unwrap_or(0));
                self.pin_counter = self.pin_counter.max(started.pin_counter.unwrap_or(0));
                if let Some(order) = &started.order {
                    self.orders.insert(order.clone(), key);
                }
                self.payments.insert(key, Payment::start(started, sequence));
                key
            }
            Entry::Moved(moved) => {
                let key = moved.key;
                self.data_counter = self.data_counter.max(moved.data_counter.unwrap_or(0));
                let done = self
                    .payments
                    .get_mut(&key)
                    .is_some_and(|payment| payment.step(moved, sequence));
                if !done {
                    self.ignored = self.ignored.saturating_add(1);
                    return None;
                }
                key
            }
            Entry::Reprinted(reprinted) => {
                let Some(payment) = self.payments.get_mut(&reprinted.key) else {
                    self.ignored = self.ignored.saturating_add(1);
                    return None;
                };
                payment.reprints = payment.reprints.saturating_add(1);
                reprinted.key
            }
            setting @ (Entry::Settling(_)
            | Entry::Settled(_)
            | Entry::Activation(_)
            | Entry::Parameters(_)
            | Entry::Attested(_)
            | Entry::KeysLoaded(_)) => {
                self.apply_setting(setting);
                return None;
            }
        };
        self.payments.get(&key)
    }

    fn apply_setting(&mut self, entry: Entry) {
        match entry {
            Entry::Settling(settling) => self.settling = Some(settling),
            Entry::Settled(settled) => {
                self.settling = None;
                // What is settled can be given back, but no longer be undone: its reversal is of no more use. The
                // batch is what was started last; one that a jump of the clock put elsewhere keeps its image.
                let batch = self
                    .payments
                    .values_mut()
                    .rev()
                    .take_while(|p| p.batch == settled.batch);
                batch.for_each(|payment| payment.reversal = None);
                self.batch = settled.next_batch;
                self.settled.push(settled);
            }
            Entry::Activation(activation) => self.activation = Some(activation),
            Entry::Parameters(parameters) => self.parameters = Some(parameters),
            Entry::Attested(attested) => self.attested = Some(attested),
            Entry::KeysLoaded(keys) => {
                self.data_counter = 0;
                self.pin_counter = 0;
                self.keys = Some(keys);
            }
            Entry::Started(_) | Entry::Moved(_) | Entry::Reprinted(_) => {}
        }
    }

    /// The payment with this key.
    pub fn payment(&self, key: PaymentKey) -> Option<&Payment> {
        self.payments.get(&key)
    }

    /// The payment that an order ended in.
    pub fn by_order(&self, order: &OrderId) -> Option<&Payment> {
        self.orders.get(order).and_then(|key| self.payments.get(key))
    }

    /// All payments, oldest first.
    pub fn payments(&self) -> impl DoubleEndedIterator<Item = &Payment> {
        self.payments.values()
    }

    /// Payments that something still has to happen to, oldest first.
    pub fn open(&self) -> impl Iterator<Item = &Payment> {
        self.payments().filter(|payment| payment.is_open())
    }

    /// What waits to be forwarded, in the order it was accepted.
    pub fn queue(&self) -> Vec<&Payment> {
        let mut queue: Vec<&Payment> = self.payments().filter(|payment| payment.queued).collect();
        // By record, not by time of day: the clock may have gone back in between.
        queue.sort_by_key(|payment| payment.sequence);
        queue
    }

    /// Card sales that were taken without the host and wait for it: how many, and their sum.
    ///
    /// # Errors
    /// [`MoneyError`] if the sum overflows.
    pub fn stored_sum(&self) -> Result<(u32, i64), MoneyError> {
        let mut sum = (0_u32, 0_i64);
        for payment in self.payments().filter(|payment| payment.waits_for_host()) {
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
        let mut sum = Money::new(0, sale.amount.currency());
        for refund in self
            .payments()
            .filter(|payment| payment.original_key == Some(sale.key))
        {
            if refund.state == State::Approved || refund.state.is_open() {
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
        let mut lines: BTreeMap<Method, Totals> = BTreeMap::new();
        let approved = |p: &&Payment| p.batch == batch && p.state == State::Approved;
        for payment in self.payments().filter(approved) {
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
}
