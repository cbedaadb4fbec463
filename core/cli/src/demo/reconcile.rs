//! Terminal against host, to the unit: everything both ledgers ever held.

use std::collections::{BTreeMap, BTreeSet};

use softpos_types::{Method, Operation, PaymentKey};

/// A payment as one of the two ledgers holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: PaymentKey,
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    pub(crate) state: Final,
    pub(crate) amount_minor: i64,
    /// What it changes on the merchant's account: the host's from its double entry, the till's from its state.
    pub(crate) booked_minor: i64,
    /// Whether it was accepted while offline.
    pub(crate) stored: bool,
}

/// Where a payment has come to, in the words of both ledgers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Final {
    Approved,
    Declined,
    Reversed,
    /// Never sent, or never paid.
    Nothing,
    /// Not final yet.
    Open,
}

/// Count and sum of one line of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) count: u32,
    pub(crate) sum_minor: i64,
}

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TableLine {
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    pub(crate) till: Total,
    pub(crate) host: Total,
}

/// Both ledgers beside each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reconciliation {
    /// What moved money, by kind and method.
    pub(crate) lines: Vec<TableLine>,
    /// Payments on which the two differ.
    pub(crate) differences: Vec<PaymentKey>,
    /// What the merchant has earned, by each.
    pub(crate) till_minor: i64,
    pub(crate) host_minor: i64,
}

/// What a run did, from the two ledgers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Counts {
    pub(crate) sales: u32,
    pub(crate) approved: u32,
    pub(crate) declined: u32,
    pub(crate) stored: u32,
    pub(crate) reversed: u32,
    pub(crate) refunded: u32,
    pub(crate) reconciled: bool,
}

impl Reconciliation {
    /// Compares the ledgers payment by payment.
    pub(crate) fn of(till: &[Row], host: &[Row]) -> Self {
        let mut pairs: BTreeMap<PaymentKey, (Vec<&Row>, Vec<&Row>)> = BTreeMap::new();
        for row in till {
            pairs.entry(row.key).or_default().0.push(row);
        }
        for row in host {
            pairs.entry(row.key).or_default().1.push(row);
        }
        let differences = pairs
            .iter()
            .filter(|(_, (till, host))| !agree(till, host))
            .map(|(key, _)| *key)
            .collect();
        let sum = |rows: &[Row]| {
            rows.iter()
                .map(|row| row.booked_minor)
                .fold(0, i64::saturating_add)
        };
        Self {
            lines: lines(till, host),
            differences,
            till_minor: sum(till),
            host_minor: sum(host),
        }
    }

    /// Whether both hold the same, to the unit, and nothing is open.
    pub(crate) fn is_balanced(&self) -> bool {
        self.differences.is_empty()
            && self.till_minor == self.host_minor
            && self.lines.iter().all(|line| line.till == line.host)
    }

    /// Counts what is new since `before`.
    pub(crate) fn count(&self, till: &[Row], host: &[Row], before: &BTreeSet<PaymentKey>) -> Counts {
        let differing: BTreeSet<_> = self.differences.iter().collect();
        let host_keys: BTreeMap<_, _> = host.iter().map(|row| (row.key, row)).collect();
        let mut counts = Counts {
            reconciled: self.is_balanced(),
            ..Counts::default()
        };
        for row in till
            .iter()
            .filter(|row| !before.contains(&row.key) && !differing.contains(&row.key))
        {
            let count = match (row.operation, row.state) {
                (Operation::Refund, Final::Approved) => &mut counts.refunded,
                (Operation::Refund, _) => continue,
                (Operation::Sale, Final::Approved) => &mut counts.approved,
                (Operation::Sale, Final::Declined) => &mut counts.declined,
                (Operation::Sale, Final::Reversed) => &mut counts.reversed,
                (Operation::Sale, Final::Nothing | Final::Open) => &mut counts.sales,
            };
            *count = count.saturating_add(1);
            if row.stored && host_keys.get(&row.key).is_some_and(|host| host.stored) {
                counts.stored = counts.stored.saturating_add(1);
            }
        }
        let ended = counts
            .approved
            .saturating_add(counts.declined)
            .saturating_add(counts.reversed);
        counts.sales = counts.sales.saturating_add(ended);
        counts
    }
}

/// Whether the two ledgers say the same of one payment. A payment that never reached the host moves nothing there.
fn agree(till: &[&Row], host: &[&Row]) -> bool {
    match (till, host) {
        ([till], [host]) => {
            till.state != Final::Open
                && till.state == host.state
                && till.amount_minor == host.amount_minor
                && till.booked_minor == host.booked_minor
                && till.operation == host.operation
                && till.method == host.method
        }
        ([till], []) => matches!(till.state, Final::Nothing | Final::Declined | Final::Reversed),
        _ => false,
    }
}

fn lines(till: &[Row], host: &[Row]) -> Vec<TableLine> {
    let mut lines = Vec::new();
    for operation in [Operation::Sale, Operation::Refund] {
        for method in Method::ALL {
            let total = |rows: &[Row]| {
                let moved =
                    |row: &&Row| row.operation == operation && row.method == method && row.booked_minor != 0;
                rows.iter()
                    .filter(moved)
                    .fold(Total::default(), |total, row| Total {
                        count: total.count.saturating_add(1),
                        sum_minor: total.sum_minor.saturating_add(row.booked_minor),
                    })
            };
            let line = TableLine {
                operation,
                method,
                till: total(till),
                host: total(host),
            };
            if line.till.count > 0 || line.host.count > 0 {
                lines.push(line);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> PaymentKey {
        PaymentKey::new(1_700_000_000_000, &[number; 10])
    }

    fn sale(number: u8, state: Final, amount_minor: i64) -> Row {
        let booked_minor = if state == Final::Approved { amount_minor } else { 0 };
        Row {
            key: key(number),
            operation: Operation::Sale,
            method: Method::Card,
            state,
            amount_minor,
            booked_minor,
            stored: false,
        }
    }

    fn refund(number: u8, amount_minor: i64) -> Row {
        Row {
            operation: Operation::Refund,
            booked_minor: -amount_minor,
            ..sale(number, Final::Approved, amount_minor)
        }
    }

    #[test]
    fn equal_ledgers_balance() {
        let till = [
            sale(1, Final::Approved, 500),
            sale(2, Final::Declined, 700),
            refund(3, 200),
        ];
        let result = Reconciliation::of(&till, &till);
        assert!(result.is_balanced());
        assert_eq!((result.till_minor, result.lines.len()), (300, 2));
        let counts = result.count(&till, &till, &BTreeSet::from([key(2)]));
        assert_eq!(
            (counts.sales, counts.approved, counts.declined, counts.refunded),
            (1, 1, 0, 1)
        );
    }

    #[test]
    fn any_difference_shows() {
        let till = [sale(1, Final::Approved, 500), sale(2, Final::Reversed, 700)];
        let differs = |host: &[Row]| {
            let result = Reconciliation::of(&till, host);
            assert!(!result.is_balanced());
            result.differences
        };
        assert_eq!(differs(&[]), [key(1)]);
        assert_eq!(differs(&[sale(1, Final::Approved, 501), till[1]]), [key(1)]);
        assert_eq!(differs(&[sale(1, Final::Declined, 500), till[1]]), [key(1)]);
        assert_eq!(differs(&[till[0], till[0], till[1]]), [key(1)]);
        assert_eq!(differs(&[till[0], sale(2, Final::Approved, 700)]), [key(2)]);
        assert_eq!(
            differs(&[till[0], till[1], sale(9, Final::Approved, 5)]),
            [key(9)]
        );
        assert_eq!(
            differs(&[
                Row {
                    booked_minor: 0,
                    ..till[0]
                },
                till[1]
            ]),
            [key(1)]
        );
    }

    #[test]
    fn open_payments_never_balance() {
        let open = [sale(1, Final::Open, 500)];
        assert!(!Reconciliation::of(&open, &open).is_balanced());
        assert!(!Reconciliation::of(&open, &[]).is_balanced());
    }

    #[test]
    fn stored_counts_again_if_both_know_of_it() {
        let stored = Row {
            stored: true,
            ..sale(1, Final::Approved, 500)
        };
        let result = Reconciliation::of(&[stored], &[stored]);
        let counts = result.count(&[stored], &[stored], &BTreeSet::new());
        assert_eq!((counts.sales, counts.approved, counts.stored), (1, 1, 1));
        let counts = result.count(&[stored], &[sale(1, Final::Approved, 500)], &BTreeSet::new());
        assert_eq!(counts.stored, 0);
    }
}
