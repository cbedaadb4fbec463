//! The answer to GENERATE AC: the codes over the payment, local authentication, the conclusion.

use alloc::boxed::Box;
use alloc::vec::Vec;

use softpos_crypto::p256_key::sha256;
use softpos_types::{Pan, SecretBytes};
use softpos_wire::apdu::Rapdu;
use softpos_wire::tlv::{self, TlvWriter, read_tag};
use softpos_wire::{Tag, tag};

use super::decision::{Facts, Kind, holder};
use super::outcome::Judged;
use super::{C8, Channel, Step, tags};
use crate::oda::{CurveCertificates, CurveChain};
use crate::outcome::Reason;

impl C8 {
    // Rule C8-AC: GENERATE AC answered with a template 77 that holds 9F36, 9F27, 9F26, 9F10, 9F8102 and 9F8105, with 5A
    // known by now; anything else ends the application.
    // [source: peer, Denom; test: kernel::c8::tests::what_the_cryptogram_must_come_with,
    // kernel::c8::tests::status_words; evidence: own]
    pub(super) fn on_cryptogram(&mut self, asked: Kind, answer: Rapdu<'_>) -> Step {
        if !answer.is_ok() {
            return Err(Reason::CommandRefused(answer.sw));
        }
        let objects = tlv::only(answer.body, tag::RESPONSE_FORMAT_2).ok_or(Reason::Malformed)?;
        self.intake.answer(answer.body, &self.input.data)?;
        let [information] = self.intake.required(tag::CRYPTOGRAM_INFORMATION)?;
        let [decision] = self.intake.required(tags::HOLDER_DECISION)?;
        let cryptogram = self.intake.required(tag::CRYPTOGRAM)?;
        let code = self.intake.required(tags::ENHANCED_MAC)?;
        self.intake.required::<2>(tag::ATC)?;
        if self.intake.card.value(tag::PAN).is_none() {
            return Err(Reason::DataMissing(tag::PAN));
        }
        let track = self.intake.track(&self.input.activation)?;
        // Its number may come as late as with the cryptogram.
        self.look_up(&track.pan);
        let static_data = self.static_data()?;
        let static_hash = sha256(static_data.expose());
        let channel = self.channel.as_ref().ok_or(Reason::ChannelBroken)?;
        let issuer_code = self.issuer_code(channel, objects, &static_hash)?;
        let iad = self.issuer_data(issuer_code)?;
        // Rule C8-EDA: the card's code over cryptogram and payment must be the channel's, or nothing of it counts.
        // [source: foreign vector, Ecos 1.0 appendix B; test: kernel::c8::tests::the_code_over_the_payment,
        // softpos-crypto::card_channel::tests::worked_example_of_the_enhanced_code; evidence: foreign Ecos appendix B]
        if channel.enhanced_mac(cryptogram, issuer_code) != code {
            return Err(Reason::MacDiffers);
        }
        let authenticated =
            self.local && self.authenticates(channel, &track.pan, &static_data, &static_hash)?;
        // Rule C8-LOCAL-FAILED: a failed local authentication is TVR B1b3 and no decline by itself; hosts see the bit
        // only if 9F8209 b4 says so, for the card's cryptogram does not know of it.
        // [source: peer, Denom; test: kernel::c8::tests::local_authentication; evidence: own]
        if self.local && !authenticated {
            super::set(&mut self.tvr, 1, 0x04);
        }
        let kind = Kind::answered(information, asked).ok_or(Reason::DataConflict)?;
        self.merge_card_results()?;
        let copied = self.intake.issuer_data()? != iad.as_slice();
        let claim_counts = !self.above_cvm_limit || authenticated || (kind == Kind::Online && copied);
        let [capability, ..] = self.risk_management();
        let holder = holder(decision, capability, claim_counts);
        super::set(&mut self.tvr, 3, holder.tvr_bits);
        let facts = Facts {
            cryptogram: kind,
            wanted: self.wanted()?,
            reach: self.config.reach,
            authenticated,
            denied_for: self.denied_for()?,
            restart: self.restart().map(|(requested, _)| requested),
            transaction_type: self.transaction_type(),
        };
        if !self.config.reports_local_failure()
            && let Some(first) = self.tvr.first_mut()
        {
            *first &= !0x04;
        }
        self.input.data.set(tag::TVR, &self.tvr);
        self.input.data.set(tags::ISSUER_DATA_MAC, &issuer_code);
        // With its code inside, what goes to the issuer is the kernel's word and stands before the card's.
        self.input.data.set(tag::ISSUER_APPLICATION_DATA, &iad);
        self.judged = Some(Box::new(Judged {
            end: facts.end(),
            information,
            holder,
            authenticated,
            track,
            iad,
            cryptogram,
        }));
        self.write_data(0)
    }

    // Rule C8-IAD-MAC: the code covers the values of PDOL and CDOL 1, the relay exchange (number and answer) if there
    // was one, the answer's objects but 9F26 and 9F8105 as they came, and the hash of the static data.
    // [source: peer, Denom after book E 3.2; test: kernel::c8::tests::the_code_over_the_payment; evidence: own]
    fn issuer_code(
        &self,
        channel: &Channel,
        objects: &[u8],
        static_hash: &[u8; 32],
    ) -> Result<[u8; 8], Reason> {
        let covered = tlv::without(objects, tag::CRYPTOGRAM)
            .and_then(|rest| tlv::without(&rest, tags::ENHANCED_MAC))
            .map_err(|_| Reason::Malformed)?;
        let relay = self.relay.map(super::Exchange::signed_form);
        let relay = relay.as_ref().map_or(&[][..], |form| form);
        Ok(channel.issuer_data_mac(&[
            self.pdol.expose(),
            self.cdol.expose(),
            relay,
            &covered,
            static_hash,
        ]))
    }

    // Rule C8-STATIC: static data are the authenticated records, the objects of the extended list (9F810A) in its order,
    // the reader's own among them, each with tag and length, and the AIP.
    // [source: peer, Denom; test: kernel::c8::tests::static_data_in_their_order; evidence: own]
    fn static_data(&self) -> Result<SecretBytes, Reason> {
        let mut parts = self
            .intake
            .signed
            .parts(None, &[])
            .map_err(|_| Reason::Malformed)?;
        let extended = self.extended_static_data()?;
        parts.push(extended.expose());
        let profile = self.intake.required::<2>(tag::AIP)?;
        parts.push(&profile);
        // The buffer has its size at once: none of it stays behind in a smaller one.
        Ok(SecretBytes::new(parts.concat()))
    }

    fn extended_static_data(&self) -> Result<SecretBytes, Reason> {
        let mut list = self
            .intake
            .card
            .value(tags::EXTENDED_STATIC_LIST)
            .unwrap_or_default();
        let mut wanted = Vec::new();
        while !list.is_empty() {
            let (tag, rest) = read_tag(list).map_err(|_| Reason::Malformed)?;
            wanted.push(tag);
            list = rest;
        }
        let objects = || wanted.iter().map(|tag| (*tag, self.static_object(*tag)));
        let mut writer = TlvWriter::for_objects(objects());
        for (tag, value) in objects() {
            writer.put(tag, value);
        }
        Ok(SecretBytes::new(writer.into_vec()))
    }

    /// The reader's value, the card's, or nothing.
    fn static_object(&self, wanted: Tag) -> &[u8] {
        if wanted == tag::FCI_TEMPLATE {
            let fci = tlv::child(self.input.activation.fci.expose(), tag::FCI_TEMPLATE);
            return fci.ok().flatten().unwrap_or_default();
        }
        let own = self.input.data.value(wanted);
        own.or_else(|| self.intake.card.value(wanted))
            .or_else(|| self.intake.fci.value(wanted))
            .unwrap_or_default()
    }

    // Rule C8-IAD: AIP B2 b3 b2 say where the code goes in 9F10: 01 the configured place, 10 the card's (9F8107), else
    // nowhere; a place outside ends the application.
    // [source: peer, Denom; test: kernel::c8::tests::the_code_inside_the_issuer_data; evidence: own]
    fn issuer_data(&self, code: [u8; 8]) -> Result<Vec<u8>, Reason> {
        let mut iad = self.intake.issuer_data()?.to_vec();
        let [_, second] = self.intake.required::<2>(tag::AIP)?;
        let offset = match (second >> 1) & 3 {
            1 => self.config.mac_offset,
            2 => self
                .intake
                .card
                .array(tags::MAC_OFFSET)
                .map_or(u8::MAX, |[at]| at),
            _ => return Ok(iad),
        };
        let offset = usize::from(offset);
        let place = offset
            .checked_add(code.len())
            .and_then(|end| iad.get_mut(offset..end))
            .ok_or(Reason::DataConflict)?;
        place.copy_from_slice(&code);
        Ok(iad)
    }

    // Rule C8-CERTIFICATES: without 8F, 90 or 9F46 a card that says it can be authenticated ends the application; a
    // chain that does not hold, or a key that is not the channel's, is a failure.
    // [source: peer, Denom; test: kernel::c8::tests::local_authentication; evidence: own]
    // Rule C8-NUMBER: authentication counts only if the number (5A) is among the static data.
    // [source: inference; test: kernel::c8::tests::an_uncertified_number_authenticates_nothing; evidence: own]
    fn authenticates(
        &self,
        channel: &Channel,
        pan: &Pan,
        static_data: &SecretBytes,
        static_hash: &[u8; 32],
    ) -> Result<bool, Reason> {
        let card = |tag| self.intake.card.value(tag);
        let (Some(&[authority_index]), Some(issuer), Some(card)) = (
            card(tag::CA_KEY_INDEX),
            card(tag::ISSUER_CERTIFICATE),
            card(tag::ICC_CERTIFICATE),
        ) else {
            return Err(Reason::DataConflict);
        };
        let own = |tag| self.input.data.value(tag).and_then(|value| value.try_into().ok());
        let (Some(today_yymmdd), Some(time_hhmmss)) =
            (own(tag::TRANSACTION_DATE), own(tag::TRANSACTION_TIME))
        else {
            return Ok(false);
        };
        let chain = CurveChain {
            keys: &self.input.keys,
            rid: self.input.activation.adf_name.rid(),
            today_yymmdd,
            time_hhmmss,
            pan,
        };
        let certificates = CurveCertificates {
            authority_index,
            issuer,
            card,
        };
        let numbered = static_data.expose();
        // The AIP behind the objects is no object.
        let numbered = numbered
            .split_last_chunk::<2>()
            .map_or(numbered, |(objects, _)| objects);
        let covers_number = matches!(tlv::find(numbered, tag::PAN), Ok(Some(_)));
        let key = chain.card_key(certificates, static_hash);
        Ok(covers_number && key.is_ok_and(|key| channel.is_of(&key)))
    }

    // Rule C8-CARD-TVR: the card's results (9F8104) replace those bits that 9F821A does not reserve.
    // [source: peer, Denom; test: kernel::c8::tests::the_cards_own_results; evidence: own]
    fn merge_card_results(&mut self) -> Result<(), Reason> {
        let Some(card) = self.intake.card.value(tags::CARD_TVR) else {
            return Ok(());
        };
        let card: [u8; 5] = card.try_into().map_err(|_| Reason::DataMissing(tags::CARD_TVR))?;
        for ((own, card), reserved) in self.tvr.iter_mut().zip(card).zip(self.config.reserved) {
            *own = (*own & reserved) | (card & !reserved);
        }
        Ok(())
    }

    fn risk_management(&self) -> [u8; 8] {
        let own = self.input.data.value(tags::RISK_MANAGEMENT);
        own.and_then(|value| value.try_into().ok()).unwrap_or_default()
    }

    fn transaction_type(&self) -> u8 {
        match self.input.data.value(tag::TRANSACTION_TYPE) {
            Some(&[kind]) => kind,
            Some(_) | None => 0,
        }
    }

    /// 9F8108: what the card asks for, and with which message.
    pub(super) fn restart(&self) -> Option<(u8, u8)> {
        match self.intake.card.value(tags::RESTART_INDICATOR)? {
            [requested, message, ..] => Some((*requested, *message)),
            _ => None,
        }
    }
}
