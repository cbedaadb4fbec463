//! Kernel 3 (Visa qVSDC): GET PROCESSING OPTIONS, records, decision. No GENERATE AC.
//!
//! Sources of the rules: the Visa kernels of two public readers (danhu, `DCEMV`) where both agree; where they do not,
//! the choice is said at the place.

mod authentication;
mod decision;
mod qualifiers;
mod restrictions;

use alloc::boxed::Box;
use alloc::vec::Vec;

use softpos_crypto::scrub::scrubbed;
use softpos_types::{Pan, Tick};
use softpos_wire::afl::{Afl, RecordId};
use softpos_wire::apdu::{self, Rapdu};
use softpos_wire::dol::Dol;
use softpos_wire::gpo::GpoResponse;
use softpos_wire::track2::Track2;
use softpos_wire::{Tag, tag, tlv};

use self::authentication::Authentication;
use self::decision::{Authenticated, Cryptogram, Decision, Facts};
use self::qualifiers::Ttq;
use super::endings::reported;
use super::intake::{Habits, MAX_RECORDS};
use super::{Kernel, KernelInput, Progress};
use crate::brand;
use crate::data::CardData;
use crate::oda::{Chain, StaticData};
use crate::outcome::{Cvm, KernelOutcome, OutcomeKind, Reason};
use crate::read::{CardRead, EntryMode, ISSUER_DATA, ReadParts};
use crate::ui::{Message, Status, UiRequest};

/// "See phone": how long the message and the field's silence last (6986).
const SEE_PHONE_MS: u32 = 1_300;

const HABITS: Habits = Habits {
    owned: &[tag::TTQ],
    repeatable: &[],
    equal_twice: false,
};

/// A running kernel 3.
#[derive(Debug)]
pub struct C3 {
    input: KernelInput,
    ttq: [u8; 4],
    /// From the answer to SELECT.
    fci: CardData,
    /// From GET PROCESSING OPTIONS and the records.
    card: CardData,
    records: Vec<RecordId>,
    signed_records: StaticData,
    state: State,
    command: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitOptions,
    AwaitRecord(usize),
    Ended,
}

impl C3 {
    pub(super) fn start(input: KernelInput) -> Result<Self, KernelOutcome> {
        let mut kernel = Self {
            ttq: input.activation.ttq.unwrap_or_default(),
            input,
            fci: CardData::default(),
            card: CardData::default(),
            records: Vec::new(),
            signed_records: StaticData::default(),
            state: State::AwaitOptions,
            command: None,
        };
        match kernel.processing_options() {
            Ok(command) => {
                kernel.command = Some(command);
                Ok(kernel)
            }
            Err(reason) => Err(reported(end_application(reason))),
        }
    }

    /// Takes the FCI in and builds GET PROCESSING OPTIONS.
    fn processing_options(&mut self) -> Result<Vec<u8>, Reason> {
        let fci = &self.input.activation.fci;
        let template = tlv::child(fci.expose(), tag::FCI_TEMPLATE)
            .map_err(|_| Reason::Malformed)?
            .ok_or(Reason::DataMissing(tag::FCI_TEMPLATE))?;
        HABITS.absorb(template, &mut self.fci, &|_| false)?;
        let name = self
            .fci
            .value(tag::DF_NAME)
            .ok_or(Reason::DataMissing(tag::DF_NAME))?;
        if name != self.input.activation.adf_name.as_bytes() {
            return Err(Reason::DataConflict);
        }
        let pdol = self.fci.value(tag::PDOL).ok_or(Reason::DataMissing(tag::PDOL))?;
        let dol = Dol::parse(pdol).map_err(|_| Reason::Malformed)?;
        let data = dol.build(|wanted| self.input.data.value(wanted), Tag::format);
        // A template of more than 252 bytes does not fit a short command, and contactless cards know no other.
        if data.len() > 252 {
            return Err(Reason::Malformed);
        }
        apdu::get_processing_options(&data).map_err(|_| Reason::Malformed)
    }

    // Rule C3-GPO-1: 6984 is another interface, 6985 the next application, 6986 "see phone" and the same card again;
    // every other status word but 9000 ends the application.
    // [source: peer, danhu and DCEMV (they end at 6986); test: kernel::c3::tests::status_words_of_get_processing_options,
    // kernel::c3::tests::see_phone_then_the_same_amount_with_a_new_number,
    // softpos-cards::matrix::which_kernels_say_see_phone; evidence: own]
    fn on_options(&mut self, answer: Rapdu<'_>) -> Progress<KernelOutcome> {
        match answer.sw {
            apdu::SW_OK => {}
            0x6984 => return Progress::Done(other_interface(Message::InsertCard, 0x6984)),
            0x6985 => {
                return Progress::Done(KernelOutcome {
                    reason: Some(Reason::ProcessingOptionsRefused(0x6985)),
                    ..KernelOutcome::new(OutcomeKind::SelectNext)
                });
            }
            0x6986 => return Progress::Done(see_phone()),
            sw => return Progress::Done(end_application(Reason::ProcessingOptionsRefused(sw))),
        }
        match self.take_options(answer.body) {
            Ok(()) => self.next_record(0),
            Err(reason) => Progress::Done(end_application(reason)),
        }
    }

    // Rule C3-GPO-2: an answer without file locator is complete.
    // [source: peer, danhu and DCEMV; test: kernel::c3::tests::everything_in_one_answer_needs_no_locator;
    // evidence: own]
    /// No locator is legal: then the answer itself holds everything.
    fn take_options(&mut self, body: &[u8]) -> Result<(), Reason> {
        let options = GpoResponse::parse(body).map_err(|_| Reason::Malformed)?;
        if options.format == 1 {
            self.card.insert(tag::AIP, &options.aip)?;
            if let Some(afl) = options.afl {
                self.card.insert(tag::AFL, afl)?;
            }
        } else {
            HABITS.take(body, &mut self.card, &self.input.data)?;
        }
        self.take_locator(options.afl)
    }

    fn take_locator(&mut self, afl: Option<&[u8]>) -> Result<(), Reason> {
        let Some(afl) = afl.filter(|afl| !afl.is_empty()) else {
            return Ok(());
        };
        let afl = Afl::parse(afl).map_err(|_| Reason::Malformed)?;
        self.records = afl.records().take(MAX_RECORDS.saturating_add(1)).collect();
        if self.records.len() > MAX_RECORDS {
            return Err(Reason::Malformed);
        }
        Ok(())
    }

    fn next_record(&mut self, index: usize) -> Progress<KernelOutcome> {
        match self.records.get(index) {
            Some(record) => {
                self.state = State::AwaitRecord(index);
                self.command = Some(apdu::read_record(record.sfi, record.record));
                Progress::Continue
            }
            None => Progress::Done(self.conclude()),
        }
    }

    fn on_record(&mut self, index: usize, answer: Rapdu<'_>) -> Progress<KernelOutcome> {
        if !answer.is_ok() {
            return Progress::Done(end_application(Reason::RecordRefused(answer.sw)));
        }
        let taken = match tlv::Tlvs::new(answer.body).next() {
            Some(Ok(record)) if record.tag == tag::RECORD_TEMPLATE => {
                HABITS.take(answer.body, &mut self.card, &self.input.data)
            }
            _ => Err(Reason::Malformed),
        };
        match taken {
            Ok(()) => {
                if let Some(record) = self.records.get(index).filter(|record| record.oda) {
                    self.signed_records.add_record(record.sfi, answer.body);
                }
                self.next_record(index.saturating_add(1))
            }
            Err(reason) => Progress::Done(end_application(reason)),
        }
    }

    fn conclude(&mut self) -> KernelOutcome {
        self.state = State::Ended;
        match self.judge() {
            Ok((decision, read)) => outcome(decision, read),
            Err(reason) => end_application(reason),
        }
    }

    // Rule C3-DATA-1: 82, 9F36, 9F26, 9F10 and 57 must come, each once; 5A agrees with 57.
    // [source: peer, danhu; test: kernel::c3::tests::refused::every_missing_object_ends_the_application,
    // kernel::c3::tests::refused::contradicting_data_ends_the_application; evidence: own]
    // Rule C3-RECORD: the data record carries verification results of zero, for this kernel sets none.
    // [source: peer, danhu; test: kernel::tests::the_data_record_of_kernel_3; evidence: own]
    // Rule C3-BRAND-1: provider, kernel and number agree.
    // [source: general knowledge, EMVrace;
    // test: kernel::c3::tests::refused::contradicting_data_ends_the_application; evidence: own]
    /// What the card must give, and whether it fits together; then the decision.
    fn judge(&mut self) -> Result<(Decision, CardRead), Reason> {
        let aip: [u8; 2] = self.required(tag::AIP)?;
        let atc: [u8; 2] = self.required(tag::ATC)?;
        let arqc: [u8; 8] = self.required(tag::CRYPTOGRAM)?;
        let iad = self
            .card
            .value(tag::ISSUER_APPLICATION_DATA)
            .filter(|iad| (7..=32).contains(&iad.len()))
            .ok_or(Reason::DataMissing(tag::ISSUER_APPLICATION_DATA))?;
        let track_2 = self
            .card
            .value(tag::TRACK_2)
            .ok_or(Reason::DataMissing(tag::TRACK_2))?;
        let track = Track2::parse(track_2).map_err(|_| Reason::Malformed)?;
        if let Some(pan) = self.card.value(tag::PAN) {
            let pan = Pan::from_bcd(pan).map_err(|_| Reason::Malformed)?;
            if !pan.ct_eq(&track.pan) {
                return Err(Reason::DataConflict);
            }
        }
        let activation = &self.input.activation;
        if !brand::agrees(&activation.adf_name, activation.kernel, &track.pan) {
            return Err(Reason::BrandConflict);
        }
        let cryptogram = Cryptogram::of(self.card.value(tag::CRYPTOGRAM_INFORMATION), iad)
            .ok_or(Reason::DataMissing(tag::CRYPTOGRAM_INFORMATION))?;
        let authenticated = self.authenticated(cryptogram, aip, &track.pan);
        let decision = decision::decide(&Facts {
            cryptogram,
            ttq: self.ttq,
            ctq: self.card.array(tag::CTQ),
            card_authentication: self.card.value(tag::CARD_AUTHENTICATION_DATA),
            expired: restrictions::expired(&self.card, &self.input.data, track.expiry_yymm),
            listed: self.input.exceptions.lists(&track.pan, self.sequence()),
            usage: restrictions::usage(&self.card, &self.input.data),
            authenticated,
        });
        let iad = iad.to_vec();
        let cvm = match decision {
            Decision::Approve(cvm) | Decision::Online(cvm) => cvm,
            Decision::Decline(_) | Decision::OtherInterface(_) => Cvm::None,
        };
        let read = CardRead::build(ReadParts {
            track,
            aip,
            atc,
            arqc,
            iad,
            cryptogram_information: cryptogram.information(),
            cvm,
            cvm_results: cvm.results(),
            authentication: match authenticated {
                Authenticated::Nothing => None,
                Authenticated::Card | Authenticated::Qualifiers if aip[0] & 0x20 != 0 => {
                    Some(crate::outcome::Authentication::FastDynamic)
                }
                Authenticated::Card | Authenticated::Qualifiers => {
                    Some(crate::outcome::Authentication::Static)
                }
            },
            issuer_tags: ISSUER_DATA,
            record_tags: ISSUER_DATA,
            entry_mode: EntryMode::ContactlessChip,
            activation: self.input.activation.clone(),
            reader: self.input.data.clone(),
            fci: core::mem::take(&mut self.fci),
            card: core::mem::take(&mut self.card),
        })?;
        Ok((decision, read))
    }

    /// 5F34.
    fn sequence(&self) -> Option<u8> {
        self.card.array(tag::PAN_SEQUENCE).map(|[psn]| psn)
    }

    fn required<const N: usize>(&self, tag: Tag) -> Result<[u8; N], Reason> {
        self.card.array(tag).ok_or(Reason::DataMissing(tag))
    }

    /// What authentication proves, where anything depends on it: an offline approval, and online the card's
    /// qualifiers if the reader asks for that (TTQ B1b1). Online a failure proves nothing and stops nothing.
    ///
    // Rule C3-ODA-ONLINE-1: with ODA for online the card's qualifiers count as authenticated next to an ARQC too;
    // a failure there leaves them unauthenticated, and the issuer decides.
    // [source: inference;
    // test: kernel::c3::tests::authentication::a_phone_pays_above_the_limit_only_with_signed_qualifiers;
    // evidence: own]
    fn authenticated(&self, cryptogram: Cryptogram, aip: [u8; 2], track: &Pan) -> Authenticated {
        let ttq = Ttq(self.ttq);
        let needed = match cryptogram {
            Cryptogram::Aac => false,
            Cryptogram::Tc => !ttq.online_required() || ttq.oda_for_online(),
            Cryptogram::Arqc => ttq.oda_for_online(),
        };
        let today = self.input.data.value(tag::TRANSACTION_DATE);
        let (true, Some(pan), Some(today_yymmdd)) = (
            needed,
            authentication::number(&self.card, track),
            today.and_then(|today| today.try_into().ok()),
        ) else {
            return Authenticated::Nothing;
        };
        let authentication = Authentication {
            chain: Chain {
                keys: &self.input.keys,
                rid: self.input.activation.adf_name.rid(),
                today_yymmdd,
                pan: &pan,
                card: &|tag| self.card.value(tag),
            },
            card: &self.card,
            signed_records: &self.signed_records,
            reader: &self.input.data,
            aip,
            ctq: self.card.array(tag::CTQ),
        };
        scrubbed(|| authentication.run()).unwrap_or(Authenticated::Nothing)
    }
}

impl Kernel for C3 {
    fn on_rapdu(&mut self, rapdu: &[u8], _elapsed_us: u32, _now: Tick) -> Progress<KernelOutcome> {
        let Ok(answer) = Rapdu::parse(rapdu) else {
            return Progress::Done(self.on_card_lost());
        };
        let progress = match self.state {
            State::AwaitOptions => self.on_options(answer),
            State::AwaitRecord(index) => self.on_record(index, answer),
            State::Ended => Progress::Done(end_application(Reason::Malformed)),
        };
        match progress {
            Progress::Continue => Progress::Continue,
            Progress::Done(outcome) => {
                self.state = State::Ended;
                Progress::Done(reported(outcome))
            }
        }
    }

    fn poll_capdu(&mut self) -> Option<Vec<u8>> {
        self.command.take()
    }

    /// Nothing has been sent to anybody yet, so the card is simply presented again (inference).
    fn on_card_lost(&mut self) -> KernelOutcome {
        self.state = State::Ended;
        reported(KernelOutcome {
            reason: Some(Reason::CardLost),
            ui_on_outcome: Some(UiRequest::new(Message::PresentAgain, Status::ProcessingError)),
            ui_on_restart: Some(UiRequest::new(Message::PresentAgain, Status::ReadyToRead)),
            ..KernelOutcome::new(OutcomeKind::TryAgain)
        })
    }
}

fn outcome(decision: Decision, read: CardRead) -> KernelOutcome {
    let mut outcome = match decision {
        Decision::Approve(cvm) => KernelOutcome {
            ui_on_outcome: Some(UiRequest::new(
                if cvm == Cvm::Signature {
                    Message::ApprovedSign
                } else {
                    Message::Approved
                },
                Status::CardReadOk,
            )),
            receipt: true,
            ..KernelOutcome::new(OutcomeKind::Approved)
        },
        Decision::Online(_) => KernelOutcome {
            ui_on_outcome: Some(UiRequest::new(Message::CardReadOk, Status::CardReadOk)),
            ..KernelOutcome::new(OutcomeKind::OnlineRequest)
        },
        Decision::Decline(reason) => KernelOutcome {
            reason: Some(reason),
            ui_on_outcome: Some(UiRequest::new(Message::NotAuthorised, Status::CardReadOk)),
            ..KernelOutcome::new(OutcomeKind::Declined)
        },
        Decision::OtherInterface(reason) => KernelOutcome {
            reason: Some(reason),
            ui_on_outcome: Some(UiRequest::new(Message::InsertCard, Status::ReadyToRead)),
            ..KernelOutcome::new(OutcomeKind::TryAnotherInterface)
        },
    };
    if let Some(ui) = &mut outcome.ui_on_outcome {
        ui.speak(read.data_object(tag::LANGUAGE_PREFERENCE));
    }
    outcome.read = Some(Box::new(read));
    outcome
}

fn end_application(reason: Reason) -> KernelOutcome {
    KernelOutcome {
        reason: Some(reason),
        ui_on_outcome: Some(UiRequest::new(Message::TryAnotherCard, Status::ReadyToRead)),
        ..KernelOutcome::new(OutcomeKind::EndApplication)
    }
}

fn other_interface(message: Message, sw: u16) -> KernelOutcome {
    KernelOutcome {
        reason: Some(Reason::ProcessingOptionsRefused(sw)),
        ui_on_outcome: Some(UiRequest::new(message, Status::ReadyToRead)),
        ..KernelOutcome::new(OutcomeKind::TryAnotherInterface)
    }
}

/// 6986: the customer confirms on the device and presents it again with the same amount.
fn see_phone() -> KernelOutcome {
    KernelOutcome {
        reason: Some(Reason::SeePhone),
        ui_on_outcome: Some(UiRequest::held(
            Message::SeePhone,
            Status::ProcessingError,
            SEE_PHONE_MS,
        )),
        ui_on_restart: Some(UiRequest::new(Message::PresentAgain, Status::ReadyToRead)),
        field_off_ms: SEE_PHONE_MS,
        ..KernelOutcome::new(OutcomeKind::TryAgain)
    }
}

#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at whatever it did not expect"
)]
mod tests;
