//! `EMVCo` consumer-presented mode: the text behind the code that a payer's wallet shows.
//!
//! A payload is base64 of BER-TLV: 85 says `CPV01`, then one or two application templates (61) and what they share
//! (62). 63 and 64 are the issuer's and opaque (5.1.7, 5.1.8): they are handed to the host and never looked into.
//! Paragraphs are those of the `EMVCo` specification, version 1.1. A payload of this kind is always authorised online
//! and never kept for later.

mod breach;
mod decoded;
mod encode;
mod payment_data;

pub use breach::{Breach, Refused};
pub use decoded::{Application, Decoded};
pub use encode::{CpmCode, EncodeError};
pub use payment_data::{PaymentData, ReceiptAddress};

/// How every payload begins: base64 of 85, length 5 and `CPV` (5.1.1.1).
pub const PREFIX: &str = "hQVDUFY";

/// Bytes of a payload; the specification asks readers for this much.
const MAX_BYTES: usize = 512;

/// Reads a payload.
///
/// # Errors
/// [`Refused`] if the text is no such payload, is cut or altered, or names a primitive object twice.
pub fn decode(payload: &str) -> Result<Decoded, Refused> {
    decoded::decode(payload)
}

/// Tags with a meaning of their own in this mode.
pub mod tags {
    use softpos_wire::Tag;
    pub use softpos_wire::tag::{
        ADF_NAME as AID, APPLICATION_LABEL as LABEL, CARDHOLDER_NAME as CARDHOLDER,
        LANGUAGE_PREFERENCE as LANGUAGE, PAN, TRACK_2 as TRACK2,
    };

    /// Payload format indicator.
    pub const FORMAT: Tag = Tag::new(0x85);
    /// Application template.
    pub const APPLICATION: Tag = Tag::new(0x61);
    /// Common data template.
    pub const COMMON: Tag = Tag::new(0x62);
    /// Application-specific transparent template: opaque.
    pub const APPLICATION_OPAQUE: Tag = Tag::new(0x63);
    /// Common transparent template: opaque.
    pub const COMMON_OPAQUE: Tag = Tag::new(0x64);
    /// Issuer URL; in this mode the address for the receipt.
    pub const ISSUER_URL: Tag = Tag::new(0x5F50);
    /// Application version number.
    pub const VERSION: Tag = Tag::new(0x9F08);
    /// Token requestor.
    pub const TOKEN_REQUESTOR: Tag = Tag::new(0x9F19);
    /// Last four digits of the number behind a token.
    pub const LAST_FOUR: Tag = Tag::new(0x9F25);
}
