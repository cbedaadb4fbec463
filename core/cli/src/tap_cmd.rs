//! `softpos tap` and `softpos replay`: one card at a reader, without a payment around it.

use std::fs;

use softpos_acquirer::{UTC_OFFSET_MIN, reader_parameters};
use softpos_cards::{Presence, Wallet};
use softpos_terminal::{Tap, TapNext, TapObject, TapRecording, TapSetup};
use softpos_types::Currency;

use crate::args::{ReplayArguments, TapArguments};
use crate::clock;
use crate::data_dir::unreadable;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::out::{DIM, GOOD, HEAD, Out, PLAIN, WARN, object};
use crate::till::actions::typed_amount;
use crate::till::pocket::Pocket;

/// How often the card is held out before the customer gives up.
const TAPS: usize = 3;

/// Taps a card, shows what is said, and records it if that is wanted.
pub(crate) fn tap(arguments: &TapArguments, out: Out) -> Result<Exit, Failure> {
    let amount = typed_amount(&arguments.amount, Currency::CNY)?;
    let id = Pocket::find(&arguments.card)?;
    let mut tap = Tap::start(TapSetup::now(reader_parameters(), amount, UTC_OFFSET_MIN)?)?;
    let outcome = hold_out(&mut tap, id, out);
    out.say(HEAD, "till-tap-outcome", &[("outcome", &outcome)]);
    let recording = tap.into_recording()?;
    if let Some(file) = &arguments.record {
        let text =
            serde_json::to_string_pretty(&recording).map_err(|error| unreadable(file, &error.into()))?;
        fs::write(file, text).map_err(|error| unreadable(file, &error))?;
        let shown = file.display().to_string();
        out.say(GOOD, "till-tap-recorded", &[("file", &shown)]);
    }
    if out.is_json() {
        object(&recording);
    }
    Ok(exit(&outcome))
}

/// Runs a recorded tap again and compares every step.
pub(crate) fn replay(arguments: &ReplayArguments, out: Out) -> Result<Exit, Failure> {
    let file = &arguments.file;
    let bytes = fs::read(file).map_err(|error| unreadable(file, &error))?;
    let recording = TapRecording::from_json(&bytes).map_err(|error| Failure::Said {
        key: "till-no-recording",
        about: error.to_string(),
    })?;
    let differs = recording.replay()?;
    let outcome = recording.replayed_outcome();
    if out.is_json() {
        object(&serde_json::json!({ "outcome": outcome, "differs_at": differs }));
    }
    for answer in recording.objects()? {
        tell(&answer, out);
    }
    if let Some(step) = differs {
        out.say(WARN, "till-replay-differs", &[("step", &step.to_string())]);
        return Ok(Exit::Failure);
    }
    out.say(GOOD, "till-replay-same", &[("outcome", outcome)]);
    if outcome != recording.outcome {
        out.say(DIM, "till-replay-original", &[("outcome", &recording.outcome)]);
    }
    Ok(Exit::Done)
}

/// Holds the card out until the reader has ended or asks too often; says how it ended.
fn hold_out(tap: &mut Tap, id: &str, out: Out) -> String {
    let mut wallet = Wallet::new();
    let Some(card) = wallet.card(id) else {
        return String::new();
    };
    for _ in 0..TAPS {
        let mut next = tap.present(card.present() == Presence::Card);
        while let TapNext::Transmit(command) = &next {
            out.say(PLAIN, "till-tap-command", &[("command", &hex(command))]);
            let sent = clock::now();
            let answer = card.transmit(command).ok();
            let elapsed_us = u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX);
            next = tap.replied(answer.as_deref(), elapsed_us.saturating_add(card.delay_us()));
            if let Some(answer) = tap.last_answer() {
                out.say(DIM, "till-tap-answer", &[("answer", answer)]);
            }
            tell(tap.last_objects(), out);
        }
        card.remove();
        match next {
            TapNext::Wait(message) => out.say(WARN, "till-tap-wait", &[("message", &message)]),
            TapNext::Ended(outcome) => return outcome,
            TapNext::Transmit(_) => {}
        }
    }
    String::new()
}

/// The objects of an answer, indented as they lie in each other.
fn tell(objects: &[TapObject], out: Out) {
    for object in objects {
        let indent = "  ".repeat(object.depth.saturating_add(1));
        let about = [
            ("indent", indent.as_str()),
            ("tag", &object.tag),
            ("name", object.name),
            ("value", &object.value),
        ];
        out.say(DIM, "till-tap-object", &about);
    }
}

fn exit(outcome: &str) -> Exit {
    if outcome.starts_with("online") || outcome.starts_with("approved") {
        Exit::Done
    } else {
        Exit::Refused
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}
