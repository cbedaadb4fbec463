//! Numbers in binary coded decimal, two digits a byte.

/// The bytes hold a nibble above 9 or the number does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BcdError;

/// Writes a number right justified into `N` bytes (`2N` digits), as EMV format n.
///
/// # Errors
/// [`BcdError`] if it has more digits.
pub fn numeric<const N: usize>(number: u64) -> Result<[u8; N], BcdError> {
    let mut bytes = [0; N];
    let mut rest = number;
    for byte in bytes.iter_mut().rev() {
        let pair = u8::try_from(rest.rem_euclid(100)).map_err(|_| BcdError)?;
        *byte = (pair.div_euclid(10) << 4) | pair.rem_euclid(10);
        rest = rest.div_euclid(100);
    }
    if rest == 0 { Ok(bytes) } else { Err(BcdError) }
}

/// An amount in minor units as n12 (9F02, 9F03).
///
/// # Errors
/// [`BcdError`] for a negative amount or one of more than 12 digits.
pub fn amount(amount_minor: i64) -> Result<[u8; 6], BcdError> {
    numeric(u64::try_from(amount_minor).map_err(|_| BcdError)?)
}

/// Reads digits, right justified.
///
/// # Errors
/// [`BcdError`] for a nibble above 9 or more than 19 digits' worth of value.
pub fn number(bytes: &[u8]) -> Result<u64, BcdError> {
    let mut value = 0_u64;
    for byte in bytes {
        let (high, low) = (byte >> 4, byte & 0x0F);
        if high > 9 || low > 9 {
            return Err(BcdError);
        }
        for digit in [high, low] {
            value = value
                .checked_mul(10)
                .and_then(|shifted| shifted.checked_add(u64::from(digit)))
                .ok_or(BcdError)?;
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        assert_eq!(amount(12_345), Ok([0, 0, 0, 1, 0x23, 0x45]));
        assert_eq!(amount(999_999_999_999), Ok([0x99; 6]));
        assert_eq!(amount(1_000_000_000_000), Err(BcdError));
        assert_eq!(amount(-1), Err(BcdError));
        assert_eq!(numeric::<2>(156), Ok([0x01, 0x56]));
    }

    #[test]
    fn reading_back() {
        assert_eq!(number(&[0x01, 0x56]), Ok(156));
        assert_eq!(number(&[]), Ok(0));
        assert_eq!(number(&[0x0A]), Err(BcdError));
        assert_eq!(number(&[0xA0]), Err(BcdError));
        assert_eq!(number(&[0x99; 10]), Err(BcdError));
    }
}
