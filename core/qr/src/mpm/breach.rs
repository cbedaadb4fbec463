//! Rules that a readable payload breaks.

use core::fmt;

/// A broken rule. Its text is `missing:59`, `54:format`, `62/09:value` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breach {
    /// A mandatory object is not there.
    Missing(Place),
    /// None of 02..51 is there.
    MissingMerchantAccount,
    /// Too long or too short.
    Length(Place),
    /// Not written as it should be.
    Format(Place),
    /// Characters outside the common set (20..7E).
    Charset(Place),
    /// None of the defined values.
    Value(Place),
    /// 56 or 57 is there without its mark in 55, or the reverse.
    Presence(Place),
    /// An amount of zero.
    Zero(Place),
    /// A template without its identifier (00).
    MissingGuid(Place),
    /// Should be a template and does not parse as one.
    NotATemplate(Place),
    /// The CRC is right and in lower-case letters.
    CrcLowercase,
    /// The CRC fits the ISO 8859-1 bytes only, in a code of UEMOA, whose rules say so.
    CrcLatin1,
    /// More than 512 characters.
    PayloadOver512,
}

/// An object, in the payload or in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The template it is in; none for the payload itself.
    pub template: Option<u8>,
    /// Its id.
    pub id: u8,
}

impl Place {
    /// An object of the payload.
    pub const fn root(id: u8) -> Self {
        Self { template: None, id }
    }

    /// An object of a template.
    pub const fn within(template: u8, id: u8) -> Self {
        Self {
            template: Some(template),
            id,
        }
    }
}

/// `59`, `62/09`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(template) = self.template {
            write!(f, "{template:02}/")?;
        }
        write!(f, "{:02}", self.id)
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(place) => write!(f, "missing:{place}"),
            Self::MissingMerchantAccount => f.write_str("missing:merchant_account"),
            Self::Length(place) => write!(f, "{place}:length"),
            Self::Format(place) => write!(f, "{place}:format"),
            Self::Charset(place) => write!(f, "{place}:charset"),
            Self::Value(place) => write!(f, "{place}:value"),
            Self::Presence(place) => write!(f, "{place}:presence"),
            Self::Zero(place) => write!(f, "{place}:zero"),
            Self::MissingGuid(place) => write!(f, "{place}:missing_guid"),
            Self::NotATemplate(place) => write!(f, "{place}:not_a_template"),
            Self::CrcLowercase => f.write_str("crc_lowercase"),
            Self::CrcLatin1 => f.write_str("crc_latin1"),
            Self::PayloadOver512 => f.write_str("payload_over_512"),
        }
    }
}
