//! A payload that was read.

use alloc::vec::Vec;
use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use softpos_types::SecretBytes;
use softpos_wire::Tag;
use softpos_wire::tlv::{Tlv, Tlvs};

use super::breach::{Breach, Refused};
use super::payment_data::PaymentData;
use super::{MAX_BYTES, PREFIX, tags};

const FORMAT_1: &[u8] = b"CPV01";

/// Application templates that are read; further ones are kept and ignored like any other object.
const MAX_APPLICATIONS: usize = 2;

/// What a payload says. It holds card data: wiped when dropped, printed as a count only.
pub struct Decoded {
    bytes: SecretBytes,
    breaches: Vec<Breach>,
}

/// An application template (61): one way to pay.
#[derive(Clone, Copy)]
pub struct Application<'a> {
    content: &'a [u8],
}

pub(super) fn decode(payload: &str) -> Result<Decoded, Refused> {
    if !payload.starts_with(PREFIX) {
        return Err(Refused::NotCpm);
    }
    if payload.len() > MAX_BYTES.div_ceil(3).saturating_mul(4) {
        return Err(Refused::TooLong);
    }
    let bytes = SecretBytes::new(STANDARD.decode(payload).map_err(|_| Refused::BadBase64)?);
    if bytes.len() > MAX_BYTES {
        return Err(Refused::TooLong);
    }
    check_structure(bytes.expose())?;
    let mut decoded = Decoded {
        bytes,
        breaches: Vec::new(),
    };
    decoded.breaches = breaches(&decoded);
    Ok(decoded)
}

impl Decoded {
    /// The bytes behind the base64.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// The rules it breaks.
    pub fn breaches(&self) -> &[Breach] {
        &self.breaches
    }

    /// The application templates in their order, one or two.
    pub fn applications(&self) -> impl Iterator<Item = Application<'_>> {
        objects(self.bytes())
            .filter(|object| object.tag == tags::APPLICATION)
            .take(MAX_APPLICATIONS)
            .map(|object| Application {
                content: object.value,
            })
    }

    /// The objects of the common template (62), if there is one.
    pub fn common(&self) -> Option<impl Iterator<Item = Tlv<'_>>> {
        self.common_content().map(objects)
    }

    /// Further objects beside the templates, kept and ignored.
    pub fn others(&self) -> impl Iterator<Item = Tlv<'_>> {
        let mut applications = 0_usize;
        objects(self.bytes()).skip(1).filter(move |object| {
            if object.tag == tags::APPLICATION {
                applications = applications.saturating_add(1);
            }
            match object.tag {
                tags::APPLICATION => applications > MAX_APPLICATIONS,
                tags::COMMON => false,
                _ => true,
            }
        })
    }

    /// Chooses the way to pay (5.1.1.6): the first AID of the merchant's list that some application's 4F equals or
    /// begins with. None: the merchant does not accept this code.
    pub fn choose(&self, accepted_aids: &[&[u8]]) -> Option<PaymentData<'_>> {
        accepted_aids.iter().find_map(|accepted| {
            let application = self.applications().find(|application| {
                application
                    .usable_aid()
                    .is_some_and(|aid| aid.starts_with(accepted))
            })?;
            Some(PaymentData::new(application, self.common_content()))
        })
    }

    /// What each application gives, in their order, chosen or not.
    pub fn payment_data(&self) -> impl Iterator<Item = PaymentData<'_>> {
        self.applications()
            .map(|application| PaymentData::new(application, self.common_content()))
    }

    fn common_content(&self) -> Option<&[u8]> {
        objects(self.bytes())
            .find(|object| object.tag == tags::COMMON)
            .map(|object| object.value)
    }
}

impl<'a> Application<'a> {
    /// Its objects in their order.
    pub fn objects(&self) -> impl Iterator<Item = Tlv<'a>> + use<'a> {
        objects(self.content)
    }

    /// Its identifier (4F), whatever its length.
    pub fn aid(&self) -> Option<&'a [u8]> {
        value_of(self.content, tags::AID)
    }

    /// Its identifier if it has a valid one (5 to 16 bytes, 5.1.1.4).
    pub fn usable_aid(&self) -> Option<&'a [u8]> {
        self.aid().filter(|aid| is_aid(aid))
    }

    pub(super) const fn content(&self) -> &'a [u8] {
        self.content
    }
}

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoded({} bytes, {:?})", self.bytes.len(), self.breaches)
    }
}

impl fmt::Debug for Application<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Application({} bytes)", self.content.len())
    }
}

/// The objects of bytes that were checked before.
pub(super) fn objects(bytes: &[u8]) -> impl Iterator<Item = Tlv<'_>> {
    Tlvs::new(bytes).filter_map(Result::ok)
}

pub(super) fn value_of(bytes: &[u8], tag: Tag) -> Option<&[u8]> {
    objects(bytes)
        .find(|object| object.tag == tag)
        .map(|object| object.value)
}

const fn is_aid(aid: &[u8]) -> bool {
    matches!(aid.len(), 5..=16)
}

/// Everything that a payload is refused for.
fn check_structure(bytes: &[u8]) -> Result<(), Refused> {
    let mut outer = Tlvs::new(bytes);
    let first = outer.next().ok_or(Refused::NotCpm)??;
    if first.tag != tags::FORMAT || first.value != FORMAT_1 {
        return Err(Refused::BadFormatIndicator);
    }
    let mut applications = Vec::new();
    let mut common: Option<&[u8]> = None;
    for object in outer {
        let object = object?;
        match object.tag {
            tags::APPLICATION => applications.push(object.value),
            tags::COMMON if common.replace(object.value).is_some() => {
                return Err(Refused::DuplicateTag(tags::COMMON));
            }
            _ => {}
        }
    }
    if applications.is_empty() {
        return Err(Refused::MissingApplicationTemplate);
    }
    for application in applications.into_iter().take(MAX_APPLICATIONS) {
        check_application(application, common.unwrap_or_default())?;
    }
    Ok(())
}

/// Well-formed lengths, and no primitive object twice in 61 together with 62 (5.1.1.10).
fn check_application(application: &[u8], common: &[u8]) -> Result<(), Refused> {
    let mut seen = Vec::new();
    for object in Tlvs::new(application).chain(Tlvs::new(common)) {
        let tag = object?.tag;
        if tag.is_constructed() {
            continue;
        }
        if seen.contains(&tag) {
            return Err(Refused::DuplicateTag(tag));
        }
        seen.push(tag);
    }
    Ok(())
}

fn breaches(decoded: &Decoded) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (application, data) in decoded.payment_data().enumerate() {
        match data.application().aid() {
            None => breaches.push(Breach::MissingAid { application }),
            Some(aid) if !is_aid(aid) => breaches.push(Breach::AidLength { application }),
            Some(_) => {}
        }
        data.check(application, &mut breaches);
    }
    if decoded.common_content().is_some() && decoded.applications().count() == 1 {
        breaches.push(Breach::NeedlessCommonTemplate);
    }
    breaches
}
