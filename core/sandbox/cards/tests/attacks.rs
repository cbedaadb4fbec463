//! Somebody between card and reader: the published attacks on contactless payments, each tried with our cards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

mod common;

use common::{
    AMOUNT, Air, CVM_LIMIT_MINOR, Wedge, field_55, instruction, online, pays, reader, tap, with_more,
    with_object,
};
use softpos_cards::{Fault, FaultKind, Wallet};
use softpos_emv::{CardOutcome, Cvm, Reason};
use softpos_wire::{Tag, tag};

const GET_PROCESSING_OPTIONS: u8 = 0xA8;
const READ_RECORD: u8 = 0xB2;
const ABOVE_MINOR: i64 = CVM_LIMIT_MINOR + 1;

/// A stolen plastic card above the limit without PIN: the card is told that no verification is required, the reader
/// that the device has verified its owner.
struct ClaimsVerification {
    /// Also takes away the signed copy of the claim.
    strips: bool,
}

impl Wedge for ClaimsVerification {
    fn command(&mut self, command: &[u8]) -> Vec<u8> {
        let mut command = command.to_vec();
        if instruction(&command) == GET_PROCESSING_OPTIONS {
            // 83, length, then 9F66: byte 2 bit 7 asks for verification.
            command[8] &= !0x40;
        }
        command
    }

    fn answer(&mut self, command: &[u8], answer: Vec<u8>) -> Vec<u8> {
        match instruction(command) {
            GET_PROCESSING_OPTIONS => {
                let claimed = with_object(&answer, tag::CTQ, &|_| Some(vec![0x00, 0x80]));
                if self.strips {
                    with_object(&claimed, tag::AFL, &|_| Some(vec![0x10, 0x01, 0x01, 0x01]))
                } else {
                    claimed
                }
            }
            _ => answer,
        }
    }
}

#[test]
fn a_claimed_verification_above_the_limit_counts_for_nothing() {
    for strips in [false, true] {
        let mut wallet = Wallet::new();
        let card = wallet.card("visa-approved").unwrap();
        let outcome = tap(&mut reader(ABOVE_MINOR), card, &mut ClaimsVerification { strips });
        assert!(!pays(&outcome), "strips {strips}: {outcome:?}");
    }
    // The same claim by a phone that signs it is good.
    let mut wallet = Wallet::new();
    let read = online(tap(
        &mut reader(ABOVE_MINOR),
        wallet.card("visa-phone").unwrap(),
        &mut Air,
    ));
    assert_eq!(read.cvm, Cvm::OnDevice);
}

/// Shows a card of one scheme as one of another: the names of the applications are not authenticated.
struct Renames {
    true_name: &'static [u8],
    shown_name: &'static [u8],
}

impl Wedge for Renames {
    fn command(&mut self, command: &[u8]) -> Vec<u8> {
        replaced(command, self.shown_name, self.true_name)
    }

    fn answer(&mut self, _: &[u8], answer: Vec<u8>) -> Vec<u8> {
        replaced(&answer, self.true_name, self.shown_name)
    }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    if let Some(at) = bytes.windows(from.len()).position(|window| window == from) {
        bytes[at..at + from.len()].copy_from_slice(to);
    }
    bytes
}

#[test]
fn a_card_of_one_brand_cannot_pay_as_another() {
    const VISA: &[u8] = &[0xA0, 0, 0, 0, 0x03, 0x10, 0x10];
    const MASTERCARD: &[u8] = &[0xA0, 0, 0, 0, 0x04, 0x10, 0x10];
    const JCB: &[u8] = &[0xA0, 0, 0, 0, 0x65, 0x10, 0x10];
    for (card, true_name, shown_name) in [
        ("mastercard-approved", MASTERCARD, VISA),
        ("visa-approved", VISA, MASTERCARD),
        ("jcb-approved", JCB, MASTERCARD),
        ("mastercard-approved", MASTERCARD, JCB),
    ] {
        let mut wallet = Wallet::new();
        let mut wedge = Renames {
            true_name,
            shown_name,
        };
        let outcome = tap(&mut reader(500), wallet.card(card).unwrap(), &mut wedge);
        assert!(!pays(&outcome), "{card}: {outcome:?}");
    }
}

/// The published mix-up in full: a card number of one scheme in the other's own words.
struct ForeignNumber;

impl Wedge for ForeignNumber {
    fn answer(&mut self, _: &[u8], answer: Vec<u8>) -> Vec<u8> {
        let foreign = |value: &[u8]| Some([&[0x54, 0x13], &value[2..]].concat());
        let answer = with_object(&answer, tag::TRACK_2, &foreign);
        with_object(&answer, tag::PAN, &foreign)
    }
}

#[test]
fn a_number_of_another_brand_is_refused() {
    let mut wallet = Wallet::new();
    let outcome = tap(
        &mut reader(500),
        wallet.card("visa-approved").unwrap(),
        &mut ForeignNumber,
    );
    assert!(
        matches!(&outcome, CardOutcome::EndApplication(stopped) if stopped.reason == Reason::BrandConflict),
        "{outcome:?}"
    );
}

/// Answers that take the way over another phone and a network: late, every one of them.
#[test]
fn relayed_answers_are_noticed_and_nothing_is_approved_offline() {
    let mut wallet = Wallet::new();
    let near = online(tap(
        &mut reader(20_000),
        wallet.card("mastercard-offline").unwrap(),
        &mut Air,
    ));
    assert_eq!(
        field_55(&near, tag::TVR).unwrap()[4] & 0x0F,
        0x02,
        "measured, in time"
    );
    let card = wallet.card("mastercard-offline").unwrap();
    for at in 4..=6 {
        let kind = FaultKind::Slow { delay_us: 150_000 };
        card.script(Fault { at, kind });
    }
    let far = online(tap(&mut reader(500), card, &mut Air));
    assert_eq!(
        field_55(&far, tag::TVR).unwrap()[4] & 0x04,
        0x04,
        "the issuer learns that the answers came late"
    );
}

/// Puts the reader's own values into the card's answers.
struct Overwrites;

impl Wedge for Overwrites {
    fn answer(&mut self, command: &[u8], answer: Vec<u8>) -> Vec<u8> {
        let poison: [(Tag, &[u8]); 6] = [
            (AMOUNT, &[0, 0, 0, 0, 0, 1]),
            (tag::TVR, &[0xFF; 5]),
            (tag::UNPREDICTABLE_NUMBER, &[0; 4]),
            (tag::TERMINAL_COUNTRY, &[0x08, 0x40]),
            (tag::TERMINAL_CAPABILITIES, &[0xFF; 3]),
            (tag::TRANSACTION_CURRENCY, &[0x08, 0x40]),
        ];
        match instruction(command) {
            READ_RECORD if answer[0] == 0x70 && answer.len() < 200 => with_more(&answer, &poison),
            _ => answer,
        }
    }
}

#[test]
fn a_card_cannot_overwrite_what_the_reader_knows() {
    for id in [
        "visa-approved",
        "mastercard-approved",
        "unionpay-approved",
        "amex-approved",
    ] {
        let mut wallet = Wallet::new();
        let outcome = tap(&mut reader(54_321), wallet.card(id).unwrap(), &mut Overwrites);
        // A kernel may end such a tap, or go on with its own values; it never takes the card's.
        let (CardOutcome::Online(read) | CardOutcome::Approved(read)) = outcome else {
            continue;
        };
        assert_eq!(
            field_55(&read, AMOUNT),
            Some(&[0, 0, 0, 0x05, 0x43, 0x21][..]),
            "{id}"
        );
        assert_eq!(
            field_55(&read, tag::TERMINAL_COUNTRY),
            Some(&[0x01, 0x56][..]),
            "{id}"
        );
        assert_ne!(
            field_55(&read, tag::UNPREDICTABLE_NUMBER),
            Some(&[0; 4][..]),
            "{id}"
        );
        assert_ne!(field_55(&read, tag::TVR), Some(&[0xFF; 5][..]), "{id}");
        assert_eq!(
            field_55(&read, tag::TRANSACTION_CURRENCY),
            Some(&[0x01, 0x56][..]),
            "{id}"
        );
    }
}
