//! The machine that charges a wallet's payment code.
//!
//! ```text
//! Created -> Submitted -> Paid | Failed | AwaitingPayer | Unknown
//! AwaitingPayer | Unknown -> Querying -> Paid | Failed | Reversing
//! Reversing -> Reversed | ReversedRefunded | ReverseUnknown -> Reversing
//! ```
//!
//! It does no I/O: [`Order::handle`] takes what happened, [`Order::poll`] gives what shall be done, [`Order::deadline`]
//! says when to come back. A state is written ([`Effect::Journal`]) before the call that it precedes is made, so that
//! after a kill [`Order::restore`] knows what may have been sent. Whatever is lost, late or doubled: a charge is
//! submitted once, a missing answer is no failure, and an order ends paid, failed or reversed. [`Desk`] keeps the
//! rules between orders. Intervals run on the monotonic clock; wall time only decides whether a reversal is too late.

mod desk;
mod machine;
mod rules;

pub use desk::{Charge, Circumstances, Desk, NotBegun};
pub use machine::Order;
pub use rules::{Retry, Rules, Window};

/// The written state of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing was sent.
    Created,
    /// The charge may have been sent.
    Submitted,
    /// The payer must confirm in the wallet.
    AwaitingPayer,
    /// The wallet does not know, or its answer is missing.
    Unknown,
    /// The wallet is asked until it knows or time is up.
    Querying,
    /// The money is the merchant's.
    Paid,
    /// There is no charge and there will be none.
    Failed,
    /// The charge is being taken back.
    Reversing,
    /// Whether it was taken back is not known; it is tried again.
    ReverseUnknown,
    /// Taken back; the payer had not paid.
    Reversed,
    /// Taken back; what the payer had paid went back to them.
    ReversedRefunded,
}

impl State {
    /// Whether nothing follows by itself.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Paid | Self::Failed | Self::Reversed | Self::ReversedRefunded
        )
    }
}

/// One call to the wallet. An answer that bears another id is stale and changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId(pub u64);

/// What is asked of the wallet, always with the order's own number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Charge the code. Made at most once.
    Submit,
    /// Say what became of it.
    Query,
    /// Take it back.
    Reverse,
    /// Give the money back: for what is too old to be reversed.
    Refund,
}

/// What the wallet answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Paid.
    Paid,
    /// Refused, or closed without payment.
    Failed,
    /// The payer must act.
    AwaitingPayer,
    /// The wallet does not know yet.
    Unknown,
    /// There is no such order: perhaps it has not arrived yet.
    NotFound,
    /// Taken back, nothing had been paid.
    Reversed,
    /// Taken back, the money goes back.
    ReversedRefunded,
    /// Can no longer be reversed, only refunded.
    NotReversible,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The state of the last [`Effect::Journal`] is on the disk.
    Journalled,
    /// The wallet answered a call.
    Answered {
        /// Which call.
        id: CallId,
        /// What it said.
        answer: Answer,
    },
    /// No answer, or none that can be understood. The call may have arrived.
    Unanswered {
        /// Which call.
        id: CallId,
    },
    /// The call certainly did not leave the till.
    NotSent {
        /// Which call.
        id: CallId,
    },
    /// The wallet tells by itself that the payer paid.
    NotifiedPaid,
    /// The cashier stops. That means: take it back, not: forget it.
    Stopped,
    /// [`Order::deadline`] has passed.
    DeadlinePassed,
    /// The connection is back, or somebody wants to know: what waits for its time is due now. The earliest moment of
    /// a reversal stays.
    Hurried,
}

/// What shall be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write this state, then tell [`Event::Journalled`].
    Journal(State),
    /// Make this call, then tell [`Event::Answered`], [`Event::Unanswered`] or [`Event::NotSent`].
    Call {
        /// For its answer.
        id: CallId,
        /// What to ask.
        call: Call,
    },
    /// The wallet says paid after the order had ended without a charge: tell the merchant. It is being resolved by
    /// a query.
    AlarmLatePayment,
}
