//! `emv.afl`: which records are read, and which of them are signed.

use serde_json::{Value, json};
use softpos_wire::afl::Afl;
use softpos_wire::apdu;

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let afl = match Afl::parse(&input.bytes("afl")?) {
        Ok(afl) => afl,
        Err(error) => return Ok(Answer::Refused(format!("{error:?}"))),
    };
    let entries: Vec<_> = afl
        .entries()
        .iter()
        .map(|entry| json!({ "sfi": entry.sfi, "first": entry.first, "last": entry.last, "oda": entry.oda }))
        .collect();
    let read: Vec<_> = afl
        .records()
        .map(|record| upper_hex(apdu::read_record(record.sfi, record.record)))
        .collect();
    let signed: Vec<_> = afl
        .records()
        .filter(|record| record.oda)
        .map(|record| json!([record.sfi, record.record]))
        .collect();
    Ok(Answer::Computed(
        json!({ "entries": entries, "read": read, "oda_records": signed }),
    ))
}
