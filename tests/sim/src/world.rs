//! The world: a virtual clock, an agenda of what is under way, and the one place where effects become deeds.

mod inside;
mod network;

use std::collections::BTreeMap;

use softpos_cards::Wallet;
use softpos_flow::{Effect, EffectId, Ending, Event};
use softpos_host::{HostRequest, Sent};
use softpos_journal::{Payment, State};
use softpos_types::{Code, Now, OrderId, Tick};

pub(crate) use inside::Local;

use crate::Faults;
use crate::books::Books;
use crate::chance::Chance;
use crate::directed::Road;
use crate::host::{Answer, Handled, Host};
use crate::till::Till;

/// Some day in November 2025.
const DAY_ONE_UTC_MS: u64 = 1_764_000_000_000;
/// More effects from one event are no answer but a flood.
const MAX_EFFECTS: u32 = 64;
/// So often a deadline may pass without anything happening.
const MAX_IDLE_DEADLINES: u32 = 3;
/// After so many events of a calm world everything has an end.
const MAX_CALM_EVENTS: u32 = 20_000;

/// How a story went.
#[derive(Debug)]
pub struct Story {
    /// What happened, in order.
    pub lines: Vec<String>,
    /// The invariant that broke first, if one did.
    pub broken: Option<String>,
    /// Payments in the journal.
    pub payments: u64,
    /// Those that are approved.
    pub approved: u64,
    /// Power cuts.
    pub cuts: u64,
    /// Effects that were done.
    pub effects: u64,
}

/// Something under way.
pub(crate) enum Item {
    /// A request on its way; without an id nobody waits for the answer.
    ToHost {
        boot: u64,
        id: Option<EffectId>,
        request: HostRequest,
        again: bool,
    },
    /// An answer on its way; a copy comes after the first.
    ToTill {
        id: EffectId,
        answer: Answer,
        copy: bool,
    },
    /// No answer, as the link reports it.
    NoAnswer { id: EffectId, sent: Sent },
    /// Inside the till.
    Local(Local),
}

/// The simulated world.
pub struct World {
    pub(crate) chance: Chance,
    pub(crate) faults: Faults,
    pub(crate) clock_ms: u64,
    boot_at_ms: u64,
    pub(crate) skew_ms: i64,
    boot: u64,
    pub(crate) till: Till,
    pub(crate) host: Host,
    pub(crate) wallet: Wallet,
    pub(crate) in_field: Option<&'static str>,
    agenda: BTreeMap<(u64, u64), Item>,
    planned: u64,
    disk_busy_until_ms: u64,
    pub(crate) linked: bool,
    pub(crate) books: Books,
    pub(crate) orders: Vec<OrderId>,
    /// So many payers' codes were shown.
    pub(crate) codes_shown: u64,
    /// Where the roads to the host do not lead straight, in a story told on purpose.
    pub(crate) roads: BTreeMap<&'static str, Road>,
    /// So many of the next signatures are refused.
    pub(crate) signatures_refused: u32,
    /// What left the till.
    pub(crate) sent: Vec<HostRequest>,
    /// What the operator was told at the end of something.
    pub(crate) endings: Vec<Ending>,
    /// What went wrong inside the till, as it said.
    pub(crate) troubles: Vec<Code>,
    /// How often a late payment was told of.
    pub(crate) late_notices: u32,
    lines: Vec<String>,
    broken: Option<String>,
    effects: u64,
    idle_deadlines: u32,
}

impl World {
    /// A new till, a new host, day one.
    pub fn new(seed: u64, faults: &Faults) -> Self {
        let mut host = Host::new(seed);
        host.moods = (faults.slow_issuer, faults.partial);
        let now = Now {
            tick: Tick(0),
            utc_ms: DAY_ONE_UTC_MS,
            utc_offset_min: 480,
        };
        Self {
            chance: Chance::new(seed),
            faults: faults.clone(),
            clock_ms: 0,
            boot_at_ms: 0,
            skew_ms: 0,
            boot: 0,
            till: Till::new(seed, now),
            host,
            wallet: Wallet::new(),
            in_field: None,
            agenda: BTreeMap::new(),
            planned: 0,
            disk_busy_until_ms: 0,
            linked: true,
            books: Books::default(),
            orders: Vec::new(),
            codes_shown: 0,
            roads: BTreeMap::new(),
            signatures_refused: 0,
            sent: Vec::new(),
            endings: Vec::new(),
            troubles: Vec::new(),
            late_notices: 0,
            lines: Vec::new(),
            broken: None,
            effects: 0,
            idle_deadlines: 0,
        }
    }

    /// The till is activated before anything goes wrong, unless the faults say otherwise.
    pub fn open_shop(&mut self) {
        if self.faults.from_the_start {
            return;
        }
        let ahead = self.faults.clone();
        self.faults = ahead.last_cut();
        self.come_to_rest();
        self.faults = ahead;
    }

    /// The next thing happens: to the world, or by the operator's hand.
    pub fn step(&mut self) {
        if self.broken.is_some() {
            return;
        }
        if self.chance.permille(self.faults.hostile) {
            self.nonsense();
        }
        // Where a card is awaited somebody mostly comes; where something is under way one mostly waits.
        let flow = &self.till.flow;
        let eager = match (flow.is_reading(), self.in_field) {
            (true, None) => 900,
            (true, Some(_)) => 60,
            (false, _) if flow.is_idle() => 400,
            (false, _) => 90,
        };
        if self.next_due().is_none() || self.chance.permille(eager) {
            self.operate();
            self.after_event();
        } else {
            self.advance();
        }
    }

    /// Nothing goes wrong any more: everything comes to its end, the day is closed, the books agree.
    pub fn settle_down(&mut self) {
        self.line(|_| "-- the world calms down".into());
        self.faults = self.faults.last_cut();
        self.host.moods = (0, 0);
        self.linked = true;
        self.skew_ms = 0;
        self.tell_link();
        self.come_to_rest();
        self.agree();
        let days = self.till.flow.ledger().settled.len();
        // A power cut may come before the wish to close the day is on the disk: then it is wished again.
        for _ in 0..2 {
            if self.broken.is_none() && self.till.flow.ledger().settled.len() == days {
                let now = self.now();
                match self.till.flow.settle(now) {
                    Ok(()) => self.after_event(),
                    Err(error) => self.break_with(format!("a day at rest cannot be closed: {error}")),
                }
                self.come_to_rest();
            }
        }
        if self.till.flow.ledger().settled.len() == days {
            self.break_with("the day was not closed".into());
        }
        self.agree();
    }

    /// The story so far.
    pub fn tell(self) -> Story {
        let (mut payments, mut approved) = (0, 0);
        for payment in self.till.whole.payments() {
            payments += 1;
            approved += u64::from(payment.state == State::Approved);
        }
        Story {
            payments,
            approved,
            cuts: self.boot,
            effects: self.effects,
            lines: self.lines,
            broken: self.broken,
        }
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            tick: Tick(self.clock_ms - self.boot_at_ms),
            utc_ms: self.host_utc_ms().saturating_add_signed(self.skew_ms),
            utc_offset_min: 480,
        }
    }

    const fn host_utc_ms(&self) -> u64 {
        DAY_ONE_UTC_MS + self.clock_ms
    }

    pub(crate) fn line(&mut self, what: impl FnOnce(&Self) -> String) {
        let what = what(self);
        self.lines
            .push(format!("{:>10.3} {what}", seconds(self.clock_ms)));
    }

    pub(crate) fn break_with(&mut self, what: String) {
        if self.broken.is_none() {
            self.line(|_| format!("BROKEN: {what}"));
            self.broken = Some(what);
        }
    }

    pub(crate) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// How the story went lately, for people.
    pub(crate) fn last_lines(&self) -> String {
        let from = self.lines.len().saturating_sub(40);
        self.lines.get(from..).unwrap_or_default().join("\n")
    }

    pub(crate) const fn effects_done(&self) -> u64 {
        self.effects
    }

    /// What is under way.
    pub(crate) fn agenda(&self) -> impl Iterator<Item = &Item> {
        self.agenda.values()
    }

    pub(crate) fn plan(&mut self, after_ms: u64, item: Item) {
        self.planned += 1;
        self.agenda.insert((self.clock_ms + after_ms, self.planned), item);
    }

    pub(crate) fn agree(&mut self) {
        self.host.catch_up(self.host_utc_ms());
        if let Err(what) = Books::agree(&self.till.whole, &self.host) {
            self.break_with(what);
        }
    }

    pub(crate) fn come_to_rest(&mut self) {
        for _ in 0..MAX_CALM_EVENTS {
            if self.broken.is_some() || self.at_rest() {
                return;
            }
            if self.next_due().is_none() {
                if self.till.flow.is_idle() && !self.till.flow.is_active() {
                    self.activate();
                    self.after_event();
                    continue;
                }
                return self.break_with("something is open, and nothing will ever happen".into());
            }
            self.advance();
        }
        self.break_with("no rest in a calm world".into());
    }

    fn at_rest(&self) -> bool {
        let flow = &self.till.flow;
        let ledger = flow.ledger();
        self.agenda.is_empty()
            && flow.is_active()
            && flow.is_quiet(self.now())
            && ledger.settling.is_none()
            && ledger.open().next().is_none()
    }

    /// When the next thing is due, and whether it is a deadline of the flow.
    pub(crate) fn next_due(&self) -> Option<(u64, bool)> {
        let item = self.agenda.keys().next().map(|(at, _)| (*at, false));
        let deadline = self
            .till
            .flow
            .deadline()
            .map(|(tick, _)| (self.boot_at_ms.saturating_add(tick.0), true));
        item.into_iter().chain(deadline).min()
    }

    pub(crate) fn advance(&mut self) {
        let Some((at, is_deadline)) = self.next_due() else {
            return;
        };
        self.clock_ms = self.clock_ms.max(at);
        if is_deadline {
            let before = self.effects;
            let deadline = self.till.flow.deadline();
            self.till.flow.handle(Event::DeadlinePassed, self.now());
            self.after_event();
            let unchanged = self.effects == before && self.till.flow.deadline() == deadline;
            self.idle_deadlines = if unchanged { self.idle_deadlines + 1 } else { 0 };
            if self.idle_deadlines > MAX_IDLE_DEADLINES {
                self.break_with(format!("the flow spins on its deadline {deadline:?}"));
            }
        } else if let Some((_, item)) = self.agenda.pop_first() {
            self.happen(item);
            self.after_event();
        }
    }

    /// Does what the flow asks for, and looks at the books.
    pub(crate) fn after_event(&mut self) {
        for count in 0.. {
            if self.broken.is_some() {
                return;
            }
            let Some(effect) = self.till.flow.poll() else {
                break;
            };
            if count > MAX_EFFECTS {
                return self.break_with("a flood of effects".into());
            }
            self.effects += 1;
            let struck = self.faults.cut_at_effect == Some(self.effects);
            if struck || self.chance.permille(self.faults.power_cut) {
                self.line(|_| format!("power cut instead of {}", brief(&effect)));
                self.cut_power();
                continue;
            }
            self.perform(effect);
        }
        self.host.catch_up(self.host_utc_ms());
        if let Err(what) = self.books.check(&self.till.whole, &self.host) {
            self.break_with(what);
        }
    }

    /// What was in memory is gone; what was sent stays on its way.
    pub(crate) fn cut_power(&mut self) {
        let acknowledged = self.till.disk.fold(self.till.acknowledged);
        let remembered = self
            .till
            .flow
            .ledger()
            .payments()
            .filter(|payment| !payment.closed);
        let known = acknowledged.payments().eq(remembered);
        if !known {
            self.break_with("what the flow believed is not what it had written".into());
        }
        self.start_again();
    }

    /// The till comes back with what is on its disk.
    pub(crate) fn start_again(&mut self) {
        self.agenda.retain(|_, item| matches!(item, Item::ToHost { .. }));
        self.boot += 1;
        self.boot_at_ms = self.clock_ms;
        self.disk_busy_until_ms = self.clock_ms;
        self.in_field = None;
        if self.chance.permille(self.faults.keys_lost) {
            self.line(|_| "the register file is lost".into());
            self.till.disk.keys = self.chance.permille(500).then(|| vec![0, 1, 2]);
        }
        let now = self.now();
        self.till.restart(now);
        self.host.till_started();
        self.tell_link();
    }

    pub(crate) fn tell_link(&mut self) {
        let online = self.linked;
        self.till.flow.handle(Event::LinkChanged { online }, self.now());
        self.after_event();
    }

    fn finished(&mut self, ending: &Ending) {
        self.line(|_| format!("finished {ending:?}"));
        self.endings.push(ending.clone());
        if let Ending::Settled { view } = ending
            && !view.balanced
        {
            self.break_with(format!("the day does not balance: {view:?}"));
        }
    }

    /// Brings payments of closed batches back from the disk, as the terminal does before a call that names them.
    pub(crate) fn recall(&mut self, wanted: impl Fn(&Payment) -> bool) {
        let closed = |payment: &&Payment| payment.closed && wanted(payment);
        let mut found: Vec<Payment> = self.till.whole.payments().filter(closed).cloned().collect();
        found.sort_by_key(|payment| payment.state == State::Approved);
        for mut payment in found {
            payment.reprints = payment
                .reprints
                .saturating_sub(self.till.whole.late_reprints(payment.key));
            self.till.flow.recall(payment);
        }
    }

    fn happen(&mut self, item: Item) {
        match item {
            Item::ToHost {
                boot,
                id,
                request,
                again,
            } => match self.host.handle(&request, again, self.host_utc_ms()) {
                Handled::Thinking(ms) => {
                    let again = true;
                    self.plan(
                        ms,
                        Item::ToHost {
                            boot,
                            id,
                            request,
                            again,
                        },
                    );
                }
                Handled::Answered(answer) => {
                    if let (Some(id), true) = (id, boot == self.boot) {
                        let road = self.road(&request);
                        self.send_back(id, answer, road);
                    }
                }
            },
            Item::ToTill { id, answer, copy } => self.deliver(id, &answer, copy),
            Item::NoAnswer { id, sent } => {
                self.line(|_| format!("no answer {id:?} {sent:?}"));
                let event = Event::HostFailed {
                    id,
                    sent,
                    not_trusted: false,
                };
                self.till.flow.handle(event, self.now());
            }
            Item::Local(local) => {
                if self.chance.permille(self.faults.power_cut / 4) {
                    self.line(|_| "power cut".into());
                    return self.cut_power();
                }
                self.happen_inside(local);
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a story, for people")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

fn brief(effect: &Effect) -> String {
    let text = format!("{effect:?}");
    text.chars().take(60).collect()
}
