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
    AMOUNT, Air, CVM_LIMIT_MINOR, SCHEMES, Wedge, field_55, instruction, online, pays, reader, tap,
    with_more, with_object,
};
use softpos_cards::{Account, CardScheme, Wallet, verify_cryptogram};
use softpos_emv::{CardOutcome, Cvm, Reason};

use softpos_wire::{Tag, apdu, tag};

const GET_PROCESSING_OPTIONS: u8 = 0xA8;
const READ_RECORD: u8 = 0xB2;
const GENERATE_AC: u8 = 0xAE;
const SELECT: u8 = 0xA4;
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
    for scheme in ["visa", "unionpay"] {
        for strips in [false, true] {
            let mut wallet = Wallet::new();
            let card = wallet.card(&format!("{scheme}-approved")).unwrap();
            let outcome = tap(&mut reader(ABOVE_MINOR), card, &mut ClaimsVerification { strips });
            assert!(!pays(&outcome), "{scheme}, strips {strips}: {outcome:?}");
        }
        // The same claim by a phone that signs it is good.
        let mut wallet = Wallet::new();
        let phone = wallet.card(&format!("{scheme}-phone")).unwrap();
        let read = online(tap(&mut reader(ABOVE_MINOR), phone, &mut Air));
        assert_eq!(read.cvm, Cvm::OnDevice, "{scheme}");
    }
}

/// The same of cards whose cryptogram has a command of its own, or whose word about the holder stands elsewhere: what
/// the card says becomes what a phone would say.
struct BecomesDevice {
    scheme: &'static str,
    /// Also takes the signature away that would tell.
    strips: bool,
}

impl BecomesDevice {
    fn answer_of_options(&self, answer: &[u8]) -> Vec<u8> {
        let profile = |signing: [u8; 2], stripped: [u8; 2]| {
            let profile = if self.strips { stripped } else { signing };
            with_object(answer, tag::AIP, &|_| Some(profile.to_vec()))
        };
        match self.scheme {
            "mastercard" => profile([0x1B, 0x81], [0x1A, 0x81]),
            "amex" => with_more(
                &profile([0x1D, 0xC0], [0x1C, 0xC0]),
                &[(PROCESSING_REQUIREMENTS, &[0x01, 0x00, 0x02])],
            ),
            "jcb" => profile([0x19, 0x80], [0x18, 0x80]),
            "discover" => {
                let claims = with_object(answer, PROCESSING_REQUIREMENTS, &|_| Some(vec![0x10, 0x00]));
                // The card verification results: done on the device.
                with_object(&claims, tag::ISSUER_APPLICATION_DATA, &|data| {
                    let mut data = data.to_vec();
                    data[3] |= if self.strips { 0x02 } else { 0x00 };
                    Some(data)
                })
            }
            _ => answer.to_vec(),
        }
    }
}

impl Wedge for BecomesDevice {
    fn answer(&mut self, command: &[u8], answer: Vec<u8>) -> Vec<u8> {
        match (instruction(command), self.scheme) {
            (GET_PROCESSING_OPTIONS, _) => self.answer_of_options(&answer),
            (READ_RECORD, "amex") => with_object(&answer, CVM_LIST, &|_| {
                Some(vec![0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x00])
            }),
            (GENERATE_AC, "jcb") => with_object(&answer, CVM_STATUS, &|_| Some(vec![0x30])),
            (GENERATE_AC, "kernel8") => with_object(&answer, HOLDER_DECISION, &|_| Some(vec![0x03])),
            _ => answer,
        }
    }
}

const CVM_LIST: Tag = Tag::new(0x8E);
const CVM_STATUS: Tag = Tag::new(0x9F50);
const PROCESSING_REQUIREMENTS: Tag = Tag::new(0x9F71);
const HOLDER_DECISION: Tag = Tag::new(0x9F_8102);

/// Whether the issuer of an online payment would notice that what it got is not what the card said.
fn issuer_refuses(outcome: &CardOutcome) -> bool {
    let CardOutcome::Online(read) = outcome else {
        return false;
    };
    verify_cryptogram(&read.de55, Account::of(&read.pan).unwrap()).is_err()
}

#[test]
fn plastic_that_claims_to_be_a_verified_device() {
    for scheme in ["mastercard", "amex", "jcb", "discover", "kernel8"] {
        for strips in [false, true] {
            let mut wallet = Wallet::new();
            let card = wallet.card(&format!("{scheme}-approved")).unwrap();
            let mut wedge = BecomesDevice { scheme, strips };
            let outcome = tap(&mut reader(ABOVE_MINOR), card, &mut wedge);
            // D-PAS signs nothing for the issuer's decision, but its cryptogram covers the results themselves.
            let noticed = scheme == "discover" && strips && issuer_refuses(&outcome);
            assert!(
                !pays(&outcome) || noticed,
                "{scheme}, strips {strips}: {outcome:?}"
            );
        }
    }
}

/// Shows a card of one scheme as one of another: the names of the applications are not authenticated.
struct Renames {
    true_name: &'static [u8],
    shown_name: &'static [u8],
}

impl Wedge for Renames {
    fn command(&mut self, command: &[u8]) -> Vec<u8> {
        if instruction(command) == SELECT
            && command
                .windows(self.shown_name.len())
                .any(|part| part == self.shown_name)
        {
            return apdu::select(self.true_name).unwrap();
        }
        command.to_vec()
    }

    fn answer(&mut self, _: &[u8], answer: Vec<u8>) -> Vec<u8> {
        let shown = |name: &[u8]| {
            let name = if name == self.true_name {
                self.shown_name
            } else {
                name
            };
            Some(name.to_vec())
        };
        let answer = with_object(&answer, tag::ADF_NAME, &shown);
        with_object(&answer, tag::DF_NAME, &shown)
    }
}

/// Every scheme as every other. `UnionPay` issues on most ranges of the others, on chips of two brands: such a number
/// alone tells nothing, but keys and signatures are those of the provider that is shown, so nothing is approved here,
/// and the issuer decides.
#[test]
fn a_card_of_one_brand_cannot_pay_as_another() {
    for scheme in SCHEMES {
        for shown in CardScheme::ALL {
            for kind in ["approved", "offline"] {
                let mut wallet = Wallet::new();
                let card = wallet.card(&format!("{scheme}-{kind}")).unwrap();
                let true_name = card.profile().scheme().unwrap().aid();
                if true_name == shown.aid() {
                    continue;
                }
                let mut wedge = Renames {
                    true_name,
                    shown_name: shown.aid(),
                };
                let outcome = tap(&mut reader(500), card, &mut wedge);
                let for_issuer = shown == CardScheme::UnionPay && matches!(outcome, CardOutcome::Online(_));
                assert!(
                    !pays(&outcome) || for_issuer,
                    "{scheme} as {shown:?}: {outcome:?}"
                );
            }
        }
    }
}

/// The published mix-up in full: a card number of one scheme in the other's own words.
struct ForeignNumber([u8; 2]);

impl Wedge for ForeignNumber {
    fn answer(&mut self, _: &[u8], answer: Vec<u8>) -> Vec<u8> {
        let foreign = |value: &[u8]| Some([&self.0, &value[2..]].concat());
        let answer = with_object(&answer, tag::TRACK_2, &foreign);
        with_object(&answer, tag::PAN, &foreign)
    }
}

#[test]
fn a_number_of_another_brand_is_refused() {
    for (scheme, number) in [
        ("visa", [0x54, 0x13]),
        ("mastercard", [0x47, 0x61]),
        ("unionpay", [0x37, 0x42]),
        ("amex", [0x54, 0x13]),
        ("jcb", [0x47, 0x61]),
        ("discover", [0x47, 0x61]),
    ] {
        for kind in ["approved", "offline"] {
            let mut wallet = Wallet::new();
            let card = wallet.card(&format!("{scheme}-{kind}")).unwrap();
            let outcome = tap(&mut reader(500), card, &mut ForeignNumber(number));
            // JCB's kernel leaves for the next application, of which there is none.
            let reason = if scheme == "jcb" {
                Reason::NoApplication
            } else {
                Reason::BrandConflict
            };
            assert!(
                matches!(&outcome, CardOutcome::EndApplication(stopped) if stopped.reason == reason),
                "{scheme}: {outcome:?}"
            );
        }
    }
    // The seventh says its number inside the channel only: nobody between can change it.
}

/// Puts the reader's own values into the answers to one command.
struct Overwrites {
    instruction: u8,
    done: bool,
}

/// What a reader says and no card may.
const POISON: [(Tag, &[u8]); 9] = [
    (AMOUNT, &[0, 0, 0, 0, 0, 1]),
    (tag::TVR, &[0xFF; 5]),
    (tag::UNPREDICTABLE_NUMBER, &[0; 4]),
    (tag::TERMINAL_COUNTRY, &[0x08, 0x40]),
    (tag::TERMINAL_CAPABILITIES, &[0xFF; 3]),
    (tag::TRANSACTION_CURRENCY, &[0x08, 0x40]),
    (tag::TERMINAL_TYPE, &[0x26]),
    (tag::TRANSACTION_DATE, &[0x20, 0x01, 0x01]),
    (tag::CVM_RESULTS, &[0x01, 0x00, 0x02]),
];

impl Wedge for Overwrites {
    fn answer(&mut self, command: &[u8], answer: Vec<u8>) -> Vec<u8> {
        // Records inside a channel cannot be written to; 50 bytes more must fit a record.
        let open = [0x6F, 0x70, 0x77].contains(&answer[0]) && answer.len() < 200;
        if self.done || instruction(command) != self.instruction || !open {
            return answer;
        }
        self.done = true;
        with_more(&answer, &POISON)
    }
}

/// Every kernel, every command of it whose answer can be added to: where the payment goes on it goes on with the
/// reader's own values, and where card or issuer cover what was added it does not go on.
#[test]
fn a_card_cannot_overwrite_what_the_reader_knows() {
    for scheme in SCHEMES {
        let mut went_on = 0;
        for instruction in [SELECT, GET_PROCESSING_OPTIONS, READ_RECORD, GENERATE_AC] {
            let mut wallet = Wallet::new();
            let card = wallet.card(&format!("{scheme}-approved")).unwrap();
            let mut wedge = Overwrites {
                instruction,
                done: false,
            };
            let outcome = tap(&mut reader(54_321), card, &mut wedge);
            let (CardOutcome::Online(read) | CardOutcome::Approved(read)) = &outcome else {
                continue;
            };
            if !wedge.done {
                continue;
            }
            went_on += 1;
            for (tag, poison) in POISON {
                let told = field_55(read, tag).or_else(|| read.data_object(tag));
                assert_ne!(told, Some(poison), "{scheme} {instruction:02X} {tag}");
            }
            let amount = field_55(read, AMOUNT);
            assert_eq!(amount, Some(&[0, 0, 0, 0x05, 0x43, 0x21][..]), "{scheme}");
            assert!(
                !issuer_refuses(&outcome),
                "{scheme} {instruction:02X}: the card's cryptogram is over the same values"
            );
        }
        assert!(went_on > 0, "{scheme}: nothing was tried");
    }
}
