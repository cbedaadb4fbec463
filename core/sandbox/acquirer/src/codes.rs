//! Shown codes: an open order that a wallet pays by its reference.

use serde::{Deserialize, Serialize};
use softpos_host::{CodeReply, CodeState, Envelope, Method, Operation, TransactionReply, TransactionState};
use softpos_qr::mpm;
use softpos_types::{Batch, Currency, PaymentKey, Stan, TerminalId};

use crate::activation_code::crockford;
use crate::call::{Answer, Call, Device, Failure, json, malformed, stored_time};
use crate::clock::utc_ms;
use crate::database::{Work, next_number};
use crate::intake::{APPROVED, Decision, Intake, Stored, auth_code, rrn, take_in};
use crate::ledger::text_of;
use crate::parameters::{CURRENCY, MERCHANT};
use crate::postings::{Booking, Payer};
use crate::server::Shared;

/// Whose account template the codes of this acquirer carry.
const GUID: &str = "org.softpos.sandbox";
/// The channels that pay in the sandbox.
const WALLETS: [&str; 3] = ["wechat", "alipay", "unionpay"];

/// `POST /v1/codes`.
pub(crate) async fn open(shared: &Shared, work: &mut Work, call: &Call, device: &Device) -> Answer {
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
    if (*operation, *method, original_key) != (Operation::Sale, Method::Code, &None)
        || incoming.request.sealed.is_some()
    {
        return Err(malformed("only sales by code come here, without card data"));
    }
    let key = *key;
    let reference = reference(shared);
    let expires_utc_ms = incoming
        .host_utc_ms
        .saturating_add(shared.lifetimes.shown_code_ms);
    let declined = incoming.declined_at_once();
    let state = if let Some(de39) = declined {
        let reply = json(&incoming.reply(shared, Decision::of(de39))?)?;
        let state = TransactionState::Declined;
        incoming
            .insert(
                work,
                Stored {
                    state,
                    de39,
                    reply: &reply,
                    code: None,
                },
            )
            .await?;
        CodeState::Closed
    } else {
        let code = Some((reference.clone(), expires_utc_ms));
        let state = TransactionState::AwaitingPayer;
        incoming
            .insert(
                work,
                Stored {
                    state,
                    de39: "",
                    reply: "",
                    code,
                },
            )
            .await?;
        CodeState::Open
    };
    let answer = json(&CodeReply {
        key,
        state,
        guid: GUID.into(),
        account: MERCHANT.into(),
        reference,
        expires_utc_ms,
    })?;
    incoming.answer_with(work, &answer).await?;
    Ok(answer)
}

/// 16 characters that nobody guesses: 80 bits.
fn reference(shared: &Shared) -> String {
    shared
        .with_entropy(crockford::<16>)
        .into_iter()
        .map(char::from)
        .collect()
}

/// `POST /sandbox/v1/wallet/pay`: a customer scans the code that the till shows.
#[derive(Deserialize)]
pub(crate) struct PayRequest {
    /// The text of the code.
    payload: String,
    /// Which wallet: `wechat`, `alipay`, `unionpay`.
    wallet: String,
}

/// What the wallet shows its user.
#[derive(Serialize)]
struct PayReply {
    /// `paid`, or why not: `unreadable`, `not_ours`, `unknown`, `amount_differs`, `expired`, `closed`.
    result: &'static str,
    /// Amount paid, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_minor: Option<i64>,
    /// The wallet's number for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_transaction: Option<String>,
}

/// Pays a code, if it is one of this acquirer's and still open.
pub(crate) async fn pay(shared: &Shared, work: &mut Work, request: &PayRequest) -> Answer {
    if !WALLETS.contains(&request.wallet.as_str()) {
        return Err(malformed(format!("the wallets are {}", WALLETS.join(", "))));
    }
    match settle_code(shared, work, request).await? {
        Ok(reply) => json(&PayReply {
            result: "paid",
            amount_minor: Some(reply.amount_minor),
            channel_transaction: reply.channel_transaction,
        }),
        Err(result) => json(&PayReply {
            result,
            amount_minor: None,
            channel_transaction: None,
        }),
    }
}

async fn settle_code(
    shared: &Shared,
    work: &mut Work,
    request: &PayRequest,
) -> Result<Result<TransactionReply, &'static str>, Failure> {
    let Ok(code) = mpm::decode(&request.payload) else {
        return Ok(Err("unreadable"));
    };
    let ours = code
        .merchant_accounts()
        .any(|account| account.guid() == Some(GUID) && code.value_in(account.id, 1) == Some(MERCHANT));
    let (true, Some(reference)) = (ours, code.value_in(62, 5)) else {
        return Ok(Err("not_ours"));
    };
    let Some(order) = Order::find(work, reference).await? else {
        return Ok(Err("unknown"));
    };
    if order.state != text_of(&TransactionState::AwaitingPayer) {
        return Ok(Err("closed"));
    }
    if order.expires <= stored_time(utc_ms()) {
        return Ok(Err("expired"));
    }
    let asked = code
        .amount()
        .map(|amount| (amount.amount_minor(), amount.currency()));
    if asked != Some((order.amount_minor, CURRENCY)) {
        return Ok(Err("amount_differs"));
    }
    order.pay(shared, work, &request.wallet).await.map(Ok)
}

/// An order as it stands in the books.
pub(crate) struct Order {
    key: PaymentKey,
    sequence: i64,
    terminal: TerminalId,
    merchant: String,
    batch: Batch,
    stan: Stan,
    amount_minor: i64,
    state: String,
    expires: i64,
}

impl Order {
    /// The order of a reference or of a payment's key: neither looks like the other.
    pub(crate) async fn find(work: &mut Work, name: &str) -> Result<Option<Self>, Failure> {
        type Row = (String, i64, String, String, i64, i64, i64, String, Option<i64>);
        let row: Option<Row> = sqlx::query_as(
            "SELECT payment_key, sequence, terminal, merchant, batch, stan, amount_minor, state, expires_utc_ms \
             FROM transactions WHERE reference = $1 OR payment_key = $1",
        )
        .bind(name)
        .fetch_optional(&mut **work)
        .await?;
        let Some((key, sequence, terminal, merchant, batch, stan, amount_minor, state, expires)) = row else {
            return Ok(None);
        };
        let number = |value: i64| u32::try_from(value).ok();
        let build = || {
            Some(Self {
                key: key.parse().ok()?,
                sequence,
                terminal: TerminalId::new(&terminal).ok()?,
                merchant,
                batch: Batch::new(number(batch)?).ok()?,
                stan: Stan::new(number(stan)?).ok()?,
                amount_minor,
                state,
                expires: expires.unwrap_or(i64::MAX),
            })
        };
        build().map(Some).ok_or(Failure::Internal("a stored order"))
    }

    pub(crate) async fn pay(
        self,
        shared: &Shared,
        work: &mut Work,
        wallet: &str,
    ) -> Result<TransactionReply, Failure> {
        let booking = Booking {
            key: self.key,
            merchant: &self.merchant,
            terminal: self.terminal.as_str(),
            currency: CURRENCY,
            amount_minor: self.amount_minor,
        };
        booking.book(work, &Payer::Wallet(wallet.into())).await?;
        let number = next_number(work, "channel_transaction").await?;
        let reply = TransactionReply {
            key: self.key,
            terminal: self.terminal,
            batch: self.batch,
            stan: self.stan,
            amount_minor: self.amount_minor,
            currency: Currency::CNY,
            state: TransactionState::Approved,
            de39: APPROVED.into(),
            auth_code: Some(auth_code(shared)?),
            rrn: Some(rrn(self.sequence)?),
            host_utc_ms: utc_ms(),
            de55: None,
            channel: Some(wallet.into()),
            channel_transaction: Some(format!("{wallet}-{number:012}")),
        };
        sqlx::query(
            "UPDATE transactions SET state = 'approved', de39 = $1, reply = $2 WHERE payment_key = $3",
        )
        .bind(APPROVED)
        .bind(json(&reply)?)
        .bind(self.key.to_string())
        .execute(&mut **work)
        .await?;
        Ok(reply)
    }
}
