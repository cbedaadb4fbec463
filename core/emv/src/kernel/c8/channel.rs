//! The channel while it is used: opened with the answer to GET PROCESSING OPTIONS, then one number a message.

use alloc::vec::Vec;

use softpos_crypto::card_channel::{CardChannel, unblinds};
use softpos_crypto::p256_key::{PublicKey, SoftwareKey};
use softpos_types::{SecretArray, SecretBytes};
use softpos_wire::tag;
use softpos_wire::tlv::{self, TlvWriter};

use super::tags;
use crate::outcome::Reason;

/// The number of the card's first message.
const FIRST: u16 = 0x8000;

/// Bytes of a code over a message.
const CODE: usize = 8;

/// Keys, what the card hid its key behind, and how far both sides have counted.
#[derive(Debug)]
pub(super) struct Channel {
    keys: CardChannel,
    blinded_x: [u8; 32],
    factor: SecretArray<32>,
    next: u16,
    own_next: u16,
}

impl Channel {
    // Rule C8-CHANNEL: 9F8103 is x of the card's blinded point and, as the card's first message, the factor; another
    // length or no such point ends the application.
    // [source: foreign vector, Book E worked example 6.1 for the cipher; test: kernel::c8::tests::what_the_options_must_hold,
    // softpos-crypto::card_channel::tests::worked_examples_of_counter_mode,
    // softpos-crypto::card_channel::tests::both_ends_share_keys_and_only_the_right_factor_unblinds;
    // evidence: foreign Book E 6.1]
    pub(super) fn open(own: &SoftwareKey, key_data: &[u8]) -> Option<Self> {
        let (blinded_x, enciphered) = key_data.split_first_chunk::<32>()?;
        let enciphered: &[u8; 32] = enciphered.try_into().ok()?;
        let keys = CardChannel::with_card(own, blinded_x).ok()?;
        let factor = SecretArray::build(|factor| {
            *factor = *enciphered;
            keys.crypt(FIRST, factor);
        });
        Some(Self {
            keys,
            blinded_x: *blinded_x,
            factor,
            next: FIRST.saturating_add(1),
            own_next: 0,
        })
    }

    /// A record in template DA, deciphered and back in its template 70; `None` if it is none.
    pub(super) fn record(&mut self, body: &[u8]) -> Result<Option<SecretBytes>, Reason> {
        let Some(enciphered) = tlv::only(body, tags::ENCIPHERED_RECORD) else {
            return Ok(None);
        };
        let number = self.count().ok_or(Reason::ChannelBroken)?;
        let mut plain = enciphered.to_vec();
        self.keys.crypt(number, &mut plain);
        let plain = SecretBytes::new(plain);
        let mut writer = TlvWriter::for_objects([(tag::RECORD_TEMPLATE, plain.expose())].into_iter());
        writer.put(tag::RECORD_TEMPLATE, plain.expose());
        Ok(Some(SecretBytes::new(writer.into_vec())))
    }

    /// The number of the card's next message. The last one stands for "used up".
    fn count(&mut self) -> Option<u16> {
        let number = self.next;
        self.next = number.checked_add(1)?;
        Some(number)
    }

    /// A data envelope with tag and length, out of the answer to READ DATA: the card's next message, enciphered, and
    /// its code.
    pub(super) fn envelope(&mut self, body: &[u8]) -> Option<SecretBytes> {
        let number = self.count()?;
        let (enciphered, code) = body.split_last_chunk::<CODE>()?;
        if self.keys.message_mac(number, enciphered) != *code {
            return None;
        }
        let mut plain = enciphered.to_vec();
        self.keys.crypt(number, &mut plain);
        Some(SecretBytes::new(plain))
    }

    /// A message of the kernel, enciphered.
    pub(super) fn seal(&mut self, plain: &[u8]) -> Option<Vec<u8>> {
        let number = self.own_next;
        // The card's numbers begin where the kernel's end.
        self.own_next = number.checked_add(1).filter(|next| *next < FIRST)?;
        let mut sealed = plain.to_vec();
        self.keys.crypt(number, &mut sealed);
        Some(sealed)
    }

    /// Whether the card's next message confirms that it got this one.
    pub(super) fn confirms(&mut self, plain: &[u8], body: &[u8]) -> bool {
        self.count()
            .is_some_and(|number| self.keys.message_mac(number, plain) == body)
    }

    /// The code over a payment.
    pub(super) fn issuer_data_mac(&self, parts: &[&[u8]]) -> [u8; 8] {
        self.keys.issuer_data_mac(parts)
    }

    /// The code over cryptogram and that code.
    pub(super) fn enhanced_mac(&self, cryptogram: [u8; 8], issuer_data_mac: [u8; 8]) -> [u8; 8] {
        self.keys.enhanced_mac(cryptogram, issuer_data_mac)
    }

    /// Whether the certified key is the one behind the channel.
    pub(super) fn is_of(&self, certified: &PublicKey) -> bool {
        unblinds(certified, &self.factor, &self.blinded_x)
    }
}
