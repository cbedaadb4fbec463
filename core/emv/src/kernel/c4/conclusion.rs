//! How kernel 4 ends once the card has made its cryptogram. There is no second GENERATE AC.

use softpos_wire::apdu::Rapdu;
use softpos_wire::tag;

use super::super::configured::set;
use super::super::endings::{approved, declined, end_application, online, restart};
use super::super::intake::Template;
use super::authentication::Oda;
use super::risk::Request;
use super::{C4, RESTART_MS, tags};
use crate::outcome::{Authentication, KernelOutcome, Reason};
use crate::read::{CardRead, EntryMode, ReadParts};
use crate::ui::Message;

impl C4 {
    // Rule C4-GAC-SW: 6984 of a customer's device starts again once; any other refusal ends the application.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::tests::status_words_of_generate_ac;
    // evidence: own]
    pub(super) fn on_cryptogram(&mut self, request: Request, answer: Rapdu<'_>) -> KernelOutcome {
        let mobile = self.intake.card.array::<2>(tag::AIP).unwrap_or_default()[1] & 0x40 != 0;
        match answer.sw {
            softpos_wire::apdu::SW_OK => {}
            0x6984 if mobile => return self.restart_once(Reason::SeePhone),
            sw => return end_application(Reason::CommandRefused(sw)),
        }
        match self.judge(request, answer.body) {
            Ok(outcome) => outcome,
            Err(reason) => end_application(reason),
        }
    }

    pub(super) fn restart_once(&self, reason: Reason) -> KernelOutcome {
        if self.input.activation.restarted {
            return end_application(reason);
        }
        let message = if reason == Reason::SeePhone {
            Message::SeePhone
        } else {
            Message::PresentAgain
        };
        restart(reason, message, RESTART_MS)
    }

    // Rule C4-ANSWER: AAC, a TC that nobody asked for, or a failed combined signature: DECLINED. TC, or an ARQC whose
    // authorisation may wait: APPROVED. ARQC: ONLINE REQUEST.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::tests::what_the_card_answers,
    // kernel::c4::tests::a_combined_signature, kernel::c4::tests::delayed_authorisation; evidence: own]
    fn judge(&mut self, request: Request, body: &[u8]) -> Result<KernelOutcome, Reason> {
        let template = self.intake.cryptogram(body, &self.input.data)?;
        let [information] = self.intake.required(tag::CRYPTOGRAM_INFORMATION)?;
        let answered = match information >> 6 {
            0 => Request::Aac,
            1 => Request::Tc,
            2 => Request::Arqc,
            _ => return Err(Reason::DataConflict),
        };
        let signed = answered == Request::Aac || self.signed(template, information, body)?;
        let may_wait = self.delayed() && self.delay_allowed();
        let authentication = match self.oda {
            Oda::Combined(_) if signed && answered != Request::Aac => Some(Authentication::Combined),
            Oda::Static => Some(Authentication::Static),
            Oda::Combined(_) | Oda::None => None,
        };
        let read = self.read(information, authentication)?;
        Ok(match (answered, request) {
            (Request::Aac, _) | (_, Request::Aac) => declined(Reason::CardDeclined, Some(read)),
            (Request::Tc, Request::Arqc) => declined(Reason::DataConflict, Some(read)),
            _ if !signed => declined(Reason::NotAuthenticated, Some(read)),
            (Request::Tc, Request::Tc) => approved(read),
            (Request::Arqc, _) if may_wait => approved(read),
            (Request::Arqc, _) => online(read),
        })
    }

    /// Whether the combined signature holds, if one was asked for; its cryptogram then stands for 9F26.
    fn signed(&mut self, template: Template, information: u8, body: &[u8]) -> Result<bool, Reason> {
        let Oda::Combined(key) = &self.oda else {
            return Ok(true);
        };
        let sent = [self.pdol.expose(), self.cdol.expose()];
        let signed = match template {
            Template::Format1 => None,
            Template::Format2 => self
                .intake
                .combined_signature(&self.input, key, &sent, (information, body)),
        };
        match signed {
            Some(cryptogram) if self.intake.card.value(tag::CRYPTOGRAM).is_none() => {
                self.intake.card.insert(tag::CRYPTOGRAM, &cryptogram)?;
                Ok(true)
            }
            Some(cryptogram) => Ok(self.intake.card.array(tag::CRYPTOGRAM) == Some(cryptogram)),
            None => {
                set(&mut self.tvr, 1, 0x04);
                if self.intake.card.value(tag::CRYPTOGRAM).is_none() {
                    // A decline is told without a cryptogram: the one inside the signature is not to be believed.
                    self.intake.card.insert(tag::CRYPTOGRAM, &[0; 8])?;
                }
                Ok(false)
            }
        }
    }

    fn read(&mut self, information: u8, authentication: Option<Authentication>) -> Result<CardRead, Reason> {
        let mut reader = self.input.data.clone();
        reader.set(tag::TVR, &self.tvr);
        CardRead::build(ReadParts {
            track: self.intake.track(&self.input.activation)?,
            aip: self.intake.required(tag::AIP)?,
            atc: self.intake.required(tag::ATC)?,
            arqc: self.intake.required(tag::CRYPTOGRAM)?,
            iad: self.intake.issuer_data()?.to_vec(),
            cryptogram_information: information,
            cvm: self.cvm,
            cvm_results: self.cvm_results,
            authentication,
            issuer_tags: tags::ISSUER_DATA,
            record_tags: tags::DATA_RECORD,
            entry_mode: EntryMode::ContactlessChip,
            activation: self.input.activation.clone(),
            reader,
            fci: core::mem::take(&mut self.intake.fci),
            card: core::mem::take(&mut self.intake.card),
        })
    }
}
