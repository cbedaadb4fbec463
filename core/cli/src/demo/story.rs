//! Tells a plan on real parts: a real terminal, a real host, software cards in between.

use std::time::Duration;

use softpos_acquirer::{FaultSpec, LocalHost};
use softpos_terminal::{
    ActivationUri, CardPrompt, Columns, Ending, HistoryQuery, Notice, Paper, PaymentRequest, PaymentSummary,
    RefundRequest, Screen, State, Step, Terminal,
};
use softpos_text::words;
use softpos_types::{Code, Currency, Method, Money, Operation, PaymentKey, SecretBytes, SoftPosError};
use zeroize::Zeroizing;

use super::plan::{Act, Chapter};
use crate::clock;
use crate::columns::{left, of_terminal, right, width};
use crate::failure::Failure;
use crate::json::Acknowledged;
use crate::out::{BAD, DIM, GOOD, HEAD, Out, PLAIN, WARN, object, paint};
use crate::till::customer;
use crate::till::driver::{Driver, Stop};
use crate::till::listing;

/// The PIN of every card that has one.
const PIN: &str = "1234";
/// How long background work may take at most.
const PATIENCE: Duration = Duration::from_secs(20);
const PULSE: Duration = Duration::from_millis(100);
/// Columns of what pays: the longest name of a card.
const WHAT: usize = 23;
/// Of a payment that needs nobody.
const NOBODY: Code = Code::NotExpected;

/// Somebody who plays the operator and the customers.
pub(crate) struct Story<'h> {
    driver: Driver,
    host: &'h LocalHost,
    teller: Teller,
}

/// Says what the till has acknowledged.
struct Teller {
    out: Out,
    terminal: Terminal,
    /// What pays: a card, a wallet, cash.
    what: String,
    /// The operator gives up as soon as the result is unknown.
    gives_up: bool,
    /// The sentence of the screen that shows the result; it names the reason of a decline.
    result: Option<String>,
    /// What the till has said aloud last.
    spoken: Option<String>,
}

impl<'h> Story<'h> {
    pub(crate) fn new(driver: Driver, host: &'h LocalHost, out: Out) -> Self {
        let teller = Teller {
            out,
            terminal: driver.terminal.clone(),
            what: String::new(),
            gives_up: false,
            result: None,
            spoken: None,
        };
        Self { driver, host, teller }
    }

    pub(crate) const fn terminal(&self) -> &Terminal {
        &self.driver.terminal
    }

    /// Makes the till ready to sell, if it is not yet.
    pub(crate) fn activate(&mut self) -> Result<(), Failure> {
        if self.terminal().status()?.activated {
            return Ok(());
        }
        let uri = ActivationUri::parse(&self.host.activation_uri()?)?;
        self.terminal().activate(&uri)?;
        self.run_to_end().map(|_| ())
    }

    /// What a kill left open is resolved before anything new.
    pub(crate) fn resolve_leftovers(&mut self) -> Result<(), Failure> {
        if self.terminal().status()?.open_payments > 0 {
            self.teller.out.say(WARN, "demo-leftovers", &[]);
        }
        self.clear_up()
    }

    pub(crate) fn tell(&mut self, chapter: &Chapter) -> Result<(), Failure> {
        let heading = self
            .teller
            .out
            .texts()
            .get(&format!("demo-chapter-{}", chapter.name));
        self.teller.out.paragraph(HEAD, &heading);
        chapter.acts.iter().try_for_each(|act| self.act(*act))
    }

    pub(crate) fn end(&self) {
        self.driver.shut_down();
    }

    fn act(&mut self, act: Act) -> Result<(), Failure> {
        match act {
            Act::Card { card, amount_minor } => self.card(card, amount_minor),
            Act::Code { wallet, amount_minor } => self.code(wallet, amount_minor),
            Act::Scan {
                wallet,
                deed,
                amount_minor,
            } => self.scan(wallet, deed, amount_minor),
            Act::Cash { amount_minor } => {
                self.teller.what = listing::method_name(self.teller.out.texts(), Method::Cash);
                self.start(Method::Cash, amount_minor)?;
                self.run_to_end().map(|_| ())
            }
            Act::Lost {
                card,
                amount_minor,
                fault,
            } => {
                // The cash is told to the host first: the fault is meant for this sale.
                self.clear_up()?;
                self.faults(fault)?;
                self.card(card, amount_minor)?;
                self.faults("off")?;
                self.clear_up()
            }
            Act::GiveUp {
                card,
                amount_minor,
                fault,
            } => {
                self.faults(fault)?;
                self.teller.gives_up = true;
                self.card(card, amount_minor)?;
                self.teller.gives_up = false;
                self.faults("off")?;
                self.clear_up()
            }
            Act::Refused { card, amount_minor } => {
                self.faults("refuse:always")?;
                self.card(card, amount_minor)
            }
            Act::Offline { card, amount_minor } => {
                self.terminal().set_link(false)?;
                self.card(card, amount_minor)
            }
            Act::Sync => {
                self.faults("off")?;
                self.terminal().set_link(true)?;
                self.clear_up()
            }
            Act::Refund { permille } => self.refund(permille),
            Act::Close => {
                self.terminal().settle()?;
                let ending = self.run_to_end()?;
                self.slip(&ending)?;
                self.settle_down()
            }
        }
    }

    fn card(&mut self, card: &'static str, amount_minor: i64) -> Result<(), Failure> {
        card.clone_into(&mut self.teller.what);
        self.driver.hold_out(card);
        self.driver.whisper(Zeroizing::new(PIN.to_owned()));
        self.start(Method::Card, amount_minor)?;
        self.run_to_end().map(|_| ())
    }

    fn code(&mut self, wallet: &str, amount_minor: i64) -> Result<(), Failure> {
        wallet.clone_into(&mut self.teller.what);
        self.start(Method::Code, amount_minor)?;
        let teller = &mut self.teller;
        let stop = self.driver.run(&mut |step| teller.step(step))?;
        if let (Stop::Payer, Some(payload)) = (&stop, self.driver.payload()) {
            customer::pay(self.terminal(), payload, wallet)?;
            self.run_to_end()?;
        }
        Ok(())
    }

    /// A customer's code is scanned. The next charge begins when this one has its end, as a till wants it.
    fn scan(&mut self, wallet: &str, deed: u8, amount_minor: i64) -> Result<(), Failure> {
        wallet.clone_into(&mut self.teller.what);
        let request = self.request(Method::Code, amount_minor)?;
        let code = customer::payment_code(wallet, deed)?;
        let scanned = SecretBytes::copy_of(code.as_bytes());
        self.terminal().charge_code(request, &scanned)?;
        self.run_to_end()?;
        self.clear_up()
    }

    /// A part of the newest approved card sale.
    fn refund(&mut self, permille: i64) -> Result<(), Failure> {
        let approved = HistoryQuery {
            state: Some(State::Approved),
            ..HistoryQuery::default()
        };
        let fits = |payment: &PaymentSummary| {
            payment.operation == Operation::Sale
                && payment.method == Method::Card
                && payment.refunded.amount_minor() == 0
        };
        let missing = || SoftPosError::of(Code::PaymentNotFound);
        let sale = self
            .terminal()
            .history(&approved)?
            .into_iter()
            .find(fits)
            .ok_or_else(missing)?;
        let part = sale.amount.amount_minor().saturating_mul(permille) / 1_000;
        let request = RefundRequest {
            original_key: sale.key,
            amount: Money::new(part.max(1), sale.amount.currency()),
            language: self.teller.out.texts().language(),
        };
        self.teller.what = listing::operation_name(self.teller.out.texts(), Operation::Refund);
        self.terminal().refund(&request)?;
        self.run_to_end().map(|_| ())
    }

    fn start(&self, method: Method, amount_minor: i64) -> Result<PaymentKey, Failure> {
        Ok(self.terminal().start(self.request(method, amount_minor)?)?)
    }

    fn request(&self, method: Method, amount_minor: i64) -> Result<PaymentRequest, Failure> {
        Ok(PaymentRequest {
            amount: Money::new(amount_minor, self.currency()?),
            method,
            order: None,
            category: None,
            language: self.teller.out.texts().language(),
        })
    }

    /// The till's currency.
    pub(crate) fn currency(&self) -> Result<Currency, Failure> {
        let unknown = || Failure::Core(SoftPosError::of(Code::NotActivated));
        self.terminal().status()?.currency.ok_or_else(unknown)
    }

    fn run_to_end(&mut self) -> Result<Ending, Failure> {
        let teller = &mut self.teller;
        match self.driver.run(&mut |step| teller.step(step))? {
            Stop::Ended {
                ending: Ending::ActivationFailed { fault } | Ending::SettleFailed { fault },
                ..
            } => Err(Failure::Core(fault.into())),
            Stop::Ended { ending, .. } => Ok(ending),
            // Every card that is held out is read in the end, and its PIN is known.
            Stop::Card | Stop::Pin | Stop::Payer => Err(Failure::Core(SoftPosError::of(NOBODY))),
        }
    }

    fn faults(&self, spec: &str) -> Result<(), Failure> {
        let spec: FaultSpec =
            spec.parse()
                .map_err(|error: softpos_acquirer::FaultSpecError| Failure::Said {
                    key: "till-no-fault",
                    about: error.to_string(),
                })?;
        self.host.set_faults(spec);
        Ok(())
    }

    /// Lets everything that waits go through, as often as it takes.
    fn clear_up(&mut self) -> Result<(), Failure> {
        let begun = clock::now();
        loop {
            self.settle_down()?;
            if self.terminal().status()?.open_payments == 0 {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(Failure::Core(SoftPosError::of(Code::PaymentsUnsettled)));
            }
            self.terminal().force_sync()?;
        }
    }

    /// Waits until nothing is under way any more.
    fn settle_down(&mut self) -> Result<(), Failure> {
        let begun = clock::now();
        let teller = &mut self.teller;
        loop {
            let idle = self.driver.terminal.wait_idle(PULSE);
            self.driver.drain(&mut |step| teller.step(step));
            if idle {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(Failure::Core(SoftPosError::of(Code::PaymentsUnsettled)));
            }
        }
    }

    fn slip(&self, ending: &Ending) -> Result<(), Failure> {
        if let Ending::Settled { view } = ending {
            let language = Some(self.teller.out.texts().language());
            let paper = Paper {
                language,
                columns: Columns::Narrow,
                reprint: false,
            };
            for row in self.terminal().day_close_slip(view.batch, paper)?.lines() {
                self.teller.out.line(PLAIN, row);
            }
        }
        Ok(())
    }
}

impl Teller {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Show { view, text } => self.show(&view.screen, text),
            Step::Say { text, .. } => self.spoken = Some(text.clone()),
            Step::Notice { notice, text } => self.notice(notice, text),
            Step::Finished { ending, text } => self.finished(ending, text),
            Step::AskPin { .. } | Step::Closed => {}
        }
    }

    fn show(&mut self, screen: &Screen, text: &str) {
        match screen {
            Screen::ResultUnknown { .. } => {
                self.out.line(WARN, &format!("      {text}"));
                if std::mem::take(&mut self.gives_up) {
                    self.out.say(WARN, "demo-gives-up", &[]);
                    // If the answer has come meanwhile there is nothing to give up; the next step says so.
                    drop(self.terminal.cancel());
                }
            }
            Screen::Activating { .. } | Screen::AskPayer => self.out.line(DIM, &format!("      {text}")),
            // The reader wants something else of the customer than the card itself.
            Screen::Card { asks, .. } if *asks != CardPrompt::Present => {
                self.out.line(DIM, &format!("      {text}"));
            }
            Screen::Card { .. }
            | Screen::EnterPin
            | Screen::Authorising
            | Screen::ShowCode { .. }
            | Screen::Settling { .. } => {}
            Screen::Result { .. } => self.result = Some(text.to_owned()),
        }
    }

    fn notice(&self, notice: &Notice, text: &str) {
        match notice {
            Notice::PaymentChanged {
                key, amount, state, ..
            } => {
                self.acknowledged(*key, *state, *amount);
                self.line("", *amount, *state, text);
            }
            Notice::Forwarding { .. } | Notice::Link { .. } => self.out.line(DIM, &format!("      {text}")),
            Notice::LatePayment { .. } | Notice::Trouble { .. } => {
                self.out.line(BAD, &format!("      {text}"));
            }
        }
    }

    fn finished(&mut self, ending: &Ending, text: &str) {
        match ending {
            Ending::Payment { key, state } => {
                // What was acknowledged is in the journal, so it is there.
                let (shown, spoken) = (self.result.take(), self.spoken.take());
                let text = spoken.or(shown).unwrap_or_else(|| text.to_owned());
                if let Ok(payment) = self.terminal.payment(*key) {
                    self.acknowledged(*key, *state, payment.amount);
                    self.line(&self.what, payment.amount, *state, &text);
                }
            }
            Ending::Activated => self.out.line(GOOD, text),
            Ending::NotStarted { .. } => {
                let what = left(&self.what, WHAT);
                self.out.line(WARN, &format!("  {what}  {text}"));
            }
            Ending::ActivationFailed { .. } | Ending::Settled { .. } | Ending::SettleFailed { .. } => {}
        }
    }

    /// The till has this on its disk: say so, at once.
    fn acknowledged(&self, key: PaymentKey, state: State, amount: Money) {
        if self.out.is_json() {
            object(&Acknowledged {
                key: key.to_string(),
                state: state.name(),
                amount_minor: amount.amount_minor(),
            });
        }
    }

    /// The same for people; what the till says gets a line of its own if there is no room.
    fn line(&self, what: &str, amount: Money, state: State, text: &str) {
        let name = left(&listing::state_name(self.out.texts(), state), 14);
        let fixed = format!("  {}  {}  ", left(what, WHAT), right(&words::display(amount), 12));
        let state = paint(listing::style(state), &name);
        if width(&fixed) + width(&name) + width(text) < of_terminal() {
            self.out.line(PLAIN, &format!("{fixed}{state} {text}"));
        } else {
            self.out.line(PLAIN, &format!("{fixed}{state}"));
            self.out.line(DIM, &format!("    {text}"));
        }
    }
}
