//! The reader loop of Book A around the Entry Point: everything it emits, in order.

use serde_json::{Map, Value, json};
use softpos_emv::{
    Activation, Combination, EntryPoint, EntryStep, Indicators, KernelOutcome, Message, OutcomeKind, Prompt,
    Start, Status, Transaction, UiRequest,
};
use softpos_wire::apdu::Capdu;
use softpos_wire::{Tag, tlv};

use super::answers::{Answers, Poll, Selection, kernel_outcome};
use super::ui_value;
use crate::Failure;
use crate::fields::{Fields, upper_hex};

pub(super) struct Loop<'a> {
    combinations: Vec<Combination>,
    data: Option<Value>,
    answers: Answers<'a>,
    events: Vec<Value>,
}

impl<'a> Loop<'a> {
    pub(super) fn new(combinations: Vec<Combination>, data: Option<Value>, answers: &'a [Value]) -> Self {
        Self {
            combinations,
            data,
            answers: Answers::new(answers),
            events: Vec::new(),
        }
    }

    /// A reader that is always ready: it starts at B, without amount entry.
    pub(super) fn autorun(&mut self, transaction: &Transaction) -> Result<(), Failure> {
        self.show(&UiRequest::new(Message::PresentCard, Status::ReadyToRead));
        let entry = EntryPoint::start_b(&self.combinations, transaction.clone());
        self.run(entry, transaction)
    }

    pub(super) fn transaction(&mut self, transaction: &Transaction) -> Result<(), Failure> {
        self.show(&UiRequest::new(Message::Welcome, Status::Idle));
        if let Some(entry) = EntryPoint::start_a(&self.combinations, transaction.clone()) {
            return self.run(entry, transaction);
        }
        self.nothing_allowed();
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Vec<Value>, Failure> {
        self.answers.all_used()?;
        Ok(self.events)
    }

    fn run(&mut self, mut entry: EntryPoint, transaction: &Transaction) -> Result<(), Failure> {
        let mut step = EntryStep::WaitForCard(EntryPoint::prompt());
        let mut outcome_event = Value::Null;
        let mut restarted = false;
        loop {
            let next = match step {
                EntryStep::WaitForCard(prompt) => self.wait(&mut entry, &prompt)?,
                EntryStep::Transmit(command) => self.select(&mut entry, &command)?,
                EntryStep::Activate(activation) => {
                    self.activated(&activation, transaction);
                    let answer = self.answers.kernel()?;
                    outcome_event = outcome_members(answer)?;
                    let Some(outcome) = kernel_outcome(answer)? else {
                        self.events.push(json!({ "outcome": outcome_event }));
                        return Ok(());
                    };
                    if let (OutcomeKind::SelectNext, Some(ui)) = (outcome.kind, &outcome.ui_on_outcome) {
                        self.show(ui);
                    }
                    // These two stay inside the Entry Point: what ends the reading comes later.
                    if matches!(outcome.kind, OutcomeKind::SelectNext | OutcomeKind::TryAgain) {
                        outcome_event = Value::Null;
                    }
                    entry.kernel_done(outcome)
                }
                EntryStep::Finish(outcome) => {
                    if let Some(ui) = &outcome.ui_on_outcome {
                        self.show(ui);
                    }
                    let own = json!({ "outcome": "end_application" });
                    let event = Some(outcome_event.take()).filter(|event| !event.is_null());
                    let event = event.unwrap_or(own);
                    self.events.push(json!({ "outcome": event.clone() }));
                    match outcome.start.filter(|_| !restarted) {
                        None => return Ok(()),
                        Some(start) => {
                            restarted = true;
                            match self.restart(&mut entry, start, outcome, &event)? {
                                None => return Ok(()),
                                next => next,
                            }
                        }
                    }
                }
            };
            step = next.ok_or("the entry point did not expect this")?;
        }
    }

    /// Polls until one card is there; more than one is told and waited for.
    fn wait(&mut self, entry: &mut EntryPoint, prompt: &Prompt) -> Result<Option<EntryStep>, Failure> {
        for ui in prompt.now.iter().chain(&prompt.ready) {
            self.show(ui);
        }
        loop {
            match self.answers.poll()? {
                Poll::Card => return Ok(entry.card_present()),
                Poll::None => {}
                Poll::Collision => {
                    let Some(EntryStep::WaitForCard(prompt)) = entry.collision() else {
                        return Err("a collision was not expected".into());
                    };
                    if let Some(ui) = &prompt.now {
                        self.show(ui);
                    }
                    if !matches!(self.answers.poll()?, Poll::None) {
                        return Err("a collision does not end".into());
                    }
                    if let Some(ui) = &prompt.ready {
                        self.show(ui);
                    }
                }
            }
        }
    }

    fn select(&mut self, entry: &mut EntryPoint, command: &[u8]) -> Result<Option<EntryStep>, Failure> {
        let command = Capdu::parse(command).map_err(|_| "the entry point sent no command")?;
        self.events.push(json!({ "select": upper_hex(command.data) }));
        Ok(match self.answers.select()? {
            Selection::Answer(answer) => entry.card_replied(&answer),
            Selection::TransmissionError => entry.radio_error(),
        })
    }

    /// Inner `None`: no restart after all.
    fn restart(
        &mut self,
        entry: &mut EntryPoint,
        start: Start,
        outcome: KernelOutcome,
        event: &Value,
    ) -> Result<Option<EntryStep>, Failure> {
        let mut issuer_data = None;
        if let Some(response) = event.get("online_response_type") {
            issuer_data = self.answers.host()?;
            if issuer_data.is_none() {
                self.show(&UiRequest::new(Message::CardReadOk, Status::CardReadOk));
                if response == "emv_data" {
                    return Ok(None);
                }
            }
        }
        let ui = outcome
            .ui_on_restart
            .unwrap_or_else(|| UiRequest::new(Message::PresentCard, Status::ReadyToRead));
        let prompt = match start {
            Start::A | Start::B => Prompt {
                ready: Some(ui),
                ..Prompt::default()
            },
            Start::C | Start::D => {
                self.show(&ui);
                Prompt::default()
            }
        };
        let step = entry.restart(start, prompt, issuer_data);
        if step.is_none() {
            self.nothing_allowed();
        }
        Ok(step)
    }

    fn nothing_allowed(&mut self) {
        self.show(&UiRequest::new(Message::InsertOrSwipe, Status::ProcessingError));
        self.events
            .push(json!({ "outcome": { "outcome": "try_another_interface" } }));
    }

    fn show(&mut self, ui: &UiRequest) {
        self.events.push(json!({ "ui": ui_value(ui) }));
    }

    fn activated(&mut self, activation: &Activation, transaction: &Transaction) {
        let issuer_data = activation.issuer_data.as_deref().unwrap_or_default();
        let host = |tag| {
            tlv::child(issuer_data, Tag::new(tag))
                .ok()
                .flatten()
                .map(upper_hex)
        };
        self.events.push(json!({ "activate": {
            "aid": upper_hex(activation.adf_name.as_bytes()),
            "kernel": format!("{:02X}", activation.kernel.number()),
            "start": format!("{:?}", activation.start),
            "restart": activation.restarted,
            "sw": "9000",
            "ttq": upper_hex(activation.ttq.unwrap_or_default()),
            "indicators": indicators(activation.indicators),
            "amount": transaction.amount.amount_minor(),
            "other": transaction.other_minor,
            "type": format!("{:02X}", transaction.transaction_type),
            "fci": upper_hex(activation.fci.expose()),
            "data": self.data,
            "host": { "91": host(0x91), "71": host(0x71), "72": host(0x72), "8A": host(0x8A) },
        }}));
    }
}

fn indicators(indicators: Indicators) -> Vec<&'static str> {
    [
        (indicators.status_check_requested, "status_check_requested"),
        (indicators.zero_amount, "zero_amount"),
        (indicators.floor_limit_exceeded, "floor_limit_exceeded"),
        (indicators.cvm_limit_exceeded, "cvm_limit_exceeded"),
    ]
    .into_iter()
    .filter_map(|(set, name)| set.then_some(name))
    .collect()
}

/// What the outcome event says: the stub kernel's answer without what is shown or done on the way.
fn outcome_members(answer: Fields<'_>) -> Result<Value, Failure> {
    let mut members = Map::new();
    for name in [
        "outcome",
        "start",
        "online_response_type",
        "cvm",
        "receipt",
        "removal_timeout",
    ] {
        if let Some(value) = answer.optional(name) {
            members.insert(name.into(), value.clone());
        }
    }
    answer.text("outcome").map(|_| Value::Object(members))
}
