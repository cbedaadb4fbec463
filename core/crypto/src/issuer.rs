//! What a card issuer computes with two-key triple DES: card keys, session keys, application cryptograms and
//! the answers to them (EMV Book 2; option A and B, common session key, methods 1 and 2).

use alloc::vec::Vec;

use ring::digest;
use softpos_types::{Pan, SecretArray};

use crate::scrub::scrubbed;
pub use crate::tdes::Padding;
use crate::tdes::{encrypt_with, retail_mac, two_key, xor};

/// The card key by option A: the last 16 digits of PAN and sequence number, enciphered as they are and
/// complemented.
///
/// `psn` is the byte of 5F34 (two BCD digits); a card without one counts as 00.
pub fn card_key_option_a(master: &SecretArray<16>, pan: &Pan, psn: u8) -> SecretArray<16> {
    card_key(master, last_sixteen(&digits(pan, psn)))
}

/// The card key by option B: as option A up to 16 PAN digits; longer ones are hashed by SHA-1 first and the
/// hash is decimalised.
///
/// `psn` is the byte of 5F34.
pub fn card_key_option_b(master: &SecretArray<16>, pan: &Pan, psn: u8) -> SecretArray<16> {
    let all = digits(pan, psn);
    if pan.expose_digits().len() <= 16 {
        return card_key(master, last_sixteen(&all));
    }
    let mut even = all;
    if even.len() % 2 == 1 {
        even.insert(0, 0);
    }
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &packed(&even));
    let nibbles = || hash.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    let decimal = nibbles().filter(|nibble| *nibble < 10);
    let mapped = nibbles().filter(|nibble| *nibble >= 10).map(|nibble| nibble - 10);
    let chosen: Vec<u8> = decimal.chain(mapped).take(16).collect();
    card_key(master, last_sixteen(&chosen))
}

/// The common session key for the transaction counter (9F36): third byte F0 and 0F, the rest zero.
pub fn session_key_common(card_key: &SecretArray<16>, atc: [u8; 2]) -> SecretArray<16> {
    let [high, low] = atc;
    two_blocks(
        card_key,
        [high, low, 0xF0, 0, 0, 0, 0, 0],
        [high, low, 0x0F, 0, 0, 0, 0, 0],
    )
}

/// `UnionPay`'s session key for the transaction counter (9F36): the counter and its complement, each behind six
/// zero bytes, enciphered (source: public PBOC card tests).
pub fn session_key_unionpay(card_key: &SecretArray<16>, atc: [u8; 2]) -> SecretArray<16> {
    let [high, low] = atc;
    two_blocks(
        card_key,
        [0, 0, 0, 0, 0, 0, high, low],
        [0, 0, 0, 0, 0, 0, !high, !low],
    )
}

/// The application cryptogram (9F26) over data: ISO/IEC 9797-1 MAC algorithm 3.
///
/// Schemes without session keys (Visa CVN 10) give the card key here.
pub fn application_cryptogram(session_key: &SecretArray<16>, data: &[u8], padding: Padding) -> [u8; 8] {
    retail_mac(session_key, data, padding)
}

/// The issuer's answer by method 1: the cryptogram, combined with the response code, enciphered.
pub fn arpc_method_1(session_key: &SecretArray<16>, arqc: [u8; 8], arc: [u8; 2]) -> [u8; 8] {
    let [first, second] = arc;
    let block = xor(arqc, [first, second, 0, 0, 0, 0, 0, 0]);
    scrubbed(|| encrypt_with(&two_key(session_key), block))
}

/// The issuer's answer by method 2: four bytes of the MAC over cryptogram, card status update and up to
/// 8 bytes of proprietary data.
pub fn arpc_method_2(
    session_key: &SecretArray<16>,
    arqc: [u8; 8],
    csu: [u8; 4],
    proprietary: &[u8],
) -> [u8; 4] {
    let data = [&arqc[..], &csu, proprietary].concat();
    let [a, b, c, d, ..] = application_cryptogram(session_key, &data, Padding::Iso80);
    [a, b, c, d]
}

/// The digits of PAN and sequence number, one a byte.
fn digits(pan: &Pan, psn: u8) -> Vec<u8> {
    let pan = pan.expose_digits().iter().map(|digit| digit - b'0');
    pan.chain([psn >> 4, psn & 0x0F]).collect()
}

/// The last 16 digits, zeros in front of fewer, packed two a byte.
fn last_sixteen(digits: &[u8]) -> [u8; 8] {
    let mut right = digits.iter().rev().copied();
    let mut block = [0; 8];
    for byte in block.iter_mut().rev() {
        let low = right.next().unwrap_or(0);
        *byte = right.next().unwrap_or(0) << 4 | low;
    }
    block
}

fn packed(digits: &[u8]) -> Vec<u8> {
    digits
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[high, low]| high << 4 | low)
        .collect()
}

fn card_key(master: &SecretArray<16>, block: [u8; 8]) -> SecretArray<16> {
    two_blocks(master, block, block.map(|byte| !byte))
}

/// Two enciphered blocks as a key with odd parity.
fn two_blocks(key: &SecretArray<16>, left: [u8; 8], right: [u8; 8]) -> SecretArray<16> {
    scrubbed(|| {
        let cipher = two_key(key);
        SecretArray::build(|derived| {
            let (first, second) = derived.split_at_mut(8);
            first.copy_from_slice(&encrypt_with(&cipher, left));
            second.copy_from_slice(&encrypt_with(&cipher, right));
            for byte in derived {
                *byte ^= u8::from(byte.count_ones() % 2 == 0);
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> SecretArray<16> {
        SecretArray::build(|key| hex::decode_to_slice(text, key).unwrap())
    }

    fn pan(digits: &str) -> Pan {
        Pan::from_digits(digits.as_bytes()).unwrap()
    }

    fn block<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    // The facts are the docstring examples of pyemv 1.5.0 (MIT); those of CVN 10 were computed by it and a second
    // implementation.
    const MASTER: &str = "0123456789ABCDEFFEDCBA9876543210";
    const SESSION: &str = "29B33180E567CE38EA4CBC9D753B0E61";

    #[test]
    fn card_keys() {
        let a = card_key_option_a(&key(MASTER), &pan("99012345678901234"), 0x45);
        assert!(a.ct_eq(&key("67F8292358083E5EA7AB7FDA58D53B6B")));
        let b = card_key_option_b(&key(MASTER), &pan("12345678901234567"), 0x01);
        assert!(b.ct_eq(&key("AD406D7F6D7570916D75E5DCAB8CF737")));
        let short = pan("1234567890123456");
        let (a, b) = (
            card_key_option_a(&key(MASTER), &short, 0),
            card_key_option_b(&key(MASTER), &short, 0),
        );
        assert!(a.ct_eq(&b));
    }

    #[test]
    fn session_key() {
        let derived = session_key_common(&key(MASTER), [0x00, 0x1C]);
        assert!(derived.ct_eq(&key("E9FB384AF807B940FEDCEA613461B0C4")));
    }

    #[test]
    fn cryptogram_and_answers() {
        let data = block::<16>("0123456789ABCDEF0123456789ABCDEF");
        let ac = application_cryptogram(&key(SESSION), &data, Padding::Iso80);
        assert_eq!(ac, block("FA624250B008B59A"));
        assert_eq!(
            arpc_method_1(&key(SESSION), ac, [0, 0]),
            block("45D4255EEF10C920")
        );
        assert_eq!(arpc_method_2(&key(SESSION), ac, [0; 4], &[]), block("CB56FA40"));
    }

    /// Visa CVN 18: common session key, padding 80, the whole of 9F10; answer by method 2.
    #[test]
    fn visa_cvn_18() {
        let card = card_key_option_a(&key(&"AA".repeat(16)), &pan("1234567890123456"), 0);
        assert!(card.ct_eq(&key("2A92983429409197E59194151398C22C")));
        let session = session_key_common(&card, [0x0F, 0xFF]);
        let data =
            hex::decode("0000000099990000000000000840800004800008409912310152BF458518000FFF06011203A0B800")
                .unwrap();
        let ac = application_cryptogram(&session, &data, Padding::Iso80);
        assert_eq!(ac, block("769577B5ABE9FE62"));
        assert_eq!(arpc_method_2(&session, ac, [0; 4], &[]), block("76503F48"));
    }

    /// Visa CVN 10: the card key itself, zero padding, four bytes of 9F10; answer by method 1.
    #[test]
    fn visa_cvn_10() {
        let card = card_key_option_a(&key(MASTER), &pan("1234567890123456"), 0);
        assert!(card.ct_eq(&key("154F349D8585CB7F6B0798E9839B10C1")));
        let data = hex::decode("0000000099990000000000000840800004800008409912310152BF458518000FFF03A0B800")
            .unwrap();
        let ac = application_cryptogram(&card, &data, Padding::Zeros);
        assert_eq!(ac, block("C56FEF60C156D28C"));
        assert_eq!(arpc_method_1(&card, ac, *b"00"), block("631A2C662FB19EC1"));
    }
}
