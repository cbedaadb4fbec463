//! What an issuer sends back for its card: an answer that the card can check, and commands for it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use softpos_wire::Tag;
use softpos_wire::apdu::Capdu;
use softpos_wire::tlv::Tlvs;

use crate::read::CardRead;

/// 8A: authorisation response code.
pub(crate) const RESPONSE_CODE: Tag = Tag::new(0x8A);
/// 91: issuer authentication data.
pub(crate) const AUTHENTICATION: Tag = Tag::new(0x91);
/// 71 and 72: scripts before and after the second GENERATE AC.
const BEFORE: Tag = Tag::new(0x71);
const AFTER: Tag = Tag::new(0x72);
const SCRIPT_IDENTIFIER: Tag = Tag::new(0x9F18);
const SCRIPT_COMMAND: Tag = Tag::new(0x86);

/// Longest answer that is taken to a card, in bytes: messages of acquirers carry at most 255 of field 55.
const MAX_DATA: usize = 1_024;

/// How a card wants the answer of its issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presentment {
    /// It stays in the field until the answer is there.
    Held,
    /// It leaves, and is presented a second time.
    Again,
}

/// Why an answer cannot be taken to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerAnswerError {
    /// It is no list of data objects, a script holds something else than commands, or there is too much of it.
    Malformed,
    /// A data object is missing or has a wrong length.
    Missing(Tag),
}

/// One script: commands that belong together.
pub(crate) struct Script {
    /// 72: after the second GENERATE AC.
    pub(crate) after: bool,
    /// 9F18.
    pub(crate) identifier: [u8; 4],
    /// 86, in order.
    pub(crate) commands: Vec<Vec<u8>>,
}

/// The answer of an issuer for its card.
pub struct IssuerAnswer {
    pub(crate) approved: bool,
    pub(crate) response_code: [u8; 2],
    /// Empty where the issuer does not authenticate itself.
    pub(crate) authentication: Vec<u8>,
    pub(crate) scripts: Vec<Script>,
    data: Vec<u8>,
}

impl IssuerAnswer {
    // Rule K-SCRIPT: 71 and 72 hold an identifier 9F18, if any, and commands 86; anything else in them, a command that
    // is none, or an answer beyond a bound is taken to no card.
    // [source: general knowledge; test: issuer_answer::tests::what_is_taken_and_what_is_not; evidence: own]
    /// Reads field 55 of the answer; `approved` is the host's decision about the payment. Objects: 8A, two characters,
    /// must be there; 91 at most 16 bytes; 71 and 72 as often as the issuer likes; others are ignored.
    ///
    /// # Errors
    /// [`IssuerAnswerError`].
    pub fn new(approved: bool, data: &[u8]) -> Result<Self, IssuerAnswerError> {
        if data.len() > MAX_DATA {
            return Err(IssuerAnswerError::Malformed);
        }
        let (mut response_code, mut authentication, mut scripts) = (None, None, Vec::new());
        for object in Tlvs::new(data) {
            let object = object.map_err(|_| IssuerAnswerError::Malformed)?;
            match object.tag {
                RESPONSE_CODE if response_code.is_none() => response_code = Some(object.value),
                AUTHENTICATION if authentication.is_none() => authentication = Some(object.value),
                RESPONSE_CODE | AUTHENTICATION => return Err(IssuerAnswerError::Malformed),
                BEFORE | AFTER => scripts.push(script(object.tag == AFTER, object.value)?),
                _ => {}
            }
        }
        let authentication = authentication.unwrap_or_default();
        if authentication.len() > 16 {
            return Err(IssuerAnswerError::Missing(AUTHENTICATION));
        }
        Ok(Self {
            approved,
            response_code: response_code
                .and_then(|code| code.try_into().ok())
                .ok_or(IssuerAnswerError::Missing(RESPONSE_CODE))?,
            authentication: authentication.to_vec(),
            scripts,
            data: data.to_vec(),
        })
    }

    /// As it came, for the Entry Point.
    pub(crate) fn data(&self) -> Vec<u8> {
        self.data.clone()
    }
}

fn script(after: bool, value: &[u8]) -> Result<Script, IssuerAnswerError> {
    let mut script = Script {
        after,
        identifier: [0; 4],
        commands: Vec::new(),
    };
    for (index, object) in Tlvs::new(value).enumerate() {
        let object = object.map_err(|_| IssuerAnswerError::Malformed)?;
        match (object.tag, index) {
            (SCRIPT_IDENTIFIER, 0) => {
                script.identifier = object
                    .value
                    .try_into()
                    .map_err(|_| IssuerAnswerError::Missing(SCRIPT_IDENTIFIER))?;
            }
            (SCRIPT_COMMAND, _) if Capdu::parse(object.value).is_ok() => {
                script.commands.push(object.value.to_vec());
            }
            _ => return Err(IssuerAnswerError::Malformed),
        }
    }
    if script.commands.is_empty() {
        return Err(IssuerAnswerError::Missing(SCRIPT_COMMAND));
    }
    Ok(script)
}

/// Commands may carry what only the card shall know.
impl fmt::Debug for IssuerAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerAnswer")
            .field("approved", &self.approved)
            .field("scripts", &self.scripts.len())
            .finish_non_exhaustive()
    }
}

/// A card's read on its way back to the card, with what its issuer answered.
#[derive(Debug)]
pub struct Returning {
    pub(crate) read: Box<CardRead>,
    pub(crate) answer: IssuerAnswer,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(hex: &str) -> Result<IssuerAnswer, IssuerAnswerError> {
        IssuerAnswer::new(true, &hex::decode(hex).unwrap())
    }

    #[test]
    fn what_is_taken_and_what_is_not() {
        let answer = read(
            "8A023030910811223344556677889F3602000171159F180400000007860504DA9F580086058424000000720786050418000000",
        )
        .unwrap();
        assert_eq!(answer.response_code, *b"00");
        assert_eq!(answer.authentication.len(), 8);
        let [before, after] = &answer.scripts[..] else {
            panic!("{answer:?}");
        };
        assert_eq!(
            (before.after, before.identifier, before.commands.len()),
            (false, [0, 0, 0, 7], 2)
        );
        assert_eq!(
            (after.after, after.identifier, after.commands.len()),
            (true, [0; 4], 1)
        );
        assert_eq!(
            alloc::format!("{answer:?}"),
            "IssuerAnswer { approved: true, scripts: 2, .. }"
        );
        for (hex, why) in [
            ("", IssuerAnswerError::Missing(RESPONSE_CODE)),
            ("8A0130", IssuerAnswerError::Missing(RESPONSE_CODE)),
            ("8A0230308A023030", IssuerAnswerError::Malformed),
            ("8A0230", IssuerAnswerError::Malformed),
            ("8A0230307100", IssuerAnswerError::Missing(SCRIPT_COMMAND)),
            ("8A0230307103860104", IssuerAnswerError::Malformed),
            ("8A02303071079F360102860104", IssuerAnswerError::Malformed),
            (
                "8A02303071059F18020001",
                IssuerAnswerError::Missing(SCRIPT_IDENTIFIER),
            ),
            (
                "8A02303091111122334455667788112233445566778811",
                IssuerAnswerError::Missing(AUTHENTICATION),
            ),
        ] {
            assert_eq!(read(hex).err(), Some(why), "{hex}");
        }
        let long = [&[0x8A, 2, b'0', b'0'][..], &[0x9A, 0].repeat(511)].concat();
        assert_eq!(
            IssuerAnswer::new(true, &long).err(),
            Some(IssuerAnswerError::Malformed)
        );
    }
}
