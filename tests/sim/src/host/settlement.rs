//! Closing a batch.

use std::collections::BTreeMap;

use softpos_host::{
    ItemState, MethodTotals, SettleItem, SettleReply, SettleRequest, SettleResult, TransactionState,
};
use softpos_types::{Method, Operation};

use super::payments::Held;
use super::{Host, Refusal, Said, json, read};

impl Host {
    /// Idempotent by batch.
    pub(super) fn settle(&mut self, body: &[u8], utc_ms: u64) -> Said {
        let request: SettleRequest = read(body)?;
        if let Some((told, answer)) = self.settled.get(&request.batch) {
            if told == body {
                return Ok(Some(answer.clone()));
            }
            return Err(Refusal(409, "key_reuse"));
        }
        if request.batch != self.batch {
            return Err(Refusal(409, "batch_closed"));
        }
        let mut totals: BTreeMap<Method, MethodTotals> = BTreeMap::new();
        let mut items = Vec::new();
        let in_batch = |held: &&Held| held.envelope.batch == request.batch;
        for held in self.payments.values().filter(in_batch) {
            let item = item(held);
            if item.state == ItemState::Approved {
                add(&mut totals, &item);
            }
            items.push(item);
        }
        let totals: Vec<MethodTotals> = totals.into_values().collect();
        let result = if totals == request.totals {
            SettleResult::Balanced
        } else {
            SettleResult::NotBalanced
        };
        self.batch = request.batch.next();
        let answer = json(&SettleReply {
            batch: request.batch,
            result,
            totals,
            items,
            next_batch: self.batch,
            host_utc_ms: utc_ms,
        });
        self.settled
            .insert(request.batch, (body.to_vec(), answer.clone()));
        Ok(Some(answer))
    }
}

fn item(held: &Held) -> SettleItem {
    SettleItem {
        key: held.envelope.key,
        operation: held.envelope.operation,
        method: held.envelope.method,
        state: match held.state {
            TransactionState::Approved => ItemState::Approved,
            TransactionState::Declined => ItemState::Declined,
            TransactionState::InProgress
            | TransactionState::AwaitingPayer
            | TransactionState::Expired
            | TransactionState::Reversed
            | TransactionState::NotFound => ItemState::Reversed,
        },
        amount_minor: held.amount_minor,
    }
}

fn add(totals: &mut BTreeMap<Method, MethodTotals>, item: &SettleItem) {
    let line = totals.entry(item.method).or_insert(MethodTotals {
        method: item.method,
        sale_count: 0,
        sale_minor: 0,
        refund_count: 0,
        refund_minor: 0,
    });
    let (count, sum) = match item.operation {
        Operation::Sale => (&mut line.sale_count, &mut line.sale_minor),
        Operation::Refund => (&mut line.refund_count, &mut line.refund_minor),
    };
    *count += 1;
    *sum += item.amount_minor;
}
