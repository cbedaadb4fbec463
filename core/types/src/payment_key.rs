//! The idempotency key of a payment.

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use uuid::{Builder, Uuid};

/// One payment's key for all its life: a `UUIDv7` (RFC 9562, 5.7) made before anything is sent.
///
/// Its first 48 bits are the time of its making in milliseconds, so keys sort by age.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentKey(Uuid);

/// The text or the bytes are not a `UUIDv7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentKeyError;

impl PaymentKey {
    /// Makes a key from the wall clock and ten fresh random bytes.
    pub const fn new(utc_ms: u64, random: &[u8; 10]) -> Self {
        Self(Builder::from_unix_timestamp_millis(utc_ms, random).into_uuid())
    }

    /// Reads the 16 bytes.
    ///
    /// # Errors
    /// [`PaymentKeyError`] unless version and variant are those of a `UUIDv7`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PaymentKeyError> {
        Self::checked(Uuid::from_slice(bytes).map_err(|_| PaymentKeyError)?)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    fn checked(uuid: Uuid) -> Result<Self, PaymentKeyError> {
        let valid = uuid.get_version_num() == 7 && uuid.get_variant() == uuid::Variant::RFC4122;
        if valid {
            Ok(Self(uuid))
        } else {
            Err(PaymentKeyError)
        }
    }
}

/// Accepts the hyphenated lower-case form only: one payment has one spelling.
impl FromStr for PaymentKey {
    type Err = PaymentKeyError;

    fn from_str(text: &str) -> Result<Self, PaymentKeyError> {
        let key = Self::checked(Uuid::try_parse(text).map_err(|_| PaymentKeyError)?)?;
        if key.to_string() == text {
            Ok(key)
        } else {
            Err(PaymentKeyError)
        }
    }
}

impl fmt::Display for PaymentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

impl fmt::Debug for PaymentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PaymentKey({self})")
    }
}

impl From<PaymentKey> for String {
    fn from(key: PaymentKey) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_order() {
        let early = PaymentKey::new(1_700_000_000_000, &[0xFF; 10]);
        let late = PaymentKey::new(1_700_000_000_001, &[0; 10]);
        assert!(early < late);
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(PaymentKey::from_bytes(late.as_bytes()), Ok(late));
    }

    #[test]
    fn refuses_other_uuids_and_spellings() {
        let key = PaymentKey::new(1_700_000_000_000, &[7; 10]).to_string();
        for bad in [
            "00000000-0000-0000-0000-000000000000",
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            &key.to_uppercase(),
            &key.replace('-', ""),
            "",
            "é",
        ] {
            assert_eq!(bad.parse::<PaymentKey>(), Err(PaymentKeyError), "{bad}");
        }
    }
}
