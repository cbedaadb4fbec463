//! A printer: reads a stream of ESC/POS, knows the commands it knows and nothing else, and draws what it was told.

use ab_glyph::{Font as _, FontRef, Glyph, PxScale, point};
use encoding_rs::GB18030;
use softpos_qr::render::{Purpose, Symbol};
use unicode_width::UnicodeWidthChar;

static FONT: &[u8] = include_bytes!("../../font/micro-hei-mono-gb2312.ttf");

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Printed {
    Row { text: String, centred: bool, bold: bool },
    Code { text: String, module: u8 },
    Drawer,
    Cut,
}

#[derive(Default)]
struct Printer {
    printed: Vec<Printed>,
    line: String,
    centred: bool,
    bold: bool,
    hanzi: bool,
    utf8: bool,
    code: Code,
}

#[derive(Default)]
struct Code {
    module: u8,
    level_q: bool,
    model_2: bool,
    stored: String,
}

/// Obeys the stream.
///
/// # Errors
/// The first byte that is neither a command the printer knows nor text, and where.
pub fn print(stream: &[u8]) -> Result<Vec<Printed>, String> {
    let mut printer = Printer::default();
    let mut at = 0;
    while at < stream.len() {
        let rest = &stream[at..];
        let taken = match rest[0] {
            0x1b..=0x1d => printer.command(rest),
            b'\n' => {
                printer.line_feed();
                Some(1)
            }
            byte if byte >= b' ' && byte != 0x7f => printer.text(rest),
            _ => None,
        };
        at += taken.ok_or_else(|| format!("byte {at}: {:02X?}", &rest[..rest.len().min(8)]))?;
    }
    (printer.line.is_empty() && printer.printed.last() == Some(&Printed::Cut))
        .then_some(printer.printed)
        .ok_or_else(|| "the slip is not cut".to_owned())
}

impl Printer {
    fn command(&mut self, rest: &[u8]) -> Option<usize> {
        match rest {
            [0x1b, b'@', ..] => {
                // Only the first command of all: it forgets everything.
                (self.printed.is_empty() && self.line.is_empty()).then_some(2)
            }
            [0x1b, b'a', n @ 0..=1, ..] => {
                self.centred = *n == 1;
                // Printers obey it at the beginning of a line alone.
                self.line.is_empty().then_some(3)
            }
            [0x1b, b'E', n @ 0..=1, ..] => {
                self.bold = *n == 1;
                Some(3)
            }
            [0x1b, b'p', 0, _, _, ..] => {
                self.printed.push(Printed::Drawer);
                Some(5)
            }
            [0x1c, b'&', ..] => {
                self.hanzi = true;
                Some(2)
            }
            [0x1c, b'(', b'C', 2, 0, b'0', 2, ..] => {
                self.utf8 = true;
                Some(7)
            }
            [0x1d, b'V', b'B', 0, ..] => {
                self.printed.push(Printed::Cut);
                Some(4)
            }
            [0x1d, b'(', b'k', low, high, b'1', function, ..] => {
                let length = usize::from(u16::from_le_bytes([*low, *high]));
                let data = rest.get(7..5 + length)?;
                self.symbol(*function, data)?;
                Some(5 + length)
            }
            _ => None,
        }
    }

    fn symbol(&mut self, function: u8, data: &[u8]) -> Option<()> {
        match (function, data) {
            (b'A', [b'2', 0]) => self.code.model_2 = true,
            (b'C', [module @ 1..=16]) => self.code.module = *module,
            (b'E', [b'2']) => self.code.level_q = true,
            (b'P', [b'0', text @ ..]) => self.code.stored = String::from_utf8(text.to_vec()).ok()?,
            (b'Q', [b'0']) if self.code.model_2 && self.code.level_q && self.line.is_empty() => {
                self.printed.push(Printed::Code {
                    text: std::mem::take(&mut self.code.stored),
                    module: self.code.module,
                });
            }
            _ => return None,
        }
        Some(())
    }

    fn line_feed(&mut self) {
        self.printed.push(Printed::Row {
            text: std::mem::take(&mut self.line),
            centred: self.centred,
            bold: self.bold,
        });
    }

    /// One character.
    fn text(&mut self, rest: &[u8]) -> Option<usize> {
        let length = match (self.utf8, rest[0]) {
            (_, ..=0x7f) => 1,
            (true, 0xc2..=0xdf) => 2,
            (true, 0xe0..=0xef) => 3,
            (true, 0xf0..=0xf4) => 4,
            (false, 0x81..=0xfe) if self.hanzi => 2,
            _ => return None,
        };
        let bytes = rest.get(..length)?;
        if self.utf8 {
            self.line.push_str(std::str::from_utf8(bytes).ok()?);
        } else {
            let (text, wrong) = GB18030.decode_without_bom_handling(bytes);
            if wrong {
                return None;
            }
            self.line.push_str(&text);
        }
        Some(length)
    }
}

/// The dots of a PNG, as wide as it is, in 16 greys.
pub fn dots(png: &[u8]) -> (usize, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut packed = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut packed).unwrap();
    assert_eq!(
        (info.color_type, info.bit_depth),
        (png::ColorType::Grayscale, png::BitDepth::Four)
    );
    let dots = packed.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect();
    (usize::try_from(info.width).unwrap(), dots)
}

/// The paper: a byte a dot, row by row, 0 for black, with as much of it above and below as a picture has.
pub fn draw(printed: &[Printed], width: usize) -> Vec<u8> {
    let font = FontRef::try_from_slice(FONT).unwrap();
    let mut paper = Paper {
        font,
        width,
        dots: vec![255; width * 12],
    };
    for one in printed {
        match one {
            Printed::Row { text, centred, bold } => paper.row(text, *centred, *bold),
            Printed::Code { text, module } => paper.code(text, usize::from(*module)),
            Printed::Drawer | Printed::Cut => {}
        }
    }
    paper.dots.extend(std::iter::repeat_n(255, width * 12));
    paper.dots
}

struct Paper {
    font: FontRef<'static>,
    width: usize,
    dots: Vec<u8>,
}

impl Paper {
    #[allow(clippy::cast_precision_loss)]
    fn row(&mut self, text: &str, centred: bool, bold: bool) {
        let top = self.dots.len() / self.width;
        self.dots.extend(std::iter::repeat_n(255, self.width * 30));
        let wide = |c: char| c.width().unwrap() * 12;
        let all: usize = text.chars().map(wide).sum();
        assert!(all <= self.width, "{text}");
        let mut left = if centred { (self.width - all) / 2 } else { 0 };
        for character in text.chars() {
            let id = self.font.glyph_id(character);
            assert!(id.0 > 0, "{character}");
            let line = self.font.height_unscaled();
            let scale = PxScale {
                x: wide(character) as f32 * line / self.font.h_advance_unscaled(id),
                y: 24.0 * line / 2048.0,
            };
            for shift in 0..=usize::from(bold) {
                let position = point((left + shift) as f32, top as f32 + 23.0);
                if let Some(outline) = self.font.outline_glyph(Glyph { id, scale, position }) {
                    self.ink(&outline);
                }
            }
            left += wide(character);
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn ink(&mut self, outline: &ab_glyph::OutlinedGlyph) {
        let (width, dots) = (self.width, &mut self.dots);
        let corner = outline.px_bounds().min;
        outline.draw(|x, y, coverage| {
            let x = corner.x as i64 + i64::from(x);
            let y = corner.y as i64 + i64::from(y);
            if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y))
                && x < width
            {
                let dot = &mut dots[y * width + x];
                *dot = (*dot).min(255 - (coverage.clamp(0.0, 1.0) * 255.0) as u8);
            }
        });
    }

    fn code(&mut self, text: &str, module: usize) {
        let symbol = Symbol::new(text, Purpose::Print).unwrap();
        let side = symbol.side() * module;
        let left = (self.width - side) / 2;
        for y in 0..side {
            let mut row = vec![255; self.width];
            for x in 0..side {
                if symbol.is_dark(x / module, y / module) {
                    row[left + x] = 0;
                }
            }
            self.dots.extend(row);
        }
    }
}
