//! Short texts with a fixed alphabet: terminal and merchant numbers, order ids, host references, languages.

use alloc::string::String;
use core::fmt;

/// The text has a wrong length or a character that does not belong there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextError;

macro_rules! text_id {
    ($name:ident, $what:literal, $valid:expr) => {
        #[doc = $what]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks length and alphabet.
            ///
            /// # Errors
            /// [`TextError`] if either is wrong.
            pub fn new(text: &str) -> Result<Self, TextError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(TextError)
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn alphanumeric(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

text_id!(TerminalId, "Terminal number (DE41): 8 letters or digits.", |t| {
    alphanumeric(t, 8)
});
text_id!(MerchantId, "Merchant number (DE42): 15 letters or digits.", |t| {
    alphanumeric(t, 15)
});
text_id!(AuthCode, "Authorisation code (DE38): 6 letters or digits.", |t| {
    alphanumeric(t, 6)
});
text_id!(
    Rrn,
    "Retrieval reference number (DE37): 12 letters or digits.",
    |t| alphanumeric(t, 12)
);
text_id!(
    OrderId,
    "The merchant's own order number: 1 to 64 characters without controls, tied to one payment key.",
    |t| (1..=64).contains(&t.chars().count()) && !t.chars().any(char::is_control) && t.trim() == t
);

/// A language that softpos speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Chinese, simplified.
    Zh,
    /// English.
    #[default]
    En,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Zh, Self::En];

    /// The ISO 639-1 code (5F2D): `zh` or `en`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// Reads a code or a locale: `zh`, `zh_CN.UTF-8`, `en-GB`.
    pub fn from_locale(locale: &str) -> Option<Self> {
        let code = locale.split(['_', '-', '.']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| language.code().eq_ignore_ascii_case(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_alphabets() {
        assert!(TerminalId::new("12345678").is_ok() && TerminalId::new("1234567é").is_err());
        assert!(MerchantId::new("898110000000001").is_ok() && MerchantId::new("89811").is_err());
        assert!(OrderId::new("桌 5").is_ok());
        for bad in ["", " x", "a\nb", &"x".repeat(65)] {
            assert_eq!(OrderId::new(bad), Err(TextError), "{bad:?}");
        }
    }

    #[test]
    fn locales() {
        assert_eq!(Language::from_locale("zh_CN.UTF-8"), Some(Language::Zh));
        assert_eq!(Language::from_locale("EN"), Some(Language::En));
        assert_eq!(Language::from_locale("C"), None);
    }
}
