//! How kernel 8 ends: outcome, user interface, data record and discretionary data.

use alloc::boxed::Box;
use alloc::vec::Vec;

use softpos_types::SecretBytes;
use softpos_wire::tag;
use softpos_wire::tlv::{TlvWriter, read_tag};
use softpos_wire::track2::Track2;

use super::decision::{End, Holder};
use super::{C8, tags};
use crate::entry::Start;
use crate::kernel::endings::{approved, declined, end_application, online, other_interface, with_read};
use crate::outcome::{Authentication, Cvm, KernelOutcome, KernelReport, OutcomeKind, Reason};
use crate::read::{CardRead, EntryMode, ReadParts};
use crate::ui::{Message, Status, UiRequest};

/// Card qualifier, fifth byte: the card notices when the field goes off.
const NOTICES_FIELD_OFF: u8 = 0x80;

/// What came of the cryptogram.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) end: End,
    /// 9F27.
    pub(super) information: u8,
    pub(super) holder: Holder,
    pub(super) authenticated: bool,
    pub(super) track: Track2,
    /// 9F10, with the code inside if it belongs there.
    pub(super) iad: Vec<u8>,
    pub(super) cryptogram: [u8; 8],
}

impl C8 {
    // Rule C8-MESSAGES: approved 03 (1A to sign), authorising 1B, declined 07, another interface 18, restart 21; with a
    // restart, another interface or a decline the card may name another message if the configuration lists it (9F821D).
    // [source: peer, Denom; test: kernel::c8::tests::messages_of_the_card; evidence: own]
    pub(super) fn ended(&mut self, judged: Judged) -> Result<KernelOutcome, Reason> {
        let hold_ms = self.config.message_hold_ms;
        let field_off_ms = match self.intake.fci.array::<7>(tags::CARD_QUALIFIER) {
            Some([_, _, _, _, flags, _, _]) if flags & NOTICES_FIELD_OFF != 0 => self.config.field_off_ms,
            Some(_) | None => 0,
        };
        let (end, signs) = (judged.end, judged.holder.cvm == Cvm::Signature);
        let named = |otherwise| self.message_of_card().unwrap_or(otherwise);
        let (restarts, switches, declines) = (
            named(Message::PresentAgain),
            named(Message::InsertOrSwipe),
            named(Message::NotAuthorised),
        );
        if end == End::Restart {
            return Ok(KernelOutcome {
                start: Some(Start::B),
                reason: Some(Reason::SeePhone),
                ui_on_outcome: Some(UiRequest::held(restarts, Status::NotReady, hold_ms)),
                ui_on_restart: Some(UiRequest::new(restarts, Status::ReadyToRead)),
                field_off_ms,
                ..end_application(Reason::SeePhone)
            });
        }
        let read = self.read(judged)?;
        let (outcome, message, hold_ms) = match end {
            End::Approve => {
                let message = if signs {
                    Message::ApprovedSign
                } else {
                    Message::Approved
                };
                (approved(read), message, hold_ms)
            }
            End::Online => (online(read), Message::Authorising, 0),
            End::Decline(reason) => (declined(reason, Some(read)), declines, hold_ms),
            End::OtherInterface(interface) => {
                let outcome = KernelOutcome {
                    interface,
                    ..other_interface(Reason::CardDeclined)
                };
                (with_read(outcome, Some(read)), switches, hold_ms)
            }
            End::Clear | End::Restart => {
                let outcome = end_application(Reason::CardDeclined);
                (with_read(outcome, Some(read)), Message::Clear, 0)
            }
        };
        let language_preference = outcome.ui_on_outcome.and_then(|ui| ui.language_preference);
        Ok(KernelOutcome {
            ui_on_outcome: Some(UiRequest {
                language_preference,
                ..UiRequest::held(message, Status::NotReady, hold_ms)
            }),
            field_off_ms,
            receipt: self.above_cvm_limit || outcome.receipt,
            ..outcome
        })
    }

    fn message_of_card(&self) -> Option<Message> {
        let (_, code) = self.restart()?;
        let listed = code != 0 && self.config.restart_messages.contains(&code);
        Message::from_code(code).filter(|_| listed)
    }

    fn read(&mut self, judged: Judged) -> Result<CardRead, Reason> {
        CardRead::build(ReadParts {
            track: judged.track,
            aip: self.intake.required(tag::AIP)?,
            atc: self.intake.required(tag::ATC)?,
            arqc: judged.cryptogram,
            iad: judged.iad,
            cryptogram_information: judged.information,
            cvm: judged.holder.cvm,
            cvm_results: judged.holder.results,
            authentication: judged.authenticated.then_some(Authentication::Local),
            issuer_tags: tags::ISSUER_DATA,
            record_tags: tags::DATA_RECORD,
            entry_mode: EntryMode::ContactlessChip,
            activation: self.input.activation.clone(),
            reader: self.input.data.clone(),
            fci: core::mem::take(&mut self.intake.fci),
            card: core::mem::take(&mut self.intake.card),
        })
    }

    // Rule C8-DISCRETIONARY: the discretionary data are what 9F821F lists, with the error indication under 9F8204; an
    // empty list stands for the error indication.
    // [source: peer, Denom; test: kernel::c8::tests::discretionary_data; evidence: own]
    pub(super) fn reported(&self, mut outcome: KernelOutcome) -> KernelOutcome {
        let error = outcome
            .report
            .as_ref()
            .map(|report| report.error)
            .unwrap_or_default();
        let indication = error.to_bytes();
        let mut wanted = Vec::new();
        let mut list = self.config.discretionary.as_slice();
        while let Ok((tag, rest)) = read_tag(list) {
            wanted.push(tag);
            list = rest;
        }
        if wanted.is_empty() {
            wanted.push(tags::ERROR_INDICATION);
        }
        let read = outcome.read.as_deref();
        let objects = || {
            wanted.iter().filter_map(|tag| match *tag {
                tags::ERROR_INDICATION => Some((*tag, &indication[..])),
                other => {
                    let value = read.map_or_else(
                        || {
                            self.input
                                .data
                                .value(other)
                                .or_else(|| self.intake.card.value(other))
                        },
                        |read| read.data_object(other),
                    );
                    value.map(|value| (other, value))
                }
            })
        };
        let mut writer = TlvWriter::for_objects(objects());
        for (tag, value) in objects() {
            writer.put(tag, value);
        }
        let discretionary = SecretBytes::new(writer.into_vec());
        if outcome.kind != OutcomeKind::SelectNext {
            outcome.report = Some(Box::new(KernelReport { error, discretionary }));
        }
        outcome
    }
}
