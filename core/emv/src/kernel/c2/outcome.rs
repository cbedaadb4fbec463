//! How kernel 2 ends: outcome, user interface, data record and discretionary data.

use alloc::boxed::Box;

use softpos_types::SecretBytes;
use softpos_wire::tlv::TlvWriter;
use softpos_wire::track2::Track2;
use softpos_wire::{Tag, tag};

use super::analysis::Cryptogram;
use super::stop::{Stop, l2};
use super::{C2, tags, tvr};
use crate::entry::Start;
use crate::outcome::{Cvm, ErrorIndication, KernelOutcome, KernelReport, OutcomeKind, Reason};
use crate::read::{CardRead, EntryMode, ReadParts};
use crate::ui::{Message, Status, UiRequest, UiValue, ValueQualifier};

/// Bytes 2 and 3 of DF4B that send the customer to the device.
const LOOK_AT_DEVICE: [u8; 3] = [0x00, 0x03, 0x0F];

// Rule C2-RECORD: the data record of the outcome.
// [source: peer, danhu; test: kernel::tests::the_data_record_of_kernel_2; evidence: own]
/// The data record.
const RECORD: &[Tag] = &[
    tag::AMOUNT_AUTHORISED,
    tag::AMOUNT_OTHER,
    tag::CRYPTOGRAM,
    tag::EXPIRY_DATE,
    tag::AIP,
    tag::APPLICATION_LABEL,
    tag::PAN,
    tag::PAN_SEQUENCE,
    tag::PREFERRED_NAME,
    tag::ATC,
    tag::USAGE_CONTROL,
    tag::TERMINAL_APPLICATION_VERSION,
    tag::CRYPTOGRAM_INFORMATION,
    tag::CVM_RESULTS,
    tag::DF_NAME,
    tag::INTERFACE_DEVICE_SERIAL,
    tag::ISSUER_APPLICATION_DATA,
    tag::ISSUER_CODE_TABLE,
    tags::ISSUER_PROPRIETARY,
    tag::TERMINAL_CAPABILITIES,
    tag::TERMINAL_COUNTRY,
    tag::TERMINAL_TYPE,
    tag::TVR,
    tag::TRACK_2,
    tags::CATEGORY_CODE,
    tag::TRANSACTION_CURRENCY,
    tag::TRANSACTION_DATE,
    tag::TRANSACTION_TYPE,
    tag::UNPREDICTABLE_NUMBER,
];

/// Field 55: no number, track, name or expiry.
const ISSUER_DATA: &[Tag] = &[
    tag::CRYPTOGRAM,
    tag::CRYPTOGRAM_INFORMATION,
    tag::ISSUER_APPLICATION_DATA,
    tag::UNPREDICTABLE_NUMBER,
    tag::ATC,
    tag::TVR,
    tag::TRANSACTION_DATE,
    tag::TRANSACTION_TYPE,
    tag::AMOUNT_AUTHORISED,
    tag::TRANSACTION_CURRENCY,
    tag::AIP,
    tag::TERMINAL_COUNTRY,
    tag::AMOUNT_OTHER,
    tag::TERMINAL_CAPABILITIES,
    tag::CVM_RESULTS,
    tag::TERMINAL_TYPE,
    tag::INTERFACE_DEVICE_SERIAL,
    tag::DF_NAME,
    tag::TERMINAL_APPLICATION_VERSION,
    tag::PAN_SEQUENCE,
    tags::CATEGORY_CODE,
    tags::THIRD_PARTY_DATA,
];

impl C2 {
    // Rule C2-CDA-3: an unsigned cryptogram where a signed one was asked for ends it, but for a decline.
    // [source: peer, danhu;
    // test: kernel::c2::foreign::an_unsigned_cryptogram_where_a_signed_one_was_asked_for;
    // evidence: own]
    /// The cryptogram is here. Authentication, then what card and reader say together.
    pub(super) fn conclude(&mut self) -> Result<KernelOutcome, Stop> {
        let information = self.card.array(tag::CRYPTOGRAM_INFORMATION);
        let missing = Stop::card(l2::DATA_MISSING, Reason::DataMissing(tag::CRYPTOGRAM_INFORMATION));
        let [information] = information.ok_or(missing)?;
        let wrong = Stop::card(l2::CARD_DATA, Reason::NotAuthenticated);
        let cryptogram = Cryptogram::of(information).ok_or(wrong)?;
        if self.given(tag::SIGNED_DYNAMIC_DATA).is_some() {
            if let Err(stop) = self.authenticate() {
                self.tvr.set(tvr::CDA_FAILED);
                self.data.set(tag::TVR, &self.tvr.0);
                return Err(stop);
            }
        } else {
            self.required(tag::CRYPTOGRAM)?;
            // A decline comes unsigned, but not where a signed decline was asked for.
            let plain_decline = cryptogram == Cryptogram::Aac && self.request.cryptogram != Cryptogram::Aac;
            if self.request.signed && !plain_decline {
                return Err(wrong);
            }
        }
        let outcome = self.reported(self.decided(cryptogram));
        let read = self.read(information)?;
        Ok(KernelOutcome {
            read: Some(Box::new(read)),
            ..outcome
        })
    }

    fn decided(&self, cryptogram: Cryptogram) -> KernelOutcome {
        if let Some(outcome) = self.look_at_device() {
            return outcome;
        }
        let hold_ms = self.config.message_hold_ms;
        let shown = |message, hold_ms| Some(UiRequest::held(message, Status::NotReady, hold_ms));
        let of = |kind, reason, ui_on_outcome| KernelOutcome {
            reason,
            ui_on_outcome,
            ..KernelOutcome::new(kind)
        };
        match cryptogram {
            Cryptogram::Tc => {
                let message = if self.cvm == Cvm::Signature {
                    Message::ApprovedSign
                } else {
                    Message::Approved
                };
                let mut ui = UiRequest::held(message, Status::NotReady, hold_ms);
                ui.value = self.balances.after.map(|value| UiValue {
                    qualifier: ValueQualifier::Balance,
                    value,
                    currency: self.card.array(tags::APPLICATION_CURRENCY).unwrap_or_default(),
                });
                of(OutcomeKind::Approved, None, Some(ui))
            }
            Cryptogram::Arqc => of(OutcomeKind::OnlineRequest, None, shown(Message::Authorising, 0)),
            Cryptogram::Aac if self.may_change_interface() => of(
                OutcomeKind::TryAnotherInterface,
                Some(Reason::CardDeclined),
                shown(Message::InsertCard, hold_ms),
            ),
            Cryptogram::Aac if self.is_payment() => of(
                OutcomeKind::Declined,
                Some(Reason::CardDeclined),
                shown(Message::NotAuthorised, hold_ms),
            ),
            Cryptogram::Aac => of(
                OutcomeKind::EndApplication,
                Some(Reason::CardDeclined),
                shown(Message::Clear, 0),
            ),
        }
    }

    // Rule C2-PHONE-1: DF4B and 00030F: the customer looks at the device, the same amount again.
    // [source: peer, danhu;
    // test: kernel::c2::tests::conclusion::a_device_that_must_be_looked_at_is_presented_again_with_a_new_number, kernel::c2::tests::conclusion::the_phone_message_table_and_bits_that_ask_for_nothing,
    // softpos-cards::matrix::which_kernels_say_see_phone;
    // evidence: own]
    /// DF4B: the customer confirms on the device and presents it again with the same amount.
    pub(super) fn look_at_device(&self) -> Option<KernelOutcome> {
        let said: [u8; 3] = self.card.array(tags::INTERACTION)?;
        let asked = said
            .iter()
            .zip(LOOK_AT_DEVICE)
            .any(|(byte, mask)| byte & mask != 0);
        if !asked {
            return None;
        }
        let fits = |entry: &&[u8; 8]| {
            let [m1, m2, m3, v1, v2, v3, ..] = **entry;
            said.iter()
                .zip([m1, m2, m3])
                .map(|(byte, mask)| byte & mask)
                .eq([v1, v2, v3])
        };
        let message = self.config.phone_messages.iter().find(fits).and_then(|entry| {
            let [.., message, _] = *entry;
            Message::from_code(message)
        });
        let message = message.unwrap_or(Message::SeePhone);
        Some(KernelOutcome {
            reason: Some(Reason::SeePhone),
            start: Some(Start::B),
            ui_on_outcome: Some(UiRequest::held(
                message,
                Status::ProcessingError,
                self.config.message_hold_ms,
            )),
            ui_on_restart: Some(UiRequest::new(message, Status::ReadyToRead)),
            field_off_ms: self.config.message_hold_ms,
            ..KernelOutcome::new(OutcomeKind::EndApplication)
        })
    }

    fn is_payment(&self) -> bool {
        matches!(
            self.own_array(tag::TRANSACTION_TYPE),
            Some([0x00 | 0x01 | 0x09 | 0x17])
        )
    }

    // Rule C2-AAC-1: a decline leads to the slot only where there is one.
    // [source: peer, danhu;
    // test: kernel::c2::tests::conclusion::declines_switch_to_a_slot_only_where_there_is_one;
    // evidence: own]
    /// Only where there is a slot, and not for a device, which has no chip to insert.
    fn may_change_interface(&self) -> bool {
        let slot = self.config.input_capability & 0x20 != 0;
        slot && self.is_payment() && !self.is_device()
    }

    /// 9F6E names a kind of device that is no card. The kind is there if bit 8 of the third byte is not set.
    fn is_device(&self) -> bool {
        match self.given(tags::THIRD_PARTY_DATA) {
            Some(&[_, _, identifier, _, first, second, ..]) if identifier & 0x80 == 0 => {
                [first, second] != *b"00"
            }
            Some(_) | None => false,
        }
    }

    fn read(&mut self, information: u8) -> Result<CardRead, Stop> {
        let missing = |reason| Stop::card(l2::DATA_MISSING, reason);
        let track = Track2::parse(self.required(tag::TRACK_2)?)
            .map_err(|_| Stop::card(l2::CARD_DATA, Reason::Malformed))?;
        let array = |tag| missing(Reason::DataMissing(tag));
        let parts = ReadParts {
            track,
            aip: self.card.array(tag::AIP).ok_or(array(tag::AIP))?,
            atc: self.card.array(tag::ATC).ok_or(array(tag::ATC))?,
            arqc: self.card.array(tag::CRYPTOGRAM).ok_or(array(tag::CRYPTOGRAM))?,
            iad: self
                .card
                .value(tag::ISSUER_APPLICATION_DATA)
                .unwrap_or_default()
                .to_vec(),
            cryptogram_information: information,
            cvm: self.cvm,
            cvm_results: self.cvm_results,
            authentication: self.authentication,
            issuer_tags: ISSUER_DATA,
            record_tags: RECORD,
            entry_mode: EntryMode::ContactlessChip,
            activation: self.activation.clone(),
            reader: self.data.clone(),
            fci: core::mem::take(&mut self.fci),
            card: core::mem::take(&mut self.card),
        };
        CardRead::build(parts).map_err(missing)
    }

    pub(super) fn stopped(&self, stop: Stop) -> KernelOutcome {
        self.reported(stop.outcome())
    }

    /// Adds what every end has: discretionary data, language, receipt, and the field's silence for cards that notice it.
    pub(super) fn reported(&self, mut outcome: KernelOutcome) -> KernelOutcome {
        let error = outcome
            .report
            .as_ref()
            .map_or(ErrorIndication::NONE, |report| report.error);
        outcome.report = Some(Box::new(KernelReport {
            error,
            discretionary: self.discretionary(error),
        }));
        outcome.receipt = self.receipt;
        if self.capable(1, 0x04) && outcome.field_off_ms == 0 {
            outcome.field_off_ms = self.config.field_off_ms;
        }
        let language = self.fci.value(tag::LANGUAGE_PREFERENCE);
        for ui in [&mut outcome.ui_on_outcome, &mut outcome.ui_on_restart]
            .into_iter()
            .flatten()
        {
            ui.speak(language);
        }
        outcome
    }

    fn discretionary(&self, error: ErrorIndication) -> SecretBytes {
        let card = |tag| Some((tag, self.card.value(tag).or_else(|| self.fci.value(tag))?));
        let error = error.to_bytes();
        let balances = [
            (tags::BALANCE_BEFORE, &self.balances.before),
            (tags::BALANCE_AFTER, &self.balances.after),
        ];
        let torn = self.given_up.as_ref().map(|record| record.objects.to_tlv());
        let objects = || {
            [tags::CAPABILITIES, tags::APPLICATION_CURRENCY]
                .into_iter()
                .filter_map(card)
                .chain(
                    balances
                        .iter()
                        .filter_map(|(tag, value)| Some((*tag, value.as_ref()?.as_slice()))),
                )
                .chain([(tags::ERROR_INDICATION, error.as_slice())])
                .chain(card(tags::THIRD_PARTY_DATA))
                .chain(torn.as_ref().map(|torn| (tags::TORN_RECORD, torn.expose())))
        };
        let mut writer = TlvWriter::for_objects(objects());
        for (tag, value) in objects() {
            writer.put(tag, value);
        }
        SecretBytes::new(writer.into_vec())
    }
}
