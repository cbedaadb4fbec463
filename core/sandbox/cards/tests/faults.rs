//! Every way of misbehaving, at every command, by a card of every scheme.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

mod common;

use common::{Air, FLOOR_LIMIT_MINOR, SCHEMES, Wedge, approved, pays, reader, tap};
use softpos_cards::{Account, Fault, FaultKind, Presence, Wallet, verify_cryptogram};
use softpos_emv::{CardOutcome, Message, ReaderStep, Reason};
use softpos_types::Tick;
use softpos_wire::tag;

/// The card may approve it by itself.
const SMALL_MINOR: i64 = FLOOR_LIMIT_MINOR - 1;

/// How many commands an undisturbed tap of this card takes.
struct Counts(u8);

impl Wedge for Counts {
    fn command(&mut self, command: &[u8]) -> Vec<u8> {
        self.0 += 1;
        command.to_vec()
    }
}

fn commands(id: &str) -> u8 {
    let mut wallet = Wallet::new();
    let mut counts = Counts(0);
    approved(tap(
        &mut reader(SMALL_MINOR),
        wallet.card(id).unwrap(),
        &mut counts,
    ));
    counts.0
}

/// One tap for each scheme and command, with this fault there.
fn at_every_command(kind: FaultKind, mut check: impl FnMut(&str, u8, CardOutcome)) {
    for scheme in SCHEMES {
        let id = format!("{scheme}-offline");
        for at in 1..=commands(&id) {
            let mut wallet = Wallet::new();
            let card = wallet.card(&id).unwrap();
            card.script(Fault { at, kind });
            let outcome = tap(&mut reader(SMALL_MINOR), card, &mut Air);
            assert!(card.faults_left().is_empty(), "{scheme}: {at}");
            check(scheme, at, outcome);
        }
    }
}

#[test]
fn a_wrong_length_pays_nothing() {
    at_every_command(FaultKind::CutShort, |scheme, at, outcome| {
        assert!(!pays(&outcome), "{scheme}: command {at}: {outcome:?}");
    });
}

#[test]
fn a_refused_command_pays_nothing() {
    at_every_command(FaultKind::StatusWord(0x6F00), |scheme, at, outcome| {
        assert!(!pays(&outcome), "{scheme}: command {at}: {outcome:?}");
    });
}

#[test]
fn an_answer_that_is_no_answer_pays_nothing() {
    for answer in [&[][..], &[0x90], &[0x90, 0x00], &[0x77, 0x7F, 0x90, 0x00]] {
        // Without a status word it counts as a card that has left, and may come back.
        let whole = answer.len() > 1;
        at_every_command(FaultKind::Answer(answer), |scheme, at, outcome| {
            let back = !whole && matches!(outcome, CardOutcome::Approved(_) | CardOutcome::Online(_));
            assert!(!pays(&outcome) || back, "{scheme}: command {at}: {outcome:?}");
        });
    }
}

/// Pulled away and held to the reader again: paid once, or told that it may have been debited.
#[test]
fn pulled_away_at_any_command() {
    let mut torn = Vec::new();
    at_every_command(FaultKind::Pulled, |scheme, at, outcome| match outcome {
        CardOutcome::Approved(read) => {
            verify_cryptogram(&read.de55, Account::of(&read.pan).unwrap()).unwrap();
        }
        CardOutcome::EndApplication(stopped) if stopped.reason == Reason::Torn => {
            torn.push((scheme.to_owned(), at));
        }
        other => panic!("{scheme}: command {at}: {other:?}"),
    });
    let schemes: Vec<&str> = torn.iter().map(|(scheme, _)| scheme.as_str()).collect();
    assert_eq!(
        schemes,
        ["unionpay", "kernel8"],
        "only these say nothing about a cryptogram that may have been made, and only at the last command"
    );
    for (scheme, at) in torn {
        assert_eq!(at, commands(&format!("{scheme}-offline")), "{scheme}");
    }
}

/// Slow, but within the time: nothing changes but what relay resistance says.
#[test]
fn slow_answers_are_waited_for() {
    let kind = FaultKind::Slow { delay_us: 300_000 };
    at_every_command(kind, |scheme, at, outcome| {
        let read = approved(outcome);
        let late = read.data_object(tag::TVR).map_or(0, |tvr| tvr[4] & 0x0C);
        assert_eq!(late, 0, "{scheme}: command {at}: the exchange is tried again");
    });
}

/// Two cards at once, then one.
#[test]
fn two_cards_of_any_scheme() {
    for scheme in SCHEMES {
        let mut wallet = Wallet::new();
        let card = wallet.card(&format!("{scheme}-offline")).unwrap();
        card.script_collisions(2);
        let mut reader = reader(SMALL_MINOR);
        for _ in 0..2 {
            assert_eq!(card.present(), Presence::Collision);
            let ReaderStep::WaitForCard(prompt) = reader.collision(Tick(0)) else {
                panic!("{scheme}: no prompt");
            };
            assert_eq!(prompt.now.unwrap().message, Message::OneCardOnly, "{scheme}");
        }
        approved(tap(&mut reader, card, &mut Air));
    }
}
