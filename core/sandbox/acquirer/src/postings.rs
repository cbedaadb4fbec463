//! Double entry: who owes whom. Debits are positive, and the lines of every entry add up to zero.
//!
//! A card sale moves money in two houses: at the acquirer the scheme owes (`scheme`) what the merchant is owed
//! (`merchant:N:payable`); at the issuer the cardholder's balance (`card:A`) shrinks and the debt to the scheme
//! (`issuer`) grows. A paid code is owed by the wallet (`wallet:W`). Cash is in the drawer (`drawer:T`) and
//! counts as the merchant's takings (`merchant:N:cash`) without being owed to them.

use softpos_types::{Currency, PaymentKey};
use sqlx::QueryBuilder;

use crate::HostError;
use crate::call::Failure;
use crate::database::Work;

/// Which side of the world pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Payer {
    /// An account of the sandbox's issuer.
    Card(String),
    /// A wallet.
    Wallet(String),
    /// Notes and coins.
    Drawer,
}

/// A payment to be booked.
pub(crate) struct Booking<'a> {
    pub(crate) key: PaymentKey,
    pub(crate) merchant: &'a str,
    pub(crate) terminal: &'a str,
    pub(crate) currency: Currency,
    /// Positive for a sale, negative for a refund.
    pub(crate) amount_minor: i64,
}

impl Booking<'_> {
    /// Books the payment.
    pub(crate) async fn book(&self, work: &mut Work, payer: &Payer) -> Result<(), Failure> {
        let amount = self.amount_minor;
        let negative = amount.checked_neg().ok_or(Failure::Internal("an amount"))?;
        let payable = || (format!("merchant:{}:payable", self.merchant), negative);
        let lines = match payer {
            Payer::Card(account) => vec![
                ("scheme".into(), amount),
                payable(),
                (card_account(account), amount),
                ("issuer".into(), negative),
            ],
            Payer::Wallet(wallet) => vec![(format!("wallet:{wallet}"), amount), payable()],
            Payer::Drawer => vec![
                (format!("drawer:{}", self.terminal), amount),
                (format!("merchant:{}:cash", self.merchant), negative),
            ],
        };
        post(work, &self.key.to_string(), &lines, self.currency).await
    }
}

/// Writes the lines of one entry, account and amount each, in one statement.
async fn post(
    work: &mut Work,
    payment_key: &str,
    lines: &[(String, i64)],
    currency: Currency,
) -> Result<(), Failure> {
    let mut insert =
        QueryBuilder::new("INSERT INTO postings (payment_key, entry, account, amount_minor, currency) ");
    insert.push_values(lines, |mut row, (account, amount_minor)| {
        row.push_bind(payment_key)
            .push("'booking'")
            .push_bind(account)
            .push_bind(amount_minor)
            .push_bind(currency.alpha());
    });
    insert.build().execute(&mut **work).await?;
    Ok(())
}

/// Undoes every line of a payment by its opposite.
pub(crate) async fn reverse(work: &mut Work, key: PaymentKey) -> Result<(), Failure> {
    sqlx::query(
        "INSERT INTO postings (payment_key, entry, account, amount_minor, currency) \
         SELECT payment_key, 'reversal', account, -amount_minor, currency FROM postings \
         WHERE payment_key = $1 AND entry = 'booking'",
    )
    .bind(key.to_string())
    .execute(&mut **work)
    .await?;
    Ok(())
}

/// Who paid a booked sale, to give a refund back to.
pub(crate) async fn payer_of(work: &mut Work, key: PaymentKey) -> Result<Payer, Failure> {
    let accounts: Vec<String> =
        sqlx::query_scalar("SELECT account FROM postings WHERE payment_key = $1 AND entry = 'booking'")
            .bind(key.to_string())
            .fetch_all(&mut **work)
            .await?;
    let payer = accounts
        .iter()
        .find_map(|account| match account.split_once(':')? {
            ("card", account) => Some(Payer::Card(account.into())),
            ("wallet", wallet) => Some(Payer::Wallet(wallet.into())),
            ("drawer", _) => Some(Payer::Drawer),
            _ => None,
        });
    payer.ok_or(Failure::Internal("an approved sale without postings"))
}

/// Gives a card account its opening balance, unless it has one.
pub(crate) async fn open_card(
    work: &mut Work,
    account: &str,
    balance_minor: i64,
    currency: Currency,
) -> Result<(), Failure> {
    let opening = format!("opening:{account}");
    let opened: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM postings WHERE payment_key = $1")
        .bind(&opening)
        .fetch_one(&mut **work)
        .await?;
    if opened > 0 {
        return Ok(());
    }
    let negative = balance_minor
        .checked_neg()
        .ok_or(Failure::Internal("an opening balance"))?;
    let lines = [(card_account(account), negative), ("vault".into(), balance_minor)];
    post(work, &opening, &lines, currency).await
}

/// What a cardholder can spend.
pub(crate) async fn card_balance(work: &mut Work, account: &str) -> Result<i64, Failure> {
    let owed: i64 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM postings WHERE account = $1",
    )
    .bind(card_account(account))
    .fetch_one(&mut **work)
    .await?;
    owed.checked_neg().ok_or(Failure::Internal("a balance"))
}

/// How far the lines are from adding up to zero, entry by entry.
pub(crate) async fn imbalance_minor(work: &mut Work) -> Result<i64, HostError> {
    let sum = sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(ABS(entry_sum)), 0) AS BIGINT) FROM (SELECT SUM(amount_minor) AS entry_sum \
         FROM postings GROUP BY payment_key, entry) AS entries",
    )
    .fetch_one(&mut **work)
    .await?;
    Ok(sum)
}

fn card_account(account: &str) -> String {
    format!("card:{account}")
}
