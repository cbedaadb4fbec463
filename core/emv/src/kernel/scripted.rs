//! Scripted cards for the tests of kernels: one answer for each command, none left over.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use softpos_crypto::p256_key::SoftwareKey;
use softpos_types::{Pan, SecretArray, SecretBytes, Tick};
use softpos_wire::tlv::TlvWriter;
use softpos_wire::{Tag, tag};

use super::{Kernel, KernelInput, Progress};
use crate::config::{Aid, KernelId, TerminalData};
use crate::entry::{Activation, Indicators, Start};
use crate::exceptions::ExceptionFile;
use crate::outcome::KernelOutcome;

pub(crate) const NOW: Tick = Tick(5_000);

/// Objects as (tag, hex), so that a test reads like a card.
pub(crate) type Objects<'a> = &'a [(u32, &'a str)];

pub(crate) fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// What the Entry Point and the configuration give to a kernel. `fci` goes into A5.
pub(crate) fn input(
    kernel: KernelId,
    aid: &str,
    fci: Objects<'_>,
    ttq: Option<[u8; 4]>,
    data: Objects<'_>,
) -> KernelInput {
    let mut reader = TerminalData::new();
    let usual: Objects<'_> = &[
        (0x9F02, "000000000200"),
        (0x9F03, "000000000000"),
        (0x9F1A, "0156"),
        (0x5F2A, "0156"),
        (0x9A, "261122"),
        (0x9F21, "120000"),
        (0x9C, "00"),
        (0x95, "0000000000"),
        (0x9F35, "22"),
        (0x9F37, "ABABABAB"),
    ];
    for (number, value) in usual.iter().chain(data) {
        reader.set(Tag::new(*number), &bytes(value));
    }
    if let Some(ttq) = ttq {
        reader.set(tag::TTQ, &ttq);
    }
    let mut writer = TlvWriter::new();
    writer.template(tag::FCI_TEMPLATE, |template| {
        template.put(tag::DF_NAME, &bytes(aid));
        template.template(tag::FCI_PROPRIETARY, |inner| {
            for (number, value) in fci {
                inner.put(Tag::new(*number), &bytes(value));
            }
        });
    });
    let activation = Activation {
        kernel,
        adf_name: Aid::new(&bytes(aid)).unwrap(),
        ttq,
        data: TerminalData::new(),
        indicators: Indicators::default(),
        fci: Arc::new(SecretBytes::new(writer.into_vec())),
        start: Start::A,
        restarted: false,
        issuer_data: None,
    };
    let mut input = KernelInput::new(activation, reader);
    input.channel_key = (kernel == KernelId::C8)
        .then(|| SoftwareKey::from_scalar(SecretArray::build(|scalar| scalar.fill(0x11))).unwrap());
    input
}

/// A good answer: a template with these objects.
pub(crate) fn answer(template: Tag, objects: Objects<'_>) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    writer.template(template, |inner| {
        for (number, value) in objects {
            inner.put(Tag::new(*number), &bytes(value));
        }
    });
    let mut answer = writer.into_vec();
    answer.extend([0x90, 0x00]);
    answer
}

/// The same objects with some replaced, added or, where empty, removed.
pub(crate) fn changed<'a>(objects: Objects<'a>, change: Objects<'a>) -> Vec<(u32, &'a str)> {
    let mut all: Vec<(u32, &str)> = objects.to_vec();
    for (number, value) in change {
        match all.iter_mut().find(|(own, _)| own == number) {
            Some(own) => own.1 = value,
            None => all.push((*number, value)),
        }
    }
    all.retain(|(_, value)| !value.is_empty());
    all
}

/// Feeds the answers, an empty one meaning that the card has gone; gives the commands and the outcome.
pub(crate) fn run<K: Kernel>(
    kernel: Result<K, KernelOutcome>,
    answers: &[Vec<u8>],
) -> (Vec<String>, KernelOutcome) {
    let mut commands = Vec::new();
    let mut kernel = match kernel {
        Ok(kernel) => kernel,
        Err(outcome) => {
            assert!(answers.is_empty(), "answers left over");
            return (commands, outcome);
        }
    };
    let mut answers = answers.iter();
    loop {
        commands.push(hex::encode_upper(kernel.poll_capdu().unwrap()));
        assert!(kernel.poll_capdu().is_none(), "a command comes once");
        let answer = answers
            .next()
            .unwrap_or_else(|| panic!("no answer for {commands:?}"));
        let progress = if answer.is_empty() {
            Progress::Done(kernel.on_card_lost())
        } else {
            kernel.on_rapdu(answer, 20_000, NOW)
        };
        if let Progress::Done(outcome) = progress {
            assert_eq!(answers.count(), 0, "answers left over");
            return (commands, outcome);
        }
    }
}

/// An exception file with this one card.
pub(crate) fn listing(digits: &[u8]) -> Arc<ExceptionFile> {
    let salt = [0x5A; 16];
    let mark = ExceptionFile::mark(&salt, &Pan::from_digits(digits).unwrap(), None);
    Arc::new(ExceptionFile::new(&salt, [mark].into()))
}
