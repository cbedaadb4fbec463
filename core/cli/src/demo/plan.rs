//! What the demonstration does, from its seed: amounts, cards and faults. Whatever comes of it, the ledgers say.

use softpos_cards::{Family, Kind};

use super::random::SplitMix;
use crate::till::cards::id;
use crate::till::command::WALLETS;

/// One thing that happens at the till.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A card is tapped.
    Card { card: &'static str, amount_minor: i64 },
    /// A code is shown, and a wallet pays it.
    Code { wallet: &'static str, amount_minor: i64 },
    /// A customer's code is scanned; its last digit says what they do.
    Scan {
        wallet: &'static str,
        deed: u8,
        amount_minor: i64,
    },
    /// Notes and coins.
    Cash { amount_minor: i64 },
    /// A card is tapped, and the answer gets lost in this way.
    Lost {
        card: &'static str,
        amount_minor: i64,
        fault: &'static str,
    },
    /// The answer gets lost, and the operator gives up while the result is unknown.
    GiveUp {
        card: &'static str,
        amount_minor: i64,
        fault: &'static str,
    },
    /// A card is tapped while the host refuses connections.
    Refused { card: &'static str, amount_minor: i64 },
    /// A card is tapped while there is no network.
    Offline { card: &'static str, amount_minor: i64 },
    /// The network is back, and everything stored is sent.
    Sync,
    /// A part of an approved card sale is given back.
    Refund { permille: i64 },
    /// The day is closed.
    Close,
}

/// A part of the story; its heading is the text `demo-chapter-NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chapter {
    pub(crate) name: &'static str,
    pub(crate) acts: Vec<Act>,
}

/// Below the limit without PIN, and below the limit of a stored payment.
const SMALL_MINOR: (i64, i64) = (100, 39_999);
/// Above the limit without PIN.
const LARGE_MINOR: (i64, i64) = (100_001, 250_000);
/// Below the floor limit: a card may approve by itself.
const BY_CARD_MINOR: (i64, i64) = (100, 9_999);
/// Cards that the host approves for small amounts.
const GOOD: [Kind; 2] = [Kind::Approved, Kind::Phone];
/// More than the poor card's account ever holds, less than what needs a PIN.
const TOO_MUCH_MINOR: (i64, i64) = (5_000, 39_999);
/// Answers that get lost after the host has booked the sale, or come wrong.
const LOST_AFTER: [&str; 4] = ["drop-after", "bad-signature", "garbage", "status500"];
/// Keeps the result unknown until it is switched off.
const GIVE_UP: [&str; 2] = ["drop-after@any:always", "drop-before@any:always"];

/// Draws what happens in a chapter.
type Acts = fn(&mut SplitMix) -> Vec<Act>;

/// The story of a seed.
pub(crate) fn plan(seed: u64) -> Vec<Chapter> {
    let mut random = SplitMix::new(seed);
    let random = &mut random;
    let chapters: [(&str, Acts); 11] = [
        ("cards", cards),
        ("schemes", schemes),
        ("alone", alone),
        ("declines", declines),
        ("trouble", trouble),
        ("others", others),
        ("scans", scans),
        ("lost", lost),
        ("giveup", give_up),
        ("offline", offline),
        ("close", close),
    ];
    chapters
        .map(|(name, acts)| Chapter {
            name,
            acts: acts(random),
        })
        .into()
}

fn cards(random: &mut SplitMix) -> Vec<Act> {
    let count = random.between(1, 3);
    let mut acts: Vec<Act> = (0..count).map(|_| good_sale(random)).collect();
    acts.push(Act::Card {
        card: drawn(random, Kind::Pin),
        amount_minor: amount(random, LARGE_MINOR),
    });
    acts
}

/// One card of every scheme, a phone above the limit without PIN, and phones that want their owner first.
fn schemes(random: &mut SplitMix) -> Vec<Act> {
    let mut all = |kind| {
        Family::ALL.map(|family| Act::Card {
            card: id(family, kind),
            amount_minor: amount(random, SMALL_MINOR),
        })
    };
    let (plastic, phones) = (all(Kind::Approved), all(Kind::SeePhone));
    let large = Act::Card {
        card: drawn(random, Kind::Phone),
        amount_minor: amount(random, LARGE_MINOR),
    };
    plastic.into_iter().chain([large]).chain(phones).collect()
}

/// Approvals by the card, with the network and without.
fn alone(random: &mut SplitMix) -> Vec<Act> {
    let mut acts = vec![Act::Card {
        card: drawn(random, Kind::Offline),
        amount_minor: amount(random, BY_CARD_MINOR),
    }];
    acts.extend(Family::ALL.map(|family| Act::Offline {
        card: id(family, Kind::Offline),
        amount_minor: amount(random, BY_CARD_MINOR),
    }));
    acts.push(Act::Sync);
    acts
}

fn declines(random: &mut SplitMix) -> Vec<Act> {
    let mut acts = [
        (Kind::Declined, SMALL_MINOR),
        (Kind::Insufficient, TOO_MUCH_MINOR),
        (Kind::Expired, SMALL_MINOR),
    ]
    .map(|(kind, limits)| Act::Card {
        card: drawn(random, kind),
        amount_minor: amount(random, limits),
    });
    let turns = usize::try_from(random.between(0, 2)).unwrap_or(0);
    acts.rotate_left(turns);
    acts.into()
}

fn trouble(random: &mut SplitMix) -> Vec<Act> {
    let (blocked, refused) = (drawn(random, Kind::Blocked), drawn(random, Kind::Refused));
    ["visa-pulled", "two-cards", "unsupported", blocked, refused]
        .map(|card| Act::Card {
            card,
            amount_minor: amount(random, SMALL_MINOR),
        })
        .into()
}

fn others(random: &mut SplitMix) -> Vec<Act> {
    vec![
        Act::Code {
            wallet: random.pick(&WALLETS, "wechat"),
            amount_minor: amount(random, SMALL_MINOR),
        },
        Act::Cash {
            amount_minor: amount(random, SMALL_MINOR),
        },
    ]
}

/// Pays, confirms, never answers, has no money, pays unheard.
const DEEDS: [u8; 5] = [0, 6, 7, 8, 9];

fn scans(random: &mut SplitMix) -> Vec<Act> {
    let mut acts = DEEDS.map(|deed| Act::Scan {
        wallet: random.pick(&WALLETS, "wechat"),
        deed,
        amount_minor: amount(random, SMALL_MINOR),
    });
    let turns = usize::try_from(random.between(0, 4)).unwrap_or(0);
    acts.rotate_left(turns);
    acts.into()
}

fn lost(random: &mut SplitMix) -> Vec<Act> {
    let last = random.pick(&LOST_AFTER, "garbage");
    ["drop-before", "drop-after", last]
        .map(|fault| Act::Lost {
            card: good_card(random),
            amount_minor: amount(random, SMALL_MINOR),
            fault,
        })
        .into()
}

fn give_up(random: &mut SplitMix) -> Vec<Act> {
    vec![Act::GiveUp {
        card: good_card(random),
        amount_minor: amount(random, SMALL_MINOR),
        fault: random.pick(&GIVE_UP, "drop-after@any:always"),
    }]
}

fn offline(random: &mut SplitMix) -> Vec<Act> {
    let bad = random.pick(&[Kind::Insufficient, Kind::Declined], Kind::Declined);
    let mut acts = vec![Act::Refused {
        card: good_card(random),
        amount_minor: amount(random, SMALL_MINOR),
    }];
    for _ in 0..random.between(1, 3) {
        acts.push(Act::Offline {
            card: good_card(random),
            amount_minor: amount(random, SMALL_MINOR),
        });
    }
    acts.push(Act::Offline {
        card: drawn(random, bad),
        amount_minor: amount(random, TOO_MUCH_MINOR),
    });
    acts.push(Act::Sync);
    acts
}

fn close(random: &mut SplitMix) -> Vec<Act> {
    vec![
        Act::Refund {
            permille: random.between(100, 900),
        },
        Act::Close,
    ]
}

fn good_sale(random: &mut SplitMix) -> Act {
    Act::Card {
        card: good_card(random),
        amount_minor: amount(random, SMALL_MINOR),
    }
}

fn good_card(random: &mut SplitMix) -> &'static str {
    let kind = random.pick(&GOOD, Kind::Approved);
    drawn(random, kind)
}

/// A card of this kind, of whatever family.
fn drawn(random: &mut SplitMix, kind: Kind) -> &'static str {
    id(random.pick(&Family::ALL, Family::Visa), kind)
}

fn amount(random: &mut SplitMix, (low, high): (i64, i64)) -> i64 {
    random.between(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acts(seed: u64) -> Vec<Act> {
        plan(seed).into_iter().flat_map(|chapter| chapter.acts).collect()
    }

    /// The kinds of the cards that are tapped, of whatever family.
    fn is_of(card: &str, kind: Kind) -> bool {
        Family::ALL.into_iter().any(|family| id(family, kind) == card)
    }

    #[test]
    fn every_seed_has_every_kind() {
        for seed in 0..200 {
            let acts = acts(seed);
            let has = |wanted: &dyn Fn(&Act) -> bool, what: &str| {
                assert!(acts.iter().any(wanted), "seed {seed}: {what}: {acts:?}");
            };
            let tapped = |wanted: &dyn Fn(&str) -> bool, what: &str| {
                has(&|act| matches!(act, Act::Card { card, .. } if wanted(card)), what);
            };
            for kind in Kind::ALL {
                tapped(&|card| is_of(card, kind), kind.name());
            }
            for family in Family::ALL {
                for kind in [Kind::Approved, Kind::SeePhone] {
                    tapped(&|card| card == id(family, kind), id(family, kind));
                }
                let own = id(family, Kind::Offline);
                has(
                    &|act| matches!(act, Act::Offline { card, .. } if *card == own),
                    own,
                );
            }
            for once in ["visa-pulled", "two-cards", "unsupported"] {
                tapped(&|card| card == once, once);
            }
            has(&|act| matches!(act, Act::Code { .. }), "code");
            has(&|act| matches!(act, Act::Cash { .. }), "cash");
            for wanted in DEEDS {
                has(
                    &|act| matches!(act, Act::Scan { deed, .. } if *deed == wanted),
                    "scan",
                );
            }
            for wanted in ["drop-before", "drop-after"] {
                has(
                    &|act| matches!(act, Act::Lost { fault, .. } if *fault == wanted),
                    wanted,
                );
            }
            has(&|act| matches!(act, Act::GiveUp { .. }), "given up");
            has(&|act| matches!(act, Act::Refused { .. }), "refused");
            let bad = |card| is_of(card, Kind::Insufficient) || is_of(card, Kind::Declined);
            has(
                &|act| matches!(act, Act::Offline { card, .. } if bad(card)),
                "stored and declined",
            );
            has(&|act| matches!(act, Act::Sync), "sent");
            has(&|act| matches!(act, Act::Refund { .. }), "refund");
            assert_eq!(acts.last(), Some(&Act::Close));
        }
    }

    #[test]
    fn amounts_stay_below_their_limits() {
        for seed in 0..200 {
            let mut stored = 0;
            for act in acts(seed) {
                match act {
                    Act::Card { card, amount_minor } if is_of(card, Kind::Pin) => {
                        assert!(amount_minor > 100_000);
                    }
                    Act::Card { card, .. } if is_of(card, Kind::Phone) => {}
                    Act::Close => {}
                    Act::Sync => stored = 0,
                    Act::Refused { amount_minor, .. } | Act::Offline { amount_minor, .. } => {
                        assert!((1..=50_000).contains(&amount_minor));
                        stored += amount_minor;
                        assert!(stored <= 200_000, "seed {seed}: {stored}");
                    }
                    Act::Card { amount_minor, .. }
                    | Act::Code { amount_minor, .. }
                    | Act::Scan { amount_minor, .. }
                    | Act::Cash { amount_minor }
                    | Act::Lost { amount_minor, .. }
                    | Act::GiveUp { amount_minor, .. } => assert!((100..100_000).contains(&amount_minor)),
                    Act::Refund { permille } => assert!((1..1_000).contains(&permille)),
                }
            }
        }
    }

    /// Which scheme pays is drawn as well.
    #[test]
    fn seeds_differ_in_their_schemes() {
        for kind in [
            Kind::Pin,
            Kind::Declined,
            Kind::Expired,
            Kind::Refused,
            Kind::Blocked,
        ] {
            for family in Family::ALL {
                let tapped = |act: Act| matches!(act, Act::Card { card, .. } if card == id(family, kind));
                assert!(
                    (0..200).any(|seed| acts(seed).into_iter().any(tapped)),
                    "{}",
                    id(family, kind)
                );
            }
        }
    }

    #[test]
    fn the_seed_alone_decides() {
        assert_eq!(plan(42), plan(42));
        assert_ne!(plan(42), plan(43));
    }
}
