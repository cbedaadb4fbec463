//! The state table: from what a payment is and what the host said to what is written down next.
//!
//! Pure, so that every row can be tried alone. Rows are those of the table in `core/ARCHITECTURE.md`.

use softpos_host::{
    HostOutcome, ResponseCode, ReversalReply, StatusReply, TransactionReply, TransactionState,
};
use softpos_journal::{Moved, Payment, Reply, State};
use softpos_types::{Method, Operation, ReversalReason};

/// What to do about a payment after an exchange.
#[expect(clippy::large_enum_variant, reason = "obeyed at once, never kept")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Write this step down.
    Record(Moved),
    /// Undo it, for this reason.
    Reverse(ReversalReason),
    /// Nothing was learned: ask again later.
    Later,
    /// The host does not know it: send the same bytes again.
    Resend,
    /// Nothing was sent: store it if the policy allows, else it has failed.
    NotSent,
}

/// After the original request: rows 3, 5-10, 17, 18, 20, 23.
pub(crate) fn after_request(
    payment: &Payment,
    outcome: HostOutcome<TransactionReply>,
    utc_ms: u64,
) -> Decision {
    if payment.queued {
        return after_forward(payment, outcome, utc_ms);
    }
    match outcome {
        HostOutcome::Reply(reply) => match final_step(payment, &reply, utc_ms) {
            Some(decision) => decision,
            None => become_unknown(payment, ReversalReason::NoAnswer, utc_ms),
        },
        HostOutcome::Refused(error) => match error.code.as_str() {
            "reversed" if payment.operation == Operation::Sale => Decision::Reverse(ReversalReason::Other),
            // The host has this key with other bytes, or is still at it: only a query tells.
            "key_reuse" | "busy" => become_unknown(payment, ReversalReason::NoAnswer, utc_ms),
            code => Decision::Record(refused(payment, code, error.host_utc_ms, utc_ms)),
        },
        HostOutcome::NotSent if payment.state == State::Armed => Decision::NotSent,
        HostOutcome::NotSent => Decision::Later,
        HostOutcome::Unknown => become_unknown(payment, ReversalReason::NoAnswer, utc_ms),
        HostOutcome::BadMac => become_unknown(payment, ReversalReason::BadSignature, utc_ms),
    }
}

/// After a stored payment or a cash report was sent: rows 20 and 18. A repeat is the same bytes, so every doubt
/// ends in another try.
fn after_forward(payment: &Payment, outcome: HostOutcome<TransactionReply>, utc_ms: u64) -> Decision {
    let forwarded = |mut moved: Moved| {
        moved.forwarded = Some(true);
        if payment.method == Method::Cash {
            // The notes are in the drawer whatever the host says; a difference shows at settlement.
            moved.to = State::Approved;
        }
        Decision::Record(moved)
    };
    match outcome {
        HostOutcome::Reply(reply) => match final_step(payment, &reply, utc_ms) {
            Some(Decision::Record(moved)) => forwarded(moved),
            Some(decision) => decision,
            None => Decision::Later,
        },
        HostOutcome::Refused(error) => match error.code.as_str() {
            "key_reuse" | "busy" | "clock_skew" | "replayed" | "signature" => Decision::Later,
            code => forwarded(refused(payment, code, error.host_utc_ms, utc_ms)),
        },
        HostOutcome::NotSent | HostOutcome::Unknown | HostOutcome::BadMac => Decision::Later,
    }
}

/// After a query by key: row 11, and row 23 for refunds. `attended`: the sale screen is still open.
pub(crate) fn after_status(
    payment: &Payment,
    outcome: HostOutcome<StatusReply>,
    attended: bool,
    utc_ms: u64,
) -> Decision {
    let HostOutcome::Reply(status) = outcome else {
        return Decision::Later;
    };
    if status.key != payment.key {
        return Decision::Later;
    }
    let sale = payment.operation == Operation::Sale;
    match (status.state, status.reply) {
        (TransactionState::Approved, Some(reply)) => match final_step(payment, &reply, utc_ms) {
            // An approval that nobody waits for any more is given back. A code's payer acted on purpose.
            Some(Decision::Record(moved))
                if moved.to == State::Approved && sale && payment.method == Method::Card && !attended =>
            {
                Decision::Reverse(ReversalReason::Other)
            }
            Some(decision) => decision,
            None if sale => Decision::Reverse(ReversalReason::Other),
            None => Decision::Later,
        },
        (TransactionState::Declined, Some(reply)) => {
            final_step(payment, &reply, utc_ms).unwrap_or(Decision::Later)
        }
        (TransactionState::Expired, _) => Decision::Record(Moved::new(payment.key, State::Expired, utc_ms)),
        (TransactionState::Reversed, _) if sale => Decision::Reverse(ReversalReason::Other),
        (TransactionState::AwaitingPayer, _) if sale && !attended => Decision::Reverse(ReversalReason::Other),
        (TransactionState::NotFound, _) if !sale || (attended && payment.request.is_some()) => {
            Decision::Resend
        }
        (TransactionState::NotFound, _) => Decision::Reverse(ReversalReason::NoAnswer),
        (
            TransactionState::InProgress
            | TransactionState::AwaitingPayer
            | TransactionState::Approved
            | TransactionState::Declined
            | TransactionState::Reversed,
            _,
        ) => Decision::Later,
    }
}

/// After a reversal: rows 13 and 14.
pub(crate) fn after_reversal(
    payment: &Payment,
    outcome: HostOutcome<ReversalReply>,
    utc_ms: u64,
) -> Decision {
    match outcome {
        HostOutcome::Reply(reply)
            if reply.original_key == payment.key && matches!(reply.de39.as_str(), "00" | "12" | "25") =>
        {
            Decision::Record(Moved::new(payment.key, State::Reversed, utc_ms))
        }
        HostOutcome::Reply(_)
        | HostOutcome::Refused(_)
        | HostOutcome::NotSent
        | HostOutcome::Unknown
        | HostOutcome::BadMac => Decision::Later,
    }
}

/// The step that a decision of the host leads to; `None` if it is no decision on this payment (row 9) or none
/// yet.
fn final_step(payment: &Payment, reply: &TransactionReply, utc_ms: u64) -> Option<Decision> {
    if !is_about(payment, reply) {
        return None;
    }
    let code = ResponseCode::new(&reply.de39).ok()?;
    let moved = |to| {
        Decision::Record(Moved {
            reply: Some(reply_facts(reply)),
            ..Moved::new(payment.key, to, utc_ms)
        })
    };
    match reply.state {
        TransactionState::Approved if code.is_approved() => {
            // Row 8: part of the amount is not what was agreed with the customer.
            let whole = reply.amount_minor == payment.amount.amount_minor();
            if whole {
                Some(moved(State::Approved))
            } else {
                Some(undo_partial(payment, utc_ms))
            }
        }
        TransactionState::Declined if !code.is_approved() => Some(moved(State::Declined)),
        TransactionState::Reversed if payment.operation == Operation::Sale => {
            Some(Decision::Reverse(ReversalReason::Other))
        }
        TransactionState::Expired => Some(moved(State::Expired)),
        TransactionState::Approved
        | TransactionState::Declined
        | TransactionState::Reversed
        | TransactionState::InProgress
        | TransactionState::AwaitingPayer
        | TransactionState::NotFound => None,
    }
}

/// The identity check of every answer (row 9).
pub(crate) fn is_about(payment: &Payment, reply: &TransactionReply) -> bool {
    reply.key == payment.key
        && reply.stan == payment.stan
        && reply.batch == payment.batch
        && reply.currency == payment.amount.currency()
}

fn undo_partial(payment: &Payment, utc_ms: u64) -> Decision {
    match payment.operation {
        Operation::Sale => Decision::Reverse(ReversalReason::Other),
        // A refund is never reversed; it is asked for until both sides agree.
        Operation::Refund => become_unknown(payment, ReversalReason::Other, utc_ms),
    }
}

fn become_unknown(payment: &Payment, reason: ReversalReason, utc_ms: u64) -> Decision {
    match payment.state {
        State::Armed if payment.method == Method::Code && payment.operation == Operation::Sale => {
            // Nobody has seen the code, so nobody can pay it: cancel it.
            Decision::Reverse(reason)
        }
        State::Armed => Decision::Record(Moved {
            reason: Some(reason),
            ..Moved::new(payment.key, State::Unknown, utc_ms)
        }),
        State::AwaitingPayer
        | State::Unknown
        | State::Stored
        | State::Reversing
        | State::Approved
        | State::Declined
        | State::Failed
        | State::Reversed
        | State::Expired => Decision::Later,
    }
}

/// A signed refusal: the host booked nothing, so for the books it is a decline.
pub(crate) fn refused(payment: &Payment, code: &str, host_utc_ms: u64, utc_ms: u64) -> Moved {
    let de39 = match code {
        "attestation_expired" | "attestation_refused" => "58",
        "terminal_unknown" => "97",
        "not_refundable" => "25",
        "refund_over_sale" => "64",
        "batch_closed" => "77",
        "malformed" => "30",
        _ => "12",
    };
    let reply = Reply {
        de39: de39.into(),
        auth_code: None,
        rrn: None,
        host_utc_ms,
        channel: None,
        channel_transaction: None,
    };
    Moved {
        reply: Some(reply),
        ..Moved::new(payment.key, State::Declined, utc_ms)
    }
}

pub(crate) fn reply_facts(reply: &TransactionReply) -> Reply {
    Reply {
        de39: reply.de39.clone(),
        auth_code: reply.auth_code.clone(),
        rrn: reply.rrn.clone(),
        host_utc_ms: reply.host_utc_ms,
        channel: reply.channel.clone(),
        channel_transaction: reply.channel_transaction.clone(),
    }
}

#[cfg(test)]
mod tests;
