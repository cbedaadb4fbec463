//! Check digits of accounts and references.

/// ISO 13616: country, two check digits, then up to 30 letters and digits; remainder 1 by 97.
pub(super) fn is_iban(iban: &str) -> bool {
    let is_shaped = matches!(
        iban.as_bytes(),
        [a, b, c, d, ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit()
    );
    is_shaped && (15..=34).contains(&iban.len()) && is_mod97(iban)
}

/// ISO 11649: `RF`, two check digits, then up to 21 letters and digits.
pub(super) fn is_creditor_reference(reference: &str) -> bool {
    let is_shaped = matches!(
        reference.as_bytes(),
        [b'R', b'F', c, d, ..] if c.is_ascii_digit() && d.is_ascii_digit()
    );
    is_shaped && (5..=25).contains(&reference.len()) && is_mod97(reference)
}

/// ISO 9362: four letters, country, two of location, and three of branch or none.
pub(super) fn is_bic(bic: &str) -> bool {
    let bytes = bic.as_bytes();
    matches!(bytes.len(), 8 | 11)
        && bytes.iter().take(6).all(u8::is_ascii_uppercase)
        && bytes
            .iter()
            .skip(6)
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// The Swiss QR reference: 27 digits, the last one by modulo 10, recursive.
pub(super) fn is_qr_reference(reference: &str) -> bool {
    const CARRY: [u8; 10] = [0, 9, 4, 6, 8, 2, 7, 1, 3, 5];
    let digits = reference.as_bytes();
    let Some((check, body)) = digits.split_last() else {
        return false;
    };
    if digits.len() != 27 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let carry = body.iter().fold(0_u8, |carry, digit| {
        let place = carry.saturating_add(digit.wrapping_sub(b'0')) % 10;
        CARRY.get(usize::from(place)).copied().unwrap_or_default()
    });
    10_u8.saturating_sub(carry) % 10 == check.wrapping_sub(b'0')
}

/// The first four characters moved to the end, letters as 10..35: remainder 1 (ISO 7064, MOD 97-10).
fn is_mod97(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((head, tail)) = bytes.split_at_checked(4) else {
        return false;
    };
    let remainder = tail.iter().chain(head).try_fold(0_u32, |remainder, byte| {
        let (value, shift) = match byte {
            b'0'..=b'9' => (byte.wrapping_sub(b'0'), 10),
            b'A'..=b'Z' => (byte.wrapping_sub(b'A').saturating_add(10), 100),
            _ => return None,
        };
        // Below 97 * 100 + 35.
        Some(remainder.saturating_mul(shift).saturating_add(u32::from(value)) % 97)
    });
    remainder == Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_references() {
        for iban in [
            "FR1420041010050500013M02606",
            "DE71110220330123456789",
            "CH4431999123000889012",
        ] {
            assert!(is_iban(iban), "{iban}");
        }
        for iban in [
            "",
            "FR14",
            "FR1420041010050500013M02607",
            "fr1420041010050500013M02606",
            "FR14 20041010050500013M02606",
        ] {
            assert!(!is_iban(iban), "{iban}");
        }
        assert!(is_creditor_reference("RF18539007547034") && !is_creditor_reference("RF18539007547035"));
        assert!(!is_creditor_reference("RF18"));
        assert!(is_qr_reference("210000000003139471430009017"));
        assert!(
            !is_qr_reference("210000000003139471430009018") && !is_qr_reference("21000000000313947143000901")
        );
        assert!(is_bic("BHBLDEHHXXX") && is_bic("BHBLDEHH"));
        assert!(!is_bic("BHBLDEHHX") && !is_bic("BHB1DEHH") && !is_bic("bhbldehh"));
    }

    /// Every single wrong digit of a QR reference is found.
    #[test]
    fn one_wrong_digit_is_found() {
        let right = *b"210000000003139471430009017";
        for place in 0..right.len() {
            for digit in b'0'..=b'9' {
                let mut wrong = right;
                wrong[place] = digit;
                let text = core::str::from_utf8(&wrong).unwrap();
                assert_eq!(is_qr_reference(text), wrong == right, "{text}");
            }
        }
    }
}
