//! One order.

use alloc::collections::VecDeque;

use softpos_types::{Now, Tick};

use super::{Answer, Call, CallId, Effect, Event, Rules, State};

/// The charge of one payment code.
#[derive(Debug)]
pub struct Order {
    rules: Rules,
    /// What is on the disk.
    state: State,
    /// What is being written.
    writing: Option<State>,
    /// The call that is under way.
    call: Option<(CallId, Call)>,
    last_id: u64,
    /// When the next step is due without any event.
    due: Option<Tick>,
    submitted: Tick,
    submitted_utc_ms: u64,
    /// The cashier stopped while a state was being written.
    stop_wanted: bool,
    /// The wallet told of a payment while a state was being written.
    notice_wanted: bool,
    /// Restored after a kill: one answer that is not "paid" suffices for a reversal.
    is_restored: bool,
    /// An order that ended without a charge is being asked for again.
    is_checking: bool,
    /// Too old to be reversed.
    is_refund: bool,
    reversals: u32,
    effects: VecDeque<Effect>,
}

impl Order {
    /// A new order; it is submitted once it is written.
    pub fn new(rules: Rules, now: Now) -> Self {
        let mut order = Self::in_state(rules, State::Created, now.utc_ms, now);
        order.enter(State::Submitted);
        order
    }

    /// An order found after a kill, in its last written state. Open ones are asked for, and reversed if not paid.
    pub fn restore(rules: Rules, state: State, submitted_utc_ms: u64, now: Now) -> Self {
        let mut order = Self::in_state(rules, state, submitted_utc_ms, now);
        order.is_restored = true;
        match state {
            State::Created => order.enter(State::Failed),
            State::Submitted | State::AwaitingPayer | State::Unknown | State::Querying => {
                order.enter(State::Querying);
            }
            State::Reversing | State::ReverseUnknown => order.enter(State::Reversing),
            State::Paid | State::Failed | State::Reversed | State::ReversedRefunded => {}
        }
        order
    }

    /// The written state.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether something is still to be done; until then no other order may begin.
    pub const fn is_open(&self) -> bool {
        !self.state.is_final() || self.writing.is_some() || self.is_checking
    }

    /// When [`Event::DeadlinePassed`] is to be told, and for what.
    pub fn deadline(&self) -> Option<(Tick, &'static str)> {
        let reason = if matches!(self.state, State::Reversing | State::ReverseUnknown) {
            "reverse"
        } else {
            "query"
        };
        self.due.map(|due| (due, reason))
    }

    /// The next thing to be done.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Takes what happened.
    pub fn handle(&mut self, event: Event, now: Now) {
        match event {
            Event::Journalled => self.on_journalled(now),
            Event::Answered { id, answer } => {
                if let Some(call) = self.take_call(id) {
                    self.on_answer(call, answer, now);
                }
            }
            Event::NotSent { id } => match self.take_call(id) {
                // Nothing of it ever reached the wallet.
                Some(Call::Submit) => self.enter(State::Failed),
                Some(call @ (Call::Query | Call::Reverse | Call::Refund)) => self.on_silence(call, now),
                None => {}
            },
            Event::Unanswered { id } => {
                if let Some(call) = self.take_call(id) {
                    self.on_silence(call, now);
                }
            }
            Event::NotifiedPaid => self.on_notice(now),
            Event::Stopped => self.on_stop(),
            Event::DeadlinePassed => self.on_deadline(now),
            Event::Hurried => self.on_hurry(now),
        }
    }

    const fn in_state(rules: Rules, state: State, submitted_utc_ms: u64, now: Now) -> Self {
        Self {
            rules,
            state,
            writing: None,
            call: None,
            last_id: 0,
            due: None,
            submitted: now.tick,
            submitted_utc_ms,
            stop_wanted: false,
            notice_wanted: false,
            is_restored: false,
            is_checking: false,
            is_refund: false,
            reversals: 0,
            effects: VecDeque::new(),
        }
    }

    /// Has a state written; it holds from [`Event::Journalled`] on. Whatever was under way is no longer waited for.
    fn enter(&mut self, state: State) {
        self.call = None;
        self.due = None;
        self.writing = Some(state);
        self.effects.push_back(Effect::Journal(state));
    }

    fn make(&mut self, call: Call) {
        self.last_id = self.last_id.saturating_add(1);
        let id = CallId(self.last_id);
        self.due = None;
        self.call = Some((id, call));
        self.effects.push_back(Effect::Call { id, call });
    }

    /// The call that this answer belongs to; none for a stale answer.
    fn take_call(&mut self, id: CallId) -> Option<Call> {
        let (current, call) = self.call?;
        if current != id {
            return None;
        }
        self.call = None;
        Some(call)
    }

    fn on_journalled(&mut self, now: Now) {
        let Some(state) = self.writing.take() else { return };
        self.state = state;
        let stopped = core::mem::take(&mut self.stop_wanted);
        let notified = core::mem::take(&mut self.notice_wanted);
        match state {
            // States that are open are asked for anyway.
            State::Failed | State::Reversed if notified => self.on_notice(now),
            State::Created | State::Paid | State::Failed | State::Reversed | State::ReversedRefunded => {}
            // Not sent yet, so there is nothing to take back.
            State::Submitted if stopped => self.enter(State::Failed),
            State::Submitted => {
                self.submitted = now.tick;
                self.make(Call::Submit);
            }
            State::AwaitingPayer | State::Unknown | State::Querying if stopped => {
                self.enter(State::Reversing);
            }
            State::AwaitingPayer | State::Unknown => {
                self.due = Some(now.tick.after_ms(self.rules.first_query_ms));
            }
            State::Querying => self.make(Call::Query),
            State::Reversing => {
                let earliest = self.submitted.after_ms(self.rules.reverse_not_before_ms);
                if now.tick < earliest {
                    self.due = Some(earliest);
                } else {
                    self.take_back(now);
                }
            }
            State::ReverseUnknown => {
                self.due = Some(now.tick.after_ms(self.rules.retry_ms(self.reversals)));
            }
        }
    }

    fn on_answer(&mut self, call: Call, answer: Answer, now: Now) {
        match (call, answer) {
            (Call::Submit, Answer::Failed) => self.enter(State::Failed),
            (Call::Submit, Answer::AwaitingPayer) => self.enter(State::AwaitingPayer),
            (Call::Query, _) if self.is_checking => self.on_checked(answer, now),
            (Call::Query, _) if self.state == State::Reversing => self.on_query_before_refund(answer, now),
            (Call::Submit, Answer::Paid) if self.rules.confirms_paid => self.enter(State::Querying),
            (Call::Submit | Call::Query, Answer::Paid) => self.enter(State::Paid),
            (Call::Query, Answer::Failed) if !self.rules.reverses_failed => self.enter(State::Failed),
            (Call::Query | Call::Reverse | Call::Refund, Answer::Reversed) => self.enter(State::Reversed),
            (Call::Query | Call::Reverse | Call::Refund, Answer::ReversedRefunded) => {
                self.enter(State::ReversedRefunded);
            }
            (Call::Query, _) if self.is_restored || answer == Answer::Failed => self.enter(State::Reversing),
            (Call::Reverse, Answer::NotReversible) => {
                self.is_refund = true;
                self.on_silence(call, now);
            }
            (Call::Submit | Call::Query | Call::Reverse | Call::Refund, _) => self.on_silence(call, now),
        }
    }

    /// No answer, or one that decides nothing.
    fn on_silence(&mut self, call: Call, now: Now) {
        match call {
            Call::Submit => self.enter(State::Unknown),
            Call::Query if self.is_checking => self.ask_later(now),
            Call::Query if self.state != State::Reversing => {
                if now.tick >= self.give_up_at() {
                    self.enter(State::Reversing);
                } else {
                    self.ask_later(now);
                }
            }
            Call::Query | Call::Reverse | Call::Refund => {
                self.reversals = self.reversals.saturating_add(1);
                self.enter(State::ReverseUnknown);
            }
        }
    }

    fn ask_later(&mut self, now: Now) {
        let next = now.tick.after_ms(self.rules.query_interval_ms);
        // The last query falls on the end of the time, or a little later rather than close upon the one before.
        let is_last = !self.is_checking && next > self.give_up_at();
        let earliest = now.tick.after_ms(self.rules.query_interval_ms / 2);
        self.due = Some(if is_last {
            self.give_up_at().max(earliest)
        } else {
            next
        });
    }

    fn give_up_at(&self) -> Tick {
        self.submitted.after_ms(self.rules.total_ms)
    }

    /// Reverses, or once that is too late asks whether there is anything to refund.
    fn take_back(&mut self, now: Now) {
        self.is_refund = self.is_refund || self.rules.window.is_over(self.submitted_utc_ms, now.utc_ms);
        self.make(if self.is_refund {
            Call::Query
        } else {
            Call::Reverse
        });
    }

    fn on_query_before_refund(&mut self, answer: Answer, now: Now) {
        match answer {
            Answer::Paid => self.make(Call::Refund),
            Answer::Failed | Answer::NotFound | Answer::Reversed => self.enter(State::Reversed),
            Answer::ReversedRefunded => self.enter(State::ReversedRefunded),
            Answer::AwaitingPayer | Answer::Unknown | Answer::NotReversible => {
                self.on_silence(Call::Query, now);
            }
        }
    }

    /// The answer to the query after a late notice.
    fn on_checked(&mut self, answer: Answer, now: Now) {
        match answer {
            Answer::Paid => {
                self.is_checking = false;
                self.enter(State::Reversing);
            }
            Answer::Unknown | Answer::AwaitingPayer => self.ask_later(now),
            Answer::Failed
            | Answer::NotFound
            | Answer::Reversed
            | Answer::ReversedRefunded
            | Answer::NotReversible => self.is_checking = false,
        }
    }

    /// A notice decides nothing by itself; it is a reason to ask.
    fn on_notice(&mut self, now: Now) {
        if self.writing.is_some() {
            self.notice_wanted = true;
            return;
        }
        if self.call.is_some() {
            return;
        }
        match self.state {
            State::AwaitingPayer | State::Unknown | State::Querying => self.due = Some(now.tick),
            State::Failed | State::Reversed if !self.is_checking => {
                self.is_checking = true;
                self.effects.push_back(Effect::AlarmLatePayment);
                self.make(Call::Query);
            }
            State::Created
            | State::Submitted
            | State::Paid
            | State::Failed
            | State::Reversing
            | State::ReverseUnknown
            | State::Reversed
            | State::ReversedRefunded => {}
        }
    }

    fn on_stop(&mut self) {
        if self.writing.is_some() {
            self.stop_wanted = true;
        } else if matches!(
            self.state,
            State::Submitted | State::AwaitingPayer | State::Unknown | State::Querying
        ) {
            self.enter(State::Reversing);
        }
    }

    fn on_hurry(&mut self, now: Now) {
        if self.due.is_some() && self.state != State::Reversing {
            self.due = Some(now.tick);
        }
    }

    fn on_deadline(&mut self, now: Now) {
        if self.due.is_none_or(|due| now.tick < due) {
            return;
        }
        self.due = None;
        match self.state {
            State::AwaitingPayer | State::Unknown => self.enter(State::Querying),
            State::Querying | State::Failed | State::Reversed => self.make(Call::Query),
            State::Reversing => self.take_back(now),
            State::ReverseUnknown => self.enter(State::Reversing),
            State::Created | State::Submitted | State::Paid | State::ReversedRefunded => {}
        }
    }
}
