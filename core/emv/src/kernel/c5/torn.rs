//! A tap that was cut during GENERATE AC: the same card is asked for its last answer with ECHO.

use softpos_types::SecretBytes;
use softpos_wire::apdu::Rapdu;
use softpos_wire::{Tag, tag};

use super::super::Progress;
use super::risk::Request;
use super::{C5, State, tags};
use crate::data::CardData;
use crate::outcome::KernelOutcome;
use crate::torn::TornRecord;

/// ECHO: the card gives its last answer again.
const ECHO: [u8; 5] = [0x80, 0xDF, 0x00, 0x00, 0x00];

/// How long a torn tap can be taken up again.
const LIFETIME_MS: u64 = 300_000;

/// How many are kept: the card of this payment.
const CAPACITY: usize = 1;

/// What a torn tap must agree in with this one: nobody pays an amount that was asked of somebody else.
const SAME_PAYMENT: [Tag; 4] = [
    tag::AMOUNT_AUTHORISED,
    tag::AMOUNT_OTHER,
    tag::TRANSACTION_CURRENCY,
    tag::TRANSACTION_TYPE,
];

/// What comes back with the card's last answer, because the card gave it to these values.
const RESTORED: [Tag; 5] = [
    tag::TRANSACTION_DATE,
    tag::TRANSACTION_TIME,
    tag::UNPREDICTABLE_NUMBER,
    tag::TVR,
    tags::INTERCHANGE,
];

impl C5 {
    // Rule C5-TORN: a card lost during GENERATE AC is kept in mind; when it comes back, ECHO asks for its last answer,
    // which counts with the values sent then. A card that has none is asked anew.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::tests::a_torn_tap_is_taken_up_again,
    // kernel::c5::tests::a_torn_tap_of_another_card_or_too_old, softpos-cards::torn::a_cut_jcb_tap_is_echoed;
    // evidence: own]
    pub(super) fn remember(&mut self, asked: Request, combined: bool) {
        if let Some(record) = self.torn_record(asked, combined) {
            drop(self.input.torn.put(record, CAPACITY));
        }
    }

    fn torn_record(&self, asked: Request, combined: bool) -> Option<TornRecord> {
        let (pan, psn) = self.name()?;
        let mut objects = CardData::default();
        for tag in SAME_PAYMENT.into_iter().chain(RESTORED) {
            if let Some(value) = self.input.data.value(tag) {
                objects.insert(tag, value).ok()?;
            }
        }
        for (tag, value) in [
            (tags::TORN_PDOL, self.pdol.expose()),
            (tags::TORN_CDOL, self.cdol.expose()),
            (tags::TORN_P1, &[asked.p1(combined)]),
        ] {
            objects.insert(tag, value).ok()?;
        }
        Some(TornRecord {
            pan,
            psn,
            since: self.now,
            keep_until: self.now.after_ms(LIFETIME_MS),
            objects,
        })
    }

    // Rule C5-TORN-SAME: the answer of then counts for the same amounts, currency and kind of payment only; for any
    // other the card is asked anew.
    // [source: inference; test: kernel::c5::tests::a_torn_tap_of_another_payment_is_not_taken_up,
    // softpos-cards::torn::a_cryptogram_over_another_amount_is_not_asked_for; evidence: own]
    /// Whether ECHO is on its way.
    pub(super) fn echo(&mut self) -> bool {
        drop(self.input.torn.expired(self.now, LIFETIME_MS));
        let found = self
            .name()
            .and_then(|(pan, psn)| self.input.torn.take(pan.expose(), psn))
            .filter(|record| {
                SAME_PAYMENT
                    .iter()
                    .all(|tag| record.objects.value(*tag) == self.input.data.value(*tag))
            });
        let Some(state) = found.and_then(|record| self.restore(&record.objects)) else {
            return false;
        };
        self.state = state;
        self.command = Some(ECHO.to_vec());
        true
    }

    fn restore(&mut self, objects: &CardData) -> Option<State> {
        let [p1] = objects.array(tags::TORN_P1)?;
        let pdol = SecretBytes::copy_of(objects.value(tags::TORN_PDOL)?);
        let cdol = SecretBytes::copy_of(objects.value(tags::TORN_CDOL)?);
        let tvr = objects.array(tag::TVR)?;
        let interchange = objects.array(tags::INTERCHANGE)?;
        let state = State::AwaitEcho {
            asked: Request::of(p1)?,
            combined: p1 & 0x10 != 0,
        };
        self.before_echo = Some(super::Sent {
            pdol: core::mem::replace(&mut self.pdol, pdol),
            interchange: core::mem::replace(&mut self.interchange, interchange),
            data: self.input.data.clone(),
        });
        self.cdol = cdol;
        self.tvr = tvr;
        for tag in RESTORED {
            if let Some(value) = objects.value(tag) {
                self.input.data.set(tag, value);
            }
        }
        Some(state)
    }

    pub(super) fn on_echo(
        &mut self,
        answer: Rapdu<'_>,
        asked: Request,
        combined: bool,
    ) -> Result<Progress<KernelOutcome>, KernelOutcome> {
        if answer.is_ok() {
            return Err(self.on_cryptogram(asked, combined, answer));
        }
        if let Some(sent) = self.before_echo.take() {
            self.pdol = sent.pdol;
            self.interchange = sent.interchange;
            self.input.data = sent.data;
            self.tvr = [0; 5];
        }
        self.generate()
    }

    /// Number and sequence number.
    fn name(&self) -> Option<(SecretBytes, Option<u8>)> {
        let track = self.intake.track(&self.input.activation).ok()?;
        let psn = self.intake.card.array(tag::PAN_SEQUENCE).map(|[psn]| psn);
        Some((SecretBytes::copy_of(track.pan.expose_digits()), psn))
    }
}
