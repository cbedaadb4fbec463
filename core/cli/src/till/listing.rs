//! Payments as lines for people.

use softpos_terminal::{PaymentSummary, State};
use softpos_text::{Label, Texts, words};
use softpos_types::{LocalTime, Method, Operation};

use super::which::short;
use crate::columns::{cut, left, of_terminal, right};
use crate::out::{BAD, DIM, GOOD, HEAD, Out, PLAIN, WARN, paint};

/// The colour of a state.
pub(crate) const fn style(state: State) -> anstyle::Style {
    match state {
        State::Approved => GOOD,
        State::Declined | State::Failed | State::Expired => BAD,
        State::Armed | State::Unknown | State::Reversing | State::Stored => WARN,
        State::AwaitingPayer | State::Reversed => PLAIN,
    }
}

/// The name of a state.
pub(crate) fn state_name(texts: Texts, state: State) -> String {
    texts.get(&format!("till-state-{}", state.name().replace('_', "-")))
}

/// The name of a way to pay.
pub(crate) fn method_name(texts: Texts, method: Method) -> String {
    texts.label(match method {
        Method::Card => Label::MethodCard,
        Method::Code => Label::MethodCode,
        Method::Cash => Label::MethodCash,
    })
}

/// The name of what a payment does.
pub(crate) fn operation_name(texts: Texts, operation: Operation) -> String {
    texts.get(match operation {
        Operation::Sale => "till-operation-sale",
        Operation::Refund => "till-operation-refund",
    })
}

/// A line a payment, in the width of the terminal.
pub(crate) fn list(out: Out, payments: &[PaymentSummary]) {
    if payments.is_empty() {
        out.say(DIM, "till-no-payments", &[]);
    }
    let texts = out.texts();
    for payment in payments {
        let what = match payment.operation {
            Operation::Sale => who_short(texts, payment),
            Operation::Refund => operation_name(texts, payment.operation),
        };
        let fixed = [
            payment.stan.to_string(),
            time(payment).chars().skip(5).take(11).collect(),
            short(payment.key),
            right(&signed(payment), 12),
        ]
        .join("  ");
        let state = state_name(texts, payment.state);
        let line = format!("{fixed}  {}  {what}", left(&state, 14));
        let line = cut(&line, of_terminal());
        out.line(
            PLAIN,
            &line.replacen(&state, &paint(style(payment.state), &state), 1),
        );
    }
}

/// Everything about a payment.
pub(crate) fn details(out: Out, payment: &PaymentSummary) {
    let texts = out.texts();
    let paid_by = texts.get("till-paid-by");
    let optional = |value: &Option<String>| value.clone().unwrap_or_default();
    let rows = [
        (Label::PaymentKey, payment.key.to_string()),
        (Label::Type, operation_name(texts, payment.operation)),
        (Label::Amount, words::display(payment.amount)),
        (Label::Batch, payment.batch.to_string()),
        (Label::Voucher, payment.stan.to_string()),
        (Label::Date, time(payment)),
        (
            Label::Order,
            payment
                .order
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        (Label::Note, optional(&payment.category)),
        (
            Label::AuthCode,
            payment
                .auth_code
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        (
            Label::Reference,
            payment.rrn.as_ref().map(ToString::to_string).unwrap_or_default(),
        ),
    ];
    out.line(style(payment.state).bold(), &state_name(texts, payment.state));
    if let Some(code) = payment.de39.as_deref().filter(|code| *code != "00") {
        let response = texts.response_code(code);
        out.line(
            PLAIN,
            &format!("{} ({code}). {}", response.display, response.action),
        );
    }
    out.line(PLAIN, &texts.money(payment.state.money()));
    out.line(
        PLAIN,
        &format!("{}  {}", paint(HEAD, &left(&paid_by, 18)), who(texts, payment)),
    );
    for (label, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        out.line(
            PLAIN,
            &format!("{}  {value}", paint(HEAD, &left(&texts.label(label), 18))),
        );
    }
    if payment.refunded.amount_minor() > 0 {
        out.say(
            WARN,
            "till-refunded",
            &[("amount", &words::display(payment.refunded))],
        );
    }
    if let Some(original) = payment.original_key {
        out.say(PLAIN, "till-original", &[("key", &original.to_string())]);
    }
}

fn who(texts: Texts, payment: &PaymentSummary) -> String {
    let method = method_name(texts, payment.method);
    match (&payment.masked_pan, &payment.channel) {
        (Some(pan), _) => format!("{} {pan}", payment.scheme.as_deref().unwrap_or(&method)),
        (None, Some(channel)) => format!("{method} {}", texts.channel(channel)),
        (None, None) => method,
    }
}

/// An amount that goes back has a sign.
fn signed(payment: &PaymentSummary) -> String {
    let amount = words::display(payment.amount);
    match payment.operation {
        Operation::Sale => amount,
        Operation::Refund => format!("-{amount}"),
    }
}

/// In a list the end of a card's number is enough.
fn who_short(texts: Texts, payment: &PaymentSummary) -> String {
    let end = payment
        .masked_pan
        .as_deref()
        .map(|pan| pan.trim_start_matches(|c: char| c != '*'));
    match end {
        Some(end) => format!(
            "{} **{}",
            payment.scheme.as_deref().unwrap_or_default(),
            end.trim_start_matches('*')
        ),
        None => who(texts, payment),
    }
}

fn time(payment: &PaymentSummary) -> String {
    LocalTime::from_utc(payment.utc_ms, payment.utc_offset_min).to_string()
}
