//! Every sentence as sound.

use std::process::{Command, Stdio};

use super::*;

/// What of a WAV file is not sound.
const HEADER: usize = 44;
/// Samples a second.
const RATE: usize = 22_050;

/// The loudest sample of a sentence, and how many there are.
fn sound(language: Language, sentence: &str) -> (u16, usize) {
    let voice = match language {
        Language::Zh => "cmn",
        Language::En => "en",
    };
    let output = Command::new("espeak-ng")
        .args(["-v", voice, "--stdout", "--", sentence])
        .stdin(Stdio::null())
        .output()
        .expect("espeak-ng runs");
    assert!(output.status.success(), "{sentence}: {output:?}");
    let samples = output.stdout.get(HEADER..).expect("a WAV file");
    let loudest = samples
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs());
    (loudest.max().unwrap_or(0), samples.len() / 2)
}

#[test]
#[ignore = "needs espeak-ng: `cargo xtask voice-test` installs it"]
fn every_sentence_becomes_sound() {
    for language in Language::ALL {
        for sentence in SENTENCES {
            let text = Texts::new(language).speak(sentence);
            let (loudest, samples) = sound(language, &text);
            assert!(loudest > 1_000, "{text} is silent");
            assert!(samples > RATE / 2, "{text} takes {samples} samples");
        }
    }
}

#[test]
#[ignore = "needs espeak-ng: `cargo xtask voice-test` installs it"]
fn longer_amounts_take_longer() {
    for language in Language::ALL {
        let takes = |minor| {
            let amount = Money::new(minor, Currency::CNY);
            let text = Texts::new(language).speak(&Sentence::ApprovedCard { amount });
            sound(language, &text).1
        };
        let times = [100, 12_345, 123_456_789, 99_999_999_999].map(takes);
        assert!(times.is_sorted() && times[0] < times[3], "{times:?}");
    }
}
