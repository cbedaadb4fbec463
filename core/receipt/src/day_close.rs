//! The slips of a day: what the till counted, and what the host settled.

use softpos_text::Label;
use softpos_types::{Batch, Language, LocalTime, MerchantId, Method, Money, Operation, Stan, TerminalId};

use crate::layout::{Line, Receipt};
use crate::slip::{Slip, amount_text, field};

/// What a day close or settlement slip shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayClose {
    /// The merchant's name from the parameters.
    pub merchant_name: String,
    /// Merchant number.
    pub merchant: MerchantId,
    /// Terminal number.
    pub terminal: TerminalId,
    /// The batch.
    pub batch: Batch,
    /// Date and time of the settlement or, before it, of the print, at the merchant's place.
    pub local_time: LocalTime,
    /// Count and sum by operation and method, in the order to be printed.
    pub totals: Vec<Total>,
    /// How it ended.
    pub settled: Settled,
    /// What has no final result.
    pub unresolved: Vec<Unresolved>,
}

/// Count and sum of one operation and method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// Sale or refund.
    pub operation: Operation,
    /// Card, code or cash.
    pub method: Method,
    /// How many.
    pub count: u32,
    /// How much.
    pub sum: Money,
}

/// How the settlement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Terminal and host agree.
    Balanced,
    /// Their totals differ.
    Differs,
    /// The host has not settled the batch.
    Pending,
}

/// A payment without a final result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// Voucher number.
    pub stan: Stan,
    /// Its amount.
    pub amount: Money,
    /// Where it stands.
    pub state: UnresolvedState,
}

/// Where an unresolved payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnresolvedState {
    /// Result unknown.
    Unknown,
    /// A reversal is on its way.
    Reversing,
    /// Accepted offline and not yet sent.
    Stored,
}

impl Receipt {
    /// The slip of a batch: a day close until the host has settled it, a settlement slip then. `reprint` as in [`Receipt::of_payment`].
    pub fn of_day_close(data: &DayClose, language: Language, reprint: u32) -> Self {
        let mut slip = Slip::new(language);
        let title = slip.label(match data.settled {
            Settled::Pending => Label::TitleDayClose,
            Settled::Balanced | Settled::Differs => Label::TitleSettlement,
        });
        slip.push(Line::Title(title));
        slip.duplicate_mark(reprint);
        slip.remark(Label::MerchantName, &data.merchant_name);
        slip.one(Label::MerchantNumber, &data.merchant);
        slip.one(Label::TerminalNumber, &data.terminal);
        slip.one(Label::Batch, &data.batch);
        slip.one(Label::Date, &data.local_time);
        slip.push(Line::Rule);
        for total in &data.totals {
            slip.total(total);
        }
        slip.push(Line::Rule);
        let result = slip.label(match data.settled {
            Settled::Balanced => Label::SettledBalanced,
            Settled::Differs => Label::SettledDiffers,
            Settled::Pending => Label::SettledPending,
        });
        slip.push(Line::Mark(result));
        slip.unresolved(&data.unresolved);
        slip.finish()
    }
}

impl Slip {
    fn total(&mut self, total: &Total) {
        let method = self.label(match total.method {
            Method::Card => Label::MethodCard,
            Method::Code => Label::MethodCode,
            Method::Cash => Label::MethodCash,
        });
        let operation = self.label(match total.operation {
            Operation::Sale => Label::TypeSale,
            Operation::Refund => Label::TypeRefund,
        });
        let count = total.count.to_string();
        let count = self.texts.with("receipt-count", &[("count", &count)]);
        let counted = field(&format!("{method} {operation}"), &count);
        self.push(Line::Fields(vec![counted]));
        self.one(Label::Amount, &amount_text(total.sum));
    }

    fn unresolved(&mut self, unresolved: &[Unresolved]) {
        if unresolved.is_empty() {
            return;
        }
        let heading = self.label(Label::Unresolved);
        self.push(Line::Text(heading));
        for payment in unresolved {
            let state = self.label(match payment.state {
                UnresolvedState::Unknown => Label::StateUnknown,
                UnresolvedState::Reversing => Label::StateReversing,
                UnresolvedState::Stored => Label::StateStored,
            });
            let value = format!("{} {} {state}", payment.stan, amount_text(payment.amount));
            self.one(Label::Voucher, &value);
        }
    }
}
