//! Cards for kernel 8: the channel in use, the phone that wants its owner first, and somebody between.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

mod common;

use common::{Air, CVM_LIMIT_MINOR, FLOOR_LIMIT_MINOR, Wedge, approved, field_55, online, pays, reader, tap};
use softpos_cards::{Account, CryptogramError, SoftCard, Wallet, profiles, verify_cryptogram};
use softpos_emv::{Authentication, CardOutcome, Cvm, KernelId, Message, ReaderStep};
use softpos_types::Tick;
use softpos_wire::tag;

fn card(id: &str) -> SoftCard {
    SoftCard::new(profiles().iter().find(|profile| profile.id == id).unwrap())
}

/// Everything that went over the air.
#[derive(Default)]
struct Listener(Vec<Vec<u8>>);

impl Wedge for Listener {
    fn answer(&mut self, command: &[u8], answer: Vec<u8>) -> Vec<u8> {
        self.0.extend([command.to_vec(), answer.clone()]);
        answer
    }
}

#[test]
fn the_number_never_goes_through_the_air() {
    let mut listener = Listener::default();
    let read = online(tap(
        &mut reader(500),
        &mut card("kernel8-approved"),
        &mut listener,
    ));
    assert_eq!(
        (read.kernel, read.authentication),
        (KernelId::C8, Some(Authentication::Local))
    );
    let number = hex::decode("5413339900000078").unwrap();
    assert!(listener.0.len() > 8);
    for message in &listener.0 {
        assert!(!message.windows(8).any(|eight| eight == number), "{message:02X?}");
    }
}

/// No two taps look alike: neither the point nor what is hidden behind it.
#[test]
fn a_card_is_not_known_again() {
    let mut wallet = Wallet::new();
    let card = wallet.card("kernel8-approved").unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let mut listener = Listener::default();
        online(tap(&mut reader(500), card, &mut listener));
        let options = listener
            .0
            .iter()
            .rposition(|message| message.get(1) == Some(&0xA8))
            .unwrap();
        let answer = &listener.0[options + 1];
        let at = answer
            .windows(3)
            .position(|three| three == [0x9F, 0x81, 0x03])
            .unwrap();
        seen.push(answer[at + 4..at + 68].to_vec());
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

#[test]
fn the_issuer_checks_the_code_inside_the_issuer_data() {
    let read = online(tap(&mut reader(500), &mut card("kernel8-approved"), &mut Air));
    let account = Account::of(&read.pan).unwrap();
    verify_cryptogram(&read.de55, account).unwrap();
    let iad = field_55(&read, tag::ISSUER_APPLICATION_DATA).unwrap();
    let at = read.de55.windows(iad.len()).position(|part| part == iad).unwrap();
    for changed in [2, 10, 17] {
        let mut other = read.de55.clone();
        other[at + changed] ^= 1;
        let refused = verify_cryptogram(&other, account).unwrap_err();
        assert!(matches!(
            refused,
            CryptogramError::Wrong | CryptogramError::Unknown
        ));
    }
}

#[test]
fn see_phone_then_the_second_tap() {
    let mut phone = card("kernel8-see-phone");
    let mut reader = reader(CVM_LIMIT_MINOR + 1);
    phone.present();
    let mut step = reader.card_present(Tick(0));
    while let ReaderStep::Transmit(command) = &step {
        step = reader.card_replied(&phone.transmit(command).unwrap(), common::ELAPSED_US, Tick(0));
    }
    let ReaderStep::WaitForCard(prompt) = step else {
        panic!("{step:?}");
    };
    assert_eq!(prompt.now.unwrap().message, Message::SeePhone);
    assert_eq!(prompt.field_off_ms, 1_300, "the phone notices that");
    let read = online(tap(&mut reader, &mut phone, &mut Air));
    assert_eq!(read.cvm, Cvm::OnDevice);
    verify_cryptogram(&read.de55, Account::of(&read.pan).unwrap()).unwrap();
}

/// One bit of any answer but the directory and the answer to SELECT.
struct OneBit {
    at: usize,
    bit: usize,
    seen: usize,
}

impl Wedge for OneBit {
    fn answer(&mut self, _command: &[u8], mut answer: Vec<u8>) -> Vec<u8> {
        if self.seen == self.at {
            let last = answer.len() - 3;
            let byte = (self.bit * 7) % last.max(1);
            answer[byte] ^= 1 << (self.bit % 8);
        }
        self.seen += 1;
        answer
    }
}

#[test]
fn whoever_changes_an_answer_gets_no_approval() {
    for at in 2..8 {
        for bit in [3, 10, 17, 24] {
            let mut wedge = OneBit { at, bit, seen: 0 };
            let outcome = tap_once(&mut wedge);
            let approves = matches!(outcome, Some(CardOutcome::Approved(_)));
            assert!(!approves, "answer {at}, bit {bit}");
            // What goes to the issuer all the same does not pass there, unless it is not covered by anything.
            if let Some(CardOutcome::Online(read)) = outcome
                && let Some(account) = Account::of(&read.pan)
            {
                assert!(read.authentication.is_none() || verify_cryptogram(&read.de55, account).is_ok());
            }
        }
    }
}

fn tap_once(wedge: &mut dyn Wedge) -> Option<CardOutcome> {
    let mut reader = reader(FLOOR_LIMIT_MINOR - 1);
    let mut card = card("kernel8-offline");
    card.present();
    let mut step = reader.card_present(Tick(0));
    while let ReaderStep::Transmit(command) = &step {
        let answer = wedge.answer(command, card.transmit(command).unwrap());
        step = reader.card_replied(&answer, common::ELAPSED_US, Tick(0));
    }
    match step {
        ReaderStep::Finished(outcome) => Some(outcome),
        _ => None,
    }
}

#[test]
fn a_reader_without_channels_leaves_the_card_alone() {
    let mut listener = Listener::default();
    let outcome = tap(
        &mut common::reader_without_channels(500),
        &mut card("kernel8-approved"),
        &mut listener,
    );
    assert!(!pays(&outcome));
    assert!(listener.0.iter().all(|message| message.get(1) != Some(&0xA8)));
    approved(tap(&mut reader(500), &mut card("kernel8-offline"), &mut Air));
}
