//! Offline data authentication of kernel 3: fDDA where the card can, else SDA.

use softpos_types::Pan;
use softpos_wire::tag;

use super::decision::Authenticated;
use crate::config::TerminalData;
use crate::data::CardData;
use crate::oda::{self, Chain, OdaCause, OdaFailure, OdaStep, StaticData};

/// What is authenticated, and with what.
pub(super) struct Authentication<'a> {
    pub(super) chain: Chain<'a>,
    pub(super) card: &'a CardData,
    pub(super) signed_records: &'a StaticData,
    pub(super) reader: &'a TerminalData,
    pub(super) aip: [u8; 2],
    pub(super) ctq: Option<[u8; 2]>,
}

/// The version of fDDA, by what the card gives in 9F69.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// 9F37 alone is signed.
    V00,
    /// 9F37, 9F02, 5F2A and 9F69 as received, whatever its length.
    V01,
}

impl Authentication<'_> {
    /// Authenticates as the profile (82) says the card can.
    pub(super) fn run(&self) -> Result<Authenticated, OdaFailure> {
        let static_data = self
            .signed_records
            .parts(self.card.value(tag::STATIC_DATA_TAG_LIST), &self.aip)?;
        let [profile, _] = self.aip;
        if profile & 0x20 != 0 {
            return self.fdda(&static_data);
        }
        if profile & 0x40 != 0 {
            let issuer = self.chain.issuer()?;
            self.chain.static_signature(&issuer.key, &static_data)?;
            return Ok(Authenticated::Card);
        }
        Err(failure(OdaCause::Missing(tag::SIGNED_DYNAMIC_DATA)))
    }

    // Rule C3-FDDA-1: version 01 signs 9F37, 9F02, 5F2A and 9F69 as received; version 00 signs 9F37.
    // [source: foreign vector, mock-visa-offline; test: kernel::c3::tests::authentication::offline_approval_with_fdda,
    // kernel::c3::authentication::tests::the_version_is_the_first_byte_of_9f69; evidence: foreign mock-visa-offline]
    // Rule C3-FDDA-2: the dynamic data may be the dynamic number alone.
    // [source: foreign vector, mock-visa-offline; test: oda::tests::fdda_of_a_public_visa_card;
    // evidence: foreign mock-visa-offline]
    fn fdda(&self, static_data: &[&[u8]]) -> Result<Authenticated, OdaFailure> {
        let card_data = self.card.value(tag::CARD_AUTHENTICATION_DATA);
        let version = version(card_data).ok_or(failure(OdaCause::Differs))?;
        let own = |tag| self.reader.value(tag).unwrap_or_default();
        let number = own(tag::UNPREDICTABLE_NUMBER);
        let version_01 = [
            number,
            own(tag::AMOUNT_AUTHORISED),
            own(tag::TRANSACTION_CURRENCY),
            card_data.unwrap_or_default(),
        ];
        let terminal_data = match version {
            Version::V00 => &[number][..],
            Version::V01 => &version_01,
        };
        let issuer = self.chain.issuer()?;
        let key = self.chain.card(&issuer.key, static_data)?.key;
        oda::dynamic(&key, self.card.value(tag::SIGNED_DYNAMIC_DATA), terminal_data)?;
        Ok(covered(version, card_data, self.ctq))
    }
}

/// Whether a verified signature covers the card's qualifiers.
fn covered(version: Version, card_data: Option<&[u8]>, ctq: Option<[u8; 2]>) -> Authenticated {
    let signed = card_data.and_then(|data| data.get(5..7));
    match ctq {
        Some(ctq) if version == Version::V01 && signed == Some(&ctq[..]) => Authenticated::Qualifiers,
        Some(_) | None => Authenticated::Card,
    }
}

/// `None` for a version that is not known.
const fn version(card_data: Option<&[u8]>) -> Option<Version> {
    match card_data {
        None | Some([0x00, ..]) => Some(Version::V00),
        Some([0x01, ..]) => Some(Version::V01),
        Some(_) => None,
    }
}

const fn failure(cause: OdaCause) -> OdaFailure {
    OdaFailure {
        step: OdaStep::DynamicSignature,
        cause,
    }
}

/// The number that the certificates must be about: 5A, else the one of track 2.
pub(super) fn number(card: &CardData, track: &Pan) -> Option<Pan> {
    match card.value(tag::PAN) {
        Some(pan) => Pan::from_bcd(pan).ok(),
        None => Pan::from_digits(track.expose_digits()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_first_byte_of_9f69() {
        assert_eq!(version(None), Some(Version::V00));
        assert_eq!(version(Some(&[0, 1, 2, 3, 4])), Some(Version::V00));
        assert_eq!(version(Some(&[1, 0x69, 0xC1, 0x6C, 0x99])), Some(Version::V01));
        assert_eq!(version(Some(&[2, 0, 0, 0, 0])), None);
        assert_eq!(version(Some(&[])), None);
    }

    /// The qualifiers are bytes 6 and 7: a peer reads them one byte late.
    #[test]
    fn qualifiers_are_covered_at_bytes_6_and_7_of_version_01() {
        let ctq = Some([0x00, 0x80]);
        let right = [1, 9, 9, 9, 9, 0x00, 0x80];
        assert_eq!(
            covered(Version::V01, Some(&right), ctq),
            Authenticated::Qualifiers
        );
        assert_eq!(covered(Version::V00, Some(&right), ctq), Authenticated::Card);
        assert_eq!(covered(Version::V01, Some(&right), None), Authenticated::Card);
        for other in [
            &[1, 9, 9, 9, 9, 9, 0x00, 0x80][..],
            &[1, 9, 9, 9, 0x00, 0x80],
            &[1, 9, 9, 9, 9],
        ] {
            assert_eq!(covered(Version::V01, Some(other), ctq), Authenticated::Card);
        }
    }
}
