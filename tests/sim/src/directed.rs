//! A shop whose story is told on purpose: nothing goes wrong by chance, only what the teller says.

use softpos_flow::{Ending, Event, PaymentRequest, RefundRequest};
use softpos_host::{HostRequest, TransactionState};
use softpos_journal::{Entry, Payment, State};
use softpos_types::{Code, Currency, Language, Method, Money, PaymentKey, SecretBytes};

use crate::Faults;
use crate::host::PayerMood;
use crate::world::{Item, Local, World};

/// The terminal looks at the clock so often, whatever else happens.
const TICK_MS: u64 = 60_000;
/// After so many events nothing that is waited for will come any more.
const MAX_EVENTS: u32 = 20_000;

/// What the road to the host does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// The connection is refused: for certain nothing was sent.
    Refused,
    /// The request is lost, and the till does not know.
    RequestLost,
    /// The request arrives so many milliseconds later.
    RequestLate(u64),
    /// The answer is lost.
    AnswerLost,
    /// The answer arrives so many milliseconds later.
    AnswerLate(u64),
}

/// A till and its host, driven step by step. Both books are checked after every event, as in the random stories.
pub struct Shop {
    world: World,
}

impl Shop {
    /// An activated till at rest.
    pub fn open() -> Self {
        let mut world = World::new(1, &Faults::none());
        world.open_shop();
        let shop = Self { world };
        shop.sound();
        shop
    }

    /// From now on requests on this path go that way; a path that ends in `/` means all below it.
    pub fn road(&mut self, path: &'static str, road: Road) {
        self.world.roads.insert(path, road);
    }

    /// All roads are open again.
    pub fn open_roads(&mut self) {
        self.world.roads.clear();
    }

    /// The network comes or goes, and the till is told.
    pub fn network(&mut self, linked: bool) {
        self.world.linked = linked;
        self.world.tell_link();
        self.sound();
    }

    /// So many of the next signatures are refused by the secure hardware.
    pub fn refuse_signatures(&mut self, count: u32) {
        self.world.signatures_refused = count;
    }

    /// Whether issuers approve half of what they are asked for.
    pub fn approve_in_part(&mut self, part_only: bool) {
        self.world.host.moods = (0, if part_only { 1_000 } else { 0 });
    }

    /// Whether the host has no newer parameters than those it handed out last.
    pub fn keep_parameters(&mut self, stand: bool) {
        self.world.host.parameters_stand = stand;
    }

    /// How many records the till's journal has.
    pub fn records(&self) -> usize {
        self.world.till.disk.len()
    }

    /// The till's clock is so far ahead of the host's.
    pub fn set_clock_ahead(&mut self, ms: i64) {
        self.world.skew_ms = ms;
        self.tick();
    }

    /// Starts a sale.
    ///
    /// # Errors
    /// The reason why it is refused.
    pub fn start(&mut self, method: Method, amount_minor: i64) -> Result<PaymentKey, Code> {
        let request = PaymentRequest {
            amount: cny(amount_minor),
            method,
            order: None,
            category: None,
            language: Language::En,
        };
        let now = self.world.now();
        let started = self.world.till.flow.start(request, now);
        self.world.after_event();
        self.sound();
        started.map_err(|error| error.code())
    }

    /// Starts a card sale and holds the usual card to the till.
    ///
    /// # Errors
    /// The reason why it is refused.
    pub fn tap(&mut self, amount_minor: i64) -> Result<PaymentKey, Code> {
        self.tap_with("visa-approved", amount_minor)
    }

    /// Starts a card sale and holds this card of the wallet to the till.
    ///
    /// # Errors
    /// The reason why it is refused.
    pub fn tap_with(&mut self, card: &'static str, amount_minor: i64) -> Result<PaymentKey, Code> {
        let key = self.start(Method::Card, amount_minor)?;
        self.world.present(card);
        self.world.after_event();
        self.sound();
        Ok(key)
    }

    /// A card sale that goes well.
    ///
    /// # Panics
    /// When it does not.
    pub fn sold(&mut self, amount_minor: i64) -> PaymentKey {
        let key = self.tap(amount_minor).expect("a sale may begin");
        self.until("the sale's end", Self::is_idle);
        assert_eq!(self.state(key), Some(State::Approved));
        key
    }

    /// A customer's code is scanned: an even `code` is `WeChat`'s, an odd one Alipay's.
    ///
    /// # Errors
    /// The reason why it is refused.
    pub fn charge(&mut self, code: u64, payer: PayerMood) -> Result<PaymentKey, Code> {
        self.world.host.payer = Some(payer);
        let request = PaymentRequest {
            amount: cny(1_500),
            method: Method::Code,
            order: None,
            category: None,
            language: Language::En,
        };
        let prefix = if code.is_multiple_of(2) { 13 } else { 28 };
        let scanned = SecretBytes::new(format!("{prefix}{code:016}").into_bytes());
        let now = self.world.now();
        let started = self.world.till.flow.charge_code(request, &scanned, now);
        self.world.after_event();
        self.sound();
        started.map_err(|error| error.code())
    }

    /// A wallet was paid for a charge that had ended, and says so.
    ///
    /// # Errors
    /// The till's own.
    pub fn paid_late(&mut self, key: PaymentKey) -> Result<(), Code> {
        self.world.books.late.insert(key);
        self.world.host.pay_late(key);
        self.notice(key)
    }

    /// Somebody says that a payment was paid.
    ///
    /// # Errors
    /// The till's own.
    pub fn notice(&mut self, key: PaymentKey) -> Result<(), Code> {
        let now = self.world.now();
        let told = self.world.till.flow.payment_notice(key, now);
        self.world.after_event();
        self.sound();
        told.map_err(|error| error.code())
    }

    /// The power goes instead of the so manyth effect from now.
    pub fn cut_at_effect(&mut self, after: u64) {
        let at = self.world.effects_done().saturating_add(after);
        self.world.faults.cut_at_effect = Some(at);
    }

    /// Whether the power went as it was told to.
    pub fn was_cut(&self) -> bool {
        self.world
            .faults
            .cut_at_effect
            .is_some_and(|at| at <= self.world.effects_done())
    }

    /// Payments the host has booked.
    pub fn booked(&self) -> usize {
        self.world.host.booked().count()
    }

    /// How often a late payment was told of.
    pub const fn late_notices(&self) -> u32 {
        self.world.late_notices
    }

    /// Starts a refund.
    ///
    /// # Errors
    /// The reason why it is refused.
    pub fn refund(&mut self, original_key: PaymentKey, amount_minor: i64) -> Result<PaymentKey, Code> {
        let request = RefundRequest {
            original_key,
            amount: cny(amount_minor),
            language: Language::En,
        };
        self.world.recall(|payment| payment.key == original_key);
        let now = self.world.now();
        let started = self.world.till.flow.refund(&request, now);
        self.world.after_event();
        self.sound();
        started.map_err(|error| error.code())
    }

    /// The operator refuses an approval.
    ///
    /// # Errors
    /// The reason why it stands.
    pub fn refuse_approval(&mut self, key: PaymentKey) -> Result<(), Code> {
        self.world.recall(|payment| payment.key == key);
        let now = self.world.now();
        let refused = self.world.till.flow.refuse_approval(key, now);
        if refused.is_ok() {
            self.world.books.refused.insert(key);
        }
        self.world.after_event();
        self.sound();
        refused.map_err(|error| error.code())
    }

    /// A slip is printed again.
    ///
    /// # Errors
    /// The till's own.
    pub fn reprint(&mut self, key: PaymentKey) -> Result<(), Code> {
        let now = self.world.now();
        let printed = self.world.till.flow.reprinted(key, now);
        self.world.after_event();
        self.sound();
        printed.map_err(|error| error.code())
    }

    /// Closes the day.
    ///
    /// # Errors
    /// The reason why it stays open.
    pub fn settle(&mut self) -> Result<(), Code> {
        let now = self.world.now();
        let begun = self.world.till.flow.settle(now);
        self.world.after_event();
        self.sound();
        begun.map_err(|error| error.code())
    }

    /// The operator gives up.
    pub fn cancel(&mut self) {
        self.world.till.flow.handle(Event::Cancelled, self.world.now());
        self.world.after_event();
        self.sound();
    }

    /// The till is killed and started again; what it has sent stays on its way.
    pub fn kill(&mut self) {
        self.world.cut_power();
        self.world.after_event();
        self.sound();
    }

    /// The till is killed and started again, and the last record on the disk cannot be read any more.
    pub fn kill_and_damage_last_record(&mut self) {
        self.world.till.disk.damage_last();
        self.world.start_again();
        self.world.after_event();
        self.sound();
    }

    /// The till is killed and started again, and its register file is gone.
    pub fn kill_and_lose_keys(&mut self) {
        self.world.till.disk.keys = None;
        self.kill();
    }

    /// Lets things happen until it is so.
    ///
    /// # Panics
    /// When it never is.
    pub fn until(&mut self, what: &str, reached: impl Fn(&Self) -> bool) {
        for _ in 0..MAX_EVENTS {
            if reached(self) {
                return;
            }
            if self.world.next_due().is_none() {
                break;
            }
            self.world.advance();
            self.sound();
        }
        panic!("never came: {what}\n{}", self.world.last_lines());
    }

    /// Lets so many things happen, if there are any.
    pub fn step(&mut self, count: u32) {
        for _ in 0..count {
            if self.world.next_due().is_some() {
                self.world.advance();
                self.sound();
            }
        }
    }

    /// Lets things happen until the till has sent something more on this path.
    pub fn until_sent(&mut self, path: &str) {
        let before = self.sent(path).len();
        self.until(path, |shop| shop.sent(path).len() > before);
    }

    /// So much time passes; the terminal looks at the clock every minute.
    ///
    /// # Panics
    /// When the flow never lets it pass.
    pub fn pass(&mut self, ms: u64) {
        let end = self.world.clock_ms + ms;
        while self.world.clock_ms < end {
            let stop = end.min(self.world.clock_ms + TICK_MS);
            let mut events = 0;
            while self.world.next_due().is_some_and(|(at, _)| at <= stop) {
                self.world.advance();
                self.sound();
                events += 1;
                assert!(events < 1_000, "a storm\n{}", self.world.last_lines());
            }
            self.world.clock_ms = stop;
            self.tick();
        }
    }

    /// Everything comes to its end, and the books of both sides agree to the unit.
    pub fn rest(&mut self) {
        self.world.come_to_rest();
        self.world.agree();
        self.sound();
    }

    fn tick(&mut self) {
        let now = self.world.now();
        self.world.till.flow.handle(Event::DeadlinePassed, now);
        self.world.after_event();
        self.sound();
    }

    /// Whether the operator can begin something new.
    pub fn is_idle(&self) -> bool {
        self.world.till.flow.is_idle()
    }

    /// Whether a record is on its way to the disk.
    pub fn is_writing(&self) -> bool {
        self.world
            .agenda()
            .any(|item| matches!(item, Item::Local(Local::Write { .. })))
    }

    /// The data counter that is on its way to the disk.
    pub fn counter_being_written(&self) -> Option<u32> {
        self.world.agenda().find_map(|item| {
            let Item::Local(Local::Write { kind, payload, .. }) = item else {
                return None;
            };
            match Entry::from_bytes(*kind, payload).ok()?? {
                Entry::Started(started) => started.data_counter,
                Entry::Moved(moved) => moved.data_counter,
                Entry::Reprinted(_)
                | Entry::Settling(_)
                | Entry::Settled(_)
                | Entry::Activation(_)
                | Entry::Parameters(_)
                | Entry::Attested(_)
                | Entry::KeysLoaded(_)
                | Entry::Checkpoint(_)
                | Entry::Archived(_)
                | Entry::Restored(_) => None,
            }
        })
    }

    /// A payment as the till has it.
    pub fn payment(&self, key: PaymentKey) -> Option<&Payment> {
        self.world.till.whole.payment(key)
    }

    /// A payment's state at the till.
    pub fn state(&self, key: PaymentKey) -> Option<State> {
        self.payment(key).map(|payment| payment.state)
    }

    /// A payment's state at the host, if it has it.
    pub fn host_state(&self, key: PaymentKey) -> Option<TransactionState> {
        self.world.host.state(key)
    }

    /// Whether the host refuses this key for ever.
    pub fn is_tombstone(&self, key: PaymentKey) -> bool {
        self.world.host.is_tombstone(key)
    }

    /// The till's key set.
    pub fn key_set(&self) -> Option<&[u8]> {
        let keys = self.world.till.flow.ledger().keys.as_ref();
        keys.map(|loaded| loaded.ikid.as_slice())
    }

    /// The register file.
    pub fn key_file(&self) -> Option<&[u8]> {
        self.world.till.disk.keys.as_deref()
    }

    /// How many answers came too late.
    pub fn stale(&self) -> u64 {
        self.world.till.flow.stale()
    }

    /// What the operator was last told at the end of something.
    pub fn last_ending(&self) -> Option<&Ending> {
        self.world.endings.last()
    }

    /// The trouble that the till last told of.
    pub fn last_trouble(&self) -> Option<Code> {
        self.world.troubles.last().copied()
    }

    /// What the till sent with this exact path, whether or not it arrived.
    pub fn sent(&self, path: &str) -> Vec<&HostRequest> {
        self.world
            .sent
            .iter()
            .filter(|request| request.path == path)
            .collect()
    }

    /// When the till first sent this payment on this path, in the order of all it sent.
    pub fn sent_at(&self, path: &str, key: PaymentKey) -> Option<usize> {
        let mut sent = self.world.sent.iter();
        sent.position(|request| request.path == path && request.key == Some(key))
    }

    /// What arrived at the host with this exact path.
    pub fn received(&self, path: &str) -> Vec<&HostRequest> {
        let received = self.world.host.received.iter();
        received.filter(|request| request.path == path).collect()
    }

    /// No invariant is broken.
    fn sound(&self) {
        if let Some(broken) = self.world.broken() {
            panic!("{broken}\n{}", self.world.last_lines());
        }
    }
}

const fn cny(amount_minor: i64) -> Money {
    Money::new(amount_minor, Currency::CNY)
}
