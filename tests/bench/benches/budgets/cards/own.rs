//! A card of the sandbox that asks its issuer.

use softpos_cards::{SoftCard, profiles};
use softpos_emv::oda::AuthorityKeys;
use softpos_emv::{CombinationSettings, KernelId, Reader, ReaderStep};
use softpos_types::{Currency, Money, Tick};

use super::{Ending, Tap, config, transaction};

/// Nothing is authenticated: the issuer is asked anyway.
pub(super) fn visa_online() -> Tap {
    let settings = CombinationSettings {
        floor_limit_minor: Some(0),
        cvm_limit_minor: Some(100_000),
        ttq: Some([0x24, 0x00, 0x40, 0x00]),
        ..CombinationSettings::default()
    };
    let terminal = [(0x9F1A, "0156"), (0x9F33, "0048C8"), (0x9F35, "22")];
    let config = config(
        ("A0000000031010", KernelId::C3),
        settings,
        &terminal,
        AuthorityKeys::default(),
    );
    let transaction = transaction(Money::new(500, Currency::CNY), [0xAB; 4]);
    let profile = profiles().iter().find(|profile| profile.id == "visa-approved");
    let mut card = SoftCard::new(profile.expect("a card of that name"));
    let mut reader = Reader::new(&config, transaction.clone()).expect("allowed");
    card.present();
    let mut exchanges = Vec::new();
    let mut step = reader.card_present(Tick(0));
    while let ReaderStep::Transmit(command) = step {
        let answer = card.transmit(&command).expect("it stays in the field");
        step = reader.card_replied(&answer, 0, Tick(0));
        exchanges.push((command, answer));
    }
    Tap {
        config,
        transaction,
        exchanges,
        ending: Ending::Online,
    }
}
