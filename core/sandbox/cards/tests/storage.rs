//! Data storage of kernel 8: envelopes that the card keeps for others, read before a payment and written after it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

mod common;

use common::{ELAPSED_US, FLOOR_LIMIT_MINOR, Wedge, approved, config, instruction, reader_of, seed, tap};
use softpos_cards::{Account, CardGone, SoftCard, Wallet, verify_cryptogram};
use softpos_emv::{CardOutcome, CardRead, KernelId, Reader, ReaderStep, Reason};
use softpos_types::Tick;
use softpos_wire::Tag;

const READ_DATA: u8 = 0x32;
const WRITE_DATA: u8 = 0x34;
const READ_STATUS: Tag = Tag::new(0x9F_821C);
const WRITE_STATUS: Tag = Tag::new(0x9F_821B);
const FIRST: Tag = Tag::new(0x9F_8111);
const SECOND: Tag = Tag::new(0x9F_8112);
const CARD: &str = "kernel8-offline";
const DONE: Option<&[u8]> = Some(&[0x80]);
const NOT_DONE: Option<&[u8]> = Some(&[0x00]);

/// Reads both envelopes and writes these.
fn reader(write: &str) -> Reader {
    reader_asking("9F81119F8112", write)
}

fn reader_asking(read: &str, write: &str) -> Reader {
    let mut config = config();
    let of_kernel = config
        .kernels
        .iter_mut()
        .find(|(kernel, _)| *kernel == KernelId::C8);
    let (_, data) = of_kernel.unwrap();
    data.set(Tag::new(0x9F_8203), &hex::decode(read).unwrap());
    data.set(Tag::new(0xBF_8104), &hex::decode(write).unwrap());
    reader_of(&config, FLOOR_LIMIT_MINOR - 1, [1, 2, 3, 4]).with_channels(seed())
}

fn paid(outcome: CardOutcome) -> Box<CardRead> {
    let read = approved(outcome);
    verify_cryptogram(&read.de55, Account::of(&read.pan).unwrap()).unwrap();
    read
}

/// Changes nothing, or one byte of the answers to one command; hears everything.
#[derive(Default)]
struct Between {
    heard: Vec<Vec<u8>>,
    changes: Option<(u8, usize)>,
}

impl Wedge for Between {
    fn answer(&mut self, command: &[u8], mut answer: Vec<u8>) -> Vec<u8> {
        self.heard.push(command.to_vec());
        match self.changes {
            Some((changed, at)) if changed == instruction(command) => answer[at] ^= 0x01,
            _ => {}
        }
        self.heard.push(answer.clone());
        answer
    }
}

/// Two envelopes, with a word that nobody but card and reader shall see.
const ENVELOPES: &str = "9F811105504F494E549F81120101";

#[test]
fn envelopes_are_read_and_written() {
    let mut wallet = Wallet::new();
    let card = wallet.card(CARD).unwrap();
    let mut between = Between::default();
    let read = paid(tap(&mut reader(ENVELOPES), card, &mut between));
    assert_eq!(read.data_object(FIRST), Some(&[][..]), "empty at first");
    assert_eq!(
        (read.data_object(READ_STATUS), read.data_object(WRITE_STATUS)),
        (DONE, DONE)
    );
    let commands: Vec<String> = between.heard.iter().step_by(2).map(hex::encode).collect();
    let begins = |start: &str| {
        commands
            .iter()
            .filter(|command| command.starts_with(start))
            .count()
    };
    assert_eq!(begins("84320000039f811100"), 1);
    assert_eq!(begins("84320000039f811200"), 1);
    assert_eq!(begins("80ae4080"), 1, "says that more follows");
    assert_eq!(
        (begins("84340080"), begins("84340000")),
        (1, 1),
        "the last one is the last"
    );
    assert!(
        !between
            .heard
            .iter()
            .any(|bytes| bytes.windows(5).any(|part| part == b"POINT"))
    );

    let read = paid(tap(&mut reader("9F811100"), card, &mut Between::default()));
    assert_eq!(read.data_object(FIRST), Some(&b"POINT"[..]));
    assert_eq!(read.data_object(SECOND), Some(&[1][..]));
    let read = paid(tap(&mut reader(""), card, &mut Between::default()));
    assert_eq!(read.data_object(FIRST), Some(&[][..]));
    assert_eq!(read.data_object(SECOND), Some(&[1][..]), "as it was");
    assert_eq!(read.data_object(WRITE_STATUS), NOT_DONE, "nothing was asked for");
}

#[test]
fn what_cannot_be_read_ends_nothing() {
    for at in [0, 5, 12] {
        let mut wallet = Wallet::new();
        let card = wallet.card(CARD).unwrap();
        paid(tap(&mut reader(ENVELOPES), card, &mut Between::default()));
        let mut between = Between {
            changes: Some((READ_DATA, at)),
            ..Between::default()
        };
        let read = paid(tap(&mut reader("9F81110141"), card, &mut between));
        assert_eq!(read.data_object(FIRST), None, "not believed");
        assert_eq!(read.data_object(READ_STATUS), NOT_DONE);
        assert_eq!(read.data_object(WRITE_STATUS), DONE, "the numbers still agree");
    }
    // A card that keeps nothing.
    let mut wallet = Wallet::new();
    let card = wallet.card(CARD).unwrap();
    let read = paid(tap(&mut reader(""), card, &mut Refuses(READ_DATA)));
    assert_eq!(
        (read.data_object(FIRST), read.data_object(READ_STATUS)),
        (None, NOT_DONE)
    );
}

/// The card's answer never arrives; a status word does. The card itself does not hear the command.
struct Refuses(u8);

impl Wedge for Refuses {
    fn command(&mut self, command: &[u8]) -> Vec<u8> {
        if instruction(command) == self.0 {
            // An instruction it does not know.
            return vec![0x84, 0xEE, 0x00, 0x00, 0x00];
        }
        command.to_vec()
    }
}

/// An envelope of another number in place of the one that was asked for: what was said before, said again.
struct Repeats(Option<Vec<u8>>);

impl Wedge for Repeats {
    fn answer(&mut self, command: &[u8], answer: Vec<u8>) -> Vec<u8> {
        if instruction(command) != READ_DATA {
            return answer;
        }
        self.0.get_or_insert(answer).clone()
    }
}

#[test]
fn an_envelope_of_before_is_no_envelope() {
    let mut wallet = Wallet::new();
    let card = wallet.card(CARD).unwrap();
    paid(tap(&mut reader(ENVELOPES), card, &mut Between::default()));
    let read = paid(tap(&mut reader(""), card, &mut Repeats(None)));
    assert_eq!(read.data_object(FIRST), Some(&b"POINT"[..]));
    assert_eq!(
        (read.data_object(SECOND), read.data_object(READ_STATUS)),
        (None, NOT_DONE)
    );
}

#[test]
fn what_cannot_be_written_leaves_the_payment_alone() {
    let mut wallet = Wallet::new();
    let card = wallet.card(CARD).unwrap();
    let read = paid(tap(&mut reader(ENVELOPES), card, &mut Refuses(WRITE_DATA)));
    assert_eq!(read.data_object(WRITE_STATUS), NOT_DONE);
    let mut wrong = Between {
        changes: Some((WRITE_DATA, 0)),
        ..Between::default()
    };
    let read = paid(tap(&mut reader(ENVELOPES), card, &mut wrong));
    assert_eq!(read.data_object(WRITE_STATUS), NOT_DONE, "confirmed wrongly");
}

/// Presents the card until this command is sent, and takes it away then.
fn leaves_at(wanted: u8, reader: &mut Reader, card: &mut SoftCard) -> ReaderStep {
    card.present();
    let mut step = reader.card_present(Tick(0));
    while let ReaderStep::Transmit(command) = &step {
        if instruction(command) == wanted {
            card.remove();
        }
        step = match card.transmit(command) {
            Ok(answer) => reader.card_replied(&answer, ELAPSED_US, Tick(0)),
            Err(CardGone) => reader.card_lost(Tick(0)),
        };
    }
    step
}

#[test]
fn a_card_that_leaves_while_it_is_written_to_has_paid() {
    let mut wallet = Wallet::new();
    let card = wallet.card(CARD).unwrap();
    let ReaderStep::Finished(outcome) = leaves_at(WRITE_DATA, &mut reader(ENVELOPES), card) else {
        panic!("asked again");
    };
    assert_eq!(paid(outcome).data_object(WRITE_STATUS), NOT_DONE);
    // Before its cryptogram it is simply presented again.
    let mut reader = reader(ENVELOPES);
    let step = leaves_at(READ_DATA, &mut reader, card);
    assert!(matches!(step, ReaderStep::WaitForCard(_)), "{step:?}");
    let read = paid(tap(&mut reader, card, &mut Between::default()));
    assert_eq!(read.data_object(WRITE_STATUS), DONE);
}

#[test]
fn a_wrong_configuration_is_named() {
    let mut wallet = Wallet::new();
    let card = wallet.card(CARD).unwrap();
    for (read, write, wrong) in [("5A", "", 0x9F_8203), ("", "5A0101", 0xBF_8104)] {
        let outcome = tap(&mut reader_asking(read, write), card, &mut Between::default());
        let reason = Reason::TerminalDataMissing(Tag::new(wrong));
        assert!(
            matches!(&outcome, CardOutcome::EndApplication(stopped) if stopped.reason == reason),
            "{outcome:?}"
        );
    }
}
