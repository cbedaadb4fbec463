//! How kernel 5 ends once the card has made its cryptogram.

use softpos_wire::apdu::{Rapdu, SW_OK};
use softpos_wire::tag;

use super::super::configured::set;
use super::super::endings::{approved, declined, end_application, other_interface, restart, select_next};
use super::super::intake::Template;
use super::risk::Request;
use super::update::ask_issuer;
use super::{C5, CVM_REQUIRED, tags};
use crate::outcome::{Authentication, Cvm, KernelOutcome, Reason};
use crate::read::{CardRead, EntryMode, ReadParts};
use crate::ui::Message;

/// How long message and silence of the field last when the card answers 6986.
const RESTART_MS: u32 = 1_300;

impl C5 {
    // Rule C5-GAC-SW: 6986 starts again, 6984 asks for another interface, any other refusal is SELECT NEXT.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::tests::status_words_of_generate_ac,
    // softpos-cards::matrix::which_kernels_say_see_phone;
    // evidence: own]
    pub(super) fn on_cryptogram(
        &mut self,
        asked: Request,
        combined: bool,
        answer: Rapdu<'_>,
    ) -> KernelOutcome {
        match answer.sw {
            SW_OK => {}
            0x6986 => return restart(Reason::SeePhone, Message::SeePhone, RESTART_MS),
            0x6984 => return other_interface(Reason::CommandRefused(0x6984)),
            sw => return select_next(Reason::CommandRefused(sw)),
        }
        match self.judge(asked, combined, answer.body) {
            Ok(outcome) => outcome,
            Err(reason) => end_application(reason),
        }
    }

    // Rule C5-ANSWER: AAC, a TC where ARQC was asked for, no 9F50, no 9F4B or a wrong one: DECLINED. TC: APPROVED. ARQC:
    // ONLINE REQUEST.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::tests::what_the_card_answers,
    // kernel::c5::tests::a_combined_signature; evidence: own]
    fn judge(&mut self, asked: Request, combined: bool, body: &[u8]) -> Result<KernelOutcome, Reason> {
        let template = self.intake.cryptogram(body, &self.input.data)?;
        let [information] = self.intake.required(tag::CRYPTOGRAM_INFORMATION)?;
        let answered = Request::of(information).ok_or(Reason::DataConflict)?;
        let signed = combined && answered != Request::Aac;
        let authentic = !signed || self.signature_holds(template, information, body)?;
        let verdict = match (answered, asked) {
            (Request::Aac, _) | (_, Request::Aac) => Err(Reason::CardDeclined),
            (Request::Tc, Request::Arqc) => Err(Reason::DataConflict),
            _ if !authentic => Err(Reason::NotAuthenticated),
            (Request::Tc | Request::Arqc, _) => self.verification(signed),
        };
        let authentication = (signed && authentic).then_some(Authentication::Combined);
        let wanted = self.update_wanted();
        let read = self.read(information, verdict.unwrap_or(Cvm::None), authentication)?;
        Ok(match (verdict, answered) {
            (Err(reason), _) => declined(reason, Some(read)),
            (Ok(_), Request::Tc) => approved(read),
            (Ok(_), Request::Arqc | Request::Aac) => ask_issuer(read, wanted),
        })
    }

    /// The cryptogram inside a signature that holds stands for 9F26.
    fn signature_holds(&mut self, template: Template, information: u8, body: &[u8]) -> Result<bool, Reason> {
        let track = self.intake.track(&self.input.activation)?;
        let sent = [self.pdol.expose(), self.cdol.expose()];
        let signed = match (template, self.intake.card_key(&self.input, &track.pan)) {
            (Template::Format2, Ok(key)) => {
                self.intake
                    .combined_signature(&self.input, &key, &sent, (information, body))
            }
            _ => None,
        };
        let outside = self.intake.card.array(tag::CRYPTOGRAM);
        let holds = signed.is_some() && (outside.is_none() || outside == signed);
        if !holds {
            set(&mut self.tvr, 1, 0x04);
        }
        if outside.is_none() {
            // A decline is told without a cryptogram: the one inside a wrong signature is not to be believed.
            let inside = signed.filter(|_| holds).unwrap_or_default();
            self.intake.card.insert(tag::CRYPTOGRAM, &inside)?;
        }
        Ok(holds)
    }

    // Rule C5-CVM: the card's 9F50 decides: 00 none, but not where 9F53 B1b8 requires one; 10 signature, 20 online PIN,
    // 3x on the device, each only if 9F53 has it; else DECLINED.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::tests::the_card_says_how; evidence: own]
    // Rule C5-CVM-UNPROVEN: where verification is required, a claim of the device that no signature covers counts as
    // none.
    // [source: peer, EMVrace; test: kernel::c5::tests::an_unsigned_claim_above_the_limit_is_none; evidence: own]
    fn verification(&self, signed: bool) -> Result<Cvm, Reason> {
        let [profile, _, _] = self.interchange;
        let required = profile & CVM_REQUIRED != 0;
        let wanted = self.intake.card.value(tags::CARD_CVM);
        let (cvm, ability) = match wanted.and_then(|value| value.first()) {
            Some(0x00) if !required => return Ok(Cvm::None),
            Some(0x10) => (Cvm::Signature, 0x40),
            Some(0x20) => (Cvm::OnlinePin, 0x20),
            Some(0x30..=0x3F) if required && !signed => return Err(Reason::VerificationNotProven),
            Some(0x30..=0x3F) => (Cvm::OnDevice, 0x10),
            Some(_) => return Err(Reason::NoVerification),
            None => return Err(Reason::DataMissing(tags::CARD_CVM)),
        };
        if profile & ability != 0 {
            Ok(cvm)
        } else {
            Err(Reason::NoVerification)
        }
    }

    fn read(
        &mut self,
        information: u8,
        cvm: Cvm,
        authentication: Option<Authentication>,
    ) -> Result<CardRead, Reason> {
        let mut reader = self.input.data.clone();
        reader.set(tag::TVR, &self.tvr);
        CardRead::build(ReadParts {
            track: self.intake.track(&self.input.activation)?,
            aip: self.intake.required(tag::AIP)?,
            atc: self.intake.required(tag::ATC)?,
            arqc: self.intake.required(tag::CRYPTOGRAM)?,
            iad: self.intake.issuer_data()?.to_vec(),
            cryptogram_information: information,
            cvm,
            cvm_results: cvm.results(),
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
