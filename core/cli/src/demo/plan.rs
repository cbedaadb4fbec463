//! What the demonstration does, from its seed: amounts, cards and faults. Whatever comes of it, the ledgers say.

use super::random::SplitMix;
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
/// Cards that the host approves for small amounts.
const GOOD_CARDS: [&str; 2] = ["visa-approved", "visa-phone"];
/// Below the floor limit: a card may approve by itself.
const BY_CARD_MINOR: (i64, i64) = (100, 9_999);
/// Cards of the schemes other than Visa, and one for the common kernel.
const OTHER_SCHEMES: [&str; 6] = [
    "mastercard-approved",
    "unionpay-approved",
    "amex-approved",
    "jcb-approved",
    "discover-approved",
    "kernel8-approved",
];
/// Phones that want their owner first.
const SEE_PHONE: [&str; 3] = ["visa-see-phone", "mastercard-see-phone", "kernel8-see-phone"];
/// Cards that approve by themselves.
const BY_CARD: [&str; 3] = ["visa-offline", "mastercard-offline", "kernel8-offline"];
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
        card: "visa-pin",
        amount_minor: amount(random, LARGE_MINOR),
    });
    acts
}

/// One card of every other scheme, a phone above the limit without PIN, and phones that want their owner first.
fn schemes(random: &mut SplitMix) -> Vec<Act> {
    let mut acts: Vec<Act> = OTHER_SCHEMES
        .iter()
        .map(|card| Act::Card {
            card,
            amount_minor: amount(random, SMALL_MINOR),
        })
        .collect();
    acts.push(Act::Card {
        card: "visa-phone",
        amount_minor: amount(random, LARGE_MINOR),
    });
    acts.extend(SEE_PHONE.map(|card| Act::Card {
        card,
        amount_minor: amount(random, SMALL_MINOR),
    }));
    acts
}

/// Approvals by the card, with the network and without.
fn alone(random: &mut SplitMix) -> Vec<Act> {
    let mut acts = vec![Act::Card {
        card: "visa-offline",
        amount_minor: amount(random, BY_CARD_MINOR),
    }];
    acts.extend(BY_CARD.map(|card| Act::Offline {
        card,
        amount_minor: amount(random, BY_CARD_MINOR),
    }));
    acts.push(Act::Sync);
    acts
}

fn declines(random: &mut SplitMix) -> Vec<Act> {
    let mut acts = vec![
        Act::Card {
            card: "visa-declined",
            amount_minor: amount(random, SMALL_MINOR),
        },
        Act::Card {
            card: "visa-insufficient",
            amount_minor: amount(random, TOO_MUCH_MINOR),
        },
        Act::Card {
            card: "visa-expired",
            amount_minor: amount(random, SMALL_MINOR),
        },
    ];
    let turns = usize::try_from(random.between(0, 2)).unwrap_or(0);
    acts.rotate_left(turns);
    acts
}

fn trouble(random: &mut SplitMix) -> Vec<Act> {
    vec![
        Act::Card {
            card: "visa-pulled",
            amount_minor: amount(random, SMALL_MINOR),
        },
        Act::Card {
            card: "two-cards",
            amount_minor: amount(random, SMALL_MINOR),
        },
        Act::Card {
            card: "unsupported",
            amount_minor: amount(random, SMALL_MINOR),
        },
        Act::Card {
            card: "visa-refused",
            amount_minor: amount(random, SMALL_MINOR),
        },
    ]
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
    let mut act = |fault| Act::Lost {
        card: random.pick(&GOOD_CARDS, "visa-approved"),
        amount_minor: amount(random, SMALL_MINOR),
        fault,
    };
    let mut acts = vec![act("drop-before"), act("drop-after")];
    let fault = random.pick(&LOST_AFTER, "garbage");
    let card = random.pick(&GOOD_CARDS, "visa-approved");
    acts.push(Act::Lost {
        card,
        amount_minor: amount(random, SMALL_MINOR),
        fault,
    });
    acts
}

fn give_up(random: &mut SplitMix) -> Vec<Act> {
    vec![Act::GiveUp {
        card: random.pick(&GOOD_CARDS, "visa-approved"),
        amount_minor: amount(random, SMALL_MINOR),
        fault: random.pick(&GIVE_UP, "drop-after@any:always"),
    }]
}

fn offline(random: &mut SplitMix) -> Vec<Act> {
    let good = random.pick(&GOOD_CARDS, "visa-approved");
    let bad = random.pick(&["visa-insufficient", "visa-declined"], "visa-declined");
    let mut acts = vec![Act::Refused {
        card: good,
        amount_minor: amount(random, SMALL_MINOR),
    }];
    for _ in 0..random.between(1, 3) {
        let card = random.pick(&GOOD_CARDS, "visa-approved");
        acts.push(Act::Offline {
            card,
            amount_minor: amount(random, SMALL_MINOR),
        });
    }
    acts.push(Act::Offline {
        card: bad,
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
        card: random.pick(&GOOD_CARDS, "visa-approved"),
        amount_minor: amount(random, SMALL_MINOR),
    }
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

    #[test]
    fn every_seed_has_every_kind() {
        for seed in 0..200 {
            let acts = acts(seed);
            let has = |wanted: fn(&Act) -> bool| assert!(acts.iter().any(wanted), "seed {seed}: {acts:?}");
            has(|act| {
                matches!(
                    act,
                    Act::Card {
                        card: "visa-approved" | "visa-phone",
                        ..
                    }
                )
            });
            for card in [
                "visa-pin",
                "visa-declined",
                "visa-insufficient",
                "visa-expired",
                "visa-pulled",
                "visa-offline",
            ]
            .into_iter()
            .chain(OTHER_SCHEMES)
            .chain(SEE_PHONE)
            {
                let tapped = |act: &Act| matches!(act, Act::Card { card: name, .. } if *name == card);
                assert!(acts.iter().any(tapped), "seed {seed}: {card}");
            }
            has(|act| matches!(act, Act::Code { .. }));
            has(|act| matches!(act, Act::Cash { .. }));
            for deed in DEEDS {
                let scanned = |act: &Act| matches!(act, Act::Scan { deed: own, .. } if *own == deed);
                assert!(acts.iter().any(scanned), "seed {seed}: {deed}");
            }
            has(|act| {
                matches!(
                    act,
                    Act::Lost {
                        fault: "drop-before",
                        ..
                    }
                )
            });
            has(|act| {
                matches!(
                    act,
                    Act::Lost {
                        fault: "drop-after",
                        ..
                    }
                )
            });
            has(|act| matches!(act, Act::GiveUp { .. }));
            has(|act| matches!(act, Act::Refused { .. }));
            has(|act| {
                matches!(
                    act,
                    Act::Offline {
                        card: "visa-insufficient" | "visa-declined",
                        ..
                    }
                )
            });
            for card in BY_CARD {
                let alone = |act: &Act| matches!(act, Act::Offline { card: name, .. } if *name == card);
                assert!(acts.iter().any(alone), "seed {seed}: {card}");
            }
            has(|act| matches!(act, Act::Sync));
            has(|act| matches!(act, Act::Refund { .. }));
            assert_eq!(acts.last(), Some(&Act::Close));
        }
    }

    #[test]
    fn amounts_stay_below_their_limits() {
        for seed in 0..200 {
            let mut stored = 0;
            for act in acts(seed) {
                match act {
                    Act::Card {
                        card: "visa-pin",
                        amount_minor,
                    } => assert!(amount_minor > 100_000),
                    Act::Card {
                        card: "visa-phone", ..
                    }
                    | Act::Sync
                    | Act::Close => {}
                    Act::Refused { amount_minor, .. } | Act::Offline { amount_minor, .. } => {
                        assert!((1..=50_000).contains(&amount_minor));
                        stored += amount_minor;
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
            assert!(stored <= 200_000, "seed {seed}: {stored}");
        }
    }

    #[test]
    fn the_seed_alone_decides() {
        assert_eq!(plan(42), plan(42));
        assert_ne!(plan(42), plan(43));
    }
}
