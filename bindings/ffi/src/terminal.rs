//! The till as shells use it: each call is the terminal's own.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use softpos_terminal as terminal;
use softpos_terminal::ActivationUri;
use softpos_types as types;

use crate::error::SoftPosError;
use crate::guard;
use crate::payment::{HistoryQuery, PaymentSummary};
use crate::pin_entry::PinEntry;
use crate::ports::{Hardware, LogSink, SecureHardware, Sink};
use crate::requests::{Paper, PaymentRequest, RefundRequest, TerminalConfig, batch_number, payment_key};
use crate::status::Status;
use crate::step::{CardStep, Step};
use crate::words::SlipCopy;

/// A running till on its data folder.
///
/// One loop calls next_step; the card loop calls card_present and card_replied on a thread of its own; everything
/// else may be called from anywhere. Every call throws SoftPosError.
#[derive(Debug, uniffi::Object)]
pub struct Terminal(terminal::Terminal);

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
            let till = terminal::Terminal::open(config, hardware, Arc::new(Sink(log)))?;
            Ok(Arc::new(Self(till)))
        })
    }

    /// What the till can do now, and for whom.
    pub fn status(&self) -> Result<Status, SoftPosError> {
        self.call(terminal::Terminal::status)
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
        self.call(terminal::Terminal::card_present)
    }

    /// More than one card is in the field.
    pub fn card_collision(&self) -> Result<CardStep, SoftPosError> {
        self.call(terminal::Terminal::card_collision)
    }

    /// The card answered; elapsed_us is the time from the command's first to the answer's last byte.
    pub fn card_replied(&self, rapdu: &[u8], elapsed_us: u32) -> Result<CardStep, SoftPosError> {
        self.call(|till| till.card_replied(rapdu, elapsed_us))
    }

    /// The card left the field.
    pub fn card_lost(&self) -> Result<CardStep, SoftPosError> {
        self.call(terminal::Terminal::card_lost)
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

    /// What to do next; waits until there is something. A cancelled wait loses no step. After the end: Closed.
    pub async fn next_step(&self) -> Result<Step, SoftPosError> {
        let mut next = pin!(self.0.next_step());
        poll_fn(|context| {
            // A panic ends the wait as an error; the future is not polled again.
            match self.call(|_| Ok(next.as_mut().poll(context))) {
                Ok(poll) => poll.map(Ok),
                Err(error) => Poll::Ready(Err(error)),
            }
        })
        .await
    }

    /// Payments, newest first.
    pub fn history(&self, query: HistoryQuery) -> Result<Vec<PaymentSummary>, SoftPosError> {
        self.call(|till| till.history(&query))
    }

    /// One payment.
    pub fn payment(&self, key: &str) -> Result<PaymentSummary, SoftPosError> {
        self.call(|till| till.payment(payment_key(key)?))
    }

    /// A payment's slip as text. ResultUnknown while there is no result to print.
    pub fn receipt(&self, key: &str, copy: SlipCopy, paper: Paper) -> Result<String, SoftPosError> {
        self.call(|till| till.receipt(payment_key(key)?, copy, paper))
    }

    /// The slip of a batch as text: the settlement of a closed one, or what the open one has so far; `not_expected`
    /// for a batch that this till has not had.
    pub fn day_close_slip(&self, batch: u32, paper: Paper) -> Result<String, SoftPosError> {
        self.call(|till| till.day_close_slip(batch_number(batch)?, paper))
    }

    /// Everything that waits to be forwarded, in its order.
    pub fn queue(&self) -> Result<Vec<PaymentSummary>, SoftPosError> {
        self.call(terminal::Terminal::queue)
    }

    /// Sends everything that waits now; says how many payments wait to be forwarded. Progress comes as steps.
    pub fn force_sync(&self) -> Result<u32, SoftPosError> {
        self.call(terminal::Terminal::force_sync)
    }

    /// Closes the day: what waits is sent, then both sides' totals are compared. The result comes as a step.
    pub fn settle(&self) -> Result<(), SoftPosError> {
        self.call(terminal::Terminal::settle)
    }

    /// The network came or went, as the phone sees it.
    pub fn set_link(&self, online: bool) -> Result<(), SoftPosError> {
        self.call(|till| till.set_link(online))
    }

    /// Ends the till, at most after 10 seconds: everything is durable, the folder is free, Closed is the last step.
    /// Secure hardware that does not return keeps the folder taken until it does. Not for the main thread.
    pub fn shutdown(&self) -> Result<(), SoftPosError> {
        guard::run(|| self.0.shutdown())
    }
}

impl Terminal {
    /// Makes a call; a panic in it ends the session.
    pub(crate) fn call<T>(
        &self,
        action: impl FnOnce(&terminal::Terminal) -> Result<T, types::SoftPosError>,
    ) -> Result<T, SoftPosError> {
        guard::watched(|| action(&self.0), || self.0.fail())
    }

    #[cfg(feature = "sandbox")]
    pub(crate) const fn inner(&self) -> &terminal::Terminal {
        &self.0
    }
}
