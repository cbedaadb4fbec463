//! The font of pictures and pages: every character fills the columns it takes.

use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef, GlyphId};

/// GB2312 and ASCII of `WenQuanYi` Micro Hei Mono; `font/README.md` says where it comes from.
pub(crate) static BYTES: &[u8] = include_bytes!("../font/micro-hei-mono-gb2312.ttf");

static FONT: LazyLock<Option<FontRef<'static>>> = LazyLock::new(|| FontRef::try_from_slice(BYTES).ok());

/// Units of the font for the height of a Hanzi.
pub(crate) const EM: f32 = 2048.0;

/// The font; a test holds that it can be read.
pub(crate) fn font() -> Option<&'static FontRef<'static>> {
    FONT.as_ref()
}

/// The glyph of a character; nothing for one that the font does not have.
pub(crate) fn glyph(font: &FontRef<'static>, character: char) -> Option<GlyphId> {
    Some(font.glyph_id(character)).filter(|glyph| glyph.0 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_ascii_and_gb2312_and_no_more() {
        let font = font().unwrap();
        assert_eq!(font.units_per_em(), Some(EM));
        for known in (' '..='~').chain("银联签购单，。￥齄".chars()) {
            assert!(glyph(font, known).is_some(), "{known}");
        }
        for unknown in ['ñ', '㐂', '😀', 'ש'] {
            assert_eq!(glyph(font, unknown), None, "{unknown}");
        }
    }
}
