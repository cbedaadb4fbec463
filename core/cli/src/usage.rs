//! Reads the command line; what `--help` and wrong usage tell is in the person's language.
//!
//! The texts have keys made of the command's path and the argument's name: `usage`, `usage-data`, `usage-host`,
//! `usage-host-listen`; `-more` behind a command's key is what only `--help` tells, not `-h`.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use anstyle::Style;
use clap::builder::{Resettable, StyledStr};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches};
use softpos_text::Texts;
use softpos_types::Language;

use crate::args::Arguments;
use crate::exit::Exit;
use crate::failure::{Failure, Mistyped};
use crate::out::Out;

const HEADING: Style = Style::new().bold().underline();

/// Reads the words behind the program's name. If there is nothing to do, as after `--help` or wrong usage, everything
/// was told and the program ends with that code.
pub(crate) fn read(words: &[OsString]) -> Result<(Arguments, Out), ExitCode> {
    let language = asked_language(words).unwrap_or_else(environment_language);
    let texts = Texts::new(language);
    let is_json = words.iter().any(|word| word == "--json");
    let out = Out::new(language, is_json);
    let name = [OsStr::new("softpos")];
    let words = name.into_iter().chain(words.iter().map(OsString::as_os_str));
    let parsed = command(texts)
        .try_get_matches_from(words)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    match parsed {
        Ok(arguments) => Ok((arguments, out)),
        Err(error) if is_answer(error.kind()) => {
            // A reader that is gone, as of a pipe into `head`, misses nothing it wanted.
            drop(error.print());
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            Err(exit.into())
        }
        Err(error) => {
            let failure = Failure::Mistyped(mistyped(&error));
            out.failure(&failure);
            Err(failure.exit().into())
        }
    }
}

/// The commands with their texts.
fn command(texts: Texts) -> Command {
    let command = Arguments::command()
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::Help)
                .global(true),
        )
        .arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version),
        )
        .after_help(texts.get("usage-examples"));
    told(command, "usage", texts)
}

fn told(command: Command, key: &str, texts: Texts) -> Command {
    let usage = texts.get("usage-heading-usage");
    let template = format!(
        "{{about-with-newline}}\n{HEADING}{usage}{HEADING:#} {{usage}}\n\n{{all-args}}{{after-help}}"
    );
    let about = texts.get(key);
    let more = texts.optional(&format!("{key}-more"));
    let long = more.map_or_else(|| about.clone(), |more| format!("{about}\n\n{more}"));
    command
        .disable_help_subcommand(true)
        .help_template(StyledStr::from(template))
        .subcommand_help_heading(texts.get("usage-heading-commands"))
        .subcommand_value_name(texts.get("usage-value-command"))
        .about(about)
        .long_about(long)
        .mut_args(|arg| explained(arg, key, texts))
        .mut_subcommands(|sub| {
            let key = format!("{key}-{}", sub.get_name());
            told(sub, &key, texts)
        })
}

fn explained(arg: Arg, key: &str, texts: Texts) -> Arg {
    let heading = texts.get(if arg.is_positional() {
        "usage-heading-arguments"
    } else {
        "usage-heading-options"
    });
    let default: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    let help = texts.with(
        &format!("{key}-{}", arg.get_id().as_str().replace('_', "-")),
        &[("default", &default.join(" "))],
    );
    // Doc comments of several paragraphs would win over what is set here.
    let is_switch = !arg.get_action().takes_values();
    let arg = arg.help(help).long_help(Resettable::Reset).help_heading(heading);
    if is_switch {
        return arg;
    }
    arg.hide_default_value(true).hide_possible_values(true)
}

fn is_answer(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// What was typed wrong, and what was probably meant.
fn mistyped(error: &clap::Error) -> Mistyped {
    let said = |kind| error.get(kind).map(words_of).unwrap_or_default();
    let (argument, value) = (said(ContextKind::InvalidArg), said(ContextKind::InvalidValue));
    let command = said(ContextKind::InvalidSubcommand);
    let (key, about) = match error.kind() {
        ErrorKind::InvalidSubcommand => ("usage-no-command", command),
        ErrorKind::MissingSubcommand => ("usage-missing-command", String::new()),
        ErrorKind::UnknownArgument => ("usage-no-argument", argument),
        ErrorKind::MissingRequiredArgument => ("usage-missing", argument),
        ErrorKind::ArgumentConflict => ("usage-conflict", argument),
        ErrorKind::InvalidValue | ErrorKind::NoEquals if value.is_empty() => ("usage-no-value", argument),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            ("usage-wrong-value", format!("{argument}: {value}"))
        }
        ErrorKind::NoEquals
        | ErrorKind::TooManyValues
        | ErrorKind::TooFewValues
        | ErrorKind::WrongNumberOfValues
        | ErrorKind::InvalidUtf8
        | ErrorKind::DisplayHelp
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::DisplayVersion
        | ErrorKind::Io
        | ErrorKind::Format
        | _ => ("usage-wrong", argument),
    };
    let meant = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
        ContextKind::ValidValue,
    ];
    let meant = meant.into_iter().map(said).find(|words| !words.is_empty());
    Mistyped { key, about, meant }
}

fn words_of(value: &ContextValue) -> String {
    match value {
        ContextValue::Strings(words) => words.join(", "),
        ContextValue::None => String::new(),
        ContextValue::Bool(_)
        | ContextValue::String(_)
        | ContextValue::StyledStr(_)
        | ContextValue::StyledStrs(_)
        | ContextValue::Number(_)
        | _ => value.to_string(),
    }
}

/// The language that the words ask for, before they are understood. The last counts: it stands behind the command.
fn asked_language(words: &[OsString]) -> Option<Language> {
    let mut words = words.iter().map(|word| word.to_string_lossy());
    let mut asked = None;
    while let Some(word) = words.next() {
        let code = match word.strip_prefix("--lang") {
            Some("") => words.next()?,
            Some(rest) => match rest.strip_prefix('=') {
                Some(code) => code.to_owned().into(),
                None => continue,
            },
            None => continue,
        };
        asked = Language::from_locale(&code);
    }
    asked
}

/// The language of the environment, English if it names none that softpos speaks.
fn environment_language() -> Language {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .and_then(|value| Language::from_locale(&value))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of a command, of its arguments and of the commands below it.
    fn keys(command: &Command, key: &str, found: &mut Vec<String>) {
        found.push(key.to_owned());
        let arguments = command.get_arguments().map(|arg| arg.get_id().as_str());
        found.extend(arguments.map(|id| format!("{key}-{}", id.replace('_', "-"))));
        for sub in command.get_subcommands() {
            keys(sub, &format!("{key}-{}", sub.get_name()), found);
        }
    }

    #[test]
    fn every_command_and_argument_is_explained_in_both_languages() {
        let mut named = Vec::new();
        keys(&command(Texts::new(Language::En)), "usage", &mut named);
        assert!(named.len() > 40, "{}", named.len());
        for language in Language::ALL {
            let texts = Texts::new(language);
            command(texts).debug_assert();
            let unexplained: Vec<_> = named.iter().filter(|key| texts.optional(key).is_none()).collect();
            assert!(unexplained.is_empty(), "{}: {unexplained:?}", language.code());
        }
    }

    #[test]
    fn no_explanation_is_there_for_nothing() {
        let mut named = Vec::new();
        keys(&command(Texts::new(Language::En)), "usage", &mut named);
        let file = include_str!("../../text/locales/en.ftl");
        let written = file.lines().filter_map(|line| line.split_once(" ="));
        let ours = written.map(|(key, _)| key).filter(|key| key.starts_with("usage"));
        for key in ours {
            let command = key.strip_suffix("-more").unwrap_or(key);
            let is_literal = include_str!("usage.rs").contains(&format!("\"{key}\""))
                || include_str!("failure.rs").contains(&format!("\"{key}\""));
            assert!(is_literal || named.iter().any(|name| name == command), "{key}");
        }
    }

    #[test]
    fn chinese_help_has_no_english_sentence() {
        let mut command = command(Texts::new(Language::Zh));
        let help = command.render_long_help().to_string();
        for english in ["Usage", "Options", "Commands", "Print", "default", "possible"] {
            assert!(!help.contains(english), "{english} in {help}");
        }
    }

    #[test]
    fn the_language_is_known_before_the_words_are() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(asked_language(&words("sell --lang zh")), Some(Language::Zh));
        assert_eq!(asked_language(&words("--lang=en sell")), Some(Language::En));
        assert_eq!(
            asked_language(&words("--lang en sell --lang zh")),
            Some(Language::Zh)
        );
        assert_eq!(asked_language(&words("sell --language")), None);
        assert_eq!(asked_language(&words("sell --lang")), None);
    }

    #[test]
    fn what_was_typed_wrong_is_named() {
        for (line, key, about, meant) in [
            ("dmo", "usage-no-command", "dmo", Some("demo")),
            ("demo --sed 1", "usage-no-argument", "--sed", Some("--seed")),
            ("demo --seed x", "usage-wrong-value", "--seed <N>: x", None),
            ("qr show", "usage-missing", "<TEXT>", None),
            ("qr --json", "usage-missing-command", "", None),
        ] {
            let words = std::iter::once("softpos").chain(line.split(' '));
            let error = command(Texts::new(Language::En))
                .try_get_matches_from(words)
                .unwrap_err();
            let told = mistyped(&error);
            assert_eq!((told.key, told.about.as_str()), (key, about), "{line}");
            assert!(
                meant.is_none() || told.meant.as_deref() == meant,
                "{line}: {:?}",
                told.meant
            );
        }
    }
}
