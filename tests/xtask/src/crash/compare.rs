//! One story from three tellers: what the till said, what its journal knows, what the host booked.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// What is wrong, one line each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// Something acknowledged, or booked, that one side knows nothing of any more.
    lost: Vec<String>,
    /// Something that is there twice.
    doubled: Vec<String>,
    /// Everything else on which the two sides differ or that did not come to its end.
    unreconciled: Vec<String>,
}

impl Findings {
    /// The program itself did not do its work.
    pub(super) fn of_failed_run(why: String) -> Self {
        Self {
            unreconciled: vec![why],
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.unreconciled.is_empty()
    }

    pub(super) fn add(&mut self, other: Self) {
        self.lost.extend(other.lost);
        self.doubled.extend(other.doubled);
        self.unreconciled.extend(other.unreconciled);
    }

    /// `0 lost, 0 doubled, 0 unreconciled`
    pub(super) fn counts(&self) -> String {
        let (lost, doubled, unreconciled) = (self.lost.len(), self.doubled.len(), self.unreconciled.len());
        format!("{lost} lost, {doubled} doubled, {unreconciled} unreconciled")
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("unreconciled", &self.unreconciled),
        ];
        let lines = kinds
            .iter()
            .flat_map(|(kind, found)| found.iter().map(move |one| format!("  {kind}: {one}")));
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

/// Compares the lines of all runs on a folder, in order, with the history and the host's ledger at the end.
pub(super) fn compare(said: &[Value], history: &[Value], ledger: &[Value]) -> Findings {
    let mut findings = Findings::default();
    if said
        .iter()
        .any(|line| line.get("reconciled") == Some(&Value::Bool(false)))
    {
        findings
            .unreconciled
            .push("the demo itself says that it does not reconcile".to_owned());
    }
    // The last word on a payment counts.
    let said: BTreeMap<_, _> = rows(said, "the demo", &mut findings).into_iter().collect();
    let history = once(
        "the history",
        rows(history, "the history", &mut findings),
        &mut findings,
    );
    let ledger = once(
        "the host's ledger",
        rows(ledger, "the host's ledger", &mut findings),
        &mut findings,
    );
    for (key, word) in &said {
        match history.get(key) {
            Some(end) => kept(key, word, end, &mut findings),
            None => findings
                .lost
                .push(format!("{key}: acknowledged as {word}, not in the history")),
        }
    }
    for (key, end) in &history {
        agree(key, end, ledger.get(key), &mut findings);
    }
    for (key, booked) in &ledger {
        if !history.contains_key(key) {
            findings
                .lost
                .push(format!("{key}: {booked} at the host, not in the history"));
        }
    }
    findings
}

/// A payment as one of the three tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    state: String,
    amount_minor: i64,
    /// What the merchant's account gained; only the host says it.
    booked_minor: Option<i64>,
    is_refund: bool,
}

impl Row {
    fn read(line: &Value) -> Option<(String, Self)> {
        let row = Self {
            state: line.get("state")?.as_str()?.to_owned(),
            amount_minor: line.get("amount_minor")?.as_i64()?,
            booked_minor: line.get("booked_minor").and_then(Value::as_i64),
            is_refund: line.get("operation").and_then(Value::as_str) == Some("refund"),
        };
        Some((line.get("key")?.as_str()?.to_owned(), row))
    }

    fn has_moved_money(&self) -> bool {
        self.state == "approved"
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.state, self.amount_minor)
    }
}

/// The payments among the lines; other objects (totals, views) have no key.
fn rows(lines: &[Value], teller: &str, findings: &mut Findings) -> Vec<(String, Row)> {
    let mut rows = Vec::new();
    for line in lines.iter().filter(|line| line.get("key").is_some()) {
        match Row::read(line) {
            Some(row) => rows.push(row),
            None => findings
                .unreconciled
                .push(format!("{teller} has a line that says nothing: {line}")),
        }
    }
    rows
}

fn once(teller: &str, rows: Vec<(String, Row)>, findings: &mut Findings) -> BTreeMap<String, Row> {
    let mut unique = BTreeMap::new();
    for (key, row) in rows {
        if unique.insert(key.clone(), row).is_some() {
            findings.doubled.push(format!("{key}: twice in {teller}"));
        }
    }
    unique
}

/// What was said last must still be true in the end.
fn kept(key: &str, said: &Row, end: &Row, findings: &mut Findings) {
    if said.has_moved_money() && !end.has_moved_money() {
        findings
            .lost
            .push(format!("{key}: acknowledged as {said}, in the end {end}"));
    } else if said.amount_minor != end.amount_minor {
        findings
            .unreconciled
            .push(format!("{key}: acknowledged as {said}, in the end {end}"));
    } else if is_over(&said.state) && said.state != end.state {
        findings.unreconciled.push(format!(
            "{key}: acknowledged as {said}, which is final, in the end {end}"
        ));
    }
}

/// What has ended so stays so; a failed attempt may still be taken offline, and an open one must move on.
fn is_over(state: &str) -> bool {
    matches!(state, "declined" | "reversed" | "expired")
}

/// Till and host must tell the same of a payment, and nothing may be open after a run to the end.
fn agree(key: &str, till: &Row, host: Option<&Row>, findings: &mut Findings) {
    let expected_minor = match (till.has_moved_money(), host.is_some_and(|host| host.is_refund)) {
        (false, _) => 0,
        (true, false) => till.amount_minor,
        (true, true) => till.amount_minor.saturating_neg(),
    };
    let Some(host) = host else {
        match till.state.as_str() {
            "approved" => findings
                .lost
                .push(format!("{key}: {till} at the till, unknown to the host")),
            "declined" | "failed" | "reversed" | "expired" => {}
            _ => findings
                .unreconciled
                .push(format!("{key}: still {till} after a run to the end")),
        }
        return;
    };
    let booked_minor = host.booked_minor.unwrap_or_default();
    let is_same = match till.state.as_str() {
        "approved" | "declined" | "reversed" | "expired" => host.state == till.state,
        // It failed before anything was sent: then the host cannot know it.
        _ => false,
    };
    if till.has_moved_money() && booked_minor.unsigned_abs() > till.amount_minor.unsigned_abs() {
        findings.doubled.push(format!(
            "{key}: {till} at the till, {booked_minor} booked at the host"
        ));
    } else if !is_same || host.amount_minor != till.amount_minor || booked_minor != expected_minor {
        findings.unreconciled.push(format!(
            "{key}: {till} at the till, {host} at the host, {booked_minor} booked there"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(key: &str, state: &str, amount_minor: i64) -> Value {
        json!({"key": key, "state": state, "amount_minor": amount_minor})
    }

    fn booked(key: &str, state: &str, amount_minor: i64, booked_minor: i64) -> Value {
        let operation = if booked_minor < 0 { "refund" } else { "sale" };
        json!({"key": key, "state": state, "amount_minor": amount_minor, "booked_minor": booked_minor,
            "operation": operation})
    }

    fn counts(said: &[Value], history: &[Value], ledger: &[Value]) -> (usize, usize, usize) {
        let found = compare(said, history, ledger);
        (found.lost.len(), found.doubled.len(), found.unreconciled.len())
    }

    const IN_ORDER: (usize, usize, usize) = (0, 0, 0);

    #[test]
    fn one_story_is_in_order() {
        let said = [
            line("a", "approved", 1250),
            line("b", "unknown", 300),
            line("b", "reversed", 300),
            line("c", "failed", 500),
            line("r", "approved", 200),
            json!({"sales": 3, "reconciled": true}),
        ];
        let history = [
            line("a", "approved", 1250),
            line("b", "reversed", 300),
            line("c", "approved", 500),
            line("d", "declined", 700),
            line("e", "failed", 1),
            line("f", "expired", 880),
            line("r", "approved", 200),
        ];
        let ledger = [
            booked("a", "approved", 1250, 1250),
            booked("b", "reversed", 300, 0),
            booked("c", "approved", 500, 500),
            booked("f", "expired", 880, 0),
            booked("r", "approved", 200, -200),
        ];
        assert_eq!(counts(&said, &history, &ledger), IN_ORDER);
    }

    #[test]
    fn an_acknowledged_payment_may_not_vanish() {
        assert_eq!(counts(&[line("a", "unknown", 1)], &[], &[]), (1, 0, 0));
        let books = [booked("a", "approved", 1, 1)];
        assert_eq!(counts(&[line("a", "approved", 1)], &[], &books), (2, 0, 0));
        // Neither at the host, nor in the till alone.
        assert_eq!(counts(&[], &[line("a", "approved", 1)], &[]), (1, 0, 0));
        assert_eq!(counts(&[], &[], &books), (1, 0, 0));
        assert_eq!(counts(&[], &[], &[booked("a", "declined", 1, 0)]), (1, 0, 0));
    }

    #[test]
    fn an_acknowledged_approval_stays_one() {
        let said = [line("a", "approved", 1)];
        let (end, books) = ([line("a", "reversed", 1)], [booked("a", "reversed", 1, 0)]);
        assert_eq!(counts(&said, &end, &books), (1, 0, 0));
        let said = [line("a", "declined", 1)];
        let (end, books) = ([line("a", "approved", 1)], [booked("a", "approved", 1, 1)]);
        assert_eq!(counts(&said, &end, &books), (0, 0, 1));
    }

    #[test]
    fn nothing_is_there_twice() {
        let (row, books) = (line("a", "approved", 5), booked("a", "approved", 5, 5));
        assert_eq!(
            counts(&[], &[row.clone(), row.clone()], std::slice::from_ref(&books)),
            (0, 1, 0)
        );
        assert_eq!(
            counts(&[], std::slice::from_ref(&row), &[books.clone(), books]),
            (0, 1, 0)
        );
        assert_eq!(
            counts(&[], std::slice::from_ref(&row), &[booked("a", "approved", 5, 10)]),
            (0, 1, 0)
        );
    }

    #[test]
    fn both_sides_tell_the_same() {
        let differ = |till: Value, host: Value| {
            assert_eq!(
                counts(&[], std::slice::from_ref(&till), std::slice::from_ref(&host)),
                (0, 0, 1),
                "{till} {host}"
            );
        };
        differ(line("a", "declined", 5), booked("a", "approved", 5, 5));
        differ(line("a", "reversed", 5), booked("a", "approved", 5, 5));
        differ(line("a", "failed", 5), booked("a", "declined", 5, 0));
        differ(line("a", "approved", 5), booked("a", "reversed", 5, 0));
        differ(line("a", "approved", 5), booked("a", "approved", 6, 5));
        differ(line("a", "approved", 5), booked("a", "approved", 5, 4));
        differ(line("a", "approved", 5), booked("a", "approved", 5, 0));
        differ(line("a", "reversed", 5), booked("a", "reversed", 5, 5));
    }

    #[test]
    fn amounts_stay_as_acknowledged() {
        let (end, books) = ([line("a", "approved", 6)], [booked("a", "approved", 6, 6)]);
        assert_eq!(counts(&[line("a", "approved", 5)], &end, &books), (0, 0, 1));
    }

    #[test]
    fn nothing_stays_open() {
        for state in ["armed", "awaiting_payer", "unknown", "stored", "reversing"] {
            assert_eq!(counts(&[], &[line("a", state, 5)], &[]), (0, 0, 1), "{state}");
            assert_eq!(
                counts(&[], &[line("a", state, 5)], &[booked("a", "approved", 5, 5)]),
                (0, 0, 1)
            );
        }
    }

    #[test]
    fn what_the_demo_says_of_itself_counts() {
        assert_eq!(
            counts(&[json!({"sales": 1, "reconciled": false})], &[], &[]),
            (0, 0, 1)
        );
    }

    #[test]
    fn lines_without_sense_are_told() {
        let bad = json!({"key": "a", "state": "approved", "amount_minor": "5.00"});
        assert_eq!(counts(&[], std::slice::from_ref(&bad), &[]), (0, 0, 1));
    }

    #[test]
    fn findings_read_well() {
        let mut found = compare(&[], &[], &[booked("a", "approved", 5, 5)]);
        found.add(Findings::of_failed_run("it fell".to_owned()));
        assert_eq!(
            found.to_string(),
            "  lost: a: approved 5 at the host, not in the history\n  unreconciled: it fell"
        );
        assert_eq!(found.counts(), "1 lost, 0 doubled, 1 unreconciled");
        assert!(!found.is_empty());
    }
}
