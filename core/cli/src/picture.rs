//! Pictures in the terminal, where it says that it shows them. A guess would fill the screen with rubbish, so only
//! names that are known count.

use std::fmt::Write as _;
use std::io::{Cursor, IsTerminal, stdout};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Of a picture in base64 that goes out in one piece.
const PIECE: usize = 4_096;

/// How a terminal takes pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Kitty,
    Iterm,
    Sixel,
}

/// The one of the terminal that standard output is, if it is one that has any.
pub(crate) fn protocol() -> Option<Protocol> {
    Some(())
        .filter(|()| stdout().is_terminal())
        .and_then(|()| of(|name| std::env::var(name).ok()))
}

fn of(environment: impl Fn(&str) -> Option<String>) -> Option<Protocol> {
    let value = |name: &str| environment(name).unwrap_or_default();
    let (term, program) = (value("TERM"), value("TERM_PROGRAM"));
    // These stand between the program and the screen, and keep pictures to themselves.
    let between = environment("TMUX").is_some() || term.starts_with("screen") || term.starts_with("tmux");
    if between {
        None
    } else if matches!(term.as_str(), "xterm-kitty" | "xterm-ghostty") {
        Some(Protocol::Kitty)
    } else if matches!(program.as_str(), "iTerm.app" | "WezTerm") {
        Some(Protocol::Iterm)
    } else if matches!(
        term.as_str(),
        "foot" | "foot-extra" | "mlterm" | "mlterm-256color"
    ) {
        Some(Protocol::Sixel)
    } else {
        None
    }
}

impl Protocol {
    /// What makes the terminal show a PNG; nothing for one that is none.
    pub(crate) fn show(self, png: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Kitty => Some(kitty(png)),
            Self::Iterm => Some(iterm(png)),
            Self::Sixel => sixel(png),
        }
    }
}

fn kitty(png: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(png);
    let pieces: Vec<&[u8]> = text.as_bytes().chunks(PIECE).collect();
    let mut shown = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let more = u8::from(number + 1 < pieces.len());
        let keys = if number == 0 { "a=T,f=100," } else { "" };
        shown.extend_from_slice(format!("\x1b_G{keys}m={more};").as_bytes());
        shown.extend_from_slice(piece);
        shown.extend_from_slice(b"\x1b\\");
    }
    shown.push(b'\n');
    shown
}

fn iterm(png: &[u8]) -> Vec<u8> {
    let (size, text) = (png.len(), STANDARD.encode(png));
    format!("\x1b]1337;File=inline=1;size={size}:{text}\x07\n").into_bytes()
}

/// Black and white in bands of six dots.
fn sixel(png: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = png::Decoder::new(Cursor::new(png));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().ok()?;
    let mut grey = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut grey).ok()?;
    let width = usize::try_from(info.width).ok()?;
    let rows: Vec<&[u8]> = grey.chunks_exact(width).collect();
    let mut shown = format!("\x1bPq\"1;1;{width};{}#0;2;0;0;0#1;2;100;100;100", rows.len());
    for band in rows.chunks(6) {
        for colour in 0..=1_u8 {
            let bits = |x: usize| {
                let dots = band.iter().enumerate();
                dots.map(|(y, row)| {
                    let light = row.get(x).is_some_and(|grey| *grey >= 128);
                    u8::from(light == (colour == 1)) << y
                })
                .sum::<u8>()
            };
            // Writing to a string cannot fail.
            let _ = write!(shown, "#{colour}");
            run_lengths(&mut shown, (0..width).map(bits));
            shown.push('$');
        }
        shown.push('-');
    }
    shown.push_str("\x1b\\\n");
    Some(shown.into_bytes())
}

fn run_lengths(shown: &mut String, bits: impl Iterator<Item = u8>) {
    let mut bits = bits.peekable();
    while let Some(first) = bits.next() {
        let mut count = 1;
        while bits.next_if_eq(&first).is_some() {
            count += 1;
        }
        let _ = write!(shown, "!{count}{}", char::from(b'?' + first));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Option<Protocol> {
        of(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn only_terminals_that_are_known_get_pictures() {
        assert_eq!(with(&[("TERM", "xterm-kitty")]), Some(Protocol::Kitty));
        let iterm = [("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")];
        assert_eq!(with(&iterm), Some(Protocol::Iterm));
        assert_eq!(with(&[("TERM", "foot")]), Some(Protocol::Sixel));
        for unknown in [
            &[("TERM", "xterm-256color")][..],
            &[("TERM", "dumb")],
            &[],
            &[("TERM", "xterm-kitty"), ("TMUX", "/tmp/tmux")],
            &[("TERM", "tmux-256color"), ("TERM_PROGRAM", "iTerm.app")],
        ] {
            assert_eq!(with(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn pictures_go_out_whole() {
        let png = vec![7; 10_000];
        let text = STANDARD.encode(&png);
        let kitty = String::from_utf8(Protocol::Kitty.show(&png).unwrap()).unwrap();
        let pieces: Vec<&str> = kitty
            .trim_end()
            .split("\x1b\\")
            .filter(|piece| !piece.is_empty())
            .collect();
        let sent: String = pieces
            .iter()
            .map(|piece| piece.split_once(';').unwrap().1)
            .collect();
        assert_eq!((pieces.len(), sent), (4, text.clone()));
        assert!(pieces[0].starts_with("\x1b_Ga=T,f=100,m=1") && pieces[3].starts_with("\x1b_Gm=0"));
        let iterm = String::from_utf8(Protocol::Iterm.show(&png).unwrap()).unwrap();
        assert!(iterm.contains("size=10000:") && iterm.contains(&text));
    }

    #[test]
    fn sixels_are_the_dots_of_the_picture() {
        let mut picture = Vec::new();
        let mut encoder = png::Encoder::new(&mut picture, 4, 2);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Four);
        let mut writer = encoder.write_header().unwrap();
        // Black black white white, and all white.
        writer.write_image_data(&[0x00, 0xFF, 0xFF, 0xFF]).unwrap();
        writer.finish().unwrap();
        let shown = String::from_utf8(Protocol::Sixel.show(&picture).unwrap()).unwrap();
        assert_eq!(
            shown,
            "\x1bPq\"1;1;4;2#0;2;0;0;0#1;2;100;100;100#0!2@!2?$#1!2A!2B$-\x1b\\\n"
        );
        assert_eq!(Protocol::Sixel.show(b"no picture"), None);
    }
}
