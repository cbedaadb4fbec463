//! Combined data authentication (CDA): the card signs its cryptogram together with what it was told.

use softpos_crypto::emv_rsa::CombinedData;
use softpos_crypto::scrub::scrubbed;
use softpos_types::{Pan, SecretBytes};
use softpos_wire::{Tag, tag, tlv};

use super::stop::{Stop, l2};
use super::{C2, tags};
use crate::oda::{Chain, combined};
use crate::outcome::{Authentication, Reason};

impl C2 {
    /// Whether this reader has the authority's key that the card names.
    pub(super) fn has_ca_key(&self) -> bool {
        let index = self.card.array(tag::CA_KEY_INDEX).map(|[index]: [u8; 1]| index);
        let today = self.own_array(tag::TRANSACTION_DATE);
        let rid = self.activation.adf_name.rid();
        index
            .zip(today)
            .is_some_and(|(index, today)| self.keys.find(rid, index, today).is_some())
    }

    /// Checks the signature and takes the cryptogram out of it.
    pub(super) fn authenticate(&mut self) -> Result<(), Stop> {
        let failed = || Stop::card(l2::AUTHENTICATION, Reason::NotAuthenticated);
        let signed = scrubbed(|| self.combined()).ok_or_else(failed)?;
        // Whatever came unsigned beside it is not believed.
        self.card
            .insert(tag::CRYPTOGRAM, &signed.cryptogram)
            .and_then(|()| {
                self.card
                    .insert(tags::ICC_DYNAMIC_NUMBER, signed.dynamic_number.expose())
            })
            .map_err(|_| failed())?;
        self.authentication = Some(Authentication::Combined);
        Ok(())
    }

    // Rule C2-CDA-2: the signature covers PDOL, CDOL 1 and the answer without 9F4B, in the order received; the type inside is the one outside.
    // [source: foreign vector, mock-msc-offline;
    // test: kernel::c2::foreign::the_whole_tap_byte_for_byte, kernel::c2::foreign::a_changed_signature_record_or_answer_is_no_approval,
    // kernel::c2::foreign::the_signature_of_another_amount_is_no_approval;
    // evidence: foreign mock-msc-offline]
    /// The chain of certificates, the signature, the hash of the transaction, and the relay data at the end.
    fn combined(&self) -> Option<CombinedData> {
        let pan = Pan::from_bcd(self.given(tag::PAN)?).ok()?;
        let chain = Chain {
            keys: &self.keys,
            rid: self.activation.adf_name.rid(),
            today_yymmdd: self.own_array(tag::TRANSACTION_DATE)?,
            pan: &pan,
            card: &|tag: Tag| self.given(tag),
        };
        let aip: [u8; 2] = self.card.array(tag::AIP)?;
        let parts = self
            .static_data
            .parts(self.given(tag::STATIC_DATA_TAG_LIST), &aip)
            .ok()?;
        let issuer = chain.issuer().ok()?;
        let card = chain.card(&issuer.key, &parts).ok()?;
        let [information] = self.card.array(tag::CRYPTOGRAM_INFORMATION)?;
        let response = tlv::only(self.answer.expose(), tag::RESPONSE_FORMAT_2)?;
        let response = SecretBytes::new(tlv::without(response, tag::SIGNED_DYNAMIC_DATA).ok()?);
        let sent_and_received = [
            self.pdol_data.expose(),
            self.cdol1_data.expose(),
            response.expose(),
        ];
        let signed = combined(
            &card.key,
            self.given(tag::SIGNED_DYNAMIC_DATA),
            self.own_array(tag::UNPREDICTABLE_NUMBER)?,
            (information, &sent_and_received),
        )
        .ok()?;
        let relay_agrees = self
            .relay
            .is_none_or(|exchange| signed.rest.expose().ends_with(&exchange.signed_form()));
        relay_agrees.then_some(signed)
    }
}
