//! What goes between reader and card without card data: what a recording of a tap and a screen may hold.

use alloc::vec::Vec;
use core::ops::Range;

use softpos_types::SecretBytes;
use softpos_wire::afl::Afl;
use softpos_wire::apdu::Rapdu;
use softpos_wire::tlv::{self, MAX_DEPTH, TlvWriter, Tlvs};
use softpos_wire::{Tag, tag};

/// Digits of a card number that may be shown at its beginning and its end.
const SHOWN_FIRST: usize = 6;
const SHOWN_LAST: usize = 4;

/// Objects that tell nothing about the holder and are not needed to pay; all others lose their content. Structures,
/// limits and rules of the card, and counters.
const KEPT: [u32; 47] = [
    0x4F, 0x50, 0x82, 0x84, 0x87, 0x8C, 0x8D, 0x8E, 0x8F, 0x94, 0x5F24, 0x5F25, 0x5F28, 0x5F2D, 0x5F34,
    0x9F07, 0x9F08, 0x9F0D, 0x9F0E, 0x9F0F, 0x9F10, 0x9F11, 0x9F12, 0x9F27, 0x9F29, 0x9F2A, 0x9F32, 0x9F36,
    0x9F38, 0x9F42, 0x9F47, 0x9F4A, 0x9F50, 0x9F60, 0x9F69, 0x9F6C, 0x9F6E, 0x9F71, 0x9F7C, 0xDF4B, 0x9F2C,
    0x9F_8102, 0x9F_8104, 0x9F_8107, 0x9F_8108, 0x9F_810A, 0x9F_810D,
];

/// In format 1 (tag 80) of an answer with a cryptogram: behind its kind and the counter.
const CRYPTOGRAM: Range<usize> = 3..11;

/// Values that a card sent in one tap and that are looked for in commands: more than any card has.
const MAX_HIDDEN: usize = 128;

/// Bytes of a value that give it away: a number's first eight digits.
const TELLING: usize = 4;

/// Header and length of a command.
const HEADER: usize = 5;

/// Masks both sides of one tap: a card may ask for its own data back, in a list of objects it wants (DOL).
#[derive(Debug, Default)]
pub struct TapMask {
    /// What the card sent and what is shown for it.
    hidden: Vec<(SecretBytes, Vec<u8>)>,
}

impl TapMask {
    /// The answer as [`masked_answer`] shows it.
    pub fn answer(&mut self, rapdu: &[u8]) -> Vec<u8> {
        if let Ok(answer) = Rapdu::parse(rapdu) {
            // Objects before a fault are hidden, the rest of such an answer is shown to nobody.
            let _ = tlv::walk(answer.body, &mut |_, object| {
                if !object.tag.is_constructed() {
                    self.hide(object.value, masked_value(object.tag, object.value));
                }
            });
        }
        masked_answer(rapdu)
    }

    /// The command with every value of the card masked as in its answer, also where only its beginning fitted.
    pub fn command(&self, capdu: &[u8]) -> Vec<u8> {
        let mut shown = capdu.to_vec();
        for at in HEADER..capdu.len() {
            let rest = capdu.get(at..).unwrap_or_default();
            for (value, masked) in &self.hidden {
                let equal = rest
                    .iter()
                    .zip(value.expose())
                    .take_while(|(a, b)| a == b)
                    .count();
                if equal >= TELLING {
                    let places = shown.iter_mut().skip(at).take(equal);
                    places.zip(masked).for_each(|(place, mask)| *place &= *mask);
                }
            }
        }
        shown
    }

    fn hide(&mut self, value: &[u8], masked: Vec<u8>) {
        if value.len() >= TELLING && value != masked && self.hidden.len() < MAX_HIDDEN {
            self.hidden.push((SecretBytes::copy_of(value), masked));
        }
    }
}

/// The answer with every value masked by its type: numbers keep their ends, tracks their expiry, names, certificates,
/// signatures and cryptograms nothing but their length. An answer that is no list of objects is masked whole.
pub fn masked_answer(rapdu: &[u8]) -> Vec<u8> {
    let Ok(answer) = Rapdu::parse(rapdu) else {
        return alloc::vec![0; rapdu.len()];
    };
    let mut masked = masked_list(answer.body, MAX_DEPTH).unwrap_or_else(|| alloc::vec![0; answer.body.len()]);
    masked.extend(answer.sw.to_be_bytes());
    masked
}

fn masked_list(bytes: &[u8], depth: usize) -> Option<Vec<u8>> {
    let depth = depth.checked_sub(1)?;
    let mut writer = TlvWriter::new();
    for object in Tlvs::new(bytes) {
        let object = object.ok()?;
        if object.tag.is_constructed() {
            writer.put(object.tag, &masked_list(object.value, depth)?);
        } else {
            writer.put(object.tag, &masked_value(object.tag, object.value));
        }
    }
    Some(writer.into_vec())
}

fn masked_value(tag: Tag, value: &[u8]) -> Vec<u8> {
    match tag {
        tag::PAN => packed(&masked_number(&nibbles(value))),
        tag::TRACK_2 => packed(&masked_track(&nibbles(value))),
        tag::RESPONSE_FORMAT_1 => masked_format_1(value),
        kept if KEPT.contains(&kept.number()) => value.to_vec(),
        _ => alloc::vec![0; value.len()],
    }
}

/// Profile and locator, or kind, counter, cryptogram and issuer's data: nothing but the content tells which.
fn masked_format_1(value: &[u8]) -> Vec<u8> {
    let mut masked = value.to_vec();
    let locator = value.get(2..).unwrap_or_default();
    if !locator.is_empty() && Afl::parse(locator).is_err() {
        let cryptogram = masked.iter_mut().take(CRYPTOGRAM.end).skip(CRYPTOGRAM.start);
        cryptogram.for_each(|byte| *byte = 0);
    }
    masked
}

/// The middle digits of a number become zeros; the padding stays.
fn masked_number(digits: &[u8]) -> Vec<u8> {
    let length = digits.iter().take_while(|digit| **digit < 10).count();
    let last = length.saturating_sub(SHOWN_LAST);
    let masked = digits.iter().enumerate().map(
        |(at, digit)| {
            if at >= SHOWN_FIRST && at < last { 0 } else { *digit }
        },
    );
    masked.collect()
}

/// Number, separator, expiry and service code stay as far as they may; what the issuer added becomes zeros.
fn masked_track(digits: &[u8]) -> Vec<u8> {
    let number = digits.iter().take_while(|digit| **digit < 10).count();
    let open = number.saturating_add(1 + 4 + 3);
    let masked = masked_number(digits).into_iter().enumerate();
    masked
        .map(|(at, digit)| if at >= open && digit < 10 { 0 } else { digit })
        .collect()
}

fn nibbles(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).collect()
}

fn packed(nibbles: &[u8]) -> Vec<u8> {
    let pairs = nibbles.as_chunks::<2>().0;
    pairs.iter().map(|[high, low]| high << 4 | low).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> alloc::string::String {
        hex::encode_upper(masked_answer(&hex::decode(text).unwrap()))
    }

    #[test]
    fn numbers_and_tracks_keep_what_may_be_shown() {
        assert_eq!(
            masked("700A5A0847617399000000139000"),
            "700A5A0847617300000000139000"
        );
        assert_eq!(
            masked("770C5A0A374245990000019FFFFF9000"),
            "770C5A0A374245000000019FFFFF9000",
            "fifteen digits"
        );
        assert_eq!(
            masked("701357114761739900000013D351220112345678909000"),
            "701357114761730000000013D351220100000000009000",
            "what the issuer added is gone"
        );
    }

    #[test]
    fn names_certificates_signatures_and_unknown_objects_keep_their_length_only() {
        assert_eq!(masked("70085F2005414C4943459000"), "70085F200500000000009000");
        assert_eq!(masked("70069F4B03AABBCC9000"), "70069F4B030000009000");
        assert_eq!(masked("7005DF7F0247619000"), "7005DF7F0200009000");
        assert_eq!(masked("77049F3601079000").len(), "77049F3601079000".len());
    }

    #[test]
    fn cryptograms_are_masked_in_both_formats() {
        assert_eq!(
            masked(
                "770F9F26080102030405060708 9F270180 9000"
                    .replace(' ', "")
                    .as_str()
            ),
            "770F9F260800000000000000009F2701809000"
        );
        assert_eq!(
            masked(
                "8012 80 0007 0102030405060708 06011203A00000 9000"
                    .replace(' ', "")
                    .as_str()
            ),
            "8012800007000000000000000006011203A000009000"
        );
        let options = "800A1980080101001001010 09000".replace(' ', "");
        assert_eq!(masked(&options), options, "profile and locator stay");
    }

    #[test]
    fn what_a_card_asks_back_is_masked_in_the_command() {
        let mut mask = TapMask::default();
        let record = "701D5A08476173990000001357114761739900000013D351220112345678909000";
        mask.answer(&hex::decode(record).unwrap());
        let shown = |text: &str| hex::encode_upper(mask.command(&hex::decode(text).unwrap()));
        let asked = "80AE80000E000000001250476173990000001300";
        assert_eq!(shown(asked), "80AE80000E000000001250476173000000001300");
        assert_eq!(
            shown("80AE80000A0000000012504761739900"),
            "80AE80000A0000000012504761730000",
            "cut"
        );
        let other = "80AE80000E000000001250476174990000001300";
        assert_eq!(shown(other), other);
        assert_eq!(shown("00"), "00");
    }

    #[test]
    fn what_cannot_be_read_is_masked_whole() {
        assert_eq!(masked("70FF5A0847619000"), "0000000000009000");
        assert_eq!(masked("6A82"), "6A82");
        assert_eq!(masked("47"), "00");
        assert_eq!(masked(""), "");
    }

    #[test]
    fn deep_nesting_ends() {
        let mut deep = alloc::vec![0x5A, 0x01, 0x47];
        for _ in 0..40 {
            let mut writer = TlvWriter::new();
            writer.put(tag::RECORD_TEMPLATE, &deep);
            deep = writer.into_vec();
        }
        let length = deep.len();
        deep.extend([0x90, 0x00]);
        assert_eq!(masked_answer(&deep)[..length], alloc::vec![0; length]);
    }
}
