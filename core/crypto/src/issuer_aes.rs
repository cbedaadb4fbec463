//! What a card issuer computes with AES-128: card keys, session keys, application cryptograms and the answers to them,
//! as cards for kernel 8 have them.
//!
//! Sources: EMV Contactless Book E 4.1 and 4.2 as the project Digrol/Denom implements them; Mastercard Ecos 1.0,
//! appendix B, as a public self-test of a card tool quotes it.

use softpos_types::{Pan, SecretArray};

use crate::aes_key::{AesKey, AesLength};
use crate::mac::cmac;
use crate::scrub::scrubbed;

/// The card key by option C: number and sequence number, zeros in front up to 16 bytes, enciphered.
///
/// `psn` is the byte of 5F34.
pub fn card_key_option_c(master: &SecretArray<16>, pan: &Pan, psn: u8) -> SecretArray<16> {
    enciphered(master, |block| {
        let pan = pan
            .expose_digits()
            .iter()
            .map(|digit| digit.wrapping_sub(b'0') & 0x0F);
        // An odd number has a filler behind it, as 5A does.
        let filler = (pan.len() % 2 == 1).then_some(0x0F);
        let digits = pan.chain(filler).chain([psn >> 4, psn & 0x0F]);
        let mut right = digits.rev();
        for byte in block.iter_mut().rev() {
            let low = right.next().unwrap_or(0);
            *byte = right.next().unwrap_or(0) << 4 | low;
        }
    })
}

/// The session key for the transaction counter (9F36): the counter in front of zeros, enciphered.
pub fn session_key(card_key: &SecretArray<16>, atc: [u8; 2]) -> SecretArray<16> {
    enciphered(card_key, |block| {
        block.iter_mut().zip(atc).for_each(|(to, byte)| *to = byte);
    })
}

/// The application cryptogram (9F26) over data: the first eight bytes of AES-CMAC.
pub fn application_cryptogram(session_key: &SecretArray<16>, data: &[u8]) -> [u8; 8] {
    let tag = cmac(&aes(session_key), data);
    tag.first_chunk().copied().unwrap_or_default()
}

/// The issuer's answer: the code over cryptogram, response code and six zero bytes.
pub fn arpc(session_key: &SecretArray<16>, arqc: [u8; 8], arc: [u8; 2]) -> [u8; 8] {
    application_cryptogram(session_key, &[&arqc[..], &arc, &[0; 6]].concat())
}

fn aes(key: &SecretArray<16>) -> AesKey {
    AesKey::build(AesLength::Aes128, |bytes| bytes.copy_from_slice(key.expose()))
}

fn enciphered(key: &SecretArray<16>, fill: impl FnOnce(&mut [u8; 16])) -> SecretArray<16> {
    scrubbed(|| {
        SecretArray::build(|block| {
            fill(block);
            aes(key).encryptor().encrypt(block);
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretArray<16> {
        SecretArray::build(|key| hex::decode_to_slice(text, key).unwrap())
    }

    /// Mastercard Ecos 1.0, appendix B, as a public self-test of a card tool quotes it: card key, counter 0001.
    #[test]
    fn worked_example_of_a_cryptogram() {
        let session = session_key(&secret("2EF6E07ECBA86BCF3C3CFF7BBEBE6F38"), [0, 1]);
        let data =
            "00000001000000000000100008400000001080084015112400111111111B800001A080032420000000000000000000";
        assert_eq!(
            hex::encode_upper(application_cryptogram(&session, &hex::decode(data).unwrap())),
            "25038F4A7BDE69E2"
        );
    }

    /// FIPS 197, appendix B and C.1, at the bottom of both derivations.
    #[test]
    fn card_and_session_keys_are_one_block_each() {
        let master = secret("000102030405060708090A0B0C0D0E0F");
        let block = |text: &str| {
            let mut block: [u8; 16] = hex::decode(text).unwrap().try_into().unwrap();
            aes(&master).encryptor().encrypt(&mut block);
            block
        };
        let even = Pan::from_digits(b"5413330089600044").unwrap();
        assert_eq!(
            card_key_option_c(&master, &even, 0x01).expose(),
            &block("00000000000000541333008960004401")
        );
        let odd = Pan::from_digits(b"374245001741007").unwrap();
        assert_eq!(
            card_key_option_c(&master, &odd, 0x00).expose(),
            &block("00000000000000374245001741007F00")
        );
        assert_eq!(
            session_key(&master, [0x12, 0x34]).expose(),
            &block("12340000000000000000000000000000")
        );
    }

    #[test]
    fn the_answer_depends_on_cryptogram_and_response_code() {
        let session = secret("2EF6E07ECBA86BCF3C3CFF7BBEBE6F38");
        let yes = arpc(&session, [7; 8], *b"00");
        assert_ne!(yes, arpc(&session, [7; 8], *b"05"));
        assert_ne!(yes, arpc(&session, [8; 8], *b"00"));
        assert_eq!(
            yes,
            application_cryptogram(
                &session,
                &hex::decode("07070707070707073030000000000000").unwrap()
            )
        );
    }
}
