//! The host's address as a merchant types or scans it.

use reqwest::Url;
use softpos_types::{Code, SoftPosError};

const MAX_LEN: usize = 256;

/// Checks an address and gives its origin, `https://name[:port]`, in the one spelling requests are built on.
///
/// # Errors
/// [`Code::ActivationMalformed`] unless it is `https` with a host and without path, query, user or fragment.
pub(crate) fn origin(address: &str) -> Result<String, SoftPosError> {
    if address.len() > MAX_LEN {
        return Err(malformed("the host's address is too long"));
    }
    let url = Url::parse(address).map_err(|_| malformed("the host's address is no URL"))?;
    if url.scheme() != "https" {
        return Err(malformed("the host's address must begin with https://"));
    }
    let origin = url.origin().ascii_serialization();
    if url.as_str().strip_suffix('/') == Some(&origin) {
        Ok(origin)
    } else {
        Err(malformed(
            "the host's address must be https://NAME or https://NAME:PORT",
        ))
    }
}

pub(crate) fn malformed(detail: impl Into<String>) -> SoftPosError {
    SoftPosError::of(Code::ActivationMalformed).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        for (address, expected) in [
            ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
            ("https://Acquirer.Example/", "https://acquirer.example"),
            ("https://acquirer.example:443", "https://acquirer.example"),
            ("https://[::1]:8443/", "https://[::1]:8443"),
        ] {
            assert_eq!(origin(address).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for address in [
            "",
            "acquirer.example",
            "http://acquirer.example",
            "https://",
            "https://acquirer.example/v1",
            "https://acquirer.example/?a=b",
            "https://acquirer.example/#a",
            "https://user@acquirer.example/",
            "https://:secret@acquirer.example/",
            "https://acquirer.example:99999",
            "file:///etc/passwd",
            "https://a b",
            &format!("https://{}", "a".repeat(250)),
        ] {
            let error = origin(address).unwrap_err();
            assert_eq!(error.code(), Code::ActivationMalformed, "{address}");
            assert!(error.fault().detail.is_some());
        }
    }
}
