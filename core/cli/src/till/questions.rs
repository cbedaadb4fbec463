//! What a person is asked.

use softpos_types::Method;

use super::command::{Misread, WALLETS};
use super::pocket::Pocket;
use super::prompter::{Reply, chosen};
use super::session::Session;
use super::{cards, listing};
use crate::failure::Failure;
use crate::out::{HEAD, PLAIN, WARN};

impl Session<'_> {
    /// Asks a person; nothing if there is none, they leave the answer empty or press Ctrl-C.
    fn ask(&mut self, key: &str) -> Option<String> {
        let prompt = self.out().texts().get(key);
        match self.prompter.as_mut()?.ask(&format!("{prompt} ")) {
            Reply::Line(line) => Some(line.trim().to_owned()).filter(|line| !line.is_empty()),
            Reply::Interrupted | Reply::End => None,
        }
    }

    /// What is missing is asked for if there is somebody to ask.
    pub(crate) fn needed(
        &mut self,
        given: Option<String>,
        key: &str,
        command: &'static str,
    ) -> Result<String, Failure> {
        let answer = given.or_else(|| self.ask(key));
        answer.ok_or(Failure::Misread(Misread::Missing { command }))
    }

    /// Lets a person choose from a list; nothing if they do not.
    pub(crate) fn ask_choice<'c>(&mut self, key: &str, choices: &[&'c str]) -> Option<&'c str> {
        loop {
            for (position, choice) in choices.iter().enumerate() {
                self.out().line(PLAIN, &format!("  {}  {choice}", position + 1));
            }
            let answer = self.ask(key)?;
            if let Some(choice) = chosen(&answer, choices) {
                return Some(choice);
            }
            self.out().say(WARN, "till-no-choice", &[("typed", &answer)]);
        }
    }

    /// Lets a person choose a way to pay.
    pub(crate) fn ask_method(&mut self, methods: &[Method]) -> Option<Method> {
        let texts = self.out().texts();
        let names: Vec<String> = methods
            .iter()
            .map(|method| listing::method_name(texts, *method))
            .collect();
        let choices: Vec<&str> = names.iter().map(String::as_str).collect();
        let chosen = self.ask_choice("till-ask-method", &choices)?;
        let position = choices.iter().position(|choice| *choice == chosen)?;
        methods.get(position).copied()
    }

    /// Lets the customer choose a card.
    pub(crate) fn ask_card(&mut self) -> Option<&'static str> {
        self.out().say(HEAD, "till-cards-title", &[]);
        cards::list(self.out());
        loop {
            match Pocket::find(&self.ask("till-ask-card")?) {
                Ok(card) => return Some(card),
                Err(failure) => self.out().failure(&failure),
            }
        }
    }

    /// Lets the customer choose a wallet.
    pub(crate) fn ask_wallet(&mut self) -> Option<&'static str> {
        self.ask_choice("till-ask-wallet", &WALLETS)
    }
}
