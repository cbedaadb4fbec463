//! The issuers' side of the cards: their keys, the making and the check of cryptograms, the answers to them.
//!
//! Each scheme has a cryptogram version of its own. Visa uses version 18 with the common session key (EMV Book 2):
//! unlike version 10 it has a key for every transaction and covers the whole issuer application data. The others
//! follow what is known in public of them; their layouts of 9F10 are those of our cards alone.

use core::ops::Range;

use softpos_crypto::issuer::{
    Padding, application_cryptogram, arpc_method_1, arpc_method_2, card_key_option_a, session_key_common,
    session_key_unionpay,
};
use softpos_crypto::issuer_aes;
use softpos_types::SecretArray;
use softpos_wire::{Tag, tag, tlv};

use crate::account::{AES_KEY, Account};
use crate::scheme::CardScheme;

/// What every cryptogram covers of the reader's words, in this order; AIP and counter follow, then what the card
/// says of itself.
const COVERED: [Tag; 10] = [
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
];
/// Card status update of an approval: the issuer approves the online transaction (EMV Common Core Definitions,
/// byte 2 bit 8; inference).
const CSU_APPROVED: [u8; 4] = [0, 0x80, 0, 0];
const APPROVED: &str = "00";

/// An issuer master key for application cryptograms: triple DES, or AES from index 80 on.
#[derive(Debug)]
pub struct IssuerKey {
    /// Whose cards.
    pub scheme: CardScheme,
    /// Derivation key index in 9F10.
    pub index: u8,
    /// The key: public test material, see testdata/README.md.
    pub master: SecretArray<16>,
}

/// All keys of the sandbox issuers.
pub fn issuer_keys() -> Vec<IssuerKey> {
    let key = |scheme, index, bytes: &[u8; 16]| IssuerKey {
        scheme,
        index,
        master: SecretArray::build(|key| *key = *bytes),
    };
    let mut keys: Vec<IssuerKey> = CardScheme::ALL
        .map(|scheme| key(scheme, 0x01, master_key(scheme)))
        .into();
    let aes = include_bytes!("../testdata/mastercard-issuer-master-key-81.bin");
    keys.push(key(CardScheme::Mastercard, AES_KEY, aes));
    keys
}

const fn master_key(scheme: CardScheme) -> &'static [u8; 16] {
    match scheme {
        CardScheme::Visa => include_bytes!("../testdata/visa-issuer-master-key-01.bin"),
        CardScheme::Mastercard => include_bytes!("../testdata/mastercard-issuer-master-key-01.bin"),
        CardScheme::UnionPay => include_bytes!("../testdata/unionpay-issuer-master-key-01.bin"),
        CardScheme::AmericanExpress => {
            include_bytes!("../testdata/american-express-issuer-master-key-01.bin")
        }
        CardScheme::Jcb => include_bytes!("../testdata/jcb-issuer-master-key-01.bin"),
        CardScheme::Discover => include_bytes!("../testdata/discover-issuer-master-key-01.bin"),
    }
}

/// What a card says with its cryptogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CryptogramKind {
    /// AAC: declined.
    Declined,
    /// TC: approved offline.
    Approved,
    /// ARQC: asks its issuer.
    AsksIssuer,
}

impl CryptogramKind {
    /// 9F27.
    pub(crate) const fn information(self) -> u8 {
        match self {
            Self::Declined => 0x00,
            Self::Approved => 0x40,
            Self::AsksIssuer => 0x80,
        }
    }

    /// Bits 6 and 5 of the first byte of the card verification results; bit 8 says that no second cryptogram was
    /// asked for.
    const fn results(self) -> u8 {
        match self {
            Self::Declined => 0x80,
            Self::Approved => 0x90,
            Self::AsksIssuer => 0xA0,
        }
    }

    const fn from_results(results: u8) -> Option<Self> {
        match results & 0x30 {
            0x00 => Some(Self::Declined),
            0x10 => Some(Self::Approved),
            0x20 => Some(Self::AsksIssuer),
            _ => None,
        }
    }
}

/// What a good cryptogram proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// 9F36: must be higher than every one seen before from this card.
    pub atc: u16,
    /// 9F26.
    pub cryptogram: [u8; 8],
    /// What the card said with it.
    pub kind: CryptogramKind,
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
    /// The cryptogram does not match.
    Wrong,
}

/// Checks the cryptogram of a card against field 55, with the key of the account.
///
/// The caller checks the counter against replay, and whether the kind of cryptogram fits the request.
///
/// # Errors
/// [`CryptogramError`].
pub fn verify_cryptogram(de55: &[u8], account: &Account) -> Result<Verified, CryptogramError> {
    tlv::walk(de55, &mut |_, _| ()).map_err(|_| CryptogramError::Malformed)?;
    let value = |tag: Tag| tlv::child(de55, tag).ok().flatten();
    let required = |tag: Tag| value(tag).ok_or(CryptogramError::Missing(tag));
    let layout = Layout::of(account);
    let iad = required(tag::ISSUER_APPLICATION_DATA)?;
    let at = |index: usize| iad.get(index).copied().ok_or(CryptogramError::Unknown);
    if iad.len() != layout.length || at(layout.version_at)? != layout.version {
        return Err(CryptogramError::Unknown);
    }
    let kind = CryptogramKind::from_results(at(layout.results_at)?).ok_or(CryptogramError::Unknown)?;
    let key = card_key(account, at(layout.index_at)?).ok_or(CryptogramError::Unknown)?;
    let (cryptogram, atc) = (fixed(value, tag::CRYPTOGRAM)?, fixed(value, tag::ATC)?);
    let data = layout.covered(iad, value).map_err(CryptogramError::Missing)?;
    if layout.cryptogram(&key, atc, &data) != cryptogram {
        return Err(CryptogramError::Wrong);
    }
    Ok(Verified {
        atc: u16::from_be_bytes(atc),
        cryptogram,
        kind,
    })
}

/// The issuer's answer for the card (91, issuer authentication data): proves that the issuer saw the cryptogram.
///
/// `de39` is the response code. `None` for an account without key, which does not exist.
pub fn issuer_answer(account: &Account, verified: Verified, de39: &str) -> Option<Vec<u8>> {
    let layout = Layout::of(account);
    let session = layout.session_key(&card_key(account, account.key_index)?, verified.atc.to_be_bytes());
    if account.is_common() {
        let arc = de39.as_bytes().try_into().ok()?;
        return Some([&issuer_aes::arpc(&session, verified.cryptogram, arc)[..], &arc].concat());
    }
    Some(match account.scheme {
        CardScheme::Visa | CardScheme::Jcb | CardScheme::Discover => {
            let csu = if de39 == APPROVED { CSU_APPROVED } else { [0; 4] };
            [arpc_method_2(&session, verified.cryptogram, csu, &[]), csu].concat()
        }
        CardScheme::Mastercard | CardScheme::UnionPay | CardScheme::AmericanExpress => {
            let arc = de39.as_bytes().try_into().ok()?;
            [&arpc_method_1(&session, verified.cryptogram, arc)[..], &arc].concat()
        }
    })
}

/// The one command that issuers of the sandbox send to their cards: PUT DATA, secured, for an object of our own.
pub(crate) const SCRIPT_HEADER: [u8; 4] = [0x04, 0xDA, 0xDF, 0x01];

/// A command of the issuer for its card: writes a value, with a code over it and the cryptogram it answers (the layout
/// is that of our cards alone). `None` for an account without key or a value that does not fit.
pub fn issuer_script(account: &Account, verified: Verified, value: &[u8]) -> Option<Vec<u8>> {
    let code = script_code(account, verified.atc, verified.cryptogram, value)?;
    let length = u8::try_from(value.len().checked_add(code.len())?).ok()?;
    Some([&SCRIPT_HEADER[..], &[length], value, &code].concat())
}

pub(crate) fn script_code(account: &Account, atc: u16, cryptogram: [u8; 8], value: &[u8]) -> Option<[u8; 8]> {
    let key = card_key(account, account.key_index)?;
    let message = [&SCRIPT_HEADER[..], value, &cryptogram].concat();
    Some(Layout::of(account).cryptogram(&key, atc.to_be_bytes(), &message))
}

fn fixed<'a, const N: usize>(
    value: impl Fn(Tag) -> Option<&'a [u8]>,
    tag: Tag,
) -> Result<[u8; N], CryptogramError> {
    value(tag)
        .and_then(|value| value.try_into().ok())
        .ok_or(CryptogramError::Missing(tag))
}

/// The key of a card under one of its issuer's master keys.
pub(crate) fn card_key(account: &Account, index: u8) -> Option<SecretArray<16>> {
    let keys = issuer_keys();
    let key = keys
        .iter()
        .find(|key| key.scheme == account.scheme && key.index == index)?;
    let derive = if index == AES_KEY {
        issuer_aes::card_key_option_c
    } else {
        card_key_option_a
    };
    Some(derive(&key.master, &account.pan(), account.psn))
}

/// A cryptogram and what the card says with it.
pub(crate) struct Made {
    /// 9F10.
    pub(crate) issuer_data: Vec<u8>,
    /// 9F26.
    pub(crate) cryptogram: [u8; 8],
}

/// Makes a card's cryptogram; `value` gives what is covered besides 9F10. The error names what is missing.
pub(crate) fn make<'a>(
    account: &Account,
    key: &SecretArray<16>,
    kind: CryptogramKind,
    on_device: bool,
    value: impl Fn(Tag) -> Option<&'a [u8]>,
) -> Result<Made, Tag> {
    let issuer_data = Layout::of(account).issuer_data(account.key_index, kind, on_device);
    Ok(Made {
        cryptogram: make_over(account, key, &issuer_data, value)?,
        issuer_data,
    })
}

/// 9F10 of a card for kernel 8, without the code that the reader puts into it.
pub(crate) fn common_issuer_data(account: &Account, kind: CryptogramKind, on_device: bool) -> Vec<u8> {
    Layout::of(account).issuer_data(account.key_index, kind, on_device)
}

/// Makes a card's cryptogram over this 9F10.
pub(crate) fn make_over<'a>(
    account: &Account,
    key: &SecretArray<16>,
    issuer_data: &[u8],
    value: impl Fn(Tag) -> Option<&'a [u8]>,
) -> Result<[u8; 8], Tag> {
    let layout = Layout::of(account);
    let atc = value(tag::ATC)
        .and_then(|atc| atc.try_into().ok())
        .ok_or(tag::ATC)?;
    let data = layout.covered(issuer_data, &value)?;
    Ok(layout.cryptogram(key, atc, &data))
}

/// How a scheme's cards lay out 9F10, and what their cryptogram is made of.
struct Layout {
    version: u8,
    length: usize,
    /// What stands in front where the first byte is a length.
    counts_itself: bool,
    index_at: usize,
    version_at: usize,
    results_at: usize,
    /// The parts of 9F10 that are covered.
    own: [Range<usize>; 2],
    /// Whether the reader's verification results are covered: not where the card speaks before they are complete.
    covers_tvr: bool,
    session: Session,
    padding: Padding,
}

enum Session {
    /// EMV's common session key.
    Common,
    /// `UnionPay`'s.
    UnionPay,
    /// None: the card key itself.
    None,
    /// AES, for cryptogram and session key.
    Aes,
}

/// Where in 9F10 of a card for kernel 8 the reader's code over the payment stands.
pub(crate) const COMMON_MAC_PLACE: Range<usize> = 10..18;

impl Layout {
    /// Visa, JCB: length, index, version, 03 and three bytes of results; all covered. `UnionPay` and American
    /// Express: the same with the results covered. Mastercard, Discover: index, version, results, counters.
    ///
    /// A card for kernel 8: index, version, results, two counters, the code over the payment; results and code covered
    /// (Mastercard Ecos 1.0, as a public card tool reads it).
    const fn of(account: &Account) -> Self {
        if account.is_common() {
            return Self {
                version: 0x17,
                length: 18,
                counts_itself: false,
                index_at: 0,
                version_at: 1,
                results_at: 2,
                own: [2..8, COMMON_MAC_PLACE],
                covers_tvr: true,
                session: Session::Aes,
                padding: Padding::Iso80,
            };
        }
        let scheme = account.scheme;
        let (version, length, own, session, padding) = match scheme {
            CardScheme::Visa => (0x12, 7, 0..7, Session::Common, Padding::Iso80),
            CardScheme::Jcb => (0x04, 7, 0..7, Session::Common, Padding::Iso80),
            CardScheme::UnionPay => (0x01, 8, 3..7, Session::UnionPay, Padding::Iso80),
            CardScheme::AmericanExpress => (0x01, 7, 3..7, Session::None, Padding::Zeros),
            CardScheme::Mastercard => (0x14, 18, 2..8, Session::Common, Padding::Iso80),
            CardScheme::Discover => (0x05, 18, 0..18, Session::Common, Padding::Iso80),
        };
        let counts_itself = !matches!(scheme, CardScheme::Mastercard | CardScheme::Discover);
        let (index_at, version_at, results_at) = if counts_itself { (1, 2, 4) } else { (0, 1, 2) };
        Self {
            version,
            length,
            counts_itself,
            index_at,
            version_at,
            results_at,
            own: [own, 0..0],
            covers_tvr: !matches!(scheme, CardScheme::Discover),
            session,
            padding,
        }
    }

    fn issuer_data(&self, index: u8, kind: CryptogramKind, on_device: bool) -> Vec<u8> {
        let mut data = vec![0; self.length];
        let mut set = |at: usize, byte: u8| {
            if let Some(place) = data.get_mut(at) {
                *place = byte;
            }
        };
        if self.counts_itself {
            set(0, self.length.saturating_sub(1).to_le_bytes()[0]);
            set(3, 0x03);
        }
        set(self.index_at, index);
        set(self.version_at, self.version);
        set(self.results_at, kind.results());
        if on_device {
            // Second byte of the results, bit 2: verified on the device.
            set(self.results_at.saturating_add(1), 0x02);
        }
        if matches!(self.session, Session::UnionPay) {
            // The algorithm: triple DES.
            set(self.length.saturating_sub(1), 0x01);
        }
        data
    }

    /// The bytes under a cryptogram, or the tag of an object that is missing.
    fn covered<'a>(
        &self,
        issuer_data: &[u8],
        value: impl Fn(Tag) -> Option<&'a [u8]>,
    ) -> Result<Vec<u8>, Tag> {
        let mut data = Vec::new();
        for tag in COVERED
            .into_iter()
            .filter(|tag| self.covers_tvr || *tag != tag::TVR)
        {
            data.extend_from_slice(value(tag).ok_or(tag)?);
        }
        for own in &self.own {
            let own = issuer_data.get(own.clone()).ok_or(tag::ISSUER_APPLICATION_DATA)?;
            data.extend_from_slice(own);
        }
        Ok(data)
    }

    fn session_key(&self, card_key: &SecretArray<16>, atc: [u8; 2]) -> SecretArray<16> {
        match self.session {
            Session::Common => session_key_common(card_key, atc),
            Session::UnionPay => session_key_unionpay(card_key, atc),
            Session::None => SecretArray::build(|key| key.copy_from_slice(card_key.expose())),
            Session::Aes => issuer_aes::session_key(card_key, atc),
        }
    }

    fn cryptogram(&self, card_key: &SecretArray<16>, atc: [u8; 2], data: &[u8]) -> [u8; 8] {
        let session = self.session_key(card_key, atc);
        if matches!(self.session, Session::Aes) {
            issuer_aes::application_cryptogram(&session, data)
        } else {
            application_cryptogram(&session, data, self.padding)
        }
    }
}

#[cfg(test)]
mod tests {
    use softpos_types::Pan;

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
        ]
        .map(|text| hex::decode(text).unwrap());
        let issuer_data = hex::decode("06011203A0B800").unwrap();
        let layout = Layout::of(&crate::account::accounts()[0]);
        let data = layout.covered(&issuer_data, |wanted| {
            let at = COVERED.iter().position(|tag| *tag == wanted)?;
            Some(values[at].as_slice())
        });
        let card_key = card_key_option_a(&master, &pan, 0);
        assert_eq!(
            hex::encode_upper(layout.cryptogram(&card_key, [0x0F, 0xFF], &data.unwrap())),
            "769577B5ABE9FE62"
        );
    }

    #[test]
    fn keys_have_odd_parity_and_unique_indexes() {
        for key in issuer_keys().into_iter().filter(|key| key.index != AES_KEY) {
            assert!(
                key.master.expose().iter().all(|byte| byte.count_ones() % 2 == 1),
                "{:?} {}",
                key.scheme,
                key.index
            );
        }
    }
}
