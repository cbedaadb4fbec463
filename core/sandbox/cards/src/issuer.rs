//! The issuer's side of the cards: its keys and the check of a cryptogram.
//!
//! The cards use Visa's cryptogram version 18 with the common session key (EMV Book 2): unlike version 10 it has a
//! key of its own for every transaction and covers the whole issuer application data, so the card's own view of
//! the tap is under the cryptogram too.

use softpos_crypto::issuer::{Padding, application_cryptogram, card_key_option_a, session_key_common};
use softpos_types::{Pan, SecretArray};
use softpos_wire::{Tag, tag, tlv};

/// Cryptogram version number 18, third byte of 9F10.
pub(crate) const CRYPTOGRAM_VERSION: u8 = 0x12;

/// What the cryptogram covers, in this order.
const COVERED: [Tag; 11] = [
    tag::AMOUNT_AUTHORISED,
    tag::AMOUNT_OTHER,
    tag::TERMINAL_COUNTRY,
    tag::TVR,
    tag::TRANSACTION_CURRENCY,
    tag::TRANSACTION_DATE,
    tag::TRANSACTION_TYPE,
    tag::UNPREDICTABLE_NUMBER,
    tag::AIP,
    tag::ATC,
    tag::ISSUER_APPLICATION_DATA,
];

/// An issuer master key for application cryptograms.
#[derive(Debug)]
pub struct IssuerKey {
    /// Derivation key index, second byte of 9F10.
    pub index: u8,
    /// The key: public test material, see testdata/README.md.
    pub master: SecretArray<16>,
}

/// All keys of the sandbox issuer.
pub fn issuer_keys() -> Vec<IssuerKey> {
    let master = |bytes: &[u8; 16]| SecretArray::build(|key| key.copy_from_slice(bytes));
    vec![IssuerKey {
        index: 0x01,
        master: master(include_bytes!("../testdata/visa-issuer-master-key-01.bin")),
    }]
}

/// What a good cryptogram proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// 9F36: must be higher than every one seen before from this card.
    pub atc: u16,
    /// 9F26.
    pub arqc: [u8; 8],
}

/// Why a cryptogram is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CryptogramError {
    /// Field 55 is no list of data objects.
    Malformed,
    /// A data object is missing or has a wrong length.
    Missing(Tag),
    /// No such key index or cryptogram version.
    Unknown,
    /// The card did not ask to go online.
    NotOnline,
    /// The cryptogram does not match.
    Wrong,
}

/// Checks the cryptogram of an authorisation request against field 55.
///
/// `psn` is the sequence number the host knows of the card. The caller checks the counter against replay.
///
/// # Errors
/// [`CryptogramError`].
pub fn verify_cryptogram(de55: &[u8], pan: &Pan, psn: u8) -> Result<Verified, CryptogramError> {
    tlv::walk(de55, &mut |_, _| ()).map_err(|_| CryptogramError::Malformed)?;
    let value = |tag: Tag| tlv::child(de55, tag).ok().flatten();
    let required = |tag: Tag| value(tag).ok_or(CryptogramError::Missing(tag));
    let iad = required(tag::ISSUER_APPLICATION_DATA)?;
    let &[_, index, CRYPTOGRAM_VERSION, _, results, ..] = iad else {
        return Err(CryptogramError::Unknown);
    };
    if results & 0x30 != 0x20 {
        return Err(CryptogramError::NotOnline);
    }
    let arqc: [u8; 8] = required(tag::CRYPTOGRAM)?
        .try_into()
        .map_err(|_| CryptogramError::Missing(tag::CRYPTOGRAM))?;
    let atc: [u8; 2] = required(tag::ATC)?
        .try_into()
        .map_err(|_| CryptogramError::Missing(tag::ATC))?;
    let data = covered(value).map_err(CryptogramError::Missing)?;
    let keys = issuer_keys();
    let key = keys
        .iter()
        .find(|key| key.index == index)
        .ok_or(CryptogramError::Unknown)?;
    let expected = cryptogram(&card_key_option_a(&key.master, pan, psn), atc, &data);
    if expected != arqc {
        return Err(CryptogramError::Wrong);
    }
    Ok(Verified {
        atc: u16::from_be_bytes(atc),
        arqc,
    })
}

/// The bytes under a cryptogram, or the tag of an object that is missing.
pub(crate) fn covered<'a>(value: impl Fn(Tag) -> Option<&'a [u8]>) -> Result<Vec<u8>, Tag> {
    let mut data = Vec::new();
    for tag in COVERED {
        data.extend_from_slice(value(tag).ok_or(tag)?);
    }
    Ok(data)
}

/// Card key, counter and data to 9F26.
pub(crate) fn cryptogram(card_key: &SecretArray<16>, atc: [u8; 2], data: &[u8]) -> [u8; 8] {
    application_cryptogram(&session_key_common(card_key, atc), data, Padding::Iso80)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// pyemv 1.5.0 (MIT), docstring example of cryptogram version 18.
    #[test]
    fn public_vector_of_version_18() {
        let master = SecretArray::build(|key| key.fill(0xAA));
        let pan = Pan::from_digits(b"1234567890123456").unwrap();
        let values = [
            "000000009999",
            "000000000000",
            "0840",
            "8000048000",
            "0840",
            "991231",
            "01",
            "52BF4585",
            "1800",
            "0FFF",
            "06011203A0B800",
        ]
        .map(|text| hex::decode(text).unwrap());
        let data = covered(|wanted| {
            let at = COVERED.iter().position(|tag| *tag == wanted)?;
            Some(values[at].as_slice())
        });
        let card_key = card_key_option_a(&master, &pan, 0);
        assert_eq!(
            hex::encode_upper(cryptogram(&card_key, [0x0F, 0xFF], &data.unwrap())),
            "769577B5ABE9FE62"
        );
    }

    #[test]
    fn keys_have_odd_parity_and_unique_indexes() {
        for key in issuer_keys() {
            assert!(
                key.master.expose().iter().all(|byte| byte.count_ones() % 2 == 1),
                "{}",
                key.index
            );
        }
    }
}
