//! Track 2 equivalent data (57): PAN, separator D, expiry YYMM, service code, discretionary data, F padding.

use softpos_types::Pan;
use zeroize::Zeroizing;

/// What is read from the track.
#[derive(Debug)]
pub struct Track2 {
    /// The card number.
    pub pan: Pan,
    /// Expiry, two BCD bytes YYMM.
    pub expiry_yymm: [u8; 2],
    /// The three digits of the service code.
    pub service_code: [u8; 3],
}

/// The bytes are no track 2. The text never quotes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Track2Error;

impl Track2 {
    /// Reads the value of tag 57.
    ///
    /// # Errors
    /// [`Track2Error`] for more than 19 bytes, a bad number, a missing separator, or a date or code that is cut off
    /// or no digits.
    pub fn parse(bytes: &[u8]) -> Result<Self, Track2Error> {
        if bytes.len() > 19 {
            return Err(Track2Error);
        }
        let mut nibbles = Zeroizing::new([0_u8; 38]);
        for (pair, byte) in nibbles.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
            *pair = [byte >> 4, byte & 0x0F];
        }
        let read = nibbles.get(..bytes.len().saturating_mul(2)).ok_or(Track2Error)?;
        let end = read
            .iter()
            .position(|nibble| *nibble == 0x0D)
            .ok_or(Track2Error)?;
        let (number, rest) = read.split_at(end);
        let &[_, y1, y2, m1, m2, s1, s2, s3, ref discretionary @ ..] = rest else {
            return Err(Track2Error);
        };
        if [y1, y2, m1, m2, s1, s2, s3].iter().any(|nibble| *nibble > 9) || !padded_digits(discretionary) {
            return Err(Track2Error);
        }
        let mut digits = Zeroizing::new([0_u8; 19]);
        let digits = digits.get_mut(..end).ok_or(Track2Error)?;
        for (digit, nibble) in digits.iter_mut().zip(number) {
            *digit = nibble.saturating_add(b'0');
        }
        Ok(Self {
            pan: Pan::from_digits(digits).map_err(|_| Track2Error)?,
            expiry_yymm: [(y1 << 4) | y2, (m1 << 4) | m2],
            service_code: [s1, s2, s3],
        })
    }
}

/// Digits, then at most one F: a longer run of F is what wallets put over data they hide, and accepted too.
fn padded_digits(nibbles: &[u8]) -> bool {
    nibbles
        .iter()
        .skip_while(|nibble| **nibble <= 9)
        .all(|nibble| *nibble == 0x0F)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Track2, Track2Error> {
        Track2::parse(&hex::decode(text).unwrap())
    }

    #[test]
    fn odd_and_even_numbers() {
        let track = parse("4761739001010010D191220111438825").unwrap();
        assert_eq!(track.pan.masked(), "476173******0010");
        assert_eq!(track.expiry_yymm, [0x19, 0x12]);
        assert_eq!(track.service_code, [2, 0, 1]);
        let amex = parse("374245001741007D181270213101234500000F").unwrap();
        assert_eq!(amex.pan.masked(), "374245*****1007");
        assert_eq!(amex.service_code, [7, 0, 2]);
        assert!(parse("12345678D2512201").is_ok());
    }

    #[test]
    fn malformed_tracks() {
        for bad in [
            "",
            "4761739001010010",
            "4761739001010010D1912",
            "4761739001010010D1912F",
            "4761739001010010D19A2201F0",
            "4761739001010010D19122010A",
            "4761739001010010D1912201F1",
            "47617390010100AAD191220111438825",
            "1234567D19122010",
            "12345678901234567890D2512201",
            "4761739001010010D19122011143882547617390",
        ] {
            let padded = if bad.len() % 2 == 1 { "0" } else { "" };
            assert!(parse(&alloc::format!("{bad}{padded}")).is_err(), "{bad}");
        }
    }
}
