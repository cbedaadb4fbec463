//! Data storage: envelopes that a card keeps for its issuer or for others, read before the cryptogram and written after
//! it, each a message of the channel.

use alloc::vec::Vec;

use softpos_types::SecretBytes;
use softpos_wire::Tag;
use softpos_wire::apdu::{Capdu, Rapdu};
use softpos_wire::tlv::{self, TlvWriter, Tlvs, read_tag};

use super::decision::Kind;
use super::{C8, State, Step, tags};
use crate::config::TerminalData;
use crate::kernel::Progress;
use crate::outcome::{KernelOutcome, Reason};

/// Data envelopes 1 to 10.
const ENVELOPES: core::ops::RangeInclusive<u32> = 0x9F_8111..=0x9F_811A;
/// The longest envelope, in bytes.
const MAX_ENVELOPE: usize = 243;
/// P2 of a command that others will follow.
const MORE: u8 = 0x80;
/// 9F821C and 9F821B: everything that was asked for was done, or was not.
const COMPLETED: [u8; 1] = [0x80];
const NOT_COMPLETED: [u8; 1] = [0x00];

/// What is to be read and written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Storage {
    read: Vec<Tag>,
    write: Vec<(Tag, Vec<u8>)>,
}

impl Storage {
    /// 9F8203, a list of tags, and BF8104, a list of objects; both name envelopes only.
    ///
    /// # Errors
    /// The object that names something else, cannot be read, or is too long.
    pub(super) fn of(data: &TerminalData) -> Result<Self, Reason> {
        let mut storage = Self::default();
        let wrong = Reason::TerminalDataMissing(tags::TAGS_TO_READ);
        let mut list = data.value(tags::TAGS_TO_READ).unwrap_or_default();
        while !list.is_empty() {
            let (tag, rest) = read_tag(list).map_err(|_| wrong)?;
            if !ENVELOPES.contains(&tag.number()) || storage.read.contains(&tag) {
                return Err(wrong);
            }
            storage.read.push(tag);
            list = rest;
        }
        let wrong = Reason::TerminalDataMissing(tags::ENVELOPES_TO_WRITE);
        for object in Tlvs::new(data.value(tags::ENVELOPES_TO_WRITE).unwrap_or_default()) {
            let object = object.map_err(|_| wrong)?;
            let twice = storage.write.iter().any(|(tag, _)| *tag == object.tag);
            if !ENVELOPES.contains(&object.tag.number()) || object.value.len() > MAX_ENVELOPE || twice {
                return Err(wrong);
            }
            storage.write.push((object.tag, object.value.to_vec()));
        }
        Ok(storage)
    }

    /// An envelope to be written, with tag and length.
    fn plain(&self, index: usize) -> Option<SecretBytes> {
        let (tag, value) = self.write.get(index)?;
        let mut writer = TlvWriter::new();
        writer.put(*tag, value);
        Some(SecretBytes::new(writer.into_vec()))
    }
}

/// What the terminal says of it before anything was done.
pub(super) fn own_words(data: &mut TerminalData) {
    data.set(tags::READ_STATUS, &COMPLETED);
    data.set(tags::WRITE_STATUS, &NOT_COMPLETED);
}

impl C8 {
    // Rule C8-READ-DATA: 84 32 with the envelope's tag, once the records are read: the answer is the envelope as the
    // card's next message, and eight bytes of code over the message's number and what was enciphered. One that is
    // refused, changed or another leaves the status (9F821C) at "not completed" and ends nothing.
    // [source: peer, Denom, with the example of Book E 6.1 for the cipher, and inference for the time after the records;
    // test: softpos-cards::storage::envelopes_are_read_and_written,
    // softpos-cards::storage::what_cannot_be_read_ends_nothing,
    // softpos-crypto::card_channel::tests::worked_examples_of_counter_mode; evidence: own]
    pub(super) fn read_data(&mut self, index: usize) -> Step {
        let Some(tag) = self.config.storage.read.get(index) else {
            return self.generate();
        };
        let [_, name @ ..] = tag.number().to_be_bytes();
        self.state = State::AwaitData(index);
        self.storage_command(0x32, 0, &name)
    }

    pub(super) fn on_data(&mut self, index: usize, answer: Rapdu<'_>) -> Step {
        let wanted = self.config.storage.read.get(index).copied();
        let envelope = match &mut self.channel {
            Some(channel) if answer.is_ok() => channel.envelope(answer.body),
            Some(_) | None => None,
        };
        let envelope = envelope.filter(|plain| {
            wanted
                .and_then(|tag| tlv::only(plain.expose(), tag))
                .is_some_and(|value| value.len() <= MAX_ENVELOPE)
        });
        let taken =
            envelope.is_some_and(|plain| self.intake.answer(plain.expose(), &self.input.data).is_ok());
        if !taken {
            self.input.data.set(tags::READ_STATUS, &NOT_COMPLETED);
        }
        self.read_data(index.saturating_add(1))
    }

    /// GENERATE AC, which says whether envelopes will be written.
    pub(super) fn generate_command(&self, wanted: Kind) -> Result<Vec<u8>, Reason> {
        let more = !self.config.storage.write.is_empty();
        let command = Capdu {
            cla: 0x80,
            ins: 0xAE,
            p1: wanted.code(),
            p2: if more { MORE } else { 0 },
            data: self.cdol.expose(),
            le: Some(0x100),
        };
        command.to_bytes().map_err(|_| Reason::Malformed)
    }

    // Rule C8-WRITE-DATA: 84 34 with an envelope as the kernel's next message, once the card's code over the payment
    // holds; GENERATE AC and every write but the last say that more follows (P2 b8). The card confirms each with a
    // code over its message's number and the envelope. One that is refused or confirmed wrongly leaves the status
    // (9F821B) at "not completed"; the payment stands.
    // [source: peer, Denom; test: softpos-cards::storage::envelopes_are_read_and_written,
    // softpos-cards::storage::what_cannot_be_written_leaves_the_payment_alone,
    // softpos-cards::storage::a_card_that_leaves_while_it_is_written_to_has_paid; evidence: own]
    pub(super) fn write_data(&mut self, index: usize) -> Step {
        let Some(plain) = self.config.storage.plain(index) else {
            if self.written && index > 0 {
                self.input.data.set(tags::WRITE_STATUS, &COMPLETED);
            }
            return self.concluded().map(Progress::Done);
        };
        let last = index.saturating_add(1) == self.config.storage.write.len();
        let channel = self.channel.as_mut().ok_or(Reason::ChannelBroken)?;
        let sealed = channel.seal(plain.expose()).ok_or(Reason::ChannelBroken)?;
        self.state = State::AwaitWritten(index);
        self.storage_command(0x34, if last { 0 } else { MORE }, &sealed)
    }

    pub(super) fn on_written(&mut self, index: usize, answer: Rapdu<'_>) -> Step {
        let plain = self.config.storage.plain(index);
        let confirmed = match (&mut self.channel, plain) {
            (Some(channel), Some(plain)) if answer.is_ok() => channel.confirms(plain.expose(), answer.body),
            _ => false,
        };
        self.written &= confirmed;
        self.write_data(index.saturating_add(1))
    }

    /// The end of a payment whose cryptogram is here, however much was written.
    pub(super) fn concluded(&mut self) -> Result<KernelOutcome, Reason> {
        let judged = self.judged.take().ok_or(Reason::Malformed)?;
        self.ended(*judged)
    }

    fn storage_command(&mut self, ins: u8, p2: u8, data: &[u8]) -> Step {
        let command = Capdu {
            cla: 0x84,
            ins,
            p1: 0,
            p2,
            data,
            le: Some(0x100),
        };
        let command = command.to_bytes().map_err(|_| Reason::Malformed)?;
        Ok(self.send(command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage(read: &str, write: &str) -> Result<Storage, Reason> {
        let mut data = TerminalData::new();
        data.set(tags::TAGS_TO_READ, &hex::decode(read).unwrap());
        data.set(tags::ENVELOPES_TO_WRITE, &hex::decode(write).unwrap());
        Storage::of(&data)
    }

    #[test]
    fn envelopes_1_to_10_and_nothing_else() {
        let both = storage("9F81119F811A", "9F81120201029F811300").unwrap();
        assert_eq!(both.read, [Tag::new(0x9F_8111), Tag::new(0x9F_811A)]);
        assert_eq!(both.plain(0).unwrap().expose(), [0x9F, 0x81, 0x12, 2, 1, 2]);
        assert_eq!(both.plain(1).unwrap().expose(), [0x9F, 0x81, 0x13, 0]);
        assert!(both.plain(2).is_none());
        assert_eq!(Storage::of(&TerminalData::new()), Ok(Storage::default()));
        for read in ["9F8110", "9F811B", "5A", "9F", "9F81119F8111"] {
            let wrong = Reason::TerminalDataMissing(tags::TAGS_TO_READ);
            assert_eq!(storage(read, ""), Err(wrong), "{read}");
        }
        let long = alloc::format!("9F811181F4{}", "00".repeat(244));
        let longest = alloc::format!("9F811181F3{}", "00".repeat(243));
        assert!(storage("", &longest).is_ok());
        for write in ["9F811001AA", "5A0100", "9F811102AA", &long, "9F8111009F811100"] {
            let wrong = Reason::TerminalDataMissing(tags::ENVELOPES_TO_WRITE);
            assert_eq!(storage("", write), Err(wrong), "{write}");
        }
    }
}
