//! Sound inputs for every kernel: taps of the sandbox's cards at the very reader that will see the mutants.
//!
//! The reader's numbers are the same in every tap, so that signatures, cryptograms and channels of a recorded tap are
//! good when it is played again, and mutants get beyond them.

use softpos_cards::{
    Account, IssuerUpdate, Kind, Presence, Profile, SoftCard, authority_keys, curve_authority_keys, profiles,
};
use softpos_emv::oda::{AuthorityKey, CurveAuthorityKey};
use softpos_emv::{KernelId, ReaderStep};
use softpos_types::Tick;

use crate::seeds::foreign;
use crate::taps::{WITHOUT_KEYS, aid, carried_back, reader};
use crate::transcript::{AMOUNTS, Event, LOST, encode};

/// Presentations of one card, the last of which may be the second one of a phone.
const MAX_PRESENTATIONS: usize = 3;
/// Purchase with and without keys, cash, purchase with cashback, refund.
const TRANSACTIONS: [u8; 5] = [0, WITHOUT_KEYS, 1, 2, 3];

/// Numbers on the sandbox's cards.
pub(crate) fn numbers() -> impl Iterator<Item = &'static str> {
    profiles()
        .iter()
        .filter_map(|profile| profile.account)
        .map(|account| account.pan_digits)
}

/// The keys that the cards' certificates begin with.
pub(crate) fn keys() -> Vec<AuthorityKey> {
    let key = |key: softpos_cards::AuthorityKey| {
        AuthorityKey::new((key.rid, key.index), &key.modulus, &key.exponent, key.checksum).ok()
    };
    authority_keys().into_iter().filter_map(key).collect()
}

/// The same for kernel 8.
pub(crate) fn curve_keys() -> Vec<CurveAuthorityKey> {
    let key = |key: softpos_cards::CurveAuthorityKey| {
        CurveAuthorityKey::new((key.rid, key.index), &key.x, &key.signature).ok()
    };
    curve_authority_keys().into_iter().filter_map(key).collect()
}

/// Every card of a kernel with every amount, and each kind of transaction; behind them what others recorded.
pub(crate) fn taps(kernel: KernelId) -> Vec<Vec<u8>> {
    let cards = profiles()
        .iter()
        .filter(|profile| belongs(profile, kernel) && !is_told_apart_by_issuer(profile));
    let heads = AMOUNTS
        .into_iter()
        .flat_map(|amount| TRANSACTIONS.map(|kind| [amount, kind]));
    let mut taps: Vec<Vec<u8>> = cards
        .flat_map(|profile| {
            heads
                .clone()
                .filter_map(|head| tap(profile, kernel, (head, None)))
        })
        .collect();
    if kernel == KernelId::C5 {
        let wishes = [IssuerUpdate::Held, IssuerUpdate::Again];
        let jcb = profiles().iter().find(|profile| belongs(profile, kernel));
        taps.extend(jcb.into_iter().flat_map(|profile| {
            wishes
                .map(|wish| tap(profile, kernel, ([200, 0], Some(wish))))
                .into_iter()
                .flatten()
        }));
    }
    taps.extend(foreign(kernel));
    taps
}

fn belongs(profile: &Profile, kernel: KernelId) -> bool {
    let read_by = profile.account.map(Account::kernel);
    read_by.is_some_and(|number| KernelId::new(number.into()) == kernel)
}

/// Whether a card answers as an approved one does but for its number: only their issuers tell them apart.
fn is_told_apart_by_issuer(profile: &Profile) -> bool {
    matches!(profile.member, Some((_, Kind::Declined | Kind::Insufficient)))
}

fn tap(
    profile: &Profile,
    kernel: KernelId,
    (head, wish): ([u8; 2], Option<IssuerUpdate>),
) -> Option<Vec<u8>> {
    let mut card = SoftCard::new(profile);
    if let Some(wish) = wish {
        card.script_issuer_update(wish);
    }
    let mut reader = reader(kernel, aid(kernel)?, head)?;
    let mut events = Vec::new();
    for _ in 0..MAX_PRESENTATIONS {
        let mut step = match card.present() {
            Presence::Card => reader.card_present(Tick(1_000)),
            Presence::Collision => continue,
        };
        while let ReaderStep::Transmit(command) = &step {
            let (kind, answer) = card
                .transmit(command)
                .map_or((LOST, Vec::new()), |answer| (0, answer));
            step = match kind {
                LOST => reader.card_lost(Tick(1_000)),
                _ => reader.card_replied(&answer, 13_000, Tick(1_000)),
            };
            step = carried_back(&mut reader, step, Tick(1_000));
            events.push(Event { kind, answer });
        }
        card.remove();
        if !matches!(step, ReaderStep::WaitForCard(_)) {
            break;
        }
    }
    Some(encode(head, &events))
}
