//! What a code says, object by object, whose profile it follows and which rules it breaks.

use serde_json::{Map, Value, json};
use softpos_qr::mpm::{Decoded, Object};
use softpos_qr::profile::Reading;
use softpos_qr::transfer::{Epc, SwissBill};
use softpos_qr::{Recognised, cpm, recognise};
use softpos_text::{Texts, words};
use softpos_types::Money;

use crate::columns::left;
use crate::exit::Exit;
use crate::out::{BAD, DIM, GOOD, HEAD, Out, PLAIN, WARN, object, paint};

/// Width of the captions.
const CAPTION: usize = 26;

/// One line: where, what, and the value.
struct Row {
    place: String,
    caption: String,
    value: String,
}

/// Everything to be said about a text.
struct Explanation {
    kind: &'static str,
    rows: Vec<Row>,
    profiles: Vec<String>,
    breaches: Vec<String>,
}

/// Explains a text; one that is no payment code is a refusal with its reason.
pub(super) fn explain(text: &str, with_text: bool, out: Out) -> Exit {
    let texts = out.texts();
    match recognise(text) {
        Ok(recognised) => {
            let explanation = of(&recognised, texts);
            if out.is_json() {
                object(&explanation.to_json(with_text.then_some(text)));
            }
            explanation.print(out);
            Exit::Done
        }
        Err(reason) => {
            let reason = reason.to_string();
            if out.is_json() {
                let mut answer = json!({ "kind": "refused", "reason": reason });
                if with_text && let Value::Object(members) = &mut answer {
                    members.insert("text".into(), text.into());
                }
                object(&answer);
            }
            out.line(BAD, &texts.with("qr-refused", &[("reason", &reason)]));
            Exit::Refused
        }
    }
}

impl Explanation {
    const fn new(kind: &'static str) -> Self {
        Self {
            kind,
            rows: Vec::new(),
            profiles: Vec::new(),
            breaches: Vec::new(),
        }
    }

    fn row(&mut self, place: &str, caption: String, value: impl Into<String>) {
        self.rows.push(Row {
            place: place.to_owned(),
            caption,
            value: value.into(),
        });
    }

    fn money(&mut self, texts: Texts, amount: Option<Money>) {
        if let Some(amount) = amount {
            self.row("", texts.get("qr-amount"), words::display(amount));
        }
    }

    fn print(&self, out: Out) {
        let texts = out.texts();
        out.line(HEAD, &texts.get(&format!("qr-kind-{}", self.kind)));
        for row in &self.rows {
            let place = left(&row.place, 7);
            let caption = left(&row.caption, CAPTION);
            out.line(PLAIN, &format!("  {}{caption}{}", paint(DIM, &place), row.value));
        }
        for profile in &self.profiles {
            out.line(GOOD, &texts.with("qr-profile", &[("profile", profile)]));
        }
        if !self.breaches.is_empty() {
            out.line(
                WARN,
                &texts.with("qr-breaches", &[("breaches", &self.breaches.join(", "))]),
            );
        }
    }

    fn to_json(&self, text: Option<&str>) -> Value {
        let fields: Vec<Value> = self
            .rows
            .iter()
            .map(|row| json!({ "place": row.place, "name": row.caption, "value": row.value }))
            .collect();
        let mut answer = Map::new();
        answer.insert("kind".into(), self.kind.into());
        if let Some(text) = text {
            answer.insert("text".into(), text.into());
        }
        answer.insert("fields".into(), fields.into());
        answer.insert("profiles".into(), self.profiles.clone().into());
        answer.insert("breaches".into(), self.breaches.clone().into());
        Value::Object(answer)
    }
}

fn of(recognised: &Recognised<'_>, texts: Texts) -> Explanation {
    match recognised {
        Recognised::Mpm { decoded, readings } => merchant_presented(decoded, readings, texts),
        Recognised::Cpm(decoded) => consumer_presented(decoded, texts),
        Recognised::PaymentCode(code) => {
            let mut explanation = Explanation::new("payment-code");
            explanation.row("", texts.get("qr-wallet"), code.wallet().name());
            explanation
        }
        Recognised::Epc(epc) => credit_transfer(epc, texts),
        Recognised::Swiss(bill) => swiss_bill(bill, texts),
        Recognised::Link(link) => {
            let mut explanation = Explanation::new("link");
            explanation.row("", texts.get("qr-service"), link.service.name());
            if let Some(upi) = &link.upi {
                explanation.row("pa", texts.get("qr-account"), upi.address.as_str());
                if let Some(name) = &upi.name {
                    explanation.row("pn", texts.get("qr-mpm-59"), name.as_str());
                }
                explanation.money(texts, upi.amount);
            }
            explanation
        }
        // It holds a secret: nothing of it is shown.
        Recognised::Activation(_) => Explanation::new("activation"),
    }
}

fn merchant_presented(decoded: &Decoded<'_>, readings: &[Reading], texts: Texts) -> Explanation {
    let mut explanation = Explanation::new("merchant");
    for Object { id, value } in decoded.objects() {
        let caption = root_caption(texts, *id);
        explanation.row(&format!("{id:02}"), caption, *value);
        for part in decoded.template(*id).unwrap_or_default() {
            let caption = part_caption(texts, *id, part.id);
            explanation.row(&format!("{id:02}/{:02}", part.id), caption, part.value);
        }
    }
    explanation.money(texts, decoded.amount());
    for reading in readings {
        let faults: Vec<String> = reading.faults.iter().map(ToString::to_string).collect();
        let profile = reading.profile.name();
        explanation.profiles.push(if faults.is_empty() {
            profile.to_owned()
        } else {
            format!("{profile} ({})", faults.join(", "))
        });
    }
    explanation.breaches = decoded.breaches().iter().map(ToString::to_string).collect();
    explanation
}

fn root_caption(texts: Texts, id: u8) -> String {
    match id {
        0 | 1 | 52..=64 => texts.get(&format!("qr-mpm-{id:02}")),
        2..=51 => texts.get("qr-account"),
        _ => texts.get("qr-other"),
    }
}

fn part_caption(texts: Texts, template: u8, id: u8) -> String {
    match (template, id) {
        (62, 1..=11) => texts.get(&format!("qr-add-{id:02}")),
        (64, 0) => texts.get("qr-language"),
        (64, 1) => texts.get("qr-mpm-59"),
        (64, 2) => texts.get("qr-mpm-60"),
        (_, 0) => texts.get("qr-guid"),
        _ => String::new(),
    }
}

fn consumer_presented(decoded: &cpm::Decoded, texts: Texts) -> Explanation {
    let mut explanation = Explanation::new("consumer");
    for (position, data) in decoded.payment_data().enumerate() {
        let place = format!("61/{position}");
        let aid = data.application().aid().map(hex_upper).unwrap_or_default();
        explanation.row(&place, texts.get("qr-aid"), aid);
        if let Some(pan) = data.pan() {
            explanation.row(&place, texts.get("qr-pan"), pan.masked());
        }
        if let Some(digits) = data.last_four() {
            let digits: String = digits.into_iter().map(char::from).collect();
            explanation.row(&place, texts.get("qr-last-four"), digits);
        }
        match data.receipt_address() {
            Some(cpm::ReceiptAddress::Phone(address) | cpm::ReceiptAddress::Email(address)) => {
                explanation.row(&place, texts.get("qr-receipt-to"), address);
            }
            None => {}
        }
    }
    explanation.breaches = decoded.breaches().iter().map(ToString::to_string).collect();
    explanation
}

fn credit_transfer(epc: &Epc, texts: Texts) -> Explanation {
    let mut explanation = Explanation::new("epc");
    explanation.row("", texts.get("qr-mpm-59"), epc.name.as_str());
    explanation.row("", texts.get("qr-account"), epc.iban.as_str());
    explanation.money(texts, epc.amount);
    explanation
}

fn swiss_bill(bill: &SwissBill, texts: Texts) -> Explanation {
    let mut explanation = Explanation::new("swiss");
    explanation.row("", texts.get("qr-mpm-59"), bill.creditor.name.as_str());
    explanation.row("", texts.get("qr-account"), bill.iban.as_str());
    explanation.money(texts, bill.amount);
    explanation
}

fn hex_upper(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use softpos_types::Language;

    use super::*;

    fn of_text(text: &str) -> Explanation {
        of(&recognise(text).unwrap(), Texts::new(Language::En))
    }

    #[test]
    fn every_caption_has_its_text() {
        for language in Language::ALL {
            let texts = Texts::new(language);
            let roots = (0..=99).map(|id| root_caption(texts, id));
            let parts =
                (0..=99).flat_map(|id| [62, 64, 26].map(|template| part_caption(texts, template, id)));
            for caption in roots.chain(parts) {
                assert!(!caption.starts_with("qr-"), "{caption}");
            }
            let kinds = [
                "merchant",
                "consumer",
                "payment-code",
                "epc",
                "swiss",
                "link",
                "activation",
            ];
            for kind in kinds {
                let key = format!("qr-kind-{kind}");
                assert_ne!(texts.get(&key), key);
            }
        }
    }

    #[test]
    fn a_merchants_code_is_told_object_by_object() {
        let pix = "00020101021226740014br.gov.bcb.pix2552payload.psp.com/3ec9d2f9-5f03-4e0e-820d-63a81e769e875204581253039865406123.005802BR5913Cafe Sao Joao6008Brasilia61051011062070503***64350002PT0113Café São João0208Brasília63048240";
        let explanation = of_text(pix);
        let value = |place: &str| {
            let row = explanation.rows.iter().find(|row| row.place == place);
            row.map(|row| row.value.as_str())
        };
        assert_eq!(
            (value("26/00"), value("59")),
            (Some("br.gov.bcb.pix"), Some("Cafe Sao Joao"))
        );
        assert_eq!(value("64/01"), Some("Café São João"));
        assert_eq!(
            (explanation.profiles.as_slice(), explanation.breaches.len()),
            (&["pix".to_owned()][..], 0)
        );
    }

    #[test]
    fn what_could_pay_is_not_shown() {
        let shown = format!("{}", of_text("134567890123456789").to_json(None));
        assert!(shown.contains("wechat") && !shown.contains("1345"), "{shown}");
    }
}
