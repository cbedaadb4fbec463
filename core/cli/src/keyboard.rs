//! The keyboard without echo, for what nobody may read over a shoulder.

use rustix::io::{Errno, read};
use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use softpos_types::SecretBytes;
use zeroize::Zeroizing;

pub(crate) const CTRL_C: u8 = 3;
pub(crate) const CTRL_D: u8 = 4;
pub(crate) const ESCAPE: u8 = 27;
/// Longer than any secret line.
const MOST_BYTES: usize = 1_024;

/// The keyboard without echo, lines and signals, until dropped.
pub(crate) struct Quiet(Option<Termios>);

impl Quiet {
    pub(crate) fn start() -> Self {
        let Ok(before) = tcgetattr(stdin()) else {
            return Self(None);
        };
        let mut quiet = before.clone();
        quiet
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        match tcsetattr(stdin(), OptionalActions::Flush, &quiet) {
            Ok(()) => Self(Some(before)),
            Err(_) => Self(None),
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // What could not be set back cannot be helped here.
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}

/// The next byte that is typed; the end of the input counts as Ctrl-D.
pub(crate) fn next_byte() -> u8 {
    loop {
        // Not through the library's buffer, which would keep a copy.
        let mut byte = [0_u8];
        match read(stdin(), &mut byte) {
            Ok(1) => return byte[0],
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => return CTRL_D,
        }
    }
}

/// A line that is typed without being shown; `None` after Ctrl-C or Escape.
pub(crate) fn secret_line(prompt: &str) -> Option<SecretBytes> {
    let quiet = Quiet::start();
    show(&format!("{prompt} "));
    let line = edited(next_byte);
    drop(quiet);
    show("\n");
    line
}

/// A line as its bytes come, with the last character taken back where it was.
pub(crate) fn edited(mut next: impl FnMut() -> u8) -> Option<SecretBytes> {
    // Reserved in full, so that no copy is left behind by a reallocation.
    let mut line = Zeroizing::new(Vec::with_capacity(MOST_BYTES));
    loop {
        match next() {
            b'\r' | b'\n' | CTRL_D => return Some(SecretBytes::new(std::mem::take(&mut *line))),
            CTRL_C | ESCAPE => return None,
            0x08 | 0x7F => while line.pop().is_some_and(|byte| byte & 0xC0 == 0x80) {},
            byte if line.len() < MOST_BYTES => line.push(byte),
            _ => {}
        }
    }
}

pub(crate) fn show(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> Option<Vec<u8>> {
        let mut keys = keys.iter().copied();
        edited(|| keys.next().unwrap_or(CTRL_D)).map(|line| line.expose().to_vec())
    }

    #[test]
    fn a_line_is_edited_by_characters_and_can_be_given_up() {
        let text = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(typed(b"horse\rmore"), text("horse"));
        assert_eq!(typed(b"\x7Fhorses\x08 8"), text("horse 8"));
        assert_eq!(typed("口令\u{7f}\u{7f}令\n".as_bytes()), text("令"));
        assert_eq!(typed(b"horse"), text("horse"));
        assert_eq!((typed(b"horse\x03"), typed(b"horse\x1B")), (None, None));
        assert_eq!(typed(&[b'x'; 2_000]).map(|line| line.len()), Some(MOST_BYTES));
    }
}
