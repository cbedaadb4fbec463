//! The Entry Point of Contactless Book B: pre-processing, activation, selection, outcome processing.
//!
//! It knows no kernel: it says which one to activate and takes the kernel's outcome.

mod preprocessing;
mod selection;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use softpos_types::SecretBytes;
use softpos_wire::apdu::{self, Rapdu};
use softpos_wire::dol::Dol;
use softpos_wire::{tag, tlv};

use crate::brand::Scheme;
use crate::config::{Aid, Combination, KernelId, TerminalData, Transaction};
use crate::outcome::{ErrorIndication, KernelOutcome, KernelReport, OutcomeKind, Reason};
use crate::reader::Prompt;
use crate::ui::{Message, Status, UiRequest};
pub use preprocessing::Indicators;
use preprocessing::{Prepared, prepare, unprepared};
use selection::{Candidate, candidates};

/// Where the Entry Point starts (Book B 3): pre-processing, activation, selection, kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// Pre-processing.
    A,
    /// Protocol activation.
    B,
    /// Combination selection.
    C,
    /// Kernel activation.
    D,
}

/// What a kernel is started with.
#[derive(Clone, Debug)]
pub struct Activation {
    /// Which kernel.
    pub kernel: KernelId,
    /// The name under which the card's application was selected, extended selection included.
    pub adf_name: Aid,
    /// The transaction's copy of 9F66, if configured.
    pub ttq: Option<[u8; 4]>,
    /// What the combination's configuration tells the kernel.
    pub data: TerminalData,
    /// What pre-processing found.
    pub indicators: Indicators,
    /// The answer to SELECT, without status word. Some cards name themselves in it: wiped with its last holder.
    pub fci: Arc<SecretBytes>,
    /// Where the Entry Point came from.
    pub start: Start,
    /// Whether this is not the transaction's first activation.
    pub restarted: bool,
    /// What the issuer sent for the card, at a restart after going online: data objects, as 91, 71, 72.
    pub issuer_data: Option<Vec<u8>>,
}

/// What the Entry Point wants next.
#[derive(Debug)]
pub enum EntryStep {
    /// Send this command and answer with [`EntryPoint::card_replied`].
    Transmit(Vec<u8>),
    /// Poll for a card and answer with [`EntryPoint::card_present`].
    WaitForCard(Prompt),
    /// Start a kernel and answer with [`EntryPoint::kernel_done`].
    Activate(Activation),
    /// The outcome is final unless it names a start.
    Finish(KernelOutcome),
}

/// The machine. One instance per transaction.
#[derive(Debug)]
pub struct EntryPoint {
    combinations: Vec<Combination>,
    transaction: Transaction,
    prepared: Vec<Prepared>,
    /// Best first; the first is the one being selected or running.
    candidates: Vec<Candidate>,
    /// What the directory, or the last application that was passed over, failed on.
    passed_over: Option<Box<KernelReport>>,
    /// The answer to SELECT of the first candidate.
    fci: Arc<SecretBytes>,
    start: Start,
    restarted: bool,
    issuer_data: Option<Vec<u8>>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitCard,
    AwaitDirectory,
    AwaitSelection,
    InKernel,
    Ended,
}

impl EntryPoint {
    // Rule EP-3.1.1.13: with no combination allowed there is no start, and the reader says: another interface, message 18,
    // processing error.
    // [source: peer, libpay;
    // test: entry::tests::nothing_allowed_and_start_without_amount,
    // entry::tests::nothing_allowed_asks_for_another_interface;
    // evidence: own]
    /// Start A. `None` if no combination is allowed: the card must be read another way.
    pub fn start_a(combinations: &[Combination], transaction: Transaction) -> Option<Self> {
        let prepared = prepare(combinations, &transaction);
        if prepared.is_empty() {
            return None;
        }
        Some(Self::new(combinations, transaction, prepared, Start::A))
    }

    /// Start B: a reader that is always on, before it knows an amount.
    pub fn start_b(combinations: &[Combination], transaction: Transaction) -> Self {
        let prepared = unprepared(combinations, &transaction);
        Self::new(combinations, transaction, prepared, Start::B)
    }

    fn new(
        combinations: &[Combination],
        transaction: Transaction,
        prepared: Vec<Prepared>,
        start: Start,
    ) -> Self {
        Self {
            combinations: combinations.to_vec(),
            transaction,
            prepared,
            candidates: Vec::new(),
            passed_over: None,
            fci: Arc::new(SecretBytes::new(Vec::new())),
            start,
            restarted: false,
            issuer_data: None,
            state: State::AwaitCard,
        }
    }

    /// The first thing to show: ready for a card (Book B 3.2).
    pub fn prompt() -> Prompt {
        Prompt {
            now: None,
            ready: Some(UiRequest::new(Message::PresentCard, Status::ReadyToRead)),
            field_off_ms: 0,
        }
    }

    /// A card is in the field. `None` if nobody waits for one.
    pub fn card_present(&mut self) -> Option<EntryStep> {
        if self.state != State::AwaitCard {
            return None;
        }
        if self.issuer_data.is_some() {
            return Some(self.select_best());
        }
        self.state = State::AwaitDirectory;
        self.passed_over = None;
        Some(match apdu::select(apdu::PPSE_NAME) {
            Ok(command) => EntryStep::Transmit(command),
            Err(_) => self.no_application(),
        })
    }

    // Rule EP-3.2-COLLISION: more than one card: message 19 as a processing error, then 19 as ready to read.
    // [source: foreign vector, emv-entrypoint;
    // test: entry::tests::collision_and_radio_errors_go_back_to_polling, softpos-cards::faults::two_cards_of_any_scheme;
    // evidence: foreign emv-entrypoint]
    /// More than one card is in the field (Book B 3.2). `None` if nobody waits for one.
    pub fn collision(&mut self) -> Option<EntryStep> {
        if self.state != State::AwaitCard {
            return None;
        }
        Some(EntryStep::WaitForCard(Prompt {
            now: Some(UiRequest::new(Message::OneCardOnly, Status::ProcessingError)),
            ready: Some(UiRequest::new(Message::OneCardOnly, Status::ReadyToRead)),
            field_off_ms: 0,
        }))
    }

    // Rule EP-3.2-RADIO: a failure of the radio before a kernel runs goes back to start B.
    // [source: peer, libpay;
    // test: entry::tests::collision_and_radio_errors_go_back_to_polling;
    // evidence: own]
    /// The radio failed before a kernel started: back to polling. `None` if nothing was on its way.
    pub fn radio_error(&mut self) -> Option<EntryStep> {
        if !matches!(self.state, State::AwaitDirectory | State::AwaitSelection) {
            return None;
        }
        if self.issuer_data.is_none() {
            self.candidates.clear();
        }
        self.state = State::AwaitCard;
        Some(EntryStep::WaitForCard(Prompt::default()))
    }

    /// The card's answer to the last command of the Entry Point. `None` if nothing was asked.
    pub fn card_replied(&mut self, rapdu: &[u8]) -> Option<EntryStep> {
        let Ok(answer) = Rapdu::parse(rapdu) else {
            return self.radio_error();
        };
        match self.state {
            State::AwaitDirectory => {
                self.take_directory(answer);
                Some(self.select_best())
            }
            State::AwaitSelection => Some(self.selected(answer)),
            State::AwaitCard | State::InKernel | State::Ended => None,
        }
    }

    /// 3.3.2: the answer to SELECT PPSE.
    fn take_directory(&mut self, answer: Rapdu<'_>) {
        let listed = answer
            .is_ok()
            .then(|| candidates(answer.body, &self.prepared))
            .flatten();
        if let Some(candidates) = listed {
            self.candidates = candidates;
        } else {
            let error = ErrorIndication::directory(answer.is_ok(), answer.sw);
            self.passed_over = Some(Box::new(KernelReport::of(error)));
        }
    }

    // Rule EP-3.5: TRY AGAIN goes to start B with the kernel's requests, SELECT NEXT drops the candidate and goes to
    // start C, anything else is the final outcome.
    // [source: foreign vector, emv-entrypoint;
    // test: entry::tests::select_next_goes_on_and_try_again_starts_over, entry::tests::restarts_after_a_final_outcome;
    // evidence: foreign emv-entrypoint]
    /// The kernel's outcome (Book B 3.5). `None` if no kernel was running.
    pub fn kernel_done(&mut self, mut outcome: KernelOutcome) -> Option<EntryStep> {
        if self.state != State::InKernel {
            return None;
        }
        Some(match outcome.kind {
            OutcomeKind::TryAgain => {
                self.candidates.clear();
                self.restarted = true;
                self.start = Start::B;
                self.state = State::AwaitCard;
                EntryStep::WaitForCard(Prompt {
                    now: outcome.ui_on_outcome.take(),
                    ready: outcome.ui_on_restart.take(),
                    field_off_ms: outcome.field_off_ms,
                })
            }
            OutcomeKind::SelectNext => {
                self.passed_over = outcome.report.take();
                self.drop_candidate();
                self.start = Start::C;
                self.select_best()
            }
            OutcomeKind::Approved
            | OutcomeKind::Declined
            | OutcomeKind::OnlineRequest
            | OutcomeKind::TryAnotherInterface
            | OutcomeKind::EndApplication => {
                self.state = State::Ended;
                EntryStep::Finish(outcome)
            }
        })
    }

    /// Starts again as a final outcome demands, with or without data of the issuer for the kernel.
    ///
    /// `None` if the transaction has not ended, or if no combination is allowed any more.
    pub fn restart(&mut self, at: Start, prompt: Prompt, issuer_data: Option<Vec<u8>>) -> Option<EntryStep> {
        if self.state != State::Ended {
            return None;
        }
        self.restarted = true;
        self.start = at;
        self.issuer_data = issuer_data;
        match at {
            Start::A => {
                self.prepared = prepare(&self.combinations, &self.transaction);
                self.candidates.clear();
                self.state = State::AwaitCard;
                (!self.prepared.is_empty()).then_some(EntryStep::WaitForCard(prompt))
            }
            Start::B => {
                // With the issuer's data the same application is selected again, else the card is read anew.
                if self.issuer_data.is_none() {
                    self.candidates.clear();
                }
                self.state = State::AwaitCard;
                Some(EntryStep::WaitForCard(prompt))
            }
            Start::C => Some(self.select_best()),
            Start::D => self.activate(),
        }
    }

    // Rule EP-3.3.3: the best candidate is selected, its name extended by 9F29 only if the flag allows; a refused
    // selection drops it, but with the issuer's data pending it ends the application.
    // [source: peer, libpay;
    // test: entry::tests::a_refused_selection_falls_through_until_the_list_is_empty,
    // entry::tests::extended_selection_only_where_allowed, entry::tests::restarts_after_a_final_outcome,
    // softpos-cards::matrix::every_card_of_every_family;
    // evidence: own]
    /// 3.3.3: selects the best candidate left.
    fn select_best(&mut self) -> EntryStep {
        while let Some(candidate) = self.candidates.first() {
            match self.name_of(candidate).map(|name| apdu::select(name.as_bytes())) {
                Some(Ok(command)) => {
                    self.state = State::AwaitSelection;
                    return EntryStep::Transmit(command);
                }
                Some(Err(_)) | None => self.drop_candidate(),
            }
        }
        self.no_application()
    }

    /// The name to select, extended if the flag allows. `None`: longer than a name can be.
    fn name_of(&self, candidate: &Candidate) -> Option<Aid> {
        let mut name = candidate.adf_name.as_bytes().to_vec();
        if self
            .prepared
            .get(candidate.prepared)
            .is_some_and(|prepared| prepared.combination.settings.extended_selection)
        {
            name.extend_from_slice(&candidate.extended_selection);
        }
        Aid::new(&name).ok()
    }

    fn selected(&mut self, answer: Rapdu<'_>) -> EntryStep {
        let usable = answer.is_ok() && self.fit_visa_kernel(answer.body);
        if !usable {
            let reason = if answer.is_ok() {
                Reason::NoKernel
            } else {
                Reason::CommandRefused(answer.sw)
            };
            let error = ErrorIndication::of(reason, None);
            self.passed_over = Some(Box::new(KernelReport::of(error)));
            if self.issuer_data.is_some() {
                return self.no_application();
            }
            self.drop_candidate();
            return self.select_best();
        }
        self.fci = Arc::new(SecretBytes::copy_of(answer.body));
        self.activate().unwrap_or_else(|| self.no_application())
    }

    // Rule EP-3.3.3-VISA: a Visa application without 9F66 in its PDOL goes to kernel 1, or is dropped.
    // [source: peer, libpay;
    // test: entry::tests::visa_without_qualifiers_is_kernel_1_or_dropped;
    // evidence: own]
    /// 3.3.3: a Visa application that does not ask for 9F66 belongs to kernel 1, or to nobody.
    fn fit_visa_kernel(&mut self, fci: &[u8]) -> bool {
        let Some(candidate) = self.candidates.first_mut() else {
            return false;
        };
        let Some(Prepared { combination, .. }) = self.prepared.get(candidate.prepared) else {
            return false;
        };
        let visa = Scheme::of(&combination.aid) == Scheme::Visa && combination.kernel == KernelId::C3;
        if !visa || asks_for_qualifiers(fci) {
            return true;
        }
        let kernel_1 = |prepared: &Prepared| {
            prepared.combination.kernel == KernelId::C1 && prepared.combination.aid == combination.aid
        };
        match self.prepared.iter().position(kernel_1) {
            Some(index) => {
                candidate.prepared = index;
                true
            }
            None => false,
        }
    }

    fn activate(&mut self) -> Option<EntryStep> {
        let candidate = self.candidates.first()?;
        let adf_name = self.name_of(candidate)?;
        let prepared = self.prepared.get(candidate.prepared)?;
        self.state = State::InKernel;
        Some(EntryStep::Activate(Activation {
            kernel: prepared.combination.kernel,
            adf_name,
            ttq: prepared.ttq,
            data: prepared.combination.settings.data.clone(),
            indicators: prepared.indicators,
            fci: self.fci.clone(),
            start: self.start,
            restarted: self.restarted,
            issuer_data: self.issuer_data.clone(),
        }))
    }

    fn drop_candidate(&mut self) {
        let rest = mem::take(&mut self.candidates).into_iter().skip(1);
        self.candidates = rest.collect();
    }

    // Rule EP-3.3.2-EMPTY: a directory that is refused or holds nothing shared ends the application with 1C, ready to
    // read. The acquirer's log has what the directory or the last application failed on.
    // [source: peer, libpay;
    // test: entry::tests::no_directory_or_nothing_in_it,
    // entry::tests::a_refused_selection_falls_through_until_the_list_is_empty;
    // evidence: own]
    fn no_application(&mut self) -> EntryStep {
        self.state = State::Ended;
        EntryStep::Finish(KernelOutcome {
            reason: Some(Reason::NoApplication),
            ui_on_outcome: Some(UiRequest::new(Message::TryAnotherCard, Status::ReadyToRead)),
            report: self.passed_over.take(),
            ..KernelOutcome::new(OutcomeKind::EndApplication)
        })
    }
}

fn asks_for_qualifiers(fci: &[u8]) -> bool {
    let path = [tag::FCI_TEMPLATE, tag::FCI_PROPRIETARY, tag::PDOL];
    match tlv::descend(fci, &path) {
        Ok(Some(pdol)) => Dol::parse(pdol).is_ok_and(|dol| dol.asks_for(tag::TTQ)),
        Ok(None) | Err(_) => false,
    }
}

#[cfg(test)]
pub(crate) mod tests;
