//! The machine of payment codes against simulated wallets: whatever is lost, late or doubled, and whenever the till is
//! killed, every order ends, and the payer has paid once or not at all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use softpos_qr::order::{
    Answer, Call, CallId, Charge, Circumstances, Desk, Effect, Event, NotBegun, Order, Rules, State, Window,
};
use softpos_types::{Now, SecretBytes, Tick};

const WALLETS: [Rules; 5] = [
    Rules::WECHAT,
    Rules::WECHAT_CROSS_BORDER,
    Rules::ALIPAY,
    Rules::ANTOM,
    Rules::UNIONPAY,
];

/// How long the till waits for an answer.
const PATIENCE_MS: u64 = 10_000;

fn at(ms: u64) -> Now {
    Now {
        tick: Tick(ms),
        utc_ms: 1_790_000_000_000 + ms,
        utc_offset_min: 480,
    }
}

/// What the payer does after the charge has arrived.
#[derive(Clone, Copy, Debug)]
enum Payer {
    PaysAfter(u64),
    RefusesAfter(u64),
    DoesNothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Account {
    None,
    Waiting { since: u64 },
    Paid,
    Refused,
    Closed,
    Refunded,
}

/// A wallet with the one order of the test.
struct Wallet {
    payer: Payer,
    account: Account,
    /// How often money moved from the payer.
    charges: u32,
    refunds: u32,
}

impl Wallet {
    fn settle(&mut self, now: u64) {
        let Account::Waiting { since } = self.account else {
            return;
        };
        match self.payer {
            Payer::PaysAfter(ms) if now >= since + ms => {
                self.account = Account::Paid;
                self.charges += 1;
            }
            Payer::RefusesAfter(ms) if now >= since + ms => self.account = Account::Refused,
            Payer::PaysAfter(_) | Payer::RefusesAfter(_) | Payer::DoesNothing => {}
        }
    }

    fn take(&mut self, call: Call, now: u64) -> Answer {
        self.settle(now);
        match (call, self.account) {
            (Call::Submit, Account::None) => {
                self.account = Account::Waiting { since: now };
                self.settle(now);
                self.said()
            }
            (Call::Submit, Account::Closed | Account::Refunded) => Answer::Failed,
            (Call::Submit | Call::Query, _) => self.said(),
            (Call::Reverse | Call::Refund, Account::Paid) => {
                self.account = Account::Refunded;
                self.refunds += 1;
                Answer::ReversedRefunded
            }
            (Call::Reverse | Call::Refund, Account::Refunded) => Answer::ReversedRefunded,
            // A number that was reversed is dead, also one that had not arrived.
            (Call::Reverse | Call::Refund, _) => {
                self.account = Account::Closed;
                Answer::Reversed
            }
        }
    }

    fn said(&self) -> Answer {
        match self.account {
            Account::None => Answer::NotFound,
            Account::Waiting { .. } => Answer::AwaitingPayer,
            Account::Paid => Answer::Paid,
            Account::Refused => Answer::Failed,
            Account::Closed => Answer::Reversed,
            Account::Refunded => Answer::ReversedRefunded,
        }
    }
}

/// What the network does to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    RequestLost,
    AnswerLost,
    Late,
    Doubled,
    NotSent,
}

const FAULTS: [Fault; 6] = [
    Fault::None,
    Fault::RequestLost,
    Fault::AnswerLost,
    Fault::Late,
    Fault::Doubled,
    Fault::NotSent,
];

#[derive(Clone, Copy, Debug)]
enum Packet {
    Arrives(CallId, Call, bool),
    Tells(Event),
}

struct World {
    rules: Rules,
    wallet: Wallet,
    order: Order,
    written: State,
    packets: Vec<(u64, Packet)>,
    now: u64,
    calls: usize,
    submits: u32,
    effects: u32,
    /// Ids start anew after a kill; answers to calls of the life before are lost with it.
    first_life_ends: Option<u32>,
}

impl World {
    fn run(rules: Rules, payer: Payer, faults: &[Fault], kill_at: Option<u32>, stop_at: Option<u64>) -> Self {
        let mut world = Self {
            rules,
            wallet: Wallet {
                payer,
                account: Account::None,
                charges: 0,
                refunds: 0,
            },
            order: Order::new(rules, at(0)),
            written: State::Created,
            packets: stop_at
                .map(|ms| (ms, Packet::Tells(Event::Stopped)))
                .into_iter()
                .collect(),
            now: 0,
            calls: 0,
            submits: 0,
            effects: 0,
            first_life_ends: kill_at,
        };
        for _ in 0..2_000 {
            while let Some(effect) = world.order.poll() {
                world.obey(effect, faults);
            }
            if !world.step() {
                break;
            }
        }
        world
    }

    fn obey(&mut self, effect: Effect, faults: &[Fault]) {
        if self.first_life_ends == Some(self.effects) {
            self.first_life_ends = None;
            self.packets
                .retain(|(_, packet)| matches!(packet, Packet::Arrives(..)));
            for (_, packet) in &mut self.packets {
                if let Packet::Arrives(_, _, answers) = packet {
                    *answers = false;
                }
            }
            self.order = Order::restore(self.rules, self.written, at(0).utc_ms, at(self.now));
            return;
        }
        self.effects += 1;
        match effect {
            Effect::Journal(state) => {
                self.written = state;
                self.order.handle(Event::Journalled, at(self.now));
            }
            Effect::Call { id, call } => {
                let fault = faults.get(self.calls).copied().unwrap_or(Fault::None);
                self.calls += 1;
                self.submits += u32::from(call == Call::Submit);
                let silence = (self.now + PATIENCE_MS, Packet::Tells(Event::Unanswered { id }));
                let soon = |answers| (self.now + 100, Packet::Arrives(id, call, answers));
                match fault {
                    Fault::None => self.packets.push(soon(true)),
                    Fault::RequestLost => self.packets.push(silence),
                    Fault::AnswerLost => self.packets.extend([soon(false), silence]),
                    Fault::Late => {
                        let late = (self.now + 25_000, Packet::Arrives(id, call, true));
                        self.packets.extend([silence, late]);
                    }
                    Fault::Doubled => {
                        let again = (self.now + 20_000, Packet::Arrives(id, call, true));
                        self.packets.extend([soon(true), again]);
                    }
                    Fault::NotSent => self
                        .packets
                        .push((self.now, Packet::Tells(Event::NotSent { id }))),
                }
            }
            Effect::AlarmLatePayment => {}
        }
    }

    /// The next thing in time. False if there is none.
    fn step(&mut self) -> bool {
        let next = (0..self.packets.len()).min_by_key(|i| self.packets[*i].0);
        let due = self.order.deadline().map(|(tick, _)| tick.0);
        match (next, due) {
            (Some(i), due) if due.is_none_or(|due| self.packets[i].0 <= due) => {
                let (time, packet) = self.packets.remove(i);
                self.now = self.now.max(time);
                match packet {
                    Packet::Arrives(id, call, answers) => {
                        let answer = self.wallet.take(call, self.now);
                        if answers {
                            self.packets
                                .push((self.now + 100, Packet::Tells(Event::Answered { id, answer })));
                        }
                    }
                    Packet::Tells(event) => self.order.handle(event, at(self.now)),
                }
                true
            }
            (_, Some(due)) => {
                self.now = self.now.max(due);
                self.order.handle(Event::DeadlinePassed, at(self.now));
                true
            }
            (_, None) => false,
        }
    }

    fn check(&self, story: &str) {
        let paid = self.wallet.charges - self.wallet.refunds;
        assert!(!self.order.is_open(), "{story}: still {:?}", self.order.state());
        assert!(
            self.submits <= 1 && self.wallet.charges <= 1,
            "{story}: charged twice"
        );
        assert_eq!(self.order.state(), self.written, "{story}");
        let expected = u32::from(self.order.state() == State::Paid);
        assert_eq!(
            paid,
            expected,
            "{story}: {:?} and {:?}",
            self.order.state(),
            self.wallet.account
        );
        assert!(
            !matches!(self.wallet.account, Account::Waiting { .. }),
            "{story}: the payer can still pay"
        );
    }
}

const PAYERS: [Payer; 5] = [
    Payer::PaysAfter(0),
    Payer::PaysAfter(8_000),
    Payer::PaysAfter(44_000),
    Payer::RefusesAfter(6_000),
    Payer::DoesNothing,
];

#[test]
fn whatever_is_lost_late_or_doubled_every_order_ends_once() {
    let mut ends = std::collections::BTreeMap::<String, u32>::new();
    for rules in WALLETS {
        for payer in PAYERS {
            for mix in 0..FAULTS.len().pow(4) {
                let faults = [0, 1, 2, 3].map(|place| FAULTS[mix / FAULTS.len().pow(place) % FAULTS.len()]);
                let world = World::run(rules, payer, &faults, None, None);
                world.check(&format!("{payer:?} {faults:?}"));
                *ends.entry(format!("{:?}", world.order.state())).or_default() += 1;
            }
        }
    }
    // The storm reaches every end there is.
    assert_eq!(
        ends.keys().map(String::as_str).collect::<Vec<_>>(),
        ["Failed", "Paid", "Reversed", "ReversedRefunded"]
    );
}

#[test]
fn a_kill_at_any_step_leaves_nothing_open() {
    for rules in WALLETS {
        for payer in PAYERS {
            for mix in 0..FAULTS.len().pow(2) {
                let faults = [0, 1].map(|place| FAULTS[mix / FAULTS.len().pow(place) % FAULTS.len()]);
                for kill_at in 0..12 {
                    World::run(rules, payer, &faults, Some(kill_at), None)
                        .check(&format!("{payer:?} {faults:?} killed at {kill_at}"));
                }
            }
        }
    }
}

#[test]
fn a_stop_at_any_moment_takes_the_charge_back_or_comes_too_late() {
    for rules in WALLETS {
        for payer in PAYERS {
            for fault in FAULTS {
                for stop_at in [0, 100, 150, 250, 5_000, 12_000, 30_000, 100_000] {
                    World::run(rules, payer, &[fault], None, Some(stop_at))
                        .check(&format!("{payer:?} {fault:?} stopped at {stop_at}"));
                }
            }
        }
    }
    // Answered before the stop: the payment stands.
    let world = World::run(Rules::ALIPAY, Payer::PaysAfter(0), &[], None, Some(5_000));
    assert_eq!(world.order.state(), State::Paid);
    let world = World::run(Rules::ALIPAY, Payer::DoesNothing, &[], None, Some(5_000));
    assert_eq!(
        (world.order.state(), world.wallet.account),
        (State::Reversed, Account::Closed)
    );
}

/// Feeds events and collects what the machine wants, writing every state at once.
fn feed(order: &mut Order, event: Event, ms: u64) -> Vec<Effect> {
    order.handle(event, at(ms));
    let mut effects = Vec::new();
    while let Some(effect) = order.poll() {
        effects.push(effect);
        if matches!(effect, Effect::Journal(_)) {
            order.handle(Event::Journalled, at(ms));
        }
    }
    effects
}

const fn call(id: u64, call: Call) -> Effect {
    Effect::Call { id: CallId(id), call }
}

const fn answered(id: u64, answer: Answer) -> Event {
    Event::Answered {
        id: CallId(id),
        answer,
    }
}

#[test]
fn the_intervals_of_wechat() {
    let mut order = Order::new(Rules::WECHAT, at(0));
    assert_eq!(order.poll(), Some(Effect::Journal(State::Submitted)));
    assert_eq!(order.poll(), None, "nothing is sent before it is written");
    assert_eq!(feed(&mut order, Event::Journalled, 0), [call(1, Call::Submit)]);
    let waits = [Effect::Journal(State::AwaitingPayer)];
    assert_eq!(feed(&mut order, answered(1, Answer::AwaitingPayer), 1_000), waits);
    assert_eq!(order.deadline(), Some((Tick(6_000), "query")));
    assert_eq!(feed(&mut order, Event::DeadlinePassed, 5_999), []);
    let asks = [Effect::Journal(State::Querying), call(2, Call::Query)];
    assert_eq!(feed(&mut order, Event::DeadlinePassed, 6_000), asks);
    for (id, due, next) in [
        (2, 6_000, 16_000),
        (3, 16_000, 26_000),
        (4, 26_000, 36_000),
        (5, 36_000, 45_000),
    ] {
        assert_eq!(feed(&mut order, answered(id, Answer::AwaitingPayer), due), []);
        assert_eq!(order.deadline(), Some((Tick(next), "query")));
        assert_eq!(
            feed(&mut order, Event::DeadlinePassed, next),
            [call(id + 1, Call::Query)]
        );
    }
    let takes_back = [Effect::Journal(State::Reversing), call(7, Call::Reverse)];
    assert_eq!(
        feed(&mut order, answered(6, Answer::AwaitingPayer), 45_100),
        takes_back
    );
    // A stale answer changes nothing.
    assert_eq!(feed(&mut order, answered(6, Answer::Paid), 45_200), []);
    let silence = Event::Unanswered { id: CallId(7) };
    assert_eq!(
        feed(&mut order, silence, 55_000),
        [Effect::Journal(State::ReverseUnknown)]
    );
    assert_eq!(order.deadline(), Some((Tick(60_000), "reverse")));
    let again = [Effect::Journal(State::Reversing), call(8, Call::Reverse)];
    assert_eq!(feed(&mut order, Event::DeadlinePassed, 60_000), again);
    let refunded = [Effect::Journal(State::ReversedRefunded)];
    assert_eq!(
        feed(&mut order, answered(8, Answer::ReversedRefunded), 60_100),
        refunded
    );
    assert!(!order.is_open());
}

#[test]
fn wechat_is_not_reversed_in_the_first_15_seconds() {
    let mut order = Order::new(Rules::WECHAT, at(0));
    order.poll();
    feed(&mut order, Event::Journalled, 0);
    assert_eq!(
        feed(&mut order, Event::Stopped, 2_000),
        [Effect::Journal(State::Reversing)]
    );
    assert_eq!(order.deadline(), Some((Tick(15_000), "reverse")));
    assert_eq!(
        feed(&mut order, Event::DeadlinePassed, 15_000),
        [call(2, Call::Reverse)]
    );
}

#[test]
fn stopped_before_it_was_written_nothing_is_sent() {
    let mut order = Order::new(Rules::ALIPAY, at(0));
    order.poll();
    order.handle(Event::Stopped, at(0));
    assert_eq!(
        feed(&mut order, Event::Journalled, 1),
        [Effect::Journal(State::Failed)]
    );
    assert_eq!(order.state(), State::Failed);
}

#[test]
fn a_late_notice_raises_an_alarm_and_is_resolved_by_a_query() {
    let mut order = Order::restore(Rules::ALIPAY, State::Reversed, at(0).utc_ms, at(0));
    assert!(!order.is_open());
    let alarm = [Effect::AlarmLatePayment, call(1, Call::Query)];
    assert_eq!(feed(&mut order, Event::NotifiedPaid, 1_000), alarm);
    assert!(order.is_open(), "no new charge while it is not resolved");
    assert_eq!(order.state(), State::Reversed, "a notice overwrites nothing");
    assert_eq!(feed(&mut order, Event::Unanswered { id: CallId(1) }, 11_000), []);
    assert_eq!(
        feed(&mut order, Event::DeadlinePassed, 16_000),
        [call(2, Call::Query)]
    );
    let back = [Effect::Journal(State::Reversing), call(3, Call::Reverse)];
    assert_eq!(feed(&mut order, answered(2, Answer::Paid), 16_100), back);
    feed(&mut order, answered(3, Answer::ReversedRefunded), 16_200);
    assert_eq!((order.state(), order.is_open()), (State::ReversedRefunded, false));
    // Told while the end is being written, it is not forgotten.
    let mut order = Order::restore(Rules::ALIPAY, State::Reversing, at(0).utc_ms, at(0));
    order.poll();
    assert_eq!(feed(&mut order, Event::Journalled, 0), [call(1, Call::Reverse)]);
    order.handle(answered(1, Answer::Reversed), at(100));
    assert_eq!(order.poll(), Some(Effect::Journal(State::Reversed)));
    order.handle(Event::NotifiedPaid, at(150));
    let alarm = [Effect::AlarmLatePayment, call(2, Call::Query)];
    assert_eq!(feed(&mut order, Event::Journalled, 200), alarm);
    // What was only rumour ends as it was.
    let mut order = Order::restore(Rules::ALIPAY, State::Failed, at(0).utc_ms, at(0));
    feed(&mut order, Event::NotifiedPaid, 0);
    feed(&mut order, answered(1, Answer::Failed), 100);
    assert_eq!((order.state(), order.is_open()), (State::Failed, false));
}

#[test]
fn too_old_to_be_reversed_it_is_asked_for_and_refunded() {
    let day = 86_400_000;
    let mut order = Order::restore(Rules::ALIPAY, State::Reversing, at(0).utc_ms, at(day + 1));
    assert_eq!(order.poll(), Some(Effect::Journal(State::Reversing)));
    assert_eq!(
        feed(&mut order, Event::Journalled, day + 1),
        [call(1, Call::Query)]
    );
    assert_eq!(
        feed(&mut order, answered(1, Answer::Paid), day + 2),
        [call(2, Call::Refund)]
    );
    feed(&mut order, answered(2, Answer::ReversedRefunded), day + 3);
    assert_eq!(order.state(), State::ReversedRefunded);
    // The wallet says so itself.
    let mut order = Order::restore(Rules::UNIONPAY, State::Reversing, at(0).utc_ms, at(0));
    order.poll();
    assert_eq!(feed(&mut order, Event::Journalled, 0), [call(1, Call::Reverse)]);
    feed(&mut order, answered(1, Answer::NotReversible), 0);
    feed(&mut order, Event::DeadlinePassed, 2_000);
    feed(&mut order, answered(2, Answer::Failed), 2_100);
    assert_eq!(order.state(), State::Reversed);
}

#[test]
fn windows() {
    // 2026-01-01 23:50 and 2026-01-02 00:05, 00:16 in Beijing.
    let (late, soon, over) = (1_767_282_600_000, 1_767_283_500_000, 1_767_284_160_000);
    assert!(!Rules::ANTOM.window.is_over(late, soon) && Rules::ANTOM.window.is_over(late, over));
    assert!(!Window::Open.is_over(0, u64::MAX));
    assert!(!Window::For { ms: 5 }.is_over(u64::MAX, u64::MAX) && Window::For { ms: 5 }.is_over(0, 6));
}

#[test]
fn the_desk_lets_one_order_begin_and_no_code_twice() {
    let code = |text: &str| SecretBytes::copy_of(text.as_bytes());
    let (first, second) = (code("134567890123456789"), code("2812345678901234"));
    let mut desk = Desk::default();
    let mut begin = |code, number, (is_online, is_order_open), tick| {
        let charge = Charge {
            code,
            number,
            rules: Rules::WECHAT,
        };
        let circumstances = Circumstances {
            is_online,
            is_order_open,
        };
        desk.begin(&charge, circumstances, at(tick)).map(|_| ())
    };
    assert_eq!(begin(&first, "1", (false, false), 0), Err(NotBegun::Offline));
    assert_eq!(begin(&first, "1", (true, true), 0), Err(NotBegun::OrderOpen));
    assert_eq!(begin(&first, "1", (true, false), 0), Ok(()));
    assert_eq!(begin(&first, "2", (true, false), 200), Err(NotBegun::CodeUsed));
    assert_eq!(begin(&second, "1", (true, false), 200), Err(NotBegun::NumberUsed));
    assert_eq!(begin(&second, "2", (true, false), 200), Ok(()));
    assert_eq!(begin(&first, "3", (true, false), 15 * 60_000), Ok(()));
}

#[test]
fn a_connection_that_is_back_hurries_what_waits_but_no_reversal_before_its_time() {
    let mut order = Order::restore(Rules::ALIPAY, State::ReverseUnknown, at(0).utc_ms, at(0));
    order.poll();
    feed(&mut order, Event::Journalled, 0);
    feed(&mut order, Event::Unanswered { id: CallId(1) }, 10);
    feed(&mut order, Event::Journalled, 10);
    assert_eq!(order.deadline(), Some((Tick(2_010), "reverse")));
    feed(&mut order, Event::Hurried, 50);
    assert_eq!(order.deadline(), Some((Tick(50), "reverse")));
    let mut early = Order::restore(Rules::WECHAT, State::Reversing, at(0).utc_ms, at(0));
    early.poll();
    feed(&mut early, Event::Journalled, 0);
    feed(&mut early, Event::Hurried, 50);
    assert_eq!(early.deadline(), Some((Tick(15_000), "reverse")));
}
