//! GENERATE AC, RECOVER AC of a cut tap, and what the card answers.

use alloc::vec::Vec;

use softpos_types::SecretBytes;
use softpos_wire::apdu::{self, Capdu, Rapdu};
use softpos_wire::dol::Dol;
use softpos_wire::{Tag, tag};

use super::analysis::{Cryptogram, Request};
use super::stop::{Stop, l2, lost};
use super::tvr::Tvr;
use super::{C2, Next, State, store, tags};
use crate::data::CardData;
use crate::outcome::{Cvm, KernelOutcome, Reason};
use crate::torn::TornRecord;

/// GET DATA of the offline balance (9F50).
const GET_BALANCE: [u8; 5] = [0x80, 0xCA, 0x9F, 0x50, 0x00];

/// What a cut tap must agree in with this one: nobody pays an amount that was asked of somebody else.
const SAME_PAYMENT: [Tag; 4] = [
    tag::AMOUNT_AUTHORISED,
    tag::AMOUNT_OTHER,
    tag::TRANSACTION_CURRENCY,
    tag::TRANSACTION_TYPE,
];

/// What comes back with a recovered cryptogram, because the card made it over these values.
const RESTORED: [Tag; 13] = [
    tag::TRANSACTION_DATE,
    tag::TRANSACTION_TIME,
    tag::UNPREDICTABLE_NUMBER,
    tag::TERMINAL_CAPABILITIES,
    tag::TVR,
    tag::CVM_RESULTS,
    tags::READER_ENTROPY,
    tags::CARD_ENTROPY,
    tags::MIN_TIME,
    tags::MAX_TIME,
    tags::ANSWER_ESTIMATE,
    tags::MEASURED_TIME,
    tags::EXCHANGES,
];

impl C2 {
    /// A card that was cut off before is asked for the cryptogram it made then.
    pub(super) fn recover_or_generate(&mut self) -> Result<Next, Stop> {
        self.data.set(tag::TVR, &self.tvr.0);
        self.data.set(tag::CVM_RESULTS, &self.cvm_results);
        self.data.set(tags::REFERENCE_CONTROL, &[self.request.p1()]);
        if self.config.torn_capacity > 0 {
            while let Some(old) = self.torn.expired(self.now, self.config.torn_lifetime_ms) {
                self.given_up = Some(old);
            }
            if let Some(command) = self.recover()? {
                return Ok(Next::Send(command));
            }
        }
        self.generate()
    }

    // Rule C2-TORN-1: a cut tap is recovered only for the same card and the same payment.
    // [source: inference;
    // test: kernel::c2::tests::torn::a_cut_tap_is_recovered_with_the_values_of_then, kernel::c2::tests::torn::a_cut_tap_grows_old_and_belongs_to_one_card,
    // softpos-cards::torn::a_cut_mastercard_tap_is_recovered_with_the_counter_of_then,
    // softpos-cards::torn::a_cryptogram_over_another_amount_is_not_asked_for,
    // softpos-cards::torn::another_card_is_not_asked_for_the_cut_cryptogram;
    // evidence: own]
    fn recover(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        let Some(drdol) = self.given(tags::DRDOL).map(<[u8]>::to_vec) else {
            return Ok(None);
        };
        let dol = Dol::parse(&drdol).map_err(|_| Stop::card(l2::PARSING, Reason::Malformed))?;
        let pan = SecretBytes::copy_of(self.required(tag::PAN)?);
        let psn = self.card.array(tag::PAN_SEQUENCE).map(|[psn]| psn);
        let Some(record) = self.torn.take(pan.expose(), psn) else {
            return Ok(None);
        };
        let same = SAME_PAYMENT
            .iter()
            .all(|tag| record.objects.value(*tag) == self.data.value(*tag));
        if !same {
            self.given_up = Some(record);
            return Ok(None);
        }
        let data = dol.build(
            |wanted| record.objects.value(wanted).or_else(|| self.data.value(wanted)),
            Tag::format,
        );
        let command = Capdu {
            cla: 0x80,
            ins: 0xD0,
            p1: 0,
            p2: 0,
            data: &data,
            le: Some(0x100),
        };
        let command = command
            .to_bytes()
            .map_err(|_| Stop::card(l2::CARD_DATA, Reason::Malformed))?;
        self.recovering = Some(record);
        self.state = State::AwaitRecovered;
        Ok(Some(command))
    }

    fn generate(&mut self) -> Result<Next, Stop> {
        let dol = Dol::parse(self.required(tags::CDOL1)?);
        let dol = dol.map_err(|_| Stop::card(l2::PARSING, Reason::Malformed))?;
        // The data is never cut: the card signs what it was promised.
        if dol.total() > 0xFF {
            return Err(Stop::card(l2::CARD_DATA, Reason::Malformed));
        }
        let data = dol.build(|wanted| self.object(wanted), Tag::format);
        let command = apdu::generate_ac(self.request.p1(), &data, true)
            .map_err(|_| Stop::card(l2::CARD_DATA, Reason::Malformed))?;
        self.cdol1_data = SecretBytes::new(data);
        self.state = State::AwaitCryptogram;
        Ok(Next::Send(command))
    }

    /// The reader's value, else the card's.
    pub(super) fn object(&self, tag: Tag) -> Option<&[u8]> {
        self.data
            .value(tag)
            .or_else(|| self.card.value(tag))
            .or_else(|| self.fci.value(tag))
    }

    // Rule C2-GAC-3: there is one GENERATE AC for a cryptogram, and none after the issuer's answer.
    // [source: peer, com.atlas.softpos sends a second;
    // test: kernel::c2::tests::conclusion::there_is_no_second_generate_ac;
    // evidence: own]
    pub(super) fn on_cryptogram(&mut self, answer: Rapdu<'_>) -> Result<Next, Stop> {
        // Whoever was cut off before has answered now.
        self.recovering = None;
        if !answer.is_ok() {
            return Err(Stop::status(answer.sw, Reason::CommandRefused(answer.sw)));
        }
        store::cryptogram(answer.body, &mut self.card, &self.data)
            .map_err(|reason| Stop::card(l2::PARSING, reason))?;
        let [information] = self.answered(tag::CRYPTOGRAM_INFORMATION)?;
        self.answered::<2>(tag::ATC)?;
        let wrong = Stop::card(l2::CARD_DATA, Reason::DataConflict);
        let cryptogram = Cryptogram::of(information).ok_or(wrong)?;
        if !self.request.allows(cryptogram) {
            return Err(wrong);
        }
        self.answer = SecretBytes::copy_of(answer.body);
        if self.config.balance_after && self.capable(1, 0x02) {
            self.state = State::AwaitBalanceAfter;
            return Ok(Next::Send(GET_BALANCE.to_vec()));
        }
        self.conclude().map(Next::End)
    }

    // Rule C2-TORN-2: a card that lost the cryptogram makes a new one.
    // [source: peer, danhu;
    // test: kernel::c2::tests::torn::a_card_without_the_old_cryptogram_makes_a_new_one,
    // softpos-cards::torn::a_card_that_did_not_get_as_far_makes_its_first_cryptogram;
    // evidence: own]
    /// A card that no longer has the cryptogram is asked for a new one.
    pub(super) fn on_recovered(&mut self, answer: Rapdu<'_>) -> Result<Next, Stop> {
        if !answer.is_ok() {
            return self.generate();
        }
        let restored = self
            .recovering
            .take()
            .and_then(|record| self.restore(&record.objects));
        restored.ok_or(Stop::card(l2::CARD_DATA, Reason::Malformed))?;
        self.on_cryptogram(answer)
    }

    /// Values of the cut tap for values of this one.
    fn restore(&mut self, objects: &CardData) -> Option<()> {
        let [p1] = objects.array(tags::REFERENCE_CONTROL)?;
        self.request = Request::from_p1(p1)?;
        self.tvr = Tvr(objects.array(tag::TVR)?);
        self.cvm_results = objects.array(tag::CVM_RESULTS)?;
        self.cvm = match self.cvm_results {
            [0x01, ..] => Cvm::OnDevice,
            [0x02, ..] => Cvm::OnlinePin,
            [0x1E, ..] => Cvm::Signature,
            _ => Cvm::None,
        };
        self.pdol_data = SecretBytes::copy_of(objects.value(tags::PDOL_DATA)?);
        self.cdol1_data = SecretBytes::copy_of(objects.value(tags::CDOL1_DATA)?);
        self.relay = super::relay::Exchange::restored(objects);
        for tag in RESTORED {
            if let Some(value) = objects.value(tag) {
                self.data.set(tag, value);
            }
        }
        Some(())
    }

    fn answered<const N: usize>(&self, tag: Tag) -> Result<[u8; N], Stop> {
        self.card
            .array(tag)
            .ok_or(Stop::card(l2::DATA_MISSING, Reason::DataMissing(tag)))
    }

    // Rule C2-LOST: a card that leaves is presented again for the same amount; with its cryptogram here and only the
    // balance missing, the payment stands.
    // [source: peer, danhu; test: kernel::c2::tests::conclusion::a_card_that_leaves_is_presented_again_for_the_same_amount,
    // kernel::c2::tests::conclusion::balances_before_and_after; evidence: own]
    /// The card is gone. While it made its cryptogram the tap is remembered, so that the same card can hand it over.
    pub(super) fn lost(&mut self, state: State) -> KernelOutcome {
        match state {
            State::AwaitCryptogram => self.remember(),
            State::AwaitRecovered => {
                if let Some(record) = self.recovering.take() {
                    self.given_up = self.torn.put(record, self.config.torn_capacity);
                }
            }
            // The cryptogram is here; only the balance is not.
            State::AwaitBalanceAfter => {
                return match self.conclude() {
                    Ok(outcome) => outcome,
                    Err(stop) => self.stopped(stop),
                };
            }
            State::AwaitOptions
            | State::AwaitRelay(..)
            | State::AwaitRecord(_)
            | State::AwaitBalanceBefore
            | State::Ended => {}
            #[cfg(feature = "mag-stripe")]
            State::AwaitStripeRecord(_) | State::AwaitChecksum => {}
        }
        self.reported(lost())
    }

    fn remember(&mut self) {
        self.recovering = None;
        if self.given(tags::DRDOL).is_none() {
            return;
        }
        if let Some(record) = self.torn_record() {
            self.given_up = self.torn.put(record, self.config.torn_capacity);
        }
    }

    fn torn_record(&self) -> Option<TornRecord> {
        let mut objects = CardData::default();
        for tag in SAME_PAYMENT
            .into_iter()
            .chain(RESTORED)
            .chain([tags::REFERENCE_CONTROL, tag::TERMINAL_COUNTRY])
        {
            if let Some(value) = self.data.value(tag) {
                objects.insert(tag, value).ok()?;
            }
        }
        objects.insert(tags::PDOL_DATA, self.pdol_data.expose()).ok()?;
        objects.insert(tags::CDOL1_DATA, self.cdol1_data.expose()).ok()?;
        Some(TornRecord {
            pan: SecretBytes::copy_of(self.given(tag::PAN)?),
            psn: self.card.array(tag::PAN_SEQUENCE).map(|[psn]| psn),
            since: self.now,
            keep_until: self.now.after_ms(self.config.torn_lifetime_ms),
            objects,
        })
    }
}
