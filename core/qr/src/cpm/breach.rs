//! Why a payload is refused, and the rules that a readable one breaks.

use core::fmt;

use softpos_wire::Tag;
use softpos_wire::tlv::TlvError;

/// Why a payload was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// Does not begin as one (5.1.1.1).
    NotCpm,
    /// Not base64.
    BadBase64,
    /// More than 512 bytes.
    TooLong,
    /// The data ends inside an object.
    Truncated,
    /// A length in none of the forms of BER. Generators exist that write lengths over 127 as one byte (8F instead of
    /// 81 8F).
    BadLength,
    /// 85 does not say `CPV01` (5.1.1.3).
    BadFormatIndicator,
    /// There is no 61 (5.1.1.3).
    MissingApplicationTemplate,
    /// A primitive object stands twice in a 61 together with 62 (5.1.1.10), or there are two 62.
    DuplicateTag(Tag),
}

/// A broken rule. Its text is `app0:no_pan`, `5A:length` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// A 61 without 4F: it is skipped (5.1.1.4).
    MissingAid {
        /// Which 61, from 0.
        application: usize,
    },
    /// A 4F of other than 5 to 16 bytes: its 61 is skipped (5.1.1.4).
    AidLength {
        /// Which 61, from 0.
        application: usize,
    },
    /// Neither 57 nor 5A, in the 61 and in 62 (Table 6.1).
    NoPan {
        /// Which 61, from 0.
        application: usize,
    },
    /// A value that is too long or too short.
    Length(Tag),
    /// 57 has no separator.
    NoSeparator,
    /// 57 and 5A name different accounts.
    TracksDiffer,
    /// 62 beside a single 61.
    NeedlessCommonTemplate,
}

impl Refused {
    /// The stable name, as `bad_length`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotCpm => "not_cpm",
            Self::BadBase64 => "bad_base64",
            Self::TooLong => "too_long",
            Self::Truncated => "truncated",
            Self::BadLength => "bad_length",
            Self::BadFormatIndicator => "bad_format_indicator",
            Self::MissingApplicationTemplate => "missing_application_template",
            Self::DuplicateTag(_) => "duplicate_tag",
        }
    }
}

impl From<TlvError> for Refused {
    fn from(error: TlvError) -> Self {
        match error {
            TlvError::Truncated => Self::Truncated,
            TlvError::IndefiniteLength | TlvError::TooLong | TlvError::TooDeep => Self::BadLength,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::DuplicateTag(tag) => write!(f, " {tag}"),
            Self::BadLength => f.write_str(" (a length over 127 needs 81 or 82 before it)"),
            Self::NotCpm
            | Self::BadBase64
            | Self::TooLong
            | Self::Truncated
            | Self::BadFormatIndicator
            | Self::MissingApplicationTemplate => Ok(()),
        }
    }
}

impl core::error::Error for Refused {}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingAid { application } => write!(f, "app{application}:missing_adf"),
            Self::AidLength { application } => write!(f, "app{application}:adf_length"),
            Self::NoPan { application } => write!(f, "app{application}:no_pan"),
            Self::Length(tag) => write!(f, "{tag}:length"),
            Self::NoSeparator => f.write_str("57:no_separator"),
            Self::TracksDiffer => f.write_str("57:differs_from_5A"),
            Self::NeedlessCommonTemplate => f.write_str("common_template_with_single_application"),
        }
    }
}
