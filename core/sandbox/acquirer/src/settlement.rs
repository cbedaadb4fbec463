//! Closing a batch.

use std::collections::BTreeMap;

use softpos_host::{
    ItemState, Method, MethodTotals, Operation, SettleItem, SettleReply, SettleRequest, SettleResult,
    TransactionState,
};
use softpos_types::Batch;

use crate::anchors;
use crate::call::{Answer, Call, Device, Failure, json, malformed, refuse};
use crate::clock::utc_ms;
use crate::database::Work;
use crate::ledger::word;
use crate::parameters::CURRENCY;

/// `POST /v1/batches/{n}/settle`. Idempotent by terminal and batch: a repeat with the same totals gets the stored
/// answer, even if the journal has grown since.
pub(crate) async fn settle(work: &mut Work, call: &Call, device: &Device, batch: &str) -> Answer {
    let request: SettleRequest = call.read()?;
    if request.v != 1 || request.batch.to_string() != batch || request.journal_head.len() != 32 {
        return Err(malformed(
            "the version, the batch of the address or the journal's head",
        ));
    }
    device.check_owner(&request.terminal, &request.merchant)?;
    if request.currency != CURRENCY {
        return Err(malformed("not the merchant's currency"));
    }
    let told = json(&sorted(request.totals.clone()))?;
    if let Some(answer) = stored(work, &request, &told).await? {
        return Ok(answer);
    }
    if i64::from(request.batch.value()) != device.batch {
        return Err(refuse(
            409,
            "batch_closed",
            format!("the open batch is {:06}", device.batch),
        ));
    }
    let journal = anchors::judge(work, &request).await?;
    cancel_open_codes(work, &request).await?;
    let items = items(work, &request).await?;
    let totals = totals(&items)?;
    let result = if json(&totals)? == told {
        SettleResult::Balanced
    } else {
        SettleResult::NotBalanced
    };
    let next_batch = request.batch.next();
    let answer = json(&SettleReply {
        batch: request.batch,
        result,
        totals,
        items,
        next_batch,
        host_utc_ms: utc_ms(),
        journal,
    })?;
    close(work, &request, next_batch, (&told, &answer)).await?;
    Ok(answer)
}

async fn stored(work: &mut Work, request: &SettleRequest, told: &str) -> Result<Option<String>, Failure> {
    let row: Option<(String, String)> =
        sqlx::query_as("SELECT totals, answer FROM settlements WHERE terminal = $1 AND batch = $2")
            .bind(request.terminal.as_str())
            .bind(i64::from(request.batch.value()))
            .fetch_optional(&mut **work)
            .await?;
    match row {
        None => Ok(None),
        Some((totals, answer)) if totals == told => Ok(Some(answer)),
        Some(_) => Err(refuse(
            409,
            "key_reuse",
            "the batch was settled with other totals",
        )),
    }
}

/// Nobody pays into a closed batch.
async fn cancel_open_codes(work: &mut Work, request: &SettleRequest) -> Result<(), Failure> {
    sqlx::query(
        "UPDATE transactions SET state = 'reversed' \
         WHERE terminal = $1 AND batch = $2 AND state = 'awaiting_payer'",
    )
    .bind(request.terminal.as_str())
    .bind(i64::from(request.batch.value()))
    .execute(&mut **work)
    .await?;
    Ok(())
}

async fn items(work: &mut Work, request: &SettleRequest) -> Result<Vec<SettleItem>, Failure> {
    let rows: Vec<(String, String, String, String, i64)> = sqlx::query_as(
        "SELECT payment_key, operation, method, state, amount_minor FROM transactions \
         WHERE terminal = $1 AND batch = $2 ORDER BY sequence",
    )
    .bind(request.terminal.as_str())
    .bind(i64::from(request.batch.value()))
    .fetch_all(&mut **work)
    .await?;
    let item = |(key, operation, method, state, amount_minor): (String, String, String, String, i64)| {
        Some(SettleItem {
            key: key.parse().ok()?,
            operation: word(&operation)?,
            method: word(&method)?,
            state: match word(&state)? {
                TransactionState::Approved => ItemState::Approved,
                TransactionState::Declined => ItemState::Declined,
                TransactionState::Reversed
                | TransactionState::Expired
                | TransactionState::AwaitingPayer
                | TransactionState::InProgress
                | TransactionState::NotFound => ItemState::Reversed,
            },
            amount_minor,
        })
    };
    rows.into_iter()
        .map(item)
        .collect::<Option<_>>()
        .ok_or(Failure::Internal("a stored transaction"))
}

fn totals(items: &[SettleItem]) -> Result<Vec<MethodTotals>, Failure> {
    let mut by_method: BTreeMap<Method, MethodTotals> = BTreeMap::new();
    for item in items.iter().filter(|item| item.state == ItemState::Approved) {
        let method = item.method;
        let totals = by_method.entry(method).or_insert(MethodTotals {
            method,
            sale_count: 0,
            sale_minor: 0,
            refund_count: 0,
            refund_minor: 0,
        });
        let (count, sum) = match item.operation {
            Operation::Sale => (&mut totals.sale_count, &mut totals.sale_minor),
            Operation::Refund => (&mut totals.refund_count, &mut totals.refund_minor),
        };
        let overflow = || Failure::Internal("totals too large");
        *count = count.checked_add(1).ok_or_else(overflow)?;
        *sum = sum.checked_add(item.amount_minor).ok_or_else(overflow)?;
    }
    Ok(by_method.into_values().collect())
}

/// In the host's order, without methods that had no payments.
fn sorted(mut totals: Vec<MethodTotals>) -> Vec<MethodTotals> {
    totals.retain(|line| {
        (
            line.sale_count,
            line.sale_minor,
            line.refund_count,
            line.refund_minor,
        ) != (0, 0, 0, 0)
    });
    totals.sort_by_key(|line| line.method);
    totals
}

async fn close(
    work: &mut Work,
    request: &SettleRequest,
    next_batch: Batch,
    (told, answer): (&str, &str),
) -> Result<(), Failure> {
    sqlx::query(
        "INSERT INTO settlements (terminal, batch, totals, journal_sequence, journal_head, answer) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(request.terminal.as_str())
    .bind(i64::from(request.batch.value()))
    .bind(told)
    .bind(i64::try_from(request.journal_sequence).map_err(|_| malformed("the journal's sequence"))?)
    .bind(hex::encode(&request.journal_head))
    .bind(answer)
    .execute(&mut **work)
    .await?;
    sqlx::query("UPDATE terminals SET batch = $1 WHERE terminal = $2")
        .bind(i64::from(next_batch.value()))
        .bind(request.terminal.as_str())
        .execute(&mut **work)
        .await?;
    Ok(())
}
