//! Every scheme's cards at every kernel: what they end in, and what their issuers say to it. Cards of our own prove
//! that both sides fit together, not that either is right.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

mod common;

use common::{Air, CVM_LIMIT_MINOR, FLOOR_LIMIT_MINOR, SCHEMES, approved, online, reader, tap};
use softpos_cards::{Account, CryptogramKind, Fault, FaultKind, Wallet, issuer_answer, verify_cryptogram};
use softpos_emv::{CardRead, Cvm};

fn verified(read: &CardRead) -> CryptogramKind {
    let account = Account::of(&read.pan).unwrap();
    let verified = verify_cryptogram(&read.de55, account).unwrap();
    assert_eq!(verified.cryptogram, read.receipt.as_ref().unwrap().arqc);
    let approval = issuer_answer(account, verified, "00").unwrap();
    let refusal = issuer_answer(account, verified, "05").unwrap();
    assert_ne!(approval, refusal, "the card can tell one from the other");
    verified.kind
}

#[test]
fn issuers_are_asked_and_verify_every_scheme() {
    let mut wallet = Wallet::new();
    for scheme in SCHEMES {
        let card = wallet.card(&format!("{scheme}-approved")).unwrap();
        for (amount, cvm) in [
            (1, Cvm::None),
            (CVM_LIMIT_MINOR, Cvm::None),
            (CVM_LIMIT_MINOR + 1, Cvm::OnlinePin),
        ] {
            let read = online(tap(&mut reader(amount), card, &mut Air));
            assert_eq!(read.cvm, cvm, "{scheme} {amount}");
            assert_eq!(verified(&read), CryptogramKind::AsksIssuer, "{scheme}");
        }
    }
}

#[test]
fn cards_approve_small_amounts_and_are_authenticated() {
    let mut wallet = Wallet::new();
    for scheme in SCHEMES {
        let card = wallet.card(&format!("{scheme}-offline")).unwrap();
        let read = approved(tap(&mut reader(FLOOR_LIMIT_MINOR - 1), card, &mut Air));
        assert_eq!(verified(&read), CryptogramKind::Approved, "{scheme}");
        let read = online(tap(&mut reader(FLOOR_LIMIT_MINOR + 1), card, &mut Air));
        assert_eq!(verified(&read), CryptogramKind::AsksIssuer, "{scheme}");
    }
}

#[test]
fn phones_verify_their_owner_above_the_limit() {
    let mut wallet = Wallet::new();
    for scheme in SCHEMES {
        let card = wallet.card(&format!("{scheme}-phone")).unwrap();
        let read = online(tap(&mut reader(CVM_LIMIT_MINOR + 1), card, &mut Air));
        assert_eq!(read.cvm, Cvm::OnDevice, "{scheme}");
        verified(&read);
    }
}

/// One bit of a signature or certificate, one record after the other.
#[test]
fn a_wrong_bit_in_what_is_signed_approves_nothing() {
    let mut fired = 0;
    for scheme in SCHEMES {
        let id = format!("{scheme}-offline");
        for at in 5..=12 {
            let mut wallet = Wallet::new();
            let card = wallet.card(&id).unwrap();
            let kind = FaultKind::WrongSignature;
            card.script(Fault { at, kind });
            let outcome = tap(&mut reader(FLOOR_LIMIT_MINOR - 1), card, &mut Air);
            if card.faults_left().is_empty() {
                fired += 1;
                assert!(
                    !matches!(outcome, softpos_emv::CardOutcome::Approved(_)),
                    "{scheme}: command {at}"
                );
            }
        }
    }
    assert!(fired > 5, "{fired}");
}

#[test]
fn an_earlier_tap_played_again_approves_nothing() {
    for scheme in SCHEMES {
        for at in 3..=12 {
            let mut wallet = Wallet::new();
            let card = wallet.card(&format!("{scheme}-offline")).unwrap();
            approved(tap(&mut reader(500), card, &mut Air));
            let kind = FaultKind::Replayed;
            card.script(Fault { at, kind });
            // Another amount and the same numbers: whatever covers the amount no longer fits.
            let outcome = tap(&mut reader(501), card, &mut Air);
            if let softpos_emv::CardOutcome::Approved(read) = outcome {
                let account = Account::of(&read.pan).unwrap();
                // What is the same in every tap may come again. The signatures of Visa and UnionPay do not cover
                // the cryptogram, so an old one is found out by its issuer only.
                let old_cryptogram = ["visa", "unionpay"].contains(&scheme) && at == 3;
                assert_eq!(
                    verify_cryptogram(&read.de55, account).is_err(),
                    old_cryptogram,
                    "{scheme}: {at}"
                );
            }
        }
    }
}

#[test]
fn a_card_that_never_finishes_ends_the_tap() {
    for scheme in SCHEMES {
        for at in 1..=12 {
            let mut wallet = Wallet::new();
            let card = wallet.card(&format!("{scheme}-offline")).unwrap();
            let kind = FaultKind::Endless;
            card.script(Fault { at, kind });
            let outcome = tap(&mut reader(500), card, &mut Air);
            assert!(
                !card.faults_left().is_empty() || !common::pays(&outcome),
                "{scheme}: {at}"
            );
        }
    }
}
