//! Offline data authentication of kernel 4: combined, else static, else none; never dynamic alone.

use alloc::boxed::Box;

use softpos_crypto::emv_rsa::PublicKey;
use softpos_types::Pan;
use softpos_wire::tag;

use super::super::configured::set;
use super::C4;

/// How the card is authenticated.
#[derive(Debug)]
pub(super) enum Oda {
    /// Not at all, or it failed already.
    None,
    /// By signed static data.
    Static,
    /// Together with its cryptogram, under this key.
    Combined(Box<PublicKey>),
}

impl Oda {
    pub(super) const fn is_combined(&self) -> bool {
        matches!(self, Self::Combined(_))
    }
}

impl C4 {
    // Rule C4-ODA: combined signature if AIP B1b1, else static data if AIP B1b7, else TVR B1b8; no dynamic signature.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::tests::which_authentication; evidence: own]
    // Rule C4-ODA-EARLY: a card whose key cannot be recovered is asked without signature, and TVR B1b3 says so.
    // [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::tests::a_key_that_cannot_be_recovered;
    // evidence: own]
    pub(super) fn authenticate(&mut self, pan: &Pan) {
        let [first, _] = self.intake.card.array(tag::AIP).unwrap_or_default();
        if first & 0x01 != 0 {
            match self.intake.card_key(&self.input, pan) {
                Ok(key) => self.oda = Oda::Combined(Box::new(key)),
                Err(_) => set(&mut self.tvr, 1, 0x04),
            }
        } else if first & 0x40 != 0 {
            set(&mut self.tvr, 1, 0x02);
            match self.intake.static_signature(&self.input, pan) {
                Ok(()) => self.oda = Oda::Static,
                Err(_) => set(&mut self.tvr, 1, 0x40),
            }
        } else {
            set(&mut self.tvr, 1, 0x80);
        }
    }
}
