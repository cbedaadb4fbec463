//! Kernel 2 (Mastercard): GET PROCESSING OPTIONS, relay resistance, records, GENERATE AC once.
//!
//! Sources of the rules: the Mastercard kernels of two public readers (danhu, `DCEMV`); where they do not agree the
//! choice is said at the place. Integrated data storage is not offered. There is no second GENERATE AC after the
//! issuer has answered.

mod analysis;
mod cda;
mod config;
mod generate;
mod outcome;
pub(super) mod relay;
mod restrictions;
mod risk;
mod stop;
mod store;
#[cfg(feature = "mag-stripe")]
mod stripe;
mod tags;
mod tvr;
mod verification;

use alloc::sync::Arc;
use alloc::vec::Vec;

use softpos_types::{SecretBytes, Tick};
use softpos_wire::afl::{Afl, RecordId};
use softpos_wire::apdu::{self, Rapdu};
use softpos_wire::dol::Dol;
use softpos_wire::gpo::{GpoError, GpoResponse};
use softpos_wire::{Tag, tag, tlv};

use self::analysis::Request;
use self::config::Config;
use self::relay::{Exchange, Promise, Verdict};
use self::stop::{Stop, l2};
use self::tvr::Tvr;
use super::intake::MAX_RECORDS;
use super::{Kernel, KernelInput, Progress};
use crate::config::TerminalData;
use crate::data::CardData;
use crate::entry::Activation;
use crate::exceptions::ExceptionFile;
use crate::oda::{AuthorityKeys, StaticData};
use crate::outcome::{Authentication, Cvm, KernelOutcome, Reason};
use crate::torn::{TornLog, TornRecord};

/// The stripe mode's own file, which comes first for readers that know both modes.
const STRIPE_FILE: [u8; 4] = [0x08, 0x01, 0x01, 0x00];

/// The most a PDOL may ask for: with its template it still fits a short command.
const MAX_PDOL_DATA: usize = 252;

/// A running kernel 2.
#[derive(Debug)]
pub struct C2 {
    activation: Activation,
    /// The reader's own objects; the kernel adds what it finds.
    data: TerminalData,
    spare_numbers: core::array::IntoIter<[u8; 4], 2>,
    config: Config,
    /// From the answer to SELECT.
    fci: CardData,
    /// From everything after it.
    card: CardData,
    records: Vec<RecordId>,
    /// The signed records, in the order read.
    static_data: StaticData,
    keys: Arc<AuthorityKeys>,
    exceptions: Arc<ExceptionFile>,
    authentication: Option<Authentication>,
    pdol_data: SecretBytes,
    cdol1_data: SecretBytes,
    /// The body of the answer to GENERATE AC or RECOVER AC.
    answer: SecretBytes,
    tvr: Tvr,
    cvm: Cvm,
    cvm_results: [u8; 3],
    receipt: bool,
    request: Request,
    relay: Option<Exchange>,
    balances: Balances,
    torn: TornLog,
    /// The cut tap that RECOVER AC is asked for.
    recovering: Option<TornRecord>,
    /// A cut tap that nobody came back for.
    given_up: Option<TornRecord>,
    /// When the card last answered: the moment of the command that followed.
    now: Tick,
    state: State,
    command: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitOptions,
    /// With how many exchanges there were, the one under way included.
    AwaitRelay(u8, [u8; 4]),
    AwaitRecord(usize),
    AwaitBalanceBefore,
    /// GENERATE AC was sent.
    AwaitCryptogram,
    /// RECOVER AC was sent.
    AwaitRecovered,
    AwaitBalanceAfter,
    #[cfg(feature = "mag-stripe")]
    AwaitStripeRecord(usize),
    /// COMPUTE CRYPTOGRAPHIC CHECKSUM was sent.
    #[cfg(feature = "mag-stripe")]
    AwaitChecksum,
    Ended,
}

#[derive(Clone, Copy, Debug, Default)]
struct Balances {
    before: Option<[u8; 6]>,
    after: Option<[u8; 6]>,
}

/// A command to send, or the end.
#[derive(Debug)]
enum Next {
    Send(Vec<u8>),
    End(KernelOutcome),
}

impl C2 {
    pub(super) fn start(input: KernelInput) -> Result<Self, KernelOutcome> {
        let KernelInput {
            activation,
            data,
            spare_unpredictable,
            channel_key: _,
            torn,
            keys,
            exceptions,
            issuer_updates: _,
            returning: _,
        } = input;
        let config = Config::read(&data).map_err(|reason| Stop::card(l2::TERMINAL_DATA, reason).outcome())?;
        let mut kernel = Self {
            activation,
            data,
            spare_numbers: spare_unpredictable.into_iter(),
            config,
            fci: CardData::default(),
            card: CardData::default(),
            records: Vec::new(),
            static_data: StaticData::default(),
            keys,
            exceptions,
            authentication: None,
            pdol_data: SecretBytes::new(Vec::new()),
            cdol1_data: SecretBytes::new(Vec::new()),
            answer: SecretBytes::new(Vec::new()),
            tvr: Tvr::default(),
            cvm: Cvm::None,
            cvm_results: [0; 3],
            receipt: false,
            request: Request::new(analysis::Cryptogram::Aac, false, false, false),
            relay: None,
            balances: Balances::default(),
            torn,
            recovering: None,
            given_up: None,
            now: Tick::default(),
            state: State::AwaitOptions,
            command: None,
        };
        kernel.command = Some(kernel.processing_options().map_err(Stop::outcome)?);
        Ok(kernel)
    }

    // Rule C2-GPO-1: the values of the PDOL are never cut; without a PDOL the template is empty.
    // [source: peer, proxmark3 cuts and then fails CDA;
    // test: kernel::c2::tests::no_pdol_is_legal, kernel::c2::foreign::the_whole_tap_byte_for_byte;
    // evidence: foreign mock-msc-offline]
    /// Takes the FCI in and builds GET PROCESSING OPTIONS. No PDOL is legal: then the template is empty.
    fn processing_options(&mut self) -> Result<Vec<u8>, Stop> {
        let malformed = || Stop::card(l2::PARSING, Reason::Malformed).next();
        let activation = &self.activation;
        let template = tlv::only(activation.fci.expose(), tag::FCI_TEMPLATE).ok_or_else(malformed)?;
        store::absorb(template, &mut self.fci, &self.data)
            .map_err(|reason| Stop::card(l2::PARSING, reason).next())?;
        let missing = Stop::card(l2::DATA_MISSING, Reason::DataMissing(tag::DF_NAME)).next();
        let name = self.fci.value(tag::DF_NAME).ok_or(missing)?;
        if name != self.activation.adf_name.as_bytes() {
            return Err(Stop::card(l2::CARD_DATA, Reason::DataConflict).next());
        }
        let Config {
            input_capability,
            security_capability,
            ..
        } = self.config;
        self.data.set(
            tag::TERMINAL_CAPABILITIES,
            &[input_capability, 0, security_capability],
        );
        self.data.set(tag::TVR, &[0; 5]);
        self.data.set(tag::CVM_RESULTS, &[0; 3]);
        let pdol = self.fci.value(tag::PDOL).unwrap_or_default();
        let dol = Dol::parse(pdol).map_err(|_| malformed())?;
        // The data is never cut: the card signs what it was promised.
        if dol.total() > MAX_PDOL_DATA {
            return Err(malformed());
        }
        self.pdol_data = SecretBytes::new(dol.build(|wanted| self.data.value(wanted), Tag::format));
        apdu::get_processing_options(self.pdol_data.expose()).map_err(|_| malformed())
    }

    // Rule C2-GPO-2: a refused GET PROCESSING OPTIONS leads to the next application, whatever the status word.
    // [source: peer, danhu;
    // test: kernel::c2::tests::refused_options_lead_to_the_next_application;
    // evidence: own]
    // Rule C2-GPO-3: both formats of the answer are taken.
    // [source: peer, O2Xfs refuses format 1;
    // test: kernel::c2::tests::options_in_both_formats_and_without_locator;
    // evidence: own]
    fn on_options(&mut self, answer: Rapdu<'_>) -> Result<Next, Stop> {
        if !answer.is_ok() {
            return Err(Stop::status(answer.sw, Reason::ProcessingOptionsRefused(answer.sw)).next());
        }
        let options = GpoResponse::parse(answer.body).map_err(|error| match error {
            GpoError::Aip => Stop::card(l2::DATA_MISSING, Reason::DataMissing(tag::AIP)),
            GpoError::Tlv(_) | GpoError::Template => Stop::card(l2::PARSING, Reason::Malformed),
        })?;
        let taken = if options.format == 1 {
            self.card.insert(tag::AIP, &options.aip).map_err(Reason::from)
        } else {
            store::absorb(answer.body, &mut self.card, &self.data)
        };
        taken.map_err(|reason| Stop::card(l2::PARSING, reason))?;
        let afl = options
            .afl
            .ok_or(Stop::card(l2::DATA_MISSING, Reason::DataMissing(tag::AFL)))?;
        if !(self.config.emv_mode() && self.profile(1, 0x80)) {
            return self.without_emv_mode(afl);
        }
        self.take_locator(afl)?;
        if !self.authenticates() {
            self.tvr.set(tvr::NO_AUTHENTICATION);
        }
        if !(self.profile(1, 0x01) && self.config.relay_resistance()) {
            self.tvr.set(tvr::RELAY_NOT_PERFORMED);
            return self.next_record(0);
        }
        let number = self.data.value(tag::UNPREDICTABLE_NUMBER);
        let missing = Reason::TerminalDataMissing(tag::UNPREDICTABLE_NUMBER);
        let number = number.and_then(|number| number.try_into().ok());
        let number = number.ok_or(Stop::card(l2::TERMINAL_DATA, missing))?;
        Ok(self.exchange(1, number))
    }

    /// Stripe mode is not built in: the card cannot pay here.
    #[cfg(not(feature = "mag-stripe"))]
    #[expect(
        clippy::unused_self,
        reason = "its twin with the feature starts the other mode"
    )]
    const fn without_emv_mode(&mut self, _afl: &[u8]) -> Result<Next, Stop> {
        Err(Stop::card(l2::STRIPE, Reason::Malformed))
    }

    // Rule C2-AFL-1: the stripe mode's file 08010100 is skipped where it comes first and the reader knows that mode.
    // [source: foreign vector, mock-msc-offline;
    // test: kernel::c2::foreign::the_whole_tap_byte_for_byte, kernel::c2::tests::the_stripe_modes_file_is_skipped_by_readers_that_know_it;
    // evidence: foreign mock-msc-offline]
    /// Skips the stripe mode's file, which the card lists first for readers that know both modes.
    fn take_locator(&mut self, afl: &[u8]) -> Result<(), Stop> {
        self.plan(match afl.strip_prefix(&STRIPE_FILE) {
            Some(rest) if self.config.stripe_mode() => rest,
            Some(_) | None => afl,
        })
    }

    fn plan(&mut self, afl: &[u8]) -> Result<(), Stop> {
        let wrong = || Stop::card(l2::CARD_DATA, Reason::Malformed);
        let afl = Afl::parse(afl).map_err(|_| wrong())?;
        self.records = afl.records().take(MAX_RECORDS.saturating_add(1)).collect();
        if self.records.len() > MAX_RECORDS {
            return Err(wrong());
        }
        Ok(())
    }

    fn exchange(&mut self, count: u8, number: [u8; 4]) -> Next {
        self.data.set(tag::UNPREDICTABLE_NUMBER, &number);
        self.state = State::AwaitRelay(count, number);
        Next::Send(relay::command(number))
    }

    // Rule C2-RRP-4: three exchanges in all, each with a new unpredictable number and a watch that starts anew.
    // [source: peer, DCEMV lets the watch run on and Denom reuses the number;
    // test: kernel::c2::tests::relay::a_new_number_for_each_try_and_the_watch_starts_anew;
    // evidence: own]
    /// Too fast ends it at once; too slow is tried again with a new number, and the last try stands.
    fn on_relay(
        &mut self,
        (count, number): (u8, [u8; 4]),
        answer: Rapdu<'_>,
        elapsed_us: u32,
    ) -> Result<Next, Stop> {
        if !answer.is_ok() {
            return Err(Stop::status(answer.sw, Reason::CommandRefused(answer.sw)));
        }
        let promise = Promise::parse(answer).ok_or(Stop::card(l2::PARSING, Reason::Malformed))?;
        let timing = self.config.timing;
        let measured = timing.measured(elapsed_us, promise);
        match timing.verdict(measured, promise) {
            Verdict::TooFast => return Err(Stop::card(l2::CARD_DATA, Reason::RelaySuspected)),
            Verdict::TooSlow if count < relay::MAX_EXCHANGES => {
                if let Some(fresh) = self.spare_numbers.next() {
                    return Ok(self.exchange(count.saturating_add(1), fresh));
                }
                self.tvr.set(tvr::RELAY_TIME);
            }
            Verdict::TooSlow => self.tvr.set(tvr::RELAY_TIME),
            Verdict::InTime => {}
        }
        if timing.beyond_threshold(measured, promise) {
            self.tvr.set(tvr::RELAY_THRESHOLD);
        }
        self.tvr.set(tvr::RELAY_PERFORMED);
        let exchange = Exchange {
            number,
            promise,
            measured,
            count,
        };
        self.keep_relay(exchange);
        self.next_record(0)
    }

    fn keep_relay(&mut self, exchange: Exchange) {
        let Exchange {
            number,
            promise,
            measured,
            count,
        } = exchange;
        let measured = u16::try_from(measured).unwrap_or(u16::MAX);
        self.data.set(tags::READER_ENTROPY, &number);
        self.data.set(tags::CARD_ENTROPY, &promise.entropy);
        self.data.set(tags::MIN_TIME, &promise.min.to_be_bytes());
        self.data.set(tags::MAX_TIME, &promise.max.to_be_bytes());
        self.data
            .set(tags::ANSWER_ESTIMATE, &promise.estimate.to_be_bytes());
        self.data.set(tags::MEASURED_TIME, &measured.to_be_bytes());
        self.data.set(tags::EXCHANGES, &[count]);
        self.relay = Some(exchange);
    }

    fn next_record(&mut self, index: usize) -> Result<Next, Stop> {
        match self.records.get(index) {
            Some(record) => {
                self.state = State::AwaitRecord(index);
                Ok(Next::Send(apdu::read_record(record.sfi, record.record)))
            }
            None => self.all_read(),
        }
    }

    fn on_record(&mut self, index: usize, answer: Rapdu<'_>) -> Result<Next, Stop> {
        let record = self
            .records
            .get(index)
            .copied()
            .ok_or(Stop::card(l2::PARSING, Reason::Malformed))?;
        store::record(answer, &mut self.card, &self.data)?;
        if record.oda {
            self.static_data.add_record(record.sfi, answer.body);
        }
        self.next_record(index.saturating_add(1))
    }

    /// A bit of 82.
    fn profile(&self, byte: usize, mask: u8) -> bool {
        let aip = self.card.value(tag::AIP).and_then(|aip| aip.get(byte));
        aip.is_some_and(|byte| byte & mask != 0)
    }

    /// Both sides do CDA.
    fn authenticates(&self) -> bool {
        self.profile(0, 0x01) && self.config.security_capability & 0x08 != 0
    }

    /// Both sides let a device verify its holder.
    fn on_device(&self) -> bool {
        self.profile(0, 0x02) && self.config.on_device()
    }

    /// An object of the card that is there and not empty.
    fn given(&self, tag: Tag) -> Option<&[u8]> {
        self.card.value(tag).filter(|value| !value.is_empty())
    }

    fn required(&self, tag: Tag) -> Result<&[u8], Stop> {
        self.given(tag)
            .ok_or(Stop::card(l2::DATA_MISSING, Reason::DataMissing(tag)))
    }

    fn step(&mut self, answer: Rapdu<'_>, elapsed_us: u32) -> Result<Next, Stop> {
        match self.state {
            State::AwaitOptions => self.on_options(answer),
            State::AwaitRelay(count, number) => self.on_relay((count, number), answer, elapsed_us),
            State::AwaitRecord(index) => self.on_record(index, answer),
            State::AwaitBalanceBefore => {
                self.balances.before = store::balance(answer);
                self.analyse()
            }
            State::AwaitCryptogram => self.on_cryptogram(answer),
            State::AwaitRecovered => self.on_recovered(answer),
            State::AwaitBalanceAfter => {
                self.balances.after = store::balance(answer);
                self.conclude().map(Next::End)
            }
            #[cfg(feature = "mag-stripe")]
            State::AwaitStripeRecord(index) => self.on_stripe_record(index, answer),
            #[cfg(feature = "mag-stripe")]
            State::AwaitChecksum => self.on_checksum(answer),
            State::Ended => Err(Stop::card(l2::PARSING, Reason::Malformed)),
        }
    }
}

impl Kernel for C2 {
    fn on_rapdu(&mut self, rapdu: &[u8], elapsed_us: u32, now: Tick) -> Progress<KernelOutcome> {
        let Ok(answer) = Rapdu::parse(rapdu) else {
            return Progress::Done(self.on_card_lost());
        };
        self.now = now;
        let outcome = match self.step(answer, elapsed_us) {
            Ok(Next::Send(command)) => {
                self.command = Some(command);
                return Progress::Continue;
            }
            Ok(Next::End(outcome)) => outcome,
            Err(stop) => self.stopped(stop),
        };
        self.state = State::Ended;
        Progress::Done(outcome)
    }

    fn poll_capdu(&mut self) -> Option<Vec<u8>> {
        self.command.take()
    }

    fn on_card_lost(&mut self) -> KernelOutcome {
        let state = core::mem::replace(&mut self.state, State::Ended);
        self.lost(state)
    }

    fn take_torn_log(&mut self) -> TornLog {
        core::mem::take(&mut self.torn)
    }
}

#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at whatever it did not expect"
)]
mod foreign;
#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at whatever it did not expect"
)]
mod tests;
