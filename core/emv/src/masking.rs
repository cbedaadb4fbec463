//! Answers of cards without card data: what a recording of a tap may hold.

use alloc::vec::Vec;

use softpos_wire::apdu::Rapdu;
use softpos_wire::tlv::{MAX_DEPTH, TlvWriter, Tlvs};
use softpos_wire::{Tag, tag};

/// Digits of a card number that may be shown at its beginning and its end.
const SHOWN_FIRST: usize = 6;
const SHOWN_LAST: usize = 4;

/// Objects that tell nothing about the holder and are not needed to pay; all others lose their content. Structures,
/// limits and rules of the card, counters, and cryptograms that were used up by the tap.
const KEPT: [u32; 49] = [
    0x4F, 0x50, 0x80, 0x82, 0x84, 0x87, 0x8C, 0x8D, 0x8E, 0x8F, 0x94, 0x5F24, 0x5F25, 0x5F28, 0x5F2D, 0x5F34,
    0x9F07, 0x9F08, 0x9F0D, 0x9F0E, 0x9F0F, 0x9F10, 0x9F11, 0x9F12, 0x9F26, 0x9F27, 0x9F29, 0x9F2A, 0x9F32,
    0x9F36, 0x9F38, 0x9F42, 0x9F47, 0x9F4A, 0x9F50, 0x9F60, 0x9F69, 0x9F6C, 0x9F6E, 0x9F71, 0x9F7C, 0xDF4B,
    0x9F2C, 0x9F_8102, 0x9F_8104, 0x9F_8107, 0x9F_8108, 0x9F_810A, 0x9F_810D,
];

/// The answer with every value masked by its type: numbers keep their ends, tracks their expiry, names, certificates
/// and signatures nothing but their length. An answer that is no list of objects is masked whole.
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
        kept if KEPT.contains(&kept.number()) => value.to_vec(),
        _ => alloc::vec![0; value.len()],
    }
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
