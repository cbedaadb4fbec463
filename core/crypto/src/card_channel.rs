//! The channel between kernel 8 and a card: blinded Diffie-Hellman, enciphered records, codes over what was said.
//!
//! Source: EMV Contactless Book E as the project Digrol/Denom implements it, with the examples of Book E that it
//! quotes. The kernel's key lives for one activation. The card hides its long-lived key behind a factor r: it shows
//! x(rQ) first, and r itself only inside the channel, where the kernel checks it against the certified Q.

use alloc::vec::Vec;

use softpos_types::SecretArray;
use subtle::ConstantTimeEq;

use crate::aes_key::{AesKey, AesLength, xor};
use crate::mac::cmac;
#[cfg(feature = "issuer")]
use crate::p256_key::PrivateKeyError;
use crate::p256_key::{PublicKey, PublicKeyError, SoftwareKey, multiplied};
use crate::scrub::scrubbed;

/// What follows the number of a key in the block it is derived from.
const CONTEXT: [u8; 15] = [
    0x01, 0x00, 0x54, 0x33, 0x4A, 0x32, 0x59, 0x57, 0x77, 0x3D, 0xA5, 0xA5, 0xA5, 0x01, 0x80,
];
/// The counter under which both codes over a payment stand.
const PAYMENT_COUNTER: [u8; 2] = [0, 0];

/// The keys of one activation.
#[derive(Debug)]
pub struct CardChannel {
    confidentiality: AesKey,
    integrity: AesKey,
}

impl CardChannel {
    /// The kernel's side: its own key and the x coordinate of the card's blinded point. Which of the two points with
    /// that coordinate is meant does not matter, for only the x coordinate of the product counts.
    ///
    /// # Errors
    /// [`PublicKeyError`] if no point of P-256 has that coordinate.
    pub fn with_card(own: &SoftwareKey, blinded_x: &[u8; 32]) -> Result<Self, PublicKeyError> {
        Self::between(own, &PublicKey::from_x(blinded_x)?)
    }

    /// Either side: for a card, `own` is its key already blinded (see `blinded`).
    ///
    /// # Errors
    /// [`PublicKeyError`] never comes for a [`PublicKey`]: it was checked when it was made.
    pub fn between(own: &SoftwareKey, peer: &PublicKey) -> Result<Self, PublicKeyError> {
        let shared = own.agree(peer)?;
        Ok(scrubbed(|| {
            let zero = AesKey::build(AesLength::Aes128, |_| ());
            let tag = SecretArray::take(&mut cmac(&zero, shared.expose()));
            let root = AesKey::build(AesLength::Aes128, |key| key.copy_from_slice(tag.expose()));
            let derived = |number: u8| {
                let mut block = [number; 16];
                let (_, context) = block.split_at_mut(1);
                context.copy_from_slice(&CONTEXT);
                root.encryptor().encrypt(&mut block);
                let block = SecretArray::take(&mut block);
                AesKey::build(AesLength::Aes128, |key| key.copy_from_slice(block.expose()))
            };
            Self {
                confidentiality: derived(1),
                integrity: derived(2),
            }
        }))
    }

    /// Enciphers or deciphers a message in place: AES in counter mode, the message's number in front of fourteen
    /// zero bytes. The card counts from 8000 on, the kernel from 0000; a number is used once.
    pub fn crypt(&self, number: u16, data: &mut [u8]) {
        counter_mode(&self.confidentiality, number, data);
    }

    /// The code over one message of data storage: eight bytes over its number and what goes or came.
    pub fn message_mac(&self, number: u16, data: &[u8]) -> [u8; 8] {
        first_eight(cmac(&self.integrity, &[&number.to_be_bytes(), data].concat()))
    }

    /// The issuer application data MAC: eight bytes over the parts of a payment in their order. It is the CMAC combined
    /// with its own decipherment (CMAC+).
    pub fn issuer_data_mac(&self, parts: &[&[u8]]) -> [u8; 8] {
        let message = [&[PAYMENT_COUNTER.as_slice()], parts].concat().concat();
        let tag = cmac(&self.integrity, &message);
        let mut plain = tag;
        scrubbed(|| self.integrity.decrypt(&mut plain));
        first_eight(xor(tag, plain))
    }

    /// The enhanced data authentication MAC over cryptogram (9F26) and issuer application data MAC.
    pub fn enhanced_mac(&self, cryptogram: [u8; 8], issuer_data_mac: [u8; 8]) -> [u8; 8] {
        enhanced(&self.integrity, cryptogram, issuer_data_mac)
    }
}

/// Whether this factor, applied to a card's certified key, gives the point that the card showed: only then the other
/// end of the channel is that card.
pub fn unblinds(card_key: &PublicKey, factor: &SecretArray<32>, blinded_x: &[u8; 32]) -> bool {
    multiplied(factor, card_key).is_ok_and(|x| x.expose().ct_eq(blinded_x).into())
}

/// The card's side: its key multiplied by the factor. The public half is what the card shows.
///
/// # Errors
/// [`PrivateKeyError`] if the factor is zero or not below the order of the curve.
#[cfg(feature = "issuer")]
pub fn blinded(key: &SoftwareKey, factor: &SecretArray<32>) -> Result<SoftwareKey, PrivateKeyError> {
    let number = |secret: &SecretArray<32>| {
        p256::SecretKey::from_slice(secret.expose())
            .map(|key| key.to_nonzero_scalar())
            .map_err(|_| PrivateKeyError)
    };
    let product = scrubbed(|| {
        let product = number(key.expose_scalar())? * number(factor)?;
        let mut bytes: [u8; 32] = p256::SecretKey::from(product).to_bytes().into();
        Ok(SecretArray::take(&mut bytes))
    })?;
    SoftwareKey::from_scalar(product)
}

fn counter_mode(key: &AesKey, number: u16, data: &mut [u8]) {
    scrubbed(|| {
        let cipher = key.encryptor();
        let mut counter = u128::from(number) << 112;
        for chunk in data.chunks_mut(16) {
            let mut stream = counter.to_be_bytes();
            cipher.encrypt(&mut stream);
            chunk
                .iter_mut()
                .zip(stream)
                .for_each(|(byte, mask)| *byte ^= mask);
            counter = counter.wrapping_add(1);
        }
    });
}

fn enhanced(integrity: &AesKey, cryptogram: [u8; 8], issuer_data_mac: [u8; 8]) -> [u8; 8] {
    let message: Vec<u8> = [&PAYMENT_COUNTER[..], &cryptogram, &issuer_data_mac].concat();
    first_eight(cmac(integrity, &message))
}

const fn first_eight(block: [u8; 16]) -> [u8; 8] {
    match block.first_chunk() {
        Some(first) => *first,
        None => [0; 8],
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn key(text: &str) -> AesKey {
        AesKey::from_bytes(&hex::decode(text).unwrap()).unwrap()
    }

    fn eight(text: &str) -> [u8; 8] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    /// EMV Contactless Book E, Cryptography Worked Examples 1.0.1, 6.1, as Digrol/Denom (MIT-0) has them: the factor, a
    /// record and a data envelope, enciphered by the card.
    #[test]
    fn worked_examples_of_counter_mode() {
        let confidentiality = key("88655CFD79DF9E9DDDEAF9EC0C538DC5");
        for (number, plain, enciphered) in [
            (
                0x8000,
                "8C5AE5C30D3164A755D101C50646F405A06761562EC0CCF940D2B6E67CE2F1F8",
                "4A7653A86A6AE421DB875BF695F31C8631C1EDB721EBFCBB3057C87DB03EEA7A",
            ),
            (
                0x8001,
                "5A08541333900000151357125413339000001513D29122010000000000005F24032912319F420209789F0702FF00\
                 5F3401019F810A038C9F06",
                "0179C459B24A72C6D9359091CFE515E67FC1F8CD1C980DDB5585F82D6C4234A409185CC388AAF6E9D7636FC6E6A1\
                 A702F47625A5951A7908D0",
            ),
            (0x8003, "9F8113081122334455AABBCC", "44BD326A7CF2529D815B0868"),
        ] {
            let mut data = hex::decode(enciphered).unwrap();
            counter_mode(&confidentiality, number, &mut data);
            assert_eq!(hex::encode_upper(&data), plain);
            counter_mode(&confidentiality, number, &mut data);
            assert_eq!(hex::encode_upper(&data), enciphered);
        }
    }

    /// Mastercard Ecos 1.0, appendix B, kernel 8 transaction, as a public self-test of a card tool quotes it.
    #[test]
    fn worked_example_of_the_enhanced_code() {
        let integrity = key("642373F56192B09B132C7E024164D3A7");
        let code = enhanced(&integrity, eight("5C3319D5D8A4B275"), eight("1D24D5CEE99FD2E1"));
        assert_eq!(code, eight("A4624217FDD8E4B1"));
    }

    fn software(byte: u8) -> SoftwareKey {
        SoftwareKey::from_scalar(SecretArray::build(|scalar| scalar.fill(byte))).unwrap()
    }

    #[cfg(feature = "issuer")]
    #[test]
    fn both_ends_share_keys_and_only_the_right_factor_unblinds() {
        let (kernel, card) = (software(0x11), software(0x22));
        let factor = SecretArray::build(|factor| factor.fill(0x33));
        let hidden = blinded(&card, &factor).unwrap();
        let shown = hidden.public().x();
        let of_kernel = CardChannel::with_card(&kernel, &shown).unwrap();
        let of_card = CardChannel::between(&hidden, kernel.public()).unwrap();
        let mut record = *b"a record of more than one block";
        of_card.crypt(0x8001, &mut record);
        assert_ne!(&record, b"a record of more than one block");
        of_kernel.crypt(0x8001, &mut record);
        assert_eq!(&record, b"a record of more than one block");
        let code = of_card.issuer_data_mac(&[b"said", b"answered"]);
        assert_eq!(code, of_kernel.issuer_data_mac(&[b"saidanswered"]));
        assert_ne!(code, of_kernel.issuer_data_mac(&[b"saidansweree"]));
        assert_eq!(
            of_card.enhanced_mac([1; 8], code),
            of_kernel.enhanced_mac([1; 8], code)
        );
        assert!(unblinds(card.public(), &factor, &shown));
        assert!(!unblinds(card.public(), kernel.expose_scalar(), &shown));
        assert!(!unblinds(kernel.public(), &factor, &shown));
        let zero = SecretArray::build(|_| ());
        assert!(!unblinds(card.public(), &zero, &shown));
        assert_eq!(blinded(&card, &zero).unwrap_err(), PrivateKeyError);
    }

    /// NIST SP 800-38B, AES-128, example 2, as Digrol/Denom has it too: the number is the message's first two bytes.
    #[test]
    fn the_code_over_a_message_counts_its_number() {
        let channel = CardChannel {
            confidentiality: key("00000000000000000000000000000000"),
            integrity: key("2B7E151628AED2A6ABF7158809CF4F3C"),
        };
        let block = hex::decode("6BC1BEE22E409F96E93D7E117393172A").unwrap();
        assert_eq!(
            channel.message_mac(0x6BC1, &block[2..]),
            eight("070A16B46B4D4144")
        );
        assert_ne!(
            channel.message_mac(0x6BC2, &block[2..]),
            eight("070A16B46B4D4144")
        );
    }

    #[test]
    fn a_coordinate_without_a_point_opens_no_channel() {
        let beyond = [0xFF; 32];
        assert_eq!(
            CardChannel::with_card(&software(1), &beyond).unwrap_err(),
            PublicKeyError
        );
    }

    /// The code is the CMAC, combined with its own decipherment.
    #[test]
    fn the_code_over_a_payment_is_no_plain_cmac() {
        let channel = CardChannel::with_card(&software(3), &software(4).public().x()).unwrap();
        let message: Vec<u8> = [&[0, 0][..], b"payment"].concat();
        let tag = cmac(&channel.integrity, &message);
        let mut plain = tag;
        channel.integrity.decrypt(&mut plain);
        let expected = tag
            .iter()
            .zip(plain)
            .map(|(a, b)| a ^ b)
            .take(8)
            .collect::<Vec<_>>();
        assert_eq!(channel.issuer_data_mac(&[b"payment"]).as_slice(), expected);
        assert_ne!(channel.issuer_data_mac(&[b"payment"]), first_eight(tag));
    }
}
