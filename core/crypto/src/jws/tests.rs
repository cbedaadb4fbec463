use alloc::format;
use alloc::string::ToString;

use softpos_types::SecretArray;

use super::*;
use crate::p256_key::SoftwareKey;

const BODY: &[u8] = br#"{"amount":100}"#;
const SALE: (&str, &str) = ("POST", "/v1/transactions");

fn key(byte: u8) -> SoftwareKey {
    SoftwareKey::from_scalar(SecretArray::build(|scalar| scalar.fill(byte))).unwrap()
}

fn header(key: &SoftwareKey) -> RequestHeader {
    RequestHeader {
        kid: key.public().kid(),
        method: SALE.0.into(),
        target: SALE.1.into(),
        issued_utc_ms: 1_700_000_000_000,
        nonce: [9; 16],
    }
}

fn sign(key: &SoftwareKey, unsigned: Unsigned) -> String {
    let signature = key.sign_digest(&unsigned.digest()).unwrap();
    unsigned.assemble(&signature)
}

fn signed_request(key: &SoftwareKey) -> String {
    sign(key, header(key).unsigned(BODY))
}

/// Signs any header text, to try what a stranger could send.
fn signed_text(key: &SoftwareKey, json: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(json);
    let input = signing_input(&header, BODY);
    sign(key, Unsigned { header, input })
}

fn verify(key: &SoftwareKey, jws: &str, body: &[u8]) -> Result<RequestHeader, JwsError> {
    verify_request(jws, body, SALE, |kid| {
        (kid == key.public().kid()).then_some(*key.public())
    })
}

#[test]
fn request_round_trip_and_header_text() {
    let device = key(1);
    let jws = signed_request(&device);
    assert_eq!(verify(&device, &jws, BODY), Ok(header(&device)));
    let json = URL_SAFE_NO_PAD.decode(jws.split('.').next().unwrap()).unwrap();
    assert_eq!(
        String::from_utf8(json).unwrap(),
        format!(
            "{{\"alg\":\"ES256\",\"kid\":\"{}\",\"typ\":\"softpos-req\",\"htm\":\"POST\",\"htu\":\"/v1/transactions\",\
             \"iat\":1700000000000,\"nonce\":\"CQkJCQkJCQkJCQkJCQkJCQ\"}}",
            device.public().kid()
        )
    );
}

/// RFC 7515, A.3: the signature of a foreign implementation over a detached payload.
#[test]
fn signing_input_is_that_of_the_rfc() {
    let point = |x: &str, y: &str| {
        let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        PublicKey::from_point(&[&[4][..], &coordinate(x), &coordinate(y)].concat()).unwrap()
    };
    let key = point(
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    );
    let body = b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
    let signature =
        decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
            .unwrap();
    assert_eq!(check("eyJhbGciOiJFUzI1NiJ9", body, &signature, Some(key)), Ok(()));
}

#[test]
fn tampered_requests() {
    let device = key(1);
    let jws = signed_request(&device);
    assert_eq!(
        verify(&device, &jws, br#"{"amount":101}"#),
        Err(JwsError::BadSignature)
    );
    let stranger = key(2);
    let forged = sign(&stranger, header(&device).unsigned(BODY));
    assert_eq!(verify(&device, &forged, BODY), Err(JwsError::BadSignature));
    assert_eq!(verify(&stranger, &jws, BODY), Err(JwsError::UnknownKey));
    for (method, target) in [
        ("GET", SALE.1),
        ("POST", "/v1/refunds"),
        ("POST", "/v1/transactions?x=1"),
    ] {
        let verdict = verify_request(&jws, BODY, (method, target), |_| Some(*device.public()));
        assert_eq!(verdict, Err(JwsError::Misdirected));
    }
    for at in 0..jws.len() {
        let mut changed = jws.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(verify(&device, &changed, BODY).is_err(), "character {at}");
    }
}

#[test]
fn malformed_texts() {
    let device = key(1);
    let jws = signed_request(&device);
    let (head, signature) = jws.split_once("..").unwrap();
    for bad in [
        "",
        "..",
        head,
        &format!("{head}.{signature}"),
        &format!("{head}...{signature}"),
        &format!("{head}.e30.{signature}"),
        &format!("{head}=..{signature}"),
        &format!("{head}..{signature}=="),
        &format!("{head}..{signature}AAAA"),
        &format!("{head}..{}", signature.split_at(80).0),
        &format!("{jws}\n"),
        &format!("{}..{signature}", "A".repeat(MAX_HEADER + 1)),
        "é..é",
    ] {
        assert_eq!(verify(&device, bad, BODY), Err(JwsError::Malformed), "{bad}");
    }
}

#[test]
fn only_the_one_header_spelling() {
    let device = key(1);
    let right = serde_json::to_string(&header(&device).wire()).unwrap();
    assert!(verify(&device, &signed_text(&device, &right), BODY).is_ok());
    for wrong in [
        right.replace("ES256", "none"),
        right.replace("ES256", "HS256"),
        right.replace("ES256", "es256"),
        right.replace("softpos-req", "softpos-res"),
        right.replace("{\"alg\"", "{\"crit\":[\"b64\"],\"alg\""),
        right.replace('}', ",\"b64\":false}"),
        right.replace('}', ",\"iat\":1}"),
        right.replace("{\"alg\":\"ES256\",", "{\"alg\":\"ES256\",\"alg\":\"ES256\","),
        right
            .replace("{\"alg\":\"ES256\",", "{")
            .replace('}', ",\"alg\":\"ES256\"}"),
        right.replace("\"iat\":", "\"iat\": "),
        right.replace("POST", "\\u0050OST"),
        right.replace("1700000000000", "-1"),
        right.replace("1700000000000", "1.7e12"),
        right.replace(",\"iat\":1700000000000", ""),
        format!("{right} "),
        format!("[{right}]"),
        "null".to_string(),
        String::new(),
    ] {
        assert_ne!(wrong, right);
        assert_eq!(
            verify(&device, &signed_text(&device, &wrong), BODY),
            Err(JwsError::Malformed),
            "{wrong}"
        );
    }
    let short_nonce = right.replace("CQkJCQkJCQkJCQkJCQkJCQ", "CQkJCQkJCQkJCQkJCQkJ");
    assert_eq!(
        verify(&device, &signed_text(&device, &short_nonce), BODY),
        Err(JwsError::Malformed)
    );
}

#[test]
fn answers_belong_to_their_request() {
    let (device, host) = (key(1), key(2));
    let request = signed_request(&device);
    let mut other = header(&device);
    other.nonce = [8; 16];
    let other = sign(&device, other.unsigned(BODY));
    let answer = AnswerHeader {
        kid: host.public().kid(),
        request: request_hash(&request),
    };
    let jws = sign(&host, answer.unsigned(b"{}"));
    let verify =
        |jws: &str, body: &[u8], request: &str| verify_answer(jws, body, request, |_| Some(*host.public()));
    assert_eq!(verify(&jws, b"{}", &request), Ok(answer));
    assert_eq!(verify(&jws, b"{}", &other), Err(JwsError::Misdirected));
    assert_eq!(verify(&jws, b"{ }", &request), Err(JwsError::BadSignature));
    assert_eq!(verify(&request, BODY, &request), Err(JwsError::Malformed));
    assert_eq!(
        verify_answer(&jws, b"{}", &request, |_| None),
        Err(JwsError::UnknownKey)
    );
}
