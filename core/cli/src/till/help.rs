//! The help of the till.

use super::command::{COMMANDS, find};
use crate::columns::{left, of_terminal, width, wrap};
use crate::out::{DIM, HEAD, Out, PLAIN, paint};

/// All commands with a line each, or one with its examples.
pub(crate) fn help(out: Out, topic: Option<&str>) {
    match topic.and_then(find) {
        Some(entry) => {
            out.line(HEAD, entry.usage);
            out.paragraph(PLAIN, &sentence(out, entry.name));
            for example in entry.examples {
                out.line(DIM, &format!("  {example}"));
            }
            if entry.name == "fault" {
                out.line(DIM, softpos_acquirer::FAULT_GRAMMAR);
            }
        }
        None => overview(out),
    }
}

/// The sentence about a command.
pub(crate) fn sentence(out: Out, name: &str) -> String {
    out.texts().get(&format!("till-help-{name}"))
}

fn overview(out: Out) {
    out.say(PLAIN, "till-help-intro", &[]);
    let widest = COMMANDS.iter().map(|entry| width(entry.name)).max().unwrap_or(0);
    for entry in COMMANDS {
        let indent = widest + 4;
        let room = of_terminal().saturating_sub(indent).max(20);
        let rows = wrap(&sentence(out, entry.name), room);
        for (position, row) in rows.iter().enumerate() {
            let name = if position == 0 { entry.name } else { "" };
            out.line(PLAIN, &format!("  {}{row}", paint(HEAD, &left(name, widest + 2))));
        }
        let example = entry.examples.first().copied().unwrap_or_default();
        if example != entry.name {
            out.line(DIM, &format!("{}{example}", " ".repeat(indent)));
        }
    }
    out.say(DIM, "till-help-more", &[]);
}

#[cfg(test)]
mod tests {
    use softpos_cards::Kind;
    use softpos_terminal::State;
    use softpos_types::Language;

    use super::*;
    use crate::till::cards::others;

    #[test]
    fn whatever_is_named_at_run_time_has_its_text() {
        let states = State::ALL.map(|state| state.name().replace('_', "-"));
        let keys: Vec<String> = COMMANDS
            .iter()
            .map(|entry| format!("till-help-{}", entry.name))
            .chain(states.map(|state| format!("till-state-{state}")))
            .chain(Kind::ALL.map(|kind| format!("till-card-{}", kind.name())))
            .chain(others().map(|profile| format!("till-card-{}", profile.id)))
            .chain(crate::demo::chapters().map(|name| format!("demo-chapter-{name}")))
            .collect();
        for language in Language::ALL {
            for key in &keys {
                assert_ne!(
                    &Out::new(language, false).texts().get(key),
                    key,
                    "{}",
                    language.code()
                );
            }
        }
    }
}
