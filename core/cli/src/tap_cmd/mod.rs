//! `softpos tap` and `softpos replay`: one card at a reader, without a payment around it.

mod held;
#[cfg(feature = "pcsc")]
mod reader;

use std::fs;

use softpos_acquirer::{UTC_OFFSET_MIN, reader_parameters};
use softpos_cards::{Presence, Wallet};
use softpos_terminal::{Tap, TapNext, TapObject, TapRecording, TapSetup};
use softpos_types::Currency;

use crate::args::{ReplayArguments, TapArguments};
use crate::data_dir::unreadable;
use crate::exit::Exit;
use crate::failure::Failure;
#[cfg(feature = "pcsc")]
use crate::interrupt::Interrupts;
use crate::out::{DIM, GOOD, HEAD, Out, PLAIN, WARN, object};
use crate::till::actions::typed_amount;
use crate::till::pocket::Pocket;
use held::Held;

/// How often the card is held out before the customer gives up.
const TAPS: usize = 3;

/// Taps a card, shows what is said, and records it if that is wanted.
pub(crate) fn tap(arguments: &TapArguments, out: Out) -> Result<Exit, Failure> {
    let amount = typed_amount(&arguments.amount, Currency::CNY)?;
    let mut tap = Tap::start(TapSetup::now(reader_parameters(), amount, UTC_OFFSET_MIN)?)?;
    let outcome = match &arguments.reader {
        Some(reader) => hold_real(&mut tap, reader, out)?,
        None => hold_software(&mut tap, &arguments.card, out)?,
    };
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

/// Holds a software card out.
fn hold_software(tap: &mut Tap, typed: &str, out: Out) -> Result<String, Failure> {
    let id = Pocket::find(typed)?;
    match Wallet::new().card(id) {
        Some(card) => hold_out(tap, card, out),
        None => Ok(String::new()),
    }
}

/// Waits for a real card at the reader of that name. Ctrl-C ends the program, also while a driver is waited for; the
/// reader's service then takes the card's power away.
#[cfg(feature = "pcsc")]
fn hold_real(tap: &mut Tap, reader: &str, out: Out) -> Result<String, Failure> {
    let runtime = crate::runtime()?;
    Interrupts::watch(&runtime, move || out.failure(&Failure::Interrupted));
    let mut reader = reader::Reader::open(reader, out)?;
    out.paragraph(WARN, &out.texts().get("till-reader-test-keys"));
    hold_out(tap, &mut reader, out)
}

#[cfg(not(feature = "pcsc"))]
fn hold_real(_: &mut Tap, _: &str, _: Out) -> Result<String, Failure> {
    Err(Failure::Said {
        key: "till-reader-not-built",
        about: String::new(),
    })
}

/// Holds the card out until the reader has ended or asks too often; says how it ended.
fn hold_out(tap: &mut Tap, card: &mut dyn Held, out: Out) -> Result<String, Failure> {
    for _ in 0..TAPS {
        let mut next = tap.present(card.present()? == Presence::Card);
        while let TapNext::Transmit(command) = &next {
            out.say(
                PLAIN,
                "till-tap-command",
                &[("command", &tap.shown_command(command))],
            );
            next = match card.transmit(command)? {
                Some(answer) => tap.replied(Some(&answer.bytes), answer.elapsed_us),
                None => tap.replied(None, 0),
            };
            if let Some(answer) = tap.last_answer() {
                out.say(DIM, "till-tap-answer", &[("answer", answer)]);
            }
            tell(tap.last_objects(), out);
        }
        card.remove();
        match next {
            TapNext::Wait(message) => out.say(WARN, "till-tap-wait", &[("message", &message)]),
            TapNext::Ended(outcome) => return Ok(outcome),
            TapNext::Transmit(_) => {}
        }
    }
    Ok(String::new())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The objects of CDOL1 that the card has the reader send: other amount and country, and what a card that wants
    /// its number back has in their place, three times.
    const ASKED: &str = "9F03069F1A02";
    const WANTED: &str = "5A085A085A08";

    #[test]
    fn a_card_that_asks_for_its_number_does_not_get_it_onto_the_screen() {
        let amount = typed_amount("12.50", Currency::CNY).unwrap();
        let setup = TapSetup::now(reader_parameters(), amount, UTC_OFFSET_MIN).unwrap();
        let mut tap = Tap::start(setup).unwrap();
        let mut wallet = Wallet::new();
        let card = wallet.card("mastercard-approved").unwrap();
        let number = card.profile().account.unwrap().pan_digits;
        card.present();
        let mut next = tap.present(true);
        let mut sent = Vec::new();
        while let TapNext::Transmit(command) = next {
            sent.push((hex::encode_upper(&command), tap.shown_command(&command)));
            let answer = hex::encode_upper(card.transmit(&command).unwrap()).replace(ASKED, WANTED);
            next = tap.replied(Some(&hex::decode(answer).unwrap()), 1_000);
        }
        let (real, shown) = sent.last().unwrap();
        assert_eq!(real.matches(number).count(), 3, "{real}");
        assert!(!sent.iter().any(|(_, shown)| shown.contains(number)), "{shown}");
        assert_eq!(shown.matches("5413330000000011").count(), 3, "{shown}");
        assert_eq!(shown.len(), real.len());
        assert!(
            sent.iter().rev().skip(1).all(|(real, shown)| real == shown),
            "nothing else is hidden"
        );
    }
}
