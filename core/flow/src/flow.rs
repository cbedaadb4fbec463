//! The flow itself: what it remembers, how events reach the part that waits for them, and what it does next.
//!
//! The state of a payment is what its journal records say ([`Ledger`]). A step is written down first and obeyed
//! afterwards, and the next exchange with the host follows from the written state. Normal running and coming
//! back after a kill are therefore one path.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use softpos_crypto::entropy::Entropy;
use softpos_crypto::jws::RequestHeader;
use softpos_emv::{Reader, TornLog};
use softpos_host::{Anchors, AnswerKeys, HostRequest, Parameters, Timers};
use softpos_journal::{Entry, Ledger, MAX_PAYLOAD_BYTES, Payment, Reprinted};
use softpos_types::{Code, Money, Now, PaymentKey, SecretBytes, SoftPosError, Tick};

use crate::background::{Forwarding, Retry};
use crate::charge::Charges;
use crate::draft::Unsent;
use crate::effect::{Announcement, Effect, EffectId, NotStarted, Notice, Screen, View};
use crate::event::Event;
use crate::exchange::Exchange;
use crate::profile::{Device, Profile, answer_keys};
use crate::registers::KeyRegisters;
use crate::sale::Front;
use crate::setup::Setup;
use crate::waiting::{AfterRecord, ForSignature, Waiting};

/// Effects that may wait for the terminal at once; a machine that asks for more is broken and stops asking.
const MAX_EFFECTS: usize = 256;

/// What a flow starts from.
#[derive(Debug)]
pub struct Opening {
    /// The device.
    pub device: Device,
    /// The fold of the journal.
    pub ledger: Ledger,
    /// Sequence and hash of the journal's last record.
    pub head: (u64, [u8; 32]),
    /// The register file, if one was ever saved.
    pub keys: Option<SecretBytes>,
    /// Trust anchors that a release build compiles in; without them those that come with the activation count.
    pub anchors: Option<Anchors>,
    /// Randomness for keys, nonces and unpredictable numbers.
    pub entropy: Entropy,
    /// The time.
    pub now: Now,
}

/// The payment state machine: events in, effects out; no I/O and no clock.
#[derive(Debug)]
pub struct Flow {
    pub(crate) ledger: Ledger,
    pub(crate) profile: Option<Profile>,
    pub(crate) device: Device,
    pub(crate) anchors: Option<Anchors>,
    pub(crate) registers: Option<KeyRegisters>,
    pub(crate) entropy: Entropy,
    pub(crate) head: (u64, [u8; 32]),
    pub(crate) online: bool,
    pub(crate) storage_low: bool,
    /// Whether the operator was told that the queue waits too long.
    pub(crate) overdue_told: bool,
    pub(crate) front: Front,
    /// Taps that were cut, for the cards that come back: forgotten when their time is over.
    pub(crate) torn: TornLog,
    pub(crate) setup: Option<Setup>,
    pub(crate) retries: BTreeMap<PaymentKey, Retry>,
    pub(crate) settle_retry: Retry,
    pub(crate) refresh_retry: Retry,
    pub(crate) forwarding: Option<Forwarding>,
    pub(crate) charges: Charges,
    pub(crate) waiting: BTreeMap<EffectId, Waiting>,
    effects: VecDeque<Effect>,
    next_effect: u64,
    stale: u64,
}

impl Flow {
    /// Takes over where the journal ends. Open payments are taken up in the background; a register file that cannot
    /// be read is replaced by a new key load.
    pub fn new(opening: Opening) -> Self {
        let Opening {
            device,
            ledger,
            head,
            keys,
            anchors,
            entropy,
            now,
        } = opening;
        let registers = keys.zip(ledger.keys.as_ref()).and_then(|(checkpoint, loaded)| {
            KeyRegisters::restore(&checkpoint, &loaded.ikid, ledger.pin_counter, ledger.data_counter).ok()
        });
        let mut flow = Self {
            profile: Profile::of(&ledger),
            ledger,
            device,
            anchors,
            registers,
            entropy,
            head,
            online: true,
            storage_low: false,
            overdue_told: false,
            front: Front::Idle,
            torn: TornLog::default(),
            setup: None,
            retries: BTreeMap::new(),
            settle_retry: Retry::default(),
            refresh_retry: Retry::default(),
            forwarding: None,
            charges: Charges::default(),
            waiting: BTreeMap::new(),
            effects: VecDeque::new(),
            next_effect: 0,
            stale: 0,
        };
        flow.resume_charges(now);
        flow.advance(now);
        flow
    }

    /// Takes an event in.
    pub fn handle(&mut self, event: Event<'_>, now: Now) {
        match event {
            Event::CardPresent => self.on_card(now, Reader::card_present),
            Event::CardCollision => self.on_card(now, Reader::collision),
            Event::CardReplied { rapdu, elapsed_us } => {
                self.on_card(now, |reader, tick| reader.card_replied(rapdu, elapsed_us, tick));
            }
            Event::CardLost => self.on_card(now, Reader::card_lost),
            Event::PinEntered { pin } => self.on_pin(Some(pin), now),
            Event::PinCancelled => self.on_pin(None, now),
            Event::Signed { id, signatures } => self.on_signed(id, &signatures, now),
            Event::SignFailed { id } => self.on_sign_failed(id, now),
            Event::Persisted { id, sequence, hash } => self.on_persisted(id, sequence, hash, now),
            Event::PersistFailed { id } => self.on_persist_failed(id, now),
            Event::Anchored { id, anchor } => self.on_anchored(id, &anchor, now),
            Event::AnchorFailed { id } => self.on_anchor_failed(id, now),
            Event::Archivable { note } => self.record(note.into(), AfterRecord::Nothing),
            Event::StorageChanged { low } => self.on_storage(low),
            Event::KeysSaved { id } => self.on_keys_saved(id, now),
            Event::EvidenceGiven { id, kind, evidence } => self.on_evidence(id, kind, evidence, now),
            Event::HostReplied { id, answer } => self.on_host_replied(id, answer, now),
            Event::HostFailed {
                id,
                sent,
                not_trusted,
            } => self.on_host_failed(id, sent, not_trusted, now),
            Event::LinkChanged { online } => self.on_link(online, now),
            Event::Cancelled => self.on_cancelled(now),
            Event::DeadlinePassed => self.on_deadline(now),
        }
        self.advance(now);
    }

    /// The next thing to do, oldest first.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When the flow wants to hear [`Event::DeadlinePassed`], and what for.
    pub fn deadline(&self) -> Option<(Tick, &'static str)> {
        let exchanges = self.waiting.values().filter_map(|waiting| match waiting {
            Waiting::Host(exchange) => Some((exchange.deadline, "answer of the host")),
            Waiting::Signature(_)
            | Waiting::Record { .. }
            | Waiting::Anchor
            | Waiting::NewKeys(_)
            | Waiting::Checkpoint
            | Waiting::Evidence => None,
        });
        exchanges
            .chain(self.front_deadline())
            .chain(self.background_deadline())
            .chain(self.charges.deadline())
            .chain(self.torn.next_expiry().map(|due| (due, "torn tap")))
            .min()
    }

    /// Everything the journal says.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The signed parameters in use.
    pub fn parameters(&self) -> Option<&Parameters> {
        self.profile.as_ref().map(|profile| &profile.parameters)
    }

    /// Takes a payment of a closed batch back in, as the journal has it: for a refund, a slip or its order.
    pub fn recall(&mut self, payment: Payment) {
        self.ledger.recall(payment);
    }

    /// Whether the disk is nearly full.
    pub const fn storage_low(&self) -> bool {
        self.storage_low
    }

    /// Whether the network is there, as far as the shell said.
    pub const fn online(&self) -> bool {
        self.online
    }

    /// Answers that came too late or twice.
    pub const fn stale(&self) -> u64 {
        self.stale
    }

    /// Whether a card is awaited or being read.
    pub const fn is_reading(&self) -> bool {
        matches!(self.front, Front::Reading(_))
    }

    /// Whether the PIN pad is open.
    pub const fn awaits_pin(&self) -> bool {
        matches!(self.front, Front::Pin(_))
    }

    /// Whether the operator can begin something new.
    pub fn is_idle(&self) -> bool {
        matches!(self.front, Front::Idle) && !self.setup.as_ref().is_some_and(Setup::occupies)
    }

    /// Whether nothing is under way: no effect unanswered, and no background task that could run now.
    pub fn is_quiet(&self, now: Now) -> bool {
        let checkpoints_only = self
            .waiting
            .values()
            .all(|waiting| matches!(waiting, Waiting::Checkpoint));
        self.is_idle()
            && checkpoints_only
            && self.effects.is_empty()
            && !(self.online && self.charges.is_any_open())
            && !self.background_due(now)
            && self.setup.is_none()
    }

    /// Counts a slip that was printed again.
    ///
    /// # Errors
    /// [`Code::PaymentNotFound`].
    pub fn reprinted(&mut self, key: PaymentKey, now: Now) -> Result<(), SoftPosError> {
        self.ledger
            .payment(key)
            .ok_or_else(|| SoftPosError::of(Code::PaymentNotFound))?;
        self.record(
            Reprinted {
                key,
                utc_ms: now.utc_ms,
            }
            .into(),
            AfterRecord::Nothing,
        );
        Ok(())
    }

    /// Takes every next step that needs no answer first.
    fn advance(&mut self, now: Now) {
        self.advance_setup(now);
        self.advance_attended(now);
        self.advance_settlement(now);
        self.advance_checkpoint();
        self.watch_queue(now);
        self.advance_background(now);
        self.advance_drain(now);
        if self.registers.as_ref().is_some_and(KeyRegisters::checkpoint_due) {
            self.save_checkpoint();
        }
    }

    fn on_signed(&mut self, id: EffectId, signatures: &[[u8; 64]], now: Now) {
        let Some(Waiting::Signature(purpose)) = self.take(id, |w| matches!(w, Waiting::Signature(_))) else {
            return;
        };
        let Some((first, rest)) = signatures.split_first() else {
            return self.signature_missing(purpose, now);
        };
        match purpose {
            ForSignature::Arm(draft) => self.arm_signed(*draft, first, rest.first(), now),
            ForSignature::Defer {
                key,
                unsent,
                data_counter,
            } => {
                self.defer_signed(key, unsent.into_image(first), data_counter, now);
            }
            ForSignature::Query { key, unsent } => self.send_query(key, unsent.sign(first, None), now),
            ForSignature::Reverse { key, reason, unsent } => {
                self.record_reversing(key, reason, Some(unsent.into_image(first)), now);
            }
            ForSignature::Settle {
                unsent,
                journal_sequence,
            } => self.settle_signed(unsent.into_image(first), journal_sequence, now),
            ForSignature::Setup(unsent) => self.send_setup(unsent.sign(first, None), now),
            ForSignature::Transcript => self.transcript_signed(*first, now),
        }
    }

    fn on_sign_failed(&mut self, id: EffectId, now: Now) {
        if matches!(self.waiting.get(&id), Some(Waiting::Evidence)) {
            self.waiting.remove(&id);
            return self.setup_failed(Code::SecureHardware, None, now);
        }
        if let Some(Waiting::Signature(purpose)) = self.take(id, |w| matches!(w, Waiting::Signature(_))) {
            self.signature_missing(purpose, now);
        }
    }

    /// Without a signature nothing is sent, and what was to be sent is tried again later.
    fn signature_missing(&mut self, purpose: ForSignature, now: Now) {
        match purpose {
            ForSignature::Arm(draft) => self.not_started(draft.key(), NotStarted::SecureHardware),
            ForSignature::Defer { key, .. } => self.record_failed(key, now),
            ForSignature::Query { key, .. } if self.charges.contains(key) => self.charge_not_asked(key, now),
            ForSignature::Query { key, .. } => self.retry_later(key, now),
            // Nothing else may be done about it on the screen: it must not be sent again, nor be thought unsent.
            ForSignature::Reverse { key, .. } => self.leave_unknown(key, now),
            ForSignature::Settle { .. } => self.settle_failed(Code::SecureHardware, now),
            ForSignature::Setup(_) | ForSignature::Transcript => {
                self.setup_failed(Code::SecureHardware, None, now);
            }
        }
        self.effect(Effect::Notify(Notice::trouble(Code::SecureHardware)));
    }

    fn on_persisted(&mut self, id: EffectId, sequence: u64, hash: [u8; 32], now: Now) {
        let Some(Waiting::Record { entry, then }) = self.take(id, |w| matches!(w, Waiting::Record { .. }))
        else {
            return;
        };
        self.head = (sequence, hash);
        let settings = matches!(*entry, Entry::Parameters(_));
        self.ledger.apply(sequence, *entry);
        if settings {
            self.profile = Profile::of(&self.ledger);
        }
        match then {
            AfterRecord::Payment(key) => self.payment_recorded(key, now),
            AfterRecord::Settling => self.send_settlement(now),
            AfterRecord::Settled(view) => self.settled(*view),
            AfterRecord::Setup => self.setup_recorded(now),
            AfterRecord::Nothing => {}
        }
    }

    fn on_persist_failed(&mut self, id: EffectId, now: Now) {
        match self.waiting.get(&id) {
            Some(Waiting::NewKeys(_)) => {
                self.waiting.remove(&id);
                return self.setup_failed(Code::StoreUnreadable, None, now);
            }
            // The last checkpoint still holds; more keys are burnt at the next opening.
            Some(Waiting::Checkpoint) => {
                self.waiting.remove(&id);
                return self.effect(Effect::Notify(Notice::trouble(Code::StoreUnreadable)));
            }
            Some(
                Waiting::Signature(_)
                | Waiting::Record { .. }
                | Waiting::Host(_)
                | Waiting::Anchor
                | Waiting::Evidence,
            )
            | None => {}
        }
        let Some(Waiting::Record { then, entry }) = self.take(id, |w| matches!(w, Waiting::Record { .. }))
        else {
            return;
        };
        match then {
            AfterRecord::Payment(key) => {
                self.payment_not_recorded(key, matches!(*entry, Entry::Started(_)), now);
            }
            AfterRecord::Settling | AfterRecord::Settled(_) => self.settle_failed(Code::StoreUnreadable, now),
            AfterRecord::Setup => self.setup_failed(Code::StoreUnreadable, None, now),
            AfterRecord::Nothing => {}
        }
        self.effect(Effect::Notify(Notice::trouble(Code::StoreUnreadable)));
    }

    /// Writes behind a day close what the next opening begins with. Until it is there the records say the same.
    fn advance_checkpoint(&mut self) {
        // Also another record than a checkpoint: it would be written before it, and not be in it.
        let under_way = self
            .waiting
            .values()
            .any(|waiting| matches!(waiting, Waiting::Record { .. }));
        if !self.ledger.checkpoint_due || under_way {
            return;
        }
        let entry = Entry::from(self.ledger.checkpoint());
        if entry.to_bytes().len() <= MAX_PAYLOAD_BYTES {
            self.record(entry, AfterRecord::Nothing);
        }
        // One that cannot be written waits for the next day close.
        self.ledger.checkpoint_due = false;
    }

    fn on_storage(&mut self, low: bool) {
        if low && !self.storage_low {
            self.effect(Effect::Notify(Notice::trouble(Code::StorageLow)));
        }
        self.storage_low = low;
    }

    fn on_link(&mut self, online: bool, now: Now) {
        if self.online == online {
            return;
        }
        self.online = online;
        if online {
            self.retries.clear();
            self.settle_retry = Retry::default();
            self.refresh_retry = Retry::default();
            self.hurry_charges(now);
        }
        self.effect(Effect::Notify(Notice::Link { online }));
    }

    fn on_deadline(&mut self, now: Now) {
        let overdue: Vec<EffectId> = self
            .waiting
            .iter()
            .filter(
                |(_, waiting)| matches!(waiting, Waiting::Host(exchange) if exchange.deadline <= now.tick),
            )
            .map(|(id, _)| *id)
            .collect();
        for id in overdue {
            // T1: whatever comes later is dropped as stale (row 16).
            self.on_host_failed(id, softpos_host::Sent::Maybe, false, now);
        }
        self.torn.forget_expired(now.tick);
        self.on_front_deadline(now);
        self.charges_due(now);
    }

    /// Takes the waiting part for an answer; an answer that nobody waits for is counted and dropped.
    pub(crate) fn take(&mut self, id: EffectId, fits: fn(&Waiting) -> bool) -> Option<Waiting> {
        if self.waiting.get(&id).is_some_and(fits) {
            return self.waiting.remove(&id);
        }
        self.stale = self.stale.saturating_add(1);
        None
    }

    /// Whether something about this payment is under way.
    pub(crate) fn busy(&self, key: PaymentKey) -> bool {
        self.waiting.values().any(|waiting| waiting.key() == Some(key))
    }

    pub(crate) fn next_id(&mut self) -> EffectId {
        self.next_effect = self.next_effect.saturating_add(1);
        EffectId(self.next_effect)
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        if self.effects.len() < MAX_EFFECTS {
            self.effects.push_back(effect);
        }
    }

    pub(crate) fn show(&mut self, key: Option<PaymentKey>, amount: Option<Money>, screen: Screen) {
        self.effect(Effect::Show(View { key, amount, screen }));
    }

    pub(crate) fn say(&mut self, announcement: Announcement) {
        self.effect(Effect::Say(announcement));
    }

    /// Writes a step down; it is obeyed once it is on the disk.
    pub(crate) fn record(&mut self, entry: Entry, then: AfterRecord) {
        let id = self.next_id();
        let (kind, payload) = (entry.kind(), entry.to_bytes());
        self.waiting.insert(
            id,
            Waiting::Record {
                entry: Box::new(entry),
                then,
            },
        );
        self.effect(Effect::Persist { id, kind, payload });
    }

    pub(crate) fn sign(&mut self, digests: Vec<[u8; 32]>, purpose: ForSignature) {
        let id = self.next_id();
        self.waiting.insert(id, Waiting::Signature(purpose));
        self.effect(Effect::Sign { id, digests });
    }

    pub(crate) fn send(&mut self, request: HostRequest, exchange: Exchange, timeout_ms: u64, attempt: u32) {
        let id = self.next_id();
        self.waiting.insert(id, Waiting::Host(exchange));
        self.effect(Effect::SendHost {
            id,
            request,
            attempt,
            timeout_ms,
        });
    }

    fn save_checkpoint(&mut self) {
        let id = self.next_id();
        if let Some(registers) = &mut self.registers {
            let registers = registers.checkpoint();
            self.waiting.insert(id, Waiting::Checkpoint);
            self.effect(Effect::SaveKeys { id, registers });
        }
    }

    /// A fresh unsigned request in the device's name.
    pub(crate) fn unsent(
        &mut self,
        method: softpos_host::HttpMethod,
        path: String,
        body: Vec<u8>,
        now: Now,
    ) -> Unsent {
        let header = RequestHeader {
            kid: self.device.kid.clone(),
            method: method.name().into(),
            target: path.clone(),
            issued_utc_ms: now.utc_ms,
            nonce: self.entropy.array(),
        };
        Unsent::new(method, path, body, &header)
    }

    /// The parameters' timers, or those of an untaught till.
    pub(crate) fn timers(&self) -> Timers {
        self.parameters()
            .map_or_else(crate::setup::first_timers, |parameters| parameters.timers.clone())
    }

    /// The keys under which answers are believed.
    pub(crate) fn answer_keys(&self) -> AnswerKeys {
        self.ledger
            .activation
            .as_ref()
            .map(answer_keys)
            .unwrap_or_default()
    }
}
