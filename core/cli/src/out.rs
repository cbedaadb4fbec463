//! What the program prints: lines for people, one object a line for programs.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use softpos_text::Texts;
use softpos_types::{Language, MoneyState};

use crate::columns;
use crate::failure::Failure;

/// Good news.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Bad news.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something to look at.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// A heading.
pub(crate) const HEAD: Style = Style::new().bold();
/// Beside the point.
pub(crate) const DIM: Style = Style::new().dimmed();
/// As it is.
pub(crate) const PLAIN: Style = Style::new();

/// Standard output and standard error in the person's language. Colours are left out where they do not belong
/// (`NO_COLOR`, no terminal).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    texts: Texts,
    json: bool,
}

impl Out {
    pub(crate) const fn new(language: Language, json: bool) -> Self {
        Self {
            texts: Texts::new(language),
            json,
        }
    }

    pub(crate) const fn texts(self) -> Texts {
        self.texts
    }

    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    pub(crate) const fn set_language(&mut self, language: Language) {
        self.texts = Texts::new(language);
    }

    /// A line for people; programs do not get it.
    pub(crate) fn line(self, style: Style, text: &str) {
        if !self.json {
            write_out(&paint(style, text));
        }
    }

    /// A text of the program for people.
    pub(crate) fn say(self, style: Style, key: &str, args: &[(&str, &str)]) {
        self.line(style, &self.texts.with(key, args));
    }

    /// A text of the program, broken at the width of the terminal.
    pub(crate) fn paragraph(self, style: Style, text: &str) {
        for row in columns::wrap(text, columns::of_terminal()) {
            self.line(style, &row);
        }
    }

    /// What went wrong: what happened, whether money moved, what to do. For people on standard error.
    pub(crate) fn failure(self, failure: &Failure) {
        let told = failure.tell(self.texts);
        if self.json {
            object(&serde_json::json!({ "error": told }));
            return;
        }
        let money_style = if told.money == MoneyState::Unknown.name() {
            BAD
        } else {
            PLAIN
        };
        let rows = [
            (BAD, &told.text),
            (money_style, &told.money_text),
            (PLAIN, &told.action_text),
        ];
        for (style, text) in rows.into_iter().filter(|(_, text)| !text.is_empty()) {
            for row in columns::wrap(text, columns::of_terminal()) {
                write_error(&paint(style, &row));
            }
        }
    }
}

/// An object for programs, on a line of its own, out at once.
pub(crate) fn object(value: &impl Serialize) {
    if let Ok(line) = serde_json::to_string(value) {
        write_out(&line);
    }
}

/// A text in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Writes a line that the next one follows; whoever closed the pipe does not want it.
fn write_out(line: &str) {
    let mut out = anstream::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

fn write_error(line: &str) {
    let mut out = anstream::stderr().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
