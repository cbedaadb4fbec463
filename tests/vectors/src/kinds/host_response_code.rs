//! `host.response-code`: class, consequences and texts of DE39.

use serde_json::{Value, json};
use softpos_host::{Class, Job, ResponseCode};
use softpos_text::Texts;
use softpos_types::{Language, ReversalReason};

use crate::compare::matches;
use crate::fields::Fields;
use crate::{Answer, Failure};

/// Members that are remarks of the file: where a code comes from, and the operator's task in the author's words, which
/// the product says in its own.
const REMARKS: [&str; 3] = ["operator_action", "private", "source_note"];

/// Codes that the terminal itself writes into tag 8A.
const OFFLINE: [ResponseCode; 4] = [
    ResponseCode::OFFLINE_APPROVED,
    ResponseCode::UNABLE_ONLINE_APPROVED,
    ResponseCode::OFFLINE_DECLINED,
    ResponseCode::UNABLE_ONLINE_DECLINED,
];

pub(super) fn run(input: Fields<'_>, expect: &Value) -> Result<Answer, Failure> {
    if input.optional("reversal_reason").is_some() {
        return reversal(input.text("reversal_reason")?);
    }
    let code = ResponseCode::new(input.text("code")?).map_err(|_| "code: not two characters")?;
    let class = class_name(code.class());
    let mut expected = expect.as_object().cloned().unwrap_or_default();
    expected.retain(|name, _| !REMARKS.contains(&name.as_str()));
    // Where the sources differ, either class is right.
    if let Some(disputed) = expected.remove("class_disputed") {
        let classes = disputed.as_array().ok_or("class_disputed is not a list")?;
        if !classes.iter().any(|either| either == class) {
            return Err(format!("class_disputed: {disputed}, got {class}"));
        }
    }
    matches(&Value::Object(expected), &facts(code, class), "expect")?;
    Ok(Answer::Agreed)
}

fn facts(code: ResponseCode, class: &str) -> Value {
    let (zh, en) = (Language::Zh, Language::En);
    let [zh, en] = [zh, en].map(|language| Texts::new(language).response_code(code.as_str()));
    let is = |job| code.job() == Some(job);
    let input_error = match code.job() {
        Some(Job::EnterAmountAgain) => "amount",
        Some(Job::PresentCardAgain) => "card",
        _ => "",
    };
    json!({
        "class": class,
        "approved": code.is_approved(),
        "pickup": code.is_pickup(),
        "display_zh": zh.display,
        "display_en": en.display,
        "meaning_zh": zh.meaning,
        "meaning_en": en.meaning,
        "reversal_done": code.closes_reversal(),
        "reversal_outcome": if code.closes_reversal() { "reversed" } else { "" },
        "input_error": input_error,
        "partial": is(Job::SettlePartialAmount),
        "pin_retry": is(Job::EnterPinAgain),
        "resign_in": is(Job::SignIn),
        "duplicate": is(Job::FindOriginal),
        "lock_terminal": is(Job::LockTerminal),
        "defect": is(Job::MarkForReconciliation),
        "tag_8A": OFFLINE.contains(&code),
    })
}

const fn class_name(class: Class) -> &'static str {
    match class {
        Class::A => "A",
        Class::B => "B",
        Class::C => "C",
        Class::D => "D",
        Class::E => "E",
    }
}

fn reversal(reason: &str) -> Result<Answer, Failure> {
    let reason = match reason {
        "no_response" => ReversalReason::NoAnswer,
        "response_mac_wrong" => ReversalReason::BadSignature,
        "other" => ReversalReason::Other,
        _ => return Err(format!("reversal_reason: {reason} is unknown")),
    };
    Ok(Answer::Computed(json!({ "de39": reason.de39() })))
}
