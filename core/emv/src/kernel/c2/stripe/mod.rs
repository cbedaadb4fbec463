//! Stripe mode of kernel 2, for hosts that know tracks only: the records, then COMPUTE CRYPTOGRAPHIC CHECKSUM, whose
//! digits go into the track. It proves the card to its issuer alone, so every payment goes online.
//!
//! The card's maps (9F62 to 9F67) say where the digits go. The growing wait after failed taps that a public reader
//! names is not kept: a kernel here has no memory of taps that succeeded or failed.

mod tracks;

use alloc::boxed::Box;

use softpos_types::SecretBytes;
use softpos_wire::apdu::{self, Capdu, Rapdu};
use softpos_wire::dol::Dol;
use softpos_wire::track2::Track2;
use softpos_wire::{Tag, bcd, tag, tlv};

use self::tracks::{Places, Told};
use super::stop::{Stop, l2};
use super::{C2, Next, STRIPE_FILE, State, store, tags};
use crate::brand;
use crate::outcome::{Cvm, KernelOutcome, OutcomeKind, Reason};
use crate::read::CardRead;
use crate::read::stripe::StripeParts;
use crate::ui::{Message, Status, UiRequest};

// Of the card.
const TRACK_1: Tag = Tag::new(0x56);
const CVC3_TRACK_1: Tag = Tag::new(0x9F60);
const CVC3_TRACK_2: Tag = Tag::new(0x9F61);
const CHECKSUM_PLACES_1: Tag = Tag::new(0x9F62);
const NUMBER_PLACES_1: Tag = Tag::new(0x9F63);
const COUNTER_DIGITS_1: Tag = Tag::new(0x9F64);
const CHECKSUM_PLACES_2: Tag = Tag::new(0x9F65);
const NUMBER_PLACES_2: Tag = Tag::new(0x9F66);
const COUNTER_DIGITS_2: Tag = Tag::new(0x9F67);
const UDOL: Tag = Tag::new(0x9F69);
const TRACK_2: Tag = Tag::new(0x9F6B);

// Of the reader.
const NUMBER: Tag = Tag::new(0x9F6A);
const APPLICATION_VERSION: Tag = Tag::new(0x9F6D);
const MOBILE_SUPPORT: Tag = Tag::new(0x9F7E);
const DEFAULT_UDOL: Tag = Tag::new(0xDF_811A);
const CVM_CAPABILITY_ABOVE: Tag = Tag::new(0xDF_811E);
const CVM_CAPABILITY_BELOW: Tag = Tag::new(0xDF_812C);

/// DF811A where none is configured: the reader's number alone.
const ONLY_THE_NUMBER: [u8; 3] = [0x9F, 0x6A, 0x04];

/// 9F7E: the reader takes devices; the device shall verify its holder.
const TAKES_DEVICES: u8 = 0x01;
const VERIFICATION_REQUIRED: u8 = 0x02;

/// DF4B byte 2 bit 5: the device verified its holder.
const VERIFIED: u8 = 0x10;

/// What is added to the last digit of the track, modulo 10, when the device verified its holder.
const VERIFIED_DIGIT: u8 = 5;

/// The data record (S danhu).
const RECORD: &[Tag] = &[
    tag::APPLICATION_LABEL,
    TRACK_1,
    tag::DF_NAME,
    tag::ISSUER_CODE_TABLE,
    tag::PREFERRED_NAME,
    TRACK_2,
    APPLICATION_VERSION,
];

impl C2 {
    // Rule C2-STRIPE-MODE: without EMV mode on both sides the stripe mode's file is read, if the reader knows that mode.
    // [source: foreign vector, log-contactless-msd;
    // test: kernel::c2::stripe::tests::a_public_tap_byte_for_byte, kernel::c2::stripe::tests::a_reader_without_the_mode_ends_it;
    // evidence: foreign log-contactless-msd]
    pub(super) fn without_emv_mode(&mut self, afl: &[u8]) -> Result<Next, Stop> {
        if !self.config.stripe_mode() {
            return Err(Stop::card(l2::STRIPE, Reason::Malformed));
        }
        // 9F66 is the card's here, whatever is configured under that number for other kernels.
        self.data.remove(NUMBER_PLACES_2);
        self.plan(if afl.starts_with(&STRIPE_FILE) {
            &STRIPE_FILE
        } else {
            afl
        })?;
        self.next_stripe_record(0)
    }

    fn next_stripe_record(&mut self, index: usize) -> Result<Next, Stop> {
        let Some(record) = self.records.get(index) else {
            return self.checksum_command();
        };
        self.state = State::AwaitStripeRecord(index);
        Ok(Next::Send(apdu::read_record(record.sfi, record.record)))
    }

    pub(super) fn on_stripe_record(&mut self, index: usize, answer: Rapdu<'_>) -> Result<Next, Stop> {
        store::record(answer, &mut self.card, &self.data)?;
        self.next_stripe_record(index.saturating_add(1))
    }

    fn checksum_command(&mut self) -> Result<Next, Stop> {
        let places = self.places_2()?;
        let digits = number_digits(places)?;
        if let Some(first) = self.places_1()?
            && number_digits(first)? != digits
        {
            return Err(Stop::card(l2::CARD_DATA, Reason::DataConflict));
        }
        let track = parsed(self.required(TRACK_2)?)?;
        if !brand::agrees(&self.activation.adf_name, self.activation.kernel, &track.pan) {
            return Err(Stop::card(l2::CARD_DATA, Reason::BrandConflict));
        }
        let amount_minor = self.amount_within_limit()?;
        let number = self.number(digits)?;
        let coded = bcd::numeric::<4>(number.into());
        let coded = coded.map_err(|_| Stop::card(l2::CARD_DATA, Reason::Malformed))?;
        self.data.set(NUMBER, &coded);
        let required = self.on_device() && amount_minor > self.config.cvm_limit_minor;
        let support = if required {
            TAKES_DEVICES | VERIFICATION_REQUIRED
        } else {
            TAKES_DEVICES
        };
        self.data.set(MOBILE_SUPPORT, &[support]);
        self.state = State::AwaitChecksum;
        self.compute_checksum().map(Next::Send)
    }

    // Rule C2-STRIPE-UDOL: the card's UDOL, else the configured one, else the reader's number alone.
    // [source: peer, danhu;
    // test: kernel::c2::stripe::tests::a_public_tap_byte_for_byte, kernel::c2::stripe::tests::the_cards_own_list_goes_first;
    // evidence: foreign log-contactless-msd]
    fn compute_checksum(&self) -> Result<alloc::vec::Vec<u8>, Stop> {
        let configured = self.data.value(DEFAULT_UDOL).unwrap_or(&ONLY_THE_NUMBER);
        let dol = Dol::parse(self.given(UDOL).unwrap_or(configured));
        let dol = dol.map_err(|_| Stop::card(l2::PARSING, Reason::Malformed))?;
        if dol.total() > 0xFF {
            return Err(Stop::card(l2::CARD_DATA, Reason::Malformed));
        }
        let data = dol.build(|wanted| self.object(wanted), Tag::format);
        let command = Capdu {
            cla: 0x80,
            ins: 0x2A,
            p1: 0x8E,
            p2: 0x80,
            data: &data,
            le: Some(0x100),
        };
        let command = command.to_bytes();
        command.map_err(|_| Stop::card(l2::CARD_DATA, Reason::Malformed))
    }

    // Rule C2-STRIPE-NUMBER: the reader's number has as many digits as the track has places for, zeros before them.
    // [source: general knowledge, danhu fills all eight;
    // test: kernel::c2::stripe::tests::the_number_has_no_more_digits_than_the_track_takes;
    // evidence: own]
    fn number(&self, digits: u8) -> Result<u32, Stop> {
        let missing = Reason::TerminalDataMissing(tag::UNPREDICTABLE_NUMBER);
        let random = self.own_array(tag::UNPREDICTABLE_NUMBER).map(u32::from_be_bytes);
        let random = random.ok_or(Stop::card(l2::TERMINAL_DATA, missing))?;
        let bound = 10_u32.checked_pow(digits.into());
        Ok(bound
            .and_then(|bound| random.checked_rem(bound))
            .unwrap_or_default())
    }

    // Rule C2-STRIPE-ANSWER: no counter, or no checksum of a track that was given: END APPLICATION; no checksum but a
    // word for the customer: look at the device, else declined.
    // [source: peer, danhu;
    // test: kernel::c2::stripe::tests::answers_without_a_checksum;
    // evidence: own]
    pub(super) fn on_checksum(&mut self, answer: Rapdu<'_>) -> Result<Next, Stop> {
        if !answer.is_ok() {
            return Err(Stop::status(answer.sw, Reason::CommandRefused(answer.sw)));
        }
        let malformed = Stop::card(l2::PARSING, Reason::Malformed);
        let template = tlv::only(answer.body, tag::RESPONSE_FORMAT_2).ok_or(malformed)?;
        store::absorb(template, &mut self.card, &self.data)
            .map_err(|reason| Stop::card(l2::PARSING, reason))?;
        let counter = self.exactly(tag::ATC).map(u16::from_be_bytes)?;
        if self.given(CVC3_TRACK_2).is_none() && self.given(tags::INTERACTION).is_some() {
            let outcome = self.look_at_device().unwrap_or_else(|| self.refused());
            return Ok(Next::End(self.reported(outcome)));
        }
        let checksum = self.exactly(CVC3_TRACK_2).map(u16::from_be_bytes)?;
        let first = match self.places_1()? {
            Some(places) => Some((places, self.exactly(CVC3_TRACK_1).map(u16::from_be_bytes)?)),
            None => None,
        };
        let places = self.places_2()?;
        let number_digits = number_digits(places)?;
        let told = Told {
            checksum,
            number: self.number(number_digits)?,
            number_digits,
            counter,
            last_digit: self.last_digit(number_digits),
        };
        let cvm = self.stripe_verification()?;
        let wrong = Stop::card(l2::CARD_DATA, Reason::Malformed);
        let track2 = tracks::track2(self.required(TRACK_2)?, places, told).ok_or(wrong)?;
        if let Some((places, checksum)) = first {
            let told = Told { checksum, ..told };
            let track1 = tracks::track1(self.required(TRACK_1)?, places, told).ok_or(wrong)?;
            self.card.replace(TRACK_1, track1);
        }
        self.online_by_track(track2, cvm).map(Next::End)
    }

    fn online_by_track(&mut self, track2: SecretBytes, cvm: Cvm) -> Result<KernelOutcome, Stop> {
        let track = parsed(track2.expose())?;
        self.cvm = cvm;
        self.receipt |= cvm == Cvm::Signature;
        let outcome = self.reported(KernelOutcome {
            ui_on_outcome: Some(UiRequest::new(Message::Authorising, Status::NotReady)),
            ..KernelOutcome::new(OutcomeKind::OnlineRequest)
        });
        self.card.replace(TRACK_2, SecretBytes::copy_of(track2.expose()));
        let read = CardRead::of_stripe(StripeParts {
            track,
            track2,
            cvm,
            record_tags: RECORD,
            activation: self.activation.clone(),
            reader: self.data.clone(),
            fci: core::mem::take(&mut self.fci),
            card: core::mem::take(&mut self.card),
        });
        Ok(KernelOutcome {
            read: Some(Box::new(read)),
            ..outcome
        })
    }

    // Rule C2-STRIPE-CVM: DF811E above the limit and DF812C below it say how the cardholder is verified; between two
    // sides that verify on the device, above the limit, the device's word decides.
    // [source: peer, danhu, and inference for a device that says nothing above the limit;
    // test: kernel::c2::stripe::tests::verification_above_and_below_the_limit, kernel::c2::stripe::tests::a_device_above_the_limit;
    // evidence: own]
    fn stripe_verification(&mut self) -> Result<Cvm, Stop> {
        let above = self.amount()? > self.config.cvm_limit_minor;
        self.receipt = above;
        if self.on_device() {
            return match (above, self.verified_on_device()) {
                (false, _) => Ok(Cvm::None),
                (true, true) => Ok(Cvm::OnDevice),
                (true, false) => Err(Stop::card(l2::CARD_DATA, Reason::VerificationNotProven)),
            };
        }
        let capability = if above {
            CVM_CAPABILITY_ABOVE
        } else {
            CVM_CAPABILITY_BELOW
        };
        let capability: Option<[u8; 1]> = self.own_array(capability);
        Ok(match capability {
            Some([byte]) if byte >> 4 == 1 => Cvm::Signature,
            Some([byte]) if byte >> 4 == 2 => Cvm::OnlinePin,
            Some(_) | None => Cvm::None,
        })
    }

    // Rule C2-STRIPE-DIGIT: the last digit is the count of the number's digits, five more if the device verified.
    // [source: peer, danhu;
    // test: kernel::c2::stripe::tests::a_device_above_the_limit;
    // evidence: own]
    fn last_digit(&self, number_digits: u8) -> u8 {
        if self.verified_on_device() {
            number_digits.saturating_add(VERIFIED_DIGIT) % 10
        } else {
            number_digits
        }
    }

    fn verified_on_device(&self) -> bool {
        let said: Option<[u8; 3]> = self.card.array(tags::INTERACTION);
        said.is_some_and(|[_, second, _]| second & VERIFIED != 0)
    }

    fn refused(&self) -> KernelOutcome {
        let hold_ms = self.config.message_hold_ms;
        let ui = UiRequest::held(Message::NotAuthorised, Status::NotReady, hold_ms);
        KernelOutcome {
            reason: Some(Reason::CardDeclined),
            ui_on_outcome: Some(ui),
            ..KernelOutcome::new(OutcomeKind::Declined)
        }
    }

    fn places_2(&self) -> Result<Places, Stop> {
        self.required(TRACK_2)?;
        let [counter_digits] = self.exactly(COUNTER_DIGITS_2)?;
        Ok(Places {
            checksum: u16::from_be_bytes(self.exactly(CHECKSUM_PLACES_2)?).into(),
            numbers: u16::from_be_bytes(self.exactly(NUMBER_PLACES_2)?).into(),
            counter_digits,
        })
    }

    /// Track 1 may be missing; where it is there its maps must be.
    fn places_1(&self) -> Result<Option<Places>, Stop> {
        if self.given(TRACK_1).is_none() {
            return Ok(None);
        }
        let map = |tag| {
            let map = self.card.array::<6>(tag);
            let map = map.ok_or(Stop::card(l2::CARD_DATA, Reason::DataMissing(tag)))?;
            let mut wide = [0; 8];
            wide.iter_mut().skip(2).zip(map).for_each(|(to, from)| *to = from);
            Ok::<_, Stop>(u64::from_be_bytes(wide))
        };
        let digits = self.card.array(COUNTER_DIGITS_1);
        let missing = Stop::card(l2::CARD_DATA, Reason::DataMissing(COUNTER_DIGITS_1));
        let [counter_digits] = digits.ok_or(missing)?;
        Ok(Some(Places {
            checksum: map(CHECKSUM_PLACES_1)?,
            numbers: map(NUMBER_PLACES_1)?,
            counter_digits,
        }))
    }

    fn exactly<const N: usize>(&self, tag: Tag) -> Result<[u8; N], Stop> {
        let missing = Stop::card(l2::DATA_MISSING, Reason::DataMissing(tag));
        self.card.array(tag).ok_or(missing)
    }
}

fn parsed(track: &[u8]) -> Result<Track2, Stop> {
    Track2::parse(track).map_err(|_| Stop::card(l2::CARD_DATA, Reason::Malformed))
}

fn number_digits(places: Places) -> Result<u8, Stop> {
    places
        .number_digits()
        .ok_or(Stop::card(l2::CARD_DATA, Reason::DataConflict))
}

#[cfg(test)]
mod tests;
