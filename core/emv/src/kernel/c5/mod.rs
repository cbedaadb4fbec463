//! Kernel 5 (JCB, EMV mode): GET PROCESSING OPTIONS, records, risk, GENERATE AC, and a second one where the card takes its
//! issuer's answer; the card says how its holder is verified. No terminal transaction qualifiers. `unverified`.
//!
//! Source of the rules: one vendor's kernels of 2013 to 2020, so older than books 2.11; where something else is the
//! source, the rule says so. Stripe and legacy mode are not offered: no public source says how their commands look.

mod conclusion;
mod risk;
mod tags;
mod torn;
mod update;

use alloc::vec::Vec;

use softpos_types::{SecretBytes, Tick};
use softpos_wire::apdu::{self, Rapdu};
use softpos_wire::{bcd, tag};

use self::risk::{Analysis, Request};
use self::update::Update;
use super::configured::{ActionCodes, Limits, Reach, Tvr, amount_minor, set, usage_allowed};
use super::endings::{declined, lost, select_next};
use super::intake::{Habits, Intake};
use super::{Kernel, KernelInput, Progress};
use crate::config::TerminalData;
use crate::outcome::{KernelOutcome, Reason};
use crate::torn::TornLog;

/// Combination options, byte 1: status check, offline data authentication, exception file, random selection, EMV mode.
const STATUS_CHECK: u8 = 0x40;
const ODA: u8 = 0x20;
const EXCEPTION_FILE: u8 = 0x10;
const RANDOM_SELECTION: u8 = 0x08;
const EMV_MODE: u8 = 0x02;

/// 9F53 byte 1 bit 8: verification is required.
const CVM_REQUIRED: u8 = 0x80;
/// 9F53 byte 2 bit 8: the reader takes issuer updates.
const ISSUER_UPDATE: u8 = 0x80;

const HABITS: Habits = Habits {
    owned: &[tags::COMPATIBILITY, tags::INTERCHANGE],
    repeatable: &[],
    equal_twice: false,
};

/// A running kernel 5.
#[derive(Debug)]
pub struct C5 {
    input: KernelInput,
    intake: Intake,
    /// Values sent for the PDOL and for CDOL 1: the card signs them.
    pdol: SecretBytes,
    cdol: SecretBytes,
    options: u8,
    /// 9F53.
    interchange: [u8; 3],
    tvr: Tvr,
    /// What this tap sent before ECHO was asked with the values of an earlier one.
    before_echo: Option<Sent>,
    /// The issuer's answer on its way to the card.
    update: Option<Update>,
    now: Tick,
    state: State,
    command: Option<Vec<u8>>,
}

/// Values that this tap sent.
#[derive(Debug)]
struct Sent {
    pdol: SecretBytes,
    interchange: [u8; 3],
    data: TerminalData,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitOptions,
    AwaitRecord,
    AwaitEcho { asked: Request, combined: bool },
    AwaitCryptogram { asked: Request, combined: bool },
    AwaitUpdate,
    Ended,
}

impl C5 {
    // Rule C5-PDOL: an application that does not ask for 9F52 is no EMV application of this kernel: SELECT NEXT.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::tests::without_9f52_the_next_is_tried;
    // evidence: own]
    pub(super) fn start(mut input: KernelInput) -> Result<Self, KernelOutcome> {
        if let Some(returning) = input.returning.take() {
            return Self::resume(input, *returning);
        }
        let mut kernel = Self::new(input).map_err(select_next)?;
        if !kernel.intake.pdol_asks_for(tags::COMPATIBILITY) {
            return Err(select_next(Reason::DataMissing(tag::PDOL)));
        }
        kernel.command = Some(kernel.processing_options().map_err(select_next)?);
        Ok(kernel)
    }

    fn new(input: KernelInput) -> Result<Self, Reason> {
        let intake = Intake::new(&input.activation, HABITS)?;
        let byte = |tag| {
            input
                .data
                .value(tag)
                .and_then(|value: &[u8]| value.first().copied())
        };
        Ok(Self {
            options: byte(tags::OPTIONS).unwrap_or_default(),
            interchange: input
                .data
                .value(tags::INTERCHANGE)
                .and_then(|value| value.try_into().ok())
                .unwrap_or_default(),
            input,
            intake,
            pdol: SecretBytes::new(Vec::new()),
            cdol: SecretBytes::new(Vec::new()),
            tvr: [0; 5],
            before_echo: None,
            update: None,
            now: Tick(0),
            state: State::AwaitOptions,
            command: None,
        })
    }

    fn processing_options(&mut self) -> Result<Vec<u8>, Reason> {
        self.assess_cvm()?;
        let pdol = self.intake.fci.value(tag::PDOL).unwrap_or_default();
        self.pdol = Intake::dol_data(pdol, &self.input.data)?;
        apdu::get_processing_options(self.pdol.expose()).map_err(|_| Reason::Malformed)
    }

    // Rule C5-CVM-REQUIRED: an amount at or above the verification limit sets 9F53 B1b8, but not of a refund.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::tests::verification_is_announced; evidence: own]
    // Rule C5-UPDATE-OFFER: 9F53 B2b8 is sent as configured if the issuer's answer would come back to the card, else never.
    // [source: inference; test: kernel::c5::tests::verification_is_announced,
    // kernel::c5::update::tests::updates_are_offered_by_a_reader_that_brings_them; evidence: own]
    fn assess_cvm(&mut self) -> Result<(), Reason> {
        let limits = Limits::of(&self.input.data)?;
        let reached = risk::reached(amount_minor(&self.input.data)?, limits);
        let above =
            reached.cvm || (limits.cvm.is_none() && self.input.activation.indicators.cvm_limit_exceeded);
        let [first, second, _] = &mut self.interchange;
        if !self.input.issuer_updates {
            *second &= !ISSUER_UPDATE;
        }
        *first &= !CVM_REQUIRED;
        if above && !refund(&self.input) {
            *first |= CVM_REQUIRED;
        }
        self.input.data.set(tags::INTERCHANGE, &self.interchange);
        Ok(())
    }

    // Rule C5-NEXT: a refused GET PROCESSING OPTIONS, no file locator, a mode that is not offered, a refused record, a
    // doubled object, a bad date, or no 8C, 57, 5F24: SELECT NEXT.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::tests::what_tries_the_next_application;
    // evidence: own]
    fn on_options(&mut self, answer: Rapdu<'_>) -> Result<Progress<KernelOutcome>, Reason> {
        if !answer.is_ok() {
            return Err(Reason::ProcessingOptionsRefused(answer.sw));
        }
        self.intake.options(answer.body, &self.input.data)?;
        let [_, second] = self.intake.required(tag::AIP)?;
        if second & 0x80 == 0 || self.options & EMV_MODE == 0 {
            return Err(Reason::NoKernel);
        }
        let Some(command) = self.intake.next_record() else {
            return Err(Reason::DataMissing(tag::AFL));
        };
        self.command = Some(command);
        self.state = State::AwaitRecord;
        Ok(Progress::Continue)
    }

    fn on_record(&mut self, answer: Rapdu<'_>) -> Result<Progress<KernelOutcome>, KernelOutcome> {
        self.intake
            .record(answer, &self.input.data)
            .map_err(select_next)?;
        self.command = self.intake.next_record();
        if self.command.is_some() {
            return Ok(Progress::Continue);
        }
        self.check_records().map_err(select_next)?;
        if self.echo() {
            return Ok(Progress::Continue);
        }
        self.generate()
    }

    fn check_records(&self) -> Result<(), Reason> {
        for needed in [tags::CDOL_1, tag::TRACK_2, tag::EXPIRY_DATE] {
            if self.intake.card.value(needed).is_none() {
                return Err(Reason::DataMissing(needed));
            }
        }
        for date in [tag::EXPIRY_DATE, tag::EFFECTIVE_DATE] {
            let bad = |value: &[u8]| value.len() != 3 || bcd::number(value).is_err();
            if self.intake.card.value(date).is_some_and(bad) {
                return Err(Reason::Malformed);
            }
        }
        self.intake.track(&self.input.activation).map(drop)
    }

    fn generate(&mut self) -> Result<Progress<KernelOutcome>, KernelOutcome> {
        let combined = self.restrict().map_err(select_next)?;
        self.manage_risk().map_err(select_next)?;
        let codes = (
            ActionCodes::of(&self.input.data, risk::TERMINAL_CODES),
            risk::issuer_codes(&self.intake.card),
        );
        let reach = Reach::of(&self.input.data).map_err(select_next)?;
        match risk::analyse(self.tvr, codes, reach, refund(&self.input)) {
            Analysis::Decline => Err(declined(Reason::Kernel, None)),
            Analysis::Ask(asked) => self.ask(asked, combined).map_err(select_next),
        }
    }

    // Rule C5-P1: the request is combined with a signature if the options allow authentication and AIP B1b1 is set;
    // otherwise TVR B1b8.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::tests::what_is_asked_for; evidence: own]
    // Rule C5-RESTRICT: usage control and dates set TVR byte 2; versions are not compared.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::tests::restrictions; evidence: own]
    fn restrict(&mut self) -> Result<bool, Reason> {
        let [first, _] = self.intake.required(tag::AIP)?;
        let combined = self.options & ODA != 0 && first & 0x01 != 0;
        if !combined {
            set(&mut self.tvr, 1, 0x80);
        }
        let (intake, data) = (&self.intake, &self.input.data);
        let usage = usage_allowed(
            intake.card.array(tag::USAGE_CONTROL),
            intake.card.array(tag::ISSUER_COUNTRY),
            data,
        );
        let track = intake.track(&self.input.activation)?;
        // Rule C5-EXCEPTION: where the options ask for it (B1b5) a card on the exception file sets TVR B1b5, and the
        // action codes decide.
        // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::tests::a_card_on_the_exception_file;
        // evidence: own]
        if self.options & EXCEPTION_FILE != 0 && intake.listed(&self.input, &track.pan) {
            set(&mut self.tvr, 1, 0x10);
        }
        let results = [
            (intake.expired(track.expiry_yymm, data), 0x40),
            (intake.not_yet_effective(data), 0x20),
            (!usage, 0x10),
        ];
        for (found, bit) in results {
            if found {
                set(&mut self.tvr, 2, bit);
            }
        }
        Ok(combined)
    }

    // Rule C5-RISK: the transaction limit tries the next application; floor limit, status check or an online-only
    // terminal set TVR B4b8.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::tests::risk_management; evidence: own]
    fn manage_risk(&mut self) -> Result<(), Reason> {
        let data = &self.input.data;
        let (amount, limits) = (amount_minor(data)?, Limits::of(data)?);
        let reached = risk::reached(amount, limits);
        if reached.transaction {
            return Err(Reason::LimitExceeded);
        }
        let indicators = self.input.activation.indicators;
        let status_check = self.options & STATUS_CHECK != 0 && indicators.status_check_requested;
        let floor = reached.floor || (limits.floor.is_none() && indicators.floor_limit_exceeded);
        let [random, _] = self.input.spare_unpredictable.map(u32::from_be_bytes);
        let chosen =
            self.options & RANDOM_SELECTION != 0 && risk::selected(data, amount, limits.floor, random);
        if floor || status_check || Reach::of(data)? == Reach::OnlineOnly {
            set(&mut self.tvr, 4, 0x80);
        }
        if chosen {
            set(&mut self.tvr, 4, 0x10);
        }
        Ok(())
    }

    fn ask(&mut self, asked: Request, combined: bool) -> Result<Progress<KernelOutcome>, Reason> {
        self.input.data.set(tag::TVR, &self.tvr);
        let cdol = self.intake.card.value(tags::CDOL_1).unwrap_or_default();
        self.cdol = Intake::dol_data(cdol, &self.input.data)?;
        let p1 = asked.p1(combined);
        self.command = Some(apdu::generate_ac(p1, self.cdol.expose(), true).map_err(|_| Reason::Malformed)?);
        self.state = State::AwaitCryptogram { asked, combined };
        Ok(Progress::Continue)
    }
}

fn refund(input: &KernelInput) -> bool {
    input.data.value(tag::TRANSACTION_TYPE) == Some(&[0x20])
}

impl Kernel for C5 {
    fn on_rapdu(&mut self, rapdu: &[u8], _elapsed_us: u32, now: Tick) -> Progress<KernelOutcome> {
        let Ok(answer) = Rapdu::parse(rapdu) else {
            return Progress::Done(self.on_card_lost());
        };
        self.now = now;
        let progress = match self.state {
            State::AwaitOptions => self.on_options(answer).map_err(select_next),
            State::AwaitRecord => self.on_record(answer),
            State::AwaitEcho { asked, combined } => self.on_echo(answer, asked, combined),
            State::AwaitCryptogram { asked, combined } => Err(self.on_cryptogram(asked, combined, answer)),
            State::AwaitUpdate => self.on_update(answer),
            State::Ended => Err(select_next(Reason::Malformed)),
        };
        progress.unwrap_or_else(|outcome| {
            self.state = State::Ended;
            Progress::Done(outcome)
        })
    }

    fn poll_capdu(&mut self) -> Option<Vec<u8>> {
        self.command.take()
    }

    fn on_card_lost(&mut self) -> KernelOutcome {
        match core::mem::replace(&mut self.state, State::Ended) {
            State::AwaitCryptogram { asked, combined } | State::AwaitEcho { asked, combined } => {
                self.remember(asked, combined);
            }
            State::AwaitUpdate => return self.update_lost(),
            State::AwaitOptions | State::AwaitRecord | State::Ended => {}
        }
        lost()
    }

    fn take_torn_log(&mut self) -> TornLog {
        core::mem::take(&mut self.input.torn)
    }
}

#[cfg(test)]
mod tests;
