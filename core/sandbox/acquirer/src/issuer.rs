//! The sandbox's issuers: opens the sealed card data, verifies cryptogram, counter and PIN, and decides by the
//! account's own balance.

use softpos_cards::{Account, CryptogramKind, IssuerAnswer, Verified, issuer_answer, verify_cryptogram};
use softpos_crypto::dukpt::{Ksn, Usage, aes_working_key, transaction_key};
use softpos_crypto::pin_block::{PinDigits, PinKey, decipher_format4};
use softpos_crypto::scrub::scrubbed;
use softpos_crypto::seal::{SealedPayload, open_payload};
use softpos_host::{CardPayload, Envelope, SealedData, SealedPin};
use softpos_types::{LocalTime, Pan, SecretBytes};
use softpos_wire::tlv::{TlvWriter, child};
use softpos_wire::track2::Track2;
use softpos_wire::{Tag, bcd, tag};

use crate::call::{Device, Failure};
use crate::database::Work;
use crate::intake::{APPROVED, Decision, Incoming};
use crate::key_load::{Bdk, initial_key_of};
use crate::parameters::{CURRENCY, UTC_OFFSET_MIN};
use crate::postings::{card_balance, open_card};
use crate::server::Shared;

/// 91: issuer authentication data, the cryptogram's answer and the card status update.
const ISSUER_AUTHENTICATION_DATA: Tag = Tag::new(0x91);
/// What an account with money has at first: 10,000,000.00.
const OPENING_BALANCE_MINOR: i64 = 1_000_000_000;
/// So many wrong PINs block the PIN.
const PIN_TRIES: i64 = 3;
/// Counters further behind the highest one seen are refused: queued payments arrive late, but not that late.
const COUNTER_WINDOW: i64 = 4_096;

/// The decision on a card sale, and the account it is booked to if it is approved.
pub(crate) struct Authorised {
    pub(crate) decision: Decision,
    pub(crate) account: String,
}

impl Authorised {
    fn declined(de39: &str) -> Self {
        Self {
            decision: Decision::of(de39),
            account: String::new(),
        }
    }
}

/// Decides on a card sale.
pub(crate) async fn authorise(
    shared: &Shared,
    work: &mut Work,
    device: &Device,
    incoming: &Incoming,
    sealed: &SealedData,
) -> Result<Authorised, Failure> {
    let aad = incoming.request.additional_data();
    let Some(payload) = open(shared, work, device, sealed, aad).await? else {
        return Ok(Authorised::declined("A7"));
    };
    let Ok(track) = Track2::parse(payload.track2.expose()) else {
        return Ok(Authorised::declined("30"));
    };
    let Some(account) = Account::of(&track.pan) else {
        return Ok(Authorised::declined("14"));
    };
    let name = track.pan.masked();
    let envelope = &incoming.envelope;
    let verified = match verify_cryptogram(&payload.de55, account) {
        Ok(verified) if data_agree(&payload.de55, envelope) => verified,
        Ok(_) | Err(_) => return Ok(Authorised::declined("59")),
    };
    let by_card = match verified.kind {
        CryptogramKind::AsksIssuer => false,
        // What the card approved was done before the host could be asked.
        CryptogramKind::Approved if envelope.deferred => true,
        CryptogramKind::Approved | CryptogramKind::Declined => return Ok(Authorised::declined("59")),
    };
    if !take_atc(work, &name, verified.atc, envelope.deferred).await? {
        return Ok(Authorised::declined("59"));
    }
    let funded = account.answer != IssuerAnswer::Decline("51");
    open_card(
        work,
        &name,
        if funded { OPENING_BALANCE_MINOR } else { 0 },
        CURRENCY,
    )
    .await?;
    if by_card {
        // The issuer's card has approved in its name: the issuer stands by that, whatever the account holds now.
        return Ok(Authorised {
            decision: Decision::of(APPROVED),
            account: name,
        });
    }
    let entered = match &payload.pin {
        None => EnteredPin::None,
        Some(sealed) => open_pin(shared, work, device, sealed, &track.pan).await?,
    };
    let expired = is_expired(account, &track, incoming.host_utc_ms);
    let de39 = decide(work, (account, &name), entered, expired, envelope.amount_minor).await?;
    let de55 = answer_data(account, verified, &de39);
    Ok(Authorised {
        decision: Decision { de39, de55 },
        account: name,
    })
}

async fn decide(
    work: &mut Work,
    (account, name): (&Account, &str),
    entered: EnteredPin,
    expired: bool,
    amount_minor: i64,
) -> Result<String, Failure> {
    if expired {
        return Ok("54".into());
    }
    if let Some(refused) = check_pin(work, (account, name), entered).await? {
        return Ok(refused.into());
    }
    match account.answer {
        // Declined because the account is empty: that is found out below.
        IssuerAnswer::Approve | IssuerAnswer::Decline("51") => {}
        IssuerAnswer::Decline(code) => return Ok(code.into()),
    }
    let enough = amount_minor <= card_balance(work, name).await?;
    Ok(if enough { APPROVED } else { "51" }.into())
}

/// Opens the card payload; none if that cannot be done.
async fn open(
    shared: &Shared,
    work: &mut Work,
    device: &Device,
    sealed: &SealedData,
    aad: &[u8],
) -> Result<Option<CardPayload>, Failure> {
    let clear = open_sealed(shared, work, device, sealed, aad).await?;
    Ok(clear.and_then(|clear| CardPayload::from_bytes(clear.expose()).ok()))
}

/// Opens what was sealed under the data key of its serial number; none if that cannot be done.
pub(crate) async fn open_sealed(
    shared: &Shared,
    work: &mut Work,
    device: &Device,
    sealed: &SealedData,
    aad: &[u8],
) -> Result<Option<SecretBytes>, Failure> {
    let (Ok(ksn), Ok(nonce)) = (Ksn::from_bytes(&sealed.ksn), sealed.nonce.as_slice().try_into()) else {
        return Ok(None);
    };
    if !take_counter(work, device, Bdk::Data, ksn).await? {
        return Ok(None);
    }
    let payload = SealedPayload {
        ksn,
        nonce,
        ciphertext_and_tag: sealed.data.clone(),
    };
    let initial = initial_key_of(shared, Bdk::Data, ksn.ikid())?;
    Ok(open_payload(&initial, &payload, aad).ok())
}

/// Takes a counter of one of the terminal's key sets; each one counts once.
async fn take_counter(work: &mut Work, device: &Device, bdk: Bdk, ksn: Ksn) -> Result<bool, Failure> {
    let ikid = hex::encode(ksn.ikid());
    let known: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM key_sets WHERE ikid = $1 AND terminal = $2 AND state = 'confirmed'",
    )
    .bind(&ikid)
    .bind(device.terminal.as_str())
    .fetch_one(&mut **work)
    .await?;
    if known == 0 {
        return Ok(false);
    }
    let usage = match bdk {
        Bdk::Pin => "pin",
        Bdk::Data => "data",
    };
    let highest: i64 = sqlx::query_scalar(
        "SELECT COALESCE(MAX(counter), 0) FROM dukpt_counters WHERE ikid = $1 AND usage = $2",
    )
    .bind(&ikid)
    .bind(usage)
    .fetch_one(&mut **work)
    .await?;
    let counter = i64::from(ksn.counter());
    let oldest = highest.saturating_sub(COUNTER_WINDOW);
    if counter <= oldest {
        return Ok(false);
    }
    sqlx::query("DELETE FROM dukpt_counters WHERE ikid = $1 AND usage = $2 AND counter <= $3")
        .bind(&ikid)
        .bind(usage)
        .bind(oldest)
        .execute(&mut **work)
        .await?;
    let taken = sqlx::query(
        "INSERT INTO dukpt_counters (ikid, usage, counter) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(&ikid)
    .bind(usage)
    .bind(counter)
    .execute(&mut **work)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// A card's counter rises from sale to sale; one that was stored offline may come after later ones, but once.
async fn take_atc(work: &mut Work, account: &str, atc: u16, deferred: bool) -> Result<bool, Failure> {
    let atc = i64::from(atc);
    let highest: i64 =
        sqlx::query_scalar("SELECT COALESCE(MAX(atc), 0) FROM card_counters WHERE account = $1")
            .bind(account)
            .fetch_one(&mut **work)
            .await?;
    if atc <= highest && !deferred {
        return Ok(false);
    }
    let taken =
        sqlx::query("INSERT INTO card_counters (account, atc) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(account)
            .bind(atc)
            .execute(&mut **work)
            .await?;
    Ok(taken.rows_affected() == 1)
}

/// What the card signed must be what the merchant asks for.
fn data_agree(de55: &[u8], envelope: &Envelope) -> bool {
    let value = |tag| child(de55, tag).ok().flatten();
    let amount = bcd::amount(envelope.amount_minor).ok();
    let currency = bcd::numeric::<2>(u64::from(envelope.currency.numeric())).ok();
    value(tag::AMOUNT_AUTHORISED).is_some_and(|stated| amount.is_some_and(|amount| amount == stated))
        && value(tag::TRANSACTION_CURRENCY)
            .is_some_and(|stated| currency.is_some_and(|currency| currency == stated))
        && value(tag::TRANSACTION_TYPE) == Some(&[0])
}

fn is_expired(account: &Account, track: &Track2, utc_ms: u64) -> bool {
    let [year, month, _] = LocalTime::from_utc(utc_ms, UTC_OFFSET_MIN).date_bcd();
    // BCD compares as the numbers do.
    account.expiry_yymm.min(track.expiry_yymm) < [year, month]
}

/// What came of the PIN block.
enum EnteredPin {
    /// No PIN was entered.
    None,
    /// The block cannot be opened, or its key was used before.
    Unreadable,
    /// The digits.
    Digits(PinDigits),
}

async fn open_pin(
    shared: &Shared,
    work: &mut Work,
    device: &Device,
    sealed: &SealedPin,
    pan: &Pan,
) -> Result<EnteredPin, Failure> {
    let Ok(ksn) = Ksn::from_bytes(&sealed.ksn) else {
        return Ok(EnteredPin::Unreadable);
    };
    if !take_counter(work, device, Bdk::Pin, ksn).await? {
        return Ok(EnteredPin::Unreadable);
    }
    let initial = initial_key_of(shared, Bdk::Pin, ksn.ikid())?;
    let key = scrubbed(|| aes_working_key(&transaction_key(&initial, ksn), ksn, Usage::Pin));
    Ok(decipher_format4(sealed.block, pan, &PinKey::new(key))
        .map_or(EnteredPin::Unreadable, EnteredPin::Digits))
}

/// The code to decline with for the PIN, if it is not in order. Counts wrong ones.
async fn check_pin(
    work: &mut Work,
    (account, name): (&Account, &str),
    entered: EnteredPin,
) -> Result<Option<&'static str>, Failure> {
    let digits = match entered {
        EnteredPin::None => return Ok(None),
        EnteredPin::Unreadable => return Ok(Some("99")),
        EnteredPin::Digits(digits) => digits,
    };
    let failures: Option<i64> = sqlx::query_scalar("SELECT failures FROM pin_tries WHERE account = $1")
        .bind(name)
        .fetch_optional(&mut **work)
        .await?;
    let failures = failures.unwrap_or_default();
    if failures >= PIN_TRIES {
        return Ok(Some("75"));
    }
    let right = PinDigits::from_ascii(account.pin.as_bytes()).is_ok_and(|pin| pin.ct_eq(&digits));
    let failures = if right { 0 } else { failures.saturating_add(1) };
    sqlx::query(
        "INSERT INTO pin_tries (account, failures) VALUES ($1, $2) \
         ON CONFLICT (account) DO UPDATE SET failures = excluded.failures",
    )
    .bind(name)
    .bind(failures)
    .execute(&mut **work)
    .await?;
    Ok(match (right, failures) {
        (true, _) => None,
        (false, PIN_TRIES..) => Some("75"),
        (false, _) => Some("55"),
    })
}

/// The issuer's answer for the card: issuer authentication data and the response code.
fn answer_data(account: &Account, verified: Verified, de39: &str) -> Option<Vec<u8>> {
    let mut answer = TlvWriter::new();
    answer.put(
        ISSUER_AUTHENTICATION_DATA,
        &issuer_answer(account, verified, de39)?,
    );
    answer.put(tag::AUTHORISATION_RESPONSE_CODE, de39.as_bytes());
    Some(answer.into_vec())
}
