//! The loop of a shell: takes the terminal's steps, moves cards and PINs, and stops when a person is needed.

use std::time::Duration;

use softpos_terminal::{Ending, Screen, Step, Terminal};
use softpos_types::{Code, SoftPosError};
use zeroize::Zeroizing;

use super::card_loop;
use super::pocket::Pocket;
use crate::interrupt::Interrupts;

/// How long one look for a step may take, so that Ctrl-C is noticed.
const PULSE: Duration = Duration::from_millis(100);
/// How long the last step may take.
const CLOSING: Duration = Duration::from_secs(5);
/// How often a card is held out before its owner is asked.
const TAPS: u8 = 4;

/// Drives a terminal with software cards.
pub(crate) struct Driver {
    pub(crate) terminal: Terminal,
    pocket: Pocket,
    interrupts: Interrupts,
    /// The card in the customer's hand, and how often it may still be held out.
    card: Option<(&'static str, u8)>,
    pin: Option<Zeroizing<String>>,
    /// The code on the screen.
    payload: Option<String>,
    waiting: Waiting,
    interrupted: bool,
}

/// What the terminal has asked for and not got yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Nothing,
    Card,
    Pin,
}

/// Why the loop stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A card is wanted.
    Card,
    /// A PIN is wanted.
    Pin,
    /// Somebody has to pay the code on the screen.
    Payer,
    /// It has ended.
    Ended { ending: Ending, text: String },
}

impl Driver {
    pub(crate) const fn new(terminal: Terminal, pocket: Pocket, interrupts: Interrupts) -> Self {
        Self {
            terminal,
            pocket,
            interrupts,
            card: None,
            pin: None,
            payload: None,
            waiting: Waiting::Nothing,
            interrupted: false,
        }
    }

    /// Whether Ctrl-C has ever cancelled something.
    pub(crate) const fn was_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Puts a card into the customer's hand.
    pub(crate) fn hold_out(&mut self, card: &'static str) {
        self.card = Some((card, TAPS));
    }

    /// Has a PIN ready for when it is asked for.
    pub(crate) fn whisper(&mut self, pin: Zeroizing<String>) {
        self.pin = Some(pin);
    }

    /// The code on the screen.
    pub(crate) fn payload(&self) -> Option<&str> {
        self.payload.as_deref()
    }

    /// Whether the terminal waits for a PIN.
    pub(crate) fn wants_pin(&self) -> bool {
        self.waiting == Waiting::Pin
    }

    /// Whether a PIN is ready for when it is asked for.
    pub(crate) const fn has_pin(&self) -> bool {
        self.pin.is_some()
    }

    /// Nothing is under way any more.
    pub(crate) fn forget(&mut self) {
        self.card = None;
        self.pin = None;
        self.payload = None;
        self.waiting = Waiting::Nothing;
    }

    /// The PIN was entered or refused at the pad: nobody has to be asked for it.
    pub(crate) const fn pin_done(&mut self) {
        self.waiting = Waiting::Nothing;
    }

    /// The operator gives up; [`Driver::run`] then leads to the end.
    pub(crate) fn give_up(&mut self) -> Result<(), SoftPosError> {
        self.waiting = Waiting::Nothing;
        self.card = None;
        self.terminal.cancel()
    }

    /// Runs until it has ended or a person is needed; `watch` sees every step. Ctrl-C cancels.
    pub(crate) fn run(&mut self, watch: &mut dyn FnMut(&Step)) -> Result<Stop, SoftPosError> {
        self.interrupts.listen();
        let stop = self.steps(watch);
        self.interrupts.stop_listening();
        if matches!(stop, Ok(Stop::Ended { .. }) | Err(_)) {
            self.forget();
        }
        stop
    }

    /// From now on Ctrl-C is asked for by [`Driver::is_interrupted`].
    pub(crate) fn listen(&self) {
        self.interrupts.listen();
    }

    /// From now on Ctrl-C ends the program again.
    pub(crate) fn stop_listening(&self) {
        self.interrupts.stop_listening();
    }

    /// Whether Ctrl-C was pressed while background work was waited for.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupts.take()
    }

    /// Takes the steps that have come meanwhile, without waiting.
    pub(crate) fn drain(&self, watch: &mut dyn FnMut(&Step)) {
        while let Some(step) = self.terminal.next_step_within(Duration::ZERO) {
            watch(&step);
        }
    }

    /// Ends the session in order: the last step is awaited.
    pub(crate) fn shut_down(&self) {
        self.terminal.shutdown();
        while let Some(step) = self.terminal.next_step_within(CLOSING) {
            if matches!(step, Step::Closed) {
                break;
            }
        }
    }

    fn steps(&mut self, watch: &mut dyn FnMut(&Step)) -> Result<Stop, SoftPosError> {
        let resumed = match self.waiting {
            Waiting::Nothing => None,
            Waiting::Card => self.offer_card()?,
            Waiting::Pin => self.offer_pin()?,
        };
        if let Some(stop) = resumed {
            return Ok(stop);
        }
        loop {
            let Some(step) = self.terminal.next_step_within(PULSE) else {
                if self.interrupts.take() {
                    self.interrupted = true;
                    self.give_up()?;
                }
                continue;
            };
            watch(&step);
            let stop = match step {
                Step::Show { view, .. } => self.show(view.screen)?,
                Step::AskPin { .. } => self.offer_pin()?,
                Step::Finished { ending, text } => Some(Stop::Ended { ending, text }),
                Step::Closed => return Err(SoftPosError::of(Code::SessionClosed)),
                Step::Say { .. } | Step::Notice { .. } => None,
            };
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
    }

    fn show(&mut self, screen: Screen) -> Result<Option<Stop>, SoftPosError> {
        match screen {
            Screen::Card { .. } => self.offer_card(),
            Screen::ShowCode { payload, .. } => {
                let is_new = self.payload.as_ref() != Some(&payload);
                self.payload = Some(payload);
                Ok(is_new.then_some(Stop::Payer))
            }
            Screen::Activating { .. }
            | Screen::EnterPin
            | Screen::Authorising
            | Screen::AskPayer
            | Screen::ResultUnknown { .. }
            | Screen::Settling { .. }
            | Screen::Result { .. } => Ok(None),
        }
    }

    /// Taps the card in the customer's hand.
    fn offer_card(&mut self) -> Result<Option<Stop>, SoftPosError> {
        self.waiting = Waiting::Nothing;
        match self.card {
            Some((card, taps)) if taps > 0 => {
                self.card = Some((card, taps - 1));
                card_loop::tap(&self.terminal, &mut self.pocket, card)?;
                Ok(None)
            }
            _ => {
                self.waiting = Waiting::Card;
                Ok(Some(Stop::Card))
            }
        }
    }

    /// Enters the PIN that is known already.
    fn offer_pin(&mut self) -> Result<Option<Stop>, SoftPosError> {
        self.waiting = Waiting::Pin;
        let Some(pin) = self.pin.take() else {
            return Ok(Some(Stop::Pin));
        };
        if !(4..=12).contains(&pin.len()) || !pin.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(SoftPosError::of(Code::PinLength));
        }
        let entry = self.terminal.pin_entry()?;
        for digit in pin.bytes() {
            entry.push_digit(digit - b'0')?;
        }
        entry.submit()?;
        self.waiting = Waiting::Nothing;
        Ok(None)
    }
}
