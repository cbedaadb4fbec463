//! Terminal, limits, transaction and authority keys of a transcript.

use std::sync::Arc;

use serde_json::Value;
use softpos_crypto::emv_rsa::key_checksum;
use softpos_emv::oda::{AuthorityKey, AuthorityKeys};
use softpos_emv::{Aid, Combination, CombinationSettings, KernelId, ReaderConfig, TerminalData, Transaction};
use softpos_types::{Currency, LocalTime, Money};
use softpos_wire::{bcd, tag};

use super::super::emv_dol::tagged;
use crate::Failure;
use crate::fields::{Fields, upper_hex};

pub(super) fn configuration(input: Fields<'_>) -> Result<(ReaderConfig, Transaction), Failure> {
    let mut terminal = TerminalData::new();
    let mut ttq = None;
    for (tag, value) in tagged(input.optional("terminal").ok_or("terminal is missing")?)? {
        if tag == tag::TTQ {
            ttq = Some(value.try_into().map_err(|_| "9F66 is not 4 bytes")?);
        } else {
            terminal.set(tag, &value);
        }
    }
    let limit = |name: &str| -> Result<Option<i64>, Failure> {
        let Some(limits) = input.optional("limits") else {
            return Ok(None);
        };
        let limits = Fields::of(limits)?;
        limits
            .optional(name)
            .map(|_| amount(limits.number(name)?))
            .transpose()
    };
    let transaction = input.object("transaction")?;
    let [transaction_type] = transaction.array("9C")?;
    let settings = CombinationSettings {
        transaction_limit_minor: limit("contactless_transaction_limit")?,
        floor_limit_minor: limit("contactless_floor_limit")?,
        cvm_limit_minor: limit("cvm_required_limit")?,
        ttq,
        ..CombinationSettings::default()
    };
    let combination = |one: &Value| {
        let one = Fields::of(one)?;
        let [kernel] = one.array("kernel")?;
        Ok(Combination {
            aid: Aid::new(&one.bytes("aid")?).map_err(|_| "aid is no identifier")?,
            kernel: KernelId::new(kernel.into()),
            transaction_type,
            settings: settings.clone(),
        })
    };
    let combinations = input.list("combinations")?.iter().map(combination);
    let config = ReaderConfig {
        combinations: combinations.collect::<Result<_, Failure>>()?,
        terminal,
        authority_keys: Arc::new(authority_keys(input)?),
        ..ReaderConfig::default()
    };
    let digits = |name: &str| number(&transaction.bytes(name)?);
    let currency = u16::try_from(digits("5F2A")?)
        .ok()
        .and_then(Currency::from_numeric);
    let transaction = Transaction {
        amount: Money::new(
            amount(digits("9F02")?)?,
            currency.ok_or("5F2A is no known currency")?,
        ),
        other_minor: amount(digits("9F03")?)?,
        transaction_type,
        local: local_time(transaction)?,
        unpredictable: [[transaction.array("9F37")?; 3]; 4],
    };
    Ok((config, transaction))
}

fn local_time(transaction: Fields<'_>) -> Result<LocalTime, Failure> {
    let two = |byte: u8| u8::try_from(number(&[byte])?).map_err(|_| "two digits do not fit".to_owned());
    let [year, month, day] = transaction.array("9A")?;
    let [hour, minute, second] = transaction.array("9F21")?;
    Ok(LocalTime {
        year: 2000 + u16::from(two(year)?),
        month: two(month)?,
        day: two(day)?,
        hour: two(hour)?,
        minute: two(minute)?,
        second: two(second)?,
    })
}

fn number(digits: &[u8]) -> Result<u64, Failure> {
    bcd::number(digits).map_err(|_| format!("{} is no number", upper_hex(digits)))
}

fn amount(number: u64) -> Result<i64, Failure> {
    i64::try_from(number).map_err(|_| "an amount is out of range".into())
}

/// The keys of the vector, which publishes no checksums.
pub(super) fn authority_keys(input: Fields<'_>) -> Result<AuthorityKeys, Failure> {
    let Some(keys) = input.optional("capk") else {
        return Ok(AuthorityKeys::default());
    };
    let key = |one: &Value| {
        let one = Fields::of(one)?;
        let ([index], rid) = (one.array("index")?, one.array("rid")?);
        let (modulus, exponent) = (one.bytes("modulus")?, one.bytes("exponent")?);
        let checksum = key_checksum((rid, index), &modulus, &exponent);
        AuthorityKey::new((rid, index), &modulus, &exponent, checksum)
            .map_err(|error| format!("capk: {error:?}"))
    };
    let keys = keys.as_array().ok_or("capk is not a list")?;
    let keys = keys.iter().map(key).collect::<Result<_, Failure>>()?;
    AuthorityKeys::new(keys, Vec::new()).map_err(|error| format!("capk: {error:?}"))
}
