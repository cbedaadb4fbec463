//! From an authority's key to a card's.

use softpos_crypto::emv_rsa::{
    Certificate, CombinedData, DynamicData, PublicKey, combined_data, dynamic_data, icc_certificate,
    issuer_certificate, static_data,
};
use softpos_types::Pan;
use softpos_wire::{Tag, tag};

use super::keys::with_century;
use super::{AuthorityKeys, OdaCause, OdaFailure, OdaStep, Revocation};

/// What authentication needs besides the signed data themselves.
#[derive(Clone, Copy)]
pub struct Chain<'a> {
    /// The terminal's keys and revocations.
    pub keys: &'a AuthorityKeys,
    /// The provider of the selected application: only its keys count.
    pub rid: [u8; 5],
    /// The transaction's date (9A), BCD YYMMDD.
    pub today_yymmdd: [u8; 3],
    /// The number that both certificates must be about.
    pub pan: &'a Pan,
    /// The card's objects by tag.
    pub card: &'a dyn Fn(Tag) -> Option<&'a [u8]>,
}

impl Chain<'_> {
    /// The issuer's certificate: recovered under the authority's key, not expired, for this number, not revoked.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn issuer(&self) -> Result<Certificate, OdaFailure> {
        let missing = |tag| OdaFailure::new(OdaStep::AuthorityKey, OdaCause::Missing(tag));
        let &[index] = self.value(tag::CA_KEY_INDEX, OdaStep::AuthorityKey)? else {
            return Err(missing(tag::CA_KEY_INDEX));
        };
        let authority = self
            .keys
            .find(self.rid, index, self.today_yymmdd)
            .ok_or_else(|| missing(tag::CA_KEY_INDEX))?;
        let step = OdaStep::IssuerCertificate;
        let certificate = issuer_certificate(
            authority,
            self.value(tag::ISSUER_CERTIFICATE, step)?,
            (self.card)(tag::ISSUER_KEY_REMAINDER).unwrap_or_default(),
            self.value(tag::ISSUER_KEY_EXPONENT, step)?,
        )
        .map_err(|_| OdaFailure::new(step, OdaCause::Signature))?;
        self.in_time(&certificate, step)?;
        if !identifies(certificate.subject.expose(), self.pan) {
            return Err(OdaFailure::new(step, OdaCause::Subject));
        }
        // Rule ODA-CRL-1: a revocation names provider, key index and certificate serial; all three count.
        // [source: peer, DCEMV revokes by index and date; test: oda::tests::revoked_by_provider_index_and_serial;
        // evidence: own]
        let revoked = self.keys.is_revoked(&Revocation {
            rid: self.rid,
            index,
            serial: certificate.serial,
        });
        if revoked {
            return Err(OdaFailure::new(step, OdaCause::Revoked));
        }
        Ok(certificate)
    }

    // Rule ODA-ICC-1: the card's certificate covers the static data and is about the number of the payment.
    // [source: foreign vector, emv-oda; test: oda::tests::certificates_are_about_this_number,
    // oda::tests::fdda_of_a_public_visa_card; evidence: foreign log-amex-cda-pan]
    // Rule ODA-KEY-1: a modulus that fits needs no remainder; exponents are 3 and 65537 on every level.
    // [source: foreign vector, crypto-emv-rsa; test: oda::tests::fdda_of_a_public_visa_card,
    // softpos-crypto::emv_rsa::tests::an_issuer_whose_modulus_fits_has_no_remainder,
    // softpos-crypto::emv_rsa::tests::exponent_65537_works_on_the_card_level; evidence: foreign visa-94-issuer]
    /// The card's certificate under the issuer's key: over these static data, not expired, of this number.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn card(&self, issuer: &PublicKey, static_data: &[&[u8]]) -> Result<Certificate, OdaFailure> {
        let step = OdaStep::CardCertificate;
        let certificate = icc_certificate(
            issuer,
            self.value(tag::ICC_CERTIFICATE, step)?,
            (
                (self.card)(tag::ICC_KEY_REMAINDER).unwrap_or_default(),
                self.value(tag::ICC_KEY_EXPONENT, step)?,
            ),
            static_data,
        )
        .map_err(|_| OdaFailure::new(step, OdaCause::Signature))?;
        self.in_time(&certificate, step)?;
        match Pan::from_bcd(certificate.subject.expose()) {
            Ok(certified) if certified.ct_eq(self.pan) => Ok(certificate),
            _ => Err(OdaFailure::new(step, OdaCause::Subject)),
        }
    }

    /// Signed static data under the issuer's key; gives the data authentication code (9F45).
    ///
    /// # Errors
    /// [`OdaStep::StaticSignature`].
    pub fn static_signature(&self, issuer: &PublicKey, data: &[&[u8]]) -> Result<[u8; 2], OdaFailure> {
        let step = OdaStep::StaticSignature;
        let signature = self.value(tag::SIGNED_STATIC_DATA, step)?;
        static_data(issuer, signature, data).map_err(|_| OdaFailure::new(step, OdaCause::Signature))
    }

    fn value(&self, tag: Tag, step: OdaStep) -> Result<&[u8], OdaFailure> {
        (self.card)(tag).ok_or(OdaFailure::new(step, OdaCause::Missing(tag)))
    }

    // Rule ODA-EXPIRY-1: certificates count until the last day of their month.
    // [source: foreign vector, visa-94-issuer-expired; test:
    // oda::tests::certificates_count_until_the_last_day_of_their_month; evidence: foreign visa-94-issuer-expired]
    /// The last day of the month counts.
    fn in_time(&self, certificate: &Certificate, step: OdaStep) -> Result<(), OdaFailure> {
        let [month, year] = certificate.expiry_mmyy;
        let [this_year, this_month, _] = self.today_yymmdd;
        if with_century([year, month, 0]) < with_century([this_year, this_month, 0]) {
            return Err(OdaFailure::new(step, OdaCause::Expired));
        }
        Ok(())
    }
}

/// Signed dynamic data (9F4B) under the card's key: DDA, and fDDA of kernels 3 and 7.
///
/// `terminal_data` is what the reader signed for: the DDOL's values, or 9F37 (fDDA version 00), or 9F37, 9F02, 5F2A
/// and 9F69 as received (version 01).
///
/// # Errors
/// [`OdaStep::DynamicSignature`].
pub fn dynamic(
    card: &PublicKey,
    signature: Option<&[u8]>,
    terminal_data: &[&[u8]],
) -> Result<DynamicData, OdaFailure> {
    let step = OdaStep::DynamicSignature;
    let signature = present(signature)?;
    dynamic_data(card, signature, terminal_data).map_err(|_| OdaFailure::new(step, OdaCause::Signature))
}

// Rule ODA-CDA-1: the cryptogram information inside equals 9F27, and the signed hash covers the values sent and the
// answer's objects in the order received without 9F4B.
// [source: foreign vector, emv-oda; test: oda::tests::cda_of_a_public_mastercard; evidence: foreign mock-msc-offline]
/// Signed dynamic data around an application cryptogram (CDA): the signature, then that the cryptogram information
/// (9F27) inside is the one outside, then the hash of what went over the air, in the order sent and received:
/// values of PDOL and CDOL, then the objects of the answer without 9F4B.
///
/// # Errors
/// [`OdaStep::DynamicSignature`] or [`OdaStep::TransactionData`].
pub fn combined(
    card: &PublicKey,
    signature: Option<&[u8]>,
    unpredictable_number: [u8; 4],
    (cryptogram_information, transaction_data): (u8, &[&[u8]]),
) -> Result<CombinedData, OdaFailure> {
    let step = OdaStep::DynamicSignature;
    let signed = combined_data(card, present(signature)?, unpredictable_number)
        .map_err(|_| OdaFailure::new(step, OdaCause::Signature))?;
    let agrees = signed.cryptogram_information == cryptogram_information && signed.covers(transaction_data);
    if agrees {
        Ok(signed)
    } else {
        Err(OdaFailure::new(OdaStep::TransactionData, OdaCause::Differs))
    }
}

fn present(signature: Option<&[u8]>) -> Result<&[u8], OdaFailure> {
    signature.ok_or(OdaFailure::new(
        OdaStep::DynamicSignature,
        OdaCause::Missing(tag::SIGNED_DYNAMIC_DATA),
    ))
}

// Rule ODA-ISSUER-1: the issuer identifier, 3 to 8 digits padded with F, begins the number.
// [source: foreign vector, emv-oda; test: oda::chain::tests::issuer_identifiers_of_3_to_8_digits;
// evidence: foreign mock-visa-offline]
/// Whether an issuer identifier, 3 digits or more padded with F, begins the number.
pub(super) fn identifies(identifier: &[u8], pan: &Pan) -> bool {
    let mut digits = pan.expose_digits().iter();
    let mut length = 0_usize;
    let mut nibbles = identifier.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    for nibble in nibbles.by_ref().take_while(|nibble| *nibble != 0x0F) {
        if digits.next().map(|digit| digit & 0x0F) != Some(nibble) {
            return false;
        }
        length = length.saturating_add(1);
    }
    length >= 3 && nibbles.all(|nibble| nibble == 0x0F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuer_identifiers_of_3_to_8_digits() {
        let pan = Pan::from_digits(b"4761739001010010").unwrap();
        for good in [
            [0x47, 0x6F, 0xFF, 0xFF],
            [0x47, 0x61, 0x73, 0xFF],
            [0x47, 0x61, 0x73, 0x90],
        ] {
            assert!(identifies(&good, &pan), "{good:02X?}");
        }
        for bad in [
            [0x47, 0xFF, 0xFF, 0xFF],
            [0xFF, 0xFF, 0xFF, 0xFF],
            [0x47, 0x62, 0xFF, 0xFF],
            [0x47, 0x61, 0x73, 0x91],
            [0x47, 0xF1, 0x73, 0x90],
            [0x47, 0x6F, 0xFF, 0xF0],
        ] {
            assert!(!identifies(&bad, &pan), "{bad:02X?}");
        }
    }
}
