//! Card and cash sales, refunds, and the state of any of them.

use softpos_host::{Envelope, Method, Operation, StatusReply, TransactionReply, TransactionState};
use softpos_types::PaymentKey;

use crate::call::{Answer, Call, Device, Failure, json, malformed, refuse};
use crate::clock::utc_ms;
use crate::config::Lifetimes;
use crate::database::Work;
use crate::intake::{APPROVED, Decision, Intake, is_tombstone, take_in};
use crate::issuer::authorise;
use crate::ledger::{current_state, text_of, word};
use crate::postings::{Booking, Payer, payer_of};
use crate::server::Shared;

/// `POST /v1/transactions`.
pub(crate) async fn sale(shared: &Shared, work: &mut Work, call: &Call, device: &Device) -> Answer {
    let incoming = match take_in(work, call, device).await? {
        Intake::New(incoming) => incoming,
        Intake::Repeat(answer) => return Ok(answer),
    };
    let envelope = &incoming.envelope;
    if envelope.operation != Operation::Sale || envelope.original_key.is_some() {
        return Err(malformed("only sales come here"));
    }
    let sealed = incoming.request.sealed.as_ref();
    let (decision, payer) = match (envelope.method, sealed) {
        (Method::Card, Some(sealed)) => {
            check_attested(shared.lifetimes, device, envelope)?;
            if let Some(de39) = incoming.declined_at_once() {
                (Decision::of(de39), None)
            } else {
                let authorised = authorise(shared, work, device, &incoming, sealed).await?;
                (authorised.decision, Some(Payer::Card(authorised.account)))
            }
        }
        (Method::Cash, None) => {
            let de39 = incoming.declined_at_once().unwrap_or(APPROVED);
            (Decision::of(de39), Some(Payer::Drawer))
        }
        (Method::Card | Method::Code, None) | (Method::Cash | Method::Code, Some(_)) => {
            return Err(malformed("the method and the sealed data do not go together"));
        }
    };
    if let Some(payer) = payer.filter(|_| decision.is_approved()) {
        booking(envelope, envelope.amount_minor)
            .book(work, &payer)
            .await?;
    }
    let reply = incoming.reply(shared, decision)?;
    incoming.finish(work, &reply).await
}

/// A booking of what an envelope asks for.
pub(crate) fn booking(envelope: &Envelope, amount_minor: i64) -> Booking<'_> {
    Booking {
        key: envelope.key,
        merchant: envelope.merchant.as_str(),
        terminal: envelope.terminal.as_str(),
        currency: envelope.currency,
        amount_minor,
    }
}

/// A card is taken from an attested device only; one that was stored offline needs an offline verdict.
fn check_attested(lifetimes: Lifetimes, device: &Device, envelope: &Envelope) -> Result<(), Failure> {
    let holds_ms = if envelope.deferred {
        u64::from(lifetimes.verdict_offline_hours).saturating_mul(3_600_000)
    } else {
        lifetimes.verdict_ms
    };
    if utc_ms() < device.attested_utc_ms.saturating_add(holds_ms) {
        Ok(())
    } else {
        Err(refuse(
            403,
            "attestation_expired",
            "the device needs a fresh attestation",
        ))
    }
}

/// `POST /v1/refunds`.
pub(crate) async fn refund(shared: &Shared, work: &mut Work, call: &Call, device: &Device) -> Answer {
    let incoming = match take_in(work, call, device).await? {
        Intake::New(incoming) => incoming,
        Intake::Repeat(answer) => return Ok(answer),
    };
    let envelope = &incoming.envelope;
    let (Operation::Refund, Some(original), None) = (
        envelope.operation,
        envelope.original_key,
        &incoming.request.sealed,
    ) else {
        return Err(malformed("a refund names its sale and carries no card data"));
    };
    if let Some(de39) = incoming.declined_at_once() {
        let reply = incoming.reply(shared, Decision::of(de39))?;
        return incoming.finish(work, &reply).await;
    }
    check_refundable(work, envelope, original).await?;
    let payer = payer_of(work, original).await?;
    let given_back = envelope
        .amount_minor
        .checked_neg()
        .ok_or(Failure::Internal("an amount"))?;
    booking(envelope, given_back).book(work, &payer).await?;
    let reply = incoming.reply(shared, Decision::of(APPROVED))?;
    incoming.finish(work, &reply).await
}

/// The original must be a standing sale of this merchant by the same method, and no more may be given back than
/// was paid.
async fn check_refundable(work: &mut Work, envelope: &Envelope, original: PaymentKey) -> Result<(), Failure> {
    let row: Option<(String, String, String, i64)> = sqlx::query_as(
        "SELECT operation, method, state, amount_minor FROM transactions \
         WHERE payment_key = $1 AND merchant = $2",
    )
    .bind(original.to_string())
    .bind(envelope.merchant.as_str())
    .fetch_optional(&mut **work)
    .await?;
    let (operation, method, state, amount_minor) =
        row.ok_or_else(|| refuse(404, "not_found", "the merchant has no such sale"))?;
    let standing = operation == text_of(&Operation::Sale)
        && method == text_of(&envelope.method)
        && state == text_of(&TransactionState::Approved);
    if !standing {
        return Err(refuse(
            422,
            "not_refundable",
            "the original is no standing sale by this method",
        ));
    }
    let refunded: i64 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM transactions \
         WHERE original_key = $1 AND operation = 'refund' AND state = 'approved'",
    )
    .bind(original.to_string())
    .fetch_one(&mut **work)
    .await?;
    let left = amount_minor.saturating_sub(refunded);
    if envelope.amount_minor > left {
        return Err(refuse(
            422,
            "refund_over_sale",
            format!("{left} minor units are left of the sale"),
        ));
    }
    Ok(())
}

/// `GET /v1/transactions/{key}` and `GET /v1/codes/{key}`.
pub(crate) async fn status(work: &mut Work, device: &Device, key: &str) -> Answer {
    let key: PaymentKey = key
        .parse()
        .map_err(|_| malformed("the key is no UUIDv7 in lower case"))?;
    let row: Option<(String, String, Option<i64>)> = sqlx::query_as(
        "SELECT state, reply, expires_utc_ms FROM transactions WHERE payment_key = $1 AND terminal = $2",
    )
    .bind(key.to_string())
    .bind(device.terminal.as_str())
    .fetch_optional(&mut **work)
    .await?;
    let Some((state, reply, expires)) = row else {
        let gone = is_tombstone(work, device, key).await?;
        let state = if gone {
            TransactionState::Reversed
        } else {
            TransactionState::NotFound
        };
        return json(&StatusReply {
            key,
            state,
            reply: None,
        });
    };
    let broken = || Failure::Internal("a stored transaction");
    let state = current_state(word(&state).ok_or_else(broken)?, expires, utc_ms());
    let reply = if reply.is_empty() {
        None
    } else {
        let stored: TransactionReply = serde_json::from_str(&reply).map_err(|_| broken())?;
        Some(TransactionReply { state, ..stored })
    };
    json(&StatusReply { key, state, reply })
}
