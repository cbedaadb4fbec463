//! What the kernels do alike with a card's bytes: take objects in once each, read the records in order.
//!
//! Decisions are not here: operators and order differ from kernel to kernel.

use alloc::vec::Vec;

use softpos_types::{Pan, SecretBytes};
use softpos_wire::afl::{Afl, RecordId};
use softpos_wire::apdu::{self, Rapdu};
use softpos_wire::dol::Dol;
use softpos_wire::gpo::GpoResponse;
use softpos_wire::track2::Track2;
use softpos_wire::{Tag, tag, tlv};

use super::KernelInput;
use crate::brand;
use crate::config::TerminalData;
use crate::data::{CardData, NotKept};
use crate::entry::Activation;
use crate::oda::{StaticData, with_century};
use crate::outcome::Reason;

/// Records of one card that are read before it counts as hostile.
pub(super) const MAX_RECORDS: usize = 64;

/// The most bytes of data that one short command carries; contactless cards know no other form.
const MAX_COMMAND_DATA: usize = 252;

// Rule K-OWN: what the reader says of itself and of the payment is never taken from a card, by any kernel.
// [source: inference; test: softpos-cards::attacks::a_card_cannot_overwrite_what_the_reader_knows,
// kernel::c2::store::tests::the_readers_values_are_never_taken_from_a_card; evidence: own]
/// Values that belong to the reader of any kernel, even where it has none.
pub(super) const READER_TAGS: [Tag; 14] = [
    tag::TVR,
    tag::TSI,
    tag::TRANSACTION_DATE,
    tag::TRANSACTION_TYPE,
    tag::TRANSACTION_CURRENCY,
    tag::AMOUNT_AUTHORISED,
    tag::AMOUNT_OTHER,
    tag::TERMINAL_AID,
    tag::TERMINAL_COUNTRY,
    tag::TRANSACTION_TIME,
    tag::TERMINAL_CAPABILITIES,
    tag::CVM_RESULTS,
    tag::TERMINAL_TYPE,
    tag::UNPREDICTABLE_NUMBER,
];

/// What differs between kernels in taking objects in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// Tags that this kernel's reader owns besides the common ones: a card that sends them is not believed.
    pub(super) owned: &'static [Tag],
    /// Tags that may come twice; the first counts.
    pub(super) repeatable: &'static [Tag],
    /// Whether an object may come again with the same value.
    pub(super) equal_twice: bool,
}

impl Habits {
    /// Takes in all primitive objects of an answer that the reader does not own.
    pub(super) fn take(self, bytes: &[u8], into: &mut CardData, data: &TerminalData) -> Result<(), Reason> {
        self.absorb(bytes, into, &|tag| {
            READER_TAGS.contains(&tag) || self.owned.contains(&tag) || data.value(tag).is_some()
        })
    }

    /// Takes in all primitive objects but those that are ignored; one that comes twice is a fault.
    pub(super) fn absorb(
        self,
        bytes: &[u8],
        into: &mut CardData,
        ignored: &dyn Fn(Tag) -> bool,
    ) -> Result<(), Reason> {
        let mut fault = None;
        tlv::walk(bytes, &mut |_, object| {
            if object.tag.is_constructed() || ignored(object.tag) {
                return;
            }
            match into.insert(object.tag, object.value) {
                Err(NotKept::Twice(tag)) if self.repeatable.contains(&tag) => {}
                Err(NotKept::Twice(tag)) if self.equal_twice && into.value(tag) == Some(object.value) => {}
                Err(why) => {
                    fault.get_or_insert(Reason::from(why));
                }
                Ok(()) => {}
            }
        })
        .map_err(|_| Reason::Malformed)?;
        fault.map_or(Ok(()), Err)
    }
}

/// The answer to GET PROCESSING OPTIONS, 80 or 77.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Template {
    Format1,
    Format2,
}

/// Everything one card gave.
#[derive(Debug)]
pub(super) struct Intake {
    habits: Habits,
    /// From the answer to SELECT.
    pub(super) fci: CardData,
    /// From the commands of the kernel.
    pub(super) card: CardData,
    records: Vec<RecordId>,
    next: usize,
    /// The records that are authenticated.
    pub(super) signed: StaticData,
}

impl Intake {
    /// Takes the answer to SELECT in, which must name the application that was selected.
    pub(super) fn new(activation: &Activation, habits: Habits) -> Result<Self, Reason> {
        let mut intake = Self {
            habits,
            fci: CardData::default(),
            card: CardData::default(),
            records: Vec::new(),
            next: 0,
            signed: StaticData::default(),
        };
        let template = tlv::child(activation.fci.expose(), tag::FCI_TEMPLATE)
            .map_err(|_| Reason::Malformed)?
            .ok_or(Reason::DataMissing(tag::FCI_TEMPLATE))?;
        let mut fci = CardData::default();
        habits.absorb(template, &mut fci, &|_| false)?;
        let name = fci.value(tag::DF_NAME).ok_or(Reason::DataMissing(tag::DF_NAME))?;
        if name != activation.adf_name.as_bytes() {
            return Err(Reason::DataConflict);
        }
        intake.fci = fci;
        Ok(intake)
    }

    // Rule K-DOL: numbers are cut on the left and padded there with 00, compressed numbers cut on the right and padded
    // with FF, all others cut and padded on the right with 00.
    // [source: foreign vector, emv-dol; test: softpos-wire::dol::tests::cuts_and_pads_by_format; evidence: foreign emv-dol]
    /// The values a data object list of the card asks for.
    pub(super) fn dol_data(dol: &[u8], data: &TerminalData) -> Result<SecretBytes, Reason> {
        let dol = Dol::parse(dol).map_err(|_| Reason::Malformed)?;
        let values = dol.build(|wanted| data.value(wanted), Tag::format);
        if values.len() > MAX_COMMAND_DATA {
            return Err(Reason::Malformed);
        }
        Ok(SecretBytes::new(values))
    }

    /// Whether the PDOL asks for an object.
    pub(super) fn pdol_asks_for(&self, wanted: Tag) -> bool {
        let pdol = self.fci.value(tag::PDOL).unwrap_or_default();
        Dol::parse(pdol).is_ok_and(|dol| dol.asks_for(wanted))
    }

    /// Takes the answer to GET PROCESSING OPTIONS in and plans the records.
    pub(super) fn options(&mut self, body: &[u8], data: &TerminalData) -> Result<Template, Reason> {
        let options = GpoResponse::parse(body).map_err(|_| Reason::Malformed)?;
        let afl = options.afl.filter(|afl| !afl.is_empty());
        let template = if options.format == 1 {
            self.card.insert(tag::AIP, &options.aip)?;
            if let Some(afl) = afl {
                self.card.insert(tag::AFL, afl)?;
            }
            Template::Format1
        } else {
            self.answer(body, data)?;
            Template::Format2
        };
        if let Some(afl) = afl {
            let afl = Afl::parse(afl).map_err(|_| Reason::Malformed)?;
            self.records = afl.records().take(MAX_RECORDS.saturating_add(1)).collect();
        }
        if self.records.len() > MAX_RECORDS {
            return Err(Reason::Malformed);
        }
        Ok(template)
    }

    /// The next READ RECORD.
    pub(super) fn next_record(&self) -> Option<Vec<u8>> {
        self.records
            .get(self.next)
            .map(|record| apdu::read_record(record.sfi, record.record))
    }

    /// Whether the record asked for is the last one.
    pub(super) fn at_last_record(&self) -> bool {
        self.next.saturating_add(1) == self.records.len()
    }

    /// Takes the answer to READ RECORD in.
    pub(super) fn record(&mut self, answer: Rapdu<'_>, data: &TerminalData) -> Result<(), Reason> {
        if !answer.is_ok() {
            return Err(Reason::RecordRefused(answer.sw));
        }
        match tlv::Tlvs::new(answer.body).next() {
            Some(Ok(record)) if record.tag == tag::RECORD_TEMPLATE => self.answer(answer.body, data)?,
            _ => return Err(Reason::Malformed),
        }
        if let Some(record) = self.records.get(self.next).filter(|record| record.oda) {
            self.signed.add_record(record.sfi, answer.body);
        }
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    /// Takes all primitive objects of an answer in.
    pub(super) fn answer(&mut self, bytes: &[u8], data: &TerminalData) -> Result<(), Reason> {
        self.habits.take(bytes, &mut self.card, data)
    }

    /// A card object that must be there with exactly this length.
    pub(super) fn required<const N: usize>(&self, tag: Tag) -> Result<[u8; N], Reason> {
        self.card.array(tag).ok_or(Reason::DataMissing(tag))
    }

    /// 9F10.
    pub(super) fn issuer_data(&self) -> Result<&[u8], Reason> {
        self.card
            .value(tag::ISSUER_APPLICATION_DATA)
            .filter(|iad| (1..=32).contains(&iad.len()))
            .ok_or(Reason::DataMissing(tag::ISSUER_APPLICATION_DATA))
    }

    /// 57, which must agree with 5A and with provider and kernel.
    pub(super) fn track(&self, activation: &Activation) -> Result<Track2, Reason> {
        let track = self
            .card
            .value(tag::TRACK_2)
            .ok_or(Reason::DataMissing(tag::TRACK_2))?;
        let track = Track2::parse(track).map_err(|_| Reason::Malformed)?;
        if let Some(pan) = self.card.value(tag::PAN) {
            let pan = Pan::from_bcd(pan).map_err(|_| Reason::Malformed)?;
            if !pan.ct_eq(&track.pan) {
                return Err(Reason::DataConflict);
            }
        }
        if brand::agrees(&activation.adf_name, activation.kernel, &track.pan) {
            Ok(track)
        } else {
            Err(Reason::BrandConflict)
        }
    }

    /// Whether the exception file names the card.
    pub(super) fn listed(&self, input: &KernelInput, pan: &Pan) -> bool {
        let psn = self.card.array(tag::PAN_SEQUENCE).map(|[psn]| psn);
        input.exceptions.lists(pan, psn)
    }

    /// Whether the last day of validity has passed: 5F24, else the month of track 2.
    pub(super) fn expired(&self, track_yymm: [u8; 2], data: &TerminalData) -> bool {
        match self.card.array(tag::EXPIRY_DATE) {
            Some(last) => after(last, data),
            None => Self::track_expired(track_yymm, data),
        }
    }

    /// Whether the month of track 2 has passed.
    pub(super) fn track_expired([year, month]: [u8; 2], data: &TerminalData) -> bool {
        after([year, month, 0x31], data)
    }

    /// Whether 5F25 lies in the future; absent: no.
    pub(super) fn not_yet_effective(&self, data: &TerminalData) -> bool {
        let Some(first) = self.card.array(tag::EFFECTIVE_DATE) else {
            return false;
        };
        today(data).is_none_or(|today| with_century(today) < with_century(first))
    }
}

/// Whether today lies after this day; a reader without a date counts every card as expired.
fn after(last: [u8; 3], data: &TerminalData) -> bool {
    today(data).is_none_or(|today| with_century(today) > with_century(last))
}

fn today(data: &TerminalData) -> Option<[u8; 3]> {
    data.value(tag::TRANSACTION_DATE)?.try_into().ok()
}
