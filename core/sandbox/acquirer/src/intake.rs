//! What a request with an idempotency key meets first, and how its decision is written down.

use softpos_host::{Envelope, TransactionReply, TransactionRequest, TransactionState};
use softpos_types::{AuthCode, Money, PaymentKey, Rrn};

use crate::call::{Answer, Call, Device, Failure, json, malformed, malformed_json, refuse, stored_time};
use crate::clock::utc_ms;
use crate::database::Work;
use crate::ledger::text_of;
use crate::parameters::{CURRENCY, PAYMENT_LIMIT_MINOR};
use crate::server::Shared;

/// Days in milliseconds.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Approved.
pub(crate) const APPROVED: &str = "00";

/// A request as far as it could be checked without deciding on it.
pub(crate) enum Intake {
    /// It is new.
    New(Box<Incoming>),
    /// It is a repeat: the stored answer.
    Repeat(String),
}

/// A new request with its envelope.
pub(crate) struct Incoming {
    pub(crate) request: TransactionRequest,
    pub(crate) envelope: Envelope,
    pub(crate) host_utc_ms: u64,
    /// Where it came, and the fingerprint of its body: by them a repeat is known.
    route: String,
    body_sha256: String,
    /// Its number in the books.
    sequence: i64,
    /// Another transaction of the batch has its STAN.
    stan_taken: bool,
}

/// Reads a request with an idempotency key: a repeat gets the stored answer, another body under the same key
/// is refused, as is a key that was reversed before or since.
pub(crate) async fn take_in(work: &mut Work, call: &Call, device: &Device) -> Result<Intake, Failure> {
    let request: TransactionRequest = call.read()?;
    let envelope = request.envelope().map_err(|error| malformed_json(&error))?;
    if envelope.v != 1 || envelope.journal_head.len() != 32 {
        return Err(malformed("the version or the journal's head"));
    }
    call.check_key_header(envelope.key)?;
    device.check_owner(&envelope.terminal, &envelope.merchant)?;
    let known = Known::find(work, device, &envelope).await?;
    if let Some(answer) = known.answer {
        return answer.repeat(call, device).map(Intake::Repeat);
    }
    if known.is_tombstone {
        return Err(reversed());
    }
    if i64::from(envelope.batch.value()) != device.batch {
        return Err(refuse(
            409,
            "batch_closed",
            format!("the open batch is {:06}", device.batch),
        ));
    }
    Ok(Intake::New(Box::new(Incoming {
        request,
        envelope,
        host_utc_ms: utc_ms(),
        route: call.target.clone(),
        body_sha256: call.body_sha256(),
        sequence: known.next_sequence,
        stan_taken: known.stan_taken,
    })))
}

/// What the books know of a payment before it is decided.
struct Known {
    answer: Option<StoredAnswer>,
    is_tombstone: bool,
    stan_taken: bool,
    /// The number of the next transaction: nobody else writes meanwhile.
    next_sequence: i64,
}

/// The answer that was given to the key, and to what.
struct StoredAnswer {
    terminal: String,
    route: String,
    body_sha256: String,
    answer: String,
    state: String,
}

impl Known {
    async fn find(work: &mut Work, device: &Device, envelope: &Envelope) -> Result<Self, Failure> {
        type Answer = Option<String>;
        let row: (bool, bool, i64, Answer, Answer, Answer, Answer, Answer) = sqlx::query_as(
            "SELECT EXISTS (SELECT 1 FROM tombstones WHERE terminal = $1 AND payment_key = $2), \
             EXISTS (SELECT 1 FROM transactions WHERE terminal = $1 AND batch = $3 AND stan = $4), \
             (SELECT COALESCE(MAX(sequence), 0) + 1 FROM transactions), \
             t.terminal, t.route, t.body_sha256, t.answer, t.state \
             FROM (SELECT $2 AS payment_key) asked \
             LEFT JOIN transactions t ON t.payment_key = asked.payment_key",
        )
        .bind(device.terminal.as_str())
        .bind(envelope.key.to_string())
        .bind(i64::from(envelope.batch.value()))
        .bind(i64::from(envelope.stan.value()))
        .fetch_one(&mut **work)
        .await?;
        let (is_tombstone, stan_taken, next_sequence, terminal, route, body_sha256, answer, state) = row;
        let stored = terminal.zip(route).zip(body_sha256).zip(answer).zip(state);
        let answer = stored.map(
            |((((terminal, route), body_sha256), answer), state)| StoredAnswer {
                terminal,
                route,
                body_sha256,
                answer,
                state,
            },
        );
        Ok(Self {
            answer,
            is_tombstone,
            stan_taken,
            next_sequence,
        })
    }
}

impl StoredAnswer {
    /// The answer once more, if the same is asked again.
    fn repeat(self, call: &Call, device: &Device) -> Answer {
        let asked = (device.terminal.as_str(), &call.target, &call.body_sha256());
        if (self.terminal.as_str(), &self.route, &self.body_sha256) != asked {
            return Err(refuse(409, "key_reuse", "the key was used with another body"));
        }
        if self.state == text_of(&TransactionState::Reversed) {
            return Err(reversed());
        }
        Ok(self.answer)
    }
}

/// Whether a reversal of this key came before its original.
pub(crate) async fn is_tombstone(work: &mut Work, device: &Device, key: PaymentKey) -> Result<bool, Failure> {
    let found: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM tombstones WHERE terminal = $1 AND payment_key = $2")
            .bind(device.terminal.as_str())
            .bind(key.to_string())
            .fetch_one(&mut **work)
            .await?;
    Ok(found > 0)
}

fn reversed() -> Failure {
    refuse(
        409,
        "reversed",
        "this key was reversed; it will never be approved",
    )
}

/// What the host decided.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    /// Response code.
    pub(crate) de39: String,
    /// Issuer's answer for the card.
    pub(crate) de55: Option<Vec<u8>>,
}

impl Decision {
    pub(crate) fn of(de39: &str) -> Self {
        Self {
            de39: de39.into(),
            de55: None,
        }
    }

    pub(crate) fn is_approved(&self) -> bool {
        self.de39 == APPROVED
    }
}

impl Incoming {
    /// The key as the database has it.
    pub(crate) fn key(&self) -> String {
        self.envelope.key.to_string()
    }

    /// The checks of every amount: a code to decline with, if it cannot be one.
    pub(crate) fn declined_at_once(&self) -> Option<&'static str> {
        let envelope = &self.envelope;
        if envelope.currency != CURRENCY {
            return Some("12");
        }
        if Money::payment(envelope.amount_minor, envelope.currency).is_err() {
            return Some("13");
        }
        if envelope.amount_minor > PAYMENT_LIMIT_MINOR {
            return Some("61");
        }
        self.stan_taken.then_some("94")
    }

    /// Makes the answer to a decision.
    pub(crate) fn reply(&self, shared: &Shared, decision: Decision) -> Result<TransactionReply, Failure> {
        let envelope = &self.envelope;
        let approved = decision.is_approved();
        Ok(TransactionReply {
            key: envelope.key,
            terminal: envelope.terminal.clone(),
            batch: envelope.batch,
            stan: envelope.stan,
            amount_minor: envelope.amount_minor,
            currency: envelope.currency,
            state: if approved {
                TransactionState::Approved
            } else {
                TransactionState::Declined
            },
            de39: decision.de39,
            auth_code: if approved { Some(auth_code(shared)?) } else { None },
            rrn: Some(rrn(self.sequence)?),
            host_utc_ms: self.host_utc_ms,
            de55: decision.de55,
            channel: None,
            channel_transaction: None,
        })
    }

    /// Writes a final decision down, and its answer for repeats.
    pub(crate) async fn finish(&self, work: &mut Work, reply: &TransactionReply) -> Answer {
        let body = json(reply)?;
        self.insert(
            work,
            Stored {
                state: reply.state,
                de39: &reply.de39,
                reply: &body,
                code: None,
            },
        )
        .await?;
        Ok(body)
    }

    /// Repeats get this answer, and not the decision.
    pub(crate) async fn answer_with(&self, work: &mut Work, answer: &str) -> Result<(), Failure> {
        sqlx::query("UPDATE transactions SET answer = $1 WHERE payment_key = $2")
            .bind(answer)
            .bind(self.key())
            .execute(&mut **work)
            .await?;
        Ok(())
    }

    /// Writes the transaction's row; repeats get the decision.
    pub(crate) async fn insert(&self, work: &mut Work, stored: Stored<'_>) -> Result<(), Failure> {
        let envelope = &self.envelope;
        sqlx::query(
            "INSERT INTO transactions (payment_key, sequence, terminal, merchant, batch, stan, operation, method, \
             state, amount_minor, currency, de39, deferred, host_utc_ms, original_key, reply, route, \
             body_sha256, answer, reference, expires_utc_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $16, $19, \
             $20)",
        )
        .bind(self.key())
        .bind(self.sequence)
        .bind(envelope.terminal.as_str())
        .bind(envelope.merchant.as_str())
        .bind(i64::from(envelope.batch.value()))
        .bind(i64::from(envelope.stan.value()))
        .bind(text_of(&envelope.operation))
        .bind(text_of(&envelope.method))
        .bind(text_of(&stored.state))
        .bind(envelope.amount_minor)
        .bind(envelope.currency.alpha())
        .bind(stored.de39)
        .bind(i64::from(envelope.deferred))
        .bind(stored_time(self.host_utc_ms))
        .bind(envelope.original_key.map(|key| key.to_string()))
        .bind(stored.reply)
        .bind(&self.route)
        .bind(&self.body_sha256)
        .bind(stored.code.as_ref().map(|(reference, _)| reference.as_str()))
        .bind(stored.code.as_ref().map(|(_, expires)| stored_time(*expires)))
        .execute(&mut **work)
        .await?;
        Ok(())
    }
}

/// What is written of a transaction besides its envelope.
pub(crate) struct Stored<'a> {
    pub(crate) state: TransactionState,
    pub(crate) de39: &'a str,
    /// The decision as JSON; empty while there is none.
    pub(crate) reply: &'a str,
    /// A shown code's reference and its end.
    pub(crate) code: Option<(String, u64)>,
}

/// Six random digits.
pub(crate) fn auth_code(shared: &Shared) -> Result<AuthCode, Failure> {
    let number = u64::from_be_bytes(shared.random())
        .checked_rem(1_000_000)
        .unwrap_or_default();
    AuthCode::new(&format!("{number:06}")).map_err(|_| Failure::Internal("an authorisation code"))
}

/// The day since 1970 and the transaction's number, six digits each.
pub(crate) fn rrn(sequence: i64) -> Result<Rrn, Failure> {
    let number = sequence.rem_euclid(1_000_000);
    let day = utc_ms().div_euclid(DAY_MS).rem_euclid(1_000_000);
    Rrn::new(&format!("{day:06}{number:06}")).map_err(|_| Failure::Internal("a reference number"))
}
