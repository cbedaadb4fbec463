//! The reconciliation as a table.

use softpos_text::words;
use softpos_types::{Currency, Money};

use super::reconcile::{Counts, Reconciliation, Total};
use crate::columns::{left, right};
use crate::out::{BAD, HEAD, Out, PLAIN, WARN};
use crate::till::listing::{method_name, operation_name};

/// Terminal and host beside each other, to the unit.
pub(crate) fn print(out: Out, result: &Reconciliation, counts: &Counts, currency: Currency) {
    let texts = out.texts();
    let money = |minor: i64| words::display(Money::new(minor, currency));
    let total = |total: Total| {
        format!(
            "{}  {}",
            right(&total.count.to_string(), 4),
            right(&money(total.sum_minor), 14)
        )
    };
    let row = |name: &str, till: &str, host: &str, difference: &str| {
        format!(
            "{}  {}  {}  {}",
            left(name, 18),
            right(till, 20),
            right(host, 20),
            right(difference, 12)
        )
    };
    out.say(HEAD, "demo-table", &[]);
    let title = row(
        "",
        &texts.get("demo-till"),
        &texts.get("demo-host"),
        &texts.get("demo-difference"),
    );
    out.line(HEAD, &title);
    for line in &result.lines {
        let name = format!(
            "{} {}",
            operation_name(texts, line.operation),
            method_name(texts, line.method)
        );
        let difference = line.till.sum_minor.saturating_sub(line.host.sum_minor);
        let style = if line.till == line.host { PLAIN } else { BAD };
        out.line(
            style,
            &row(&name, &total(line.till), &total(line.host), &money(difference)),
        );
    }
    let difference = result.till_minor.saturating_sub(result.host_minor);
    let sum = row(
        &texts.get("demo-sum"),
        &money(result.till_minor),
        &money(result.host_minor),
        &money(difference),
    );
    out.line(if difference == 0 { HEAD } else { BAD }, &sum);
    for key in &result.differences {
        out.say(WARN, "demo-differs", &[("key", &key.to_string())]);
    }
    let numbers = [
        ("sales", counts.sales),
        ("approved", counts.approved),
        ("declined", counts.declined),
        ("stored", counts.stored),
        ("reversed", counts.reversed),
        ("refunded", counts.refunded),
    ]
    .map(|(name, count)| (name, count.to_string()));
    let arguments: Vec<(&str, &str)> = numbers
        .iter()
        .map(|(name, count)| (*name, count.as_str()))
        .collect();
    out.say(PLAIN, "demo-counts", &arguments);
}
