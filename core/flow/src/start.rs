//! Beginning a payment or a refund: everything that can be wrong is refused here, before anything is recorded.

use softpos_emv::{Reader, ReaderError, Transaction};
use softpos_journal::{Ledger, Payment, State};
use softpos_types::{Code, Method, Money, Now, Operation, OrderId, PaymentKey, SoftPosError};

use crate::effect::{Announcement, Screen};
use crate::event::{PaymentRequest, RefundRequest};
use crate::flow::Flow;
use crate::offline::may_store;
use crate::profile::Profile;
use crate::sale::{Attended, Front, Intent, Reading};

impl Flow {
    /// Starts a payment and returns its key.
    ///
    /// # Errors
    /// `InvalidInput` for an amount, currency, method or order that cannot be; `NotReady` when the till cannot
    /// take it now. Nothing is recorded then.
    pub fn start(&mut self, request: PaymentRequest, now: Now) -> Result<PaymentKey, SoftPosError> {
        self.check_request(&request, now)?;
        match request.method {
            Method::Card => self.check_card_sale(request.amount, now)?,
            Method::Code if !self.online => return Err(SoftPosError::of(Code::HostNotReached)),
            Method::Code | Method::Cash => {}
        }
        let key = PaymentKey::new(now.utc_ms, &self.entropy.array());
        let order = Intent::sale(key, request, now);
        match order.method {
            Method::Card => self.start_reading(order, now)?,
            Method::Code => self.arm_clear(order, State::Armed, now)?,
            Method::Cash => self.arm_clear(order, State::Approved, now)?,
        }
        Ok(key)
    }

    /// What every payment has to be, whoever pays it how.
    pub(crate) fn check_request(&self, request: &PaymentRequest, now: Now) -> Result<(), SoftPosError> {
        let profile = self.ready(now)?;
        check_amount(request.amount, profile)?;
        if !profile.parameters.methods.contains(&request.method) {
            return Err(SoftPosError::of(Code::MethodNotAllowed));
        }
        check_order(&self.ledger, request.order.as_ref())
    }

    /// Starts a refund of an approved sale, whole or in part, and returns its key.
    ///
    /// # Errors
    /// As [`Flow::start`]; `InvalidInput` when there is no such sale, or less of it is left.
    pub fn refund(&mut self, request: &RefundRequest, now: Now) -> Result<PaymentKey, SoftPosError> {
        let profile = self.ready(now)?;
        check_amount(request.amount, profile)?;
        let sale = self
            .ledger
            .payment(request.original_key)
            .ok_or_else(|| SoftPosError::of(Code::PaymentNotFound))?;
        check_refund(&self.ledger, sale, request.amount)?;
        let method = sale.method;
        if method != Method::Cash && (self.busy(sale.key) || sale.queued) {
            // It is being undone, or the host does not know it yet. Cash never is undone: the host is only told of it.
            return Err(SoftPosError::of(Code::NotRefundable));
        }
        if method != Method::Cash && !self.online {
            return Err(SoftPosError::of(Code::HostNotReached));
        }
        let key = PaymentKey::new(now.utc_ms, &self.entropy.array());
        let state = if method == Method::Cash {
            State::Approved
        } else {
            State::Armed
        };
        self.arm_clear(Intent::refund(key, request, method, now), state, now)?;
        Ok(key)
    }

    /// Why a card sale would be refused now, if it would.
    pub fn card_sale_obstacle(&self, now: Now) -> Option<Code> {
        let check = self.ready(now).and_then(|_| self.check_card_ready(now));
        check.err().map(|error| error.code())
    }

    fn ready(&self, now: Now) -> Result<&Profile, SoftPosError> {
        if self.ledger.activation.is_none() {
            return Err(SoftPosError::of(Code::NotActivated));
        }
        if !self.is_idle() {
            return Err(SoftPosError::of(Code::PaymentOpen));
        }
        if self.ledger.settling.is_some() {
            return Err(SoftPosError::of(Code::SettlementPending));
        }
        match &self.profile {
            Some(profile) if profile.parameters.valid_at(now.utc_ms) => Ok(profile),
            _ => Err(SoftPosError::of(Code::ParametersInvalid)),
        }
    }

    fn check_card_ready(&self, now: Now) -> Result<(), SoftPosError> {
        if self.ledger.unsettled().any(Payment::blocks_card_sales) {
            return Err(SoftPosError::of(Code::ReversalPending));
        }
        if !self.attested(now) {
            return Err(SoftPosError::of(Code::AttestationExpired));
        }
        let keys = self
            .registers
            .as_ref()
            .and_then(crate::registers::KeyRegisters::next_data_counter);
        keys.map(drop)
            .ok_or_else(|| SoftPosError::of(Code::KeysExhausted))
    }

    fn check_card_sale(&self, amount: Money, now: Now) -> Result<(), SoftPosError> {
        self.check_card_ready(now)?;
        let storable = !self.storage_low
            && self
                .parameters()
                .is_some_and(|parameters| may_store(&parameters.offline, &self.ledger, amount, now));
        if self.online || storable {
            Ok(())
        } else if self.storage_low {
            Err(SoftPosError::of(Code::StorageLow))
        } else {
            Err(SoftPosError::of(Code::OfflineNotAllowed))
        }
    }

    fn start_reading(&mut self, order: Intent, now: Now) -> Result<(), SoftPosError> {
        let Some(profile) = &self.profile else {
            return Err(SoftPosError::of(Code::ParametersInvalid));
        };
        let unpredictable = core::array::from_fn(|_| core::array::from_fn(|_| self.entropy.array()));
        let transaction = Transaction {
            amount: order.amount,
            other_minor: 0,
            transaction_type: 0,
            local: now.local(),
            unpredictable,
        };
        // Without room for another payment that the host does not know of, every card is to ask its issuer.
        let reader = if may_store(&profile.parameters.offline, &self.ledger, order.amount, now) {
            Reader::new(&profile.reader, transaction)
        } else {
            Reader::new(&profile.reader.online_only(), transaction)
        };
        let reader = reader
            .map_err(|error| match error {
                ReaderError::NothingAllowed(_) => SoftPosError::of(Code::AmountOverLimit),
                ReaderError::Amount => SoftPosError::of(Code::AmountNotANumber),
            })?
            .with_channels(self.entropy.secret());
        let deadline = now.tick.after_ms(profile.parameters.timers.card_ms);
        let reader = reader.with_torn_log(core::mem::take(&mut self.torn));
        self.show(
            Some(order.key),
            Some(order.amount),
            Screen::card(&Reader::prompt()),
        );
        self.say(Announcement::PresentCard);
        self.front = Front::Reading(alloc::boxed::Box::new(Reading {
            order,
            reader,
            deadline,
        }));
        Ok(())
    }

    pub(crate) fn attend(&mut self, order: &Intent, card: Option<crate::sale::HeldCard>) {
        self.show(Some(order.key), Some(order.amount), Screen::Authorising);
        self.front = Front::Attended(Attended::new(order.key, card));
    }
}

fn check_amount(amount: Money, profile: &Profile) -> Result<(), SoftPosError> {
    let parameters = &profile.parameters;
    let code = match amount.amount_minor() {
        0 => Code::AmountZero,
        i64::MIN..=-1 => Code::AmountNegative,
        _ if amount.currency() != parameters.currency => Code::CurrencyNotAllowed,
        minor if minor > Money::MAX_PAYMENT_MINOR || minor > parameters.limits.payment_minor => {
            Code::AmountOverLimit
        }
        _ => return Ok(()),
    };
    Err(SoftPosError::of(code))
}

/// One order ends in one payment: it can be tried again only when the earlier try took no money and never will.
fn check_order(ledger: &Ledger, order: Option<&OrderId>) -> Result<(), SoftPosError> {
    let taken = order.and_then(|order| ledger.by_order(order));
    match taken {
        Some(payment) if payment.is_open() || payment.state == State::Approved => {
            Err(SoftPosError::of(Code::OrderInUse))
        }
        _ => Ok(()),
    }
}

fn check_refund(ledger: &Ledger, sale: &Payment, amount: Money) -> Result<(), SoftPosError> {
    if sale.operation != Operation::Sale || sale.state != State::Approved {
        return Err(SoftPosError::of(Code::NotRefundable));
    }
    let left = ledger
        .refunded(sale)
        .and_then(|refunded| sale.amount.checked_sub(refunded));
    match left {
        Ok(left) if amount.amount_minor() <= left.amount_minor() => Ok(()),
        _ => Err(SoftPosError::of(Code::RefundOverSale)),
    }
}
