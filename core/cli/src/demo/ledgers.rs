//! Both ledgers in the same words.

use softpos_acquirer::LocalHost;
use softpos_host::TransactionState;
use softpos_terminal::{HistoryQuery, State, Terminal};
use softpos_types::Operation;

use super::reconcile::{Final, Row};
use crate::failure::Failure;

/// Everything the till ever held.
pub(crate) fn till(terminal: &Terminal) -> Result<Vec<Row>, Failure> {
    let row = |payment: softpos_terminal::PaymentSummary| {
        let amount_minor = payment.amount.amount_minor();
        let booked_minor = match (payment.state, payment.operation) {
            (State::Approved, Operation::Sale) => amount_minor,
            (State::Approved, Operation::Refund) => -amount_minor,
            _ => 0,
        };
        let open = payment.queued || payment.state.is_open();
        Row {
            key: payment.key,
            operation: payment.operation,
            method: payment.method,
            state: if open {
                Final::Open
            } else {
                final_state(payment.state)
            },
            amount_minor,
            booked_minor,
            stored: payment.was_stored,
        }
    };
    Ok(terminal
        .history(&HistoryQuery::default())?
        .into_iter()
        .map(row)
        .collect())
}

const fn final_state(state: State) -> Final {
    match state {
        State::Approved => Final::Approved,
        State::Declined => Final::Declined,
        State::Reversed => Final::Reversed,
        State::Failed | State::Expired => Final::Nothing,
        State::Armed | State::AwaitingPayer | State::Unknown | State::Stored | State::Reversing => {
            Final::Open
        }
    }
}

/// Everything the host ever held.
pub(crate) fn host(host: &LocalHost) -> Result<Vec<Row>, Failure> {
    let row = |row: softpos_acquirer::LedgerRow| Row {
        key: row.key,
        operation: row.operation,
        method: row.method,
        state: match row.state {
            TransactionState::Approved => Final::Approved,
            TransactionState::Declined => Final::Declined,
            TransactionState::Reversed => Final::Reversed,
            TransactionState::Expired | TransactionState::NotFound => Final::Nothing,
            TransactionState::InProgress | TransactionState::AwaitingPayer => Final::Open,
        },
        amount_minor: row.amount_minor,
        booked_minor: row.booked_minor,
        stored: row.deferred,
    };
    Ok(host.ledger()?.into_iter().map(row).collect())
}
