//! A receipt as one page of a PDF: the size of its paper, text that can be selected, the font's used glyphs embedded.

#![expect(clippy::cast_precision_loss, reason = "columns and rows of one page")]

use std::collections::BTreeMap;

use ab_glyph::{Font as _, FontRef};
use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, TextRenderingMode, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};
use softpos_types::Language;
use subsetter::GlyphRemapper;

use crate::code::symbol;
use crate::escpos::is_joint;
use crate::font::{self, EM};
use crate::layout::{Columns, Receipt, Row, TextRow};
use crate::render::Rendered;
use crate::wrap::{cells, width};

/// Points of a Hanzi; a column is half of it.
const SIZE: f32 = 9.0;
const COLUMN: f32 = SIZE / 2.0;
/// Points from one row to the next.
const ROW: f32 = 12.0;
/// Free points around everything.
const MARGIN: f32 = 14.0;
/// Points from the top of a row to the line that letters stand on.
const BASELINE: f32 = 9.0;
/// Points of a symbol's module.
const MODULE: f32 = 2.0;
/// How strongly zlib packs.
const LEVEL: u8 = 9;

const FONT: Name<'static> = Name(b"F");
const FONT_NAME: Name<'static> = Name(b"SOFTPO+MicroHeiMono");
const IDENTITY: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

/// The page; nothing if the font cannot be read.
pub(crate) fn page(receipt: &Receipt, columns: Columns) -> Option<Rendered> {
    let rows = receipt.rows(columns);
    let text_width = columns.count() as f32 * COLUMN;
    let height = rows.iter().map(row_height).sum::<f32>() + 2.0 * MARGIN;
    let mut sheet = Sheet {
        font: font::font()?,
        content: Content::new(),
        glyphs: GlyphRemapper::new(),
        meanings: BTreeMap::new(),
        text_width,
        top: height - MARGIN,
        out: Rendered::default(),
    };
    for row in &rows {
        match row {
            Row::Text(text) => sheet.row(text),
            Row::Code(text) => sheet.code(text),
        }
        sheet.top -= row_height(row);
    }
    let size = Rect::new(0.0, 0.0, text_width + 2.0 * MARGIN, height);
    sheet.finish(receipt, size)
}

fn row_height(row: &Row) -> f32 {
    match row {
        Row::Text(_) => ROW,
        Row::Code(text) => symbol(text).map_or(0.0, |symbol| symbol.side() as f32 * MODULE + 2.0 * ROW),
    }
}

struct Sheet {
    font: &'static FontRef<'static>,
    content: Content,
    glyphs: GlyphRemapper,
    /// The character of each glyph in the embedded font, and its width in thousandths of the font's size.
    meanings: BTreeMap<u16, (char, f32)>,
    text_width: f32,
    /// Points from the bottom to the top of the row.
    top: f32,
    out: Rendered,
}

impl Sheet {
    fn row(&mut self, row: &TextRow) {
        let free = self.text_width - width(&row.text) as f32 * COLUMN;
        let mut left = MARGIN + if row.centred { free / 2.0 } else { 0.0 };
        let base = self.top - BASELINE;
        for (stretch, text, columns) in self.runs(&row.text) {
            if let Some(text) = text {
                self.show(&text, (left, base), stretch, row.bold);
            } else {
                let wide = columns as f32 * COLUMN - 1.0;
                self.content.set_line_width(0.4);
                self.content
                    .rect(left + 0.5, base - 1.0, wide, SIZE - 1.0)
                    .stroke();
            }
            left += columns as f32 * COLUMN;
        }
    }

    fn show(&mut self, glyphs: &[u8], (left, base): (f32, f32), stretch: f32, bold: bool) {
        self.content.begin_text();
        if bold {
            self.content.set_line_width(0.3);
            self.content
                .set_text_rendering_mode(TextRenderingMode::FillStroke);
        }
        self.content
            .set_font(FONT, SIZE)
            .set_horizontal_scaling(stretch)
            .next_line(left, base)
            .show(Str(glyphs));
        if bold {
            self.content.set_text_rendering_mode(TextRenderingMode::Fill);
        }
        self.content.end_text();
    }

    /// The text cut where its stretch changes: percent of the font's own width, glyphs, columns. A box instead of
    /// glyphs stands for one character that the font does not have.
    fn runs(&mut self, text: &str) -> Vec<(f32, Option<Vec<u8>>, usize)> {
        let mut runs: Vec<(f32, Option<Vec<u8>>, usize)> = Vec::new();
        for (character, columns) in cells(text) {
            let known = font::glyph(self.font, character).filter(|_| columns > 0);
            let Some(glyph) = known else {
                if !is_joint(character) {
                    self.out.note(character);
                }
                if columns > 0 {
                    runs.push((100.0, None, columns));
                }
                continue;
            };
            let advance = self.font.h_advance_unscaled(glyph).max(1.0) / EM;
            let id = self.glyphs.remap(glyph.0);
            self.meanings.insert(id, (character, advance * 1000.0));
            let stretch = columns as f32 * COLUMN * 100.0 / (advance * SIZE);
            match runs.last_mut() {
                Some((same, Some(glyphs), taken)) if same.to_bits() == stretch.to_bits() => {
                    glyphs.extend(id.to_be_bytes());
                    *taken = taken.saturating_add(columns);
                }
                _ => runs.push((stretch, Some(id.to_be_bytes().to_vec()), columns)),
            }
        }
        runs
    }

    fn code(&mut self, text: &str) {
        let Some(symbol) = symbol(text) else { return };
        let side = symbol.side();
        let left = MARGIN + (self.text_width - side as f32 * MODULE) / 2.0;
        let top = self.top - ROW;
        for y in 0..side {
            for x in (0..side).filter(|x| symbol.is_dark(*x, y)) {
                self.content.rect(
                    left + x as f32 * MODULE,
                    top - (y as f32 + 1.0) * MODULE,
                    MODULE,
                    MODULE,
                );
            }
        }
        self.content.fill_nonzero();
    }

    fn finish(mut self, receipt: &Receipt, size: Rect) -> Option<Rendered> {
        let [catalog, pages, page, content, info] = [1, 2, 3, 4, 5].map(Ref::new);
        let mut pdf = Pdf::new();
        let language = match receipt.language {
            Language::Zh => "zh-Hans",
            Language::En => "en",
        };
        pdf.catalog(catalog).pages(pages).lang(TextStr(language));
        pdf.document_info(info).title(TextStr(receipt.title()));
        pdf.pages(pages).kids([page]).count(1);
        let mut leaf = pdf.page(page);
        leaf.media_box(size).parent(pages).contents(content);
        leaf.resources().fonts().pair(FONT, Ref::new(FONT_ID));
        leaf.finish();
        let drawn = compress_to_vec_zlib(self.content.finish().as_slice(), LEVEL);
        pdf.stream(content, &drawn).filter(Filter::FlateDecode);
        let subset = subsetter::subset(font::BYTES, 0, &self.glyphs).ok()?;
        write_font(&mut pdf, self.font, &subset, &self.meanings);
        self.out.bytes = pdf.finish();
        Some(self.out)
    }
}

const FONT_ID: i32 = 6;

/// The font with the glyphs that are used, and what each of them means.
fn write_font(pdf: &mut Pdf, font: &FontRef<'_>, subset: &[u8], meanings: &BTreeMap<u16, (char, f32)>) {
    let [cid, descriptor, file, to_unicode] = [7, 8, 9, 10].map(Ref::new);
    pdf.type0_font(Ref::new(FONT_ID))
        .base_font(FONT_NAME)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(to_unicode);
    let mut cid_font = pdf.cid_font(cid);
    cid_font
        .subtype(CidFontType::Type2)
        .base_font(FONT_NAME)
        .system_info(IDENTITY)
        .font_descriptor(descriptor)
        .default_width(1000.0)
        .cid_to_gid_map_predefined(Name(b"Identity"));
    let mut widths = cid_font.widths();
    for (id, (_, wide)) in meanings {
        widths.consecutive(*id, [*wide]);
    }
    widths.finish();
    cid_font.finish();
    let thousandths = |units: f32| units * 1000.0 / EM;
    let (ascent, descent) = (
        thousandths(font.ascent_unscaled()),
        thousandths(font.descent_unscaled()),
    );
    pdf.font_descriptor(descriptor)
        .name(FONT_NAME)
        .flags(FontFlags::SYMBOLIC | FontFlags::FIXED_PITCH)
        .bbox(Rect::new(0.0, descent, 1000.0, ascent))
        .italic_angle(0.0)
        .ascent(ascent)
        .descent(descent)
        .cap_height(ascent)
        .stem_v(80.0)
        .font_file2(file);
    let packed = compress_to_vec_zlib(subset, LEVEL);
    let mut stream = pdf.stream(file, &packed);
    stream.filter(Filter::FlateDecode);
    stream.pair(Name(b"Length1"), i32::try_from(subset.len()).unwrap_or(i32::MAX));
    stream.finish();
    let mut map = UnicodeCmap::<u16>::new(Name(b"Meanings"), IDENTITY);
    for (id, (character, _)) in meanings {
        map.pair(*id, *character);
    }
    pdf.cmap(to_unicode, map.finish().as_slice());
}
