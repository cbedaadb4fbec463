//! Taps that are cut while the card makes its cryptogram: the reader asks the same card for it again, and nothing is
//! counted twice.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

mod common;

use common::{Air, FLOOR_LIMIT_MINOR, Wedge, approved, instruction, online, reader_with_numbers, tap};
use softpos_cards::{Account, CryptogramKind, SoftCard, Wallet, verify_cryptogram};
use softpos_emv::{Authentication, CardRead, Reader, ReaderStep, TornLog};
use softpos_types::Tick;
use softpos_wire::tag;

const GENERATE_AC: u8 = 0xAE;
const RECOVER_AC: u8 = 0xD0;
const ECHO: u8 = 0xDF;
/// Numbers of two payments.
const FIRST: [u8; 4] = [1, 2, 3, 4];
const SECOND: [u8; 4] = [11, 12, 13, 14];

/// Which commands of interest went over the air.
#[derive(Default)]
struct Commands(Vec<u8>);

impl Wedge for Commands {
    fn command(&mut self, command: &[u8]) -> Vec<u8> {
        if [GENERATE_AC, RECOVER_AC, ECHO].contains(&instruction(command)) {
            self.0.push(instruction(command));
        }
        command.to_vec()
    }
}

/// Takes the card away before its cryptogram arrives; `made` says whether the card got as far as making it.
fn cut(reader: &mut Reader, card: &mut SoftCard, made: bool) {
    card.present();
    let mut step = reader.card_present(Tick(0));
    loop {
        let ReaderStep::Transmit(command) = &step else {
            panic!("{step:?}");
        };
        if instruction(command) == GENERATE_AC {
            if made {
                card.transmit(command).unwrap();
            }
            break;
        }
        let answer = card.transmit(command).unwrap();
        step = reader.card_replied(&answer, common::ELAPSED_US, Tick(0));
    }
    card.remove();
    let step = reader.card_lost(Tick(0));
    assert!(matches!(step, ReaderStep::WaitForCard(_)), "{step:?}");
}

/// A cut payment and the log of its reader.
fn cut_payment(card: &mut SoftCard, amount_minor: i64, made: bool) -> TornLog {
    let mut reader = reader_with_numbers(amount_minor, FIRST);
    cut(&mut reader, card, made);
    reader.take_torn_log()
}

fn verified(read: &CardRead) -> CryptogramKind {
    let account = Account::of(&read.pan).unwrap();
    verify_cryptogram(&read.de55, account).unwrap().kind
}

#[test]
fn a_cut_mastercard_tap_is_recovered_with_the_counter_of_then() {
    the_same_cryptogram("mastercard-offline", RECOVER_AC);
}

#[test]
fn a_cut_jcb_tap_is_echoed() {
    the_same_cryptogram("jcb-offline", ECHO);
}

/// In the next presentation of one payment and in the next payment; approved by the card and asked of the issuer.
fn the_same_cryptogram(id: &str, asks: u8) {
    for amount_minor in [FLOOR_LIMIT_MINOR - 1, FLOOR_LIMIT_MINOR + 1] {
        for next_payment in [false, true] {
            let mut wallet = Wallet::new();
            let card = wallet.card(id).unwrap();
            let mut reader = reader_with_numbers(amount_minor, FIRST);
            cut(&mut reader, card, true);
            let counter = card.atc();
            if next_payment {
                let log = reader.take_torn_log();
                reader = reader_with_numbers(amount_minor, SECOND).with_torn_log(log);
            }
            let mut commands = Commands::default();
            let outcome = tap(&mut reader, card, &mut commands);
            assert_eq!(commands.0, [asks], "no second cryptogram is made");
            let (read, kind) = if amount_minor < FLOOR_LIMIT_MINOR {
                (approved(outcome), CryptogramKind::Approved)
            } else {
                (online(outcome), CryptogramKind::AsksIssuer)
            };
            assert_eq!(read.authentication, Some(Authentication::Combined));
            let receipt = read.receipt.as_ref().unwrap();
            assert_eq!(receipt.atc, counter.to_be_bytes(), "the counter of then");
            assert_eq!(receipt.un, [1, 5, 1, 5], "the number of then");
            assert_eq!(verified(&read), kind, "and the issuer finds it in order");
            assert_eq!(format!("{:?}", reader.take_torn_log()), "TornLog(0)");
        }
    }
}

#[test]
fn a_card_that_did_not_get_as_far_makes_its_first_cryptogram() {
    for (id, asks) in [("mastercard-offline", RECOVER_AC), ("jcb-offline", ECHO)] {
        let mut wallet = Wallet::new();
        let card = wallet.card(id).unwrap();
        let log = cut_payment(card, 500, false);
        let mut reader = reader_with_numbers(500, SECOND).with_torn_log(log);
        let mut commands = Commands::default();
        let read = approved(tap(&mut reader, card, &mut commands));
        assert_eq!(commands.0, [asks, GENERATE_AC], "{id}");
        let receipt = read.receipt.as_ref().unwrap();
        assert_eq!(receipt.atc, card.atc().to_be_bytes());
        assert_eq!(receipt.un, [11, 5, 11, 5]);
        assert_eq!(verified(&read), CryptogramKind::Approved);
    }
}

/// Cut off over a small amount on purpose, back for a large one.
#[test]
fn a_cryptogram_over_another_amount_is_not_asked_for() {
    for id in ["mastercard-offline", "jcb-offline"] {
        let mut wallet = Wallet::new();
        let card = wallet.card(id).unwrap();
        let log = cut_payment(card, 100, true);
        let mut reader = reader_with_numbers(9_000, SECOND).with_torn_log(log);
        let mut commands = Commands::default();
        let read = approved(tap(&mut reader, card, &mut commands));
        assert_eq!(commands.0, [GENERATE_AC], "{id}");
        assert_eq!(
            read.data_object(tag::AMOUNT_AUTHORISED),
            Some(&[0, 0, 0, 0, 0x90, 0][..])
        );
        assert_eq!(verified(&read), CryptogramKind::Approved);
    }
}

/// Another card of the same scheme comes: it is not asked for what it never made.
#[test]
fn another_card_is_not_asked_for_the_cut_cryptogram() {
    for (id, other) in [
        ("mastercard-offline", "mastercard-approved"),
        ("jcb-offline", "jcb-approved"),
    ] {
        let mut wallet = Wallet::new();
        let log = cut_payment(wallet.card(id).unwrap(), 500, true);
        let mut reader = reader_with_numbers(500, SECOND).with_torn_log(log);
        let mut commands = Commands::default();
        let read = online(tap(&mut reader, wallet.card(other).unwrap(), &mut commands));
        assert_eq!(commands.0, [GENERATE_AC], "{id}");
        assert_eq!(verified(&read), CryptogramKind::AsksIssuer);
        assert_eq!(
            format!("{:?}", reader.take_torn_log()),
            "TornLog(1)",
            "still kept for its card"
        );
    }
}

/// The answer to RECOVER AC or ECHO belongs to the payment of then in every bit that is signed.
struct Changes;

impl Wedge for Changes {
    fn answer(&mut self, command: &[u8], mut answer: Vec<u8>) -> Vec<u8> {
        if [RECOVER_AC, ECHO].contains(&instruction(command)) {
            let at = answer.len() - 3;
            answer[at] ^= 1;
        }
        answer
    }
}

#[test]
fn a_recovered_cryptogram_with_a_wrong_signature_approves_nothing() {
    for id in ["mastercard-offline", "jcb-offline"] {
        let mut wallet = Wallet::new();
        let card = wallet.card(id).unwrap();
        let log = cut_payment(card, 500, true);
        let mut reader = reader_with_numbers(500, SECOND).with_torn_log(log);
        let outcome = tap(&mut reader, card, &mut Changes);
        assert!(!common::pays(&outcome), "{id}: {outcome:?}");
    }
}

/// Cards of the other schemes know neither command, and a payment of theirs that was cut is simply made anew.
#[test]
fn other_cards_are_presented_again() {
    for id in ["amex-offline", "kernel8-offline"] {
        let mut wallet = Wallet::new();
        let card = wallet.card(id).unwrap();
        card.present();
        for command in ["80D000000401050105", "80DF000000"] {
            let answer = card.transmit(&hex::decode(command).unwrap()).unwrap();
            assert_eq!(hex::encode(answer), "6985", "{id}");
        }
        card.remove();
        let log = if id == "amex-offline" {
            cut_payment(card, 500, true)
        } else {
            TornLog::default()
        };
        assert_eq!(format!("{log:?}"), "TornLog(0)", "{id}");
        let mut reader = reader_with_numbers(500, SECOND).with_channels(common::seed());
        approved(tap(&mut reader, card, &mut Air));
    }
}
