//! `EMVCo` merchant-presented mode: the text behind the code that a payer scans.
//!
//! A payload is a row of objects: two digits of id, two digits of length, value. **Lengths count characters, not
//! bytes** (4.4.1.1), ids stand once (4.3.1.2), 00 comes first and 63, a CRC over the UTF-8 bytes, last (4.7). Paragraphs
//! are those of the `EMVCo` specification, version 1.1.

mod breach;
mod crc;
mod decoded;
mod encode;
mod object;
mod payload;
mod plain;
mod rules;

pub use breach::{Breach, Place};
pub use decoded::{Decoded, Initiation, MerchantAccountRef, Refused};
pub use encode::{AccountFields, AdditionalData, EncodeError, LocalNames, MerchantAccount, MpmCode};
pub use object::Object;
pub use payload::{MpmPayload, Tip};
pub use plain::plain;

pub(crate) use decoded::read_template;
pub(crate) use payload::{Dialect, template};

/// Reads a payload.
///
/// Broken rules that leave the meaning clear are listed in [`Decoded::breaches`]; live codes of several countries
/// break some.
///
/// # Errors
/// [`Refused`] if the payload is cut, altered, ambiguous or no payload at all.
pub fn decode(payload: &str) -> Result<Decoded<'_>, Refused> {
    decoded::decode(payload)
}
