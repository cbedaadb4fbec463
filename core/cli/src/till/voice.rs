//! The till's voice: the system's own speech program, one sentence after the other.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

/// Sentences wait here for their turn. The end waits until the last one is said.
#[derive(Debug)]
pub(crate) struct Voice {
    sentences: Option<Sender<String>>,
    speaker: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    EspeakNg,
    /// Of macOS.
    Say,
}

impl Voice {
    /// The voice of this system, if it has one.
    pub(crate) fn find() -> Option<Self> {
        let program = [Program::EspeakNg, Program::Say].into_iter().find(|program| {
            let mut probe = Command::new(program.name());
            let probe = match program {
                Program::EspeakNg => probe.arg("--version"),
                Program::Say => probe.args(["-v", "?"]),
            };
            quiet(probe).status().is_ok_and(|status| status.success())
        })?;
        Self::through(move |sentence| program.speak(sentence))
    }

    fn through(mut speak: impl FnMut(&str) + Send + 'static) -> Option<Self> {
        let (sentences, waiting) = channel::<String>();
        let speaker = std::thread::Builder::new()
            .name("softpos-voice".into())
            .spawn(move || waiting.iter().for_each(|sentence| speak(&sentence)))
            .ok()?;
        Some(Self {
            sentences: Some(sentences),
            speaker: Some(speaker),
        })
    }

    /// Says it when everything before is said.
    pub(crate) fn say(&self, sentence: &str) {
        if let Some(sentences) = &self.sentences {
            // A speaker that is gone says nothing; the sentence stands on the screen too.
            drop(sentences.send(sentence.to_owned()));
        }
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.sentences = None;
        if let Some(speaker) = self.speaker.take() {
            drop(speaker.join());
        }
    }
}

impl Program {
    const fn name(self) -> &'static str {
        match self {
            Self::EspeakNg => "espeak-ng",
            Self::Say => "say",
        }
    }

    /// The sentence goes through a pipe: nobody reads it in the list of processes.
    fn speak(self, sentence: &str) {
        let mut command = Command::new(self.name());
        quiet(command.args(self.arguments(is_chinese(sentence)))).stdin(Stdio::piped());
        let Ok(mut child) = command.spawn() else { return };
        if let Some(mut pipe) = child.stdin.take() {
            drop(pipe.write_all(sentence.as_bytes()));
        }
        drop(child.wait());
    }

    const fn arguments(self, chinese: bool) -> &'static [&'static str] {
        match (self, chinese) {
            (Self::EspeakNg, true) => &["-v", "cmn", "--stdin"],
            (Self::EspeakNg, false) => &["-v", "en", "--stdin"],
            (Self::Say, true) => &["-v", "Tingting"],
            (Self::Say, false) => &[],
        }
    }
}

fn quiet(command: &mut Command) -> &mut Command {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
}

/// The language of a sentence: a payment may have another than the till.
fn is_chinese(sentence: &str) -> bool {
    sentence.chars().any(|c| matches!(c, '\u{4e00}'..='\u{9fff}'))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;

    #[test]
    fn sentences_wait_for_each_other_and_the_end_for_them() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let voice = Voice::through(move |sentence| {
            heard.lock().unwrap().push(format!("{sentence} begins"));
            std::thread::sleep(Duration::from_millis(20));
            heard.lock().unwrap().push(format!("{sentence} ends"));
        })
        .unwrap();
        for sentence in ["one", "two", "three"] {
            voice.say(sentence);
        }
        drop(voice);
        assert_eq!(
            *said.lock().unwrap(),
            [
                "one begins",
                "one ends",
                "two begins",
                "two ends",
                "three begins",
                "three ends"
            ]
        );
    }

    #[test]
    fn each_language_has_its_voice() {
        assert!(is_chinese("微信收款十元") && !is_chinese("Payment received, ten yuan"));
        assert_eq!(Program::EspeakNg.arguments(true), ["-v", "cmn", "--stdin"]);
        assert_eq!(Program::EspeakNg.arguments(false), ["-v", "en", "--stdin"]);
    }
}
