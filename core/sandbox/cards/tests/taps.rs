//! The software cards read by the product's reader, and their cryptograms checked by the issuer's side.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

use softpos_cards::{
    Account, CardGone, CardScheme, CryptogramError, CryptogramKind, Fault, FaultKind, Presence, SoftCard,
    StateError, Wallet, accounts, profiles, verify_cryptogram,
};
use softpos_emv::{
    Aid, CardOutcome, CardRead, Combination, CombinationSettings, Cvm, KernelId, Message, Reader,
    ReaderConfig, ReaderStep, Reason, TerminalData, Transaction,
};
use softpos_types::{Currency, LocalTime, Money, Tick};
use softpos_wire::tlv::TlvWriter;
use softpos_wire::{Tag, tag, tlv};

const CVM_LIMIT_MINOR: i64 = 100_000;

fn reader(amount_minor: i64) -> Reader {
    let mut terminal = TerminalData::new();
    terminal.set(tag::TERMINAL_COUNTRY, &[0x01, 0x56]);
    terminal.set(tag::TERMINAL_CAPABILITIES, &[0x00, 0x48, 0x00]);
    terminal.set(tag::TERMINAL_TYPE, &[0x22]);
    let combination = Combination {
        aid: Aid::new(&[0xA0, 0, 0, 0, 3, 0x10, 0x10]).unwrap(),
        kernel: KernelId::C3,
        transaction_type: 0,
        settings: CombinationSettings {
            floor_limit_minor: Some(0),
            cvm_limit_minor: Some(CVM_LIMIT_MINOR),
            ttq: Some([0x25, 0, 0x40, 0]),
            ..CombinationSettings::default()
        },
    };
    let config = ReaderConfig {
        combinations: vec![combination],
        terminal,
        ..ReaderConfig::default()
    };
    let transaction = Transaction {
        amount: Money::new(amount_minor, Currency::CNY),
        other_minor: 0,
        transaction_type: 0,
        local: LocalTime::from_utc(1_790_000_000_000, 480),
        unpredictable: [[0x11; 4], [0x22; 4], [0x33; 4], [0x44; 4]].map(|number| [number; 3]),
    };
    Reader::new(&config, transaction).unwrap()
}

/// Presents the card and answers until the reader stops or waits.
fn tap(reader: &mut Reader, card: &mut SoftCard) -> ReaderStep {
    let mut step = match card.present() {
        Presence::Card => reader.card_present(Tick(0)),
        Presence::Collision => reader.collision(Tick(0)),
    };
    while let ReaderStep::Transmit(command) = &step {
        step = match card.transmit(command) {
            Ok(answer) => reader.card_replied(&answer, 20_000, Tick(0)),
            Err(CardGone) => reader.card_lost(Tick(0)),
        };
    }
    step
}

fn online(step: ReaderStep) -> Box<CardRead> {
    match step {
        ReaderStep::Finished(CardOutcome::Online(read)) => read,
        other => panic!("not online: {other:?}"),
    }
}

#[test]
fn every_visa_card_gives_a_cryptogram_that_verifies() {
    let mut wallet = Wallet::new();
    for profile in profiles() {
        let Some(account) = profile
            .account
            .filter(|account| account.scheme == CardScheme::Visa)
        else {
            continue;
        };
        if ["visa-refused", "visa-blocked"].contains(&profile.id) {
            continue;
        }
        let card = wallet.card(profile.id).unwrap();
        let mut reader = reader(1_234);
        let mut step = tap(&mut reader, card);
        if let ReaderStep::WaitForCard(_) = step {
            step = tap(&mut reader, card);
        }
        let read = online(step);
        assert_eq!(Account::of(&read.pan), Some(account), "{}", profile.id);
        let verified = verify_cryptogram(&read.de55, account).unwrap();
        assert_eq!(verified.atc, card.atc());
        assert_eq!(verified.cryptogram, read.receipt.as_ref().unwrap().arqc);
        assert_eq!(verified.kind, CryptogramKind::AsksIssuer);
        assert_eq!(read.expiry_yymm, account.expiry_yymm);
        assert!(card.faults_left().is_empty(), "{}", profile.id);
    }
    assert_eq!(
        accounts().len(),
        profiles()
            .iter()
            .filter(|profile| profile.account.is_some())
            .count()
    );
}

#[test]
fn verification_by_card_and_amount() {
    let mut wallet = Wallet::new();
    let mut cvm = |id: &str, amount| online(tap(&mut reader(amount), wallet.card(id).unwrap())).cvm;
    assert_eq!(cvm("visa-approved", CVM_LIMIT_MINOR - 1), Cvm::None);
    assert_eq!(cvm("visa-approved", CVM_LIMIT_MINOR), Cvm::OnlinePin);
    assert_eq!(cvm("visa-pin", 1), Cvm::OnlinePin);
    assert_eq!(cvm("visa-phone", 1), Cvm::OnDevice);
}

#[test]
fn an_unauthenticated_phone_above_the_limit_is_declined() {
    let mut wallet = Wallet::new();
    let step = tap(&mut reader(CVM_LIMIT_MINOR), wallet.card("visa-phone").unwrap());
    assert!(matches!(
        step,
        ReaderStep::Finished(CardOutcome::Declined(stopped)) if stopped.reason == Reason::NoVerification
    ));
}

#[test]
fn pulled_once_then_read() {
    let mut wallet = Wallet::new();
    let card = wallet.card("visa-pulled").unwrap();
    let mut reader = reader(500);
    let ReaderStep::WaitForCard(prompt) = tap(&mut reader, card) else {
        panic!("no second try");
    };
    assert_eq!(prompt.ready.unwrap().message, Message::PresentAgain);
    assert_eq!(card.transmit(&[0, 0xB2, 1, 0x14, 0]), Err(CardGone));
    let read = online(tap(&mut reader, card));
    assert_eq!(
        (
            read.receipt.as_ref().unwrap().atc,
            read.receipt.as_ref().unwrap().un
        ),
        ([0, 2], [0x22; 4]),
        "counted up, new number"
    );
}

#[test]
fn two_cards_once_then_one() {
    let mut wallet = Wallet::new();
    let card = wallet.card("two-cards").unwrap();
    let mut reader = reader(500);
    let ReaderStep::WaitForCard(prompt) = tap(&mut reader, card) else {
        panic!("no prompt");
    };
    assert_eq!(prompt.now.unwrap().message, Message::OneCardOnly);
    online(tap(&mut reader, card));
}

#[test]
fn unsupported_scheme() {
    let mut wallet = Wallet::new();
    let step = tap(&mut reader(500), wallet.card("unsupported").unwrap());
    assert!(matches!(
        step,
        ReaderStep::Finished(CardOutcome::EndApplication(stopped)) if stopped.reason == Reason::NoApplication
    ));
}

#[test]
fn scripted_faults() {
    let outcome = |at, kind| {
        let mut wallet = Wallet::new();
        let card = wallet.card("visa-approved").unwrap();
        card.script(Fault { at, kind });
        let step = tap(&mut reader(500), card);
        assert!(card.faults_left().is_empty());
        step
    };
    assert!(matches!(
        outcome(3, FaultKind::StatusWord(0x6986)),
        ReaderStep::WaitForCard(prompt) if prompt.now.as_ref().unwrap().message == Message::SeePhone
    ));
    for (at, kind) in [
        (2, FaultKind::StatusWord(0x6985)),
        (3, FaultKind::CutShort),
        (4, FaultKind::CutShort),
        (4, FaultKind::Answer(&[0x70, 0x80, 0x90, 0x00])),
    ] {
        assert!(
            matches!(
                outcome(at, kind),
                ReaderStep::Finished(CardOutcome::EndApplication(_))
            ),
            "{at} {kind:?}"
        );
    }
    assert!(matches!(
        outcome(1, FaultKind::Pulled),
        ReaderStep::WaitForCard(_)
    ));
}

#[test]
fn a_changed_amount_counter_or_card_breaks_the_cryptogram() {
    let mut wallet = Wallet::new();
    let read = online(tap(&mut reader(500), wallet.card("visa-approved").unwrap()));
    let account = Account::of(&read.pan).unwrap();
    let changed = |tag: Tag, value: Option<&[u8]>| {
        let mut writer = TlvWriter::new();
        for object in tlv::Tlvs::new(&read.de55).map(Result::unwrap) {
            match value {
                _ if object.tag != tag => writer.put(object.tag, object.value),
                Some(value) => writer.put(tag, value),
                None => &mut writer,
            };
        }
        verify_cryptogram(&writer.into_vec(), account)
    };
    assert!(changed(tag::CTQ, None).is_ok());
    assert_eq!(
        changed(tag::AMOUNT_AUTHORISED, Some(&[0, 0, 0, 0, 4, 0])),
        Err(CryptogramError::Wrong)
    );
    assert_eq!(changed(tag::ATC, Some(&[0, 2])), Err(CryptogramError::Wrong));
    assert_eq!(
        changed(tag::UNPREDICTABLE_NUMBER, None),
        Err(CryptogramError::Missing(tag::UNPREDICTABLE_NUMBER))
    );
    assert_eq!(
        changed(tag::ISSUER_APPLICATION_DATA, Some(&[6, 1, 0x12, 3, 0x90, 0, 0])),
        Err(CryptogramError::Wrong)
    );
    for iad in [
        &[6, 2, 0x12, 3, 0xA0, 0, 0][..],
        &[6, 1, 0x0A, 3, 0xA0, 0, 0],
        &[6, 1, 0x12],
    ] {
        assert_eq!(
            changed(tag::ISSUER_APPLICATION_DATA, Some(iad)),
            Err(CryptogramError::Unknown)
        );
    }
    assert_eq!(
        verify_cryptogram(&[0x9F], account),
        Err(CryptogramError::Malformed)
    );
    assert_eq!(
        verify_cryptogram(
            &read.de55,
            &Account {
                psn: 0x02,
                ..*account
            }
        ),
        Err(CryptogramError::Wrong)
    );
    assert_eq!(
        verify_cryptogram(&read.de55, &accounts()[1]),
        Err(CryptogramError::Wrong)
    );
}

#[test]
fn counters_survive_and_never_go_down() {
    let mut wallet = Wallet::new();
    tap(&mut reader(500), wallet.card("visa-approved").unwrap());
    tap(&mut reader(500), wallet.card("visa-approved").unwrap());
    let state = wallet.state();
    assert!(state.starts_with("visa-approved=2\nvisa-declined=0\n"), "{state}");
    let mut later = Wallet::new();
    later.restore(&state).unwrap();
    assert_eq!(later.card("visa-approved").unwrap().atc(), 2);
    later.restore("visa-approved=1\ngone=7\n").unwrap();
    assert_eq!(later.card("visa-approved").unwrap().atc(), 2);
    for bad in ["visa-approved", "visa-approved=70000", "visa-approved=9\nx"] {
        assert_eq!(later.restore(bad), Err(StateError), "{bad}");
        assert_eq!(later.card("visa-approved").unwrap().atc(), 2);
    }
    later.restore("visa-approved=65535\n").unwrap();
    let step = tap(&mut reader(500), later.card("visa-approved").unwrap());
    assert!(
        matches!(step, ReaderStep::Finished(CardOutcome::EndApplication(_))),
        "counter used up"
    );
}

#[test]
fn commands_a_card_refuses() {
    let mut wallet = Wallet::new();
    let card = wallet.card("visa-approved").unwrap();
    assert_eq!(
        card.transmit(&[0, 0xA4, 4, 0, 0]),
        Err(CardGone),
        "not in the field"
    );
    card.present();
    let mut sw = |command: &str| hex::encode(card.transmit(&hex::decode(command).unwrap()).unwrap());
    assert_eq!(sw("00A4"), "6700");
    assert_eq!(sw("00A4040007A000000004101000"), "6a82");
    assert_eq!(sw("00A4000007A000000003101000"), "6a86");
    assert_eq!(sw("80A8000002830000"), "6985", "nothing selected");
    assert_eq!(sw("00B2011400"), "6985");
    assert_eq!(sw("0084000000"), "6d00");
    assert!(sw("00A4040007A000000003101000").ends_with("9000"));
    assert_eq!(sw("80A8000002830000"), "6700", "the card wants more data");
    card.remove();
    assert_eq!(card.transmit(&[0, 0xA4, 4, 0, 0]), Err(CardGone));
}
