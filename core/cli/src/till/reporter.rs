//! Tells what the terminal's steps say: in lines to people, in one object an answer to programs.

use serde_json::{Map, Value, json};
use softpos_terminal::{Notice, Screen, Step};

use super::progress::Progress;
use super::render;
use super::voice::Voice;
use crate::columns;
use crate::out::{DIM, HEAD, Out, PLAIN, WARN, object};

/// Prints steps as they come, and gathers what the answer in JSON says.
#[derive(Debug)]
pub(crate) struct Reporter {
    pub(crate) out: Out,
    /// Whether a person sits in front of it.
    person: bool,
    progress: Progress,
    last: String,
    /// The sentence of the screen that shows the result; it names the reason of a decline.
    result: Option<String>,
    answer: Map<String, Value>,
    notices: Vec<Value>,
    voice: Option<Voice>,
}

impl Reporter {
    pub(crate) fn new(out: Out, person: bool) -> Self {
        let progress = Progress::default();
        Self {
            out,
            person,
            progress,
            last: String::new(),
            result: None,
            answer: Map::new(),
            notices: Vec::new(),
            voice: None,
        }
    }

    /// Speaks from now on, if that is wanted and the system has a voice.
    pub(crate) fn speak(&mut self, wanted: bool) {
        if wanted {
            self.voice = Voice::find();
            if self.voice.is_none() {
                self.out.say(WARN, "till-no-voice", &[]);
            }
        }
    }

    /// A member of the answer in JSON.
    pub(crate) fn put(&mut self, name: &str, value: impl Into<Value>) {
        if self.out.is_json() {
            self.answer.insert(name.to_owned(), value.into());
        }
    }

    /// All members of an object of the answer in JSON.
    pub(crate) fn put_all(&mut self, value: Value) {
        if let (true, Value::Object(members)) = (self.out.is_json(), value) {
            self.answer.extend(members);
        }
    }

    /// Ends an answer: in JSON it is one object.
    pub(crate) fn flush(&mut self, command: &str) {
        self.progress.clear();
        self.last.clear();
        if self.out.is_json() {
            let mut answer = std::mem::take(&mut self.answer);
            answer.insert("command".into(), command.into());
            if !self.notices.is_empty() {
                answer.insert("notices".into(), std::mem::take(&mut self.notices).into());
            }
            object(&answer);
        }
    }

    /// What was gathered is of no more use: an error is the answer.
    pub(crate) fn discard(&mut self) {
        self.progress.clear();
        self.answer.clear();
    }

    /// The sentence of the result that was shown last.
    pub(crate) const fn take_result(&mut self) -> Option<String> {
        self.result.take()
    }

    /// A step of the terminal.
    pub(crate) fn step(&mut self, step: &Step) {
        match step {
            Step::Show { view, text } => self.show(&view.screen, text),
            Step::Say { text, .. } => {
                self.put("spoken", text.as_str());
                if let Some(voice) = &self.voice {
                    voice.say(text);
                }
                let line = self.out.texts().with("till-voice", &[("text", text)]);
                self.line(DIM, &line);
            }
            Step::Notice { notice, text } => self.notice(notice, text),
            Step::AskPin { .. } | Step::Finished { .. } | Step::Closed => {}
        }
    }

    fn show(&mut self, screen: &Screen, text: &str) {
        match screen {
            Screen::Activating { step, steps, .. } => {
                self.advance(text, (*step).into(), (*steps).into());
            }
            Screen::ShowCode {
                payload,
                expires_utc_ms,
            } => {
                self.put("payload", payload.as_str());
                self.put("expires_utc_ms", *expires_utc_ms);
                self.line(HEAD, text);
                self.code(payload);
            }
            Screen::ResultUnknown { .. } | Screen::AskPayer => self.line(WARN, text),
            Screen::Card { .. } | Screen::EnterPin | Screen::Authorising | Screen::Settling { .. } => {
                self.line(PLAIN, text);
            }
            Screen::Result { .. } => self.result = Some(text.to_owned()),
        }
    }

    /// A code for people: drawn if there is room for it, and as text.
    pub(crate) fn code(&mut self, payload: &str) {
        if self.out.is_json() {
            return;
        }
        self.progress.clear();
        let rows = render::qr(payload, render::has_colours()).unwrap_or_default();
        let room = columns::of_terminal();
        let plain = |row: &String| anstream::adapter::strip_str(row).to_string();
        if rows.iter().all(|row| columns::width(&plain(row)) <= room) {
            for row in &rows {
                self.out.line(PLAIN, row);
            }
        }
        self.out.line(DIM, payload);
    }

    /// A bar for people, a line for scripts.
    fn advance(&mut self, text: &str, done: u64, total: u64) {
        if self.person {
            self.progress.show(text, done, total);
        } else {
            self.line(DIM, text);
        }
    }

    fn notice(&mut self, notice: &Notice, text: &str) {
        let json = match notice {
            Notice::Forwarding { done, total } => {
                self.advance(text, (*done).into(), (*total).into());
                self.put("forwarded", *done);
                self.put("to_forward", *total);
                return;
            }
            Notice::PaymentChanged {
                key,
                amount,
                state,
                de39,
                ..
            } => json!({
                "notice": "payment_changed",
                "key": key.to_string(),
                "state": state.name(),
                "amount_minor": amount.amount_minor(),
                "de39": de39,
                "text": text,
            }),
            Notice::LatePayment { key, amount } => json!({
                "notice": "late_payment",
                "key": key.to_string(),
                "amount_minor": amount.amount_minor(),
                "text": text,
            }),
            Notice::Link { online } => json!({ "notice": "link", "online": online, "text": text }),
            Notice::Trouble { fault } => {
                json!({ "notice": "trouble", "code": fault.code.name(), "text": text })
            }
        };
        if self.out.is_json() {
            self.notices.push(json);
        }
        self.line(WARN, text);
    }

    /// A line, but not the same one twice running.
    pub(crate) fn line(&mut self, style: anstyle::Style, text: &str) {
        if text.is_empty() || self.last == text {
            return;
        }
        self.progress.clear();
        text.clone_into(&mut self.last);
        self.out.paragraph(style, text);
    }
}
