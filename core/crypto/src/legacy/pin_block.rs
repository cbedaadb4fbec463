//! PIN blocks of 8 bytes, ISO 9564-1 formats 0, 2 and 3.
//!
//! A clear block is as secret as the PIN: it exists only inside [`ClearPinBlock`], on its way to a cipher or a card.

use core::fmt;

use softpos_types::{Pan, SecretArray};

use super::TdesKey;
use crate::entropy::Entropy;
pub use crate::pin_block::{PinBlockError, PinDigits};
use crate::scrub::scrubbed;
use crate::tdes::{Block, xor};

/// How many nibbles follow the control nibble and the length.
const DIGIT_PLACES: usize = 14;
/// At most so many of them are filled: a PIN has 4 digits or more.
const FILL_PLACES: usize = 10;

/// A PIN block before it is enciphered; wiped when dropped, never printed.
pub struct ClearPinBlock(SecretArray<8>);

/// What fills a block of format 3 up: nibbles A to F, new for each block.
pub struct Format3Fill([u8; FILL_PLACES]);

impl ClearPinBlock {
    /// Format 0: `0`, length, digits, F up to 8 bytes; xor four zeros and the 12 last digits of the PAN before its
    /// check digit.
    ///
    /// # Errors
    /// [`PinBlockError`] for a PIN of fewer than 4 digits.
    pub fn format0(pin: &PinDigits, pan: &Pan) -> Result<Self, PinBlockError> {
        Self::build(0, pin, Some(pan), [0xF; FILL_PLACES])
    }

    /// Format 2, for a card that checks its PIN itself: `2`, length, digits, F up to 8 bytes; no PAN in it.
    ///
    /// # Errors
    /// [`PinBlockError`] for a PIN of fewer than 4 digits.
    pub fn format2(pin: &PinDigits) -> Result<Self, PinBlockError> {
        Self::build(2, pin, None, [0xF; FILL_PLACES])
    }

    /// Format 3: as format 0 with `3` and nibbles A to F as fill.
    ///
    /// # Errors
    /// [`PinBlockError`] for a PIN of fewer than 4 digits.
    pub fn format3(pin: &PinDigits, pan: &Pan, fill: &Format3Fill) -> Result<Self, PinBlockError> {
        Self::build(3, pin, Some(pan), fill.0)
    }

    /// Enciphers it; it is gone afterwards.
    pub fn encipher(self, key: &TdesKey) -> [u8; 8] {
        scrubbed(|| key.cipher().encrypt(*self.0.expose()))
    }

    /// The host's side: deciphers a block.
    pub fn decipher(block: [u8; 8], key: &TdesKey) -> Self {
        scrubbed(|| Self(SecretArray::take(&mut key.cipher().decrypt(block))))
    }

    /// A block as it came out of a security module.
    pub fn from_bytes(mut block: [u8; 8]) -> Self {
        Self(SecretArray::take(&mut block))
    }

    /// The 8 bytes, for the operation that needs them.
    pub const fn expose(&self) -> &[u8; 8] {
        self.0.expose()
    }

    /// The PIN in a block of format 0, for the card number it was entered for.
    ///
    /// # Errors
    /// [`PinBlockError`] for another format, another card or a damaged block.
    pub fn read_format0(&self, pan: &Pan) -> Result<PinDigits, PinBlockError> {
        self.read(0, pan, |nibble| nibble == 0xF)
    }

    /// The PIN in a block of format 3, for the card number it was entered for.
    ///
    /// # Errors
    /// [`PinBlockError`] for another format, another card or a damaged block.
    pub fn read_format3(&self, pan: &Pan) -> Result<PinDigits, PinBlockError> {
        self.read(3, pan, |nibble| nibble >= 0xA)
    }

    fn build(
        format: u8,
        pin: &PinDigits,
        pan: Option<&Pan>,
        fill: [u8; FILL_PLACES],
    ) -> Result<Self, PinBlockError> {
        if !pin.is_complete() {
            return Err(PinBlockError);
        }
        let length = u8::try_from(pin.len()).map_err(|_| PinBlockError)?;
        Ok(scrubbed(|| {
            let digits = pin.expose_digits().iter().map(|digit| digit & 0x0F);
            let field = pack([format, length].into_iter().chain(digits).chain(fill));
            Self(SecretArray::take(&mut xor(field, pan.map_or([0; 8], pan_field))))
        }))
    }

    fn read(&self, format: u8, pan: &Pan, is_fill: fn(u8) -> bool) -> Result<PinDigits, PinBlockError> {
        scrubbed(|| {
            let field = SecretArray::take(&mut xor(*self.0.expose(), pan_field(pan)));
            let mut nibbles = field.expose().iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
            let (control, length) = (nibbles.next(), nibbles.next().map_or(0, usize::from));
            let mut pin = PinDigits::new();
            for (place, nibble) in nibbles.take(DIGIT_PLACES).enumerate() {
                if place < length {
                    pin.push(nibble)?;
                } else if !is_fill(nibble) {
                    return Err(PinBlockError);
                }
            }
            let whole = control == Some(format) && pin.is_complete() && pin.len() == length;
            whole.then_some(pin).ok_or(PinBlockError)
        })
    }
}

impl Format3Fill {
    /// Ten random nibbles from A to F.
    pub fn random(entropy: &mut Entropy) -> Self {
        // 252 is the largest multiple of 6 that a byte reaches: what lies above would make A to D likelier.
        Self(core::array::from_fn(|_| {
            loop {
                let [byte] = entropy.array();
                if byte < 252 {
                    return 0xA + byte % 6;
                }
            }
        }))
    }

    /// Given nibbles, for known answers: those behind the PIN are used in order, and what is missing is F.
    ///
    /// # Errors
    /// [`PinBlockError`] if there are more than ten, or one is not A to F.
    pub fn from_nibbles(nibbles: &[u8]) -> Result<Self, PinBlockError> {
        let mut fill = [0xF; FILL_PLACES];
        if nibbles.len() > fill.len() || nibbles.iter().any(|nibble| !(0xA..=0xF).contains(nibble)) {
            return Err(PinBlockError);
        }
        fill.iter_mut()
            .zip(nibbles)
            .for_each(|(place, nibble)| *place = *nibble);
        Ok(Self(fill))
    }
}

/// Four zeros and the 12 last digits before the check digit, zeros in front of fewer.
fn pan_field(pan: &Pan) -> Block {
    let digits = pan.expose_digits();
    let before_check = digits.split_last().map_or(&[][..], |(_, before)| before);
    let mut right = before_check.iter().rev().take(12).map(|digit| digit & 0x0F);
    let mut field = [0; 8];
    for byte in field.iter_mut().rev() {
        let low = right.next().unwrap_or(0);
        *byte = right.next().unwrap_or(0) << 4 | low;
    }
    field
}

/// Two nibbles a byte.
fn pack(mut nibbles: impl Iterator<Item = u8>) -> Block {
    let mut block = [0; 8];
    for byte in &mut block {
        *byte = nibbles.next().unwrap_or(0) << 4 | nibbles.next().unwrap_or(0);
    }
    block
}

impl fmt::Debug for ClearPinBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClearPinBlock(..)")
    }
}

impl fmt::Debug for Format3Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Format3Fill(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pan(digits: &str) -> Pan {
        Pan::from_digits(digits.as_bytes()).unwrap()
    }

    fn pin(digits: &str) -> PinDigits {
        PinDigits::from_ascii(digits.as_bytes()).unwrap()
    }

    fn block(text: &str) -> ClearPinBlock {
        ClearPinBlock::from_bytes(hex::decode(text).unwrap().try_into().unwrap())
    }

    /// X9.24-1:2009 A.4; the others computed for this project and agreed with psec (MIT).
    #[test]
    fn format0_known_answers() {
        for (digits, number, made) in [
            ("1234", "4012345678909", "041274EDCBA9876F"),
            ("1234", "5555555551234567", "041261AAAAEDCBA9"),
            ("123456789012", "5555555551234567", "0C1261032D8226A9"),
        ] {
            let clear = ClearPinBlock::format0(&pin(digits), &pan(number)).unwrap();
            assert_eq!(hex::encode_upper(clear.expose()), made);
            assert!(clear.read_format0(&pan(number)).unwrap().ct_eq(&pin(digits)));
            assert_eq!(clear.read_format3(&pan(number)).unwrap_err(), PinBlockError);
        }
    }

    /// The format 2 example of a security module's manual (in openemv/pinblock); format 3 with psec's prefix (MIT).
    #[test]
    fn format2_and_format3_known_answers() {
        let clear = ClearPinBlock::format2(&pin("34567")).unwrap();
        assert_eq!(hex::encode_upper(clear.expose()), "2534567FFFFFFFFF");
        let fill = Format3Fill::from_nibbles(&[0xA, 0xB, 0xC, 0xD, 0xE, 0xF, 0xA, 0xB, 0xC, 0xD]).unwrap();
        let clear = ClearPinBlock::format3(&pin("1234"), &pan("5555555551234567"), &fill).unwrap();
        assert_eq!(hex::encode_upper(clear.expose()), "341261FE98FD9F9B");
        assert!(
            clear
                .read_format3(&pan("5555555551234567"))
                .unwrap()
                .ct_eq(&pin("1234"))
        );
        for bad in [&[0x9][..], &[0x10], &[0xA; 11]] {
            assert!(Format3Fill::from_nibbles(bad).is_err());
        }
    }

    /// Blocks computed for this project: length 3, length 14, another format, a letter in the PIN, wrong fill.
    #[test]
    fn refuses_bad_blocks() {
        let number = pan("1588537835672907");
        for bad in [
            "0361EAC87CA98D6F",
            "0E12B161FBC660A4",
            "3461E39C4EB9D95D",
            "0461EFC87CA98D6F",
            "0461E3C87CA98D6E",
        ] {
            assert_eq!(
                block(bad).read_format0(&number).unwrap_err(),
                PinBlockError,
                "{bad}"
            );
        }
        assert!(block("3461E39C4EB9D959").read_format3(&number).is_err());
        let mut short = PinDigits::new();
        short.push(1).unwrap();
        assert!(ClearPinBlock::format0(&short, &number).is_err());
        assert!(ClearPinBlock::format2(&short).is_err());
    }

    #[test]
    fn every_length_round_trips_through_the_cipher() {
        let key = TdesKey::from_bytes(&[0x5B; 16]).unwrap();
        let mut entropy = Entropy::from_seed(SecretArray::build(|seed| seed.fill(9)));
        for length in 4..=12 {
            let (digits, number) = (pin("901234567890".get(..length).unwrap()), pan("62220212345678"));
            let sent = ClearPinBlock::format0(&digits, &number).unwrap().encipher(&key);
            let back = ClearPinBlock::decipher(sent, &key).read_format0(&number).unwrap();
            assert!(back.ct_eq(&digits));
            let fill = Format3Fill::random(&mut entropy);
            assert!(fill.0.iter().all(|nibble| (0xA..=0xF).contains(nibble)));
            let sent = ClearPinBlock::format3(&digits, &number, &fill)
                .unwrap()
                .encipher(&key);
            let back = ClearPinBlock::decipher(sent, &key).read_format3(&number).unwrap();
            assert!(back.ct_eq(&digits));
        }
    }

    #[test]
    fn a_short_pan_gets_zeros_in_front() {
        assert_eq!(pan_field(&pan("123456789")), [0, 0, 0, 0, 0x12, 0x34, 0x56, 0x78]);
    }
}
