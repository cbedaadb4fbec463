//! The primary account number.

use alloc::string::String;
use core::fmt;

use crate::SecretBytes;

/// A card number: 8 to 19 decimal digits, wiped when dropped, printed only masked.
pub struct Pan(SecretBytes);

/// The text is not a card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PanError;

impl Pan {
    /// Reads ASCII digits.
    ///
    /// # Errors
    /// [`PanError`] unless there are 8 to 19 decimal digits.
    pub fn from_digits(digits: &[u8]) -> Result<Self, PanError> {
        let valid = (8..=19).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
        if valid {
            Ok(Self(SecretBytes::copy_of(digits)))
        } else {
            Err(PanError)
        }
    }

    /// Reads compressed numeric bytes (5A: BCD, padded right with F).
    ///
    /// # Errors
    /// [`PanError`] for a nibble that is neither digit nor trailing F, or a wrong length.
    pub fn from_bcd(bytes: &[u8]) -> Result<Self, PanError> {
        if bytes.len() > 10 {
            return Err(PanError);
        }
        let mut digits = alloc::vec::Vec::with_capacity(20);
        let mut ended = false;
        for nibble in bytes.iter().flat_map(|b| [b >> 4, b & 0x0F]) {
            match nibble {
                0..=9 if !ended => digits.push(nibble.saturating_add(b'0')),
                0x0F => ended = true,
                _ => {
                    drop(SecretBytes::new(digits));
                    return Err(PanError);
                }
            }
        }
        if (8..=19).contains(&digits.len()) {
            Ok(Self(SecretBytes::new(digits)))
        } else {
            drop(SecretBytes::new(digits));
            Err(PanError)
        }
    }

    /// The ASCII digits, for the operation that needs them.
    pub fn expose_digits(&self) -> &[u8] {
        self.0.expose()
    }

    /// First 6 and last 4 digits, the rest `*`; of a number under 12 digits only the last 4 show.
    pub fn masked(&self) -> String {
        let digits = self.0.expose();
        let tail = digits.len().saturating_sub(4);
        let head = if digits.len() >= 12 { 6 } else { 0 };
        let shown = |(i, digit): (usize, &u8)| {
            if i < head || i >= tail {
                char::from(*digit)
            } else {
                '*'
            }
        };
        digits.iter().enumerate().map(shown).collect()
    }

    /// Compares in constant time.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.expose())
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pan(..)")
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn masks_six_and_four() {
        let pan = Pan::from_digits(b"6222021234567890000").unwrap();
        assert_eq!(pan.masked(), "622202*********0000");
        assert_eq!(format!("{pan:?}"), "Pan(..)");
        assert_eq!(Pan::from_digits(b"12345678").unwrap().masked(), "****5678");
    }

    #[test]
    fn bcd_with_padding() {
        let pan = Pan::from_bcd(&[0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x1F]).unwrap();
        assert_eq!(pan.expose_digits(), b"476173900101001");
        assert!(pan.ct_eq(&Pan::from_digits(b"476173900101001").unwrap()));
        for bad in [
            &[0x4A, 0, 0, 0][..],
            &[0x12, 0xF3, 0x45, 0x67, 0x89],
            &[0x12, 0x34],
            &[0; 11],
        ] {
            assert!(Pan::from_bcd(bad).is_err(), "{bad:?}");
        }
    }
}
