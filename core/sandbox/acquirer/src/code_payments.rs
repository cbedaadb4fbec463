//! Codes that a payer shows and the till scans: charged at their wallet.

use softpos_host::{CodePayload, Envelope, Method, Operation, StatusReply, TransactionState};
use softpos_qr::{Recognised, recognise};
use softpos_types::PaymentKey;

use crate::call::{Answer, Call, Device, Failure, json, malformed};
use crate::codes::Order;
use crate::database::Work;
use crate::intake::{Decision, Incoming, Intake, Stored, take_in};
use crate::issuer::open_sealed;
use crate::ledger::{text_of, word};
use crate::parameters::wallets;
use crate::server::Shared;
use crate::transactions::status as stored_status;
use crate::wallets::{Charge, Standing, charge as charge_wallet, query};

/// `POST /v1/code-payments`.
pub(crate) async fn charge(shared: &Shared, work: &mut Work, call: &Call, device: &Device) -> Answer {
    let incoming = match take_in(work, call, device).await? {
        Intake::New(incoming) => incoming,
        Intake::Repeat(answer) => return Ok(answer),
    };
    let Envelope {
        operation,
        method,
        original_key,
        key,
        ..
    } = &incoming.envelope;
    if (*operation, *method, original_key) != (Operation::Sale, Method::Code, &None) {
        return Err(malformed("only sales by a payer's code come here"));
    }
    let key = *key;
    let standing = match incoming.declined_at_once() {
        Some(de39) => Standing::Declined(de39),
        None => at_wallet(shared, work, device, &incoming).await?,
    };
    let status = write(shared, work, &incoming, standing).await?;
    let answer = json(&StatusReply { key, ..status })?;
    incoming.answer_with(work, &answer).await?;
    Ok(answer)
}

/// Opens the code and charges it.
async fn at_wallet(
    shared: &Shared,
    work: &mut Work,
    device: &Device,
    incoming: &Incoming,
) -> Result<Standing, Failure> {
    let sealed = incoming.request.sealed.as_ref();
    let sealed = sealed.ok_or_else(|| malformed("a payer's code comes sealed"))?;
    let aad = incoming.request.additional_data();
    let clear = open_sealed(shared, work, device, sealed, aad).await?;
    let payload = clear.and_then(|clear| CodePayload::from_bytes(clear.expose()).ok());
    let Some(CodePayload { code }) = payload else {
        return Ok(Standing::Declined("30"));
    };
    let text = std::str::from_utf8(code.expose()).unwrap_or_default();
    let Some(wallet) = wallet_of(shared, text) else {
        return Ok(Standing::Declined("14"));
    };
    let charge = Charge {
        key: incoming.envelope.key,
        wallet: &wallet,
        code: text,
        amount_minor: incoming.envelope.amount_minor,
    };
    charge_wallet(shared.timers, work, &charge).await
}

/// Whose code it is; none for a text that no wallet of this acquirer shows.
fn wallet_of(shared: &Shared, text: &str) -> Option<String> {
    match recognise(text).ok()? {
        Recognised::PaymentCode(code) => Some(code.wallet().name().into()),
        Recognised::Cpm(decoded) => wallets(shared.timers).into_iter().find_map(|wallet| {
            let aids: Vec<Vec<u8>> = wallet
                .aids
                .iter()
                .filter_map(|aid| hex::decode(aid).ok())
                .collect();
            let aids: Vec<&[u8]> = aids.iter().map(Vec::as_slice).collect();
            decoded.choose(&aids).map(|_| wallet.wallet.clone())
        }),
        Recognised::Mpm { .. }
        | Recognised::Epc(_)
        | Recognised::Swiss(_)
        | Recognised::Link(_)
        | Recognised::Activation(_) => None,
    }
}

/// Writes the transaction's row, and books it if it is paid.
async fn write(
    shared: &Shared,
    work: &mut Work,
    incoming: &Incoming,
    standing: Standing,
) -> Result<StatusReply, Failure> {
    let key = incoming.envelope.key;
    if let Standing::Declined(de39) = standing {
        let reply = incoming.reply(shared, Decision::of(de39))?;
        let body = json(&reply)?;
        let state = reply.state;
        insert(work, incoming, (state, de39, &body)).await?;
        return Ok(StatusReply {
            key,
            state,
            reply: Some(reply),
        });
    }
    let state = if standing == Standing::AwaitingPayer {
        TransactionState::AwaitingPayer
    } else {
        TransactionState::InProgress
    };
    insert(work, incoming, (state, "", "")).await?;
    if standing != Standing::Paid {
        return Ok(StatusReply {
            key,
            state,
            reply: None,
        });
    }
    let reply = book(shared, work, key).await?;
    Ok(StatusReply {
        key,
        state: TransactionState::Approved,
        reply: Some(reply),
    })
}

async fn insert(
    work: &mut Work,
    incoming: &Incoming,
    (state, de39, reply): (TransactionState, &str, &str),
) -> Result<(), Failure> {
    let stored = Stored {
        state,
        de39,
        reply,
        code: None,
    };
    incoming.insert(work, stored).await
}

async fn book(
    shared: &Shared,
    work: &mut Work,
    key: PaymentKey,
) -> Result<softpos_host::TransactionReply, Failure> {
    let missing = || Failure::Internal("an order without its row");
    let wallet = crate::wallets::wallet_of(work, key).await?.ok_or_else(missing)?;
    let order = Order::find(work, &key.to_string()).await?.ok_or_else(missing)?;
    order.pay(shared, work, &wallet).await
}

/// `GET /v1/code-payments/{key}`: the wallet is asked, what it says is booked.
pub(crate) async fn status(shared: &Shared, work: &mut Work, device: &Device, key: &str) -> Answer {
    let parsed: PaymentKey = key
        .parse()
        .map_err(|_| malformed("the key is no UUIDv7 in lower case"))?;
    let state: Option<String> =
        sqlx::query_scalar("SELECT state FROM transactions WHERE payment_key = $1 AND terminal = $2")
            .bind(key)
            .bind(device.terminal.as_str())
            .fetch_optional(&mut **work)
            .await?;
    let open = state
        .as_deref()
        .and_then(word::<TransactionState>)
        .is_some_and(|state| {
            matches!(
                state,
                TransactionState::AwaitingPayer | TransactionState::InProgress
            )
        });
    if open {
        match query(shared.timers, work, parsed).await? {
            Standing::Paid => drop(book(shared, work, parsed).await?),
            Standing::AwaitingPayer => set_state(work, key, TransactionState::AwaitingPayer).await?,
            Standing::Unknown | Standing::Declined(_) => {}
        }
    }
    stored_status(work, device, key).await
}

async fn set_state(work: &mut Work, key: &str, state: TransactionState) -> Result<(), Failure> {
    sqlx::query("UPDATE transactions SET state = $1 WHERE payment_key = $2")
        .bind(text_of(&state))
        .bind(key)
        .execute(&mut **work)
        .await?;
    Ok(())
}
