//! What the shell is to do next, with the sentence for it: the queue behind `next_step`.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use softpos_flow::{Announcement, Ending, Notice, View};
use softpos_types::PaymentKey;
use tokio::sync::Notify;

/// Steps that wait for a shell; a shell that never asks loses the oldest ones, not the payments.
const MAX_STEPS: usize = 4_096;

/// What the shell does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Show a state.
    Show {
        /// The state.
        view: View,
        /// The sentence for it, in the payment's language.
        text: String,
    },
    /// Say a sentence, once.
    Say {
        /// What it says.
        announcement: Announcement,
        /// The spoken form.
        text: String,
    },
    /// Open the PIN pad: call `pin_entry`.
    AskPin {
        /// Whose payment.
        key: PaymentKey,
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

#[derive(Debug, Default)]
pub(crate) struct StepQueue {
    steps: Mutex<VecDeque<Step>>,
    arrived: Notify,
}

impl StepQueue {
    pub(crate) fn push(&self, step: Step) {
        let mut steps = self.lock();
        if steps.len() >= MAX_STEPS {
            steps.pop_front();
        }
        steps.push_back(step);
        drop(steps);
        self.arrived.notify_one();
    }

    /// The next step, oldest first. Popped last, with no await behind it, so a cancelled call loses none. After the
    /// end every call gets [`Step::Closed`].
    pub(crate) async fn next(&self) -> Step {
        loop {
            let arrived = self.arrived.notified();
            if let Some(step) = self.pop() {
                return step;
            }
            arrived.await;
        }
    }

    /// As [`StepQueue::next`], for at most so long.
    pub(crate) async fn next_within(&self, limit: Duration) -> Option<Step> {
        tokio::time::timeout(limit, self.next()).await.ok()
    }

    fn pop(&self) -> Option<Step> {
        let mut steps = self.lock();
        let step = if steps.front() == Some(&Step::Closed) {
            Some(Step::Closed)
        } else {
            steps.pop_front()
        };
        // Several callers may wait: wake the next one for what is left.
        let more = !steps.is_empty();
        drop(steps);
        if more {
            self.arrived.notify_one();
        }
        step
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Step>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
