//! Offline data authentication: what proves that the card is the issuer's and its data untouched (Book 2, 5 and 6).
//!
//! A [`Chain`] goes from an authority's key over the issuer's certificate to the card's, with every check between;
//! what the card signed is then judged under the key at its end. All kernels share this; each decides by itself what
//! a failure means.

mod chain;
mod curve;
mod keys;
mod static_data;

use core::fmt;

use softpos_wire::Tag;

pub use self::chain::{Chain, combined, dynamic};
pub use self::curve::{CurveAuthorityKey, CurveCertificates, CurveChain};
pub(crate) use self::keys::with_century;
pub use self::keys::{AuthorityKey, AuthorityKeys, KeyRefused, Revocation};
pub use self::static_data::StaticData;

/// Which step of authentication failed and why. Holds no card data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OdaFailure {
    /// Where it stopped.
    pub step: OdaStep,
    /// Which check failed.
    pub cause: OdaCause,
}

/// The steps in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OdaStep {
    /// The authority's key: by RID and index (8F).
    AuthorityKey,
    /// The issuer's certificate (90).
    IssuerCertificate,
    /// What the records and 9F4A add up to.
    StaticData,
    /// The signed static data (93).
    StaticSignature,
    /// The card's certificate (9F46).
    CardCertificate,
    /// The signed dynamic data (9F4B).
    DynamicSignature,
    /// The data of the transaction against the signed hash.
    TransactionData,
}

/// The checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OdaCause {
    /// An object is missing or has a wrong length.
    Missing(Tag),
    /// The signature does not recover, or its hash is another one.
    Signature,
    /// The month of expiry is over.
    Expired,
    /// The certificate is another issuer's or another card's.
    Subject,
    /// The certificate is on the revocation list.
    Revoked,
    /// The records cannot be authenticated, or 9F4A asks for more than the profile.
    Records,
    /// What was signed differs from what was sent.
    Differs,
}

impl OdaFailure {
    pub(crate) const fn new(step: OdaStep, cause: OdaCause) -> Self {
        Self { step, cause }
    }
}

/// Step and cause, as `CardCertificate: Expired`.
impl fmt::Display for OdaFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.step, self.cause)
    }
}

#[cfg(test)]
mod tests;
