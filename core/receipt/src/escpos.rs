//! The bytes for a receipt printer: ESC/POS.
//!
//! The stream uses the least that printers agree on: initialise, align, bold, Hanzi mode or UTF-8, QR, drawer, cut.
//! Texts cannot hold commands: they are cleaned before they come here, and nothing below a space is written as text.

use encoding_rs::GB18030;
use softpos_qr::render::Symbol;

use crate::code::{module_dots, symbol};
use crate::layout::{Columns, Receipt, Row, TextRow};
use crate::render::Rendered;
use crate::wrap::cells;

const INITIALISE: &[u8] = b"\x1b@";
const HANZI_ON: &[u8] = b"\x1c&";
/// FS ( C, function 48: texts are UTF-8.
const UTF8_ON: &[u8] = b"\x1c(C\x02\x000\x02";
/// Pin 2, on for 50 ms, off for 500 ms.
const DRAWER: &[u8] = b"\x1bp\x00\x19\xfa";
/// Feed to the knife and cut; printers without one feed.
const CUT: &[u8] = b"\x1dVB\x00";
/// GS ( k with `1` for QR: model 2, level Q, print what was stored. The symbol's size and text go between them.
const QR_MODEL: &[u8] = b"\x1d(k\x04\x001A2\x00";
const QR_SIZE: &[u8] = b"\x1d(k\x03\x001C";
const QR_LEVEL: &[u8] = b"\x1d(k\x03\x001E2";
const QR_STORE: &[u8] = b"\x1d(k";
const QR_STORED: &[u8] = b"1P0";
const QR_PRINT: &[u8] = b"\x1d(k\x03\x001Q0";

/// How texts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// In the Hanzi mode of Chinese printers.
    Gb18030,
    /// For printers that are told so.
    Utf8,
}

/// The receipt for a printer of that width, with its cut, and with a pulse for the drawer where money goes into it.
pub(crate) fn bytes(receipt: &Receipt, columns: Columns, encoding: Encoding) -> Rendered {
    let rows = receipt.rows(columns);
    let centred = rows.first().is_some_and(Row::is_centred);
    let mut printer = Printer {
        out: Rendered::default(),
        encoding,
        columns,
        centred,
        bold: false,
    };
    printer.put(INITIALISE);
    printer.put(&[0x1b, b'a', u8::from(centred)]);
    printer.put(match encoding {
        Encoding::Gb18030 => HANZI_ON,
        Encoding::Utf8 => UTF8_ON,
    });
    for row in &rows {
        printer.align(row.is_centred());
        match row {
            Row::Text(row) => printer.row(row),
            Row::Code(text) => {
                if let Some(symbol) = symbol(text) {
                    printer.code(text, &symbol);
                }
            }
        }
    }
    if receipt.opens_drawer {
        printer.put(DRAWER);
    }
    printer.put(CUT);
    printer.out
}

struct Printer {
    out: Rendered,
    encoding: Encoding,
    columns: Columns,
    centred: bool,
    bold: bool,
}

impl Printer {
    fn put(&mut self, bytes: &[u8]) {
        self.out.bytes.extend_from_slice(bytes);
    }

    fn align(&mut self, centred: bool) {
        if self.centred != centred {
            self.centred = centred;
            self.put(&[0x1b, b'a', u8::from(centred)]);
        }
    }

    fn row(&mut self, row: &TextRow) {
        if self.bold != row.bold {
            self.bold = row.bold;
            self.put(&[0x1b, b'E', u8::from(row.bold)]);
        }
        for (character, columns) in cells(&row.text) {
            self.character(character, columns);
        }
        self.put(b"\n");
    }

    /// A character; a `?` for each column of one that the printer does not know. What takes no column is left out.
    fn character(&mut self, character: char, columns: usize) {
        let known = match self.encoding {
            _ if columns == 0 || character.is_control() => None,
            Encoding::Utf8 => {
                let mut utf8 = [0; 4];
                Some(character.encode_utf8(&mut utf8).as_bytes().to_vec())
            }
            Encoding::Gb18030 => gb18030(character),
        };
        if let Some(bytes) = known {
            self.put(&bytes);
            return;
        }
        if !is_joint(character) {
            self.out.note(character);
        }
        self.put(&vec![b'?'; columns]);
    }

    /// A symbol with a free line above and below, for its quiet zone.
    fn code(&mut self, text: &str, symbol: &Symbol) {
        let size = module_dots(symbol, self.columns);
        let Ok(length) = u16::try_from(text.len().saturating_add(QR_STORED.len())) else {
            return;
        };
        self.put(b"\n");
        self.put(QR_MODEL);
        self.put(QR_SIZE);
        self.put(&[size]);
        self.put(QR_LEVEL);
        self.put(QR_STORE);
        self.put(&length.to_le_bytes());
        self.put(QR_STORED);
        self.put(text.as_bytes());
        self.put(QR_PRINT);
        self.put(b"\n");
    }
}

/// What joins or varies the character before it, and shows nothing itself.
pub(crate) const fn is_joint(character: char) -> bool {
    matches!(character, '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// The one or two bytes of a character. Printers do not know the characters of four bytes.
fn gb18030(character: char) -> Option<Vec<u8>> {
    let mut utf8 = [0; 4];
    let (bytes, _, unmappable) = GB18030.encode(character.encode_utf8(&mut utf8));
    (!unmappable && bytes.len() <= 2).then(|| bytes.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_four_bytes_are_not_for_printers() {
        assert_eq!(gb18030('￥'), Some(vec![0xA3, 0xA4]));
        assert_eq!(gb18030('银'), Some(vec![0xD2, 0xF8]));
        assert_eq!(gb18030('A'), Some(vec![b'A']));
        for four in ['¥', '㐂', '😀'] {
            assert_eq!(gb18030(four), None, "{four}");
        }
    }
}
