//! What an operator does: sales, refunds, day close, each in one call.

use softpos_cards::Fault;
use softpos_terminal::{
    Ending, Notice, PaymentRequest, PaymentSummary, RefundRequest, SettlementView, State, Step,
};
use softpos_types::{Code, Currency, Language, Method, Money, PaymentKey, SecretBytes, SoftPosError};

use crate::driver::Customer;
use crate::shop::Shop;

/// How often a card is held out before the customer gives up.
const TAPS: u32 = 3;

/// An amount in fen.
pub const fn cny(amount_minor: i64) -> Money {
    Money::new(amount_minor, Currency::CNY)
}

/// A sale of so many fen, without frills.
pub const fn sale(amount_minor: i64, method: Method) -> PaymentRequest {
    PaymentRequest {
        amount: cny(amount_minor),
        method,
        order: None,
        category: None,
        language: Language::En,
    }
}

impl Shop {
    /// A card is tapped; the payment as it stands when the operator is done with it.
    pub fn tap(&mut self, amount_minor: i64, card: &'static str) -> PaymentSummary {
        let ending = self.try_tap(amount_minor, card).expect("a sale that begins");
        self.paid(&ending)
    }

    /// A card is tapped; how that ended.
    ///
    /// # Errors
    /// The till's own, when the sale does not even begin.
    pub fn try_tap(&mut self, amount_minor: i64, card: &'static str) -> Result<Ending, SoftPosError> {
        self.customer.card = Some((card, TAPS));
        self.sell(sale(amount_minor, Method::Card))
    }

    /// A card is tapped and its PIN typed.
    pub fn pin(&mut self, amount_minor: i64, card: &'static str, pin: &'static str) -> PaymentSummary {
        self.customer.pin = Some(pin);
        self.tap(amount_minor, card)
    }

    /// A code is shown and paid at once.
    pub fn code(&mut self, amount_minor: i64, wallet: &'static str) -> PaymentSummary {
        self.customer.wallet = Some(wallet);
        let ending = self
            .sell(sale(amount_minor, Method::Code))
            .expect("a sale that begins");
        self.paid(&ending)
    }

    /// A customer shows a code, which is scanned; the payment as it stands when the operator is done with it.
    pub fn scan(&mut self, amount_minor: i64, code: &str) -> PaymentSummary {
        let ending = self.try_scan(amount_minor, code).expect("a charge that begins");
        self.paid(&ending)
    }

    /// A customer's code is scanned; how that ended.
    ///
    /// # Errors
    /// The till's own, when the charge does not even begin.
    pub fn try_scan(&mut self, amount_minor: i64, code: &str) -> Result<Ending, SoftPosError> {
        let scanned = SecretBytes::copy_of(code.as_bytes());
        self.till()
            .charge_code(sale(amount_minor, Method::Code), &scanned)?;
        Ok(self.finish())
    }

    /// Notes and coins.
    pub fn cash(&mut self, amount_minor: i64) -> PaymentSummary {
        let ending = self
            .sell(sale(amount_minor, Method::Cash))
            .expect("a sale that begins");
        self.paid(&ending)
    }

    /// Any sale, with the customer who stands there.
    ///
    /// # Errors
    /// The till's own, when the sale does not even begin.
    pub fn sell(&mut self, request: PaymentRequest) -> Result<Ending, SoftPosError> {
        self.till().start(request)?;
        let ending = self.finish();
        self.customer = Customer::default();
        Ok(ending)
    }

    /// A sale whose end is not waited for: the customer has tapped, the till is under way.
    pub fn begin(&mut self, amount_minor: i64, card: &'static str) -> PaymentKey {
        self.customer.card = Some((card, TAPS));
        self.till()
            .start(sale(amount_minor, Method::Card))
            .expect("a sale that begins")
    }

    /// A card will misbehave at its next tap.
    pub fn script(&mut self, card: &str, fault: Fault) {
        self.wallet
            .card(card)
            .expect("a card of the wallet")
            .script(fault);
    }

    /// Gives a sale back, in whole or in part.
    pub fn refund(&mut self, original_key: PaymentKey, amount_minor: i64) -> PaymentSummary {
        let ending = self
            .try_refund(original_key, amount_minor)
            .expect("a refund that begins");
        self.paid(&ending)
    }

    /// Gives a sale back; how that ended.
    ///
    /// # Errors
    /// The till's own, when the refund does not even begin.
    pub fn try_refund(
        &mut self,
        original_key: PaymentKey,
        amount_minor: i64,
    ) -> Result<Ending, SoftPosError> {
        let request = RefundRequest {
            original_key,
            amount: cny(amount_minor),
            language: Language::En,
        };
        self.till().refund(&request)?;
        Ok(self.finish())
    }

    /// Closes the day.
    pub fn settle(&mut self) -> SettlementView {
        let ending = self.try_settle().expect("a day close that begins");
        let Ending::Settled { view } = ending else {
            panic!("the day is not closed: {ending:?}");
        };
        view
    }

    /// Closes the day; how that ended.
    ///
    /// # Errors
    /// The till's own, when it does not even begin.
    pub fn try_settle(&mut self) -> Result<Ending, SoftPosError> {
        self.till().settle()?;
        Ok(self.finish())
    }

    /// Whether the till has told of this trouble since [`Shop::forget_steps`].
    pub fn told_trouble(&self, code: Code) -> bool {
        let told = |step: &Step| matches!(step, Step::Notice { notice: Notice::Trouble { fault }, .. } if fault.code == code);
        self.steps.iter().any(told)
    }

    /// The payment that an ending is about.
    pub fn paid(&self, ending: &Ending) -> PaymentSummary {
        let Ending::Payment { key, .. } = ending else {
            panic!("no payment was recorded: {ending:?}");
        };
        self.payment(*key)
    }

    /// Lets the background work until nothing is open any more; the payment as it stands then.
    pub fn outcome(&mut self, key: PaymentKey) -> PaymentSummary {
        self.come_to_rest();
        self.payment(key)
    }

    /// The states of all payments, oldest first.
    pub fn states(&self) -> Vec<State> {
        let mut payments = self.history();
        payments.reverse();
        payments.iter().map(|payment| payment.state).collect()
    }
}
