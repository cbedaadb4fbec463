//! Activation codes: short enough to type, long enough not to be guessed.

use std::fmt;
use std::str::FromStr;

use softpos_crypto::entropy::Entropy;
use softpos_crypto::p256_key::sha256;

/// Crockford's base 32: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Ten characters of 5 bits, written `XXXXX-XXXXX`.
#[derive(Clone, PartialEq, Eq)]
pub struct ActivationCode([u8; 10]);

/// The text is no activation code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivationCodeError;

impl ActivationCode {
    pub(crate) fn draw(entropy: &mut Entropy) -> Self {
        Self(crockford(entropy))
    }

    /// What the host keeps of it.
    pub(crate) fn sha256(&self) -> String {
        hex::encode(sha256(&self.0))
    }
}

/// Random characters of the alphabet.
pub(crate) fn crockford<const N: usize>(entropy: &mut Entropy) -> [u8; N] {
    entropy
        .array::<N>()
        .map(|byte| ALPHABET.get(usize::from(byte & 31)).copied().unwrap_or(b'0'))
}

/// Reads what a person types: case, hyphens and blanks do not matter, O is 0, I and L are 1.
impl FromStr for ActivationCode {
    type Err = ActivationCodeError;

    fn from_str(text: &str) -> Result<Self, ActivationCodeError> {
        let typed = text.bytes().filter(|byte| !matches!(byte, b'-' | b' '));
        let characters: Vec<u8> = typed
            .map(|byte| match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            })
            .collect();
        if characters.iter().all(|character| ALPHABET.contains(character)) {
            characters.try_into().map(Self).map_err(|_| ActivationCodeError)
        } else {
            Err(ActivationCodeError)
        }
    }
}

impl fmt::Display for ActivationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.0.iter().enumerate() {
            let hyphen = if position == 5 { "-" } else { "" };
            write!(f, "{hyphen}{}", char::from(*byte))?;
        }
        Ok(())
    }
}

impl fmt::Debug for ActivationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActivationCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use softpos_types::SecretArray;

    use super::*;

    #[test]
    fn reads_what_it_writes_and_what_people_type() {
        let mut entropy = Entropy::from_seed(SecretArray::build(|seed| seed.fill(7)));
        let code = ActivationCode::draw(&mut entropy);
        let text = code.to_string();
        assert_eq!(text.len(), 11);
        assert_eq!(text.parse(), Ok(code.clone()));
        assert_eq!(text.to_lowercase().replace('-', " ").parse(), Ok(code.clone()));
        assert_ne!(ActivationCode::draw(&mut entropy), code);
        assert_eq!("oil00-00000".parse::<ActivationCode>(), "01100-00000".parse());
        for bad in ["", "0123456789A", "01234-5678U", "01234_56789", "é12345678"] {
            assert_eq!(bad.parse::<ActivationCode>(), Err(ActivationCodeError), "{bad}");
        }
    }
}
