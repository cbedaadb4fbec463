//! A receipt as a picture, dot by dot as a printer would set it: cells of 12 dots for a column, 30 dots a row.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "dots of a picture whose sides are far below 2^24"
)]

use ab_glyph::{Font as _, FontRef, Glyph, PxScale, point};

use crate::code::{module_dots, symbol};
use crate::escpos::is_joint;
use crate::font::{self, EM};
use crate::layout::{Columns, Receipt, Row, TextRow};
use crate::render::Rendered;
use crate::wrap::{cells, width};

/// Dots of a column.
const CELL: usize = 12;
/// Dots from one row to the next, the printers' own pitch.
const ROW: usize = 30;
/// Dots of a Hanzi.
const HEIGHT: f32 = 24.0;
/// Dots from the top of a row to the line that letters stand on.
const BASELINE: f32 = 23.0;
/// Free dots above the first and below the last row.
const MARGIN: usize = 12;

/// A grey PNG; nothing if the font cannot be read.
pub(crate) fn png(receipt: &Receipt, columns: Columns) -> Option<Rendered> {
    let mut sheet = Sheet {
        font: font::font()?,
        width: columns.dots(),
        luma: Vec::new(),
        out: Rendered::default(),
    };
    sheet.feed(MARGIN);
    for row in receipt.rows(columns) {
        match row {
            Row::Text(row) => sheet.row(&row),
            Row::Code(text) => sheet.code(&text, columns),
        }
    }
    sheet.feed(MARGIN);
    sheet.encode()
}

struct Sheet {
    font: &'static FontRef<'static>,
    width: usize,
    /// A byte a dot, 0 for black.
    luma: Vec<u8>,
    out: Rendered,
}

impl Sheet {
    /// Dots from the top so far.
    fn height(&self) -> usize {
        self.luma.len().checked_div(self.width).unwrap_or(0)
    }

    fn feed(&mut self, dots: usize) {
        let length = self.luma.len().saturating_add(self.width.saturating_mul(dots));
        self.luma.resize(length, 255);
    }

    fn row(&mut self, row: &TextRow) {
        let top = self.height();
        self.feed(ROW);
        let taken = width(&row.text).saturating_mul(CELL);
        let mut left = if row.centred {
            self.width.saturating_sub(taken) / 2
        } else {
            0
        };
        for (character, columns) in cells(&row.text) {
            let wide = columns.saturating_mul(CELL);
            if columns > 0 && font::glyph(self.font, character).is_some() {
                self.character(character, (left, top), wide);
                if row.bold {
                    self.character(character, (left.saturating_add(1), top), wide);
                }
            } else if !is_joint(character) {
                self.out.note(character);
                self.box_around(left, top, wide);
            }
            left = left.saturating_add(wide);
        }
    }

    fn character(&mut self, character: char, (left, top): (usize, usize), wide: usize) {
        let id = self.font.glyph_id(character);
        let advance = self.font.h_advance_unscaled(id).max(1.0);
        // The rasteriser's scale is the height of the whole line; each character fills its cells.
        let line = self.font.height_unscaled();
        let scale = PxScale {
            x: wide as f32 * line / advance,
            y: HEIGHT * line / EM,
        };
        let position = point(left as f32, top as f32 + BASELINE);
        let Some(outline) = self.font.outline_glyph(Glyph { id, scale, position }) else {
            return;
        };
        let corner = outline.px_bounds().min;
        outline.draw(|x, y, coverage| {
            let x = (corner.x as i64).saturating_add(i64::from(x));
            let y = (corner.y as i64).saturating_add(i64::from(y));
            let grey = u8::MAX.saturating_sub((coverage.clamp(0.0, 1.0) * 255.0) as u8);
            if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) {
                self.darken(x, y, grey);
            }
        });
    }

    /// Stands for a character that the font does not have.
    fn box_around(&mut self, left: usize, top: usize, wide: usize) {
        let (right, above, below) = (wide.saturating_sub(2), 4, 24);
        for x in 1..=right {
            for y in above..=below {
                if x == 1 || x == right || y == above || y == below {
                    self.darken(left.saturating_add(x), top.saturating_add(y), 0);
                }
            }
        }
    }

    /// A symbol in the middle, a free row above and below it.
    fn code(&mut self, text: &str, columns: Columns) {
        let Some(symbol) = symbol(text) else { return };
        let module = usize::from(module_dots(&symbol, columns));
        let side = symbol.side().saturating_mul(module);
        let left = self.width.saturating_sub(side) / 2;
        self.feed(ROW);
        let top = self.height();
        self.feed(side);
        for y in 0..side {
            for x in 0..side {
                let module_at = |v: usize| v.checked_div(module).unwrap_or(0);
                if symbol.is_dark(module_at(x), module_at(y)) {
                    self.darken(left.saturating_add(x), top.saturating_add(y), 0);
                }
            }
        }
        self.feed(ROW);
    }

    fn darken(&mut self, x: usize, y: usize, grey: u8) {
        let at = y.saturating_mul(self.width).saturating_add(x);
        if let Some(dot) = self.luma.get_mut(at).filter(|_| x < self.width) {
            *dot = grey.min(*dot);
        }
    }

    /// 16 greys are enough for letters and halve the file.
    fn encode(mut self) -> Option<Rendered> {
        let (width, height) = (
            u32::try_from(self.width).ok()?,
            u32::try_from(self.height()).ok()?,
        );
        let packed: Vec<u8> = self
            .luma
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |byte, grey| (byte << 4) | (grey >> 4)))
            .collect();
        let mut encoder = png::Encoder::new(&mut self.out.bytes, width, height);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Four);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&packed).ok()?;
        writer.finish().ok()?;
        Some(self.out)
    }
}
