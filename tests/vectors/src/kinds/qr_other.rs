//! `qr.other`: transfer codes and links.

use serde_json::{Map, Value, json};
use softpos_qr::link::Link;
use softpos_qr::transfer::{Epc, EpcRemittance, SwissBill, SwissReference, TransferError};

use crate::fields::Fields;
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let payload = input.text("payload")?;
    match input.text("form")? {
        "epc" => Ok(answer(epc(payload)?)),
        "swiss" => Ok(answer(swiss(payload)?)),
        "uri" => Ok(link(payload)),
        other => Err(format!("form {other} is unknown")),
    }
}

type Read = Result<Map<String, Value>, TransferError>;

fn answer(read: Read) -> Answer {
    match read {
        Ok(fields) => Answer::Computed(json!({ "valid": true, "fields": fields })),
        Err(error) => Answer::Refused(error.name().to_owned()),
    }
}

/// The members that are there.
fn members<const N: usize>(members: [(&str, Option<&str>); N]) -> Map<String, Value> {
    members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
        .collect()
}

/// What is written again must read as the same; version, character set and amount are reported as they were written.
fn epc(payload: &str) -> Result<Read, Failure> {
    let code = match Epc::decode(payload) {
        Ok(code) => code,
        Err(error) => return Ok(Err(error)),
    };
    let again = code.encode().map_err(|error| format!("encoded again: {error}"))?;
    if Epc::decode(&again).as_ref() != Ok(&code) {
        return Err("encoded again, it reads otherwise".to_owned());
    }
    let line = |index| payload.lines().nth(index);
    let (reference, text) = match &code.remittance {
        EpcRemittance::None => (None, None),
        EpcRemittance::Reference(reference) => (Some(reference.as_str()), None),
        EpcRemittance::Text(text) => (None, Some(text.as_str())),
    };
    Ok(Ok(members([
        ("version", line(1)),
        ("charset", line(2)),
        ("bic", code.bic.as_deref()),
        ("name", Some(&code.name)),
        ("iban", Some(&code.iban)),
        ("amount", line(7).and_then(|amount| amount.strip_prefix("EUR"))),
        ("purpose", code.purpose.as_deref()),
        ("reference", reference),
        ("text", text),
        ("information", code.information.as_deref()),
    ])))
}

fn swiss(payload: &str) -> Result<Read, Failure> {
    let bill = match SwissBill::decode(payload) {
        Ok(bill) => bill,
        Err(error) => return Ok(Err(error)),
    };
    let again = bill.encode().map_err(|error| format!("encoded again: {error}"))?;
    if SwissBill::decode(&again).as_ref() != Ok(&bill) {
        return Err("encoded again, it reads otherwise".to_owned());
    }
    let (form, reference) = match &bill.reference {
        SwissReference::None => ("NON", None),
        SwissReference::Qr(reference) => ("QRR", Some(reference.as_str())),
        SwissReference::Creditor(reference) => ("SCOR", Some(reference.as_str())),
    };
    let amount = bill.amount.map(|amount| amount.to_string());
    let mut fields = members([
        ("iban", Some(bill.iban.as_str())),
        ("creditor", Some(&bill.creditor.name)),
        ("amount", amount.as_deref()),
        ("currency", Some(bill.currency.alpha())),
        ("reference_type", Some(form)),
        ("reference", reference),
        ("message", bill.message.as_deref()),
        ("bill_info", bill.bill_info.as_deref()),
    ]);
    fields.insert("qr_iban".to_owned(), bill.is_qr_iban().into());
    Ok(Ok(fields))
}

fn link(payload: &str) -> Answer {
    let link = match Link::parse(payload) {
        Ok(link) => link,
        Err(error) => return Answer::Refused(error.name().to_owned()),
    };
    let mut result = json!({ "valid": true, "service": link.service.name() });
    if let Some(upi) = &link.upi {
        // Amount and currency as they were written, if they were understood.
        let written = |name: &str| {
            let pairs = payload.split(['?', '&']).filter_map(|pair| pair.split_once('='));
            let mut values = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value);
            values.next()
        };
        let fields = members([
            ("pa", Some(upi.address.as_str())),
            ("pn", upi.name.as_deref()),
            ("tr", upi.reference.as_deref()),
            ("am", upi.amount.and_then(|_| written("am"))),
            ("cu", written("cu")),
            ("mc", upi.category.as_deref()),
        ]);
        if let Some(members) = result.as_object_mut() {
            members.insert("fields".to_owned(), fields.into());
        }
    }
    Answer::Computed(result)
}
