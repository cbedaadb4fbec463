//! What the chosen application gives: the rest of its 61 together with 62.

use alloc::vec::Vec;
use core::{fmt, str};

use softpos_types::{Pan, SecretBytes};
use softpos_wire::Tag;
use softpos_wire::tlv::Tlv;
use softpos_wire::track2::Track2;

use super::breach::Breach;
use super::decoded::{Application, objects, value_of};
use super::tags;

/// The version of an application that does not state one (9F08).
const DEFAULT_VERSION: [u8; 2] = [0x00, 0x10];

/// Lengths that the specification bounds (Table 6.1), in bytes.
const LENGTHS: [(Tag, usize, usize); 7] = [
    (tags::LABEL, 1, 16),
    (tags::TRACK2, 1, 19),
    (tags::PAN, 1, 10),
    (tags::CARDHOLDER, 2, 26),
    (tags::LANGUAGE, 2, 8),
    (tags::VERSION, 2, 2),
    (tags::LAST_FOUR, 2, 2),
];

/// The payment data of one application.
#[derive(Clone, Copy)]
pub struct PaymentData<'a> {
    application: Application<'a>,
    common: &'a [u8],
}

/// Where the payer wants the receipt (5F50).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptAddress<'a> {
    /// A telephone number.
    Phone(&'a str),
    /// A mail address.
    Email(&'a str),
}

impl<'a> PaymentData<'a> {
    pub(super) fn new(application: Application<'a>, common: Option<&'a [u8]>) -> Self {
        Self {
            application,
            common: common.unwrap_or_default(),
        }
    }

    /// The application it belongs to.
    pub const fn application(&self) -> Application<'a> {
        self.application
    }

    /// The value of an object, of the application or of what the applications share.
    pub fn value(&self, tag: Tag) -> Option<&'a [u8]> {
        value_of(self.application.content(), tag).or_else(|| value_of(self.common, tag))
    }

    /// Track 2 (57), if it is there and can be read.
    pub fn track2(&self) -> Option<Track2> {
        Track2::parse(self.value(tags::TRACK2)?).ok()
    }

    /// The account number: 5A, otherwise the one in 57.
    pub fn pan(&self) -> Option<Pan> {
        match self.value(tags::PAN) {
            Some(number) => Pan::from_bcd(number).ok(),
            None => self.track2().map(|track| track.pan),
        }
    }

    /// The last four digits of the card behind a token (9F25), for the receipt.
    pub fn last_four(&self) -> Option<[u8; 4]> {
        let &[high, low] = self.value(tags::LAST_FOUR)? else {
            return None;
        };
        let digits = [high >> 4, high & 0x0F, low >> 4, low & 0x0F];
        digits
            .iter()
            .all(|digit| *digit <= 9)
            .then(|| digits.map(|digit| digit.saturating_add(b'0')))
    }

    /// The application's version (9F08).
    pub fn version(&self) -> [u8; 2] {
        self.value(tags::VERSION)
            .and_then(|version| version.try_into().ok())
            .unwrap_or(DEFAULT_VERSION)
    }

    /// The languages the payer prefers (5F2D), two letters each, best first.
    pub fn languages(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let text = self.value(tags::LANGUAGE).unwrap_or_default();
        let (pairs, _) = text.as_chunks::<2>();
        pairs.iter().filter_map(|pair| {
            str::from_utf8(pair)
                .ok()
                .filter(|_| pair.iter().all(u8::is_ascii_alphabetic))
        })
    }

    /// Where the payer wants the receipt (5F50 with `tel:` or `mailto:`).
    pub fn receipt_address(&self) -> Option<ReceiptAddress<'a>> {
        let url = str::from_utf8(self.value(tags::ISSUER_URL)?).ok()?;
        let (scheme, address) = url.split_once(':')?;
        if address.is_empty() {
            None
        } else if scheme.eq_ignore_ascii_case("tel") {
            Some(ReceiptAddress::Phone(address))
        } else if scheme.eq_ignore_ascii_case("mailto") {
            Some(ReceiptAddress::Email(address))
        } else {
            None
        }
    }

    /// What goes to the host: every object but 4F as it stands, the opaque templates too.
    pub fn for_host(&self) -> SecretBytes {
        let room = self.application.content().len().saturating_add(self.common.len());
        // A length form can only get shorter, so the buffer never moves.
        let mut out = Vec::with_capacity(room);
        for object in self.objects().filter(|object| object.tag != tags::AID) {
            super::encode::put(&mut out, object.tag, object.value);
        }
        SecretBytes::new(out)
    }

    fn objects(&self) -> impl Iterator<Item = Tlv<'a>> + use<'a> {
        objects(self.application.content()).chain(objects(self.common))
    }

    pub(super) fn check(&self, application: usize, breaches: &mut Vec<Breach>) {
        let (track, number) = (self.value(tags::TRACK2), self.value(tags::PAN));
        if track.is_none() && number.is_none() {
            breaches.push(Breach::NoPan { application });
        }
        let lengths = LENGTHS.iter().filter_map(|(tag, least, most)| {
            let length = self.value(*tag)?.len();
            (!(*least..=*most).contains(&length)).then_some(Breach::Length(*tag))
        });
        let is_cut = track.is_some_and(|track| !has_separator(track));
        let differ = number.is_some()
            && match (self.track2(), self.pan()) {
                (Some(track), Some(number)) => !track.pan.ct_eq(&number),
                _ => false,
            };
        let rules = [(is_cut, Breach::NoSeparator), (differ, Breach::TracksDiffer)];
        let broken = rules
            .into_iter()
            .filter_map(|(is_broken, breach)| is_broken.then_some(breach));
        // What stands in 62 belongs to both applications and is said once.
        for breach in lengths.chain(broken) {
            if !breaches.contains(&breach) {
                breaches.push(breach);
            }
        }
    }
}

impl fmt::Debug for PaymentData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PaymentData({:?})", self.application)
    }
}

fn has_separator(track: &[u8]) -> bool {
    track.iter().any(|byte| byte >> 4 == 0x0D || byte & 0x0F == 0x0D)
}
