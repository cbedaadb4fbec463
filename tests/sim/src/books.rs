//! The reference model: it counts only money, and remembers what was promised.

use std::collections::{BTreeMap, BTreeSet};

use softpos_flow::{Effect, Ending, Notice};
use softpos_journal::{Ledger, State};
use softpos_types::{Method, Operation, OrderId, PaymentKey};

use crate::host::{Booked, Host};

/// What the operator was told, and what must therefore stay true.
#[derive(Default)]
pub(crate) struct Books {
    /// The last word on each payment.
    told: BTreeMap<PaymentKey, State>,
    /// Payments that were said not to have begun.
    never_begun: BTreeSet<PaymentKey>,
    /// Approved sales that the operator refused afterwards.
    pub(crate) refused: BTreeSet<PaymentKey>,
    /// Payments that a wallet was paid for after their end: undone again, whatever was told.
    pub(crate) late: BTreeSet<PaymentKey>,
    /// Payments that were seen being undone.
    undone: BTreeSet<PaymentKey>,
}

impl Books {
    /// Takes in what the till says.
    pub(crate) fn hear(&mut self, effect: &Effect) {
        match effect {
            Effect::Finish(Ending::Payment { key, state })
            | Effect::Notify(Notice::PaymentChanged { key, state, .. }) => {
                self.told.insert(*key, *state);
            }
            Effect::Finish(Ending::NotStarted { key, .. }) => {
                self.never_begun.insert(*key);
            }
            Effect::Finish(
                Ending::Activated
                | Ending::ActivationFailed { .. }
                | Ending::Settled { .. }
                | Ending::SettleFailed { .. },
            )
            | Effect::Notify(
                Notice::LatePayment { .. }
                | Notice::Forwarding { .. }
                | Notice::Link { .. }
                | Notice::Trouble { .. },
            )
            | Effect::Transceive { .. }
            | Effect::AskPin { .. }
            | Effect::Sign { .. }
            | Effect::Attest { .. }
            | Effect::Persist { .. }
            | Effect::SaveKeys { .. }
            | Effect::Anchor { .. }
            | Effect::SendHost { .. }
            | Effect::Show(_)
            | Effect::Say(_) => {}
        }
    }

    /// What must hold after every step.
    pub(crate) fn check(&mut self, ledger: &Ledger, host: &Host) -> Result<(), String> {
        if ledger.ignored > 0 {
            return Err(format!("{} records made no sense", ledger.ignored));
        }
        if let Some(complaint) = host.complaints.first() {
            return Err(format!("the host complains: {complaint}"));
        }
        let booked: BTreeMap<PaymentKey, Booked<'_>> =
            host.booked().map(|booked| (booked.key, booked)).collect();
        charged_once(&booked)?;
        self.kept_word(ledger)?;
        self.undoing_goes_on(ledger)?;
        for payment in ledger
            .payments()
            .filter(|payment| !self.late.contains(&payment.key))
        {
            let theirs = booked.get(&payment.key).map(|booked| booked.amount_minor);
            let ours = payment.amount.amount_minor();
            let name = payment.key;
            match payment.state {
                // What the card approved, the host hears of later.
                State::Approved if payment.is_offline_approval() && theirs.is_none() => {}
                State::Approved if payment.method != Method::Cash && theirs != Some(ours) => {
                    return Err(format!(
                        "{name}: approved here with {ours}, the host has {theirs:?}"
                    ));
                }
                State::Declined | State::Failed | State::Reversed | State::Expired if theirs.is_some() => {
                    return Err(format!(
                        "{name}: {:?} here, the host has {theirs:?}",
                        payment.state
                    ));
                }
                State::Armed
                | State::AwaitingPayer
                | State::Unknown
                | State::Stored
                | State::Reversing
                | State::Approved
                | State::Declined
                | State::Failed
                | State::Reversed
                | State::Expired => {}
            }
        }
        let forgotten = booked.keys().find(|key| ledger.payment(**key).is_none());
        forgotten.map_or(Ok(()), |key| {
            Err(format!("{key}: the host has it, the till forgot it"))
        })
    }

    /// Nothing that was acknowledged is ever lost or taken back.
    fn kept_word(&self, ledger: &Ledger) -> Result<(), String> {
        for (key, told) in self.told.iter().filter(|(key, _)| !self.late.contains(key)) {
            let Some(payment) = ledger.payment(*key) else {
                return Err(format!("{key}: told {told:?}, and lost"));
            };
            let kept = match told {
                State::Approved => {
                    payment.state == State::Approved
                        || (self.refused.contains(key)
                            && matches!(payment.state, State::Reversing | State::Reversed))
                }
                State::Declined | State::Failed | State::Reversed | State::Expired => payment.state == *told,
                State::Reversing => matches!(payment.state, State::Reversing | State::Reversed),
                State::Stored => !matches!(payment.state, State::Armed | State::Unknown | State::Failed),
                State::Armed | State::AwaitingPayer | State::Unknown => true,
            };
            if !kept {
                return Err(format!("{key}: told {told:?}, and now {:?}", payment.state));
            }
        }
        let begun = self
            .never_begun
            .iter()
            .find(|key| ledger.payment(**key).is_some());
        begun.map_or(Ok(()), |key| {
            Err(format!("{key}: told not to have begun, and it has"))
        })
    }

    /// A reversal ends in Reversed and nowhere else.
    fn undoing_goes_on(&mut self, ledger: &Ledger) -> Result<(), String> {
        let reversing = ledger
            .payments()
            .filter(|payment| payment.state == State::Reversing);
        self.undone.extend(reversing.map(|payment| payment.key));
        for key in &self.undone {
            let state = ledger.payment(*key).map(|payment| payment.state);
            if !matches!(state, Some(State::Reversing | State::Reversed)) {
                return Err(format!("{key}: its reversal was dropped, now {state:?}"));
            }
        }
        Ok(())
    }

    /// What must hold when the world has come to rest: both sides, to the unit.
    pub(crate) fn agree(ledger: &Ledger, host: &Host) -> Result<(), String> {
        let ours: Vec<(PaymentKey, Operation, i64)> = ledger
            .payments()
            .filter(|payment| payment.state == State::Approved)
            .map(|payment| (payment.key, payment.operation, payment.amount.amount_minor()))
            .collect();
        let theirs: Vec<(PaymentKey, Operation, i64)> = host
            .booked()
            .map(|booked| (booked.key, booked.operation, booked.amount_minor))
            .collect();
        if ours == theirs {
            Ok(())
        } else {
            Err(format!("the books differ\n  till {ours:?}\n  host {theirs:?}"))
        }
    }
}

/// One order is charged once, whatever keys were tried for it, and no more is given back than was taken.
fn charged_once(booked: &BTreeMap<PaymentKey, Booked<'_>>) -> Result<(), String> {
    let mut orders: BTreeMap<&OrderId, PaymentKey> = BTreeMap::new();
    let mut left: BTreeMap<PaymentKey, i64> = BTreeMap::new();
    for payment in booked.values() {
        match (payment.operation, payment.original) {
            (Operation::Refund, Some(sale)) => *left.entry(sale).or_default() -= payment.amount_minor,
            (Operation::Refund, None) => return Err(format!("{}: a refund of nothing", payment.key)),
            (Operation::Sale, _) => *left.entry(payment.key).or_default() += payment.amount_minor,
        }
        if let (Operation::Sale, Some(order)) = (payment.operation, payment.order)
            && let Some(other) = orders.insert(order, payment.key)
        {
            return Err(format!(
                "order {order} was charged twice: {other} and {}",
                payment.key
            ));
        }
    }
    let over = left.iter().find(|(_, left)| **left < 0);
    over.map_or(Ok(()), |(key, left)| {
        Err(format!("{key}: {left} minor units were given back too much"))
    })
}
