//! Both ledgers beside each other, to the unit.

use std::collections::BTreeMap;
use std::time::Duration;

use softpos_acquirer::LedgerRow;
use softpos_host::TransactionState;
use softpos_terminal::{HistoryQuery, PaymentSummary, State};
use softpos_types::{Operation, PaymentKey};

use crate::shop::Shop;

/// One look at whether everything has an end.
const PULSE: Duration = Duration::from_millis(25);
/// So many looks end the test: 30 seconds.
const PATIENCE: u32 = 1_200;

impl Shop {
    /// Everything the till ever held, newest first.
    pub fn history(&self) -> Vec<PaymentSummary> {
        self.till()
            .history(&HistoryQuery::default())
            .expect("an open session")
    }

    /// Both ledgers: the till's history and the host's books.
    pub fn ledgers(&self) -> (Vec<PaymentSummary>, Vec<LedgerRow>) {
        (self.history(), self.host.ledger())
    }

    /// Lets the background work until no payment is open and nothing is queued.
    pub fn come_to_rest(&mut self) {
        for _ in 0..PATIENCE {
            let open = |payment: &PaymentSummary| payment.state.is_open() || payment.queued;
            // In this order: what is being written down shows in the history once the till is idle.
            if self.till().wait_idle(PULSE) && !self.history().iter().any(open) {
                return self.listen(Duration::ZERO);
            }
            self.listen(PULSE);
        }
        panic!("still open: {:#?}", self.history());
    }

    /// Comes to rest, then compares the two ledgers: every payment, its state and amount, and the sums.
    pub fn assert_reconciled(&mut self) {
        self.come_to_rest();
        let (till, host) = self.ledgers();
        let mut theirs: BTreeMap<PaymentKey, &LedgerRow> = host.iter().map(|row| (row.key, row)).collect();
        assert_eq!(
            theirs.len(),
            host.len(),
            "a key twice in the host's books: {host:#?}"
        );
        let mut till_minor = 0_i64;
        for payment in &till {
            let booked_minor = booked(payment);
            till_minor = till_minor.checked_add(booked_minor).expect("a sum of a test");
            match theirs.remove(&payment.key) {
                Some(row) => assert_same(payment, row, booked_minor),
                // What never took money need not have reached the host.
                None => assert_ne!(payment.state, State::Approved, "the host lacks {payment:#?}"),
            }
        }
        assert_eq!(theirs.values().next(), None, "the till lacks it");
        let host_minor: i64 = host.iter().map(|row| row.booked_minor).sum();
        assert_eq!(till_minor, host_minor, "{till:#?} {host:#?}");
        assert_eq!(self.host.imbalance_minor(), 0, "double entry");
    }
}

/// What a payment did to the merchant's account, as the till sees it.
const fn booked(payment: &PaymentSummary) -> i64 {
    match (payment.state, payment.operation) {
        (State::Approved, Operation::Sale) => payment.amount.amount_minor(),
        (State::Approved, Operation::Refund) => payment.amount.amount_minor().saturating_neg(),
        (
            State::Armed
            | State::AwaitingPayer
            | State::Unknown
            | State::Stored
            | State::Reversing
            | State::Declined
            | State::Failed
            | State::Reversed
            | State::Expired,
            Operation::Sale | Operation::Refund,
        ) => 0,
    }
}

fn assert_same(payment: &PaymentSummary, row: &LedgerRow, booked_minor: i64) {
    assert_eq!(
        (payment.operation, payment.method, payment.stan, payment.batch),
        (row.operation, row.method, row.stan, row.batch)
    );
    assert_eq!(
        (payment.amount.amount_minor(), payment.amount.currency()),
        (row.amount_minor, row.currency)
    );
    assert_eq!(payment.original_key, row.original_key);
    assert_eq!(booked_minor, row.booked_minor, "{payment:#?} {row:#?}");
    let same = match row.state {
        TransactionState::Approved => payment.state == State::Approved,
        // A decline may be undone for good measure when its answer was lost.
        TransactionState::Declined => matches!(payment.state, State::Declined | State::Reversed),
        TransactionState::Reversed => payment.state == State::Reversed,
        // Nobody paid in time; the till may have cancelled first.
        TransactionState::Expired => matches!(payment.state, State::Expired | State::Reversed),
        TransactionState::InProgress | TransactionState::AwaitingPayer | TransactionState::NotFound => false,
    };
    assert!(same, "{payment:#?} {row:#?}");
}
