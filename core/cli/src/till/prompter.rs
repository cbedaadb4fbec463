//! Questions to a person: lines with editing and history, choices from a list, a PIN without echo.

use std::path::PathBuf;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};
use softpos_terminal::Terminal;
use softpos_types::SoftPosError;

use super::command::COMMANDS;
use crate::keyboard::{CTRL_C, CTRL_D, ESCAPE, Quiet, next_byte, show};

/// Lines kept for the arrow keys.
const HISTORY_LINES: usize = 500;

/// What a person answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D.
    End,
}

/// Asks the person at the terminal.
pub(crate) struct Prompter {
    editor: Editor<Words, FileHistory>,
    file: PathBuf,
}

/// Completes names of commands.
struct Words;

impl Helper for Words {}

impl Highlighter for Words {}

impl Validator for Words {}

impl Hinter for Words {
    type Hint = String;
}

impl Completer for Words {
    type Candidate = String;

    fn complete(&self, line: &str, end: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = line.get(..end).unwrap_or_default();
        let names = COMMANDS
            .iter()
            .map(|entry| entry.name)
            .filter(|name| name.starts_with(typed));
        Ok((0, names.map(|name| format!("{name} ")).collect()))
    }
}

impl Prompter {
    /// Nothing if the terminal cannot be used for editing.
    pub(crate) fn open(file: PathBuf) -> Option<Self> {
        let config = Config::builder()
            .max_history_size(HISTORY_LINES)
            .ok()?
            .auto_add_history(false)
            .build();
        let mut editor = Editor::with_config(config).ok()?;
        editor.set_helper(Some(Words));
        // The first start has none.
        drop(editor.load_history(&file));
        Some(Self { editor, file })
    }

    /// A command. PINs are not remembered.
    pub(crate) fn command(&mut self, prompt: &str) -> Reply {
        let reply = self.ask(prompt);
        if let Reply::Line(line) = &reply
            && !line.trim().is_empty()
            && !line.trim_start().starts_with("pin")
            && !line.trim_start().starts_with("scan")
        {
            let added = self.editor.add_history_entry(line.as_str());
            if matches!(added, Ok(true)) {
                // Convenience: a history that cannot be kept stops nobody.
                drop(
                    self.editor
                        .append_history(&self.file)
                        .or_else(|_| self.editor.save_history(&self.file)),
                );
            }
        }
        reply
    }

    /// An answer to a question; it is not remembered.
    pub(crate) fn ask(&mut self, prompt: &str) -> Reply {
        match self.editor.readline(prompt) {
            Ok(line) => Reply::Line(line),
            Err(ReadlineError::Interrupted) => Reply::Interrupted,
            Err(_) => Reply::End,
        }
    }
}

/// Takes a PIN at the keyboard, digit by digit straight into the terminal's entry; stars show how many. Says whether
/// it was entered, or given up.
pub(crate) fn pin_pad(terminal: &Terminal, prompt: &str) -> Result<bool, SoftPosError> {
    let entry = terminal.pin_entry()?;
    let quiet = Quiet::start();
    show(&format!("{prompt} "));
    loop {
        match [next_byte()] {
            [digit @ b'0'..=b'9'] if entry.push_digit(digit - b'0').is_ok() => show("*"),
            [0x08 | 0x7F] if !entry.is_empty() => {
                entry.backspace();
                show("\u{8} \u{8}");
            }
            [b'\r' | b'\n'] if (4..=12).contains(&entry.len()) => {
                show("\n");
                drop(quiet);
                entry.submit()?;
                return Ok(true);
            }
            [CTRL_C | CTRL_D | ESCAPE] => {
                show("\n");
                drop(quiet);
                entry.cancel();
                return Ok(false);
            }
            _ => {}
        }
    }
}

/// The choice that an answer means: its number in the list, or its text.
pub(crate) fn chosen<'a>(answer: &str, choices: &[&'a str]) -> Option<&'a str> {
    let answer = answer.trim();
    let by_number = answer
        .parse()
        .ok()
        .and_then(|number: usize| choices.get(number.checked_sub(1)?));
    by_number
        .or_else(|| choices.iter().find(|choice| **choice == answer))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_by_number_and_name() {
        let choices = ["food", "drinks"];
        assert_eq!(chosen("2", &choices), Some("drinks"));
        assert_eq!(chosen(" food ", &choices), Some("food"));
        for wrong in ["0", "3", "", "foo"] {
            assert_eq!(chosen(wrong, &choices), None, "{wrong}");
        }
    }
}
