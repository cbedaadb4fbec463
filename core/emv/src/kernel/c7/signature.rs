//! Dynamic authentication of kernel 7 (fDDA): what the card signs, and how far that reaches.

use alloc::vec::Vec;

use softpos_types::Pan;
use softpos_wire::tag;

use super::decision::{Cryptogram, Signature};
use super::{C7, tags};

/// From this version of the card's application on (9F08), its signature covers amount and qualifiers.
const VERSION_01_FROM: u16 = 0x0030;

impl C7 {
    /// What the card's signature proves.
    pub(super) fn signature(&self, cryptogram: Cryptogram, pan: &Pan) -> Signature {
        if !self.signs(cryptogram) {
            return Signature::None;
        }
        match self.signed_data() {
            Some((reach, data)) if self.intake.dynamic_signature(&self.input, pan, &data).is_ok() => reach,
            Some(_) | None => Signature::None,
        }
    }

    // Rule C7-ODA-WHEN: an approval is authenticated if AIP B1b6 is set; a request for the issuer only if the
    // reader authenticates online payments (TTQ B1b1) and the answer to SELECT has DF61.
    // [source: inference; test: kernel::c7::tests::when_the_signature_is_asked_for; evidence: own]
    pub(super) fn signs(&self, cryptogram: Cryptogram) -> bool {
        let dynamic = matches!(self.intake.card.array(tag::AIP), Some([first, _]) if first & 0x20 != 0);
        dynamic
            && match cryptogram {
                Cryptogram::Tc => true,
                Cryptogram::Arqc => {
                    self.ttq.authenticates_online() && self.intake.fci.value(tags::SIGNS_ONLINE).is_some()
                }
                Cryptogram::Declined => false,
            }
    }

    // Rule C7-ODA-VERSION: 9F08 of 0030 and above needs version 01, whose hash takes 9F37, 9F02, 5F2A and 9F69 of 8
    // to 16 bytes; below, or without 9F08, it is version 00, whose hash takes 9F37.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::tests::versions_of_the_signature; evidence: own]
    pub(super) fn signed_data(&self) -> Option<(Signature, Vec<u8>)> {
        let own = |tag| self.input.data.value(tag);
        let mut data = own(tag::UNPREDICTABLE_NUMBER)?.to_vec();
        let version = self.intake.card.array(tags::CARD_VERSION).map(u16::from_be_bytes);
        let related = self.intake.card.value(tag::CARD_AUTHENTICATION_DATA);
        if version.is_none_or(|version| version < VERSION_01_FROM) {
            return match related {
                Some([version, ..]) if *version != 0 => None,
                Some(_) | None => Some((Signature::Card, data)),
            };
        }
        let related =
            related.filter(|related| (8..=16).contains(&related.len()) && related.starts_with(&[1]))?;
        data.extend_from_slice(own(tag::AMOUNT_AUTHORISED)?);
        data.extend_from_slice(own(tag::TRANSACTION_CURRENCY)?);
        data.extend_from_slice(related);
        Some((Signature::CardAndQualifiers, data))
    }
}
