//! A session at the till: lines in, answers out, one payment at a time.

use std::collections::BTreeSet;
use std::io::BufRead;

use softpos_acquirer::LocalHost;
use softpos_terminal::{Ending, Format, NotStarted, Rendered, State, Step};
use softpos_text::words;
use softpos_types::{Language, PaymentKey};
use zeroize::Zeroize;

use super::command::{Command, parse};
use super::customer;
use super::driver::{Driver, Stop};
use super::listing;
use super::prompter::{Prompter, Reply, pin_pad};
use super::reporter::Reporter;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json;
use crate::out::{BAD, DIM, GOOD, Out, WARN};
use crate::picture;
use crate::slip::{Copy, SlipFormat, Wish, deliver, paper};

/// The till with somebody or something in front of it.
pub(crate) struct Session<'h> {
    pub(crate) driver: Driver,
    pub(crate) reporter: Reporter,
    /// The person, if there is one.
    pub(crate) prompter: Option<Prompter>,
    /// The host, if it runs inside this program.
    pub(crate) host: Option<&'h LocalHost>,
    /// The payment on the screen.
    open: Option<PaymentKey>,
    /// Slips that came out of this session already; any other one is a duplicate.
    printed: BTreeSet<(PaymentKey, Copy)>,
    sold: BTreeSet<PaymentKey>,
    last: Exit,
}

impl<'h> Session<'h> {
    pub(crate) fn new(
        driver: Driver,
        reporter: Reporter,
        prompter: Option<Prompter>,
        host: Option<&'h LocalHost>,
    ) -> Self {
        Self {
            driver,
            reporter,
            prompter,
            host,
            open: None,
            printed: BTreeSet::new(),
            sold: BTreeSet::new(),
            last: Exit::Done,
        }
    }

    pub(crate) const fn out(&self) -> Out {
        self.reporter.out
    }

    /// Reads commands until the input ends. Says whether there was any, and how the last one went.
    pub(crate) fn run_script(&mut self, input: &mut dyn BufRead) -> (bool, Exit) {
        let mut any = false;
        let mut line = String::new();
        while matches!(input.read_line(&mut line), Ok(length) if length > 0) {
            any |= !line.trim().is_empty();
            let go_on = self.line(&line);
            line.zeroize();
            if self.driver.was_interrupted() {
                self.last = Exit::Interrupted;
                break;
            }
            if !go_on {
                break;
            }
        }
        self.leave();
        (any, self.last)
    }

    /// Talks with a person until they leave.
    pub(crate) fn run_person(&mut self) -> Exit {
        let mut interrupted = false;
        loop {
            self.drain();
            let prompt = self.prompt();
            let Some(prompter) = &mut self.prompter else { break };
            match prompter.command(&prompt) {
                Reply::Line(mut line) => {
                    interrupted = false;
                    let go_on = self.line(&line);
                    line.zeroize();
                    if !go_on {
                        break;
                    }
                }
                Reply::Interrupted if interrupted => {
                    self.leave();
                    return Exit::Interrupted;
                }
                Reply::Interrupted => {
                    interrupted = true;
                    if self.open.is_some() {
                        self.line("cancel");
                    }
                    self.out().say(DIM, "till-again-to-quit", &[]);
                }
                Reply::End => break,
            }
        }
        self.leave();
        self.out().say(DIM, "till-bye", &[]);
        Exit::Done
    }

    /// Does what a line says. Says whether the next one is to be read.
    fn line(&mut self, line: &str) -> bool {
        let command = match parse(line) {
            Ok(None) => return true,
            Ok(Some(Command::Quit)) => return false,
            Ok(Some(command)) => command,
            Err(misread) => {
                self.fail(&misread.into());
                return true;
            }
        };
        let name = command.name();
        self.drain();
        match self.execute(command) {
            Ok(exit) => {
                self.last = exit;
                self.reporter.flush(name);
                true
            }
            Err(failure) => {
                let go_on = !matches!(failure, Failure::Interrupted);
                self.fail(&failure);
                go_on
            }
        }
    }

    fn fail(&mut self, failure: &Failure) {
        self.last = failure.exit();
        self.reporter.discard();
        self.out().failure(failure);
    }

    /// Takes what has happened meanwhile; the payment on the screen may have ended.
    pub(crate) fn drain(&mut self) {
        let reporter = &mut self.reporter;
        let mut endings = Vec::new();
        self.driver.drain(&mut |step| {
            reporter.step(step);
            if let Step::Finished { ending, text } = step {
                endings.push((ending.clone(), text.clone()));
            }
        });
        for (ending, text) in endings {
            self.driver.forget();
            match self.ended(ending, &text) {
                Ok(_) => self.reporter.flush("ended"),
                Err(failure) => self.fail(&failure),
            }
        }
    }

    /// A payment that waits for a card, a PIN or a payer does not outlast the session.
    fn leave(&mut self) {
        if self.open.is_none() {
            return;
        }
        let ended = self
            .driver
            .give_up()
            .map_err(Failure::from)
            .and_then(|()| self.drive());
        match ended {
            Ok(_) => self.reporter.flush("cancel"),
            Err(failure) => self.fail(&failure),
        }
    }

    fn prompt(&self) -> String {
        let texts = self.out().texts();
        let mut remarks = Vec::new();
        let status = self.driver.terminal.status().ok();
        if status.as_ref().is_some_and(|status| !status.online) {
            remarks.push(texts.get("till-prompt-offline"));
        }
        if let Some(count) = status.map(|status| status.queue.count).filter(|count| *count > 0) {
            remarks.push(texts.with("till-prompt-stored", &[("count", &count.to_string())]));
        }
        if self.open.is_some() {
            remarks.push(texts.get("till-prompt-open"));
        }
        if remarks.is_empty() {
            String::from("softpos> ")
        } else {
            format!("softpos ({})> ", remarks.join(", "))
        }
    }

    /// A payment was started: leads it as far as it goes without anybody's help.
    pub(crate) fn started(&mut self, key: PaymentKey) -> Result<Exit, Failure> {
        self.open = Some(key);
        self.sold.insert(key);
        self.reporter.put("key", key.to_string());
        self.drive()
    }

    /// Runs the terminal until what is under way has ended or waits for something that is not there.
    pub(crate) fn drive(&mut self) -> Result<Exit, Failure> {
        loop {
            let reporter = &mut self.reporter;
            let stop = self.driver.run(&mut |step| reporter.step(step))?;
            match stop {
                Stop::Ended { ending, text } => return self.ended(ending, &text),
                Stop::Card | Stop::Pin | Stop::Payer if self.prompter.is_none() => {
                    return Ok(self.waits_for(&stop));
                }
                Stop::Card => match self.ask_card() {
                    Some(card) => self.driver.hold_out(card),
                    None => self.driver.give_up()?,
                },
                Stop::Pin => {
                    let prompt = self.out().texts().get("till-ask-pin");
                    pin_pad(&self.driver.terminal, &prompt)?;
                    self.driver.pin_done();
                }
                Stop::Payer => match self.ask_wallet() {
                    Some(wallet) => self.pay(wallet)?,
                    None => return Ok(self.waits_for(&Stop::Payer)),
                },
            }
        }
    }

    fn waits_for(&mut self, stop: &Stop) -> Exit {
        let (name, key) = match stop {
            Stop::Card => ("card", "till-waits-card"),
            Stop::Pin => ("pin", "till-waits-pin"),
            Stop::Payer | Stop::Ended { .. } => ("payer", "till-waits-payer"),
        };
        self.reporter.put("waits_for", name);
        self.out().say(DIM, key, &[]);
        Exit::Done
    }

    /// Lets a simulated customer pay the code on the screen.
    pub(crate) fn pay(&self, wallet: &str) -> Result<(), Failure> {
        let Some(payload) = self.driver.payload() else {
            return Err(Failure::Said {
                key: "till-no-code",
                about: String::new(),
            });
        };
        customer::pay(&self.driver.terminal, payload, wallet)
    }

    fn ended(&mut self, ending: Ending, text: &str) -> Result<Exit, Failure> {
        match ending {
            Ending::Payment { key, state } => self.payment_ended(key, state, text),
            Ending::NotStarted { key, reason } => {
                self.open = None;
                self.reporter.put("key", key.to_string());
                self.reporter.put("state", "not_started");
                self.reporter.put("text", text);
                self.reporter.line(WARN, text);
                Ok(match reason {
                    NotStarted::Cancelled => Exit::Done,
                    NotStarted::TimedOut | NotStarted::CardNotAccepted | NotStarted::CardDeclined => {
                        Exit::Refused
                    }
                    NotStarted::NotRecorded | NotStarted::SecureHardware => Exit::Failure,
                })
            }
            Ending::Activated => {
                self.reporter.put("activated", true);
                self.reporter.line(GOOD, text);
                Ok(Exit::Done)
            }
            Ending::Settled { view } => {
                self.reporter.put("batch", view.batch.to_string());
                self.reporter.put("balanced", view.balanced);
                self.reporter.put("text", text);
                let paper = paper(Some(self.language()), false);
                let slip = self
                    .driver
                    .terminal
                    .day_close_file(view.batch, paper, Format::Text)?;
                self.show_slip(&slip, &Wish::text(Copy::Merchant))?;
                self.reporter.line(if view.balanced { GOOD } else { BAD }, text);
                Ok(if view.balanced { Exit::Done } else { Exit::Failure })
            }
            Ending::ActivationFailed { fault } | Ending::SettleFailed { fault } => {
                Err(Failure::Core(fault.into()))
            }
        }
    }

    fn payment_ended(&mut self, key: PaymentKey, state: State, text: &str) -> Result<Exit, Failure> {
        self.open = None;
        let shown = self.reporter.take_result();
        let text = shown.as_deref().unwrap_or(text);
        let payment = self.driver.terminal.payment(key)?;
        self.reporter
            .put_all(serde_json::to_value(json::Payment::from(&payment)).unwrap_or_default());
        // The state of the ending: what is acknowledged. It may have gone on meanwhile.
        self.reporter.put("state", state.name());
        self.reporter.put("text", text);
        let amount = words::display(payment.amount);
        self.reporter
            .line(listing::style(state), &format!("{text}  {amount}"));
        let has_slip = matches!(state, State::Approved | State::Stored);
        if has_slip && self.prompter.is_some() {
            self.print(key, &Wish::text(Copy::Customer))?;
        }
        Ok(match state {
            State::Approved | State::Stored => Exit::Done,
            State::Declined | State::Failed | State::Reversed | State::Expired => Exit::Refused,
            State::Armed | State::AwaitingPayer | State::Unknown | State::Reversing => Exit::Unknown,
        })
    }

    /// Prints a slip; the second one of a copy is a duplicate, and so is any of an earlier session. A person sees
    /// the picture of it where the terminal shows pictures.
    pub(crate) fn print(&mut self, key: PaymentKey, wish: &Wish) -> Result<(), Failure> {
        let again = !self.sold.contains(&key) || self.printed.contains(&(key, wish.copy));
        let on_screen = self.prompter.is_some() && wish.file.is_none() && wish.format == SlipFormat::Text;
        let format = match picture::protocol() {
            Some(_) if on_screen => SlipFormat::Png,
            _ => wish.format,
        };
        let wish = Wish {
            format,
            ..wish.clone()
        };
        let slip = self.driver.terminal.receipt_file(
            key,
            wish.copy.into(),
            paper(wish.language, again),
            format.into(),
        )?;
        self.printed.insert((key, wish.copy));
        self.show_slip(&slip, &wish)
    }

    fn show_slip(&mut self, slip: &Rendered, wish: &Wish) -> Result<(), Failure> {
        for (name, value) in deliver(self.out(), slip, wish)? {
            self.reporter.put(name, value);
        }
        Ok(())
    }

    const fn language(&self) -> Language {
        self.reporter.out.texts().language()
    }

    pub(crate) const fn has_open(&self) -> bool {
        self.open.is_some()
    }
}
