//! The till as shells use it: each call is the terminal's own.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use softpos_terminal as terminal;
use softpos_terminal::ActivationUri;
use softpos_types as types;
use softpos_types::Code;

use crate::error::SoftPosError;
use crate::guard;
use crate::mirror::Cross;
use crate::payment::{HistoryQuery, PaymentSummary};
use crate::pin_entry::PinEntry;
use crate::ports::{Hardware, LogSink, SecureHardware, Sink};
use crate::requests::{Paper, PaymentRequest, RefundRequest, TerminalConfig, payment_key};
use crate::status::Status;
use crate::step::Step;
use crate::words::SlipCopy;

/// What the card loop does next.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum CardStep {
    /// Send this command to the card and bring the answer.
    Transmit {
        /// The command APDU.
        capdu: Vec<u8>,
    },
    /// Wait for a card; what to show came as a step.
    WaitForCard,
    /// The card is no longer needed.
    Done,
}

/// A running till on its data folder.
///
/// One loop calls next_step; the card loop calls card_present and card_replied on a thread of its own; everything
/// else may be called from anywhere. Every call throws SoftPosError.
#[derive(Debug, uniffi::Object)]
pub struct Terminal {
    inner: terminal::Terminal,
    /// Something inside failed: nothing is begun any more.
    poisoned: AtomicBool,
    /// The day close whose slip can be asked for.
    settled: Mutex<Option<terminal::SettlementView>>,
}

#[uniffi::export]
impl Terminal {
    /// Opens the folder and goes on where it ends: open payments are cleared up in the background. Reads the disk: not
    /// for the main thread.
    #[uniffi::constructor]
    pub fn open(
        config: TerminalConfig,
        hardware: Arc<dyn SecureHardware>,
        log: Arc<dyn LogSink>,
    ) -> Result<Arc<Self>, SoftPosError> {
        guard::call(|| {
            let hardware = Arc::new(Hardware(hardware));
            let inner = terminal::Terminal::open(config.into(), hardware, Arc::new(Sink(log)))?;
            Ok(Arc::new(Self {
                inner,
                poisoned: AtomicBool::new(false),
                settled: Mutex::new(None),
            }))
        })
    }

    /// What the till can do now, and for whom.
    pub fn status(&self) -> Result<Status, SoftPosError> {
        self.call(|till| Ok(till.status()?.cross()))
    }

    /// Activates the till with the text of an activation code, `softpos:activate?..`, or goes on with an activation
    /// that stopped. Progress and end come as steps.
    pub fn activate(&self, text: &str) -> Result<(), SoftPosError> {
        self.call(|till| till.activate(&ActivationUri::parse(text)?))
    }

    /// As activate, with the parts as typed; pins may hold several with commas between them.
    pub fn activate_typed(&self, host: &str, pins: &str, code: &str) -> Result<(), SoftPosError> {
        self.call(|till| till.activate(&ActivationUri::from_parts(host, pins, code)?))
    }

    /// Starts a payment and gives its key. The input is checked first; on an error nothing is recorded.
    pub fn start(&self, request: PaymentRequest) -> Result<String, SoftPosError> {
        self.call(|till| Ok(till.start(request.try_into()?)?.to_string()))
    }

    /// Starts a refund of an approved sale, whole or in part, and gives the refund's key.
    pub fn refund(&self, request: RefundRequest) -> Result<String, SoftPosError> {
        self.call(|till| Ok(till.refund(&request.try_into()?)?.to_string()))
    }

    /// A card came into the field. One call in, one command out.
    pub fn card_present(&self) -> Result<CardStep, SoftPosError> {
        self.call(|till| Ok(till.card_present()?.cross()))
    }

    /// More than one card is in the field.
    pub fn card_collision(&self) -> Result<CardStep, SoftPosError> {
        self.call(|till| Ok(till.card_collision()?.cross()))
    }

    /// The card answered; elapsed_us is the time from the command's first to the answer's last byte.
    pub fn card_replied(&self, rapdu: &[u8], elapsed_us: u32) -> Result<CardStep, SoftPosError> {
        self.call(|till| Ok(till.card_replied(rapdu, elapsed_us)?.cross()))
    }

    /// The card left the field.
    pub fn card_lost(&self) -> Result<CardStep, SoftPosError> {
        self.call(|till| Ok(till.card_lost()?.cross()))
    }

    /// The PIN pad's end in the core, after the step AskPin.
    pub fn pin_entry(&self) -> Result<Arc<PinEntry>, SoftPosError> {
        self.call(|till| Ok(Arc::new(PinEntry(till.pin_entry()?))))
    }

    /// The operator gives up. What was sent already is undone in the background.
    pub fn cancel(&self) -> Result<(), SoftPosError> {
        self.call(terminal::Terminal::cancel)
    }

    /// The operator refuses an approved sale of the open batch (wrong code or amount): it is undone.
    pub fn refuse_approval(&self, key: &str) -> Result<(), SoftPosError> {
        self.call(|till| till.refuse_approval(payment_key(key)?))
    }

    /// What to do next; waits until there is something. A cancelled wait loses no step. After the end every call gives
    /// Closed.
    pub async fn next_step(&self) -> Result<Step, SoftPosError> {
        let mut next = pin!(self.inner.next_step());
        poll_fn(|context| {
            // A panic ends the wait as an error; the future is not polled again.
            match self.watched(|_| Ok(next.as_mut().poll(context))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(step)) => Poll::Ready(self.watched(|_| Ok(self.handed_out(step)))),
                Err(error) => Poll::Ready(Err(error)),
            }
        })
        .await
    }

    /// Payments, newest first.
    pub fn history(&self, query: HistoryQuery) -> Result<Vec<PaymentSummary>, SoftPosError> {
        self.call(|till| Ok(till.history(&query.into())?.cross()))
    }

    /// One payment.
    pub fn payment(&self, key: &str) -> Result<PaymentSummary, SoftPosError> {
        self.call(|till| Ok(till.payment(payment_key(key)?)?.cross()))
    }

    /// A payment's slip as text. ResultUnknown while there is no result to print.
    pub fn receipt(&self, key: &str, copy: SlipCopy, paper: Paper) -> Result<String, SoftPosError> {
        self.call(|till| till.receipt(payment_key(key)?, copy.into(), paper.into()))
    }

    /// The slip of the day close that the last step Settled told of; `not_expected` for any other batch.
    pub fn day_close_slip(&self, batch: u32, paper: Paper) -> Result<String, SoftPosError> {
        self.call(|till| {
            let settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
            let view = settled.as_ref().filter(|view| view.batch.value() == batch);
            let view = view.ok_or_else(|| types::SoftPosError::of(Code::NotExpected))?;
            till.day_close_slip(view, paper.into())
        })
    }

    /// Everything that waits to be forwarded, in its order.
    pub fn queue(&self) -> Result<Vec<PaymentSummary>, SoftPosError> {
        self.call(|till| Ok(till.queue()?.cross()))
    }

    /// Sends everything that waits now; says how many payments wait to be forwarded. Progress comes as steps.
    pub fn force_sync(&self) -> Result<u32, SoftPosError> {
        self.call(terminal::Terminal::force_sync)
    }

    /// Closes the day: both sides' totals are compared. The result comes as a step.
    pub fn settle(&self) -> Result<(), SoftPosError> {
        self.call(terminal::Terminal::settle)
    }

    /// The network came or went, as the phone sees it.
    pub fn set_link(&self, online: bool) -> Result<(), SoftPosError> {
        self.call(|till| till.set_link(online))
    }

    /// Ends the till, at most after 10 seconds: everything is durable, the folder is free, Closed is the last step.
    /// Not for the main thread.
    pub fn shutdown(&self) -> Result<(), SoftPosError> {
        guard::call(|| {
            self.inner.shutdown();
            Ok(())
        })
    }
}

impl Terminal {
    pub(crate) fn call<T>(
        &self,
        action: impl FnOnce(&terminal::Terminal) -> Result<T, types::SoftPosError>,
    ) -> Result<T, SoftPosError> {
        if self.poisoned.load(Ordering::Acquire) {
            return Err(types::SoftPosError::of(Code::SessionPoisoned).into());
        }
        self.watched(action)
    }

    /// Runs an action; after a fault inside the session ends, so that whoever waits for a step gets Closed and the
    /// folder can be opened again.
    fn watched<T>(
        &self,
        action: impl FnOnce(&terminal::Terminal) -> Result<T, types::SoftPosError>,
    ) -> Result<T, SoftPosError> {
        let result = guard::call(|| action(&self.inner));
        let failed = result
            .as_ref()
            .is_err_and(|error| error.fault().code == Code::SessionPoisoned.name());
        if failed && !self.poisoned.swap(true, Ordering::AcqRel) {
            // Ending waits for the disk, and this may be the card's thread. Without a thread the shell's own
            // shutdown does it.
            let till = self.inner.clone();
            drop(std::thread::Builder::new().spawn(move || till.shutdown()));
        }
        result
    }

    #[cfg(feature = "sandbox")]
    pub(crate) const fn inner(&self) -> &terminal::Terminal {
        &self.inner
    }

    /// A step on its way to the shell.
    fn handed_out(&self, step: terminal::Step) -> Step {
        if let terminal::Step::Finished {
            ending: terminal::Ending::Settled(view),
            ..
        } = &step
        {
            *self.settled.lock().unwrap_or_else(PoisonError::into_inner) = Some(view.clone());
        }
        step.cross()
    }
}

impl Cross<CardStep> for terminal::CardStep {
    fn cross(self) -> CardStep {
        match self {
            Self::Transmit(capdu) => CardStep::Transmit { capdu },
            Self::WaitForCard => CardStep::WaitForCard,
            Self::Done => CardStep::Done,
        }
    }
}
