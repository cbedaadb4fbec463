//! What the merchant scans or types to bind a till: the host's address, its pins and the code.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use softpos_types::SoftPosError;

use crate::host_address::{malformed, origin};
use crate::pinning::Pin;

const PREFIX: &str = "softpos:activate?";
const VERSION: &str = "1";
const MAX_LEN: usize = 1_024;
const MAX_PINS: usize = 8;
/// RFC 3986, 2.3: everything but the unreserved characters is written as `%XX`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The content of `softpos:activate?v=1&host=..&pin=..&code=..`, each part checked.
///
/// The values are percent-encoded; `pin` holds one or more pins with commas between them, the present key's
/// first.
#[derive(Clone, PartialEq, Eq)]
pub struct ActivationUri {
    host: String,
    pins: Vec<String>,
    code: String,
}

impl ActivationUri {
    /// Reads the scanned text.
    ///
    /// # Errors
    /// [`Code::ActivationMalformed`](softpos_types::Code::ActivationMalformed) with a remark on what is wrong.
    pub fn parse(text: &str) -> Result<Self, SoftPosError> {
        if text.len() > MAX_LEN {
            return Err(malformed("the activation text is too long"));
        }
        let query = text
            .trim()
            .strip_prefix(PREFIX)
            .ok_or_else(|| malformed("an activation text begins with softpos:activate?"))?;
        let mut members = Members::default();
        for member in query.split('&') {
            members.take(member)?;
        }
        // Before anything else: of a later version the rest may look different.
        match members.version.as_deref() {
            Some(VERSION) => {}
            Some(_) => {
                return Err(malformed(
                    "the activation text is of another version than 1: update the program",
                ));
            }
            None => return Err(missing("v")),
        }
        if let Some(name) = members.unknown {
            return Err(malformed(name));
        }
        Self::from_parts(
            &members.host.ok_or_else(|| missing("host"))?,
            &members.pin.ok_or_else(|| missing("pin"))?,
            &members.code.ok_or_else(|| missing("code"))?,
        )
    }

    /// Takes the parts as typed; `pins` may hold several with commas between them.
    ///
    /// # Errors
    /// [`Code::ActivationMalformed`](softpos_types::Code::ActivationMalformed) with a remark on what is wrong.
    pub fn from_parts(host: &str, pins: &str, code: &str) -> Result<Self, SoftPosError> {
        let pins: Vec<String> = pins.split(',').map(|pin| pin.trim().to_owned()).collect();
        if pins.len() > MAX_PINS {
            return Err(malformed(format!("more than {MAX_PINS} pins")));
        }
        for pin in &pins {
            Pin::parse(pin)?;
        }
        Ok(Self {
            host: origin(host.trim())?,
            pins,
            code: checked_code(code.trim())?,
        })
    }

    /// The host's address, `https://name[:port]`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// SPKI hashes in base64url: one to eight.
    pub fn pins(&self) -> &[String] {
        &self.pins
    }

    /// The code for the host.
    pub fn code(&self) -> &str {
        &self.code
    }
}

/// The text to be scanned; [`ActivationUri::parse`] reads it back.
impl fmt::Display for ActivationUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |value| utf8_percent_encode(value, ENCODED);
        write!(f, "{PREFIX}v={VERSION}&host={}&pin=", encode(&self.host))?;
        for (i, pin) in self.pins.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{}", encode(pin))?;
        }
        write!(f, "&code={}", encode(&self.code))
    }
}

/// Without the code: whoever reads it first binds the till.
impl fmt::Debug for ActivationUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActivationUri")
            .field("host", &self.host)
            .field("pins", &self.pins)
            .finish_non_exhaustive()
    }
}

/// The members as found; each at most once.
#[derive(Default)]
struct Members {
    version: Option<String>,
    host: Option<String>,
    pin: Option<String>,
    code: Option<String>,
    unknown: Option<&'static str>,
}

impl Members {
    fn take(&mut self, member: &str) -> Result<(), SoftPosError> {
        let (name, value) = member
            .split_once('=')
            .ok_or_else(|| malformed("a part of the activation text has no value"))?;
        let value = percent_decode_str(value)
            .decode_utf8()
            .map_err(|_| malformed("the activation text is not UTF-8"))?;
        let slot = match name {
            "v" => &mut self.version,
            "host" => &mut self.host,
            "pin" => &mut self.pin,
            "code" => &mut self.code,
            _ => {
                self.unknown = Some("the activation text has a part that version 1 does not know");
                return Ok(());
            }
        };
        if slot.replace(value.into_owned()).is_some() {
            return Err(malformed(format!("{name} stands twice in the activation text")));
        }
        Ok(())
    }
}

/// 4 to 64 letters, digits and hyphens. Spaces that a reader put in for legibility do not count.
fn checked_code(code: &str) -> Result<String, SoftPosError> {
    let code: String = code.chars().filter(|c| *c != ' ').collect();
    let valid = (4..=64).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && code.bytes().any(|b| b.is_ascii_alphanumeric());
    if valid {
        Ok(code)
    } else {
        Err(malformed(
            "an activation code has 4 to 64 letters, digits and hyphens",
        ))
    }
}

fn missing(name: &str) -> SoftPosError {
    malformed(format!("the activation text has no {name}"))
}

#[cfg(test)]
mod tests {
    use softpos_types::Code;

    use super::*;

    const PIN_A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const PIN_B: &str = "__________________________________________8";

    fn uri(rest: &str) -> String {
        format!("softpos:activate?{rest}")
    }

    #[test]
    fn reads_back_what_it_writes() {
        let made = ActivationUri::from_parts(
            "https://127.0.0.1:8443/",
            &format!("{PIN_A}, {PIN_B}"),
            " 7K2M-9QXT ",
        )
        .unwrap();
        let text = made.to_string();
        assert_eq!(
            text,
            uri(&format!(
                "v=1&host=https%3A%2F%2F127.0.0.1%3A8443&pin={PIN_A},{PIN_B}&code=7K2M-9QXT"
            ))
        );
        let read = ActivationUri::parse(&format!("  {text}\n")).unwrap();
        assert_eq!(read, made);
        assert_eq!(
            (read.host(), read.code()),
            ("https://127.0.0.1:8443", "7K2M-9QXT")
        );
        assert_eq!(read.pins(), [PIN_A, PIN_B]);
        assert!(!format!("{read:?}").contains("7K2M"));
    }

    #[test]
    fn order_and_encoding_are_free() {
        let text = uri(&format!(
            "code=7K2M%2D9QXT&pin={PIN_A}%2C{PIN_B}&host=https://h.example&v=1"
        ));
        let read = ActivationUri::parse(&text).unwrap();
        assert_eq!((read.code(), read.pins().len()), ("7K2M-9QXT", 2));
    }

    #[test]
    fn refuses_with_a_remark() {
        let host = "host=https%3A%2F%2Fh.example";
        let pin = format!("pin={PIN_A}");
        for (text, remark) in [
            (String::new(), "begins with"),
            (
                format!("https://activate?v=1&{host}&{pin}&code=7K2M"),
                "begins with",
            ),
            (uri(""), "no value"),
            (uri(&format!("{host}&{pin}&code=7K2M")), "no v"),
            (uri(&format!("v=2&server={host}")), "version"),
            (uri(&format!("v=1&{pin}&code=7K2M")), "no host"),
            (uri(&format!("v=1&{host}&code=7K2M")), "no pin"),
            (uri(&format!("v=1&{host}&{pin}")), "no code"),
            (uri(&format!("v=1&v=1&{host}&{pin}&code=7K2M")), "twice"),
            (
                uri(&format!("v=1&{host}&{pin}&code=7K2M&admin=1")),
                "does not know",
            ),
            (uri(&format!("v=1&{host}&{pin}&code=7K2M&")), "no value"),
            (
                uri(&format!("v=1&host=http%3A%2F%2Fh.example&{pin}&code=7K2M")),
                "https://",
            ),
            (uri(&format!("v=1&{host}&pin=&code=7K2M")), "pin"),
            (uri(&format!("v=1&{host}&pin=AAAA&code=7K2M")), "pin"),
            (uri(&format!("v=1&{host}&pin={PIN_A}%3D&code=7K2M")), "pin"),
            (uri(&format!("v=1&{host}&{pin},&code=7K2M")), "pin"),
            (
                uri(&format!(
                    "v=1&{host}&{pin}{}&code=7K2M",
                    format!(",{PIN_A}").repeat(8)
                )),
                "pins",
            ),
            (uri(&format!("v=1&{host}&{pin}&code=7K2")), "4 to 64"),
            (uri(&format!("v=1&{host}&{pin}&code=----")), "4 to 64"),
            (uri(&format!("v=1&{host}&{pin}&code=7K2M%0A")), ""),
            (uri(&format!("v=1&{host}&{pin}&code=7K2%C3%A9")), "4 to 64"),
            (uri(&format!("v=1&{host}&{pin}&code=7K2%zz")), "4 to 64"),
            (uri(&format!("v=1&{host}&{pin}&code=%FF%FE7K2M")), "UTF-8"),
            (
                uri(&format!("v=1&{host}&{pin}&code={}", "7".repeat(65))),
                "4 to 64",
            ),
            (
                uri(&format!("v=1&{host}&{pin}&code={}", "7".repeat(1_024))),
                "too long",
            ),
        ] {
            // A line end around a value is trimmed like one around the text.
            if remark.is_empty() {
                assert!(ActivationUri::parse(&text).is_ok(), "{text}");
                continue;
            }
            let error = ActivationUri::parse(&text).unwrap_err();
            assert_eq!(error.code(), Code::ActivationMalformed, "{text}");
            let detail = error.fault().detail.clone().unwrap();
            assert!(detail.contains(remark), "{text}: {detail}");
        }
    }
}
