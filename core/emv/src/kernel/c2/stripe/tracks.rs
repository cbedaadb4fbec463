//! Tracks with the checksum of one payment in them.
//!
//! A card says by bit maps which digits of its discretionary data are made up for each payment: bit 1 is the digit on
//! the right. The last digit of all tells the issuer how many digits of the reader's number are in the track.

use softpos_types::{SecretArray, SecretBytes};

/// Longest track 2 in digits, and longest track 1 in characters.
const TRACK_2_DIGITS: usize = 38;
const TRACK_1_CHARACTERS: usize = 76;

/// Expiry and service code stand between the separator and the discretionary data.
const BEFORE_DISCRETIONARY: usize = 4 + 3;

/// Where a card wants which digits of a track.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// PCVC3: digits of the checksum.
    pub(super) checksum: u64,
    /// PUNATC: digits of the reader's number, and above them those of the counter.
    pub(super) numbers: u64,
    /// NATC: how many of them are the counter's.
    pub(super) counter_digits: u8,
}

impl Places {
    /// How many digits of the reader's number the track takes: 0 to 8.
    pub(super) fn number_digits(self) -> Option<u8> {
        let places = u8::try_from(self.numbers.count_ones()).ok()?;
        places
            .checked_sub(self.counter_digits)
            .filter(|digits| *digits <= 8)
    }
}

/// What goes into a track.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    /// CVC3 of this track.
    pub(super) checksum: u16,
    /// 9F6A as a number.
    pub(super) number: u32,
    pub(super) number_digits: u8,
    /// 9F36.
    pub(super) counter: u16,
    /// The last digit of all.
    pub(super) last_digit: u8,
}

/// 9F6B with the digits of this payment. `None`: it has no separator, or no room for them.
pub(super) fn track2(card: &[u8], places: Places, told: Told) -> Option<SecretBytes> {
    let length = card
        .len()
        .checked_mul(2)
        .filter(|length| *length <= TRACK_2_DIGITS)?;
    let mut found = false;
    let nibbles = SecretArray::<TRACK_2_DIGITS>::build(|nibbles| {
        for (pair, byte) in nibbles.as_chunks_mut::<2>().0.iter_mut().zip(card) {
            *pair = [byte >> 4, byte & 0x0F];
        }
        let used = nibbles.get_mut(..length);
        found = used.and_then(|used| fill_track2(used, places, told)).is_some();
    });
    let bytes = nibbles.expose().as_chunks::<2>().0.iter().take(card.len());
    let track = SecretBytes::new(bytes.map(|[high, low]| high << 4 | low).collect());
    found.then_some(track)
}

fn fill_track2(nibbles: &mut [u8], places: Places, told: Told) -> Option<()> {
    let separator = nibbles.iter().position(|nibble| *nibble == 0x0D)?;
    let begin = separator.checked_add(1)?.checked_add(BEFORE_DISCRETIONARY)?;
    let padding = nibbles.iter().rev().take_while(|nibble| **nibble == 0x0F).count();
    let end = nibbles.len().checked_sub(padding)?;
    fill(nibbles.get_mut(begin..end)?, 0, places, told)
}

/// 56 with the digits of this payment. `None`: it lacks its two separators, or room.
pub(super) fn track1(card: &[u8], places: Places, told: Told) -> Option<SecretBytes> {
    let mut found = false;
    let characters = SecretArray::<TRACK_1_CHARACTERS>::build(|characters| {
        if let Some(used) = characters.get_mut(..card.len()) {
            used.copy_from_slice(card);
            found = fill_track1(used, places, told).is_some();
        }
    });
    let track = characters.expose().get(..card.len()).filter(|_| found)?;
    Some(SecretBytes::copy_of(track))
}

fn fill_track1(characters: &mut [u8], places: Places, told: Told) -> Option<()> {
    let mut separators = characters.iter().enumerate().filter(|(_, byte)| **byte == b'^');
    let (second, _) = separators.nth(1)?;
    let begin = second.checked_add(1)?.checked_add(BEFORE_DISCRETIONARY)?;
    fill(characters.get_mut(begin..)?, b'0', places, told)
}

// Rule C2-STRIPE-TRACK: the checksum's last digits go to the places of PCVC3, those of the reader's number to the lowest
// places of PUNATC, those of the counter to the others, and the count of the number's digits is the last digit of all.
// [source: peer, danhu;
// test: kernel::c2::stripe::tracks::tests::each_digit_has_its_place, kernel::c2::stripe::tracks::tests::track_1_is_written_in_characters;
// evidence: own]
fn fill(discretionary: &mut [u8], zero: u8, places: Places, told: Told) -> Option<()> {
    let mut put = |place: usize, digit: u8| {
        let at = discretionary.len().checked_sub(place)?.checked_sub(1)?;
        *discretionary.get_mut(at)? = zero.checked_add(digit)?;
        Some(())
    };
    for (index, place) in set_bits(places.checksum).enumerate() {
        put(place, digit(told.checksum.into(), index))?;
    }
    let mut own = set_bits(places.numbers);
    for index in 0..usize::from(told.number_digits) {
        put(own.next()?, digit(told.number, index))?;
    }
    for index in 0..usize::from(places.counter_digits) {
        put(own.next()?, digit(told.counter.into(), index))?;
    }
    put(0, told.last_digit)
}

/// The places of a bit map, from the right.
fn set_bits(map: u64) -> impl Iterator<Item = usize> {
    (0_usize..64).filter(move |place| {
        map.checked_shr(u32::try_from(*place).unwrap_or(64))
            .is_some_and(|map| map & 1 == 1)
    })
}

/// A decimal digit, counted from the right.
fn digit(number: u32, index: usize) -> u8 {
    let power = u32::try_from(index)
        .ok()
        .and_then(|index| 10_u32.checked_pow(index));
    let digit = power
        .and_then(|power| number.checked_div(power))
        .unwrap_or_default()
        % 10;
    u8::try_from(digit).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: Told = Told {
        checksum: 0x0D80,
        number: 678,
        number_digits: 3,
        counter: 0x0539,
        last_digit: 3,
    };

    fn digits(card: &str, places: Places, told: Told) -> Option<alloc::string::String> {
        track2(&hex::decode(card).unwrap(), places, told).map(|track| hex::encode_upper(track.expose()))
    }

    /// The maps of a public card: three digits of the checksum, three of the number, three of the counter.
    const PLACES: Places = Places {
        checksum: 0x000E,
        numbers: 0x0E70,
        counter_digits: 3,
    };

    /// Checksum 3456, number 678, counter 1337. Discretionary data of twelve digits: places 12 to 1.
    #[test]
    fn each_digit_has_its_place() {
        assert_eq!(
            digits("5413339000001513D4912101999999999999FF", PLACES, TOLD).unwrap(),
            // Places: 12 to 10 counter 337, 9 and 8 the card's, 7 to 5 number 678, 4 to 2 checksum 456, 1 count.
            "5413339000001513D4912101337996784563FF",
        );
        assert_eq!(PLACES.number_digits(), Some(3));
    }

    #[test]
    fn a_track_without_room_or_separator_is_refused() {
        assert_eq!(digits("5413339000001513D491210199", PLACES, TOLD), None);
        assert_eq!(digits("54133390000015134912101999999999", PLACES, TOLD), None);
        assert_eq!(digits("5413339000001513D4", PLACES, TOLD), None);
        assert_eq!(
            digits(&"54".repeat(20), PLACES, TOLD),
            None,
            "longer than a track"
        );
        let nothing = Places {
            checksum: 0,
            numbers: 0,
            counter_digits: 0,
        };
        let none = Told {
            number_digits: 0,
            last_digit: 0,
            ..TOLD
        };
        assert_eq!(
            digits("5413339000001513D4912101FF", nothing, none),
            None,
            "no place for the last digit"
        );
    }

    #[test]
    fn track_1_is_written_in_characters() {
        let written = track1(b"B5413339000001513^A/B^4912101999999999999", PLACES, TOLD).unwrap();
        assert_eq!(written.expose(), b"B5413339000001513^A/B^4912101337996784563");
        assert!(track1(b"B5413339000001513^4912101999999999999", PLACES, TOLD).is_none());
        assert!(track1(&[b'^'; 77], PLACES, TOLD).is_none());
        assert!(track1(b"B5^A^491210199", PLACES, TOLD).is_none());
    }

    #[test]
    fn a_map_gives_zero_to_eight_digits_of_the_number() {
        let digits = |numbers, counter_digits| {
            Places {
                checksum: 0,
                numbers,
                counter_digits,
            }
            .number_digits()
        };
        assert_eq!(digits(0, 0), Some(0));
        assert_eq!(digits(0x7F8, 0), Some(8));
        assert_eq!(digits(0xFF8, 0), None, "nine");
        assert_eq!(digits(0x006, 3), None, "fewer than none");
    }
}
