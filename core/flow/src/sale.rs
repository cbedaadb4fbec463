//! What the operator has before them: a card being read, a PIN, a payment whose result is awaited.

use alloc::boxed::Box;
use alloc::string::String;

use softpos_crypto::pin_block::PinDigits;
use softpos_emv::{CardOutcome, CardRead, Cvm, EmvReceipt, Reader, ReaderStep, Reason};
use softpos_journal::{CardFacts, CardVerification, Image, Moved, Started, State};
use softpos_types::{
    Code, Language, Method, Money, Now, Operation, OrderId, PaymentKey, ReversalReason, SecretBytes,
    SoftPosError, Tick,
};

use crate::card_prompt::CardPrompt;
use crate::draft::{ReversalOf, Unsent, card_body, clear_body, code_body, request_path, reversal_body};
use crate::effect::{Announcement, Effect, Ending, NotStarted, Screen};
use crate::event::{PaymentRequest, RefundRequest};
use crate::flow::Flow;
use crate::registers::PinBlock;
use crate::waiting::{AfterRecord, ForSignature};
use softpos_host::{Envelope, HttpMethod, paths};

/// What the operator has before them. At most one thing at a time.
#[derive(Debug)]
pub(crate) enum Front {
    /// Nothing.
    Idle,
    /// A card is awaited or being read.
    Reading(Box<Reading>),
    /// The card is read, its PIN awaited.
    Pin(Box<PinStage>),
    /// A request is being signed and written down; nothing has left yet.
    Arming(PaymentKey),
    /// A written-down payment whose result is awaited.
    Attended(Attended),
    /// A day close that first lets the host know of everything that is open. It gives up when nothing has come
    /// further by then.
    Draining { until: Tick },
    /// A day close.
    Settling,
}

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub(crate) key: PaymentKey,
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    pub(crate) amount: Money,
    pub(crate) order: Option<OrderId>,
    pub(crate) category: Option<String>,
    pub(crate) language: Language,
    pub(crate) original_key: Option<PaymentKey>,
    /// The wallet whose code is charged.
    pub(crate) wallet: Option<String>,
    pub(crate) started: Now,
}

#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) order: Intent,
    pub(crate) reader: Reader,
    pub(crate) deadline: Tick,
}

#[derive(Debug)]
pub(crate) struct PinStage {
    order: Intent,
    card: Box<CardRead>,
    deadline: Tick,
}

/// A written-down payment on the screen.
#[derive(Debug)]
pub(crate) struct Attended {
    pub(crate) key: PaymentKey,
    /// Held only until it is sure that the payment need not be sealed again for the offline queue.
    pub(crate) card: Option<HeldCard>,
    /// When the next query is due, and how many there were.
    pub(crate) next_query: Option<Tick>,
    pub(crate) queries: u32,
    /// The operator gave up while something was being written down.
    pub(crate) cancelled: bool,
}

/// Card data that may still have to be sealed once more.
#[derive(Debug)]
pub(crate) struct HeldCard {
    read: Box<CardRead>,
    order: Intent,
}

/// A payment on its way to the disk.
pub(crate) struct ArmDraft {
    order: Intent,
    card: Option<Box<CardRead>>,
    started: Started,
    request: Unsent,
    reversal: Option<Unsent>,
}

impl Intent {
    pub(crate) fn sale(key: PaymentKey, request: PaymentRequest, started: Now) -> Self {
        let PaymentRequest {
            amount,
            method,
            order,
            category,
            language,
        } = request;
        let operation = Operation::Sale;
        Self {
            key,
            operation,
            method,
            amount,
            order,
            category,
            language,
            original_key: None,
            wallet: None,
            started,
        }
    }

    pub(crate) fn refund(key: PaymentKey, request: &RefundRequest, method: Method, started: Now) -> Self {
        Self {
            key,
            operation: Operation::Refund,
            method,
            amount: request.amount,
            order: None,
            category: None,
            language: request.language,
            original_key: Some(request.original_key),
            wallet: None,
            started,
        }
    }
}

impl Attended {
    pub(crate) const fn new(key: PaymentKey, card: Option<HeldCard>) -> Self {
        Self {
            key,
            card,
            next_query: None,
            queries: 0,
            cancelled: false,
        }
    }
}

impl ArmDraft {
    pub(crate) const fn key(&self) -> PaymentKey {
        self.order.key
    }
}

impl Flow {
    /// A card event: one call in, one command out.
    pub(crate) fn on_card(&mut self, now: Now, event: impl FnOnce(&mut Reader, Tick) -> ReaderStep) {
        let Front::Reading(reading) = &mut self.front else {
            return;
        };
        let step = event(&mut reading.reader, now.tick);
        let (key, amount) = (reading.order.key, reading.order.amount);
        match step {
            ReaderStep::Transmit(capdu) => self.effect(Effect::Transceive { capdu }),
            ReaderStep::WaitForCard(prompt) => {
                self.show(Some(key), Some(amount), Screen::card(&prompt));
                // A phone wants its owner first: nobody looks at the till then.
                if CardPrompt::from(&prompt) == CardPrompt::SeePhone {
                    self.say(Announcement::SeePhone);
                }
            }
            ReaderStep::Finished(outcome) => self.card_finished(outcome, now),
            ReaderStep::Ignored => {}
        }
    }

    fn card_finished(&mut self, outcome: CardOutcome, now: Now) {
        let Front::Reading(reading) = core::mem::replace(&mut self.front, Front::Idle) else {
            return;
        };
        let Reading {
            order, mut reader, ..
        } = *reading;
        self.torn = reader.take_torn_log();
        match outcome {
            CardOutcome::Online(card) => {
                self.say(Announcement::RemoveCard);
                if card.cvm == Cvm::OnlinePin {
                    self.show(Some(order.key), Some(order.amount), Screen::EnterPin);
                    self.effect(Effect::AskPin { key: order.key });
                    let deadline = now.tick.after_ms(self.timers().pin_ms);
                    self.front = Front::Pin(Box::new(PinStage {
                        order,
                        card,
                        deadline,
                    }));
                } else {
                    self.arm_card(order, card, None, now);
                }
            }
            CardOutcome::Approved(card) => {
                self.say(Announcement::RemoveCard);
                self.take_approval(order, card, now);
            }
            CardOutcome::Declined(stopped) => match stopped.read {
                Some(card) if stopped.reason == Reason::CardDeclined => self.take_decline(&order, &card),
                Some(_) | None => self.not_started(order.key, NotStarted::CardDeclined),
            },
            CardOutcome::TryAnotherInterface(_) | CardOutcome::EndApplication(_) => {
                self.not_started(order.key, NotStarted::CardNotAccepted);
            }
        }
    }

    /// The card approved by itself: the payment is final, written down at once, and the host is told of it later.
    fn take_approval(&mut self, order: Intent, card: Box<CardRead>, now: Now) {
        if card.cvm == Cvm::OnlinePin {
            // Nobody but the issuer could check it.
            return self.not_started(order.key, NotStarted::CardDeclined);
        }
        let key = order.key;
        if self.arm_read((order, card), State::Approved, None, now).is_err() {
            self.not_started(key, NotStarted::NotRecorded);
        }
    }

    /// The card declined by itself (AAC): written down with its cryptogram, for the slip; never sent, never settled.
    fn take_decline(&mut self, order: &Intent, card: &CardRead) {
        self.say(Announcement::RemoveCard);
        let mut started = self.started(order, State::Declined);
        started.card = Some(card_facts(card));
        self.front = Front::Attended(Attended::new(order.key, None));
        self.record(started.into(), AfterRecord::Payment(order.key));
    }

    /// The PIN pad was confirmed or left. The digits are enciphered here and gone.
    pub(crate) fn on_pin(&mut self, pin: Option<PinDigits>, now: Now) {
        let Front::Pin(_) = &self.front else { return };
        let Front::Pin(stage) = core::mem::replace(&mut self.front, Front::Idle) else {
            return;
        };
        let PinStage { order, card, .. } = *stage;
        let Some(pin) = pin else {
            return self.not_started(order.key, NotStarted::Cancelled);
        };
        let Some(registers) = &mut self.registers else {
            return self.not_started(order.key, NotStarted::SecureHardware);
        };
        match registers.encipher_pin(pin, &card.pan, &mut self.entropy) {
            Ok(block) => self.arm_card(order, card, Some(block), now),
            Err(_) => self.not_started(order.key, NotStarted::SecureHardware),
        }
    }

    fn arm_card(&mut self, order: Intent, card: Box<CardRead>, pin: Option<PinBlock>, now: Now) {
        let key = order.key;
        if self.arm_read((order, card), State::Armed, pin, now).is_err() {
            self.not_started(key, NotStarted::NotRecorded);
        }
    }

    /// Seals what was read and arms the payment: to be sent now, or approved already and to be told later.
    fn arm_read(
        &mut self,
        (order, card): (Intent, Box<CardRead>),
        state: State,
        pin: Option<PinBlock>,
        now: Now,
    ) -> Result<(), SoftPosError> {
        let approved = state == State::Approved;
        let envelope = self
            .envelope(&order, approved)
            .ok_or_else(|| SoftPosError::of(Code::NotActivated))?;
        let pin_counter = pin.as_ref().map(|pin| pin.counter);
        let registers = self
            .registers
            .as_mut()
            .ok_or_else(|| SoftPosError::of(Code::KeysExhausted))?;
        let data_counter = registers.next_data_counter();
        let body = card_body(&envelope, &card, pin, registers, &mut self.entropy)?;
        let mut started = self.started(&order, state);
        started.card = Some(CardFacts {
            approved_offline: approved.then_some(true),
            ..card_facts(&card)
        });
        started.data_counter = data_counter;
        started.pin_counter = pin_counter;
        // A PIN block is never sealed a second time, so such a payment can never be stored; what is approved need not
        // be sealed again.
        let card = (pin_counter.is_none() && !approved).then_some(card);
        self.arm((order, card), started, body, now)
    }

    /// Arms a payment without card data: a code, cash, a refund.
    pub(crate) fn arm_clear(&mut self, order: Intent, state: State, now: Now) -> Result<(), SoftPosError> {
        let envelope = self
            .envelope(&order, false)
            .ok_or_else(|| SoftPosError::of(Code::NotActivated))?;
        let body = clear_body(&envelope)?;
        let started = self.started(&order, state);
        self.arm((order, None), started, body, now)
    }

    /// Arms the charge of a payer's code, sealed like card data.
    pub(crate) fn arm_code(
        &mut self,
        order: Intent,
        scanned: &SecretBytes,
        now: Now,
    ) -> Result<(), SoftPosError> {
        let envelope = self
            .envelope(&order, false)
            .ok_or_else(|| SoftPosError::of(Code::NotActivated))?;
        let registers = self
            .registers
            .as_mut()
            .ok_or_else(|| SoftPosError::of(Code::KeysExhausted))?;
        let data_counter = registers.next_data_counter();
        let body = code_body(&envelope, scanned, registers, &mut self.entropy)?;
        let mut started = self.started(&order, State::Armed);
        started.data_counter = data_counter;
        self.arm((order, None), started, body, now)
    }

    /// Row 2: signs request and reversal image; both go to the disk in one record before anything is sent.
    fn arm(
        &mut self,
        (order, card): (Intent, Option<Box<CardRead>>),
        started: Started,
        body: alloc::vec::Vec<u8>,
        now: Now,
    ) -> Result<(), SoftPosError> {
        let path = request_path(&order);
        let request = self.unsent(HttpMethod::Post, path.into(), body, now);
        // A refund is never reversed (row 23), and cash needs no permission.
        let reversible = order.operation == Operation::Sale && order.method != Method::Cash;
        let reversal = if reversible {
            Some(self.reversal_image(&started, now)?)
        } else {
            None
        };
        let mut digests = alloc::vec![request.digest()];
        digests.extend(reversal.as_ref().map(Unsent::digest));
        self.front = Front::Arming(order.key);
        let draft = ArmDraft {
            order,
            card,
            started,
            request,
            reversal,
        };
        self.sign(digests, ForSignature::Arm(Box::new(draft)));
        Ok(())
    }

    fn reversal_image(&mut self, started: &Started, now: Now) -> Result<Unsent, SoftPosError> {
        let of = ReversalOf {
            key: started.key,
            batch: started.batch,
            stan: started.stan,
            amount: started.amount,
        };
        let activation = self
            .ledger
            .activation
            .as_ref()
            .ok_or_else(|| SoftPosError::of(Code::NotActivated))?;
        let body = reversal_body(&of, activation, ReversalReason::NoAnswer)?;
        Ok(self.unsent(HttpMethod::Post, paths::REVERSALS.into(), body, now))
    }

    pub(crate) fn arm_signed(
        &mut self,
        draft: ArmDraft,
        request: &[u8; 64],
        reversal: Option<&[u8; 64]>,
        _now: Now,
    ) {
        let ArmDraft {
            order,
            card,
            mut started,
            request: unsent,
            reversal: unsent_reversal,
        } = draft;
        started.request = Some(unsent.into_image(request));
        started.reversal = match (unsent_reversal, reversal) {
            (None, _) => None,
            (Some(unsent), Some(signature)) => Some(unsent.into_image(signature)),
            (Some(_), None) => return self.not_started(order.key, NotStarted::SecureHardware),
        };
        let held = card.map(|read| HeldCard {
            read,
            order: order.clone(),
        });
        self.attend(&order, held);
        self.record(started.into(), AfterRecord::Payment(order.key));
    }

    /// Row 19: nothing was sent. Store the payment if the policy allows and the card data are still here.
    pub(crate) fn store_or_fail(&mut self, key: PaymentKey, now: Now) {
        let held = match &mut self.front {
            Front::Attended(attended) if attended.key == key => attended.card.take(),
            Front::Idle
            | Front::Reading(_)
            | Front::Pin(_)
            | Front::Arming(_)
            | Front::Attended(_)
            | Front::Draining { .. }
            | Front::Settling => None,
        };
        let policy = self.parameters().map(|parameters| parameters.offline.clone());
        let amount = self.ledger.payment(key).map(|payment| payment.amount);
        if let (Some(held), Some(policy), Some(amount)) = (held, policy, amount)
            && !self.storage_low
            && crate::offline::may_store(&policy, &self.ledger, amount, now)
            && self.defer(&held, now).is_ok()
        {
            return;
        }
        self.record_failed(key, now);
    }

    /// Seals the request once more, now marked as deferred, under a data key of its own.
    fn defer(&mut self, held: &HeldCard, now: Now) -> Result<(), SoftPosError> {
        let not_activated = || SoftPosError::of(Code::NotActivated);
        let payment = self.ledger.payment(held.order.key).ok_or_else(not_activated)?;
        let (stan, batch) = (payment.stan, payment.batch);
        let mut envelope = self.envelope(&held.order, true).ok_or_else(not_activated)?;
        (envelope.stan, envelope.batch) = (stan, batch);
        let registers = self
            .registers
            .as_mut()
            .ok_or_else(|| SoftPosError::of(Code::KeysExhausted))?;
        let data_counter = registers.next_data_counter();
        let body = card_body(&envelope, &held.read, None, registers, &mut self.entropy)?;
        let unsent = self.unsent(HttpMethod::Post, paths::TRANSACTIONS.into(), body, now);
        let digest = unsent.digest();
        let key = held.order.key;
        self.sign(
            alloc::vec![digest],
            ForSignature::Defer {
                key,
                unsent,
                data_counter,
            },
        );
        Ok(())
    }

    pub(crate) fn defer_signed(&mut self, key: PaymentKey, image: Image, counter: Option<u32>, now: Now) {
        self.record_step(Moved {
            request: Some(image),
            data_counter: counter,
            ..Moved::new(key, State::Stored, now.utc_ms)
        });
    }

    /// Ends a payment of which nothing was recorded.
    pub(crate) fn not_started(&mut self, key: PaymentKey, reason: NotStarted) {
        if let Front::Reading(reading) = &mut self.front {
            self.torn = reading.reader.take_torn_log();
        }
        self.front = Front::Idle;
        self.charges.forget(key);
        if reason != NotStarted::Cancelled {
            self.say(match reason {
                NotStarted::CardDeclined => Announcement::Declined { de39: None },
                NotStarted::Cancelled
                | NotStarted::TimedOut
                | NotStarted::CardNotAccepted
                | NotStarted::NotRecorded
                | NotStarted::SecureHardware => Announcement::NotStarted { reason },
            });
        }
        self.effect(Effect::Finish(Ending::NotStarted { key, reason }));
    }

    fn envelope(&self, order: &Intent, deferred: bool) -> Option<Envelope> {
        let activation = self.ledger.activation.as_ref()?;
        Some(Envelope {
            v: 1,
            key: order.key,
            operation: order.operation,
            method: order.method,
            terminal: activation.terminal.clone(),
            merchant: activation.merchant.clone(),
            batch: self.ledger.batch,
            stan: self.ledger.next_stan,
            amount_minor: order.amount.amount_minor(),
            currency: order.amount.currency(),
            utc_ms: order.started.utc_ms,
            utc_offset_min: order.started.utc_offset_min,
            deferred,
            original_key: order.original_key,
            order: order.order.clone(),
            category: order.category.clone(),
            device_type: "08".into(),
            app_version: self.device.app_version.clone(),
            journal_sequence: self.head.0,
            journal_head: self.head.1.to_vec(),
        })
    }

    fn started(&self, order: &Intent, state: State) -> Started {
        Started {
            key: order.key,
            operation: order.operation,
            method: order.method,
            amount: order.amount,
            stan: self.ledger.next_stan,
            batch: self.ledger.batch,
            state,
            utc_ms: order.started.utc_ms,
            utc_offset_min: order.started.utc_offset_min,
            language: order.language,
            order: order.order.clone(),
            category: order.category.clone(),
            original_key: order.original_key,
            card: None,
            request: None,
            reversal: None,
            data_counter: None,
            pin_counter: None,
            wallet: order.wallet.clone(),
        }
    }
}

fn card_facts(card: &CardRead) -> CardFacts {
    // A card read by its stripe has nothing of what proves a chip.
    let chip = card.receipt.as_ref();
    let of_chip = |part: fn(&EmvReceipt) -> &[u8]| chip.map(|chip| part(chip).to_vec()).unwrap_or_default();
    CardFacts {
        masked_pan: card.pan.masked(),
        aid: card.aid.as_bytes().to_vec(),
        label: card.label.clone(),
        cvm: match card.cvm {
            Cvm::None => CardVerification::None,
            Cvm::Signature => CardVerification::Signature,
            Cvm::OnlinePin => CardVerification::OnlinePin,
            Cvm::OnDevice => CardVerification::OnDevice,
        },
        cryptogram: of_chip(|chip| &chip.arqc),
        tvr: of_chip(|chip| &chip.tvr),
        atc: of_chip(|chip| &chip.atc),
        psn: card.psn,
        unpredictable_number: of_chip(|chip| &chip.un),
        aip: of_chip(|chip| &chip.aip),
        iad: of_chip(|chip| &chip.iad),
        terminal_capabilities: of_chip(|chip| chip.terminal_capabilities.as_ref().map_or(&[], |own| own)),
        scheme: card.scheme.name().into(),
        approved_offline: None,
    }
}

impl PinStage {
    pub(crate) const fn key(&self) -> PaymentKey {
        self.order.key
    }

    pub(crate) const fn deadline(&self) -> Tick {
        self.deadline
    }
}
