//! Certificates over elliptic-curve keys: from an authority's key over the issuer's to the card's.
//!
//! Source: EMV Contactless Book E 5 as the project Digrol/Denom implements it. Certificates are not recovered but
//! read: fields in the clear with an EC-SDSA signature behind them. A key is named by its x coordinate alone.

use softpos_crypto::ec_sdsa::{self, Curve};
use softpos_crypto::p256_key::PublicKey;
use softpos_types::Pan;
use softpos_wire::tag;

use super::chain::identifies;
use super::keys::with_century;
use super::{AuthorityKeys, KeyRefused, OdaCause, OdaFailure, OdaStep, Revocation};

/// First bytes of what an authority signs about itself.
const SELF_SIGNED: [u8; 2] = [0x20, 0x00];
/// The signature suite: EC-SDSA over P-256 with SHA-256.
const SUITE: u8 = 0x10;

/// A scheme's public key on P-256, its own signature verified.
#[derive(Clone)]
pub struct CurveAuthorityKey {
    pub(super) rid: [u8; 5],
    pub(super) index: u8,
    pub(super) expires_yymmdd: Option<[u8; 3]>,
    pub(super) key: PublicKey,
}

impl CurveAuthorityKey {
    // Rule ODA-EC-CAPK-1: an authority's key counts if it signed itself: 20 00, RID, index, suite 10 and x.
    // [source: foreign vector, Ecos 1.0 appendix B; test: oda::curve::tests::an_authority_signs_itself;
    // evidence: foreign Ecos appendix B]
    /// Takes a key given by its x coordinate, if its signature over itself is right.
    ///
    /// # Errors
    /// [`KeyRefused::Signature`].
    pub fn new((rid, index): ([u8; 5], u8), x: &[u8; 32], signature: &[u8]) -> Result<Self, KeyRefused> {
        let key = PublicKey::from_x(x).map_err(|_| KeyRefused::Signature)?;
        let signed = [&SELF_SIGNED[..], &rid, &[index, SUITE], x].concat();
        verifies(&key, &signed, signature).ok_or(KeyRefused::Signature)?;
        Ok(Self {
            rid,
            index,
            expires_yymmdd: None,
            key,
        })
    }

    /// The key with its last day of validity, BCD YYMMDD.
    pub fn expiring(mut self, last_day_yymmdd: [u8; 3]) -> Self {
        self.expires_yymmdd = Some(last_day_yymmdd);
        self
    }
}

/// What certificates are checked against.
#[derive(Clone, Copy)]
pub struct CurveChain<'a> {
    /// The terminal's keys and revocations.
    pub keys: &'a AuthorityKeys,
    /// The provider of the selected application: only its keys count.
    pub rid: [u8; 5],
    /// The transaction's date (9A), BCD YYMMDD.
    pub today_yymmdd: [u8; 3],
    /// The transaction's time (9F21), BCD HHMMSS.
    pub time_hhmmss: [u8; 3],
    /// The number that the issuer's certificate must be about.
    pub pan: &'a Pan,
}

/// The certificates of one card.
#[derive(Clone, Copy)]
pub struct CurveCertificates<'a> {
    /// 8F: which of the provider's keys.
    pub authority_index: u8,
    /// 90.
    pub issuer: &'a [u8],
    /// 9F46.
    pub card: &'a [u8],
}

impl CurveChain<'_> {
    // Rule ODA-EC-CHAIN-1: the issuer's certificate is about this number, provider and index, in time, not revoked,
    // signed by the authority; the card's is in time, over these static data, signed by the issuer.
    // [source: foreign vector, Book E worked example 3.2 and Ecos 1.0 appendix B;
    // test: oda::curve::tests::the_chain_of_a_public_card, oda::curve::tests::each_field_of_a_certificate_counts;
    // evidence: foreign Book E 3.2 and Ecos appendix B]
    /// The card's key, with every certificate above it checked; `static_hash` is SHA-256 over its static data.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn card_key(
        &self,
        certificates: CurveCertificates<'_>,
        static_hash: &[u8; 32],
    ) -> Result<PublicKey, OdaFailure> {
        let issuer = self.issuer(certificates.authority_index, certificates.issuer)?;
        self.card(&issuer, certificates.card, static_hash)
    }

    /// 12 00, issuer identifier 5, suite, expiry YYYYMMDD, serial 3, RID 5, index, x 32, signature 64.
    fn issuer(&self, index: u8, certificate: &[u8]) -> Result<PublicKey, OdaFailure> {
        let missing = OdaFailure::new(OdaStep::AuthorityKey, OdaCause::Missing(tag::CA_KEY_INDEX));
        let authority = self
            .keys
            .curve(self.rid, index, self.today_yymmdd)
            .ok_or(missing)?;
        let fails = |cause| OdaFailure::new(OdaStep::IssuerCertificate, cause);
        let mut fields = Fields(certificate);
        let malformed = fails(OdaCause::Missing(tag::ISSUER_CERTIFICATE));
        let format: [u8; 2] = fields.take().ok_or(malformed)?;
        let identifier: [u8; 5] = fields.take().ok_or(malformed)?;
        let [suite] = fields.take().ok_or(malformed)?;
        let expiry: [u8; 4] = fields.take().ok_or(malformed)?;
        let serial: [u8; 3] = fields.take().ok_or(malformed)?;
        let rid: [u8; 5] = fields.take().ok_or(malformed)?;
        let [named] = fields.take().ok_or(malformed)?;
        let x: [u8; 32] = fields.take().ok_or(malformed)?;
        if (format, suite) != ([0x12, 0x00], SUITE) {
            return Err(malformed);
        }
        if !identifies(&identifier, self.pan) || (rid, named) != (self.rid, index) {
            return Err(fails(OdaCause::Subject));
        }
        if expiry < with_century(self.today_yymmdd) {
            return Err(fails(OdaCause::Expired));
        }
        let revocation = Revocation { rid, index, serial };
        if self.keys.is_revoked(&revocation) {
            return Err(fails(OdaCause::Revoked));
        }
        signed_key(authority, certificate, fields, &x).ok_or(fails(OdaCause::Signature))
    }

    /// 14 00, suite 00, expiry YYYYMMDD and HHMM, serial 6, hash encoding 01, hash algorithm 02, hash 32, x 32,
    /// signature 64. The times are UTC in the book; the reader has only the merchant's clock.
    fn card(
        &self,
        issuer: &PublicKey,
        certificate: &[u8],
        static_hash: &[u8; 32],
    ) -> Result<PublicKey, OdaFailure> {
        let fails = |cause| OdaFailure::new(OdaStep::CardCertificate, cause);
        let malformed = fails(OdaCause::Missing(tag::ICC_CERTIFICATE));
        let mut fields = Fields(certificate);
        let format: [u8; 3] = fields.take().ok_or(malformed)?;
        let expiry: ([u8; 4], [u8; 2]) = (fields.take().ok_or(malformed)?, fields.take().ok_or(malformed)?);
        let _serial: [u8; 6] = fields.take().ok_or(malformed)?;
        let hashed: [u8; 2] = fields.take().ok_or(malformed)?;
        let hash: [u8; 32] = fields.take().ok_or(malformed)?;
        let x: [u8; 32] = fields.take().ok_or(malformed)?;
        if (format, hashed) != ([0x14, 0x00, 0x00], [0x01, 0x02]) {
            return Err(malformed);
        }
        let [hour, minute, _] = self.time_hhmmss;
        if expiry < (with_century(self.today_yymmdd), [hour, minute]) {
            return Err(fails(OdaCause::Expired));
        }
        if hash != *static_hash {
            return Err(OdaFailure::new(OdaStep::StaticData, OdaCause::Differs));
        }
        signed_key(issuer, certificate, fields, &x).ok_or(fails(OdaCause::Signature))
    }
}

/// The key of a certificate whose fields are read to the signature, if the signature is the signer's.
fn signed_key(
    signer: &PublicKey,
    certificate: &[u8],
    Fields(signature): Fields<'_>,
    x: &[u8; 32],
) -> Option<PublicKey> {
    let signed = certificate.strip_suffix(signature)?;
    verifies(signer, signed, signature)?;
    PublicKey::from_x(x).ok()
}

fn verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> Option<()> {
    ec_sdsa::verify(Curve::P256, (&key.x(), &key.y()), message, signature).ok()
}

/// The rest of a certificate.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    /// The authority of EMV Contactless Book E, worked example 3, as Mastercard Ecos 1.0, appendix B, has it signed.
    const AUTHORITY_X: &str = "F60DAECD42B48FCCA547D942204D6098F1A353A5CD25CBDF2EC1ABFD0170E0FC";
    const AUTHORITY_SIGNATURE: &str = "7796E8770697859834F7E7B5E792EEB698882292E7F2B918C4BA37C9EC10CB89\
                                       841639789B9221A744805DC4396365216C2219F71A0FFF078033BEAF149C0C6B";
    /// Book E, worked example 3.2.
    const ISSUER: &str = "120054133390FF1020301231123456A000000004E0CD7400578B1164FEA954658C763C5A94FB3514FA89DB\
                          5B3B447AE8F4D5DF870A739061ADBC6FC71C8864EA9D3D6BAB5C9501C058D895FE0F69D92E22412953DC1A\
                          CCCBBE60809C5694C739CA54CC3FF4CF0964E1B946C3ED00C4E572A5021988";
    /// Ecos 1.0, appendix B: a card's certificate under that issuer's key.
    const CARD: &str = "140000202912312359987654321000010260D3FB0E45A5E64834880571152BE93E241D216D407F6F000C263B1CC8\
                        7517AF43CA1837F6B4321CA70262902037EFCE790DC583828AEA628FFAAEFC08618658\
                        035824B9DD96765B97A0CC52C1B668B075ED86BE31DA1159C6F9128863B75A80\
                        BD863084A1C965C681AE72DF3B58A9CA8AEC8463DEF0A7FA35C0EE83A5269F65";
    const STATIC_HASH: &str = "60D3FB0E45A5E64834880571152BE93E241D216D407F6F000C263B1CC87517AF";
    const RID: [u8; 5] = [0xA0, 0, 0, 0, 4];

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    fn thirty_two(text: &str) -> [u8; 32] {
        bytes(text).try_into().unwrap()
    }

    fn authority() -> CurveAuthorityKey {
        CurveAuthorityKey::new((RID, 0xE0), &thirty_two(AUTHORITY_X), &bytes(AUTHORITY_SIGNATURE)).unwrap()
    }

    fn keys(revoked: Vec<Revocation>) -> AuthorityKeys {
        let none = AuthorityKeys::new(vec![], revoked).unwrap();
        none.with_curve_keys(vec![authority()]).unwrap()
    }

    struct Case {
        pan: &'static [u8],
        rid: [u8; 5],
        index: u8,
        today: [u8; 3],
        time: [u8; 3],
        issuer: Vec<u8>,
        card: Vec<u8>,
        hash: [u8; 32],
        keys: AuthorityKeys,
    }

    impl Case {
        fn sound() -> Self {
            Self {
                pan: b"5413339000001513",
                rid: RID,
                index: 0xE0,
                today: [0x26, 0x11, 0x22],
                time: [0x12, 0, 0],
                issuer: bytes(ISSUER),
                card: bytes(CARD),
                hash: thirty_two(STATIC_HASH),
                keys: keys(vec![]),
            }
        }

        fn with(change: &dyn Fn(&mut Self)) -> Result<[u8; 32], OdaFailure> {
            let mut case = Self::sound();
            change(&mut case);
            let chain = CurveChain {
                keys: &case.keys,
                rid: case.rid,
                today_yymmdd: case.today,
                time_hhmmss: case.time,
                pan: &Pan::from_digits(case.pan).unwrap(),
            };
            let certificates = CurveCertificates {
                authority_index: case.index,
                issuer: &case.issuer,
                card: &case.card,
            };
            chain.card_key(certificates, &case.hash).map(|key| key.x())
        }

        fn fails(change: &dyn Fn(&mut Self)) -> (OdaStep, OdaCause) {
            let failure = Self::with(change).unwrap_err();
            (failure.step, failure.cause)
        }
    }

    #[test]
    fn an_authority_signs_itself() {
        assert_eq!(authority().key.x(), thirty_two(AUTHORITY_X));
        let refused = |named, change: &dyn Fn(&mut [u8])| {
            let mut signature = bytes(AUTHORITY_SIGNATURE);
            change(&mut signature);
            CurveAuthorityKey::new(named, &thirty_two(AUTHORITY_X), &signature).err()
        };
        assert_eq!(refused((RID, 0xE0), &|_| ()), None);
        assert_eq!(refused((RID, 0xE1), &|_| ()), Some(KeyRefused::Signature));
        assert_eq!(
            refused(([0xA0, 0, 0, 0, 3], 0xE0), &|_| ()),
            Some(KeyRefused::Signature)
        );
        assert_eq!(
            refused((RID, 0xE0), &|bytes| bytes[63] ^= 1),
            Some(KeyRefused::Signature)
        );
        let no_point = CurveAuthorityKey::new((RID, 0xE0), &[0xFF; 32], &bytes(AUTHORITY_SIGNATURE));
        assert_eq!(no_point.err(), Some(KeyRefused::Signature));
    }

    #[test]
    fn one_key_for_provider_and_index() {
        let twice = AuthorityKeys::default().with_curve_keys(vec![authority(), authority()]);
        assert_eq!(twice.err(), Some(KeyRefused::Twice));
        let expiring = vec![authority().expiring([0x26, 0x12, 0x31])];
        let keys = AuthorityKeys::default().with_curve_keys(expiring).unwrap();
        assert!(keys.curve(RID, 0xE0, [0x26, 0x12, 0x31]).is_some());
        assert!(keys.curve(RID, 0xE0, [0x27, 0x01, 0x01]).is_none());
        assert!(keys.find(RID, 0xE0, [0x26, 0x12, 0x31]).is_none(), "no RSA key");
    }

    #[test]
    fn the_chain_of_a_public_card() {
        assert_eq!(
            Case::with(&|_| ()).unwrap(),
            thirty_two("43CA1837F6B4321CA70262902037EFCE790DC583828AEA628FFAAEFC08618658")
        );
        // The card's last minute still counts.
        let last = |time| {
            Case::with(&|case: &mut Case| {
                case.today = [0x29, 0x12, 0x31];
                case.time = time;
            })
        };
        assert!(last([0x23, 0x59, 0x59]).is_ok());
    }

    #[test]
    fn each_field_of_a_certificate_counts() {
        use OdaCause::{Differs, Expired, Missing, Revoked, Signature, Subject};
        use OdaStep::{AuthorityKey, CardCertificate, IssuerCertificate, StaticData};
        assert_eq!(
            Case::fails(&|case| case.index = 0xE1),
            (AuthorityKey, Missing(tag::CA_KEY_INDEX))
        );
        assert_eq!(
            Case::fails(&|case| case.rid = [0xA0, 0, 0, 0, 3]),
            (AuthorityKey, Missing(tag::CA_KEY_INDEX))
        );
        assert_eq!(
            Case::fails(&|case| case.pan = b"5413340000001513"),
            (IssuerCertificate, Subject)
        );
        assert_eq!(
            Case::fails(&|case| case.today = [0x31, 0x01, 0x01]),
            (IssuerCertificate, Expired)
        );
        assert_eq!(
            Case::fails(&|case| case.today = [0x30, 0x01, 0x01]),
            (CardCertificate, Expired)
        );
        let revoked = Revocation {
            rid: RID,
            index: 0xE0,
            serial: [0x12, 0x34, 0x56],
        };
        assert_eq!(
            Case::fails(&|case| case.keys = keys(vec![revoked])),
            (IssuerCertificate, Revoked)
        );
        assert_eq!(Case::fails(&|case| case.hash[0] ^= 1), (StaticData, Differs));
        // Every byte is signed: format, names and times are refused for what they are, the rest for its signature.
        for at in 0..117 {
            let (step, cause) = Case::fails(&|case| case.issuer[at] ^= 0x40);
            assert_eq!(step, IssuerCertificate, "{at}");
            let expected = match at {
                0 | 1 | 7 => Missing(tag::ISSUER_CERTIFICATE),
                2..=5 | 15..=20 => Subject,
                _ => Signature,
            };
            assert!(cause == expected || (6..=11).contains(&at), "{at} {cause:?}");
        }
        for at in 0..145 {
            let (step, _) = Case::fails(&|case| case.card[at] ^= 0x40);
            let expected = if (17..49).contains(&at) {
                StaticData
            } else {
                CardCertificate
            };
            assert_eq!(step, expected, "{at}");
        }
        for length in [0, 20, 52, 53, 116] {
            assert_eq!(
                Case::fails(&|case| case.issuer.truncate(length)).0,
                IssuerCertificate
            );
        }
        for length in [0, 80, 81, 144] {
            assert_eq!(Case::fails(&|case| case.card.truncate(length)).0, CardCertificate);
        }
    }
}
