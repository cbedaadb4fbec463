//! Tags of BER-TLV data objects and the formats EMV gives their values.

use core::fmt;

/// A tag of one to three bytes, as `9F02`.
///
/// The number is the tag's bytes read big-endian, so the constant in the code reads like the book.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u32);

/// The format of a value, which decides where it is cut and padded in a data object list (Book 3 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// n: digits, right justified.
    Numeric,
    /// cn: digits, left justified, padded with F.
    CompressedNumeric,
    /// an, ans, b: everything else.
    Other,
}

impl Tag {
    /// A tag from its bytes read as one number. Meant for constants; parsed tags come from [`crate::tlv`].
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The bytes read as one number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Whether the value is itself a list of objects (bit 6 of the first byte).
    #[inline]
    pub const fn is_constructed(self) -> bool {
        let bit = match self.0 {
            0..=0xFF => 0x20,
            0x100..=0xFFFF => 0x2000,
            0x1_0000..=0xFF_FFFF => 0x20_0000,
            _ => 0x2000_0000,
        };
        self.0 & bit != 0
    }

    /// Writes the tag's bytes at the end of `out`.
    pub fn write(self, out: &mut alloc::vec::Vec<u8>) {
        out.extend(self.0.to_be_bytes().into_iter().skip(self.leading_zeros()));
    }

    /// How the value is cut and padded in a data object list.
    pub const fn format(self) -> Format {
        match self.0 {
            0x42 | 0x9A | 0x9C | 0x5F24 | 0x5F25 | 0x5F28 | 0x5F2A | 0x5F30 | 0x5F34 | 0x5F36 | 0x9F01
            | 0x9F02 | 0x9F03 | 0x9F11 | 0x9F15 | 0x9F1A | 0x9F21 | 0x9F35 | 0x9F39 | 0x9F3B | 0x9F3C
            | 0x9F3D | 0x9F41 | 0x9F42 | 0x9F43 | 0x9F44 | 0x9F51 | 0x9F6A => Format::Numeric,
            0x5A | 0x9F20 => Format::CompressedNumeric,
            _ => Format::Other,
        }
    }

    fn leading_zeros(self) -> usize {
        match self.0 {
            0..=0xFF => 3,
            0x100..=0xFFFF => 2,
            0x1_0000..=0xFF_FFFF => 1,
            _ => 0,
        }
    }
}

/// Upper-case hexadecimal without separator.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! tags {
    ($($name:ident = $number:literal, $what:literal;)*) => {
        $(#[doc = $what] pub const $name: Tag = Tag($number);)*
    };
}

tags! {
    ADF_NAME = 0x4F, "4F: name of an application in a directory entry.";
    APPLICATION_LABEL = 0x50, "50: application label.";
    TRACK_2 = 0x57, "57: track 2 equivalent data.";
    PAN = 0x5A, "5A: application primary account number.";
    DIRECTORY_ENTRY = 0x61, "61: application template of a directory entry.";
    FCI_TEMPLATE = 0x6F, "6F: file control information.";
    RECORD_TEMPLATE = 0x70, "70: record of a data file.";
    RESPONSE_FORMAT_2 = 0x77, "77: response message template, format 2.";
    RESPONSE_FORMAT_1 = 0x80, "80: response message template, format 1.";
    AIP = 0x82, "82: application interchange profile.";
    DF_NAME = 0x84, "84: dedicated file name.";
    PRIORITY = 0x87, "87: application priority indicator.";
    AUTHORISATION_RESPONSE_CODE = 0x8A, "8A: authorisation response code.";
    CA_KEY_INDEX = 0x8F, "8F: certification authority public key index.";
    ISSUER_CERTIFICATE = 0x90, "90: issuer public key certificate.";
    ISSUER_KEY_REMAINDER = 0x92, "92: issuer public key remainder.";
    SIGNED_STATIC_DATA = 0x93, "93: signed static application data.";
    AFL = 0x94, "94: application file locator.";
    TVR = 0x95, "95: terminal verification results.";
    TRANSACTION_DATE = 0x9A, "9A: transaction date, YYMMDD.";
    TSI = 0x9B, "9B: transaction status information.";
    TRANSACTION_TYPE = 0x9C, "9C: transaction type.";
    FCI_PROPRIETARY = 0xA5, "A5: proprietary template of the file control information.";
    CARDHOLDER_NAME = 0x5F20, "5F20: cardholder name.";
    EXPIRY_DATE = 0x5F24, "5F24: application expiry date, YYMMDD.";
    EFFECTIVE_DATE = 0x5F25, "5F25: application effective date, YYMMDD.";
    ISSUER_COUNTRY = 0x5F28, "5F28: issuer country code.";
    TRANSACTION_CURRENCY = 0x5F2A, "5F2A: transaction currency code.";
    LANGUAGE_PREFERENCE = 0x5F2D, "5F2D: language preference.";
    PAN_SEQUENCE = 0x5F34, "5F34: PAN sequence number.";
    AMOUNT_AUTHORISED = 0x9F02, "9F02: amount, authorised, n12.";
    AMOUNT_OTHER = 0x9F03, "9F03: amount, other, n12.";
    TERMINAL_AID = 0x9F06, "9F06: application identifier of the terminal.";
    USAGE_CONTROL = 0x9F07, "9F07: application usage control.";
    TERMINAL_APPLICATION_VERSION = 0x9F09, "9F09: application version number of the terminal.";
    ISSUER_APPLICATION_DATA = 0x9F10, "9F10: issuer application data.";
    ISSUER_CODE_TABLE = 0x9F11, "9F11: issuer code table index.";
    PREFERRED_NAME = 0x9F12, "9F12: application preferred name.";
    TERMINAL_COUNTRY = 0x9F1A, "9F1A: terminal country code.";
    TERMINAL_FLOOR_LIMIT = 0x9F1B, "9F1B: terminal floor limit.";
    INTERFACE_DEVICE_SERIAL = 0x9F1E, "9F1E: interface device serial number.";
    TRANSACTION_TIME = 0x9F21, "9F21: transaction time, HHMMSS.";
    CRYPTOGRAM = 0x9F26, "9F26: application cryptogram.";
    CRYPTOGRAM_INFORMATION = 0x9F27, "9F27: cryptogram information data.";
    EXTENDED_SELECTION = 0x9F29, "9F29: extended selection.";
    KERNEL_IDENTIFIER = 0x9F2A, "9F2A: kernel identifier.";
    ISSUER_KEY_EXPONENT = 0x9F32, "9F32: issuer public key exponent.";
    TERMINAL_CAPABILITIES = 0x9F33, "9F33: terminal capabilities.";
    CVM_RESULTS = 0x9F34, "9F34: cardholder verification method results.";
    TERMINAL_TYPE = 0x9F35, "9F35: terminal type.";
    ATC = 0x9F36, "9F36: application transaction counter.";
    UNPREDICTABLE_NUMBER = 0x9F37, "9F37: unpredictable number.";
    PDOL = 0x9F38, "9F38: processing options data object list.";
    POS_ENTRY_MODE = 0x9F39, "9F39: point-of-service entry mode.";
    ADDITIONAL_CAPABILITIES = 0x9F40, "9F40: additional terminal capabilities.";
    ICC_CERTIFICATE = 0x9F46, "9F46: public key certificate of the card.";
    ICC_KEY_EXPONENT = 0x9F47, "9F47: public key exponent of the card.";
    ICC_KEY_REMAINDER = 0x9F48, "9F48: public key remainder of the card.";
    STATIC_DATA_TAG_LIST = 0x9F4A, "9F4A: static data authentication tag list.";
    SIGNED_DYNAMIC_DATA = 0x9F4B, "9F4B: signed dynamic application data.";
    MERCHANT_NAME_AND_LOCATION = 0x9F4E, "9F4E: merchant name and location.";
    TTQ = 0x9F66, "9F66: terminal transaction qualifiers (kernels 3, 6 and 7).";
    CARD_AUTHENTICATION_DATA = 0x9F69, "9F69: card authentication related data (kernels 3 and 7).";
    CTQ = 0x9F6C, "9F6C: card transaction qualifiers (kernels 3 and 7).";
    FORM_FACTOR = 0x9F6E, "9F6E: form factor indicator (kernel 3).";
    CUSTOMER_EXCLUSIVE_DATA = 0x9F7C, "9F7C: customer exclusive data (kernel 3).";
    ISSUER_DISCRETIONARY = 0xBF0C, "BF0C: issuer discretionary data of the file control information.";
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn bytes_of_all_three_lengths() {
        for (tag, bytes) in [
            (TVR, &[0x95_u8][..]),
            (PDOL, &[0x9F, 0x38]),
            (Tag::new(0xDF_8129), &[0xDF, 0x81, 0x29]),
        ] {
            let mut out = Vec::new();
            tag.write(&mut out);
            assert_eq!(out, bytes);
        }
        assert_eq!(PDOL.to_string(), "9F38");
        assert_eq!(Tag::new(0x04).to_string(), "04");
    }

    #[test]
    fn constructed_is_a_bit_of_the_first_byte() {
        assert!(ISSUER_DISCRETIONARY.is_constructed() && RECORD_TEMPLATE.is_constructed());
        assert!(!PDOL.is_constructed() && !Tag::new(0xDF_8129).is_constructed());
    }
}
