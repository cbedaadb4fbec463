//! The reader: Entry Point and kernels joined, one call per answer of the card.

use alloc::boxed::Box;
use alloc::vec::Vec;

use softpos_types::Tick;
use softpos_wire::{bcd, tag};

use crate::config::{ReaderConfig, TerminalData, Transaction};
use crate::entry::{Activation, EntryPoint, EntryStep};
use crate::kernel::{AnyKernel, Kernel, KernelInput, Progress};
use crate::outcome::{KernelOutcome, OutcomeKind, Reason};
use crate::read::{CardRead, EntryMode};
use crate::ui::{Message, Status, UiRequest};

/// How long a card may take for one answer before it counts as gone. Cards answer in well under a second; the
/// radio itself gives up earlier.
const ANSWER_MS: u64 = 5_000;

/// Waiting for a card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Shown at once, while the field is off.
    pub now: Option<UiRequest>,
    /// Shown when the field is on again; absent: what is shown stays.
    pub ready: Option<UiRequest>,
    /// How long the field stays off before polling.
    pub field_off_ms: u32,
}

/// What the reader wants next.
#[derive(Debug)]
pub enum ReaderStep {
    /// Send this command at once and call [`Reader::card_replied`].
    Transmit(Vec<u8>),
    /// Poll for a card and call [`Reader::card_present`] or [`Reader::collision`].
    WaitForCard(Prompt),
    /// The reader has ended.
    Finished(CardOutcome),
    /// The event does not belong to the reader's state: nothing has changed.
    Ignored,
}

/// How reading ended.
#[derive(Debug)]
pub enum CardOutcome {
    /// The issuer shall decide.
    Online(Box<CardRead>),
    /// Declined by the card or by a rule.
    Declined(StoppedRead),
    /// The card must be read another way; a phone has none, so another card or device.
    TryAnotherInterface(StoppedRead),
    /// This card cannot pay here.
    EndApplication(StoppedRead),
}

/// Why reading ended without a request.
#[derive(Debug)]
pub struct StoppedRead {
    /// The step that ended it.
    pub reason: Reason,
    /// What to show.
    pub ui: UiRequest,
    /// The card, if it was read to the end.
    pub read: Option<Box<CardRead>>,
}

/// Why a reader cannot be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReaderError {
    /// The configuration allows no card for this amount: pay another way.
    NothingAllowed(UiRequest),
    /// An amount is negative or has more than 12 digits.
    Amount,
}

/// Reads one card for one payment.
#[derive(Debug)]
pub struct Reader {
    entry: EntryPoint,
    terminal: TerminalData,
    transaction: Transaction,
    activations: usize,
    kernel: Option<AnyKernel>,
    answer_due: Option<Tick>,
}

impl Reader {
    /// Pre-processing.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn new(config: &ReaderConfig, transaction: Transaction) -> Result<Self, ReaderError> {
        let terminal = own_data(&config.terminal, &transaction).ok_or(ReaderError::Amount)?;
        let entry =
            EntryPoint::start_a(&config.enabled(), transaction.clone()).ok_or_else(nothing_allowed)?;
        Ok(Self {
            entry,
            terminal,
            transaction,
            activations: 0,
            kernel: None,
            answer_due: None,
        })
    }

    /// What to show while waiting for the first card.
    pub fn prompt() -> Prompt {
        EntryPoint::prompt()
    }

    /// A card is in the field.
    pub fn card_present(&mut self, now: Tick) -> ReaderStep {
        let step = self.entry.card_present();
        self.advance(step, now)
    }

    /// More than one card is in the field.
    pub fn collision(&mut self, now: Tick) -> ReaderStep {
        let step = self.entry.collision();
        self.advance(step, now)
    }

    /// The card answered; `elapsed_us` is the time from command to answer.
    pub fn card_replied(&mut self, rapdu: &[u8], elapsed_us: u32, now: Tick) -> ReaderStep {
        self.answer_due = None;
        let step = match &mut self.kernel {
            None => self.entry.card_replied(rapdu),
            Some(kernel) => match kernel.on_rapdu(rapdu, elapsed_us, now) {
                Progress::Continue => match kernel.poll_capdu() {
                    Some(command) => Some(EntryStep::Transmit(command)),
                    None => return ReaderStep::Ignored,
                },
                Progress::Done(outcome) => self.kernel_done(outcome),
            },
        };
        self.advance(step, now)
    }

    /// The card left the field, or its answer is overdue.
    pub fn card_lost(&mut self, now: Tick) -> ReaderStep {
        self.answer_due = None;
        let step = match &mut self.kernel {
            None => self.entry.radio_error(),
            Some(kernel) => {
                let outcome = kernel.on_card_lost();
                self.kernel_done(outcome)
            }
        };
        self.advance(step, now)
    }

    /// When an answer is overdue: call [`Reader::card_lost`] then.
    pub fn deadline(&self) -> Option<(Tick, &'static str)> {
        self.answer_due.map(|due| (due, "card answer"))
    }

    fn kernel_done(&mut self, outcome: KernelOutcome) -> Option<EntryStep> {
        self.kernel = None;
        self.entry.kernel_done(outcome)
    }

    /// Turns steps of the Entry Point into steps for the caller. Ends: each activation uses up a number.
    fn advance(&mut self, mut step: Option<EntryStep>, now: Tick) -> ReaderStep {
        loop {
            step = match step {
                None => return ReaderStep::Ignored,
                Some(EntryStep::Transmit(command)) => {
                    self.answer_due = Some(now.after_ms(ANSWER_MS));
                    return ReaderStep::Transmit(command);
                }
                Some(EntryStep::WaitForCard(prompt)) => return ReaderStep::WaitForCard(prompt),
                Some(EntryStep::Finish(outcome)) => return ReaderStep::Finished(finished(outcome)),
                Some(EntryStep::Activate(activation)) => match self.activate(activation) {
                    Ok(command) => Some(EntryStep::Transmit(command)),
                    Err(outcome) => self.kernel_done(outcome),
                },
            };
        }
    }

    fn activate(&mut self, activation: Activation) -> Result<Vec<u8>, KernelOutcome> {
        let Some(unpredictable) = self.transaction.unpredictable.get(self.activations) else {
            return Err(KernelOutcome {
                reason: Some(Reason::TooManyTries),
                ui_on_outcome: Some(UiRequest::new(Message::TryAnotherCard, Status::ReadyToRead)),
                ..KernelOutcome::new(OutcomeKind::EndApplication)
            });
        };
        self.activations = self.activations.saturating_add(1);
        let mut data = self.terminal.clone();
        data.set(tag::UNPREDICTABLE_NUMBER, unpredictable);
        data.set(tag::TERMINAL_AID, activation.adf_name.as_bytes());
        if let Some(ttq) = activation.ttq {
            data.set(tag::TTQ, &ttq);
        }
        let mut kernel = AnyKernel::start(KernelInput { activation, data })?;
        let command = kernel
            .poll_capdu()
            .ok_or_else(|| KernelOutcome::new(OutcomeKind::EndApplication))?;
        self.kernel = Some(kernel);
        Ok(command)
    }
}

/// The reader's data objects but for what changes with each activation. `None`: an amount does not fit n12.
fn own_data(terminal: &TerminalData, transaction: &Transaction) -> Option<TerminalData> {
    let mut data = terminal.clone();
    let amount = transaction.amount;
    data.set(tag::AMOUNT_AUTHORISED, &bcd::amount(amount.amount_minor()).ok()?);
    data.set(tag::AMOUNT_OTHER, &bcd::amount(transaction.other_minor).ok()?);
    let currency = bcd::numeric::<2>(u64::from(amount.currency().numeric())).ok()?;
    data.set(tag::TRANSACTION_CURRENCY, &currency);
    data.set(tag::TRANSACTION_TYPE, &[transaction.transaction_type]);
    data.set(tag::TRANSACTION_DATE, &transaction.local.date_bcd());
    data.set(tag::TRANSACTION_TIME, &transaction.local.time_bcd());
    data.set(tag::TVR, &[0; 5]);
    data.set(tag::POS_ENTRY_MODE, &[EntryMode::ContactlessChip.code()]);
    Some(data)
}

/// Book B 3.1.1.13.
fn nothing_allowed() -> ReaderError {
    ReaderError::NothingAllowed(UiRequest::new(Message::InsertOrSwipe, Status::ProcessingError))
}

fn finished(outcome: KernelOutcome) -> CardOutcome {
    let KernelOutcome {
        kind,
        reason,
        ui_on_outcome,
        read,
        ..
    } = outcome;
    let stopped = |read, message| StoppedRead {
        reason: reason.unwrap_or(Reason::Kernel),
        ui: ui_on_outcome.unwrap_or_else(|| UiRequest::new(message, Status::ProcessingError)),
        read,
    };
    match (kind, read) {
        (OutcomeKind::OnlineRequest, Some(read)) => CardOutcome::Online(read),
        // No kernel here authenticates a card, so an approval of the card alone counts for nothing.
        (OutcomeKind::Approved | OutcomeKind::Declined, read) => {
            CardOutcome::Declined(stopped(read, Message::NotAuthorised))
        }
        (OutcomeKind::TryAnotherInterface, read) => {
            CardOutcome::TryAnotherInterface(stopped(read, Message::InsertOrSwipe))
        }
        (
            OutcomeKind::OnlineRequest
            | OutcomeKind::EndApplication
            | OutcomeKind::TryAgain
            | OutcomeKind::SelectNext,
            read,
        ) => CardOutcome::EndApplication(stopped(read, Message::TryAnotherCard)),
    }
}
