//! Kernel 6 (Discover D-PAS): GET PROCESSING OPTIONS holds the cryptogram, then records and combined signature. No
//! GENERATE AC. `unverified`.
//!
//! Source of the rules: one vendor's kernels of 2013 to 2020, so older than books 2.11; where something else is the
//! source, the rule says so. Stripe mode (Zip) and issuer updates are not offered.

mod decision;
mod tags;

use alloc::vec::Vec;

use softpos_types::{Pan, SecretBytes, Tick};
use softpos_wire::apdu::{self, Rapdu};
use softpos_wire::tag;
use softpos_wire::track2::Track2;

use self::decision::{Cryptogram, Decision, Facts, Requirements, Ttq};
use super::configured::{Tvr, amount_minor, set, usage_allowed};
use super::endings::{
    approved, declined, end_application, lost, online, other_interface, restart, select_next, with_read,
};
use super::intake::{Habits, Intake, Template};
use super::{Kernel, KernelInput, Progress};
use crate::outcome::{Authentication, Cvm, KernelOutcome, Reason};
use crate::read::{CardRead, EntryMode, ReadParts};
use crate::ui::Message;

/// How long message and silence of the field last when the card answers 6986.
const RESTART_MS: u32 = 1_300;

const HABITS: Habits = Habits {
    owned: &[tag::TTQ],
    repeatable: &[],
    equal_twice: false,
};

/// A running kernel 6.
#[derive(Debug)]
pub struct C6 {
    input: KernelInput,
    ttq: Ttq,
    intake: Intake,
    pdol: SecretBytes,
    /// The answer to GET PROCESSING OPTIONS: the card signs it.
    options: SecretBytes,
    tvr: Tvr,
    state: State,
    command: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitOptions,
    AwaitRecord(Cryptogram),
    Ended,
}

impl C6 {
    pub(super) fn start(input: KernelInput) -> Result<Self, KernelOutcome> {
        let intake = Intake::new(&input.activation, HABITS).map_err(end_application)?;
        let pdol = intake.fci.value(tag::PDOL).unwrap_or_default();
        let pdol = Intake::dol_data(pdol, &input.data).map_err(end_application)?;
        let command =
            apdu::get_processing_options(pdol.expose()).map_err(|_| end_application(Reason::Malformed))?;
        Ok(Self {
            ttq: Ttq(input.activation.ttq.unwrap_or_default()),
            input,
            intake,
            pdol,
            options: SecretBytes::new(Vec::new()),
            tvr: [0; 5],
            state: State::AwaitOptions,
            command: Some(command),
        })
    }

    // Rule C6-GPO-SW: 6984 asks for another interface, 6986 starts again, any other refusal is SELECT NEXT.
    // [source: peer, vendor kernels of 2013 to 2020;
    // test: kernel::c6::tests::status_words_of_get_processing_options,
    // softpos-cards::matrix::which_kernels_say_see_phone; evidence: own]
    fn on_options(&mut self, answer: Rapdu<'_>) -> Result<Progress<KernelOutcome>, KernelOutcome> {
        let refused = Reason::ProcessingOptionsRefused(answer.sw);
        match answer.sw {
            apdu::SW_OK => {}
            0x6984 => return Err(other_interface(refused)),
            0x6986 => return Err(restart(Reason::SeePhone, Message::SeePhone, RESTART_MS)),
            _ => return Err(select_next(refused)),
        }
        let cryptogram = self.take_options(answer.body).map_err(select_next)?;
        self.fits(cryptogram).map_err(end_application)?;
        self.next_record(cryptogram)
    }

    // Rule C6-GPO-DATA: the answer is a template 77 with 82, 9F36, 9F10, 9F27 and 9F71; else SELECT NEXT.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c6::tests::what_the_answer_must_hold; evidence: own]
    fn take_options(&mut self, body: &[u8]) -> Result<Cryptogram, Reason> {
        if self.intake.options(body, &self.input.data)? == Template::Format1 {
            return Err(Reason::Malformed);
        }
        self.options = SecretBytes::copy_of(body);
        self.intake.required::<2>(tag::ATC)?;
        self.intake.issuer_data()?;
        self.intake.required::<2>(tags::PROCESSING_REQUIREMENTS)?;
        let [information] = self.intake.required(tag::CRYPTOGRAM_INFORMATION)?;
        Cryptogram::of(information).ok_or(Reason::DataConflict)
    }

    // Rule C6-GPO-TYPE: an approval comes with a file locator and 9F4B but without 9F26, all else with 9F26 but without
    // 9F4B; without locator 57, 5F34, 9F07, 5F25 and 9F08 are in the answer. Else END APPLICATION.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c6::tests::what_goes_with_the_type; evidence: own]
    fn fits(&self, cryptogram: Cryptogram) -> Result<(), Reason> {
        let has = |tag| self.intake.card.value(tag).is_some();
        let (wanted, unwanted) = match cryptogram {
            Cryptogram::Tc => (tag::SIGNED_DYNAMIC_DATA, tag::CRYPTOGRAM),
            Cryptogram::Arqc | Cryptogram::Aac => (tag::CRYPTOGRAM, tag::SIGNED_DYNAMIC_DATA),
        };
        if !has(wanted) {
            return Err(Reason::DataMissing(wanted));
        }
        if has(unwanted) {
            return Err(Reason::DataConflict);
        }
        if has(tag::AFL) {
            return Ok(());
        }
        let without_records = [
            tag::TRACK_2,
            tag::PAN_SEQUENCE,
            tag::USAGE_CONTROL,
            tag::EFFECTIVE_DATE,
            tags::CARD_VERSION,
        ];
        let needed = match cryptogram {
            Cryptogram::Tc => Some(&tag::AFL),
            Cryptogram::Arqc | Cryptogram::Aac => without_records.iter().find(|tag| !has(**tag)),
        };
        needed.map_or(Ok(()), |tag| Err(Reason::DataMissing(*tag)))
    }

    fn next_record(&mut self, cryptogram: Cryptogram) -> Result<Progress<KernelOutcome>, KernelOutcome> {
        self.command = self.intake.next_record();
        if self.command.is_some() {
            self.state = State::AwaitRecord(cryptogram);
            return Ok(Progress::Continue);
        }
        Err(self.conclude(cryptogram))
    }

    fn conclude(&mut self, cryptogram: Cryptogram) -> KernelOutcome {
        let (decision, read) = match self.judge(cryptogram) {
            Ok(judged) => judged,
            Err(reason) => return end_application(reason),
        };
        match decision {
            Decision::Approve(_) => approved(read),
            Decision::Online(_) => online(read),
            Decision::Decline(reason) => declined(reason, Some(read)),
            Decision::OtherInterface(reason) => with_read(other_interface(reason), Some(read)),
            Decision::End(reason) => with_read(end_application(reason), Some(read)),
        }
    }

    fn judge(&mut self, cryptogram: Cryptogram) -> Result<(Decision, CardRead), Reason> {
        let track = self.intake.track(&self.input.activation)?;
        // Rule C6-FLOOR: an amount above 9F1B sets TVR B4b8.
        // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c6::tests::above_the_floor_limit; evidence: own]
        let floor = self
            .input
            .data
            .value(tag::TERMINAL_FLOOR_LIMIT)
            .and_then(|limit| limit.try_into().ok())
            .map(u32::from_be_bytes);
        let amount = amount_minor(&self.input.data)?;
        if floor.is_some_and(|floor| amount > u64::from(floor)) {
            set(&mut self.tvr, 4, 0x80);
        }
        let signed = self.authenticate(cryptogram, &track.pan)?;
        let facts = self.facts(cryptogram, signed, &track)?;
        let decision = decision::decide(&facts);
        let cvm = match decision {
            Decision::Approve(cvm) | Decision::Online(cvm) => cvm,
            Decision::Decline(_) | Decision::OtherInterface(_) | Decision::End(_) => Cvm::None,
        };
        let [information] = self.intake.required(tag::CRYPTOGRAM_INFORMATION)?;
        let mut reader = self.input.data.clone();
        reader.set(tag::TVR, &self.tvr);
        let read = CardRead::build(ReadParts {
            track,
            aip: self.intake.required(tag::AIP)?,
            atc: self.intake.required(tag::ATC)?,
            // A decline is told without a cryptogram where the one inside the signature is not to be believed.
            arqc: self.intake.card.array(tag::CRYPTOGRAM).unwrap_or_default(),
            iad: self.intake.issuer_data()?.to_vec(),
            cryptogram_information: information,
            cvm,
            cvm_results: results(cvm),
            authentication: (signed && cryptogram == Cryptogram::Tc).then_some(Authentication::Combined),
            issuer_tags: tags::ISSUER_DATA,
            record_tags: tags::DATA_RECORD,
            entry_mode: EntryMode::ContactlessChip,
            activation: self.input.activation.clone(),
            reader,
            fci: core::mem::take(&mut self.intake.fci),
            card: core::mem::take(&mut self.intake.card),
        })?;
        Ok((decision, read))
    }

    // Rule C6-ODA: an approval is signed together with the PDOL's values and the answer without 9F4B; there is no other
    // authentication. Without 8F: TVR B1 b6 and b3; failed: B1b3.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c6::tests::an_approval_that_is_not_signed,
    // kernel::c6::tests::an_approval_with_its_signature; evidence: own]
    fn authenticate(&mut self, cryptogram: Cryptogram, pan: &Pan) -> Result<bool, Reason> {
        if cryptogram != Cryptogram::Tc {
            return Ok(true);
        }
        let [information] = self.intake.required(tag::CRYPTOGRAM_INFORMATION)?;
        let signed = self.intake.card_key(&self.input, pan).ok().and_then(|key| {
            let sent = [self.pdol.expose()];
            let answer = (information, self.options.expose());
            self.intake.combined_signature(&self.input, &key, &sent, answer)
        });
        if let Some(cryptogram) = signed {
            self.intake.card.insert(tag::CRYPTOGRAM, &cryptogram)?;
            return Ok(true);
        }
        let missing = self.intake.card.value(tag::CA_KEY_INDEX).is_none();
        set(&mut self.tvr, 1, if missing { 0x24 } else { 0x04 });
        Ok(false)
    }

    // Rule C6-TRACK: number and expiry come from 57.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c6::tests::expiry_is_that_of_track_2; evidence: own]
    fn facts(&mut self, cryptogram: Cryptogram, signed: bool, track: &Track2) -> Result<Facts, Reason> {
        let (intake, data) = (&self.intake, &self.input.data);
        let expired = Intake::track_expired(track.expiry_yymm, data);
        let not_yet_effective = intake.not_yet_effective(data);
        let usage = usage_allowed(
            intake.card.array(tag::USAGE_CONTROL),
            intake.card.array(tag::ISSUER_COUNTRY),
            data,
        );
        let listed = intake.listed(&self.input, &track.pan);
        let facts = Facts {
            cryptogram,
            ttq: self.ttq,
            requirements: Requirements(intake.required(tags::PROCESSING_REQUIREMENTS)?),
            device_result: self.device_result()?,
            oda_failed: !signed,
            cryptogram_known: intake.card.value(tag::CRYPTOGRAM).is_some(),
            service_refused: !usage,
            listed,
            expired,
            not_yet_effective,
        };
        if listed {
            set(&mut self.tvr, 1, 0x10);
        }
        for (found, bit) in [(expired, 0x40), (not_yet_effective, 0x20), (!usage, 0x10)] {
            if found {
                set(&mut self.tvr, 2, bit);
            }
        }
        Ok(facts)
    }

    // Rule C6-CVR: the card verification results are bytes 3 to 10 of 9F10; a 9F53 that says otherwise ends the
    // application.
    // [source: foreign vector, one field 55; test: kernel::c6::tests::results_inside_the_issuer_data; evidence: own]
    fn device_result(&self) -> Result<u8, Reason> {
        let inside = self.intake.issuer_data()?.get(2..10);
        match self.intake.card.value(tags::CARD_RESULTS) {
            Some(outside) if Some(outside) != inside => Err(Reason::DataConflict),
            Some(_) | None => Ok(inside
                .and_then(|results| results.get(1))
                .copied()
                .unwrap_or_default()),
        }
    }
}

// Rule C6-CVM-RESULTS: 9F34 is 3F0000 where nobody was verified.
// [source: foreign vector, one field 55; test: kernel::c6::tests::the_data_record_and_field_55; evidence: own]
const fn results(cvm: Cvm) -> [u8; 3] {
    match cvm {
        Cvm::None => [0x3F, 0x00, 0x00],
        Cvm::Signature | Cvm::OnlinePin | Cvm::OnDevice => cvm.results(),
    }
}

impl Kernel for C6 {
    fn on_rapdu(&mut self, rapdu: &[u8], _elapsed_us: u32, _now: Tick) -> Progress<KernelOutcome> {
        let Ok(answer) = Rapdu::parse(rapdu) else {
            return Progress::Done(self.on_card_lost());
        };
        let progress = match self.state {
            State::AwaitOptions => self.on_options(answer),
            State::AwaitRecord(cryptogram) => match self.intake.record(answer, &self.input.data) {
                Ok(()) => self.next_record(cryptogram),
                Err(reason) => Err(end_application(reason)),
            },
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

    fn on_card_lost(&mut self) -> KernelOutcome {
        self.state = State::Ended;
        lost()
    }
}

#[cfg(test)]
mod tests;
