//! Kernel 7 (`UnionPay` qUICS and qPBOC): GET PROCESSING OPTIONS, records, decision. No GENERATE AC. `unverified`.
//!
//! Source of the rules: one vendor's kernels of 2013 to 2020, so older than books 2.11; where something else is the
//! source, the rule says so.

mod decision;
mod signature;
mod tags;

use alloc::vec::Vec;

use softpos_types::Tick;
use softpos_wire::apdu::{self, Rapdu};
use softpos_wire::tag;

use self::decision::{Cryptogram, Decision, Facts, Signature, Ttq};
use super::endings::{
    approved, declined, end_application, lost, online, other_interface, restart, select_next, torn, with_read,
};
use super::intake::{Habits, Intake, Template};
use super::{Kernel, KernelInput, Progress};
use crate::outcome::{Authentication, Cvm, KernelOutcome, Reason};
use crate::read::{CardRead, EntryMode, ReadParts};
use crate::ui::{Message, UiValue, ValueQualifier};

/// How long message and silence of the field last when the card answers 6986.
const RESTART_MS: u32 = 1_000;

// Rule C7-OWN: a card's 9F37, 9F02 and 5F2A are ignored, as is all else that the reader owns.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::tests::the_readers_values_are_not_overwritten;
// evidence: own]
// Rule C7-TWICE: an object that comes twice ends the application, 5F34 excepted.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::tests::doubled_objects; evidence: own]
const HABITS: Habits = Habits {
    owned: &[tag::TTQ],
    repeatable: &[tag::PAN_SEQUENCE],
    equal_twice: false,
};

/// A running kernel 7.
#[derive(Debug)]
pub struct C7 {
    input: KernelInput,
    ttq: Ttq,
    intake: Intake,
    state: State,
    command: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitOptions,
    AwaitRecord(Cryptogram),
    Ended,
}

impl C7 {
    pub(super) fn start(input: KernelInput) -> Result<Self, KernelOutcome> {
        let intake = Intake::new(&input.activation, HABITS).map_err(end_application)?;
        // Rule C7-PDOL: an application that does not ask for 9F66 is no qUICS application: SELECT NEXT.
        // [source: peer, vendor kernels of 2013 to 2020;
        // test: kernel::c7::tests::without_qualifiers_the_next_application_is_tried; evidence: own]
        if !intake.pdol_asks_for(tag::TTQ) {
            return Err(select_next(Reason::DataMissing(tag::PDOL)));
        }
        let pdol = intake.fci.value(tag::PDOL).unwrap_or_default();
        let data = Intake::dol_data(pdol, &input.data).map_err(end_application)?;
        let command =
            apdu::get_processing_options(data.expose()).map_err(|_| end_application(Reason::Malformed))?;
        Ok(Self {
            ttq: Ttq(input.activation.ttq.unwrap_or_default()),
            input,
            intake,
            state: State::AwaitOptions,
            command: Some(command),
        })
    }

    // Rule C7-GPO-SW: 6986 starts again with message 21; every other refusal asks for another interface if TTQ B1b5
    // is set, else ends the application.
    // [source: peer, vendor kernels of 2013 to 2020;
    // test: kernel::c7::tests::status_words_of_get_processing_options,
    // softpos-cards::matrix::which_kernels_say_see_phone; evidence: own]
    fn on_options(&mut self, answer: Rapdu<'_>) -> Progress<KernelOutcome> {
        let refused = Reason::ProcessingOptionsRefused(answer.sw);
        match answer.sw {
            apdu::SW_OK => {}
            0x6986 => {
                return Progress::Done(restart(Reason::SeePhone, Message::PresentAgain, RESTART_MS));
            }
            _ if self.ttq.contact() => return Progress::Done(other_interface(refused)),
            _ => return Progress::Done(end_application(refused)),
        }
        match self.take_options(answer.body) {
            Ok(Cryptogram::Declined) => Progress::Done(self.conclude(Cryptogram::Declined)),
            Ok(cryptogram) => self.next_record(cryptogram),
            Err(reason) => Progress::Done(end_application(reason)),
        }
    }

    // Rule C7-GPO-DATA: the answer is a template 77 with 82, 9F36, 9F10 and 9F26; with 94 if the card approves, else
    // with 57. Anything less ends the application.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::tests::what_the_answer_must_hold; evidence: own]
    fn take_options(&mut self, body: &[u8]) -> Result<Cryptogram, Reason> {
        if self.intake.options(body, &self.input.data)? == Template::Format1 {
            return Err(Reason::Malformed);
        }
        self.intake.required::<2>(tag::ATC)?;
        self.intake.required::<8>(tag::CRYPTOGRAM)?;
        let information = self.intake.card.value(tag::CRYPTOGRAM_INFORMATION);
        let cryptogram = Cryptogram::of(information, self.intake.issuer_data()?)
            .ok_or(Reason::DataMissing(tag::CRYPTOGRAM_INFORMATION))?;
        let needed = match cryptogram {
            Cryptogram::Tc => tag::AFL,
            Cryptogram::Arqc | Cryptogram::Declined => tag::TRACK_2,
        };
        match self.intake.card.value(needed) {
            Some(_) => Ok(cryptogram),
            None => Err(Reason::DataMissing(needed)),
        }
    }

    // Rule C7-RECORDS: a record that is refused ends the application.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::tests::a_refused_record; evidence: own]
    fn on_record(&mut self, cryptogram: Cryptogram, answer: Rapdu<'_>) -> Progress<KernelOutcome> {
        match self.intake.record(answer, &self.input.data) {
            Ok(()) => self.next_record(cryptogram),
            Err(reason) => Progress::Done(end_application(reason)),
        }
    }

    fn next_record(&mut self, cryptogram: Cryptogram) -> Progress<KernelOutcome> {
        match self.intake.next_record() {
            Some(command) => {
                self.state = State::AwaitRecord(cryptogram);
                self.command = Some(command);
                Progress::Continue
            }
            None => Progress::Done(self.conclude(cryptogram)),
        }
    }

    fn conclude(&mut self, cryptogram: Cryptogram) -> KernelOutcome {
        let (decision, read) = match self.judge(cryptogram) {
            Ok(judged) => judged,
            Err(reason) => return end_application(reason),
        };
        match decision {
            Decision::Approve(_) => approved_with_balance(read),
            Decision::Online(_) => online(read),
            Decision::Decline(reason) => declined(reason, Some(read)),
            Decision::OtherInterface => with_read(other_interface(Reason::NotAuthenticated), Some(read)),
        }
    }

    fn judge(&mut self, cryptogram: Cryptogram) -> Result<(Decision, CardRead), Reason> {
        let track = self.intake.track(&self.input.activation)?;
        let signature = self.signature(cryptogram, &track.pan);
        let decision = decision::decide(&Facts {
            cryptogram,
            ttq: self.ttq,
            ctq: self.intake.card.array(tag::CTQ),
            card_authentication: self.intake.card.value(tag::CARD_AUTHENTICATION_DATA),
            expired: self.intake.expired(track.expiry_yymm, &self.input.data),
            listed: self.intake.listed(&self.input, &track.pan),
            signature,
        });
        let cvm = match decision {
            Decision::Approve(cvm) | Decision::Online(cvm) => cvm,
            Decision::Decline(_) | Decision::OtherInterface => Cvm::None,
        };
        let read = CardRead::build(ReadParts {
            track,
            aip: self.intake.required(tag::AIP)?,
            atc: self.intake.required(tag::ATC)?,
            arqc: self.intake.required(tag::CRYPTOGRAM)?,
            iad: self.intake.issuer_data()?.to_vec(),
            cryptogram_information: cryptogram.information(),
            cvm,
            cvm_results: cvm.results(),
            authentication: (signature != Signature::None).then_some(Authentication::FastDynamic),
            issuer_tags: tags::ISSUER_DATA,
            record_tags: tags::DATA_RECORD,
            entry_mode: EntryMode::ContactlessChip,
            activation: self.input.activation.clone(),
            reader: self.input.data.clone(),
            fci: core::mem::take(&mut self.intake.fci),
            card: core::mem::take(&mut self.intake.card),
        })?;
        Ok((decision, read))
    }
}

impl Kernel for C7 {
    fn on_rapdu(&mut self, rapdu: &[u8], _elapsed_us: u32, _now: Tick) -> Progress<KernelOutcome> {
        let Ok(answer) = Rapdu::parse(rapdu) else {
            return Progress::Done(self.on_card_lost());
        };
        let progress = match self.state {
            State::AwaitOptions => self.on_options(answer),
            State::AwaitRecord(cryptogram) => self.on_record(cryptogram, answer),
            State::Ended => Progress::Done(end_application(Reason::Malformed)),
        };
        if let Progress::Done(_) = progress {
            self.state = State::Ended;
        }
        progress
    }

    fn poll_capdu(&mut self) -> Option<Vec<u8>> {
        self.command.take()
    }

    // Rule C7-LOST: a card that leaves is presented again.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::tests::a_card_that_leaves; evidence: own]
    // Rule C7-TORN: a card that leaves at the last record of an approval may have debited already: the tap is torn,
    // and nothing starts again by itself.
    // [source: general knowledge; test: kernel::c7::tests::a_card_that_leaves_after_it_may_have_debited; evidence: own]
    fn on_card_lost(&mut self) -> KernelOutcome {
        let state = core::mem::replace(&mut self.state, State::Ended);
        if state == State::AwaitRecord(Cryptogram::Tc) && self.intake.at_last_record() {
            torn()
        } else {
            lost()
        }
    }
}

// Rule C7-BALANCE: an approval shows what the card may still spend offline (9F5D), if it says so.
// [source: peer AfcApp; test: kernel::c7::tests::an_approval_shows_the_balance; evidence: own]
fn approved_with_balance(read: CardRead) -> KernelOutcome {
    let balance = read
        .card_object(tags::AVAILABLE_SPENDING)
        .and_then(|value| value.try_into().ok());
    let currency = read
        .data_object(tag::TRANSACTION_CURRENCY)
        .and_then(|value| value.try_into().ok());
    let mut outcome = approved(read);
    if let (Some(ui), Some(value), Some(currency)) = (&mut outcome.ui_on_outcome, balance, currency) {
        ui.value = Some(UiValue {
            qualifier: ValueQualifier::Balance,
            value,
            currency,
        });
    }
    outcome
}

#[cfg(test)]
mod tests;
