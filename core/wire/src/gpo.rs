//! The answer to GET PROCESSING OPTIONS in its two formats (Book 3 10.1).

use crate::tag;
use crate::tlv::{self, TlvError, Tlvs};

/// Profile and locator of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GpoResponse<'a> {
    /// 1 for template 80, 2 for template 77.
    pub format: u8,
    /// 82, application interchange profile.
    pub aip: [u8; 2],
    /// 94, application file locator; legally absent when the answer itself holds all data.
    pub afl: Option<&'a [u8]>,
}

/// Why the answer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GpoError {
    /// No well-formed objects.
    Tlv(TlvError),
    /// Neither one template 77 nor one template 80.
    Template,
    /// No profile of two bytes.
    Aip,
}

impl<'a> GpoResponse<'a> {
    /// Reads either format.
    ///
    /// # Errors
    /// [`GpoError`].
    pub fn parse(body: &'a [u8]) -> Result<Self, GpoError> {
        let mut objects = Tlvs::new(body);
        let template = objects.next().ok_or(GpoError::Template)?.map_err(GpoError::Tlv)?;
        if objects.next().is_some() {
            return Err(GpoError::Template);
        }
        if template.tag == tag::RESPONSE_FORMAT_1 {
            let (aip, afl) = template.value.split_first_chunk().ok_or(GpoError::Aip)?;
            return Ok(Self {
                format: 1,
                aip: *aip,
                afl: (!afl.is_empty()).then_some(afl),
            });
        }
        if template.tag != tag::RESPONSE_FORMAT_2 {
            return Err(GpoError::Template);
        }
        let aip = tlv::child(template.value, tag::AIP).map_err(GpoError::Tlv)?;
        Ok(Self {
            format: 2,
            aip: aip.and_then(|aip| aip.try_into().ok()).ok_or(GpoError::Aip)?,
            afl: tlv::child(template.value, tag::AFL).map_err(GpoError::Tlv)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn both_formats() {
        let one = hex::decode("80065D8008010100").unwrap();
        let expected = GpoResponse {
            format: 1,
            aip: [0x5D, 0x80],
            afl: Some(&[8, 1, 1, 0]),
        };
        assert_eq!(GpoResponse::parse(&one), Ok(expected));
        let two = hex::decode("770A82025980940408010100").unwrap();
        assert_eq!(GpoResponse::parse(&two).unwrap().aip, [0x59, 0x80]);
        let none = hex::decode("770482022000").unwrap();
        assert_eq!(GpoResponse::parse(&none).unwrap().afl, None);
    }

    #[test]
    fn malformed_answers() {
        let parse = |text: &str| {
            let bytes: Vec<u8> = hex::decode(text).unwrap();
            GpoResponse::parse(&bytes).unwrap_err()
        };
        assert_eq!(parse(""), GpoError::Template);
        assert_eq!(parse("7000"), GpoError::Template);
        assert_eq!(parse("800220007700"), GpoError::Template);
        assert_eq!(parse("800120"), GpoError::Aip);
        assert_eq!(parse("7700"), GpoError::Aip);
        assert_eq!(parse("7703820120"), GpoError::Aip);
        assert_eq!(parse("7705"), GpoError::Tlv(TlvError::Truncated));
    }
}
