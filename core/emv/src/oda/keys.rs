//! Certification authority public keys and the certificates that do not count any more (Book 2, 10 and 11).

use alloc::vec::Vec;
use core::fmt;

use softpos_crypto::emv_rsa::{self, PublicKey};
use softpos_crypto::p256_key;

use super::curve::CurveAuthorityKey;

/// A scheme's public key, its checksum verified.
#[derive(Clone)]
pub struct AuthorityKey {
    rid: [u8; 5],
    index: u8,
    /// Last day, BCD YYMMDD.
    expires_yymmdd: Option<[u8; 3]>,
    /// None for an exponent that EMV has withdrawn: such a key stays listed and verifies nothing.
    key: Option<PublicKey>,
}

/// Why a key or a list of keys is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefused {
    /// The published checksum is not that of the key: one of them is wrong.
    Checksum,
    /// An elliptic-curve key did not sign itself.
    Signature,
    /// RID and index name two keys: live and test keys do not belong into one list.
    Twice,
}

/// An issuer certificate that does not count any more. The serial belongs to it: other certificates under the same
/// authority key stay valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revocation {
    /// Registered application provider.
    pub rid: [u8; 5],
    /// Which of its keys signed the certificate.
    pub index: u8,
    /// The certificate's serial number.
    pub serial: [u8; 3],
}

/// All authority keys and revocations of a terminal.
#[derive(Clone, Default)]
pub struct AuthorityKeys {
    keys: Vec<AuthorityKey>,
    curve_keys: Vec<CurveAuthorityKey>,
    revoked: Vec<Revocation>,
}

impl AuthorityKey {
    /// Takes a key, if its checksum is right: SHA-1 over RID, index, modulus and exponent. Keys published without a
    /// checksum come with the one computed by whoever vouches for them.
    ///
    // Rule ODA-CAPK-1: the checksum of an authority key is verified on every load.
    // [source: foreign vector, emv-capk; test: oda::tests::a_key_with_a_wrong_checksum_is_never_loaded;
    // evidence: foreign emv-capk]
    ///
    /// # Errors
    /// [`KeyRefused::Checksum`].
    pub fn new(
        (rid, index): ([u8; 5], u8),
        modulus: &[u8],
        exponent: &[u8],
        checksum: [u8; 20],
    ) -> Result<Self, KeyRefused> {
        if emv_rsa::key_checksum((rid, index), modulus, exponent) != checksum {
            return Err(KeyRefused::Checksum);
        }
        Ok(Self {
            rid,
            index,
            expires_yymmdd: None,
            key: PublicKey::new(modulus, exponent).ok(),
        })
    }

    /// The key with its last day of validity, BCD YYMMDD.
    pub fn expiring(mut self, last_day_yymmdd: [u8; 3]) -> Self {
        self.expires_yymmdd = Some(last_day_yymmdd);
        self
    }
}

impl AuthorityKeys {
    /// A list of keys.
    ///
    /// # Errors
    /// [`KeyRefused::Twice`].
    pub fn new(keys: Vec<AuthorityKey>, mut revoked: Vec<Revocation>) -> Result<Self, KeyRefused> {
        named_once(keys.iter().map(|key| (key.rid, key.index)))?;
        revoked.sort_unstable();
        Ok(Self {
            keys,
            curve_keys: Vec::new(),
            revoked,
        })
    }

    /// The same with the schemes' elliptic-curve keys; their names are apart from those of the others.
    ///
    /// # Errors
    /// [`KeyRefused::Twice`].
    pub fn with_curve_keys(mut self, keys: Vec<CurveAuthorityKey>) -> Result<Self, KeyRefused> {
        named_once(keys.iter().map(|key| (key.rid, key.index)))?;
        self.curve_keys = keys;
        Ok(self)
    }

    /// The key for RID and index (8F), unless it has expired on this day (BCD YYMMDD) or cannot verify anything.
    pub fn find(&self, rid: [u8; 5], index: u8, today_yymmdd: [u8; 3]) -> Option<&PublicKey> {
        let found = self
            .keys
            .iter()
            .find(|key| key.rid == rid && key.index == index)?;
        let counts = in_time(found.expires_yymmdd, today_yymmdd);
        found.key.as_ref().filter(|_| counts)
    }

    /// The elliptic-curve key for RID and index (8F), unless it has expired on this day (BCD YYMMDD).
    pub fn curve(&self, rid: [u8; 5], index: u8, today_yymmdd: [u8; 3]) -> Option<&p256_key::PublicKey> {
        let mut keys = self.curve_keys.iter();
        keys.find(|key| key.rid == rid && key.index == index)
            .filter(|key| in_time(key.expires_yymmdd, today_yymmdd))
            .map(|key| &key.key)
    }

    /// Whether an issuer certificate is revoked.
    pub fn is_revoked(&self, certificate: &Revocation) -> bool {
        self.revoked.binary_search(certificate).is_ok()
    }
}

fn named_once(names: impl Iterator<Item = ([u8; 5], u8)>) -> Result<(), KeyRefused> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(KeyRefused::Twice);
    }
    Ok(())
}

fn in_time(last_yymmdd: Option<[u8; 3]>, today_yymmdd: [u8; 3]) -> bool {
    last_yymmdd.is_none_or(|last| with_century(today_yymmdd) <= with_century(last))
}

/// YYMMDD with its century: 50 to 99 are of the last one.
pub(crate) const fn with_century([year, month, day]: [u8; 3]) -> [u8; 4] {
    let century = if year >= 0x50 { 0x19 } else { 0x20 };
    [century, year, month, day]
}

impl fmt::Debug for AuthorityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rid.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
        write!(f, "/{:02X}", self.index)
    }
}

impl fmt::Debug for CurveAuthorityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rid.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
        write!(f, "/{:02X}/P-256", self.index)
    }
}

/// The names of the keys.
impl fmt::Debug for AuthorityKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(&self.keys)
            .entries(&self.curve_keys)
            .finish()
    }
}
