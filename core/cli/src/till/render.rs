//! What a person sees: codes, lists, payments.

use anstyle::{AnsiColor, Color, Style};
use qrcode::{Color as Module, EcLevel, QrCode};

/// Light modules around a code, that readers need.
const QUIET: usize = 4;
/// Dark on light whatever the terminal's own colours are.
const INK: Style = Style::new()
    .fg_color(Some(Color::Ansi(AnsiColor::Black)))
    .bg_color(Some(Color::Ansi(AnsiColor::BrightWhite)));

/// A QR code in half blocks, a row of text for two rows of modules; nothing if the text is too long for a code.
///
/// Without colours a full block stands for a light module, which is right on a dark terminal; most readers take
/// the inverted code of a light one as well.
pub(crate) fn qr(text: &str, colours: bool) -> Option<Vec<String>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)
        .or_else(|_| QrCode::with_error_correction_level(text, EcLevel::L))
        .ok()?;
    let modules = code.width();
    let colors = code.into_colors();
    let side = modules + 2 * QUIET;
    let is_dark = |x: usize, y: usize| {
        let module = |at: usize| at.checked_sub(QUIET).filter(|at| *at < modules);
        match (module(x), module(y)) {
            (Some(x), Some(y)) => colors.get(y * modules + x) == Some(&Module::Dark),
            _ => false,
        }
    };
    let row = |y: usize| {
        let blocks: String = (0..side)
            .map(
                |x| match (is_dark(x, y) == colours, is_dark(x, y + 1) == colours) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                },
            )
            .collect();
        if colours {
            format!("{INK}{blocks}{INK:#}")
        } else {
            blocks
        }
    };
    Some((0..side).step_by(2).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "softpos:activate?v=1&host=https%3A%2F%2F127.0.0.1%3A8443&pin=x&code=01234-56789";

    #[test]
    fn two_modules_share_a_character() {
        let rows = qr(TEXT, false).unwrap();
        let columns = rows[0].chars().count();
        assert_eq!(rows.len(), columns.div_ceil(2));
        assert!(rows.iter().all(|row| row.chars().count() == columns));
    }

    #[test]
    fn the_quiet_zone_is_light() {
        let plain = qr(TEXT, false).unwrap();
        assert!(plain[0].chars().all(|c| c == '█') && plain[1].chars().all(|c| c == '█'));
        let coloured = qr(TEXT, true).unwrap();
        let inner = coloured[0]
            .trim_start_matches(&INK.to_string())
            .trim_end_matches("\u{1b}[0m");
        assert!(inner.chars().all(|c| c == ' '), "{inner:?}");
    }

    #[test]
    fn what_is_drawn_is_the_code() {
        let rows = qr(TEXT, false).unwrap();
        let code = QrCode::with_error_correction_level(TEXT, EcLevel::M).unwrap();
        for (y, row) in rows.iter().enumerate().skip(QUIET / 2).take(code.width() / 2) {
            for (x, block) in row.chars().enumerate().skip(QUIET).take(code.width()) {
                let upper_is_light = matches!(block, '█' | '▀');
                assert_eq!(
                    upper_is_light,
                    code[(x - QUIET, 2 * y - QUIET)] == Module::Light,
                    "{x} {y}"
                );
            }
        }
    }

    #[test]
    fn too_much_text_gives_no_code() {
        assert!(qr(&"x".repeat(4_000), true).is_none());
    }
}
