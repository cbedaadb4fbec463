//! What each command of the till does.

use std::path::Path;
use std::time::Duration;

use softpos_acquirer::FaultSpec;
use softpos_cards::profiles;
use softpos_terminal::{HistoryQuery, PaymentRequest, PaymentSummary, RefundRequest, State};
use softpos_text::words;
use softpos_types::{
    Code, Currency, Method, Money, MoneyError, Operation, OrderId, PaymentKey, SecretBytes, SoftPosError,
};
use zeroize::Zeroizing;

use super::command::{Command, Goods, Misread};
use super::customer;
use super::pocket::Pocket;
use super::session::Session;
use super::which::which;
use super::{cards, help, listing};
use crate::columns::left;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json;
use crate::out::{BAD, DIM, GOOD, HEAD, PLAIN, WARN, paint};

/// How long one look for the end of background work may take.
const PULSE: Duration = Duration::from_millis(200);

impl Session<'_> {
    /// Does it; says how it went.
    pub(crate) fn execute(&mut self, command: Command) -> Result<Exit, Failure> {
        match command {
            Command::Amount(amount) => self.amount(amount),
            Command::Sale { goods, card } => self.sale(goods, card),
            Command::Tap { card } => self.tap(card),
            Command::Pin(pin) => self.pin(pin),
            Command::Code(goods) => self.take(goods, Method::Code, "code"),
            Command::Scan { goods, code, image } => self.scan(goods, code, image.as_deref()),
            Command::Pay { wallet } => {
                self.pay(wallet.unwrap_or("wechat"))?;
                self.drive()
            }
            Command::Cash(goods) => self.take(goods, Method::Cash, "cash"),
            Command::Cancel => self.cancel(),
            Command::Receipt { which, wish } => {
                let key = self.find(&which, |_| true)?;
                self.print(key, &wish)?;
                Ok(Exit::Done)
            }
            Command::History { limit, state } => {
                let state = State::ALL
                    .into_iter()
                    .find(|known| Some(known.name()) == state.as_deref());
                let found = self.history(limit, state)?;
                Ok(self.list(&found))
            }
            Command::Show { which } => self.show(&which),
            Command::Refund { which, amount } => self.refund(&which, amount),
            Command::Network { online } => self.network(online),
            Command::Queue => self.queue(),
            Command::Sync => self.sync(),
            Command::Close => self.close(),
            Command::Cards => Ok(self.cards()),
            Command::Fault { spec } => self.fault(&spec),
            Command::Status => self.status(),
            Command::Lang(language) => {
                self.reporter.out.set_language(language);
                self.reporter.put("language", language.code());
                self.out().say(PLAIN, "till-language", &[]);
                Ok(Exit::Done)
            }
            Command::Help { topic } => Ok(self.help(topic.as_deref())),
            Command::Quit => Ok(Exit::Done),
        }
    }

    /// What waits, and what more may be stored.
    fn queue(&mut self) -> Result<Exit, Failure> {
        let queue = self.driver.terminal.queue()?;
        let exit = self.list(&queue);
        let Some(policy) = self.driver.terminal.queue_policy()? else {
            return Ok(exit);
        };
        self.reporter.put(
            "policy",
            serde_json::json!({
                "enabled": policy.enabled,
                "payment_minor": policy.payment.amount_minor(),
                "count": policy.count,
                "sum_minor": policy.sum.amount_minor(),
                "age_ms": policy.age_ms,
                "overdue": policy.overdue,
                "storage_low": policy.storage_low,
            }),
        );
        let out = self.out();
        if !policy.enabled {
            out.say(DIM, "till-queue-off", &[]);
            return Ok(exit);
        }
        let (payment, sum) = (words::display(policy.payment), words::display(policy.sum));
        let (count, hours) = (policy.count.to_string(), (policy.age_ms / 3_600_000).to_string());
        let limits = [
            ("payment", payment.as_str()),
            ("count", &count),
            ("sum", &sum),
            ("hours", &hours),
        ];
        out.say(DIM, "till-queue-limits", &limits);
        for (applies, key) in [
            (policy.overdue, "till-queue-overdue"),
            (policy.storage_low, "till-queue-low"),
        ] {
            if applies {
                out.say(WARN, key, &[]);
            }
        }
        Ok(exit)
    }

    /// A bare amount: everything else is asked for.
    fn amount(&mut self, amount: String) -> Result<Exit, Failure> {
        let status = self.driver.terminal.status()?;
        // Before any question: a wrong amount is said at once.
        self.money(&amount)?;
        let mut goods = Goods {
            amount: Some(amount),
            ..Goods::default()
        };
        if self.prompter.is_some() && !status.categories.is_empty() {
            let choices: Vec<&str> = status.categories.iter().map(String::as_str).collect();
            goods.category = self.ask_choice("till-ask-category", &choices).map(str::to_owned);
        }
        let method = match self.prompter {
            Some(_) => self.ask_method(&status.methods),
            None => Some(Method::Card),
        };
        if let Some(method) = method {
            return self.take(goods, method, "sale");
        }
        self.out().say(DIM, "till-nothing-done", &[]);
        Ok(Exit::Done)
    }

    fn sale(&mut self, goods: Goods, card: Option<String>) -> Result<Exit, Failure> {
        let card = card.map(|typed| Pocket::find(&typed)).transpose()?;
        if let (Some(card), false) = (card, self.has_open()) {
            self.driver.hold_out(card);
        }
        let taken = self.take(goods, Method::Card, "sale");
        if taken.is_err() && !self.has_open() {
            self.driver.forget();
        }
        taken
    }

    fn take(&mut self, goods: Goods, method: Method, command: &'static str) -> Result<Exit, Failure> {
        let request = self.request(goods, method, command)?;
        let key = self.driver.terminal.start(request)?;
        self.started(key)
    }

    /// Charges the code that a customer shows: typed, in a picture, or shown by a simulated customer.
    fn scan(
        &mut self,
        goods: Goods,
        code: Option<Zeroizing<String>>,
        image: Option<&str>,
    ) -> Result<Exit, Failure> {
        let request = self.request(goods, Method::Code, "scan")?;
        let code = match (code, image) {
            (Some(code), None) => customer::shown_code(&code)?.unwrap_or(code),
            (None, Some(file)) => Zeroizing::new(crate::qr_cmd::read(Path::new(file))?),
            (Some(_), Some(_)) => return Err(Misread::Missing { command: "scan" }.into()),
            (None, None) => {
                let typed = Zeroizing::new(self.needed(None, "till-ask-code", "scan")?);
                customer::shown_code(&typed)?.unwrap_or(typed)
            }
        };
        let scanned = SecretBytes::copy_of(code.as_bytes());
        let key = self.driver.terminal.charge_code(request, &scanned)?;
        self.started(key)
    }

    fn request(
        &mut self,
        goods: Goods,
        method: Method,
        command: &'static str,
    ) -> Result<PaymentRequest, Failure> {
        let amount = self.needed(goods.amount, "till-ask-amount", command)?;
        let order = match goods.order {
            Some(order) => Some(
                OrderId::new(&order).map_err(|_| SoftPosError::of(Code::OrderInvalid).with_detail(order))?,
            ),
            None => None,
        };
        Ok(PaymentRequest {
            amount: self.money(&amount)?,
            method,
            order,
            category: goods.category,
            language: self.out().texts().language(),
        })
    }

    fn money(&self, typed: &str) -> Result<Money, Failure> {
        let unknown = || SoftPosError::of(Code::NotActivated);
        let currency = self.driver.terminal.status()?.currency.ok_or_else(unknown)?;
        typed_amount(typed, currency)
    }

    fn tap(&mut self, card: Option<String>) -> Result<Exit, Failure> {
        let typed = self.needed(card, "till-ask-card", "tap")?;
        let card = Pocket::find(&typed)?;
        if !self.has_open() {
            return Err(Failure::Said {
                key: "till-nothing-open",
                about: String::new(),
            });
        }
        self.driver.hold_out(card);
        self.drive()
    }

    fn pin(&mut self, pin: Option<Zeroizing<String>>) -> Result<Exit, Failure> {
        if let Some(pin) = pin {
            self.driver.whisper(pin);
        } else if self.prompter.is_none() {
            return Err(Misread::Missing { command: "pin" }.into());
        }
        if self.driver.wants_pin() {
            return self.drive();
        }
        if !self.driver.has_pin() {
            return Err(Failure::Said {
                key: "till-nothing-open",
                about: String::new(),
            });
        }
        self.out().say(DIM, "till-pin-ready", &[]);
        Ok(Exit::Done)
    }

    fn cancel(&mut self) -> Result<Exit, Failure> {
        if !self.has_open() {
            return Err(Failure::Said {
                key: "till-nothing-open",
                about: String::new(),
            });
        }
        self.driver.give_up()?;
        self.drive()?;
        Ok(Exit::Done)
    }

    /// Closes the day. What keeps it from being closed is listed.
    fn close(&mut self) -> Result<Exit, Failure> {
        self.driver.terminal.settle()?;
        let closed = self.drive();
        if matches!(&closed, Err(Failure::Core(error)) if error.code() == Code::PaymentsUnsettled) {
            let mut open = self.history(0, None)?;
            open.retain(|payment| payment.queued || payment.state.is_open());
            self.list(&open);
        }
        closed
    }

    fn history(&self, limit: u32, state: Option<State>) -> Result<Vec<PaymentSummary>, Failure> {
        Ok(self.driver.terminal.history(&HistoryQuery {
            limit,
            state,
            text: None,
        })?)
    }

    /// The payment that is meant, among those that come into question.
    fn find(&self, typed: &str, fits: fn(&PaymentSummary) -> bool) -> Result<PaymentKey, Failure> {
        let all = self.history(0, None)?;
        let keys: Vec<(PaymentKey, u32)> = all
            .iter()
            .filter(|payment| fits(payment))
            .map(|payment| (payment.key, payment.stan.value()))
            .collect();
        which(&keys, typed)
    }

    fn list(&mut self, payments: &[PaymentSummary]) -> Exit {
        listing::list(self.out(), payments);
        let rows: Vec<_> = payments.iter().map(json::Payment::from).collect();
        self.reporter
            .put("payments", serde_json::to_value(rows).unwrap_or_default());
        Exit::Done
    }

    fn show(&mut self, typed: &str) -> Result<Exit, Failure> {
        let key = self.find(typed, |_| true)?;
        let payment = self.driver.terminal.payment(key)?;
        listing::details(self.out(), &payment);
        self.reporter
            .put_all(serde_json::to_value(json::Payment::from(&payment)).unwrap_or_default());
        Ok(Exit::Done)
    }

    fn refund(&mut self, typed: &str, amount: Option<String>) -> Result<Exit, Failure> {
        // The last one that can be given back, if the last one is meant.
        let key = match typed {
            "last" => self.find(typed, |payment| {
                payment.operation == Operation::Sale && payment.state == State::Approved
            })?,
            _ => self.find(typed, |_| true)?,
        };
        let original = self.driver.terminal.payment(key)?;
        let amount = match amount {
            Some(typed) => self.money(&typed)?,
            None => original
                .amount
                .checked_sub(original.refunded)
                .map_err(|_| SoftPosError::of(Code::RefundOverSale))?,
        };
        let language = self.out().texts().language();
        let refund = self.driver.terminal.refund(&RefundRequest {
            original_key: key,
            amount,
            language,
        })?;
        self.started(refund)
    }

    fn network(&mut self, online: bool) -> Result<Exit, Failure> {
        self.driver.terminal.set_link(online)?;
        self.reporter.put("online", online);
        self.out().say(
            PLAIN,
            if online {
                "till-network-on"
            } else {
                "till-network-off"
            },
            &[],
        );
        Ok(Exit::Done)
    }

    fn sync(&mut self) -> Result<Exit, Failure> {
        let total = self.driver.terminal.force_sync()?;
        self.reporter.put("total", total);
        self.settle_down()?;
        let left = self.driver.terminal.status()?;
        let waiting = left.queue.count.max(left.open_payments);
        self.reporter.put("waiting", waiting);
        if waiting == 0 {
            self.out().say(GOOD, "till-synced", &[]);
            return Ok(Exit::Done);
        }
        self.out()
            .say(WARN, "till-still-waiting", &[("count", &waiting.to_string())]);
        Ok(Exit::Failure)
    }

    /// Waits until nothing is under way in the background.
    pub(crate) fn settle_down(&mut self) -> Result<(), Failure> {
        self.driver.listen();
        let mut interrupted = false;
        while !interrupted && !self.driver.terminal.wait_idle(PULSE) {
            self.drain();
            interrupted = self.driver.is_interrupted();
        }
        self.driver.stop_listening();
        self.drain();
        if interrupted {
            Err(Failure::Interrupted)
        } else {
            Ok(())
        }
    }

    fn cards(&mut self) -> Exit {
        cards::list(self.out());
        let ids: Vec<&str> = profiles().iter().map(|profile| profile.id).collect();
        self.reporter.put("cards", ids);
        Exit::Done
    }

    fn fault(&mut self, typed: &str) -> Result<Exit, Failure> {
        let spec: FaultSpec =
            typed
                .parse()
                .map_err(|error: softpos_acquirer::FaultSpecError| Failure::Said {
                    key: "till-no-fault",
                    about: error.to_string(),
                })?;
        let text = spec.to_string();
        match self.host {
            Some(host) => host.set_faults(spec),
            None => customer::set_faults(&self.driver.terminal, &text)?,
        }
        self.reporter.put("fault", text.as_str());
        self.out().say(PLAIN, "till-fault", &[("spec", &text)]);
        Ok(Exit::Done)
    }

    fn status(&mut self) -> Result<Exit, Failure> {
        let status = self.driver.terminal.status()?;
        let out = self.out();
        let texts = out.texts();
        let terminal = status
            .terminal
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let merchant = status
            .merchant
            .as_ref()
            .map(|merchant| merchant.name.clone())
            .unwrap_or_default();
        let row = |key: &str, value: &str| {
            out.line(
                PLAIN,
                &format!("{}  {value}", paint(HEAD, &left(&texts.get(key), 16))),
            );
        };
        row("till-status-merchant", &merchant);
        row("till-status-terminal", &terminal);
        row("till-status-batch", &status.batch.to_string());
        let network = if status.online {
            "till-network-on"
        } else {
            "till-network-off"
        };
        row("till-status-network", &texts.get(network));
        let (count, sum) = (status.queue.count.to_string(), words::display(status.queue.sum));
        row("till-status-stored", &format!("{count}  {sum}"));
        row("till-status-open", &status.open_payments.to_string());
        let obstacle = status.obstacle.map(|fault| fault.code);
        match obstacle {
            Some(code) => out.line(BAD, &texts.code(code)),
            None => out.say(GOOD, "till-status-ready", &[]),
        }
        self.reporter.put("activated", status.activated);
        self.reporter.put("ready", obstacle.is_none());
        self.reporter.put("obstacle", obstacle.map(Code::name));
        self.reporter.put("merchant", merchant);
        self.reporter.put("terminal", terminal);
        self.reporter.put("batch", status.batch.to_string());
        self.reporter.put("online", status.online);
        self.reporter.put("stored", status.queue.count);
        self.reporter.put("stored_minor", status.queue.sum.amount_minor());
        self.reporter.put("open", status.open_payments);
        Ok(Exit::Done)
    }

    fn help(&mut self, topic: Option<&str>) -> Exit {
        help::help(self.out(), topic);
        let out = self.out();
        let entries = super::command::COMMANDS
            .iter()
            .filter(|entry| topic.is_none_or(|topic| topic == entry.name));
        let commands: Vec<_> = entries
            .map(|entry| {
                serde_json::json!({
                    "name": entry.name,
                    "usage": entry.usage,
                    "examples": entry.examples,
                    "text": help::sentence(out, entry.name),
                })
            })
            .collect();
        self.reporter.put("commands", commands);
        Exit::Done
    }
}

/// An amount as a person types it.
pub(crate) fn typed_amount(typed: &str, currency: Currency) -> Result<Money, Failure> {
    let refused = |error: MoneyError| Failure::Core(SoftPosError::of(error.into()).with_detail(typed));
    Money::parse_payment(typed, currency).map_err(refused)
}
