//! The scripted answers of card, kernel and host, consumed in order.

use serde_json::Value;
use softpos_emv::{KernelOutcome, OutcomeKind, Start};

use super::{hex_bytes, ui_request};
use crate::Failure;
use crate::fields::Fields;

/// What polling finds.
pub(super) enum Poll {
    Card,
    Collision,
    None,
}

/// What SELECT gets.
pub(super) enum Selection {
    Answer(Vec<u8>),
    TransmissionError,
}

/// The questions asked so far.
pub(super) struct Answers<'a> {
    left: std::slice::Iter<'a, Value>,
}

impl<'a> Answers<'a> {
    pub(super) fn new(answers: &'a [Value]) -> Self {
        Self { left: answers.iter() }
    }

    pub(super) fn poll(&mut self) -> Result<Poll, Failure> {
        match self.next("poll")?.as_str() {
            Some("card") => Ok(Poll::Card),
            Some("collision") => Ok(Poll::Collision),
            Some("none") => Ok(Poll::None),
            _ => Err("poll is neither card, collision nor none".into()),
        }
    }

    pub(super) fn select(&mut self) -> Result<Selection, Failure> {
        let answer = self.next("select")?;
        if answer == "error" {
            Ok(Selection::TransmissionError)
        } else {
            Ok(Selection::Answer(hex_bytes(answer)?))
        }
    }

    pub(super) fn kernel(&mut self) -> Result<Fields<'a>, Failure> {
        Fields::of(self.next("kernel")?)
    }

    /// The issuer's data objects; `None`: the host did not answer.
    pub(super) fn host(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let answer = self.next("host")?;
        if answer.is_null() {
            Ok(None)
        } else {
            hex_bytes(answer).map(Some)
        }
    }

    pub(super) fn all_used(&self) -> Result<(), Failure> {
        match self.left.len() {
            0 => Ok(()),
            left => Err(format!("{left} answers were not asked for")),
        }
    }

    fn next(&mut self, question: &str) -> Result<&'a Value, Failure> {
        let answer = self
            .left
            .next()
            .ok_or_else(|| format!("no answer left for {question}"))?;
        answer
            .get(question)
            .ok_or_else(|| format!("asked for {question}, the script has {answer}"))
    }
}

/// The stub kernel's outcome. `None`: the reader has no such kernel.
pub(super) fn kernel_outcome(answer: Fields<'_>) -> Result<Option<KernelOutcome>, Failure> {
    let kind = match answer.text("outcome")? {
        "approved" => OutcomeKind::Approved,
        "declined" => OutcomeKind::Declined,
        "online_request" => OutcomeKind::OnlineRequest,
        "try_again" => OutcomeKind::TryAgain,
        "select_next" => OutcomeKind::SelectNext,
        "try_another_interface" => OutcomeKind::TryAnotherInterface,
        "end_application" => OutcomeKind::EndApplication,
        "not_available" => return Ok(None),
        other => return Err(format!("outcome {other} is not known")),
    };
    let start = match answer.optional("start").map(|start| start.as_str()) {
        None => None,
        Some(Some("A")) => Some(Start::A),
        Some(Some("B")) => Some(Start::B),
        Some(Some("C")) => Some(Start::C),
        Some(Some("D")) => Some(Start::D),
        Some(_) => return Err("start is none of A to D".into()),
    };
    let ui = |name: &str| answer.optional(name).map(ui_request).transpose();
    let field_off_ms = match answer.optional("field_off") {
        None => 0,
        Some(_) => answer.number::<u32>("field_off")?.saturating_mul(100),
    };
    Ok(Some(KernelOutcome {
        start,
        ui_on_outcome: ui("ui_on_outcome")?,
        ui_on_restart: ui("ui_on_restart")?,
        field_off_ms,
        ..KernelOutcome::new(kind)
    }))
}
