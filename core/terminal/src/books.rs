//! The till's books: history, what comes back from closed batches, the rules of the queue, backup and check.

use std::path::Path;

use softpos_journal::Ledger;
use softpos_types::{Money, OrderId, PaymentKey, SecretBytes, SoftPosError};

use crate::Terminal;
use crate::archive;
use crate::backup::{BackupSummary, back_up};
use crate::hardware::SecureHardware;
use crate::ledger_check::{LedgerCheck, check_folder, open_reader};
use crate::summary::{HistoryQuery, PaymentSummary};

/// What the acquirer allows to be stored while the host cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePolicy {
    /// Whether anything may be stored.
    pub enabled: bool,
    /// Largest single payment.
    pub payment: Money,
    /// How many may wait.
    pub count: u32,
    /// Their largest sum.
    pub sum: Money,
    /// After this age of the oldest nothing new is stored, in milliseconds. What is stored is sent however old it is.
    pub age_ms: u64,
    /// Whether the oldest is older than that.
    pub overdue: bool,
    /// Whether nothing new is stored because the disk is nearly full.
    pub storage_low: bool,
}

impl Terminal {
    /// Payments, newest first.
    ///
    /// # Errors
    /// [`SessionClosed`](softpos_types::Code::SessionClosed), [`SessionPoisoned`](softpos_types::Code::SessionPoisoned).
    pub fn history(&self, query: &HistoryQuery) -> Result<Vec<PaymentSummary>, SoftPosError> {
        let session = self.session();
        let (mut found, has_closed) = session.look(|flow, _| {
            let ledger = flow.ledger();
            let live = ledger.payments().rev().filter(|payment| !payment.closed);
            (query.pick(ledger, live), ledger.has_closed())
        })?;
        if !has_closed || found.len() >= query.most() {
            return Ok(found);
        }
        let reader = session.ask(|store| store.reader())??;
        for run in (0..reader.runs()).rev() {
            let mut closed = archive::closed_in(&reader, run)?;
            found.extend(session.look(|flow, _| {
                let ledger = flow.ledger();
                for payment in &mut closed {
                    let late = ledger.late_reprints(payment.key);
                    payment.reprints = payment.reprints.saturating_add(late);
                }
                query.pick(ledger, closed.iter())
            })?);
            if found.len() >= query.most() {
                break;
            }
        }
        found.truncate(query.most());
        Ok(found)
    }

    /// What may be stored while the host cannot be reached; `None` on a till without parameters.
    ///
    /// # Errors
    /// [`SessionClosed`](softpos_types::Code::SessionClosed), [`SessionPoisoned`](softpos_types::Code::SessionPoisoned).
    pub fn queue_policy(&self) -> Result<Option<QueuePolicy>, SoftPosError> {
        self.session().look(|flow, now| {
            let parameters = flow.parameters()?;
            let policy = &parameters.offline;
            Some(QueuePolicy {
                enabled: policy.enabled,
                payment: Money::new(policy.payment_minor, parameters.currency),
                count: policy.count,
                sum: Money::new(policy.sum_minor, parameters.currency),
                age_ms: policy.age_ms,
                overdue: flow.queue_overdue(now),
                storage_low: flow.storage_low(),
            })
        })
    }

    /// Writes everything this till has written into a file that the passphrase opens; see [`crate::back_up`]. It may go on
    /// working meanwhile. Not for the main thread.
    ///
    /// # Errors
    /// As [`crate::back_up`]; [`SessionClosed`](softpos_types::Code::SessionClosed),
    /// [`SessionPoisoned`](softpos_types::Code::SessionPoisoned).
    pub fn back_up(
        &self,
        target: &Path,
        passphrase: &SecretBytes,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<BackupSummary, SoftPosError> {
        let session = self.session();
        session.look(|_, _| ())?;
        back_up(self.dir(), &*session.hardware, target, passphrase, progress)
    }

    /// Checks every record of this till's journal; see [`crate::check_folder`]. Not for the main thread.
    ///
    /// # Errors
    /// As [`crate::check_folder`]; [`SessionClosed`](softpos_types::Code::SessionClosed),
    /// [`SessionPoisoned`](softpos_types::Code::SessionPoisoned).
    pub fn check_ledger(&self) -> Result<LedgerCheck, SoftPosError> {
        let session = self.session();
        session.look(|_, _| ())?;
        check_folder(self.dir(), &*session.hardware, session.language())
    }

    /// Brings a payment of a closed batch, and the sale of a refund, back from the journal.
    pub(crate) fn recall(&self, key: PaymentKey) -> Result<(), SoftPosError> {
        let mut wanted = Some(key);
        // A refund names a sale, and a sale names nothing.
        for _ in 0..2 {
            let Some(key) = wanted else { break };
            let (known, has_closed) = self.session().look(|flow, _| {
                let payment = flow.ledger().payment(key);
                (
                    payment.map(|payment| payment.original_key),
                    flow.ledger().has_closed(),
                )
            })?;
            wanted = match known {
                Some(original) => original,
                None if has_closed => {
                    let Some(payment) = self.session().ask(move |store| archive::find(store, key))?? else {
                        break;
                    };
                    let original = payment.original_key;
                    self.session().with(|flow, _| flow.recall(payment))?;
                    original
                }
                None => break,
            };
        }
        Ok(())
    }

    /// Brings the payments that an order was tried in back from the journal.
    pub(crate) fn recall_order(&self, order: Option<&OrderId>) -> Result<(), SoftPosError> {
        let Some(order) = order.cloned() else {
            return Ok(());
        };
        let (known, has_closed) = self.session().look(|flow, _| {
            let ledger = flow.ledger();
            (ledger.by_order(&order).is_some(), ledger.has_closed())
        })?;
        if known || !has_closed {
            return Ok(());
        }
        let tried = self
            .session()
            .ask(move |store| archive::of_order(store, &order))??;
        self.session()
            .with(|flow, _| tried.into_iter().for_each(|payment| flow.recall(payment)))
            .map(drop)
    }
}

/// What a data folder holds, without running a till on it; one may be running.
///
/// # Errors
/// As [`Terminal::open`], but for the lock.
pub fn read_history(dir: &Path, hardware: &dyn SecureHardware) -> Result<Vec<PaymentSummary>, SoftPosError> {
    let reader = open_reader(dir, hardware)?;
    let mut ledger = Ledger::whole();
    for run in 0..reader.runs() {
        reader.run(run, &mut |record| {
            archive::fold(&mut ledger, &record);
            Ok(())
        })?;
    }
    Ok(HistoryQuery::default().pick(&ledger, ledger.payments().rev()))
}
