//! Undoing a key, whatever became of it.

use softpos_host::{ReversalReply, ReversalRequest, TransactionState};

use crate::TimerProfile;
use crate::call::{Answer, Call, Device, Failure, json, malformed, stored_time};
use crate::clock::utc_ms;
use crate::database::Work;
use crate::ledger::word;
use crate::postings::reverse;
use crate::server::Shared;
use crate::wallets::take_back;

/// Undone, or nothing was there to undo.
const DONE: &str = "00";
/// Refunds are never reversed.
const INVALID: &str = "12";
/// The host does not know the key, and will refuse it from now on.
const NOT_FOUND: &str = "25";
/// The sale was refunded since: people have to look at it.
const REFUNDED: &str = "22";
/// The wallet does not take a charge back so soon after it: try again later.
const TOO_EARLY: &str = "09";
/// The reversal is not of the transaction that has this key.
const DIFFERS: &str = "64";

/// `POST /v1/reversals`. Idempotent by the key it names: no memory of requests is needed.
pub(crate) async fn reversal(shared: &Shared, work: &mut Work, call: &Call, device: &Device) -> Answer {
    let request: ReversalRequest = call.read()?;
    if request.v != 1 {
        return Err(malformed("the version"));
    }
    if call.key_header.is_some() {
        call.check_key_header(request.original_key)?;
    }
    device.check_owner(&request.terminal, &request.merchant)?;
    let de39 = undo(shared.timers, work, &request).await?;
    json(&ReversalReply {
        original_key: request.original_key,
        de39: de39.into(),
        host_utc_ms: utc_ms(),
    })
}

async fn undo(
    profile: TimerProfile,
    work: &mut Work,
    request: &ReversalRequest,
) -> Result<&'static str, Failure> {
    type Row = (String, String, i64, i64, i64, String);
    let row: Option<Row> = sqlx::query_as(
        "SELECT operation, state, batch, stan, amount_minor, currency FROM transactions \
         WHERE payment_key = $1 AND terminal = $2",
    )
    .bind(request.original_key.to_string())
    .bind(request.terminal.as_str())
    .fetch_optional(&mut **work)
    .await?;
    let Some((operation, state, batch, stan, amount_minor, currency)) = row else {
        bury(work, request).await?;
        return Ok(NOT_FOUND);
    };
    if operation == "refund" {
        return Ok(INVALID);
    }
    let original = (batch, stan, amount_minor, currency.as_str());
    let named = (
        i64::from(request.batch.value()),
        i64::from(request.stan.value()),
        request.amount_minor,
        request.currency.alpha(),
    );
    if original != named {
        return Ok(DIFFERS);
    }
    match word(&state).ok_or(Failure::Internal("a stored state"))? {
        TransactionState::Approved => {
            // Its money has gone back already, or a part of it.
            if is_refunded(work, request).await? {
                return Ok(REFUNDED);
            }
            if !take_back(profile, work, request.original_key).await? {
                return Ok(TOO_EARLY);
            }
            reverse(work, request.original_key).await?;
            set_reversed(work, request).await?;
        }
        TransactionState::AwaitingPayer | TransactionState::InProgress => {
            if !take_back(profile, work, request.original_key).await? {
                return Ok(TOO_EARLY);
            }
            set_reversed(work, request).await?;
        }
        TransactionState::Declined
        | TransactionState::Reversed
        | TransactionState::Expired
        | TransactionState::NotFound => {}
    }
    Ok(DONE)
}

/// A reversal that comes before its original kills it.
async fn bury(work: &mut Work, request: &ReversalRequest) -> Result<(), Failure> {
    sqlx::query(
        "INSERT INTO tombstones (terminal, payment_key, host_utc_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(request.terminal.as_str())
    .bind(request.original_key.to_string())
    .bind(stored_time(utc_ms()))
    .execute(&mut **work)
    .await?;
    Ok(())
}

async fn is_refunded(work: &mut Work, request: &ReversalRequest) -> Result<bool, Failure> {
    let refunds: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM transactions WHERE original_key = $1 AND state = 'approved'",
    )
    .bind(request.original_key.to_string())
    .fetch_one(&mut **work)
    .await?;
    Ok(refunds > 0)
}

async fn set_reversed(work: &mut Work, request: &ReversalRequest) -> Result<(), Failure> {
    sqlx::query("UPDATE transactions SET state = 'reversed' WHERE payment_key = $1")
        .bind(request.original_key.to_string())
        .execute(&mut **work)
        .await?;
    Ok(())
}
