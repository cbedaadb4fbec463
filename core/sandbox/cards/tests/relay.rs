//! Relay resistance: how late answers look, and that numbers and times of the exchange are what the card signed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

mod common;

use common::{Air, Wedge, approved, field_55, instruction, online, reader, tap};
use softpos_cards::{Fault, FaultKind, Wallet};
use softpos_emv::{Authentication, CardOutcome, Reason};
use softpos_wire::tag;

const EXCHANGE_RELAY: u8 = 0xEA;
/// Cards that take part: kernel 2 and kernel 8.
const CARDS: [&str; 2] = ["mastercard-offline", "kernel8-offline"];

/// Answers that take the way over another phone and a network: late, every one of them.
#[test]
fn relayed_answers_are_noticed_and_nothing_is_approved_offline() {
    for id in CARDS {
        let mut wallet = Wallet::new();
        let near = online(tap(&mut reader(20_000), wallet.card(id).unwrap(), &mut Air));
        assert_eq!(
            field_55(&near, tag::TVR).unwrap()[4] & 0x0F,
            0x02,
            "{id}: measured, in time"
        );
        let card = wallet.card(id).unwrap();
        for at in 4..=6 {
            let kind = FaultKind::Slow { delay_us: 150_000 };
            card.script(Fault { at, kind });
        }
        let far = online(tap(&mut reader(500), card, &mut Air));
        assert_eq!(
            field_55(&far, tag::TVR).unwrap()[4] & 0x04,
            0x04,
            "{id}: the issuer learns that the answers came late"
        );
    }
}

/// Late once, then in time: the exchange that counted is the one that was signed.
#[test]
fn the_last_exchange_is_the_signed_one() {
    for id in CARDS {
        let mut wallet = Wallet::new();
        let card = wallet.card(id).unwrap();
        let kind = FaultKind::Slow { delay_us: 150_000 };
        card.script(Fault { at: 4, kind });
        let mut exchanges = Exchanges(0);
        let read = approved(tap(&mut reader(500), card, &mut exchanges));
        assert_eq!(exchanges.0, 2, "{id}");
        assert!(read.authentication.is_some(), "{id}");
        assert_eq!(read.data_object(tag::TVR).unwrap()[4] & 0x0F, 0x02, "{id}");
        assert_eq!(
            read.data_object(tag::UNPREDICTABLE_NUMBER),
            Some(&[1, 6, 1, 6][..]),
            "{id}: the number of the second exchange"
        );
    }
}

struct Exchanges(usize);

impl Wedge for Exchanges {
    fn command(&mut self, command: &[u8]) -> Vec<u8> {
        self.0 += usize::from(instruction(command) == EXCHANGE_RELAY);
        command.to_vec()
    }
}

/// Changes one byte of the exchange: of the reader's number on its way to the card, or of the answer (entropy 4,
/// minimum 2, maximum 2, estimate 2, behind tag and length).
enum Changes {
    Number(usize),
    Answer(usize),
}

impl Wedge for Changes {
    fn command(&mut self, command: &[u8]) -> Vec<u8> {
        let mut command = command.to_vec();
        match self {
            Self::Number(at) if instruction(&command) == EXCHANGE_RELAY => command[5 + *at] ^= 0x01,
            _ => {}
        }
        command
    }

    fn answer(&mut self, command: &[u8], mut answer: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Answer(at) if instruction(command) == EXCHANGE_RELAY => answer[2 + *at] ^= 0x01,
            _ => {}
        }
        answer
    }
}

/// Whoever answers the exchange from nearby does not have what the card far away signs.
#[test]
fn numbers_and_times_of_the_exchange_are_those_the_card_signed() {
    let genuine = |id: &str, amount| {
        let mut wallet = Wallet::new();
        tap(&mut reader(amount), wallet.card(id).unwrap(), &mut Air)
    };
    let changed = |id: &str, amount, mut change| {
        let mut wallet = Wallet::new();
        tap(&mut reader(amount), wallet.card(id).unwrap(), &mut change)
    };
    for (id, reason, l2) in [
        ("mastercard-offline", Reason::NotAuthenticated, 0x02),
        ("kernel8-offline", Reason::MacDiffers, 0x13),
    ] {
        // Approved by the card, and asked of the issuer.
        let read = approved(genuine(id, 500));
        let local = (id == "kernel8-offline").then_some(Authentication::Local);
        assert_eq!(read.authentication, local.or(Some(Authentication::Combined)));
        online(genuine(id, 20_000));
        for amount in [500, 20_000] {
            // The times stay within what passes: what tells is the signature. Bytes 4 and 6 are high bytes of times.
            let changes = [0, 1, 2, 3]
                .map(Changes::Number)
                .into_iter()
                .chain([0, 1, 2, 3, 5, 7, 9].map(Changes::Answer));
            for change in changes {
                let outcome = changed(id, amount, change);
                assert!(
                    matches!(&outcome, CardOutcome::EndApplication(stopped)
                        if stopped.reason == reason && stopped.error.l2 == l2),
                    "{id}: {outcome:?}"
                );
            }
        }
    }
}
