//! Why a command did not do what it was asked for, in words and in exit codes.

use serde::Serialize;
use softpos_acquirer::HostError;
use softpos_text::Texts;
use softpos_types::{Action, MoneyState, SoftPosError};

use crate::exit::Exit;
use crate::till::command::{Misread, find};

/// Why a command did not do what it was asked for.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The core refused.
    Core(SoftPosError),
    /// The line is no command.
    Misread(Misread),
    /// The command line is none.
    Mistyped(Mistyped),
    /// A text of the program, with what it is about; nothing was done.
    Said { key: &'static str, about: String },
    /// Ctrl-C.
    Interrupted,
}

/// What is wrong with the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistyped {
    /// The text.
    pub(crate) key: &'static str,
    /// The word or the option it is about.
    pub(crate) about: String,
    /// What was probably meant, or what is possible.
    pub(crate) meant: Option<String>,
}

/// Texts about what was typed.
const WRONG_WORDS: [&str; 5] = [
    "till-no-card",
    "till-no-card-near",
    "till-no-fault",
    "till-reader-no-such",
    "till-reader-several",
];

/// A failure as people and programs read it.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    /// The stable name.
    pub(crate) code: String,
    /// `not_moved`, `moved` or `unknown`.
    pub(crate) money: &'static str,
    /// The stable name of what to do.
    pub(crate) action: &'static str,
    /// What happened.
    pub(crate) text: String,
    #[serde(skip)]
    pub(crate) money_text: String,
    #[serde(skip)]
    pub(crate) action_text: String,
    /// A remark for support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

impl Failure {
    /// How the program ends if this was the last thing that happened.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Core(error) => Exit::of_error(error),
            Self::Misread(_) | Self::Mistyped(_) => Exit::Usage,
            Self::Said { key, .. } if WRONG_WORDS.contains(key) => Exit::Usage,
            Self::Said { .. } => Exit::Failure,
            Self::Interrupted => Exit::Interrupted,
        }
    }

    /// The sentences and the names.
    pub(crate) fn tell(&self, texts: Texts) -> Told {
        match self {
            Self::Core(error) => tell_error(error, texts),
            Self::Misread(misread) => usage(tell_misread(misread, texts), texts),
            Self::Mistyped(mistyped) => Told {
                money_text: String::new(),
                action_text: texts.get("usage-see-help"),
                ..usage(tell_mistyped(mistyped, texts), texts)
            },
            Self::Said { key, about } => {
                let mut told = usage(texts.with(key, &[("about", about)]), texts);
                told.code = key.trim_start_matches("till-").replace('-', "_");
                told
            }
            Self::Interrupted => {
                let mut told = usage(texts.get("till-interrupted"), texts);
                told.code = String::from("interrupted");
                told
            }
        }
    }
}

impl From<SoftPosError> for Failure {
    fn from(error: SoftPosError) -> Self {
        Self::Core(error)
    }
}

impl From<Misread> for Failure {
    fn from(misread: Misread) -> Self {
        Self::Misread(misread)
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self::Core(error.into())
    }
}

fn tell_error(error: &SoftPosError, texts: Texts) -> Told {
    let fault = error.fault();
    let told = texts.error(error);
    let text = match &fault.detail {
        Some(detail) => format!("{} ({}: {detail})", told.what, fault.code.name()),
        None => format!("{} ({})", told.what, fault.code.name()),
    };
    Told {
        code: fault.code.name().to_owned(),
        money: fault.money.name(),
        action: fault.action.name(),
        text,
        money_text: told.money,
        action_text: told.action,
        detail: fault.detail.clone(),
    }
}

fn usage(text: String, texts: Texts) -> Told {
    Told {
        code: String::from("usage"),
        money: MoneyState::NotMoved.name(),
        action: Action::CorrectInput.name(),
        text,
        money_text: texts.money(MoneyState::NotMoved),
        action_text: String::new(),
        detail: None,
    }
}

fn tell_mistyped(mistyped: &Mistyped, texts: Texts) -> String {
    let text = texts.with(mistyped.key, &[("about", &mistyped.about)]);
    match &mistyped.meant {
        Some(word) => text + " " + &texts.with("till-meant", &[("word", word)]),
        None => text,
    }
}

fn tell_misread(misread: &Misread, texts: Texts) -> String {
    let usage_of = |command: &str| {
        let usage = find(command).map_or("", |entry| entry.usage);
        texts.with("till-usage", &[("usage", usage)])
    };
    let meant = |nearest: Option<&str>, prefix: &str| match nearest {
        Some(word) => texts.with("till-meant", &[("word", &format!("{prefix}{word}"))]),
        None => String::new(),
    };
    let parts = match misread {
        Misread::Command { typed, nearest } => {
            let meant = match nearest {
                Some(_) => meant(*nearest, ""),
                None => texts.get("till-see-help"),
            };
            vec![texts.with("till-no-command", &[("typed", typed)]), meant]
        }
        Misread::Option {
            command,
            typed,
            nearest,
        } => vec![
            texts.with("till-no-option", &[("command", command), ("typed", typed)]),
            meant(*nearest, "--"),
            usage_of(command),
        ],
        Misread::Word {
            command,
            typed,
            nearest,
        } => vec![
            texts.with("till-no-word", &[("command", command), ("typed", typed)]),
            meant(*nearest, ""),
            usage_of(command),
        ],
        Misread::Missing { command } => {
            vec![
                texts.with("till-missing", &[("command", command)]),
                usage_of(command),
            ]
        }
        Misread::Quote => vec![texts.get("till-open-quote")],
    };
    let shown: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    shown.join(" ")
}
