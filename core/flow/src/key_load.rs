//! The key load: agree on a secret, prove both identities, take both initial keys over, confirm.

use alloc::boxed::Box;
use alloc::string::String;

use softpos_crypto::dukpt::Registers;
use softpos_crypto::key_block::{self, Policy};
use softpos_crypto::key_load::{Agreement, Ephemeral, KeySet, Transcript};
use softpos_crypto::mac::kcv;
use softpos_crypto::p256_key::PublicKey;
use softpos_crypto::{AesKey, AesLength};
use softpos_host::{HostAnswer, KeysReply, KeysRequest, paths};
use softpos_journal::KeysLoaded;
use softpos_types::{Code, Now};

use crate::effect::{Effect, EffectId};
use crate::flow::Flow;
use crate::registers::KeyRegisters;
use crate::waiting::{AfterRecord, ForSignature, Waiting};

/// Where a key load stands. Everything secret is gone when it ends, however it ends.
#[derive(Default)]
pub(crate) enum KeyStage {
    /// Not begun.
    #[default]
    Idle,
    /// Our point is with the host.
    Offered(Ephemeral),
    /// The host has proven itself; our proof is being made or checked.
    Proving {
        agreement: Agreement,
        key_set: String,
        ikid: [u8; 8],
    },
    /// The registers are filled and on the disk; the host is to hear of it.
    Confirming {
        key_set: String,
        ikid: [u8; 8],
        mac: [u8; 32],
        registers: Option<Box<KeyRegisters>>,
    },
}

impl core::fmt::Debug for KeyStage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Idle => "Idle",
            Self::Offered(_) => "Offered",
            Self::Proving { .. } => "Proving",
            Self::Confirming { .. } => "Confirming",
        })
    }
}

impl Flow {
    /// Step 1: our ephemeral point.
    pub(crate) fn begin_key_load(&mut self, now: Now) {
        let ephemeral = Ephemeral::generate(&mut self.entropy);
        let Some(terminal) = self.ledger.activation.as_ref().map(|a| a.terminal.clone()) else {
            return;
        };
        let request = KeysRequest::Offer {
            terminal,
            device_point: ephemeral.public().point().to_vec(),
        };
        self.set_key_stage(KeyStage::Offered(ephemeral));
        self.post_setup(paths::KEYS, &request, now);
    }

    pub(crate) fn on_key_load_answer(&mut self, jws: &str, answer: HostAnswer<'_>, now: Now) {
        let Some(reply) = self.setup_reply::<KeysReply>(jws, answer, now) else {
            return;
        };
        let stage = self
            .setup
            .as_mut()
            .map(|setup| core::mem::take(&mut setup.keys))
            .unwrap_or_default();
        let done = match (stage, reply) {
            (KeyStage::Offered(ephemeral), offered @ KeysReply::Offered { .. }) => {
                self.host_offered(ephemeral, offered)
            }
            (
                KeyStage::Proving {
                    agreement,
                    key_set,
                    ikid,
                },
                KeysReply::Blocks { pin, data },
            ) => self.take_blocks(&agreement, key_set, ikid, [&pin, &data]),
            (
                KeyStage::Confirming {
                    key_set,
                    ikid,
                    registers,
                    ..
                },
                KeysReply::Confirmed { key_set: confirmed },
            ) if key_set == confirmed => {
                self.registers = registers.map(|registers| *registers);
                let loaded = KeysLoaded {
                    key_set,
                    ikid: ikid.to_vec(),
                    utc_ms: now.utc_ms,
                };
                self.record(loaded.into(), AfterRecord::Setup);
                Some(())
            }
            _ => None,
        };
        if done.is_none() {
            self.setup_failed(Code::HostSignature, Some("key load".into()), now);
        }
    }

    /// Step 2: check the host's signature over the transcript, agree, and have the device sign it too.
    fn host_offered(&mut self, ephemeral: Ephemeral, offered: KeysReply) -> Option<()> {
        let KeysReply::Offered {
            key_set,
            host_point,
            ikid,
            nonce,
            load_kid,
            signature,
        } = offered
        else {
            return None;
        };
        let activation = self.ledger.activation.as_ref()?;
        let load_key = activation.load_keys.iter().find(|key| key.kid == load_kid)?;
        let load_key = PublicKey::from_spki(&load_key.key).ok()?;
        let host = PublicKey::from_point(&host_point).ok()?;
        let ikid: [u8; 8] = ikid.try_into().ok()?;
        let phone = *ephemeral.public();
        let transcript = Transcript {
            activation_id: activation.activation_id.as_bytes(),
            device_spki: &self.device.spki,
            phone: &phone,
            host: &host,
            ikid,
            key_set_id: key_set.as_bytes(),
            server_nonce: &nonce,
        };
        let signature: [u8; 64] = signature.try_into().ok()?;
        load_key.verify(&transcript.message(), &signature).ok()?;
        let digest = transcript.digest();
        let agreement = ephemeral.agree(&host, &transcript).ok()?;
        self.set_key_stage(KeyStage::Proving {
            agreement,
            key_set,
            ikid,
        });
        self.sign(alloc::vec![digest], ForSignature::Transcript);
        Some(())
    }

    pub(crate) fn transcript_signed(&mut self, signature: [u8; 64], now: Now) {
        let key_set = match self.setup.as_ref().map(|setup| &setup.keys) {
            Some(KeyStage::Proving { key_set, .. }) => key_set.clone(),
            _ => return,
        };
        let Some(terminal) = self.ledger.activation.as_ref().map(|a| a.terminal.clone()) else {
            return;
        };
        let request = KeysRequest::Prove {
            terminal,
            key_set,
            signature: signature.to_vec(),
        };
        self.post_setup(paths::KEYS, &request, now);
    }

    /// Step 3: open both key blocks, fill the registers, put them on the disk before the host counts on them.
    fn take_blocks(
        &mut self,
        agreement: &Agreement,
        key_set: String,
        ikid: [u8; 8],
        [pin, data]: [&str; 2],
    ) -> Option<()> {
        let pin = initial_key(agreement, KeySet::Pin, ikid, pin)?;
        let data = initial_key(agreement, KeySet::Data, ikid, data)?;
        let mac = agreement.confirmation(kcv(&pin), kcv(&data));
        let mut registers = KeyRegisters::new(Registers::load(pin, ikid), Registers::load(data, ikid));
        let checkpoint = registers.checkpoint();
        self.set_key_stage(KeyStage::Confirming {
            key_set,
            ikid,
            mac,
            registers: None,
        });
        let id = self.next_id();
        self.waiting.insert(id, Waiting::NewKeys(Box::new(registers)));
        self.effect(Effect::SaveKeys {
            id,
            registers: checkpoint,
        });
        Some(())
    }

    pub(crate) fn on_keys_saved(&mut self, id: EffectId, now: Now) {
        let fits = |w: &Waiting| matches!(w, Waiting::NewKeys(_) | Waiting::Checkpoint);
        let Some(Waiting::NewKeys(saved)) = self.take(id, fits) else {
            return;
        };
        let Some(terminal) = self.ledger.activation.as_ref().map(|a| a.terminal.clone()) else {
            return;
        };
        let Some(KeyStage::Confirming {
            key_set,
            mac,
            registers,
            ..
        }) = self.setup.as_mut().map(|setup| &mut setup.keys)
        else {
            return;
        };
        *registers = Some(saved);
        let request = KeysRequest::Confirm {
            terminal,
            key_set: key_set.clone(),
            mac: mac.to_vec(),
        };
        self.post_setup(paths::KEYS, &request, now);
    }

    fn set_key_stage(&mut self, stage: KeyStage) {
        if let Some(setup) = &mut self.setup {
            setup.keys = stage;
        }
    }
}

/// Opens one block and accepts it only for what was agreed: an AES-256 DUKPT initial key under this id.
fn initial_key(agreement: &Agreement, set: KeySet, ikid: [u8; 8], block: &str) -> Option<AesKey> {
    let block = key_block::unwrap(&agreement.kbpk(set), block).ok()?;
    Policy {
        ikid,
        length: AesLength::Aes256,
    }
    .accept(&block)
    .ok()
}
