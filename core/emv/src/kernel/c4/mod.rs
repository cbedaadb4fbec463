//! Kernel 4 (American Express, EMV mode): GET PROCESSING OPTIONS, records, verification, one GENERATE AC.
//! `unverified` but for what one public tap shows.
//!
//! Source of the rules: one vendor's kernels of 2013 to 2020, so older than books 2.11; where something else is the
//! source, the rule says so. Stripe mode is not offered.

mod authentication;
mod conclusion;
mod cvm;
mod risk;
mod tags;

use alloc::vec::Vec;

use softpos_types::{SecretBytes, Tick};
use softpos_wire::apdu::{self, Rapdu};
use softpos_wire::track2::Track2;
use softpos_wire::{Tag, tag};

use self::authentication::Oda;
use self::cvm::{Abilities, Holder, Verified};
use self::risk::Request;
use super::configured::{ActionCodes, Limits, Reach, Tvr, amount_minor, set, usage_allowed};
use super::endings::{end_application, lost, other_interface, restart};
use super::intake::{Habits, Intake};
use super::{Kernel, KernelInput, Progress};
use crate::outcome::{Cvm, KernelOutcome, Reason};
use crate::ui::Message;

/// "See phone": how long message and silence of the field last.
const RESTART_MS: u32 = 1_300;

/// 9F6E byte 1 bit 8: the reader has a contact interface.
const HAS_CONTACT: u8 = 0x80;
/// 9F6E byte 3 bit 8: the reader never goes online.
const OFFLINE_ONLY: u8 = 0x80;
/// 9F6E byte 3 bit 7 and 9F6D bit 4: verification is required.
const CVM_REQUIRED_ENHANCED: u8 = 0x40;
const CVM_REQUIRED: u8 = 0x08;
/// 9F6E byte 4 bit 8: no verification is ever required here.
const NO_CVM_EXEMPT: u8 = 0x80;
/// 9F6E byte 4 bit 7: the issuer is asked later.
const DELAYED: u8 = 0x40;

const HABITS: Habits = Habits {
    owned: &[tags::READER_CAPABILITIES, tags::ENHANCED_CAPABILITIES],
    repeatable: &[],
    equal_twice: false,
};

/// A running kernel 4.
#[derive(Debug)]
pub struct C4 {
    input: KernelInput,
    intake: Intake,
    /// Values sent for the PDOL and for CDOL 1: the card signs them.
    pdol: SecretBytes,
    cdol: SecretBytes,
    capabilities: u8,
    enhanced: [u8; 4],
    tvr: Tvr,
    oda: Oda,
    cvm: Cvm,
    cvm_results: [u8; 3],
    state: State,
    command: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitOptions,
    AwaitRecord,
    AwaitCryptogram(Request),
    Ended,
}

impl C4 {
    pub(super) fn start(input: KernelInput) -> Result<Self, KernelOutcome> {
        let intake = Intake::new(&input.activation, HABITS).map_err(end_application)?;
        let mut kernel = Self {
            capabilities: own(&input, tags::READER_CAPABILITIES).map_or(0, |[byte]| byte),
            enhanced: own(&input, tags::ENHANCED_CAPABILITIES).unwrap_or_default(),
            input,
            intake,
            pdol: SecretBytes::new(Vec::new()),
            cdol: SecretBytes::new(Vec::new()),
            tvr: [0; 5],
            oda: Oda::None,
            cvm: Cvm::None,
            cvm_results: [0x3F, 0x00, 0x00],
            state: State::AwaitOptions,
            command: None,
        };
        kernel.command = Some(kernel.processing_options().map_err(end_application)?);
        Ok(kernel)
    }

    fn processing_options(&mut self) -> Result<Vec<u8>, Reason> {
        let limits = self.limits()?;
        self.require_cvm(risk::exceeded(amount_minor(&self.input.data)?, limits).cvm);
        let pdol = self.intake.fci.value(tag::PDOL).unwrap_or_default();
        let mut data = self.input.data.clone();
        // Rule C4-TYPE-OR: a PDOL that asks for 9F35 but for neither 9F6D nor 9F6E gets 9F35 OR 9F6D.
        // [source: foreign vector log-amex-cda; test: kernel::c4::tests::a_public_tap_byte_for_byte,
        // kernel::c4::tests::reader_capabilities_in_the_pdol; evidence: foreign binaryfoo/emv-bertlv amex-cda]
        let folded = !self.intake.pdol_asks_for(tags::READER_CAPABILITIES)
            && !self.intake.pdol_asks_for(tags::ENHANCED_CAPABILITIES);
        if let (true, Some([kind])) = (folded, own(&self.input, tag::TERMINAL_TYPE)) {
            data.set(tag::TERMINAL_TYPE, &[kind | self.capabilities]);
        }
        self.pdol = Intake::dol_data(pdol, &data)?;
        apdu::get_processing_options(self.pdol.expose()).map_err(|_| Reason::Malformed)
    }

    fn limits(&self) -> Result<Limits, Reason> {
        let data = &self.input.data;
        let mut limits = Limits::of(data)?;
        // Where the kernel has no limit of its own, what pre-processing found stands.
        let indicators = self.input.activation.indicators;
        if indicators.cvm_limit_exceeded {
            limits.cvm = limits.cvm.or(Some(0));
        }
        if indicators.floor_limit_exceeded && limits.floor.is_none() {
            limits.floor = amount_minor(data)?.checked_sub(1);
        }
        Ok(risk::limits_for(
            &self.intake.card,
            &self.intake.fci,
            data,
            limits,
        ))
    }

    // Rule C4-CVM-REQUIRED: an amount at or above the verification limit sets 9F6D bit 4 and 9F6E B3b7, unless 9F6E
    // B4b8 exempts the reader.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::tests::verification_is_announced; evidence: own]
    fn require_cvm(&mut self, above: bool) {
        let required = above && self.enhanced[3] & NO_CVM_EXEMPT == 0;
        let with = |byte: u8, bit: u8| if required { byte | bit } else { byte & !bit };
        self.capabilities = with(self.capabilities, CVM_REQUIRED);
        self.enhanced[2] = with(self.enhanced[2], CVM_REQUIRED_ENHANCED);
        let data = &mut self.input.data;
        data.set(tags::READER_CAPABILITIES, &[self.capabilities]);
        data.set(tags::ENHANCED_CAPABILITIES, &self.enhanced);
    }

    // Rule C4-GPO: any status word but 9000 ends the application; both answer formats are taken.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::tests::answers_to_get_processing_options;
    // evidence: own]
    fn on_options(&mut self, answer: Rapdu<'_>) -> Result<Progress<KernelOutcome>, KernelOutcome> {
        if !answer.is_ok() {
            return Err(end_application(Reason::ProcessingOptionsRefused(answer.sw)));
        }
        self.intake
            .options(answer.body, &self.input.data)
            .map_err(end_application)?;
        let [_, second] = self.aip().map_err(end_application)?;
        // Rule C4-EMV: EMV mode if 9F6D bit 8 and AIP B2b8 are set; a card of stripe mode alone cannot pay here.
        // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::tests::stripe_mode_is_not_offered;
        // evidence: own]
        if self.capabilities & 0x80 == 0 || second & 0x80 == 0 {
            return Err(end_application(Reason::NoKernel));
        }
        self.next_record()
    }

    fn next_record(&mut self) -> Result<Progress<KernelOutcome>, KernelOutcome> {
        self.command = self.intake.next_record();
        if self.command.is_some() {
            self.state = State::AwaitRecord;
            return Ok(Progress::Continue);
        }
        self.generate()
    }

    // Rule C4-RECORDS: a refused record, a doubled object, or no 5A, 5F24 or 8C in the end: END APPLICATION.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::tests::what_the_records_must_hold;
    // evidence: own]
    fn generate(&mut self) -> Result<Progress<KernelOutcome>, KernelOutcome> {
        for needed in [tag::PAN, tag::EXPIRY_DATE, tags::CDOL_1] {
            if self.intake.card.value(needed).is_none() {
                return Err(end_application(Reason::DataMissing(needed)));
            }
        }
        let track = self
            .intake
            .track(&self.input.activation)
            .map_err(end_application)?;
        self.authenticate(&track.pan);
        self.restrict(&track);
        self.check_limits()?;
        self.verify_holder()?;
        let request = risk::request(
            self.tvr,
            ActionCodes::of(&self.input.data, NO_CODES),
            risk::issuer_codes(&self.intake.card),
            self.reach().map_err(end_application)?,
        );
        self.ask(request).map_err(end_application)
    }

    fn ask(&mut self, request: Request) -> Result<Progress<KernelOutcome>, Reason> {
        self.input.data.set(tag::TVR, &self.tvr);
        self.input.data.set(tag::CVM_RESULTS, &self.cvm_results);
        let cdol = self.intake.card.value(tags::CDOL_1).unwrap_or_default();
        self.cdol = Intake::dol_data(cdol, &self.input.data)?;
        let p1 = request.p1(self.oda.is_combined());
        self.command = Some(apdu::generate_ac(p1, self.cdol.expose(), true).map_err(|_| Reason::Malformed)?);
        self.state = State::AwaitCryptogram(request);
        Ok(Progress::Continue)
    }

    fn aip(&self) -> Result<[u8; 2], Reason> {
        self.intake.required(tag::AIP)
    }

    fn reach(&self) -> Result<Reach, Reason> {
        if self.enhanced[2] & OFFLINE_ONLY != 0 {
            return Ok(Reach::OfflineOnly);
        }
        Reach::of(&self.input.data)
    }

    // Rule C4-RESTRICT: version, dates and usage control set TVR byte 2 and decide nothing by themselves.
    // [source: general knowledge; test: kernel::c4::tests::restrictions_are_only_results; evidence: own]
    // Rule C4-DELAYED: where the issuer is asked later and 9F70 does not allow that: TVR B2b5.
    // [source: peer FIME; test: kernel::c4::tests::delayed_authorisation; evidence: own]
    // Rule C4-EXCEPTION: a card on the exception file sets TVR B1b5, and the action codes decide.
    // [source: general knowledge; test: kernel::c4::tests::a_card_on_the_exception_file; evidence: own]
    fn restrict(&mut self, track: &Track2) {
        let (intake, data) = (&self.intake, &self.input.data);
        if intake.listed(&self.input, &track.pan) {
            set(&mut self.tvr, 1, 0x10);
        }
        let version = intake.card.value(tags::CARD_VERSION);
        let own_version = data.value(tag::TERMINAL_APPLICATION_VERSION);
        let usage = usage_allowed(
            intake.card.array(tag::USAGE_CONTROL),
            intake.card.array(tag::ISSUER_COUNTRY),
            data,
        );
        let results = [
            (
                version.is_some() && own_version.is_some() && version != own_version,
                0x80,
            ),
            (intake.expired(track.expiry_yymm, data), 0x40),
            (intake.not_yet_effective(data), 0x20),
            (!usage || (self.delayed() && !self.delay_allowed()), 0x10),
        ];
        for (found, bit) in results {
            if found {
                set(&mut self.tvr, 2, bit);
            }
        }
    }

    const fn delayed(&self) -> bool {
        self.enhanced[3] & DELAYED != 0
    }

    /// 9F70 byte 2: bit 8 says that the two bits below count: at home, abroad.
    fn delay_allowed(&self) -> bool {
        let Some([_, second]) = self.intake.card.array::<2>(tags::CARD_CAPABILITIES) else {
            return true;
        };
        let home =
            self.intake.card.value(tag::ISSUER_COUNTRY) == self.input.data.value(tag::TERMINAL_COUNTRY);
        let wanted = if home { 0x40 } else { 0x20 };
        second & 0x80 == 0 || second & wanted != 0
    }

    // Rule C4-LIMIT-ENDS: above the transaction limit the card must be read another way, or cannot pay here.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::tests::above_the_transaction_limit;
    // evidence: own]
    fn check_limits(&mut self) -> Result<(), KernelOutcome> {
        let limits = self.limits().map_err(end_application)?;
        let amount = amount_minor(&self.input.data).map_err(end_application)?;
        let exceeded = risk::exceeded(amount, limits);
        if exceeded.transaction {
            return Err(self.elsewhere(Reason::LimitExceeded));
        }
        if exceeded.floor {
            set(&mut self.tvr, 4, 0x80);
        }
        self.require_cvm(exceeded.cvm);
        Ok(())
    }

    fn elsewhere(&self, reason: Reason) -> KernelOutcome {
        if self.enhanced[0] & HAS_CONTACT != 0 {
            other_interface(reason)
        } else {
            end_application(reason)
        }
    }

    fn verify_holder(&mut self) -> Result<(), KernelOutcome> {
        let verified = Holder {
            card: &self.intake.card,
            data: &self.input.data,
            abilities: Abilities(self.enhanced[1]),
            aip: self.aip().map_err(end_application)?,
            required: self.enhanced[2] & CVM_REQUIRED_ENHANCED != 0,
            proven: self.oda.is_combined() && self.intake.card.value(tag::STATIC_DATA_TAG_LIST).is_some(),
            amount_minor: amount_minor(&self.input.data).map_err(end_application)?,
        }
        .verify();
        match verified {
            Verified::By { cvm, results, tvr_3 } => {
                self.cvm = cvm;
                self.cvm_results = results;
                set(&mut self.tvr, 3, tvr_3);
                Ok(())
            }
            Verified::SeePhone => Err(restart(Reason::SeePhone, Message::SeePhone, RESTART_MS)),
            Verified::Failed { .. } => Err(other_interface(Reason::NoVerification)),
        }
    }
}

/// Codes of a terminal that configures none (inference: the card's own decide then).
const NO_CODES: ActionCodes = ActionCodes {
    denial: [0; 5],
    online: [0; 5],
    default: [0; 5],
};

fn own<const N: usize>(input: &KernelInput, tag: Tag) -> Option<[u8; N]> {
    input.data.value(tag)?.try_into().ok()
}

impl Kernel for C4 {
    fn on_rapdu(&mut self, rapdu: &[u8], _elapsed_us: u32, _now: Tick) -> Progress<KernelOutcome> {
        let Ok(answer) = Rapdu::parse(rapdu) else {
            return Progress::Done(self.on_card_lost());
        };
        let progress = match self.state {
            State::AwaitOptions => self.on_options(answer),
            State::AwaitRecord => match self.intake.record(answer, &self.input.data) {
                Ok(()) => self.next_record(),
                Err(reason) => Err(end_application(reason)),
            },
            State::AwaitCryptogram(request) => Err(self.on_cryptogram(request, answer)),
            State::Ended => Err(end_application(Reason::Malformed)),
        };
        progress.unwrap_or_else(|outcome| {
            self.state = State::Ended;
            Progress::Done(outcome)
        })
    }

    fn poll_capdu(&mut self) -> Option<Vec<u8>> {
        self.command.take()
    }

    // Rule C4-LOST: a card that leaves during GENERATE AC starts again once; a second time ends the application.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::tests::a_card_that_leaves; evidence: own]
    fn on_card_lost(&mut self) -> KernelOutcome {
        match core::mem::replace(&mut self.state, State::Ended) {
            State::AwaitCryptogram(_) => self.restart_once(Reason::CardLost),
            State::AwaitOptions | State::AwaitRecord | State::Ended => lost(),
        }
    }
}

#[cfg(test)]
mod tests;
