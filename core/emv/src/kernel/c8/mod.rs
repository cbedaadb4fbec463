//! Kernel 8, the common kernel of all schemes: channel, records, one GENERATE AC, codes over what was said.
//! `unverified`.
//!
//! Source of the rules: book C-8 1.1 and book E as the project Digrol/Denom implements them; where something else is
//! the source, the rule says so. The cryptography beneath is proven by examples of the books (see `softpos-crypto` and
//! [`crate::oda`]), the order of the kernel by cards of our own only. RSA certificates are not
//! offered.

mod channel;
mod config;
mod cryptogram;
mod decision;
mod outcome;
mod storage;
mod tags;

use alloc::boxed::Box;
use alloc::vec::Vec;

use softpos_crypto::p256_key::SoftwareKey;
use softpos_types::{Pan, SecretBytes, Tick};
use softpos_wire::apdu::{self, Rapdu};
use softpos_wire::tag;

use self::channel::Channel;
use self::config::Config;
use self::decision::{Analysis, Kind};
use self::outcome::Judged;
use super::c2::relay::{self, Exchange, Promise, Verdict};
use super::configured::{Tvr, amount_minor, set};
use super::endings::{end_application, lost, select_next, torn};
use super::intake::{Habits, Intake, Template};
use super::{Kernel, KernelInput, Progress};
use crate::config::TerminalData;
use crate::outcome::{KernelOutcome, Reason};

/// The kernel's results begin so: kernel 8 and its format.
const INITIAL_TVR: Tvr = [0, 0, 0, 0, 0x80];
/// Certificates that this kernel reads: EC-SDSA over P-256, nothing else.
const CERTIFICATE_SUITES: [u8; 3] = [0x10, 0xFF, 0xFF];
/// The suite of the channel: P-256, AES-128.
const CHANNEL_SUITE: u8 = 0x00;

// Rule C8-OWN: what the reader owns is ignored when a card sends it: a card never changes the terminal's words.
// [source: inference; test: kernel::c8::tests::the_readers_values_are_not_overwritten; evidence: own]
// Rule C8-TWICE: an object may come twice with one value, not with two.
// [source: peer, Denom; test: kernel::c8::tests::doubled_objects; evidence: own]
const HABITS: Habits = Habits {
    owned: &[
        tags::KERNEL_KEY_DATA,
        tags::KERNEL_QUALIFIER,
        tags::RISK_MANAGEMENT,
        tags::ISSUER_DATA_MAC,
        tags::TIME_EXCESS,
        tags::READ_STATUS,
        tags::WRITE_STATUS,
    ],
    repeatable: &[],
    equal_twice: true,
};

/// A running kernel 8.
#[derive(Debug)]
pub struct C8 {
    input: KernelInput,
    config: Config,
    intake: Intake,
    key: SoftwareKey,
    channel: Option<Channel>,
    /// Values sent for the PDOL and for CDOL 1: the card's code covers them.
    pdol: SecretBytes,
    cdol: SecretBytes,
    relay: Option<Exchange>,
    numbers: core::array::IntoIter<[u8; 4], 2>,
    tvr: Tvr,
    /// The exception file names the card.
    listed: bool,
    /// Both sides authenticate here.
    local: bool,
    above_cvm_limit: bool,
    /// What came of the cryptogram, while envelopes are written.
    judged: Option<Box<Judged>>,
    /// Every envelope so far was confirmed.
    written: bool,
    state: State,
    command: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitOptions,
    /// The exchange of this number, with this reader's number.
    AwaitRelay(u8, [u8; 4]),
    AwaitRecord,
    /// This one of the envelopes to read.
    AwaitData(usize),
    /// A cryptogram of this kind was asked for.
    AwaitCryptogram(Kind),
    /// That this one of the envelopes was written.
    AwaitWritten(usize),
    Ended,
}

type Step = Result<Progress<KernelOutcome>, Reason>;

impl C8 {
    // Rule C8-FCI: an answer to SELECT without card qualifier (9F2C, first byte not 00): SELECT NEXT. A card that does
    // not know the channel's suite 00 (bytes 2 to 4) ends the application.
    // [source: peer, Denom; test: kernel::c8::tests::the_card_qualifier; evidence: own]
    pub(super) fn start(mut input: KernelInput) -> Result<Self, KernelOutcome> {
        let Some(key) = input.channel_key.take() else {
            return Err(select_next(Reason::NoKernel));
        };
        let intake = Intake::new(&input.activation, HABITS).map_err(select_next)?;
        let missing = select_next(Reason::DataMissing(tags::CARD_QUALIFIER));
        let Some([version, suites @ .., _, _, _]) = intake.fci.array::<7>(tags::CARD_QUALIFIER) else {
            return Err(missing);
        };
        if version == 0 {
            return Err(missing);
        }
        if !suites.contains(&CHANNEL_SUITE) {
            return Err(end_application(Reason::DataConflict));
        }
        let config = Config::read(&input.data).map_err(end_application)?;
        own_words(&mut input.data, &config, &key);
        let pdol = intake.fci.value(tag::PDOL).unwrap_or_default();
        let pdol = Intake::dol_data(pdol, &input.data).map_err(end_application)?;
        let command =
            apdu::get_processing_options(pdol.expose()).map_err(|_| end_application(Reason::Malformed))?;
        Ok(Self {
            numbers: input.spare_unpredictable.into_iter(),
            input,
            config,
            intake,
            key,
            channel: None,
            pdol,
            cdol: SecretBytes::new(Vec::new()),
            relay: None,
            tvr: INITIAL_TVR,
            listed: false,
            local: false,
            above_cvm_limit: false,
            judged: None,
            written: true,
            state: State::AwaitOptions,
            command: Some(command),
        })
    }

    // Rule C8-GPO-SW: a refused GET PROCESSING OPTIONS: SELECT NEXT.
    // [source: peer, Denom; test: kernel::c8::tests::status_words; evidence: own]
    // Rule C8-GPO: a template 77 with 82, 94 and 9F8103; CDOL 1 from the card, else the configured one. Anything less
    // ends the application.
    // [source: peer, Denom; test: kernel::c8::tests::what_the_options_must_hold; evidence: own]
    fn on_options(&mut self, answer: Rapdu<'_>) -> Step {
        if !answer.is_ok() {
            let refused = Reason::ProcessingOptionsRefused(answer.sw);
            return Ok(Progress::Done(select_next(refused)));
        }
        if self.intake.options(answer.body, &self.input.data)? == Template::Format1 {
            return Err(Reason::Malformed);
        }
        if self.intake.next_record().is_none() {
            return Err(Reason::DataMissing(tag::AFL));
        }
        if self.list_1().is_empty() {
            return Err(Reason::DataMissing(tags::CDOL_1));
        }
        let key_data = self.intake.card.value(tags::CARD_KEY_DATA);
        let key_data = key_data.ok_or(Reason::DataMissing(tags::CARD_KEY_DATA))?;
        self.channel = Some(Channel::open(&self.key, key_data).ok_or(Reason::ChannelBroken)?);
        let [_, second] = self.intake.required::<2>(tag::AIP)?;
        // Rule C8-RRP: relay resistance where card (AIP B2b1) and configuration have it, by the arithmetic of kernel 2
        // and with a new number for each try; else TVR B5b1.
        // [source: peer, Denom; test: kernel::c8::tests::relay_resistance,
        // softpos-cards::relay::numbers_and_times_of_the_exchange_are_those_the_card_signed; evidence: own]
        if self.config.relay_resistance() && second & 0x01 != 0 {
            let number = self.input.data.value(tag::UNPREDICTABLE_NUMBER);
            let number = number.and_then(|number| number.try_into().ok());
            let number = number.ok_or(Reason::TerminalDataMissing(tag::UNPREDICTABLE_NUMBER))?;
            return Ok(self.exchange(1, number));
        }
        set(&mut self.tvr, 5, 0x01);
        self.next_record()
    }

    fn exchange(&mut self, count: u8, number: [u8; 4]) -> Progress<KernelOutcome> {
        self.input.data.set(tag::UNPREDICTABLE_NUMBER, &number);
        self.state = State::AwaitRelay(count, number);
        self.send(relay::command(number))
    }

    fn on_relay(&mut self, (count, number): (u8, [u8; 4]), answer: Rapdu<'_>, elapsed_us: u32) -> Step {
        if !answer.is_ok() {
            return Err(Reason::CommandRefused(answer.sw));
        }
        let promise = Promise::parse(answer).ok_or(Reason::Malformed)?;
        let timing = self.config.timing;
        let measured = timing.measured(elapsed_us, promise);
        match timing.verdict(measured, promise) {
            Verdict::TooFast => return Err(Reason::RelaySuspected),
            Verdict::TooSlow if count < relay::MAX_EXCHANGES => {
                if let Some(fresh) = self.numbers.next() {
                    return Ok(self.exchange(count.saturating_add(1), fresh));
                }
                set(&mut self.tvr, 5, 0x04);
            }
            Verdict::TooSlow => set(&mut self.tvr, 5, 0x04),
            Verdict::InTime => {}
        }
        if timing.beyond_threshold(measured, promise) {
            set(&mut self.tvr, 5, 0x08);
        }
        set(&mut self.tvr, 5, 0x02);
        let excess = measured.saturating_sub(promise.max.into());
        let excess = u16::try_from(excess).unwrap_or(u16::MAX);
        self.input.data.set(tags::TIME_EXCESS, &excess.to_be_bytes());
        self.relay = Some(Exchange {
            number,
            promise,
            measured,
            count,
        });
        self.next_record()
    }

    // Rule C8-RECORD-READ: a record is a template 70 in the clear or DA enciphered; of those that are authenticated the
    // content counts, deciphered.
    // [source: peer, Denom; test: kernel::c8::tests::records_come_plain_or_enciphered; evidence: own]
    fn on_record(&mut self, answer: Rapdu<'_>) -> Step {
        if !answer.is_ok() {
            return Err(Reason::RecordRefused(answer.sw));
        }
        let opened = match &mut self.channel {
            Some(channel) => channel.record(answer.body)?,
            None => None,
        };
        let body = opened.as_ref().map_or(answer.body, SecretBytes::expose);
        let record = Rapdu { body, sw: answer.sw };
        self.intake.record(record, &self.input.data)?;
        self.next_record()
    }

    fn next_record(&mut self) -> Step {
        match self.intake.next_record() {
            Some(command) => {
                self.state = State::AwaitRecord;
                Ok(self.send(command))
            }
            None => self.read_data(0),
        }
    }

    // Rule C8-LIMITS: above the CVM limit, not at it, verification is asked for (9F33 and 9F1D, 9F1D B2b8); above the
    // floor limit TVR B4b8. There is no transaction limit beyond the Entry Point's.
    // [source: peer, Denom; test: kernel::c8::tests::limits_count_above_them; evidence: own]
    // Rule C8-LOCAL: authenticated here if the security capability (b5) and AIP B1b1 have it; else TVR B1b8.
    // [source: peer, Denom; test: kernel::c8::tests::local_authentication; evidence: own]
    fn generate(&mut self) -> Step {
        let amount = amount_minor(&self.input.data)?;
        self.above_cvm_limit = amount > self.config.cvm_limit_minor;
        let capability = if self.above_cvm_limit {
            self.config.cvm_capability_required
        } else {
            self.config.cvm_capability_not_required
        };
        let mut risk = self.config.risk_management;
        let [first, second, ..] = &mut risk;
        *first = capability;
        if self.above_cvm_limit {
            *second |= 0x80;
        }
        let (input, security) = (self.config.input_capability, self.config.security_capability);
        self.input.data.set(tags::RISK_MANAGEMENT, &risk);
        self.input
            .data
            .set(tag::TERMINAL_CAPABILITIES, &[input, capability, security]);
        if amount > self.config.floor_limit_minor {
            set(&mut self.tvr, 4, 0x80);
        }
        let [first, _] = self.intake.required::<2>(tag::AIP)?;
        self.local = self.config.local_authentication() && first & 0x01 != 0;
        if !self.local {
            set(&mut self.tvr, 1, 0x80);
        }
        if let Ok(track) = self.intake.track(&self.input.activation) {
            self.look_up(&track.pan);
        }
        let wanted = self.wanted()?;
        self.input.data.set(tag::TVR, &self.tvr);
        self.cdol = Intake::dol_data(self.list_1(), &self.input.data)?;
        let command = self.generate_command(wanted)?;
        self.state = State::AwaitCryptogram(wanted);
        Ok(self.send(command))
    }

    // Rule C8-EXCEPTION: a card on the exception file sets TVR B1b5 and is declined; the kernel's own rules name no such
    // file.
    // [source: inference; test: kernel::c8::tests::a_card_on_the_exception_file; evidence: own]
    fn look_up(&mut self, pan: &Pan) {
        self.listed = self.intake.listed(&self.input, pan);
        if self.listed {
            set(&mut self.tvr, 1, 0x10);
        }
    }

    /// What the terminal wants by the results so far.
    fn wanted(&self) -> Result<Kind, Reason> {
        let analysed = self.analysis()?.of(self.tvr);
        Ok(if self.listed { Kind::Decline } else { analysed })
    }

    /// Why it declines, if it does.
    fn denied_for(&self) -> Result<Reason, Reason> {
        let denied = self.analysis()?.denied_for(self.tvr);
        Ok(if self.listed {
            Reason::OnExceptionFile
        } else {
            denied
        })
    }

    fn analysis(&self) -> Result<Analysis, Reason> {
        let [_, second] = self.intake.required::<2>(tag::AIP)?;
        Ok(Analysis {
            denial: self.config.tac_denial,
            online: self.config.tac_online,
            reach: self.config.reach,
            card_offline: second & 0x08 != 0,
        })
    }

    /// CDOL 1: the card's, else the configured one.
    fn list_1(&self) -> &[u8] {
        let card = self.intake.card.value(tags::CDOL_1);
        card.or_else(|| self.intake.fci.value(tags::CDOL_1))
            .unwrap_or(&self.config.default_cdol)
    }

    fn send(&mut self, command: Vec<u8>) -> Progress<KernelOutcome> {
        self.command = Some(command);
        Progress::Continue
    }
}

// Rule C8-WORDS: kernel qualifier 02, local authentication b8, channel suite 00, certificate suites 10; the key as x
// and y; 9F33 from its parts, verification results 0000000080.
// [source: peer, Denom; test: kernel::c8::tests::the_whole_tap_byte_for_byte; evidence: own]
fn own_words(data: &mut TerminalData, config: &Config, key: &SoftwareKey) {
    let local = if config.local_authentication() { 0x80 } else { 0 };
    let qualifier = [&[0x02, local, CHANNEL_SUITE][..], &CERTIFICATE_SUITES, &[0, 0]].concat();
    data.set(tags::KERNEL_QUALIFIER, &qualifier);
    let point = [key.public().x(), key.public().y()].concat();
    data.set(tags::KERNEL_KEY_DATA, &point);
    let capabilities = [config.input_capability, 0, config.security_capability];
    data.set(tag::TERMINAL_CAPABILITIES, &capabilities);
    data.set(tag::CVM_RESULTS, &[0; 3]);
    data.set(tag::TVR, &INITIAL_TVR);
    storage::own_words(data);
}

impl Kernel for C8 {
    fn on_rapdu(&mut self, rapdu: &[u8], elapsed_us: u32, _now: Tick) -> Progress<KernelOutcome> {
        let Ok(answer) = Rapdu::parse(rapdu) else {
            return Progress::Done(self.on_card_lost());
        };
        let step = match self.state {
            State::AwaitOptions => self.on_options(answer),
            State::AwaitRelay(count, number) => self.on_relay((count, number), answer, elapsed_us),
            State::AwaitRecord => self.on_record(answer),
            State::AwaitData(index) => self.on_data(index, answer),
            State::AwaitCryptogram(asked) => self.on_cryptogram(asked, answer),
            State::AwaitWritten(index) => self.on_written(index, answer),
            State::Ended => Err(Reason::Malformed),
        };
        let progress = step.unwrap_or_else(|reason| Progress::Done(end_application(reason)));
        match progress {
            Progress::Continue => Progress::Continue,
            Progress::Done(outcome) => {
                self.state = State::Ended;
                Progress::Done(self.reported(outcome))
            }
        }
    }

    fn poll_capdu(&mut self) -> Option<Vec<u8>> {
        self.command.take()
    }

    // Rule C8-LOST: a card that leaves is presented again, but not when it may have approved already.
    // [source: inference; test: kernel::c8::tests::a_card_that_leaves; evidence: own]
    fn on_card_lost(&mut self) -> KernelOutcome {
        match core::mem::replace(&mut self.state, State::Ended) {
            State::AwaitCryptogram(Kind::Accept) => torn(),
            // The cryptogram is here and holds; only an envelope is not written.
            State::AwaitWritten(_) => {
                let outcome = self.concluded().unwrap_or_else(end_application);
                self.reported(outcome)
            }
            State::AwaitCryptogram(Kind::Decline | Kind::Online)
            | State::AwaitOptions
            | State::AwaitRelay(..)
            | State::AwaitRecord
            | State::AwaitData(_)
            | State::Ended => lost(),
        }
    }
}

#[cfg(test)]
mod tests;
