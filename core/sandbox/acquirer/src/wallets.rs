//! Simulated wallets: they charge a payer's code once, follow their published rules of asking and taking back, and
//! count whoever does not.
//!
//! What the payer does is in the code's last digit, as acquirers' test numbers have it: 0 to 5 pays at once, 6 is
//! asked for a password and confirms, 7 is asked and never answers, 8 has no money, 9 pays while the wallet answers
//! that it does not know. `WeChat` asks for a password above 1,000.00 whatever the digit.

use softpos_crypto::p256_key::sha256;
use softpos_host::WalletParameters;
use softpos_types::PaymentKey;

use crate::TimerProfile;
use crate::call::{Failure, stored_time};
use crate::clock::utc_ms;
use crate::database::Work;
use crate::parameters::wallets;

/// Above this `WeChat` asks the payer for the password (pages of the years 2021 and 2025).
const PASSWORD_ABOVE_MINOR: i64 = 100_000;
/// Declined: insufficient funds.
const NO_MONEY: &str = "51";
/// Declined: the code was charged before, or its time is over.
const CODE_USED: &str = "05";

/// How a charge stands at its wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The money is the merchant's.
    Paid,
    /// The payer must confirm.
    AwaitingPayer,
    /// The wallet does not know.
    Unknown,
    /// Refused, with the response code.
    Declined(&'static str),
}

/// A charge to be made.
pub(crate) struct Charge<'a> {
    pub(crate) key: PaymentKey,
    pub(crate) wallet: &'a str,
    pub(crate) code: &'a str,
    pub(crate) amount_minor: i64,
}

/// Charges a code: once, whatever it is charged for again.
pub(crate) async fn charge(
    profile: TimerProfile,
    work: &mut Work,
    charge: &Charge<'_>,
) -> Result<Standing, Failure> {
    let code = hex::encode(sha256(charge.code.as_bytes()));
    let used: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM wallet_orders WHERE code_sha256 = $1")
        .bind(&code)
        .fetch_one(&mut **work)
        .await?;
    let Some(rules) = rules_of(profile, charge.wallet).filter(|_| used == 0) else {
        return Ok(Standing::Declined(CODE_USED));
    };
    let (state, standing, confirms) = match charge.code.as_bytes().last() {
        Some(b'8') => return Ok(Standing::Declined(NO_MONEY)),
        Some(b'9') => ("paid", Standing::Unknown, false),
        Some(b'7') => ("asked", Standing::AwaitingPayer, false),
        Some(b'6') => ("asked", Standing::AwaitingPayer, true),
        _ if charge.wallet == "wechat" && charge.amount_minor > PASSWORD_ABOVE_MINOR => {
            ("asked", Standing::AwaitingPayer, true)
        }
        _ => ("paid", Standing::Paid, false),
    };
    let now = utc_ms();
    // The payer has confirmed before the second question.
    let pays = confirms.then(|| stored_time(now.saturating_add(rules.first_query_ms)));
    sqlx::query(
        "INSERT INTO wallet_orders (payment_key, wallet, code_sha256, state, charged_utc_ms, asked_utc_ms, \
         pays_utc_ms, hasty) VALUES ($1, $2, $3, $4, $5, 0, $6, 0)",
    )
    .bind(charge.key.to_string())
    .bind(charge.wallet)
    .bind(code)
    .bind(state)
    .bind(stored_time(now))
    .bind(pays)
    .execute(&mut **work)
    .await?;
    Ok(standing)
}

struct OrderRow {
    wallet: String,
    state: String,
    charged: i64,
    asked: i64,
    pays: Option<i64>,
}

async fn order(work: &mut Work, key: PaymentKey) -> Result<Option<OrderRow>, Failure> {
    let row: Option<(String, String, i64, i64, Option<i64>)> = sqlx::query_as(
        "SELECT wallet, state, charged_utc_ms, asked_utc_ms, pays_utc_ms FROM wallet_orders \
         WHERE payment_key = $1",
    )
    .bind(key.to_string())
    .fetch_optional(&mut **work)
    .await?;
    Ok(row.map(|(wallet, state, charged, asked, pays)| OrderRow {
        wallet,
        state,
        charged,
        asked,
        pays,
    }))
}

/// Which wallet holds the order.
pub(crate) async fn wallet_of(work: &mut Work, key: PaymentKey) -> Result<Option<String>, Failure> {
    Ok(order(work, key).await?.map(|order| order.wallet))
}

/// Says what became of a charge.
pub(crate) async fn query(
    profile: TimerProfile,
    work: &mut Work,
    key: PaymentKey,
) -> Result<Standing, Failure> {
    let Some(order) = order(work, key).await? else {
        return Ok(Standing::Unknown);
    };
    let now = stored_time(utc_ms());
    let paid =
        order.state == "paid" || (order.state == "asked" && order.pays.is_some_and(|pays| pays <= now));
    let pause = rules_of(profile, &order.wallet).map_or(0, |rules| stored_time(rules.query_interval_ms));
    // Networks stretch and squeeze pauses; half of one is nobody's jitter.
    let hasty = order.asked > 0 && now.saturating_sub(order.asked) < pause.saturating_div(2);
    sqlx::query(
        "UPDATE wallet_orders SET asked_utc_ms = $1, hasty = hasty + $2, state = $3 WHERE payment_key = $4",
    )
    .bind(now)
    .bind(i64::from(hasty))
    .bind(if paid { "paid" } else { order.state.as_str() })
    .bind(key.to_string())
    .execute(&mut **work)
    .await?;
    Ok(match order.state.as_str() {
        _ if paid => Standing::Paid,
        "asked" => Standing::AwaitingPayer,
        _ => Standing::Unknown,
    })
}

/// Takes a charge back: closes the order, or gives the money back. False if it is too early for that wallet.
pub(crate) async fn take_back(
    profile: TimerProfile,
    work: &mut Work,
    key: PaymentKey,
) -> Result<bool, Failure> {
    let Some(order) = order(work, key).await? else {
        return Ok(true);
    };
    let rules = rules_of(profile, &order.wallet);
    let not_before = rules.map_or(0, |rules| stored_time(rules.reverse_not_before_ms));
    // The charge took its time to get here, so the till's clock of it is ahead.
    let earliest = order
        .charged
        .saturating_add(not_before.saturating_mul(9).saturating_div(10));
    let early = stored_time(utc_ms()) < earliest;
    let state = match order.state.as_str() {
        same if early => same,
        "paid" => "refunded",
        "asked" => "closed",
        same => same,
    };
    sqlx::query("UPDATE wallet_orders SET state = $1, hasty = hasty + $2 WHERE payment_key = $3")
        .bind(state)
        .bind(i64::from(early))
        .bind(key.to_string())
        .execute(&mut **work)
        .await?;
    Ok(!early)
}

/// How often a wallet was asked or told to take back before its time: nothing, if the till knows the rules.
pub(crate) async fn hasty_calls(work: &mut Work) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT CAST(COALESCE(SUM(hasty), 0) AS BIGINT) FROM wallet_orders")
        .fetch_one(&mut **work)
        .await
}

fn rules_of(profile: TimerProfile, wallet: &str) -> Option<WalletParameters> {
    wallets(profile).into_iter().find(|rules| rules.wallet == wallet)
}
