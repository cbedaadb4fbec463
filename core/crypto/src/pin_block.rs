//! PIN entry and the enciphered PIN block, ISO 9564-1 format 4.

use alloc::boxed::Box;
use core::fmt;

use softpos_types::Pan;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::aes_key::{AesKey, Block, xor};
use crate::scrub::scrubbed;

/// The longest PIN.
const MAX_DIGITS: usize = 12;
/// The shortest PIN.
const MIN_DIGITS: usize = 4;
/// The first nibble of the PIN field.
const FORMAT: u8 = 4;
/// What follows the digits in the PIN field.
const FILL: u8 = 0xA;

/// A PIN while it is typed: at most 12 digits, wiped when dropped, never printed.
#[derive(ZeroizeOnDrop)]
pub struct PinDigits {
    /// ASCII digits, zeros behind them. On the heap, so that moving it leaves no copy.
    digits: Box<[u8; MAX_DIGITS]>,
    length: usize,
}

/// The key that enciphers one PIN; it comes from the registers and is gone after use.
pub struct PinKey(AesKey);

/// No valid PIN, or a block that does not decipher to one: which, and why, is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinBlockError;

impl PinDigits {
    /// Nothing typed yet.
    pub fn new() -> Self {
        Self {
            digits: Box::new([0; MAX_DIGITS]),
            length: 0,
        }
    }

    /// Reads 4 to 12 ASCII digits.
    ///
    /// # Errors
    /// [`PinBlockError`] for anything else.
    pub fn from_ascii(digits: &[u8]) -> Result<Self, PinBlockError> {
        let mut pin = Self::new();
        for digit in digits {
            pin.push(digit.wrapping_sub(b'0'))?;
        }
        if pin.length < MIN_DIGITS {
            Err(PinBlockError)
        } else {
            Ok(pin)
        }
    }

    /// Takes one digit, 0 to 9.
    ///
    /// # Errors
    /// [`PinBlockError`] if it is none or 12 are there already; nothing changes then.
    pub fn push(&mut self, digit: u8) -> Result<(), PinBlockError> {
        let place = self
            .digits
            .get_mut(self.length)
            .filter(|_| digit <= 9)
            .ok_or(PinBlockError)?;
        *place = b'0' + digit;
        self.length += 1;
        Ok(())
    }

    /// Takes the last digit back, if there is one.
    pub fn backspace(&mut self) {
        self.length = self.length.saturating_sub(1);
        self.digits
            .iter_mut()
            .skip(self.length)
            .for_each(Zeroize::zeroize);
    }

    /// Takes all digits back.
    pub fn clear(&mut self) {
        self.zeroize();
    }

    /// How many digits are there: all that may be shown.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing is typed.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether it can be submitted: 4 to 12 digits.
    pub const fn is_complete(&self) -> bool {
        self.length >= MIN_DIGITS
    }

    /// The ASCII digits, for the operation that needs them.
    pub fn expose_digits(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
    }

    /// Compares in constant time, the length included.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.digits.as_slice().ct_eq(other.digits.as_slice()).into()
    }
}

impl Default for PinDigits {
    fn default() -> Self {
        Self::new()
    }
}

impl Zeroize for PinDigits {
    fn zeroize(&mut self) {
        self.digits.zeroize();
        self.length = 0;
    }
}

impl PinKey {
    /// Takes a key that is used for PINs alone.
    pub const fn new(key: AesKey) -> Self {
        Self(key)
    }
}

/// Enciphers a PIN for one request: E(E(PIN field) xor PAN field). PIN and key are gone afterwards.
///
/// PIN field: 4, length, digits, A up to 8 bytes, 8 random bytes. PAN field: see [`pan_field`].
///
/// # Errors
/// [`PinBlockError`] for a PIN of fewer than 4 digits.
#[expect(
    clippy::needless_pass_by_value,
    reason = "neither PIN nor key may outlive the block"
)]
pub fn encipher_format4(
    pin: PinDigits,
    pan: &Pan,
    key: PinKey,
    random: [u8; 8],
) -> Result<[u8; 16], PinBlockError> {
    if !pin.is_complete() {
        return Err(PinBlockError);
    }
    Ok(scrubbed(|| {
        let mut block = pin_field(&pin, random);
        let cipher = key.0.encryptor();
        cipher.encrypt(&mut block);
        block = xor(block, pan_field(pan));
        cipher.encrypt(&mut block);
        block
    }))
}

/// The host's side: the PIN in a block, for the card number it was entered for.
///
/// # Errors
/// [`PinBlockError`] for another key, another card or a damaged block.
pub fn decipher_format4(block: [u8; 16], pan: &Pan, key: &PinKey) -> Result<PinDigits, PinBlockError> {
    scrubbed(|| {
        let mut field = block;
        key.0.decrypt(&mut field);
        field = xor(field, pan_field(pan));
        key.0.decrypt(&mut field);
        let pin = read_pin_field(field);
        field.zeroize();
        pin
    })
}

/// The PAN field: how many digits more than 12, the digits, zeros up to 16 bytes; fewer than 12 digits get zeros
/// in front.
pub fn pan_field(pan: &Pan) -> [u8; 16] {
    let digits = pan.expose_digits();
    let missing = 12_usize.saturating_sub(digits.len());
    let surplus = u8::try_from(digits.len().saturating_sub(12)).unwrap_or(0);
    let values = digits.iter().map(|digit| digit & 0x0F);
    pack(
        [surplus]
            .into_iter()
            .chain(core::iter::repeat_n(0, missing))
            .chain(values),
    )
}

fn pin_field(pin: &PinDigits, random: [u8; 8]) -> Block {
    let length = u8::try_from(pin.length).unwrap_or(0);
    let values = pin.expose_digits().iter().map(|digit| digit & 0x0F);
    let filled = [FORMAT, length]
        .into_iter()
        .chain(values)
        .chain(core::iter::repeat(FILL))
        .take(16);
    pack(filled.chain(random.into_iter().flat_map(|byte| [byte >> 4, byte & 0x0F])))
}

fn read_pin_field(field: Block) -> Result<PinDigits, PinBlockError> {
    let mut nibbles = field
        .into_iter()
        .take(8)
        .flat_map(|byte| [byte >> 4, byte & 0x0F]);
    let (format, length) = (nibbles.next(), usize::from(nibbles.next().ok_or(PinBlockError)?));
    let mut pin = PinDigits::new();
    for (place, nibble) in nibbles.enumerate() {
        if place < length {
            pin.push(nibble)?;
        } else if nibble != FILL {
            return Err(PinBlockError);
        }
    }
    if format == Some(FORMAT) && pin.is_complete() && pin.length == length {
        Ok(pin)
    } else {
        Err(PinBlockError)
    }
}

/// Two nibbles a byte, zeros behind them.
fn pack(mut nibbles: impl Iterator<Item = u8>) -> Block {
    let mut block = [0; 16];
    for byte in &mut block {
        *byte = nibbles.next().unwrap_or(0) << 4 | nibbles.next().unwrap_or(0);
    }
    block
}

impl fmt::Debug for PinDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinDigits(..)")
    }
}

impl fmt::Debug for PinKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn key(text: &str) -> PinKey {
        PinKey::new(AesKey::from_bytes(&hex::decode(text).unwrap()).unwrap())
    }

    fn block<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn pan(digits: &str) -> Pan {
        Pan::from_digits(digits.as_bytes()).unwrap()
    }

    /// X9.24-3-2017, test vector supplement: the PIN key of counter 1.
    const KEY: &str = "AF8CB133A78F8DC2D1359F18527593FB";
    const BLOCK: &str = "A912150391AB65A67E52883D81CE2D15";

    #[test]
    fn known_answers() {
        let pin = PinDigits::from_ascii(b"1234").unwrap();
        assert_eq!(
            pin_field(&pin, block("2F69ADDE2E9E7ACE")),
            block("441234AAAAAAAAAA2F69ADDE2E9E7ACE")
        );
        let made = encipher_format4(pin, &pan("4111111111111111"), key(KEY), block("2F69ADDE2E9E7ACE"));
        assert_eq!(made, Ok(block(BLOCK)));
        let back = decipher_format4(block(BLOCK), &pan("4111111111111111"), &key(KEY)).unwrap();
        assert!(back.ct_eq(&PinDigits::from_ascii(b"1234").unwrap()));
        // knovichikhin/psec, test of its format 4 (MIT).
        let pin = PinDigits::from_ascii(b"1234").unwrap();
        let made = encipher_format4(
            pin,
            &pan("1234567890123456789"),
            key("00112233445566778899AABBCCDDEEFF"),
            [0xFF; 8],
        );
        assert_eq!(made, Ok(block("28B41FDDD29B743E93124BD8E32D921E")));
    }

    #[test]
    fn pan_fields() {
        for (digits, field) in [
            ("112233445566778899", "61122334455667788990000000000000"),
            ("411111111111111", "34111111111111110000000000000000"),
            ("123456789", "00001234567890000000000000000000"),
        ] {
            assert_eq!(pan_field(&pan(digits)), block(field));
        }
    }

    /// Blocks computed for this project: another card, a changed bit, a PIN of 3 digits, filler F.
    #[test]
    fn refuses_bad_blocks() {
        let key = key("916745BED9DED81CE87CF37AE9E6C1AD");
        for (digits, text) in [
            ("1588538835672907", "B3E036B534E13257E4A83718DA952E2B"),
            ("1588537835672907", "B2E036B534E13257E4A83718DA952E2B"),
            ("1588537835672907", "D49969CADEE8C7E89FF864F8D6A63BD6"),
            ("1588537835672907", "53F9740C9D394B7373B3B9F95D537E27"),
        ] {
            assert_eq!(
                decipher_format4(block(text), &pan(digits), &key).unwrap_err(),
                PinBlockError,
                "{text}"
            );
        }
        for field in [
            "341234AAAAAAAAAA",
            "451234AAAAAAAAAA",
            "44123AAAAAAAAAAA",
            "4D1234567890123A",
            "401234AAAAAAAAAA",
        ] {
            assert_eq!(
                read_pin_field(block(&format!("{field}0000000000000000"))).unwrap_err(),
                PinBlockError
            );
        }
    }

    #[test]
    fn every_pin_length_round_trips() {
        for length in 4..=12 {
            let digits = &b"901234567890"[..length];
            let pin = PinDigits::from_ascii(digits).unwrap();
            let made = encipher_format4(pin, &pan("62220212345678"), key(KEY), [3; 8]).unwrap();
            let back = decipher_format4(made, &pan("62220212345678"), &key(KEY)).unwrap();
            assert_eq!(back.expose_digits(), digits);
        }
        for bad in [&b"123"[..], b"1234567890123", b"12a4", b"", b"12:4"] {
            assert_eq!(PinDigits::from_ascii(bad).unwrap_err(), PinBlockError);
        }
    }

    #[test]
    fn typing() {
        let mut pin = PinDigits::new();
        assert_eq!(pin.push(10), Err(PinBlockError));
        pin.backspace();
        assert!(pin.is_empty());
        for digit in [1, 2, 3, 9] {
            assert!(!pin.is_complete());
            pin.push(digit).unwrap();
        }
        assert!(pin.is_complete());
        pin.backspace();
        pin.push(4).unwrap();
        assert!(pin.ct_eq(&PinDigits::from_ascii(b"1234").unwrap()));
        for _ in 4..12 {
            pin.push(0).unwrap();
        }
        assert_eq!((pin.push(0), pin.len()), (Err(PinBlockError), 12));
        pin.clear();
        assert!(pin.is_empty() && pin.digits.iter().all(|byte| *byte == 0));
        assert_eq!(
            encipher_format4(pin, &pan("4111111111111111"), key(KEY), [0; 8]),
            Err(PinBlockError)
        );
    }

    #[test]
    fn equal_digits_of_other_length_differ() {
        let (four, five) = (
            PinDigits::from_ascii(b"1230").unwrap(),
            PinDigits::from_ascii(b"12300").unwrap(),
        );
        assert!(!four.ct_eq(&five));
    }
}
