//! Everything at once: sales of all kinds, faults, kills and broken networks, in an order that a seed decides.

use std::time::Duration;

use softpos_scenarios::{Shop, sale, side_by_side};
use softpos_terminal::{Ending, Step};
use softpos_types::{Code, Method, MoneyState, PaymentKey, SoftPosError};

const CARDS: [&str; 8] = [
    "visa-approved",
    "visa-offline",
    "mastercard-approved",
    "mastercard-offline",
    "visa-phone",
    "visa-declined",
    "visa-pin",
    "two-cards",
];
const KINDS: [&str; 8] = [
    "drop-before",
    "drop-after",
    "garbage",
    "bad-signature",
    "status500",
    "duplicate",
    "delay=300",
    "refuse",
];
const ROUTES: [&str; 5] = ["transactions", "reversals", "refunds", "codes", "any"];

/// `SplitMix64`: the order of things, nothing secret.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()]
    }

    fn amount(&mut self) -> i64 {
        1 + i64::try_from(self.roll(40_000)).unwrap()
    }
}

/// What the till may refuse in such weather; nothing was charged by it.
fn assert_excusable(error: &SoftPosError) {
    assert_eq!(error.fault().money, MoneyState::NotMoved, "{error}");
    assert!(
        matches!(
            error.code(),
            Code::ReversalPending
                | Code::OfflineNotAllowed
                | Code::HostNotReached
                | Code::PaymentsUnsettled
                | Code::SettlementPending
                | Code::NotRefundable
                | Code::RefundOverSale
        ),
        "{error}"
    );
}

/// Ends what the operator began, patiently or not.
fn see_off(shop: &mut Shop, dice: &mut Dice, begun: Result<PaymentKey, SoftPosError>) {
    if let Err(error) = begun {
        return assert_excusable(&error);
    }
    match dice.roll(6) {
        0 => {
            shop.listen(Duration::from_millis(dice.roll(30)));
            if shop.steps().iter().any(has_ended) {
                return;
            }
            shop.till().cancel().unwrap();
        }
        1 => {
            shop.listen(Duration::from_millis(dice.roll(30)));
            return shop.kill_till();
        }
        _ => {}
    }
    shop.run_until(|step| has_ended(step).then_some(()));
}

/// A sale or a refund has; a day close may end in between.
fn has_ended(step: &Step) -> bool {
    matches!(
        step,
        Step::Finished {
            ending: Ending::Payment { .. } | Ending::NotStarted { .. },
            ..
        }
    )
}

fn one_thing(shop: &mut Shop, dice: &mut Dice) {
    let amount = dice.amount();
    match dice.roll(12) {
        0..=3 => {
            shop.customer.card = Some((dice.pick(&CARDS), 3));
            shop.customer.pin = Some("1234");
            let begun = shop.till().start(sale(amount, Method::Card));
            see_off(shop, dice, begun);
        }
        4 => {
            shop.customer.wallet = Some("alipay");
            let begun = shop.till().start(sale(amount, Method::Code));
            see_off(shop, dice, begun);
        }
        5 => {
            let begun = shop.till().start(sale(amount, Method::Cash));
            see_off(shop, dice, begun);
        }
        6 => {
            let sales = shop.history();
            if let Some(original) = sales.get(usize::try_from(dice.roll(8)).unwrap()) {
                let request = softpos_terminal::RefundRequest {
                    original_key: original.key,
                    amount: softpos_scenarios::cny(1 + amount / 3),
                    language: original.language,
                };
                let begun = shop.till().refund(&request);
                see_off(shop, dice, begun);
            }
        }
        7 | 8 => {
            let kind = dice.pick(&KINDS);
            let when = dice.pick(&["next", "2", "1/2"]);
            shop.host.fault(&match kind {
                "refuse" => format!("refuse:{when}"),
                kind => format!("{kind}@{}:{when}", dice.pick(&ROUTES)),
            });
        }
        9 => shop.network(dice.roll(2) == 0),
        10 => shop.restart_host(),
        _ => {
            if let Err(error) = shop.try_settle() {
                assert_excusable(&error);
            }
        }
    }
}

fn storm(seed: u64, things: u32) {
    // The stories' order is the seed's; how they end is the weather's.
    let mut shop = Shop::open();
    let mut dice = Dice(seed);
    for _ in 0..things {
        shop.forget_steps();
        one_thing(&mut shop, &mut dice);
    }
    shop.host.fault("off");
    shop.network(true);
    shop.assert_reconciled();
    let settled = |step: &Step| {
        matches!(
            step,
            Step::Finished {
                ending: Ending::Settled { .. },
                ..
            }
        )
    };
    while shop.till().settle().is_err() {
        shop.run_until(|step| settled(step).then_some(()));
    }
    let Ending::Settled { view } = shop.finish() else {
        panic!("seed {seed}: {:?}", shop.steps());
    };
    assert!(view.balanced, "seed {seed}: {view:?}");
    shop.assert_reconciled();
}

#[test]
fn the_books_agree_after_any_weather() {
    side_by_side(1..=3, |seed| storm(seed, 30));
}
