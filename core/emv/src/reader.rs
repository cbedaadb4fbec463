//! The reader: Entry Point and kernels joined, one call per answer of the card.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use softpos_crypto::entropy::Entropy;
use softpos_crypto::p256_key::SoftwareKey;
use softpos_types::{SecretArray, Tick};
use softpos_wire::{bcd, tag};

use crate::config::{KernelId, MAX_ACTIVATIONS, ReaderConfig, TerminalData, Transaction};
use crate::entry::{Activation, EntryPoint, EntryStep, Start};
use crate::issuer_answer::{IssuerAnswer, Presentment, Returning};
use crate::kernel::{AnyKernel, Kernel, KernelInput, Progress};
use crate::outcome::{ErrorIndication, KernelOutcome, OutcomeKind, Reason};
use crate::read::{CardRead, EntryMode};
use crate::torn::TornLog;
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
    /// Approved by the card, and authenticated: the issuer is told later.
    Approved(Box<CardRead>),
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
    /// Which layer failed, for the acquirer's log; no card data.
    pub error: ErrorIndication,
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
    config: ReaderConfig,
    transaction: Transaction,
    /// The transaction's data objects.
    own: TerminalData,
    activations: usize,
    kernel: Option<AnyKernel>,
    /// For the channels of kernel 8.
    channels: Option<Entropy>,
    torn: TornLog,
    issuer_updates: bool,
    /// On its way back to its card.
    returning: Option<Box<Returning>>,
    answer_due: Option<Tick>,
}

impl Reader {
    // Rule K-UNVERIFIED: a kernel without foreign evidence reads no card unless the configuration names it.
    // [source: inference; test: kernel::c7::tests::off_until_the_configuration_names_it; evidence: own]
    /// Pre-processing.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn new(config: &ReaderConfig, transaction: Transaction) -> Result<Self, ReaderError> {
        let own = own_data(&transaction).ok_or(ReaderError::Amount)?;
        let mut config = config.clone();
        let ReaderConfig {
            combinations,
            unverified_kernels,
            ..
        } = &mut config;
        combinations
            .retain(|one| AnyKernel::is_verified(one.kernel) || unverified_kernels.contains(&one.kernel));
        let entry = EntryPoint::start_a(combinations, transaction.clone()).ok_or_else(nothing_allowed)?;
        Ok(Self {
            entry,
            config,
            transaction,
            own,
            activations: 0,
            kernel: None,
            channels: None,
            torn: TornLog::default(),
            issuer_updates: false,
            returning: None,
            answer_due: None,
        })
    }

    /// The same with randomness for the channels of kernel 8, each of which has a key of its own. A reader without it
    /// leaves out the applications that ask for this kernel.
    pub fn with_channels(mut self, seed: SecretArray<32>) -> Self {
        self.channels = Some(Entropy::from_seed(seed));
        self
    }

    /// The same reader with taps of earlier transactions that were cut: their cards may come back.
    pub fn with_torn_log(mut self, torn: TornLog) -> Self {
        self.torn = torn;
        self
    }

    /// The same reader for a caller that brings the issuer's answer back to cards that want it, with
    /// [`Reader::issuer_answered`]. Any other reader tells its cards that it does not.
    pub const fn with_issuer_updates(mut self) -> Self {
        self.issuer_updates = true;
        self
    }

    // Rule K-TORN: a tap that was cut is kept over transactions until its time is over; kernels that keep none leave the
    // log alone.
    // [source: peer, danhu; test: kernel::tests::a_cut_tap_is_recovered_in_the_next_transaction,
    // torn::tests::what_is_over_goes_although_no_card_comes; evidence: own]
    /// Taps that were cut, this transaction's among them, for the next reader.
    pub fn take_torn_log(&mut self) -> TornLog {
        let mut torn = mem::take(&mut self.torn);
        if let Some(kernel) = &mut self.kernel {
            torn.append(kernel.take_torn_log());
        }
        torn
    }

    /// Which kernel is at work.
    pub fn kernel(&self) -> Option<KernelId> {
        self.kernel.as_ref().map(AnyKernel::id)
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

    // Rule K-RETURN: the issuer's answer goes back to the application that asked for it, and pays nothing anew: if it
    // cannot be selected again that is the end, and an answer that no card asked for goes nowhere.
    // [source: peer, libpay for the selection, and inference;
    // test: softpos-cards::issuer_update::another_card_or_a_stranger_gets_nothing,
    // softpos-cards::issuer_update::a_reader_that_does_not_bring_answers_back_is_not_asked_to,
    // entry::tests::restarts_after_a_final_outcome; evidence: own]
    /// The issuer answered a payment that went online with [`CardRead::issuer_update`]: takes the answer to the card, which
    /// is still there or is presented again. Ends with `Approved` or `Declined` and the same read, second cryptogram and
    /// results of the scripts included, or with `EndApplication` if the card did not come to its end: then the host's
    /// decision stands alone.
    pub fn issuer_answered(
        &mut self,
        mut read: Box<CardRead>,
        answer: IssuerAnswer,
        now: Tick,
    ) -> ReaderStep {
        let (start, ready) = match read.issuer_update.take() {
            None => return ReaderStep::Ignored,
            Some(Presentment::Held) => (Start::D, None),
            Some(Presentment::Again) => (Start::B, Some(Message::PresentAgain)),
        };
        let prompt = Prompt {
            ready: ready.map(|message| UiRequest::new(message, Status::ReadyToRead)),
            ..Prompt::default()
        };
        let step = self.entry.restart(start, prompt, Some(answer.data()));
        self.returning = Some(Box::new(Returning { read, answer }));
        self.advance(step, now)
    }

    /// When an answer is overdue: call [`Reader::card_lost`] then.
    pub fn deadline(&self) -> Option<(Tick, &'static str)> {
        self.answer_due.map(|due| (due, "card answer"))
    }

    /// Only these kernels hand the log back.
    fn torn_for(&mut self, kernel: KernelId) -> TornLog {
        if matches!(kernel, KernelId::C2 | KernelId::C5) {
            mem::take(&mut self.torn)
        } else {
            TornLog::default()
        }
    }

    fn kernel_done(&mut self, outcome: KernelOutcome) -> Option<EntryStep> {
        if let Some(mut kernel) = self.kernel.take() {
            self.torn.append(kernel.take_torn_log());
        }
        self.entry.kernel_done(outcome)
    }

    /// Book B 3.5: an application that ends with a start is tried again there, as a card after its phone was looked
    /// at. Only while numbers are left: each activation uses up some.
    fn finish(&mut self, mut outcome: KernelOutcome) -> Result<Option<EntryStep>, CardOutcome> {
        if let Some(returning) = self.returning.take() {
            // The application could not be selected again: what was read is the caller's all the same.
            outcome.read = outcome.read.or(Some(returning.read));
        }
        let again = outcome.kind == OutcomeKind::EndApplication && self.activations < MAX_ACTIVATIONS;
        match outcome.start {
            Some(start) if again => {
                let prompt = Prompt {
                    now: outcome.ui_on_outcome.take(),
                    ready: outcome.ui_on_restart.take(),
                    field_off_ms: outcome.field_off_ms,
                };
                Ok(self.entry.restart(start, prompt, None))
            }
            Some(_) | None => Err(finished(outcome)),
        }
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
                Some(EntryStep::Finish(outcome)) => match self.finish(outcome) {
                    Ok(step) => step,
                    Err(outcome) => return ReaderStep::Finished(outcome),
                },
                Some(EntryStep::Activate(activation)) => match self.activate(activation) {
                    Ok(command) => Some(EntryStep::Transmit(command)),
                    Err(outcome) => self.kernel_done(outcome),
                },
            };
        }
    }

    // Rule K-NUMBER: an unpredictable number is never used twice, and a transaction ends when its numbers are used up.
    // [source: peer, Denom reused it; test: kernel::c3::tests::see_phone_then_the_same_amount_with_a_new_number,
    // kernel::c3::tests::a_card_that_leaves_is_presented_again_but_not_for_ever; evidence: own]
    fn activate(&mut self, activation: Activation) -> Result<Vec<u8>, KernelOutcome> {
        let Some([unpredictable, spare @ ..]) = self.transaction.unpredictable.get(self.activations) else {
            return Err(KernelOutcome {
                reason: Some(Reason::TooManyTries),
                ui_on_outcome: Some(UiRequest::new(Message::TryAnotherCard, Status::ReadyToRead)),
                ..KernelOutcome::new(OutcomeKind::EndApplication)
            });
        };
        self.activations = self.activations.saturating_add(1);
        let returning = self.returning.take();
        // Whatever a kernel does with it: after the issuer's answer no activation pays once more.
        if activation.issuer_data.is_some() && returning.is_none() {
            return Err(KernelOutcome {
                reason: Some(Reason::NoApplication),
                ..KernelOutcome::new(OutcomeKind::EndApplication)
            });
        }
        let mut data = self.config.data_for(activation.kernel, &activation.data);
        for (tag, value) in self.own.iter() {
            data.set(tag, value);
        }
        data.set(tag::UNPREDICTABLE_NUMBER, unpredictable);
        data.set(tag::TERMINAL_AID, activation.adf_name.as_bytes());
        if let Some(ttq) = activation.ttq {
            data.set(tag::TTQ, &ttq);
        }
        let kernel_id = activation.kernel;
        let channel_key = match &mut self.channels {
            Some(entropy) if kernel_id == KernelId::C8 => Some(SoftwareKey::generate(entropy)),
            Some(_) | None => None,
        };
        let mut kernel = AnyKernel::start(KernelInput {
            activation,
            data,
            spare_unpredictable: *spare,
            channel_key,
            torn: self.torn_for(kernel_id),
            keys: self.config.authority_keys.clone(),
            exceptions: self.config.exceptions.clone(),
            issuer_updates: self.issuer_updates,
            returning,
        })?;
        let command = kernel
            .poll_capdu()
            .ok_or_else(|| KernelOutcome::new(OutcomeKind::EndApplication))?;
        self.kernel = Some(kernel);
        Ok(command)
    }
}

/// The transaction's data objects but for what changes with each activation. `None`: an amount does not fit n12.
fn own_data(transaction: &Transaction) -> Option<TerminalData> {
    let mut data = TerminalData::new();
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
        report,
        read,
        ..
    } = outcome;
    let reason = reason.unwrap_or(Reason::Kernel);
    let stopped = |read, message| {
        let ui = ui_on_outcome.unwrap_or_else(|| UiRequest::new(message, Status::ProcessingError));
        StoppedRead {
            reason,
            error: report.map_or_else(
                || ErrorIndication::of(reason, Some(ui.message)),
                |report| report.error,
            ),
            ui,
            read,
        }
    };
    match (kind, read) {
        (OutcomeKind::OnlineRequest, Some(read)) => CardOutcome::Online(read),
        (OutcomeKind::Approved, Some(read)) => CardOutcome::Approved(read),
        // An approval that proves nothing counts for nothing.
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
