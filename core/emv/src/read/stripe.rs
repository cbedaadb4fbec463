//! What a payment gets from a card that was read in stripe mode: a track, and no cryptogram.

use alloc::vec::Vec;

use softpos_types::SecretBytes;
use softpos_wire::track2::Track2;
use softpos_wire::{Tag, tag};

use super::{CardRead, EntryMode, label, language};
use crate::brand::Scheme;
use crate::config::TerminalData;
use crate::data::CardData;
use crate::entry::Activation;
use crate::outcome::Cvm;

/// Beside the track the host is told how the data got in and which application it was.
const ISSUER_DATA: &[Tag] = &[tag::POS_ENTRY_MODE, tag::DF_NAME];

/// What a kernel collected in stripe mode.
pub(crate) struct StripeParts {
    pub(crate) track: Track2,
    /// The track of this payment, checksum and all.
    pub(crate) track2: SecretBytes,
    pub(crate) cvm: Cvm,
    /// What the kernel's data record holds, in this order.
    pub(crate) record_tags: &'static [Tag],
    pub(crate) activation: Activation,
    /// The reader's own data objects.
    pub(crate) reader: TerminalData,
    pub(crate) fci: CardData,
    pub(crate) card: CardData,
}

impl CardRead {
    pub(crate) fn of_stripe(parts: StripeParts) -> Self {
        let StripeParts {
            track,
            track2,
            cvm,
            record_tags,
            activation,
            mut reader,
            fci,
            card,
        } = parts;
        let entry_mode = EntryMode::ContactlessStripe;
        reader.set(tag::POS_ENTRY_MODE, &[entry_mode.code()]);
        let mut read = Self {
            pan: track.pan,
            track2,
            psn: None,
            expiry_yymm: track.expiry_yymm,
            de55: Vec::new(),
            cvm,
            authentication: None,
            aid: activation.adf_name,
            kernel: activation.kernel,
            label: label(&fci),
            receipt: None,
            entry_mode,
            scheme: Scheme::of(&activation.adf_name),
            language: language(&fci),
            issuer_update: None,
            reader,
            fci,
            card,
            record_tags,
        };
        read.de55 = read.objects(ISSUER_DATA);
        read
    }
}
