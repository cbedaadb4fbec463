//! Every card of every family at the reader, below the floor limit, above it and above the limit without
//! verification: how the tap ends, how the holder is verified, what the card's cryptogram says, and what was shown
//! before. A pair without a card fails, and so does one that nobody wrote an expectation for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use common::{
    Air, CVM_LIMIT_MINOR, ELAPSED_US, FLOOR_LIMIT_MINOR, config, online, reader, reader_at, seed, tap,
};
use softpos_cards::{Account, CryptogramKind, Family, Kind, Presence, SoftCard, profiles, verify_cryptogram};
use softpos_emv::{CardOutcome, Cvm, Message, Reader, ReaderStep, Reason};
use softpos_types::Tick;
use softpos_wire::tag;

/// The card may approve it by itself.
const SMALL_MINOR: i64 = FLOOR_LIMIT_MINOR - 1;
/// The issuer is to be asked.
const MEDIUM_MINOR: i64 = FLOOR_LIMIT_MINOR + 1;
/// The holder is to be verified.
const LARGE_MINOR: i64 = CVM_LIMIT_MINOR + 1;
/// January 2036: all cards have expired.
const LATER_UTC_MS: u64 = 2_084_000_000_000;

fn card(family: Family, kind: Kind) -> SoftCard {
    let found = profiles()
        .iter()
        .find(|profile| profile.member == Some((family, kind)));
    SoftCard::new(found.unwrap_or_else(|| panic!("no card {family:?} {kind:?}")))
}

/// How a tap ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Online(Cvm),
    Approved(Cvm),
    Declined(Reason),
    NotAccepted(Reason),
}

/// Everything that is compared.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    ended: Ended,
    /// What the issuer finds in a cryptogram that is good.
    cryptogram: Option<CryptogramKind>,
    /// What the reader asked for between the taps.
    asked: Vec<Message>,
    /// Commands after the directory; a card that is not selected gets no more than the selection.
    goes_on: bool,
}

fn tapped(reader: &mut Reader, card: &mut SoftCard) -> Told {
    let (mut asked, mut commands) = (Vec::new(), 0);
    for _ in 0..3 {
        assert_eq!(card.present(), Presence::Card);
        let mut step = reader.card_present(Tick(0));
        while let ReaderStep::Transmit(command) = &step {
            commands += 1;
            step = reader.card_replied(&card.transmit(command).unwrap(), ELAPSED_US, Tick(0));
        }
        card.remove();
        match step {
            ReaderStep::WaitForCard(prompt) => asked.push(prompt.now.unwrap().message),
            ReaderStep::Finished(outcome) => {
                let (ended, read) = match outcome {
                    CardOutcome::Online(read) => (Ended::Online(read.cvm), Some(read)),
                    CardOutcome::Approved(read) => (Ended::Approved(read.cvm), Some(read)),
                    CardOutcome::Declined(stopped) => (Ended::Declined(stopped.reason), stopped.read),
                    CardOutcome::EndApplication(stopped) => {
                        (Ended::NotAccepted(stopped.reason), stopped.read)
                    }
                    other @ CardOutcome::TryAnotherInterface(_) => panic!("{other:?}"),
                };
                let cryptogram = read.map(|read| {
                    let account = Account::of(&read.pan).unwrap();
                    assert_eq!(card.profile().account, Some(account));
                    verify_cryptogram(&read.de55, account).unwrap().kind
                });
                let goes_on = commands > 2;
                return Told {
                    ended,
                    cryptogram,
                    asked,
                    goes_on,
                };
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("the reader asks for ever: {asked:?}");
}

/// What the kernels make of a phone below the limit: three of them ask nobody there.
fn on_device(family: Family, kind: Kind, amount_minor: i64) -> Cvm {
    let asks_nobody = match family {
        Family::Mastercard | Family::Discover => true,
        // The list of the phone that wants its owner has nothing else.
        Family::Amex => kind == Kind::Phone,
        Family::Visa | Family::UnionPay | Family::Jcb | Family::Kernel8 => false,
    };
    if asks_nobody && amount_minor < LARGE_MINOR {
        Cvm::None
    } else {
        Cvm::OnDevice
    }
}

fn expected(family: Family, kind: Kind, amount_minor: i64) -> Told {
    let plastic = if amount_minor < LARGE_MINOR {
        Cvm::None
    } else {
        Cvm::OnlinePin
    };
    let online = |cvm| Told {
        ended: Ended::Online(cvm),
        cryptogram: Some(CryptogramKind::AsksIssuer),
        asked: Vec::new(),
        goes_on: true,
    };
    match kind {
        Kind::Offline if amount_minor == SMALL_MINOR => Told {
            ended: Ended::Approved(Cvm::None),
            cryptogram: Some(CryptogramKind::Approved),
            ..online(plastic)
        },
        Kind::Approved | Kind::Declined | Kind::Insufficient | Kind::Expired | Kind::Offline => {
            online(plastic)
        }
        Kind::Refused => Told {
            ended: Ended::Declined(Reason::CardDeclined),
            cryptogram: Some(CryptogramKind::Declined),
            ..online(plastic)
        },
        Kind::Blocked => Told {
            ended: Ended::NotAccepted(Reason::NoApplication),
            cryptogram: None,
            asked: Vec::new(),
            goes_on: false,
        },
        // The reader has no PIN to offer to kernel 2 below the limit.
        Kind::Pin if family == Family::Mastercard => online(plastic),
        Kind::Pin => online(Cvm::OnlinePin),
        Kind::Phone => online(on_device(family, kind, amount_minor)),
        Kind::SeePhone => Told {
            asked: vec![match family {
                Family::UnionPay => Message::PresentAgain,
                _ => Message::SeePhone,
            }],
            ..online(on_device(family, kind, amount_minor))
        },
    }
}

#[test]
fn every_card_of_every_family() {
    for family in Family::ALL {
        for kind in Kind::ALL {
            let mut card = card(family, kind);
            for amount_minor in [SMALL_MINOR, MEDIUM_MINOR, LARGE_MINOR] {
                let told = tapped(&mut reader(amount_minor), &mut card);
                let expected = expected(family, kind, amount_minor);
                assert_eq!(told, expected, "{} {amount_minor}", card.profile().id);
            }
        }
    }
}

/// A phone that has seen its owner once does not take that for the next payment.
#[test]
fn a_locked_phone_asks_anew_for_every_payment() {
    for family in Family::ALL {
        let mut phone = card(family, Kind::SeePhone);
        let taps = [(); 3].map(|()| tapped(&mut reader(LARGE_MINOR), &mut phone).asked.len());
        assert_eq!(taps, [1; 3], "{family:?}");
    }
}

/// Six kernels send the customer to the phone; kernel 7 has no message for that.
#[test]
fn which_kernels_say_see_phone() {
    let says = |family: &Family| {
        let told = tapped(&mut reader(MEDIUM_MINOR), &mut card(*family, Kind::SeePhone));
        told.asked == [Message::SeePhone]
    };
    let kernels: BTreeSet<u8> = Family::ALL
        .into_iter()
        .filter(says)
        .map(|family| card(family, Kind::SeePhone).profile().account.unwrap().kernel())
        .collect();
    assert_eq!(kernels, BTreeSet::from([2, 3, 4, 5, 6, 8]));
}

/// The date is in the track that the issuer gets; four kernels mark it in their results as well (TVR B2b7).
#[test]
fn an_expired_card_says_so() {
    let mut marked = Vec::new();
    for family in Family::ALL {
        let read = online(tap(
            &mut reader(MEDIUM_MINOR),
            &mut card(family, Kind::Expired),
            &mut Air,
        ));
        assert_eq!(read.expiry_yymm, [0x20, 0x12], "{family:?}");
        if read.data_object(tag::TVR).is_some_and(|tvr| tvr[1] & 0x40 != 0) {
            marked.push(family);
        }
    }
    assert_eq!(
        marked,
        [Family::Mastercard, Family::Amex, Family::Jcb, Family::Discover]
    );
}

/// Cards that would approve by themselves, after their last day.
#[test]
fn what_each_kernel_makes_of_an_expired_card_that_approves() {
    for family in Family::ALL {
        let mut reader = reader_at(LATER_UTC_MS, &config(), SMALL_MINOR, [1, 2, 3, 4]).with_channels(seed());
        let told = tapped(&mut reader, &mut card(family, Kind::Offline));
        let ended = match family {
            Family::Visa | Family::UnionPay | Family::Discover => Ended::Declined(Reason::Expired),
            Family::Mastercard | Family::Amex | Family::Jcb => Ended::Online(Cvm::None),
            Family::Kernel8 => Ended::Approved(Cvm::None),
        };
        assert_eq!(told.ended, ended, "{family:?}");
    }
}

/// The table in the README, from taps: families that behave alike stand together.
fn table() -> String {
    let mut table = String::from("| kind | family | 99.99; 1,000.01 |\n| --- | --- | --- |\n");
    for kind in Kind::ALL {
        let mut rows: Vec<(String, Vec<&str>)> = Vec::new();
        for family in Family::ALL {
            let mut card = card(family, kind);
            let [small, large] =
                [SMALL_MINOR, LARGE_MINOR].map(|amount| in_words(&tapped(&mut reader(amount), &mut card)));
            let words = if small == large {
                small
            } else {
                format!("{small}; {large}")
            };
            match rows.iter_mut().find(|(other, _)| *other == words) {
                Some((_, alike)) => alike.push(family.name()),
                None => rows.push((words, vec![family.name()])),
            }
        }
        for (words, alike) in rows {
            let whose = if alike.len() == Family::ALL.len() {
                "all".to_owned()
            } else {
                alike.join(", ")
            };
            writeln!(table, "| `{}` | {whose} | {words} |", kind.name()).unwrap();
        }
    }
    table
}

fn in_words(told: &Told) -> String {
    let asked = told.asked.iter().map(|message| match message {
        Message::SeePhone => "see phone, ",
        Message::PresentAgain => "present again, ",
        other => panic!("{other:?}"),
    });
    let how = |word: &str, cvm| match cvm {
        Cvm::None => word.to_owned(),
        Cvm::Signature => format!("{word} + signature"),
        Cvm::OnlinePin => format!("{word} + PIN"),
        Cvm::OnDevice => format!("{word} + device"),
    };
    let ended = match told.ended {
        Ended::Online(cvm) => how("ARQC", cvm),
        Ended::Approved(cvm) => how("TC", cvm),
        Ended::Declined(_) => "AAC".to_owned(),
        Ended::NotAccepted(_) => "no application".to_owned(),
    };
    asked.chain([ended.as_str()]).collect()
}

#[test]
fn the_readme_says_what_taps_come_to() {
    let table = table();
    let readme = include_str!("../README.md");
    assert!(readme.contains(&table), "the table is:\n{table}");
}
