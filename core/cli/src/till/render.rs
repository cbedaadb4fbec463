//! Codes in the terminal.

use anstyle::{AnsiColor, Color, Style};
use softpos_qr::render::{Ink, Purpose, Symbol};

/// Dark on light whatever the terminal's own colours are.
const INK: Style = Style::new()
    .fg_color(Some(Color::Ansi(AnsiColor::Black)))
    .bg_color(Some(Color::Ansi(AnsiColor::BrightWhite)));

/// A code in half blocks; nothing if the text is too long for one.
pub(crate) fn qr(text: &str, colours: bool) -> Option<Vec<String>> {
    Some(rows(&Symbol::new(text, Purpose::Screen).ok()?, colours))
}

/// A symbol's rows. Without colours a full block stands for a light module, which is right on a dark terminal.
pub(crate) fn rows(symbol: &Symbol, colours: bool) -> Vec<String> {
    if colours {
        let rows = symbol.blocks(Ink::Dark).into_iter();
        rows.map(|row| format!("{INK}{row}{INK:#}")).collect()
    } else {
        symbol.blocks(Ink::Light)
    }
}

/// Whether standard output shows colours.
pub(crate) fn has_colours() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_dark_on_light_with_and_without_colours() {
        let plain = qr("softpos", false).unwrap();
        assert!(plain[0].chars().all(|c| c == '█') && plain[1].chars().all(|c| c == '█'));
        let coloured = qr("softpos", true).unwrap();
        let inner = coloured[0]
            .trim_start_matches(&INK.to_string())
            .trim_end_matches("\u{1b}[0m");
        assert!(inner.chars().all(|c| c == ' '), "{inner:?}");
    }

    #[test]
    fn too_much_text_gives_no_code() {
        assert!(qr(&"x".repeat(4_000), true).is_none());
    }
}
