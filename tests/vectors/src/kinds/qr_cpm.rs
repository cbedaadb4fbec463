//! `qr.cpm`: consumer-presented payment codes.

use serde_json::{Map, Value, json};
use softpos_qr::cpm::{self, CpmCode, Decoded, PaymentData, tags};
use softpos_types::SecretBytes;
use softpos_wire::Tag;
use softpos_wire::tlv::Tlv;

use crate::fields::{Fields, upper_hex};
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let payload = input.text("payload")?;
    let decoded = match cpm::decode(payload) {
        Ok(decoded) => decoded,
        Err(refused) => return Ok(Answer::Refused(refused.name().to_owned())),
    };
    if decoded.breaches().is_empty() && decoded.others().next().is_none() {
        encode_again(&decoded, payload)?;
    }
    let applications: Vec<Value> = decoded
        .applications()
        .map(|application| objects(application.objects()))
        .collect();
    let issues: Vec<String> = decoded.breaches().iter().map(ToString::to_string).collect();
    Ok(Answer::Computed(json!({
        "valid": true,
        "hex": upper_hex(decoded.bytes()),
        "applications": applications,
        "common": decoded.common().map(objects),
        "other": objects(decoded.others()),
        "fields": fields(&decoded),
        "issues": issues,
    })))
}

/// What has no breach must come out of the encoder as it went in.
fn encode_again(decoded: &Decoded, payload: &str) -> Result<(), Failure> {
    let owned = |object: Tlv<'_>| (object.tag, SecretBytes::copy_of(object.value));
    let code = CpmCode {
        applications: decoded
            .applications()
            .map(|application| application.objects().map(owned).collect())
            .collect(),
        common: decoded
            .common()
            .map(|common| common.map(owned).collect())
            .unwrap_or_default(),
    };
    match code.encode() {
        Ok(again) if *again == payload => Ok(()),
        Ok(again) => Err(format!("encoded again: {}", *again)),
        Err(error) => Err(format!("encoded again: {error}")),
    }
}

fn objects<'a>(objects: impl Iterator<Item = Tlv<'a>>) -> Value {
    let pairs = objects.map(|object| json!([object.tag.to_string(), upper_hex(object.value)]));
    Value::Array(pairs.collect())
}

fn fields(decoded: &Decoded) -> Map<String, Value> {
    let mut fields = Map::new();
    let aids: Vec<Option<String>> = decoded
        .applications()
        .map(|application| application.aid().map(upper_hex))
        .collect();
    fields.insert("aids".to_owned(), json!(aids));
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value.into());
        }
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    put("label", first(decoded, |data| data.value(tags::LABEL).map(text)));
    put(
        "cardholder",
        first(decoded, |data| data.value(tags::CARDHOLDER).map(text)),
    );
    put(
        "language",
        first(decoded, |data| data.value(tags::LANGUAGE).map(text)),
    );
    put(
        "issuer_url",
        first(decoded, |data| data.value(tags::ISSUER_URL).map(text)),
    );
    put(
        "token_requestor",
        first(decoded, |data| data.value(tags::TOKEN_REQUESTOR).map(upper_hex)),
    );
    put(
        "track2",
        first(decoded, |data| data.value(tags::TRACK2).map(upper_hex)),
    );
    put(
        "pan",
        first(decoded, |data| data.pan().map(|pan| text(pan.expose_digits()))),
    );
    put(
        "last4",
        first(decoded, |data| data.last_four().map(|digits| text(&digits))),
    );
    put(
        "expiry_yymm",
        first(decoded, |data| {
            data.track2().map(|track| upper_hex(track.expiry_yymm))
        }),
    );
    put(
        "service_code",
        first(decoded, |data| {
            let digits = data.track2()?.service_code;
            Some(digits.map(|digit| char::from(digit + b'0')).into_iter().collect())
        }),
    );
    let opaque: Vec<String> = decoded
        .applications()
        .flat_map(|application| application.objects())
        .chain(decoded.common().into_iter().flatten())
        .map(|object| object.tag)
        .filter(|tag: &Tag| matches!(*tag, tags::APPLICATION_OPAQUE | tags::COMMON_OPAQUE))
        .map(|tag| tag.to_string())
        .collect();
    fields.insert("opaque".to_owned(), json!(opaque));
    fields
}

fn first<T>(decoded: &Decoded, read: impl Fn(PaymentData<'_>) -> Option<T>) -> Option<T> {
    decoded.payment_data().find_map(read)
}
