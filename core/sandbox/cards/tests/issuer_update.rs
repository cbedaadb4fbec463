//! JCB cards that want their issuer's answer: in the field all the while, or presented a second time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

mod common;

use common::{Air, FLOOR_LIMIT_MINOR, Wedge, approved, field_55, instruction, online, reader, tap};
use softpos_cards::{
    Account, CardGone, CryptogramKind, Fault, FaultKind, IssuerUpdate, SoftCard, Wallet, issuer_answer,
    issuer_script, verify_cryptogram,
};
use softpos_emv::{CardOutcome, CardRead, IssuerAnswer, Presentment, Reader, ReaderStep, Reason};
use softpos_types::Tick;
use softpos_wire::tlv::TlvWriter;
use softpos_wire::{Tag, tag};

const SCRIPT_RESULTS: Tag = Tag::new(0x9F5B);
const GENERATE_AC: u8 = 0xAE;
const ECHO: u8 = 0xDF;
const SELECT: u8 = 0xA4;
const PUT_DATA: u8 = 0xDA;

/// What went over the air.
#[derive(Default)]
struct Commands(Vec<u8>);

impl Wedge for Commands {
    fn command(&mut self, command: &[u8]) -> Vec<u8> {
        self.0.push(instruction(command));
        command.to_vec()
    }
}

/// The issuer's side: checks the cryptogram and answers it, with a value to be written before and one after.
fn answer_to(read: &CardRead, code: &str, forge: &dyn Fn(&mut Vec<u8>)) -> IssuerAnswer {
    let account = Account::of(&read.pan).unwrap();
    let verified = verify_cryptogram(&read.de55, account).unwrap();
    let script = |value: &[u8]| issuer_script(account, verified, value).unwrap();
    let mut proof = issuer_answer(account, verified, code).unwrap();
    forge(&mut proof);
    let mut data = TlvWriter::new();
    data.put(Tag::new(0x8A), code.as_bytes())
        .put(Tag::new(0x91), &proof);
    for (template, identifier, value) in [(0x71, 1_u8, b"before"), (0x72, 2, b"after ")] {
        data.template(Tag::new(template), |inner| {
            inner
                .put(Tag::new(0x9F18), &[0, 0, 0, identifier])
                .put(Tag::new(0x86), &script(value));
        });
    }
    IssuerAnswer::new(code == "00", &data.into_vec()).unwrap()
}

fn honest(_: &mut Vec<u8>) {}

/// A payment above the floor limit that went online, its card still in the field or gone.
fn asked(card: &mut SoftCard, how: IssuerUpdate) -> (Reader, Box<CardRead>) {
    card.script_issuer_update(how);
    let mut reader = reader_taking_updates();
    card.present();
    let step = reader.card_present(Tick(0));
    let read = online(finished(&mut reader, card, step, &mut Air));
    if how == IssuerUpdate::Again {
        card.remove();
    }
    (reader, read)
}

fn reader_taking_updates() -> Reader {
    let mut config = common::config();
    for (_, data) in &mut config.kernels {
        if data.value(Tag::new(0x9F53)).is_some() {
            data.set(Tag::new(0x9F53), &[0x30, 0x80, 0x00]);
        }
    }
    common::reader_of(&config, FLOOR_LIMIT_MINOR + 1, [1, 2, 3, 4]).with_issuer_updates()
}

/// Carries commands to the card until the reader has ended.
fn finished(
    reader: &mut Reader,
    card: &mut SoftCard,
    mut step: ReaderStep,
    wedge: &mut dyn Wedge,
) -> CardOutcome {
    loop {
        step = match step {
            ReaderStep::Transmit(command) => match card.transmit(&wedge.command(&command)) {
                Ok(answer) => {
                    let answer = wedge.answer(&command, answer);
                    reader.card_replied(&answer, common::ELAPSED_US, Tick(0))
                }
                Err(CardGone) => reader.card_lost(Tick(0)),
            },
            ReaderStep::Finished(outcome) => return outcome,
            other => panic!("{other:?}"),
        };
    }
}

/// Takes the answer to the card, which is presented again if the reader says so.
fn told(
    reader: &mut Reader,
    card: &mut SoftCard,
    (read, answer): (Box<CardRead>, IssuerAnswer),
    wedge: &mut dyn Wedge,
) -> CardOutcome {
    let mut step = reader.issuer_answered(read, answer, Tick(0));
    if matches!(step, ReaderStep::WaitForCard(_)) {
        card.present();
        step = reader.card_present(Tick(0));
    }
    finished(reader, card, step, wedge)
}

fn second_kind(read: &CardRead) -> u8 {
    field_55(read, tag::CRYPTOGRAM_INFORMATION).unwrap()[0]
}

#[test]
fn two_presentments() {
    an_answer_reaches_its_card(IssuerUpdate::Again, &[SELECT, PUT_DATA, GENERATE_AC, PUT_DATA]);
}

#[test]
fn present_and_hold() {
    an_answer_reaches_its_card(IssuerUpdate::Held, &[PUT_DATA, GENERATE_AC, PUT_DATA]);
}

fn an_answer_reaches_its_card(how: IssuerUpdate, commands: &[u8]) {
    for code in ["00", "05"] {
        let mut wallet = Wallet::new();
        let card = wallet.card("jcb-approved").unwrap();
        let (mut reader, read) = asked(card, how);
        let wanted = match how {
            IssuerUpdate::Held => Presentment::Held,
            IssuerUpdate::Again => Presentment::Again,
        };
        assert_eq!(read.issuer_update, Some(wanted));
        let first = field_55(&read, tag::CRYPTOGRAM).unwrap().to_vec();
        let counter = card.atc();
        let answer = answer_to(&read, code, &honest);
        let mut sent = Commands::default();
        let outcome = told(&mut reader, card, (read, answer), &mut sent);
        assert_eq!(sent.0, commands);
        let read = match (code, outcome) {
            ("00", CardOutcome::Approved(read)) => read,
            ("05", CardOutcome::Declined(stopped)) => {
                assert_eq!(stopped.reason, Reason::CardDeclined);
                stopped.read.unwrap()
            }
            (_, other) => panic!("{code}: {other:?}"),
        };
        assert_eq!(second_kind(&read), if code == "00" { 0x40 } else { 0x00 });
        assert_eq!(
            field_55(&read, SCRIPT_RESULTS),
            Some(&[0x20, 0, 0, 0, 1, 0x20, 0, 0, 0, 2][..])
        );
        assert_eq!(card.written_by_issuer(), Some(&b"after "[..]));
        assert_eq!(card.atc(), counter, "one payment");
        let account = Account::of(&read.pan).unwrap();
        let second = verify_cryptogram(&read.de55, account).unwrap();
        assert_ne!(second.cryptogram[..], first[..]);
        assert_eq!(
            second.kind,
            if code == "00" {
                CryptogramKind::Approved
            } else {
                CryptogramKind::Declined
            }
        );
        assert_eq!(read.issuer_update, None, "once");
    }
}

#[test]
fn a_reader_that_does_not_bring_answers_back_is_not_asked_to() {
    let mut wallet = Wallet::new();
    let card = wallet.card("jcb-approved").unwrap();
    card.script_issuer_update(IssuerUpdate::Again);
    let mut reader = reader(FLOOR_LIMIT_MINOR + 1);
    let read = online(tap(&mut reader, card, &mut Air));
    assert_eq!(read.issuer_update, None);
    let answer = answer_to(&read, "00", &honest);
    assert!(matches!(
        reader.issuer_answered(read, answer, Tick(0)),
        ReaderStep::Ignored
    ));
}

/// The host says yes, but what it says did not come from the issuer: the card declines.
#[test]
fn an_answer_that_the_issuer_did_not_give() {
    for how in [IssuerUpdate::Held, IssuerUpdate::Again] {
        let mut wallet = Wallet::new();
        let card = wallet.card("jcb-approved").unwrap();
        let (mut reader, read) = asked(card, how);
        let answer = answer_to(&read, "00", &|proof| proof[0] ^= 1);
        match told(&mut reader, card, (read, answer), &mut Air) {
            CardOutcome::Declined(stopped) => assert_eq!(stopped.reason, Reason::CardDeclined),
            other => panic!("{other:?}"),
        }
    }
}

/// Somebody changes the issuer's command on its way.
struct Changes;

impl Wedge for Changes {
    fn command(&mut self, command: &[u8]) -> Vec<u8> {
        let mut command = command.to_vec();
        if instruction(&command) == PUT_DATA {
            command[5] ^= 1;
        }
        command
    }
}

#[test]
fn a_changed_command_is_refused_and_told() {
    let mut wallet = Wallet::new();
    let card = wallet.card("jcb-approved").unwrap();
    let (mut reader, read) = asked(card, IssuerUpdate::Again);
    let answer = answer_to(&read, "00", &honest);
    let read = approved(told(&mut reader, card, (read, answer), &mut Changes));
    assert_eq!(card.written_by_issuer(), None);
    assert_eq!(
        field_55(&read, SCRIPT_RESULTS),
        Some(&[0x11, 0, 0, 0, 1, 0x11, 0, 0, 0, 2][..])
    );
    assert_eq!(field_55(&read, tag::TVR).unwrap()[4], 0x30);
}

/// Another JCB card is presented the second time, then one of another scheme: no cryptogram of theirs counts.
#[test]
fn another_card_or_a_stranger_gets_nothing() {
    for (other, reason) in [
        ("jcb-offline", Reason::CommandRefused(0x6985)),
        ("visa-approved", Reason::NoApplication),
    ] {
        let mut wallet = Wallet::new();
        let (mut reader, read) = asked(wallet.card("jcb-approved").unwrap(), IssuerUpdate::Again);
        let answer = answer_to(&read, "00", &honest);
        let other = wallet.card(other).unwrap();
        match told(&mut reader, other, (read, answer), &mut Air) {
            CardOutcome::EndApplication(stopped) => {
                assert_eq!(stopped.reason, reason);
                let read = stopped.read.unwrap();
                assert_eq!(second_kind(&read), 0x80, "the first cryptogram stands");
            }
            outcome => panic!("{outcome:?}"),
        }
        assert_eq!((other.atc(), other.written_by_issuer()), (0, None));
    }
}

#[test]
fn pulled_away_at_any_command() {
    // Held cards go on counting; the others begin anew with their selection.
    for (how, before) in [
        (IssuerUpdate::Held, commands_of_a_tap()),
        (IssuerUpdate::Again, 1),
    ] {
        for at in 1..=3 {
            let mut wallet = Wallet::new();
            let card = wallet.card("jcb-approved").unwrap();
            let (mut reader, read) = asked(card, how);
            let answer = answer_to(&read, "00", &honest);
            card.script(Fault {
                at: u8::try_from(before + at).unwrap(),
                kind: FaultKind::Pulled,
            });
            match told(&mut reader, card, (read, answer), &mut Air) {
                CardOutcome::EndApplication(stopped) => {
                    assert_eq!(stopped.reason, Reason::Torn, "{how:?} {at}");
                    assert!(stopped.read.is_some());
                }
                outcome => panic!("{how:?} {at}: {outcome:?}"),
            }
            assert!(card.faults_left().is_empty());
        }
    }
}

/// The first tap is cut after the card has made its cryptogram: ECHO brings it, and the answer goes to the payment of
/// then.
#[test]
fn a_cut_tap_is_echoed_and_its_answer_told() {
    for how in [IssuerUpdate::Held, IssuerUpdate::Again] {
        let mut wallet = Wallet::new();
        let card = wallet.card("jcb-approved").unwrap();
        card.script_issuer_update(how);
        card.script(Fault {
            at: u8::try_from(commands_of_a_tap()).unwrap(),
            kind: FaultKind::Pulled,
        });
        let mut reader = reader_taking_updates();
        card.present();
        let mut step = reader.card_present(Tick(0));
        while let ReaderStep::Transmit(command) = &step {
            step = match card.transmit(command) {
                Ok(answer) => reader.card_replied(&answer, common::ELAPSED_US, Tick(0)),
                Err(CardGone) => reader.card_lost(Tick(0)),
            };
        }
        assert!(matches!(step, ReaderStep::WaitForCard(_)), "{step:?}");
        let counter = card.atc();
        card.present();
        let step = reader.card_present(Tick(0));
        let mut sent = Commands::default();
        let read = online(finished(&mut reader, card, step, &mut sent));
        assert_eq!(sent.0.last(), Some(&ECHO));
        if how == IssuerUpdate::Again {
            card.remove();
        }
        let answer = answer_to(&read, "00", &honest);
        let read = approved(told(&mut reader, card, (read, answer), &mut Air));
        assert_eq!(read.receipt.as_ref().unwrap().atc, counter.to_be_bytes());
        assert_eq!(second_kind(&read), 0x40);
        assert_eq!(card.written_by_issuer(), Some(&b"after "[..]));
    }
}

fn commands_of_a_tap() -> usize {
    let mut wallet = Wallet::new();
    let card = wallet.card("jcb-approved").unwrap();
    card.script_issuer_update(IssuerUpdate::Held);
    let mut sent = Commands::default();
    online(tap(&mut reader_taking_updates(), card, &mut sent));
    sent.0.len()
}
