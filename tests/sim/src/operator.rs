//! The operator and the customers: they sell, give up, give back, close the day, and pull the plug of the router.

use softpos_flow::{Event, PaymentRequest, Redemption, RefundRequest};
use softpos_journal::State;
use softpos_types::{
    Currency, Language, Method, Money, Operation, OrderId, PaymentKey, SecretBytes, SoftPosError,
};

use crate::host::{CODE, LIMIT_MINOR};
use crate::world::World;

/// Cards in customers' pockets, the usual one more often.
const CARDS: &[&str] = &[
    "visa-approved",
    "visa-approved",
    "visa-approved",
    "visa-approved",
    "visa-phone",
    "visa-offline",
    "visa-offline",
    "visa-see-phone",
    "visa-refused",
    "visa-declined",
    "visa-insufficient",
    "visa-pin",
    "visa-pulled",
    "two-cards",
    "unsupported",
];

impl World {
    /// Somebody does something at the till.
    pub(crate) fn operate(&mut self) {
        if self.till.flow.is_reading() {
            return self.customer();
        }
        if !self.till.flow.is_active() && self.till.flow.is_idle() && self.chance.permille(800) {
            return self.activate();
        }
        if !self.till.flow.is_idle() {
            return self.interrupt();
        }
        match self.chance.below(100) {
            0..30 => self.sell(Method::Card),
            30..36 => self.sell(Method::Code),
            36..42 => self.charge(),
            42..50 => self.sell(Method::Cash),
            50..65 => self.give_back(),
            65..72 => self.refuse(),
            72..75 => self.close_day(),
            75..82 => self.pull_plug(),
            82..85 => {
                let now = self.now();
                let waiting = self.till.flow.force_sync(now);
                self.line(|_| format!("sync, {waiting} wait"));
            }
            85..88 => self.reprint(),
            88..91 if self.chance.permille(self.faults.clock_jump * 5) => {
                self.skew_ms = 60_000 * (i64::try_from(self.chance.below(60)).unwrap_or(0) - 30);
                self.line(|world| format!("the clock is now {} ms off", world.skew_ms));
            }
            _ => {
                self.clock_ms += self.chance.below(600_000);
                self.line(|_| "a pause".into());
            }
        }
    }

    /// Something is open, and somebody does not wait.
    fn interrupt(&mut self) {
        match self.chance.below(8) {
            0..3 => self.cancel(),
            3 => self.refuse(),
            4 => self.give_back(),
            5 => self.pull_plug(),
            6 => self.close_day(),
            _ if self.chance.permille(300) => self.charge(),
            _ => self.sell(Method::Cash),
        }
    }

    /// A customer shows a code; some show an old one.
    pub(crate) fn charge(&mut self) {
        if !self.chance.permille(100) {
            self.codes_shown += 1;
        }
        let prefix = if self.codes_shown.is_multiple_of(2) {
            13
        } else {
            28
        };
        let code = format!("{prefix}{:016}", self.codes_shown);
        let amount_minor = i64::try_from(1 + self.chance.below(9_000)).unwrap_or(1);
        let request = PaymentRequest {
            amount: Money::new(amount_minor, Currency::CNY),
            method: Method::Code,
            order: None,
            category: None,
            language: Language::En,
        };
        let now = self.now();
        let scanned = SecretBytes::copy_of(code.as_bytes());
        let started = self.till.flow.charge_code(request, &scanned, now);
        self.line(|_| format!("charge {code}: {}", told(&started)));
        self.nothing_if_refused(started.map(drop));
    }

    pub(crate) fn activate(&mut self) {
        let now = self.now();
        let resumed = self.till.flow.resume_activation(now);
        if resumed {
            return self.line(|_| "activation goes on".into());
        }
        let redemption = Redemption {
            code: CODE.into(),
            host_url: "https://sim.invalid".into(),
            pins: vec!["pin".into()],
        };
        let begun = self.till.flow.activate(redemption, now);
        self.line(|_| format!("activate: {begun:?}"));
    }

    fn sell(&mut self, method: Method) {
        let amount_minor = match self.chance.below(20) {
            0 => 0,
            1 => LIMIT_MINOR + 1,
            2 => 150_000,
            3 => 60_000,
            _ => i64::try_from(1 + self.chance.below(9_000)).unwrap_or(1),
        };
        let order = match self.chance.below(4) {
            0 => self.chance.pick(&self.orders).cloned(),
            1 => {
                let order = OrderId::new(&format!("order {}", self.orders.len())).expect("an order");
                self.orders.push(order.clone());
                Some(order)
            }
            _ => None,
        };
        let request = PaymentRequest {
            amount: Money::new(amount_minor, Currency::CNY),
            method,
            order,
            category: None,
            language: Language::En,
        };
        let now = self.now();
        self.recall(|payment| payment.order.is_some() && payment.order == request.order);
        let started = self.till.flow.start(request.clone(), now);
        self.line(|_| {
            format!(
                "sell {method:?} {} {:?}: {}",
                request.amount,
                request.order,
                told(&started)
            )
        });
        self.nothing_if_refused(started.map(drop));
    }

    fn give_back(&mut self) {
        let Some((original_key, sold)) = self.approved_sale() else {
            return;
        };
        let sold = sold.amount_minor();
        let amount_minor = match self.chance.below(4) {
            0 => sold + 1,
            1 => sold,
            _ => 1 + sold / 3,
        };
        let request = RefundRequest {
            original_key,
            amount: Money::new(amount_minor, Currency::CNY),
            language: Language::En,
        };
        let now = self.now();
        self.recall(|payment| payment.key == original_key);
        let started = self.till.flow.refund(&request, now);
        self.line(|_| format!("refund {amount_minor} of {original_key}: {}", told(&started)));
        self.nothing_if_refused(started.map(drop));
    }

    fn refuse(&mut self) {
        let Some((key, _)) = self.approved_sale() else {
            return;
        };
        let now = self.now();
        let refused = self.till.flow.refuse_approval(key, now);
        self.line(|_| format!("refuse {key}: {refused:?}"));
        if refused.is_ok() {
            self.books.refused.insert(key);
        }
        self.nothing_if_refused(refused);
    }

    fn close_day(&mut self) {
        let now = self.now();
        let begun = self.till.flow.settle(now);
        self.line(|_| format!("close the day: {begun:?}"));
        self.nothing_if_refused(begun);
    }

    fn reprint(&mut self) {
        let Some((key, _)) = self.approved_sale() else {
            return;
        };
        let now = self.now();
        let printed = self.till.flow.reprinted(key, now);
        self.nothing_if_refused(printed);
    }

    fn cancel(&mut self) {
        self.line(|_| "cancel".into());
        self.till.flow.handle(Event::Cancelled, self.now());
    }

    fn pull_plug(&mut self) {
        self.linked = !self.linked;
        self.line(|world| format!("the network {}", if world.linked { "comes" } else { "goes" }));
        if self.chance.permille(700) {
            self.tell_link();
        }
    }

    /// A card is awaited: it comes, it goes, or somebody changes their mind.
    fn customer(&mut self) {
        let now = self.now();
        let card = match self.chance.below(10) {
            0 => return self.cancel(),
            1 => {
                self.in_field = None;
                return self.till.flow.handle(Event::CardLost, now);
            }
            2 => return self.clock_ms += self.chance.below(30_000),
            _ if self.in_field.is_some() => return,
            _ => *self.chance.pick(CARDS).expect("there are cards"),
        };
        self.present(card);
    }

    /// A card comes into the field.
    pub(crate) fn present(&mut self, card: &'static str) {
        self.line(|_| format!("card {card}"));
        let presence = self.wallet.card(card).expect("a card of the sandbox").present();
        let event = match presence {
            softpos_cards::Presence::Collision => Event::CardCollision,
            softpos_cards::Presence::Card => {
                self.in_field = Some(card);
                Event::CardPresent
            }
        };
        self.till.flow.handle(event, self.now());
    }

    fn approved_sale(&mut self) -> Option<(PaymentKey, Money)> {
        let sales: Vec<(PaymentKey, Money)> = self
            .till
            .whole
            .payments()
            .filter(|payment| payment.operation == Operation::Sale && payment.state == State::Approved)
            .map(|payment| (payment.key, payment.amount))
            .collect();
        self.chance.pick(&sales).copied()
    }

    /// What is refused leaves no trace.
    fn nothing_if_refused(&mut self, result: Result<(), SoftPosError>) {
        if let Err(error) = result
            && let Some(effect) = self.till.flow.poll()
        {
            self.break_with(format!("{error}, and yet {effect:?}"));
        }
    }
}

fn told(started: &Result<PaymentKey, SoftPosError>) -> String {
    match started {
        Ok(key) => key.to_string(),
        Err(error) => format!("{:?}", error.code()),
    }
}
