//! Closing a batch.

use std::collections::BTreeMap;

use softpos_crypto::merkle::{TreeHash, grew};
use softpos_host::{
    ItemState, JournalVerdict, MethodTotals, SettleItem, SettleReply, SettleRequest, SettleResult,
    TransactionState,
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
        let journal = self.judge_journal(&request);
        self.batch = request.batch.next();
        let answer = json(&SettleReply {
            batch: request.batch,
            result,
            totals,
            items,
            next_batch: self.batch,
            host_utc_ms: utc_ms,
            journal,
        });
        self.settled
            .insert(request.batch, (body.to_vec(), answer.clone()));
        Ok(Some(answer))
    }

    fn judge_journal(&mut self, request: &SettleRequest) -> JournalVerdict {
        let size = request.journal_sequence;
        let hash = |bytes: &[u8]| TreeHash::try_from(bytes).ok();
        let consistent = match (&self.anchor, hash(&request.journal_root)) {
            (None, Some(_)) => request.journal_since == 0,
            (Some((old_size, old_root)), Some(root)) => {
                let (proof, _) = request.journal_proof.as_chunks::<32>();
                let grown = |old_root| grew((*old_size, &old_root), (size, &root), proof);
                request.journal_since == *old_size && hash(old_root).is_some_and(grown)
            }
            (_, None) => false,
        };
        self.anchor = Some((size, request.journal_root.clone()));
        if consistent {
            JournalVerdict::Consistent
        } else {
            self.complaints
                .push("a journal that does not go on from its anchor".into());
            JournalVerdict::Disputed
        }
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
