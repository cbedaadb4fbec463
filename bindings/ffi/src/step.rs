//! What the shell does next, with the sentence for it.

use softpos_terminal as terminal;
use softpos_types as types;

use crate::error::Fault;
use crate::mirror::{Cross, record};
use crate::money::Money;
use crate::screen::View;
use crate::words::{DifferenceKind, Method, NotStarted, Operation, PaymentState};

/// What the shell does next.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Step {
    /// Show a state.
    Show {
        /// The state.
        view: View,
        /// The sentence for it, in the payment's language.
        text: String,
    },
    /// Say a sentence aloud, once.
    Say {
        /// The spoken form.
        text: String,
    },
    /// Open the PIN pad.
    AskPin {
        /// Whose payment.
        key: String,
    },
    /// Something happened in the background.
    Notice {
        /// What.
        notice: Notice,
        /// In words.
        text: String,
    },
    /// What the operator began has ended.
    Finished {
        /// How.
        ending: Ending,
        /// In words.
        text: String,
    },
    /// The session has ended; no step follows.
    Closed,
}

/// Something that happened in the background.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Notice {
    /// A payment came to another state while nobody looked.
    PaymentChanged {
        /// Which.
        key: String,
        /// Sale or refund.
        operation: Operation,
        /// Card, code or cash.
        method: Method,
        /// Amount.
        amount: Money,
        /// The new state.
        state: PaymentState,
    },
    /// A wallet is said to have been paid for an order that had ended without a charge; the host is being asked.
    LatePayment {
        /// Which.
        key: String,
        /// Its amount.
        amount: Money,
    },
    /// The queue is being sent.
    Forwarding {
        /// Sent since it began.
        done: u32,
        /// To be sent in all.
        total: u32,
    },
    /// The network came or went.
    Link {
        /// Whether it is there.
        online: bool,
    },
    /// A background task cannot go on by itself; said once until it works again.
    Trouble {
        /// Why.
        fault: Fault,
    },
}

/// How something ended for the operator.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Ending {
    /// A payment or refund. Reversing and unknown ones go on in the background.
    Payment {
        /// Which.
        key: String,
        /// Where it stands.
        state: PaymentState,
    },
    /// A card payment that ended before anything was recorded.
    NotStarted {
        /// The key it would have had.
        key: String,
        /// Why.
        reason: NotStarted,
    },
    /// The till is ready to sell.
    Activated,
    /// The activation stopped; it goes on where it was with the next call.
    ActivationFailed {
        /// Why.
        fault: Fault,
    },
    /// The batch is closed.
    Settled {
        /// Both sides beside each other.
        view: SettlementView,
    },
    /// The batch is not closed; it is repeated until the host answers.
    SettleFailed {
        /// Why.
        fault: Fault,
    },
}

record! {
    /// A closed batch, both sides beside each other.
    SettlementView = terminal::SettlementView {
        /// The batch.
        batch: u32,
        /// Whether both sides counted the same.
        balanced: bool,
        /// A line a method.
        lines: Vec<SettlementLine>,
        /// What does not match.
        differences: Vec<Difference>,
    }
}

record! {
    /// The totals of one method.
    SettlementLine = terminal::SettlementLine {
        /// Card, code or cash.
        method: Method,
        /// The till's.
        terminal: Totals,
        /// The host's.
        host: Totals,
    }
}

record! {
    /// What one side counted.
    Totals = terminal::Totals {
        /// Approved sales.
        sale_count: u32,
        /// Their sum in minor units.
        sale_minor: i64,
        /// Approved refunds.
        refund_count: u32,
        /// Their sum in minor units.
        refund_minor: i64,
    }
}

record! {
    /// A payment on which the two sides differ.
    Difference = terminal::Difference {
        /// Which.
        key: String,
        /// How.
        kind: DifferenceKind,
    }
}

impl Cross<Step> for terminal::Step {
    fn cross(self) -> Step {
        use softpos_terminal::Step as Core;
        match self {
            Core::Show { view, text } => Step::Show {
                view: view.cross(),
                text,
            },
            Core::Say { text, .. } => Step::Say { text },
            Core::AskPin { key } => Step::AskPin { key: key.cross() },
            Core::Notice { notice, text } => Step::Notice {
                notice: notice.cross(),
                text,
            },
            Core::Finished { ending, text } => Step::Finished {
                ending: ending.cross(),
                text,
            },
            Core::Closed => Step::Closed,
        }
    }
}

impl Cross<Notice> for terminal::Notice {
    fn cross(self) -> Notice {
        use softpos_terminal::Notice as Core;
        match self {
            Core::PaymentChanged {
                key,
                operation,
                method,
                amount,
                state,
                ..
            } => Notice::PaymentChanged {
                key: key.cross(),
                operation: operation.cross(),
                method: method.cross(),
                amount: amount.cross(),
                state: state.cross(),
            },
            Core::LatePayment { key, amount } => Notice::LatePayment {
                key: key.cross(),
                amount: amount.cross(),
            },
            Core::Forwarding { done, total } => Notice::Forwarding { done, total },
            Core::Link { online } => Notice::Link { online },
            Core::Trouble(code) => Notice::Trouble { fault: code.cross() },
        }
    }
}

impl Cross<Ending> for terminal::Ending {
    fn cross(self) -> Ending {
        use softpos_terminal::Ending as Core;
        match self {
            Core::Payment { key, state } => Ending::Payment {
                key: key.cross(),
                state: state.cross(),
            },
            Core::NotStarted { key, reason } => Ending::NotStarted {
                key: key.cross(),
                reason: reason.cross(),
            },
            Core::Activated => Ending::Activated,
            Core::ActivationFailed { code, detail } => {
                let error = types::SoftPosError::of(code);
                let error = match detail {
                    Some(detail) => error.with_detail(detail),
                    None => error,
                };
                Ending::ActivationFailed {
                    fault: Fault::from(&error),
                }
            }
            Core::Settled(view) => Ending::Settled { view: view.cross() },
            Core::SettleFailed { code } => Ending::SettleFailed { fault: code.cross() },
        }
    }
}
