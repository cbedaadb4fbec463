//! The issuer's answer on its way to the card: scripts, second GENERATE AC, scripts.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use softpos_wire::apdu::{self, Rapdu, SW_OK};
use softpos_wire::{Tag, tag};

use super::super::configured::{Tvr, set};
use super::super::endings::{approved, declined, end_application, online, torn, with_read};
use super::super::intake::Intake;
use super::super::{KernelInput, Progress};
use super::risk::Request;
use super::{C5, ISSUER_UPDATE, State, tags};
use crate::data::CardData;
use crate::entry::Start;
use crate::issuer_answer::{AUTHENTICATION, IssuerAnswer, Presentment, RESPONSE_CODE, Returning};
use crate::outcome::{KernelOutcome, Reason};
use crate::read::CardRead;
use crate::ui::{Message, Status, UiRequest};

/// TVR byte 5: a script failed before, or after the second GENERATE AC.
const FAILED_BEFORE: u8 = 0x20;
const FAILED_AFTER: u8 = 0x10;

/// 9F5B, first half byte: the script failed, or went well.
const FAILED: u8 = 0x10;
const DONE: u8 = 0x20;

/// What is taken to the card, and how far it got.
#[derive(Debug)]
pub(super) struct Update {
    read: Box<CardRead>,
    answer: IssuerAnswer,
    left: VecDeque<Step>,
    /// What the card is answering.
    at: Step,
    /// 9F5B: five bytes for each script, in the order of the answer.
    results: Vec<[u8; 5]>,
    tvr: Tvr,
    /// What the second cryptogram says; absent until it is there.
    verdict: Option<Result<(), Reason>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A command of a script, both counted from 0.
    Command {
        script: usize,
        command: usize,
    },
    Second,
}

// Rule C5-UPDATE-HOW: of a card that was told that updates are taken, 9F60 01 keeps the card in the field and starts again
// at D, 02 wants a second presentment and starts at B; 00 or nothing is an ordinary ONLINE REQUEST.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::update::tests::how_the_card_wants_it; evidence: own]
// Rule C5-UPDATE-WITHOUT: any other 9F60, and a card without 8D, which cannot be asked a second time, get an ordinary
// ONLINE REQUEST.
// [source: inference; test: kernel::c5::update::tests::how_the_card_wants_it; evidence: own]
impl C5 {
    pub(super) fn update_wanted(&self) -> Option<Presentment> {
        let [_, offered, _] = self.interchange;
        if offered & ISSUER_UPDATE == 0 || self.intake.card.value(tags::CDOL_2).is_none() {
            return None;
        }
        match self.intake.card.value(tags::ISSUER_UPDATE) {
            Some([0x01]) => Some(Presentment::Held),
            Some([0x02]) => Some(Presentment::Again),
            Some(_) | None => None,
        }
    }

    // Rule C5-UPDATE-BACK: back at its card the answer is told at once: no second GET PROCESSING OPTIONS, no records.
    // [source: inference; test: kernel::c5::update::tests::scripts_around_the_second_cryptogram,
    // softpos-cards::issuer_update::two_presentments; evidence: own]
    // Rule C5-UPDATE-TORN: an answer to ECHO wants the issuer's answer as the one that was lost would have; it goes to the
    // payment of then.
    // [source: inference; test: softpos-cards::issuer_update::a_cut_tap_is_echoed_and_its_answer_told; evidence: own]
    pub(super) fn resume(input: KernelInput, returning: Returning) -> Result<Self, KernelOutcome> {
        let mut kernel = Self::new(input).map_err(end_application)?;
        kernel.update = Some(Update::new(returning));
        kernel.next_step().map(|_| kernel)
    }

    fn next_step(&mut self) -> Result<Progress<KernelOutcome>, KernelOutcome> {
        let Some(update) = &mut self.update else {
            return Err(end_application(Reason::Kernel));
        };
        match update.next_command() {
            Ok(Some(command)) => {
                self.command = Some(command);
                self.state = State::AwaitUpdate;
                Ok(Progress::Continue)
            }
            Ok(None) => Err(self.concluded(None)),
            Err(reason) => Err(self.concluded(Some(end_application(reason)))),
        }
    }

    pub(super) fn on_update(&mut self, answer: Rapdu<'_>) -> Result<Progress<KernelOutcome>, KernelOutcome> {
        let Some(update) = &mut self.update else {
            return Err(end_application(Reason::Kernel));
        };
        match update.at {
            Step::Command { script, command } => update.on_command(script, command, answer.sw),
            // Rule C5-UPDATE-REFUSED: a card that refuses the second GENERATE AC, or answers it with something else, ends
            // the application; the issuer's decision then stands alone.
            // [source: inference; test: kernel::c5::update::tests::a_refused_second_cryptogram; evidence: own]
            Step::Second => {
                let judged = match answer.sw {
                    SW_OK => second_answer(&mut self.intake, &self.input, update, answer.body),
                    sw => Err(Reason::CommandRefused(sw)),
                };
                match judged {
                    Ok(verdict) => update.verdict = Some(verdict),
                    Err(reason) => return Err(self.concluded(Some(end_application(reason)))),
                }
            }
        }
        self.next_step()
    }

    // Rule C5-UPDATE-LOST: a card that leaves before the end is not asked again: what it was told of then is uncertain.
    // [source: inference; test: kernel::c5::update::tests::a_card_that_leaves,
    // softpos-cards::issuer_update::pulled_away_at_any_command; evidence: own]
    pub(super) fn update_lost(&mut self) -> KernelOutcome {
        self.concluded(Some(torn()))
    }

    // Rule C5-UPDATE-END: TC where TC was asked for: APPROVED; anything else: DECLINED. The read tells the second
    // cryptogram, 9F5B and the results in TVR byte 5.
    // [source: inference; test: kernel::c5::update::tests::what_the_card_says_in_the_end,
    // softpos-cards::issuer_update::two_presentments; evidence: own]
    fn concluded(&mut self, ending: Option<KernelOutcome>) -> KernelOutcome {
        let Some(update) = self.update.take() else {
            return ending.unwrap_or_else(|| end_application(Reason::Kernel));
        };
        let Update {
            mut read,
            results,
            tvr,
            verdict,
            ..
        } = update;
        let results = results.concat();
        let mut told: Vec<(Tag, &[u8])> = [(tag::TVR, &tvr[..])].into();
        if !results.is_empty() {
            told.push((tags::SCRIPT_RESULTS, &results));
        }
        let nothing = CardData::default();
        // A cryptogram that is not believed does not replace the first.
        let second = if verdict.is_some() {
            &self.intake.card
        } else {
            &nothing
        };
        read.conclude(&told, second, tags::ISSUER_DATA);
        match (ending, verdict) {
            (Some(ending), _) => with_read(ending, Some(*read)),
            (None, Some(Ok(()))) => approved(*read),
            (None, Some(Err(reason))) => declined(reason, Some(*read)),
            (None, None) => end_application(Reason::Kernel),
        }
    }
}

/// What the second cryptogram says, or why it says nothing.
///
// Rule C5-UPDATE-SAME: the second answer must name the counter of the first: another card of the same application knows
// nothing of the payment.
// [source: inference; test: kernel::c5::update::tests::a_refused_second_cryptogram; evidence: own]
fn second_answer(
    intake: &mut Intake,
    input: &KernelInput,
    update: &Update,
    body: &[u8],
) -> Result<Result<(), Reason>, Reason> {
    intake.cryptogram(body, &input.data)?;
    let [information] = intake.required(tag::CRYPTOGRAM_INFORMATION)?;
    let atc: [u8; 2] = intake.required(tag::ATC)?;
    intake.required::<8>(tag::CRYPTOGRAM)?;
    intake.issuer_data()?;
    if update.read.receipt.as_ref().map(|receipt| receipt.atc) != Some(atc) {
        return Err(Reason::DataConflict);
    }
    Ok(match (Request::of(information), update.asked()) {
        (Some(Request::Tc), Request::Tc) => Ok(()),
        (Some(Request::Aac), _) => Err(Reason::CardDeclined),
        (Some(Request::Tc | Request::Arqc) | None, _) => Err(Reason::DataConflict),
    })
}

impl Update {
    // Rule C5-UPDATE-SCRIPTS: the commands of 71 go before the second GENERATE AC, those of 72 after it.
    // [source: peer, vendor kernels of 2013 to 2020;
    // test: kernel::c5::update::tests::scripts_around_the_second_cryptogram; evidence: own]
    fn new(Returning { read, answer }: Returning) -> Self {
        let steps = |after| {
            let scripts = answer.scripts.iter().enumerate();
            scripts
                .filter(move |(_, one)| one.after == after)
                .flat_map(|(script, one)| {
                    (0..one.commands.len()).map(move |command| Step::Command { script, command })
                })
        };
        let left = steps(false).chain([Step::Second]).chain(steps(true)).collect();
        let results = answer
            .scripts
            .iter()
            .map(|script| {
                let [a, b, c, d] = script.identifier;
                [0, a, b, c, d]
            })
            .collect();
        let tvr = read.reader_data().value(tag::TVR);
        Self {
            tvr: tvr.and_then(|tvr| tvr.try_into().ok()).unwrap_or_default(),
            read,
            answer,
            left,
            at: Step::Second,
            results,
            verdict: None,
        }
    }

    // Rule C5-UPDATE-SECOND: where the host approved the card is asked for TC, else for AAC, without a signature.
    // [source: inference; test: kernel::c5::update::tests::scripts_around_the_second_cryptogram,
    // kernel::c5::update::tests::what_the_card_says_in_the_end; evidence: own]
    const fn asked(&self) -> Request {
        if self.answer.approved {
            Request::Tc
        } else {
            Request::Aac
        }
    }

    fn next_command(&mut self) -> Result<Option<Vec<u8>>, Reason> {
        let Some(step) = self.left.pop_front() else {
            return Ok(None);
        };
        self.at = step;
        match step {
            Step::Command { script, command } => {
                let script = self.answer.scripts.get(script);
                let command = script.and_then(|script| script.commands.get(command));
                command.cloned().map(Some).ok_or(Reason::Kernel)
            }
            Step::Second => self.second_command().map(Some),
        }
    }

    fn second_command(&self) -> Result<Vec<u8>, Reason> {
        let list = self
            .read
            .card_object(tags::CDOL_2)
            .ok_or(Reason::DataMissing(tags::CDOL_2))?;
        let mut data = self.read.reader_data().clone();
        data.set(tag::TVR, &self.tvr);
        data.set(RESPONSE_CODE, &self.answer.response_code);
        data.set(AUTHENTICATION, &self.answer.authentication);
        let values = Intake::dol_data(list, &data)?;
        apdu::generate_ac(self.asked().p1(false), values.expose(), true).map_err(|_| Reason::Malformed)
    }

    // Rule C5-UPDATE-FAILED: a command answered with anything but 9000 or a warning (62, 63) ends its script: 9F5B tells
    // which one, TVR B5b6 that it was before the second GENERATE AC, B5b5 after; the next script goes on.
    // [source: general knowledge; test: kernel::c5::update::tests::a_script_that_fails; evidence: own]
    fn on_command(&mut self, script: usize, command: usize, sw: u16) {
        let [class, _] = sw.to_be_bytes();
        let done = sw == SW_OK || matches!(class, 0x62 | 0x63);
        let (after, last) = self.answer.scripts.get(script).map_or((false, true), |one| {
            (one.after, command.saturating_add(1) == one.commands.len())
        });
        let result = if done {
            DONE
        } else {
            let number = u8::try_from(command.saturating_add(1)).unwrap_or(0x0F).min(0x0F);
            set(&mut self.tvr, 5, if after { FAILED_AFTER } else { FAILED_BEFORE });
            self.left
                .retain(|step| !matches!(step, Step::Command { script: one, .. } if *one == script));
            FAILED | number
        };
        if let (true, Some([first, ..])) = (last || !done, self.results.get_mut(script)) {
            *first = result;
        }
    }
}

// Rule C5-UPDATE-UI: a card that is held hears "authorising", not "card read OK", which would call it away; one that is
// presented twice is asked to come again.
// [source: inference; test: kernel::c5::update::tests::how_the_card_wants_it; evidence: own]
/// ONLINE REQUEST, and where it starts again once the issuer has answered.
pub(super) fn ask_issuer(mut read: CardRead, wanted: Option<Presentment>) -> KernelOutcome {
    read.issuer_update = wanted;
    let mut outcome = online(read);
    match wanted {
        None => {}
        Some(Presentment::Held) => {
            outcome.start = Some(Start::D);
            if let Some(ui) = &mut outcome.ui_on_outcome {
                ui.message = Message::Authorising;
                ui.status = Status::Processing;
            }
        }
        Some(Presentment::Again) => {
            outcome.start = Some(Start::B);
            outcome.ui_on_restart = Some(UiRequest::new(Message::PresentAgain, Status::ReadyToRead));
        }
    }
    outcome
}

#[cfg(test)]
mod tests;
